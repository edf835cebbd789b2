"""Lines of micro-copy, chosen for the user as artwork is: by the line's own prior and by what it says.

    score = logit(prior) + w_copy * similarity

First the picture, then the best line that may stand beside it: one that the viewer's locale reads, and that does not contradict the
picture in locale or tags (see embed.tags). A line's similarity is text against text, standardised within its title's lines.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from embed.ragged import spans
from index.snapshot import Snapshot
from index.titles import ABSENT, best_of, inner_products
from match.blend import TIE_DIGITS, Prior, similarity_of
from match.clicks.priors import PriorColumns

Told = tuple[
    int, int, int
]  # a title's lines: how many, how many the locale does not read, how many others contradict the picture

NO_LINES = "its title has no lines of copy"


class Line(NamedTuple):
    """A line of copy as one user sees it; its two parts add up to the score."""

    copy_id: str
    text: str
    score: float  # log-odds
    prior_part: float  # of it, in log-odds
    similarity_part: float  # the same
    prior: Prior  # the line's own


@dataclass(frozen=True)
class PageLines:
    """The lines of copy of a page's titles, and what is the same for all users who ask for it."""

    numbers: np.ndarray  # (l,) int64, the snapshot's, title by title
    titles: np.ndarray  # (l,) int64 places of their titles on the page
    having: np.ndarray  # (h,) int64 places of the titles that have some
    begins: np.ndarray  # (h + 1,) int64: where those of each begin
    read: np.ndarray | None  # (l,) bool: what the context's locale reads; None for all
    cosines: np.ndarray  # (q, l) float32 of all that was asked

    @classmethod
    def of(cls, snapshot: Snapshot, titles: np.ndarray, queries: np.ndarray, locale: str | None) -> "PageLines | None":
        """None where no title of the page has any. titles: (t,) their numbers; queries: (q, d) float32."""
        lines = snapshot.lines
        counts = lines.first[titles + 1] - lines.first[titles]
        having = counts.nonzero()[0]
        if not len(having):
            return None
        numbers = spans(lines.first[titles[having]], counts[having])
        read = lines.speak(locale)
        return cls(
            numbers,
            having.repeat(counts[having]),
            having,
            np.append(0, counts[having].cumsum()),
            None if read is None else read[numbers],
            inner_products(snapshot.words.vectors, lines.words[numbers], queries).T,
        )

    def similarity(self, asked: slice, shares: np.ndarray, spread: float) -> np.ndarray:
        """(l,) float64 of the user with the queries `asked`: see `blend.similarity_of`."""
        return similarity_of(self.cosines[asked], shares, self.begins, spread)[0]

    def best(self, snapshot: Snapshot, scores: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, list[Told | None]]:
        """((t,) place of each title's best line, ABSENT where none may stand beside its picture; what is told of it).

        scores: (l,) log-odds; rows: (t,) each title's picture, ABSENT for none. What is told is None where a title has no lines.
        """
        beside = rows[self.titles]
        unread = np.zeros(len(self.numbers), bool) if self.read is None else ~self.read
        clash = snapshot.lines.contradict(self.numbers, beside) & ~unread
        places = best_of(np.where(unread | clash | (beside == ABSENT), -np.inf, scores.round(TIE_DIGITS)), self.begins)
        best = np.full(len(rows), ABSENT)
        best[self.having] = places
        told: list[Told | None] = [None] * len(rows)
        counts = (np.add.reduceat(stopped.astype(np.int64), self.begins[:-1]).tolist() for stopped in (unread, clash))
        sizes = (self.begins[1:] - self.begins[:-1]).tolist()
        for title, *of_title in zip(self.having.tolist(), sizes, *counts, strict=True):
            told[title] = (of_title[0], of_title[1], of_title[2])
        return best, told


def scored(snapshot: Snapshot, priors: PriorColumns, numbers: np.ndarray, similarity_parts: np.ndarray) -> list[Line]:
    """These lines (n,) of the snapshot with their parts of the score (n,)."""
    rows = pa.array(numbers)
    ids, texts = (snapshot.lines.table[name].take(rows).to_pylist() for name in ("copy_id", "text"))
    parts = priors.log_odds[numbers]
    columns = ((parts + similarity_parts).tolist(), parts.tolist(), similarity_parts.tolist())
    counts = map(Prior, *(column[numbers].tolist() for column in (priors.mean, priors.impressions, priors.plays)))
    return list(map(Line, ids, texts, *columns, counts))


@lru_cache(maxsize=4096)
def reason(told: Told | None, pictured: bool) -> str:
    """Why a title has its line or none; told: as `PageLines.best` has it."""
    if told is None:
        return NO_LINES
    size, unread, clash = told
    free = size - unread - clash
    if not pictured:
        return "there is no artwork that it could stand beside"
    if free == size:
        return f"the best of {size} lines" if size > 1 else "the only line of its title"
    if free:
        return (
            f"the best of {free} of {size} lines that go with it"
            if free > 1
            else f"the only one of {size} lines that goes with it"
        )
    stopped = [f"{count} by {name}" for count, name in ((unread, "locale"), (clash, "contradiction")) if count]
    return (
        f"none of {size} lines goes with it ({', '.join(stopped)})"
        if size > 1
        else f"its title's only line is not for it ({stopped[0]})"
    )
