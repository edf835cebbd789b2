"""Sorting, held against numpy's own."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from embed.ragged import distinct, stable_order


@given(st.lists(st.one_of(st.integers(0, 3), st.integers(0, 2**63 - 1))))
def test_a_stable_order_is_numpy_s(keys: list[int]) -> None:
    numbers = np.array(keys, np.int64)
    assert stable_order(numbers).tolist() == np.argsort(numbers, kind="stable").tolist()


@given(st.lists(st.integers(-(2**63), 2**63 - 1) | st.integers(0, 3)))
def test_each_key_once(keys: list[int]) -> None:
    assert distinct(np.array(keys, np.int64)).tolist() == sorted(set(keys))
