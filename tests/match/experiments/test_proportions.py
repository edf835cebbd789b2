"""Two proportions, beside the examples of the paper."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from match.experiments.proportions import difference, effective, p_value, wilson, z_of

COUNTS = st.integers(5, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def pair(plays: int, shown: int) -> tuple[np.ndarray, np.ndarray]:
    return np.array([plays / shown]), np.array([float(shown)])


@pytest.mark.parametrize(  # Newcombe 1998, "Interval estimation for the difference between independent proportions", table II
    ("first", "second", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((10, 10), (0, 20), 0.6791, 1.0000),
        ((5, 56), (0, 29), -0.0381, 0.1926),
    ],
)
def test_as_the_paper_has_it(first: tuple[int, int], second: tuple[int, int], low: float, high: float) -> None:
    found = difference(pair(*first), pair(*second), z_of(0.05))
    assert [float(end[0]) for end in found] == pytest.approx([low, high], abs=5e-5)


def test_wilson_s_example() -> None:
    low, high = wilson(*pair(81, 263), z_of(0.05))  # Newcombe 1998, "Two-sided confidence intervals for the single proportion"
    assert (float(low[0]), float(high[0])) == pytest.approx((0.2553, 0.3662), abs=5e-5)


@given(COUNTS, COUNTS)
def test_the_p_value_is_where_the_interval_begins_to_hold_0(first: tuple[int, int], second: tuple[int, int]) -> None:
    p = float(p_value(pair(*first), pair(*second))[0])
    assert 0 <= p <= 1
    assert p == pytest.approx(float(p_value(pair(*second), pair(*first))[0]), abs=1e-9)
    if 1e-12 < p < 0.99:
        for level, held in ((p * 0.99, True), (min(p * 1.01, 1 - 1e-12), False)):
            low, high = difference(pair(*first), pair(*second), z_of(level))
            assert (low[0] <= 0 <= high[0]) == held


def test_of_two_that_are_alike_as_many_are_called_apart_as_the_level_says() -> None:
    rng, runs = np.random.default_rng(0), 20_000
    first, second = rng.binomial(800, 0.05, runs), rng.binomial(4000, 0.05, runs)
    p = p_value((first / 800, np.full(runs, 800.0)), (second / 4000, np.full(runs, 4000.0)))
    for level in (0.05, 0.005):
        assert (p <= level).mean() == pytest.approx(level, abs=0.3 * level + 4 * math.sqrt(level / runs))


def test_users_who_come_back_count_for_less() -> None:
    assert effective(np.array([100.0, 100.0]), np.array([4.0, 0.5])).tolist() == [25, 100]
