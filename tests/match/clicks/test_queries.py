"""The queries mean the same in a second engine, DataFusion beside DuckDB; and they can be had in other dialects."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embed.errors import LogError
from embed.records import IMPRESSION
from embed.store import Store
from match.clicks.days import count_days, warehouse_queries
from match.clicks.facts import limits_of
from match.clicks.priors import learn_priors, priors_of
from match.clicks.queries import DAYS, DELAYS, FACTS, ONCE, in_dialect
from match.clicks.rules import Rules

IMPRESSIONS = pa.schema(
    [(name, pa.string()) for name in ("impression_id", "user_id", "title_id", "artwork_id", "copy_id", "segment")]
    + [("place", pa.int64()), ("shown_us", pa.int64())]
)
PLAYS = pa.schema(
    [("impression_id", pa.string()), ("seconds", pa.float64()), ("fraction", pa.float64()), ("played_us", pa.int64())]
)
LIMITS = limits_of(Rules(most_impressions=12, most_repeats=2))
DAY = 86_400_000_000
SETTLED = {"settled_us": 20_000 * DAY + 2 * DAY}
FACT_COLUMNS = "impression_id, user_id, title_id, artwork_id, copy_id, segment, place, shown_us, played_us, quality, verdict"

duckdb = pytest.importorskip("duckdb")
datafusion = pytest.importorskip("datafusion", reason="pip install 'artwork-matcher[test]' brings the second engine")


@st.composite
def logs(draw: st.DrawFn) -> tuple[pa.Table, pa.Table]:
    """Every column may be null but the ids; rows come twice, also with other content."""
    rng, count = np.random.default_rng(draw(st.integers(0, 2**32 - 1))), draw(st.integers(0, 150))

    def some(values: list[Any], none: float = 0.2) -> list[Any]:
        return [None if rng.random() < none else values[rng.integers(len(values))] for _ in range(count)]

    impressions = {
        "impression_id": [f"i{rng.integers(max(count * 3 // 4, 1))}" for _ in range(count)],
        "user_id": some(["ada", "ben", "bot", "bot", "bot"]),
        "title_id": some(["harbour", "caper"], 0),
        "artwork_id": some(["kiss", "ghost", "clown"], 0),
        "copy_id": some(["l1", "", " ", "l2"]),
        "segment": some(["teens", "Teens"]),
        "place": some([0, 1, 12]),
        # days begin and end
        "shown_us": [
            None if rng.random() < 0.1 else 20_000 * DAY + int(rng.integers(4)) * DAY + int(rng.choice([-1, 0, 1, 12_345_678]))
            for _ in range(count)
        ],
    }
    plays = {
        "impression_id": [f"i{rng.integers(max(count, 1))}" for _ in range(count)],
        "seconds": some([599.9, 600.0, 30.0]),
        "fraction": some([0.19, 0.2, 0.9]),
        "played_us": [None if rng.random() < 0.2 else 20_001 * DAY + int(rng.integers(DAY)) for _ in range(count)],
    }
    return pa.Table.from_pydict(impressions, schema=IMPRESSIONS), pa.Table.from_pydict(plays, schema=PLAYS)


def by_duckdb(impressions: pa.Table, plays: pa.Table) -> list[list[tuple[Any, ...]]]:
    with duckdb.connect() as connection:
        connection.register("impressions", impressions)
        connection.register("plays", plays)
        for name, query in (("once", ONCE), ("facts", FACTS)):
            connection.execute(f"CREATE TEMP TABLE {name} AS {query.format(**LIMITS)}")
        queries = (f"SELECT {FACT_COLUMNS}, shown_day FROM facts", DELAYS, DAYS.format(**SETTLED))
        return [_sorted(connection.execute(query).fetchall()) for query in queries]


def by_datafusion(impressions: pa.Table, plays: pa.Table) -> list[list[tuple[Any, ...]]]:
    """In the dialect nearest to its own, Postgres', as sqlglot writes it."""
    session = datafusion.SessionContext()
    for name, table in (("impressions", impressions), ("plays", plays)):
        session.register_record_batches(name, [table.to_batches() or [pa.RecordBatch.from_pylist([], schema=table.schema)]])
    for name, query in (("once", ONCE), ("facts", FACTS)):
        session.sql(f"CREATE TABLE {name} AS {in_dialect(query.format(**LIMITS), 'postgres')}").collect()
    queries = (
        f"SELECT {FACT_COLUMNS}, shown_day FROM facts",
        in_dialect(DELAYS, "postgres"),
        in_dialect(DAYS.format(**SETTLED), "postgres"),
    )
    return [_sorted([tuple(row.values()) for row in session.sql(query).to_pylist()]) for query in queries]


def _sorted(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return sorted(rows, key=lambda row: [(value is None, str(value)) for value in row])


@settings(max_examples=25, deadline=None)
@given(logs())
def test_two_engines_agree(tables: tuple[pa.Table, pa.Table]) -> None:
    for one, other in zip(by_duckdb(*tables), by_datafusion(*tables), strict=True):
        assert one == other


@pytest.mark.parametrize("dialect", ["spark", "trino", "bigquery", "snowflake"])
def test_other_engines_have_it_in_their_own_words(dialect: str) -> None:
    """And reading that gives the query back, to the letter of DuckDB's own wording."""
    import sqlglot

    for query in (ONCE.format(**LIMITS), FACTS.format(**LIMITS), DELAYS, DAYS.format(**SETTLED)):
        theirs = in_dialect(query, dialect)
        assert "{" not in theirs
        assert [one.key for one in sqlglot.parse(theirs, read=dialect) if one] == [
            one.key for one in sqlglot.parse(query) if one
        ]


def test_counts_made_elsewhere_teach_the_same(tmp_path: Path, empty_store: Store) -> None:
    """Facts and days by DataFusion, given as a folder of counts."""
    rows = [
        {
            "impression_id": f"i{n}",
            "user_id": f"u{n % 7}",
            "title_id": f"t{n % 3}",
            "artwork_id": f"a{n % 6}",
            "segment": "teens" if n % 5 else None,
            "position": n % 2,
            "shown_at": datetime(2026, 3, 1, tzinfo=UTC) + timedelta(hours=n / 3),
        }
        for n in range(600)
    ]
    loose = pa.schema([field.with_nullable(True) for field in IMPRESSION])
    plays = pa.table({"impression_id": [f"i{n}" for n in range(0, 600, 4)], "seconds": [700.0] * 150, "fraction": [None] * 150})
    (tmp_path / "logs").mkdir()
    pq.write_table(pa.Table.from_pylist(rows, schema=loose), tmp_path / "logs" / "impressions.parquet")
    pq.write_table(plays, tmp_path / "logs" / "plays.parquet")
    session = datafusion.SessionContext()
    microseconds = [int(row["shown_at"].timestamp() * 1e6) for row in rows]
    views = {
        "impressions": pa.Table.from_pylist(
            [{**row, "place": row["position"], "shown_us": us} for row, us in zip(rows, microseconds, strict=True)],
            schema=IMPRESSIONS,
        ),
        "plays": pa.Table.from_pylist(plays.to_pylist(), schema=PLAYS),
    }
    for name, table in views.items():
        session.register_record_batches(name, [table.to_batches()])
    once, facts, days = warehouse_queries(Rules(), "postgres")
    for name, query in (("once", once), ("facts", facts)):
        session.sql(f"CREATE TABLE {name} AS {query}").collect()
    (tmp_path / "counts").mkdir()
    pq.write_table(pa.Table.from_batches(session.sql(days).collect()), tmp_path / "counts" / "days.parquet")
    counted = learn_priors(tmp_path / "counts", empty_store)
    read = priors_of(count_days(tmp_path / "logs", Rules(wait=3.0)))
    assert counted.learned is not None
    assert counted.learned.report.young == 3 * 24 * 3
    for one, other in ((counted.table, read.table), (counted.segments, read.segments)):
        named = ["artwork_id", "impressions", "plays"]
        assert one.select(named).to_pylist() == other.select(named).to_pylist()
        np.testing.assert_allclose(one["mean"], other["mean"])
    for logs in ("counts", "logs"):
        with pytest.raises(LogError, match="add"):
            learn_priors(tmp_path / logs, empty_store, add=True)


def test_an_unknown_dialect_is_refused() -> None:
    with pytest.raises(LogError, match="no dialect 'klingon'"):
        in_dialect(DAYS, "klingon")
