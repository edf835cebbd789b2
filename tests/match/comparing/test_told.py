"""A comparison from two texts to plain values: what changed is known by construction."""

from collections.abc import Callable
from typing import Any

import pytest

from embed.errors import QueryError, SnapshotError, StoreError
from embed.store import Store
from index.publish import publish_snapshot
from match.comparing.flow import Asked
from match.comparing.outcome import Comparison, compare_sides
from match.comparing.sides import Side, side_of
from match.comparing.told import artwork_listed, changes_table, titles_changed, told_artworks, told_outcome, told_titles


def compared(store: Store, former: str, latter: str, **asked: Any) -> Comparison:
    return compare_sides(store, (side_of(former), side_of(latter)), Asked(**asked))


def test_two_blends_of_one_snapshot(shared_store: Store, opened: list[str | None]) -> None:
    made = compared(shared_store, "", "people=0")
    assert opened == ["000001"]
    told = told_outcome(made, "000001")
    assert (told["from"]["serves"], told["to"]["serves"], told["to"]["given"]) == (True, True, {"people": 0.0})
    # rosa, who likes Cleo, and hugo, who does not like Ben, got Cleo's picture of two that are alike else
    assert (told["changed"]["changed"], told["changed"]["choices"], told["changed"]["reasons"]) == (2, 16, {"people": 2})
    assert titles_changed(made.compared) == [made.compared.population.title_ids.index("caper")]
    assert told_titles(made.compared, titles_changed(made.compared)) == [
        {"id": "caper", "name": "Caper", "users": 4, "changed": 2, "reasons": {"people": 2}, "artworks": [2, 2]}
    ]
    [won] = told_artworks(made.compared, artwork_listed(made.compared, "gained"))
    assert (won["id"], won["title"], won["users"], won["there"]) == ("caper-ben", "caper", [2, 4], [True, True])


def test_every_change_as_a_row(shared_store: Store) -> None:
    table = changes_table(compared(shared_store, "", "people=0").compared)
    rows = sorted(table.to_pylist(), key=lambda row: row["user_id"])
    assert [(row["user_id"], row["title_id"], row["reason"]) for row in rows] == [
        ("hugo", "caper", "people"),
        ("rosa", "caper", "people"),
    ]
    for row in rows:
        assert (row["from_artwork_id"], row["to_artwork_id"], row["segment"]) == ("caper-cleo", "caper-ben", None)
        assert row["from_lead"] == pytest.approx(0.625)  # a quarter of 2.5
        assert row["to_lead"] == pytest.approx(0, abs=1e-6)


def test_a_title_that_had_nothing_to_show(tmp_path: Any, make_store: Callable, titles: dict, users: dict) -> None:
    before = make_store(tmp_path / "before", {**titles, "lone": []}, users)
    after = make_store(tmp_path / "after", titles, users)
    table = changes_table(compared(before, "", f"store={after.root}", titles=["lone"]).compared)
    assert table.column("from_artwork_id").to_pylist() == [None] * 4
    assert table.column("to_artwork_id").to_pylist() == ["only"] * 4
    assert table.column("from_lead").to_pylist() == table.column("to_lead").to_pylist() == [None] * 4
    assert set(table.column("reason").to_pylist()) == {"new"}


def test_nothing_changes_between_the_same(given_store: Store, opened: list[str | None]) -> None:
    publish_snapshot(given_store)
    made = compared(given_store, "snapshot=000001", "snapshot=000002")
    assert opened == ["000001", "000002"]
    assert (made.whole.changed, made.whole.value) == (0, 0.0)
    assert changes_table(made.compared).num_rows == 0


def test_what_cannot_be_compared(shared_store: Store) -> None:
    with pytest.raises(SnapshotError, match="keeps no snapshot '000009'"):
        compared(shared_store, "snapshot=000009", "")
    with pytest.raises(StoreError, match="no store at 'nowhere'"):
        compare_sides(shared_store, (Side(), Side(store="nowhere")))
    with pytest.raises(QueryError, match="no title in common"):
        compared(shared_store, "", "people=0", titles=["none such"])
