"""What every contender's answers are held against: numpy, title by title."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from artwork_doors.benching.catalogs import best_of_runs, rows_of

NEAR = 1e-6  # of the best similarity: products summed in another order differ by less, and neither is wrong


@dataclass(frozen=True)
class Truth:
    """A page's right answer."""

    titles: np.ndarray  # (t,) those asked
    starts: np.ndarray  # (t,) where each one's artworks begin
    rows: np.ndarray  # (n,) of all artworks of the page
    similarities: np.ndarray  # (n,) float32: to the nearest of the interests
    best: np.ndarray  # (t,) each title's row, the lowest of equals


def truth_of(vectors: np.ndarray, first_rows: np.ndarray, queries: np.ndarray, titles: np.ndarray) -> Truth:
    """vectors (artworks, d), first_rows (titles of the catalog + 1,), queries (q, d), titles (t,); every title has artwork."""
    rows, starts = rows_of(first_rows, titles)
    similarities = (vectors[rows] @ queries.T).max(axis=1)
    return Truth(titles, starts, rows, similarities, best_of_runs(similarities, rows, starts))


def right(truth: Truth, titles: Sequence[int], rows: Sequence[int]) -> int:
    """How many of the page's titles were answered with an artwork of theirs, as near as the best; what is not answered is wrong."""
    answered = dict(zip(titles, rows, strict=True))
    given = np.array([answered.get(title, -1) for title in truth.titles.tolist()])
    sizes = np.diff(truth.starts, append=len(truth.rows))
    places = given - truth.rows[truth.starts]  # of the answer among the title's own artworks
    theirs = (places >= 0) & (places < sizes)
    nearest = np.maximum.reduceat(truth.similarities, truth.starts)
    at = truth.starts + np.where(theirs, places, 0)
    return int((theirs & (truth.similarities[at] >= nearest - NEAR)).sum())


def half_precision_agreement(vectors: np.ndarray, first_rows: np.ndarray, queries: np.ndarray, titles: np.ndarray) -> float:
    """The share of titles whose best artwork stays the best where vectors are kept as float16, and multiplied in float32."""
    truth = truth_of(vectors, first_rows, queries, titles)
    halved = vectors[truth.rows].astype(np.float16).astype(np.float32)
    similarities = (halved @ queries.T).max(axis=1)
    found = best_of_runs(similarities, truth.rows, truth.starts)
    return right(truth, titles.tolist(), found.tolist()) / len(titles)
