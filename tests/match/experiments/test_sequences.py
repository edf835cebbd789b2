"""Confidence sequences: what they promise, simulated, and what they are made of, beside quadrature."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from match.experiments.sequences import (
    SCALES,
    WEIGHTS,
    always_valid_p,
    half_width,
    log_evidence,
    probability_above,
    ratio_interval,
)

LEVEL = 0.05
RUNS = 1000
AT_MOST = LEVEL + 3 * math.sqrt(LEVEL * (1 - LEVEL) / RUNS)  # of RUNS, where it is LEVEL in truth
ERRORS, SHIFTS = st.floats(0.01, 30), st.floats(-8, 8)  # in units of the scale, and of the error


def density(effects: np.ndarray) -> np.ndarray:
    """Of the mixture, at scale 1."""
    return sum(
        weight * np.exp(-((effects / scale) ** 2) / 2) / (scale * math.sqrt(2 * math.pi))
        for weight, scale in zip(WEIGHTS, SCALES, strict=True)
    )


def looks(rate_a: float, rate_b: float, users: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(difference, error, mixed scale), each (RUNS, users): two arms of users who play or not, looked at after each pair of users."""
    rng = np.random.default_rng(seed)
    count = np.arange(1, users + 1)
    a, b = ((rng.random((RUNS, users), np.float32) < rate).cumsum(1, np.float32) / count for rate in (rate_a, rate_b))
    error = np.sqrt((a * (1 - a) + b * (1 - b)) / count)
    seen = slice(200, None, 4)  # 200 users of each arm before the first look
    return (b - a)[:, seen], error[:, seen].clip(1e-9), 0.1 * a[:, seen].clip(1e-9)


@pytest.mark.parametrize("rate", [0.1, 0.4])
def test_peeking_at_every_moment_at_arms_that_are_alike(rate: float) -> None:
    apart, error, scale = looks(rate, rate, 4000, seed=1)
    always = (log_evidence(apart, error, scale) > math.log(1 / LEVEL)).any(axis=1)
    fixed = (np.abs(apart) > 1.96 * error).any(axis=1)
    assert always.mean() <= AT_MOST
    assert fixed.mean() > 0.25  # the trap, and how deep it is


def test_the_truth_is_held_all_along_where_arms_differ() -> None:
    apart, error, scale = looks(0.3, 0.36, 3000, seed=2)
    missed = (log_evidence(apart - 0.06, error, scale) > math.log(1 / LEVEL)).any(axis=1)
    assert missed.mean() <= AT_MOST
    assert (log_evidence(apart, error, scale) > math.log(1 / LEVEL)).any(axis=1).mean() > 0.9  # and they are told apart


@pytest.mark.parametrize("scale", [0.02, 0.3, 5.0])
def test_normal_increments_under_any_scale(scale: float) -> None:
    steps = np.random.default_rng(3).normal(size=(RUNS, 2000)).cumsum(axis=1)
    count = np.arange(1, 2001)
    ever = (log_evidence(steps / count, 1 / np.sqrt(count), np.array(scale)) > math.log(1 / LEVEL)).any(axis=1)
    assert ever.mean() <= AT_MOST


@given(ERRORS, SHIFTS)
def test_evidence_is_the_mixture_s_likelihood_ratio(error: float, shift: float) -> None:
    estimate = shift * error
    effects = estimate + np.linspace(-12, 12, 4001) * error
    ratios = np.exp((2 * estimate * effects - effects**2) / (2 * error**2)) * density(effects)
    expected = math.log(np.trapezoid(ratios, effects))
    assert float(log_evidence(np.array(estimate), np.array(error), np.array(1.0))) == pytest.approx(expected, abs=1e-6)


@given(ERRORS, SHIFTS)
def test_probability_above_is_the_mixture_s_posterior(error: float, shift: float) -> None:
    estimate = shift * error
    effects = estimate + np.arange(-20_000, 20_001) * 0.0006 * error
    posterior = np.exp(-((estimate - effects) ** 2) / (2 * error**2)) * density(effects)
    expected = np.trapezoid(np.heaviside(effects, 0.5) * posterior, effects) / np.trapezoid(posterior, effects)
    found = float(probability_above(np.array(estimate), np.array(error), np.array(1.0)))
    assert found == pytest.approx(expected, abs=4e-3)
    assert found + float(probability_above(np.array(-estimate), np.array(error), np.array(1.0))) == pytest.approx(1)


@given(st.floats(0.001, 30), st.floats(0.01, 10), st.sampled_from([0.001, 0.05, 0.3]))
def test_the_interval_ends_where_the_evidence_suffices(error: float, scale: float, level: float) -> None:
    half = half_width(np.array(error), np.array(scale), level)
    assert float(log_evidence(half, np.array(error), np.array(scale))) == pytest.approx(-math.log(level), abs=1e-6)
    assert float(always_valid_p(half, np.array(error), np.array(scale))) == pytest.approx(level, rel=1e-5)


def test_it_is_hardly_wider_than_the_sequence_of_one_scale_at_its_best_and_much_less_wide_where_errors_are_large() -> None:
    errors = np.array([0.36, 4.0])
    alone = errors * np.sqrt((1 + errors**2) * np.log((1 + errors**-2) / LEVEL**2))  # arXiv 2103.06476, in units of error
    mixed = half_width(errors, np.array(1.0), LEVEL)
    assert 1 < mixed[0] / alone[0] < 1.06
    assert mixed[1] / alone[1] < 0.4


@given(st.floats(0.01, 0.9), st.floats(0.01, 0.9), st.floats(0.001, 0.3), st.floats(0.001, 0.3))
def test_the_interval_of_the_ratio_holds_1_exactly_where_that_of_the_difference_holds_0(
    above: float, below: float, error: float, other: float
) -> None:
    parts = np.array(above), np.array(error**2), np.array(below), np.array(other**2)
    scale = np.array(0.1 * below)
    low, high = (float(end) for end in ratio_interval(parts[:2], parts[2:], scale, LEVEL))
    half = float(half_width(np.array(math.hypot(error, other)), scale, LEVEL))
    assert low <= above / below <= high
    if abs(abs(above - below) - half) > 1e-9:
        assert (low <= 1 <= high) == (abs(above - below) <= half)


def test_a_ratio_to_what_may_be_nothing_has_no_upper_end() -> None:
    low, high = ratio_interval((np.array(0.5), np.array(1e-6)), (np.array(0.01), np.array(1e-4)), np.array(0.001), LEVEL)
    assert float(low) > 1
    assert high == np.inf
