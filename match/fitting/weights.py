"""The fit: what a unit of each part is worth in log-odds of a quality play, by weighted ridge logistic regression within bounds.

    logit P(quality play) = prior + sum of weight · own + sum of slope · common + level

The prior stands there as it is, its coefficient 1: a score adds it so, and a weight beside a prior that counts half would not be the
weight of that score. `own` is what sets the artwork shown apart from all that could have been shown, `common` what all of these have
on average. Only the first is the artwork's doing: who likes an actor plays the actor's films, whatever is on the picture. So each part
has two coefficients, and the one of `common` is left to the data with the level (Mundlak 1978, Econometrica 46: 69-85).

The ridge draws each weight to its default, in shares of the default: with a ridge of 1 a weight is believed beforehand to within its
own size, with 100 to within a tenth of it. No weight is below 0, since what fits better never lowers the odds, and none above MOST.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np

from match.blend import Weights, expit
from match.fitting.choices import Choices
from match.judging.regression import fit_logistic

MOST = 5.0  # log-odds a unit, 148 times the odds: what looks like more is a fault of the log
RIDGES = tuple(4.0**power for power in range(9))  # tried: a default is right to within its own size, or up to 1/256 of it
OF_COMMON = 1.0  # the ridge of what is common, which is a nuisance
FOLDS = 5  # of users, by which the ridge is chosen

Fixed = Mapping[int, float]  # a part's place among `parts`, and the weight that it must have


@dataclass(frozen=True)
class Blend:
    """A fitted blend of k parts."""

    weights: np.ndarray  # (k,) float64 in 0..MOST
    errors: (
        np.ndarray
    )  # (k,) float64: standard errors by users, robust, the ridge taken for a normal prior; nan where fixed or bound
    common: np.ndarray  # (k,) float64: the slopes of what is common
    level: float  # log-odds

    def log_odds(self, choices: Choices) -> np.ndarray:
        """(n,) of a quality play."""
        odds: np.ndarray = self.scores(choices) + choices.common @ (self.common - self.weights) + self.level
        return odds

    def scores(self, choices: Choices) -> np.ndarray:
        """(n,) as a Matcher with these weights says them: without a level, and with one weight for all of a part."""
        scores: np.ndarray = choices.prior + choices.units @ self.weights
        return scores


def defaults_of(parts: tuple[str, ...], defaults: Weights | None = None) -> np.ndarray:
    """(k,) float64: the weights of these parts."""
    return np.array([getattr(defaults or Weights(), part) for part in parts], np.float64)


def losses(choices: Choices, log_odds: np.ndarray) -> np.ndarray:
    """(n,) log loss of each, in nats."""
    lost: np.ndarray = np.logaddexp(0.0, log_odds) - choices.quality * log_odds
    return lost


def fit(choices: Choices, ridge: float, fixed: Fixed | None = None) -> Blend:
    """The blend with the least weighted log loss and ridge, within bounds; fixed: weights that are not to be fitted.

    The loss is convex, so that a solution with some weights at bounds is the one where the others are as good as can be and these
    would only leave their bound to the outside. Raises ValueError where quality plays can be told without error, or there are none.
    """
    fixed = dict(fixed or {})
    found = _regress(choices, ridge, fixed)
    if not (outside := _outside(found)):
        return found
    clamped = _regress(choices, ridge, fixed | outside)
    if not _outside(clamped) and _is_pushed(choices, ridge, clamped, outside):
        return clamped
    free = [place for place in range(len(choices.parts)) if place not in fixed]
    bounds = (
        {place: at for place, at in zip(free, some, strict=True) if at is not None}
        for some in product((None, 0.0, MOST), repeat=len(free))
    )
    tried = (_regress(choices, ridge, fixed | held) for held in bounds)
    return min((one for one in tried if not _outside(one)), key=lambda one: _penalised(choices, ridge, one, fixed))


def chosen_ridge(choices: Choices, seed: int = 0) -> float:
    """Of RIDGES the one whose fits lose least on users that they did not see; of those alike the strongest."""
    users = int(choices.user.max()) + 1
    folds = (np.random.default_rng(seed).permutation(users) % FOLDS)[choices.user]
    return min(RIDGES[::-1], key=lambda ridge: _out_of_fold(choices, ridge, folds))


def _out_of_fold(choices: Choices, ridge: float, folds: np.ndarray) -> float:
    lost = 0.0
    for fold in range(FOLDS):
        blend, others = fit(choices.taken(folds != fold), ridge), choices.taken(folds == fold)
        lost += float(choices.weights[folds == fold] @ losses(others, blend.log_odds(others)))
    return lost


def _regress(choices: Choices, ridge: float, fixed: Fixed) -> Blend:
    defaults = defaults_of(choices.parts)
    k, weights = len(defaults), np.zeros(len(defaults))
    weights[list(fixed)] = list(fixed.values())
    free = [place for place in range(k) if place not in fixed]
    held = np.concatenate([ridge / defaults[free] ** 2, OF_COMMON / defaults**2, [0.0]])
    fitted = fit_logistic(
        np.column_stack([choices.own[:, free], choices.common, np.ones(len(choices))]),
        choices.quality,
        weights=choices.weights,
        ridge=held,
        towards=np.concatenate([defaults[free], defaults, [0.0]]),
        units=choices.user,
        offset=choices.prior + choices.own @ weights,
    )
    weights[free] = fitted.coefficients[: len(free)]
    believed = fitted.covariance + fitted.posterior * held @ fitted.posterior  # what the ridge believes is uncertain, too
    errors = np.full(k, np.nan)
    errors[free] = np.sqrt(believed.diagonal()[: len(free)])
    return Blend(weights, errors, fitted.coefficients[len(free) : -1], float(fitted.coefficients[-1]))


def _outside(blend: Blend) -> dict[int, float]:
    """Weights beyond their bounds, and the bound."""
    bounded = blend.weights.clip(0.0, MOST)
    return {place: float(bounded[place]) for place in np.flatnonzero(bounded != blend.weights).tolist()}


def _is_pushed(choices: Choices, ridge: float, blend: Blend, bounds: Fixed) -> bool:
    """Whether the loss falls only beyond each of these bounds."""
    missed = choices.weights * (expit(blend.log_odds(choices)) - choices.quality)
    defaults = defaults_of(choices.parts)
    slopes = missed @ choices.own + ridge / defaults**2 * (blend.weights - defaults)
    return all((slopes[place] >= 0) == (at == 0) for place, at in bounds.items())


def _penalised(choices: Choices, ridge: float, blend: Blend, fixed: Fixed) -> float:
    defaults = defaults_of(choices.parts)
    apart = ((blend.weights - defaults) / defaults) ** 2
    free = [place for place in range(len(defaults)) if place not in fixed]
    held = ridge * apart[free].sum() + OF_COMMON * (((blend.common - defaults) / defaults) ** 2).sum()
    return float(choices.weights @ losses(choices, blend.log_odds(choices)) + held / 2)
