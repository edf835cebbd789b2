"""Sample ratio: whether the users per arm are as many as were planned. Where not, some users were lost, and not by chance.

And whether as many of them, in each arm, have something that was left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from match.tails import chi_square_tail

# The p-value below which arms are not compared (Fabijan et al. 2019, "Diagnosing sample ratio mismatch in online controlled
# experiments", KDD). It is small, since the check is repeated at every look and a false alarm stops an experiment.
MISMATCH = 0.001
LEAST_EXPECTED = 5.0  # users with and without, in each arm, for the chi-square distribution to be near enough (Cochran 1954)


@dataclass(frozen=True)
class SampleRatio:
    """Users per arm, and how probable a difference from the plan as large as this is by chance."""

    users: dict[str, int]
    planned: dict[str, float]  # shares, their sum 1
    p: float  # of Pearson's chi-square test

    @property
    def holds(self) -> bool:
        """Whether the arms may be compared."""
        return self.p >= MISMATCH


def sample_ratio(users: Mapping[str, int], planned: Mapping[str, float]) -> SampleRatio:
    """The check of two or more arms; planned: of each arm a weight above 0, in any unit. One arm alone holds always."""
    everyone, weights = sum(users.values()), sum(planned.values())
    shares = {arm: weight / weights for arm, weight in planned.items()}
    expected = {arm: everyone * share for arm, share in shares.items()}
    if len(shares) < 2 or everyone == 0:
        return SampleRatio(dict(users), shares, 1.0)
    statistic = sum((users[arm] - expected[arm]) ** 2 / expected[arm] for arm in shares)
    return SampleRatio(dict(users), shares, chi_square_tail(statistic, len(shares) - 1))


def evenness(aside: Mapping[str, int], users: Mapping[str, int]) -> float:
    """P-value of Pearson's chi-square test that of each arm's `users` the same share is `aside`; 1 where they are too few to tell."""
    arms = [arm for arm, count in users.items() if count]
    share = sum(aside[arm] for arm in arms) / max(sum(users[arm] for arm in arms), 1)
    if len(arms) < 2 or min(users[arm] * min(share, 1 - share) for arm in arms) < LEAST_EXPECTED:
        return 1.0
    statistic = sum((aside[arm] - users[arm] * share) ** 2 / (users[arm] * share * (1 - share)) for arm in arms)
    return chi_square_tail(statistic, len(arms) - 1)
