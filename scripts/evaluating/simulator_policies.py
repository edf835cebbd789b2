"""Who chooses in a simulated world: with what probability each shows every artwork of every page.

Those who learn decide by the product's own modules: what they believe (simulator_beliefs.py), and Thompson sampling with a floor
(match.exploring). The others know the truth, or nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from artwork_doors.evaluating.simulator_beliefs import Beliefs, Tastes, believe
from artwork_doors.evaluating.simulator_fit import Drawn, fitted
from artwork_doors.evaluating.simulator_log import Shown
from artwork_doors.evaluating.simulator_world import Day, World
from match.blend import Weights
from match.exploring.draws import drawn
from match.exploring.policies import Exploration, propensities
from match.exploring.thompson import Posteriors
from match.fitting.flow import Fit

AT_ONCE = 8  # pages whose propensities are made together: bounds memory
IMPERSONAL = Weights(similarity=0.0)
BEST = Exploration("best", floor=0.0)

Knowing = Callable[[Day], np.ndarray]  # to (n,), or (m, n): how often each artwork is shown


@dataclass(frozen=True)
class Learner:
    """A policy that learns from what it showed."""

    how: Exploration = field(default_factory=Exploration)
    by_segment: bool = True  # priors of the user's segment, else everyone's
    weights: Weights = field(default_factory=Weights)  # of which similarity is all that there is here
    average_fit: bool = True  # is a part of the priors
    fitted_on: int | None = None  # the morning on which the weights are fitted on the log of all days before


@dataclass(frozen=True)
class Lived:
    """What came of a policy in a world; expected numbers, by the propensities."""

    lost: np.ndarray  # (days, segments) quality plays that each user's best artwork would have brought beyond those there were
    best: np.ndarray  # (days, segments) quality plays that it would have brought
    shares: np.ndarray  # (days, segments, artworks) how often each is shown, of its title's impressions
    log: tuple[Shown, ...]  # what a learner learned from; empty of others
    fit: Fit | None  # of the weights, where they were fitted


class Pages(NamedTuple):
    """The pages of a day, as a policy sees them; all (m, n)."""

    chances: np.ndarray  # propensities
    prior: np.ndarray  # log-odds
    similarity: np.ndarray


def live(world: World, policy: Learner | Knowing, days: slice = slice(None), log: Sequence[Shown] = ()) -> Lived:
    """Some days of a world, all of them where nothing else is asked; log: of the days before. What is learned from is drawn by the
    propensities. A fit takes a log from the first day on, so that `log` must be empty for one."""
    tastes, log, drawn, fit, lived = Tastes.of(world), list(log), list[Drawn](), None, []
    for day in world.days[days]:
        if not isinstance(policy, Learner):
            lived.append(_outcome(world, day, np.broadcast_to(policy(day), day.chances.shape)))
            continue
        if policy.fitted_on == day.number:
            fit = fitted(log, drawn)
            policy = replace(policy, weights=fit.weights)
        pages = see(tastes, policy, log, day)
        columns = draw(pages.chances, day)
        log.append(Shown.of(world, day, columns))
        drawn.append(Drawn.of(day, columns, pages))
        lived.append(_outcome(world, day, pages.chances))
    return Lived(*map(np.array, zip(*lived, strict=True)), tuple(log), fit)


def _outcome(world: World, day: Day, chances: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    short = np.repeat(day.best, day.sizes, axis=1) - day.chances
    lost, best, segments = (chances * short).sum(axis=1), day.best.sum(axis=1), world.segments[day.users]
    shares = np.zeros((world.settings.segments, len(world.titles)))
    for segment in np.unique(segments).tolist():
        shares[segment, day.artworks] = chances[segments == segment].mean(axis=0)
    return np.bincount(segments, lost, len(shares)), np.bincount(segments, best, len(shares)), shares


def see(tastes: Tastes, learner: Learner, log: Sequence[Shown], day: Day) -> Pages:
    """A day's pages before anything is shown, by a log of the days before."""
    beliefs = believe(tastes, log, day, by_segment=learner.by_segment, average_fit=learner.average_fit)
    of_pages = tastes.world.segments[day.users] if learner.by_segment else np.zeros(len(day.users), np.int64)
    prior = beliefs.log_odds[of_pages]
    if not learner.weights.similarity:
        chances = propensities_of(learner.how, beliefs, np.zeros_like(beliefs.plays), day.starts)
        return Pages(chances[of_pages], prior, np.zeros_like(prior))
    similarity = tastes.similarities(day)
    moved = learner.weights.similarity * similarity
    blocks = [slice(begin, begin + AT_ONCE) for begin in range(0, len(moved), AT_ONCE)]
    chances = [propensities_of(learner.how, beliefs.of(of_pages[b]), moved[b], day.starts) for b in blocks]
    return Pages(np.concatenate(chances), prior, similarity)


def propensities_of(how: Exploration, beliefs: Beliefs, moved: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """(views, n): of as many pages beside one another; moved: (views, n) log-odds, what is personal."""
    posteriors = Posteriors(beliefs.plays.ravel(), beliefs.failures.ravel(), moved.ravel())
    scores = (beliefs.log_odds + moved).ravel()
    return propensities(how, scores, posteriors, beside(starts, len(moved))).reshape(moved.shape)


def beside(starts: np.ndarray, count: int) -> np.ndarray:
    """(count * titles + 1,) int64: the titles of so many pages beside one another."""
    begins: np.ndarray = (np.arange(count)[:, None] * starts[-1] + starts[:-1]).ravel()
    return np.append(begins, count * starts[-1])


def draw(chances: np.ndarray, day: Day) -> np.ndarray:
    """(m, titles) int64 columns of what is shown, drawn with these propensities (m, n)."""
    places = drawn(chances.ravel(), beside(day.starts, len(chances)), day.drawing.ravel())
    columns: np.ndarray = places.reshape(day.drawing.shape) % chances.shape[1]
    return columns


# Those who do not learn.


def at_random(day: Day) -> np.ndarray:
    """(n,): each of a title's artworks as often."""
    return np.repeat(1 / day.sizes, day.sizes)


def best_universal(day: Day) -> np.ndarray:
    """(n,): the one image of each title that is best for all users together."""
    return _highest(day.everyones[None], day)[0]


def best_of_segments(world: World) -> Knowing:
    """The one image that is best for all users of a segment together."""
    return lambda day: _highest(day.of_segments, day)[world.segments[day.users]]


def oracle(day: Day) -> np.ndarray:
    """(m, n): each user's best."""
    return _highest(day.chances, day)


def _highest(values: np.ndarray, day: Day) -> np.ndarray:
    """(v, n) 1.0 at the highest of each title, the first of those alike; values: (v, n)."""
    nothing = Posteriors(*(np.empty(0),) * 3)
    return propensities(BEST, values.ravel(), nothing, beside(day.starts, len(values))).reshape(values.shape)
