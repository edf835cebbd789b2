"""All choices as a folder of Parquet, for whoever serves them without a matcher: DuckDB reads it as 'FOLDER/*.parquet'.

FOLDER/manifest.json           what the choices were made of, and whether all of them are there
FOLDER/part-RUN-00000.parquet  those of a block of users: see CHOICE
FOLDER/.writing/               who is writing: one process at a time

A part is written beside, synced and renamed into place. So a run that was killed, at whatever moment, is gone on with by the same
command: parts that are there stay, and the folder ends as if nobody had stopped it. RUN keeps apart what two runs wrote.
"""

import hashlib
import json
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from embed.errors import StoreError
from embed.locks import only_writer
from embed.options import cores
from embed.stopwatch import Stopwatch
from embed.store import Store, open_store, table_version, write_json
from embed.tables import sync
from index.filters import Context
from index.manifest import read_manifest
from index.snapshot import current_name
from index.titles import ABSENT
from match.blend import Weights
from match.bulk import USERS, Bulk, Chosen
from match.matcher import EVERYWHERE, Matcher

FORMAT = 2  # 1 knew no lines of copy
MANIFEST = "manifest.json"
TABLES = (
    "profiles",
    "phrases",
    "audience",
    "averages",
    "edits",
    "picture_interests",
    "priors",
    "title_priors",
    "segment_priors",
    "copy_priors",
)  # choices' makings beside the snapshot
PART_ROWS = 1 << 21  # of a part: about 12 MB on the disk, and what a killed run has to do again per core
PARTS = 16  # at least, where there are enough users
DICTIONARY_BYTES = 1 << 30  # beyond its limit Parquet writes every string out, again and again
WRITTEN_AT_ONCE = 1 << 16  # values: a quarter faster than Arrow's own number, for the same bytes

_NAMES = pa.dictionary(pa.int32(), pa.string())
CHOICE = pa.schema(
    [
        pa.field("user_id", _NAMES, nullable=False),
        pa.field("title_id", _NAMES, nullable=False),
        pa.field("artwork_id", _NAMES),  # null where the title has none that may be shown
        pa.field("copy_id", _NAMES),  # the line of micro-copy beside it; null where none may stand there
        pa.field("score", pa.float32()),  # log-odds of a quality play; null without artwork
        pa.field("reason", _NAMES),  # why there is no artwork, or only the title's fallback; null where taste chose
    ]
)

Record = dict[str, Any]
Progress = Callable[[int, int], None]  # (choices done, of how many)


@dataclass(frozen=True)
class Asked:
    """Whose choices of what; as it is, all users of the store and all titles of the snapshot."""

    users: Sequence[str] | None = None
    titles: Sequence[str] | None = None
    context: Context = EVERYWHERE
    weights: Weights | None = None  # those that the store publishes, else the defaults


@dataclass(frozen=True)
class Written:
    """What stands in the folder at the end of a run."""

    folder: Path
    snapshot: str  # its name
    users: int
    titles: int
    without_artwork: int  # titles
    parts: int
    kept: int  # of them, from a run before
    made: int  # choices, in this run
    seconds: dict[str, float]  # per stage; "choose" and "write" are the sums of threads that work side by side

    @property
    def choices(self) -> int:
        """All of them."""
        return self.users * self.titles


@dataclass(frozen=True)
class _Part:
    path: Path
    users: list[str]


def write_choices(
    store: Store, folder: Path, asked: Asked | None = None, *, restart: bool = False, progress: Progress = lambda *_: None
) -> Written:
    """Choose for all that is asked and keep it in `folder`, which is made; goes on where a run before was stopped.

    While it runs, matrix products of this process have one thread each. Campaigns are those of the moment at which the first run
    began. `restart` drops what the folder holds of another run, at once or before. progress: is told (choices done, of how many).

    Raises StoreError where the folder is of another snapshot, of other tastes or settings, or holds something else, or where
    another process writes to it; and what Matcher.open and Bulk.of raise.
    """
    asked, stopwatch = asked or Asked(), Stopwatch()
    _check_folder(folder)
    with only_writer(folder / ".writing", "match_all"):
        with stopwatch("open"):
            matcher, published = _open(store, asked.weights)
            users = list(dict.fromkeys(matcher.user_ids if asked.users is None else asked.users))
            titles = list(dict.fromkeys(matcher.title_ids if asked.titles is None else asked.titles))
            record = _begin(folder, _settings(store, published, asked, matcher.weights, users, titles), restart)
            bulk = Bulk.of(matcher, titles, replace(asked.context, at=datetime.fromisoformat(record["at"])))
        parts = list(_parts(folder, record, users))
        todo = [part for part in parts if not _is_whole(part, len(titles))]
        with stopwatch("make"):
            seconds = _make(bulk, todo, (len(users) - sum(len(part.users) for part in todo)) * len(titles), progress)
        without = sum(_has_none(bulk))
        made = sum(len(part.users) for part in todo) * len(titles)
        if not record["complete"] or todo:
            record |= {"complete": True, "finished_at": _now(), "choices": len(users) * len(titles), "without_artwork": without}
            write_json(folder / MANIFEST, record)
    name, kept = matcher.snapshot.manifest.name, len(parts) - len(todo)
    stages = stopwatch.seconds | seconds
    return Written(folder, name, len(users), len(titles), without, len(parts), kept, made, stages)


def _open(store: Store, weights: Weights | None) -> tuple[Matcher, Record]:
    """A matcher, and the names and versions of what it was made of."""
    while True:
        before = _published(store)
        matcher = Matcher.open(store, weights)
        if before["snapshot"] == matcher.snapshot.manifest.name and before == _published(store):
            return matcher, before  # else something was published in between


def _published(store: Store) -> Record:
    name = current_name(store)
    manifest = read_manifest(store.snapshots / name)
    store = open_store(store.root, manifest.fingerprint)
    versions = {table: table_version(store, table) for table in TABLES}
    return {"snapshot": name, "published_at": manifest.published_at, "fingerprint": manifest.fingerprint, "tables": versions}


def _settings(store: Store, published: Record, asked: Asked, weights: Weights, users: list[str], titles: list[str]) -> Record:
    """What two runs must share for their parts to go together, as JSON has it."""
    context = asdict(asked.context) | {
        "at": asked.context.at and asked.context.at.isoformat(),
        "seen": sorted(asked.context.seen),
        "allow": None if asked.context.allow is None else sorted(asked.context.allow),
        "deny": sorted(asked.context.deny),
    }
    return {
        "store": str(store.root.resolve()),
        **published,
        "weights": asdict(weights),
        "context": context,
        "users": {"count": len(users), "sha256": hashlib.sha256("\n".join(users).encode()).hexdigest()},
        "users_per_part": _users_per_part(len(users), len(titles)),
        "titles": titles,
    }


def _users_per_part(users: int, titles: int) -> int:
    """So many that a part has PART_ROWS rows; fewer where that would leave cores idle. Alike on every machine."""
    most, few = max(1, PART_ROWS // max(1, titles)), -(-users // PARTS)
    size = min(most, max(few, USERS))
    return size if size < USERS else size // USERS * USERS


# ---- the folder


def _check_folder(folder: Path) -> None:
    """A folder with nothing but hidden files, which a run leaves that was killed at its very beginning, counts as empty."""
    if not folder.exists() or (folder / MANIFEST).is_file():
        return
    if not folder.is_dir() or any(not path.name.startswith(".") for path in folder.iterdir()):
        raise StoreError(f"{folder} is there but holds no choices (it has no {MANIFEST}); give a new or empty folder")


def _begin(folder: Path, settings: Record, restart: bool) -> Record:
    """The folder's manifest, of this run or of the one that this goes on with; removes what other runs left there."""
    record = None if restart else _read(folder)
    if record is None:
        run, now = secrets.token_hex(4), _now()
        at = settings["context"]["at"] or now
        record = {"format": FORMAT, "complete": False, "run": run, "started_at": now, "at": at, "settings": settings}
        write_json(folder / MANIFEST, record)
    elif record["settings"] != settings:
        raise StoreError(
            f"{folder} {_difference(record['settings'], settings)}; --restart makes them anew, or give another folder"
        )
    for path in [*folder.glob("part-*.parquet"), *folder.glob(".part-*")]:
        if not path.name.startswith(f"part-{record['run']}-"):
            path.unlink()
    return record


def _read(folder: Path) -> Record | None:
    """None where the folder is new. Raises StoreError where its manifest is damaged, or of a newer format."""
    try:
        record: Record = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if record["format"] > FORMAT:
            raise StoreError(f"{folder} has format {record['format']}, newer than {FORMAT}; upgrade artwork-matcher")
        return record | {"run": str(record["run"]), "settings": dict(record["settings"]), "at": str(record["at"])}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{folder / MANIFEST} cannot be read ({error!r}); --restart makes the choices anew") from error


def _difference(before: Record, now: Record) -> str:
    """The first setting in which two runs differ."""
    name = next(name for name in now if before.get(name) != now[name])
    if name in ("users", "titles"):
        return f"holds the choices of other {name}"
    return f"holds choices made with {name} {before.get(name)}, and now it would be {now[name]}"


def _parts(folder: Path, record: Record, users: list[str]) -> Iterator[_Part]:
    size = record["settings"]["users_per_part"]
    for number, start in enumerate(range(0, max(1, len(users)), size)):  # without users, one part without rows
        yield _Part(folder / f"part-{record['run']}-{number:05}.parquet", users[start : start + size])


def _is_whole(part: _Part, titles: int) -> bool:
    import pyarrow.parquet as pq

    try:
        return bool(pq.read_metadata(part.path).num_rows == len(part.users) * titles)
    except (OSError, pa.ArrowInvalid):  # not there, or damaged: then it is made again
        return False


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


# ---- its parts


def _make(bulk: Bulk, todo: list[_Part], done: int, progress: Progress) -> dict[str, float]:
    """Choose and write; a thread for each core, and one more while others wait for the disk. Seconds of all threads."""
    from threadpoolctl import threadpool_limits

    total, seconds = done + sum(len(part.users) for part in todo) * len(bulk.title_ids), {"choose": 0.0, "write": 0.0}
    progress(done, total)
    # Products of one thread each, side by side: what follows a product then keeps no other core waiting.
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(cores() + 1) as pool:
        pending = {pool.submit(_make_part, bulk, part): part for part in todo}
        try:
            for ended in as_completed(pending):
                seconds = {stage: total + ended.result()[stage] for stage, total in seconds.items()}
                done += len(pending[ended].users) * len(bulk.title_ids)
                progress(done, total)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)  # those that have begun come to their end
            raise
    return seconds


def _make_part(bulk: Bulk, part: _Part) -> dict[str, float]:
    stopwatch = Stopwatch()
    with stopwatch("choose"):
        chosen = bulk.choose(part.users)
    with stopwatch("write"):
        _write(part.path, _table(bulk, part.users, chosen))
    return stopwatch.seconds


def _table(bulk: Bulk, users: list[str], chosen: Chosen) -> pa.Table:
    """CHOICE, by user and then by title as asked."""
    titles, absent = len(bulk.title_ids), None
    if any(_has_none(bulk)):
        absent = chosen.artwork.reshape(-1) == ABSENT
    columns = [
        _named(np.repeat(np.arange(len(users), dtype=np.int32), titles), users),
        _named(np.tile(np.arange(titles, dtype=np.int32), len(users)), bulk.title_ids),
        _named(chosen.artwork.reshape(-1), bulk.artwork_ids, absent),
        _lines(bulk, chosen),
        pa.array(chosen.scores.reshape(-1), mask=absent),
        _reasons(bulk, len(users)),
    ]
    return pa.Table.from_arrays(columns, schema=CHOICE)


def _lines(bulk: Bulk, chosen: Chosen) -> pa.Array:
    lines = chosen.copy.reshape(-1)
    if bulk.lines is None:
        return pa.nulls(len(lines), _NAMES)
    return _named(lines, bulk.matcher.snapshot.lines.table["copy_id"].combine_chunks(), lines == ABSENT)


def _reasons(bulk: Bulk, users: int) -> pa.Array:
    if not any(bulk.reasons):
        return pa.nulls(users * len(bulk.reasons), _NAMES)
    names = list(dict.fromkeys(reason for reason in bulk.reasons if reason))
    places = {reason: place for place, reason in enumerate(names)}
    numbers = np.tile(np.array([places[reason] if reason else ABSENT for reason in bulk.reasons], np.int32), users)
    return _named(numbers, names, numbers == ABSENT)


def _named(places: np.ndarray, names: Sequence[str] | pa.Array, absent: np.ndarray | None = None) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(places, mask=absent), pa.array(names, pa.string()))


def _has_none(bulk: Bulk) -> list[bool]:
    """Per title: whether it has no artwork."""
    empty: list[bool] = (np.diff(bulk.begins) == 0).tolist()
    return empty


def _write(path: Path, table: pa.Table) -> None:
    """Whole or not at all, as embed.store.write_text; one row group, whose statistics tell which users are in it."""
    import pyarrow.parquet as pq

    names = [name for name in table.column_names if name != "score"]  # scores are no two alike: neither words nor compressible
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("wb") as file:
            pq.write_table(
                table,
                file,
                row_group_size=max(1, len(table)),
                use_dictionary=names,
                compression={"score": "none", **dict.fromkeys(names, "snappy")},
                write_batch_size=WRITTEN_AT_ONCE,
                write_statistics=["user_id"],
                dictionary_pagesize_limit=DICTIONARY_BYTES,
            )
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        sync(path.parent)
    finally:
        beside.unlink(missing_ok=True)
