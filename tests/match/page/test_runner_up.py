"""What would have to change for the runner-up to win: each change is applied, and it wins."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from match.blend import PERSONAL, Weights, expit
from match.matcher import Matcher
from match.page.contest import Contest, contest_of
from match.page.runner_up import MOST, needed_plays, runner_up

ROMANCE, COMEDY, HORROR, PLAIN = np.eye(4, dtype=np.float32)

PARTS = st.floats(-3, 3).map(lambda value: round(value, 3))
WEIGHT = st.floats(0, MOST).map(lambda value: round(value, 2))


@st.composite
def contests(draw: Any, interests: int | None = None) -> tuple[Contest, Weights]:
    """A title of some artworks and what a user thinks of them; the prior differs by little, so that weights matter."""
    count, k = draw(st.integers(2, 5)), interests or draw(st.integers(1, 3))

    def rows(number: int) -> np.ndarray:
        return np.array([[draw(PARTS) for _ in range(count)] for _ in range(number)])

    shares = np.array([draw(st.floats(0.1, 1)) for _ in range(k)])
    people = np.clip(rows(1)[0], -1, 1)
    contest = Contest(-3 + rows(1)[0] / 3, rows(k), rows(k), people, shares / shares.sum())
    return contest, Weights(*(draw(WEIGHT) for _ in PERSONAL))


def first_two(contest: Contest, weights: Weights) -> tuple[int, int]:
    best, second, *_ = np.lexsort((np.arange(len(contest.prior)), -contest.order(weights)))
    return int(best), int(second)


def overtakes(contest: Contest, weights: Weights, best: int, second: int) -> bool:
    order = contest.order(weights)
    return bool(order[second] > order[best] or (order[second] == order[best] and second < best))


@given(contests())
def test_each_weight_told_makes_the_runner_up_win(drawn: tuple[Contest, Weights]) -> None:
    contest, weights = drawn
    best, second = first_two(contest, weights)
    found = runner_up(contest, weights, best, second, 0.05, 300)
    for change in found.changes:
        assert 0 <= change.value <= MOST
        changed = replace(weights, **{change.weight: change.value})
        assert overtakes(contest, changed, best, second)
        assert change.leads == (first_two(contest, changed)[0] == second)
    assert sorted([*found.cannot, *(change.weight for change in found.changes)]) == sorted(PERSONAL)


@settings(max_examples=25)
@given(contests())
def test_the_nearest_value_of_two_decimals_is_told_and_the_others_cannot(drawn: tuple[Contest, Weights]) -> None:
    contest, weights = drawn
    best, second = first_two(contest, weights)
    found = runner_up(contest, weights, best, second, 0.05, 300)
    told = {change.weight: change.value for change in found.changes}
    for name in PERSONAL:
        now = getattr(weights, name)
        tried = [number / 100 for number in range(501)]
        wins = [value for value in tried if overtakes(contest, replace(weights, **{name: value}), best, second)]
        assert (name in told) == bool(wins)
        assert not wins or abs(told[name] - now) == pytest.approx(min(abs(value - now) for value in wins), abs=1e-9)


@given(contests(interests=1))
def test_with_one_interest_it_is_where_two_lines_cross(drawn: tuple[Contest, Weights]) -> None:
    contest, weights = drawn
    best, second = first_two(contest, weights)
    found = runner_up(contest, weights, best, second, 0.05, 300)
    units = {"similarity": contest.similar[0], "words": contest.worded[0], "people": contest.people}
    for change in found.changes:
        slope = units[change.weight][second] - units[change.weight][best]
        level = getattr(weights, change.weight) + found.margin / slope
        assert abs(change.value - level) < 0.01 + 2e-6 / abs(slope)


@given(contests())
def test_a_prior_as_high_as_is_told_makes_the_runner_up_win(drawn: tuple[Contest, Weights]) -> None:
    contest, weights = drawn
    best, second = first_two(contest, weights)
    mean, strength = float(expit(contest.prior[second])), 300.0
    needed = runner_up(contest, weights, best, second, mean, strength).needed
    assume(needed.rate < 0.99)
    prior = contest.prior.copy()
    prior[second] = np.log(needed.rate / (1 - needed.rate))
    assert overtakes(replace(contest, prior=prior), weights, best, second)
    learned = (mean * strength + needed.plays) / (strength + needed.impressions)  # the Beta posterior's mean after them
    assert learned >= needed.rate - 1e-12
    assert needed.plays <= needed.impressions
    if needed.plays:
        assert (mean * strength + needed.plays - 1) / (strength + needed.impressions) < needed.rate


def test_where_both_are_alike_no_weight_tells_them_apart_and_none_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    alike = np.tile([[1.0]], (1, 2))
    contest = Contest(np.array([-3.0, -3.0]), alike, alike, alike[0], np.ones(1))
    monkeypatch.setattr(Contest, "order", lambda *_: pytest.fail("one of 501 values was tried"))
    assert runner_up(contest, Weights(), 0, 1, 0.05, 300).cannot == PERSONAL


def test_plays_are_told_of_so_many_impressions_as_the_prior_is_worth() -> None:
    assert needed_plays(0.10, 0.05, 300).impressions == 1000
    assert needed_plays(0.10, 0.05, 300) == (0.10, 1000, 115, 50.0)  # (0.05 * 300 + 115) / 1300 = 0.1
    assert needed_plays(0.10, 0.05, 20).impressions == 100
    assert needed_plays(0.95, 0.05, 100).impressions == 10_000  # of 100 or 1,000 there could not be enough


def test_a_case_worked_by_hand() -> None:
    """Level where 0.4 = w * 0.8: the runner-up looks better by 0.8 and is shown to be worse by 0.4."""
    contest = Contest(np.array([-2.6, -3.0]), np.array([[0.0, 0.8]]), np.zeros((1, 2)), np.zeros(2), np.ones(1))
    found = runner_up(contest, Weights(similarity=0.25, people=1, words=1), 0, 1, 0.05, 300)
    assert found.margin == pytest.approx(0.2)
    assert list(found.changes) == [("similarity", 0.51, True)]  # at 0.5 the first keeps it
    assert found.cannot == ("people", "words")
    assert found.needed.rate == pytest.approx(1 / (1 + np.exp(2.8)), abs=1e-6)


def test_the_contest_scores_as_the_matcher_does_with_any_weights(
    tmp_path: Path, make_store: Callable[..., Any], titles: dict[str, Any]
) -> None:
    said = {**titles, "harbour": [{**row, "tags": [row["artwork_id"]]} for row in titles["harbour"]]}
    words = {("tag", name): vector for name, vector in (("clown", ROMANCE), ("ghost", HORROR), ("kiss", COMEDY))}
    rosa = [
        ("romantic films", "genre", 0.5, ROMANCE, 0),
        ("funny films", "genre", 0.3, COMEDY, 1),
        ("Ben Marsh", "person", 0.2, PLAIN, 0),
    ]
    carl = [("funny films", "genre", 0.8, COMEDY)]
    store = make_store(tmp_path / "store", said, {"rosa": rosa, "carl": carl}, words=words)
    for weights in (Weights(), Weights(1.5, 0.5, 2.0), Weights(0.0, 1.0, 2.0), Weights(2.0, 0.0, 0.0)):
        matcher = Matcher.open(store, weights)
        for user in ("rosa", "carl", "stranger"):
            for title in ("harbour", "caper"):
                contest, rows = contest_of(matcher, matcher.taste(user), matcher.snapshot.title_numbers[title])
                [choice] = matcher.choose(user, [title], with_others=True)
                assert choice.artwork is not None
                scores = {one.artwork_id: one.score for one in (choice.artwork, *choice.others)}
                ids = matcher.snapshot.texts("artwork_id", rows)
                assert dict(zip(ids, contest.scores(weights).tolist(), strict=True)) == pytest.approx(scores, abs=1e-9)
