"""A map of many vectors: each a point of the plane, near to the points of those that it is like.

t-SNE (van der Maaten and Hinton 2008) as openTSNE has it (Poličar, Stražar and Zupan 2024), begun at the two main components, so that
the same vectors have the same map.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

METHOD = "openTSNE-1"  # another one for every change of what follows: what is kept is known by it
PERPLEXITY = 8  # about so many neighbours count: a title's artwork
STEPS = (100, 200)  # with everyone drawn together, so that groups find each other; then without
EXAGGERATION = 12
BEGUN = 1e-4  # standard deviation of the points at first, as t-SNE has it
TOLD_EVERY = 10  # steps
SEED = 7
FEWEST = 30  # vectors; of fewer, which are all of them neighbours, the two main components are the map
COMPARED = 500  # points whose neighbours are looked up to tell how true a map is
OF_NEAREST = 10

Progress = Callable[[int, int], None]  # (steps done, of how many)


@dataclass(frozen=True)
class Layout:
    """A map, and how true it is."""

    points: np.ndarray  # (n, 2) float32, from 0 to 1
    kept: float  # of the OF_NEAREST nearest vectors of one, the share that is among as many nearest on the map


def lay_out(vectors: np.ndarray, progress: Progress = lambda done, total: None, jobs: int = 0) -> Layout:
    """vectors: (n, d) float32 of unit length; jobs: threads, as many as there are cores where 0."""
    if len(vectors) < 2:
        return Layout(np.full((len(vectors), 2), 0.5, np.float32), 1.0)
    points = _within_one(_begun(vectors) if len(vectors) < FEWEST else _points(vectors, progress, jobs or os.cpu_count() or 1))
    return Layout(points, share_kept(vectors, points))


def _points(vectors: np.ndarray, progress: Progress, jobs: int) -> np.ndarray:
    """(n, 2) float64."""
    import openTSNE

    perplexity = min(PERPLEXITY, (len(vectors) - 1) / 3)
    near = openTSNE.affinity.PerplexityBasedNN(vectors, perplexity, metric="cosine", n_jobs=jobs, random_state=SEED)
    points = openTSNE.TSNEEmbedding(_begun(vectors), near, n_jobs=jobs, random_state=SEED)
    before = 0
    for steps, exaggeration, momentum in zip(STEPS, (EXAGGERATION, 1), (0.5, 0.8), strict=True):
        told = partial(_tell, progress, before)
        points = points.optimize(
            steps, exaggeration=exaggeration, momentum=momentum, callbacks=told, callbacks_every_iters=TOLD_EVERY
        )
        before += steps
    return np.asarray(points)


def _begun(vectors: np.ndarray) -> np.ndarray:
    """(n, 2) float64: the two main components, each with its sign made certain, and a little chance, since copies would never part."""
    centred = vectors - vectors.mean(axis=0)
    axes = np.linalg.eigh(centred.T.astype(np.float64) @ centred)[1][:, :-3:-1]
    axes *= np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(2)])
    points: np.ndarray = centred @ axes
    points *= BEGUN / max(float(points.std()), 1e-9)
    return points + np.random.default_rng(SEED).normal(0, BEGUN / 100, points.shape)


def _tell(progress: Progress, before: int, step: int, *_: object) -> None:
    """Of openTSNE's steps; it would stop where something is returned."""
    progress(before + step, sum(STEPS))


def _within_one(points: np.ndarray) -> np.ndarray:
    """Both axes on one scale, the longer one filling 0 to 1."""
    low, high = points.min(axis=0), points.max(axis=0)
    scaled: np.ndarray = (points - (low + high) / 2) / max(float((high - low).max()), 1e-9) + 0.5
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
