"""Exploring through the Matcher: as before without it, and with it drawn, guarded, kept and logged."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from embed.records import CHOICE_LOG
from embed.store import Store
from index.filters import Context
from match.blend import Weights
from match.exploring.keeping import Shown
from match.exploring.log import Logged, PageLog, Where, lines_of, weights_of
from match.exploring.policies import Exploration
from match.exploring.serving import Exploring, beta_of
from match.guards import Guards
from match.matcher import Choice, Matcher

AT = datetime(2026, 10, 5, 12, tzinfo=UTC)
NOON = Context(at=AT)
PAGE = ["harbour", "no such", "caper", "lone", "bare"]
BEST = Exploration("best", floor=0)
ROMANCE, COMEDY, HORROR, PLAIN = np.eye(4, dtype=np.float32)


def shown(choices: list[Choice]) -> list[str | None]:
    return [choice.artwork and choice.artwork.artwork_id for choice in choices]


def logged(
    matcher: Matcher, user: str, how: Exploration, context: Context = NOON, **more: Any
) -> tuple[list[Choice], list[Logged]]:
    log: list[PageLog] = []
    choices = matcher.choose(user, PAGE, context, explore=Exploring(how, log=log.append, **more))
    return choices, lines_of(pa.concat_tables([page.table for page in log]))


@pytest.mark.parametrize("user", ["rosa", "carl", "hugo", "wil", "stranger"])
def test_the_best_with_no_floor_and_no_guard_is_what_is_chosen_without_exploring(matcher: Matcher, user: str) -> None:
    explored = matcher.choose(user, PAGE, NOON, with_others=True, explore=Exploring(BEST, guards=None))
    plain = matcher.choose(user, PAGE, NOON, with_others=True)
    assert [choice._replace(propensity=None) for choice in explored] == plain
    assert [choice.propensity for choice in explored] == [1.0, None, 1.0, 1.0, None]
    assert {(choice.propensity, choice.guards) for choice in plain} == {(None, ())}


def test_many_users_are_each_one_alone(matcher: Matcher) -> None:
    exploring = Exploring(Exploration(floor=0.5))
    together = matcher.choose_many(["rosa", "carl"], PAGE, NOON, explore=exploring)
    assert together == [matcher.choose(user, PAGE, NOON, explore=exploring) for user in ("rosa", "carl")]


def test_a_choice_says_how_likely_it_was(matcher: Matcher) -> None:
    choices, lines = logged(matcher, "rosa", Exploration(floor=0.3))
    harbour, unknown, caper, lone, bare = choices
    drawn = [f"drawn by thompson from {count}" for count in (3, 2)]
    assert [harbour.reason, caper.reason, lone.reason] == [*drawn, "the only artwork of its title"]
    assert (lone.propensity, unknown.propensity, bare.propensity) == (1.0, None, None)
    by_title = {line.title_id: line for line in lines}
    assert set(by_title) == {"harbour", "caper", "lone"}
    for choice in (harbour, caper, lone):
        line = by_title[choice.title_id]
        assert choice.artwork is not None
        assert (line.artwork_id, line.propensity, line.user_id) == (choice.artwork.artwork_id, choice.propensity, "rosa")
        (served,) = [one for one in line.considered if one.artwork_id == line.artwork_id]
        assert served.score == choice.artwork.score
        assert (served.prior, served.similarity, served.people) == (
            choice.artwork.prior_part,
            choice.artwork.similarity_part,
            choice.artwork.people_part,
        )
        assert served.plays / (served.plays + served.failures) == pytest.approx(choice.artwork.prior.mean)
        assert line.position == PAGE.index(line.title_id)
    assert len(by_title["harbour"].considered) == 3


def test_taste_makes_its_artwork_likelier_and_the_floor_leaves_the_others_a_chance(matcher: Matcher) -> None:
    _, lines = logged(matcher, "rosa", Exploration(floor=0.3))
    chances = {one.artwork_id: one.propensity for line in lines for one in line.considered}
    assert chances["kiss"] > max(chances["ghost"], chances["clown"])
    assert min(chances[name] for name in ("ghost", "clown")) >= 0.1
    assert chances["caper-cleo"] > 0.7  # whom she loves


def test_over_many_users_each_artwork_is_shown_as_often_as_it_should_be(matcher: Matcher) -> None:
    users, log = [f"stranger-{number}" for number in range(1500)], list[PageLog]()
    how = Exploring(Exploration(floor=0.3), log=log.append)
    pages = matcher.choose_many(users, ["harbour"], NOON, explore=how)
    seen = np.array([choice.artwork and choice.artwork.artwork_id for (choice,) in pages])
    for one in lines_of(log[0].table)[0].considered:
        error = 4 * np.sqrt(one.propensity * (1 - one.propensity) / len(users))
        assert abs((seen == one.artwork_id).mean() - one.propensity) <= error


def test_the_context_narrows_what_is_drawn_from(matcher: Matcher) -> None:
    choices, lines = logged(matcher, "rosa", Exploration(floor=1), Context(at=AT, deny=["kiss"]))
    assert {one.artwork_id for one in lines[0].considered} | {one.artwork_id for one in lines[1].considered} == {
        "clown",
        "ghost",
        "caper-ben",
        "caper-cleo",
    }
    assert choices[0].reason == "drawn by thompson from 2"


def test_what_was_shown_is_kept_and_the_log_says_so(matcher: Matcher) -> None:
    history = {("rosa", "harbour"): Shown("ghost", AT - timedelta(hours=1))}
    choices, lines = logged(matcher, "rosa", Exploration(), history=history)
    assert (shown(choices)[0], choices[0].propensity) == ("ghost", 1.0)
    assert choices[0].reason == "what was shown before, kept for the period"
    (line,) = [line for line in lines if line.title_id == "harbour"]
    assert (line.kept, line.propensity, [one.artwork_id for one in line.considered]) == ("period", 1.0, ["ghost"])


def test_where_it_is_shown_stands_in_the_log(matcher: Matcher) -> None:
    _, (line, *_) = logged(matcher, "rosa", BEST, Context(at=AT, segment="young"), where=Where(device="tv", row=3))
    assert (line.segment, line.device, line.row, line.shown_at, line.snapshot) == ("young", "tv", 3, AT, "000001")
    _, (line, *_) = logged(matcher, "rosa", BEST, Context(at=AT, segment="young"), where=Where("test"))
    assert line.segment == "test"


def test_the_weights_that_served_stand_in_the_log(shared_store: Store) -> None:
    served = Weights(0.7, 2.0)
    _, lines = logged(Matcher.open(shared_store, served), "rosa", BEST)
    assert {weights_of(line.parameters) for line in lines} == {served}


def test_a_posterior_keeps_its_mean_and_is_worth_a_play_at_least() -> None:
    plays, failures = beta_of(np.array([0.05, 0.05, 0.001, 0.999]), np.array([200.0, 4.0, 100.0, 100.0]))
    np.testing.assert_allclose(plays, [10, 1, 1, 999])
    np.testing.assert_allclose(failures, [190, 19, 999, 1])


@pytest.fixture
def guarded(tmp_path: Path, make_store: Callable[..., Store], users: dict[str, Any]) -> Matcher:
    """One title with somebody of little part, and three whose best shows Cleo Vance; one has a fallback's locale alone."""
    titles = {
        "film": [
            {"artwork_id": "lead", "vector": PLAIN, "prominence": 0.9},
            {"artwork_id": "extra", "vector": ROMANCE, "prominence": 0.1, "people": ["Cleo Vance"]},
        ],
        **{
            f"row-{n}": [
                {"artwork_id": f"cleo-{n}", "vector": ROMANCE, "people": ["Cleo Vance"]},
                {"artwork_id": f"other-{n}", "vector": PLAIN},
            ]
            for n in range(3)
        },
    }
    return Matcher.open(make_store(tmp_path / "store", titles, users))


def test_little_part_is_no_lead_unless_the_user_asks_for_it(guarded: Matcher) -> None:
    exploring = Exploring(BEST)
    (stranger,) = guarded.choose("carl", ["film"], NOON, explore=exploring)
    assert (shown([stranger]), stranger.guards) == (["lead"], ("prominence: 1 of 2 set aside",))
    (fan,) = guarded.choose("rosa", ["film"], NOON, explore=exploring)
    assert (shown([fan]), fan.guards) == (["extra"], ())


def test_a_page_does_not_show_the_same_person_over_and_over(guarded: Matcher) -> None:
    page = ["row-2", "row-0", "row-1"]
    guards = Guards(most_alike=2, may_cost=9, same_look=None)
    choices = guarded.choose("rosa", page, NOON, explore=Exploring(BEST, guards))
    assert shown(choices) == ["cleo-2", "cleo-0", "other-1"]  # in the order of the page
    assert choices[2].guards == ("variety: 1 of 2 set aside",)
    assert shown(guarded.choose("rosa", page, NOON, explore=Exploring(BEST, Guards(most_alike=2)))) == [
        "cleo-2",
        "cleo-0",
        "cleo-1",
    ]  # the person she loves is worth more than variety may cost


def test_two_pictures_that_look_alike_do_not_stand_side_by_side(guarded: Matcher) -> None:
    """All of Cleo's are one picture, and all others another one."""
    page = ["row-2", "row-0", "row-1"]
    guards = Guards(most_alike=0, may_cost=9)
    log: list[PageLog] = []
    choices = guarded.choose("rosa", page, NOON, explore=Exploring(BEST, guards, log=log.append))
    assert shown(choices) == ["cleo-2", "other-0", "cleo-1"]
    assert [choice.guards for choice in choices] == [(), ("look-alike: 1 of 2 set aside",), ("look-alike: 1 of 2 set aside",)]
    assert {line.title_id: line.notes for line in lines_of(log[0].table)} == {
        choice.title_id: choice.guards for choice in choices
    }
    alone = Guards(most_alike=0, may_cost=9, same_look=None)
    assert shown(guarded.choose("rosa", page, NOON, explore=Exploring(BEST, alone))) == ["cleo-2", "cleo-0", "cleo-1"]


def test_a_fallback_stands_in_the_log_with_propensity_one(tmp_path: Path, make_store: Callable[..., Store]) -> None:
    from embed.store import read_table, replace_table
    from index.publish import publish_snapshot

    store = make_store(tmp_path / "store", {"film": [{"artwork_id": "fr", "vector": PLAIN, "locale": "fr"}]}, {}, publish=False)
    table = read_table(store, "titles")
    replace_table(store, "titles", pa.Table.from_pylist([table.to_pylist()[0] | {"fallback": "fr"}], schema=table.schema))
    publish_snapshot(store)
    log: list[PageLog] = []
    (choice,) = Matcher.open(store).choose("ada", None, Context(locale="de", at=AT), explore=Exploring(log=log.append))
    assert (shown([choice]), choice.propensity) == (["fr"], 1.0)
    assert choice.reason.startswith("its fallback: ")
    (line,) = lines_of(log[0].table)
    assert (line.artwork_id, line.propensity, len(line.considered)) == ("fr", 1.0, 1)


def test_a_page_of_nothing_has_an_empty_log(matcher: Matcher) -> None:
    log: list[PageLog] = []
    (choice,) = matcher.choose("rosa", ["bare"], NOON, explore=Exploring(log=log.append))
    assert (choice.artwork, choice.propensity) == (None, None)
    assert log[0].table.schema == CHOICE_LOG
    assert len(log[0].table) == 0
