"""What would have to change for the runner-up to win: one weight, or its prior, all else as it is. Pure; see match.page.contest.

The score of one artwork less that of another is a straight line in a weight as long as the user has one interest, and in the weight
of people always. With several interests it bends, and may cross 0 more than once: the crossing nearest to the weight that holds is
searched for in steps, by the blend itself, and then halved down to.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from match.blend import PERSONAL, TIE_DIGITS, Weights, expit
from match.page.contest import Contest

MOST = 5.0  # of a weight, as the page's sliders and fit_blend.py have it
STEPS = 25  # of the search over 0..MOST
DIGITS = range(2, TIE_DIGITS + 1)  # of a value as it is told: as few as say the truth
LEAST_IMPRESSIONS = 100  # of which plays are told


class Change(NamedTuple):
    """A weight at which the runner-up overtakes the best."""

    weight: str  # one of PERSONAL
    value: float  # 0..MOST, with as few digits as it takes; with it the runner-up has the higher score
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
    now = getattr(weights, name)

    def margin(value: float) -> float:
        order = contest.order(replace(weights, **{name: value}))
        return float(order[second] - order[best])

    def overtakes(value: float) -> bool:
        ahead = margin(value)
        return ahead > 0 or (ahead == 0 and second < best)

    straight = name == "people" or len(contest.shares) == 1
    found = _on_a_line(contest, weights, name, best, second) if straight else _nearest(overtakes, now)
    value = None if found is None else _told(overtakes, found, now)
    if value is None:
        return None
    order = contest.order(replace(weights, **{name: value}))
    return Change(name, value, bool(order.argmax() == second))


def _on_a_line(contest: Contest, weights: Weights, name: str, best: int, second: int) -> float | None:
    """Where the two are level, in 0..MOST."""
    ends = [contest.scores(replace(weights, **{name: value})) for value in (0.0, MOST)]
    first, last = (float(scores[second] - scores[best]) for scores in ends)
    if first == last or not 0 <= first / (first - last) <= 1:
        return None
    return MOST * first / (first - last)


def _nearest(overtakes: Callable[[float], bool], now: float) -> float | None:
    """The value nearest to `now` from which the runner-up is ahead, found in steps on both sides."""
    grid = np.linspace(0.0, MOST, STEPS + 1)
    sides = [value for value in grid if value > now], [value for value in grid[::-1] if value < now]
    found = [value for side in sides if (value := _first(overtakes, now, side)) is not None]
    return float(min(found, key=lambda value: abs(value - now))) if found else None


def _first(overtakes: Callable[[float], bool], now: float, side: Iterable[float]) -> float | None:
    behind = now
    for ahead in side:
        if overtakes(ahead):
            return _halved(overtakes, behind, float(ahead))
        behind = float(ahead)
    return None


def _halved(overtakes: Callable[[float], bool], behind: float, ahead: float) -> float:
    """The end of the range at which the runner-up is ahead, once it is as short as a value is told."""
    while abs(ahead - behind) > 10.0 ** -(TIE_DIGITS + 1):
        middle = (ahead + behind) / 2
        behind, ahead = (behind, middle) if overtakes(middle) else (middle, ahead)
    return ahead


def _told(overtakes: Callable[[float], bool], found: float, now: float) -> float | None:
    """The value with as few digits as it takes, rounded away from `now`, that the runner-up wins with; None beyond 0..MOST."""
    level = abs(found - now) < 10.0**-TIE_DIGITS  # a tie: to which side it turns, nobody knows
    for digits in DIGITS:
        unit = 10.0**digits
        places = round(found * unit, TIE_DIGITS)  # 1.24 times 100 is no whole number, else
        up, down = (math.ceil(places), math.ceil(places) + 1), (math.floor(places), math.floor(places) - 1)
        for place in (*up, *down) if level else up if found > now else down:
            if 0 <= place / unit <= MOST and overtakes(place / unit):
                return place / unit
    return None
