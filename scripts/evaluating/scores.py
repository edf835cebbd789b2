"""The statistics: area under the ROC curve, ranks, and intervals. Numpy only, and nothing of the product."""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Estimate:
    """A figure and its percentile interval (Efron & Tibshirani 1993, chapter 13)."""

    value: float
    low: float
    high: float

    def above(self, chance: float) -> bool:
        """Whether the whole interval lies above it."""
        return self.low > chance


def area(scores: np.ndarray, positive: np.ndarray) -> float:
    """Area under the ROC curve, as the Mann-Whitney statistic; ties count half. scores, positive: (n,); NaN without both kinds."""
    above, below = scores[positive], np.sort(scores[~positive])
    if not len(above) or not len(below):
        return float("nan")
    wins = np.searchsorted(below, above, "left") + np.searchsorted(below, above, "right")
    return float(wins.sum() / (2 * len(above) * len(below)))


def rank_of_own(similarities: np.ndarray, owner: np.ndarray) -> np.ndarray:
    """(n,) how many others come before a query's own. similarities: (n, m); owner: (n,) its own column. Ties count against it."""
    own = similarities[np.arange(len(owner)), owner]
    ranks: np.ndarray = (similarities >= own[:, None]).sum(axis=1) - 1
    return ranks


def rank_of_first_own(similarities: np.ndarray, owner: np.ndarray) -> np.ndarray:
    """(n,) how many others' come before the first of a query's own. similarities: (n, m); owner: (m,) each column's query."""
    mine = owner[None] == np.arange(len(similarities))[:, None]
    best = np.where(mine, similarities, -np.inf).max(axis=1)
    ranks: np.ndarray = ((similarities >= best[:, None]) & ~mine).sum(axis=1)
    return ranks


def mean(values: np.ndarray, units: np.ndarray, resamples: int, seed: int) -> Estimate:
    """The mean of values (n,), its interval by drawing units (n,) anew: the picture or the user that each value belongs to.

    Values of one unit are not independent, so that units are drawn, not values.
    """
    _, unit = np.unique(units, return_inverse=True)
    totals, counts = np.bincount(unit, values), np.bincount(unit)
    drawn = _drawn(len(totals), resamples, seed)
    means = (drawn @ totals) / (drawn @ counts)
    return estimate(float(np.mean(values)), means)


def areas(scores: np.ndarray, positive: np.ndarray, resamples: int, seed: int) -> np.ndarray:
    """(1 + resamples, k + 1): areas under the curve of k questions about the same n units, and last their mean; first as they
    are, then with the units drawn anew, for all questions at once. The same seed draws the same units, so that two such arrays
    may be subtracted. scores, positive: (k, n)."""
    random, units = np.random.default_rng(seed), scores.shape[1]
    draws = [np.arange(units), *(random.integers(0, units, units) for _ in range(resamples))]
    found = np.array([[area(s[drawn], p[drawn]) for s, p in zip(scores, positive, strict=True)] for drawn in draws])
    return np.column_stack([found, np.nanmean(found, axis=1)])


def estimate(value: float, resampled: np.ndarray) -> Estimate:
    """The figure with the interval that its resamples (n,) span; those that are NaN have no say."""
    low, high = np.nanquantile(resampled, ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2))
    return Estimate(float(value), float(low), float(high))


def share(happened: int, tried: int) -> Estimate:
    """How often something happened, with Wilson's interval (1927), which is not empty where it happened never or always."""
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    p, more = happened / tried, z * z / tried
    middle, reach = (p + more / 2) / (1 + more), z / (1 + more) * (p * (1 - p) / tried + more / (4 * tried)) ** 0.5
    return Estimate(p, min(p, max(0.0, middle - reach)), max(p, min(1.0, middle + reach)))


def few(values: np.ndarray) -> Estimate:
    """The mean of a few independent values (n,), two at least, with Student's interval (1908): resampling so few is too sure of itself.

    The quantile is Fisher and Cornish's expansion (1960) around the normal one: within 0.002 from ten values on.
    """
    z, free = NormalDist().inv_cdf((1 + CONFIDENCE) / 2), len(values) - 1
    first, second = (z**3 + z) / 4, (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    reach = (z + first / free + second / free**2 + third / free**3) * float(np.std(values, ddof=1)) / len(values) ** 0.5
    middle = float(np.mean(values))
    return Estimate(middle, middle - reach, middle + reach)


def few_ratio(above: np.ndarray, below: np.ndarray) -> Estimate:
    """sum(above) / sum(below) of a few independent pairs (n,), its interval by what each pair adds to it (the delta method)."""
    ratio, each = float(above.sum() / below.sum()), below.mean()
    apart = few((above - ratio * below) / each)
    return Estimate(ratio, ratio + apart.low - apart.value, ratio + apart.high - apart.value)


def _drawn(units: int, resamples: int, seed: int) -> np.ndarray:
    """(resamples, units) float64: how often each was drawn with replacement."""
    return np.random.default_rng(seed).multinomial(units, np.full(units, 1 / units), resamples).astype(np.float64)
