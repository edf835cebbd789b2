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
from embed.store import Store, has_table, open_store, write_json, write_text
from embed.tables import sync
from index.changes import Layout, lay_out
from index.contents import Contents, people_of, read_contents
from index.manifest import BASE, FORMAT, MANIFEST, Entry, Manifest, describe_files, read_manifest
from index.snapshot import CURRENT, Snapshot, current_name, kept_folders, load, verified_manifest

KEPT = 3  # snapshots that stay after a new one is published, beside the one that serves


def publish_snapshot(store: Store, *, rebuild: bool = False) -> Manifest:
    """Publish the store's active artwork as a new snapshot and make it the one that serves.

    Vectors are written anew for the titles whose pictures changed, and for all of them where that is worth it (see
    index.changes) or `rebuild` asks for it.

    Raises StoreError before scripts/embed_artwork.py has run to its end, where another process publishes, and where a vector or
    an id cannot be; FingerprintError where a vector is of another encoder.
    """
    with only_writer(store.lock("snapshots"), "build_index"):
        _check_users_followed(store)
        contents = read_contents(store)
        before = None if rebuild else _usable(store)
        store.snapshots.mkdir(exist_ok=True)
        name = f"{max((int(path.name) for path in kept_folders(store)), default=0) + 1:06d}"
        beside = store.snapshots / f".{name}.{os.getpid()}"
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir()
        manifest = _write(store, name, beside, contents, before)
        _sync(beside)
        beside.rename(store.snapshots / name)
        _point_to(store, name)
        _drop_old(store)
    return manifest


def kept_snapshots(store: Store) -> list[Manifest]:
    """The snapshots that can serve, the latest first; those whose manifest cannot be read are left out."""
    kept = []
    for path in reversed(kept_folders(store)):
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


def _write(store: Store, name: str, folder: Path, contents: Contents, before: Snapshot | None) -> Manifest:
    """The files of a snapshot, its manifest last."""
    layout = lay_out(
        before, contents.titles, contents.artwork, contents.first_rows, store.dimension, contents.fetch, folder / BASE
    )
    shared: dict[str, Entry] = {}
    if before is not None and not layout.anew:
        _share(store.snapshots / before.manifest.name / BASE, folder / BASE)
        shared = {BASE: before.manifest.files[BASE]}
    _write_files(folder, layout, contents)
    manifest = Manifest(
        format=FORMAT,
        name=name,
        published_at=datetime.now(UTC).isoformat(timespec="seconds"),
        fingerprint=store.fingerprint,
        dimension=store.dimension,
        titles=len(contents.titles),
        artworks=len(contents.artwork),
        base=before.manifest.base if before is not None and shared else name,
        words=len(contents.words.vectors),
        lines=len(contents.lines),
        changed=len(layout.changes),
        files=describe_files(folder, shared),
    )
    write_json(folder / MANIFEST, asdict(manifest))
    return manifest


def _share(base: Path, place: Path) -> None:
    """One file on disk under two names; a copy where the file system knows no such thing."""
    try:
        os.link(base, place)
    except OSError:
        shutil.copyfile(base, place)


def _write_files(folder: Path, layout: Layout, contents: Contents) -> None:
    """All but the base."""
    arrays = {
        "changes": layout.changes,
        "first_rows": contents.first_rows,
        "first_vectors": layout.first_vectors,
        "means": layout.means,
        "scatter": layout.scatter,
        "word_vectors": contents.words.vectors,
        "word_scatter": contents.words.scatter,
        "first_lines": contents.lines.first,
        "line_scatter": contents.lines.scatter,
        "opposed": contents.lines.opposed,
    }
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    people, numbers = people_of(contents.artwork["people"].combine_chunks())
    said = pa.ListArray.from_arrays(contents.words.begins, contents.words.numbers)
    artwork = contents.artwork.append_column("person_numbers", numbers).append_column("word_numbers", said)
    copy = contents.lines.table.append_column("word_number", pa.array(contents.lines.words, pa.int64()))
    tables = {"titles": contents.titles, "artwork": artwork, "people": people, "copy": copy, "words": contents.words.table}
    for name, table in tables.items():
        with pa.OSFile(str(folder / f"{name}.arrow"), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)


def _sync(folder: Path) -> None:
    """Files before their folder, so that after a power cut a name never points at missing bytes."""
    for path in [*folder.iterdir(), folder]:
        sync(path)


def _point_to(store: Store, name: str) -> None:
    write_text(store.snapshots / CURRENT, f"{name}\n")


def _drop_old(store: Store) -> None:
    """Old snapshots, and what publishers that were killed left behind: nobody else publishes now."""
    for path in [*kept_folders(store)[:-KEPT], *store.snapshots.glob(".[0-9]*.*")]:
        shutil.rmtree(path, ignore_errors=True)
