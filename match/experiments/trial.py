"""An experiment's report: rates per arm, lifts over the control that hold under peeking, a verdict, and effects per segment.

The flow is `judge`. It is about users, whatever the log's rows are (`match.experiments.arms`), and every interval and verdict holds at
every look (`match.experiments.sequences`), so that the report may be run daily and the experiment stopped at any of its days.
"""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from embed.errors import QueryError
from match.clicks.rules import Rules
from match.experiments.arms import Arms, SetAside, Sums, find_arm, read_arms
from match.experiments.discoveries import discoveries
from match.experiments.sequences import always_valid_p, half_width, probability_above, ratio_interval
from match.experiments.shares import MISMATCH, SampleRatio, evenness, sample_ratio
from match.experiments.sizes import Size, needed_error, size_of

FEWEST_USERS, FEWEST_PLAYS = 100, 25  # of an arm, below which its rate is not near enough to normal to be compared
MOST_CROSSED = 0.01  # of the users, in several arms: above it, users were not what was drawn
# The probability of being better from which an arm is preferred: a lead only. Of simulated experiments with arms that are alike, looked
# at on 60 days, 10 % had one on some day with an `mde` of 0.1, 24 % with 0.3, while 1 % had a winner.
PREFERRED = 0.95
LATELY = 7  # days by whose new users it is said when there will be enough


@dataclass(frozen=True)
class Plan:
    """What was set before the experiment began, and stays as it is while it runs."""

    control: str
    shares: Mapping[str, float] | None = None  # of each arm a weight; equal ones, of all arms in the log, where left out
    mde: float = 0.02  # the smallest lift worth finding, relative to the control's rate
    power: float = 0.8  # with which it should be found
    level: float = 0.05  # of false winners; of discoveries among segments, the share that is false
    column: str = "policy"  # of the impressions, that names the arm
    metric: str = "quality"  # or "plays"


@dataclass(frozen=True)
class Arm:
    """One arm, and an always valid interval of its rate."""

    name: str
    users: int
    impressions: int
    plays: int
    rate: float | None  # plays per impression; None where nothing was shown
    low: float | None  # None where there are too few users or plays
    high: float | None


@dataclass(frozen=True)
class Effect:
    """An arm's lift over the control: plays per impression more, and as a share of the control's rate."""

    arm: str
    segment: str | None  # None: of all users
    users: int  # of both arms
    absolute: float
    low: float
    high: float
    relative: float
    relative_low: float
    relative_high: float  # inf where the control's rate might be 0
    p: float  # always valid
    better: float  # the probability that the lift is above 0
    adjusted: float | None = field(
        default=None, kw_only=True
    )  # of a segment: the share of false discoveries at which it would be one
    discovery: bool = field(default=False, kw_only=True)


@dataclass(frozen=True)
class Needs:
    """How many users more until a lift is told, new ones coming as they did lately."""

    lift: float  # relative: what was measured, or what was planned for
    users: int
    days: int | None  # None where no new users come


@dataclass(frozen=True)
class Verdict:
    """winner: its always valid interval against the control lies above 0 (or, the control's, below 0 for every other arm).
    preferred: it is better with a probability of PREFERRED or more, and its interval holds 0. none: neither."""

    kind: Literal["winner", "preferred", "none"]
    arm: str | None
    also: tuple[str, ...] = ()  # other arms that beat the control
    worse: tuple[str, ...] = ()  # arms that the control beats
    needs: Needs | None = None  # for the lift that was measured
    planned: Needs | None = None  # for the smallest lift worth finding


@dataclass(frozen=True)
class Segments:
    """Effects per segment, the surest first."""

    effects: tuple[Effect, ...]
    untold: int  # pairs of an arm and a segment with too few users or plays
    control: str  # of the false discovery rate: "Benjamini-Hochberg" or "Benjamini-Yekutieli"
    confidence: float  # of each interval: as many may be wrong among discoveries as discoveries may be false


class Uneven(NamedTuple):
    """A kind of impressions that do not count, of which the arms have more and less, and hardly by chance."""

    kind: Literal["bot", "repeat"]
    shares: dict[str, float]  # of each arm's users, how many have any
    p: float


class Course(NamedTuple):
    """Relative lifts as they stood at the end of each day: (arms, days) float64, NaN while there was too little."""

    arms: tuple[str, ...]
    days: tuple[datetime.date, ...]
    relative: np.ndarray
    low: np.ndarray
    high: np.ndarray


@dataclass(frozen=True)
class Trial:
    """The whole report."""

    plan: Plan
    arms: tuple[Arm, ...]  # the control first
    days: tuple[datetime.date, ...]
    set_aside: SetAside
    uneven: tuple[Uneven, ...]  # a warning: what was left out may itself be an effect of the arm
    ratio: SampleRatio
    refused: str | None  # why lifts are not to be read; the effects are empty then
    confidence: float  # of each interval of a lift: all of them hold together with 1 - level (Bonferroni)
    effects: tuple[Effect, ...]
    too_few: tuple[str, ...]  # arms that have too few users or plays to be compared, or whose control has
    verdict: Verdict | None  # None where nothing is compared
    segments: Segments
    sizes: dict[str, Size]  # by arm: users that it and the control take together, from now on anew
    course: Course


def report_trial(logs: Path | str, plan: Plan, rules: Rules | None = None) -> Trial:
    """The experiment in the folder `logs` (as `learn_priors` takes it; impressions need user_id, shown_at and the arm's column).

    Raises QueryError for a control that no impression names, LogError as `read_arms` does.
    """
    return judge(read_arms(logs, plan.column, plan.metric, tuple(plan.shares or ()), rules), plan)


def judge(arms: Arms, plan: Plan) -> Trial:
    """The report on sums that were read. Raises QueryError for a control that is none of the arms."""
    control = find_arm(arms, plan.control, "--control")
    others = [place for place in range(len(arms.names)) if place != control]
    shares = plan.shares or dict.fromkeys(arms.names, 1.0)
    sums, level = arms.in_all(), plan.level / max(len(others), 1)
    ratio = sample_ratio({name: int(count) for name, count in zip(arms.names, sums.users, strict=True)}, shares)
    refused = _refusal(arms, ratio)
    told = [] if refused else others
    effects = tuple(_effects(arms, sums, control, told, plan.mde, level))
    nothing = Segments((), 0, "", 1 - plan.level)
    return Trial(
        plan,
        tuple(_arm(arms.names[place], _at(sums, place), plan) for place in [control, *others]),
        arms.days,
        arms.set_aside,
        _uneven(arms.set_aside),
        ratio,
        refused,
        1 - level,
        effects,
        tuple(arms.names[place] for place in told if arms.names[place] not in {effect.arm for effect in effects}),
        _verdict(arms, effects, control, plan, level) if effects else None,
        _segments(arms, control, told, plan) if told else nothing,
        _sizes(arms, control, others, ratio, plan, level),
        _course(arms, control, told, plan.mde, level),
    )


class Compared(NamedTuple):
    """Lifts of arms over controls, arrays of one shape; NaN where there are too few users or plays."""

    absolute: np.ndarray
    low: np.ndarray
    high: np.ndarray
    relative: np.ndarray
    relative_low: np.ndarray
    relative_high: np.ndarray
    p: np.ndarray
    better: np.ndarray


def compare(arm: Sums, control: Sums, mde: float, level: float) -> Compared:
    """Each of `arm` against each of `control`, both of one shape, by intervals of confidence 1 - level that hold at every look."""
    enough = _enough(arm) & _enough(control)
    a, c = (Sums(*(np.asarray(part)[enough] for part in sums)) for sums in (arm, control))
    scale, lift, error = mde * c.rate, a.rate - c.rate, np.sqrt(a.variance + c.variance)
    half = half_width(error, scale, level)
    low, high = ratio_interval((a.rate, a.variance), (c.rate, c.variance), scale, level)
    found = (
        *(lift, lift - half, lift + half, lift / c.rate, low - 1, high - 1),
        *(always_valid_p(lift, error, scale), probability_above(lift, error, scale)),
    )
    columns = [np.full(enough.shape, np.nan) for _ in found]
    for column, values in zip(columns, found, strict=True):
        column[enough] = values
    return Compared(*columns)


def _enough(sums: Sums) -> np.ndarray:
    return np.asarray((sums.users >= FEWEST_USERS) & (sums.played >= FEWEST_PLAYS) & (sums.user_variance > 0))


def _uneven(aside: SetAside) -> tuple[Uneven, ...]:
    users = {arm: of.users for arm, of in aside.by_arm.items() if of.users}
    kinds: tuple[tuple[Literal["bot", "repeat"], dict[str, int]], ...] = (
        ("bot", {arm: aside.by_arm[arm].bot_users for arm in users}),
        ("repeat", {arm: aside.by_arm[arm].repeat_users for arm in users}),
    )
    found = (Uneven(kind, {arm: some[arm] / users[arm] for arm in users}, evenness(some, users)) for kind, some in kinds)
    return tuple(each for each in found if each.p < MISMATCH)


def _refusal(arms: Arms, ratio: SampleRatio) -> str | None:
    crossed, users = arms.set_aside.crossed_users, sum(ratio.users.values())
    if crossed > MOST_CROSSED * (users + crossed):
        return (
            f"{crossed:,} of {users + crossed:,} users were served by more than one arm, so that users are not what was drawn "
            "into arms: what one arm taught them shows in the other. Draw users, and keep each in one arm"
        )
    if not ratio.holds:
        return (
            f"the users per arm are not as planned (p = {ratio.p:.1g}): some were lost or doubled, and hardly by chance, so that the "
            "arms differ in more than their artwork. Find out where: assignment, logging, bots, redirects"
        )
    return None


def _arm(name: str, sums: Sums, plan: Plan) -> Arm:
    counts = int(sums.users), int(sums.shown), int(sums.played)
    rate = float(sums.rate) if sums.shown else None
    if rate is None or not _enough(sums):
        return Arm(name, *counts, rate, None, None)
    half = float(half_width(np.sqrt(sums.variance), np.array(plan.mde * rate), plan.level))
    return Arm(name, *counts, rate, max(rate - half, 0.0), min(rate + half, 1.0))


def _effects(arms: Arms, sums: Sums, control: int, told: list[int], mde: float, level: float) -> list[Effect]:
    """Of all users, one for each arm with enough."""
    compared = compare(_at(sums, told), _at(sums, [control] * len(told)), mde, level)
    return [
        Effect(arms.names[place], None, int(sums.users[place] + sums.users[control]), *(float(each[row]) for each in compared))
        for row, place in enumerate(told)
        if np.isfinite(compared.absolute[row])
    ]


def _segments(arms: Arms, control: int, told: list[int], plan: Plan) -> Segments:
    """Segments divide the users, so that the tests of one arm are independent: Benjamini-Hochberg. Several arms share their control's
    users, and two-sided tests that do are not among those it is proven for: Benjamini-Yekutieli."""
    sums, several = arms.by_segment(), len(told) > 1
    each, shared = _at(sums, told), Sums(*(np.repeat(part[control][None], len(told), axis=0) for part in sums))
    first = compare(each, shared, plan.mde, plan.level)
    there = np.isfinite(first.p)
    found = discoveries(first.p[there], plan.level, any_dependence=several)
    again = compare(each, shared, plan.mde, found.level)
    adjusted, is_found = np.full(there.shape, np.nan), np.zeros(there.shape, bool)
    adjusted[there], is_found[there] = found.adjusted, found.found
    effects = [
        Effect(
            arms.names[told[row]],
            arms.segments[column],
            int(each.users[row, column] + shared.users[row, column]),
            *(float(one[row, column]) for one in again),
            adjusted=float(adjusted[row, column]),
            discovery=bool(is_found[row, column]),
        )
        for row, column in np.argwhere(there)
    ]
    effects.sort(key=lambda effect: (effect.p, effect.segment, effect.arm))
    name = "Benjamini-Yekutieli" if several else "Benjamini-Hochberg"
    return Segments(tuple(effects), int((~there).sum()), name, 1 - found.level)


def _verdict(arms: Arms, effects: tuple[Effect, ...], control: int, plan: Plan, level: float) -> Verdict:
    better = sorted((effect for effect in effects if effect.low > 0), key=lambda effect: -effect.absolute)
    worse = tuple(effect.arm for effect in effects if effect.high < 0)
    if better:
        return Verdict("winner", better[0].arm, tuple(effect.arm for effect in better[1:]), worse)
    if len(worse) == len(arms.names) - 1:
        return Verdict("winner", plan.control, worse=worse)
    open_ones = [effect for effect in effects if effect.arm not in worse]
    if not open_ones:  # the others have too few users yet
        return Verdict("none", None, worse=worse)
    leader = max(open_ones, key=lambda effect: effect.better)
    needs = _needs(arms, control, leader, abs(leader.relative), plan, level)
    planned = _needs(arms, control, leader, plan.mde, plan, level)
    if leader.better >= PREFERRED:
        return Verdict("preferred", leader.arm, (), worse, needs, planned)
    if leader.better <= 1 - PREFERRED and len(effects) == len(arms.names) - 1:
        return Verdict("preferred", plan.control, (), worse, needs, planned)
    return Verdict("none", None, (), worse, needs, planned)


def _needs(arms: Arms, control: int, effect: Effect, lift: float, plan: Plan, level: float) -> Needs | None:
    """Until that lift, if it is the truth, is told with the plan's power; None where it is 0, or more than that are there."""
    sums, over_time = arms.in_all(), arms.over_time()
    both = [control, arms.names.index(effect.arm)]
    rate, error = float(sums.rate[control]), float(np.sqrt(sums.variance[both].sum()))
    if lift == 0:
        return None
    there = int(sums.users[both].sum())
    more = int(np.ceil(there * ((error / needed_error(lift * rate, plan.mde * rate, level, plan.power)) ** 2 - 1)))
    if more <= 0:
        return None
    lately = min(LATELY, len(arms.days))
    before = over_time.users[both, -lately - 1].sum() if len(arms.days) > lately else 0.0
    a_day = (there - before) / lately
    return Needs(lift, more, int(np.ceil(more / a_day)) if a_day else None)


def _sizes(arms: Arms, control: int, others: list[int], ratio: SampleRatio, plan: Plan, level: float) -> dict[str, Size]:
    """By the control's users. Without another arm, of one that would get as many users."""
    sums, name = _at(arms.in_all(), control), arms.names[control]
    if not _enough(sums):
        return {}
    rate = float(sums.rate)

    def size(share: float) -> Size:
        of_both = ratio.planned[name] + share
        shares = ratio.planned[name] / of_both, share / of_both
        limits = {"scale": plan.mde * rate, "level": level, "power": plan.power}
        return size_of(rate, float(sums.user_variance), shares, plan.mde, **limits)

    sizes = {arms.names[place]: size(ratio.planned[arms.names[place]]) for place in others}
    return sizes or {"another arm": size(ratio.planned[name])}


def _course(arms: Arms, control: int, told: list[int], mde: float, level: float) -> Course:
    sums = arms.over_time()
    shared = Sums(*(np.repeat(part[control][None], len(told), axis=0) for part in sums))
    compared = compare(_at(sums, told), shared, mde, level)
    names = tuple(arms.names[place] for place in told)
    return Course(names, arms.days, compared.relative, compared.relative_low, compared.relative_high)


def _at(sums: Sums, places: int | list[int]) -> Sums:
    return Sums(*(part[places] for part in sums))


def check_plan(plan: Plan) -> None:
    """Raises QueryError where its numbers can be no plan."""
    if plan.shares is not None and plan.control not in plan.shares:
        raise QueryError(f"--shares has no {plan.control!r}, the control; name every arm and its share")
    for name, value, least, most in (
        ("--mde", plan.mde, 0, 1),
        ("--power", plan.power, 0.5, 1),
        ("--level", plan.level, 0, 0.5),
    ):
        if not least < value < most:
            raise QueryError(f"{name} {value}: give a number between {least} and {most}")
