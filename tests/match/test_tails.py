"""The chi-square tail beside tables, closed forms and its own recurrence."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from match.tails import chi_square_tail, upper_gamma


@pytest.mark.parametrize(
    ("statistic", "freedom", "p"),
    [
        (3.841458820694124, 1, 0.05),
        (10.827566170662733, 1, 0.001),
        (5.991464547107979, 2, 0.05),
        (11.344866730144373, 3, 0.01),
        (18.307038053275146, 10, 0.05),
        (124.34211340400407, 100, 0.05),
        (3.940299136119060, 10, 0.95),
    ],
)
def test_as_the_tables_have_it(statistic: float, freedom: int, p: float) -> None:
    assert chi_square_tail(statistic, freedom) == pytest.approx(p, rel=1e-9)


@given(st.floats(0, 1000))
def test_closed_forms(x: float) -> None:
    assert chi_square_tail(x, 1) == pytest.approx(math.erfc(math.sqrt(x / 2)), rel=1e-9, abs=1e-300)
    assert chi_square_tail(x, 2) == pytest.approx(math.exp(-x / 2), rel=1e-9, abs=1e-300)


@given(st.floats(0.5, 200), st.floats(0.01, 400))
def test_recurrence(a: float, x: float) -> None:
    step = math.exp(a * math.log(x) - x - math.lgamma(a + 1))
    assert upper_gamma(a + 1, x) == pytest.approx(upper_gamma(a, x) + step, rel=1e-9, abs=1e-12)


def test_ends() -> None:
    assert chi_square_tail(0, 3) == 1
    assert chi_square_tail(math.inf, 3) == 0


@pytest.mark.parametrize("statistic", [-1.0, math.nan])
def test_what_is_no_statistic(statistic: float) -> None:
    with pytest.raises(ValueError, match="upper_gamma"):
        chi_square_tail(statistic, 1)


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
