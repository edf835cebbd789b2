"""Publishing: a store's active artwork to a snapshot. Written beside, synced, renamed into place; then CURRENT points to it."""

import os
import shutil
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from embed.errors import FingerprintError, SnapshotError, StoreError
from embed.locks import only_writer
from embed.records import ARTWORK, TITLE, fold
from embed.store import Store, has_table, open_store, read_rows, read_table, read_vectors, write_json, write_text
from embed.tables import sync
from index.changes import Fetch, Layout, lay_out
from index.manifest import BASE, FORMAT, MANIFEST, Entry, Manifest, describe_files, read_manifest
from index.snapshot import CURRENT, Snapshot, current_name, load, verified_manifest
from index.titles import are_units

KEPT = 3  # snapshots that stay after a new one is published, beside the one that serves
ARTWORK_COLUMNS = [name for name in ARTWORK.names if name not in ("added_at", "stamp", "active")]


def publish_snapshot(store: Store, *, rebuild: bool = False) -> Manifest:
    """Publish the store's active artwork as a new snapshot and make it the one that serves.

    Vectors are written anew for the titles whose pictures changed, and for all of them where that is worth it (see
    index.changes) or `rebuild` asks for it.

    Raises StoreError before scripts/embed_artwork.py has run to its end, where another process publishes, and where a vector or
    an id cannot be; FingerprintError where a vector is of another encoder.
    """
    with only_writer(store.lock("snapshots"), "build_index"):
        _check_users_followed(store)
        titles, artwork, known = _titles(store), _active_artwork(store), _known_vectors(store)
        first_rows = _first_rows(titles, artwork, store)
        before = None if rebuild else _usable(store)
        store.snapshots.mkdir(exist_ok=True)
        name = f"{max((int(path.name) for path in _published(store)), default=0) + 1:06d}"
        beside = store.snapshots / f".{name}.{os.getpid()}"
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir()
        layout = lay_out(before, titles, artwork, first_rows, store.dimension, _fetch(store, artwork, known), beside / BASE)
        shared: dict[str, Entry] = {}
        if before is not None and layout.base is None:
            _share(store.snapshots / before.manifest.name / BASE, beside / BASE)
            shared = {BASE: before.manifest.files[BASE]}
        _write_files(beside, layout, first_rows, titles, artwork)
        manifest = Manifest(
            format=FORMAT,
            name=name,
            published_at=datetime.now(UTC).isoformat(timespec="seconds"),
            fingerprint=store.fingerprint,
            dimension=store.dimension,
            titles=len(titles),
            artworks=len(artwork),
            base=before.manifest.base if before is not None and shared else name,
            changed=len(layout.changes),
            files=describe_files(beside, shared),
        )
        write_json(beside / MANIFEST, asdict(manifest))
        _sync(beside)
        beside.rename(store.snapshots / name)
        _point_to(store, name)
        _drop_old(store)
    return manifest


def kept_snapshots(store: Store) -> list[Manifest]:
    """The snapshots that can serve, the latest first; those whose manifest cannot be read are left out."""
    kept = []
    for path in reversed(_published(store)) if store.snapshots.is_dir() else ():
        try:
            kept.append(read_manifest(path))
        except SnapshotError:
            continue
    return kept


def serve_snapshot(store: Store, name: str) -> Manifest:
    """Make a kept snapshot the one that serves: the way back from a bad night.

    Raises SnapshotError where there is none of that name or it is damaged, FingerprintError where it is of an encoder that the
    store does not know, StoreError where another process publishes.
    """
    with only_writer(store.lock("snapshots"), "build_index"):
        if name not in (names := [manifest.name for manifest in kept_snapshots(store)]):
            raise SnapshotError(
                f"{store.root} keeps no snapshot {name!r} that can be read; it keeps {', '.join(names) or 'none'}"
            )
        manifest = verified_manifest(store, name, "choose another one")
        _point_to(store, name)
    return manifest


def _check_users_followed(store: Store) -> None:
    """After a switch of encoders: users whose taste the old snapshot knows must have theirs in the new space, too."""
    try:
        before = open_store(store.root, read_manifest(store.snapshots / current_name(store)).fingerprint)
    except (SnapshotError, StoreError):
        return  # none was published, or it is damaged: what is published now mends it
    if has_table(before, "profiles") and not has_table(store, "profiles"):
        raise StoreError(
            f"{store.root} has no profiles of its new encoder {store.choice} yet, and its users would lose their taste; "
            f"run scripts/embed_users.py CATALOG --store {store.root} first"
        )


def _usable(store: Store) -> Snapshot | None:
    """The snapshot that serves, if its vectors can be taken over: whole, and of the same encoder."""
    try:
        manifest = verified_manifest(store, current_name(store), "")
        return load(store.snapshots / manifest.name, manifest) if manifest.fingerprint == store.fingerprint else None
    except (SnapshotError, FingerprintError):
        return None  # none was published, or it is damaged or of an older format: what is published now mends it


def _titles(store: Store) -> pa.Table:
    """By title_id."""
    titles = _as_recorded(read_table(store, "titles"), TITLE).sort_by("title_id").combine_chunks()
    _check_ids(store, "titles", titles["title_id"])
    return titles


def _active_artwork(store: Store) -> pa.Table:
    """The artwork that can be chosen, by title_id then artwork_id."""
    artwork = _as_recorded(read_table(store, "artwork", where="active"), ARTWORK).select(ARTWORK_COLUMNS)
    _check_ids(store, "artwork", artwork["artwork_id"])
    return artwork.sort_by([("title_id", "ascending"), ("artwork_id", "ascending")]).combine_chunks()


def _as_recorded(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """With the columns that a store of an earlier release does not have yet."""
    columns = [table[f.name] if f.name in table.column_names else pa.nulls(len(table), f.type) for f in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def _check_ids(store: Store, table: str, ids: pa.ChunkedArray) -> None:
    counts = pc.value_counts(ids)
    if (twice := counts.filter(pc.greater(counts.field("counts"), 1))) and len(twice):
        raise StoreError(
            f"{store.root} has {table} {twice[0]['values'].as_py()!r} {twice[0]['counts'].as_py()} times, and an id stands for "
            "one; correct what writes the table, and run scripts/embed_artwork.py again"
        )


def _first_rows(titles: pa.Table, artwork: pa.Table, store: Store) -> np.ndarray:
    """(titles + 1,) int64: where each title's rows begin."""
    numbers = pc.index_in(artwork["title_id"], titles["title_id"].combine_chunks())
    if numbers.null_count:
        stranger = artwork["title_id"].filter(pc.is_null(numbers))[0].as_py()
        raise StoreError(
            f"{store.root} has artwork of title {stranger!r} and no such title: the last run of "
            "scripts/embed_artwork.py was stopped as it ended; run it again"
        )
    first_rows: np.ndarray = np.searchsorted(numbers.to_numpy(), np.arange(len(titles) + 1)).astype(np.int64)
    return first_rows


def _known_vectors(store: Store) -> pa.ChunkedArray:
    """The sha256 of each row of the embeddings. Raises FingerprintError where one is of another encoder."""
    if not has_table(store, "embeddings"):
        return pa.chunked_array([], pa.string())
    known = read_table(store, "embeddings", ["sha256", "fingerprint"])
    if foreign := sorted(set(known["fingerprint"].unique().to_pylist()) - {store.fingerprint}):
        raise FingerprintError(
            f"{store.root} holds vectors of encoder {foreign[0][:12]} beside its own {store.fingerprint[:12]}; "
            "embed the catalog into a new store"
        )
    return known["sha256"]


def _fetch(store: Store, artwork: pa.Table, known: pa.ChunkedArray) -> Fetch:
    """What gives the vectors of rows of the artwork. Raises StoreError where one is not there."""
    found = pc.index_in(artwork["sha256"], known.combine_chunks())
    if found.null_count:
        lost = artwork["path"].filter(pc.is_null(found))[0].as_py()
        raise StoreError(f"{store.root} has no vector of {lost!r}; run scripts/embed_artwork.py again")
    in_store = found.to_numpy().astype(np.int64)

    def fetch(rows: np.ndarray) -> np.ndarray:
        wanted, back = np.unique(in_store[rows], return_inverse=True)
        vectors = read_vectors(read_rows(store, "embeddings", wanted, ["vector"]))[back]
        if not (units := are_units(vectors)).all():
            path = artwork["path"][int(rows[np.flatnonzero(~units)[0]])].as_py()
            raise StoreError(
                f"{store.root}: the vector of {path!r} is not finite and of unit length, so that it was not written by "
                "scripts/embed_artwork.py; embed the catalog into a new store"
            )
        return vectors

    return fetch


def _share(base: Path, place: Path) -> None:
    """One file on disk under two names; a copy where the file system knows no such thing."""
    try:
        os.link(base, place)
    except OSError:
        shutil.copyfile(base, place)


def _write_files(folder: Path, layout: Layout, first_rows: np.ndarray, titles: pa.Table, artwork: pa.Table) -> None:
    """All but the base."""
    arrays = {
        "changes": layout.changes,
        "first_rows": first_rows,
        "first_vectors": layout.first_vectors,
        "means": layout.means,
        "scatter": layout.scatter,
    }
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    people, numbers = _people(artwork["people"].combine_chunks())
    tables = {"titles": titles, "artwork": artwork.append_column("person_numbers", numbers), "people": people}
    for name, table in tables.items():
        with pa.OSFile(str(folder / f"{name}.arrow"), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)


def _people(shown: pa.ListArray) -> tuple[pa.Table, pa.ListArray]:
    """Everyone on any artwork by folded name, and each artwork's people as their numbers, each once."""
    encoded = shown.flatten().dictionary_encode()
    folded = np.array([fold(name) for name in encoded.dictionary.to_pylist()], object)
    names, number_of = np.unique(folded, return_inverse=True) if len(folded) else (folded, np.empty(0, np.int64))
    lengths = pc.fill_null(pc.list_value_length(shown), 0).to_numpy()
    pairs = np.repeat(np.arange(len(shown)), lengths) * max(len(names), 1) + number_of[encoded.indices.to_numpy()]
    artworks, numbers = np.divmod(np.unique(pairs), max(len(names), 1))
    offsets = np.searchsorted(artworks, np.arange(len(shown) + 1)).astype(np.int32)
    return pa.table({"name": pa.array(names.tolist(), pa.string())}), pa.ListArray.from_arrays(
        offsets, numbers.astype(np.int32)
    )


def _sync(folder: Path) -> None:
    """Files before their folder, so that after a power cut a name never points at missing bytes."""
    for path in [*folder.iterdir(), folder]:
        sync(path)


def _point_to(store: Store, name: str) -> None:
    write_text(store.snapshots / CURRENT, f"{name}\n")


def _published(store: Store) -> list[Path]:
    return sorted(path for path in store.snapshots.iterdir() if path.name.isdigit())


def _drop_old(store: Store) -> None:
    """Old snapshots, and what publishers that were killed left behind: nobody else publishes now."""
    for path in [*_published(store)[:-KEPT], *store.snapshots.glob(".[0-9]*.*")]:
        shutil.rmtree(path, ignore_errors=True)
