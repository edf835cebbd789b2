"""Sides by their texts."""

from collections.abc import Callable

import pytest

from embed.errors import QueryError, SnapshotError
from embed.store import Store
from index.publish import publish_snapshot
from match.blend import Weights
from match.comparing.sides import Side, published_state, side_of
from match.fitting.published import publish_weights
from match.matcher import Matcher


@pytest.mark.parametrize(
    ("text", "side", "again"),
    [
        ("", Side(), ""),
        ("snapshot=000003", Side(snapshot="000003"), "snapshot=000003"),
        (" people=0 ,similarity=1.5", Side(weights={"similarity": 1.5, "people": 0.0}), "similarity=1.5,people=0"),
        ("store=../a,b=c/store,copy=2", Side("../a,b=c/store", None, {"copy": 2.0}), "store=../a,b=c/store,copy=2"),
        ("store=,snapshot=1", Side(snapshot="1"), "snapshot=1"),
    ],
)
def test_a_side_and_its_text(text: str, side: Side, again: str) -> None:
    assert side_of(text) == side
    assert str(side) == again
    assert side_of(again) == side


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("000003", "side '000003': give some of store=…, snapshot=…, similarity=…, people=…, words=…, copy=…"),
        ("x,people=1", "side 'x,people=1'"),
        ("people=-1", "people='-1': give a number from 0 to 5"),
        ("people=6", "people='6'"),
        ("people=", "people=''"),
        ("people=nan", "people='nan'"),
    ],
)
def test_what_is_no_side(text: str, message: str) -> None:
    with pytest.raises(QueryError, match=message):
        side_of(text)


def test_the_state_tells_what_a_matcher_would_be_made_of(given_store: Store) -> None:
    before = published_state(given_store, None)
    assert before[:2] == (str(given_store.root), "000001")
    assert published_state(given_store, "000001") == before
    gain = {"gain": 0.1, "gain_low": 0.0, "gain_high": 0.2}
    publish_weights(given_store, Weights(), {}, choices=9, plays=3, users=2, snapshots=["000001"], **gain)
    assert published_state(given_store, None) != before
    publish_snapshot(given_store)
    assert published_state(given_store, None)[1] == "000002"


@pytest.mark.parametrize("name", ["000009", "..", "../snapshots/000001", "000001/", ""])
def test_only_kept_snapshots_have_one(given_store: Store, name: str) -> None:
    with pytest.raises(SnapshotError, match=f"keeps no snapshot {name!r}; it keeps 000001"):
        Matcher.open(given_store, snapshot=name)
    if name:
        with pytest.raises(SnapshotError, match="keeps no snapshot"):
            published_state(given_store, name)


def test_a_kept_snapshot_is_opened_verified(given_store: Store, titles: dict, write_artwork: Callable) -> None:
    write_artwork(given_store, {**titles, "lone": []}, vectors=False)
    publish_snapshot(given_store)
    former = Matcher.open(given_store, snapshot="000001")
    assert former.snapshot.manifest.name == "000001"
    assert [choice.artwork is None for choice in former.choose("rosa", ["lone"])] == [False]
    assert [choice.artwork is None for choice in Matcher.open(given_store).choose("rosa", ["lone"])] == [True]
    path = given_store.snapshots / "000001" / "means.npy"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(SnapshotError, match="altered since it was published"):
        Matcher.open(given_store, snapshot="000001")
