"""The view of two sides beside each other, in a browser."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from embed.store import Store
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
    page.get_by_role("group", name="To").get_by_label("people").fill("0")
    page.get_by_role("button", name="Compare").press("Enter")
    assert headline(page).startswith("12.5 % of choices change")  # 2 of 16: see test_comparison
    assert "2 of 16 choices" in headline(page)
    assert page.url.endswith("#/compare?to=people%3D0")
    assert page.locator(".legend li").all_inner_texts() == ["people 2 (100 %) what the people on them are worth moved most"]
    expect(page.locator(".change img")).to_have_count(4)
    page.locator(".change", has_text="for rosa").get_by_role("link", name="only this user").click()
    expect(page.locator(".change")).to_have_count(1)
    assert page.get_by_role("heading", name="Choices that changed").evaluate("own => own === document.activeElement")
    page.get_by_role("link", name="Not only user rosa").click()
    expect(page.locator(".change")).to_have_count(2)
    page.locator(".change", has_text="for rosa").get_by_role("link", name="Caper for rosa").click()
    page.wait_for_selector("h2:has-text('Caper for rosa')")
    assert "people=0" in page.url  # with the weights of the latter side
    assert page.inner_text("li.chosen b") == "caper-ben"


def test_a_deep_link_to_two_snapshots_shows_what_is_gone(serve: Callable, look: Callable, two_snapshots: Store) -> None:
    page = look(serve(two_snapshots), "#/compare?from=snapshot%3D000001")
    assert "2 of 16 choices" in headline(page)  # carl's, and that of wil, to whom all are alike
    assert page.locator(".legend b").all_inner_texts() == ["gone"]
    page.get_by_role("link", name="only in From").click()
    expect(page.locator(".moved li p").first).to_contain_text("clown")
    expect(page.locator(".moved img")).to_have_js_property("naturalWidth", 96)  # it serves no more, and is there to see
    page.get_by_role("button", name="Swap the two sides").click()
    page.get_by_role("button", name="Compare").click()
    page.wait_for_selector(".legend b:text('new artwork')")
    assert page.url.endswith("#/compare?to=snapshot%3D000001")


def test_what_cannot_be_compared_is_said(serve: Callable, look: Callable, pictured_store: Store) -> None:
    page = look(serve(pictured_store), "#/compare?to=store%3D%2Fetc")
    page.wait_for_selector("main .error")
    assert page.inner_text("main .error").startswith("this page does not compare store '/etc'")


def test_a_file_shows_what_it_holds(write: Callable, look: Callable, two_snapshots: Store) -> None:
    url = write(two_snapshots, sides=[side_of("snapshot=000001"), side_of(BLEND)])
    page = look(url, "#/compare")
    links = page.get_by_role("navigation", name="Comparisons").get_by_role("link")
    assert links.all_inner_texts() == ["snapshot=000001 → what serves", "what serves → people=0"]
    links.nth(1).click()
    assert "2 of 16 choices" in headline(page)
    page.get_by_role("link", name="name", exact=True).click()  # another order
    page.wait_for_selector("a[aria-current]:text-is('name')")
    page.get_by_role("rowheader", name="Caper").get_by_role("link").click()
    page.get_by_label("Not only title caper").wait_for()
    expect(page.locator(".change")).to_have_count(2)
    links.nth(0).click()
    page.wait_for_selector(".legend b:text('gone')")
    expect(page.locator(".change .one", has_text="From: clown").locator("img")).to_have_count(page.locator(".change").count())


def test_a_file_without_one_says_how_to_get_one(write: Callable, look: Callable, pictured_store: Store) -> None:
    page = look(write(pictured_store), "#/compare")
    assert "--compare snapshot=000003" in page.inner_text("main")
