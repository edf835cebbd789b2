"""A FAISS index whose inverted list IS the title: one call answers a page of titles for a user, exactly.

The inverted file (Jégou et al. 2011) usually assigns vectors to the nearest of its own centroids; here the publisher's titles
are the assignment: no centroid is ever looked at, and a title's list is scanned whole, so nothing about it is approximate.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

ABSENT = -1  # FAISS's own mark for "no such answer"


@dataclass(frozen=True)
class TitleIndex:
    """Unit vectors of artwork by title. Make one with `build_index`, or open a snapshot."""

    faiss_index: Any  # faiss.IndexIVFFlat, inner product; ids are rows of the snapshot's artwork table

    @property
    def dimension(self) -> int:
        """d, the length of a vector."""
        return int(self.faiss_index.d)

    @property
    def titles(self) -> int:
        """How many titles (inverted lists) there are, empty ones included."""
        return int(self.faiss_index.nlist)

    @property
    def artworks(self) -> int:
        """How many vectors there are."""
        return int(self.faiss_index.ntotal)

    def sizes(self, titles: np.ndarray) -> np.ndarray:
        """(t,) int64: how many artworks each of these titles has. Raises ValueError where a title number is none."""
        self._check(titles)
        lists = self.faiss_index.invlists
        return np.array([lists.list_size(int(title)) for title in titles], np.int64)

    def vectors(self, title: int) -> np.ndarray:
        """The title's vectors in row order, (artworks, d) float32, copied. Raises ValueError where the number is none."""
        import faiss

        self._check(np.array([title]))
        lists = self.faiss_index.invlists
        size = int(lists.list_size(title))
        codes = faiss.rev_swig_ptr(lists.get_codes(title), size * self.dimension * 4)
        vectors: np.ndarray = codes.view(np.float32).reshape(size, self.dimension).copy()
        return vectors

    def nearest(self, queries: np.ndarray, titles: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """The k nearest artworks of each title for each query.

        queries: (q, d) float32; titles: (t,) int64 list numbers in 0..titles-1.
        Returns similarities (q, t, k) float32, nan where a title has fewer than k artworks, and rows (q, t, k) int64, ABSENT
        there; each title's answers by falling similarity. Memory goes with q * t * k.
        Raises ValueError where the shapes do not fit or a title number is none.
        """
        queries = np.ascontiguousarray(queries, np.float32)
        if queries.ndim != 2 or queries.shape[1] != self.dimension:
            raise ValueError(f"queries of shape {queries.shape} do not fit vectors of {self.dimension} numbers")
        self._check(titles)
        shape = (len(queries), len(titles), k)
        if 0 in shape:
            return np.empty(shape, np.float32), np.empty(shape, np.int64)
        asked = np.repeat(queries, len(titles), axis=0)  # (q * t, d): one probe each, so that lists do not mix
        lists = np.tile(titles.astype(np.int64), len(queries))[:, None]  # (q * t, 1)
        similarities, rows = self.faiss_index.search_preassigned(asked, k, lists, np.zeros(lists.shape, np.float32))
        similarities[rows == ABSENT] = np.nan  # FAISS leaves the lowest float there
        return similarities.reshape(shape), rows.reshape(shape)

    def _check(self, titles: np.ndarray) -> None:
        """FAISS itself reads whatever memory lies at the number of a list that is not there."""
        if len(titles) and not (titles.min() >= 0 and titles.max() < self.titles):
            raise ValueError(f"title numbers must lie in 0..{self.titles - 1}")


def build_index(vectors: np.ndarray, titles: np.ndarray, title_count: int) -> TitleIndex:
    """An index of (n, d) float32 unit vectors; titles: (n,) the title number of each, in 0..title_count-1.

    Raises ValueError where a vector is not finite and of unit length, or a title number is none.
    """
    import faiss

    vectors = np.ascontiguousarray(vectors, np.float32)
    assignment = np.ascontiguousarray(titles, np.int64)
    rows = np.arange(len(vectors), dtype=np.int64)
    if len(vectors) and not np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-3):
        raise ValueError("vectors must be finite and of unit length")
    if len(assignment) != len(vectors) or (len(assignment) and not (assignment.min() >= 0 and assignment.max() < title_count)):
        raise ValueError(f"every vector needs a title number in 0..{title_count - 1}")
    dimension = vectors.shape[1]
    quantizer = faiss.IndexFlatIP(dimension)  # stays empty: lists are given, never looked up
    ivf = faiss.IndexIVFFlat(quantizer, dimension, max(title_count, 1), faiss.METRIC_INNER_PRODUCT)
    ivf.own_fields = True
    quantizer.this.disown()  # type: ignore[attr-defined]  # the index frees it
    ivf.by_residual = False
    ivf.is_trained = True
    # add_core, not contrib's add_preassigned: that one frees the ids it stores. The arrays above must outlive the call.
    ivf.add_core(len(vectors), faiss.swig_ptr(vectors), faiss.swig_ptr(rows), faiss.swig_ptr(assignment))
    return TitleIndex(ivf)
