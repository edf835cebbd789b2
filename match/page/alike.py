"""What looks like an artwork: the nearest pictures of the catalog, and those with the same bytes.

A page in a file looks among the artwork that it shows, so that it leads nowhere where the file ends, and for many at a time.
"""

from typing import NamedTuple

import numpy as np
import pyarrow.compute as pc

from index.everywhere import nearest
from index.titles import ABSENT, TitleIndex
from match.page.documents.blocks import BLOCK
from match.page.site import Site

NEAREST = 8  # that are no duplicates
MOST_ALIKE = 24  # duplicates


class Alike(NamedTuple):
    """Rows of other artwork."""

    same_file: list[int]
    near: list[tuple[int, float]]  # with cosines, the nearest first, without those of the same file
    among: int  # of how many artworks
    how: str  # they were looked for


class _Table(NamedTuple):
    """The nearest of some artworks."""

    rows: np.ndarray  # (n,) int64, rising
    others: np.ndarray  # (n, k) int64, ABSENT where there are fewer
    cosines: np.ndarray  # (n, k) float32
    how: str


def alike(site: Site, row: int) -> Alike:
    """What looks like the artwork at a row of the snapshot."""
    shown = None if site.is_live else shown_rows(site)
    table = _nearest(site, row) if shown is None else _of_block(site, row, shown)
    at = int(table.rows.searchsorted(row))
    same = _same_file(site, row, shown)
    found = zip(table.others[at].tolist(), table.cosines[at].tolist(), strict=True)
    near = [one for one in found if one[0] not in (ABSENT, row) and one[0] not in same]
    among = site.matcher.snapshot.index.artworks if shown is None else len(shown)
    return Alike(sorted(same), near, among, table.how)


def shown_rows(site: Site) -> np.ndarray:
    """(n,) int64 rows, rising, of the artwork of all titles that are shown."""
    return site.remembered("shown rows", lambda: np.sort(site.catalog.rows))


def _nearest(site: Site, row: int) -> _Table:
    index, rows = site.matcher.snapshot.index, np.array([row])
    found = nearest(index, index.vectors_of(rows), NEAREST + MOST_ALIKE + 1)
    return _Table(rows, found.rows, found.similarities, found.how)


def _of_block(site: Site, row: int, shown: np.ndarray) -> _Table:
    """Of the artworks shown beside this one, and this one."""
    start = int(shown.searchsorted(row)) // (BLOCK * BLOCK) * BLOCK * BLOCK
    some = shown[start : start + BLOCK * BLOCK]
    if row not in some:  # a link led here from outside the page
        some = np.array([row])
    return site.remembered(("nearest", int(some[0]), len(some)), lambda: _nearest_of(site, some, shown))


def _nearest_of(site: Site, rows: np.ndarray, shown: np.ndarray) -> _Table:
    index = site.matcher.snapshot.index
    part = TitleIndex((index.vectors_of(shown),), np.array([0, len(shown)]), np.zeros(1, np.int64))
    found = nearest(part, index.vectors_of(rows), NEAREST + MOST_ALIKE + 1)
    others = np.where(found.rows == ABSENT, ABSENT, shown[found.rows])
    return _Table(rows, others, found.similarities, found.how)


def _same_file(site: Site, row: int, shown: np.ndarray | None) -> set[int]:
    """Rows of other artwork with the same bytes."""
    column = site.matcher.snapshot.artwork["sha256"]
    rows = np.flatnonzero(pc.equal(column, column[row]).to_numpy())
    if len(rows) > 1 and shown is not None:
        rows = np.intersect1d(rows, shown)
    return set(rows.tolist()) - {row}
