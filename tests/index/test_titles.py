"""A page of titles, exact: held against plain numpy."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.titles import ABSENT, TitleIndex, build_index

DIMENSION = 6


def units(rng: np.random.Generator, count: int) -> np.ndarray:
    vectors = rng.normal(size=(count, DIMENSION))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@st.composite
def pages(draw: Callable) -> tuple[np.ndarray, np.ndarray, int, np.ndarray, np.ndarray]:
    """(vectors, title of each, title count, queries, titles asked): titles of 0..9 artworks, some vectors equal, some titles
    asked twice."""
    sizes = draw(st.lists(st.integers(0, 9), min_size=1, max_size=6))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    titles = np.repeat(np.arange(len(sizes)), sizes)
    asked = np.array(draw(st.lists(st.integers(0, len(sizes) - 1), max_size=8)), np.int64)
    vectors = units(rng, len(titles))
    if draw(st.booleans()) and len(vectors):
        vectors = vectors[rng.integers(0, max(len(vectors) // 2, 1), len(vectors))]
    return vectors, titles, len(sizes), units(rng, draw(st.integers(0, 5))), asked


def split(draw: Callable, index: TitleIndex) -> TitleIndex:
    """The same index with the vectors of some titles outside the base, and dead ones within it."""
    outside = [title for title in range(index.titles) if draw(st.booleans())]
    sizes, first = np.diff(index.first_rows), index.first_vectors.copy()
    first[outside] = len(index.parts[0]) + np.cumsum(sizes[outside]) - sizes[outside]
    changes = [index.vectors(title) for title in outside] or [np.empty((0, DIMENSION), np.float32)]
    base = index.parts[0].copy()
    for title in outside:
        base[index.first_rows[title] : index.first_rows[title + 1]] = np.nan
    return TitleIndex((base, np.concatenate(changes)), index.first_rows, first)


@settings(deadline=None)
@given(pages(), st.data())
def test_a_page_has_every_artwork_of_each_title_wherever_its_vectors_lie(page: tuple, data: st.DataObject) -> None:
    vectors, titles, count, queries, asked = page
    found = split(data.draw, build_index(vectors, titles, count)).page(queries, asked)
    assert found.titles.tolist() == sorted(set(asked.tolist()))
    assert (found.similarities.shape, found.similarities.dtype) == ((len(queries), len(found.rows)), np.float32)
    assert found.rows.tolist() == [row for row, title in enumerate(titles) if title in asked]
    np.testing.assert_allclose(found.similarities, queries @ vectors[found.rows].T, atol=1e-6)
    for place, title in enumerate(found.titles):
        assert (titles[found.rows[found.starts[place] : found.starts[place + 1]]] == title).all()
    assert found.sizes.tolist() == [(titles == title).sum() for title in found.titles]


@settings(deadline=None)
@given(pages(), st.data())
def test_each_artwork_of_a_page_with_a_query_of_its_own(page: tuple, data: st.DataObject) -> None:
    """To the bit what the page has of the same two, wherever the vectors lie."""
    vectors, titles, count, queries, asked = page
    index = split(data.draw, build_index(vectors, titles, count))
    found = index.page(queries, asked)
    of_query = np.array([data.draw(st.integers(0, len(queries) - 1)) for _ in found.rows if len(queries)], np.int64)
    some = np.arange(len(of_query))
    products = index.products(found.places[some], queries, of_query)
    assert products.dtype == np.float32
    assert products.tolist() == found.similarities[of_query, some].tolist()


@settings(deadline=None)
@given(pages())
def test_the_best_of_a_title_is_its_nearest_to_any_query_and_the_first_of_equals(page: tuple) -> None:
    vectors, titles, count, queries, asked = page
    found = build_index(vectors, titles, count).page(queries, asked)
    if not len(queries):
        with pytest.raises(ValueError, match="without a query"):
            found.best()
        return
    for title, best in zip(found.titles, found.best(), strict=True):
        members = np.flatnonzero(titles == title)
        if not len(members):
            assert best == ABSENT
            continue
        nearest = (queries @ vectors[members].T).max(axis=0)
        assert best in members[nearest >= nearest.max() - 1e-6]
        twins = [row for row in members if (vectors[row] == vectors[best]).all()]
        assert best == twins[0]


@settings(deadline=None)
@given(pages(), st.integers(1, 3), st.data())
def test_a_similarity_has_the_same_bits_wherever_it_is_asked(page: tuple, threads: int, data: st.DataObject) -> None:
    """So that equal vectors tie, and every page, user and number of threads breaks the tie alike."""
    import faiss

    vectors, titles, count, queries, asked = page
    index = build_index(vectors, titles, count)
    other = split(data.draw, index)
    whole = index.page(queries, np.arange(count)).similarities
    before = faiss.omp_get_max_threads()
    try:
        faiss.omp_set_num_threads(threads)
        for title in asked:
            for query in range(len(queries)):
                alone = other.page(queries[query : query + 1], np.array([title]))
                assert np.array_equal(alone.similarities[0], whole[query, alone.rows])
    finally:
        faiss.omp_set_num_threads(before)
    for query in range(len(queries)):
        by_vector: dict[bytes, float] = {}
        for row, vector in enumerate(vectors):
            assert by_vector.setdefault(vector.tobytes(), whole[query, row]) == whole[query, row]


@settings(deadline=None, max_examples=30)
@given(pages())
def test_vectors_and_sizes_are_those_of_the_title(page: tuple) -> None:
    vectors, titles, count, *_ = page
    index = build_index(vectors, titles, count)
    assert index.sizes(np.arange(count)).tolist() == [(titles == title).sum() for title in range(count)]
    for title in range(count):
        np.testing.assert_array_equal(index.vectors(title), vectors[titles == title])


@settings(deadline=None, max_examples=30)
@given(pages(), st.data())
def test_vectors_of_rows_are_theirs_wherever_they_lie(page: tuple, data: st.DataObject) -> None:
    vectors, titles, count, *_ = page
    index = split(data.draw, build_index(vectors, titles, count))
    rows = np.array(
        data.draw(st.lists(st.integers(0, len(vectors) - 1), max_size=9) if len(vectors) else st.just([])), np.int64
    )
    np.testing.assert_array_equal(index.vectors_of(rows), vectors[rows])
    for title in range(count):
        np.testing.assert_array_equal(index.vectors(title), vectors[titles == title])


@pytest.mark.parametrize("row", [-1, 3])
def test_a_row_that_is_none_is_refused(index: TitleIndex, row: int) -> None:
    with pytest.raises(ValueError, match=r"rows must lie in 0\.\.2"):
        index.vectors_of(np.array([0, row]))


@pytest.fixture
def index() -> TitleIndex:
    """Title 0 has the artworks 0 and 1, title 1 none, title 2 the artwork 2; each on an axis of its own."""
    return build_index(np.eye(3, DIMENSION, dtype=np.float32), np.array([0, 0, 2]), 3)


def test_counts(index: TitleIndex) -> None:
    assert (index.dimension, index.titles, index.artworks) == (DIMENSION, 3, 3)


def test_titles_are_answered_once_and_in_their_order(index: TitleIndex) -> None:
    page = index.page(np.eye(1, DIMENSION), np.array([2, 1, 0, 2]))
    assert (page.titles.tolist(), page.starts.tolist(), page.rows.tolist()) == ([0, 1, 2], [0, 2, 2, 3], [0, 1, 2])
    assert page.best().tolist() == [0, ABSENT, 2]


def test_what_is_given_away_cannot_be_written_to(index: TitleIndex) -> None:
    with pytest.raises(ValueError, match="read-only"):
        index.vectors(0)[:] = 0
    assert index.vectors(0)[0, 0] == 1


def test_queries_of_any_layout_are_read_rightly(index: TitleIndex) -> None:
    queries = np.asfortranarray(np.eye(3, DIMENSION, dtype=np.float64))[::-1]
    assert index.page(queries, np.array([0], np.int32)).similarities.tolist() == [[0, 0], [0, 1], [1, 0]]


def test_a_matrix_that_is_mapped_and_read_only(tmp_path: Path) -> None:
    vectors = units(np.random.default_rng(0), 20)
    np.save(tmp_path / "vectors.npy", vectors)
    whole = build_index(vectors, np.repeat([0, 1], [5, 15]), 2)
    mapped = TitleIndex((np.load(tmp_path / "vectors.npy", mmap_mode="r"),), whole.first_rows, whole.first_vectors)
    for title in (0, 1):
        found, expected = (one.page(vectors[:3], np.array([title])).similarities for one in (mapped, whole))
        assert np.array_equal(found, expected)


def test_one_title_with_very_many_artworks() -> None:
    vectors = units(np.random.default_rng(0), 100_000)
    page = build_index(vectors, np.ones(len(vectors), np.int64), 3).page(vectors[7:8], np.array([1]))
    assert (page.rows[0], page.rows[-1], page.best().tolist()) == (0, 99_999, [7])


def test_very_many_titles_with_one_artwork() -> None:
    vectors = np.tile(np.eye(DIMENSION, dtype=np.float32), (2_000_000 // DIMENSION, 1))
    index = build_index(vectors, np.arange(len(vectors)), len(vectors))
    asked = np.array([0, 1_234_567, len(vectors) - 1])
    page = index.page(np.eye(DIMENSION), asked)
    assert page.rows.tolist() == page.best().tolist() == asked.tolist()
    assert np.argmax(page.similarities, axis=0).tolist() == (asked % DIMENSION).tolist()


@pytest.mark.parametrize("titles", [0, 2])
def test_no_artworks(titles: int) -> None:
    index = build_index(np.empty((0, DIMENSION), np.float32), np.empty(0, np.int64), titles)
    assert index.artworks == 0
    page = index.page(np.eye(1, DIMENSION), np.arange(titles))
    assert (page.similarities.shape, page.best().tolist()) == ((1, 0), [ABSENT] * titles)


@pytest.mark.parametrize("shape", [(2, DIMENSION - 1), (DIMENSION,), (1, 1, DIMENSION)])
def test_queries_of_another_shape_are_refused(index: TitleIndex, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="do not fit vectors of 6 numbers"):
        index.page(np.ones(shape), np.array([0]))


@pytest.mark.parametrize("title", [-1, 3, 99])
def test_a_title_number_that_is_none_is_refused(index: TitleIndex, title: int) -> None:
    message = r"title numbers must lie in 0\.\.2"
    with pytest.raises(ValueError, match=message):
        index.page(np.eye(1, DIMENSION), np.array([0, title]))
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


def test_vectors_that_are_not_sorted_by_title_are_refused() -> None:
    with pytest.raises(ValueError, match="sorted by title number"):
        build_index(np.eye(2, DIMENSION, dtype=np.float32), np.array([1, 0]), 2)
