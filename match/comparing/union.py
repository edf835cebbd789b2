"""The artwork that either side may choose of some titles, numbered once for both."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from index.titles import ABSENT
from match.bulk import Bulk

COLUMNS = ("artwork_id", "path", "sha256")
SIDES = 2


@dataclass(frozen=True)
class Union:
    """Artwork by title; the same artwork_id of a title is one artwork, whatever its picture."""

    table: pa.Table  # artwork_id, path, sha256: as the latter side has them, where it does
    titles: np.ndarray  # (n,) int64, places among the titles compared
    rows: np.ndarray  # (2, n) int64: as each side's snapshot counts artwork, ABSENT where it may not be chosen there
    numbers: tuple[np.ndarray, np.ndarray]  # per side (places + 1,) int64: of each of `Bulk.artwork_ids`, and ABSENT last
    repainted: np.ndarray  # (n,) bool: on both sides, with another picture

    @classmethod
    def of(cls, bulks: tuple[Bulk, Bulk]) -> "Union":
        """Both of the same titles."""
        ids = pa.concat_arrays([bulk.artwork_ids.cast(pa.string()) for bulk in bulks]).dictionary_encode()
        titles = np.concatenate([np.arange(len(bulk.title_ids)).repeat(np.diff(bulk.begins)) for bulk in bulks])
        keys = titles * max(len(ids.dictionary), 1) + ids.indices.to_numpy()
        _, first, numbers = np.unique(keys, return_index=True, return_inverse=True)
        sizes = len(bulks[0].rows), len(bulks[1].rows)
        of_sides = numbers[: sizes[0]], numbers[sizes[0] :]
        rows = np.full((SIDES, len(first)), ABSENT)
        for side, bulk in enumerate(bulks):
            rows[side, of_sides[side]] = bulk.rows
        both = (rows != ABSENT).all(axis=0)
        repainted = _differ(bulks, rows, both)
        table = pa.table({name: _told(bulks, rows, name) for name in COLUMNS})
        return cls(table, titles[first], rows, (np.append(of_sides[0], ABSENT), np.append(of_sides[1], ABSENT)), repainted)


def _told(bulks: tuple[Bulk, Bulk], rows: np.ndarray, column: str) -> pa.Array:
    """(n,) texts of the latter side, of the former where that has none."""
    of_sides = []
    for bulk, own in zip(bulks, rows, strict=True):
        absent = pa.array(own == ABSENT)
        values = bulk.matcher.snapshot.take(column, np.where(own == ABSENT, 0, own)) if len(bulk.rows) else pa.nulls(len(own))
        whole = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
        of_sides.append(pc.if_else(absent, None, whole.cast(pa.string())))
    return pc.coalesce(of_sides[1], of_sides[0])


def _differ(bulks: tuple[Bulk, Bulk], rows: np.ndarray, both: np.ndarray) -> np.ndarray:
    """(n,) bool: of artwork on both sides, whether the pictures are other ones."""
    differ, there = np.zeros(len(both), bool), np.flatnonzero(both)
    if len(there):
        before, after = (bulk.matcher.snapshot.take("sha256", own[there]) for bulk, own in zip(bulks, rows, strict=True))
        differ[there] = pc.fill_null(pc.not_equal(before, after), False).to_numpy(zero_copy_only=False)
    return differ
