"""Words as a snapshot has them: which tags and micro-copy each artwork bears, and each title's lines of copy, with their vectors.

A word's inner product is multiplied row by row, as an artwork's (see index.titles), so that it depends on its two vectors alone.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from embed.ragged import spans
from index.filters import speaks
from index.titles import inner_products


@dataclass(frozen=True)
class Words:
    """The words of a snapshot, and which of them each artwork bears. Rows are those of the snapshot's artwork."""

    table: pa.Table  # (words,) kind and text, in their order
    vectors: np.ndarray  # (words, d) float32 unit vectors
    begins: np.ndarray  # (artworks + 1,) where each artwork's words begin in `numbers`
    numbers: np.ndarray  # (n,) int32 rows of `vectors`, each once per artwork
    scatter: (
        np.ndarray
    )  # (d, d) float32: outer product of (mean of an artwork's words - its title's mean), mean where that differs

    def __bool__(self) -> bool:
        return len(self.numbers) > 0

    def bearing(self, rows: np.ndarray) -> np.ndarray:
        """(n,) int64: how many words each of these artworks (n,) bears."""
        counts: np.ndarray = (self.begins[rows + 1] - self.begins[rows]).astype(np.int64)
        return counts

    def of(self, rows: np.ndarray) -> np.ndarray:
        """The words of these artworks (n,), one artwork's after the other's: rows of `vectors`."""
        found: np.ndarray = self.numbers[spans(self.begins[rows].astype(np.int64), self.bearing(rows))]
        return found

    def cosines(self, queries: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """(q, n) float64: the mean of each query's inner products with the words of these artworks; 0 where one bears none.

        queries: (q, d) float32; rows: (n,).
        """
        counts = self.bearing(rows)
        cosines = np.zeros((len(queries), len(rows)))
        there = np.flatnonzero(counts)
        if len(there):
            distinct, each = np.unique(self.of(rows), return_inverse=True)
            products = inner_products(self.vectors, distinct.astype(np.int64), queries)[each]  # (words borne, q)
            ends = np.cumsum(counts[there])
            sums = np.add.reduceat(products.astype(np.float64), ends - counts[there], axis=0)
            cosines[:, there] = (sums / counts[there, None]).T
        return cosines

    def means(self, rows: np.ndarray) -> np.ndarray:
        """(n, d) float32: the mean of the vectors of each of these artworks' words; 0 where one bears none."""
        counts, first = self.bearing(rows), self.begins[rows]
        means = np.zeros((len(rows), self.vectors.shape[1]), np.float32)
        for number in range(
            counts.max(initial=0)
        ):  # each one's first word, each one's second, ...: numpy's reduceat takes far longer
            more = (counts > number).nonzero()[0]
            means[more] += self.vectors[self.numbers[first[more] + number]]
        means /= np.maximum(counts, 1)[:, None].astype(np.float32)
        return means


@dataclass(frozen=True)
class Lines:
    """The lines of micro-copy of a snapshot, by title_id and then copy_id; title t's are first[t]:first[t + 1]."""

    table: pa.Table  # COPY
    first: np.ndarray  # (titles + 1,) int64
    words: np.ndarray  # (lines,) int64: each one's text among the words' vectors
    scatter: np.ndarray  # (d, d) float32: outer product of (vector - mean of its title's lines), mean where that differs
    opposed: np.ndarray  # (m,) int64, rising: line * artworks + row of each pair whose tags or locales contradict each other
    artworks: int

    def __len__(self) -> int:
        return len(self.words)

    def contradict(self, lines: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """(n,) bool: whether each of these lines (n,) contradicts the artwork beside it, rows (n,), of its title."""
        if not len(self.opposed):
            return np.zeros(len(lines), bool)
        keys = lines * self.artworks + rows
        places = np.minimum(np.searchsorted(self.opposed, keys), len(self.opposed) - 1)
        found: np.ndarray = self.opposed[places] == keys
        return found

    def speak(self, locale: str | None) -> np.ndarray | None:
        """(lines,) bool: which lines a viewer of that locale reads; None for all of them."""
        locales, numbers = self._locales
        if locale is None or not locales:
            return None
        read: np.ndarray = np.array([speaks(one, locale) for one in locales] + [True])[numbers]
        return read

    @cached_property
    def _locales(self) -> tuple[tuple[str, ...], np.ndarray]:
        """Every locale, and of each line its number; that of none is one more."""
        encoded = pc.dictionary_encode(self.table["locale"]).combine_chunks()
        locales = tuple(encoded.dictionary.to_pylist()) if len(self.table) else ()
        return locales, pc.fill_null(encoded.indices, len(locales)).to_numpy() if locales else np.empty(0, np.int64)
