"""Exploring as the Matcher serves it: from a page of the index and its scores to what is shown, and to the log.

log = []
exploring = Exploring(Exploration(floor=0.1, seed=7), log=log.append)
choices = matcher.choose("ada", page, context, explore=exploring)
pq.write_table(pa.concat_tables(line.table for line in log), "impressions.parquet")
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

import numpy as np
import pyarrow as pa

from index.snapshot import Snapshot
from index.titles import ABSENT, Page, TitleIndex
from match.blend import Parts, Weights
from match.clicks.priors import PriorColumns
from match.exploring.keeping import History
from match.exploring.log import PageLog, Where, log_of
from match.exploring.page import Beliefs, Explored, explore
from match.exploring.policies import Exploration
from match.exploring.thompson import Posteriors
from match.guards import Guarded, Guards

LEAST = 1.0  # plays, and failures, that every posterior is taken to have; for fewer the propensities' 1 % is not kept either


@dataclass(frozen=True)
class Exploring:
    """What a caller asks for who wants artwork explored."""

    how: Exploration = field(default_factory=Exploration)
    guards: Guards | None = field(default_factory=Guards)  # None: eligibility alone
    history: History | None = None  # what users were shown before, as far as the caller remembers
    where: Where = field(default_factory=Where)  # for the log
    log: Callable[[PageLog], object] | None = None  # takes a page's log, once for each user


@dataclass(frozen=True)
class Seen:
    """A page as one user sees it."""

    user_id: str
    title_ids: list[str]  # (t,)
    positions: np.ndarray  # (t,) int64: the titles' places in the order asked
    page: Page
    parts: Parts
    priors: PriorColumns
    free: np.ndarray | None  # (n,) bool: what may be shown; None where all may

    @property
    def posteriors(self) -> Posteriors:
        """(n,): the Beta behind each prior, moved by all that is personal."""
        rows = self.page.rows
        plays, failures = beta_of(self.priors.mean.take(rows), self.priors.strength.take(rows))
        return Posteriors(plays, failures, self.parts.score - self.parts.prior)


def beta_of(mean: np.ndarray, strength: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(plays, failures), (n,) each, of a mean in (0, 1) that is worth so many impressions, LEAST of each kind at least.

    What is worth less than one play says next to nothing of its rate, in log-odds least of all: draws of it would be anywhere.
    """
    counts = np.maximum(strength, LEAST / np.minimum(mean, 1 - mean))
    return mean * counts, (1 - mean) * counts


@dataclass(frozen=True)
class Served:
    """A page explored, with what its Choices and its log say of that."""

    exploring: Exploring
    seen: Seen
    snapshot: Snapshot
    at: datetime
    posteriors: Posteriors
    explored: Explored
    segment: str | None  # the user's
    weights: Weights | None = None  # for the log

    @property
    def places(self) -> np.ndarray:
        """(t,) int64 of what is shown; ABSENT where nothing is."""
        return self.explored.places

    @property
    def columns(self) -> tuple[list[float | None], list[tuple[str, ...]]]:
        """Per title the propensity of what is shown, and which guards spoke."""
        chosen = [
            None if absent else value
            for absent, value in zip(self.places == ABSENT, self.explored.chosen.tolist(), strict=True)
        ]
        return chosen, self.explored.notes

    def standing_in(self, places: np.ndarray) -> "Served":
        """With the fallbacks of titles of which nothing may be shown; places: (t,) of all. A fallback's propensity is 1."""
        found = self.explored
        stand_in = (found.places == ABSENT) & (places != ABSENT)
        if not stand_in.any():
            return self
        chances = found.propensities.copy()
        chances[places[stand_in]] = 1.0
        return replace(self, explored=replace(found, places=places, propensities=chances))

    def reasons(self, otherwise: Sequence[str]) -> list[str]:
        """Per title why it shows what it does; otherwise: what is said where there was nothing to draw from."""
        starts, policy = self.seen.page.starts, self.exploring.how.policy
        among = (self.explored.propensities > 0).nonzero()[0].searchsorted(starts)
        counts = (among[1:] - among[:-1]).tolist()
        return [
            f"what was shown before, kept for the {kept}" if kept else f"drawn by {policy} from {count}" if count > 1 else why
            for kept, count, why in zip(self.explored.kept, counts, otherwise, strict=True)
        ]

    def log(self, artwork_ids: Sequence[str | None], copy_ids: Sequence[str | None]) -> None:
        """Hand the page's log to whoever asked for it; (t,) each: the artwork shown, and the lines beside it."""
        if self.exploring.log is not None:
            self.exploring.log(self._log(artwork_ids, copy_ids))

    def _log(self, artwork_ids: Sequence[str | None], copy_ids: Sequence[str | None]) -> PageLog:
        where, parts, seen = self.exploring.where, self.seen.parts, self.seen
        columns = {name: getattr(parts, name) for name in ("score", "prior", "similarity", "people")}
        columns["words"] = np.zeros(len(parts.prior)) if parts.words is None else parts.words
        return log_of(
            self.exploring.how,
            self.explored,
            seen.user_id,
            self.snapshot.manifest.name,
            self.at,
            where if where.segment is not None else replace(where, segment=self.segment),
            (seen.title_ids, seen.page.starts, seen.positions),
            self._ids,
            artwork_ids,
            copy_ids,
            columns,
            self.posteriors,
            self.weights,
        )

    def _ids(self, places: np.ndarray) -> pa.Array:
        """(n,) artwork_ids. Of a whole page, Arrow has them far sooner than Python does."""
        taken = self.snapshot.take("artwork_id", self.seen.page.rows[places])
        return taken.combine_chunks() if isinstance(taken, pa.ChunkedArray) else taken


def serve(
    exploring: Exploring,
    seen: Seen,
    guarded: Guarded,
    at: datetime,
    segment: str | None = None,
    weights: Weights | None = None,
) -> Served:
    """What is shown of a page at a moment; segment: the user's, for the log where the caller's `where` says none; weights: that the
    parts were made with, for the log."""
    guards, rows, posteriors = exploring.guards, seen.page.rows, seen.posteriors
    little = marks = cosines = None
    if guards is not None:
        cosines = partial(_cosines, guarded.snapshot.index, seen.page) if guards.same_look is not None else None
        little = guarded.little(guards)[rows] & (seen.parts.people <= 0)
        marks = guarded.marks.taken(rows) if guards.most_alike else None
    beliefs = Beliefs(
        seen.user_id,
        seen.title_ids,
        seen.positions.argsort(),
        seen.page.starts,
        np.ones(len(rows), bool) if seen.free is None else seen.free,
        seen.parts.order,
        posteriors,
        lambda: guarded.snapshot.texts("artwork_id", rows),
        little,
        marks,
        cosines,
    )
    explored = explore(exploring.how, beliefs, at, guards, exploring.history)
    return Served(exploring, seen, guarded.snapshot, at, posteriors, explored, segment, weights)


def _cosines(index: TitleIndex, page: Page, places: np.ndarray, others: np.ndarray, which: np.ndarray) -> np.ndarray:
    """(m,) float32 of the artworks at these places (m,) of a page, each with one of others (k,) of it, which: (m,) int64."""
    return index.products(page.places.take(places), index.gather(page.places.take(others)), which)
