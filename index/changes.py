"""What a new snapshot takes over from the last one: vectors are written anew only for titles whose pictures changed.

The base, by far the largest file, is shared by the snapshots that need nothing else of it than its unchanged titles; the others'
vectors stand in a second matrix. When too much of the base is of no use any more it is written anew. A title's answers do not
depend on where its vectors lie (see index.titles), so that they are those of a snapshot written from scratch.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from embed.ragged import spans
from index.snapshot import Snapshot
from index.titles import BLOCK, runs

MOST_CHANGED = 0.25  # of all artworks: dead ones in the base and those outside it; more of them, and the base is written anew
FEWEST_DIGITS = 1e-3  # of the scatter that must stay: what is left of a difference of larger numbers is noise

Fetch = Callable[[np.ndarray], np.ndarray]  # rows (n,) of the artwork to their vectors (n, d) float32


@dataclass(frozen=True)
class Layout:
    """Where the vectors of a snapshot lie, and what is known of each title and of all."""

    anew: bool  # a new base was written; else the last snapshot's stays
    changes: np.ndarray  # (m, d) float32
    first_vectors: np.ndarray  # (titles,) int64, as in TitleIndex
    means: np.ndarray  # (titles, d) float32: of each title's vectors, 0 without artwork
    scatter: np.ndarray  # (d, d) float64: summed over artworks, outer product of (vector - its title's mean)


def lay_out(
    before: Snapshot | None,
    titles: pa.Table,
    artwork: pa.Table,
    first_rows: np.ndarray,
    dimension: int,
    fetch: Fetch,
    base: Path,
) -> Layout:
    """The layout of titles and artwork (as a snapshot has them) after the snapshot `before`; `base` is the file of a new base."""
    if before is not None:
        stays = _unchanged(before, titles, artwork, first_rows)
        if (layout := _changed(before, stays, first_rows, fetch)) is not None:
            return layout
    return _anew(first_rows, dimension, fetch, base)


def _anew(first_rows: np.ndarray, dimension: int, fetch: Fetch, file: Path) -> Layout:
    rows, shape = int(first_rows[-1]), (int(first_rows[-1]), dimension)
    base = np.lib.format.open_memmap(file, mode="w+", dtype=np.float32, shape=shape) if rows else np.empty(shape, np.float32)
    if not rows:
        np.save(file, base)
    sizes = np.diff(first_rows)
    means = np.zeros((len(sizes), dimension), np.float32)
    scatter = np.zeros((dimension, dimension))
    for titles in _runs(np.flatnonzero(sizes), sizes):
        block = slice(first_rows[titles[0]], first_rows[titles[-1] + 1])
        base[block] = vectors = fetch(np.arange(block.start, block.stop))
        means[titles], apart = _within(vectors, sizes[titles])
        scatter += apart
    if isinstance(base, np.memmap):
        base.flush()
    return Layout(True, np.empty((0, dimension), np.float32), first_rows[:-1], means, scatter)


def _changed(before: Snapshot, stays: np.ndarray, first_rows: np.ndarray, fetch: Fetch) -> Layout | None:
    """stays: (titles,) each title's number in `before` where nothing about its vectors changed, else -1. None where a new base is
    due."""
    index, sizes = before.index, np.diff(first_rows)
    kept, base = stays >= 0, len(before.index.parts[0])
    in_base = kept.copy()
    in_base[kept] = index.first_vectors[stays[kept]] < base
    outside, dead = int(sizes[~in_base].sum()), base - int(sizes[in_base].sum())
    if outside + dead > MOST_CHANGED * max(int(first_rows[-1]), 1):
        return None
    means = np.zeros((len(sizes), index.dimension), np.float32)
    means[kept] = before.means[stays[kept]]
    first_vectors = np.zeros(len(sizes), np.int64)
    first_vectors[in_base] = index.first_vectors[stays[in_base]]
    scatter, end = before.scatter_sum - _scatter_of_gone(before, stays), base
    changes = [np.empty((0, index.dimension), np.float32)]
    for titles in _runs(np.flatnonzero(~in_base & (sizes > 0)), sizes):
        vectors = fetch(spans(first_rows[titles], sizes[titles]))
        means[titles], _ = _within(vectors, sizes[titles])
        fresh = ~kept[titles]  # the others were outside the base before, and count already
        scatter += _within(vectors[np.repeat(fresh, sizes[titles])], sizes[titles][fresh])[1]
        first_vectors[titles] = end + np.cumsum(sizes[titles]) - sizes[titles]
        changes.append(vectors)
        end += len(vectors)
    if np.trace(scatter) < FEWEST_DIGITS * np.trace(before.scatter_sum):
        return None
    return Layout(False, np.concatenate(changes), first_vectors, means, scatter)


def _scatter_of_gone(before: Snapshot, stays: np.ndarray) -> np.ndarray:
    """(d, d) float64: what the titles that do not stay had of it."""
    index, scatter = before.index, np.zeros_like(before.scatter_sum)
    gone = np.setdiff1d(np.flatnonzero(index.sizes(np.arange(index.titles))), stays)
    for titles in _runs(gone, np.diff(index.first_rows)):
        vectors = index.vectors_of(spans(index.first_rows[titles], index.sizes(titles)))
        scatter += _within(vectors, index.sizes(titles))[1]
    return scatter


def _unchanged(before: Snapshot, titles: pa.Table, artwork: pa.Table, first_rows: np.ndarray) -> np.ndarray:
    """(titles,) int64: the number in `before` of each title whose pictures are the same in the same order, else -1."""
    numbers = pc.fill_null(pc.index_in(titles["title_id"], before.titles["title_id"].combine_chunks()), -1)
    stays: np.ndarray = numbers.to_numpy().astype(np.int64)
    sizes = np.diff(first_rows)
    stays[stays >= 0] = np.where(before.index.sizes(stays[stays >= 0]) == sizes[stays >= 0], stays[stays >= 0], -1)
    kept = np.flatnonzero((stays >= 0) & (sizes > 0))
    lengths = sizes[kept]
    now, then = (spans(starts, lengths) for starts in (first_rows[kept], before.index.first_rows[stays[kept]]))
    same = pc.equal(artwork["sha256"].take(pa.array(now)), before.artwork["sha256"].take(pa.array(then))).to_numpy()
    if len(kept):
        all_same = np.logical_and.reduceat(same, np.cumsum(lengths) - lengths)
        stays[kept[~all_same]] = -1
    return stays


def _within(vectors: np.ndarray, sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(titles, d) float32 means and the (d, d) scatter of vectors that lie title by title; sizes: (titles,), 0 allowed."""
    means = title_means(vectors, sizes)
    apart = (vectors - np.repeat(means, sizes, axis=0))[np.repeat(sizes > 1, sizes)]  # one alone is exactly its mean
    return means, (apart.T @ apart).astype(np.float64)


def title_means(vectors: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """(titles, d) float32: the mean of each title's vectors, which lie title by title; 0 where it has none. sizes: (titles,)."""
    means = np.zeros((len(sizes), vectors.shape[1]), np.float32)
    there = sizes > 0
    if there.any():
        starts = (np.cumsum(sizes) - sizes)[there]
        means[there] = np.add.reduceat(vectors, starts, axis=0) / sizes[there, None]
    return means


def _runs(titles: np.ndarray, sizes: np.ndarray) -> Iterator[np.ndarray]:
    """These titles in runs whose vectors are in memory at a time; sizes: of all titles."""
    return runs(titles, sizes[titles], BLOCK)
