"""A map made truer: t-SNE's own descent (van der Maaten and Hinton 2008) from points that lie about right already.

Who attracts are pairs of neighbours, all alike (Böhm, Berens and Kobak 2022); everyone repels everyone, by two convolutions on a grid
(Linderman, Rachh, Hoskins, Steinerberger and Kluger 2019), so that the time hardly grows with the number of points.
"""

from dataclasses import dataclass

import numpy as np

STEPS = (80, 250)  # at least, of many points; at most, of few
WORK = 1_000_000  # points times steps between the two
MOMENTUM = 0.8
WIDE = 0.25  # times the root of the number of points: how far these lie from the middle at first, in the kernel's units
CELL = 0.35  # of the grid, in the kernel's units
CELLS = (32, 1024)  # of a side, at least and at most
NOT_ZERO = 1e-6


def refined(points: np.ndarray, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(n, 2) float32. points: (n, 2); one, other: (e,) numbers of points, the pairs that attract each other; a pair that stands there
    twice counts twice."""
    count = len(points)
    place = (points - points.mean(axis=0)).T.astype(np.float32)  # (2, n)
    place *= WIDE * np.sqrt(count) / max(float(place.std()), NOT_ZERO)
    pace, moved = np.float32(count), np.zeros_like(place)  # t-SNE's rate of n / 4, times the 4 of its gradient
    for _ in range(int(np.clip(WORK // count, *STEPS))):
        pull = _attracted(place, one, other) - _repelled(place)
        moved = MOMENTUM * moved - pace * pull
        place = place + moved
    refined_: np.ndarray = place.T.astype(np.float32)
    return refined_


def _attracted(place: np.ndarray, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(2, n) float32: the sum over a point's pairs of p w (point - other), w Cauchy's kernel of their distance, p one in all pairs."""
    apart = place[:, one] - place[:, other]
    pull = apart / (1 + (apart**2).sum(axis=0)) / (2 * len(one))
    count = place.shape[1]
    return np.array([np.bincount(one, axis, count) - np.bincount(other, axis, count) for axis in pull], np.float32)


def _repelled(place: np.ndarray) -> np.ndarray:
    """(2, n) float32: the sum over all others of w w (point - other), over the sum of w over all pairs."""
    grid = _Grid.of(place)
    near = 1 / (1 + grid.squares())
    masses = [grid.transformed(grid.spread(values)) for values in (np.ones(place.shape[1]), *place)]
    kernel, squared = grid.transformed(near), grid.transformed(near**2)
    total = float(grid.gathered(masses[0] * kernel).sum()) - grid.own()
    mass, *moments = (grid.gathered(one * squared) for one in masses)
    push: np.ndarray = (place * mass - np.array(moments)) / max(total, NOT_ZERO)
    return push.astype(np.float32)


@dataclass(frozen=True)
class _Grid:
    """Cells on which the points' masses lie; each point's is shared among the four corners around it."""

    side: int  # cells
    cell: float  # in the kernel's units
    corners: list[tuple[np.ndarray, np.ndarray]]  # (n,) cell, (n,) share: of each of the four

    @classmethod
    def of(cls, place: np.ndarray) -> "_Grid":
        low = place.min(axis=1, keepdims=True)
        span = max(float((place.max(axis=1, keepdims=True) - low).max()), NOT_ZERO)
        side = int(np.clip(span / CELL + 3, *CELLS))
        cell = span / (side - 3)
        scaled = (place - low) / cell + 1
        first = scaled.astype(np.int64)
        part = scaled - first
        corners = []
        for right in (0, 1):
            for down in (0, 1):
                share = np.abs(1 - right - part[0]) * np.abs(1 - down - part[1])
                corners.append(((first[0] + right) * side + first[1] + down, share))
        return cls(side, cell, corners)

    def squares(self) -> np.ndarray:
        """(2 side, 2 side) float32: squared distance from the first cell, around the edges."""
        steps = np.arange(2 * self.side)
        along = (np.minimum(steps, 2 * self.side - steps) * self.cell).astype(np.float32) ** 2
        return along[:, None] + along

    def own(self) -> float:
        """What the points contribute to the kernel's sum by themselves: nearly 1 each, less what the four corners blur."""
        at = np.array([(right, down) for right in (0, 1) for down in (0, 1)]) * self.cell
        near = 1 / (1 + ((at[:, None] - at) ** 2).sum(axis=2))
        shares = np.array([share for _, share in self.corners])  # (4, n)
        return float((shares * (near @ shares)).sum())

    def spread(self, values: np.ndarray) -> np.ndarray:
        """(side, side) float32 of one value for each point."""
        cells = self.side * self.side
        sums = sum(np.bincount(cell, values * share, cells) for cell, share in self.corners)
        spread: np.ndarray = np.asarray(sums, np.float32).reshape(self.side, self.side)
        return spread

    def transformed(self, values: np.ndarray) -> np.ndarray:
        """Fourier's, of twice the side, so that what leaves at one edge does not come back at the other."""
        from scipy.fft import rfft2

        found: np.ndarray = rfft2(values, s=(2 * self.side, 2 * self.side), workers=2)
        return found

    def gathered(self, transform: np.ndarray) -> np.ndarray:
        """(n,) at the points."""
        from scipy.fft import irfft2

        whole = irfft2(transform, s=(2 * self.side, 2 * self.side), workers=2)[: self.side, : self.side].ravel()
        found: np.ndarray = np.sum([whole[cell] * share for cell, share in self.corners], axis=0)
        return found
