"""The wall of artwork, the map, the search and the duplicates as documents, on a store whose right answers are known."""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from embed.errors import QueryError
from embed.records import TITLE
from embed.store import read_table, replace_table
from index.publish import publish_snapshot
from match.matcher import Matcher
from match.page import Reading
from match.page.documents import answer, duplicates
from match.page.documents import map as maps
from match.page.documents.map import FINE, NEVER
from match.page.parameters import Parameters
from match.page.site import Site

ROMANCE, COMEDY, HORROR, PLAIN = np.eye(4, dtype=np.float32)
BY_TITLE = ["caper-ben", "caper-cleo", "clown", "ghost", "kiss", "only"]


@pytest.fixture
def site(given_store: Any) -> Site:
    """Of a page in a file."""
    return Site.of(given_store, Matcher.open(given_store))


@pytest.fixture
def served(given_store: Any, reading: Any) -> Site:
    """The same, as it is served."""
    return Site.of(given_store, Matcher.open(given_store), reading=Reading(reading.questions, reading.profile))


def ask(site: Site, kind: str, **parameters: str) -> dict:
    told = answer(site, kind, Parameters(parameters))
    return json.loads(json.dumps(told, allow_nan=False))


def ids(told: dict, name: str = "artworks") -> list[str]:
    return [artwork["id"] for artwork in told[name]]


# The wall


def test_all_artwork_is_there_in_the_order_of_the_titles_that_are_shown(given_store: Any, site: Site) -> None:
    told = ask(site, "artworks")
    assert ids(told) == BY_TITLE
    assert told["total"] == 6
    cleo = told["artworks"][1]
    assert (cleo["title"], cleo["name"], cleo["people"]) == ("caper", "Caper", ["Cleo  VANCE", "A Stranger"])
    some = Site.of(given_store, Matcher.open(given_store), titles=["lone", "nobody", "harbour", "lone"])
    assert ids(ask(some, "artworks")) == ["only", "clown", "ghost", "kiss"]


@pytest.mark.parametrize(
    ("find", "found"),
    [
        ("HARBOUR", ["clown", "ghost", "kiss"]),
        ("vance  cleo", ["caper-cleo"]),  # each word somewhere
        ("ghost harbour", ["ghost"]),
        ("nothing of the kind", []),
        (" ", BY_TITLE),
    ],
)
def test_letters_narrow_it(site: Site, find: str, found: list[str]) -> None:
    told = ask(site, "artworks", find=find)
    assert ids(told) == found
    assert told["total"] == len(found)
    assert ask(site, "numbers", find=find)["numbers"] == [BY_TITLE.index(one) for one in found]


def test_artwork_is_had_by_its_numbers(site: Site) -> None:
    assert ids(ask(site, "artworks", at="5,0,5")) == ["only", "caper-ben", "only"]
    for wrong in ("6", "-1", "x", ""):
        with pytest.raises(QueryError, match="'at' takes at most 100 numbers below 6"):
            ask(site, "artworks", at=wrong)


# The map


def test_the_map_has_every_artwork_title_by_title(given_store: Any) -> None:
    genres = {"caper": ["Comedy"], "harbour": ["drama", "comedy"], "lone": ["Drama"], "bare": []}
    rows = [{**row, "genres": genres[row["title_id"]]} for row in read_table(given_store, "titles").to_pylist()]
    replace_table(given_store, "titles", TITLE.empty_table().from_pylist(rows, schema=TITLE))
    publish_snapshot(given_store)
    told = ask(Site.of(given_store, Matcher.open(given_store)), "map")
    assert told["state"] == "there"
    assert [(title["id"], title["points"]) for title in told["titles"]] == [("caper", 2), ("harbour", 3), ("lone", 1)]
    assert [genre.casefold() for genre in told["genres"]] == ["drama", "comedy"]  # four points and two
    assert [title["genre"] for title in told["titles"]] == [1, 0, 0]
    assert len(told["x"]) == len(told["y"]) == 6
    assert {0, FINE} & {*told["x"], *told["y"]}
    assert told["rates"] == [NEVER] * 6
    assert told["numbers"] is None


def test_of_a_catalog_too_large_the_map_has_an_even_part(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maps, "MOST", 3)
    told = ask(site, "map")
    assert (told["numbers"], told["total"], len(told["x"])) == ([0, 2, 5], 6, 3)
    assert sum(title["points"] for title in told["titles"]) == 3


def test_the_map_is_laid_out_once_and_kept_whole(site: Site, given_store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    told = ask(site, "map")
    [kept] = (given_store.root / "maps").iterdir()
    monkeypatch.setattr(maps, "lay_out", lambda vectors: pytest.fail("it is kept"))
    assert ask(Site.of(given_store, Matcher.open(given_store)), "map") == told
    monkeypatch.undo()
    kept.write_bytes(kept.read_bytes()[:-30])  # damaged: made anew
    assert ask(Site.of(given_store, Matcher.open(given_store)), "map") == told
    with np.load(kept) as again:
        assert again["points"].shape == (6, 2)


def test_served_it_says_that_it_is_being_laid_out(served: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on, lay_out = threading.Event(), maps.lay_out
    monkeypatch.setattr("match.page.background.PATIENCE", 0.0)
    monkeypatch.setattr(maps, "lay_out", lambda vectors: go_on.wait(10) and lay_out(vectors))
    monkeypatch.setattr(served.background.ask.__func__, "__defaults__", (0.0,))
    assert ask(served, "map")["state"] == "working"
    go_on.set()
    monkeypatch.setattr(served.background.ask.__func__, "__defaults__", (10.0,))
    assert ask(served, "map")["state"] == "there"


# The search


def test_phrases_and_names_have_their_say_together(served: Site, reading: Any) -> None:
    reading.words["a clown at the sea"] = COMEDY
    told = ask(served, "search", phrases="a clown at the sea")
    assert ids(told, "hits")[0] == "clown"
    assert told["hits"][0]["met"][0]["similarity"] == pytest.approx(1)
    assert (told["how"], told["passing"]) == ("exact", 6)
    told = ask(served, "search", phrases="a clown at the sea", person="ben  marsh")
    assert ids(told, "hits") == ["caper-ben"]
    assert told["hits"][0]["named"]["people"] == ["Ben Marsh"]
    assert told["conditions"] == [{"words": "shows ben  marsh", "artworks": 1}]


def test_a_picture_is_asked_by_its_artwork_and_needs_no_encoder(site: Site) -> None:
    told = ask(site, "search", like="only", count="2")
    assert {*ids(told, "hits")} == {"only", "ghost"}  # the same vector
    assert [hit["met"][0]["similarity"] for hit in told["hits"]] == pytest.approx([1, 1])


def test_nothing_that_meets_all_is_an_answer_with_what_each_meets(site: Site) -> None:
    told = ask(site, "search", title="Harbour", person="Ben Marsh")
    assert told["hits"] == []
    assert [(one["words"], one["artworks"]) for one in told["conditions"]] == [("shows Ben Marsh", 1), ("of Harbour", 3)]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({}, "nothing is asked"),
        ({"phrases": " , "}, "nothing is asked"),
        ({"phrases": "rain"}, "a page in a file cannot read a phrase"),
        ({"person": "Ben Marshs"}, "^person 'Ben Marshs': is on no artwork.*'Ben Marsh'"),
        ({"like": "nobody"}, "no artwork 'nobody'"),
        ({"segment": "kids"}, "'kids' is none that the priors know"),
        ({"like": "only", "count": "501"}, "0 to 500"),
    ],
)
def test_what_cannot_be_asked_says_why(site: Site, parameters: dict, message: str) -> None:
    with pytest.raises(QueryError, match=message):
        ask(site, "search", **parameters)


# Duplicates


@pytest.fixture
def copies(tmp_path: Path, make_store: Callable) -> Any:
    """Of "one", "two" is nearly the same in the same title, "far" in another; "other" is alone."""
    near = np.array([0.96, 0.28, 0, 0], np.float32)
    titles = {
        "a": [{"artwork_id": "one", "vector": ROMANCE}, {"artwork_id": "two", "vector": near}],
        "b": [{"artwork_id": "far", "vector": ROMANCE}, {"artwork_id": "other", "vector": HORROR}],
    }
    return make_store(tmp_path / "copies", titles, {})


def test_what_looks_alike_is_paired_within_and_across_titles(copies: Any) -> None:
    told = ask(Site.of(copies, Matcher.open(copies)), "duplicates")
    pairs = {(told["artworks"][a]["id"], told["artworks"][b]["id"]): rest for a, b, *rest in told["pairs"]}
    assert {frozenset(pair): rest for pair, rest in pairs.items()} == {
        frozenset({"one", "far"}): [1.0, False, False],
        frozenset({"one", "two"}): [pytest.approx(0.96), False, True],
        frozenset({"two", "far"}): [pytest.approx(0.96), False, False],
    }
    assert (told["state"], told["how"], told["found"]) == ("there", "exact", 3)


def test_pairs_of_titles_that_are_not_shown_are_left_out(copies: Any) -> None:
    told = ask(Site.of(copies, Matcher.open(copies), titles=["a"]), "duplicates")
    assert len(told["pairs"]) == 1
    assert {*ids(told)} == {"one", "two"}


def test_duplicates_are_compared_once_and_kept(copies: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    told = ask(Site.of(copies, Matcher.open(copies)), "duplicates")
    monkeypatch.setattr(duplicates, "near_duplicates", lambda *_, **__: pytest.fail("they are kept"))
    assert ask(Site.of(copies, Matcher.open(copies)), "duplicates") == told
