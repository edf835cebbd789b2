"""The batch embedding job: plan -> decode -> encode -> commit. Read `embed_artwork` first: it is the whole flow.

What it leaves behind depends only on the catalog and on what the store held before: killed anywhere, it is run again and ends
the same. Vectors are appended in small commits and found by content, so that committed work is never done twice; the artwork
table is replaced at the very end, so that readers see the catalog of the last finished run.
"""

import hashlib
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from warnings import catch_warnings, simplefilter

import numpy as np
import pyarrow as pa

from embed.catalog import Catalog
from embed.errors import EncoderError, PictureError
from embed.pictures import decode, read_bytes
from embed.records import ARTWORK, REJECTED, TITLE, embedding_schema
from embed.store import (
    Store,
    append_rows,
    check_fingerprint,
    has_table,
    read_table,
    remember_catalog,
    replace_table,
    vector_array,
    write_json,
)

if TYPE_CHECKING:
    import torch

    from embed.encoder import Encoder

BATCH = 32  # pictures per pass of the tower: more brings nothing on CPUs
COMMIT_EVERY = 1024  # pictures per commit: what a killed run has to do again at most
DECODERS = 2  # threads: Pillow lets go of the interpreter while it decodes and resizes
AHEAD = 3 * BATCH  # pictures decoded ahead of the tower: bounds memory

Row = dict[str, Any]
Progress = Callable[[int, int], None]  # (pictures done, of how many)


@dataclass(frozen=True)
class Content:
    """A picture as its bytes decide it."""

    sha256: str
    width: int
    height: int


@dataclass(frozen=True)
class Plan:
    """What a run would do. Every artwork of the catalog stands in exactly one of the first five (by artwork_id)."""

    new: tuple[str, ...]  # never seen
    changed: tuple[str, ...]  # seen, with other bytes
    reused: tuple[str, ...]  # new or changed or back again, and its content is embedded already, or will be for another
    unchanged: tuple[str, ...]
    unreadable: tuple[str, ...]  # no bytes to be had, or set aside before with these very bytes
    removed: tuple[str, ...]  # active in the store, and no longer in the catalog
    hashes: dict[str, str] = field(repr=False)  # artwork_id to sha256, where there are bytes
    rejected: dict[str, Row] = field(repr=False)  # artwork_id to its row of REJECTED, for `unreadable`

    @property
    def to_embed(self) -> tuple[str, ...]:
        """The artworks whose pictures go through the tower: one of each content."""
        return self.new + self.changed

    @property
    def counts(self) -> dict[str, int]:
        """How many of each, in the order above."""
        return {name: len(getattr(self, name)) for name in ("new", "changed", "reused", "unchanged", "unreadable", "removed")}


@dataclass(frozen=True)
class JobReport:
    """What a run did."""

    plan: Plan
    embedded: int  # pictures that went through the tower and were committed
    rejected: tuple[Row, ...]  # all pictures set aside as of now, as rows of REJECTED
    seconds: dict[str, float]  # per stage; decode: what the tower waited for it


@dataclass(frozen=True)
class _Picture:
    """A picture on its way to the tower and beyond; `reason` says why it got no further."""

    row: Row
    content: Content | None = None
    pixels: "torch.Tensor | None" = None  # (3, height, width) float32
    vector: np.ndarray | None = None  # (d,) float32
    sha256: str | None = None
    reason: str = ""


def embed_artwork(
    catalog: Catalog, store: Store, encoder: "Encoder", progress: Progress = lambda done, total: None
) -> JobReport:
    """Bring the store to the catalog: embed what is new or changed, retire what is gone, set aside what cannot be read.

    Raises FingerprintError where the encoder is not the store's.
    """
    check_fingerprint(store, encoder.choice, encoder.fingerprint)
    seconds = dict.fromkeys(("plan", "decode", "encode", "commit"), 0.0)
    with _timed(seconds, "plan"):
        plan = plan_artwork(catalog, store)
        to_embed = set(plan.to_embed)
        wanted = [row for row in catalog.artwork.to_pylist() if row["artwork_id"] in to_embed]
    failed: list[_Picture] = []
    pending: list[_Picture] = []
    done = 0
    for batch in _decoded_batches(wanted, catalog.root, encoder, seconds):
        with _timed(seconds, "encode"):
            for picture in _encode(batch, encoder):
                (failed if picture.reason else pending).append(picture)
        done += len(batch)
        if len(pending) >= COMMIT_EVERY or done == len(wanted):
            with _timed(seconds, "commit"):
                _commit_vectors(store, pending)
                pending = []
        progress(done, len(wanted))
    with _timed(seconds, "commit"):
        rejected = _commit_catalog(catalog, store, plan, failed)
    report = JobReport(plan, len(wanted) - len(failed), rejected, {stage: round(s, 3) for stage, s in seconds.items()})
    _write_run(store, report)
    return report


def plan_artwork(catalog: Catalog, store: Store) -> Plan:
    """What a run would do, by content hash; reads every file of the catalog, writes nothing."""
    seen = {row["artwork_id"]: row for row in _rows(store, "artwork", ["artwork_id", "sha256", "active"])}
    embedded = {row["sha256"] for row in _rows(store, "embeddings", ["sha256"])}
    set_aside = {(row["artwork_id"], row["sha256"]): row for row in _rows(store, "rejected")}
    groups: dict[str, list[str]] = {name: [] for name in ("new", "changed", "reused", "unchanged", "unreadable")}
    hashes: dict[str, str] = {}
    rejected: dict[str, Row] = {}
    rows = catalog.artwork.to_pylist()
    for row, read in zip(rows, _hash_all(rows, catalog.root), strict=True):
        artwork_id, before = row["artwork_id"], seen.get(row["artwork_id"])
        if isinstance(read, PictureError):
            rejected[artwork_id] = _rejection(row, None, str(read), set_aside.get((artwork_id, None)))
            groups["unreadable"].append(artwork_id)
            continue
        hashes[artwork_id] = read
        if known := set_aside.get((artwork_id, read)):
            rejected[artwork_id] = _rejection(row, read, known["reason"], known)
            groups["unreadable"].append(artwork_id)
        elif read in embedded:
            same = before is not None and before["active"] and before["sha256"] == read
            groups["unchanged" if same else "reused"].append(artwork_id)
        else:
            groups["changed" if before and before["sha256"] else "new"].append(artwork_id)
            embedded.add(read)  # the same picture twice is embedded once
    here = set(hashes) | set(rejected)
    removed = tuple(artwork_id for artwork_id, row in seen.items() if row["active"] and artwork_id not in here)
    return Plan(**{name: tuple(ids) for name, ids in groups.items()}, removed=removed, hashes=hashes, rejected=rejected)


def _rows(store: Store, table: str, columns: Sequence[str] | None = None) -> list[Row]:
    rows: list[Row] = read_table(store, table, columns).to_pylist() if has_table(store, table) else []
    return rows


def _hash_all(rows: list[Row], root: Path) -> Iterator[str | PictureError]:
    def read(row: Row) -> str | PictureError:
        try:
            return hashlib.sha256(read_bytes(root / row["path"])).hexdigest()
        except PictureError as error:
            return error

    with ThreadPoolExecutor(DECODERS) as pool:
        yield from pool.map(read, rows)


def _rejection(row: Row, sha256: str | None, reason: str, before: Row | None) -> Row:
    """A row of REJECTED; one that failed before in the same way keeps its date."""
    since = before["rejected_at"] if before and before["reason"] == reason else datetime.now(UTC)
    place = {name: row[name] for name in ("artwork_id", "title_id", "path")}
    return {**place, "sha256": sha256, "reason": reason, "rejected_at": since}


def _decoded_batches(wanted: list[Row], root: Path, encoder: "Encoder", seconds: dict[str, float]) -> Iterator[list[_Picture]]:
    """Batches in the catalog's order, decoded by threads ahead of the tower, at most AHEAD of it."""
    with catch_warnings(), ThreadPoolExecutor(DECODERS) as pool:
        simplefilter("ignore")  # Pillow warns of what decode() judges itself; set here, once, since filters are the process's
        waiting: deque[Future[_Picture]] = deque()
        rows = iter(wanted)
        while True:
            with _timed(seconds, "decode"):
                while len(waiting) < AHEAD and (row := next(rows, None)) is not None:
                    waiting.append(pool.submit(_decode_one, row, root, encoder.preprocess))
                batch = [waiting.popleft().result() for _ in range(min(BATCH, len(waiting)))]
            if not batch:
                return
            yield batch


def _decode_one(row: Row, root: Path, preprocess: Any) -> _Picture:
    sha256 = None
    try:
        data = read_bytes(root / row["path"])
        sha256 = hashlib.sha256(data).hexdigest()  # again: the file may have changed since the plan
        picture = decode(data)
        return _Picture(row, Content(sha256, *picture.size), pixels=preprocess(picture), sha256=sha256)
    except PictureError as error:
        return _Picture(row, sha256=sha256, reason=str(error))


def _encode(batch: list[_Picture], encoder: "Encoder") -> list[_Picture]:
    """The batch with vectors; where the tower fails on the whole, each picture is tried alone, so that the others go on."""
    good = [picture for picture in batch if picture.pixels is not None]
    try:
        vectors = encoder.encode_pixels([picture.pixels for picture in good if picture.pixels is not None])
    except EncoderError as error:
        if len(batch) == 1:
            return [replace(batch[0], pixels=None, reason=str(error))]
        return [encoded for picture in batch for encoded in _encode([picture], encoder)]
    encoded = [replace(picture, pixels=None, vector=v) for picture, v in zip(good, vectors, strict=True)]
    return encoded + [picture for picture in batch if picture.reason]


def _commit_vectors(store: Store, pictures: list[_Picture]) -> None:
    """Append their vectors, as one commit."""
    found = {picture.content.sha256: (picture.content, picture.vector) for picture in pictures if picture.content}
    if not found:
        return
    contents = [content for content, _ in found.values()]
    columns = [
        pa.array([content.sha256 for content in contents]),
        pa.array([content.width for content in contents], pa.int32()),
        pa.array([content.height for content in contents], pa.int32()),
        pa.array([store.fingerprint] * len(contents)),
        vector_array(np.stack([vector for _, vector in found.values() if vector is not None])),
    ]
    append_rows(store, "embeddings", pa.Table.from_arrays(columns, schema=embedding_schema(store.dimension)))


def _commit_catalog(catalog: Catalog, store: Store, plan: Plan, failed: list[_Picture]) -> tuple[Row, ...]:
    """Replace titles, artwork and rejected by what the catalog says now; returns the rejected rows."""
    contents = {row["sha256"]: row for row in _rows(store, "embeddings", ["sha256", "width", "height"])}
    before = {row["artwork_id"]: row for row in _rows(store, "artwork")}
    reasons = {plan.hashes[picture.row["artwork_id"]]: picture for picture in failed}
    rejected: list[Row] = []
    artwork: list[Row] = []
    now = datetime.now(UTC)
    for row in catalog.artwork.to_pylist():
        artwork_id = row["artwork_id"]
        sha256 = plan.hashes.get(artwork_id, "")
        content = contents.get(sha256, {})
        if not content:
            failure = reasons.get(sha256) or _Picture(row, sha256=None, reason="changed while it was read; run the job again")
            again = plan.rejected.get(artwork_id) or _rejection(row, failure.sha256, failure.reason, None)
            rejected.append(again)
        added_at = row["added_at"] or before.get(artwork_id, {}).get("added_at") or now
        size = {name: content.get(name) for name in ("width", "height")}
        artwork.append({**row, **size, "added_at": added_at, "sha256": sha256 or None, "active": bool(content)})
    here = {row["artwork_id"] for row in artwork}
    artwork += [{**row, "active": False} for artwork_id, row in before.items() if artwork_id not in here]
    _replace_if_changed(store, "rejected", pa.Table.from_pylist(rejected, schema=REJECTED))
    _replace_if_changed(store, "titles", catalog.titles.cast(TITLE))
    _replace_if_changed(store, "artwork", pa.Table.from_pylist(artwork, schema=ARTWORK))
    remember_catalog(store, catalog.root)
    return tuple(rejected)


def _replace_if_changed(store: Store, name: str, table: pa.Table) -> None:
    """A night on which nothing happened adds no version."""
    if not has_table(store, name) or read_table(store, name).to_pylist() != table.to_pylist():
        replace_table(store, name, table)


def _write_run(store: Store, report: JobReport) -> None:
    """Keep a record of the run with the store."""
    now = datetime.now(UTC)
    record = {
        "finished_at": now.isoformat(timespec="seconds"),
        "plan": report.plan.counts,
        "embedded": report.embedded,
        "rejected": len(report.rejected),
        "seconds": report.seconds,
        "fingerprint": store.fingerprint,
        "versions": {name: version(name) for name in ("torch", "open_clip_torch", "pillow", "pylance")},
    }
    write_json(store.root / "runs" / f"embed_artwork-{now:%Y%m%dT%H%M%S.%f}.json", record)


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    start = time.perf_counter()
    try:
        yield
    finally:
        seconds[stage] += time.perf_counter() - start
