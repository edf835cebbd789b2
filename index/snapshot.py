"""Snapshots as they are opened: verified before anything is parsed, and mapped, so that processes share their memory.

snapshots/CURRENT                   the name of the snapshot that serves
snapshots/000007/manifest.json      format, fingerprint, counts, and size and checksum of every other file
snapshots/000007/vectors.npy        (.., d) float32, the base: one file on disk for all snapshots that share it
snapshots/000007/changes.npy        (.., d) float32, vectors of the titles that changed since the base was written
snapshots/000007/first_rows.npy     (titles + 1,) int64: where each title's rows of the artwork begin
snapshots/000007/first_vectors.npy  (titles,) int64: where each title's vectors begin, those of the base first
snapshots/000007/means.npy          (titles, d) float32: mean of each title's vectors
snapshots/000007/scatter.npy        (d, d) float64: scatter of the vectors within their titles, summed over artworks
snapshots/000007/word_vectors.npy   (words, d) float32: of each tag and line of micro-copy
snapshots/000007/word_scatter.npy   (d, d) float32: see index.words.Words
snapshots/000007/first_lines.npy    (titles + 1,) int64: where each title's lines of copy begin
snapshots/000007/line_scatter.npy   (d, d) float32: see index.words.Lines
snapshots/000007/opposed.npy        (..,) int64: which line contradicts which artwork, see index.words.Lines
snapshots/000007/artwork.arrow      one row per artwork, by title_id, then artwork_id
snapshots/000007/titles.arrow       one row per title, by title_id
snapshots/000007/people.arrow       one row per person on any artwork, by folded name; artwork has their numbers
snapshots/000007/words.arrow        one row per word, by kind and text; artwork and copy have their numbers
snapshots/000007/copy.arrow         one row per line of copy, by title_id, then copy_id
"""

from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa

from embed.errors import FingerprintError, SnapshotError
from embed.store import Store, knows_encoder
from index.filters import Flags
from index.manifest import ARRAYS, BASE, TABLES, Manifest, read_manifest, verify_files
from index.titles import TitleIndex
from index.words import Lines, Words

CURRENT = "CURRENT"
BASE_ARRAY = BASE.removesuffix(".npy")
MADV_HUGEPAGE = 14  # Linux
MADV_POPULATE_READ = 22  # Linux 5.14


@dataclass(frozen=True)
class Snapshot:
    """An opened, verified snapshot. Row numbers are those of `artwork`; title numbers those of `titles`."""

    manifest: Manifest
    index: TitleIndex
    artwork: pa.Table
    titles: pa.Table
    means: np.ndarray  # (titles, d) float32: of each title's vectors; 0 without artwork
    scatter_sum: np.ndarray  # (d, d) float64: over artworks, outer product of (vector - its title's mean)
    flags: Flags
    shown: tuple[np.ndarray, np.ndarray]  # (artworks + 1,) where each artwork's people begin in the other: numbers of `people`
    words: Words
    lines: Lines
    _people: pa.Table
    folder: Path | None = None  # where its files lie, in the snapshots of its store

    @cached_property
    def scatter(self) -> np.ndarray:
        """(d, d) float32: mean over artworks of the outer product of (vector - its title's mean)."""
        mean: np.ndarray = (self.scatter_sum / max(self.index.artworks, 1)).astype(np.float32)
        return mean

    def take(self, column: str, rows: np.ndarray) -> pa.Array | pa.ChunkedArray:
        """A column of these rows (n,) of the artwork."""
        if (values := self._taken.get(column)) is None:
            values = self.artwork[column]
            values = self._taken[column] = (
                values.chunk(0) if values.num_chunks == 1 else values
            )  # chunks cost ten times as much
        return values.take(pa.array(rows))

    def texts(self, column: str, rows: np.ndarray) -> list[str]:
        """A column of texts without nulls of these rows (n,) of the artwork: for the few of a page, a third of `take`'s time."""
        offsets, letters = self._letters[column]
        starts, ends = offsets.take(rows), offsets.take(rows + 1)
        _ = letters.take(starts, mode="clip")  # asks for all of them at once: below, each would be waited for in turn
        of_all = letters.data
        return [str(of_all[start:end], "utf-8") for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]

    @cached_property
    def _taken(self) -> dict[str, pa.Array | pa.ChunkedArray]:
        """Columns that `take` was asked for: finding one takes as long as taking from it."""
        return {}

    @cached_property
    def _letters(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Per column that every artwork has: where each text begins in the other, bytes, and the end."""
        found = {}
        for column in ("artwork_id", "path"):
            texts = self.artwork[column].combine_chunks()
            _, offsets, letters = texts.buffers()
            begins = np.frombuffer(offsets, np.int32)[texts.offset :][: len(texts) + 1] if offsets else np.zeros(1, np.int32)
            found[column] = begins, np.frombuffer(letters or b"-", np.uint8)
        return found

    @cached_property
    def appearances(self) -> tuple[np.ndarray, np.ndarray]:
        """`shown` the other way round: (people + 1,) where each person's artwork begins in the other: rows, ascending."""
        begins, people = self.shown
        rows = np.arange(self.index.artworks).repeat(np.diff(begins))
        order = people.astype(np.min_scalar_type(len(self.people))).argsort(
            kind="stable"
        )  # 16 bits take a fifth of 32 bits' time
        return np.append(0, np.bincount(people, minlength=len(self.people)).cumsum()), rows[order]

    @cached_property
    def title_numbers(self) -> dict[str, int]:
        """title_id to its number."""
        return _numbered(self.titles["title_id"])

    @cached_property
    def people(self) -> dict[str, int]:
        """Folded name of everyone who is on any artwork to a number."""
        return _numbered(self._people["name"])


def open_snapshot(store: Store, held: Snapshot | None = None) -> Snapshot:
    """Open the snapshot that serves; of `held`, which is open already, it takes over the base where both share it.

    Raises SnapshotError where there is none or it is damaged, FingerprintError where it is of an encoder that the store does not
    know. After a switch of encoders the former's snapshot serves until the next one.
    """
    name = current_name(store)
    while True:
        try:
            return _open(store, name, held)
        except SnapshotError:
            now = current_name(store)
            if now == name:
                raise
            name = now  # newer ones were published meanwhile, and the one that was to be opened is dropped


def open_kept(store: Store, name: str) -> Snapshot:
    """Open a snapshot that the store keeps, whether it serves or not.

    Raises SnapshotError where none of that name is kept or it is damaged, FingerprintError where it is of an encoder that the store
    does not know.
    """
    return _open(store, kept_folder(store, name).name, None)


def kept_folder(store: Store, name: str) -> Path:
    """The folder of a snapshot that the store keeps; a name is never taken as a path. Raises SnapshotError where none is kept."""
    kept = {folder.name: folder for folder in kept_folders(store)}
    if name not in kept:
        raise SnapshotError(f"{store.root} keeps no snapshot {name!r}; it keeps {', '.join(kept) or 'none'}")
    return kept[name]


def kept_folders(store: Store) -> list[Path]:
    """Those of the snapshots that a store keeps, the latest last."""
    folders = store.snapshots.iterdir() if store.snapshots.is_dir() else ()
    return sorted(path for path in folders if path.name.isdigit())


def current_name(store: Store) -> str:
    """The name of the snapshot that serves. Raises SnapshotError where none does."""
    current = store.snapshots / CURRENT
    try:
        return current.read_text(encoding="ascii").strip()
    except FileNotFoundError as error:
        raise SnapshotError(
            f"{store.root} has no snapshot yet; scripts/build_index.py --store {store.root} makes one"
        ) from error
    except (OSError, ValueError) as error:
        raise SnapshotError(f"{current} cannot be read ({error}); run scripts/build_index.py --store {store.root}") from error


def verified_manifest(store: Store, name: str, remedy: str, held: Snapshot | None = None) -> Manifest:
    """The manifest of a snapshot whose files are as they were published. Raises SnapshotError, with the `remedy`, where they are
    not, and FingerprintError where it is of an encoder that the store does not know."""
    folder = store.snapshots / name
    manifest = read_manifest(folder)
    if not knows_encoder(store, manifest.fingerprint):
        raise FingerprintError(
            f"snapshot {folder} has vectors of encoder {manifest.fingerprint[:12]}, its store of {store.fingerprint[:12]}; "
            f"run scripts/build_index.py --store {store.root}"
        )
    verify_files(folder, manifest, remedy, held=[BASE] if _shares_base(manifest, held) else [])
    return manifest


def load(folder: Path, manifest: Manifest, held: Snapshot | None = None) -> Snapshot:
    """Map the files of a verified snapshot. Raises SnapshotError where they do not fit together."""
    arrays = {name: np.asarray(np.load(folder / f"{name}.npy", mmap_mode="r")) for name in ARRAYS if name != BASE_ARRAY}
    base = held.index.parts[0] if held is not None and _shares_base(manifest, held) else _map_base(folder / BASE)
    tables = {name: pa.ipc.open_file(pa.memory_map(str(folder / f"{name}.arrow"))).read_all() for name in TABLES}
    index = TitleIndex((base, arrays["changes"]), arrays["first_rows"], arrays["first_vectors"])
    words, lines = _words(tables["words"], tables["artwork"], arrays), _lines(tables["copy"], arrays, len(tables["artwork"]))
    fit = _fit(manifest, index, tables["artwork"], tables["titles"], arrays["means"])
    if not fit or not _words_fit(manifest, words, lines):
        raise SnapshotError(f"{folder}: its files do not fit its manifest; publish the index again")
    shown, flags = _lists(tables["artwork"]["person_numbers"]), Flags.of(tables["artwork"])
    return Snapshot(
        manifest,
        index,
        tables["artwork"],
        tables["titles"],
        arrays["means"],
        arrays["scatter"],
        flags,
        shown,
        words,
        lines,
        tables["people"],
        folder,
    )


def _lists(column: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
    """Where each row's numbers begin in the other, and all of them."""
    lists = column.combine_chunks()
    return lists.offsets.to_numpy(), lists.values.to_numpy()


def _words(table: pa.Table, artwork: pa.Table, arrays: dict[str, np.ndarray]) -> Words:
    return Words(table, arrays["word_vectors"], *_lists(artwork["word_numbers"]), arrays["word_scatter"])


def _lines(copy: pa.Table, arrays: dict[str, np.ndarray], artworks: int) -> Lines:
    words = copy["word_number"].to_numpy()
    table = copy.drop_columns(["word_number"])
    return Lines(table, arrays["first_lines"], words, arrays["line_scatter"], arrays["opposed"], artworks)


def _open(store: Store, name: str, held: Snapshot | None) -> Snapshot:
    manifest = verified_manifest(store, name, f"run scripts/build_index.py --store {store.root}", held)
    try:
        return load(store.snapshots / name, manifest, held)
    except OSError as error:  # dropped in this moment: newer ones were published
        raise SnapshotError(f"{store.snapshots / name} cannot be opened ({error}); publish the index again") from error


def _shares_base(manifest: Manifest, held: Snapshot | None) -> bool:
    return held is not None and manifest.files[BASE] == held.manifest.files[BASE]


def _map_base(path: Path) -> np.ndarray:
    """Mapped, with its pages in place where the system can do that at once: no request is the first to touch one."""
    base: np.ndarray = np.load(path, mmap_mode="r")
    for advice in (MADV_HUGEPAGE, MADV_POPULATE_READ):
        with suppress(OSError, AttributeError, ValueError):
            base._mmap.madvise(advice)  # type: ignore[attr-defined]
    return np.asarray(base)  # a plain array on the same memory: numpy's own class for maps is slow in small operations


def _fit(manifest: Manifest, index: TitleIndex, artwork: pa.Table, titles: pa.Table, means: np.ndarray) -> bool:
    """Whether counts, shapes and the places of all vectors agree: FAISS would read outside the files."""
    sizes, total = np.diff(index.first_rows), sum(map(len, index.parts))
    expected = (manifest.artworks, manifest.artworks, manifest.titles, manifest.titles, len(index.first_vectors))
    found = (len(artwork), index.artworks, len(titles), index.titles, index.titles)
    shapes = {part.shape[1:] for part in index.parts} | {means.shape[1:]}
    return (
        found == expected
        and shapes == {(manifest.dimension,)}
        and means.shape[0] == index.titles
        and bool((sizes >= 0).all())
        and bool((index.first_vectors >= 0).all())
        and bool((index.first_vectors + sizes <= total).all())
    )


def _words_fit(manifest: Manifest, words: Words, lines: Lines) -> bool:
    """The same of words and lines of copy."""
    numbers = np.concatenate([words.numbers, lines.words, [0]])
    return (
        words.vectors.shape == (manifest.words, manifest.dimension)
        and (len(words.table), len(lines)) == (manifest.words, manifest.lines)
        and bool(numbers.min() >= 0 and numbers.max() < max(manifest.words, 1))
        and len(lines.first) == manifest.titles + 1
        and (int(lines.first[0]), int(lines.first[-1])) == (0, manifest.lines)
        and bool((np.diff(lines.first) >= 0).all() and (np.diff(lines.opposed) > 0).all())
    )


def _numbered(column: pa.ChunkedArray) -> dict[str, int]:
    return {value: number for number, value in enumerate(column.to_pylist())}
