"""The bytes of picture files: below a folder, or below an fsspec URL such as s3://bucket/pictures.

A catalog may come from somebody else, so that only files below the pictures' root are opened.
"""

import os
import re
import stat
import time
from collections.abc import Sequence
from pathlib import Path

from embed.errors import PictureError

MAX_BYTES = 200 * 2**20
SETTLED = 2.0  # seconds: the coarsest clock of a file system in use (FAT)


def is_url(root: str) -> bool:
    """Whether fsspec, rather than the file system, has it."""
    return "://" in root


def read_bytes(root: str, path: str) -> bytes:
    """The bytes of the file at `path` below `root`, at most MAX_BYTES of them.

    Raises PictureError where it leaves the root, is missing, no file, not permitted, empty or too large; CatalogError where
    nothing below a URL can be had.
    """
    root = _without_file_scheme(root)
    data = _read_url(root, path) if is_url(root) else _read_file(root, _without_file_scheme(path))
    if not data:
        raise PictureError("the file is empty; copy it again")
    return data


def _missing(path: str) -> str:
    if re.search(r"\\udc[89a-f][0-9a-f]", path):
        return "its name is no UTF-8; rename the file and correct the catalog"
    return "no such file; put the picture there or take the artwork out of the catalog"


def stamps(root: str, paths: Sequence[str]) -> list[str | None]:
    """What tells a changed file without reading it, per path: size and time of change, or an object store's ETag.

    None where it cannot be told, or where the file changed so lately that a second change might bear the same time. Raises
    CatalogError where a URL cannot be listed. S3 answers many paths at a time the faster: see embed.object_store.
    """
    root = _without_file_scheme(root)
    if is_url(root):
        from embed.object_store import stamps_of_objects

        return stamps_of_objects(root, paths)
    return [_stamp_of_file(root, _without_file_scheme(path)) for path in paths]


def _without_file_scheme(place: str) -> str:
    """file:///pictures is the folder /pictures, with all that is checked of a folder."""
    return place.removeprefix("file://")


def _stamp_of_file(root: str, path: str) -> str | None:
    try:
        found = os.stat(os.path.join(root, path))
    except (OSError, ValueError):
        return None
    if time.time() - found.st_mtime < SETTLED:
        return None
    return f"{found.st_size} {found.st_mtime_ns} {found.st_ino}"


def _read_file(root: str, path: str) -> bytes:
    if is_url(path):
        raise PictureError("is a URL, while the pictures are in a folder; give --pictures with the URL below which they lie")
    place = os.path.join(root, path)
    try:
        # realpath, because Path.resolve() raises on a loop of links before Python 3.13
        if not Path(os.path.realpath(place)).is_relative_to(os.path.realpath(root)):
            raise PictureError("leaves the folder of the pictures; put the file below it")
        with open(place, "rb", opener=_open_at_once) as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise PictureError(_missing(path))
            _check_size(found.st_size)
            data = file.read(found.st_size + 1)
            after = os.fstat(file.fileno())
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise PictureError(_missing(path)) from error
    except OSError as error:
        raise PictureError(f"cannot be read: {error.strerror}") from error
    except ValueError as error:  # a zero byte, or half of a surrogate pair
        raise PictureError("no file can have such a name; correct the path in the catalog") from error
    if (len(data), after.st_size, after.st_mtime_ns) != (found.st_size, found.st_size, found.st_mtime_ns):
        raise PictureError("changed while it was read; run the job again")  # what was read may be half of each, or have holes
    return data


def _open_at_once(place: str, flags: int) -> int:
    """A pipe is opened without waiting for somebody to write to it."""
    return os.open(place, flags | os.O_NONBLOCK)


def _read_url(root: str, path: str) -> bytes:
    from embed.object_store import read_object

    return read_object(root, path, _check_size)


def _check_size(size: int) -> None:
    if size > MAX_BYTES:
        raise PictureError(f"{size / 2**20:.0f} MiB is no thumbnail; the limit is {MAX_BYTES // 2**20} MiB")
