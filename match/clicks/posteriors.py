"""Daily counts to posteriors: places and segments corrected for, then titles, artworks and segments shrunk towards one another."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from embed.records import COPY_PRIOR, PRIOR, SEGMENT_PRIOR, TITLE_PRIOR, fold
from match.clicks.average_fit import NOTHING_LEARNED, FitWeight, learn_weight
from match.clicks.days import Days, Report
from match.clicks.shrinkage import (
    EDGES,
    STRENGTH,
    Beliefs,
    Counts,
    Strengths,
    believe,
    believe_segments,
    estimate_factors,
    estimate_strengths,
    together,
)

RATE = 0.05  # the catalog's rate before there are any impressions

FitsOf = Callable[[pa.ChunkedArray], np.ndarray]  # artwork_ids (n,) to their average fits (n,), nan where unknown


class Learned(NamedTuple):
    """What stands behind priors: for people to look at."""

    report: Report
    strengths: Strengths
    of_segments: float | None  # impressions that an artwork's rate is worth to a segment; None where no impression names one
    fit: FitWeight  # what the average fit is worth
    places: dict[int, float]  # by place: how many times as often an impression there is played as an average one
    segments: dict[str, float]  # by segment, likewise


class Posteriors(NamedTuple):
    """The store's tables, and what stands behind them."""

    artworks: pa.Table  # PRIOR
    lines: pa.Table  # COPY_PRIOR
    titles: pa.Table  # TITLE_PRIOR
    segments: pa.Table  # SEGMENT_PRIOR
    learned: Learned


def rate_of(plays: float, impressions: float) -> float:
    """P(quality play | impression) over all of them, shrunk towards RATE, so that it is never 0 or 1."""
    return (plays + STRENGTH * RATE) / (impressions + STRENGTH)


def learn_posteriors(days: Days, fits_of: FitsOf | None = None) -> Posteriors:
    """What the counts teach; of what the average fit is worth nothing where fits are not given."""
    cells, lines = days.cells, days.lines
    titles, artworks = (_numbers(cells, names) for names in (("title_id",), ("title_id", "artwork_id")))
    firsts = np.flatnonzero(np.diff(artworks, prepend=-1))
    shown, played, squares = (cells[name].to_numpy() for name in ("shown", "played", "squares"))
    places = _place_factors(days.places)
    looked_at = shown * places.of_artworks[artworks] if len(cells) else shown
    names, segments = _folded(cells["name"])
    factors = _factors(segments, artworks, looked_at, played)
    counted = looked_at * factors[segments]
    sums = [np.bincount(artworks, column) for column in (counted, played, shown**2 / squares * counted / shown)]
    rate = rate_of(float(sums[1].sum()), float(sums[0].sum()))
    counts, of_artworks = Counts(*sums), titles[firsts]
    strengths = estimate_strengths(counts, of_artworks, rate)
    known, unknown = believe(counts, of_artworks, rate, strengths)
    here, of_segments = _segment_table(cells, names, segments, artworks, looked_at, known, factors, rate)
    said = {name: float(factors[number]) for number, name in enumerate(names) if name is not None}
    fit = NOTHING_LEARNED
    if fits_of is not None and len(cells):
        trials = together(counts.evidence, strengths.of_artworks)
        fits = fits_of(cells["artwork_id"].take(firsts))
        fit = learn_weight(counts.plays / counts.shown, trials, of_artworks, fits)
    learned = Learned(days.report, strengths, of_segments, fit, places.by_place, said)
    renamed = lines.drop_columns("squares").rename_columns(COPY_PRIOR.names).cast(COPY_PRIOR)
    title_ids = cells["title_id"].take(np.flatnonzero(np.diff(titles, prepend=-1)))
    of_titles = _title_table(title_ids, unknown, rate, strengths, fit)
    return Posteriors(_table(cells, artworks, firsts, counts.shown, known), renamed, of_titles, here, learned)


class _Places(NamedTuple):
    of_artworks: np.ndarray  # (artworks,) the mean factor of the places where each was shown
    by_place: dict[int, float]


def _place_factors(places: pa.Table) -> _Places:
    artworks = _numbers(places, ("title_id", "artwork_id"))
    values, kinds = np.unique(pc.fill_null(places["place"], -1).to_numpy(), return_inverse=True)
    shown = places["shown"].to_numpy()
    factors = _factors(kinds, artworks, shown, places["played"].to_numpy())
    mean = np.bincount(artworks, shown * factors[kinds]) / np.bincount(artworks, shown)
    found = {int(value): float(factor) for value, factor in zip(values, factors, strict=True) if value >= 0}
    return _Places(mean, found)


def _factors(kinds: np.ndarray, items: np.ndarray, shown: np.ndarray, played: np.ndarray) -> np.ndarray:
    if kinds.max(initial=-1) < 1:
        return np.ones(len(np.unique(kinds)))
    return estimate_factors(kinds, items, shown, played, rate_of(float(played.sum()), float(shown.sum())))


def _numbers(table: pa.Table, names: Iterable[str]) -> np.ndarray:
    """(n,) int64 from 0: of the rows, which are ordered by these columns, those alike have one number."""
    new = np.zeros(len(table), bool)
    for name in names:
        column = table[name]
        new[1:] |= pc.not_equal(column.slice(1), column.slice(0, max(len(table) - 1, 0))).to_numpy()
    return np.cumsum(new)


def _folded(names: pa.ChunkedArray) -> tuple[list[str | None], np.ndarray]:
    """(names, (n,) int64): the segments, folded, and each row's; a blank one is none."""
    coded = pc.dictionary_encode(names, null_encoding="encode").combine_chunks()
    spelled = [fold(name) or None if name is not None else None for name in coded.dictionary.to_pylist()]
    known = list(dict.fromkeys(spelled))
    return known, np.array([known.index(name) for name in spelled], np.int64)[coded.indices.to_numpy()]


def _table(cells: pa.Table, artworks: np.ndarray, firsts: np.ndarray, effective: np.ndarray, known: Beliefs) -> pa.Table:
    counts = [np.bincount(artworks, cells[name].to_numpy()).astype(np.int64) for name in ("impressions", "plays")]
    ids = [cells[name].take(firsts) for name in ("title_id", "artwork_id")]
    return pa.table([*ids, *counts, known.mean, effective, known.strength], schema=PRIOR)


def _title_table(title_ids: pa.ChunkedArray, unknown: Beliefs, rate: float, strengths: Strengths, fit: FitWeight) -> pa.Table:
    ids = pa.chunked_array([*title_ids.chunks, pa.nulls(1, pa.string())], pa.string())
    means, sure = np.append(unknown.mean, rate), np.append(unknown.strength, together(*strengths))
    worth = ([None] * len(title_ids) + [value] for value in fit)
    return pa.table([ids, means, sure, *worth], schema=TITLE_PRIOR)


def _segment_table(
    cells: pa.Table,
    names: list[str | None],
    segments: np.ndarray,
    artworks: np.ndarray,
    looked_at: np.ndarray,
    known: Beliefs,
    factors: np.ndarray,
    rate: float,
) -> tuple[pa.Table, float | None]:
    named = np.array([name is not None for name in names], bool)
    rows = np.flatnonzero(named[segments]) if len(names) else np.empty(0, np.int64)
    if not len(rows):
        return SEGMENT_PRIOR.empty_table(), None
    alike = segments[rows] * (artworks.max() + 1) + artworks[rows]  # of names that fold to one
    _, firsts, inverse = np.unique(alike, return_index=True, return_inverse=True)
    firsts = rows[firsts]
    weighted = looked_at, cells["played"].to_numpy(), cells["shown"].to_numpy() * looked_at / cells["squares"].to_numpy()
    counts = Counts(*(np.bincount(inverse, column[rows]) for column in weighted))
    found, strength = believe_segments(counts, artworks[firsts], known, factors[segments[firsts]])
    impressions, plays = (
        np.bincount(inverse, cells[name].to_numpy()[rows]).astype(np.int64) for name in ("impressions", "plays")
    )
    ids = [cells[name].take(firsts) for name in ("title_id", "artwork_id")]
    of_each = [names[number] for number in segments[firsts]]
    each = pa.table([of_each, *ids, impressions, plays, found.mean, found.strength], schema=SEGMENT_PRIOR)
    others = np.flatnonzero(named)
    sums = [np.bincount(segments[firsts], column, len(names))[others].astype(np.int64) for column in (impressions, plays)]
    nothing = [pa.nulls(len(others), pa.string())] * 2
    means = np.clip(rate * factors[others], *EDGES)
    some = pa.table(
        [[names[number] for number in others], *nothing, *sums, means, np.full(len(others), strength)], schema=SEGMENT_PRIOR
    )
    return pa.concat_tables([each, some]).combine_chunks(), strength
