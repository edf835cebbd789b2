"""Priors: what clicks taught about each artwork and each line of copy, P(quality play | impression), out of impressions and plays.

A Beta-Binomial per artwork (Gelman et al., Bayesian Data Analysis, ch. 5): the catalog's own rate, worth STRENGTH impressions,
is what is believed of an artwork before it was shown; of a line of copy it is its title's rate. A play counts by what was watched
after it, so that clickbait gains nothing. DuckDB does the aggregation, so logs may be larger than memory.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from embed.errors import LogError
from embed.locks import only_writer
from embed.records import COPY_PRIOR, PRIOR
from embed.store import Store, has_table, read_table, replace_table, tidy_table
from match.blend import Prior, logit

if TYPE_CHECKING:
    import duckdb

STRENGTH = 100.0  # impressions that the catalog's rate is worth
RATE = 0.05  # the catalog's rate before there are any impressions
QUALITY_FRACTION = 0.2  # of the title watched ...
QUALITY_SECONDS = 600.0  # ... or as long, makes a play a quality play

# Types are never guessed: DuckDB would take the id t for a truth value and 2026-1-5 for a date.
READERS = {
    ".parquet": "read_parquet('{path}')",
    ".csv": "read_csv('{path}', header=true, all_varchar=true)",
    ".jsonl": "read_json('{path}', format='newline_delimited', columns={columns})",
}
COLUMNS = {
    "impressions": {"impression_id": "VARCHAR", "title_id": "VARCHAR", "artwork_id": "VARCHAR"},
    "plays": {"impression_id": "VARCHAR", "seconds": "DOUBLE", "fraction": "DOUBLE"},
}
OF_COPY = {"impression_id": "VARCHAR", "title_id": "VARCHAR", "copy_id": "VARCHAR"}  # of impressions, where the log has it

# DuckDB holds that NaN is more than any limit.
COUNTS = """
    WITH shown AS (SELECT DISTINCT {impression_columns} FROM {impressions}),
         played AS (SELECT {play_columns} FROM {plays}),
         quality AS (SELECT DISTINCT impression_id FROM played
                     WHERE (fraction >= $fraction AND NOT isnan(fraction)) OR (seconds >= $seconds AND NOT isnan(seconds)))
    SELECT title_id, {bearer}, count(*) AS impressions, count(quality.impression_id) AS plays
    FROM shown LEFT JOIN quality USING (impression_id)
    WHERE {condition}
    GROUP BY ALL ORDER BY ALL
"""


@dataclass(frozen=True)
class Priors:
    """Every artwork's prior; one that was never shown has the catalog's rate and no counts."""

    table: pa.Table  # PRIOR, one row per artwork that was shown
    unseen: Prior
    lines: pa.Table = field(default_factory=COPY_PRIOR.empty_table)  # one row per line of copy that was shown

    @cached_property
    def by_artwork(self) -> dict[str, Prior]:
        """artwork_id to its prior, of those that were shown: for people to look at."""
        return {row["artwork_id"]: Prior(row["mean"], row["impressions"], row["plays"]) for row in self.table.to_pylist()}

    def of(self, artwork_id: str) -> Prior:
        """The artwork's prior."""
        return self.by_artwork.get(artwork_id, self.unseen)

    def in_order(self, artwork_ids: pa.ChunkedArray) -> "PriorColumns":
        """Those of many artworks, as arrays in their order."""
        rows = pc.index_in(artwork_ids, self.table["artwork_id"].combine_chunks())
        taken = self.table.select(["mean", "impressions", "plays"]).take(rows)
        mean, impressions, plays = (
            pc.fill_null(column, nothing).to_numpy()
            for column, nothing in zip(taken.columns, (self.unseen.mean, 0, 0), strict=True)
        )
        return PriorColumns(mean, impressions, plays, logit(mean))

    def of_lines(self, copy_ids: pa.ChunkedArray, title_ids: pa.ChunkedArray) -> "PriorColumns":
        """Those of many lines of copy (n,), as arrays in their order; one that was never shown has its title's rate."""
        rows = pc.index_in(copy_ids, self.lines["copy_id"].combine_chunks())
        impressions, plays = (
            pc.fill_null(self.lines[name].take(rows), 0).to_numpy().astype(np.int64) for name in ("impressions", "plays")
        )
        of_titles = self.lines.group_by("title_id").aggregate([("impressions", "sum"), ("plays", "sum")])
        titles = pc.index_in(title_ids, of_titles["title_id"].combine_chunks())
        shown, played = (pc.fill_null(of_titles[f"{name}_sum"].take(titles), 0).to_numpy() for name in ("impressions", "plays"))
        rate = (played + STRENGTH * self.unseen.mean) / (shown + STRENGTH)
        mean = (plays + STRENGTH * rate) / (impressions + STRENGTH)
        return PriorColumns(mean, impressions, plays, logit(mean))


@dataclass(frozen=True)
class PriorColumns:
    """The priors of a snapshot's artwork, or of its lines of copy, in its order."""

    mean: np.ndarray  # (n,) float64 in (0, 1)
    impressions: np.ndarray  # (n,) int64
    plays: np.ndarray  # (n,) int64
    log_odds: np.ndarray  # (n,) float64, of the mean


def learn_priors(logs: Path | str, store: Store) -> Priors:
    """Aggregate `impressions` and `plays` (.parquet, .csv or .jsonl) of the folder `logs` into the store's tables of priors.

    Impressions may have a copy_id: the line of copy that stood beside the picture. Raises LogError where the folder, a file or a
    column is missing or cannot be read.
    """
    import duckdb

    logs = Path(logs)
    if not logs.is_dir():
        raise LogError(f"no folder of logs at {str(logs)!r}; give one with impressions and plays as .parquet, .csv or .jsonl")
    impressions, plays = _find(logs, "impressions"), _find(logs, "plays")
    try:
        with duckdb.connect() as connection:
            columns = _check_columns(connection, impressions)
            _check_columns(connection, plays)
            counts = _counts(connection, impressions, plays, COLUMNS["impressions"], "true")
            lines = COPY_PRIOR.empty_table()
            if OF_COPY.keys() <= set(columns):
                lines = _counts(connection, impressions, plays, OF_COPY, "trim(copy_id) <> ''").cast(COPY_PRIOR)
    except duckdb.Error as error:
        raise LogError(f"the logs in {logs} cannot be aggregated: {error}") from error
    table = _posteriors(counts)
    with only_writer(store.lock("priors"), "learn_priors"):
        for name, rows in (("copy_priors", lines), ("priors", table)):
            if name == "priors" or len(rows) or has_table(store, name):
                replace_table(store, name, rows)  # mends first
                tidy_table(store, name)
    return _priors(table, lines)


def _counts(
    connection: "duckdb.DuckDBPyConnection", impressions: Path, plays: Path, columns: Mapping[str, str], condition: str
) -> pa.Table:
    """Impressions and quality plays by title and by the last of the columns."""
    query = COUNTS.format(
        bearer=list(columns)[-1],
        condition=condition,
        impressions=_source(impressions, columns),
        impression_columns=_columns(columns),
        plays=_source(plays, COLUMNS["plays"]),
        play_columns=_columns(COLUMNS["plays"]),
    )
    limits = {"fraction": QUALITY_FRACTION, "seconds": QUALITY_SECONDS}
    counts: pa.Table = connection.sql(query, params=limits).to_arrow_table()
    return counts


def read_priors(store: Store) -> Priors:
    """The store's priors; before any were learned, the same for every artwork."""
    tables = {"priors": PRIOR, "copy_priors": COPY_PRIOR}
    return _priors(*(read_table(store, name) if has_table(store, name) else tables[name].empty_table() for name in tables))


def _find(logs: Path, name: str) -> Path:
    found = [logs / f"{name}{ending}" for ending in READERS if (logs / f"{name}{ending}").is_file()]
    if len(found) != 1:
        what = "no" if not found else "more than one"
        raise LogError(f"{logs}: {what} {name} table; keep one of {', '.join(name + ending for ending in READERS)}")
    return found[0]


def _source(path: Path, columns: Mapping[str, str]) -> str:
    return READERS[path.suffix].format(path=_quoted(path), columns=dict(columns))


def _quoted(path: Path) -> str:
    """For DuckDB, which takes quotes for the end of a path, and *, ? and [ for patterns."""
    return re.sub(r"[*?\[]", r"[\g<0>]", str(path)).replace("'", "''")


def _columns(columns: Mapping[str, str]) -> str:
    return ", ".join(f"CAST({column} AS {type_}) AS {column}" for column, type_ in columns.items())


def _check_columns(connection: "duckdb.DuckDBPyConnection", path: Path) -> list[str]:
    """The names of a log's columns; none where it is empty."""
    if path.suffix == ".jsonl":
        if not path.stat().st_size:  # no rows, and so no names of columns
            return []
        source = f"read_json('{_quoted(path)}', format='newline_delimited')"  # COLUMNS would be there, all of them null
    else:
        source = _source(path, COLUMNS[path.stem])
    there: list[str] = connection.sql(f"SELECT * FROM {source} LIMIT 0").columns
    if missing := [column for column in COLUMNS[path.stem] if column not in there]:
        raise LogError(f"{path} has no column {', '.join(missing)}; see embed/records.py for the schema")
    return there


def _posteriors(counts: pa.Table) -> pa.Table:
    impressions, plays = counts["impressions"].to_numpy(), counts["plays"].to_numpy()
    rate = _rate(int(plays.sum()), int(impressions.sum()))
    mean = (plays + STRENGTH * rate) / (impressions + STRENGTH)
    return counts.append_column("mean", pa.array(mean)).cast(PRIOR)


def _rate(plays: int, impressions: int) -> float:
    """The catalog's rate, itself shrunk towards RATE, so that it is never 0 or 1."""
    return (plays + STRENGTH * RATE) / (impressions + STRENGTH)


def _priors(table: pa.Table, lines: pa.Table) -> Priors:
    plays, impressions = (pc.sum(table[name]).as_py() or 0 for name in ("plays", "impressions"))
    return Priors(table, Prior(_rate(plays, impressions), 0, 0), lines)
