"""Candidates: what other policies would have done at choices that were logged, from what the log says of each artwork considered.

A candidate chooses among what was considered: what is eligible, less what a guard set aside at that moment. So it is judged under the
guards as they spoke, which on its own page, full of other artwork, might have spoken elsewhere. Its floor is shared out among the same.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from embed.errors import LogError, QueryError
from match.blend import PERSONAL, TIE_DIGITS, Weights
from match.exploring.policies import Exploration, propensities
from match.exploring.thompson import Posteriors

AT_ONCE = 1 << 16  # artworks: Thompson's quadrature takes a kilobyte or so for each
DEFAULTS = tuple(getattr(Weights(), part) for part in PERSONAL)


@dataclass(frozen=True)
class Candidate:
    """A policy over the artwork considered. The score is the prior and the other parts of the log's, each with the candidate's weight.

    A part in the log is its weight times its unit. Of a user with several interests the unit of words is that beside the weights that
    served (match.words), so that far from these a candidate is only nearly what the matcher would do. Raises QueryError for what cannot
    be.
    """

    name: str
    policy: str = "best"  # one of match.exploring.policies.POLICIES; with a floor of 1 the artwork is drawn evenly
    floor: float = 0.0  # 0..1: each of n artworks considered has at least floor / n
    temperature: float = 0.25  # of softmax, in log-odds
    similarity: float | None = None  # the weight (match.blend.Weights); None: as served
    people: float | None = None
    words: float | None = None

    def __post_init__(self) -> None:
        _ = self.how
        if not all(weight is None or np.isfinite(weight) for weight in self.weights):
            raise QueryError(f"{self.name}: give each weight a number, such as similarity=0.5")

    @property
    def weights(self) -> tuple[float | None, ...]:
        """Of PERSONAL."""
        return self.similarity, self.people, self.words

    @property
    def how(self) -> Exploration:
        """As the matcher would be asked for it."""
        return Exploration(self.policy, floor=self.floor, temperature=self.temperature)

    def propensities(self, considered: pa.StructArray, starts: np.ndarray, served: np.ndarray | None = None) -> np.ndarray:
        """(m,) float64, adding up to 1 in each choice.

        considered: (m,) of CONSIDERED, choice i's at starts[i]:starts[i + 1], each with some; served: (n, 3) the weights of PERSONAL
        that each choice was served with, the defaults where None. Raises LogError where the log lacks what the policy goes by.
        """
        if self.floor == 1:
            sizes = np.diff(starts)
            return np.repeat(1 / sizes, sizes)
        prior = _column(considered, "prior", self.name)
        personal = np.zeros(len(prior))
        for place in range(len(PERSONAL)):
            personal += self._counting(place, considered, starts, served)
        plays = failures = np.ones(len(prior))
        if self.policy == "thompson":
            plays, failures = (_column(considered, name, self.name, least=0.0) for name in ("plays", "failures"))
        found = np.empty(len(prior))
        for first, last in _runs(starts):
            own = slice(*starts[[first, last]].tolist())
            posteriors = Posteriors(plays[own], failures[own], personal[own])
            scores = (prior[own] + personal[own]).round(TIE_DIGITS)
            found[own] = propensities(self.how, scores, posteriors, starts[first : last + 1] - own.start)
        return found

    def _counting(self, place: int, considered: pa.StructArray, starts: np.ndarray, served: np.ndarray | None) -> np.ndarray:
        """(m,) a part of PERSONAL with the candidate's weight in place of the one that served."""
        weight, name = self.weights[place], PERSONAL[place]
        if weight == 0:
            return np.zeros(len(considered))
        part = _column(considered, name, self.name)
        if weight is None:
            return part
        weights = np.full(len(starts) - 1, DEFAULTS[place]) if served is None else served[:, place]
        if (weights == 0).any():
            raise LogError(
                f"{self.name}: {name} was served with a weight of 0, so that the log does not say what any weight would do"
            )
        return part * np.repeat(weight / weights, np.diff(starts))


def universal(name: str = "prior", floor: float = 0.0) -> Candidate:
    """The artwork with the best prior, the same for everyone of a segment: what clicks alone would show."""
    return Candidate(name, floor=floor, similarity=0.0, people=0.0, words=0.0)


def scores_of(considered: pa.StructArray) -> tuple[np.ndarray, np.ndarray] | None:
    """((m,) log-odds of the priors, (m,) all that is personal); None where the log has them not of all."""
    try:
        prior, *personal = (_column(considered, name, "the score") for name in ("prior", *PERSONAL))
    except LogError:
        return None
    return prior, np.sum(personal, axis=0)


def _column(considered: pa.StructArray, name: str, wanted_by: str, least: float = -np.inf) -> np.ndarray:
    """(m,) float64 above `least`. Raises LogError where there are others."""
    there = {field.name for field in considered.type}
    column = considered.field(name).to_numpy(zero_copy_only=False) if name in there else np.full(len(considered), np.nan)
    numbers: np.ndarray = column.astype(np.float64)
    if lacking := int((~(np.isfinite(numbers) & (numbers > least))).sum()):
        raise LogError(
            f"{wanted_by}: of the artwork considered, {lacking:,} of {len(numbers):,} have no {name}; log it with each choice, "
            "or give the policy's propensities as a table"
        )
    return numbers


def _runs(starts: np.ndarray) -> list[tuple[int, int]]:
    """Choices first..last that have about AT_ONCE artworks together."""
    count = len(starts) - 1
    edges = np.unique(np.searchsorted(starts, np.arange(0, int(starts[-1]) + AT_ONCE, AT_ONCE)).clip(max=count))
    return list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))
