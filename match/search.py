"""Search: phrases and a picture, people, tags, titles and a segment at once, to artwork that meets all of it, the best first.

Exact however little passes: what is asked by name decides which artwork is compared, and all of that is. Without a phrase or a
picture, what is played most after it was shown comes first: in the segment, or by the store's priors.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from embed.records import fold
from index.fits import Fits, Question, best_fits
from index.snapshot import Snapshot
from index.wanted import Condition, Wanted, conditions, passing
from match.blend import Prior
from match.clicks.priors import PriorColumns, Priors


@dataclass(frozen=True)
class Search:
    """What is asked for; something must be."""

    questions: Sequence[Question] = ()  # phrases and a picture
    wanted: Wanted = field(default_factory=Wanted)
    segment: str | None = None
    in_segment: Priors | None = None  # of the artwork that was shown there: see match.clicks.segments


@dataclass(frozen=True)
class Met:
    """How an artwork meets a question."""

    question: str
    similarity: float  # cosine
    fit: float  # the similarity less its mean over the catalog, in units of its spread there


@dataclass(frozen=True)
class Hit:
    """An artwork, and why it was found."""

    artwork_id: str
    title_id: str
    caption: str | None
    path: str
    fit: float | None  # to all questions together, as index.fits has it; None where there is none
    met: tuple[Met, ...]  # question by question
    people: tuple[str, ...]  # of those asked for, as the artwork spells them
    tags: tuple[str, ...]  # likewise
    prior: Prior
    segment: Prior | None  # the same in the segment alone


@dataclass(frozen=True)
class Answer:
    """The artwork found, the best first."""

    hits: tuple[Hit, ...]
    how: str  # as index.everywhere.Nearest has it
    recall: float
    passing: int  # artworks that meet all conditions
    conditions: tuple[tuple[str, int], ...]  # each condition in words, and how many artworks meet it by itself


def search(snapshot: Snapshot, priors: Priors, asked: Search, count: int) -> Answer:
    """At most `count` artworks. Raises QueryError where the catalog has no such person, tag or title, and ValueError as
    index.fits.best_fits does."""
    met = conditions(snapshot, asked.wanted)
    artwork_ids = snapshot.artwork["artwork_id"]
    title_ids = snapshot.artwork["title_id"]
    known = priors.in_order(artwork_ids, title_ids)
    there = asked.in_segment.in_order(artwork_ids, title_ids) if asked.in_segment else None
    if there is not None:
        met.append(Condition(f"shown to {asked.segment}", there.impressions > 0))
    among = passing(snapshot, met)
    if asked.questions:
        fits = best_fits(snapshot, asked.questions, count, among if met else None)
    else:
        fits = _by_clicks(known if there is None else there, among, count)
    hits = tuple(_hits(snapshot, asked, fits, known, there))
    return Answer(hits, fits.how, fits.recall, len(among), tuple((one.words, int(one.meets.sum())) for one in met))


def _by_clicks(clicks: PriorColumns, among: np.ndarray, count: int) -> Fits:
    """The rows played most, ties by row; no questions."""
    rows = among[np.lexsort((among, -clicks.mean[among]))[:count]]
    nothing = np.empty((0, len(rows)))
    return Fits(rows, np.full(len(rows), np.nan), nothing, nothing, "exact", 1.0)


def _hits(snapshot: Snapshot, asked: Search, fits: Fits, known: PriorColumns, there: PriorColumns | None) -> list[Hit]:
    names = ("artwork_id", "title_id", "caption", "path", "people", "tags")
    columns = [snapshot.take(name, fits.rows).to_pylist() for name in names]
    found = []
    for place, (row, artwork_id, title_id, caption, path, people, tags) in enumerate(
        zip(fits.rows.tolist(), *columns, strict=True)
    ):
        cells = zip(asked.questions, fits.similarities[:, place].tolist(), fits.each[:, place].tolist(), strict=True)
        met = tuple(Met(question.name, similarity, fit) for question, similarity, fit in cells if question.name)
        fit = float(fits.together[place]) if asked.questions else None
        named = _named(people, asked.wanted.people), _named(tags, asked.wanted.tags)
        segment = _prior(there, row) if there is not None else None
        found.append(Hit(artwork_id, title_id, caption, path, fit, met, *named, _prior(known, row), segment))
    return found


def _named(there: Sequence[str], asked: Sequence[str]) -> tuple[str, ...]:
    folded = {fold(name) for name in asked}
    return tuple(name for name in there if fold(name) in folded)


def _prior(columns: PriorColumns, row: int) -> Prior:
    return Prior(float(columns.mean[row]), int(columns.impressions[row]), int(columns.plays[row]))
