"""The tail of the chi-square, against tables and closed forms."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from match.judging.tails import chi_square_tail


@pytest.mark.parametrize(
    ("value", "freedom", "tail"), [(3.841459, 1, 0.05), (18.307038, 10, 0.05), (124.342113, 100, 0.05), (29.588298, 10, 0.001)]
)
def test_the_tables_critical_values(value: float, freedom: float, tail: float) -> None:
    assert chi_square_tail(value, freedom) == pytest.approx(tail, rel=1e-6)


@given(st.floats(0.0, 200.0), st.integers(1, 40))
def test_even_freedom_is_a_poisson_sum(value: float, half: int) -> None:
    expected = math.exp(-value / 2) * sum((value / 2) ** i / math.factorial(i) for i in range(half))
    assert chi_square_tail(value, 2 * half) == pytest.approx(expected, rel=1e-9, abs=1e-15)


@given(st.floats(0.0, 200.0))
def test_one_degree_is_the_normal_on_both_sides(value: float) -> None:
    assert chi_square_tail(value, 1) == pytest.approx(math.erfc(math.sqrt(value / 2)), rel=1e-9, abs=1e-15)


def test_many_degrees_lie_about_their_mean() -> None:
    assert chi_square_tail(10_000, 10_000) == pytest.approx(0.5, abs=0.01)
    with pytest.raises(ValueError, match="freedom 0"):
        chi_square_tail(1.0, 0)
