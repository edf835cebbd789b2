"""A log of impressions beside what another policy would have done at each: what is judged."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from embed.errors import LogError

ROUNDING = 1e-6  # of propensities that should agree


@dataclass(frozen=True)
class Log:
    """n impressions, each of one artwork out of k eligible ones at most: columns, which mean the same artwork within a group.

    Raises ValueError for shapes that do not meet, values out of range, and a policy whose propensities do not sum to 1.
    """

    shown: np.ndarray  # (n,) int: the column of the artwork that was shown
    propensity: np.ndarray  # (n,) float64: the probability with which it was shown, as logged; NaN where that is missing
    reward: np.ndarray  # (n,) float64 in 0..most, such as 1 for a quality play
    policy: np.ndarray  # (n,) float64 in 0..1: the probability with which the judged policy would have shown it
    propensities: np.ndarray | None = None  # (n, k) of every eligible artwork, if they were logged; 0 pads
    policies: np.ndarray | None = None  # (n, k) of the judged policy; 0 pads. Direct method, DR and exact overlap need it
    group: np.ndarray | None = None  # (n,) int: the title, and where it matters the position; None: all of one
    user: np.ndarray | None = None  # (n,) int: whose impressions are not independent of each other; None: all are
    most: float = 1.0  # the largest reward there can be
    largest_weight: float | None = (
        None  # that the policy can have anywhere; None: read from propensities and policies, if both are there
    )

    def __post_init__(self) -> None:
        n = len(self.shown)
        for name in ("propensity", "reward", "policy", "group", "user"):
            column = getattr(self, name)
            if column is not None and column.shape != (n,):
                raise ValueError(f"{name} {column.shape}: give ({n},), one for each impression")
        if not n:
            raise ValueError("no impressions: give one or more")
        if not ((self.reward >= 0) & (self.reward <= self.most)).all():
            raise ValueError(f"reward: give 0..{self.most:g}, or a larger `most`")
        if not ((self.policy >= 0) & (self.policy <= 1 + ROUNDING)).all() or (self.propensity > 1 + ROUNDING).any():
            raise ValueError("policy and propensity: give 0..1")
        if (self.propensity < 0).any():
            raise ValueError("propensity: give 0..1, or NaN where it is missing")
        for whole, of_shown in (("propensities", self.propensity), ("policies", self.policy)):
            self._check(whole, of_shown)

    def _check(self, whole: str, of_shown: np.ndarray) -> None:
        every = getattr(self, whole)
        if every is None:
            return
        if every.ndim != 2 or len(every) != len(self.shown) or not ((self.shown >= 0) & (self.shown < every.shape[1])).all():
            raise ValueError(f"{whole} {every.shape}: give ({len(self.shown)}, k), with `shown` in 0..k-1")
        if not (every >= 0).all() or (abs(every.sum(axis=1) - 1) > ROUNDING).any():
            raise ValueError(f"{whole}: give probabilities that sum to 1 in each impression")
        there = every[np.arange(len(every)), self.shown]
        if (abs(there - of_shown) > ROUNDING).any():  # NaN passes: a missing propensity
            raise ValueError(f"{whole} of what was shown is not what the single column says")

    def __len__(self) -> int:
        return len(self.shown)

    @cached_property
    def unusable(self) -> np.ndarray:
        """(n,) bool: of which the propensity is missing, or 0 although the artwork was shown."""
        unusable: np.ndarray = ~(self.propensity > 0)
        return unusable

    @cached_property
    def weights(self) -> np.ndarray:
        """(n,) float64: how many times as often the policy would have shown what was shown.

        Raises LogError where propensities are missing or 0: an impression without one tells nothing of another policy.
        """
        if lost := int(self.unusable.sum()):
            first = int(np.flatnonzero(self.unusable)[0])
            raise LogError(
                f"{lost:,} of {len(self):,} impressions have no propensity above 0, impression {first} the first: "
                "log it when the artwork is chosen, or leave out whole days without, not single impressions"
            )
        weights: np.ndarray = self.policy / self.propensity
        return weights

    @cached_property
    def limit(self) -> float | None:
        """The largest weight that the policy could have had; None where that is not known, which the largest that was seen is not."""
        if self.largest_weight is not None or self.policies is None or self.propensities is None:
            return self.largest_weight
        there = self.propensities > 0
        return float((self.policies[there] / self.propensities[there]).max())

    @cached_property
    def groups(self) -> np.ndarray:
        """(n,) int64: the groups numbered from 0."""
        return np.zeros(len(self), np.int64) if self.group is None else np.unique(self.group, return_inverse=True)[1]

    @cached_property
    def units(self) -> np.ndarray:
        """(n,) int64: what is independent, numbered from 0: users, or impressions."""
        return np.arange(len(self)) if self.user is None else np.unique(self.user, return_inverse=True)[1]
