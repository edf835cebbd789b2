"""The blend's parts, each against ten lines of numpy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embed.records import Audience, Phrase, Profile
from embed.tastes.audience import common_of
from index.titles import Page
from match.blend import (
    SHARPNESS,
    Parts,
    liked_people,
    logit,
    people_affinity,
    people_met,
    similarity_of,
    standardise,
    usual_spread,
)


def audience_by_hand(vectors: np.ndarray, neutral: np.ndarray) -> Audience:
    """What embed.tastes.users.audience_of says of these users, written out."""
    mean = (vectors.sum(axis=0) + neutral) / (len(vectors) + 1)
    common = vectors.sum(axis=0) / (len(vectors) + 8)
    moment = np.mean([np.outer(vector - common, vector - common) for vector in vectors], axis=0)
    return Audience("f", len(vectors), neutral, mean, moment)


def profile(*phrases: tuple[str, str, float]) -> Profile:
    return Profile("ada", tuple(Phrase(*phrase) for phrase in phrases), np.eye(len(phrases), 4, dtype=np.float32), "f")


@given(
    cosines=st.lists(st.lists(st.floats(-1, 1, width=32), min_size=5, max_size=5), min_size=1, max_size=4),
    worth=st.lists(st.floats(0.1, 1), min_size=4, max_size=4),
)
def test_similarity_lies_between_the_mean_of_the_interests_and_the_best_of_them(
    cosines: list[list[float]], worth: list[float]
) -> None:
    each, shares, starts = np.array(cosines, np.float32), np.array(worth[: len(cosines)]), np.array([0, 2, 5])
    shares /= shares.sum()
    similarity, speaking = similarity_of(each, shares, starts, 0.5)
    for begin, end in ((0, 2), (2, 5)):
        own = each[:, begin:end].astype(np.float64) / 0.5
        apart = own - own.mean(axis=1, keepdims=True)
        by_hand = np.log(shares @ np.exp(SHARPNESS * apart)) / SHARPNESS
        np.testing.assert_allclose(similarity[begin:end], by_hand, atol=1e-6)
        assert (similarity[begin:end] <= apart.max(axis=0) + 1e-6).all()
        assert (similarity[begin:end] >= shares @ apart - 1e-6).all()
        most = np.log(shares)[:, None] / SHARPNESS + apart
        assert (most[speaking[begin:end], np.arange(end - begin)] >= most.max(axis=0) - 1e-6).all()


def test_one_interest_is_itself_to_the_bit() -> None:
    cosines, starts = np.random.default_rng(0).normal(size=(1, 50)).astype(np.float32), np.array([0, 20, 50])
    assert np.array_equal(similarity_of(cosines, np.ones(1), starts, 0.3)[0], standardise(cosines[0], starts, 0.3))


def test_usual_spread_is_the_root_mean_square_of_personal_similarity_within_titles() -> None:
    rng = np.random.default_rng(7)
    audience = audience_by_hand(rng.normal(size=(20, 5)), rng.normal(size=5))
    users = np.random.default_rng(7).normal(size=(20, 5)) - common_of(audience)
    titles = [rng.normal(size=(count, 5)) for count in (1, 2, 7)]
    apart = np.concatenate([vectors - vectors.mean(axis=0) for vectors in titles])
    by_hand = np.sqrt(np.mean((users @ apart.T) ** 2))
    assert usual_spread(audience, apart.T @ apart / len(apart)) == pytest.approx(by_hand)


def test_usual_spread_of_nobody_is_zero() -> None:
    assert usual_spread(Audience("f", 0, np.zeros(3), np.zeros(3), np.zeros((3, 3))), np.eye(3)) == 0


def test_standardise_is_less_the_titles_mean_in_units_of_the_spread() -> None:
    cosines = np.array([0.5, 0.1, 0.3, 0.2, 0.6, 0.9], np.float32)
    np.testing.assert_allclose(standardise(cosines, np.array([0, 3, 5, 6]), 0.1), [2, -2, 0, -2, 2, 0], atol=1e-6)


def test_standardise_without_a_spread_or_without_artwork_is_nothing_personal() -> None:
    assert standardise(np.array([0.5, 0.1]), np.array([0, 2]), 0.0).tolist() == [0, 0]
    assert standardise(np.empty(0), np.array([0]), 0.1).tolist() == []


@pytest.mark.parametrize(("p", "expected"), [(0.5, 0.0), (0.2, np.log(0.25)), (0.9, np.log(9))])
def test_logit(p: float, expected: float) -> None:
    assert logit(p) == pytest.approx(expected)
    np.testing.assert_allclose(logit(np.array([p, 0.5])), [expected, 0], atol=1e-12)


def test_liked_people_are_measured_by_the_strongest_phrase() -> None:
    liked = liked_people(profile(("funny films", "genre", 0.5), ("Ben Marsh", "person", 0.25), ("Cleo Vance", "person", -0.1)))
    assert liked == {"ben marsh": 0.5, "cleo vance": -0.2}


def test_two_spellings_are_one_person() -> None:
    liked = liked_people(profile(("drama", "genre", 1.0), ("Ben Marsh", "person", 0.3), ("BEN  marsh", "person", 0.2)))
    assert liked == {"ben marsh": pytest.approx(0.5)}
    assert liked_people(profile(("Ben Marsh", "person", 0.3), ("ben marsh", "person", 0.3))) == {"ben marsh": 1.0}


def test_nobody_is_liked_by_whom_nothing_is_known() -> None:
    assert liked_people(profile()) == {}


@given(
    shown=st.lists(st.sets(st.sampled_from("abcd")), max_size=6),
    liked=st.dictionaries(st.sampled_from("abcx"), st.floats(-1, 1)),
    keep=st.lists(st.booleans(), min_size=3, max_size=3),
)
def test_people_affinity_is_the_sum_over_who_is_shown(shown: list[set[str]], liked: dict[str, float], keep: list[bool]) -> None:
    number_of = {name: number for number, name in enumerate("abcd")}
    met = sorted((number_of[name], weight) for name, weight in liked.items() if name in number_of)
    weights = np.array([weight for _, weight in met])
    titles = np.array_split(np.arange(len(shown)), 3)  # some without artwork
    asked = np.flatnonzero(keep)
    rows = np.concatenate([titles[number] for number in asked] or [np.empty(0, np.int64)])
    sizes = np.array([len(titles[number]) for number in asked], np.int64)
    first = np.array([sum(map(len, titles[:number])) for number in asked], np.int64)
    page = Page(asked, np.cumsum([0, *sizes]), sizes, first, rows, rows, np.empty((0, len(rows)), np.float32))
    by_hand = [min(max(sum(liked.get(name, 0.0) for name in shown[row]), -1.0), 1.0) for row in rows]
    on_artwork = [
        (row, which) for row, one in enumerate(shown) for which, (number, _) in enumerate(met) if "abcd"[number] in one
    ]
    liked_rows, who = np.array(on_artwork, np.int64).reshape(-1, 2).T
    found = people_met(page, liked_rows, who)
    np.testing.assert_allclose(people_affinity(len(rows), found, weights), by_hand, atol=1e-12)
    on = [(place, met[which][0]) for place, which in zip(*(each.tolist() for each in found), strict=True)]
    assert sorted(on) == sorted(
        (place, number) for place, row in enumerate(rows) for number, _ in met if "abcd"[number] in shown[row]
    )


def parts_of(scores: list[float]) -> Parts:
    total = np.array(scores)
    return Parts(prior=total - 1.0, similarity=total * 0 + 0.25, people=total * 0 + 0.75)


def test_the_score_is_the_sum_of_its_parts() -> None:
    np.testing.assert_allclose(parts_of([0.1, 0.3]).score, [0.1, 0.3])


@pytest.mark.parametrize(("ahead", "is_tie"), [(0.0, True), (1e-8, True), (1e-4, False)])
def test_what_float32_cannot_tell_apart_is_a_tie(ahead: float, is_tie: bool) -> None:
    one, other = parts_of([0.5, 0.5 + ahead]).order
    assert (one == other) == is_tie
