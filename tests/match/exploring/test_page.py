"""A page explored: one artwork a title out of what the guards leave, with the propensity that it truly has."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from match.exploring.keeping import BUDGET, Shown, history_of
from match.exploring.page import NONE, Beliefs, Explored, explore
from match.exploring.policies import POLICIES, Exploration, propensities
from match.exploring.thompson import Posteriors
from match.guards import IN_TURN, Guards, Marks

AT = datetime(2026, 10, 5, 12, tzinfo=UTC)
YESTERDAY = AT - timedelta(days=1)
STARTS = np.array([0, 3, 3, 5, 6])
IDS = ["a0", "a1", "a2", "c0", "c1", "d0"]
TITLES = ["a", "b", "c", "d"]


def beliefs(
    scores: object = (0, 0, 0, 0, 0, 0), free: object = None, user_id: str = "ada", little: object = None, marks: object = None
) -> Beliefs:
    moved = np.array(scores, np.float64)
    return Beliefs(
        user_id,
        TITLES,
        np.arange(4),
        STARTS,
        np.ones(6, bool) if free is None else np.array(free, bool),
        moved - 3,
        Posteriors(np.full(6, 5.0), np.full(6, 95.0), moved),
        lambda: IDS,
        None if little is None else np.array(little, bool),
        None if marks is None else marks_of(marks),
    )


def marks_of(marks: object) -> Marks:
    rows = list(marks)  # type: ignore[call-overload]
    return Marks(np.cumsum([0, *map(len, rows)]), np.array([mark for row in rows for mark in row], np.int64))


def shown(explored: Explored) -> list[str | None]:
    return [None if place < 0 else IDS[place] for place in explored.places.tolist()]


def asides(explored: Explored) -> dict[str, str]:
    """Which guard set each aside."""
    return {IDS[place]: IN_TURN[guard] for place, guard in enumerate(explored.aside.tolist()) if guard != NONE}


@given(
    policy=st.sampled_from(POLICIES),
    floor=st.floats(0, 1),
    free=st.lists(st.booleans(), min_size=6, max_size=6),
    little=st.lists(st.booleans(), min_size=6, max_size=6),
    scores=st.lists(st.floats(-3, 3), min_size=6, max_size=6),
    marks=st.lists(st.sets(st.integers(0, 2), max_size=2), min_size=6, max_size=6),
    user=st.text(max_size=3),
)
@settings(max_examples=150, deadline=None)
def test_one_of_what_may_be_shown_with_propensities_that_add_up_to_one(
    policy: str, floor: float, free: list, little: list, scores: list, marks: list, user: str
) -> None:
    page = beliefs(scores, free, user, little, marks)
    how = Exploration(policy, floor)
    found = explore(how, page, AT, Guards(most_alike=1))
    assert found.places.tolist() == explore(how, page, AT, Guards(most_alike=1)).places.tolist()
    for title, place in enumerate(found.places.tolist()):
        own = slice(*STARTS[title : title + 2].tolist())
        if not any(free[own]):
            assert place == -1
            assert not found.propensities[own].any()
            continue
        assert free[place]
        assert found.propensities[place] > 0
        assert found.propensities[own].sum() == pytest.approx(1)
        assert not found.propensities[own][~page.free[own]].any()
        counts = (found.propensities[own] > 0).sum()
        if floor:
            assert found.propensities[own].max() >= floor / counts - 1e-12
        which = found.aside[own]
        assert not found.propensities[own][which != NONE].any()
        spoke = Counter(IN_TURN[guard] for guard in which.tolist() if guard != NONE)
        assert [f"{guard}: {spoke[guard]}" for guard in IN_TURN if spoke[guard]] == [
            note.split(" of ")[0] for note in found.notes[title]
        ]


def test_without_guards_and_history_the_propensities_are_the_policy_s() -> None:
    page = beliefs([0.3, 0, -0.3, 1, 0, 0])
    found = explore(Exploration(), page, AT)
    expected = propensities(Exploration(), page.scores, page.posteriors, np.array([0, 3, 5, 6]))
    assert found.propensities.tolist() == expected.tolist()
    assert shown(found)[1] is None
    assert np.isnan(found.chosen[1])
    assert found.chosen[3] == 1.0
    assert (found.kept, found.notes) == ([None] * 4, [()] * 4)


def test_over_many_users_artwork_is_shown_as_often_as_its_propensity_says() -> None:
    """With all that may happen on the way: what is of little part, and what the page repeats."""
    page = beliefs([0.4, 0, -0.2, 0.2, 0, 0], little=[0, 0, 1, 0, 0, 0], marks=[[1], [2], [3], [1], [2], [1]])
    page = looking(page, [{4, 5}])
    guards, users = Guards(most_alike=1, of_a_row=2, may_cost=9), 2_000
    pages = [explore(Exploration(floor=0.2), replace(page, user_id=f"u{user}"), AT, guards) for user in range(users)]
    seen = np.sum([np.isin(np.arange(6), found.places) for found in pages], axis=0)
    expected = np.mean([found.propensities for found in pages], axis=0)
    errors = 4 * np.sqrt(expected * (1 - expected) / users)
    assert (np.abs(seen / users - expected) <= errors).all()
    assert seen[2] == 0
    assert all(IDS[found.places[0]][0] == "a" for found in pages)
    after = Counter((shown(found)[0], shown(found)[2]) for found in pages)
    assert set(after) == {("a0", "c1"), ("a1", "c0")}  # never the same mark twice in a row of two


def test_a_period_is_sticky_and_another_draws_anew() -> None:
    page, how = beliefs(), Exploration(floor=1.0)
    days = [shown(explore(how, page, AT + timedelta(days=day))) for day in range(30)]
    assert shown(explore(how, page, AT + timedelta(hours=11))) == days[0]
    assert len({tuple(day) for day in days}) > 3


def test_what_was_shown_this_period_stays_whatever_is_believed_now() -> None:
    history = {("ada", "a"): Shown("a2", AT - timedelta(hours=1)), ("ben", "c"): Shown("c1", AT)}
    found = explore(Exploration(), beliefs([5, 0, -5, 9, 0, 0]), AT, history=history)
    assert shown(found)[0] == "a2"
    assert found.propensities[:3].tolist() == [0, 0, 1]
    assert found.kept == ["period", None, None, None]  # of another user, it says nothing
    assert shown(found)[2] == "c0"


def test_a_spent_budget_keeps_and_one_that_is_not_does_not() -> None:
    page, how = beliefs([9, 0, -9, 0, 0, 0]), Exploration(floor=0, changes=2)
    spent, left = ({("ada", "a"): Shown("a2", YESTERDAY, changes)} for changes in (2, 1))
    assert (shown(explore(how, page, AT, history=spent))[0], explore(how, page, AT, history=spent).kept[0]) == ("a2", "budget")
    assert (shown(explore(how, page, AT, history=left))[0], explore(how, page, AT, history=left).kept[0]) == ("a0", None)


def test_a_budget_holds_over_every_window_and_a_cap_over_every_artwork() -> None:
    """60 days, a choice a day of beliefs that say nothing, so that without a budget the artwork changes most of the time."""
    how, impressions, days = Exploration(floor=1, changes=2), [], range(60)
    for day in days:
        at = AT + timedelta(days=day)
        found = explore(how, beliefs(), at, history=history_of(impressions, how, at))
        impressions.append(("ada", "a", str(shown(found)[0]), at))
        assert bool(found.propensities[:3].max() == 1) is (found.kept[0] == BUDGET)
    changed = [one[2] != before[2] for before, one in pairwise(impressions)]
    assert max(sum(changed[day : day + 7]) for day in days) == 2
    assert sum(changed) >= 12  # the budget is used: two a week
    free = [shown(explore(Exploration(floor=1), beliefs(), AT + timedelta(days=day)))[0] for day in days]
    assert sum(one != before for before, one in pairwise(free)) > 25


def test_what_may_not_be_shown_any_more_is_not_kept() -> None:
    history = {("ada", "a"): Shown("a2", AT), ("ada", "c"): Shown("gone", AT)}
    found = explore(Exploration(), beliefs(free=[1, 1, 0, 1, 1, 1]), AT, history=history)
    assert shown(found)[0] in ("a0", "a1")
    assert found.kept == [None] * 4


def test_what_a_user_saw_too_often_rests_where_something_else_is_left() -> None:
    often = {("ada", title): Shown(f"{title}0", AT, impressions={f"{title}0": 5}) for title in "acd"}
    found = explore(Exploration("best", 0, most_shown=5), beliefs([9, 0, -9, 9, 0, 9]), AT, history=often)
    assert shown(found) == ["a1", None, "c1", "d0"]
    assert found.notes == [("exposure cap: 1 of 3 set aside",), (), ("exposure cap: 1 of 2 set aside",), ()]
    assert found.kept == [None, None, None, "period"]


def test_little_part_is_set_aside_unless_nothing_else_is_left() -> None:
    found = explore(Exploration("best", 0), beliefs([0, 9, 5, 0, 1, 0], little=[0, 1, 0, 1, 1, 1]), AT)
    assert shown(found) == ["a2", None, "c1", "d0"]
    assert found.notes == [("prominence: 1 of 3 set aside",), (), (), ()]


def test_variety_takes_the_next_best_within_what_it_may_cost() -> None:
    page = beliefs([1, 0, 0, 1, 0.5, 0], marks=[[7], [], [], [7], [], [7]])
    dear, cheap = (Guards(most_alike=1, may_cost=cost) for cost in (0.4, 0.6))
    assert shown(explore(Exploration("best", 0), page, AT, dear)) == ["a0", None, "c0", "d0"]
    found = explore(Exploration("best", 0), page, AT, cheap)
    assert shown(found) == ["a0", None, "c1", "d0"]  # d has nothing else, so that the guard is silent
    assert found.notes == [(), (), ("variety: 1 of 2 set aside",), ()]
    assert found.propensities[3:5].tolist() == [0, 1]


def test_variety_goes_in_the_order_of_the_page() -> None:
    page = beliefs([0, 0, 0, 1, 0.5, 0], marks=[[], [], [], [7], [], [7]])
    backwards = replace(page, turns=np.array([3, 2, 1, 0]))
    guards, how = Guards(most_alike=1), Exploration("softmax", 0, temperature=0.01)
    assert shown(explore(how, page, AT, guards))[2] == "c0"
    assert shown(explore(how, backwards, AT, guards))[2] == "c1"


def looking(page: Beliefs, alike: list[set[int]]) -> Beliefs:
    """With these artworks, by place, looking alike."""
    group = {place: number for number, places in enumerate(alike) for place in places}

    def cosines(places: np.ndarray, others: np.ndarray, which: np.ndarray) -> np.ndarray:
        pairs = zip(places.tolist(), others[which].tolist(), strict=True)
        return np.array([0.95 if group.get(one, one + 9) == group.get(other, -1) else 0.85 for one, other in pairs])

    return replace(page, cosines=cosines)


def test_what_looks_like_the_picture_before_it_gives_way_within_what_it_may_cost() -> None:
    page = looking(beliefs([1, 0, 0, 1, 0.5, 0]), [{0, 3, 5}])
    dear, cheap = (Guards(most_alike=0, may_cost=cost) for cost in (0.4, 0.6))
    assert shown(explore(Exploration("best", 0), page, AT, dear)) == ["a0", None, "c0", "d0"]
    found = explore(Exploration("best", 0), page, AT, cheap)
    assert shown(found) == ["a0", None, "c1", "d0"]  # a title that shows nothing lies between
    assert found.notes == [(), (), ("look-alike: 1 of 2 set aside",), ()]
    assert found.propensities[3:5].tolist() == [0, 1]
    assert shown(explore(Exploration("best", 0), page, AT, replace(cheap, same_look=0.96))) == ["a0", None, "c0", "d0"]
    assert shown(explore(Exploration("best", 0), page, AT, replace(cheap, same_look=None))) == ["a0", None, "c0", "d0"]


def test_both_guards_speak_each_for_what_it_set_aside() -> None:
    page = looking(beliefs([1, 0, 0, 1, 0.9, 0.8], marks=[[7], [], [], [], [7], []]), [{0, 3}])
    page = replace(page, starts=np.array([0, 3, 3, 6, 6]))
    found = explore(Exploration("best", 0), page, AT, Guards(most_alike=1))
    assert (shown(found)[2], found.notes[2]) == ("d0", ("look-alike: 1 of 3 set aside", "variety: 1 of 2 set aside"))
    assert asides(found) == {"c0": "look-alike", "c1": "variety"}


@given(
    scores=st.lists(st.integers(-8, 8).map(lambda n: n / 8), min_size=6, max_size=6),
    free=st.lists(st.booleans(), min_size=6, max_size=6),
    turns=st.permutations(range(4)),
    groups=st.lists(st.integers(0, 2), min_size=6, max_size=6),
    may_cost=st.integers(0, 16).map(lambda n: n / 8),
)
@settings(deadline=None)
def test_looks_are_held_against_what_really_stands_before(
    scores: list, free: list, turns: list, groups: list, may_cost: float
) -> None:
    """Also where that was itself chosen anew."""
    alike = [{place for place in range(6) if groups[place] == group} for group in range(3)]
    page = looking(replace(beliefs(scores, free), turns=np.array(turns)), alike)
    expected, before = [-1] * 4, -1
    for title in turns:
        may = [place for place in range(*STARTS[title : title + 2].tolist()) if free[place]]
        left = [place for place in may if before < 0 or groups[place] != groups[before]]
        aside = [scores[place] - 3 for place in may if place not in left]
        if left and aside and max(aside) - max(scores[place] - 3 for place in left) <= may_cost:
            may = left
        if may:
            before = expected[title] = max(may, key=lambda place: (scores[place], -place))
    found = explore(Exploration("best", 0), page, AT, Guards(most_alike=0, may_cost=may_cost))
    assert found.places.tolist() == expected


def test_nothing_to_show() -> None:
    found = explore(Exploration(), beliefs(free=[0] * 6), AT, Guards())
    assert shown(found) == [None] * 4
    assert not found.propensities.any()
