"""Priors: what clicks taught about each artwork, P(quality play | impression), out of impression and play logs.

A Beta-Binomial per artwork (Gelman et al., Bayesian Data Analysis, ch. 5): the catalog's own rate, worth STRENGTH impressions,
is what is believed of an artwork before it was shown. A play counts by what was watched after it, so that clickbait gains
nothing. DuckDB does the aggregation (match.logs), so logs may be larger than memory.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from embed.locks import only_writer
from embed.records import PRIOR
from embed.store import Store, has_table, read_table, replace_table, tidy_table
from match.blend import Prior, logit
from match.logs import aggregate

STRENGTH = 100.0  # impressions that the catalog's rate is worth
RATE = 0.05  # the catalog's rate before there are any impressions

COLUMNS = ("impression_id", "title_id", "artwork_id")
COUNTS = """
    SELECT title_id, artwork_id, count(*) AS impressions, count(quality.impression_id) AS plays
    FROM shown LEFT JOIN quality USING (impression_id)
    GROUP BY ALL ORDER BY ALL
"""


@dataclass(frozen=True)
class Priors:
    """Every artwork's prior; one that was never shown has the catalog's rate and no counts."""

    table: pa.Table  # PRIOR, one row per artwork that was shown
    unseen: Prior

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


@dataclass(frozen=True)
class PriorColumns:
    """The priors of a snapshot's artwork, in its order."""

    mean: np.ndarray  # (artworks,) float64 in (0, 1)
    impressions: np.ndarray  # (artworks,) int64
    plays: np.ndarray  # (artworks,) int64
    log_odds: np.ndarray  # (artworks,) float64, of the mean


def learn_priors(logs: Path | str, store: Store) -> Priors:
    """Aggregate `impressions` and `plays` (.parquet, .csv or .jsonl) of the folder `logs` into the store's priors table.

    Raises LogError where the folder, a file or a column is missing or cannot be read.
    """
    counts = aggregate(logs, COLUMNS, COUNTS)
    table = _posteriors(counts)
    with only_writer(store.lock("priors"), "learn_priors"):
        replace_table(store, "priors", table)  # mends first
        tidy_table(store, "priors")
    return _priors(table)


def read_priors(store: Store) -> Priors:
    """The store's priors; before any were learned, the same for every artwork."""
    return _priors(read_table(store, "priors") if has_table(store, "priors") else PRIOR.empty_table())


def _posteriors(counts: pa.Table) -> pa.Table:
    impressions, plays = counts["impressions"].to_numpy(), counts["plays"].to_numpy()
    rate = rate_of(int(plays.sum()), int(impressions.sum()))
    mean = (plays + STRENGTH * rate) / (impressions + STRENGTH)
    return counts.append_column("mean", pa.array(mean)).cast(PRIOR)


def rate_of(plays: int, impressions: int) -> float:
    """P(quality play | impression) over all of them, shrunk towards RATE, so that it is never 0 or 1."""
    return (plays + STRENGTH * RATE) / (impressions + STRENGTH)


def _priors(table: pa.Table) -> Priors:
    plays, impressions = (pc.sum(table[name]).as_py() or 0 for name in ("plays", "impressions"))
    return Priors(table, Prior(rate_of(plays, impressions), 0, 0))
