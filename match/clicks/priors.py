"""Priors: what clicks taught about each artwork and each line of copy, P(quality play | impression), out of impressions and plays.

A Beta-Binomial per artwork (Gelman et al., Bayesian Data Analysis, ch. 5): the catalog's own rate, worth STRENGTH impressions,
is what is believed of an artwork before it was shown; of a line of copy it is its title's rate. A play counts by what was watched
after it, so that clickbait gains nothing. DuckDB does the aggregation (match.clicks.logs), so logs may be larger than memory.
"""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from embed.errors import LogError
from embed.locks import only_writer
from embed.records import COPY_PRIOR, PRIOR
from embed.store import Store, has_table, read_table, replace_table, tidy_table
from match.blend import Prior, logit
from match.clicks.logs import aggregate, columns_of

STRENGTH = 100.0  # impressions that the catalog's rate is worth
RATE = 0.05  # the catalog's rate before there are any impressions

SHOWN = ("impression_id", "title_id", "artwork_id")
BESIDE = ("impression_id", "title_id", "copy_id")  # where the log has it
COUNTS = """
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
    column is missing or cannot be read, or an impression names no title or artwork.
    """
    counts = aggregate(logs, SHOWN, COUNTS.format(bearer="artwork_id", condition="true"))
    for column in ("title_id", "artwork_id"):
        if nameless := pc.sum(counts["impressions"].filter(pc.is_null(counts[column]))).as_py():
            raise LogError(f"{nameless} impressions in {logs} have no {column}; fill it in, or leave them out")
    lines = COPY_PRIOR.empty_table()
    if "copy_id" in columns_of(logs, "impressions"):
        lines = aggregate(logs, BESIDE, COUNTS.format(bearer="copy_id", condition="trim(copy_id) <> ''")).cast(COPY_PRIOR)
    table = _posteriors(counts)
    with only_writer(store.lock("priors"), "learn_priors"):
        for name, rows in (("copy_priors", lines), ("priors", table)):
            if name == "priors" or len(rows) or has_table(store, name):
                replace_table(store, name, rows)  # mends first
                tidy_table(store, name)
    return _priors(table, lines)


def read_priors(store: Store) -> Priors:
    """The store's priors; before any were learned, the same for every artwork."""
    tables = {"priors": PRIOR, "copy_priors": COPY_PRIOR}
    return _priors(*(read_table(store, name) if has_table(store, name) else tables[name].empty_table() for name in tables))


def _posteriors(counts: pa.Table) -> pa.Table:
    impressions, plays = counts["impressions"].to_numpy(), counts["plays"].to_numpy()
    rate = rate_of(int(plays.sum()), int(impressions.sum()))
    mean = (plays + STRENGTH * rate) / (impressions + STRENGTH)
    return counts.append_column("mean", pa.array(mean)).cast(PRIOR)


def rate_of(plays: int, impressions: int) -> float:
    """P(quality play | impression) over all of them, shrunk towards RATE, so that it is never 0 or 1."""
    return (plays + STRENGTH * RATE) / (impressions + STRENGTH)


def _priors(table: pa.Table, lines: pa.Table) -> Priors:
    plays, impressions = (pc.sum(table[name]).as_py() or 0 for name in ("plays", "impressions"))
    return Priors(table, Prior(rate_of(plays, impressions), 0, 0), lines)
