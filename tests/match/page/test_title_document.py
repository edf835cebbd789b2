"""The documents of a title: by construction it is known what is chosen, why, and what a guard takes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import beta

from embed.records import PRIOR, SEGMENT_PRIOR, TITLE, TITLE_PRIOR
from embed.store import Store, read_table, replace_table
from index.publish import publish_snapshot
from match.matcher import Matcher
from match.page import Reading
from match.page.documents import answer
from match.page.parameters import Parameters
from match.page.site import Document, Site

ROMANCE, COMEDY, HORROR, PLAIN = np.eye(4, dtype=np.float32)
Row = dict[str, Any]


@pytest.fixture
def learn() -> Callable[..., None]:
    """learn(store, {artwork_id: (impressions, plays)}, **by_segment): priors as scripts/learn_priors.py leaves them, each worth its
    impressions and 100 more of a rate of 5 %; the average fit is worth nothing."""

    def write(store: Store, counts: dict[str, tuple[int, int]], **by_segment: dict[str, tuple[int, int]]) -> None:
        title_of = {row["artwork_id"]: row["title_id"] for row in read_table(store, "artwork").to_pylist()}

        def row(artwork_id: str, shown: int, played: int) -> Row:
            counted = {"impressions": shown, "plays": played, "mean": (played + 5) / (shown + 100), "strength": shown + 100.0}
            return {"title_id": title_of[artwork_id], "artwork_id": artwork_id, **counted}

        table = [{**row(name, *each), "effective": float(each[0])} for name, each in counts.items()]
        replace_table(store, "priors", pa.Table.from_pylist(table, schema=PRIOR))
        catalog = {"mean": 0.05, "strength": 100.0, "fit_weight": 0.0, "fit_error": 0.1}
        replace_table(store, "title_priors", pa.Table.from_pylist([catalog], schema=TITLE_PRIOR))
        of_segments = [{"segment": name, "impressions": 1, "plays": 0, "mean": 0.05, "strength": 100.0} for name in by_segment]
        of_segments += [{"segment": name, **row(art, *each)} for name, here in by_segment.items() for art, each in here.items()]
        if of_segments:
            replace_table(store, "segment_priors", pa.Table.from_pylist(of_segments, schema=SEGMENT_PRIOR))

    return write


def title_of(store: Store, title: str, user: str, reading: Reading | None = None, **parameters: str) -> Document:
    site = Site.of(store, Matcher.open(store), reading=reading)
    return answer(site, "title", Parameters(title=title, user=user, **parameters))


def test_artwork_is_ordered_for_the_user_and_its_parts_add_up(shared_store: Store) -> None:
    for user, first in (("rosa", "kiss"), ("carl", "clown"), ("hugo", "ghost")):
        told = title_of(shared_store, "harbour", user)
        assert told["artworks"][0]["id"] == first
        scores = [one["score"] for one in told["artworks"]]
        assert scores == sorted(scores, reverse=True)
        for one in told["artworks"]:
            assert sum(one["parts"].values()) == pytest.approx(one["score"], abs=3e-6)


def test_a_prior_has_its_counts_and_the_interval_of_its_beta(given_store: Store, learn: Callable) -> None:
    learn(given_store, {"kiss": (400, 60)})
    told = {one["id"]: one for one in title_of(given_store, "harbour", "rosa")["artworks"]}
    kiss = told["kiss"]
    assert (kiss["prior"]["impressions"], kiss["prior"]["plays"], kiss["strength"]) == (400, 60, 500)
    assert kiss["interval"] == pytest.approx(beta.interval(0.95, 65, 435), abs=1e-6)
    assert told["ghost"]["interval"] == pytest.approx(beta.interval(0.95, 5, 95), abs=1e-6)
    assert told["ghost"]["prior"]["impressions"] == 0


def test_two_that_are_believed_alike_are_drawn_alike_and_none_falls_below_the_floor(shared_store: Store) -> None:
    told = title_of(shared_store, "caper", "wil")
    for one in told["artworks"]:
        assert one["chances"] == {"thompson": pytest.approx(0.5, abs=1e-3), "softmax": pytest.approx(0.5, abs=1e-3)}
    for one in title_of(shared_store, "harbour", "rosa")["artworks"]:
        assert min(one["chances"].values()) >= round(0.05 / 3, 4)


@pytest.fixture
def guarded_store(tmp_path: Path, make_store: Callable) -> Store:
    """A page of titles on which every guard speaks for the average user."""
    titles = {
        "a": [{"artwork_id": "a1", "vector": ROMANCE, "people": ["Ann Lee"]}],
        "b": [{"artwork_id": "b1", "vector": COMEDY, "people": ["Ann Lee"]}],
        "c": [{"artwork_id": "c1", "vector": HORROR, "people": ["Ann Lee"]}],
        "d": [{"artwork_id": "d1", "vector": PLAIN, "people": ["Ann Lee"]}, {"artwork_id": "d2", "vector": ROMANCE}],
        "e": [
            {"artwork_id": "e1", "vector": ROMANCE},
            {"artwork_id": "e2", "vector": COMEDY},
            {"artwork_id": "e3", "vector": HORROR, "people": ["Ann Lee"]},
        ],
        "f": [
            {"artwork_id": "f1", "vector": HORROR, "prominence": 0.1},
            {"artwork_id": "f2", "vector": PLAIN, "prominence": 0.9},
            {"artwork_id": "f3", "vector": PLAIN, "spoiler": True},
        ],
    }
    return make_store(tmp_path / "store", titles, {"wil": []})


def test_what_a_guard_or_eligibility_sets_aside_is_told_with_its_reason(guarded_store: Store) -> None:
    guards = {one["id"]: one["guards"] for title in "abcdef" for one in title_of(guarded_store, title, "wil")["artworks"]}
    by = {"d1": "variety", "e1": "look-alike", "e3": "variety", "f1": "prominence"}
    assert {name: some for name, some in guards.items() if some} == {
        name: {"thompson": guard, "softmax": guard} for name, guard in by.items()
    }
    both = ["look-alike: 1 of 3 set aside", "variety: 1 of 2 set aside"]
    assert title_of(guarded_store, "e", "wil")["guards"] == {"thompson": both, "softmax": both}
    told = title_of(guarded_store, "f", "wil")
    assert told["aside"] == [{"id": "f3", "reason": "spoiler"}]
    assert told["guards"] == {"thompson": ["prominence: 1 of 2 set aside"], "softmax": ["prominence: 1 of 2 set aside"]}
    chances = {one["id"]: one["chances"] for one in told["artworks"]}
    assert chances == {"f1": {"thompson": None, "softmax": None}, "f2": {"thompson": 1.0, "softmax": 1.0}}


def test_the_page_says_of_both_guards_what_each_set_aside(guarded_store: Store, write: Callable, look: Callable) -> None:
    page = look(write(guarded_store), "#/title?title=e&user=wil")
    spoke = {
        one.locator("b").inner_text(): one.get_by_role("link").all_inner_texts()
        for one in page.locator(".spoke > ul > li").all()
    }
    assert spoke == {"look-alike": ["e1"], "variety": ["e3"]}
    told = {one.get_by_role("link").inner_text(): one.inner_text() for one in page.locator(".ranked-artwork").all()}
    words = {"e1": "set aside by look-alike\n", "e2": "none sets it aside", "e3": "set aside by variety\n"}
    assert {name: words[name] in text for name, text in told.items()} == dict.fromkeys(words, True)
    assert page.locator(".badge", has_text="guarded").count() == 2


def test_what_may_be_shown_depends_on_where_and_to_whom(tmp_path: Path, make_store: Callable) -> None:
    """The German one has the best prior of all, and takes no part where it is not read; nor does its line."""
    rows = [
        {"artwork_id": "de", "vector": ROMANCE, "locale": "de"},
        {"artwork_id": "grown", "vector": COMEDY, "maturity": 16.0},
        {"artwork_id": "plain", "vector": HORROR},
        {"artwork_id": "told", "vector": PLAIN, "spoiler": True},
    ]
    copy = [
        {"copy_id": "en", "title_id": "t", "text": "Yes.", "locale": "en"},
        {"copy_id": "de", "title_id": "t", "text": "Ja.", "locale": "de"},
    ]
    words = {("copy", "Yes."): ROMANCE, ("copy", "Ja."): COMEDY}
    store = make_store(tmp_path / "store", {"t": rows}, {"wil": []}, copy=copy, words=words)

    def told(**parameters: str) -> tuple[list[str], dict[str, str]]:
        document = title_of(store, "t", "wil", **parameters)
        return [one["id"] for one in document["artworks"]], {one["id"]: one["reason"] for one in document["aside"]}

    assert told() == (["de", "grown", "plain"], {"told": "spoiler"})
    assert told(knows="yes") == (["de", "grown", "plain", "told"], {})
    assert told(locale="en-GB", age="12") == (["plain"], {"de": "locale", "grown": "maturity", "told": "spoiler"})
    english = title_of(store, "t", "wil", locale="en")
    assert [(line["id"], line["reason"]) for line in english["lines"]] == [("de", "it is of another locale")]
    assert english["runner_up"]["id"] == "plain"
    assert {one["id"] for one in english["artworks"] if one["chances"]["thompson"]} == {"grown", "plain"}


def test_what_may_not_be_shown_leads_nothing(tmp_path: Path, make_store: Callable, learn: Callable, users: Row) -> None:
    rows = [
        {"artwork_id": "clown", "vector": COMEDY},
        {"artwork_id": "kiss", "vector": ROMANCE},
        {"artwork_id": "secret", "vector": HORROR, "spoiler": True},
    ]
    store = make_store(tmp_path / "store", {"t": rows}, users)
    learn(store, {"clown": (1000, 80), "kiss": (1000, 50), "secret": (1000, 900)})
    [change] = title_of(store, "t", "rosa")["runner_up"]["changes"]
    assert change["leads"] is True


def test_a_weight_told_makes_the_runner_up_the_first(given_store: Store, learn: Callable) -> None:
    """The clown has the better prior; rosa gets the kiss as long as her taste counts."""
    learn(given_store, {"clown": (1000, 80), "kiss": (1000, 50), "ghost": (1000, 10)})
    told = title_of(given_store, "harbour", "rosa")
    assert (told["artworks"][0]["id"], told["runner_up"]["id"]) == ("kiss", "clown")
    assert told["runner_up"]["margin"] == pytest.approx(told["artworks"][0]["score"] - told["artworks"][1]["score"], abs=2e-6)
    [change] = told["runner_up"]["changes"]
    assert (change["weight"], change["leads"]) == ("similarity", True)
    assert 0 < change["value"] < 0.5
    changed = title_of(given_store, "harbour", "rosa", similarity=str(change["value"]))
    assert changed["artworks"][0]["id"] == "clown"
    again = title_of(given_store, "harbour", "rosa", similarity=str(change["value"] + 0.02))
    assert again["artworks"][0]["id"] == "kiss"


def test_so_many_plays_make_the_runner_up_the_first(given_store: Store, learn: Callable) -> None:
    counts = {"clown": (1000, 80), "kiss": (1000, 50), "ghost": (1000, 10)}
    learn(given_store, counts)
    needed = title_of(given_store, "harbour", "rosa")["runner_up"]["needed"]
    for plays, first in ((needed["plays"], "clown"), (needed["plays"] - 1, "kiss")):
        learn(given_store, {**counts, "clown": (1000 + needed["impressions"], 80 + plays)})
        assert title_of(given_store, "harbour", "rosa")["artworks"][0]["id"] == first


def test_an_only_artwork_has_no_runner_up_and_an_unknown_title_nothing(shared_store: Store) -> None:
    assert title_of(shared_store, "lone", "rosa")["runner_up"] is None
    told = title_of(shared_store, "no such", "rosa")
    assert (told["artworks"], told["aside"], told["runner_up"], told["lines"]) == ([], [], None, [])
    assert told["reason"] == "no title 'no such' in snapshot 000001"


def test_all_lines_of_copy_are_told_with_what_stops_them(tmp_path: Path, make_store: Callable, titles: Row, users: Row) -> None:
    said = {**titles, "harbour": [{**row, "tags": [row["artwork_id"]]} for row in titles["harbour"]]}
    copy = [
        {"copy_id": "hearts", "title_id": "harbour", "text": "Two hearts.", "tags": []},
        {"copy_id": "laughs", "title_id": "harbour", "text": "Laughs.", "tags": []},
        {"copy_id": "nobody", "title_id": "harbour", "text": "Nobody kisses.", "tags": ["no kiss"]},
    ]
    words = {("tag", name): vector for name, vector in (("clown", COMEDY), ("ghost", HORROR), ("kiss", ROMANCE))}
    words |= {("copy", "Two hearts."): ROMANCE, ("copy", "Laughs."): COMEDY, ("copy", "Nobody kisses."): ROMANCE}
    told = title_of(make_store(tmp_path / "store", said, users, copy=copy, words=words), "harbour", "rosa")
    assert (told["artworks"][0]["id"], told["copy"]["id"]) == ("kiss", "hearts")
    assert [(line["id"], line["reason"]) for line in told["lines"]] == [
        ("laughs", ""),
        ("nobody", "it contradicts the artwork"),
    ]
    assert told["lines"][0]["similarity"] < told["copy"]["similarity"]


def test_an_edited_taste_has_its_own_order_and_runner_up(shared_store: Store, reading: Any) -> None:
    told = title_of(
        shared_store, "harbour", "rosa", Reading(reading.questions, reading.profile), taste="0.5 genre funny films\n"
    )
    assert told["artworks"][0]["id"] == "clown"
    assert told["runner_up"]["margin"] > 0
    assert told["artworks"][0]["chances"]["thompson"] > 1 / 3


def about(store: Store, title: str, **kwargs: Any) -> Document:
    return answer(Site.of(store, Matcher.open(store), **kwargs), "about", Parameters(title=title))


def test_every_segment_meets_what_its_average_user_does(given_store: Store, learn: Callable) -> None:
    learn(
        given_store,
        {"ghost": (1000, 90), "clown": (1000, 50), "kiss": (1000, 50)},
        kids={"clown": (200, 40), "ghost": (100, 1), "kiss": (100, 5)},
        late={"kiss": (300, 50)},
    )
    met = {one["segment"]: one for one in about(given_store, "harbour")["segments"]}
    assert {name: one["artwork"] for name, one in met.items()} == {None: "ghost", "kids": "clown", "late": "kiss"}
    assert met["kids"]["prior"] == {"mean": 0.15, "impressions": 200, "plays": 40, "segment": "kids"}
    assert met["kids"]["interval"] == pytest.approx(beta.interval(0.95, 45, 255), abs=1e-6)
    assert {one["artwork"] for one in about(given_store, "bare")["segments"]} == {None}


def test_only_so_many_segments_are_told(given_store: Store, learn: Callable) -> None:
    learn(given_store, {"ghost": (10, 1)}, **{f"s{n:02}": {"clown": (20, 4)} for n in range(20)})
    told = about(given_store, "harbour")
    assert (len(told["segments"]), told["more_segments"]) == (16, 5)


def test_a_title_has_its_words_and_the_titles_beside_it(given_store: Store) -> None:
    rows = [
        {**row, "synopsis": "A bay.", "genres": ["drama"], "people": ["Ada Quill"]}
        for row in read_table(given_store, "titles").to_pylist()
    ]
    replace_table(given_store, "titles", pa.Table.from_pylist(rows, schema=TITLE))
    publish_snapshot(given_store)
    told = about(given_store, "harbour", titles=["lone", "harbour", "caper"])
    assert (told["previous"], told["next"], told["of"]) == ("lone", "caper", {"place": 2, "titles": 3})
    assert (told["name"], told["genres"], told["people"], told["synopsis"]) == ("Harbour", ["drama"], ["Ada Quill"], "A bay.")
    assert [one["id"] for one in told["artworks"]] == ["clown", "ghost", "kiss"]
    outside = about(given_store, "bare", titles=["harbour"])
    assert (outside["previous"], outside["next"], outside["artworks"]) == (None, None, [])
    assert about(given_store, "no such")["name"] == "no such"
