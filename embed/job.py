"""The batch embedding job: plan -> decode -> encode -> commit. Read `embed_artwork` first: it is the whole flow.

What it leaves behind depends only on the catalog and on what the store held before: killed anywhere, it is run again and ends
the same. Vectors are appended in small commits and found by content, so that committed work is never done twice; the tables of
artwork and copy are replaced at the very end, so that readers see the catalog of the last finished run.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from embed.backends import Measured, Tower, open_tower, read_verdict, write_verdict
from embed.catalog import Catalog
from embed.locks import only_writer
from embed.one_machine import Embedded, embed_here
from embed.options import JobOptions
from embed.plan import PLACE, Plan, embedded_contents, plan_artwork, rejection
from embed.records import ARTWORK, REJECTED, embedding_schema
from embed.runs import Run, versions, write_run
from embed.stopwatch import Stopwatch
from embed.store import (
    Store,
    append_rows,
    check_fingerprint,
    has_table,
    mend_table,
    open_beside,
    open_store,
    read_table,
    remember_pictures,
    replace_table,
    switch_encoder,
    tidy_table,
    vector_array,
)
from embed.words import WORDS, embed_words

if TYPE_CHECKING:
    from embed.encoder import Encoder

TIDY_EVERY = 200  # commits: a first run over millions of pictures makes thousands
WORTH_MEASURING = 512  # pictures: for fewer, measuring would cost more than a faster backend saves

TABLES = ("embeddings", WORDS, "rejected", "titles", "copy", "artwork")  # in the order in which they are written

Row = dict[str, Any]


@dataclass(frozen=True)
class Event:
    """Something a run says while it goes on: mended, planned, backend, rejected, committed, progress, words or finished,
    with its facts."""

    name: str
    facts: dict[str, Any]


Watch = Callable[[Event], None]


@dataclass(frozen=True)
class JobReport:
    """What a run did."""

    plan: Plan
    embedded: int  # pictures that went through the tower and were committed
    rejected: tuple[Row, ...]  # all pictures set aside as of now, as rows of REJECTED
    seconds: dict[str, float]  # per stage (plan, embed, commit, words …); decode: what the tower waited for it
    images_per_second: float  # of the embedding, without planning
    backend: dict[str, Any]  # how the tower ran and what was measured; empty where there was nothing to embed
    words: int  # tags and lines of copy that went through the text tower and were committed
    divided: tuple[str, ...]  # about each tag and line that is longer than the text tower reads: it was divided, never cut


@dataclass
class _Running:
    """A run while it goes on."""

    watch: Watch
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    stopwatch: Stopwatch = field(default_factory=Stopwatch)
    backend: dict[str, Any] = field(default_factory=dict)  # how the tower runs; empty where nothing was embedded
    total: int = 0
    done: int = 0
    embedded: int = 0
    failed: dict[str, Embedded] = field(default_factory=dict)  # by artwork_id

    def counted(self, results: Iterator[Embedded], plan: Plan, batch: int) -> Iterator[Embedded]:
        """The results; each is counted, noted where it failed, and told to the watcher."""
        self.total, start = len(plan.to_embed), time.perf_counter()
        for result in results:
            self.done += 1
            self.embedded += result.vector is not None
            if result.reason:
                self.failed[result.row["artwork_id"]] = result
                self.watch(Event("rejected", {**result.row, "reason": result.reason}))
            if self.done % batch == 0 or self.done == self.total:
                self._tell(self.done / (time.perf_counter() - start))
            yield result

    def _tell(self, speed: float) -> None:
        facts = {"done": self.done, "total": self.total, "rejected": len(self.failed), "images_per_second": round(speed, 2)}
        self.watch(Event("progress", {**facts, "seconds_left": round((self.total - self.done) / speed, 3)}))


def embed_artwork(
    catalog: Catalog, store: Store, encoder: "Encoder", options: JobOptions | None = None, watch: Watch = lambda event: None
) -> JobReport:
    """Bring the store to the catalog: embed what is new or changed, retire what is gone, set aside what cannot be read.

    Pictures go through the image tower, tags and lines of copy through the text tower. May be killed at any moment and run again: it
    goes on after its last commit, and the store ends the same. watch: is told every Event.

    Raises FingerprintError where the encoder is not the store's, StoreError where another job is writing to the store or where
    it cannot be written (a full disk), EncoderError where the backend asked for is not there or not true.
    """
    check_fingerprint(store, encoder.choice, encoder.fingerprint)
    options, run = options or JobOptions(), _Running(watch)
    with only_writer(store.lock(store.folder), "embed_artwork"):
        _mend(store, watch)
        with run.stopwatch("plan"):
            plan = plan_artwork(catalog, store, retry_rejected=options.retry_rejected, rehash=options.rehash)
        watch(Event("planned", {**plan.counts, "to_embed": len(plan.to_embed), "hashed": plan.hashed}))
        with run.stopwatch("embed"):
            results = run.counted(_results(catalog, store, encoder, plan, options, run), plan, options.batch)
            for number, group in enumerate(_commits(results, options), start=1):
                with run.stopwatch("commit"):
                    _commit(store, group)
                    if number % TIDY_EVERY == 0:
                        tidy_table(store, "embeddings")
                watch(Event("committed", {"pictures": len(group)}))
        with run.stopwatch("words"):
            words, divided = embed_words(catalog, store, encoder, lambda done, total: watch(Event("words", _of(done, total))))
        with run.stopwatch("commit"):
            rejected = _commit_catalog(catalog, store, plan, run.failed)
            for table in TABLES:
                tidy_table(store, table)
        report = _report(run, plan, rejected, words, divided)
        write_run(store, _record(store, report, run, options))
    watch(Event("finished", {"embedded": report.embedded, "rejected": len(rejected), "seconds": report.seconds}))
    return report


def switch_to(
    catalog: Catalog,
    store: Store,
    encoder: "Encoder",
    options: JobOptions | None = None,
    watch: Watch = lambda event: None,
) -> tuple[JobReport, bool]:
    """Embed the catalog with another encoder into tables of its own, beside those that serve, and then make it the store's.

    Returns the report and whether the store was switched: not while an artwork that has a vector of the serving encoder has
    none of the new one. Stopped anywhere, it is run again and goes on; the store serves what it served.

    Raises what `embed_artwork` raises.
    """
    beside = open_beside(store, encoder.choice, encoder.fingerprint, encoder.dimension)
    report = embed_artwork(catalog, beside, encoder, options, watch)
    still_served = embedded_contents(store) & set(report.plan.hashes.to_pylist())
    complete = embedded_contents(beside) >= still_served
    if complete:
        switch_encoder(beside)
    return report, complete


def measure_speed(catalog: Catalog, encoder: "Encoder", plan: Plan, options: JobOptions) -> float:
    """Images per second over the first of the plan's pictures, for an estimate where no run has told yet; writes nothing."""
    start = time.perf_counter()
    rows = islice(_wanted(catalog, plan), 2 * options.batch)

    def plain(sample: np.ndarray) -> Tower:
        return open_tower(encoder, "torch", pictures=sample)[0]

    done = sum(1 for _ in embed_here(rows, catalog.pictures, encoder.preprocessing, options, plain, Stopwatch()))
    return done / (time.perf_counter() - start)


def _mend(store: Store, watch: Watch) -> None:
    """First of all, so that what a power cut took is planned for and done again."""
    for table in TABLES:
        if damage := mend_table(store, table):
            watch(Event("mended", {"table": table, "damage": damage}))


def _results(
    catalog: Catalog, store: Store, encoder: "Encoder", plan: Plan, options: JobOptions, run: _Running
) -> Iterator[Embedded]:
    """Every picture that the plan wants, embedded or with the reason why not, by the engine asked for."""
    if not plan.to_embed:
        return
    rows = _wanted(catalog, plan)
    if options.engine == "ray":
        from embed.on_ray import embed_on_ray

        backend = options.backend if options.backend != "auto" else "torch"
        run.backend = {"backend": backend}
        run.watch(Event("backend", run.backend))
        yield from embed_on_ray(rows, catalog.pictures, encoder, backend, options)
        return

    def opened(sample: np.ndarray) -> Tower:
        tower, run.backend = _tower(store, encoder, options.backend, sample, len(plan.to_embed))
        run.watch(Event("backend", run.backend))
        return tower

    yield from embed_here(rows, catalog.pictures, encoder.preprocessing, options, opened, run.stopwatch)


def _wanted(catalog: Catalog, plan: Plan) -> Iterator[Row]:
    """The rows to embed, in the catalog's order, a few at a time as Python objects."""
    columns = catalog.artwork.select(PLACE)
    wanted = columns.filter(pc.is_in(columns["artwork_id"], pa.array(plan.to_embed, pa.string())))
    for batch in wanted.to_batches(max_chunksize=1024):
        yield from batch.to_pylist()


def _tower(store: Store, encoder: "Encoder", backend: str, sample: np.ndarray, pictures: int) -> tuple[Tower, dict[str, Any]]:
    """The tower and how it runs: as was trusted before on this machine, else as measured now, else plainly.

    What was measured is kept with the store, so that every later run has the same rounding.
    """
    trusted = read_verdict(store.tables)
    if backend == "auto" and trusted is None and pictures < WORTH_MEASURING:
        backend = "torch"
    tower, measured = open_tower(encoder, backend, pictures=sample, trusted=trusted)
    if measured is not None and measured != trusted:
        write_verdict(store.tables, measured)
    return tower, {"backend": tower.backend} if measured is None else _told(measured)


def _told(measured: Measured) -> dict[str, Any]:
    """What the run's record keeps of it; fingerprint and versions stand there anyway."""
    return {name: value for name, value in asdict(measured).items() if name not in ("fingerprint", "versions")}


def _commits(results: Iterator[Embedded], options: JobOptions) -> Iterator[list[Embedded]]:
    """Results in groups to commit: whole batches, so that a run that goes on after a stop makes the same batches."""
    group: list[Embedded] = []
    slots, since = 0, time.monotonic()  # slots: places in the tower's batches
    for result in results:
        group.append(result)
        slots += result.width > 0
        late = time.monotonic() - since >= options.commit_seconds
        if slots and slots % options.batch == 0 and (slots >= options.commit_every or late):
            yield group
            group, slots, since = [], 0, time.monotonic()
    if group:
        yield group


def _commit(store: Store, group: list[Embedded]) -> None:
    """Append what the group brought: first its vectors, then what was set aside."""
    found = {result.sha256: result for result in group if result.vector is not None}
    if found:
        columns = [
            pa.array(list(found), pa.string()),
            pa.array([result.width for result in found.values()], pa.int32()),
            pa.array([result.height for result in found.values()], pa.int32()),
            pa.array([store.fingerprint] * len(found)),
            vector_array(np.array([result.vector for result in found.values()], np.float32)),
        ]
        append_rows(store, "embeddings", pa.Table.from_arrays(columns, schema=embedding_schema(store.dimension)))
    if failed := [rejection(r.row, r.sha256, r.reason, None) for r in group if r.reason]:
        append_rows(store, "rejected", pa.Table.from_pylist(failed, schema=REJECTED))


def _commit_catalog(catalog: Catalog, store: Store, plan: Plan, failed: dict[str, Embedded]) -> tuple[Row, ...]:
    """Replace titles, artwork, copy and rejected by what the catalog says now; returns the rejected rows."""
    before = _before(store)
    artwork = _artwork(catalog, store, plan, before)
    rejected = _rejected(catalog, plan, artwork, failed)
    _replace_if_changed(store, "rejected", pa.Table.from_pylist(rejected, schema=REJECTED))
    _replace_if_changed(store, "titles", catalog.titles)
    if len(catalog.copy) or has_table(store, "copy"):
        _replace_if_changed(store, "copy", catalog.copy)
    _replace_if_changed(store, "artwork", _with_those_gone(artwork, before))
    remember_pictures(store, catalog.pictures)
    return tuple(rejected)


def _artwork(catalog: Catalog, store: Store, plan: Plan, before: pa.Table) -> pa.Table:
    """The catalog's artwork with what the job measured; active is what has a vector."""
    sizes = _sizes(store, plan.hashes)
    known = before["added_at"].take(pc.index_in(catalog.artwork["artwork_id"], before["artwork_id"]))
    measured = {
        "added_at": pc.coalesce(
            catalog.artwork["added_at"], known, pa.scalar(datetime.now(UTC), ARTWORK.field("added_at").type)
        ),
        "sha256": plan.hashes,
        "width": sizes["width"],
        "height": sizes["height"],
        "stamp": plan.stamps,
        "active": pc.is_valid(sizes["width"]),
    }
    columns = [measured.get(name, catalog.artwork[name]) for name in ARTWORK.names]
    return pa.Table.from_arrays(columns, schema=ARTWORK)


def _sizes(store: Store, hashes: pa.ChunkedArray) -> pa.Table:
    """Width and height of each content, null where it has no vector."""
    columns = ["sha256", "width", "height"]
    if has_table(store, "embeddings"):
        embedded = read_table(store, "embeddings", columns)
    else:
        embedded = embedding_schema(store.dimension).empty_table().select(columns)
    return embedded.select(["width", "height"]).take(pc.index_in(hashes, embedded["sha256"]))


def _before(store: Store) -> pa.Table:
    """The artwork as the last finished run left it; of an encoder that never finished one, as the serving encoder has it."""
    if not has_table(store, "artwork"):
        store = open_store(store.root)
    return read_table(store, "artwork") if has_table(store, "artwork") else ARTWORK.empty_table()


def _rejected(catalog: Catalog, plan: Plan, artwork: pa.Table, failed: dict[str, Embedded]) -> list[Row]:
    """A row of REJECTED for each artwork that is not active."""
    out = artwork.filter(pc.invert(artwork["active"])).select([*PLACE, "sha256"])
    rows, inactive = [], out.to_pylist()
    failures = {row["sha256"]: failed[row["artwork_id"]] for row in inactive if row["artwork_id"] in failed}
    for row in inactive:
        failure = failures.get(row["sha256"])
        sha256, reason = (failure.sha256, failure.reason) if failure else (None, "changed while it was read; run the job again")
        rows.append(plan.rejected.get(row["artwork_id"]) or rejection(row, sha256, reason, None))
    return rows


def _with_those_gone(artwork: pa.Table, before: pa.Table) -> pa.Table:
    """The artwork, and after it what the catalog does not have any more, inactive."""
    gone = before.filter(pc.invert(pc.is_in(before["artwork_id"], artwork["artwork_id"])))
    columns = [
        gone[name] if name in gone.column_names else pa.nulls(len(gone), ARTWORK.field(name).type) for name in ARTWORK.names
    ]
    columns[ARTWORK.names.index("active")] = pa.array([False] * len(gone), pa.bool_())
    return pa.concat_tables([artwork, pa.Table.from_arrays(columns, schema=ARTWORK)])


def _replace_if_changed(store: Store, name: str, table: pa.Table) -> None:
    """A night on which nothing happened adds no version."""
    if not has_table(store, name) or not read_table(store, name).equals(table):
        replace_table(store, name, table)


def _of(done: int, total: int) -> dict[str, int]:
    return {"done": done, "total": total}


def _report(run: _Running, plan: Plan, rejected: tuple[Row, ...], words: int, divided: tuple[str, ...]) -> JobReport:
    seconds = {stage: round(spent, 3) for stage, spent in run.stopwatch.seconds.items()}
    speed = round(run.done / seconds["embed"], 2) if run.done else 0.0
    return JobReport(plan, run.embedded, rejected, seconds, speed, run.backend, words, divided)


def _record(store: Store, report: JobReport, run: _Running, options: JobOptions) -> Run:
    return Run(
        started_at=run.started_at.isoformat(timespec="seconds"),
        finished_at=datetime.now(UTC).isoformat(timespec="seconds"),
        engine=options.engine,
        plan=report.plan.counts,
        embedded=report.embedded,
        rejected=len(report.rejected),
        seconds=report.seconds,
        images_per_second=report.images_per_second,
        encoder=str(store.choice),
        fingerprint=store.fingerprint,
        backend=report.backend,
        versions=versions(),
    )
