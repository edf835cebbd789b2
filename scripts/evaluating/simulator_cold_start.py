"""What artwork costs that comes later, with a guess at its prior from its picture and without one.

In each world a newcomer joins every title. A bandit per segment (nothing personal, so that nothing else differs) has served until
then, and goes on in two ways: with the average fit of pictures as a part of the priors, and without. Both begin with the same log.

Regret is counted from the newcomers' day on, against the best artwork for each segment, which is all that such a bandit could find.
Impressions needed are a title's in a segment, until a newcomer that is clearly the best there is shown 90 % as often as in the last
week: of the mean share of all these newcomers, day by day, a straight line between days.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from artwork_doors.evaluating.scores import Estimate, few, few_ratio
from artwork_doors.evaluating.simulator_policies import IMPERSONAL, Learner, Lived, best_of_segments, live
from artwork_doors.evaluating.simulator_world import Settings, World, make
from artwork_doors.evaluating.verdicts import Curves, Line, curve

SETTINGS = Settings(visitors=500, days=36)
CORRELATIONS = (0.0, 0.25, 0.5, 0.75, 0.9)
CLEARLY = 1.05  # times the chance of the title's next best
LAST = 7  # days
REACHED = 0.9  # of the share on the last days
COSTS, PAYS = 1.05, 1.0  # regret with the guess over regret without: at most, of a worthless similarity and of the strongest
ABOUT = "newcomers"
BY_SEGMENT, GUESSING = (Learner(weights=IMPERSONAL, average_fit=average_fit) for average_fit in (False, True))
WITHOUT = "without the pictures' fit"


@dataclass(frozen=True)
class Newcomers:
    """What came of a bandit from the newcomers' day on."""

    lost: np.ndarray  # (days,) plays that the best for each segment would have brought beyond those there were
    best: np.ndarray  # (days,) plays that it would have brought
    shares: np.ndarray  # (days,) how often newcomers are shown where they are clearly the best, on average


def newcomers(settings: Settings, correlations: Sequence[float], seed: int) -> dict[float | None, Newcomers]:
    """By correlation, and None of the bandit that looks at no picture."""
    world = make(settings, seed)
    before, after = slice(settings.arrival), slice(settings.arrival, None)
    log, best = live(world, BY_SEGMENT, before).log, live(world, best_of_segments(world), after)
    found: dict[float | None, Newcomers] = {None: _newcomers(world, live(world, BY_SEGMENT, after, log), best)}
    for correlation in correlations:
        seen = make(replace(settings, correlation=correlation), seed)
        found[correlation] = _newcomers(world, live(seen, GUESSING, after, log), best)
    return found


def _newcomers(world: World, lived: Lived, best: Lived) -> Newcomers:
    segments, artworks = best_newcomers(world)
    lost, plays = (lived.lost - best.lost).sum(axis=1), (best.best - best.lost).sum(axis=1)
    return Newcomers(lost, plays, lived.shares[:, segments, artworks].mean(axis=1))


def best_newcomers(world: World) -> tuple[np.ndarray, np.ndarray]:
    """((n,) segments, (n,) artworks): newcomers that are clearly the best for a segment, on average over the last days."""
    chances = np.mean([day.of_segments for day in world.days[-LAST:]], axis=0)  # (segments, artworks): all are there
    old = np.where(world.arrives == 0, chances, 0.0)
    best_old = np.maximum.reduceat(old, world.days[-1].starts[:-1], axis=1)[:, world.titles]
    segments, artworks = np.nonzero((chances > CLEARLY * best_old) & (world.arrives > 0))
    return segments, artworks


def days_needed(shares: np.ndarray) -> float:
    """Until the shares (days,) are REACHED of their mean on the LAST days; 0 where they begin there."""
    goal = REACHED * shares[-LAST:].mean()
    day = int(np.argmax(shares >= goal))
    return float(day - (shares[day] - goal) / (shares[day] - shares[day - 1])) if day else 0.0


# What is told of all worlds.


def told(
    found: Sequence[Mapping[float | None, Newcomers]], settings: Settings, resamples: int, seed: int
) -> tuple[list[Line], list[Curves]]:
    """The cold start's part of the report; found: of each world."""
    by = {kind: [each[kind] for each in found] for kind in found[0]}
    a_day = settings.visitors / settings.segments  # impressions of a title in a segment
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, len(found), (resamples, len(found)))
    lines = [needed_line(_name(kind), some, drawn, a_day) for kind, some in by.items()]
    ratios = [ratio_line(kind, some, by[None]) for kind, some in by.items() if kind is not None]
    return [*ratios, *lines], curves(by, a_day)


def _name(kind: float | None) -> str:
    return WITHOUT if kind is None else f"similarity {kind:g}"


def needed_line(name: str, some: Sequence[Newcomers], drawn: np.ndarray, a_day: float) -> Line:
    """Impressions needed, of all worlds' mean share; worlds are drawn anew for the interval: drawn (resamples, worlds)."""
    shares = np.array([each.shares for each in some])
    needed = days_needed(shares.mean(axis=0)) * a_day
    low, high = np.quantile([days_needed(shares[worlds].mean(axis=0)) * a_day for worlds in drawn], (0.025, 0.975))
    note = f"shown {shares[:, 0].mean():.0%} at first, {shares[:, -LAST:].mean():.0%} in the last week"
    about = f"{ABOUT}: impressions needed"
    return Line(about, f"{about}: {name}", needed, "impressions", float(low), float(high), note=note)


def ratio_line(correlation: float, some: Sequence[Newcomers], without: Sequence[Newcomers]) -> Line:
    """Regret with the guess over regret without."""
    about = f"{ABOUT}: regret with the pictures' fit over regret without"
    ratio = few_ratio(*(np.array([each.lost.sum() for each in those]) for those in (some, without)))
    target = {CORRELATIONS[0]: COSTS, CORRELATIONS[-1]: PAYS}.get(correlation)
    lost, own = (regret(those).value for those in (some, without))
    note = f"{lost:.2f} % of plays lost, {own:.2f} % without"
    name = f"{about}: {_name(correlation)}"
    return Line(about, name, ratio.value, "x", ratio.low, ratio.high, target, at_most=True, note=note, surely=True)


def regret(some: Sequence[Newcomers]) -> Estimate:
    """Plays lost, % of those that the best artwork for each segment would have brought."""
    return few(np.array([100 * each.lost.sum() / each.best.sum() for each in some]))


def curves(by: Mapping[float | None, Sequence[Newcomers]], a_day: float) -> list[Curves]:
    """How often newcomers are shown where they are the best, and the plays lost, as impressions come in."""
    shares = {kind: np.array([each.shares for each in some]) for kind, some in by.items()}
    lost = {kind: np.array([100 * each.lost / each.best for each in some]) for kind, some in by.items()}
    x = "impressions of a title in a segment since the newcomer came"
    panels = (("shown where they are clearly the best", "share of impressions", shares), ("regret", "plays lost, %", lost))
    return [
        Curves(
            f"{ABOUT}: {title}",
            x,
            y,
            [curve(_name(kind), [a_day * day for day in range(each.shape[1])], each) for kind, each in values.items()],
            rising=True,
        )
        for title, y, values in panels
    ]
