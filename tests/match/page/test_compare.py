"""The view of two sides beside each other, in a browser."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from playwright.sync_api import expect

from embed.records import PROFILE
from embed.store import Store, read_table, replace_table
from index.publish import publish_snapshot
from match.comparing.sides import side_of

BLEND = "people=0"


@pytest.fixture
def two_snapshots(pictured_store: Store, titles: dict, write_artwork: Callable) -> Store:
    """What serves lacks the clown in "harbour", which snapshot 000001 has."""
    rows = [row for row in titles["harbour"] if row["artwork_id"] != "clown"]
    write_artwork(pictured_store, {**titles, "harbour": rows}, vectors=False)
    publish_snapshot(pictured_store)
    return pictured_store


def headline(page: Any) -> str:
    page.wait_for_selector(".headline")
    return str(page.inner_text(".headline"))


def test_pick_a_blend_and_see_what_changes(serve: Callable, look: Callable, pictured_store: Store) -> None:
    page = look(serve(pictured_store), "#/compare")
    assert page.get_by_role("button", name="Compare").is_disabled()  # both sides are what serves
    page.get_by_role("group", name="To", exact=True).get_by_label("people").fill("0")
    page.get_by_role("button", name="Compare").press("Enter")
    assert headline(page).startswith("12.5 % of choices change")  # 2 of 16: see test_comparison
    assert "2 of 16 choices" in headline(page)
    assert page.url.endswith("#/compare?to=people%3D0")
    assert page.locator(".reason-list li").all_inner_texts() == [
        "people 2 (100 %) what the people on them are worth moved most"
    ]
    expect(page.locator(".change img")).to_have_count(4)
    page.locator(".change", has_text="for rosa").get_by_role("link", name="only this user").click()
    expect(page.locator(".change")).to_have_count(1)
    assert page.get_by_role("heading", name="Choices that changed").evaluate("own => own === document.activeElement")
    page.get_by_role("link", name="Not only user rosa").click()
    expect(page.locator(".change")).to_have_count(2)
    page.locator(".change", has_text="for rosa").get_by_role("link", name="Caper for rosa").click()
    page.wait_for_selector("main[data-view='title']:has-text('caper-ben')")
    assert "title=caper&user=rosa&people=0" in page.url  # with the weights of the latter side


def test_a_deep_link_to_two_snapshots_shows_what_is_gone(serve: Callable, look: Callable, two_snapshots: Store) -> None:
    page = look(serve(two_snapshots), "#/compare?from=snapshot%3D000001")
    assert "2 of 16 choices" in headline(page)  # carl's, and that of wil, to whom all are alike
    assert page.locator(".reason-list b").all_inner_texts() == ["gone"]
    page.get_by_role("button", name="only in From").click()
    expect(page.locator(".moved li p").first).to_contain_text("clown")
    expect(page.locator(".moved img")).to_have_js_property("naturalWidth", 96)  # it serves no more, and is there to see
    page.get_by_role("button", name="Swap the two sides").click()
    page.get_by_role("button", name="Compare").click()
    page.wait_for_selector(".reason-list b:text('new artwork')")
    assert page.url.endswith("#/compare?to=snapshot%3D000001")


def test_what_cannot_be_compared_is_said(serve: Callable, look: Callable, pictured_store: Store) -> None:
    page = look(serve(pictured_store), "#/compare?to=store%3D%2Fetc")
    page.wait_for_selector("main .error")
    assert page.inner_text("main .error").startswith("this page does not compare store '/etc'")


def test_a_file_shows_what_it_holds(write: Callable, look: Callable, two_snapshots: Store) -> None:
    url = write(two_snapshots, sides=[side_of("snapshot=000001"), side_of(BLEND)])
    page = look(url, "#/compare")
    links = page.get_by_role("navigation", name="Comparisons").get_by_role("link")
    assert links.all_inner_texts() == ["snapshot 000001 → what serves", "what serves → people 0"]
    links.nth(1).click()
    assert "2 of 16 choices" in headline(page)
    page.get_by_role("button", name="name", exact=True).click()  # another order
    expect(page.get_by_role("button", name="name", exact=True)).to_have_attribute("aria-pressed", "true")
    page.get_by_role("rowheader", name="Caper").get_by_role("link").click()
    page.get_by_label("Not only title caper").wait_for()
    expect(page.locator(".change")).to_have_count(2)
    links.nth(0).click()
    page.wait_for_selector(".reason-list b:text('gone')")
    expect(page.locator(".change .one", has_text="From: clown").locator("img")).to_have_count(page.locator(".change").count())


def test_a_file_without_one_says_how_to_get_one(write: Callable, look: Callable, pictured_store: Store) -> None:
    page = look(write(pictured_store), "#/compare")
    assert "--compare snapshot=000003" in page.inner_text("main")


@pytest.mark.parametrize("width", [1280, 390])
def test_hostile_texts_are_text(
    serve: Callable, look: Callable, tmp_path: Path, make_store: Callable, users: dict, width: int
) -> None:
    texts = ["<script>window.pwned=1</script><evil-element>", "\u202eevil </bdi> تجربة", "W" * 400, 'a,b&c=d#e?f/g%20\\"+;']
    plain = users["carl"][0][3]
    titles = {
        text: [
            {"artwork_id": f"{text}a", "vector": plain, "path": text},
            {"artwork_id": f"{text}b", "vector": plain, "people": [text], "path": text},
        ]
        for text in texts
    }
    fans = {text: [(text, "person", 1.0, plain)] for text in texts}
    store = make_store(tmp_path / "store", titles, fans)
    rows = [{**row, "segment": row["user_id"]} for row in read_table(store, "profiles").to_pylist()]
    replace_table(store, "profiles", pa.Table.from_pylist(rows, schema=PROFILE))
    page = look(serve(store), "#/compare?to=people%3D0", width=width)
    assert headline(page).startswith("25.0 % of choices change")  # each fan's of the title that shows whom they like
    expect(page.locator(".change")).to_have_count(4)
    told = page.inner_text("main")
    assert all(" ".join(f"{text.title()} for {text}".split()) in " ".join(told.split()) for text in texts)
    page.locator(".change .what", has_text="evil-element").get_by_role("link", name="only this title").click()
    expect(page.locator(".change")).to_have_count(1)
    expect(page.get_by_label(f"Not only title {texts[0]}")).to_have_count(1)
    assert page.evaluate("[window.pwned, document.querySelectorAll('evil-element').length]") == [None, 0]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
