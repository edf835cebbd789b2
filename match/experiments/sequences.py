"""Confidence sequences: intervals that hold at every look at once, however often and for whatever reason one looks.

A fixed-sample interval holds at one look that was set beforehand; who looks every day and stops when it excludes 0 finds effects
where there are none. Here the evidence against a value is a mixture of likelihood ratios, a martingale if the value is the truth,
so that it ever exceeds 1 / level with a probability of at most level (Ville; Robbins 1970; the mixture sequential probability ratio
test of Johari, Koomen, Pekelis & Walsh 2022, "Always valid inference"). An estimate that is only asymptotically normal, with its
standard error estimated, makes it the Gaussian mixture asymptotic confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy &
Ramdas 2021 (arXiv 2103.06476), in units of the estimate: with information 1 / error**2 for their time.

That is proven for independent increments. Where users come back, and the first of them have the most impressions, looks hang together
more closely than that, so that the boundary is crossed less often (Slepian 1962). Where later users come more often it is not proven;
simulated, experiments with arms that are alike stay below the level by far in either case (tests/match/experiments/test_trial.py).

Mixed are normal distributions of the effect about 0 with standard deviations `scale` times SCALES. `scale` is the smallest effect
worth finding: set it before the first look and keep to it. Half of the weight lies there; the other scales cost its interval 7 % of
width, and keep large effects from waiting until small ones could be seen.
"""

import math
from collections.abc import Callable

import numpy as np

SCALES = np.array([1.0, 2.0, 4.0, 8.0, 16.0])
WEIGHTS = np.array([0.5, 0.125, 0.125, 0.125, 0.125])

STEPS = 60  # of a bisection: to the last digits of a float64
WIDEST = 2.0**20  # the greatest ratio that is looked for

tail_of_normal = np.vectorize(lambda z: 0.5 * math.erfc(z / math.sqrt(2)), otypes=[float])  # P(Z >= z), small tails too


def log_evidence(estimate: np.ndarray, error: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """log of the mixed likelihood ratio against an effect of 0; one above log(1 / level) excludes 0 at that level.

    estimate: float64 of any shape; its standard error, above 0; scale, above 0; they broadcast.
    """
    return np.asarray(np.logaddexp.reduce(_parts(estimate, error, scale), axis=-1))


def always_valid_p(estimate: np.ndarray, error: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """The p-value at this look, in (0, 1]: the level from which on the interval of `half_width` excludes 0."""
    return np.asarray(np.exp(np.minimum(-log_evidence(estimate, error, scale), 0.0)))


def half_width(error: np.ndarray, scale: np.ndarray, level: float) -> np.ndarray:
    """Half of the width of the always valid interval of confidence 1 - level about an estimate; shapes as `log_evidence`."""
    error, scale = np.broadcast_arrays(np.asarray(error, np.float64), np.asarray(scale, np.float64))
    variance, mixed = (error**2)[..., None], (scale[..., None] * SCALES) ** 2
    # Any one part of the mixture alone excludes later than all of them.
    alone = variance * (1 + variance / mixed) * np.log((1 + mixed / variance) / (level * WEIGHTS) ** 2)
    low, high = np.zeros(error.shape), np.sqrt(alone.min(axis=-1))
    for _ in range(STEPS):
        middle = (low + high) / 2
        excluded = log_evidence(middle, error, scale) > -math.log(level)
        low, high = np.where(excluded, low, middle), np.where(excluded, middle, high)
    return np.asarray(high)


def ratio_interval(
    above: tuple[np.ndarray, np.ndarray], below: tuple[np.ndarray, np.ndarray], scale: np.ndarray, level: float
) -> tuple[np.ndarray, np.ndarray]:
    """Always valid ends of the ratio of two independent estimates, each (value, variance), the values at least 0.

    Those ratios r for which `above` - r · `below` has an interval that holds 0 (Fieller 1954), so that it holds 1 exactly where the
    interval of the difference holds 0. The upper end is inf where `below` itself might be 0.
    """
    value, of_value = (np.asarray(each, np.float64) for each in above)
    other, of_other = (np.asarray(each, np.float64) for each in below)

    def held(ratio: np.ndarray) -> np.ndarray:
        error = np.sqrt(of_value + ratio**2 * of_other)
        inside: np.ndarray = log_evidence(value - ratio * other, error, scale) <= -math.log(level)
        return inside

    middle = value / other
    high = np.maximum(2 * middle, 2.0)
    while (growing := held(high) & (high < WIDEST)).any():
        high = np.where(growing, 2 * high, high)
    upper = np.where(held(high), np.inf, _edge(held, middle, high))
    lower = np.where(held(np.zeros_like(middle)), 0.0, _edge(held, middle, np.zeros_like(middle)))
    return lower, upper


def probability_above(estimate: np.ndarray, error: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """P(effect > 0) of who believed beforehand what is mixed here: either sign alike, small effects before large ones."""
    estimate, error, scale = (np.asarray(each, np.float64)[..., None] for each in (estimate, error, scale))
    mixed = scale * SCALES
    parts = _parts(estimate[..., 0], error[..., 0], scale[..., 0])
    believed = np.exp(parts - np.logaddexp.reduce(parts, axis=-1)[..., None])
    above = tail_of_normal(-estimate * mixed / (error * np.sqrt(error**2 + mixed**2)))
    return np.asarray((believed * above).sum(axis=-1))


def _parts(estimate: np.ndarray, error: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """(..., SCALES): log of each weighted likelihood ratio of the mixture."""
    estimate, error, scale = (np.asarray(each, np.float64)[..., None] for each in (estimate, error, scale))
    variance, mixed = error**2, (scale * SCALES) ** 2
    ratio = 0.5 * np.log(variance / (variance + mixed)) + estimate**2 * mixed / (2 * variance * (variance + mixed))
    parts: np.ndarray = ratio + np.log(WEIGHTS)
    return parts


def _edge(held: Callable[[np.ndarray], np.ndarray], inside: np.ndarray, outside: np.ndarray) -> np.ndarray:
    """Where `held` ends between a point inside and one outside, elementwise."""
    for _ in range(STEPS):
        middle = (inside + outside) / 2
        holds = held(middle)
        inside, outside = np.where(holds, middle, inside), np.where(holds, outside, middle)
    return np.asarray((inside + outside) / 2)
