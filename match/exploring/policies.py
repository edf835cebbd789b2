"""Policies: from what is believed of a title's artwork to the probability of showing each, its propensity."""

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

import numpy as np

from embed.errors import QueryError
from index.titles import best_of
from match.exploring.thompson import Posteriors, win_probabilities

POLICIES = ("best", "softmax", "thompson")


@dataclass(frozen=True)
class Exploration:
    """How artwork is chosen where more than one could be right. Raises QueryError for what cannot be.

    What the policies compute, and after whom: `propensities` and match.exploring.thompson.
    """

    policy: str = "thompson"  # one of POLICIES; best: the highest score, as the matcher does without exploration
    floor: float = 0.05  # 0..1: of n eligible artworks each is shown with at least floor / n, whatever the policy thinks
    temperature: float = 0.25  # of softmax, above 0, in log-odds
    seed: int = 0  # the same seed, user, title, period and beliefs give the same artwork
    period: timedelta = timedelta(days=1)  # in which a title keeps its artwork for a user
    changes: int | None = None  # of a title's artwork that a user may see in a window; as many as periods where None
    window: timedelta = timedelta(days=7)
    most_shown: int | None = None  # impressions of one artwork that a user may have seen; what had more rests, where others can

    def __post_init__(self) -> None:
        wrong = [
            (self.policy not in POLICIES, f"policy {self.policy!r}: there are {', '.join(POLICIES)}"),
            (not 0 <= self.floor <= 1, f"floor {self.floor}: give a share from 0 to 1"),
            (not 0 < self.temperature < np.inf, f"temperature {self.temperature}: give log-odds above 0"),
            (self.period <= timedelta(0) or self.window <= timedelta(0), "period and window: give a time above 0"),
            (self.changes is not None and self.changes < 0, f"changes {self.changes}: give a number from 0, or None"),
            (self.most_shown is not None and self.most_shown < 1, f"most_shown {self.most_shown}: give one from 1, or None"),
        ]
        for is_wrong, why in wrong:
            if is_wrong:
                raise QueryError(f"exploration with {why}")

    @property
    def parameters(self) -> dict[str, Any]:
        """All but policy and seed, as JSON has it: times in seconds."""
        named = {name: value for name, value in asdict(self).items() if name not in ("policy", "seed")}
        return named | {name: named[name].total_seconds() for name in ("period", "window")}


def propensities(how: Exploration, scores: np.ndarray, posteriors: Posteriors, starts: np.ndarray) -> np.ndarray:
    """(n,) float64, adding up to 1 within each title, none below floor / its number of artworks.

    scores: (n,) log-odds, of which posteriors.moved are a part; title i's artworks are starts[i]:starts[i + 1], all of them
    eligible, and every title has some. Epsilon-greedy is `best` with a floor.
    """
    if how.policy == "thompson":
        chances = win_probabilities(posteriors, starts)
    else:
        chances = (softmax(scores / how.temperature, starts)) if how.policy == "softmax" else _best(scores, starts)
    sizes = starts[1:] - starts[:-1]
    return floored(chances, how.floor, sizes.repeat(sizes))


def floored(chances: np.ndarray, floor: float, sizes: np.ndarray) -> np.ndarray:
    """Mixed with equal chances: the floor's share of them, so that each of a title's artworks has at least floor / size."""
    mixed: np.ndarray = (1 - floor) * chances + floor / sizes
    return mixed


def softmax(values: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """(n,) e to the value over the sum of those of its title."""
    sizes = starts[1:] - starts[:-1]
    powers = np.exp(values - np.maximum.reduceat(values, starts[:-1]).repeat(sizes))
    shares: np.ndarray = powers / np.add.reduceat(powers, starts[:-1]).repeat(sizes)
    return shares


def _best(scores: np.ndarray, starts: np.ndarray) -> np.ndarray:
    chances = np.zeros(len(scores))
    chances[best_of(scores, starts)] = 1.0
    return chances
