"""What looks alike: held against every pair, one by one."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index import duplicates
from index.duplicates import PAIRS, Duplicates, near_duplicates
from index.snapshot import Snapshot
from index.titles import build_index

DIMENSION = 4
# Unit vectors of halves and ones: any sum of their products is exact; cosines are 0, a half and one.
CORNERS = np.array([[(number >> axis & 1) - 0.5 for axis in range(DIMENSION)] for number in range(2**DIMENSION)])
LATTICE = np.concatenate([CORNERS, np.eye(DIMENSION)]).astype(np.float32)


def snapshot_of(titles: list[int], contents: list[Any], vectors: np.ndarray) -> Snapshot:
    """Of artwork a0, a1, … of titles (rising numbers), whose files are `contents`; all that is looked at of a snapshot."""
    artwork = pa.table(
        {
            "artwork_id": pa.array([f"a{number}" for number in range(len(titles))], pa.string()),
            "title_id": pa.array([f"t{title}" for title in titles], pa.string()),
            "path": pa.array([f"{number}.png" for number in range(len(titles))], pa.string()),
            "sha256": pa.array([str(content) for content in contents], pa.string()),
        }
    )
    index = build_index(vectors, np.array(titles, np.int64), max(titles, default=0) + 1)
    nothing: Any = None
    return Snapshot(nothing, index, artwork, nothing, nothing, nothing, nothing, nothing, nothing, nothing, nothing)


@st.composite
def snapshots(draw: Callable) -> tuple[Snapshot, list[int], list[int], np.ndarray]:
    """(snapshot, title of each artwork, content of each, vectors): copies of a file within titles and across them, and other
    files with the same vector."""
    titles = sorted(draw(st.lists(st.integers(0, 4), max_size=24)))
    contents = [draw(st.integers(0, 12)) for _ in titles]
    points = draw(st.lists(st.integers(0, len(LATTICE) - 1), min_size=13, max_size=13))
    vectors = LATTICE[[points[content] for content in contents]].reshape(-1, DIMENSION)
    return snapshot_of(titles, contents, vectors), titles, contents, vectors


def pairs_by_hand(titles: list[int], contents: list[int], vectors: np.ndarray, threshold: float, across: bool) -> set:
    """(row, other): copies beside the first of their title, that beside the first of all; the first ones beside each other."""
    pairs = set()
    for other, (title, content) in enumerate(zip(titles, contents, strict=True)):
        of_file = [row for row in range(len(titles)) if contents[row] == content]
        in_title = next(row for row in of_file if titles[row] == title)
        first = in_title if in_title != other else of_file[0]
        if first != other:
            pairs.add((first, other))
        for row in range(other):
            files = list(zip(titles, contents, strict=True))
            firsts = [files.index(files[x]) for x in (row, other)]
            of_all = [contents.index(contents[x]) for x in (row, other)]
            compared = firsts if titles[row] == title else of_all
            if compared == [row, other] and contents[row] != content and vectors[row] @ vectors[other] >= threshold:
                pairs.add((row, other))
    return {(row, other) for row, other in pairs if across or titles[row] == titles[other]}


def groups_of(edges: list[tuple[int, int]], count: int) -> list[frozenset[int]]:
    """Connected components of more than one, the plain way."""
    groups = [{row} for row in range(count)]
    for row, other in edges:
        one, two = (next(group for group in groups if member in group) for member in (row, other))
        if one is not two:
            groups.remove(two)
            one |= two
    return [frozenset(group) for group in groups if len(group) > 1]


def rows_of(found: Duplicates) -> list[tuple[int, int]]:
    columns = (found.pairs[name].to_pylist() for name in ("artwork_id", "other_artwork_id"))
    return [(int(one[1:]), int(other[1:])) for one, other in zip(*columns, strict=True)]


@settings(deadline=None, max_examples=120)
@given(
    snapshots(),
    st.sampled_from([0.4, 0.5, 0.9, 1.0]),
    st.booleans(),
    st.sampled_from([2, 5, 4096]),
    st.sampled_from([1, 3, 256]),
    st.sampled_from([1e9, -1]),
)
def test_every_pair_is_found_once(drawn: tuple, threshold: float, across: bool, square: int, small: int, limit: float) -> None:
    """In squares of any size, and by lists, of which so few artworks make only one."""
    snapshot, titles, contents, vectors = drawn
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("SQUARE", square), ("SMALL", small), ("BLOCK", square)):
            patch.setattr(duplicates, name, value)
        found = near_duplicates(snapshot, threshold, across=across, limit=limit)
    expected = pairs_by_hand(titles, contents, vectors, threshold, across)
    assert sorted(rows_of(found)) == sorted(expected)
    similarities = found.pairs["similarity"].to_numpy()
    assert similarities.tolist() == [vectors[row] @ vectors[other] for row, other in rows_of(found)]
    assert rows_of(found) == sorted(rows_of(found), key=lambda pair: (-(vectors[pair[0]] @ vectors[pair[1]]), pair))
    assert found.pairs["same_file"].to_pylist() == [contents[row] == contents[other] for row, other in rows_of(found)]
    assert found.pairs["within_title"].to_pylist() == [titles[row] == titles[other] for row, other in rows_of(found)]
    assert (found.found, found.recall) == (len(expected), 1.0)
    assert found.same_file == sum(found.pairs["same_file"].to_pylist())
    assert found.within_title == sum(found.pairs["within_title"].to_pylist())


@settings(deadline=None, max_examples=80)
@given(snapshots(), st.sampled_from([0.4, 0.9]))
def test_groups_are_those_of_all_pairs_though_copies_are_compared_once(drawn: tuple, threshold: float) -> None:
    snapshot, titles, contents, vectors = drawn
    found = near_duplicates(snapshot, threshold)
    alike = np.array(vectors @ vectors.T >= threshold) | (np.array(contents)[:, None] == np.array(contents))
    expected = groups_of(list(zip(*np.nonzero(np.triu(alike, 1)), strict=True)), len(titles))
    by_number: dict[int, set[int]] = {}
    for pair, number in zip(rows_of(found), found.pairs["group"].to_pylist(), strict=True):
        by_number.setdefault(number, set()).update(pair)
    assert list(by_number) == list(range(1, len(expected) + 1))
    assert {frozenset(group) for group in by_number.values()} == set(expected)
    sizes = dict(zip(found.pairs["group"].to_pylist(), found.pairs["group_size"].to_pylist(), strict=True))
    assert sizes == {number: len(group) for number, group in by_number.items()}
    assert found.groups == len(expected)


def planted(count: int, dimension: int = 16) -> tuple[Snapshot, list[tuple[int, int]]]:
    """(snapshot, its near-duplicates): in the second half, one in ten is much like one of the first half; the others are far."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(count, dimension))
    twins = np.arange(0, count // 2, 10)
    vectors[count // 2 + twins] = vectors[twins] + 0.25 * rng.normal(size=(len(twins), dimension))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    titles = (np.arange(count) // 4).tolist()
    return snapshot_of(titles, list(range(count)), vectors), [(row, row + count // 2) for row in twins.tolist()]


def test_lists_find_nearly_all_and_say_so() -> None:
    snapshot, twins = planted(6000)
    exact, found = (near_duplicates(snapshot, 0.85, limit=limit) for limit in (1e9, 0))
    assert (exact.how, exact.recall) == ("exact", 1.0)
    assert set(twins) <= set(rows_of(exact))
    assert found.how.startswith("IVF 128 lists, ")
    assert not found.how.endswith(" 1 probed")
    assert 0.98 <= found.recall <= 1.0
    assert set(rows_of(found)) <= set(rows_of(exact))
    assert len(found.pairs) >= 0.95 * len(exact.pairs)


def test_the_most_alike_are_kept_and_all_are_counted() -> None:
    snapshot, _ = planted(600)
    everything = near_duplicates(snapshot, 0.5)
    few = near_duplicates(snapshot, 0.5, most=10)
    assert few.found == everything.found > 1000
    assert few.groups == everything.groups
    assert few.pairs["similarity"].to_pylist() == everything.pairs["similarity"].to_pylist()[:10]
    assert rows_of(few) == rows_of(everything)[:10]


def test_many_copies_are_one_group_and_one_pair_each() -> None:
    titles, vectors = list(range(3000)), np.tile(LATTICE[:1], (3000, 1))
    found = near_duplicates(snapshot_of(titles, ["a placeholder"] * 3000, vectors))
    assert (found.found, found.same_file, found.within_title, found.groups) == (2999, 2999, 0, 1)
    assert set(found.pairs["artwork_id"].to_pylist()) == {"a0"}
    assert set(found.pairs["group_size"].to_pylist()) == {3000}


def test_copies_are_pairs_whatever_rounding_makes_of_their_cosine() -> None:
    vectors = np.random.default_rng(0).normal(size=(50, 16))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    assert (np.einsum("nd,nd->n", vectors, vectors) < 1).any()
    found = near_duplicates(snapshot_of([0] * 50 + [1] * 50, [*range(50)] * 2, np.tile(vectors, (2, 1))), 1.0)
    assert sorted(rows_of(found)) == [(row, row + 50) for row in range(50)]


def test_without_other_titles_a_copy_of_another_title_is_no_pair() -> None:
    snapshot = snapshot_of([0, 0, 1], ["a", "a", "a"], LATTICE[[0, 0, 0]])
    found = near_duplicates(snapshot, across=False)
    assert (rows_of(found), found.how, found.groups) == ([(0, 1)], "not compared", 1)


@pytest.mark.parametrize("limit", [1e9, -1])
@pytest.mark.parametrize("artworks", [0, 1])
def test_so_few_have_no_pairs(artworks: int, limit: float) -> None:
    found = near_duplicates(snapshot_of([0] * artworks, ["a"] * artworks, LATTICE[:artworks]), limit=limit)
    assert (found.found, found.groups, found.recall, found.pairs.schema) == (0, 0, 1.0, PAIRS)
    assert len(found.pairs) == 0


def test_progress_ends_with_all_pictures() -> None:
    for limit in (1e9, 0):
        told: list[tuple[int, int]] = []
        near_duplicates(planted(100)[0], limit=limit, progress=lambda done, total, told=told: told.append((done, total)))
        assert told[-1] == (100, 100)
        assert told == sorted(told)


@pytest.mark.parametrize("threshold", [0.0, -0.5, 1.01, np.nan, np.inf], ids=str)
def test_a_threshold_that_is_no_cosine_is_refused(threshold: float) -> None:
    with pytest.raises(ValueError, match="the threshold is a cosine above 0"):
        near_duplicates(snapshot_of([0], ["a"], LATTICE[:1]), threshold)


def test_no_pair_to_be_kept_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one pair must be kept, not 0"):
        near_duplicates(snapshot_of([0], ["a"], LATTICE[:1]), most=0)
