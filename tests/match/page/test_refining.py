"""The map's refinement: its two forces against a numpy oracle, and what it is for."""

import numpy as np
import pytest

from match.page import refining
from match.page.refining import refined


def oracle(place: np.ndarray) -> np.ndarray:
    """(2, n): what refining._repelled computes on a grid, pair by pair."""
    apart = place[:, :, None] - place[:, None, :]
    near = 1 / (1 + (apart**2).sum(axis=0))
    np.fill_diagonal(near, 0)
    return (near**2 * apart).sum(axis=2) / near.sum()


@pytest.mark.parametrize("wide", [0.5, 3.0, 20.0])
def test_the_grid_repels_as_all_pairs_would(wide: float) -> None:
    place = np.random.default_rng(1).normal(0, wide, (2, 400)).astype(np.float32)
    right, found = oracle(place), refining._repelled(place)
    assert np.linalg.norm(found - right) < 0.08 * np.linalg.norm(right)  # of 400 points far apart; of many together a hundredth


def test_a_pair_attracts_both_alike_and_twice_the_pair_twice_as_much() -> None:
    place = np.array([[0.0, 1.0, 5.0], [0.0, 0.0, 0.0]], np.float32)
    once = refining._attracted(place, np.array([0, 0]), np.array([1, 2]))
    np.testing.assert_allclose(once[0], [-(1 / 2) / 4 - (5 / 26) / 4, (1 / 2) / 4, (5 / 26) / 4], rtol=1e-6)
    np.testing.assert_allclose(once.sum(axis=1), 0, atol=1e-7)
    twice = refining._attracted(place, np.array([0, 0, 0]), np.array([1, 1, 2]))
    assert twice[0, 1] == pytest.approx(2 * (1 / 2) / 6)


def test_neighbours_that_begin_apart_end_together() -> None:
    rng = np.random.default_rng(5)
    points = rng.normal(0, 1, (60, 2)).astype(np.float32)
    groups = np.arange(60) % 3
    one, other = np.nonzero((groups[:, None] == groups) & ~np.eye(60, dtype=bool))
    after = refined(points, one, other)
    apart = np.linalg.norm(after[:, None] - after[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    assert (groups[apart.argmin(axis=1)] == groups).all()
    assert np.isfinite(after).all()
