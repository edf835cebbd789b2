"""How alike two sides order a title's artwork, beyond the best: Kendall's tau, of a sample of users and titles."""

from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc

from match.matcher import Matcher

USERS = 40
TITLES = 40


@dataclass(frozen=True)
class Agreement:
    """The mean over pairs of a user and a title with two artworks at least that both sides have."""

    tau: float  # -1..1: 1 where all is in the same order, 0 where orders have nothing in common; nan without pairs
    pairs: int


def agreement(sides: tuple[Matcher, Matcher], user_ids: list[str], title_ids: list[str]) -> Agreement:
    """Of USERS users and TITLES titles, evenly spread. Kendall's tau-b (Kendall 1945); orders in which all is tied have none."""
    from scipy.stats import kendalltau

    shared = _shared(sides, title_ids)
    found = []
    for user_id in _spread(user_ids, USERS):
        scores = [_scores(side, user_id, [rows[place] for rows in shared]) for place, side in enumerate(sides)]
        for before, after in zip(*scores, strict=True):
            if np.ptp(before) and np.ptp(after):
                found.append(float(kendalltau(before, after).statistic))
    return Agreement(float(np.mean(found)) if found else float("nan"), len(found))


def _shared(sides: tuple[Matcher, Matcher], title_ids: list[str]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Of each title with two artworks at least that both sides have, their rows on each side."""
    shared = []
    for title_id in _spread(title_ids, TITLES):
        rows, ids = zip(*(_artwork(side, title_id) for side in sides), strict=True)
        other = pc.index_in(ids[0], ids[1])
        both = other.is_valid().to_numpy(zero_copy_only=False)
        if both.sum() > 1:
            shared.append((rows[0][both], rows[1][other.drop_null().to_numpy()]))
    return shared


def _artwork(side: Matcher, title_id: str) -> "tuple[np.ndarray, object]":
    """A title's rows and their artwork_ids."""
    number = side.snapshot.title_numbers[title_id]
    rows = np.arange(*side.snapshot.index.first_rows[number : number + 2])
    return rows, side.snapshot.take("artwork_id", rows)


def _scores(side: Matcher, user_id: str, rows: list[np.ndarray]) -> list[np.ndarray]:
    """The scores of each title's rows, as they are compared."""
    if not rows:
        return []
    page, parts = side.parts(user_id, side.snapshot.index.titles_of(np.array([some[0] for some in rows])))
    order = parts.order
    return [order[np.searchsorted(page.rows, some)] for some in rows]


def _spread(items: list[str], most: int) -> list[str]:
    if len(items) <= most:
        return items
    return [items[place] for place in np.linspace(0, len(items) - 1, most).astype(int)]
