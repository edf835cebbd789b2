"""The nearest of the whole catalog: held against plain numpy, on vectors whose products are exact in any order of summing."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index import everywhere
from index.everywhere import nearest
from index.inverted import build_lists
from index.titles import ABSENT, TitleIndex, build_index

DIMENSION = 4
# Unit vectors of halves and ones: any sum of their products is exact, and equal products are many.
CORNERS = np.array([[(number >> axis & 1) - 0.5 for axis in range(DIMENSION)] for number in range(2**DIMENSION)])
LATTICE = np.concatenate([CORNERS, np.eye(DIMENSION), -np.eye(DIMENSION)]).astype(np.float32)


def units(rng: np.random.Generator, count: int, dimension: int = DIMENSION) -> np.ndarray:
    vectors = rng.normal(size=(count, dimension))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def themes(rng: np.random.Generator, count: int, dimension: int = 16) -> np.ndarray:
    """Vectors around a few centres, as a catalog's are."""
    centres = units(np.random.default_rng(7), 40, dimension)
    vectors = centres[rng.integers(0, len(centres), count)] + 0.2 * rng.normal(size=(count, dimension))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def by_hand(vectors: np.ndarray, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """(similarities, rows), each (q, k): all compared, sorted by similarity then row."""
    products = queries @ vectors.T
    similarities = np.full((len(queries), k), -np.inf, np.float32)
    rows = np.full((len(queries), k), ABSENT)
    for number, product in enumerate(products):
        order = np.lexsort((np.arange(len(product)), -product))[:k]
        similarities[number, : len(order)], rows[number, : len(order)] = product[order], order
    return similarities, rows


def index_of(vectors: np.ndarray, draw: Callable | None = None) -> TitleIndex:
    """Five titles, of which some may have no artwork."""
    titles = [draw(st.integers(0, 4)) for _ in vectors] if draw else [number % 5 for number in range(len(vectors))]
    return build_index(vectors, np.sort(np.array(titles, np.int64)), 5)


@st.composite
def catalogs(draw: Callable) -> tuple[TitleIndex, np.ndarray, np.ndarray]:
    """(index, its vectors, queries), all of the lattice, few of its points or many."""
    points = draw(st.integers(1, len(LATTICE)))
    vectors = LATTICE[draw(st.lists(st.integers(0, points - 1), max_size=60))].reshape(-1, DIMENSION)
    queries = LATTICE[draw(st.lists(st.integers(0, len(LATTICE) - 1), max_size=6))].reshape(-1, DIMENSION)
    return index_of(vectors, draw), vectors, queries


@settings(deadline=None, max_examples=150)
@given(catalogs(), st.integers(1, 70), st.sampled_from([1, 16]), st.integers(0, 5), st.integers(1, 80), st.integers(1, 200))
def test_exact_finds_the_nearest_and_the_lowest_rows_of_equals(
    catalog: tuple, k: int, few: int, slack: int, block: int, cells: int
) -> None:
    """Whichever way it is compared, and wherever the blocks end: ties for the last place as well."""
    index, vectors, queries = catalog
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("FEW", few), ("BLOCK", block), ("CELLS", cells), ("PAIRS", block)):
            patch.setattr(everywhere, name, value)
        patch.setattr(everywhere, "SLACK", slack)
        found = nearest(index, queries, k)
    similarities, rows = by_hand(vectors, queries, k)
    assert (found.how, found.recall) == ("exact", 1.0)
    assert (found.similarities.dtype, found.rows.dtype) == (np.float32, np.int64)
    np.testing.assert_array_equal(found.similarities, similarities)
    np.testing.assert_array_equal(found.rows, rows)


@settings(deadline=None, max_examples=100)
@given(catalogs(), st.data(), st.integers(1, 70), st.integers(1, 80), st.sampled_from([1e9, 0]))
def test_among_some_rows_it_is_as_if_there_were_no_others(
    catalog: tuple, data: st.DataObject, k: int, block: int, limit: float
) -> None:
    """Wherever the blocks end, and however much there is to compare: always exact."""
    index, vectors, queries = catalog
    among = np.flatnonzero(data.draw(st.lists(st.booleans(), min_size=len(vectors), max_size=len(vectors))))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(everywhere, "PAIRS", block)
        found = nearest(index, queries, k, among=among, limit=limit)
    similarities, places = by_hand(vectors[among], queries, k)
    assert (found.how, found.recall) == ("exact", 1.0)
    np.testing.assert_array_equal(found.similarities, similarities)
    np.testing.assert_array_equal(found.rows, np.where(places == ABSENT, ABSENT, np.append(among, ABSENT)[places]))


def test_among_all_rows_it_is_the_same_to_the_bit() -> None:
    index, asked = index_of(units(np.random.default_rng(0), 500, 64)), units(np.random.default_rng(1), 20, 64)
    free, bound = nearest(index, asked, 7), nearest(index, asked, 7, among=np.arange(500))
    np.testing.assert_array_equal(free.similarities, bound.similarities)
    np.testing.assert_array_equal(free.rows, bound.rows)


@pytest.mark.parametrize("among", [[1, 1], [2, 1], [-1, 2], [0, len(LATTICE)], [[0], [1]]], ids=str)
def test_rows_that_are_none_or_do_not_rise_are_refused(among: list) -> None:
    with pytest.raises(ValueError, match="rows to search among must rise and lie in 0"):
        nearest(index_of(LATTICE), LATTICE[:1], 1, among=np.array(among))


@settings(deadline=None, max_examples=40)
@given(catalogs(), st.integers(1, 70))
def test_lists_that_are_all_probed_find_what_is_nearest(catalog: tuple, k: int) -> None:
    index, vectors, queries = catalog
    found = nearest(index, queries, k, limit=0, enough=2.0)  # more than there is: until all are probed
    similarities, rows = by_hand(vectors, queries, k)
    np.testing.assert_array_equal(found.similarities, similarities)
    np.testing.assert_array_equal(found.rows == ABSENT, rows == ABSENT)
    assert found.recall == 1.0
    assert found.how.startswith("IVF") or not queries.size or not vectors.size


@pytest.mark.parametrize("queries", [3, 40])
def test_a_similarity_has_the_bits_of_a_page(queries: int) -> None:
    rng = np.random.default_rng(1)
    index, asked = index_of(units(rng, 500)), units(rng, queries)
    found = nearest(index, asked, 9)
    page = index.page(asked, np.arange(5)).similarities
    np.testing.assert_array_equal(found.similarities, np.take_along_axis(page, found.rows, axis=1))
    np.testing.assert_array_equal(found.similarities, -np.sort(-page, axis=1)[:, :9])


def test_equal_vectors_are_in_the_order_of_their_rows_however_many_there_are() -> None:
    vectors = np.repeat(units(np.random.default_rng(2), 20, 24), 100, axis=0)[np.random.default_rng(3).permutation(2000)]
    index = index_of(vectors)
    for queries in (vectors[:2], vectors[:40]):
        rows = nearest(index, queries, 50).rows
        same = [np.flatnonzero((vectors == query).all(axis=1))[:50] for query in queries]
        np.testing.assert_array_equal(rows, same)


def test_what_is_equally_near_but_for_rounding_is_ordered_as_a_page_has_it() -> None:
    """Matrix products round such similarities otherwise, and more of them than there are candidates."""
    rng = np.random.default_rng(4)
    query = units(rng, 1, 512)
    aside = rng.normal(size=(600, 512))
    aside -= (aside @ query.T) * query
    vectors = (0.6 * query + 0.8 * aside / np.linalg.norm(aside, axis=1, keepdims=True)).astype(np.float32)
    index, asked = index_of(vectors), np.repeat(query, 256, axis=0)
    page = index.page(query, np.arange(5)).similarities[0]
    assert np.ptp(page) < 1e-6
    expected = np.lexsort((np.arange(600), -page))[:10]
    for queries in (asked[:1], asked):
        assert nearest(index, queries, 10).rows.tolist() == [expected.tolist()] * len(queries)


def test_lists_say_the_recall_they_have() -> None:
    rng = np.random.default_rng(0)
    vectors, queries = themes(rng, 5000), themes(rng, 200)
    found = nearest(index_of(vectors), queries, 10, limit=0)
    exact = nearest(index_of(vectors), queries, 10)
    assert found.recall >= 0.98
    assert found.recall == pytest.approx((found.similarities >= exact.similarities[:, -1:]).mean())
    lists, probes = (int(word) for word in found.how.split() if word.isdigit())
    assert (lists, 1 <= probes < lists) == (128, True)
    right = found.rows == exact.rows
    assert right.mean() > 0.9
    np.testing.assert_array_equal(found.similarities[right], exact.similarities[right])


def test_little_recall_is_enough_where_little_is_asked() -> None:
    rng = np.random.default_rng(0)
    found = nearest(index_of(themes(rng, 3000)), themes(rng, 50), 10, limit=0, enough=0.1)
    assert found.how.endswith("lists, 1 probed")
    assert 0.1 <= found.recall < 0.98


def test_the_limit_counts_queries_times_artworks() -> None:
    index = index_of(units(np.random.default_rng(0), 100))
    queries = units(np.random.default_rng(1), 3)
    assert nearest(index, queries, 2, limit=300).how == "exact"
    assert nearest(index, queries, 2, limit=299).how.startswith("IVF")


def test_the_same_artwork_gives_the_same_lists() -> None:
    index = index_of(themes(np.random.default_rng(0), 2000))
    queries = themes(np.random.default_rng(1), 20)
    one, other = (build_lists(index, np.arange(2000)).nearest(queries, 5, 2) for _ in range(2))
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("limit", [1e9, 0])
def test_no_artwork(limit: float) -> None:
    found = nearest(index_of(np.empty((0, DIMENSION), np.float32)), LATTICE[:2], 3, limit=limit)
    assert (found.rows.tolist(), found.recall) == ([[ABSENT] * 3] * 2, 1.0)
    assert found.similarities.tolist() == [[-np.inf] * 3] * 2


@pytest.mark.parametrize("limit", [1e9, 0])
def test_one_artwork_and_more_asked_than_there_are(limit: float) -> None:
    found = nearest(index_of(LATTICE[:1]), LATTICE[[0, 15]], 3, limit=limit)
    assert found.rows.tolist() == [[0, ABSENT, ABSENT]] * 2
    assert found.similarities.tolist() == [[1, -np.inf, -np.inf], [-1, -np.inf, -np.inf]]


@pytest.mark.parametrize("limit", [1e9, 0])
def test_no_query(limit: float) -> None:
    found = nearest(index_of(LATTICE), np.empty((0, DIMENSION)), 3, limit=limit)
    assert (found.rows.shape, found.similarities.shape, found.how) == ((0, 3), (0, 3), "exact")


@pytest.mark.parametrize("shape", [(2, DIMENSION - 1), (DIMENSION,), (1, 1, DIMENSION)])
def test_queries_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="do not fit vectors of 4 numbers"):
        nearest(index_of(LATTICE), np.ones(shape), 1)


@pytest.mark.parametrize("spoil", [np.nan, np.inf, 0.0, 2.0], ids=str)
def test_a_query_that_is_no_unit_vector_is_refused(spoil: float) -> None:
    with pytest.raises(ValueError, match="finite and of unit length"):
        nearest(index_of(LATTICE), LATTICE[:2] * [[1], [spoil]], 1)


@pytest.mark.parametrize("k", [0, -1])
def test_less_than_one_is_refused(k: int) -> None:
    with pytest.raises(ValueError, match=f"k must be at least 1, not {k}"):
        nearest(index_of(LATTICE), LATTICE[:1], k)
