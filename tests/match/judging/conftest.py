"""A small world whose truth is known, and logs of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from match.judging.log import Log


@dataclass(frozen=True)
class World:
    """Two kinds of viewers, three artworks: what each earns of whom, how often the log shows it, and how often the policy would."""

    rewards: np.ndarray  # (2, 3) probability of a play
    logging: np.ndarray  # (2, 3)
    policy: np.ndarray  # (2, 3)
    kinds: tuple[float, float] = (0.4, 0.6)

    def value(self, policy: np.ndarray) -> float:
        """What a policy earns."""
        return float(np.asarray(self.kinds) @ (policy * self.rewards).sum(axis=1))

    def log(self, impressions: int, seed: int, **more: Any) -> Log:
        """A log of it, with every propensity."""
        random = np.random.default_rng(seed)
        kind = random.choice(2, impressions, p=self.kinds)
        shown = (random.random(impressions)[:, None] > self.logging[kind].cumsum(axis=1)).sum(axis=1)
        reward = (random.random(impressions) < self.rewards[kind, shown]).astype(np.float64)
        columns = {
            "propensity": self.logging[kind, shown],
            "policy": self.policy[kind, shown],
            "propensities": self.logging[kind],
            "policies": self.policy[kind],
        }
        return Log(shown=shown, reward=reward, **{**columns, **more})


@pytest.fixture
def world() -> World:
    return World(
        rewards=np.array([[0.2, 0.4, 0.1], [0.3, 0.1, 0.5]]),
        logging=np.array([[0.5, 0.25, 0.25], [0.2, 0.4, 0.4]]),
        policy=np.array([[0.1, 0.8, 0.1], [0.25, 0.25, 0.5]]),
    )


@pytest.fixture
def make_log() -> Callable[..., Log]:
    """A log of anything, by seed: k artworks, a policy that may exclude some."""

    def make(seed: int, impressions: int = 40, artworks: int = 3, **more: Any) -> Log:
        random = np.random.default_rng(seed)
        propensities = random.dirichlet(np.ones(artworks), impressions) * 0.9 + 0.1 / artworks
        policies = random.dirichlet(np.full(artworks, 0.5), impressions)
        shown = (random.random(impressions)[:, None] > propensities.cumsum(axis=1)).sum(axis=1).clip(max=artworks - 1)
        rows = np.arange(impressions)
        columns = {
            "propensity": propensities[rows, shown],
            "policy": policies[rows, shown],
            "reward": (random.random(impressions) < 0.4).astype(np.float64),
            "group": random.integers(0, 2, impressions),
            "user": random.integers(0, impressions // 2 + 1, impressions),
            "propensities": propensities,
            "policies": policies,
        }
        return Log(shown=shown, **{**columns, **more})

    return make
