"""The chi-square tail beside tables, closed forms and its own recurrence."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from match.experiments.gamma import chi_square_tail, upper_gamma


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
