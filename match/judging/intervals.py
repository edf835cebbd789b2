"""Intervals of ratios of sums: by bootstrap, and by the empirical Bernstein bound. Both count users where impressions repeat them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

CONFIDENCE = 0.95
AT_ONCE = 1 << 23  # numbers drawn at a time: bounds the memory
HALVINGS = 60  # of a bisection


@dataclass(frozen=True)
class Terms:
    """An estimate as sum(over) / sum(under), one term of each an impression: all that intervals need to know of an estimator."""

    name: str
    over: np.ndarray  # (n,) float64
    under: np.ndarray  # (n,) float64: ones, or the weights where the estimator normalises itself
    span: (
        float | None
    )  # over - v · under differs by this much at most, whatever the impression, for v in 0..most; None: unbounded
    most: float = 1.0  # the largest value there can be

    @property
    def value(self) -> float:
        """The estimate; NaN where nothing is under it."""
        under = float(self.under.sum())
        return float(self.over.sum()) / under if under else float("nan")


@dataclass(frozen=True)
class Estimate:
    """A value with its intervals, each at CONFIDENCE."""

    name: str
    value: float
    error: float  # standard error, linearised
    low: float  # by bootstrap: holds the truth about as often as it says, where no few impressions make the value
    high: float
    sure: (
        tuple[float, float] | None
    )  # by empirical Bernstein: at least as often, whatever the log; None where weights are unbounded


def estimates_of(
    terms: Sequence[Terms], units: np.ndarray, resamples: int = 1000, seed: int = 0
) -> tuple[list[Estimate], np.ndarray]:
    """Each estimate, and (len(terms), resamples) its bootstrap: all of the same draws, so that two may be subtracted.

    units: (n,) int, numbered from 0: users, or impressions; drawn anew as wholes (Efron & Tibshirani 1993, chapters 6 and 13).
    """
    drawn = bootstrap(terms, units, resamples, seed)
    found = []
    for one, resampled in zip(terms, drawn, strict=True):
        low, high = interval(resampled)
        found.append(Estimate(one.name, one.value, standard_error(influence(one), units), low, high, bernstein(one, units)))
    return found, drawn


def bootstrap(terms: Sequence[Terms], units: np.ndarray, resamples: int, seed: int) -> np.ndarray:
    """(len(terms), resamples) float64: each estimate with the units drawn anew; NaN where nothing is under it."""
    columns = [column for one in terms for column in (one.over, one.under)]
    totals = np.column_stack([np.bincount(units, column) for column in columns])
    sums = np.concatenate([counts @ totals for counts in _counts(len(totals), resamples, seed)])  # (resamples, 2 · terms)
    with np.errstate(divide="ignore", invalid="ignore"):
        values: np.ndarray = (sums[:, ::2] / sums[:, 1::2]).T
    values[~np.isfinite(values)] = np.nan
    return values


def _counts(units: int, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """(some, units) float64 at a time, `resamples` in all: how often each unit was drawn with replacement."""
    random, at_once = np.random.default_rng(seed), max(1, AT_ONCE // units)
    for first in range(0, resamples, at_once):
        some = min(at_once, resamples - first)
        drawn = random.integers(0, units, (some, units)) + units * np.arange(some)[:, None]
        yield np.bincount(drawn.ravel(), minlength=some * units).reshape(some, units).astype(np.float64)


def interval(resampled: np.ndarray) -> tuple[float, float]:
    """The percentile interval of resamples (r,); those that are NaN have no say; NaN where all are."""
    if not np.isfinite(resampled).any():
        return float("nan"), float("nan")
    low, high = np.nanquantile(resampled, ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2))
    return float(low), float(high)


def influence(terms: Terms) -> np.ndarray:
    """(n,) float64: how much each impression moves the estimate, times n; NaN where nothing is under it."""
    under = float(terms.under.mean())
    moved: np.ndarray = (terms.over - terms.value * terms.under) / (under or float("nan"))
    return moved


def standard_error(influences: np.ndarray, units: np.ndarray) -> float:
    """Of an estimate with these influences (n,), units being independent (n,)."""
    totals = np.bincount(units, influences)
    return float(np.sqrt((totals**2).sum())) / len(influences)


def quantile(probability: float) -> float:
    """Of the standard normal."""
    return NormalDist().inv_cdf(probability)


def bernstein(terms: Terms, units: np.ndarray) -> tuple[float, float] | None:
    """The interval that holds the truth with CONFIDENCE at least, however skewed the terms; None where nothing bounds them.

    Maurer & Pontil 2009 (arXiv 0907.3740), theorem 11, for independent units: with probability 1 - d each way, a mean of m terms in
    0..1 is off by at most sqrt(2 V log(2/d) / m) + 7 log(2/d) / (3 (m - 1)), V being their sample variance. A ratio of sums is v
    where the mean of over - v · under is 0, so the interval is every v in 0..most for which the bound allows 0; for under = 1 it is
    the theorem's own.
    """
    totals = np.column_stack([np.bincount(units, terms.over), np.bincount(units, terms.under)])
    if terms.span is None or len(totals) < 2 or not np.isfinite(terms.value):
        return None
    span = terms.span * int(np.bincount(units).max())  # a user's terms may go together
    means, spread, log = (
        totals.mean(axis=0),
        np.cov(totals.T),
        float(np.log(4 / (1 - CONFIDENCE))),
    )  # 2/d, d being half on each side
    m = len(totals)
    least = 7 * span * log / (3 * (m - 1))

    def excess(v: float) -> float:
        """How far the mean of over - v · under is beyond what the bound allows."""
        variance = float(spread[0, 0] - 2 * v * spread[0, 1] + v * v * spread[1, 1])
        return abs(float(means[0]) - v * float(means[1])) - float(np.sqrt(2 * max(variance, 0.0) * log / m)) - least

    inside = min(max(terms.value, 0.0), terms.most)
    return _edge(excess, inside, 0.0), _edge(excess, inside, terms.most)


def _edge(excess: Callable[[float], float], inside: float, outside: float) -> float:
    """Where the excess, below 0 inside, reaches 0; outside where it does not. It is concave on either side, so that it does so once."""
    if not excess(outside) > 0:
        return outside
    for _ in range(HALVINGS):
        middle = (inside + outside) / 2
        inside, outside = (inside, middle) if excess(middle) > 0 else (middle, outside)
    return outside
