"""Which of many vectors are nearest to each of them, whatever they are of: what a map is laid out by."""

import numpy as np

EXACT = 20_000  # vectors up to which all are compared with all
PROBED = (
    12  # inverted lists, above: of 100,000 vectors of 50 numbers that lie around their titles, 99 of 100 neighbours were found
)


def nearest_others(vectors: np.ndarray, k: int, exact: int = EXACT) -> tuple[np.ndarray, np.ndarray]:
    """((n, k) float32 inner products, falling; (n, k) int64 rows): the k vectors that have the largest with each, itself left out.

    vectors: (n, d) float32 of unit length; k: from 1 to n - 1. Up to `exact` vectors exact but for the rounding of matrix products;
    above, nearly all are found, by inverted lists. Raises ValueError where k is out of its range.
    """
    import faiss

    count = len(vectors)
    if not 1 <= k < count:
        raise ValueError(f"k must be from 1 to {count - 1}, not {k}")
    vectors = np.ascontiguousarray(vectors, np.float32)
    if count <= exact:
        products, rows = faiss.knn(vectors, vectors, k + 1, faiss.METRIC_INNER_PRODUCT)
    else:
        products, rows = _by_lists(vectors, k + 1)
    others = rows != np.arange(count)[:, None]
    others[others.all(axis=1), -1] = False  # of copies of one vector, itself may be none of the first
    return products[others].reshape(count, k), rows[others].reshape(count, k)


def _by_lists(vectors: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """All lists are probed for those vectors that else would have fewer than k."""
    import faiss

    count, dimension = vectors.shape
    lists = faiss.IndexIVFFlat(faiss.IndexFlatIP(dimension), dimension, int(np.sqrt(count)), faiss.METRIC_INNER_PRODUCT)
    lists.cp.min_points_per_centroid = 1
    lists.cp.seed = 7
    lists.train(vectors)
    lists.add(vectors)
    lists.nprobe = PROBED
    products, rows = lists.search(vectors, k)
    few = np.flatnonzero((rows < 0).any(axis=1))
    if len(few):
        lists.nprobe = lists.nlist
        products[few], rows[few] = lists.search(vectors[few], k)
    return products, rows
