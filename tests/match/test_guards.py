"""Guards: who has little part in a title, and what a page repeats."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embed.store import read_table, replace_table
from index.publish import publish_snapshot
from index.snapshot import Snapshot, open_snapshot
from match.guards import Guards, Marks, Row, of_little_part

VECTOR = np.eye(4, dtype=np.float32)[0]


@pytest.fixture
def snapshot(tmp_path: Path, make_store: Callable[..., Any]) -> Snapshot:
    """ "film" names four people; "plain" none."""
    artwork = {
        "film": [
            {"artwork_id": "cleo", "people": ["Cleo  VANCE"], "tags": ["no NIGHT", "Portrait", "sea"]},
            {"artwork_id": "extra", "people": ["Ann Extra"]},
            {"artwork_id": "extra-and-ben", "people": ["Ann Extra", "Ben Marsh"], "tags": ["portrait"]},
            {"artwork_id": "fourth", "people": ["Dora Pike"]},
            {"artwork_id": "nobody", "tags": ["sea"]},
            {"artwork_id": "said-little", "people": ["Cleo Vance"], "prominence": 0.1},
            {"artwork_id": "said-much", "people": ["Ann Extra"], "prominence": 0.9},
        ],
        "plain": [{"artwork_id": "someone", "people": ["Ann Extra"]}],
    }
    titles = {name: [{"vector": VECTOR, **row} for row in rows] for name, rows in artwork.items()}
    store = make_store(tmp_path / "store", titles, publish=False)
    table = read_table(store, "titles")
    people = {"film": ["Ben Marsh", "Eve Gray", "Cleo Vance", "Dora Pike"], "plain": []}
    rows = [row | {"people": people[row["title_id"]]} for row in table.to_pylist()]
    replace_table(store, "titles", pa.Table.from_pylist(rows, schema=table.schema))
    publish_snapshot(store)
    return open_snapshot(store)


def ids(snapshot: Snapshot, which: np.ndarray) -> list[str]:
    return snapshot.artwork["artwork_id"].filter(pa.array(which)).to_pylist()


def test_the_catalog_s_prominence_decides_and_else_the_billing(snapshot: Snapshot) -> None:
    assert ids(snapshot, of_little_part(snapshot, Guards())) == ["extra", "fourth", "said-little"]
    assert ids(snapshot, of_little_part(snapshot, Guards(leads=4))) == ["extra", "said-little"]
    assert ids(snapshot, of_little_part(snapshot, Guards(leads=1))) == ["cleo", "extra", "fourth", "said-little"]
    assert ids(snapshot, of_little_part(snapshot, Guards(leads=0))) == ["said-little"]
    assert ids(snapshot, of_little_part(snapshot, Guards(leads=0, least_prominence=0.0))) == []


def test_marks_are_people_and_the_main_tag(snapshot: Snapshot) -> None:
    marks = Marks.of(snapshot)
    row = {name: number for number, name in enumerate(snapshot.artwork["artwork_id"].to_pylist())}
    people, of = snapshot.people, {name: set(marks.at(number)) for name, number in row.items()}
    portrait = (of["cleo"] - {people["cleo vance"]}).pop()  # "no NIGHT" denies
    assert of["extra-and-ben"] == {people["ann extra"], people["ben marsh"], portrait}
    assert len(of["nobody"]) == 1
    assert not of["nobody"] & (set(people.values()) | {portrait})
    assert of["someone"] == of["extra"] == {people["ann extra"]}
    some = np.array([row["someone"], row["cleo"]])
    taken = marks.taken(some)
    assert [set(taken.at(0)), set(taken.at(1))] == [of["someone"], of["cleo"]]
    assert marks.bearing(slice(0, 3), {people["ann extra"]}).tolist() == [False, True, True]


@given(
    choices=st.lists(st.sets(st.integers(0, 3), max_size=3), max_size=30), most=st.integers(1, 4), of_a_row=st.integers(1, 6)
)
def test_full_is_what_the_last_choices_bear_as_often_as_they_may(choices: list[set[int]], most: int, of_a_row: int) -> None:
    row = Row(Guards(most_alike=most, of_a_row=of_a_row))
    for number, marks in enumerate(choices):
        row.add(sorted(marks))
        latest = choices[max(0, number + 2 - of_a_row) : number + 1]
        counts = Counter(mark for of_one in latest for mark in of_one)
        assert row.full == {mark for mark, count in counts.items() if count >= most}
