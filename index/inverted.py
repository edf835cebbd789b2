"""FAISS inverted lists over artwork, for searches too large to compare everything: they find nearly all, and candidates only.

IVF rather than HNSW: its lists are trained and filled in a few passes of matrix products, HNSW's graph is built one vector after
the other, several times as slowly, and lists are made here for one search and then thrown away. Vectors are held in half precision,
a kilobyte each at 512 numbers, and whoever asks compares the candidates anew with the index's own.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from index.titles import BLOCK, TitleIndex

LISTS = 2.0  # per root of the number of vectors: above, making lists takes longer than what probing them saves
TRAINING = 32  # vectors per list that k-means looks at
FEWEST = 8  # vectors per list: shorter ones are not worth a list
ROUNDING = 1e-3  # by which half precision and another order of summing may move a similarity, at most


@dataclass(frozen=True)
class Lists:
    """Some rows' vectors in lists. Make them with `build_lists`."""

    faiss_index: Any
    count: int  # of lists

    def nearest(self, queries: np.ndarray, k: int, probes: int) -> np.ndarray:
        """(q, k) int64: rows near each of the (q, d) float32 queries, of the `probes` lists nearest to it; -1 where there are
        fewer."""
        rows: np.ndarray = self.faiss_index.search(queries, k, params=_probing(probes))[1]
        return rows

    def within(self, queries: np.ndarray, least: float, probes: int) -> tuple[np.ndarray, np.ndarray]:
        """((p,) numbers of queries, (p,) rows): all pairs in the `probes` lists whose similarity may be at least that high."""
        limits, _, rows = self.faiss_index.range_search(queries, least - ROUNDING, params=_probing(probes))
        return np.repeat(np.arange(len(queries)), np.diff(limits.astype(np.int64))), rows

    def depths(self, queries: np.ndarray, others: np.ndarray) -> np.ndarray:
        """(n,) int64: how many lists each query must probe to meet the other vector beside it; both (n, d) float32."""
        _, lists = self.faiss_index.quantizer.search(queries, self.count)
        _, home = self.faiss_index.quantizer.search(others, 1)
        depths: np.ndarray = np.argmax(lists == home, axis=1) + 1
        return depths


def build_lists(index: TitleIndex, rows: np.ndarray) -> Lists:
    """Lists of these rows, (n,) int64, at least one; the same rows give the same lists.

    Takes two bytes of memory per number of each vector. FAISS ends the process where it is asked before it is trained, or with
    fewer vectors than lists, so that there are never more lists than that.
    """
    import faiss

    count = int(min(2 ** round(np.log2(LISTS * np.sqrt(len(rows)))), max(len(rows) // FEWEST, 1)))
    quantizer = faiss.IndexFlatIP(index.dimension)
    half, inner = faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
    lists = faiss.IndexIVFScalarQuantizer(quantizer, index.dimension, count, half, inner, False)
    lists.cp.min_points_per_centroid = 1  # it would print a warning about small catalogs
    sample = np.random.default_rng(0).choice(len(rows), min(len(rows), count * TRAINING), replace=False)
    lists.train(index.vectors_of(rows[np.sort(sample)]))
    for start in range(0, len(rows), BLOCK):
        part = np.ascontiguousarray(rows[start : start + BLOCK])
        lists.add_with_ids(index.vectors_of(part), part)
    return Lists(lists, count)


def _probing(probes: int) -> Any:
    """For one search: an index's own nprobe is shared by all who search it."""
    import faiss

    return faiss.SearchParametersIVF(nprobe=probes)  # type: ignore[call-arg]  # its stubs know no arguments
