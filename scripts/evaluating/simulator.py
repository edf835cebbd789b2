"""Policies in simulated worlds whose truth is known (simulator_world.py): what each loses to showing every user the best artwork.

A policy's regret is the quality plays that the oracle would have had beyond its own, as a share of the oracle's: by the true chances
and the propensities with which it shows, no play's luck in it. All policies meet the same worlds, users and luck, each learns from its
own log, and intervals are over worlds. `simulator_cold_start.py` asks what a newcomer costs.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from typing import NamedTuple, TypeVar

import numpy as np

from artwork_doors.benching.figures import Figure
from artwork_doors.evaluating import simulator_cold_start as cold_start
from artwork_doors.evaluating.scores import Estimate, few, few_ratio
from artwork_doors.evaluating.simulator_beliefs import Tastes
from artwork_doors.evaluating.simulator_fit import true_weight
from artwork_doors.evaluating.simulator_policies import (
    BEST,
    IMPERSONAL,
    Knowing,
    Learner,
    at_random,
    best_of_segments,
    best_universal,
    live,
    oracle,
)
from artwork_doors.evaluating.simulator_world import Settings, World, make
from artwork_doors.evaluating.verdicts import ClickMaterial, Curves, Line, Part, curve, difference
from match.blend import Weights
from match.exploring.policies import Exploration

SETTINGS = Settings()
CORRELATIONS = (SETTINGS.correlation, 0.0)  # of the worlds: as they are, and those whose similarity is worthless
LAST = 5  # days
WORKERS = os.cpu_count() or 1  # processes
RANDOM, UNIVERSAL, EVERYONE = "random", "one image for all, the best so far", "a bandit for all"
SEGMENTS, GUESSING = "a bandit per segment", "a bandit per segment, with the pictures' fit"
OURS, FITTED, GREEDY = "ours", "ours, with its weight fitted", "ours, without exploration"
FITTED_ON = 10  # the day on which it is, on the log of those before
FORESEEN, FORESEEN_SEGMENTS = "one image for all, known beforehand", "one per segment, known beforehand"
ORACLE = "oracle: each user's best"

T = TypeVar("T")
Lost = Mapping[str, np.ndarray]  # by policy, (worlds, 2, days): plays lost to the oracle, and the oracle's


def measure(material: ClickMaterial) -> Part:
    """The regret of each policy, how much less ours is, and what newcomers cost with and without a guess from their pictures."""
    seeds = range(material.seed, material.seed + material.seeds)
    figures, differences, curves = list[Line](), list[Figure](), list[Curves]()
    for correlation in CORRELATIONS:
        lost, fits = lived_in_worlds(replace(SETTINGS, correlation=correlation), seeds)
        about = f"similarity {correlation:g}"
        figures += [*regret_lines(about, lost), *better_lines(about, lost, asked=correlation > 0)]
        figures += [all_new_line(about, lost, cold_start.PAYS if correlation else cold_start.COSTS), weight_line(about, fits)]
        differences += difference_lines(about, lost)
        curves.append(regret_curves(about, lost))
    cold = in_worlds(partial(cold_start.newcomers, cold_start.SETTINGS, cold_start.CORRELATIONS), seeds)
    newcomers, panels = cold_start.told(cold, cold_start.SETTINGS, material.resamples, material.seed)
    return Part("simulator", _title(len(seeds)), [*figures, *newcomers], differences, [*curves, *panels])


def _title(worlds: int) -> str:
    how, impressions = SETTINGS, SETTINGS.visitors * SETTINGS.titles
    return (
        f"(c) {worlds} simulated worlds of {how.titles} titles with {how.artworks} + {how.newcomers} artworks, {how.days} days of "
        f"{impressions:,} impressions: plays lost, % of the oracle's"
    )


def lived_in_worlds(settings: Settings, seeds: Sequence[int]) -> tuple[Lost, list["Fitted"]]:
    """What each policy loses in each world of these settings, and what FITTED found there."""
    found = in_worlds(partial(regrets, settings), seeds)
    return {name: np.array([lost[name] for lost, _ in found]) for name in found[0][0]}, [fit for _, fit in found]


def in_worlds(ask: Callable[[int], T], seeds: Sequence[int]) -> list[T]:
    """The answer for each seed, on as many cores as there are."""
    if WORKERS == 1:
        return list(map(ask, seeds))
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        return list(pool.map(ask, seeds))


def policies(world: World) -> dict[str, Learner | Knowing]:
    """By name, those that are compared."""
    for_all = Learner(by_segment=False, weights=IMPERSONAL, average_fit=False)
    best_so_far = Exploration("best")  # with its floor, without which it would learn of nothing but what it began with
    return {
        RANDOM: at_random,
        UNIVERSAL: replace(for_all, how=best_so_far),
        EVERYONE: for_all,
        SEGMENTS: replace(for_all, by_segment=True),
        GUESSING: replace(for_all, by_segment=True, average_fit=True),
        OURS: Learner(),
        FITTED: Learner(fitted_on=min(FITTED_ON, world.settings.days - 1)),
        GREEDY: Learner(BEST),
        FORESEEN: best_universal,
        FORESEEN_SEGMENTS: best_of_segments(world),
        ORACLE: oracle,
    }


class Fitted(NamedTuple):
    """A weight of similarity, in log-odds a unit."""

    weight: float
    best: float  # the true one
    is_better: bool  # whether it may be published


def regrets(settings: Settings, seed: int) -> tuple[dict[str, np.ndarray], Fitted]:
    """By policy, (2, days): expected plays lost to the oracle in a world, and the oracle's; and the weight fitted there."""
    world = make(settings, seed)
    lived = {name: live(world, policy) for name, policy in policies(world).items()}
    fit = lived[FITTED].fit
    assert fit is not None
    found = Fitted(fit.weights.similarity, true_weight(Tastes.of(world), world.days[0]), fit.is_better)
    return {name: np.array([each.lost.sum(axis=1), each.best.sum(axis=1)]) for name, each in lived.items()}, found


def percent(lost: np.ndarray) -> np.ndarray:
    """(worlds,) plays lost, % of the oracle's, over all days; lost: (worlds, 2, days)."""
    plays = lost.sum(axis=2)
    share: np.ndarray = 100 * plays[:, 0] / plays[:, 1]
    return share


# The lines and curves.


def regret_lines(about: str, lost: Lost) -> Iterator[Line]:
    """Each policy's regret."""
    for name, each in lost.items():
        found, last = few(percent(each)), few(percent(each[:, :, -LAST:]))
        note = f"{last.value:.1f} % in the last {LAST} days"
        yield Line(about, f"{about}: {name}", found.value, "%", found.low, found.high, note=note)


def better_lines(about: str, lost: Lost, *, asked: bool) -> Iterator[Line]:
    """How much more the universal image and the bandit per segment lose than ours; asked: whether ours must beat the former."""
    about = f"{about}: lost beyond ours"
    for name in (UNIVERSAL, EVERYONE, SEGMENTS, FORESEEN):
        target = 0.0 if asked and name in (UNIVERSAL, EVERYONE) else None
        found = few(percent(lost[name]) - percent(lost[OURS]))
        yield Line(about, f"{about}: {name}", found.value, "points", found.low, found.high, target, surely=True)


def all_new_line(about: str, lost: Lost, target: float) -> Line:
    """What the pictures' fit costs or saves where nothing is known of any artwork on the first day."""
    about = f"{about}: all artwork new"
    with_fit, without = (lost[name][:, 0].sum(axis=1) for name in (GUESSING, SEGMENTS))
    found, name = few_ratio(with_fit, without), f"{about}: regret with the pictures' fit over regret without"
    return Line(about, name, found.value, "x", found.low, found.high, target, at_most=True, surely=True)


def weight_line(about: str, fits: Sequence[Fitted]) -> Line:
    """What FITTED found, beside the truth."""
    found, truth = few(np.array([fit.weight for fit in fits])), np.mean([fit.best for fit in fits])
    published, about = sum(fit.is_better for fit in fits), f"{about}: fitted weight"
    note = (
        f"true {truth:.2f}, default {Weights().similarity:g}; fit_blend would publish it in {published} of {len(fits)} worlds"
    )
    return Line(about, f"{about} of similarity", found.value, "log-odds", found.low, found.high, note=note)


def difference_lines(about: str, lost: Lost) -> Iterator[Figure]:
    """What exploring costs, what fitting the weight is worth, and what segments are."""
    for name, other in ((GREEDY, OURS), (FITTED, OURS), (FITTED, SEGMENTS), (FITTED, FORESEEN), (SEGMENTS, EVERYONE)):
        found = few(percent(lost[other]) - percent(lost[name]))
        hundredths = Estimate(found.value / 100, found.low / 100, found.high / 100)
        yield difference(about, f"{about}: {name}, less than {other}", hundredths)


def regret_curves(about: str, lost: Lost) -> Curves:
    """Day by day."""
    days = {name: 100 * each[:, 0] / each[:, 1] for name, each in lost.items() if name not in (ORACLE, FORESEEN_SEGMENTS)}
    curves = [curve(name, range(values.shape[1]), values) for name, values in days.items()]
    return Curves(f"{about}: regret", "day", "plays lost, %", curves)
