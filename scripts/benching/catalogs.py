"""Catalogs of unit vectors sorted by title, and the pages that are asked of them. Needs numpy alone: other interpreters read it, too.

All catalogs are cut from one file: a smaller one is the beginning of a larger one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

DRAWN, UNIFORM = "drawn", "uniform"  # artworks per title: as real catalogs have them, or EACH everywhere
EACH = 20
MOST = 200  # artworks of a title
SPREAD = 0.6  # how far artworks lie from the centre of their title, where centres are 1 from the middle in each direction
DIMENSION = 512
BLOCK = 4096  # titles made at a time: a million vectors are 2 GB


@dataclass(frozen=True)
class Catalog:
    """The first so many vectors of the file, divided among titles."""

    kind: str  # DRAWN or UNIFORM
    artworks: int

    def first_rows(self) -> np.ndarray:
        """(titles + 1,) int64: where each title's rows begin, and the end. Every title has artwork."""
        sizes = drawn_sizes(self.artworks) if self.kind == DRAWN else uniform_sizes(self.artworks)
        return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)


def drawn_sizes(artworks: int, seed: int = 5) -> np.ndarray:
    """(titles,) int64 artworks of each title, `artworks` together; fewer artworks are the same titles, fewer of them.

    60 % of titles have 1 to 5, 30 % 6 to 40 (falling as 1/n), 9 % 41 to 150, 1 % have MOST; 19 in the mean.
    """
    rng, sizes = np.random.default_rng(seed), np.empty(0, np.int64)
    while sizes.sum() < artworks:
        kind = rng.random(BLOCK)
        few, some, many = (
            rng.integers(1, 6, BLOCK),
            np.exp(rng.uniform(np.log(6), np.log(41), BLOCK)),
            rng.integers(41, 151, BLOCK),
        )
        drawn = np.select([kind < 0.60, kind < 0.90, kind < 0.99], [few, some.astype(np.int64), many], MOST)
        sizes = np.concatenate([sizes, drawn])
    return _cut(sizes, artworks)


def uniform_sizes(artworks: int) -> np.ndarray:
    """(titles,) int64: EACH, and what is left for the last."""
    return _cut(np.full(-(-artworks // EACH), EACH), artworks)


def _cut(sizes: np.ndarray, artworks: int) -> np.ndarray:
    """The first titles, which have `artworks` together; the last of them has fewer where it must."""
    ends = np.cumsum(sizes)
    last = int(np.searchsorted(ends, artworks))
    sizes = sizes[: last + 1].copy()
    sizes[-1] -= ends[last] - artworks
    return sizes


def write_vectors(path: Path, artworks: int, dimension: int = DIMENSION, seed: int = 7) -> Path:
    """A .npy of (artworks, dimension) float32 unit vectors; the artworks of a drawn title lie around a centre, as a film's do."""
    rng, first = np.random.default_rng(seed), Catalog(DRAWN, artworks).first_rows()
    vectors = np.lib.format.open_memmap(path, "w+", np.float32, (artworks, dimension))
    for start in range(0, len(first) - 1, BLOCK):
        edges = first[start : start + BLOCK + 1]
        centres = rng.standard_normal((len(edges) - 1, dimension), np.float32)
        drawn = np.repeat(centres, np.diff(edges), axis=0)  # (rows, d)
        drawn += SPREAD * rng.standard_normal(drawn.shape, np.float32)
        vectors[edges[0] : edges[-1]] = _unit(drawn)
    vectors.flush()
    return path


def read_vectors(path: Path, artworks: int) -> np.ndarray:
    """(artworks, d) float32, mapped and read-only: the first ones of the file."""
    vectors: np.ndarray = np.load(path, mmap_mode="r")[:artworks]
    return vectors


def draw_page(seed: Sequence[int], title_count: int, titles: int) -> np.ndarray:
    """(titles,) int64, no title twice, in no order: the same seed gives the same page in every process."""
    return np.random.default_rng(seed).choice(title_count, titles, replace=False)


def draw_interests(seed: Sequence[int], count: int, dimension: int) -> np.ndarray:
    """(count, dimension) float32 unit vectors."""
    return _unit(np.random.default_rng(seed).standard_normal((count, dimension), np.float32))


def rows_of(first_rows: np.ndarray, titles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(rows (n,), starts (t,)): the titles' rows one after the other, and where each title's begin among them."""
    first, sizes = first_rows[titles], first_rows[titles + 1] - first_rows[titles]
    starts = np.cumsum(sizes) - sizes
    rows = np.arange(int(sizes.sum()))
    rows += np.repeat(first - starts, sizes)
    return rows, starts


def best_of_runs(similarities: np.ndarray, rows: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """(t,) the row of the highest similarity from each start to the next, the first of equals. No run is empty."""
    best = np.maximum.reduceat(similarities, starts)
    is_best = np.flatnonzero(similarities == np.repeat(best, np.diff(starts, append=len(rows))))
    found: np.ndarray = rows[is_best[np.searchsorted(is_best, starts)]]
    return found


def _unit(vectors: np.ndarray) -> np.ndarray:
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors
