"""A map of many vectors: each a point of the plane, near to the points of those that it is like.

Neighbours attract and everyone repels, as in UMAP (McInnes, Healy and Melville 2018) and the family it stands in (Böhm, Berens and
Kobak 2022), with Cauchy's kernel as t-SNE has it. A step moves all points at once, and each is repelled by a few others drawn anew
each time, so that numpy's passes over whole arrays do the work, and the same vectors have the same map; match.page.refining then makes
it as true as t-SNE. Of the ten nearest of 4,492 film posters 25 in 100 were nearest on the map, after 8 s on two busy cores; of
umap-learn 0.5's map 11 (6 to 118 s, the longer with its compiler's), of scikit-learn 1.9's t-SNE 26 (50 s).
"""

from dataclasses import dataclass

import numpy as np

from index.neighbours import nearest_others
from match.page.refining import refined

METHOD = "cauchy-2"  # another one for every change of what follows: what is kept is known by it
NUMBERS = 50  # of each vector that count: its main components
NEIGHBOURS = (8, 15)  # that attract each point: at first, and when the map is refined
DRAWN = 8  # others that repel a point in a step
REPULSION = 5.0  # of a point, in others for each neighbour that attracts it
STEPS = (200, 1000)  # at least, of many points; at most, of few
WORK = 4_000_000  # points times steps between the two
FARTHEST = 4.0  # that one point is pushed by another in a step
NOT_ZERO = 1e-3
SEED = 7
COMPARED = 500  # points whose neighbours are looked up to tell how true a map is
OF_NEAREST = 10


@dataclass(frozen=True)
class Layout:
    """A map, and how true it is."""

    points: np.ndarray  # (n, 2) float32, from 0 to 1
    kept: float  # of the OF_NEAREST nearest vectors of one, the share that is among as many nearest on the map


def lay_out(vectors: np.ndarray) -> Layout:
    """vectors: (n, d) float32 of unit length."""
    if len(vectors) < 3:
        return Layout(np.linspace(0.25, 0.75, len(vectors) * 2, dtype=np.float32).reshape(-1, 2), 1.0)
    main = main_components(vectors, NUMBERS)
    units = main / np.maximum(np.linalg.norm(main, axis=1, keepdims=True), NOT_ZERO)
    products, others = nearest_others(units, min(NEIGHBOURS[1], len(vectors) - 1))
    few = NEIGHBOURS[0]
    points = _moved(_begun(main), *_attractions(products[:, :few], others[:, :few]))
    points = _within_one(refined(points, np.arange(len(points)).repeat(others.shape[1]), others.ravel()))
    return Layout(points, share_kept(vectors, points))


def main_components(vectors: np.ndarray, numbers: int) -> np.ndarray:
    """(n, min(numbers, d)) float32: principal components, the largest first, each with its sign made certain."""
    centred = vectors - vectors.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T.astype(np.float64) @ centred)
    axes = axes[:, ::-1][:, :numbers]
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
    main: np.ndarray = centred @ axes.astype(np.float32)
    return main


def _begun(main: np.ndarray) -> np.ndarray:
    """(2, n) float32: the two main components, and a little chance, since copies would never part."""
    points = np.zeros((2, len(main)), np.float32)
    points[: main.shape[1]] = main.T[:2]
    points *= 10 / max(float(np.abs(points).max()), NOT_ZERO)
    return points + np.random.default_rng(SEED).normal(0, 0.01, points.shape).astype(np.float32)


def _attractions(products: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(one (e,), other (e,), weight (e,) from 0 to 1): pairs of neighbours, each once.

    A weight falls with the distance beyond the nearest one's, at a pace at which a point's weights sum to log2(k); a pair has
    w + v - w v of its two (UMAP, section 3.1).
    """
    from scipy.sparse import csr_array

    count, k = others.shape
    distances = np.sqrt(np.maximum(2 - 2 * products.astype(np.float64), 0))
    beyond = distances - distances[:, :1]
    weights = np.exp(-beyond / _paces(beyond, np.log2(k))[:, None])
    one_way = csr_array((weights.ravel(), (np.repeat(np.arange(count), k), others.ravel())), shape=(count, count))
    both = (one_way + one_way.T - one_way * one_way.T).tocoo()
    once = both.row < both.col
    return both.row[once], both.col[once], (both.data[once] / both.data.max()).astype(np.float32)


def _paces(beyond: np.ndarray, goal: float) -> np.ndarray:
    """(n,) float64, by halving: where the weights sum to `goal`."""
    low, high, paces = np.zeros(len(beyond)), np.full(len(beyond), np.inf), np.ones(len(beyond))
    for _ in range(40):
        above = np.exp(-beyond / paces[:, None]).sum(axis=1) > goal
        high, low = np.where(above, paces, high), np.where(above, low, paces)
        paces = np.where(np.isinf(high), paces * 2, (low + high) / 2)
    return np.maximum(paces, NOT_ZERO)


def _moved(points: np.ndarray, one: np.ndarray, other: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(n, 2) float32 after all steps, each shorter than the one before.

    The points stand in an order drawn once, so that "whoever stands so many places away" is anyone: a shift of the whole array.
    """
    count, rng = points.shape[1], np.random.default_rng(SEED)
    order = rng.permutation(count)
    places = np.argsort(order)
    points, one, other = points[:, order], places[one], places[other]
    repelled = np.bincount(one, weights, count) + np.bincount(other, weights, count)
    repelled = (repelled * REPULSION / DRAWN).astype(np.float32)
    steps = int(np.clip(WORK // count, *STEPS))
    for step in range(steps):
        now = rng.random(len(weights), np.float32) < weights  # an attraction of half the weight speaks half the time
        push = _attracted(points, one[now], other[now])
        push += repelled * _repelled(points, rng.integers(1, count, DRAWN))
        points = points + (1 - step / steps) * push
    return points.T[places].astype(np.float32)


def _attracted(points: np.ndarray, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(2, n) float32: by how much the pairs draw their points together."""
    apart = points[:, one] - points[:, other]
    pull = np.clip(-2 / (1 + (apart**2).sum(axis=0)) * apart, -FARTHEST, FARTHEST)
    count = points.shape[1]
    drawn = [np.bincount(one, axis, count) - np.bincount(other, axis, count) for axis in pull]
    return np.array(drawn, np.float32)


def _repelled(points: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    """(2, n) float32: by how much those so many places away push each point off."""
    push = np.zeros_like(points)
    for shift in shifts:
        apart = points - np.roll(points, shift, axis=1)
        squared = (apart**2).sum(axis=0)
        push += np.clip(2 / ((NOT_ZERO + squared) * (1 + squared)) * apart, -FARTHEST, FARTHEST)
    return push


def _within_one(points: np.ndarray) -> np.ndarray:
    """Both axes on one scale, the longer one filling 0 to 1."""
    low, high = points.min(axis=0), points.max(axis=0)
    scaled: np.ndarray = (points - (low + high) / 2) / max(float((high - low).max()), NOT_ZERO) + np.float32(0.5)
    return scaled.astype(np.float32)


def share_kept(vectors: np.ndarray, points: np.ndarray) -> float:
    """See Layout.kept, of COMPARED points drawn once; against inner products of the whole vectors, copies counted as they come."""
    from scipy.spatial import cKDTree

    count, k = len(vectors), min(OF_NEAREST, len(vectors) - 1)
    drawn = np.random.default_rng(SEED).choice(count, min(COMPARED, count), replace=False)
    similar = vectors[drawn] @ vectors.T
    similar[np.arange(len(drawn)), drawn] = -np.inf
    near = np.argpartition(-similar, k - 1, axis=1)[:, :k]
    on_map = cKDTree(points).query(points[drawn], k + 1)[1]
    met = [len(set(a) & (set(b) - {own})) for a, b, own in zip(near.tolist(), on_map.tolist(), drawn.tolist(), strict=True)]
    return float(np.mean(met)) / k
