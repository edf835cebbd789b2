"""Artwork's unit vectors in one matrix, sorted by title: a page of titles is read where it lies, and nothing about it is approximate.

The matrix may be a read-only memory map, whose pages all processes of a machine share. FAISS multiplies row by row
(`pairwise_indexed_inner_product`), so that a similarity depends on its two vectors alone, not on the page it was asked with, nor
on the number of queries or threads: equal vectors are equally near, on every machine of a kind, and ties break by row.
"""

from dataclasses import dataclass

import numpy as np

ABSENT = -1  # the row where a title has no artwork any more


@dataclass(frozen=True)
class TitleIndex:
    """Unit vectors of artwork by title. Make one with `build_index`, or open a snapshot."""

    matrix: np.ndarray  # (artworks, d) float32, C-contiguous, may be read-only; rows are those of the snapshot's artwork table
    first_rows: np.ndarray  # (titles + 1,) int64: where each title's rows begin, and the end

    @property
    def dimension(self) -> int:
        """d, the length of a vector."""
        return int(self.matrix.shape[1])

    @property
    def titles(self) -> int:
        """How many titles there are, those without artwork included."""
        return len(self.first_rows) - 1

    @property
    def artworks(self) -> int:
        """How many vectors there are."""
        return len(self.matrix)

    def sizes(self, titles: np.ndarray) -> np.ndarray:
        """(t,) int64: how many artworks each of these titles has. Raises ValueError where a title number is none."""
        self._check(titles)
        sizes: np.ndarray = self.first_rows[titles + 1] - self.first_rows[titles]
        return sizes

    def vectors(self, title: int) -> np.ndarray:
        """The title's vectors in row order, (artworks, d) float32, read-only. Raises ValueError where the number is none."""
        self._check(np.array([title]))
        vectors = self.matrix[self.first_rows[title] : self.first_rows[title + 1]]
        vectors.flags.writeable = False
        return vectors

    def similarities(self, queries: np.ndarray, titles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The inner product of each query with every artwork of each title.

        queries: (q, d) float32; titles: (t,) integers in 0..titles-1, repeats allowed.
        Returns similarities (q, t, k) float32 and rows (t, k) int64, k being the most artworks of any title asked: in row order,
        nan and ABSENT where a title has fewer. Memory goes with q * t * k: ask for titles of like size together.
        Raises ValueError where the shapes do not fit or a title number is none.
        """
        queries = np.ascontiguousarray(queries, np.float32)
        if queries.ndim != 2 or queries.shape[1] != self.dimension:
            raise ValueError(f"queries of shape {queries.shape} do not fit vectors of {self.dimension} numbers")
        order = np.argsort(titles, kind="stable")  # memory is read forwards
        titles = titles[order]
        sizes = self.sizes(titles)
        places = np.arange(sizes.max(initial=0))
        there = places < sizes[:, None]  # (t, k)
        rows = np.where(there, self.first_rows[titles][:, None] + places, ABSENT)
        similarities = np.full((len(queries), *rows.shape), np.nan, np.float32)
        similarities[:, there] = self._products(queries, rows[there]).T
        back = np.argsort(order)
        return similarities[:, back], rows[back]

    def _products(self, queries: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """(rows, q) float32 inner products; rows are read in their order, and the queries of a row one after the other."""
        import faiss

        products = np.empty((len(rows), len(queries)), np.float32)
        if products.size:
            of_row = np.repeat(rows, len(queries))
            of_query = np.tile(np.arange(len(queries), dtype=np.int64), len(rows))
            faiss.pairwise_indexed_inner_product(  # type: ignore[attr-defined]  # not in its stubs
                self.dimension,
                products.size,
                *map(faiss.swig_ptr, (queries, of_query, self.matrix, of_row, products)),
            )
        return products

    def _check(self, titles: np.ndarray) -> None:
        """FAISS itself reads whatever memory it is pointed at."""
        if len(titles) and not (titles.min() >= 0 and titles.max() < self.titles):
            raise ValueError(f"title numbers must lie in 0..{self.titles - 1}")


def build_index(vectors: np.ndarray, titles: np.ndarray, title_count: int) -> TitleIndex:
    """An index of (n, d) float32 unit vectors; titles: (n,) the title number of each, in 0..title_count-1, in rising order.

    Raises ValueError where a vector is not finite and of unit length, a title number is none, or they do not rise.
    """
    vectors = np.ascontiguousarray(vectors, np.float32)
    titles = np.asarray(titles, np.int64)
    if len(vectors) and not np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-3):
        raise ValueError("vectors must be finite and of unit length")
    if len(titles) != len(vectors) or (len(titles) and not (titles.min() >= 0 and titles.max() < title_count)):
        raise ValueError(f"every vector needs a title number in 0..{title_count - 1}")
    if (np.diff(titles) < 0).any():
        raise ValueError("vectors must be sorted by title number")
    return TitleIndex(vectors, np.searchsorted(titles, np.arange(title_count + 1)).astype(np.int64))
