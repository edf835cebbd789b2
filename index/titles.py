"""Artwork's unit vectors by title: a page of titles is read where it lies, and nothing about it is approximate.

The vectors lie in two matrices, which may be read-only memory maps whose pages all processes of a machine share: the base, and
the titles that changed since the base was written. In both, a title's vectors lie together, in the order of its artwork. FAISS
multiplies row by row (`pairwise_indexed_inner_product`), so that a similarity depends on its two vectors alone, not on the page it
was asked with, nor on the number of queries or threads, nor on the matrix: equal vectors are equally near, on every machine of a
kind, and ties break by row.
"""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, reduce

import numpy as np

from embed.encoder import UNIT_TOLERANCE
from embed.ragged import counted, distinct

ABSENT = -1  # the row where a title has no artwork
FEW = 1 << 11  # inner products that one thread makes sooner than others wake up, above all where the machine has more to do
MEMORY_PAGE = 1 << 12  # bytes: of a mapped file
CACHE_LINE = 64  # bytes
MOST_KEPT = 1 << 20  # pairs of a row and a query whose memory, 16 bytes each, a thread keeps
BLOCK = 1 << 16  # vectors checked or copied at a time


@dataclass(frozen=True)
class Page:
    """Every artwork of some titles, title by title: title i's are starts[i]:starts[i + 1] of `rows` and of `similarities`."""

    titles: np.ndarray  # (t,) int64, ascending: those asked, each once
    starts: np.ndarray  # (t + 1,) int64
    sizes: np.ndarray  # (t,) int64: how many artworks each title has
    first_rows: np.ndarray  # (t,) int64: where each title's rows begin
    rows: np.ndarray  # (n,) int64, ascending
    places: np.ndarray  # (n,) int64: where their vectors lie, as TitleIndex counts them
    similarities: np.ndarray  # (q, n) float32: inner products with each query

    def best(self) -> np.ndarray:
        """(t,) int64: of each title, the row most similar to any of the queries, ABSENT where it has no artwork; ties go to the
        lowest row. Raises ValueError where there is no query."""
        if not len(self.similarities):
            raise ValueError("a page asked without a query has no best artwork")
        places = best_of(reduce(np.maximum, self.similarities), self.starts)
        return np.where(places == ABSENT, ABSENT, self.rows.take(places, mode="clip")) if len(self.rows) else places


@dataclass(frozen=True)
class TitleIndex:
    """Unit vectors of artwork by title. Make one with `build_index`, or open a snapshot."""

    parts: tuple[np.ndarray, ...]  # the base and what changed since: (.., d) float32 each, C-contiguous, may be read-only
    first_rows: np.ndarray  # (titles + 1,) int64: where each title's rows begin, and the end; rows are the artwork table's
    first_vectors: np.ndarray  # (titles,) int64: where each title's vectors begin, the parts counted one after the other

    @property
    def dimension(self) -> int:
        """d, the length of a vector."""
        return int(self.parts[0].shape[1])

    @property
    def titles(self) -> int:
        """How many titles there are, those without artwork included."""
        return len(self.first_rows) - 1

    @property
    def artworks(self) -> int:
        """How many artworks there are."""
        return int(self.first_rows[-1])

    @cached_property
    def largest(self) -> int:
        """How many artworks the title with the most has."""
        return int(np.diff(self.first_rows).max(initial=0))

    def sizes(self, titles: np.ndarray) -> np.ndarray:
        """(t,) int64: how many artworks each of these titles has. Raises ValueError where a title number is none."""
        if len(titles):
            self._check(titles.min(), titles.max())
        sizes: np.ndarray = self.first_rows[titles + 1] - self.first_rows[titles]
        return sizes

    def vectors(self, title: int) -> np.ndarray:
        """The title's vectors in row order, (artworks, d) float32, read-only. Raises ValueError where the number is none."""
        self._check(title, title)
        size, first = self.first_rows[title + 1] - self.first_rows[title], self.first_vectors[title]
        base = len(self.parts[0])
        vectors = self.parts[0][first : first + size] if first < base or not size else self.parts[1][first - base :][:size]
        vectors.flags.writeable = False
        return vectors

    def vectors_of(self, rows: np.ndarray) -> np.ndarray:
        """(n, d) float32: a copy of these rows' vectors. Raises ValueError where a row is none."""
        if len(rows) and not (rows.min() >= 0 and rows.max() < self.artworks):
            raise ValueError(f"rows must lie in 0..{self.artworks - 1}")
        titles = self.titles_of(rows)
        return self.gather(self.first_vectors[titles] + (rows - self.first_rows[titles]))

    def titles_of(self, rows: np.ndarray) -> np.ndarray:
        """(n,) int64: the title of each of these rows (n,), which must be rows."""
        titles: np.ndarray = np.searchsorted(self.first_rows, rows, side="right") - 1
        return titles

    def page(self, queries: np.ndarray, titles: np.ndarray) -> Page:
        """The inner product of each query with every artwork of each title.

        queries: (q, d) float32; titles: (t,) integers in 0..titles-1, repeats allowed.
        Raises ValueError where the shapes do not fit or a title number is none.
        """
        queries = np.ascontiguousarray(queries, np.float32)
        if queries.ndim != 2 or queries.shape[1] != self.dimension:
            raise ValueError(f"queries of shape {queries.shape} do not fit vectors of {self.dimension} numbers")
        titles = np.asarray(titles, np.int64)
        if not (titles[1:] > titles[:-1]).all():
            titles = distinct(titles)  # ascending: memory is read forwards
        if len(titles):
            self._check(int(titles[0]), int(titles[-1]))
        first_rows = self.first_rows[titles]
        sizes = self.first_rows[titles + 1] - first_rows
        starts = np.zeros(len(titles) + 1, np.int64)
        sizes.cumsum(out=starts[1:])
        rows = (first_rows - starts[:-1]).repeat(sizes)
        rows += counted(len(rows))
        places = rows if self._in_row_order else rows + (self.first_vectors[titles] - first_rows).repeat(sizes)
        return Page(titles, starts, sizes, first_rows, rows, places, self._products(queries, places))

    def gather(self, places: np.ndarray) -> np.ndarray:
        """(n, d) float32: a copy of the vectors at these places (n,) of a page of this index."""
        if self._in_row_order:
            there: np.ndarray = self.parts[0].take(places, axis=0)  # what [places] gives, and a third sooner
            return there
        vectors = np.empty((len(places), self.dimension), np.float32)
        for part, among, inside in self._by_part(places):
            vectors[among] = part[inside]
        return vectors

    def products(self, places: np.ndarray, queries: np.ndarray, of_query: np.ndarray) -> np.ndarray:
        """(n,) float32: the inner product of the vector at each of these places (n,) of a page of this index with the query beside it.

        queries: (q, d) float32, C-contiguous; of_query: (n,) int64, each place's.
        """
        if self._in_row_order:
            return products_of_pairs(self.parts[0], places, queries, of_query)
        products = np.empty(len(places), np.float32)
        for part, among, inside in self._by_part(places):
            products[among] = products_of_pairs(part, inside, queries, of_query[among])
        return products

    def _products(self, queries: np.ndarray, places: np.ndarray) -> np.ndarray:
        """(q, places) float32 inner products; vectors are read in their order, and with all queries one after the other."""
        if self._in_row_order:
            return inner_products(self.parts[0], places, queries).T
        products = np.empty((len(places), len(queries)), np.float32)
        for part, among, inside in self._by_part(places):
            products[among] = inner_products(part, inside, queries)
        return products.T

    @cached_property
    def _in_row_order(self) -> bool:
        """Whether nothing changed since the base was written, so that rows are places in it."""
        return self.artworks <= len(self.parts[0]) and bool(np.array_equal(self.first_vectors, self.first_rows[:-1]))

    def _by_part(self, places: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray | slice, np.ndarray]]:
        """(matrix, which of the places lie in it, where in it)."""
        base = len(self.parts[0])
        changed = places >= base
        if not changed.any():
            yield self.parts[0], slice(None), places
            return
        yield self.parts[0], ~changed, places[~changed]
        yield self.parts[1], changed, places[changed] - base

    def _check(self, lowest: int, highest: int) -> None:
        """FAISS itself reads whatever memory it is pointed at."""
        if not (lowest >= 0 and highest < self.titles):
            raise ValueError(f"title numbers must lie in 0..{self.titles - 1}")


def build_index(vectors: np.ndarray, titles: np.ndarray, title_count: int) -> TitleIndex:
    """An index of (n, d) float32 unit vectors; titles: (n,) the title number of each, in 0..title_count-1, in rising order.

    Raises ValueError where a vector is not finite and of unit length, a title number is none, or they do not rise.
    """
    vectors = np.ascontiguousarray(vectors, np.float32)
    titles = np.asarray(titles, np.int64)
    if not are_units(vectors).all():
        raise ValueError("vectors must be finite and of unit length")
    if len(titles) != len(vectors) or (len(titles) and not (titles.min() >= 0 and titles.max() < title_count)):
        raise ValueError(f"every vector needs a title number in 0..{title_count - 1}")
    if (np.diff(titles) < 0).any():
        raise ValueError("vectors must be sorted by title number")
    first_rows = np.searchsorted(titles, np.arange(title_count + 1)).astype(np.int64)
    return TitleIndex((vectors,), first_rows, first_rows[:-1])


def are_units(vectors: np.ndarray) -> np.ndarray:
    """(n,) bool: which of the (n, d) vectors are finite and of unit length."""
    blocks = (vectors[start : start + BLOCK] for start in range(0, len(vectors), BLOCK))
    squares = [np.einsum("nd,nd->n", block, block) for block in blocks]
    lengths = np.sqrt(np.concatenate(squares)) if squares else np.empty(0)
    units: np.ndarray = np.abs(lengths - 1) <= UNIT_TOLERANCE  # nan is not
    return units


def runs(titles: np.ndarray, sizes: np.ndarray, artworks: int) -> Iterator[np.ndarray]:
    """Titles (t,) in runs of about so many artworks together, one title at least; sizes: (t,) each one's artworks."""
    if not len(titles):
        return
    ends = np.cumsum(sizes)
    cuts = np.searchsorted(ends, np.arange(artworks, ends[-1], artworks))
    yield from (run for run in np.split(titles, cuts) if len(run))


def best_of(values: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """(t,) int64: of each title, the place of the highest value, the first of equals; ABSENT where it has none or all are -inf.

    values: (n,) floats without nan; title i's are starts[i]:starts[i + 1].
    """
    sizes = starts[1:] - starts[:-1]
    if not sizes.all():
        best = np.full(len(sizes), ABSENT, np.int64)
        there = sizes > 0
        best[there] = best_of(values, np.append(starts[:-1][there], starts[-1]))
        return best
    if not len(sizes):
        return np.empty(0, np.int64)
    highest = np.maximum.reduceat(values, starts[:-1])
    candidates = (values == highest.repeat(sizes)).nonzero()[0]
    found: np.ndarray = candidates[candidates.searchsorted(starts[:-1])]
    if highest.min() == -np.inf:
        found[highest == -np.inf] = ABSENT
    return found


class _Pairs(threading.local):
    """Each row with each query, in memory that a thread keeps: that of a big page, fresh, takes a third of the products' time."""

    def __init__(self) -> None:
        self.queries, self.of_row, self.of_query = 0, np.empty(0, np.int64), np.empty(0, np.int64)

    def of(self, rows: np.ndarray, queries: int) -> tuple[np.ndarray, np.ndarray]:
        """(row of each pair, number of the query of each pair): two rows with the first query, the same two with the second, ...

        rows: an even number; the next call overwrites what is returned.
        """
        pairs = len(rows) * queries
        if self.queries != queries or len(self.of_row) < pairs:
            of_two = np.arange(queries, dtype=np.int64).repeat(2)
            of_row, of_query = np.empty(pairs, np.int64), np.tile(of_two, len(rows) // 2)
            if pairs <= MOST_KEPT:
                self.queries, self.of_row, self.of_query = queries, of_row, of_query
        else:
            of_row, of_query = self.of_row[:pairs], self.of_query[:pairs]
        of_row.reshape(-1, queries, 2)[:] = rows.reshape(-1, 1, 2)
        return of_row, of_query


_pairs = _Pairs()


def inner_products(matrix: np.ndarray, rows: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """(rows, q) float32 of rows (n,) int64 of a matrix (.., d) and queries (q, d), both float32 and C-contiguous."""
    size = len(rows) * len(queries)
    if not size:
        return np.empty((len(rows), len(queries)), np.float32)
    if size <= FEW:
        some = rows[:: max(1, MEMORY_PAGE // matrix.strides[0])]  # of each memory page that is read, one vector at least
        _ = matrix.reshape(-1).take(some * matrix.shape[1])  # asks for all pages at once: FAISS would wait for each in turn
    return _products_of_one(matrix, rows, queries) if len(queries) == 1 else _products_of_several(matrix, rows, queries)


def _products_of_one(matrix: np.ndarray, rows: np.ndarray, queries: np.ndarray) -> np.ndarray:
    products = np.empty((len(rows), 1), np.float32)
    _multiply(matrix, queries, rows, np.zeros(len(rows), np.int64), products)
    return products


def _products_of_several(matrix: np.ndarray, rows: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """Two rows at a time, and queries that lie half a cache line off from where rows lie: of 512 numbers, four queries then cost 1.3
    times one, where row by row they cost 1.5 times, and more where memory is fast. Measured on a Zen 4, not understood."""
    even = rows if len(rows) % 2 == 0 else np.append(rows, rows[-1])
    of_row, of_query = _pairs.of(even, len(queries))
    products = np.empty(len(of_row), np.float32)
    _multiply(matrix, _staggered(queries, matrix), of_row, of_query, products)
    in_twos = np.ascontiguousarray(products.view(np.int64).reshape(-1, len(queries)).T)  # two rows of a query as one number
    return in_twos.view(np.float32)[:, : len(rows)].T


def _staggered(queries: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """A copy that begins half a cache line off from where the matrix begins."""
    room = np.empty(queries.nbytes + CACHE_LINE, np.uint8)
    begin = (matrix.ctypes.data + CACHE_LINE // 2 - room.ctypes.data) % CACHE_LINE
    copy: np.ndarray = room[begin : begin + queries.nbytes].view(np.float32).reshape(queries.shape)
    copy[:] = queries
    return copy


def products_of_pairs(matrix: np.ndarray, rows: np.ndarray, queries: np.ndarray, of_query: np.ndarray) -> np.ndarray:
    """(n,) float32 of rows (n,) int64 of a matrix (.., d), each with the query of (q, d) that of_query (n,) int64 says, as
    `inner_products` has them."""
    products = np.empty(len(rows), np.float32)
    if len(rows):
        rows, of_query = (np.ascontiguousarray(numbers, np.int64) for numbers in (rows, of_query))
        _multiply(matrix, queries, rows, of_query, products)
    return products


def _multiply(matrix: np.ndarray, queries: np.ndarray, of_row: np.ndarray, of_query: np.ndarray, products: np.ndarray) -> None:
    """Fill `products` with those of pairs of a row and a query; all C-contiguous. By one thread where they are FEW."""
    import faiss

    threads = faiss.omp_get_max_threads()  # of this thread alone
    if products.size <= FEW:
        faiss.omp_set_num_threads(1)
    arrays = queries, of_query, matrix, of_row, products
    faiss.pairwise_indexed_inner_product(  # type: ignore[attr-defined]  # not in its stubs
        matrix.shape[1], products.size, *map(faiss.swig_ptr, arrays)
    )
    faiss.omp_set_num_threads(threads)
