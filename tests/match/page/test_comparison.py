"""Comparisons as the page has them: documents, what is remembered, and how many matchers are open."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from embed.errors import QueryError, SnapshotError, StoreError
from embed.store import Store
from index.publish import publish_snapshot
from match.comparing import outcome as module
from match.comparing.sides import Side, side_of
from match.matcher import Matcher
from match.page import Reading
from match.page.comparisons import Comparisons
from match.page.documents import KINDS, answer
from match.page.parameters import Parameters
from match.page.site import Site

BLEND = "people=0"


@pytest.fixture
def snapshots(given_store: Store, titles: dict, write_artwork: Callable) -> Store:
    """Of "harbour", 000002 lacks the kiss, 000003 has all, 000004 lacks the clown and serves; 000001 is kept no more."""
    for gone in ("kiss", None, "clown"):
        rows = [row for row in titles["harbour"] if row["artwork_id"] != gone]
        write_artwork(given_store, {**titles, "harbour": rows}, vectors=False)
        publish_snapshot(given_store)
    return given_store


def site_of(store: Store, *sides: str, live: bool = False, **named: Any) -> Site:
    reading = Reading(lambda matcher, text: [], lambda matcher, user, text: None) if live else None  # type: ignore[arg-type, return-value]
    comparisons = Comparisons([side_of(side) for side in sides], named.get("users"), named.get("titles"))
    matcher = Matcher.open(store)
    return Site.of(store, matcher, named.get("users"), named.get("titles"), reading, comparisons)


def asked(site: Site, kind: str = "comparison", **parameters: str) -> dict[str, Any]:
    parameters = {name.rstrip("_"): value for name, value in parameters.items()}
    return answer(site, kind, Parameters(parameters))


def test_two_blends_as_a_document(shared_store: Store) -> None:
    told = asked(site_of(shared_store), to=BLEND)
    assert told["state"] == "there"
    assert (told["from"]["text"], told["to"]["text"]) == ("", BLEND)
    assert told["differ"] == {"encoder": False, "weights": True, "snapshot": False, "store": False}
    assert told["to"]["weights"] == {**told["from"]["weights"], "people": 0.0}
    # rosa, who likes Cleo, and hugo, who does not like Ben, got Cleo's picture of two that are alike else
    assert {name: told["changed"][name] for name in ("users", "choices", "changed", "users_changed", "reasons")} == {
        "users": 4,
        "choices": 16,
        "changed": 2,
        "users_changed": 2,
        "reasons": {"people": 2},
    }
    assert told["titles"] == {"compared": 4, "changed": 1, "apart": [{"count": 0, "first": []}] * 2}
    assert told["artwork"] == {"gained": 1, "lost": 1, "retired": 0, "new": 0, "repainted": 0}
    assert told["segments"][0]["name"] is None


def test_the_lists_behind_it(shared_store: Store) -> None:
    site = site_of(shared_store)
    titles = asked(site, "comparison_titles", to=BLEND)
    assert titles["total"] == titles["held"] == 1
    assert titles["titles"] == [
        {"id": "caper", "name": "Caper", "users": 4, "changed": 2, "reasons": {"people": 2}, "artworks": [2, 2]}
    ]
    [won] = asked(site, "comparison_artwork", to=BLEND, list="gained")["artwork"]
    assert (won["id"], won["name"], won["users"], won["there"]) == ("caper-ben", "Caper", [2, 4], [True, True])
    [lost] = asked(site, "comparison_artwork", to=BLEND, list="lost")["artwork"]
    assert (lost["id"], lost["users"]) == ("caper-cleo", [2, 0])
    choices = asked(site, "comparison_choices", to=BLEND)["choices"]
    assert {choice["user"] for choice in choices} == {"rosa", "hugo"}
    for choice in choices:
        assert (choice["title"], choice["was"]["id"], choice["now"]["id"]) == ("caper", "caper-cleo", "caper-ben")
    rosa = next(choice for choice in choices if choice["user"] == "rosa")
    assert [parts["people"] for parts in rosa["was"]["parts"]] == [0.625, 0.0]  # a quarter of 2.5


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"user": "rosa"}, ["rosa"]),
        ({"user": "carl"}, []),
        ({"user": "nobody"}, []),
        ({"title": "caper", "reason": "people"}, ["hugo", "rosa"]),
        ({"title": "lone"}, []),
        ({"reason": "new"}, []),
        ({"segment": "kids"}, []),
    ],
)
def test_choices_may_be_narrowed(shared_store: Store, filters: dict[str, str], found: list[str]) -> None:
    told = asked(site_of(shared_store), "comparison_choices", to=BLEND, **filters)
    assert (told["total"], sorted(choice["user"] for choice in told["choices"])) == (len(found), found)


def test_what_cannot_be_asked(shared_store: Store, snapshots: Store) -> None:
    site = site_of(shared_store)
    for parameters, message in (
        ({"to": "else"}, "side 'else'"),
        ({"to": "people=9"}, "give a number from 0 to 5"),
        ({"to": "store=/etc"}, "this page does not compare store '/etc'"),
        ({"to": f"store={snapshots.root}"}, "does not compare store"),
    ):
        with pytest.raises(QueryError, match=message):
            asked(site, **parameters)
    with pytest.raises(SnapshotError, match="keeps no snapshot '000009'"):
        asked(site, to="snapshot=000009")
    with pytest.raises(QueryError, match="'list' is 'x'; give one of gained, lost, new, retired"):
        asked(site, "comparison_artwork", to=BLEND, list="x")


def test_a_kept_snapshot_with_what_serves(snapshots: Store) -> None:
    told = asked(site_of(snapshots), from_="snapshot=000002")
    assert (told["from"]["snapshot"]["name"], told["to"]["snapshot"]["name"]) == ("000002", "000004")
    assert (told["from"]["serves"], told["to"]["serves"]) == (False, True)
    assert told["artwork"]["new"] == told["artwork"]["retired"] == 1
    assert told["changed"]["reasons"] == {"retired": 3}  # all but hugo had the clown, also those who now have the kiss
    listed = {
        name: asked(site_of(snapshots), "comparison_artwork", from_="snapshot=000002", list=name) for name in ("new", "retired")
    }
    assert {name: [artwork["id"] for artwork in told["artwork"]] for name, told in listed.items()} == {
        "new": ["kiss"],
        "retired": ["clown"],
    }


def test_what_can_be_compared(snapshots: Store, shared_store: Store) -> None:
    site = site_of(snapshots, "snapshot=000003", BLEND, f"store={shared_store.root}")
    told = asked(site, "sides")
    assert told["serving"] == "000004"
    assert [[snapshot["name"] for snapshot in store["snapshots"]] for store in told["stores"]] == [
        ["000004", "000003", "000002"],
        ["000001"],
    ]
    assert told["stores"][1]["name"] == str(shared_store.root)
    assert told["offered"] == [  # what was published before stands first
        {"from": "snapshot=000003", "to": ""},
        {"from": "", "to": BLEND},
        {"from": "", "to": f"store={shared_store.root}"},
    ]


def test_another_store_that_was_named(
    given_store: Store, tmp_path: Path, make_store: Callable, titles: dict, users: dict
) -> None:
    other = make_store(tmp_path / "other", {**titles, "lone": []}, users, catalog=tmp_path)
    site = site_of(given_store, f"store={other.root}")
    told = asked(site, to=f"store={other.root}")
    assert (told["differ"]["store"], told["changed"]["reasons"]) == (True, {"retired": 4})
    back = asked(site, from_=f"store={other.root}")
    assert back["changed"]["reasons"] == {"new": 4}


def test_pictures_of_both_sides_have_a_place(
    snapshots: Store, tmp_path: Path, make_store: Callable, titles: dict, users: dict
) -> None:
    elsewhere = {"lone": [{"artwork_id": "painted", "vector": titles["lone"][0]["vector"]}]}
    other = make_store(tmp_path / "other", elsewhere, users, catalog=tmp_path / "pictures")
    site = site_of(snapshots, f"store={other.root}")
    gone = asked(site, "comparison_artwork", from_="snapshot=000003", list="retired")["artwork"][0]
    assert gone["id"] == "clown"
    store, path = site.where(gone["picture"])  # type: ignore[misc]
    assert (store.pictures, path) == (snapshots.pictures, "clown.png")
    fresh = asked(site, "comparison_artwork", to=f"store={other.root}", list="new")["artwork"][0]
    store, path = site.where(fresh["picture"])  # type: ignore[misc]
    assert (store.root, store.pictures, path) == (snapshots.root, str(tmp_path / "pictures"), "painted.png")
    assert site.where("0" * 64) is None


# Memory


def test_two_matchers_are_open_at_most_beside_what_serves(snapshots: Store, opened: list[str | None]) -> None:
    site = site_of(snapshots)
    opened.clear()
    asked(site, from_="snapshot=000002", to="snapshot=000003")
    assert opened == ["000002", "000003"]
    asked(site, from_="snapshot=000003", to=BLEND)  # of what serves
    asked(site, from_="snapshot=000002,words=1", to="snapshot=000004")  # 000004 serves
    assert opened == ["000002", "000003"]
    assert len(site.comparisons._matchers) == 2
    publish_snapshot(snapshots)  # 000002 goes
    asked(site, from_="snapshot=000005")
    assert opened == ["000002", "000003", "000005"]
    assert len(site.comparisons._matchers) == 2


def test_a_comparison_is_remembered_until_a_side_is_another(snapshots: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    made, original = [], module.compare
    monkeypatch.setattr(module, "compare", lambda *args: made.append(1) or original(*args))
    site = site_of(snapshots)
    for _ in range(2):
        asked(site, from_="snapshot=000003")
    asked(site, "comparison_titles", from_="snapshot=000003")
    assert len(made) == 1
    asked(Site.of(snapshots, Matcher.open(snapshots), comparisons=site.comparisons), from_="snapshot=000003")
    assert len(made) == 2  # what serves was opened anew


def test_served_it_is_made_beside_and_tells_how_far_it_is(shared_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on, original = threading.Event(), module.compare

    def waits(sides: Any, whom: Any, progress: Callable) -> Any:
        progress(3, 16)
        go_on.wait(10)
        return original(sides, whom, progress)

    monkeypatch.setattr(module, "compare", waits)
    monkeypatch.setattr("match.page.documents.comparison.SECONDS", 0.05)
    site = site_of(shared_store, live=True)
    assert asked(site, to=BLEND) == {"state": "working", "done": 3, "total": 16}
    go_on.set()
    assert asked(site, "comparison_titles", to=BLEND)["total"] == 1  # a list waits for it
    assert asked(site, to=BLEND)["state"] == "there"


def test_what_fails_is_told_and_tried_anew(shared_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    original = module.compare

    def fails(*args: Any) -> Any:
        raise StoreError("the disk is gone")

    monkeypatch.setattr(module, "compare", fails)
    site = site_of(shared_store, live=True)
    with pytest.raises(StoreError, match="the disk is gone"):
        asked(site, to=BLEND)
    monkeypatch.setattr(module, "compare", original)
    site.comparisons.ask(site.store, site.matcher, ("", BLEND))
    assert asked(site, to=BLEND)["state"] == "there"


# A page in a file


def test_a_file_holds_what_was_named_and_its_lists(snapshots: Store) -> None:
    site = site_of(snapshots, "snapshot=000003", BLEND)
    kinds = [name for name in KINDS if name.startswith(("comparison", "sides"))]
    held = {name: [dict(parameters) for parameters in KINDS[name].written(site)] for name in kinds}
    assert held["sides"] == [{}]
    assert held["comparison"] == [{"from": "snapshot=000003"}, {"to": BLEND}]
    assert {"from": "snapshot=000003", "order": "name", "start": "0"} in held["comparison_titles"]
    assert {"to": BLEND, "list": "lost", "start": "0"} in held["comparison_artwork"]
    filters = [
        {key: value for key, value in one.items() if key not in ("from", "to", "start")} for one in held["comparison_choices"]
    ]
    assert {"title": "caper"} in filters
    assert {"user": "rosa"} in filters
    assert {"reason": "people"} in filters
    assert {} in filters
    assert KINDS["comparison"].answer(site, Parameters(to=BLEND))["written"] == 40
    assert list(KINDS["comparison_choices"].written(site_of(snapshots))) == []


def test_a_page_of_some_users_and_titles_compares_them_alone(shared_store: Store) -> None:
    told = asked(site_of(shared_store, users=["rosa", "a stranger"], titles=["caper", "lone"]), to=BLEND)
    assert (told["users"]["compared"], told["titles"]["compared"], told["changed"]["changed"]) == (2, 2, 1)


def test_sides_that_are_offered() -> None:
    comparisons = Comparisons([Side(store="a"), Side(store="b", snapshot="1"), Side(snapshot="2")])
    assert comparisons.stores == {"a": Path("a"), "b": Path("b")}
    with pytest.raises(QueryError, match="9 sides are too many for one page; compare 8 at most"):
        Comparisons([Side(snapshot=str(number)) for number in range(9)])
