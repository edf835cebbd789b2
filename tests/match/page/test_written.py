"""The page as a file: what it holds, whole or not at all."""

import base64
import io
import os
import re
from collections.abc import Callable, Iterator
from hashlib import sha256
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from embed.errors import SnapshotError
from embed.store import Store
from match.page import write_page, written
from match.page.documents import blocks

ROMANCE, COMEDY, HORROR, PLAIN = np.eye(4, dtype=np.float32)


@pytest.fixture
def show(tmp_path: Path, unpack: Callable) -> Callable[..., tuple[dict, dict]]:
    """show(store, users=, titles=) -> (the documents, the pictures)."""

    def run(store: Store, **kwargs: Any) -> tuple[dict, dict]:
        write_page(store, tmp_path / "page.html", **kwargs)
        return unpack(tmp_path / "page.html")

    return run


def of_kind(documents: dict, kind: str) -> Iterator[tuple[tuple[str, ...], dict]]:
    """Parameters and document of all of a kind."""
    return ((key[1:], told) for key, told in documents.items() if key[0] == kind)


# What it holds


def test_every_user_is_there_with_their_taste(show: Callable, pictured_store: Store) -> None:
    documents, _ = show(pictured_store)
    phrases = {told["id"]: [(p["text"], p["kind"]) for p in told["phrases"]] for _, told in of_kind(documents, "user")}
    assert phrases == {
        "rosa": [("romantic films", "genre"), ("Cleo Vance", "person")],
        "carl": [("funny films", "genre"), ("Ben Marsh", "person")],
        "hugo": [("horror films", "genre"), ("Ben Marsh", "person")],
        "wil": [],
    }
    [(_, users)] = of_kind(documents, "users")
    assert [user["id"] for user in users["users"]] == ["carl", "hugo", "rosa", "wil"]


def test_every_title_has_all_its_artwork_for_every_user(show: Callable, pictured_store: Store) -> None:
    documents, _ = show(pictured_store)
    first = {(told["user"], told["id"]): [art["id"] for art in told["artworks"]] for _, told in of_kind(documents, "title")}
    assert len(first) == 4 * 4
    assert [first[user, "harbour"][0] for user in ("rosa", "carl", "hugo")] == ["kiss", "clown", "ghost"]
    assert {tuple(sorted(ids)) for (_, title), ids in first.items() if title == "harbour"} == {("clown", "ghost", "kiss")}
    assert [ids for (_, title), ids in first.items() if title == "bare"] == [[]] * 4


def test_the_parts_of_a_score_add_up(show: Callable, pictured_store: Store) -> None:
    documents, _ = show(pictured_store)
    artworks = [art for _, told in of_kind(documents, "title") for art in told["artworks"]]
    assert len(artworks) == 4 * (3 + 2 + 1)
    for art in artworks:
        assert set(art["parts"]) == {"prior", "similarity", "people", "words"}
        assert sum(art["parts"].values()) == pytest.approx(art["score"], abs=1e-9)


def test_why_there_is_no_artwork(show: Callable, pictured_store: Store) -> None:
    documents, _ = show(pictured_store)
    bare = [told for (title, _), told in of_kind(documents, "title") if title == "title=bare"]
    assert [told["reason"] for told in bare] == ["title 'bare' has no usable artwork"] * 4


def test_a_picture_is_stored_once_however_often_it_is_shown(show: Callable, pictured_store: Store) -> None:
    documents, pictures = show(pictured_store)
    shown = {art["picture"] for _, told in of_kind(documents, "artworks") for art in told["artworks"] if art["id"] != "ghost"}
    assert set(pictures) == shown  # kiss, clown, two of caper, only; the ghost's file is there no more
    assert len(shown) == 5
    for url in pictures.values():
        data = base64.b64decode(url.removeprefix("data:image/webp;base64,"), validate=True)
        assert Image.open(io.BytesIO(data)).size == (96, 64)


def test_the_users_and_titles_named(show: Callable, shared_store: Store) -> None:
    documents, _ = show(shared_store, users=["hugo", "rosa"], titles=["lone"])
    [(_, users)], [(_, titles)] = of_kind(documents, "users"), of_kind(documents, "titles")
    assert [user["id"] for user in users["users"]] == ["hugo", "rosa"]
    assert [title["name"] for title in titles["titles"]] == ["Lone"]
    assert [key for key, _ in of_kind(documents, "title")] == [("title=lone", f"user={user}") for user in ("hugo", "rosa")]


def test_whom_and_what_nobody_knows_is_said(show: Callable, shared_store: Store) -> None:
    documents, _ = show(shared_store, users=["stranger"], titles=["no such"])
    told = documents["title", "title=no such", "user=stranger"]
    assert told["taste"] == "the audience's average: nothing is known of user 'stranger'"
    assert told["reason"] == "no title 'no such' in snapshot 000001"
    assert documents["user", "user=stranger"]["taste"] == told["taste"]


def test_an_empty_list_is_none_and_not_all(show: Callable, shared_store: Store) -> None:
    documents, _ = show(shared_store, users=[])
    assert documents["users", "start=0"] == {"total": 0, "users": []}
    documents, _ = show(shared_store, titles=[])
    assert documents["titles", "start=0"] == {"total": 0, "titles": []}
    assert list(of_kind(documents, "title")) == []


def test_large_stores_are_shown_in_part(
    show: Callable, tmp_path: Path, make_store: Callable, users: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(written, "ARTWORKS", 7)
    monkeypatch.setattr(written, "USERS", 2)
    titles = {f"t{n}": [{"artwork_id": f"a{n}{m}", "vector": ROMANCE} for m in range(3)] for n in range(5)}
    documents, _ = show(make_store(tmp_path / "store", titles, {f"u{n}": users["rosa"] for n in range(4)}))
    assert [title["id"] for title in documents["titles", "start=0"]["titles"]] == ["t0", "t1"]  # six artworks; a third has nine
    assert [user["id"] for user in documents["users", "start=0"]["users"]] == ["u0", "u1"]


def test_long_lists_are_there_in_blocks(show: Callable, tmp_path: Path, make_store: Callable, users: dict) -> None:
    titles = {f"t{n:03}": [{"artwork_id": f"a{n}", "vector": ROMANCE}] for n in range(blocks.BLOCK + 1)}
    documents, _ = show(make_store(tmp_path / "store", titles, {"rosa": users["rosa"]}))
    assert [len(documents["titles", f"start={start}"]["titles"]) for start in (0, 50)] == [50, 1]
    assert [len(documents["choices", f"start={start}", "user=rosa"]["choices"]) for start in (0, 50)] == [50, 1]


def test_progress_counts_pictures(tmp_path: Path, pictured_store: Store) -> None:
    seen: list[tuple[int, int]] = []
    write_page(pictured_store, tmp_path / "page.html", titles=["harbour"], progress=lambda *done: seen.append(done))
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_the_line_of_copy_and_why_there_is_none(
    show: Callable, tmp_path: Path, make_store: Callable, titles: dict, users: dict
) -> None:
    said = {**titles, "harbour": [{**row, "tags": [row["artwork_id"]]} for row in titles["harbour"]]}
    copy = [{"copy_id": "l1", "title_id": "harbour", "text": "Two hearts.", "tags": ["no clown"]}]
    words = {("tag", "clown"): COMEDY, ("tag", "ghost"): HORROR, ("tag", "kiss"): ROMANCE, ("copy", "Two hearts."): ROMANCE}
    documents, _ = show(make_store(tmp_path / "store", said, users, copy=copy, words=words), titles=["harbour"])
    rosa, carl = (documents["title", "title=harbour", f"user={user}"] for user in ("rosa", "carl"))
    line = rosa["copy"]
    assert (line["id"], line["text"], line["reason"]) == ("l1", "Two hearts.", "the only line of its title")
    assert carl["copy"] == {"id": None, "reason": "its title's only line is not for it (1 by contradiction)"}
    assert rosa["artworks"][0]["word"] == "kiss"
    assert rosa["artworks"][0]["parts"]["words"] > 0


def test_the_policy_allows_what_the_file_brings_and_nothing_else(tmp_path: Path, shared_store: Store) -> None:
    write_page(shared_store, tmp_path / "page.html")
    source = (tmp_path / "page.html").read_text(encoding="utf-8")
    [policy] = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', source)
    [brought], [style] = (
        re.findall(r"<script>(.*?)</script>", source, re.DOTALL),
        re.findall(r"<style>(.*?)</style>", source, re.DOTALL),
    )
    script_hash, style_hash = (base64.b64encode(sha256(text.encode()).digest()).decode() for text in (brought, style))
    told = dict(directive.split(" ", 1) for directive in unescape(policy).split("; "))
    assert told == {
        "default-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "script-src": f"'sha256-{script_hash}'",
        "style-src": f"'sha256-{style_hash}'",
        "img-src": "data:",
    }
    assert source.index("Content-Security-Policy") < source.index("<style")


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


# As a browser shows it


def test_what_is_not_there_is_said(
    write: Callable, look: Callable, tmp_path: Path, make_store: Callable, titles: dict, pictured_store: Store
) -> None:
    page = look(write(pictured_store), "#/title?title=harbour&user=hugo")
    assert page.locator(".ranked-artwork .picture.gone[title='ghost.png']").inner_text() == "picture not there"
    page = look(write(make_store(tmp_path / "without", titles)))
    assert "scripts/embed_users.py" in page.locator("main").inner_text()
    assert "No titles" in look(write(pictured_store, titles=[])).locator("main").inner_text()


def test_what_a_file_does_not_hold_is_said(write: Callable, look: Callable, pictured_store: Store) -> None:
    page = look(write(pictured_store, users=["rosa"]), "#/title?title=harbour&user=carl")
    assert "inspect_matches --store STORE --serve" in page.locator(".error").inner_text()
