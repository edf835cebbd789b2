"""What a log can carry: how much of it speaks of the judged policy, and whether its propensities are true."""

from dataclasses import dataclass

import numpy as np

from match.judging.log import ROUNDING, Log
from match.tails import chi_square_tail

FEW = 5.0  # impressions expected of an artwork: with fewer the chi-square is not to be trusted (Cochran 1954)
BANDS = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95, 1.0)  # of propensities that are held alike


@dataclass(frozen=True)
class Calibration:
    """Whether artwork was shown as often as its propensities say, all with about the same propensity taken together."""

    p: float  # P(counts per band as far from the propensities, or farther)
    band: tuple[
        float, float
    ]  # the one that is farthest off in standard deviations: propensities above the first, to the second ...
    shown: int  # ... how often artwork of it was shown ...
    expected: float  # ... and how often its propensities say


@dataclass(frozen=True)
class Diagnosis:
    """Measures of a log against a policy. Those that need weights are NaN where propensities are missing."""

    impressions: int
    units: int  # users, or impressions where no user is named
    unusable: int  # impressions whose propensity is missing, or 0
    drawn: int  # impressions of which another artwork could have been shown
    effective: float  # sample size: as many independent units, evenly weighted, would know as much (Kish 1965)
    effective_reward: float  # likewise of the units that earned something, each counting with what it adds to the estimate
    mean_weight: float  # 1, but for chance, where propensities are true and the log shows all that the policy would
    mean_weight_error: float  # its standard error
    overlap: (
        float | None
    )  # the share of the policy's choices that the log could have shown; None without both sets of propensities
    largest_weight: float
    heaviest: float  # the share of all weight that one unit has, the heaviest
    mismatch: (
        float | None
    )  # P(counts per artwork as far from the logged propensities, or farther); None where those of all are missing
    calibration: Calibration | None = None  # likewise


def diagnose(log: Log) -> Diagnosis:
    """The measures of a log."""
    return Diagnosis(
        impressions=len(log),
        units=int(log.units.max()) + 1,
        unusable=int(log.unusable.sum()),
        drawn=int((log.propensity < 1 - ROUNDING).sum()),
        overlap=_overlap(log),
        mismatch=sample_ratio_mismatch(log),
        calibration=calibration(log),
        **(_of_weights(log) if not log.unusable.any() else dict.fromkeys(WEIGHED, float("nan"))),
    )


WEIGHED = ("effective", "effective_reward", "mean_weight", "mean_weight_error", "largest_weight", "heaviest")


def _of_weights(log: Log) -> dict[str, float]:
    weights = log.weights
    of_units, mean = np.bincount(log.units, weights), float(weights.mean())
    spread = np.bincount(log.units, weights - mean)
    values = (
        kish(of_units),
        kish(np.bincount(log.units, weights * log.reward)),
        mean,
        float(np.sqrt((spread**2).sum())) / len(log),
        float(weights.max()),
        float(of_units.max() / of_units.sum()) if mean else 0.0,
    )
    return dict(zip(WEIGHED, values, strict=True))


def kish(weights: np.ndarray) -> float:
    """The effective sample size of weights (n,) of 0 and more: sum^2 / sum of squares; 0 of none."""
    squares = float((weights**2).sum())
    return float(weights.sum()) ** 2 / squares if squares else 0.0


def _overlap(log: Log) -> float | None:
    if log.policies is None or log.propensities is None:
        return None
    return float(np.where(log.propensities > 0, log.policies, 0.0).sum() / log.policies.sum())


def sample_ratio_mismatch(log: Log) -> float | None:
    """P(chi-square as large, or larger) of how often each artwork was shown against how often its propensities say; small is bad.

    Within each group, the squared distance of counts from expected counts in terms of their covariance, which is Pearson's statistic
    where propensities do not vary; artworks expected FEW times are taken together. Every impression counts as a draw of its own:
    where a choice is kept for a while, give one impression of each. None where the log has not the propensities of all.
    """
    if log.propensities is None:
        return None
    statistic, freedom = 0.0, 0
    order = np.argsort(log.groups, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(log.groups[order])) + 1):
        distance, degrees = _distance(log.propensities[rows], log.shown[rows])
        statistic, freedom = statistic + distance, freedom + degrees
    return chi_square_tail(statistic, freedom) if freedom else 1.0


def calibration(log: Log) -> Calibration | None:
    """The same of BANDS of propensity in place of artworks, over the whole log; None where it has not the propensities of all.

    It finds propensities that are right per artwork and wrong per user: those of another temperature or floor than served, or mixed up
    between users.
    """
    if log.propensities is None:
        return None
    bands = np.searchsorted(BANDS, log.propensities).clip(1, len(BANDS) - 1) - 1  # what is 0 adds nothing wherever it is
    sums = np.column_stack([np.where(bands == band, log.propensities, 0.0).sum(axis=1) for band in range(len(BANDS) - 1)])
    seen = bands[np.arange(len(log)), log.shown]
    distance, freedom = _distance(sums, seen)
    shown, expected = np.bincount(seen, minlength=sums.shape[1]), sums.sum(axis=0)
    spread = np.sqrt(np.maximum(expected - (sums**2).sum(axis=0), 0.0))
    worst = int((abs(shown - expected) / np.maximum(spread, FEW)).argmax())
    p = chi_square_tail(distance, freedom) if freedom else 1.0
    return Calibration(p, (BANDS[worst], BANDS[worst + 1]), int(shown[worst]), float(expected[worst]))


def _distance(propensities: np.ndarray, shown: np.ndarray) -> tuple[float, int]:
    """((O - E)' V^-1 (O - E), rank of V), V the covariance of the counts. propensities: (m, k); shown: (m,)."""
    expected = propensities.sum(axis=0)
    together = np.where(expected < FEW, 0, 1 + np.arange(len(expected)))  # the rare ones in one
    _, cell = np.unique(together, return_inverse=True)
    cells = np.zeros((len(propensities), int(cell.max()) + 1))
    np.add.at(cells.T, cell, propensities.T)
    apart = np.bincount(cell[shown], minlength=cells.shape[1]) - cells.sum(axis=0)
    covariance = np.diag(cells.sum(axis=0)) - cells.T @ cells
    values, vectors = np.linalg.eigh(covariance)
    kept = values > 1e-9 * max(float(values.max()), 1.0)
    along = vectors[:, kept].T @ apart
    return float((along**2 / values[kept]).sum()), int(kept.sum())
