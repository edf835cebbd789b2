"""Calibration: whether what is said to be played one time in ten is played one time in ten.

Intercept and slope as Cox has them (1958, Biometrika 45: 562-5): of log-odds that are true they are 0 and 1. A slope below 1 says that
the blend claims more than it knows. The expected calibration error is the mean distance of rate and promise over bins, each of as many
choices; it is above 0 by chance alone, and by how much stands beside it.
"""

from dataclasses import dataclass

import numpy as np

from match.blend import expit
from match.fitting.choices import ALIKE, Choices
from match.judging.regression import fit_logistic
from match.tails import quantile

BINS = 10
DRAWS = 200  # of plays as promised, to learn the error by chance


@dataclass(frozen=True)
class Calibration:
    """Of log-odds on choices that they were not fitted on; errors count users."""

    intercept: float  # log-odds, the slope being 1: above 0 where more is played than was promised
    intercept_error: float
    slope: float  # nan where all promises are alike
    slope_error: float
    error: float  # expected calibration error, 0..1
    by_chance: float  # its mean where all promises are true
    promised: np.ndarray  # (b,) float64: the mean promise of each bin
    played: np.ndarray  # (b,) float64: the rate in it
    margins: np.ndarray  # (b,) float64: half the width of its 95 % interval


def calibrate(choices: Choices, log_odds: np.ndarray, seed: int = 0) -> Calibration:
    """log_odds: (n,) of a quality play."""
    ones = np.ones((len(choices), 1))
    level = fit_logistic(ones, choices.quality, weights=choices.weights, units=choices.user, offset=log_odds)
    p, bins = expit(log_odds), _bins(choices, log_odds)
    counts, promised = (np.bincount(bins, choices.weights * value) for value in (np.ones(len(p)), p))
    random = np.random.default_rng(seed)
    played = np.bincount(bins, choices.weights * choices.quality)
    drawn = [np.bincount(bins, choices.weights * (random.random(len(p)) < p)) for _ in range(DRAWS)]
    return Calibration(
        float(level.coefficients[0]),
        float(level.errors[0]),
        *_slope(choices, log_odds),
        _distance(played, promised, counts),
        float(np.mean([_distance(some, promised, counts) for some in drawn])),
        promised / counts,
        played / counts,
        _margins(choices, bins, played / counts, counts),
    )


def _slope(choices: Choices, log_odds: np.ndarray) -> tuple[float, float]:
    """(slope, its standard error)."""
    if np.ptp(log_odds) < ALIKE:
        return float("nan"), float("nan")
    x = np.column_stack([log_odds, np.ones(len(choices))])
    fitted = fit_logistic(
        x, choices.quality, weights=choices.weights, units=choices.user, towards=np.array([1.0, 0.0])
    )  # where it begins; no ridge holds it there
    return float(fitted.coefficients[0]), float(fitted.errors[0])


def _bins(choices: Choices, log_odds: np.ndarray) -> np.ndarray:
    """(n,) int64 from 0: of about the same weight each, by rising promise; those that promise the same are in one."""
    order = log_odds.argsort(kind="stable")
    below = np.empty(len(order))
    below[order] = choices.weights[order].cumsum() - choices.weights[order]
    _, alike = np.unique(log_odds, return_inverse=True)
    first = np.full(int(alike.max()) + 1, np.inf)
    np.minimum.at(first, alike, below)
    return np.unique((BINS * first[alike] / choices.weights.sum()).astype(np.int64), return_inverse=True)[1]


def _distance(played: np.ndarray, promised: np.ndarray, counts: np.ndarray) -> float:
    return float(abs(played - promised).sum() / counts.sum())


def _margins(choices: Choices, bins: np.ndarray, rates: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Of the rates, users being independent."""
    users, unit = np.unique(choices.user, return_inverse=True)
    apart = np.zeros((len(users), len(rates)))
    np.add.at(apart, (unit, bins), choices.weights * (choices.quality - rates[bins]))
    margins: np.ndarray = quantile(0.975) * np.sqrt((apart**2).sum(axis=0)) / counts
    return margins
