"""Several questions at once: held against plain numpy over all vectors."""

from dataclasses import replace

import numpy as np
import pytest

from embed.store import Store
from index.fits import Question, best_fits, usual
from index.publish import publish_snapshot
from index.snapshot import Snapshot, open_snapshot
from index.titles import build_index


@pytest.fixture
def snapshot(store: Store) -> Snapshot:
    publish_snapshot(store)
    return open_snapshot(store)


def questions(count: int, dimension: int, seed: int = 0) -> list[Question]:
    vectors = np.random.default_rng(seed).normal(size=(count, dimension))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return [Question(str(n), vector.astype(np.float32), 1.0 + n) for n, vector in enumerate(vectors)]


def all_vectors(snapshot: Snapshot) -> np.ndarray:
    return snapshot.index.vectors_of(np.arange(snapshot.index.artworks)).astype(np.float64)


def test_mean_and_spread_are_those_of_all_cosines(snapshot: Snapshot) -> None:
    asked = np.array([question.vector for question in questions(5, 32)])
    cosines = asked @ all_vectors(snapshot).T
    means, spreads = usual(snapshot, asked)
    np.testing.assert_allclose(means, cosines.mean(axis=1), atol=1e-6)
    np.testing.assert_allclose(spreads, cosines.std(axis=1), atol=1e-6)


@pytest.mark.parametrize("count", [1, 2, 4])
@pytest.mark.parametrize("among", [None, [1, 2, 5, 8]], ids=["all", "some"])
def test_the_best_are_those_whose_fits_average_highest(snapshot: Snapshot, count: int, among: list[int] | None) -> None:
    asked, vectors = questions(count, 32), all_vectors(snapshot)
    cosines = np.array([question.vector for question in asked]) @ vectors.T
    each = (cosines - cosines.mean(axis=1, keepdims=True)) / cosines.std(axis=1, keepdims=True)
    together = np.average(each, axis=0, weights=[question.weight for question in asked])
    rows = np.arange(len(vectors)) if among is None else np.array(among)
    expected = rows[np.argsort(-together[rows])][:3]
    found = best_fits(snapshot, asked, 3, None if among is None else rows)
    assert found.rows.tolist() == expected.tolist()
    assert (found.how, found.recall) == ("exact", 1.0)
    np.testing.assert_allclose(found.together, together[expected], atol=1e-4)
    np.testing.assert_allclose(found.each, each[:, expected], atol=1e-4)
    np.testing.assert_allclose(found.similarities, cosines[:, expected], atol=1e-6)


def test_what_fits_both_comes_before_what_fits_one(snapshot: Snapshot) -> None:
    """Eight directions; the one that lies between two questions is the best for both, though each has a nearer one of its own."""
    vectors = np.eye(8, dtype=np.float32)
    vectors[2] = (vectors[0] + vectors[1]) / np.sqrt(2)
    index = build_index(vectors, np.zeros(8, np.int64), 1)
    mean = vectors.mean(axis=0, dtype=np.float64)
    apart = vectors - mean
    given = replace(snapshot, index=index, means=mean[None].astype(np.float32), scatter_sum=apart.T @ apart)
    asked = [Question("a", np.eye(8, dtype=np.float32)[0]), Question("b", np.eye(8, dtype=np.float32)[1])]
    assert best_fits(given, asked, 3).rows.tolist() == [2, 0, 1]
    assert best_fits(given, asked[:1], 1).rows.tolist() == [0]


def test_where_all_artwork_is_the_same_nothing_is_divided_by_nothing(snapshot: Snapshot) -> None:
    vectors = np.tile(np.eye(4, dtype=np.float32)[:1], (3, 1))
    index = build_index(vectors, np.zeros(3, np.int64), 1)
    given = replace(snapshot, index=index, means=vectors[:1], scatter_sum=np.zeros((4, 4)))
    found = best_fits(given, [Question("a", vectors[0]), Question("b", np.eye(4, dtype=np.float32)[1])], 2)
    assert found.rows.tolist() == [0, 1]
    np.testing.assert_allclose(found.together, 0, atol=1e-6)


@pytest.mark.parametrize(
    ("weights", "said"), [([], "needs a question"), ([0.0], "needs a question"), ([1.0, 1.0], "cancel each other out")]
)
def test_questions_that_ask_nothing_are_refused(snapshot: Snapshot, weights: list[float], said: str) -> None:
    vector = questions(1, 32)[0].vector
    asked = [Question("q", vector * (-1) ** number, weight) for number, weight in enumerate(weights)]
    with pytest.raises(ValueError, match=said):
        best_fits(snapshot, asked, 1)
