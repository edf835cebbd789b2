"""How many users an experiment takes to tell a lift, before it begins or from where it stands."""

import math
from dataclasses import dataclass

import numpy as np

from match.experiments.sequences import log_evidence
from match.tails import quantile

STEPS = 100  # of a bisection


@dataclass(frozen=True)
class Size:
    """Users of both arms together, for a lift that is found with a given power."""

    lift: float  # relative to the control's rate
    fixed: int  # where one looks once, at the end
    always_valid: int  # at most, where one may look at any time and stop


def size_of(
    rate: float, user_variance: float, shares: tuple[float, float], lift: float, *, scale: float, level: float, power: float
) -> Size:
    """The size of a comparison of two arms with these shares of its users (their sum 1).

    rate: plays per impression of the control; user_variance: of one user's part in it (`Sums.user_variance`), taken to be the arms'
    alike, for users who are seen as often as those it was measured on. The fixed size is the usual one (Kohavi, Tang & Xu 2020,
    chapter 17); the other is where the always valid interval excludes 0 with this power at the last look alone, so that earlier
    looks can only make it fewer.
    """
    effect, of_both = lift * rate, user_variance * (1 / shares[0] + 1 / shares[1])
    once = effect / (quantile(1 - level / 2) + quantile(power))
    always = needed_error(effect, scale, level, power)
    return Size(lift, *(int(np.ceil(of_both / error**2)) for error in (once, always)))


def needed_error(effect: float, scale: float, level: float, power: float) -> float:
    """The standard error from which on an effect (above 0) is told by the always valid interval with this power, at one look."""
    low, high = 0.0, effect / quantile(1 - level / 2)  # it is wider than the fixed one, so that less than this is needed
    for _ in range(STEPS):
        middle = (low + high) / 2
        # Of estimates that far below the truth or further there are as many as may be missed.
        unlucky = effect - quantile(power) * middle
        told = unlucky > 0 and float(log_evidence(np.array(unlucky), np.array(middle), np.array(scale))) >= -math.log(level)
        low, high = (middle, high) if told else (low, middle)
    return low
