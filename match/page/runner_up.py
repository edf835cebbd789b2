"""What would have to change for the runner-up to win: one weight, or its prior, all else as it is. Pure; see match.page.contest.

The score of one artwork less that of another is a straight line in the weight of people, and in all weights as long as the user has
one interest. With several interests it bends, and may cross 0 more than once. So every value that a person would write is tried, by
the blend itself, and the one nearest to the weight that holds is told.
"""

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from match.blend import PERSONAL, TIE_DIGITS, Weights, expit
from match.fitting.weights import MOST
from match.page.contest import Contest

VALUES = np.arange(0, 100 * MOST + 1) / 100  # of a weight, that are tried
LEAST_IMPRESSIONS = 100  # of which plays are told


class Change(NamedTuple):
    """A weight at which the runner-up overtakes the best."""

    weight: str  # one of PERSONAL
    value: float  # of VALUES, the nearest to the weight that holds with which the runner-up has the higher score
    leads: bool  # whether it is then the best of all; else a third one is


class Needed(NamedTuple):
    """How much more the runner-up would have to be played."""

    rate: float  # P(quality play | impression) from which it wins
    impressions: int  # its next ones
    plays: int  # so many of them bring it there
    expected: float  # so many are played by what is believed now


@dataclass(frozen=True)
class RunnerUp:
    """What it lacks."""

    margin: float  # log-odds
    changes: tuple[Change, ...]  # of each weight that can bring it
    cannot: tuple[str, ...]  # the weights that cannot, alone
    needed: Needed


def runner_up(contest: Contest, weights: Weights, best: int, second: int, mean: float, strength: float) -> RunnerUp:
    """What would have to change for the artwork at place `second` to win against the one at `best`.

    mean, strength: of the second's prior, a Beta of mean * strength and (1 - mean) * strength.
    """
    changes = {name: _change(contest, weights, name, best, second) for name in PERSONAL}
    scores = contest.scores(weights)
    margin = float(scores[best] - scores[second])
    beyond = 10.0**-TIE_DIGITS if second > best else 0.0  # what is level goes to the first
    rate = float(expit(contest.prior[second] + max(margin, 0.0) + beyond))
    return RunnerUp(
        margin,
        tuple(change for change in changes.values() if change),
        tuple(name for name, change in changes.items() if not change),
        needed_plays(rate, mean, strength),
    )


def needed_plays(rate: float, mean: float, strength: float) -> Needed:
    """How many plays of the next impressions bring a Beta posterior's mean up to a rate in (0, 1).

    The impressions are a power of ten, as many as the posterior is worth or more, so that they can move it.
    """
    impressions = 10 ** math.ceil(math.log10(max(strength, LEAST_IMPRESSIONS)))
    while (plays := math.ceil(rate * (strength + impressions) - mean * strength)) > impressions:
        impressions *= 10
    return Needed(rate, impressions, max(plays, 0), mean * impressions)


def _change(contest: Contest, weights: Weights, name: str, best: int, second: int) -> Change | None:
    """The nearest of VALUES with which the second overtakes the best; None where there is none."""
    pair = contest.taken((best, second))
    if second > best and pair.are_alike:  # level with every weight, which is no win: all of VALUES would be tried for nothing
        return None
    both = pair.scores_along(weights, name, VALUES)
    ahead = VALUES[both[:, 1] >= both[:, 0] - 10.0**-TIE_DIGITS]
    for value in ahead[np.abs(ahead - getattr(weights, name)).argsort(kind="stable")].tolist():
        order = contest.order(replace(weights, **{name: value}))
        if order[second] > order[best] or (order[second] == order[best] and second < best):
            return Change(name, value, bool(order.argmax() == second))
    return None
