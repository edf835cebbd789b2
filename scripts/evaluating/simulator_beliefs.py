"""What a learner in a simulated world believes in the morning: the product's priors of its own log, and its similarities.

Nothing is learned here: priors are `match.clicks`', with the average fit of a picture as a guess where they are asked for it, and what
is personal is `match.blend`'s. Users' tastes are vectors of one interest, their segments' averages those of an audience.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from artwork_doors.evaluating.simulator_log import Names, Shown, counted
from artwork_doors.evaluating.simulator_world import Day, World
from embed.records import PRIOR, Audience
from embed.tastes.audience import Sums, apart_of, common_of, typical_of
from match.blend import Prior, similarity_of, standardise, usual_spread
from match.clicks.average_fit import shift_in_segment
from match.clicks.posteriors import rate_of
from match.clicks.priors import PriorColumns, Priors, priors_of
from match.exploring.serving import beta_of

NOTHING_KNOWN = Priors(PRIOR.empty_table(), Prior(rate_of(0, 0), 0, 0))
ALONE = np.ones(1)  # the share of a user's only interest


class Beliefs(NamedTuple):
    """Of the artwork of a day, by view: a segment, or everyone. All (views, n)."""

    plays: np.ndarray  # Beta's, as match.exploring.serving.beta_of has them
    failures: np.ndarray
    log_odds: np.ndarray

    def of(self, views: np.ndarray) -> "Beliefs":
        """One row for each of these views."""
        return Beliefs(*(each[views] for each in self))


@dataclass(frozen=True)
class Tastes:
    """What the product knows of a world's users and pictures."""

    world: World
    names: Names
    audience: Audience
    personal: np.ndarray  # (users, d) float32: what sets each apart from the average one of the segment
    typical: np.ndarray  # (1 + segments, d) float32: what the average user likes; everyone's first
    _spreads: dict[int, float] = field(default_factory=dict, repr=False, compare=False)  # by number of artworks

    @classmethod
    def of(cls, world: World) -> "Tastes":
        """Those of a world."""
        names = Names.of(world)
        segments = names.segments.to_pylist()
        audience = audience_of(world.tastes, [segments[number] for number in world.segments.tolist()])
        apart = np.array([apart_of(audience, segment) for segment in segments])
        personal = world.tastes - common_of(audience) - apart[world.segments]
        typical = np.array([typical_of(audience, segment) for segment in (None, *segments)])
        return cls(world, names, audience, personal, typical)

    def similarities(self, day: Day) -> np.ndarray:
        """(m, n) float64: how much better than the average user of the segment each page's artwork fits its user."""
        spread = self._spread(day)
        cosines = self.personal[day.users] @ self.world.vectors[day.artworks].T
        return np.array([similarity_of(one[None], ALONE, day.starts, spread)[0] for one in cosines])

    def fits(self, day: Day) -> np.ndarray:
        """(1 + segments, artworks) float64: how well each fits the average user, everyone's first; nan of what is not there yet."""
        fits = np.full((len(self.typical), len(self.world.titles)), np.nan)
        cosines = self.typical @ self.world.vectors[day.artworks].T
        fits[:, day.artworks] = [standardise(one, day.starts, self._spread(day)) for one in cosines]
        return fits

    def _spread(self, day: Day) -> float:
        if len(day.artworks) not in self._spreads:
            vectors = self.world.vectors[day.artworks]
            means = np.add.reduceat(vectors, day.starts[:-1], axis=0) / day.sizes[:, None]
            within = vectors - np.repeat(means, day.sizes, axis=0)
            self._spreads[len(day.artworks)] = usual_spread(self.audience, within.T @ within / len(within))
        return self._spreads[len(day.artworks)]


def audience_of(tastes: np.ndarray, segments: Sequence[str]) -> Audience:
    """Of users with one interest each (n, d) float32, with their segments' averages."""
    sums, of_users = Sums(tastes.shape[1], users=len(tastes)), np.array(segments)
    sums.add(np.ones(len(tastes)), tastes)
    for segment in sorted(set(segments)):
        own = tastes[of_users == segment]
        sums.cohorts["segment", segment] = len(own), own.sum(axis=0, dtype=np.float64)
    return sums.audience("simulated", np.zeros(tastes.shape[1], np.float32), {})


def believe(tastes: Tastes, log: Sequence[Shown], day: Day, *, by_segment: bool, average_fit: bool) -> Beliefs:
    """What the log taught of the day's artwork, of each segment or of everyone; average_fit: with it as a part of the priors."""
    fits = tastes.fits(day)
    priors = learned(tastes, log, fits[0])
    fits *= priors.fit.weight if average_fit else 0.0
    columns = [_in_order(tastes, priors, fits[0])]
    if by_segment:
        shifts = shift_in_segment(columns[0].share, fits[0], fits[1:])
        segments = map(priors.in_segment, tastes.names.segments.to_pylist())
        columns = [_in_order(tastes, of_segment, shift) for of_segment, shift in zip(segments, shifts, strict=True)]
    betas = [beta_of(one.mean[day.artworks], one.strength[day.artworks]) for one in columns]
    plays, failures = map(np.array, zip(*betas, strict=True))
    return Beliefs(plays, failures, np.array([one.log_odds[day.artworks] for one in columns]))


def _in_order(tastes: Tastes, priors: Priors, shift: np.ndarray) -> PriorColumns:
    return priors.in_order(tastes.names.artworks, tastes.names.titles, np.nan_to_num(shift))


def learned(tastes: Tastes, log: Sequence[Shown], fits: np.ndarray) -> Priors:
    """The priors of a log on the night after its last day; fits: (artworks,) everyone's."""
    if not log:
        return NOTHING_KNOWN

    def fits_of(artwork_ids: pa.ChunkedArray) -> np.ndarray:
        known: np.ndarray = fits[pc.index_in(artwork_ids, tastes.names.artworks.combine_chunks()).to_numpy()]
        return known

    return priors_of(counted(tastes.world, tastes.names, log), fits_of)
