"""Phrases to interests: what says the same is one, and there are not too many."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embed.records import Phrase, Profile
from embed.tastes.interests import ALIKE, DISLIKED, MOST, interests_of, interests_of_many, mixtures_of

COMMON = np.zeros(8)
AXES = np.eye(8)


def near(axis: int, step: float) -> np.ndarray:
    vector = AXES[axis] + step * AXES[7]
    return vector / np.linalg.norm(vector)


def test_what_says_the_same_is_one_and_the_rest_are_several() -> None:
    vectors = np.array([AXES[0], near(1, 0.1), AXES[2], AXES[1]])
    assert interests_of(np.array([0.2, 0.3, 0.4, 0.3]), vectors, COMMON).tolist() == [2, 0, 1, 0]


def test_what_all_texts_have_in_common_makes_none_alike() -> None:
    vectors = np.array([AXES[0] + 3 * AXES[5], AXES[1] + 3 * AXES[5]]) / np.sqrt(10)
    assert interests_of(np.ones(2), vectors, COMMON).tolist() == [0, 0]
    assert interests_of(np.ones(2), vectors, 3 / np.sqrt(10) * AXES[5]).tolist() == [0, 1]


def test_a_dislike_is_no_interest() -> None:
    assert interests_of(np.array([1.0, -2.0, 0.0]), AXES[:3], COMMON).tolist() == [0, DISLIKED, DISLIKED]
    assert interests_of(np.array([-1.0]), AXES[:1], COMMON).tolist() == [DISLIKED]
    assert interests_of(np.empty(0), np.empty((0, 8)), COMMON).tolist() == []


@given(st.integers(0, 2**32 - 1), st.integers(0, 12))
def test_there_are_never_too_many_and_each_is_numbered_by_its_weight(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(count, 8))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    weights = rng.normal(size=count)
    interests = interests_of(weights, vectors, COMMON)
    assert ((interests == DISLIKED) == (weights <= 0)).all()
    worth = [weights[interests == number].sum() for number in range(interests.max(initial=-1) + 1)]
    assert len(worth) <= MOST
    assert worth == sorted(worth, reverse=True)
    assert all(value > 0 for value in worth)


def test_the_threshold_is_where_two_become_one() -> None:
    def pair(cosine: float) -> list[int]:
        other = cosine * AXES[0] + np.sqrt(1 - cosine**2) * AXES[1]
        return interests_of(np.ones(2), np.array([AXES[0], other]), COMMON).tolist()

    assert pair(ALIKE + 0.01) == [0, 0]
    assert pair(ALIKE - 0.01) == [0, 1]


def profile(*phrases: tuple[float, int, int]) -> Profile:
    """Of (weight, interest, axis)."""
    told = tuple(Phrase(str(axis), "stated", weight, (), interest) for weight, interest, axis in phrases)
    return Profile("u", told, AXES[[axis for *_, axis in phrases]].astype(np.float32).reshape(-1, 8), "f")


def test_a_profiles_interests_are_mixed_of_their_phrases_and_less_its_dislikes() -> None:
    shares, vectors = profile((0.3, 0, 0), (0.3, 0, 1), (0.2, 1, 2), (-0.2, -1, 3)).interests
    assert shares.tolist() == pytest.approx([0.75, 0.25])
    first = np.array([0.3, 0.3, 0, -0.2 * 0.75, 0, 0, 0, 0])  # as 0.8 of likes stand to 0.2 of dislikes
    second = np.array([0, 0, 0.2, -0.2 * 0.25, 0, 0, 0, 0])
    for found, expected in zip(vectors, (first, second), strict=True):
        np.testing.assert_allclose(found, expected / np.linalg.norm(expected), atol=1e-6)


def test_of_one_interest_it_is_the_whole_taste() -> None:
    one = profile((0.5, 0, 0), (-0.5, -1, 1))
    shares, vectors = one.interests
    assert shares.tolist() == [1.0]
    np.testing.assert_allclose(vectors[0], one.vector, atol=1e-7)


def test_dislikes_alone_are_one_interest_and_nothing_is_none() -> None:
    shares, vectors = profile((-1.0, -1, 0)).interests
    assert (shares.tolist(), vectors.tolist()) == ([1.0], [(-AXES[0]).tolist()])
    shares, vectors = profile().interests
    assert (len(shares), vectors.shape) == (0, (0, 8))


def one_by_one(weights: np.ndarray, vectors: np.ndarray, common: np.ndarray) -> list[int]:
    """The rule as it is said: the two nearest first, of one user."""
    groups, apart = [[place] for place in np.flatnonzero(weights > 0)], vectors - common
    while len(groups) > 1:
        centres = np.array([weights[group] @ apart[group] for group in groups])
        centres /= np.linalg.norm(centres, axis=1, keepdims=True)
        alike = np.triu(centres @ centres.T, 1) - 2 * np.tri(len(groups))
        one, other = np.unravel_index(int(np.argmax(alike)), alike.shape)
        if alike[one, other] < ALIKE and len(groups) <= MOST:
            break
        groups[one] += groups.pop(int(other))
    groups.sort(key=lambda group: (-weights[group].sum(), min(group)))
    return [next((n for n, group in enumerate(groups) if place in group), DISLIKED) for place in range(len(weights))]


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(0, 13), max_size=9))
def test_many_users_at_once_are_what_each_is_alone(seed: int, counts: list[int]) -> None:
    rng = np.random.default_rng(seed)
    vocabulary = rng.normal(size=(20, 6)) + 2 * rng.normal(size=6)
    vocabulary /= np.linalg.norm(vocabulary, axis=1, keepdims=True)
    starts = np.cumsum([0, *counts])
    weights, phrases = rng.normal(size=starts[-1]), rng.integers(0, 20, starts[-1])
    common, of_phrase = rng.normal(size=(3, 6)), rng.integers(0, 3, 20)
    found = interests_of_many(starts, weights, phrases, vocabulary - common[of_phrase])
    for begin, end in pairwise(starts.tolist()):
        of_user = slice(begin, end)
        expected = one_by_one(weights[of_user], vocabulary[phrases[of_user]], common[of_phrase[phrases[of_user]]])
        assert found[of_user].tolist() == expected or len(set(phrases[of_user])) < end - begin  # twins tie by rounding


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(0, 6), max_size=9))
def test_mixtures_of_many_are_the_interests_of_each_profile(seed: int, counts: list[int]) -> None:
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(20, 8)).astype(np.float32)
    starts = np.cumsum([0, *counts])
    weights, phrases = rng.normal(size=starts[-1]).astype(np.float32), rng.integers(0, 20, starts[-1])
    numbers = rng.integers(0, 3, starts[-1])
    mixtures = mixtures_of(starts, phrases, weights, numbers)
    for user, (begin, end) in enumerate(pairwise(starts.tolist())):
        told = tuple(Phrase("x", "stated", float(weights[n]), (), int(numbers[n])) for n in range(begin, end))
        shares, expected = Profile("u", told, vectors[phrases[begin:end]], "f").interests
        first, count = mixtures.of(np.array([user]))
        some = np.arange(first[0], first[0] + count[0])
        np.testing.assert_allclose(mixtures.shares[some], shares)
        np.testing.assert_allclose(mixtures.vectors(some, vectors), expected.reshape(-1, 8), atol=1e-5)
