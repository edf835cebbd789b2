"""Sorting and looking for what is the same, held against numpy's own and against plain loops."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embed.ragged import distinct, first_of, stable_order


@given(st.lists(st.one_of(st.integers(0, 3), st.integers(0, 2**63 - 1))))
def test_a_stable_order_is_numpy_s(keys: list[int]) -> None:
    numbers = np.array(keys, np.int64)
    assert stable_order(numbers).tolist() == np.argsort(numbers, kind="stable").tolist()


@given(st.lists(st.integers(-(2**63), 2**63 - 1) | st.integers(0, 3)))
def test_each_key_once(keys: list[int]) -> None:
    assert distinct(np.array(keys, np.int64)).tolist() == sorted(set(keys))


PAIRS = st.lists(st.tuples(st.integers(0, 9) | st.just(10**9), st.integers(0, 5) | st.just(1000)), max_size=60)


@given(PAIRS, st.sampled_from([1, 30, 1 << 20]))
def test_the_first_with_the_same_owner_and_key(pairs: list[tuple[int, int]], slots: int) -> None:
    pairs = sorted(pairs, key=lambda pair: pair[0])
    owners, keys = np.array(pairs, np.int64).reshape(-1, 2).T
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("embed.ragged.SLOTS", slots)
        assert first_of(owners, keys).tolist() == [pairs.index(pair) for pair in pairs]


def test_of_many_the_first_is_found_too() -> None:
    """That numpy writes to a slot in the order asked is not promised for all that it can do: it is held to it here."""
    owners, keys = (
        np.sort(np.random.default_rng(3).integers(0, 50, 300_000)),
        np.random.default_rng(4).integers(0, 400, 300_000),
    )
    _, first, back = np.unique(owners * 400 + keys, return_index=True, return_inverse=True)
    assert np.array_equal(first_of(owners, keys), first[back])
