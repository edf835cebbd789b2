"""Average fit as a part of the prior: what it does to means, how it fades, and what it is found to be worth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from match.blend import logit
from match.clicks.average_fit import (
    DEFAULT,
    MOST,
    NOTHING_LEARNED,
    UNSURE,
    expit,
    learn_weight,
    moved,
    share_of_prior,
    shift_in_segment,
    with_average_fit,
)
from match.clicks.shrinkage import Beliefs, posterior, together

RATES = st.floats(0.001, 0.9)


def clicked(weight: float, seed: int, titles: int = 400, strength: float = 100.0) -> tuple[np.ndarray, ...]:
    """(rates, trials, titles, fits) of titles of 10 artworks, 300 impressions each, whose fits are worth `weight`."""
    rng = np.random.default_rng(seed)
    of_titles, fits = np.arange(titles).repeat(10), rng.normal(size=10 * titles)
    level = logit(rng.beta(4, 40, titles)).repeat(10)
    centre = expit(level + weight * fits)
    rates = rng.beta(centre * strength, (1 - centre) * strength)
    shown = np.full(len(fits), 300)
    return rng.binomial(shown, rates) / shown, together(shown, strength), of_titles, fits


def test_expit_is_logit_the_other_way_round() -> None:
    odds = np.array([-800.0, -3.0, 0.0, 2.0, 800.0])
    assert expit(odds).tolist() == pytest.approx([0.0, 1 / (1 + np.e**3), 0.5, 1 / (1 + np.e**-2), 1.0])


@given(RATES, st.floats(-3, 3), st.floats(0, 2))
def test_what_was_never_shown_has_the_moved_prior_exactly(rate: float, fit: float, weight: float) -> None:
    known = with_average_fit(Beliefs(np.array([rate]), np.array([80.0])), np.zeros(1), np.array([0.5]), np.array([fit]), weight)
    assert logit(known.mean) == pytest.approx(logit(rate) + weight * fit, abs=1e-9) or known.mean[0] in (1e-6, 0.99)
    assert known.strength.tolist() == [80.0]


def test_by_hand() -> None:
    """A prior of 0.1 that is worth 100, then 30 plays of 100: (10 + 30) / 200, and (100 · 0.2 + 30) / 200 had it been 0.2."""
    before = Beliefs(np.array([0.1]), np.array([100.0]))
    known = posterior(before, np.array([100.0]), np.array([30.0]))
    fit = logit(np.array([0.2])) - logit(np.array([0.1]))
    assert with_average_fit(known, np.array([100.0]), before.mean, fit, 1.0).mean == pytest.approx([0.25])


@given(RATES, RATES, st.floats(1, 1e4), st.lists(st.floats(0, 1e7), min_size=2, max_size=9), st.floats(-2, 2))
def test_it_fades_as_clicks_arrive(prior: float, rate: float, strength: float, shown: list[float], shift: float) -> None:
    """As it would have, had the prior been the moved one to begin with; so the pull never grows with impressions."""
    many = np.sort(shown)
    before = Beliefs(np.full(len(many), prior), np.full(len(many), strength))
    known = posterior(before, many, rate * many)
    fitted = with_average_fit(known, many, before.mean, np.full(len(many), shift), 1.0)
    other = np.clip(expit(logit(before.mean) + shift), 1e-6, 0.99)
    oracle = posterior(Beliefs(other, before.strength), many, rate * many)
    np.testing.assert_allclose(fitted.mean, np.clip(oracle.mean, 1e-6, 0.99), atol=2e-6)
    assert (np.diff(np.abs(fitted.mean - known.mean)) <= 1e-9).all()


def test_many_clicks_have_the_last_word() -> None:
    known = Beliefs(np.array([0.2]), np.array([1e9]))
    assert with_average_fit(known, np.array([1e9 - 100]), np.array([0.05]), np.array([3.0]), 2.0).mean == pytest.approx(
        [0.2], abs=1e-7
    )


@given(RATES, st.floats(0, 1), RATES, st.floats(-5, 5))
def test_a_wrong_guess_at_the_prior_moves_it_in_bounds_and_in_the_right_direction(
    mean: float, share: float, before: float, shift: float
) -> None:
    [found] = moved(np.array([mean]), np.array([share]), np.array([before]), np.array([shift]))
    assert 0 < found < 1
    assert (found - mean) * shift >= -1e-9


def test_the_share_of_the_prior() -> None:
    shown = np.array([0.0, 100.0, 300.0, 500.0])
    assert share_of_prior(np.full(4, 400.0), shown).tolist() == [1.0, 0.75, 0.25, 0.0]


def test_in_a_segment_everyones_fit_fades_with_everyones_clicks_and_its_own_does_not() -> None:
    everyones, own = np.array([1.0, 1.0, -0.5]), np.array([1.0, 3.0, 0.5])
    assert shift_in_segment(np.ones(3), everyones, own).tolist() == own.tolist()
    assert shift_in_segment(np.zeros(3), everyones, own).tolist() == [0.0, 2.0, 1.0]
    assert shift_in_segment(np.full(3, 0.25), everyones, own).tolist() == [0.25, 2.25, 0.875]


@pytest.mark.parametrize("weight", [0.0, 0.6, 1.5])
def test_what_it_is_worth_is_found(weight: float) -> None:
    found = learn_weight(*clicked(weight, 1))
    assert found.weight == pytest.approx(weight, abs=0.05)
    assert found.error < 0.03


def test_its_error_is_one() -> None:
    found = [learn_weight(*clicked(0.5, seed, titles=30)) for seed in range(40)]
    apart = np.array([(one.weight - 0.5) / one.error for one in found])
    assert np.abs(apart).max() < 3.5
    assert 0.7 < np.sqrt((apart**2).mean()) < 1.3


def test_what_repels_counts_for_nothing_and_what_attracts_has_a_bound() -> None:
    assert learn_weight(*clicked(-0.5, 2, titles=50)).weight == 0
    assert learn_weight(*clicked(4.0, 2, titles=200)).weight == MOST


def test_of_few_clicks_the_default_is_left() -> None:
    rates, trials, titles, fits = clicked(1.0, 3, titles=1)
    few = learn_weight(rates[:3], trials[:3] / 100, titles[:3], fits[:3])
    assert few.weight == pytest.approx(DEFAULT, abs=0.02)
    assert few.error == pytest.approx(UNSURE, rel=0.05)
    assert learn_weight(*(column[:0] for column in (rates, trials, titles, fits))) == NOTHING_LEARNED
    assert learn_weight(rates * 0, trials, titles, fits) == NOTHING_LEARNED
    assert learn_weight(rates, trials, titles, fits * np.nan) == NOTHING_LEARNED


def test_a_title_whose_level_is_its_own_says_nothing_of_fit() -> None:
    """Of two titles one plays ten times as often and fits better altogether; within each there is no difference."""
    rates, trials = np.array([0.05, 0.05, 0.5, 0.5]), np.full(4, 1e7)
    found = learn_weight(rates, trials, np.array([0, 0, 1, 1]), np.array([-2.1, -1.9, 1.9, 2.1]))
    assert found.weight < 0.01


@given(st.integers(0, 10**6), st.integers(1, 6))
def test_it_ends_at_the_mode(seed: int, titles: int) -> None:
    """Also of rates of 0 and 1, where plain Newton steps run away: the slope of what is maximised is 0 there."""
    rng = np.random.default_rng(seed)
    rates = rng.choice([0.0, 1.0, 0.3], 3 * titles)
    rates[0] = 0.3
    trials, fits, of_titles = 10 ** rng.uniform(-2, 6, len(rates)), rng.normal(size=len(rates)), np.arange(titles).repeat(3)
    found = learn_weight(rates, trials, of_titles, fits)
    assert 0 < found.error <= UNSURE + 1e-9
    level = logit((rates @ trials + 1) / (trials.sum() + 2))
    low, high = np.full(titles, -50.0), np.full(titles, 50.0)
    for _ in range(60):  # each title's level, bisected
        levels = (low + high) / 2
        missing = trials * (rates - expit(level + levels[of_titles] + found.weight * fits))
        rising = np.bincount(of_titles, missing) > levels
        low, high = np.where(rising, levels, low), np.where(rising, high, levels)
    slope = missing @ fits - (found.weight - DEFAULT) / UNSURE**2
    assert abs(slope) * found.error < 1e-3 or (found.weight == 0 and slope < 0) or (found.weight == MOST and slope > 0)
