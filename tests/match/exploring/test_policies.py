"""Propensities: they add up to one, and none is below the floor."""

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embed.errors import QueryError
from match.exploring.policies import POLICIES, Exploration, propensities, softmax
from match.exploring.thompson import Posteriors, win_probabilities

POSTERIORS = Posteriors(np.array([6.0, 9.0, 5.0, 50.0, 7.0]), np.array([90.0, 91.0, 95.0, 950.0, 99.0]), np.zeros(5))
STARTS = np.array([0, 3, 5])


@given(policy=st.sampled_from(POLICIES), floor=st.floats(0, 1), scores=st.lists(st.floats(-20, 20), min_size=5, max_size=5))
@settings(max_examples=60)
def test_they_add_up_to_one_above_the_floor(policy: str, floor: float, scores: list[float]) -> None:
    found = propensities(Exploration(policy, floor), np.array(scores), POSTERIORS, STARTS)
    np.testing.assert_allclose(np.add.reduceat(found, STARTS[:-1]), 1)
    assert (found >= floor / np.array([3, 3, 3, 2, 2]) - 1e-12).all()


@given(scores=st.lists(st.floats(-500, 500), min_size=5, max_size=5), temperature=st.floats(0.1, 10))
def test_softmax_by_hand(scores: list[float], temperature: float) -> None:
    values = np.array(scores) / temperature
    by_hand = [np.exp(part - part.max()) / np.exp(part - part.max()).sum() for part in (values[:3], values[3:])]
    np.testing.assert_allclose(softmax(values, STARTS), np.concatenate(by_hand), atol=1e-12)


def test_the_best_alone_and_epsilon_greedy() -> None:
    scores = np.array([1.0, 3.0, 2.0, 5.0, 5.0])
    assert propensities(Exploration("best", 0.0), scores, POSTERIORS, STARTS).tolist() == [0, 1, 0, 1, 0]
    np.testing.assert_allclose(propensities(Exploration("best", 0.3), scores, POSTERIORS, STARTS), [0.1, 0.8, 0.1, 0.85, 0.15])


def test_thompson_is_its_win_probabilities_mixed_with_equal_ones() -> None:
    found = propensities(Exploration(floor=0.2), np.zeros(5), POSTERIORS, STARTS)
    equal = np.array([1 / 3] * 3 + [1 / 2] * 2)
    np.testing.assert_allclose(found, 0.8 * win_probabilities(POSTERIORS, STARTS) + 0.2 * equal)


def test_parameters_are_json() -> None:
    assert Exploration(period=timedelta(hours=6)).parameters == {
        "floor": 0.05,
        "temperature": 0.25,
        "period": 21600.0,
        "changes": None,
        "window": 604800.0,
        "most_shown": None,
    }


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"policy": "greedy"}, "there are best, softmax, thompson"),
        ({"floor": 1.5}, "floor 1.5: give a share"),
        ({"temperature": 0.0}, "temperature 0.0"),
        ({"period": timedelta(0)}, "period and window"),
        ({"changes": -1}, "changes -1"),
        ({"most_shown": 0}, "most_shown 0"),
    ],
    ids=str,
)
def test_what_cannot_be_is_said(wrong: dict, said: str) -> None:
    with pytest.raises(QueryError, match=said):
        Exploration(**wrong)
