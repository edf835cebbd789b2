"""Snapshots: the index as it is published and opened. Written beside, synced, renamed into place; verified before it is used.

snapshots/CURRENT            the name of the snapshot that serves
snapshots/000007/manifest.json   format, fingerprint, counts, and size and sha256 of every other file
snapshots/000007/index.faiss     vectors by title
snapshots/000007/artwork.arrow   one row per vector, in the index's order (by title_id, then artwork_id)
snapshots/000007/titles.arrow    one row per title, in the order of list numbers
snapshots/000007/scatter.npy     (d, d) float32, pooled scatter of vectors within their titles
"""

import hashlib
import json
import os
import shutil
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa

from embed.errors import FingerprintError, SnapshotError, StoreError
from embed.store import (
    Store,
    has_table,
    knows_encoder,
    open_store,
    read_table,
    read_vectors,
    write_json,
    write_text,
)
from embed.tables import sync
from index.titles import TitleIndex, build_index

FORMAT = 1
KEPT = 3  # snapshots that stay after a new one is published
FILES = {"artwork.arrow", "index.faiss", "scatter.npy", "titles.arrow"}
ARTWORK_COLUMNS = ["artwork_id", "title_id", "path", "people", "tags", "caption", "copy", "locale", "prominence", "sha256"]


@dataclass(frozen=True)
class Manifest:
    """What a snapshot says of itself."""

    format: int
    name: str
    published_at: str  # ISO 8601, UTC
    fingerprint: str
    dimension: int
    titles: int
    artworks: int
    files: dict[str, dict[str, int | str]]  # file name to {bytes, sha256}


@dataclass(frozen=True)
class Snapshot:
    """An opened, verified snapshot. Row numbers are those of `artwork`; title numbers those of `titles`."""

    manifest: Manifest
    index: TitleIndex
    artwork: pa.Table
    titles: pa.Table
    scatter: np.ndarray  # (d, d) float32: mean over artworks of the outer product of (vector - its title's mean)

    @cached_property
    def title_numbers(self) -> dict[str, int]:
        """title_id to its list number."""
        return {title_id: number for number, title_id in enumerate(self.titles["title_id"].to_pylist())}


def publish_snapshot(store: Store) -> Manifest:
    """Publish the store's active artwork as a new snapshot and make it the one that serves.

    Raises StoreError before scripts/embed_artwork.py has run to its end, FingerprintError where a vector is of another encoder.
    """
    _check_users_followed(store)
    titles = read_table(store, "titles").sort_by("title_id")
    artwork, vectors = _active_artwork(store)
    lists = _list_numbers(titles, artwork, store)
    index = build_index(vectors, lists, len(titles))
    store.snapshots.mkdir(exist_ok=True)
    name = f"{max((int(path.name) for path in _published(store)), default=0) + 1:06d}"
    beside = store.snapshots / f".{name}.{os.getpid()}"
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir()
    _write_files(beside, index, artwork.select(ARTWORK_COLUMNS), titles, _scatter(vectors, lists))
    manifest = Manifest(
        format=FORMAT,
        name=name,
        published_at=datetime.now(UTC).isoformat(timespec="seconds"),
        fingerprint=store.fingerprint,
        dimension=store.dimension,
        titles=len(titles),
        artworks=len(artwork),
        files={path.name: {"bytes": path.stat().st_size, "sha256": _sha256(path)} for path in sorted(beside.iterdir())},
    )
    write_json(beside / "manifest.json", asdict(manifest))
    _sync(beside)
    beside.rename(store.snapshots / name)
    _point_to(store, name)
    _drop_old(store)
    return manifest


def open_snapshot(store: Store) -> Snapshot:
    """Open the snapshot that serves. Raises SnapshotError where there is none or it is damaged, FingerprintError where it is of
    an encoder that the store does not know. After a switch of encoders the former's snapshot serves until the next one."""
    folder = _current(store)
    manifest = _read_manifest(folder)
    if not knows_encoder(store, manifest.fingerprint):
        raise FingerprintError(
            f"snapshot {folder} has vectors of encoder {manifest.fingerprint[:12]}, its store of {store.fingerprint[:12]}; "
            f"run scripts/build_index.py --store {store.root}"
        )
    _verify(folder, manifest, store)
    return _load(folder, manifest)


def _current(store: Store) -> Path:
    current = store.snapshots / "CURRENT"
    try:
        return store.snapshots / current.read_text(encoding="ascii").strip()
    except FileNotFoundError as error:
        raise SnapshotError(
            f"{store.root} has no snapshot yet; scripts/build_index.py --store {store.root} makes one"
        ) from error
    except (OSError, ValueError) as error:
        raise SnapshotError(f"{current} cannot be read ({error}); run scripts/build_index.py --store {store.root}") from error


def _check_users_followed(store: Store) -> None:
    """After a switch of encoders: users whose taste the old snapshot knows must have theirs in the new space, too."""
    try:
        before = open_store(store.root, _read_manifest(_current(store)).fingerprint)
    except (SnapshotError, StoreError):
        return  # none was published, or it is damaged: what is published now mends it
    if has_table(before, "profiles") and not has_table(store, "profiles"):
        raise StoreError(
            f"{store.root} has no profiles of its new encoder {store.choice} yet, and its users would lose their taste; "
            f"run scripts/embed_users.py CATALOG --store {store.root} first"
        )


def _active_artwork(store: Store) -> tuple[pa.Table, np.ndarray]:
    """The artwork that can be chosen, by title_id then artwork_id, and its vectors (n, d) float32."""
    artwork = read_table(store, "artwork", where="active").sort_by([("title_id", "ascending"), ("artwork_id", "ascending")])
    if not len(artwork):
        return artwork, np.empty((0, store.dimension), np.float32)
    embeddings = read_table(store, "embeddings", ["sha256", "fingerprint", "vector"])
    foreign = set(embeddings["fingerprint"].unique().to_pylist()) - {store.fingerprint}
    if foreign:
        raise FingerprintError(
            f"{store.root} holds vectors of encoder {min(foreign)[:12]} beside its own {store.fingerprint[:12]}; "
            "embed the catalog into a new store"
        )
    row_of = {sha256: row for row, sha256 in enumerate(embeddings["sha256"].to_pylist())}
    rows = [row_of[sha256] for sha256 in artwork["sha256"].to_pylist()]
    return artwork, read_vectors(embeddings)[rows]


def _list_numbers(titles: pa.Table, artwork: pa.Table, store: Store) -> np.ndarray:
    """(artworks,) int64: each artwork's title, as its number."""
    number_of = {title_id: number for number, title_id in enumerate(titles["title_id"].to_pylist())}
    of_artwork = artwork["title_id"].to_pylist()
    if strangers := sorted(set(of_artwork) - number_of.keys()):
        raise StoreError(
            f"{store.root} has artwork of title {strangers[0]!r} and no such title: the last run of "
            "scripts/embed_artwork.py was stopped as it ended; run it again"
        )
    return np.array([number_of[title_id] for title_id in of_artwork], np.int64)


def _scatter(vectors: np.ndarray, lists: np.ndarray) -> np.ndarray:
    """How artworks of one title differ, pooled over the catalog: (d, d) float32. The unit in which similarity is measured."""
    if not len(vectors):
        return np.zeros((vectors.shape[1], vectors.shape[1]), np.float32)
    _, group, counts = np.unique(lists, return_inverse=True, return_counts=True)
    means = np.zeros((len(counts), vectors.shape[1]), np.float64)
    np.add.at(means, group, vectors)
    apart = vectors - (means / counts[:, None])[group].astype(np.float32)  # (n, d)
    scatter: np.ndarray = apart.T @ apart / len(vectors)
    return scatter


def _write_files(folder: Path, index: TitleIndex, artwork: pa.Table, titles: pa.Table, scatter: np.ndarray) -> None:
    import faiss

    faiss.write_index(index.faiss_index, str(folder / "index.faiss"))
    for name, table in (("artwork", artwork), ("titles", titles)):
        with pa.OSFile(str(folder / f"{name}.arrow"), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
    np.save(folder / "scatter.npy", scatter)


def _sync(folder: Path) -> None:
    """Files before their folder, so that after a power cut a name never points at missing bytes."""
    for path in [*folder.iterdir(), folder]:
        sync(path)


def _point_to(store: Store, name: str) -> None:
    write_text(store.snapshots / "CURRENT", f"{name}\n")


def _published(store: Store) -> list[Path]:
    return sorted(path for path in store.snapshots.iterdir() if path.name.isdigit())


def _drop_old(store: Store) -> None:
    """Old snapshots, and what publishers that were killed left behind."""
    published = _published(store)
    latest = int(published[-1].name)
    unfinished = [path for path in store.snapshots.glob(".[0-9]*.*") if int(path.name.split(".")[1]) <= latest]
    for path in published[:-KEPT] + unfinished:
        shutil.rmtree(path, ignore_errors=True)


def _read_manifest(folder: Path) -> Manifest:
    try:
        record = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        if record["format"] > FORMAT:
            raise SnapshotError(
                f"{folder} has snapshot format {record['format']}, newer than {FORMAT}; upgrade artwork-matcher"
            )
        manifest = Manifest(**record)
        if set(manifest.files) != FILES or any(set(entry) != {"bytes", "sha256"} for entry in manifest.files.values()):
            raise ValueError("it does not list the files of a snapshot")
        return manifest
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SnapshotError(f"{folder}/manifest.json cannot be read ({error!r}); publish the index again") from error


def _verify(folder: Path, manifest: Manifest, store: Store) -> None:
    """Sizes and checksums before any file is parsed: damaged FAISS files crash the process that reads them."""
    remedy = f"run scripts/build_index.py --store {store.root}"
    for name, expected in manifest.files.items():
        path = folder / name
        if not path.is_file() or path.stat().st_size != expected["bytes"] or _sha256(path) != expected["sha256"]:
            raise SnapshotError(f"{path} is missing or altered since it was published; {remedy}")


def _load(folder: Path, manifest: Manifest) -> Snapshot:
    import faiss

    index = TitleIndex(faiss.read_index(str(folder / "index.faiss")))
    artwork, titles = (
        pa.ipc.open_file(pa.memory_map(str(folder / f"{name}.arrow"))).read_all() for name in ("artwork", "titles")
    )
    if (index.dimension, index.artworks, len(artwork), len(titles)) != (
        manifest.dimension,
        manifest.artworks,
        manifest.artworks,
        manifest.titles,
    ):
        raise SnapshotError(f"{folder}: its files do not fit its manifest; publish the index again")
    return Snapshot(manifest, index, artwork, titles, np.load(folder / "scatter.npy"))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
