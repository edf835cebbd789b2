"""The proof: what is fitted before is held against what came after, and a log that cannot carry that says what it lacks."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from match.blend import Weights
from match.fitting.choices import Choices
from match.fitting.proof import DEFAULTS, FITTED, PRESENT, PRIOR, Proof, divide, lacking, plays_of, prove, without
from match.fitting.weights import chosen_ridge, fit, losses

TRUE_DEFAULTS = (0.5, 2.5, 0.125)


@pytest.fixture(scope="module")
def proof(simulate: Callable[..., Choices]) -> Proof:
    return prove(simulate(0, (1.5, 0.5, 0.5)), Weights(1.0, 1.0, 0.3))


def test_later_days_have_a_third_of_the_quality_plays(simulate: Callable[..., Choices]) -> None:
    choices = simulate(0)
    first = divide(choices)
    assert first is not None
    share = (choices.weights * choices.quality)[choices.day >= first].sum() / (choices.weights * choices.quality).sum()
    assert share == pytest.approx(1 / 3, abs=0.06)


@pytest.mark.parametrize(
    ("days", "first"), [([7, 7, 7], None), ([7, 9], 9), ([7, 8, 9], 9), ([7, 7, 7, 7, 9], 9), ([3, 9, 9, 9, 9], 9)]
)
def test_days_are_whole(simulate: Callable[..., Choices], days: list[int], first: int | None) -> None:
    choices = simulate(0, n=len(days))
    assert divide(replace(choices, day=np.array(days), quality=np.ones(len(days)), drawn=np.ones(len(days)))) == first


def test_what_is_chosen_is_chosen_on_the_earlier_days(proof: Proof) -> None:
    assert proof.earlier.day.max() < proof.first_later
    assert proof.later.day.min() == proof.first_later
    assert proof.ridge == chosen_ridge(proof.earlier)
    assert proof.blends[FITTED].weights == pytest.approx(fit(proof.earlier, proof.ridge).weights)


def test_rivals_have_the_weights_that_they_are_named_after(proof: Proof) -> None:
    named = {DEFAULTS: [0.5, 2.5, 0.125], PRIOR: [0, 0, 0], PRESENT: [1.0, 1.0, 0.3]}
    assert {name: proof.blends[name].weights.tolist() for name in named} == named
    assert [proof.blends[without(part)].weights[place] for place, part in enumerate(proof.earlier.parts)] == [0, 0, 0]
    assert proof.blends.keys() == proof.losses.keys() == proof.gains.keys() | {FITTED}


def test_a_gain_is_the_weighted_log_loss_less_that_of_the_fit(proof: Proof) -> None:
    later = proof.later
    by_hand = {
        name: float(later.weights @ losses(later, blend.log_odds(later)) / later.weights.sum())
        for name, blend in proof.blends.items()
    }
    assert {name: one.value for name, one in proof.losses.items()} == pytest.approx(by_hand)
    for name, gain in proof.gains.items():
        assert gain.value == pytest.approx(by_hand[name] - by_hand[FITTED])
        assert gain.low < gain.value < gain.high


def test_what_is_worth_something_is_missed(proof: Proof) -> None:
    assert proof.gains[DEFAULTS].low > 0
    assert proof.gains[without("similarity")].low > 0
    assert proof.gains[PRIOR].value > proof.gains[without("similarity")].value > proof.gains[without("words")].value > 0


def test_a_fit_gains_nothing_where_the_defaults_are_true(simulate: Callable[..., Choices]) -> None:
    """Over many logs the interval lies above 0 in one of forty, or in few."""
    found = [prove(simulate(seed, TRUE_DEFAULTS, n=1500)).gains[DEFAULTS] for seed in range(12)]
    assert sum(gain.low > 0 for gain in found) <= 2


def test_quality_plays_count_by_users(simulate: Callable[..., Choices]) -> None:
    choices = simulate(0, n=6)
    of = replace(choices, user=np.array([0, 0, 0, 1, 2, 2]), quality=np.array([1.0, 1, 0, 1, 0, 1]), drawn=np.ones(6))
    assert plays_of(of) == pytest.approx((2 + 1 + 1) ** 2 / (4 + 1 + 1))


def test_a_log_that_can_be_fitted_lacks_nothing(simulate: Callable[..., Choices]) -> None:
    assert lacking(simulate(0)) == (None, None)


def test_a_log_with_few_quality_plays_says_how_many_choices_it_takes(simulate: Callable[..., Choices]) -> None:
    choices = simulate(0, n=300)
    why, needed = lacking(choices)
    assert why is not None
    assert "of the earlier days count as" in why
    assert "(least: 70)" in why
    first = divide(choices)
    assert first is not None
    ratio = [
        70 / plays_of(choices.taken(choices.day < first)),
        30 / plays_of(choices.taken(choices.day >= first)),
        50 / len(np.unique(choices.user)),
    ]
    assert needed == int(np.ceil(300 * max(ratio)))


@pytest.mark.parametrize(
    ("change", "why", "hopeless"),
    [
        ({"parts": ()}, "tells of no part", True),
        ({"day": np.zeros(4000, np.int64)}, "all choices are of one day", True),
        ({"quality": np.zeros(4000)}, "count as 0", True),
        ({"user": np.arange(4000) % 40}, "there are 40 users", False),
    ],
)
def test_what_is_lacking(simulate: Callable[..., Choices], change: dict[str, object], why: str, hopeless: bool) -> None:
    said, needed = lacking(replace(simulate(0), **change))
    assert said is not None
    assert why in said
    assert (needed is None) == hopeless
