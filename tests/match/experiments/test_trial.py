"""The report of an experiment: what it promises of arms that are alike, and what it says of arms that are not."""

import datetime
import math
import re
from typing import Any

import numpy as np
import pytest

from embed.errors import ArtworkMatcherError, QueryError
from match.experiments.arms import Arms, LeftOut, SetAside, Sums
from match.experiments.curve import draw_course
from match.experiments.trial import Plan, Uneven, Verdict, check_plan, compare, judge

NOTHING_ASIDE = SetAside(0, 0, 0, 0)
RUNS = 400
PLAN = Plan("control", mde=0.1)


def visits(rate: np.ndarray, often: np.ndarray, since: np.ndarray, days: int, rng: np.random.Generator) -> np.ndarray:
    """(..., days, 6) sums over users (..., users), each coming `often` impressions a day since a day of their own."""
    so_far = np.zeros((2, *rate.shape), np.float64)
    table = []
    for day in range(days):
        shown = rng.poisson(np.where(since <= day, often, 0))
        so_far += np.stack([shown, rng.binomial(shown, rate)])
        n, y = so_far
        parts = (n > 0, n, y, n * n, n * y, y * y)
        table.append(np.stack([part.sum(axis=-1) for part in parts], axis=-1))
    return np.stack(table, axis=-2).astype(np.float64)


def experiment(
    rates: dict[str, Any], users: int = 2000, *, days: int = 1, aside: SetAside = NOTHING_ASIDE, seed: int = 0
) -> Arms:
    """Arms in which a rate, or one for each segment, is played at; some users play more than others."""
    rng = np.random.default_rng(seed)
    kinds = sorted({kind for rate in rates.values() if isinstance(rate, dict) for kind in rate})
    table = np.zeros((len(rates), len(kinds) + 1, days, 6))
    for row, rate in enumerate(rates.values()):
        for column, each in enumerate([rate[kind] for kind in kinds] if kinds else [rate]):
            own = each * rng.gamma(4, 1 / 4, users).clip(max=5)
            table[row, column] = visits(own.clip(max=1), np.full(users, 10 / days), np.arange(users) % days, days, rng)
    dates = tuple(datetime.date(2026, 9, 1) + datetime.timedelta(days=day) for day in range(days))
    return Arms(tuple(rates), tuple(kinds), dates, table, aside)


@pytest.mark.parametrize("later", [0.5, 1.0, 3.0], ids=["later users see less", "alike", "later users see more"])
def test_daily_looks_at_arms_that_are_alike_with_users_who_come_back(later: float) -> None:
    """At the level of 5 %, at most 5 % of experiments ever exclude 0; fixed-sample intervals do far more often."""
    rng, users, days = np.random.default_rng(4), 300, 40
    since = np.broadcast_to(np.arange(users) * days // users, (RUNS, users))
    arms = [
        Sums(*np.moveaxis(visits(rng.beta(1, 9, (RUNS, users)), 0.5 * later ** (since / days), since, days, rng), -1, 0))
        for _ in range(2)
    ]
    found = compare(arms[0], arms[1], 0.1, 0.05)
    told = np.isfinite(found.low)
    assert told[:, days // 2 :].all()
    ever = (told & ((found.low > 0) | (found.high < 0))).any(axis=1)
    error = np.sqrt(arms[0].variance + arms[1].variance)
    fixed = (told & (np.abs(found.absolute) > 1.96 * error)).any(axis=1)
    assert ever.mean() <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / RUNS)
    assert fixed.mean() > 0.1
    np.testing.assert_array_equal(ever, (found.p < 0.05).any(axis=1))


def test_a_winner() -> None:
    trial = judge(experiment({"control": 0.05, "taste": 0.08}), PLAN)
    assert (trial.verdict and trial.verdict.kind, trial.verdict and trial.verdict.arm) == ("winner", "taste")
    (effect,) = trial.effects
    assert effect.low < 0.03 < effect.high
    assert effect.relative_low < 0.6 < effect.relative_high
    assert effect.better > 0.999
    assert [arm.name for arm in trial.arms] == ["control", "taste"]
    assert all(arm.low < rate < arm.high for arm, rate in zip(trial.arms, (0.05, 0.08), strict=True))  # type: ignore[operator]


def test_the_control_wins_where_all_others_are_worse() -> None:
    trial = judge(experiment({"a": 0.05, "b": 0.04, "control": 0.08}), PLAN)
    assert trial.verdict
    assert (trial.verdict.kind, trial.verdict.arm, trial.verdict.worse) == ("winner", "control", ("a", "b"))


def test_of_two_that_beat_the_control_the_better_wins_and_the_other_is_named() -> None:
    verdict = judge(experiment({"a": 0.08, "b": 0.11, "c": 0.02, "control": 0.05}), PLAN).verdict
    assert verdict
    assert (verdict.kind, verdict.arm, verdict.also, verdict.worse) == ("winner", "b", ("a",), ("c",))


def leaning(lift: float) -> Arms:
    """Sums whose lift over a rate of 0.1 is exactly that, with an error of 0.03 of it."""
    users, shown = 1000, 10_000.0
    error = 0.03 * 0.1 / math.sqrt(2)
    extra = error**2 * users * (users - 1) * (shown / users) ** 2
    rows = []
    for rate in (0.1, 0.1 * (1 + lift)):
        n = shown / users
        rows.append([users, shown, rate * shown, n * shown, n * rate * shown, rate**2 * n * shown + extra])
    dates = tuple(datetime.date(2026, 9, 1) + datetime.timedelta(days=day) for day in range(10))
    steps = np.arange(1, 11)[:, None] / 10
    return Arms(("control", "taste"), (), dates, (np.array(rows)[:, None, None] * steps[None, None]), NOTHING_ASIDE)


@pytest.mark.parametrize(
    ("lift", "kind", "arm"),
    [
        (0.2, "winner", "taste"),
        (0.07, "preferred", "taste"),
        (0.01, "none", None),
        (-0.07, "preferred", "control"),
        (0.0, "none", None),
    ],
)
def test_verdicts_by_how_many_errors_the_lift_is(lift: float, kind: str, arm: str | None) -> None:
    trial = judge(leaning(lift), PLAN)
    verdict = trial.verdict
    assert verdict
    assert (verdict.kind, verdict.arm) == (kind, arm)
    if kind == "preferred":
        assert trial.effects[0].low < 0 < trial.effects[0].high
        assert trial.effects[0].better > 0.95 or trial.effects[0].better < 0.05
    assert (verdict.needs is None) == (kind == "winner" or lift == 0)


def test_what_it_would_take_takes_it() -> None:
    """With as many users more the interval would exclude the lift, with the power that was planned."""
    arms = leaning(0.07)
    verdict = judge(arms, PLAN).verdict
    assert verdict
    assert verdict.needs
    assert verdict.needs.lift == pytest.approx(0.07)
    assert verdict.needs.days == math.ceil(verdict.needs.users / 200)  # 2,000 users came in 10 days
    grown = Arms(arms.names, (), arms.days, arms.table * (1 + verdict.needs.users / 2000), NOTHING_ASIDE)
    (effect,) = judge(grown, PLAN).effects
    error = math.sqrt(judge_variance(grown))
    assert effect.low / error == pytest.approx(0.8416, abs=0.01)  # 80 % of estimates lie above that many errors below


def judge_variance(arms: Arms) -> float:
    return float(arms.in_all().variance.sum())


def test_users_not_as_planned_are_refused() -> None:
    arms = experiment({"control": 0.05, "taste": 0.08})
    few = Arms(arms.names, (), arms.days, arms.table * np.array([1, 0.8])[:, None, None, None], NOTHING_ASIDE)
    trial = judge(few, PLAN)
    assert trial.refused
    assert "the users per arm are not as planned (p = 2e-11)" in trial.refused
    assert (trial.effects, trial.verdict, trial.segments.effects) == ((), None, ())
    assert judge(few, Plan("control", {"control": 1, "taste": 0.8}, mde=0.1)).refused is None


def test_users_of_several_arms_are_refused_where_they_are_many() -> None:
    rates = {"control": 0.05, "taste": 0.08}
    assert judge(experiment(rates, aside=SetAside(30, 99, 0, 0)), PLAN).refused is None
    refused = judge(experiment(rates, aside=SetAside(300, 999, 0, 0)), PLAN).refused
    assert refused
    assert re.match(r"300 of 4,\d+ users were served by more than one arm", refused)


def test_more_set_aside_in_one_arm_than_in_the_other_is_said() -> None:
    """Machines by chance, repeats not: 30 and 60 of 1,000 users each, which is chi-square 10.47 over the middle; and 30 and 80."""
    rates = {"control": 0.05, "taste": 0.08}

    def told(bots: tuple[int, int], repeats: tuple[int, int]) -> tuple[Uneven, ...]:
        by_arm = {arm: LeftOut(1000, 0, 0, bot, 0, repeat) for arm, bot, repeat in zip(rates, bots, repeats, strict=True)}
        return judge(experiment(rates, aside=SetAside(0, 0, 0, 0, by_arm)), PLAN).uneven

    assert told((30, 60), (30, 30)) == ()  # p = 0.0012
    (uneven,) = told((3, 6), (30, 80))
    assert (uneven.kind, uneven.shares) == ("repeat", {"control": 0.03, "taste": 0.08})
    assert uneven.p == pytest.approx(math.erfc(math.sqrt(2 * 25**2 / (1000 * 0.055 * 0.945) / 2)), rel=1e-9)


def test_too_few_to_be_compared() -> None:
    trial = judge(experiment({"control": 0.05, "taste": 0.08}, users=90), PLAN)
    assert (trial.effects, trial.too_few, trial.verdict, trial.refused) == ((), ("taste",), None, None)
    assert trial.arms[0].rate is not None
    assert trial.arms[0].low is None


def test_an_arm_that_is_worse_beside_one_that_cannot_be_told_yet() -> None:
    arms = experiment({"control": 0.1, "taste": 0.05, "new": 0.1})
    rare = Arms(arms.names, (), arms.days, arms.table * np.array([1, 1, 0.04])[:, None, None, None], NOTHING_ASIDE)
    trial = judge(rare, Plan("control", {"control": 1, "taste": 1, "new": 0.04}, mde=0.1))
    assert trial.too_few == ("new",)
    assert trial.verdict == Verdict("none", None, worse=("taste",))


def test_the_control_alone_gives_sizes() -> None:
    trial = judge(experiment({"control": 0.05}), PLAN)
    assert (trial.effects, trial.verdict, trial.refused) == ((), None, None)
    assert trial.sizes["another arm"].always_valid > trial.sizes["another arm"].fixed > 0


def test_effects_per_segment() -> None:
    """By Benjamini-Hochberg with one arm, whose tests are independent; by Benjamini-Yekutieli with several, which share a control."""
    base = {"kids": 0.05, "teens": 0.05, "parents": 0.1}
    taste = {"kids": 0.1, "teens": 0.05, "parents": 0.06}
    segments = judge(experiment({"control": base, "taste": taste}), PLAN).segments
    assert segments.control == "Benjamini-Hochberg"
    assert {effect.segment: effect.discovery for effect in segments.effects} == {"kids": True, "parents": True, "teens": False}
    assert [effect.segment for effect in segments.effects][-1] == "teens"
    assert segments.confidence == pytest.approx(1 - 0.05 * 2 / 3)
    for effect in segments.effects:
        assert (effect.low > 0 or effect.high < 0) == effect.discovery
        assert effect.low < taste[effect.segment or ""] - base[effect.segment or ""] < effect.high
    several = judge(experiment({"control": base, "taste": taste, "other": base}), PLAN).segments
    assert several.control == "Benjamini-Yekutieli"
    assert several.confidence == pytest.approx(1 - 0.05 * 2 / (6 * sum(1 / k for k in range(1, 7))))


def test_several_arms_share_the_level() -> None:
    trial = judge(experiment({"control": 0.05, "a": 0.05, "b": 0.05, "c": 0.05, "d": 0.05, "e": 0.05}), PLAN)
    assert trial.confidence == pytest.approx(0.99)


def test_the_course_ends_where_the_effect_is(tmp_path: Any) -> None:
    trial = judge(experiment({"control": 0.05, "taste": 0.08}, days=6), PLAN)
    assert trial.course.relative.shape == (1, 6)
    assert trial.course.relative[0, -1] == trial.effects[0].relative
    assert np.isnan(judge(experiment({"control": 0.005, "taste": 0.005}, users=400, days=20), PLAN).course.relative[0, 0])
    draw_course(trial, tmp_path / "lift.png")
    assert (tmp_path / "lift.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ArtworkMatcherError, match=r"--plot .*lift\.xyz"):
        draw_course(trial, tmp_path / "lift.xyz")
    with pytest.raises(ArtworkMatcherError, match="--plot: no arm was compared"):
        draw_course(judge(experiment({"control": 0.05, "taste": 0.08}, users=90), PLAN), tmp_path / "lift.png")


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        (Plan("c", {"a": 1.0, "b": 1.0}), "--shares has no 'c', the control"),
        (Plan("c", mde=0.0), "--mde 0.0: give a number between 0 and 1"),
        (Plan("c", power=0.3), "--power 0.3: give a number between 0.5 and 1"),
        (Plan("c", level=-0.1), "--level -0.1"),
    ],
    ids=str,
)
def test_what_is_no_plan(plan: Plan, said: str) -> None:
    with pytest.raises(QueryError, match=said):
        check_plan(plan)
