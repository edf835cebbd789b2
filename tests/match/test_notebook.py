"""Choices as a notebook shows them."""

import base64
import io
import pickle
import re
import shutil
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from embed.store import Store
from embed.words import word_of_copy, word_of_tag
from match import Choice, Choices, Exploration, Exploring, LiveMatcher, Matcher, Pages
from match.notebook import PAGES, ROW, SHOWN

ROMANCE, COMEDY, HORROR, PLAIN = np.eye(4, dtype=np.float32)
ALLOWED = {"div", "b", "bdi", "br", "span", "img"}


class Shown(HTMLParser):
    """Elements, images and text; nothing in it is active, and every element is closed."""

    def __init__(self, shown: Any) -> None:
        super().__init__()
        self.html = shown._repr_html_()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words = ""
        self.within: list[str] = []
        self.feed(self.html)
        self.close()
        assert self.within == []
        assert {tag for tag, _ in self.elements} <= ALLOWED
        assert {name for _, attributes in self.elements for name in attributes} <= {"style", "src", "alt", "title"}
        self.images = {attributes["alt"]: attributes["src"] for tag, attributes in self.elements if tag == "img"}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        self.words += " " if tag in {"div", "br"} else ""
        if tag not in {"img", "br"}:
            self.within.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.within.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data

    @property
    def text(self) -> str:
        return " ".join(self.words.split())


@pytest.fixture
def pictured(tmp_path: Path, make_store: Callable, titles: dict, users: dict, drawing: Callable) -> Store:
    """`titles` and `users`, with a picture for each artwork but the ghost."""
    (tmp_path / "catalog").mkdir()
    for row in (row for rows in titles.values() for row in rows if row["artwork_id"] != "ghost"):
        drawing(row["artwork_id"]).save(tmp_path / "catalog" / f"{row['artwork_id']}.png")
    return make_store(tmp_path / "store", titles, users, catalog=tmp_path / "catalog")


def test_a_choice_shows_its_picture_and_why(pictured: Store) -> None:
    [choice] = Matcher.open(pictured).choose("rosa", ["caper"], with_others=True)
    shown = Shown(choice)
    assert list(shown.images) == ["caper-cleo", "caper-ben"]
    data = base64.b64decode(shown.images["caper-cleo"].removeprefix("data:image/webp;base64,"), validate=True)
    assert Image.open(io.BytesIO(data)).size == (96, 64)
    assert shown.text.startswith(
        "caper for rosa the best of 2; taste: the user's own caper-cleo with Cleo Vance nearest in taste: “"
    )
    parts = re.findall(r"(prior|similarity|people|words) ([+-]\d\.\d\d)", shown.text)
    assert [name for name, _ in parts] == ["prior", "similarity", "people", "words"]
    assert sum(float(value) for _, value in parts) == pytest.approx(choice.artwork.score, abs=0.021)
    assert "never shown" in shown.text
    assert float(dict(parts)["people"]) > 0


def test_artwork_alone_shows_its_picture_too(pictured: Store) -> None:
    [choice] = Matcher.open(pictured).choose("rosa", ["harbour"])
    shown = Shown(choice.artwork)
    assert list(shown.images) == ["kiss"]
    assert "for rosa" not in shown.text


def test_a_line_of_copy_and_what_was_drawn(tmp_path: Path, make_store: Callable, titles: dict, users: dict) -> None:
    copy = [{"copy_id": "l1", "title_id": "harbour", "text": "Two hearts."}]
    store = make_store(tmp_path / "store", titles, users, copy=copy, words={("copy", "Two hearts."): ROMANCE})
    [choice] = Matcher.open(store).choose("rosa", ["harbour"], explore=Exploring(Exploration("softmax", floor=0.1)))
    shown = Shown(choice)
    assert "“Two hearts.”" in shown.text
    assert f", propensity {choice.propensity:.3f}" in shown.text
    assert "picture not there" in shown.text  # a store that was never told where its pictures lie


def test_why_there_is_nothing_to_show(pictured: Store) -> None:
    page = Matcher.open(pictured).choose("nobody", ["bare", "no such"])
    assert "No artwork: title 'bare' has no usable artwork" in Shown(page[0]).text
    shown = Shown(page)
    assert "No artwork: no title 'no such' in snapshot 000001" in shown.text
    assert "taste: the audience's average: nothing is known of user 'nobody'" in shown.text
    assert "no titles" in Shown(Matcher.open(pictured).choose("rosa", [])).text


def test_a_picture_that_is_gone_is_shown_as_gone(pictured: Store) -> None:
    shown = Shown(Matcher.open(pictured).choose("hugo", ["harbour", "lone"]))
    assert list(shown.images) == ["only"]
    assert shown.text.count("picture not there") == 1


def test_a_store_that_is_gone_is_no_failure(pictured: Store) -> None:
    [choice] = Matcher.open(pictured).choose("rosa", ["harbour"])
    _ = choice.artwork.why
    shutil.rmtree(pictured.root)
    assert "picture not there" in Shown(choice).text


def test_a_copy_finds_its_picture(pictured: Store) -> None:
    page = Matcher.open(pictured).choose("rosa", ["harbour"])
    copied = pickle.loads(pickle.dumps(page))
    assert type(copied) is Choices
    assert list(Shown(copied).images) == ["kiss"]


def test_pages_are_lists_as_before(pictured: Store) -> None:
    matcher = Matcher.open(pictured)
    page, pages = matcher.choose("rosa"), matcher.choose_many(["rosa", "carl"])
    assert (type(page), type(pages), {type(one) for one in pages}) == (Choices, Pages, {Choices})
    assert page == list(page) == pages[0]
    assert page[:2] == [page[0], page[1]]
    with LiveMatcher(pictured, seconds=None) as live:
        assert (type(live.choose("rosa")), type(live.choose_many(["rosa"]))) == (Choices, Pages)
        assert list(Shown(live.choose("rosa", ["harbour"])).images) == ["kiss"]


def test_a_long_page_shows_its_beginning_and_counts_the_rest(
    tmp_path: Path, make_store: Callable, users: dict, drawing: Callable
) -> None:
    (tmp_path / "catalog").mkdir()
    titles: dict = {f"t{n:04}": [{"artwork_id": f"a{n}", "vector": ROMANCE, "path": "one.png"}] for n in range(1000)}
    drawing("one").save(tmp_path / "catalog" / "one.png")
    matcher = Matcher.open(
        make_store(tmp_path / "store", titles, {f"u{n}": users["rosa"] for n in range(9)}, catalog=tmp_path / "catalog")
    )
    page = Shown(matcher.choose("u0"))
    assert (len(page.images), page.text.count("“romantic films”")) == (SHOWN, SHOWN)
    assert page.text.endswith(f"and {1000 - SHOWN} more titles")
    pages = Shown(matcher.choose_many(matcher.user_ids))
    assert pages.text.count("“romantic films”") == PAGES * ROW
    assert pages.text.endswith("and 994 more titles and 3 more users")


HOSTILE = [
    "<script>pwned()</script>",
    '"><img src=x onerror=pwned()>',
    "' onload='pwned()",
    "{{ 7 * 7 }}",
    "\u202eevil",
    "&lt;b&gt;",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_text_and_isolated(text: str, tmp_path: Path, make_store: Callable) -> None:
    titles = {
        text: [
            {"artwork_id": text, "vector": ROMANCE, "people": [text], "tags": [text], "path": f"{text}.png"},
            {"artwork_id": f"{text} 2", "vector": COMEDY},
        ]
    }
    users = {text: [(text, "genre", 0.6, ROMANCE), (f"{text}!", "person", 0.4, PLAIN)]}
    copy = [{"copy_id": text, "title_id": text, "text": text}]
    words = {("tag", word_of_tag(text)): ROMANCE, ("copy", word_of_copy(text)): ROMANCE}
    matcher = Matcher.open(make_store(tmp_path / "store", titles, users, copy=copy, words=words))
    page = matcher.choose(text, [text, f"not {text}"], with_others=True)
    for shown in (
        Shown(page),
        Shown(page[0]),
        Shown(page[1]),
        Shown(page[0].artwork),
        Shown(matcher.choose_many([text, text])),
    ):
        assert " ".join(text.split()) in shown.text
        assert shown.images == {}
        assert "\u202e" not in re.sub(r"<bdi>[^<]*</bdi>|title=\"[^\"]*\"", "", shown.html)


def test_a_choice_made_by_hand_is_shown() -> None:
    assert "t for u" in Shown(Choice("u", "t", None, "why not", "nobody's")).text
