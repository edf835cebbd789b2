"""What was shown is kept within a period, and when the budget of changes is spent."""

from datetime import UTC, datetime, timedelta

import pytest

from match.exploring.keeping import BUDGET, PERIOD, Shown, history_of, is_resting, why_kept
from match.exploring.policies import Exploration

NOON = datetime(2026, 10, 5, 12, tzinfo=UTC)
TWO_A_WEEK = Exploration(changes=2)


@pytest.mark.parametrize(
    ("how", "hours_ago", "changes", "expected"),
    [
        (Exploration(), 11, 0, PERIOD),
        (Exploration(), 13, 9, None),  # yesterday, and no budget
        (Exploration(period=timedelta(hours=6)), 1, 0, None),  # periods begin at 0, 6, 12 and 18 o'clock
        (TWO_A_WEEK, 13, 1, None),
        (TWO_A_WEEK, 13, 2, BUDGET),
        (TWO_A_WEEK, 11, 2, PERIOD),
        (TWO_A_WEEK, 24 * 7 - 1, 5, BUDGET),
        (TWO_A_WEEK, 24 * 7, 5, None),  # the window is over
        (Exploration(changes=0), 13, 0, BUDGET),
    ],
)
def test_why_an_artwork_is_kept(how: Exploration, hours_ago: int, changes: int, expected: str | None) -> None:
    assert why_kept(how, Shown("a", NOON - timedelta(hours=hours_ago), changes), NOON) == expected


def test_a_time_without_a_zone_is_utc() -> None:
    assert why_kept(Exploration(), Shown("a", datetime(2026, 10, 5, 1)), NOON) == PERIOD


def test_what_was_shown_as_often_as_the_cap_allows_rests() -> None:
    shown = Shown("a", NOON, impressions={"a": 3, "b": 2})
    assert [is_resting(Exploration(most_shown=3), shown, name) for name in "abc"] == [True, False, False]
    assert not is_resting(Exploration(), shown, "a")


def test_history_is_what_counts_at_the_moment() -> None:
    days = [(9, "a"), (8, "b"), (3, "c"), (2, "c"), (1, "b"), (-1, "d")]
    impressions = [("ada", "film", artwork, NOON - timedelta(days=ago)) for ago, artwork in days]
    found = history_of([*impressions[::-1], ("ben", "film", "a", NOON)], Exploration(), NOON)
    assert found == {
        ("ada", "film"): Shown("b", NOON - timedelta(days=1), 2, {"c": 2, "b": 1}),  # b to c and c to b; a to b is too long ago
        ("ben", "film"): Shown("a", NOON, 0, {"a": 1}),
    }
