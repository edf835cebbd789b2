"""What a snapshot says of itself, and whether its files are still what they were when it was published."""

import json
import os
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from embed.errors import SnapshotError

FORMAT = 4
MANIFEST = "manifest.json"
BASE = "vectors.npy"  # by far the largest; snapshots share it
ARRAYS = (  # .npy
    "changes",
    "first_lines",
    "first_rows",
    "first_vectors",
    "line_scatter",
    "means",
    "opposed",
    "scatter",
    "vectors",
    "word_scatter",
    "word_vectors",
)
TABLES = ("artwork", "copy", "people", "titles", "words")  # .arrow
FILES = {*(f"{name}.npy" for name in ARRAYS), *(f"{name}.arrow" for name in TABLES)}

Entry = dict[str, int | str]  # {bytes, checksum}

BLOCK = 1 << 26  # bytes hashed by one thread at a time


@dataclass(frozen=True)
class Manifest:
    """What a snapshot says of itself."""

    format: int
    name: str  # six digits, counting on
    published_at: str  # ISO 8601, UTC
    fingerprint: str  # of the encoder whose vectors it has
    dimension: int  # d, their length
    titles: int  # those without artwork included
    artworks: int
    base: str  # the snapshot with which vectors.npy was written
    words: int  # distinct tags and lines of micro-copy
    lines: int  # of copy
    changed: int  # artworks whose vectors are in changes.npy
    files: dict[str, Entry]  # by file name


def read_manifest(folder: Path) -> Manifest:
    """The manifest of the snapshot in `folder`. Raises SnapshotError where it cannot be read or is of another format."""
    try:
        record = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if record["format"] > FORMAT:
            raise SnapshotError(
                f"{folder} has snapshot format {record['format']}, newer than {FORMAT}; upgrade artwork-matcher"
            )
        if record["format"] < FORMAT:
            raise SnapshotError(
                f"{folder} has snapshot format {record['format']}, of an older release; publish the index again"
            )
        manifest = Manifest(**record)
        if set(manifest.files) != FILES or any(set(entry) != {"bytes", "checksum"} for entry in manifest.files.values()):
            raise ValueError("it does not list the files of a snapshot")
        return manifest
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SnapshotError(f"{folder}/{MANIFEST} cannot be read ({error!r}); publish the index again") from error


def describe_files(folder: Path, known: Mapping[str, Entry]) -> dict[str, Entry]:
    """Size and checksum of every file in `folder`, for its manifest; those of `known` as they stand there."""
    return {path.name: known.get(path.name) or _describe(path) for path in sorted(folder.iterdir())}


def _describe(path: Path) -> Entry:
    return {"bytes": path.stat().st_size, "checksum": checksum(path)}


def verify_files(folder: Path, manifest: Manifest, remedy: str, held: Collection[str] = ()) -> None:
    """Sizes and checksums, before any file is parsed: a damaged one would give wrong vectors, or crash the process.

    What is `held` open already, verified when it was opened, is left out. Raises SnapshotError with the `remedy`.
    """
    for name, expected in manifest.files.items():
        if name in held:
            continue
        path = folder / name
        if not path.is_file() or path.stat().st_size != expected["bytes"] or checksum(path) != expected["checksum"]:
            raise SnapshotError(f"{path} is missing or altered since it was published; {remedy}")


def checksum(path: Path) -> str:
    """xxh3 (128 bits) of the file, or of those of its blocks where it has several: all cores hash a large one.

    Against damage, not against forgers: who can write to a store can write whatever checksum they like. sha256 takes five times
    as long, and that is what opening a large snapshot would then take.
    """
    import xxhash

    size = path.stat().st_size
    with path.open("rb") as file, ThreadPoolExecutor(os.cpu_count()) as pool:
        digests = list(pool.map(lambda start: _block(file.fileno(), start), range(0, max(size, 1), BLOCK)))
    return (digests[0] if len(digests) == 1 else xxhash.xxh3_128(b"".join(digests)).digest()).hex()


def _block(descriptor: int, start: int) -> bytes:
    import xxhash

    digest, end = xxhash.xxh3_128(), start + BLOCK
    while start < end and (data := os.pread(descriptor, min(1 << 20, end - start), start)):
        digest.update(data)
        start += len(data)
    return digest.digest()
