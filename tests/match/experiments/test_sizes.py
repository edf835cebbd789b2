"""Sizes, by simulation and by the textbook."""

import math

import numpy as np
import pytest

from match.experiments.sequences import half_width
from match.experiments.sizes import needed_error, size_of

RATE, VARIANCE, LIFT = 0.1, 0.09, 0.05  # of users who see one artwork each
LIMITS = {"scale": LIFT * RATE, "level": 0.05, "power": 0.8}
RUNS = 4000


def test_looking_once_is_the_textbook_s_sixteen_variances_by_the_square_of_the_effect() -> None:
    size = size_of(RATE, VARIANCE, (0.5, 0.5), LIFT, **LIMITS)
    assert size.fixed == pytest.approx(2 * 15.7 * VARIANCE / (LIFT * RATE) ** 2, rel=0.001)
    assert 1.5 < size.always_valid / size.fixed < 2.5


@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.9, 0.1)])
def test_with_as_many_users_the_lift_is_found_as_often_as_planned(shares: tuple[float, float]) -> None:
    size = size_of(RATE, VARIANCE, shares, LIFT, **LIMITS)
    for users, half in ((size.fixed, None), (size.always_valid, LIMITS["scale"])):
        error = math.sqrt(VARIANCE / users * (1 / shares[0] + 1 / shares[1]))
        found = np.random.default_rng(0).normal(LIFT * RATE, error, RUNS)
        width = 1.959964 * error if half is None else float(half_width(np.array(error), np.array(half), 0.05))
        assert (found > width).mean() == pytest.approx(0.8, abs=4 * math.sqrt(0.16 / RUNS))


def test_half_the_lift_takes_four_times_the_users() -> None:
    sizes = [size_of(RATE, VARIANCE, (0.5, 0.5), lift, **{**LIMITS, "scale": lift * RATE}) for lift in (0.02, 0.01)]
    assert sizes[1].fixed == pytest.approx(4 * sizes[0].fixed, rel=1e-4)
    assert sizes[1].always_valid == pytest.approx(4 * sizes[0].always_valid, rel=1e-4)


def test_less_is_needed_of_a_larger_effect() -> None:
    errors = [needed_error(effect, 0.01, 0.05, 0.8) for effect in (0.001, 0.01, 0.1)]
    assert 0 < errors[0] < errors[1] < errors[2]
