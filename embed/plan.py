"""What a run of the batch job has to do: every artwork of the catalog held, by content, against what the store holds."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import pyarrow as pa

from embed.catalog import Catalog
from embed.errors import PictureError
from embed.files import is_url, read_bytes, stamps
from embed.store import Store, has_table, read_table

READERS = 4  # threads: hashing lets go of the interpreter, and reading waits
READERS_REMOTE = 32  # of an object store, where waiting is nearly all
AT_ONCE = 1024  # files handed to the readers at a time: bounds memory

PLACE = ["artwork_id", "title_id", "path"]  # what a picture on its way through the job carries of its artwork

Row = dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """What a run would do. Every artwork of the catalog stands in exactly one of the first five (by artwork_id)."""

    new: tuple[str, ...]  # never seen
    changed: tuple[str, ...]  # seen, with other bytes
    reused: tuple[str, ...]  # new or changed or back again, and its content is embedded already, or will be for another
    unchanged: tuple[str, ...]
    unreadable: tuple[str, ...]  # no bytes to be had, or set aside before with these very bytes
    removed: tuple[str, ...]  # active in the store, and no longer in the catalog
    hashes: pa.ChunkedArray = field(repr=False)  # of each artwork in the catalog's order; null where there are no bytes
    stamps: pa.ChunkedArray = field(repr=False)  # of each artwork's file in that order; null where none can be told
    rejected: dict[str, Row] = field(repr=False)  # artwork_id to its row of REJECTED, for `unreadable`
    hashed: int = field(default=0)  # files read whole; the others' size and time of change say that they are the same

    @property
    def to_embed(self) -> tuple[str, ...]:
        """The artworks whose pictures go through the tower: one of each content."""
        return self.new + self.changed

    @property
    def counts(self) -> dict[str, int]:
        """How many of each, in the order above."""
        return {name: len(getattr(self, name)) for name in ("new", "changed", "reused", "unchanged", "unreadable", "removed")}


@dataclass(frozen=True)
class _Seen:
    """An artwork as the store has it."""

    sha256: str | None
    active: bool
    path: str
    stamp: str | None


def plan_artwork(catalog: Catalog, store: Store, *, retry_rejected: bool = False, rehash: bool = False) -> Plan:
    """What a run would do; writes nothing.

    A file is read and hashed where it is new or where its size or time of change differ from what the last run noted, all of
    them with `rehash`. With `retry_rejected` pictures are tried again that were set aside with these very bytes.
    """
    seen = _seen(store)
    embedded = embedded_contents(store)
    set_aside = {(row["artwork_id"], row["sha256"]): row for row in _rejected(store)}
    groups: dict[str, list[str]] = {name: [] for name in ("new", "changed", "reused", "unchanged", "unreadable")}
    hashes, noted, here = _Texts(), _Texts(), set()
    rejected: dict[str, Row] = {}
    hashed = 0
    for row, stamp, known_by_stamp, read in _read_all(catalog, {} if rehash else seen):
        artwork_id, before = row["artwork_id"], seen.get(row["artwork_id"])
        hashed += not known_by_stamp
        noted.add(stamp)
        hashes.add(None if isinstance(read, PictureError) else read)
        if before:
            here.add(artwork_id)
        if isinstance(read, PictureError):
            rejected[artwork_id] = rejection(row, None, str(read), set_aside.get((artwork_id, None)))
            groups["unreadable"].append(artwork_id)
            continue
        known = set_aside.get((artwork_id, read))
        if read in embedded:
            same = before is not None and before.active and before.sha256 == read
            groups["unchanged" if same else "reused"].append(artwork_id)
        elif known and not retry_rejected:
            rejected[artwork_id] = rejection(row, read, known["reason"], known)
            groups["unreadable"].append(artwork_id)
        else:
            groups["changed" if before and before.sha256 else "new"].append(artwork_id)
            embedded.add(read)  # the same picture twice is embedded once
    removed = tuple(artwork_id for artwork_id, before in seen.items() if before.active and artwork_id not in here)
    named = {name: tuple(ids) for name, ids in groups.items()}
    return Plan(**named, removed=removed, hashes=hashes.all(), stamps=noted.all(), rejected=rejected, hashed=hashed)


class _Texts:
    """A column that grows: millions of texts as Python objects would take three times the memory."""

    def __init__(self) -> None:
        self._chunks: list[pa.Array] = []
        self._last: list[str | None] = []

    def add(self, text: str | None) -> None:
        self._last.append(text)
        if len(self._last) == AT_ONCE:
            self._chunks.append(pa.array(self._last, pa.string()))
            self._last = []

    def all(self) -> pa.ChunkedArray:
        return pa.chunked_array([*self._chunks, pa.array(self._last, pa.string())])


def rejection(row: Row, sha256: str | None, reason: str, before: Row | None) -> Row:
    """A row of REJECTED for one with the columns PLACE; one that failed before in the same way keeps its date."""
    since = before["rejected_at"] if before and before["reason"] == reason else datetime.now(UTC)
    return {**row, "sha256": sha256, "reason": reason, "rejected_at": since}


def embedded_contents(store: Store) -> set[str]:
    """The sha256 of every content that has a vector."""
    return set(read_table(store, "embeddings", ["sha256"])["sha256"].to_pylist()) if has_table(store, "embeddings") else set()


def _seen(store: Store) -> dict[str, _Seen]:
    if not has_table(store, "artwork"):
        return {}
    table = read_table(store, "artwork")
    columns = [table[name].to_pylist() for name in ("artwork_id", "sha256", "active", "path")]
    # a store of an older release has no stamps
    stamps_ = table["stamp"].to_pylist() if "stamp" in table.column_names else [None] * len(table)
    return {row[0]: _Seen(*row[1:]) for row in zip(*columns, stamps_, strict=True)}


def _rejected(store: Store) -> list[Row]:
    rows: list[Row] = read_table(store, "rejected").to_pylist() if has_table(store, "rejected") else []
    return rows


def _read_all(catalog: Catalog, seen: dict[str, _Seen]) -> Iterator[tuple[Row, str | None, bool, str | PictureError]]:
    """(row, stamp, whether it tells that the bytes are the same, sha256 or why there is none), in the catalog's order."""
    rows = catalog.artwork.select(PLACE)
    remote = is_url(catalog.pictures)
    # all at once of an object store, which lists what it has in its own order; a folder is asked file by file
    listed = iter(stamps(catalog.pictures, rows["path"].to_pylist()) if remote else ())
    with ThreadPoolExecutor(READERS_REMOTE if remote else READERS) as pool:
        for chunk in rows.to_batches(max_chunksize=AT_ONCE):
            some = chunk.to_pylist()
            # before the bytes: a file that changes in between has an old stamp, and is read again next time
            found = list(islice(listed, len(some))) if remote else stamps(catalog.pictures, [row["path"] for row in some])
            known = [_known(seen.get(row["artwork_id"]), row["path"], stamp) for row, stamp in zip(some, found, strict=True)]
            read = pool.map(_hash, [catalog.pictures] * len(some), some, known)
            yield from zip(some, found, map(bool, known), read, strict=True)


def _known(seen: _Seen | None, path: str, stamp: str | None) -> str | None:
    return seen.sha256 if seen and stamp and (seen.path, seen.stamp) == (path, stamp) else None


def _hash(root: str, row: Row, known: str | None) -> str | PictureError:
    try:
        return known or hashlib.sha256(read_bytes(root, row["path"])).hexdigest()
    except PictureError as error:
        return error
