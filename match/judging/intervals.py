"""Intervals of ratios of sums: by bootstrap, and by the empirical Bernstein bound. Both count users where impressions repeat them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

CONFIDENCE = 0.95
AT_ONCE = 1 << 23  # numbers drawn at a time: bounds the memory
HALVINGS = 60  # of a bisection
CANCELLED = 1e-13  # of what was subtracted: less of a variance is rounding


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
    terms: Sequence[Terms], units: np.ndarray, resamples: int = 1000, seed: int = 0, less: Sequence[tuple[int, int]] = ()
) -> tuple[list[Estimate], list[Estimate]]:
    """Each estimate; and for each (a, b) of `less` that of terms a less that of terms b, paired: all are of the same draws.

    units: (n,) int, numbered from 0: users, or impressions; drawn anew as wholes. The intervals are studentised (Hall 1992; Efron &
    Tibshirani 1993, 12.5): a resample is far from the estimate in terms of its own standard error. Few clicks of large weight make an
    estimate skewed, and then percentiles of resamples lie too low. Edges that the bootstrap leaves open, as where nothing varies,
    are those of the sure interval, or else of what rewards there can be. No interval goes beyond these, but to hold its value.
    """
    totals = np.column_stack(
        [np.bincount(units, column) for one in terms for column in (one.over, one.under)]
    )  # (units, 2 · terms)
    wanted = [(which,) for which in range(len(terms))] + [tuple(pair) for pair in less]
    pairs = sorted({(i, j) for some in wanted for i in _columns(some) for j in _columns(some) if i <= j})
    columns = np.column_stack([totals, *(totals[:, i] * totals[:, j] for i, j in pairs)])
    drawn = np.concatenate([columns.sum(axis=0)[None], *(counts @ columns for counts in _counts(len(totals), resamples, seed))])
    found = []
    for some in wanted:
        values, errors = _values(
            drawn[:, : totals.shape[1]], dict(zip(pairs, drawn[:, totals.shape[1] :].T, strict=True)), some
        )
        value, error, most = float(values[0]), float(errors[0]), terms[some[0]].most
        sure = bernstein(terms[some[0]], units) if len(some) == 1 else None
        least = 0.0 if len(some) == 1 else -most
        low, high = _studentised(values, errors, sure or ((least, most) if error > 0 or len(some) == 1 else (value, value)))
        name = " - ".join(terms[which].name for which in some)
        found.append(Estimate(name, value, error, min(value, max(least, low)), max(value, min(most, high)), sure))
    return found[: len(terms)], found[len(terms) :]


def _columns(some: tuple[int, ...]) -> list[int]:
    return [column for which in some for column in (2 * which, 2 * which + 1)]


def _values(
    sums: np.ndarray, products: dict[tuple[int, int], np.ndarray], some: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """((r,) values, (r,) standard errors) of one estimate, or of one less another, in each of r draws.

    sums: (r, 2 · terms) of `over` and `under`; products: (r,) sums over units of column i times column j, i <= j. The error is that of
    the linearised value: the root of the sum of squares of each unit's over - value · under, over the sum of under.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        slopes, values = dict[int, np.ndarray](), np.zeros(len(sums))
        for sign, which in zip((1.0, -1.0), some, strict=False):
            value = sums[:, 2 * which] / sums[:, 2 * which + 1]
            values = values + sign * value
            slopes[2 * which], slopes[2 * which + 1] = sign / sums[:, 2 * which + 1], -sign * value / sums[:, 2 * which + 1]
        squares = sum(slopes[i] ** 2 * products[i, i] for i in slopes)
        variance = squares + sum(2 * slopes[i] * slopes[j] * products[i, j] for i in slopes for j in slopes if i < j)
        return values, np.sqrt(np.where(variance > CANCELLED * squares, variance, np.where(np.isnan(variance), np.nan, 0.0)))


def _studentised(values: np.ndarray, errors: np.ndarray, otherwise: tuple[float, float]) -> tuple[float, float]:
    """The interval of what comes first, by the resamples after it; an edge that they leave open is the other interval's.

    A resample without an error of its own, such as one that drew none of the clicks, is infinitely far: where there are many, the
    edge on the other side is open. One that has no value has no say.
    """
    if not errors[0] > 0:
        return otherwise
    drawn = np.isfinite(values[1:])
    apart, own = values[1:][drawn] - values[0], errors[1:][drawn]
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = np.where(apart == 0, 0.0, apart / own)
    if not len(scaled):
        return otherwise
    high, low = np.quantile(scaled, ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2), method="inverted_cdf")  # never between two
    edges = float(values[0] - low * errors[0]), float(values[0] - high * errors[0])
    return edges[0] if np.isfinite(edges[0]) else otherwise[0], edges[1] if np.isfinite(edges[1]) else otherwise[1]


def _counts(units: int, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """(some, units) float64 at a time, `resamples` in all: how often each unit was drawn with replacement."""
    random, at_once = np.random.default_rng(seed), max(1, AT_ONCE // units)
    for first in range(0, resamples, at_once):
        some = min(at_once, resamples - first)
        drawn = random.integers(0, units, (some, units)) + units * np.arange(some)[:, None]
        yield np.bincount(drawn.ravel(), minlength=some * units).reshape(some, units).astype(np.float64)


def influence(terms: Terms) -> np.ndarray:
    """(n,) float64: how much each impression moves the estimate, times n; NaN where nothing is under it."""
    under = float(terms.under.mean())
    moved: np.ndarray = (terms.over - terms.value * terms.under) / (under or float("nan"))
    return moved


def standard_error(influences: np.ndarray, units: np.ndarray) -> float:
    """Of an estimate with these influences (n,), units being independent (n,)."""
    totals = np.bincount(units, influences)
    return float(np.sqrt((totals**2).sum())) / len(influences)


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
