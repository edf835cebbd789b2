"""The nearest artwork in the whole catalog, whatever its title: exact where that is quick, by inverted lists above, with recall.

A similarity is multiplied row by row, as on a page of titles (see index.titles), and has the same bits; FAISS's matrix products
round otherwise with every shape, so that they only say who comes into question. Ties go to the lowest row, also for the last place.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from index.inverted import Lists, build_lists
from index.titles import ABSENT, BLOCK, TitleIndex, are_units, runs

# Queries x artworks up to which all are compared. Two cores compared 2,000 queries with 200,000 artworks of 512 numbers in 3 to 5 s, so
# that this takes them two to four minutes; lists over a million artworks take about one before the first answer.
EXACT_LIMIT = 2e10
ENOUGH = 0.98  # recall at which no more lists are probed
SAMPLE = 256  # queries on which recall is measured
FEW = 16  # queries that are compared row by row at once: up to here reading the vectors is what takes the time
SLACK = 32  # candidates more than are asked for
CELLS = 1 << 21  # candidates in memory at a time
PAIRS = 1 << 15  # pairs of vectors in memory at a time


@dataclass(frozen=True)
class Nearest:
    """The artwork nearest to each query, the nearest first, ties by row."""

    similarities: np.ndarray  # (q, k) float32 inner products; -inf where there are fewer than k
    rows: np.ndarray  # (q, k) int64 rows of the artwork; ABSENT where there are fewer
    how: str  # "exact", or such as "IVF 4096 lists, 16 probed"
    recall: float  # of the k nearest, the share that is found: 1.0 where exact, else measured on a sample against exact


def nearest(
    index: TitleIndex,
    queries: np.ndarray,
    k: int,
    *,
    among: np.ndarray | None = None,
    limit: float = EXACT_LIMIT,
    enough: float = ENOUGH,
) -> Nearest:
    """The k artworks nearest to each query, by the inner product. queries: (q, d) float32 unit vectors; k: at least 1.

    Exact up to `limit` queries x artworks. Above, lists are made (see index.inverted), and twice as many of them probed until
    the recall of a sample of the queries reaches `enough` or all are probed: what is then found is right in similarity and order.
    Beside the answer, memory holds a few blocks of BLOCK vectors, and the lists where they are made.

    among: (n,) rows, rising, that alone may answer: each of them is compared, so that the answer is exact however few pass.

    Raises ValueError where k is below 1, the queries are no unit vectors of the index's dimension, or `among` are no rising rows.
    """
    queries = _checked(index, queries, k)
    among = None if among is None else _checked_rows(index, among)
    asked = min(k, index.artworks if among is None else len(among)) if len(queries) else 0
    similarities = np.full((len(queries), k), -np.inf, np.float32)
    rows = np.full((len(queries), k), ABSENT, np.int64)
    how, recall = "exact", 1.0
    if asked and among is not None:
        similarities[:, :asked], rows[:, :asked] = _among(index, queries, asked, among)
    elif asked and len(queries) * index.artworks <= limit:
        similarities[:, :asked], rows[:, :asked] = _exact(index, queries, asked)
    elif asked:
        lists = build_lists(index, np.arange(index.artworks))
        probes, recall = _enough_probes(index, lists, queries, asked, enough)
        how = described(lists, probes)
        for part in _parts(len(queries), asked):
            similarities[part, :asked], rows[part, :asked] = _by_lists(index, lists, queries[part], asked, probes)
    return Nearest(similarities, rows, how, recall)


def described(lists: Lists, probes: int) -> str:
    """How lists were searched, for people."""
    return f"IVF {lists.count} lists, {probes} probed"


def rounding(dimension: int) -> float:
    """By how much two float32 inner products of the same unit vectors may differ, summed in different orders: twice n u, the
    bound of Higham (2002), section 3.1, and the tolerance of unit length."""
    return dimension * 2.0**-23 * 1.01


def products_of_pairs(index: TitleIndex, queries: np.ndarray, of_query: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """(p,) float32: the inner product of query of_query[i] and row rows[i], multiplied as a page's. queries: (q, d) float32."""
    products = np.empty(len(rows), np.float32)
    of_query = np.ascontiguousarray(of_query, np.int64)
    for start in range(0, len(rows), PAIRS):
        vectors = index.vectors_of(rows[start : start + PAIRS])
        _multiply(queries, of_query[start:][: len(vectors)], vectors, np.arange(len(vectors)), products[start:][: len(vectors)])
    return products


def _all_products(vectors: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """(q, n) float32 of each query with each of the vectors (n, d)."""
    products, numbers = np.empty((len(queries), len(vectors)), np.float32), np.arange(len(vectors))
    for number, out in enumerate(products):
        _multiply(queries, np.full(len(vectors), number), vectors, numbers, out)
    return products


def _multiply(queries: np.ndarray, of_query: np.ndarray, vectors: np.ndarray, of_vector: np.ndarray, out: np.ndarray) -> None:
    """Inner products of pairs, into out (p,) float32; row by row, as a page's."""
    import faiss

    pointers = map(faiss.swig_ptr, (queries, of_query, vectors, of_vector, out))
    faiss.pairwise_indexed_inner_product(vectors.shape[1], len(out), *pointers)  # type: ignore[attr-defined]


def _checked(index: TitleIndex, queries: np.ndarray, k: int) -> np.ndarray:
    """FAISS itself reads whatever memory it is pointed at, and compares nan with anything."""
    queries = np.ascontiguousarray(queries, np.float32)
    if queries.ndim != 2 or queries.shape[1] != index.dimension:
        raise ValueError(f"queries of shape {queries.shape} do not fit vectors of {index.dimension} numbers")
    if not are_units(queries).all():
        raise ValueError("queries must be finite and of unit length")
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    return queries


def _checked_rows(index: TitleIndex, rows: np.ndarray) -> np.ndarray:
    """A row that stood there twice would answer twice."""
    rows = np.asarray(rows, np.int64)
    if rows.ndim != 1 or (len(rows) and not (rows[0] >= 0 and rows[-1] < index.artworks and (np.diff(rows) > 0).all())):
        raise ValueError(f"rows to search among must rise and lie in 0..{index.artworks - 1}")
    return rows


def _parts(queries: int, k: int) -> Iterator[slice]:
    """Slices of the queries whose candidates are in memory at a time."""
    step = max(CELLS // (k + SLACK), 1)
    return (slice(start, start + step) for start in range(0, queries, step))


def _exact(index: TitleIndex, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """((q, k) similarities, (q, k) rows), where there are k artworks at least."""
    if len(queries) <= FEW:
        return _row_by_row(index, queries, k)
    similarities, rows = np.empty((len(queries), k), np.float32), np.empty((len(queries), k), np.int64)
    for part in _parts(len(queries), k):
        similarities[part], rows[part] = _multiplied(index, queries[part], k)
    return similarities, rows


def _row_by_row(index: TitleIndex, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Every row where it lies, nothing copied."""
    best = [(np.empty(0, np.float32), np.empty(0, np.int64))] * len(queries)
    for titles in runs(np.arange(index.titles), np.diff(index.first_rows), BLOCK):
        page = index.page(queries, titles)
        for number, (similarities, rows) in enumerate(best):
            here, now = _best(page.similarities[number], page.rows, k)
            best[number] = _best(np.concatenate([similarities, here]), np.concatenate([rows, now]), k)
    return np.array([similarities for similarities, _ in best]), np.array([rows for _, rows in best])


def _among(index: TitleIndex, queries: np.ndarray, k: int, among: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of these rows alone, block by block; each block's vectors are read once for all queries."""
    best = [(np.empty(0, np.float32), np.empty(0, np.int64))] * len(queries)
    for start in range(0, len(among), PAIRS):
        rows = among[start : start + PAIRS]
        products = _all_products(index.vectors_of(rows), queries)
        for number, (similarities, before) in enumerate(best):
            here, now = _best(products[number], rows, k)
            best[number] = _best(np.concatenate([similarities, here]), np.concatenate([before, now]), k)
    return np.array([similarities for similarities, _ in best]), np.array([rows for _, rows in best])


def _best(similarities: np.ndarray, rows: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k highest of (n,) similarities, and their rows; of equals, the lowest rows."""
    if len(rows) > k:
        kept = similarities >= np.partition(similarities, -k)[-k]
        similarities, rows = similarities[kept], rows[kept]
    order = np.lexsort((rows, -similarities))[:k]
    return similarities[order], rows[order]


def _multiplied(index: TitleIndex, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """More candidates than are asked for by matrix products, then compared row by row."""
    wide = min(k + SLACK, index.artworks)
    rough, rows = _candidates(index, queries, wide)
    similarities, best = _compared(index, queries, rows, k)
    if wide < index.artworks:  # where the last candidate is hardly worse than the k-th, one that was left out may be better
        unclear = np.flatnonzero(rough[:, k - 1] - rough[:, -1] <= 2 * rounding(index.dimension))
        for some in (unclear[start : start + FEW] for start in range(0, len(unclear), FEW)):
            similarities[some], best[some] = _row_by_row(index, queries[some], k)
    return similarities, best


def _candidates(index: TitleIndex, queries: np.ndarray, wide: int) -> tuple[np.ndarray, np.ndarray]:
    """((q, wide) float32 products as matrices round them, falling; (q, wide) rows), block by block."""
    import faiss

    products, rows = np.empty((len(queries), 0), np.float32), np.empty((len(queries), 0), np.int64)
    for start in range(0, index.artworks, BLOCK):
        block = index.vectors_of(np.arange(start, min(start + BLOCK, index.artworks)))
        here, now = faiss.knn(queries, block, min(wide, len(block)), faiss.METRIC_INNER_PRODUCT)
        products, rows = np.concatenate([products, here], axis=1), np.concatenate([rows, now + start], axis=1)
        order = np.argsort(-products, axis=1, kind="stable")[:, :wide]
        products, rows = np.take_along_axis(products, order, 1), np.take_along_axis(rows, order, 1)
    return products, rows


def _compared(index: TitleIndex, queries: np.ndarray, rows: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The best k of candidates, (q, n) rows of which some may be ABSENT."""
    similarities = np.full(rows.shape, -np.inf, np.float32)
    there = rows != ABSENT
    similarities[there] = products_of_pairs(index, queries, np.nonzero(there)[0], rows[there])
    order = np.lexsort((rows, -similarities), axis=1)[:, :k]
    return np.take_along_axis(similarities, order, axis=1), np.take_along_axis(rows, order, axis=1)


def _by_lists(index: TitleIndex, lists: Lists, queries: np.ndarray, k: int, probes: int) -> tuple[np.ndarray, np.ndarray]:
    candidates = lists.nearest(queries, min(k + SLACK, index.artworks), probes)
    return _compared(index, queries, candidates, k)


def _enough_probes(index: TitleIndex, lists: Lists, queries: np.ndarray, k: int, enough: float) -> tuple[int, float]:
    """(how many lists to probe, the recall that a sample of the queries then has): what is as similar as the k-th is right."""
    sample = queries[np.random.default_rng(0).choice(len(queries), min(SAMPLE, len(queries)), replace=False)]
    kth = _exact(index, sample, k)[0][:, -1:]
    probes = 1
    while True:
        recall = float((_by_lists(index, lists, sample, k, probes)[0] >= kth).mean())
        if recall >= enough or probes >= lists.count:
            return probes, recall
        probes = min(2 * probes, lists.count)
