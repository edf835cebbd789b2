"""Calibration: the formula fits what it was fitted to, never turns similarity round, and is measured on titles it has not seen."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embed.calibration import (
    BINS,
    COMMONEST,
    DEFAULT,
    FEWEST,
    FOLDS,
    PULL,
    SMOOTHING,
    TAGS_PER_PICTURE,
    Calibration,
    Judged,
    calibrate,
    fit_calibration,
    folds_of,
    log_loss,
    priors,
    reliability_bins,
)


def drawn(truth: Calibration, pairs: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs (z, prior, given) of which `truth` is true."""
    rng = np.random.default_rng(seed)
    z, prior = rng.normal(size=pairs).astype(np.float32), rng.normal(-3, 1, pairs)
    return z, prior, rng.random(pairs) < truth.probabilities(z, prior)


def penalised(calibration: tuple[float, float, float], z: np.ndarray, prior: np.ndarray, given: np.ndarray) -> float:
    """What a fit minimises, written plainly."""
    slope, trust, bias = calibration
    chances = [1 / (1 + math.exp(-(slope * a + trust * b + bias))) for a, b in zip(z.tolist(), prior.tolist(), strict=True)]
    loss = -sum(math.log(chance if true else 1 - chance) for chance, true in zip(chances, given.tolist(), strict=True))
    start = (DEFAULT.slope, DEFAULT.trust, DEFAULT.bias)
    return loss + PULL / 2 * sum((a - b) ** 2 for a, b in zip(calibration, start, strict=True))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 999), slope=st.floats(0.3, 3), bias=st.floats(-2, 2))
def test_no_calibration_near_it_fits_better(seed: int, slope: float, bias: float) -> None:
    pairs = drawn(Calibration(slope, 0.8, bias), 200, seed)
    fitted = fit_calibration(*pairs)
    best = penalised((fitted.slope, fitted.trust, fitted.bias), *pairs)
    for step in (*(1e-3 * np.eye(3)), *(-1e-3 * np.eye(3))):
        near = (fitted.slope + step[0], fitted.trust + step[1], fitted.bias + step[2])
        if near[0] >= 0:
            assert penalised(near, *pairs) > best


def test_the_truth_is_found_again() -> None:
    truth = Calibration(1.7, 0.6, -0.4)
    fitted = fit_calibration(*drawn(truth, 200_000))
    assert [fitted.slope, fitted.trust, fitted.bias] == pytest.approx([1.7, 0.6, -0.4], abs=0.07)


def test_with_hardly_anything_to_go_by_it_stays_near_the_default() -> None:
    one = np.zeros(1, np.float32), np.full(1, -3.0), np.zeros(1, bool)
    fitted = fit_calibration(*one)
    assert [fitted.slope, fitted.trust, fitted.bias] == pytest.approx([DEFAULT.slope, DEFAULT.trust, DEFAULT.bias], abs=0.2)


def test_perfectly_told_apart_pairs_have_a_finite_fit() -> None:
    z = np.repeat(np.array([-1, 1], np.float32), 500)
    fitted = fit_calibration(z, np.zeros(1000), z > 0)
    assert 3 < fitted.slope < 50


@settings(max_examples=50, deadline=None)
@given(
    slope=st.floats(0, 5),
    trust=st.floats(-2, 2),
    bias=st.floats(-5, 5),
    z=st.lists(st.floats(-9, 9, width=32), min_size=2, max_size=9),
)
def test_more_alike_is_never_less_probable(slope: float, trust: float, bias: float, z: list[float]) -> None:
    chances = Calibration(slope, trust, bias).probabilities(np.array(sorted(z), np.float32), np.array(-2.0))
    assert (np.diff(chances) >= 0).all()
    assert ((chances >= 0) & (chances <= 1)).all()


def test_similarity_is_not_turned_round() -> None:
    z, prior, given = drawn(Calibration(2.0, 1.0, 0.0), 5000)
    fitted = fit_calibration(-z, prior, given)
    assert fitted.slope == 0
    assert fitted.probabilities(np.zeros(1, np.float32), prior).mean() == pytest.approx(given.mean(), abs=0.01)


def test_a_tag_s_prior_is_its_smoothed_rate() -> None:
    counts, listed = np.array([10, 2, 0, 0]), np.array([False, False, False, True])
    average = 12 / (40 * 2)
    expected = [(10 + SMOOTHING * average) / 45, (2 + SMOOTHING * average) / 45, SMOOTHING * average / 45, average]
    rates = 1 / (1 + np.exp(-priors(counts, 40, listed)))
    assert rates == pytest.approx(expected)


def test_where_nobody_tagged_anything_every_tag_is_average() -> None:
    rates = 1 / (1 + np.exp(-priors(np.zeros(30, int), 0, np.zeros(30, bool))))
    assert rates == pytest.approx([TAGS_PER_PICTURE / 30] * 30)
    assert 1 / (1 + np.exp(-priors(np.zeros(1, int), 0, np.zeros(1, bool)))) == pytest.approx([COMMONEST])


def test_a_title_s_pictures_share_a_fold_and_folds_are_of_like_size() -> None:
    titles = [f"t{n % 23}" for n in range(100)]
    folds = folds_of(titles)
    assert len({(title, fold) for title, fold in zip(titles, folds.tolist(), strict=True)}) == 23
    sizes = np.bincount([folds[titles.index(title)] for title in set(titles)], minlength=FOLDS)
    assert sizes.min() >= 23 // FOLDS
    assert folds_of(titles[::-1]).tolist() == folds.tolist()[::-1]


def judged(titles: int = 20, each: int = 5, tags: int = 12, slope: float = 2.0, seed: int = 0) -> Judged:
    """Pictures whose given tags follow z by a known slope; nothing else is in the vocabulary."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(titles * each, tags)).astype(np.float32)
    given = rng.random(z.shape) < Calibration(slope, 0, -2.5).probabilities(z, np.zeros(1))
    no = np.zeros(tags, bool)
    return Judged(z, given, [f"t{n // each}" for n in range(titles * each)], no, no)


def test_a_fit_is_true_on_titles_it_has_not_seen() -> None:
    calibration, fitted, true = calibrate(judged(titles=200), 0.5)
    assert fitted
    assert true is not None
    assert calibration.slope == pytest.approx(2.0, abs=0.2)
    assert true.log_loss < 0.8 * true.log_loss_blind
    assert (true.pictures, true.titles, true.pairs, true.outside) == (1000, 200, 12_000, 0)
    for one in true.bins:
        assert one.predicted == pytest.approx(one.observed, abs=4 * math.sqrt(0.25 / one.pairs))
    assert true.precision is not None
    assert true.precision > 0.5


def test_too_little_is_said_and_judged_by_the_default() -> None:
    for few in (judged(titles=FEWEST[1] - 1, each=20), judged(titles=7, each=7)):
        calibration, fitted, true = calibrate(few, 0.5)
        assert (calibration, fitted) == (DEFAULT, False)
        assert true is not None
        assert true.pictures == len(few.given)
    assert calibrate(judged(titles=5, each=10), 0.5)[1]


def test_where_nothing_is_tagged_there_is_nothing_to_measure() -> None:
    nothing = Judged(np.empty((0, 3), np.float32), np.empty((0, 3), bool), [], np.zeros(3, bool), np.zeros(3, bool))
    assert calibrate(nothing, 0.5) == (DEFAULT, False, None)


def test_a_tag_of_one_title_alone_is_out_of_reach_unless_it_stands_elsewhere() -> None:
    few = judged()
    few.given[:, 0] = [title == "t0" for title in few.title]  # t0's five pictures, and no others
    few.z[:, 0] = 20 * few.given[:, 0]
    others = int(few.given[:, 1:].sum())
    _, _, true = calibrate(few, 0.5)
    assert true is not None
    assert (true.given, true.outside) == (others + 5, 5)
    _, _, all_proposed = calibrate(few, 1e-12)
    assert all_proposed is not None
    assert all_proposed.recall == others / (others + 5)  # what is out of reach counts as missed
    assert all_proposed.precision == others / all_proposed.pairs
    always = np.arange(few.given.shape[1]) == 0
    _, _, true = calibrate(replace(few, always=always), 0.5)
    assert true is not None
    assert true.outside == 0


def test_what_a_fold_s_titles_bear_does_not_reach_its_own_scores() -> None:
    few = judged()
    _, _, before = calibrate(replace(few, always=np.ones(12, bool)), 0.5)
    fold = folds_of(few.title) == 0
    changed = few.given.copy()
    changed[fold] = ~changed[fold]
    _, _, after = calibrate(replace(few, given=changed, always=np.ones(12, bool)), 0.5)
    assert before is not None
    assert after is not None
    assert after.log_loss > before.log_loss + 0.5  # were they known, they would be fitted


def test_log_loss_by_hand() -> None:
    assert log_loss(np.array([0.8, 0.8, 0.1]), np.array([True, False, False])) == pytest.approx(
        -(math.log(0.8) + math.log(0.2) + math.log(0.9)) / 3
    )
    assert log_loss(np.empty(0), np.empty(0, bool)) == 0


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=40))
def test_bins_hold_each_pair_once(pairs: list[tuple[float, bool]]) -> None:
    predicted, given = (np.array(column) for column in zip(*pairs, strict=True))
    found = list(reliability_bins(predicted, given))
    for one in found:
        last = one.high == BINS[-1]
        mine = [(p, g) for p, g in pairs if one.low <= p and (p < one.high or last)]
        assert one.pairs == len(mine)
        assert one.predicted == pytest.approx(sum(p for p, _ in mine) / len(mine))
        assert one.observed == pytest.approx(sum(g for _, g in mine) / len(mine))
    assert sum(one.pairs for one in found) == len(pairs)
