"""The audience and the averages of segments and locales, beside plain sums over users."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embed.records import Audience, Average, Phrase, Profile
from embed.tastes.audience import AUDIENCE_USERS, ENOUGH_USERS, FEW_USERS, NEUTRAL_USERS, Sums, average_of, common_of
from embed.tastes.interests import mixtures_of

NEUTRAL = np.eye(6, dtype=np.float32)[0]
SEGMENT = st.sampled_from([None, "a", "b", "c"])


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.lists(st.tuples(st.integers(0, 4), SEGMENT, SEGMENT), max_size=12), st.integers(1, 4))
def test_one_pass_is_the_plain_sum_over_users(seed: int, users: list[tuple[int, Any, Any]], parts: int) -> None:
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(9, 6)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    sums, told = Sums(6), []
    for part in range(parts):
        some = users[part::parts]
        starts = np.cumsum([0, *(count for count, *_ in some)])
        weights, rows = rng.normal(size=starts[-1]).astype(np.float32), rng.integers(0, 9, starts[-1])
        numbers = rng.integers(0, 2, starts[-1])
        sums.add_users(
            mixtures_of(starts, rows, weights, numbers),
            vectors,
            {"segment": [segment for _, segment, _ in some], "locale": [locale for *_, locale in some]},
        )
        for (_, segment, locale), begin, end in zip(some, starts[:-1].tolist(), starts[1:].tolist(), strict=True):
            phrases = tuple(Phrase("x", "stated", float(weights[n]), (), int(numbers[n])) for n in range(begin, end))
            told.append((Profile("u", phrases, vectors[rows[begin:end]], "f"), segment, locale))
    audience = sums.audience("f", NEUTRAL, {})

    having = [
        (shares, mixed, segment, locale)
        for profile, segment, locale in told
        if profile.phrases
        for shares, mixed in [profile.interests]
    ]
    means = [shares @ mixed for shares, mixed, *_ in having]
    mean = (sum(means) + NEUTRAL_USERS * NEUTRAL) / (len(having) + NEUTRAL_USERS)
    assert audience.users == len(having)
    np.testing.assert_allclose(audience.mean, mean, atol=1e-5)
    common = sum(means) / (len(having) + FEW_USERS)
    np.testing.assert_allclose(common_of(audience), common, atol=1e-5)
    outer = [
        share * np.outer(v - common, v - common) for shares, mixed, *_ in having for share, v in zip(shares, mixed, strict=True)
    ]
    np.testing.assert_allclose(audience.moment, sum(outer) / max(len(having), 1) if outer else np.zeros((6, 6)), atol=1e-5)
    expected = {}
    for kind, place in (("segment", 2), ("locale", 3)):
        for name in {one[place] for one in having} - {None}:
            members = [of_user for of_user, one in zip(means, having, strict=True) if one[place] == name]
            if len(members) >= ENOUGH_USERS:
                shrunk = (sum(members) + AUDIENCE_USERS * mean) / (len(members) + AUDIENCE_USERS)
                expected[kind, name] = len(members), pytest.approx(shrunk, abs=1e-5)
    assert {(average.kind, average.name): (average.users, average.mean) for average in audience.averages} == expected


def test_a_segment_of_two_is_near_to_everyone_and_a_large_one_is_its_own() -> None:
    def share_of_its_own(members: int) -> float:
        sums = Sums(6)
        for name, count, axis in (("few", members, 1), (None, 5000, 2)):
            starts, rows = np.arange(count + 1), np.full(count, axis)
            mixtures = mixtures_of(starts, rows, np.ones(count, np.float32), np.zeros(count, np.int64))
            sums.add_users(mixtures, np.eye(6, dtype=np.float32), {"segment": [name] * count})
        [average] = sums.audience("f", NEUTRAL, {}).averages
        return float(average.mean[1])

    assert share_of_its_own(2) < 0.1
    assert share_of_its_own(20) == pytest.approx(0.5, abs=0.01)
    assert share_of_its_own(2000) > 0.98


def test_who_speaks_for_whom() -> None:
    zeros = np.zeros(6, np.float32)
    averages = tuple(
        Average(kind, name, 9, NEUTRAL) for kind, name in (("segment", "kids"), ("locale", "pt"), ("locale", "de-at"))
    )
    audience = Audience("f", 9, zeros, zeros, np.zeros((6, 6), np.float32), averages)
    whose = {
        (None, None): "the audience's average",
        ("kids", "pt"): "the average of segment 'kids' (9 users)",
        ("none", "pt-BR-x"): "the average of locale 'pt' (9 users)",
        (None, "DE_AT"): "the average of locale 'de-at' (9 users)",
        (None, "de"): "the audience's average",
        ("", ""): "the audience's average",
    }
    assert {asked: average_of(audience, *asked)[1] for asked in whose} == whose
