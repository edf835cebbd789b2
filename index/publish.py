"""Publishing: a store's active artwork to a snapshot. Written beside, synced, renamed into place; then CURRENT points to it."""

import os
import shutil
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa

from embed.errors import FingerprintError, SnapshotError, StoreError
from embed.locks import only_writer
from embed.store import Store, has_table, open_store, read_table, read_vectors, write_json, write_text
from embed.tables import sync
from index.manifest import FORMAT, MANIFEST, Manifest, describe_files, read_manifest
from index.snapshot import CURRENT, current_name, verified_manifest
from index.titles import TitleIndex, build_index

KEPT = 3  # snapshots that stay after a new one is published, beside the one that serves
ARTWORK_COLUMNS = ["artwork_id", "title_id", "path", "people", "tags", "caption", "copy", "locale", "prominence", "sha256"]


def publish_snapshot(store: Store) -> Manifest:
    """Publish the store's active artwork as a new snapshot and make it the one that serves.

    Raises StoreError before scripts/embed_artwork.py has run to its end, and where another process publishes; FingerprintError
    where a vector is of another encoder.
    """
    with only_writer(store.lock("snapshots"), "build_index"):
        _check_users_followed(store)
        titles = read_table(store, "titles").sort_by("title_id")
        artwork, vectors = _active_artwork(store)
        lists = _title_numbers(titles, artwork, store)
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
            files=describe_files(beside),
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


def _title_numbers(titles: pa.Table, artwork: pa.Table, store: Store) -> np.ndarray:
    """(artworks,) int64: each artwork's title, as its number."""
    number_of = {title_id: number for number, title_id in enumerate(titles["title_id"].to_pylist())}
    of_artwork = artwork["title_id"].to_pylist()
    if strangers := sorted(set(of_artwork) - number_of.keys()):
        raise StoreError(
            f"{store.root} has artwork of title {strangers[0]!r} and no such title: the last run of "
            "scripts/embed_artwork.py was stopped as it ended; run it again"
        )
    return np.array([number_of[title_id] for title_id in of_artwork], np.int64)


def _scatter(vectors: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """How artworks of one title differ, pooled over the catalog: (d, d) float32. The unit in which similarity is measured."""
    if not len(vectors):
        return np.zeros((vectors.shape[1], vectors.shape[1]), np.float32)
    _, group, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    means = np.zeros((len(counts), vectors.shape[1]), np.float64)
    np.add.at(means, group, vectors)
    apart = vectors - (means / counts[:, None])[group].astype(np.float32)  # (n, d)
    scatter: np.ndarray = apart.T @ apart / len(vectors)
    return scatter


def _write_files(folder: Path, index: TitleIndex, artwork: pa.Table, titles: pa.Table, scatter: np.ndarray) -> None:
    for name, array in (("vectors", index.matrix), ("first_rows", index.first_rows), ("scatter", scatter)):
        np.save(folder / f"{name}.npy", array)
    for name, table in (("artwork", artwork), ("titles", titles)):
        with pa.OSFile(str(folder / f"{name}.arrow"), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)


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
