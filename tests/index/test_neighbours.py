"""Nearest others against a numpy oracle, exact and by lists."""

import numpy as np
import pytest

from index.neighbours import nearest_others


def units(count: int, dimension: int = 16, seed: int = 3) -> np.ndarray:
    drawn = np.random.default_rng(seed).standard_normal((count, dimension)).astype(np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def oracle(vectors: np.ndarray, k: int) -> np.ndarray:
    products = vectors @ vectors.T
    np.fill_diagonal(products, -np.inf)
    return np.argsort(-products, axis=1)[:, :k]


def test_the_nearest_others_are_found_exactly() -> None:
    vectors = units(300)
    products, rows = nearest_others(vectors, 5)
    np.testing.assert_array_equal(rows, oracle(vectors, 5))
    np.testing.assert_allclose(products, np.take_along_axis(vectors @ vectors.T, rows, axis=1), atol=1e-5)


def test_by_lists_nearly_all_are_found_and_always_as_many() -> None:
    vectors = units(2000)
    _, rows = nearest_others(vectors, 5, exact=100)
    right = oracle(vectors, 5)
    assert rows.shape == (2000, 5)
    assert rows.min() >= 0
    assert np.mean([len(set(a) & set(b)) for a, b in zip(rows.tolist(), right.tolist(), strict=True)]) > 4.5


@pytest.mark.parametrize("exact", [100, 1])
def test_a_copy_is_a_neighbour_and_nobody_is_their_own(exact: int) -> None:
    vectors = np.repeat(units(4), 10, axis=0)
    products, rows = nearest_others(vectors, 9, exact)
    own = np.arange(40)[:, None]
    assert not (rows == own).any()
    assert (rows // 10 == own // 10).all()
    np.testing.assert_allclose(products, 1, atol=1e-5)


@pytest.mark.parametrize("k", [0, 4])
def test_there_are_only_so_many_others(k: int) -> None:
    with pytest.raises(ValueError, match="from 1 to 3"):
        nearest_others(units(4), k)
