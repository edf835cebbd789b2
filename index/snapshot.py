"""Snapshots as they are opened: verified before anything is parsed, and mapped, so that processes share their memory.

snapshots/CURRENT                the name of the snapshot that serves
snapshots/000007/manifest.json   format, fingerprint, counts, and size and checksum of every other file
snapshots/000007/vectors.npy     (artworks, d) float32, by title_id, then artwork_id
snapshots/000007/first_rows.npy  (titles + 1,) int64: where each title's rows begin
snapshots/000007/artwork.arrow   one row per vector, in their order
snapshots/000007/titles.arrow    one row per title, by title_id
snapshots/000007/scatter.npy     (d, d) float32, pooled scatter of vectors within their titles
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa

from embed.errors import FingerprintError, SnapshotError
from embed.store import Store, knows_encoder
from index.manifest import Manifest, read_manifest, verify_files
from index.titles import TitleIndex

CURRENT = "CURRENT"


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
        """title_id to its number."""
        return {title_id: number for number, title_id in enumerate(self.titles["title_id"].to_pylist())}


def open_snapshot(store: Store) -> Snapshot:
    """Open the snapshot that serves. Raises SnapshotError where there is none or it is damaged, FingerprintError where it is of
    an encoder that the store does not know. After a switch of encoders the former's snapshot serves until the next one."""
    name = current_name(store)
    return _load(store.snapshots / name, verified_manifest(store, name, f"run scripts/build_index.py --store {store.root}"))


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


def verified_manifest(store: Store, name: str, remedy: str) -> Manifest:
    """The manifest of a snapshot whose files are as they were published. Raises SnapshotError, with the `remedy`, where they are
    not, and FingerprintError where it is of an encoder that the store does not know."""
    folder = store.snapshots / name
    manifest = read_manifest(folder)
    if not knows_encoder(store, manifest.fingerprint):
        raise FingerprintError(
            f"snapshot {folder} has vectors of encoder {manifest.fingerprint[:12]}, its store of {store.fingerprint[:12]}; "
            f"run scripts/build_index.py --store {store.root}"
        )
    verify_files(folder, manifest, remedy)
    return manifest


def _load(folder: Path, manifest: Manifest) -> Snapshot:
    vectors, first_rows = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("vectors", "first_rows"))
    artwork, titles = (
        pa.ipc.open_file(pa.memory_map(str(folder / f"{name}.arrow"))).read_all() for name in ("artwork", "titles")
    )
    index = TitleIndex(vectors, first_rows)
    expected = (manifest.dimension, manifest.artworks, manifest.artworks, manifest.artworks, manifest.titles, manifest.titles)
    found = (index.dimension, index.artworks, first_rows[-1], len(artwork), len(titles), index.titles)
    if found != expected:
        raise SnapshotError(f"{folder}: its files do not fit its manifest; publish the index again")
    return Snapshot(manifest, index, artwork, titles, np.load(folder / "scatter.npy"))
