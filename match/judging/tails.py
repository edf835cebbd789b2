"""Chances of large values: the tail of the chi-square distribution."""

import math

STEPS = 100_000  # of either expansion; some hundred suffice near the mean, the root of the freedom more
LAST_BIT = 1e-15


def chi_square_tail(value: float, freedom: float) -> float:
    """P(chi-square of `freedom` degrees > value): the regularised upper gamma function at half of each.

    By its series below the mean and by its continued fraction above (Press et al., Numerical Recipes, 6.2): relative error 1e-11 for
    up to 10,000 degrees. Raises ValueError for a freedom that is not above 0.
    """
    if not freedom > 0:
        raise ValueError(f"freedom {freedom}: give a number above 0")
    a, x = freedom / 2, value / 2
    if not x > 0:
        return 1.0
    front = math.exp(a * math.log(x) - x - math.lgamma(a))
    return 1.0 - front * _series(a, x) if x < a + 1 else front * _fraction(a, x)


def _series(a: float, x: float) -> float:
    """Lower gamma / (x^a e^-x)."""
    term = total = 1 / a
    for step in range(1, STEPS):
        term *= x / (a + step)
        total += term
        if term < total * LAST_BIT:
            break
    return total


def _fraction(a: float, x: float) -> float:
    """Upper gamma / (x^a e^-x), by Lentz's way to evaluate a continued fraction."""
    tiny = 1e-300
    b = x + 1 - a
    c, d = 1 / tiny, 1 / b
    found = d
    for step in range(1, STEPS):
        over = -step * (step - a)
        b += 2
        d = 1 / _not_nothing(over * d + b, tiny)
        c = _not_nothing(b + over / c, tiny)
        found *= c * d
        if abs(c * d - 1) < LAST_BIT:
            break
    return found


def _not_nothing(value: float, tiny: float) -> float:
    return value if abs(value) > tiny else tiny
