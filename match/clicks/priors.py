"""Priors: what clicks taught about each artwork and each line of copy, P(quality play | impression), out of impressions and plays.

A Beta-Binomial per artwork, and per artwork and segment, shrunk towards its title's rate and the catalog's as far as titles, artworks
and segments are alike (match.clicks.shrinkage). What is counted, and how the newer counts more, is match.clicks.days' business: a play
counts by what was watched after it, so that clickbait gains nothing. A place of the page that is looked at less, and a segment that
plays less, count as fewer impressions: as many times fewer as their own plays tell, with the artworks' rates held fixed.
"""

from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from embed.locks import only_writer
from embed.records import COPY_PRIOR, PRIOR, SEGMENT_PRIOR, TITLE_PRIOR, fold
from embed.store import Store, has_table, read_table, replace_table, tidy_table
from match.blend import Prior, logit
from match.clicks.average_fit import NOTHING_LEARNED, FitWeight, moved, share_of_prior
from match.clicks.catalog_fit import fits_by_artwork
from match.clicks.days import Days, count_days
from match.clicks.posteriors import FitsOf, Learned, learn_posteriors, rate_of
from match.clicks.rules import Rules
from match.clicks.shrinkage import EDGES, STRENGTH, Beliefs, together

TABLES = {  # of the store, in the order of writing: who sees new priors sees what stands beside them
    "copy_priors": COPY_PRIOR,
    "title_priors": TITLE_PRIOR,
    "segment_priors": SEGMENT_PRIOR,
    "priors": PRIOR,
}


@dataclass(frozen=True)
class Priors:
    """Every artwork's prior; one that was never shown has what its title's, or the catalog's, clicks say, and no counts."""

    table: pa.Table  # PRIOR, one row per artwork that was shown
    unseen: Prior
    lines: pa.Table = field(default_factory=COPY_PRIOR.empty_table)  # one row per line of copy that was shown
    titles: pa.Table = field(default_factory=TITLE_PRIOR.empty_table)
    segments: pa.Table = field(default_factory=SEGMENT_PRIOR.empty_table)
    learned: Learned | None = field(default=None, compare=False)  # where they were learned just now

    @cached_property
    def by_artwork(self) -> dict[str, Prior]:
        """artwork_id to its prior, of those that were shown: for people to look at."""
        return {row["artwork_id"]: Prior(row["mean"], row["impressions"], row["plays"]) for row in self.table.to_pylist()}

    def of(self, artwork_id: str) -> Prior:
        """The artwork's prior."""
        return self.by_artwork.get(artwork_id, self.unseen)

    @cached_property
    def unseen_strength(self) -> float:
        """Impressions that `unseen` is worth."""
        row = pc.index(pc.is_null(self.titles["title_id"]), True).as_py()
        return STRENGTH if row < 0 else float(self.titles["strength"][row].as_py())

    @cached_property
    def fit(self) -> FitWeight:
        """What a unit of the average fit is worth."""
        known = self.titles.filter(pc.is_valid(self.titles["fit_weight"])).to_pylist()
        return FitWeight(known[0]["fit_weight"], known[0]["fit_error"]) if known else NOTHING_LEARNED

    def in_order(
        self, artwork_ids: pa.ChunkedArray, title_ids: pa.ChunkedArray | None = None, shift: np.ndarray | None = None
    ) -> "PriorColumns":
        """Those of many artworks, as arrays in their order.

        title_ids: of the same artworks; with them one that was never shown has its title's rate, else the catalog's. shift: (n,)
        log-odds by which each one's prior was to be another before its clicks, as its average fit says (match.clicks.average_fit).
        """
        rows = pc.index_in(artwork_ids, self.table["artwork_id"].combine_chunks())
        taken = self.table.select(["mean", "impressions", "plays", "strength", "effective"]).take(rows)
        before, strength = self._of_unseen(len(artwork_ids), title_ids)
        shown = pc.is_valid(rows).to_numpy()
        impressions, plays = (pc.fill_null(taken[name], 0).to_numpy() for name in ("impressions", "plays"))
        mean = np.where(shown, pc.fill_null(taken["mean"], 0.0).to_numpy(), before)
        known = pc.fill_null(taken["strength"], np.nan).to_numpy()
        strength = np.where(np.isnan(known), np.where(shown, impressions + STRENGTH, strength), known)
        effective = pc.coalesce(taken["effective"], pc.cast(taken["impressions"], pa.float64()))
        share = share_of_prior(strength, pc.fill_null(effective, 0.0).to_numpy())
        mean = mean if shift is None else moved(mean, share, before, shift)
        return PriorColumns(mean, impressions, plays, logit(mean), strength, share)

    def _of_unseen(self, count: int, title_ids: pa.ChunkedArray | None) -> tuple[np.ndarray, np.ndarray]:
        """(means, strengths), each (count,), of artwork that was never shown."""
        if title_ids is None or not len(self.titles):
            return np.full(count, self.unseen.mean), np.full(count, self.unseen_strength)
        taken = self.titles.take(pc.index_in(title_ids, self.titles["title_id"].combine_chunks()))
        nothing = (self.unseen.mean, self.unseen_strength)
        mean, strength = (
            pc.fill_null(taken[name], value).to_numpy() for name, value in zip(("mean", "strength"), nothing, strict=True)
        )
        return mean, strength

    def in_segment(self, segment: str) -> "Priors":
        """The priors of an audience segment, by its folded name, with the impressions and plays it had there.

        Artwork that was not shown there has its prior elsewhere, times how many times as often the segment plays. A segment that
        no impression named has the priors of all. Lines of copy are everyone's.
        """
        here = self.segments.filter(pc.equal(self.segments["segment"], fold(segment)))
        others = pc.is_null(here["artwork_id"])
        if not len(here):
            return self
        level = here.filter(others).to_pylist()[0]
        factor = level["mean"] / self.unseen.mean
        rows = pc.index_in(self.table["artwork_id"], here["artwork_id"].combine_chunks())
        taken, moved = here.take(rows), _moved(self.table, factor, level["strength"])
        columns = {
            "title_id": self.table["title_id"],
            "artwork_id": self.table["artwork_id"],
            "impressions": pc.fill_null(taken["impressions"], 0),
            "plays": pc.fill_null(taken["plays"], 0),
            "mean": pc.coalesce(taken["mean"], pa.array(moved.mean)),
            "strength": pc.coalesce(taken["strength"], pa.array(moved.strength)),
        }
        columns["effective"] = pc.multiply(columns["impressions"], _each_counts(self.table))
        titles = _moved(self.titles, factor, level["strength"])
        return replace(
            self,
            table=pa.table(columns).select(PRIOR.names).cast(PRIOR),
            unseen=Prior(level["mean"], 0, 0),
            titles=self.titles.set_column(1, "mean", [titles.mean])
            .set_column(2, "strength", [titles.strength])
            .cast(TITLE_PRIOR),
        )

    def of_lines(self, copy_ids: pa.ChunkedArray, title_ids: pa.ChunkedArray) -> "PriorColumns":
        """Those of many lines of copy (n,), as arrays in their order; one that was never shown has its title's rate."""
        rows = pc.index_in(copy_ids, self.lines["copy_id"].combine_chunks())
        counts = _effective(self.lines)
        impressions, plays, shown, played = (
            pc.fill_null(counts[name].take(rows), 0).to_numpy() for name in counts.column_names[1:]
        )
        of_titles = counts.group_by("title_id").aggregate([("shown", "sum"), ("played", "sum")])
        titles = pc.index_in(title_ids, of_titles["title_id"].combine_chunks())
        all_shown, all_played = (
            pc.fill_null(of_titles[f"{name}_sum"].take(titles), 0).to_numpy() for name in ("shown", "played")
        )
        rate = (all_played + STRENGTH * self.unseen.mean) / (all_shown + STRENGTH)
        mean = (played + STRENGTH * rate) / (shown + STRENGTH)
        strength = shown + STRENGTH
        return PriorColumns(mean, impressions, plays, logit(mean), strength, share_of_prior(strength, shown))


def _effective(lines: pa.Table) -> pa.Table:
    """title_id, impressions, plays, and how they count: as they are where nobody says otherwise."""
    columns = {name: lines[name] for name in ("title_id", "impressions", "plays")}
    columns["shown"] = pc.coalesce(lines["effective"], pc.cast(lines["impressions"], pa.float64()))
    columns["played"] = pc.coalesce(lines["effective_plays"], pc.cast(lines["plays"], pa.float64()))
    return pa.table(columns)


def _each_counts(table: pa.Table) -> pa.ChunkedArray:
    """(n,) float64: as how many impressions each one of an artwork's counts, on average."""
    shown = pc.cast(table["impressions"], pa.float64())
    return pc.divide(pc.coalesce(table["effective"], shown), pc.max_element_wise(shown, pa.scalar(1.0)))


def _moved(table: pa.Table, factor: float, strength: float) -> Beliefs:
    """Means and strengths of a table, of what was not shown in a segment."""
    mean, known = table["mean"].to_numpy(), pc.fill_null(table["strength"], STRENGTH).to_numpy()
    return Beliefs(np.clip(mean * factor, *EDGES), together(known, strength))


@dataclass(frozen=True)
class PriorColumns:
    """The priors of a snapshot's artwork, or of its lines of copy, in its order."""

    mean: np.ndarray  # (n,) float64 in (0, 1)
    impressions: np.ndarray  # (n,) int64
    plays: np.ndarray  # (n,) int64
    log_odds: np.ndarray  # (n,) float64, of the mean
    strength: np.ndarray  # (n,) float64, impressions the mean is worth: a Beta of mean * strength and (1 - mean) * strength
    share: np.ndarray  # (n,) float64 in 0..1: how much of the strength was there before the own clicks


def learn_priors(logs: Path | str, store: Store, rules: Rules | None = None, *, add: bool = False) -> Priors:
    """Aggregate `impressions` and `plays` (.parquet, .csv or .jsonl) of the folder `logs` into the store's tables of priors.

    They take the place of what was learned before; with `add` the logs join those read before (match.clicks.days), and the priors
    are as if all of them had been read at once. Impressions may have a copy_id: the line of copy that stood beside the picture.
    Raises LogError where the folder, a file or a column is missing or cannot be read, or an impression names no title or artwork.
    """
    with only_writer(store.lock("priors"), "learn_priors"):
        priors = priors_of(count_days(logs, rules or Rules(), store, add=add), fits_by_artwork(store))
        tables = {"copy_priors": priors.lines, "title_priors": priors.titles, "segment_priors": priors.segments}
        for name, rows in (*tables.items(), ("priors", priors.table)):
            if name == "priors" or len(rows) or has_table(store, name):
                replace_table(store, name, rows)  # mends first
                tidy_table(store, name)
    return priors


def read_priors(store: Store) -> Priors:
    """The store's priors; before any were learned, the same for every artwork."""
    lines, titles, segments, table = (
        _in_schema(read_table(store, name), schema) if has_table(store, name) else schema.empty_table()
        for name, schema in TABLES.items()
    )
    return _priors(table, lines, titles, segments)


def _in_schema(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The table with the columns that it was written without, by an older release."""
    columns = [table[f.name] if f.name in table.column_names else pa.nulls(len(table), f.type) for f in schema]
    return pa.table(columns, schema=schema)


def priors_of(days: Days, fits_of: FitsOf | None = None) -> Priors:
    """What the counts teach; fits_of: see `learn_posteriors`."""
    learned = learn_posteriors(days, fits_of)
    return replace(_priors(*learned[:-1]), learned=learned.learned)


def _priors(table: pa.Table, lines: pa.Table, titles: pa.Table, segments: pa.Table) -> Priors:
    catalog = titles.filter(pc.is_null(titles["title_id"]))
    if len(catalog):
        rate = catalog["mean"][0].as_py()
    else:  # learned by an older release, or never
        plays, impressions = (pc.sum(table[name]).as_py() or 0 for name in ("plays", "impressions"))
        rate = rate_of(plays, impressions)
    return Priors(table, Prior(rate, 0, 0), lines, titles, segments)
