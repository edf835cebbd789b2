"""Ridge logistic regression: where its loss is least, what its errors are, and what it cannot answer."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from match.blend import expit
from match.judging.regression import fit_logistic


def loss(b: np.ndarray, x: np.ndarray, y: np.ndarray, weights: np.ndarray, ridge: np.ndarray, towards: np.ndarray) -> float:
    p = 1 / (1 + np.exp(-(x @ b)))
    return float(-(weights * (y * np.log(p) + (1 - y) * np.log(1 - p))).sum() + 0.5 * (ridge * (b - towards) ** 2).sum())


@given(st.integers(0, 2**32 - 1))
def test_the_loss_rises_whichever_way_one_leaves_the_answer(seed: int) -> None:
    random = np.random.default_rng(seed)
    n, d = int(random.integers(1, 30)), int(random.integers(1, 5))
    x, y, weights = random.normal(size=(n, d)), random.random(n).round(), random.exponential(size=n)
    ridge, towards = random.exponential(size=d) + 0.01, random.normal(size=d)
    b = fit_logistic(x, y, weights=weights, ridge=ridge, towards=towards).coefficients
    least = loss(b, x, y, weights, ridge, towards)
    for step in 1e-3 * np.vstack([np.eye(d), -np.eye(d)]):  # convex: no lower place near is no lower place at all
        assert loss(b + step, x, y, weights, ridge, towards) > least


def test_an_intercept_alone_is_the_log_odds_of_the_rate() -> None:
    y = np.array([1.0] * 3 + [0.0] * 9)
    fitted = fit_logistic(np.ones((12, 1)), y)
    assert fitted.coefficients == pytest.approx([np.log(3 / 9)])
    assert fitted.errors == pytest.approx([np.sqrt(1 / 3 + 1 / 9)])  # of a log-odds, in closed form
    assert fitted.predict(np.ones((2, 1))) == pytest.approx([0.25, 0.25])
    weighted = fit_logistic(np.ones((2, 1)), np.array([1.0, 0.0]), weights=np.array([3.0, 9.0]))
    assert weighted.coefficients == pytest.approx(fitted.coefficients)


def test_a_strong_ridge_stays_where_it_draws_to_and_says_so_in_the_posterior() -> None:
    x, y = np.random.default_rng(0).normal(size=(50, 2)), np.arange(50) % 2.0
    fitted = fit_logistic(x, y, ridge=np.array([1e9, 0.0]), towards=np.array([0.7, 0.0]))
    assert fitted.coefficients[0] == pytest.approx(0.7, abs=1e-6)
    assert fitted.posterior[0, 0] == pytest.approx(1e-9, rel=1e-3)
    assert fitted.errors[0] < 1e-6 < fitted.errors[1]


def test_what_is_known_is_taken_as_it_is() -> None:
    """As a column whose coefficient is held at 1."""
    random = np.random.default_rng(3)
    x, known, y = random.normal(size=(80, 2)), random.normal(size=80), random.random(80).round()
    beside = fit_logistic(x, y, ridge=0.5, offset=known)
    column = fit_logistic(np.column_stack([x, known]), y, ridge=np.array([0.5, 0.5, 1e12]), towards=np.array([0.0, 0, 1]))
    assert beside.coefficients == pytest.approx(column.coefficients[:2], abs=1e-8)
    assert beside.errors == pytest.approx(column.errors[:2], abs=1e-6)
    assert beside.predict(x, known) == pytest.approx(column.predict(np.column_stack([x, known])), abs=1e-8)


def test_rows_that_are_told_twice_count_once_where_users_are_named() -> None:
    random = np.random.default_rng(1)
    x, y = np.column_stack([random.normal(size=200), np.ones(200)]), (random.random(200) < 0.4).astype(float)
    once = fit_logistic(x, y)
    twice, user = np.repeat(x, 2, axis=0), np.repeat(np.arange(200), 2)
    told = fit_logistic(twice, np.repeat(y, 2), units=user)
    assert told.coefficients == pytest.approx(once.coefficients)
    assert told.errors == pytest.approx(once.errors)
    assert fit_logistic(twice, np.repeat(y, 2)).errors == pytest.approx(once.errors / np.sqrt(2))


def test_the_errors_are_how_much_coefficients_vary_from_log_to_log() -> None:
    random, found, errors = np.random.default_rng(2), [], []
    truth = np.array([0.8, -1.0])
    for _ in range(300):
        x = np.column_stack([random.normal(size=250), np.ones(250)])
        y = (random.random(250) < expit(x @ truth)).astype(float)
        weights = random.exponential(size=250)  # as inverse propensities are: information is not what they add up to
        fitted = fit_logistic(x, y, weights=weights)
        found.append(fitted.coefficients)
        errors.append(fitted.errors)
    assert np.mean(errors, axis=0) == pytest.approx(np.std(found, axis=0), rel=0.15)  # a deviation of 300 is known to 4 %
    assert np.mean(found, axis=0) == pytest.approx(truth, abs=0.06)


def test_probabilities_stay_true_far_out() -> None:
    assert expit(np.array([-800.0, -30.0, 0.0, 800.0])) == pytest.approx([0.0, np.exp(-30.0), 0.5, 1.0], rel=1e-9)


@pytest.mark.parametrize(
    ("x", "y", "more", "said"),
    [
        (np.ones((2, 1)), np.ones(3), {}, r"x \(2, 1\) and y \(3,\)"),
        (np.ones((0, 1)), np.ones(0), {}, "n of 1 and more"),
        (np.ones((2, 1)), np.array([0.0, 2.0]), {}, r"y: 0\.\.1"),
        (np.ones((2, 1)), np.array([0.0, 1.0]), {"weights": np.array([1.0, -1.0])}, "weights"),
        (np.ones((4, 2)), np.array([0.0, 1.0, 0.0, 1.0]), {}, "columns say the same"),
        (np.ones((4, 1)), np.zeros(4), {}, "give a ridge"),
        (np.arange(4.0)[:, None] - 1.5, np.array([0.0, 0.0, 1.0, 1.0]), {}, "give a ridge"),
    ],
)
def test_what_has_no_answer_says_why(x: np.ndarray, y: np.ndarray, more: dict[str, np.ndarray], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        fit_logistic(x, y, **more)
