"""Calibration: promises that are true, and such that claim too much, too little or too often."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from match.fitting.calibration import BINS, calibrate
from match.fitting.choices import Choices


@pytest.fixture(scope="module")
def promised(simulate: Callable[..., Choices]) -> tuple[Choices, np.ndarray]:
    """20,000 choices and the true log-odds of each."""
    random, choices = np.random.default_rng(0), simulate(0, n=20_000)
    odds = random.normal(-1.5, 1, len(choices))
    return replace(choices, quality=(random.random(len(odds)) < 1 / (1 + np.exp(-odds))) * 1.0), odds


def test_true_promises(promised: tuple[Choices, np.ndarray]) -> None:
    found = calibrate(*promised)
    assert abs(found.intercept) < 3 * found.intercept_error < 0.1
    assert abs(found.slope - 1) < 3 * found.slope_error < 0.15
    assert found.error < 2 * found.by_chance < 0.02
    assert (abs(found.played - found.promised) <= found.margins).sum() >= BINS - 2
    assert (np.diff(found.promised) > 0).all()


@pytest.mark.parametrize(("times", "more"), [(2.0, 0.0), (0.5, 0.0), (1.0, 0.7)])
def test_promises_that_are_not_true(promised: tuple[Choices, np.ndarray], times: float, more: float) -> None:
    choices, odds = promised
    found = calibrate(choices, times * odds + more)
    assert found.slope == pytest.approx(1 / times, abs=3 * found.slope_error)
    assert found.error > 3 * found.by_chance
    if times == 1:
        assert found.intercept == pytest.approx(-more, abs=3 * found.intercept_error)


def test_bins_by_hand(simulate: Callable[..., Choices]) -> None:
    """Two promises, each of many: two bins, whatever their number should be."""
    choices = simulate(0, n=8, users=1_000_000)
    quality = np.array([1.0, 0, 0, 0, 1, 1, 1, 0])
    found = calibrate(replace(choices, quality=quality, drawn=np.ones(8)), np.log([1 / 3] * 4 + [1.0] * 4))
    assert found.promised == pytest.approx([0.25, 0.5])
    assert found.played == pytest.approx([0.25, 0.75])
    assert found.error == pytest.approx(0.125)
    assert found.margins == pytest.approx([1.96 * np.sqrt(0.75 * 0.25 / 4)] * 2, rel=1e-3)


def test_weights_count(promised: tuple[Choices, np.ndarray]) -> None:
    """What counts twice is as good as told twice."""
    choices, odds = (part[:500] if isinstance(part, np.ndarray) else part.taken(np.arange(500)) for part in promised)
    assert isinstance(choices, Choices)
    double = np.arange(500) % 2 == 0
    rows = np.repeat(np.arange(500), 1 + double)
    weighted = calibrate(replace(choices, drawn=1.0 + double), odds)
    told = calibrate(replace(choices.taken(rows), drawn=np.ones(len(rows))), odds[rows])
    for name in ("intercept", "slope", "intercept_error", "slope_error"):
        assert getattr(weighted, name) == pytest.approx(getattr(told, name), rel=1e-6)


def test_promises_that_are_all_alike_have_no_slope(promised: tuple[Choices, np.ndarray]) -> None:
    choices, _ = promised
    found = calibrate(choices, np.full(len(choices), -1.0))
    assert np.isnan([found.slope, found.slope_error]).all()
    rate = float(choices.weights @ choices.quality / choices.weights.sum())
    assert found.intercept == pytest.approx(np.log(rate / (1 - rate)) + 1)
    assert found.promised == pytest.approx([1 / (1 + np.e)])
    assert found.played == pytest.approx([rate])
