"""Two proportions: how much they differ, with an interval and a p-value that always agree, and what repeated users take away."""

import numpy as np

from match.experiments.sequences import tail_of_normal
from match.tails import quantile

STEPS = 60  # of a bisection
MOST = 40.0  # standard errors: p-values below 1e-300 are 0


def effective(count: np.ndarray, design: np.ndarray) -> np.ndarray:
    """As many independent impressions as `count` of users who come back are worth (Rao & Scott 1992): divided by the design effect.

    design: the variance over users by that over impressions. Below 1, which is luck, it counts as 1.
    """
    return np.asarray(count / np.maximum(design, 1.0))


def wilson(rate: np.ndarray, count: np.ndarray, z: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
    """The score interval of a proportion (Wilson 1927) out of count (above 0) trials, not necessarily whole ones."""
    middle = rate + z**2 / (2 * count)
    half = z * np.sqrt(rate * (1 - rate) / count + z**2 / (4 * count**2))
    return np.maximum((middle - half) / (1 + z**2 / count), 0), np.minimum((middle + half) / (1 + z**2 / count), 1)


def difference(
    first: tuple[np.ndarray, np.ndarray], second: tuple[np.ndarray, np.ndarray], z: np.ndarray | float
) -> tuple[np.ndarray, np.ndarray]:
    """The interval of first - second, each (rate, count), from their score intervals (Newcombe 1998, method 10)."""
    (p, n), (q, m) = first, second
    (p_low, p_high), (q_low, q_high) = wilson(p, n, z), wilson(q, m, z)
    low = (p - q) - np.sqrt((p - p_low) ** 2 + (q_high - q) ** 2)
    high = (p - q) + np.sqrt((p_high - p) ** 2 + (q - q_low) ** 2)
    return low, high


def p_value(first: tuple[np.ndarray, np.ndarray], second: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Two-sided, in [0, 1]: 1 less the confidence at which the interval of `difference` begins to hold 0."""
    inside, outside = np.zeros(np.shape(first[0])), np.full(np.shape(first[0]), MOST)
    for _ in range(STEPS):
        middle = (inside + outside) / 2
        low, high = difference(first, second, middle)
        apart = (low > 0) | (high < 0)
        inside, outside = np.where(apart, middle, inside), np.where(apart, outside, middle)
    return np.asarray(np.minimum(2 * tail_of_normal(inside), 1.0)) if inside.size else inside


def z_of(level: float) -> float:
    """Standard errors on either side of an interval of confidence 1 - level."""
    return quantile(1 - level / 2)
