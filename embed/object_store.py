"""Pictures below an fsspec URL such as s3://bucket/pictures: their bytes, and what tells a changed one without reading it.

What concerns one picture is a PictureError, and the job goes on. What concerns the whole place (no such bucket, no credentials,
no network) is one CatalogError: it would set aside every picture of the catalog.
"""

import os
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from urllib.parse import unquote

from embed.errors import CatalogError, PictureError

# Bytes asked for at once: one request for nearly every picture; a larger one is asked its size before the rest.
FIRST = 8 * 2**20
ASKERS = 16  # threads, where a store cannot list and is asked for each picture
ENTITY_TAGS = ("ETag", "etag")  # S3 and HTTP; Google Cloud Storage and Azure

_places: dict[tuple[int, str], "_Place"] = {}
_opening = threading.Lock()


@dataclass(frozen=True)
class _Place:
    """An opened root."""

    root: str
    files: Any  # the fsspec file system
    base: str  # the root as the file system spells it

    @property
    def can_list(self) -> bool:
        """Not HTTP: what a web server shows of a folder, if anything, is a page."""
        return "://" not in self.base

    @property
    def lists_in_order(self) -> bool:
        """S3 lists by key, from any key on; its directory buckets do neither."""
        return hasattr(self.files, "call_s3") and not self.base.split("/")[0].endswith("--x-s3")


def below(root: str, path: str) -> str:
    """`path` relative to the URL `root`; it may be given so, or as a whole URL below `root`.

    Raises PictureError where it leaves the root: by "..", also an encoded one, or as a URL of another place.
    """
    relative = path.removeprefix(root.rstrip("/") + "/")
    if "://" in relative or ".." in re.split(r"[/\\]", _unescaped(relative)):
        raise PictureError(f"leaves {root}, where the pictures are; put it below that place")
    return relative


def _unescaped(path: str) -> str:
    while (plain := unquote(path)) != path:
        path = plain
    return path


def read_object(root: str, path: str, check_size: Callable[[int], None]) -> bytes:
    """The bytes of the object; `check_size` is called with its size before more than FIRST bytes of it are read.

    Raises PictureError where it leaves the root or cannot be had, CatalogError where nothing below `root` can.
    """
    relative, place = below(root, path), _place(root)
    try:
        return _read(place.files, f"{place.base}/{relative}", check_size)
    except PictureError:
        raise
    except Exception as error:  # fsspec's file systems raise what their own libraries do
        _check_place(place)
        raise _of_one(error) from error


def _read(files: Any, where: str, check_size: Callable[[int], None]) -> bytes:
    try:
        data: bytes = files.cat_file(where, start=0, end=FIRST)
    except (FileNotFoundError, PermissionError):
        raise
    except OSError:
        if files.info(where)["size"] == 0:  # S3 has no first bytes of nothing
            return b""
        raise
    if len(data) == FIRST:
        size = files.info(where)["size"]
        check_size(size)
        data += files.cat_file(where, start=FIRST, end=size) if size > FIRST else b""
    check_size(len(data))  # a server that knows no ranges has sent it all
    return data


def _of_one(error: Exception) -> PictureError:
    if isinstance(error, FileNotFoundError):
        return PictureError("no such object; put the picture there or take the artwork out of the catalog")
    if isinstance(error, PermissionError):
        return PictureError(f"may not be read ({error}); grant it to the credentials of this job")
    return PictureError(f"cannot be read: {error or type(error).__name__}")


def _place(root: str) -> _Place:
    """Opened once per process: fsspec's file systems serve many threads, and none survives a fork."""
    key = os.getpid(), root
    with _opening:
        if key not in _places:
            _places[key] = _opened(root)
        return _places[key]


def _opened(root: str) -> _Place:
    import fsspec

    try:
        files, base = fsspec.core.url_to_fs(root, use_listings_cache=False)  # it would grow, and tell of yesterday
    except ImportError as error:
        extra = "'artwork-matcher[s3]'" if root.startswith(("s3://", "s3a://")) else "its fsspec package"
        raise CatalogError(f"pictures at {root} need an extra package ({error}); pip install {extra}") from error
    except ValueError as error:
        raise CatalogError(
            f"pictures at {root}: {error}; give a URL that fsspec opens, such as s3://bucket/pictures"
        ) from error
    except Exception as error:  # fsspec's file systems raise what their own libraries do
        reason = str(error) or type(error).__name__
        raise CatalogError(f"pictures at {root} cannot be reached: {reason}; check the credentials and the settings") from error
    if not base.strip("/") and root.startswith(("s3:", "s3a:")):
        raise CatalogError(f"pictures at {root}: no bucket; give one, such as s3://bucket/pictures")
    return _Place(root, files, base.rstrip("/"))


def _check_place(place: _Place) -> None:
    """Raise CatalogError where it is not one picture that cannot be had, but all of them."""
    try:
        place.files.info(place.base)
    except Exception as error:
        reason = error.__cause__ or error if isinstance(error, FileNotFoundError) else error  # HTTP's hides what it met
        answered = isinstance(reason, FileNotFoundError) or getattr(reason, "status", None) is not None
        if place.can_list or not answered:  # a web server need not show the folder that its files are in
            raise _of_all(place, error if place.can_list else reason) from error


def _of_all(place: _Place, error: BaseException) -> CatalogError:
    if isinstance(error, FileNotFoundError):
        reason, remedy = "there is nothing", "check the bucket and the folder"
    elif isinstance(error, PermissionError):
        reason, remedy = (
            f"not permitted ({error})",
            "grant the job's credentials listing and reading (s3:ListBucket, s3:GetObject)",
        )
    elif "credentials" in str(error).lower():
        reason, remedy = str(error), "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or AWS_PROFILE, or FSSPEC_S3_ANON=true"
    else:
        reason, remedy = str(error) or type(error).__name__, "check the network and AWS_ENDPOINT_URL, and try again"
    return CatalogError(f"pictures at {place.root} cannot be reached: {reason}; {remedy}")


def stamps_of_objects(root: str, paths: Sequence[str]) -> list[str | None]:
    """Size and entity tag of each; None where the object is not there, leaves the root, or the store keeps no such tags.

    S3 is asked for its keys in order, from the first path to the last: a request brings up to 1,000 of them, and keys that no
    path names are skipped over. So the more paths at a time the better; they may come in any order.
    Raises CatalogError where the place cannot be listed.
    """
    place = _place(root)
    relative = [_below_or_none(root, path) for path in paths]
    wanted = sorted({path for path in relative if path})
    try:
        found = dict(_asked(place, wanted) if not place.can_list else _listed(place, wanted))
    except Exception as error:
        raise _of_all(place, error) from error
    return [found.get(path) if path else None for path in relative]


def _below_or_none(root: str, path: str) -> str | None:
    try:
        return below(root, path)
    except PictureError:
        return None


def _listed(place: _Place, wanted: list[str]) -> Iterator[tuple[str, str | None]]:
    """(path, stamp) of the `wanted`, which are sorted and relative, as far as they are there."""
    if place.lists_in_order:
        yield from _swept(place, wanted)
        return
    for folder, group in groupby(wanted, lambda path: path.rpartition("/")[0]):
        where = f"{place.base}/{folder}".rstrip("/")
        there = {entry["name"]: entry for entry in _entries(place.files, where)}
        yield from ((path, _stamp(there.get(f"{place.base}/{path}"))) for path in group)


def _entries(files: Any, folder: str) -> list[dict[str, Any]]:
    try:
        entries: list[dict[str, Any]] = files.ls(folder, detail=True)
    except FileNotFoundError:
        return []
    return entries


def _swept(place: _Place, wanted: list[str]) -> Iterator[tuple[str, str | None]]:
    bucket, _, folder = place.base.partition("/")
    prefix = f"{folder}/" if folder else ""
    left, last = iter(wanted), ""
    path = next(left, None)
    while path is not None:
        after = max(prefix + path[:-1], last)  # just before the next one wanted
        page = place.files.call_s3("list_objects_v2", Bucket=bucket, Prefix=prefix, **({"StartAfter": after} if after else {}))
        there = {entry["Key"]: entry for entry in page.get("Contents", ())}
        last = max(there, default="")
        while path is not None and (prefix + path <= last or not page["IsTruncated"]):
            yield path, _stamp(there.get(prefix + path))
            path = next(left, None)


def _asked(place: _Place, wanted: list[str]) -> Iterator[tuple[str, str | None]]:
    with ThreadPoolExecutor(ASKERS) as pool:
        yield from zip(wanted, pool.map(lambda path: _stamp(_info(place, path)), wanted), strict=True)


def _info(place: _Place, path: str) -> dict[str, Any] | None:
    try:
        info: dict[str, Any] = place.files.info(f"{place.base}/{path}")
    except Exception:
        _check_place(place)
        return None
    return info


def _stamp(entry: dict[str, Any] | None) -> str | None:
    """None without an entity tag: a size alone does not tell that the bytes are the same."""
    tag = next((entry[name] for name in ENTITY_TAGS if entry.get(name)), None) if entry else None
    return f"{_size(entry)} {tag}" if entry and tag else None


def _size(entry: dict[str, Any]) -> int | None:
    return entry.get("size", entry.get("Size"))
