"""The priors of a snapshot's artwork as the scoring takes them: what clicks taught, with the average fit as a part of it.

Everyone's, and each segment's that clicks or tastes know: by what was clicked there, and by what the segment's average user likes.
"""

from dataclasses import dataclass, field, replace
from functools import cached_property
from threading import Lock

import numpy as np
import pyarrow.compute as pc

from embed.records import Audience, fold
from index.snapshot import Snapshot
from match.blend import logit
from match.clicks.average_fit import moved, shift_in_segment
from match.clicks.catalog_fit import average_fits
from match.clicks.priors import PriorColumns, Priors

SEGMENTS_HELD = 16  # that were asked for last: 48 bytes an artwork each, 770 MB for all of a million artworks


@dataclass(frozen=True)
class CatalogPriors:
    """Threads may share it."""

    snapshot: Snapshot
    audience: Audience
    priors: Priors
    _held: dict[str, PriorColumns] = field(default_factory=dict, repr=False, compare=False)
    _lock: Lock = field(default_factory=Lock, repr=False, compare=False)

    @cached_property
    def everyones(self) -> PriorColumns:
        """In the order of the snapshot's artwork."""
        return self._in_order(self.priors, self.priors.fit.weight * self._fits)

    def speaking(self, segment: str | None) -> str | None:
        """The segment, where it has priors of its own; None where everyone's speak for it."""
        known = segment and (segment in self._tasted or fold(segment) in self._clicked)
        return segment if known else None

    def of(self, segment: str | None) -> PriorColumns:
        """The priors of a segment that is `speaking`, everyone's for None. Made when they are first asked for: about a second for a
        million artworks, where the segment has an average taste."""
        if segment is None:
            return self.everyones
        with self._lock:
            found = self._held.pop(segment, None)
            if found is not None:
                self._held[segment] = found  # the last to go
        return found or self._keep(segment, self._made(segment))

    @cached_property
    def segments(self) -> list[str]:
        """Those that have priors of their own, by name; of a name that only clicks know, its folded form."""
        tasted = {fold(name) for name in self._tasted}
        return sorted(self._tasted | {name for name in self._clicked if name not in tasted})

    @cached_property
    def own_rows(self) -> np.ndarray:
        """(n,) bool: the artwork of which a segment has clicks of its own."""
        here = self.priors.segments["artwork_id"].combine_chunks()
        own: np.ndarray = pc.is_in(self.snapshot.artwork["artwork_id"], here).to_numpy()
        return own

    @cached_property
    def has_tastes(self) -> bool:
        """Whether any segment has an average taste."""
        return bool(self._tasted)

    @cached_property
    def _fits(self) -> np.ndarray:
        return average_fits(self.snapshot, self.audience).astype(np.float32)

    @cached_property
    def _tasted(self) -> frozenset[str]:
        return frozenset(average.name for average in self.audience.averages if average.kind == "segment")

    @cached_property
    def _clicked(self) -> frozenset[str]:
        return frozenset(pc.unique(self.priors.segments["segment"]).to_pylist())

    def _made(self, segment: str) -> PriorColumns:
        weight, everyones, own = self.priors.fit.weight, self.everyones, self._fits
        if segment in self._tasted:
            own = average_fits(self.snapshot, self.audience, segment)
        if fold(segment) in self._clicked:
            shift = weight * shift_in_segment(everyones.share, self._fits, own)
            return self._in_order(self.priors.in_segment(segment), shift)
        mean = moved(everyones.mean, np.ones(len(own)), everyones.mean, weight * (own - self._fits))
        return replace(everyones, mean=mean, log_odds=logit(mean))

    def _in_order(self, priors: Priors, shift: np.ndarray) -> PriorColumns:
        artwork = self.snapshot.artwork
        return priors.in_order(artwork["artwork_id"], artwork["title_id"], shift)

    def _keep(self, segment: str, made: PriorColumns) -> PriorColumns:
        with self._lock:
            self._held[segment] = made
            while len(self._held) > SEGMENTS_HELD:
                self._held.pop(next(iter(self._held)))
        return made
