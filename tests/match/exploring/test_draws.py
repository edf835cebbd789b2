"""Draws by hash: alike for the same, even over all others, and as often as the propensities say."""

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from match.exploring.draws import drawn, period_of, uniforms

TITLES = [f"t{number}" for number in range(4000)]


def test_the_same_is_drawn_alike_on_every_machine() -> None:
    found = uniforms(7, "ada", ["sintel", "spring"], 20_000)
    assert found.tolist() == [0.7586834258103281, 0.4495567397470135]
    assert uniforms(7, "ada", ["spring"], 20_000)[0] == found[1]  # whatever else the page has


def test_seed_user_title_and_period_each_draw_anew_and_evenly() -> None:
    base = uniforms(0, "ada", TITLES, 5)
    for other in (uniforms(1, "ada", TITLES, 5), uniforms(0, "ben", TITLES, 5), uniforms(0, "ada", TITLES, 6)):
        assert abs(np.corrcoef(base, other)[0, 1]) < 4 / np.sqrt(len(TITLES))
    assert ((base >= 0) & (base < 1)).all()
    largest = np.abs(np.sort(base) - (np.arange(len(base)) + 0.5) / len(base)).max()
    assert largest < 1.95 / np.sqrt(len(base))  # Kolmogorov and Smirnov, 1 in 1,000


def test_no_user_and_title_share_a_text() -> None:
    assert uniforms(0, "a/1", ["b"], 0)[0] != uniforms(0, "a", ["1/b"], 0)[0]
    assert uniforms(0, "a", ["b/c"], 0)[0] != uniforms(0, "a/b", ["c"], 0)[0]


@given(
    weights=st.lists(st.floats(0, 1), min_size=6, max_size=6),
    numbers=st.lists(st.floats(0, 1, exclude_max=True), min_size=2, max_size=2),
)
@settings(max_examples=200)
def test_drawn_by_hand(weights: list[float], numbers: list[float]) -> None:
    starts, chances = np.array([0, 4, 6]), np.array(weights) + np.array([1e-3, 0, 0, 0, 0, 1e-3])
    found = drawn(chances, starts, np.array(numbers))
    for place, start, end, number in zip(found.tolist(), starts[:-1], starts[1:], numbers, strict=True):
        own = chances[start:end] / chances[start:end].sum()
        assert start <= place < end
        assert chances[place] > 0
        before, after = own[: place - start].sum(), own[: place - start + 1].sum()
        assert before - 1e-9 <= number <= after + 1e-9


def test_as_often_as_the_propensities_say() -> None:
    chances, users = np.array([0.5, 0.3, 0.0, 0.2]), 20_000
    places = np.concatenate([drawn(chances, np.array([0, 4]), uniforms(3, f"u{user}", ["t"], 0)) for user in range(users)])
    shares = np.bincount(places, minlength=4) / users
    assert (np.abs(shares - chances) <= 4 * np.sqrt(chances * (1 - chances) / users)).all()


def test_periods_count_from_1970_in_utc() -> None:
    day = timedelta(days=1)
    assert period_of(datetime(1970, 1, 2, 23, 59, tzinfo=UTC), day) == 1
    assert period_of(datetime(1970, 1, 3), day) == 2
    assert period_of(datetime(1970, 1, 3, 1, tzinfo=timezone(timedelta(hours=2))), day) == 1
    assert period_of(datetime(1969, 12, 31, 12, tzinfo=UTC), day) == -1
