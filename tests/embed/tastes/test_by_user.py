"""What users left, user by user: the same rows as sorted in memory, in blocks that divide no user."""

from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embed.catalog import Catalog
from embed.records import ARTWORK, TASTE, TITLE, USER, WATCH
from embed.tastes import by_user
from embed.tastes.by_user import KNOWN, SAID, WATCHED, sorted_traces, users_of

USERS = st.sampled_from(["a", "b", "B", "ä", "z", "夜", "😀", "aa"])
AT = datetime(2026, 9, 1, tzinfo=UTC)
SIZES = st.tuples(st.integers(1, 6), st.integers(1, 3), st.integers(2, 3), st.integers(1, 9))


def made_of(history: list[Any], tastes: list[Any], users: list[Any]) -> Catalog:
    titles = pa.Table.from_pylist([{"title_id": f"t{n}", "name": "T"} for n in range(3)], schema=TITLE)
    tables = (
        [
            {
                "user_id": user,
                "title_id": f"t{n}",
                "fraction": 0.5,
                "watched_at": AT,
            }
            for user, n in history
        ],
        [{"user_id": user, "text": text, "weight": weight} for user, text, weight in tastes],
        [{"user_id": user, "locale": "de", "segment": segment} for user, segment in users],
    )
    watched, said, known = (
        pa.Table.from_pylist(rows, schema=schema) for rows, schema in zip(tables, (WATCH, TASTE, USER), strict=True)
    )
    return Catalog(Path(), "", titles, ARTWORK.empty_table(), watched, said, users=known)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(USERS, st.integers(0, 2)), max_size=30),
    st.lists(st.tuples(USERS, st.text(max_size=3), st.sampled_from([None, -1.0])), max_size=9),
    st.lists(st.tuples(USERS, st.sampled_from([None, "kids"])), max_size=5),
    SIZES,
)
def test_sorted_on_the_disk_is_sorted_in_memory(history: list[Any], tastes: list[Any], users: list[Any], sizes: Any) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for name, rows in zip(("RUN", "READ", "MERGED", "BLOCK"), sizes, strict=True):
            patch.setattr(by_user, name, rows)
        blocks = list(sorted_traces(made_of(history, tastes, users)))
    found = [row for block in blocks for row in block.to_pylist()]
    expected = [(user, WATCHED, n, 0.5, None, None) for user, n in history]
    expected += [(user, SAID, None, 1.0 if weight is None else weight, text, None) for user, text, weight in tastes]
    expected += [(user, KNOWN, None, None, "de", segment) for user, segment in users]
    ordered = sorted(enumerate(expected), key=lambda one: (one[1][0], one[0]))
    assert [row["number"] for row in found] == [number for number, _ in ordered]
    for row, (_, (user, what, title, amount, text, segment)) in zip(found, ordered, strict=True):
        assert (row["user_id"], row["what"], row["text"], row["segment"]) == (user, what, text, segment)
        assert title is None or row["title"] == title
        assert amount is None or row["amount"] == amount
    assert all(block.num_rows for block in blocks)
    ends = [(block["user_id"][0].as_py(), block["user_id"][-1].as_py()) for block in blocks]
    assert all(before[1] < after[0] for before, after in pairwise(ends))  # no user is in two blocks
    for block in blocks:
        names, places = users_of(block)
        assert [names[place].as_py() for place in places] == block["user_id"].to_pylist()
        assert names.to_pylist() == sorted(set(block["user_id"].to_pylist()))


def test_a_user_of_many_rows_is_one_block(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, rows in (("RUN", 5), ("READ", 2), ("MERGED", 2), ("BLOCK", 3)):
        monkeypatch.setattr(by_user, name, rows)
    blocks = list(sorted_traces(made_of([("a", 0), *[("m", 1)] * 40, ("z", 2)], [], [])))
    assert [count for block in blocks if (count := block["user_id"].to_pylist().count("m"))] == [40]


def test_nobody_is_no_block() -> None:
    assert list(sorted_traces(made_of([], [], []))) == []
