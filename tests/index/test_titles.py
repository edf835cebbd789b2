"""The title is the inverted list: exact within it, held against plain numpy."""

import gc
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.titles import ABSENT, TitleIndex, build_index

DIMENSION = 6


def units(rng: np.random.Generator, count: int) -> np.ndarray:
    vectors = rng.normal(size=(count, DIMENSION))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def best_by_hand(vectors: np.ndarray, members: np.ndarray, query: np.ndarray, k: int) -> np.ndarray:
    """(k,) the similarities that `TitleIndex.nearest` must answer for one title and query."""
    best = np.sort(vectors[members] @ query)[::-1][:k]
    return np.pad(best, (0, k - len(best)), constant_values=np.nan)


@st.composite
def pages(draw: Callable) -> tuple[np.ndarray, np.ndarray, int, np.ndarray, np.ndarray, int]:
    """(vectors, lists, title count, queries, titles asked, k): titles of 0..9 artworks in any order, some asked twice."""
    sizes = draw(st.lists(st.integers(0, 9), min_size=1, max_size=6))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    lists = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    asked = np.array(draw(st.lists(st.integers(0, len(sizes) - 1), max_size=8)), np.int64)
    queries = units(rng, draw(st.integers(0, 5)))
    return units(rng, len(lists)), lists, len(sizes), queries, asked, draw(st.integers(0, 12))


@settings(deadline=None)
@given(pages())
def test_nearest_is_exact_within_each_title(page: tuple) -> None:
    vectors, lists, count, queries, asked, k = page
    similarities, rows = build_index(vectors, lists, count).nearest(queries, asked, k)
    assert (similarities.shape, similarities.dtype) == ((len(queries), len(asked), k), np.float32)
    assert (rows.shape, rows.dtype) == (similarities.shape, np.int64)
    for q, query in enumerate(queries):
        for t, title in enumerate(asked):
            members = np.flatnonzero(lists == title)
            expected = best_by_hand(vectors, members, query, k)
            np.testing.assert_allclose(similarities[q, t], expected, atol=1e-6)
            found = rows[q, t, : min(k, len(members))]
            np.testing.assert_allclose(vectors[found] @ query, expected[: len(found)], atol=1e-6)
            assert len(set(found.tolist()) & set(members.tolist())) == len(found)  # all different, all of this title
            assert (rows[q, t, len(found) :] == ABSENT).all()


@settings(deadline=None, max_examples=30)
@given(pages())
def test_vectors_and_sizes_are_those_of_the_title(page: tuple) -> None:
    vectors, lists, count, *_ = page
    index = build_index(vectors, lists, count)
    assert index.sizes(np.arange(count)).tolist() == [(lists == title).sum() for title in range(count)]
    for title in range(count):
        np.testing.assert_array_equal(index.vectors(title), vectors[lists == title])


@pytest.fixture
def index() -> TitleIndex:
    """Title 0 has the artworks 0 and 1, title 1 none, title 2 the artwork 2; each on an axis of its own."""
    return build_index(np.eye(3, DIMENSION, dtype=np.float32), np.array([0, 0, 2]), 3)


def test_counts(index: TitleIndex) -> None:
    assert (index.dimension, index.titles, index.artworks) == (DIMENSION, 3, 3)


def test_a_title_too_small_for_k_says_so(index: TitleIndex) -> None:
    similarities, rows = index.nearest(np.eye(1, DIMENSION), np.array([2, 1, 0]), 2)
    assert rows.tolist() == [[[2, ABSENT], [ABSENT, ABSENT], [0, 1]]]
    np.testing.assert_array_equal(similarities, [[[0, np.nan], [np.nan, np.nan], [1, 0]]])


def test_what_is_given_away_is_a_copy(index: TitleIndex) -> None:
    index.vectors(0)[:] = 0
    assert index.vectors(0)[0, 0] == 1


def test_queries_of_any_layout_are_read_rightly(index: TitleIndex) -> None:
    queries = np.asfortranarray(np.eye(3, DIMENSION, dtype=np.float64))[::-1]
    _, rows = index.nearest(queries, np.array([0], np.int32), 1)
    assert rows[1:].tolist() == [[[1]], [[0]]]


def test_ids_outlive_the_arrays_they_came_from() -> None:
    """contrib's add_preassigned frees the ids that FAISS is still to read."""
    count, titles = 20_000, 100
    vectors = np.tile(np.eye(1, DIMENSION, dtype=np.float32), (count, 1))
    index = build_index(vectors.copy(), np.arange(count) % titles, titles)
    gc.collect()
    _, rows = index.nearest(vectors[:1], np.arange(titles), count // titles)
    assert sorted(rows.ravel().tolist()) == list(range(count))
    assert (rows % titles == np.arange(titles)[:, None]).all()


@pytest.mark.parametrize("titles", [0, 2])
def test_no_artworks(titles: int) -> None:
    index = build_index(np.empty((0, DIMENSION), np.float32), np.empty(0, np.int64), titles)
    assert index.artworks == 0
    _, rows = index.nearest(np.eye(1, DIMENSION), np.arange(titles), 1)
    assert rows.tolist() == [[[ABSENT]] * titles]


@pytest.mark.parametrize("shape", [(2, DIMENSION - 1), (DIMENSION,), (1, 1, DIMENSION)])
def test_queries_of_another_shape_are_refused(index: TitleIndex, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="do not fit vectors of 6 numbers"):
        index.nearest(np.ones(shape), np.array([0]), 1)


@pytest.mark.parametrize("title", [-1, 3, 99])
def test_a_title_number_that_is_none_is_refused(index: TitleIndex, title: int) -> None:
    message = r"title numbers must lie in 0\.\.2"
    with pytest.raises(ValueError, match=message):
        index.nearest(np.eye(1, DIMENSION), np.array([0, title]), 1)
    with pytest.raises(ValueError, match=message):
        index.sizes(np.array([title]))
    with pytest.raises(ValueError, match=message):
        index.vectors(title)


@pytest.mark.parametrize("length", [0.0, 0.99, 1.01, np.nan, np.inf], ids=str)
def test_vectors_that_are_not_of_unit_length_are_refused(length: float) -> None:
    vectors = np.eye(2, DIMENSION, dtype=np.float32)
    vectors[1, 1] = length
    with pytest.raises(ValueError, match="finite and of unit length"):
        build_index(vectors, np.array([0, 0]), 1)


@pytest.mark.parametrize("lists", [[0, 2], [-1, 0], [0], [0, 0, 0]], ids=str)
def test_a_vector_without_a_title_is_refused(lists: list[int]) -> None:
    with pytest.raises(ValueError, match=r"every vector needs a title number in 0\.\.1"):
        build_index(np.eye(2, DIMENSION, dtype=np.float32), np.array(lists), 2)
