"""Reward models for the direct method and DR: what an artwork would have earned, fitted on some of a log to speak of the rest.

A model is a function from training rows to a function from other rows (m,) to expected rewards (m, k). `cross_fit` sees to it that no
impression is scored by a model that saw it (Chernozhukov et al. 2018).
"""

from collections.abc import Callable

import numpy as np

from match.blend import expit, logit
from match.judging.log import Log
from match.judging.regression import fit_logistic

FOLDS = 3
STRENGTH = 100.0  # impressions that what is believed beforehand is worth, as in match.clicks.priors
RIDGE = 1.0  # scikit-learn's default, C = 1

Predict = Callable[[np.ndarray], np.ndarray]
Model = Callable[[np.ndarray], Predict]


def cross_fit(model: Model, folds: np.ndarray) -> np.ndarray:
    """(n, k) float64: each impression's expected rewards by the model that was fitted without its fold. folds: (n,) int."""
    names = np.unique(folds)
    if len(names) < 2:
        raise ValueError("folds: give two or more, or every model has seen what it speaks of")
    parts = [(np.flatnonzero(folds == name), model(np.flatnonzero(folds != name))) for name in names]
    scored = [(rows, predict(rows)) for rows, predict in parts]
    found = np.empty((len(folds), scored[0][1].shape[1]))
    for rows, values in scored:
        found[rows] = values
    return found


def folds_of(log: Log, count: int = FOLDS, seed: int = 0) -> np.ndarray:
    """(n,) int64 0..count-1: folds of about as many users each, or impressions; a user's are in one."""
    units = int(log.units.max()) + 1
    folds: np.ndarray = (np.random.default_rng(seed).permutation(units) % count)[log.units]
    return folds


def artwork_means(log: Log, columns: int, strength: float = STRENGTH) -> Model:
    """The mean of each artwork's Beta posterior within its group, drawn to the group's rate, and that to the rate of all.

    columns: how many artworks a group has at most. Knows nothing of users.
    """

    def fit(rows: np.ndarray) -> Predict:
        cells = log.groups[rows] * columns + log.shown[rows]
        size = (int(log.groups.max()) + 1) * columns
        earned, shown = (
            np.bincount(cells, value, size).reshape(-1, columns) for value in (log.reward[rows], np.ones(len(rows)))
        )
        rate = earned.sum() / max(shown.sum(), 1.0)
        of_groups = (earned.sum(axis=1) + strength * rate) / (shown.sum(axis=1) + strength)
        means = (earned + strength * of_groups[:, None]) / (shown + strength)
        return lambda others: np.asarray(means[log.groups[others]])

    return fit


def logistic(log: Log, context: np.ndarray, artwork: np.ndarray, ridge: float = RIDGE) -> Model:
    """Ridge logistic regression, one for each group, on what is known of the impression and of the artwork; the intercept is free.

    context: (n, c) of the impression; artwork: (k, a), the same in every group, or (n, k, a). A group whose training rows all earned
    the same says its own rate, drawn to the rate of all. Rewards must be in 0..1.
    """

    def fit(rows: np.ndarray) -> Predict:
        rate = float(log.reward[rows].mean())
        of_groups = {}
        for group in np.unique(log.groups):
            mine = rows[log.groups[rows] == group]
            shown = artwork[log.shown[mine]] if artwork.ndim == 2 else artwork[mine, log.shown[mine]]
            of_groups[group] = _coefficients(np.column_stack([context[mine], shown]), log.reward[mine], rate, ridge)

        def predict(others: np.ndarray) -> np.ndarray:
            b = np.array([of_groups[group] for group in log.groups[others]])  # (m, c + a + 1)
            c = context.shape[1]
            about = artwork if artwork.ndim == 2 else artwork[others]
            spoken = np.einsum("ma,ka->mk" if artwork.ndim == 2 else "ma,mka->mk", b[:, c:-1], about)
            return expit(np.einsum("mc,mc->m", context[others], b[:, :c])[:, None] + spoken + b[:, -1:])

        return predict

    return fit


def _coefficients(x: np.ndarray, y: np.ndarray, rate: float, ridge: float) -> np.ndarray:
    """(c + a + 1,), the intercept last."""
    if not len(y) or y.min() == y.max():
        shrunk = (y.sum() + STRENGTH * rate) / (len(y) + STRENGTH)
        tiny = np.finfo(np.float64).eps
        return np.append(np.zeros(x.shape[1]), logit(np.clip(shrunk, tiny, 1 - tiny)))
    held = np.append(np.full(x.shape[1], ridge), 0.0)
    return fit_logistic(np.column_stack([x, np.ones(len(x))]), y, ridge=held).coefficients
