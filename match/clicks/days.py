"""Logs to daily counts, a day at a time or all at once, with the same answer: what priors are learned from.

A store remembers two tables of what it has read. `click_facts`: the impressions of the last days, one row each, since rows still
arrive late, twice, or before the play they led to; and plays whose impression has not come yet. `click_days`: counts of the days
before, which are closed. A log added is put beside the facts and counted with them (match.clicks.queries), so that the order in which
rows arrive and how often does not matter, as long as each arrives before its day is closed. The facts take about the disk of the
logs of those days; the counts a row per day and artwork, in each segment and at each place, however many users there are.

Rows are sorted and counted some days at a time (match.clicks.facts, match.clicks.parts), and go to and from the store in batches.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isinf
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from embed.errors import LogError
from embed.records import CLICK_DAY, CLICK_FACT
from embed.store import Store, has_table, read_batches, replace_table, tidy_table
from match.clicks.facts import BATCH, BESIDE, COLUMNS, Found, find_facts, limits_of
from match.clicks.logs import database, open_logs, reading
from match.clicks.queries import DAY_US, DAYS, DELAYS, FACTS, ONCE, in_dialect
from match.clicks.rules import LONGEST_WAIT, Rules, Wait, oldest_open, waiting

if TYPE_CHECKING:
    import duckdb

COUNTED = "days.parquet"  # counts made elsewhere, in place of logs


class Report(NamedTuple):
    """What became of the rows: of the logs read, and of all that is remembered."""

    rows: int  # impressions in the logs read
    duplicates: int  # of them, rows whose impression_id was there already
    late: int  # of them, rows of days that were closed
    young: int  # impressions that may still be played, and wait
    repeats: int  # beyond Rules.most_repeats
    bots: int  # of users with more than Rules.most_impressions a day
    counted: int  # impressions that the priors are learned from
    plays: int  # of those, how many led to a quality play
    wait: float | None  # days, None where no times are known
    wait_by: str  # how the waiting time came about
    half_life: float
    lacking: tuple[str, ...]  # optional columns that the logs read do not have


@dataclass(frozen=True)
class Days:
    """Counts over all days, the newer ones weighing more. Weighted: `shown`, `played`, and `squares`, the sum of squared weights."""

    cells: pa.Table  # title_id, artwork_id, name (of the segment), impressions, plays, shown, played, squares; in that order
    places: pa.Table  # the same with `place` in place of the segment
    lines: pa.Table  # the same with name (of the line of copy), without artwork
    report: Report


def count_days(
    logs: Path | str, rules: Rules, store: Store | None = None, *, add: bool = False, needed: Sequence[str] = ()
) -> Days:
    """The counts of the logs; with `add`, of what `store` remembers and the logs; a store then remembers them.

    logs: a folder as `learn_priors` takes it; raises LogError as it does, and where the log lacks a column of `needed`. The caller
    holds the store's lock of priors.
    """
    if (Path(logs) / COUNTED).is_file():
        return _counted_elsewhere(Path(logs) / COUNTED, rules, store, add=add)
    with database(store.root if store else None) as connection, reading(logs):
        lacking = tuple(sorted(set(BESIDE) - open_logs(connection, logs, needed=needed)))
        _recall(connection, store if add else None)
        counts = _count(connection, rules, lacking, orphans=store is not None)
        if store is not None:
            if not add:  # or a run stopped halfway would leave facts of one log and days of another
                replace_table(store, "click_facts", CLICK_FACT.empty_table())
            _remember(connection, store, rules)
    return counts


def warehouse_queries(rules: Rules, dialect: str) -> tuple[str, str, str]:
    """The counting where the logs live: queries whose answers are the tables `once`, `facts` and the counts, for an engine's dialect.

    The views they read are those of match.clicks.queries. The last one's answer, as COUNTED alone in a folder, may be given
    wherever a folder of logs may, but nothing can be added to it. A waiting time that rules leave open is the longest. Raises LogError
    as `in_dialect` does.
    """
    wait = LONGEST_WAIT if rules.wait is None else rules.wait
    settled = f"(SELECT max(shown_us) - {int(wait * DAY_US)} FROM facts)"
    limits = limits_of(rules)
    once, facts, days = (in_dialect(query.format(**limits, settled_us=settled), dialect) for query in (ONCE, FACTS, DAYS))
    return once, facts, days


def _counted_elsewhere(path: Path, rules: Rules, store: Store | None, *, add: bool) -> Days:
    import duckdb

    if add:
        raise LogError(f"{path} holds counts, which cannot be added; give the logs, or learn from new counts of all")
    with database(store.root if store else None) as connection:
        try:
            connection.register("given", pq.ParquetFile(path).read(CLICK_DAY.names).cast(CLICK_DAY))
            connection.execute("CREATE TABLE days AS SELECT * FROM given")
            of = _totals(connection)
            rows = sum(impressions for kind, (impressions, _) in of.items() if kind in ("counted", "young", "repeat", "bot"))
            wait = LONGEST_WAIT if rules.wait is None else rules.wait
            report = _report(of, (rows, 0, 0), Wait(wait, "as counted elsewhere"), rules, BESIDE)
            days = _days(connection, rules, report)
        except (duckdb.Error, pa.ArrowException, KeyError) as error:
            raise LogError(f"{path} cannot be read: {error}; make it with match.clicks.days.warehouse_queries") from error
    if store is not None:  # rows have nothing to join any more
        replace_table(store, "click_facts", CLICK_FACT.empty_table())
        replace_table(store, "click_days", pa.Table.from_pylist([ELSEWHERE], schema=CLICK_DAY))
    return days


# The rows of a day that is closed are gone; a day of which rows are kept is open, whatever its counts in `closed` say (a run that was
# stopped between the two writes leaves both).
RECALL = """
    CREATE TEMP TABLE shut AS SELECT DISTINCT shown_day FROM closed ANTI JOIN (
        SELECT DISTINCT CAST(floor(shown_us / 8.64e10) AS BIGINT) AS shown_day FROM kept WHERE title_id IS NOT NULL
    ) AS kept_days USING (shown_day);
    CREATE TEMP VIEW timely AS SELECT * FROM (
        SELECT *, CAST(floor(shown_us / 8.64e10) AS BIGINT) AS shown_day FROM given_impressions
    ) ANTI JOIN shut USING (shown_day);
    CREATE TEMP VIEW all_impressions AS
        SELECT {columns} FROM timely UNION ALL SELECT {columns} FROM kept WHERE title_id IS NOT NULL;
    CREATE TEMP VIEW all_plays AS
        SELECT impression_id, seconds, fraction, played_us FROM given_plays
        UNION ALL SELECT impression_id, NULL, 1.0, played_us FROM kept WHERE quality = 1
"""
ELSEWHERE = {"kind": "elsewhere", "impressions": 0, "plays": 0}  # of CLICK_DAY: the priors were learned from counts


def _recall(connection: "duckdb.DuckDBPyConnection", store: Store | None) -> None:
    """Tables `kept` and `closed` of what the store remembers, and the views that the queries read."""
    for name, table, schema in (("kept", "click_facts", CLICK_FACT), ("closed", "click_days", CLICK_DAY)):
        connection.register("empty", schema.empty_table())
        connection.execute(f"CREATE TABLE {name} AS SELECT * FROM empty")
        if store is not None and has_table(store, table):
            batches = pa.RecordBatchReader.from_batches(schema, read_batches(store, table, rows=BATCH))
            connection.register("stored", batches)
            connection.execute(f"INSERT INTO {name} SELECT * FROM stored")
            connection.unregister("stored")
    if connection.execute("SELECT kind FROM closed WHERE kind = 'elsewhere'").fetchall():
        raise LogError(f"the store's priors were learned from {COUNTED}, to which no log can be added; learn from all logs")
    connection.execute(RECALL.format(columns=", ".join(COLUMNS)))


def _count(connection: "duckdb.DuckDBPyConnection", rules: Rules, lacking: tuple[str, ...], *, orphans: bool) -> Days:
    found = find_facts(connection, limits_of(rules), orphans=orphans)
    connection.execute(f"CREATE TABLE delays AS {DELAYS}")
    wait = waiting(rules, found.newest, _late(connection, found.newest))
    _count_days(connection, found, wait)
    connection.execute("""
        INSERT INTO days SELECT 'delay', shown_day, NULL, NULL, NULL, late, 0, plays FROM delays;
        INSERT INTO days SELECT * FROM closed SEMI JOIN shut USING (shown_day)
    """)
    rows, timely, kept = (
        _row(connection, f"SELECT count(*) FROM {table}")[0]
        for table in ("given_impressions", "timely", "kept WHERE title_id IS NOT NULL")
    )
    report = _report(_totals(connection), (rows, kept + timely - found.count, rows - timely), wait, rules, lacking)
    return _days(connection, rules, report)


def _count_days(connection: "duckdb.DuckDBPyConnection", found: Found, wait: Wait) -> None:
    """The table `days`, of some days at a time: counts by artwork and place are nearly as many as impressions."""
    connection.register("no_days", CLICK_DAY.empty_table())
    connection.execute("CREATE TABLE days AS SELECT * FROM no_days")
    for source in found.by_days:
        connection.execute(f"CREATE OR REPLACE TEMP VIEW facts AS {source}")
        connection.execute(f"INSERT INTO days {DAYS.format(settled_us=wait.settled_us(found.newest))}")
    connection.execute(f"CREATE OR REPLACE TEMP VIEW facts AS {found.source}")


def _late(connection: "duckdb.DuckDBPyConnection", newest: int | None) -> list[tuple[int, int]]:
    """As `waiting` takes it, of all days."""
    return connection.execute(
        f"""SELECT late, sum(plays)::BIGINT FROM (
            SELECT shown_day, late, plays FROM delays WHERE shown_day < {oldest_open(newest or 0)}
            UNION ALL SELECT shown_day, place, plays FROM closed SEMI JOIN shut USING (shown_day) WHERE kind = 'delay'
        ) GROUP BY late ORDER BY late"""
    ).fetchall()


def _days(connection: "duckdb.DuckDBPyConnection", rules: Rules, report: Report) -> Days:
    keys = {"segment": "title_id, artwork_id, name", "place": "title_id, artwork_id, place", "copy": "title_id, name"}
    cells, places, lines = (_weighted(connection, kind, columns, rules.half_life) for kind, columns in keys.items())
    return Days(cells, places, lines, report)


def _totals(connection: "duckdb.DuckDBPyConnection") -> dict[str, tuple[int, int]]:
    """By kind of count: impressions and plays."""
    told = connection.execute("SELECT kind, sum(impressions)::BIGINT, sum(plays)::BIGINT FROM days GROUP BY kind").fetchall()
    return {kind: (impressions, plays) for kind, impressions, plays in told}


def _report(
    of: dict[str, tuple[int, int]],
    read: tuple[int, int, int],
    wait: Wait,
    rules: Rules,
    lacking: tuple[str, ...],
) -> Report:
    """of: `_totals`; read: rows, duplicates, and late ones."""
    young, repeats, bots = (of.get(kind, (0, 0))[0] for kind in ("young", "repeat", "bot"))
    counted, plays = of.get("segment", (0, 0))
    return Report(*read, young, repeats, bots, counted, plays, *wait, rules.half_life, lacking)


def _weighted(connection: "duckdb.DuckDBPyConnection", kind: str, columns: str, half_life: float) -> pa.Table:
    age = "(SELECT max(shown_day) FROM days) - shown_day"
    weight = "1e0" if isinf(half_life) else f"coalesce(pow(0.5, ({age}) / {half_life}), 1.0)"
    return connection.sql(f"""
        SELECT {columns}, sum(impressions)::BIGINT AS impressions, sum(plays)::BIGINT AS plays,
            sum(impressions * weight) AS shown, sum(plays * weight) AS played, sum(impressions * weight * weight) AS squares
        FROM (SELECT *, {weight} AS weight FROM days WHERE kind = '{kind}')
        GROUP BY {columns} ORDER BY {columns}
    """).to_arrow_table()


# A play whose impression has not come is kept as long as its day is open; where nobody knows its day, for good.
OPEN = """
    SELECT {columns}, played_us, quality FROM facts WHERE shown_day IS NULL OR shown_day >= {first}
    UNION ALL
    SELECT impression_id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, played_us, 1
    FROM orphans WHERE played_us IS NULL OR played_us >= {first} * 8.64e10
"""
CLOSED = "SELECT * FROM days WHERE shown_day < {first} AND kind NOT IN ('counted', 'young')"


def _remember(connection: "duckdb.DuckDBPyConnection", store: Store, rules: Rules) -> None:
    """The counts first: a run stopped before the facts are written leaves days both closed and open, and they are open."""
    (newest,) = _row(connection, "SELECT max(shown_day) FROM facts")
    first = 0 if newest is None else newest - rules.open_days + 1
    _write(connection, store, "click_days", CLOSED.format(first=first), CLICK_DAY)
    _write(connection, store, "click_facts", OPEN.format(columns=", ".join(COLUMNS), first=first), CLICK_FACT)


def _write(connection: "duckdb.DuckDBPyConnection", store: Store, table: str, query: str, schema: pa.Schema) -> None:
    reader = connection.sql(query).to_arrow_reader(BATCH)
    batches = (
        pa.RecordBatch.from_arrays([pc.cast(a, f.type) for a, f in zip(b, schema, strict=True)], schema=schema) for b in reader
    )
    replace_table(store, table, pa.RecordBatchReader.from_batches(schema, batches))
    tidy_table(store, table)


def _row(connection: "duckdb.DuckDBPyConnection", query: str) -> tuple[Any, ...]:
    return tuple(connection.execute(query).fetchall()[0])
