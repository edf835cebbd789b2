"""The map's layout, on vectors whose neighbours are known by construction."""

import numpy as np
import pytest

from embed.errors import ArtworkMatcherError
from match.page import layout_process
from match.page.layout import lay_out, share_kept
from match.page.layout_process import lay_out_apart


def groups(count: int, each: int, dimension: int = 32) -> np.ndarray:
    """(count * each, dimension): groups of vectors, each far from the others, those of a group side by side."""
    rng = np.random.default_rng(2)
    drawn = np.repeat(np.eye(dimension)[:count], each, axis=0) + rng.normal(0, 0.05, (count * each, dimension))
    return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)


def test_what_is_alike_lies_together() -> None:
    points = lay_out(groups(6, 20)).points
    apart = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    assert (apart.argmin(axis=1) // 20 == np.arange(120) // 20).all()
    nearest = np.argsort(apart, axis=1)[:, :10] // 20
    assert (nearest == np.arange(120)[:, None] // 20).mean() > 0.95


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 9])
def test_few_vectors_have_a_map_within_its_edges(count: int) -> None:
    points = lay_out(groups(3, 3)[:count]).points
    assert points.shape == (count, 2)
    assert points.dtype == np.float32
    assert ((points > -1e-5) & (points < 1 + 1e-5)).all()
    assert len(np.unique(points, axis=0)) == count


def test_copies_and_vectors_without_a_direction_of_their_own_are_laid_out_too() -> None:
    same = np.tile(np.eye(8, dtype=np.float32)[0], (12, 1))
    assert np.isfinite(lay_out(same).points).all()


def test_a_map_that_keeps_every_neighbour_is_told_as_whole() -> None:
    angles = np.linspace(0, 1, 60)
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    line = np.stack([angles, np.zeros(60)], axis=1)
    assert share_kept(vectors, line) == pytest.approx(1, abs=0.02)
    shuffled = line[np.random.default_rng(4).permutation(60)]
    assert share_kept(vectors, shuffled) < 0.4  # of 59 others, ten are a sixth


def test_the_same_vectors_have_the_same_map_also_in_a_process_of_its_own_which_tells_how_far_it_is() -> None:
    told: list[tuple[int, int]] = []
    apart = lay_out_apart(lambda: groups(4, 15), lambda done, total: told.append((done, total)), 1)
    here = lay_out(groups(4, 15), jobs=1)
    np.testing.assert_array_equal(apart.points, here.points)
    assert apart.kept == here.kept
    assert (told[0], told[-1]) == ((10, 300), (300, 300))


def test_what_happens_to_that_process_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    begin = layout_process.BOOT.partition("sys.path")[0]

    def asked(program: str) -> None:
        monkeypatch.setattr(layout_process, "BOOT", begin + program)
        lay_out_apart(lambda: groups(4, 15), lambda done, total: None, 1)

    with pytest.raises(ArtworkMatcherError, match="exit code 3"):
        asked("sys.exit(3)")
    with pytest.raises(layout_process._Failed, match="no room"):
        asked("connection.recv(), connection.recv(), connection.recv_bytes(), connection.send(('failed', 'no room'))")
