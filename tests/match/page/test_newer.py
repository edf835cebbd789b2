"""A page that is open while something is published: it says so, mixes nothing in silence, and shows it when it is asked to."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from embed.store import Store, read_table, replace_table
from index.publish import publish_snapshot
from match.live import LiveMatcher
from match.page import Reading, application
from match.page.documents import KINDS
from match.page.documents.published import HEADER


@pytest.fixture
def live(pictured_store: Store) -> Iterator[LiveMatcher]:
    with LiveMatcher(pictured_store, seconds=None) as made:
        yield made


def without(store: Store, artwork_id: str) -> None:
    """Publish what is left."""
    artwork = read_table(store, "artwork")
    left = [row for row in artwork.to_pylist() if row["artwork_id"] != artwork_id]
    replace_table(store, "artwork", artwork.from_pylist(left, schema=artwork.schema))
    publish_snapshot(store)


SEEN = "document.dispatchEvent(new Event('visibilitychange'))"  # as where the viewer comes back to the tab


def test_every_answer_says_what_it_is_of(live: LiveMatcher, pictured_store: Store, reading: Any) -> None:
    from starlette.testclient import TestClient

    page = application(live, Reading(reading.questions, reading.profile))
    client = TestClient(page, base_url="http://localhost:8080")

    def heads() -> set[str]:
        paths = ("published", "overview", "choices?user=rosa", "title?title=harbour&user=rosa", "none")
        return {client.get(f"/documents/{path}").headers[HEADER] for path in paths}

    [before] = heads()
    assert json.loads(before) == client.get("/documents/published").json()
    assert json.loads(before)["snapshot"] == "000001"
    users = read_table(pictured_store, "profiles")
    replace_table(pictured_store, "profiles", users)
    assert heads() == {before}  # what was not taken up yet
    assert live.refresh()
    [after] = heads()
    changed = {name for name, value in json.loads(after).items() if value != json.loads(before)[name]}
    assert changed == {"users"}
    assert list(KINDS["published"].written(None)) == []


def test_what_is_published_is_said_and_shown_in_its_place_when_asked(
    live: LiveMatcher, pictured_store: Store, serve: Callable, look: Callable
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = look(serve(pictured_store, live), "#/title?title=harbour&user=rosa&people=0.5", height=300)
    page.evaluate("scrollTo(0, 120)")
    page.evaluate(SEEN)
    bar, first = page.locator(".news"), page.locator(".ranked-artwork.chosen")
    assert (bar.count(), "kiss" in first.inner_text()) == (0, True)
    without(pictured_store, "kiss")
    assert live.refresh()
    page.evaluate(SEEN)
    bar.wait_for()
    said = page.get_by_role("status").filter(has=bar).inner_text()
    assert Axe().run(page).response["violations"] == []
    assert said.startswith("A newer snapshot is served: 000002, published ")
    assert "Some of what you see" not in said
    assert "kiss" in first.inner_text()  # not under the reader's hands
    address = page.url
    bar.get_by_role("button", name="Show it").press("Enter")
    page.wait_for_selector(".ranked-artwork.chosen:has-text('clown')")
    page.wait_for_selector("main:not([style*='min-height'])")
    assert page.evaluate("scrollY") == 120
    assert (page.url, bar.count(), page.locator("main").get_by_text("kiss").count()) == (address, 0, 0)
    assert "Snapshot 000002" in page.locator("header").inner_text()
    assert page.get_by_text("Snapshot 000002 is shown.").count() == 1
    assert page.evaluate("document.activeElement.id") == "main"
    page.evaluate(SEEN)
    page.wait_for_timeout(100)
    assert bar.count() == 0


def test_answers_of_two_snapshots_are_not_mixed_in_silence(
    live: LiveMatcher, pictured_store: Store, serve: Callable, look: Callable, visit: Callable
) -> None:
    page = look(serve(pictured_store, live))
    page.clock.install()
    page.reload()
    page.wait_for_selector("main:not(:has(.loading))")
    without(pictured_store, "kiss")
    assert live.refresh()
    bar = page.locator(".news")
    page.clock.fast_forward(15_000)  # nobody does anything
    bar.get_by_role("button", name="Not now").click()
    assert bar.count() == 0
    visit(page, "#/title?title=harbour&user=rosa")  # nobody looked again: the answer itself says it
    assert "Some of what you see is of it already." in bar.inner_text()
    visit(page, "#/user?user=rosa")
    page.locator(".trial summary").click()
    page.locator("#taste-text").fill("half a ta")
    bar.get_by_role("button", name="Show it").click()
    page.wait_for_selector("header:has-text('Snapshot 000002')")
    page.wait_for_selector("main.user h2")
    assert (bar.count(), page.locator("#taste-text").input_value()) == (0, "half a ta")
    table = read_table(pictured_store, "profiles")
    replace_table(pictured_store, "profiles", table)
    assert live.refresh()
    page.evaluate(SEEN)
    bar.wait_for()
    assert "Newer profiles are served." in bar.inner_text()
