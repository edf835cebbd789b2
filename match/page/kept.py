"""What the page made and keeps beside the store's tables, so that it is made once: each file whole or not at all.

What cannot be kept, since the store is read-only or full, is made again each time.
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

MOST = 16  # files of a folder that is tidied: of the last snapshots


def keep(path: Path, data: bytes) -> None:
    """Not synced, since a lost one is made again."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.{id(data)}")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            beside.write_bytes(data)
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)


def tidy(folder: Path) -> None:
    """Leave the newest MOST files."""
    with suppress(OSError):
        files = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns, reverse=True)
        for path in files[MOST:]:
            path.unlink(missing_ok=True)


def name_of(parts: Iterable[object]) -> str:
    """A name for what follows from these parts alone."""
    return sha256("\n".join(map(str, parts)).encode("utf-8")).hexdigest()[:32]
