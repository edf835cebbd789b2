"""Logs to facts: each impression once, whether it led to a quality play, and whether it counts. The one way to open a log.

Whoever reads logs counts by the same rules: priors, experiments, audiences, what users like of pictures, and what judges policies.

    with open_facts("logs", Rules(), more=("policy", "propensity")) as facts:
        for batch in facts.batches(("impression_id", "user_id", "policy", "quality")):  # of impressions that count
            ...
        facts.connection.sql("SELECT policy, count(*), sum(quality) FROM facts WHERE verdict = 'counted' GROUP BY ALL")

Memory is DuckDB's share, however long the log: rows are sorted a part at a time (match.clicks.parts).
"""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from embed.errors import LogError
from match.clicks import parts
from match.clicks.logs import database, is_nested, named, open_logs, reading
from match.clicks.parts import Parts, divide, each_part, folder_of, parts_of, write, written
from match.clicks.queries import DELAYS, FACTS, ONCE
from match.clicks.rules import QUALITY, Rules, Wait, oldest_open, waiting

if TYPE_CHECKING:
    import duckdb

BATCH = 1 << 16  # rows
WIDE = 16  # rows that one with a list counts as, where they are sorted

BESIDE = ("user_id", "copy_id", "segment", "row", "position", "shown_at", "played_at")  # columns that a log may lack
COLUMNS = ("impression_id", "user_id", "title_id", "artwork_id", "copy_id", "segment", "place", "shown_us")
# Names that counting takes.
OWN = ("shown_day", "played_us", "quality", "verdict", "copies", "of_user", "again", "part", "first_part", "splits")


@dataclass(frozen=True)
class Facts:
    """A log that is open. `connection` has the view `facts`, a row for each impression:

    impression_id, user_id, title_id, artwork_id, copy_id, segment: text, null where the log does not have it
    place: BIGINT, row and position of the page as one number
    shown_us, played_us: BIGINT, microseconds since 1970, UTC; of the impression, and of the first play that `quality` means
    shown_day: BIGINT, days since 1970
    quality: 1 where it led to a quality play (or to any, where `open_facts` was asked for that), else 0
    verdict: 'counted', or why it does not count: 'young', 'repeat', 'bot'
    and the further columns that were asked for, by their names
    """

    connection: "duckdb.DuckDBPyConnection"
    rows: int  # impressions in the log, those under one id each for itself
    count: int  # facts
    wait: Wait
    lacking: tuple[str, ...]  # those of BESIDE that the log does not have

    def batches(
        self, columns: Sequence[str], where: str = "verdict = 'counted'", rows: int = BATCH
    ) -> Iterator[pa.RecordBatch]:
        """Record batches of up to `rows` facts, of these columns, in no order; where: a condition in SQL."""
        listed = ", ".join(named(column) for column in columns)
        yield from self.connection.sql(f"SELECT {listed} FROM facts WHERE {where}").to_arrow_reader(rows)

    def in_parts(self, query: str, key: str) -> Iterator[None]:
        """The view `part` over one part after the other of a query's answer over facts, which is too much to be grouped at once.

        Rows of which `key`, an expression, is the same are in one part.
        """
        yield from each_part(self.connection, divide(self.connection, "parts", query, key, parts_of(self.count)), "part")


@contextmanager
def open_facts(
    logs: Path | str,
    rules: Rules | None = None,
    *,
    more: Sequence[str] = (),
    needed: Sequence[str] = (),
    maybe: Sequence[str] = (),
    any_play: bool = False,
    repeated: str = "artwork_id",
) -> Iterator[Facts]:
    """Open a folder of logs, as `learn_priors` takes it, and count by rules.

    more: further columns of the impressions, typed as embed.records has them, text where it has not; needed: columns of BESIDE that
    the log must have; maybe: of `more`, those that it may lack, which are null then; any_play: `quality` means any play; repeated: what
    is the same in repeats, artwork_id or title_id. Raises LogError where the folder, a file or a column is missing or cannot be read,
    and in place of what DuckDB raises in the context.
    """
    more = tuple(column for column in dict.fromkeys(more) if column not in COLUMNS)
    if taken := [column for column in more if column in OWN]:
        raise LogError(f"{logs}: a column cannot be called {taken[0]} where it is asked for; rename it")
    rules = rules or Rules()
    with database() as connection, reading(logs):
        lacking = tuple(sorted(set(BESIDE) - open_logs(connection, logs, more, needed, maybe)))
        for table in ("impressions", "plays"):
            connection.execute(f"CREATE TEMP VIEW all_{table} AS SELECT * FROM given_{table}")
        found = find_facts(
            connection, limits_of(rules, more, any_play=any_play, repeated=repeated), wide=any(map(is_nested, more))
        )
        wait = _let_the_young_wait(connection, found, rules)
        yield Facts(connection, found.rows, found.count, wait, lacking)


def limits_of(
    rules: Rules, more: Sequence[str] = (), *, any_play: bool = False, repeated: str = "artwork_id"
) -> dict[str, Any]:
    """What ONCE and FACTS leave open."""
    return {
        "quality": "true" if any_play else QUALITY,
        "most_impressions": rules.most_impressions,
        "most_repeats": rules.most_repeats,
        "repeated": repeated,
        "more": "".join(f", {named(column)}" for column in more),
        "ties": "".join(f", {named(column)}" for column in more if not is_nested(column)),
    }


@dataclass(frozen=True)
class Found:
    """What `find_facts` found."""

    rows: int  # of all_impressions
    count: int  # facts
    newest: int | None  # shown_us
    source: str  # the query that reads them
    by_days: tuple[str, ...]  # the same in several, of whole days each


def find_facts(
    connection: "duckdb.DuckDBPyConnection", limits: dict[str, Any], *, wide: bool = False, orphans: bool = False
) -> Found:
    """Make the view `facts` of the views `all_impressions` and `all_plays`.

    limits: of `limits_of`; wide: rows have lists; orphans: make also the table `orphans`, the impression_id and played_us of quality
    plays whose impression is not there.
    """
    ((rows,),) = connection.execute("SELECT count(*) FROM all_impressions").fetchall()
    most = parts.AT_ONCE // WIDE if wide else parts.AT_ONCE
    groups = _write_once(connection, limits, 1 + rows // most, most, orphans=orphans)
    connection.execute("CREATE TEMP VIEW once AS FROM no_once")
    connection.execute(f"CREATE TABLE no_facts AS {FACTS.format(**limits)}")  # of a part whose rows were all there before
    by_days = tuple(_write_facts(connection, FACTS.format(**limits), group) for group in groups)
    source = " UNION ALL ".join(by_days)
    connection.execute(f"CREATE TEMP VIEW facts AS {source}")
    ((count, newest),) = connection.execute("SELECT count(*), max(shown_us) FROM facts").fetchall()
    return Found(rows, count, newest, source, by_days)


# Whole days go into one part, as many as can be sorted at once; of a day that is more, each part has some of the users.
ONCE_BY_DAY = """
    SELECT once.*, first_part, splits FROM ({once}) AS once JOIN day_parts ON once.shown_day IS NOT DISTINCT FROM day_parts.shown_day
"""
PART = "first_part + CAST(hash(coalesce(user_id, impression_id)) % splits AS BIGINT)"
ORPHANS = """
    INSERT INTO orphans SELECT impression_id, min(played_us) FROM plays ANTI JOIN impressions USING (impression_id)
    WHERE {quality} GROUP BY impression_id
"""


def _write_once(
    connection: "duckdb.DuckDBPyConnection", limits: dict[str, Any], shares: int, most: int, *, orphans: bool
) -> list[range]:
    """The answer to ONCE, written by parts: those of the same days as one range."""
    tables = {
        name: divide(connection, name, f"SELECT * FROM all_{name}", "impression_id", shares)
        for name in ("impressions", "plays")
    }
    groups = _day_parts(connection, tables["impressions"], most)
    once = ONCE_BY_DAY.format(once=ONCE.format(**limits))
    for run, _ in enumerate(zip(*(each_part(connection, table, name) for name, table in tables.items()), strict=True)):
        if not run:
            connection.execute(f"CREATE TABLE no_once AS SELECT * FROM ({once}) WHERE false")
            connection.execute("CREATE TABLE orphans (impression_id VARCHAR, played_us BIGINT)")
        write(connection, folder_of(connection) / "once", once, PART, run)
        if orphans:
            connection.execute(ORPHANS.format(**limits))
    return groups


def _day_parts(connection: "duckdb.DuckDBPyConnection", impressions: Parts, most: int) -> list[range]:
    """Make the table `day_parts`, which says of each day the parts its impressions go into."""
    source = written(impressions.folders, impressions.query) if impressions.folders else impressions.query
    days = connection.execute(
        f"SELECT CAST(floor(shown_us / 8.64e10) AS BIGINT), count(*) FROM ({source}) GROUP BY 1 ORDER BY 1 NULLS LAST"
    ).fetchall()
    groups: list[range] = []
    of_days, room = [], 0
    for day, count in days:
        if count > room or not groups:
            start = groups[-1].stop if groups else 0
            groups.append(range(start, start + 1 + count // most))
            room = most
        room -= count
        of_days.append((day, groups[-1].start, len(groups[-1])))
    columns = list(zip(*of_days, strict=True)) or [(), (), ()]
    table = pa.table(dict(zip(("shown_day", "first_part", "splits"), (pa.array(c, pa.int64()) for c in columns), strict=True)))
    connection.register("of_days", table)
    connection.execute("CREATE TABLE day_parts AS SELECT * FROM of_days")
    return groups or [range(1)]


def _write_facts(connection: "duckdb.DuckDBPyConnection", facts: str, group: range) -> str:
    """The answer to FACTS of some days, written; the query that reads it."""
    folder = folder_of(connection)
    for part in group:
        once = folder / "once" / f"part={part}"
        connection.execute(f"CREATE OR REPLACE TEMP VIEW once AS {written([once], 'FROM no_once')}")
        write(connection, folder / "facts", facts, str(part))
        shutil.rmtree(once, ignore_errors=True)
    return written([folder / "facts" / f"part={part}" for part in group], "FROM no_facts")


def _let_the_young_wait(connection: "duckdb.DuckDBPyConnection", found: Found, rules: Rules) -> Wait:
    late = connection.execute(
        f"""SELECT late, sum(plays)::BIGINT FROM ({DELAYS}) WHERE shown_day < {oldest_open(found.newest or 0)}
        GROUP BY late ORDER BY late"""
    ).fetchall()
    wait = waiting(rules, found.newest, late)
    verdict = f"CASE WHEN verdict = 'counted' AND shown_us > {wait.settled_us(found.newest)} THEN 'young' ELSE verdict END"
    connection.execute(f"CREATE OR REPLACE TEMP VIEW facts AS SELECT * REPLACE ({verdict} AS verdict) FROM ({found.source})")
    return wait
