"""What the tags and the micro-copy of artwork say, held against tastes: text against text, in the text tower's own space.

As an artwork's picture: less the mean of its title's artwork, in units of how much such fits usually differ. An artwork without
words is neither better nor worse for it. Pictures and words are put together interest by interest, before the interest that an
artwork meets best speaks for it: an artwork that shows a dog to one interest and says "sea" to another is no better than either.
So a score stays linear in each interest, and `match.bulk` has words and pictures in one matrix product.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from index.snapshot import Snapshot
from index.titles import Page, best_of
from index.words import Words
from match.blend import Weights, of_interests, standardised


@dataclass(frozen=True)
class PageWords:
    """The artwork of a page that bears words."""

    at: np.ndarray  # (b,) int64 places on the page
    begins: np.ndarray  # where those of each title that has some begin in `at`, and the end
    cosines: np.ndarray  # (q, b) float64 of all that was asked

    @classmethod
    def of(cls, page: Page, words: Words, queries: np.ndarray) -> "PageWords":
        """queries: (q, d) float32."""
        at = words.bearing(page.rows).nonzero()[0]
        begins = np.unique(at.searchsorted(page.starts))
        return cls(at, begins, words.cosines(queries, page.rows[at]))

    def standardised(self, asked: slice, artworks: int, spread: float) -> np.ndarray:
        """(k, artworks) float64 of the page's: how many spreads above its title's mean each one's words are; 0 without words."""
        worth = np.zeros((asked.stop - asked.start, artworks))
        worth[:, self.at] = standardised(self.cosines[asked], self.begins, spread)
        return worth


def with_words(
    similar: np.ndarray, worded: np.ndarray, shares: np.ndarray, weights: Weights
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """((n,) the similarities' part of the score, (n,) what words add to it, (n,) int64 the interest that speaks for each).

    similar, worded: (k, n) of the user's interests, standardised; shares: (k,). See `blend.similarity_of`.
    """
    similarity, speaking = of_interests(similar, shares)
    part = weights.similarity * similarity
    if len(similar) == 1:
        return part, weights.words * worded[0], speaking
    unit = weights.personal
    if not unit:
        return part, np.zeros_like(part), speaking
    together, speaking = of_interests(similar * (weights.similarity / unit) + worded * (weights.words / unit), shares)
    return part, unit * together - part, speaking


def nearest_words(snapshot: Snapshot, rows: np.ndarray, queries: np.ndarray) -> list[str | None]:
    """Of each artwork (n,) the word of it that is nearest to the query beside it, (n, d) float32; None where it bears none."""
    words = snapshot.words
    counts = words.bearing(rows)
    numbers = words.of(rows)
    found: list[str | None] = [None] * len(rows)
    if len(numbers):
        cosines = np.einsum("nd,nd->n", words.vectors[numbers], queries.repeat(counts, axis=0))
        there = counts.nonzero()[0]
        best = best_of(cosines, np.append(0, counts[there].cumsum()))
        texts = words.table["text"].take(pa.array(numbers[best])).to_pylist()
        for place, text in zip(there.tolist(), texts, strict=True):
            found[place] = text
    return found
