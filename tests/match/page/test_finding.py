"""Finding artwork in a browser: the wall, the map, the search and what looks alike, as a file and served."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

COMEDY = np.eye(4, dtype=np.float32)[1]


@pytest.fixture(params=["file", "served"])
def address(request: pytest.FixtureRequest, pictured_store: Any) -> str:
    """Of the page of `pictured_store`."""
    maker = "write" if request.param == "file" else "serve"
    return request.getfixturevalue(maker)(pictured_store)


def test_letters_narrow_the_wall(address: str, look: Callable) -> None:
    page = look(address, "#/artworks")
    page.wait_for_selector("a.tile >> nth=5")
    page.get_by_label("Find by letters").fill("harbour ki")
    page.wait_for_selector("text=1 artwork of 6")
    assert page.locator("a.tile").count() == 1
    assert "find=harbour" in page.url
    assert page.locator("a.tile").get_attribute("href") == "#/artwork?artwork=kiss"
    page.get_by_label("Find by letters").fill("nothing of the kind")
    page.wait_for_selector("text=No title, caption, person or tag has “nothing of the kind”")


def test_in_a_file_search_looks_for_letters_and_says_so(write: Callable, pictured_store: Any, look: Callable) -> None:
    page = look(write(pictured_store), "#/grid")
    page.keyboard.press("/")
    page.wait_for_function("() => document.activeElement.id === 'search-words'")
    page.keyboard.type("romantic")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=0 artworks, 0 titles and 1 user's taste have “romantic”")
    assert page.get_by_role("link", name="rosa").get_attribute("href") == "#/user?user=rosa"
    assert page.locator("text=This page is a file: it looks for letters").count() == 1
    page.wait_for_function("() => document.activeElement.id === 'search-words'")
    page.keyboard.press("Control+a")
    page.keyboard.type("cleo")
    page.keyboard.press("Enter")
    page.wait_for_selector(".hits a.tile[href*='caper-cleo']")


def test_served_search_takes_phrases_names_and_pictures(
    serve: Callable, pictured_store: Any, reading: Any, look: Callable
) -> None:
    reading.words["a clown"] = COMEDY
    page = look(serve(pictured_store), "#/search")
    page.locator("#search-words").fill("a clown")
    page.keyboard.press("Enter")
    first = page.locator(".hits li").first
    first.wait_for()
    assert first.locator("a.tile").get_attribute("href") == "#/artwork?artwork=clown"
    assert "1.000" in first.inner_text()
    assert page.locator("text=all of them compared").count() == 1
    page.get_by_label("person").fill("nobody at all")
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=alert]:has-text('is on no artwork')")
    page.get_by_label("person").fill("")
    page.keyboard.press("Enter")
    page.get_by_label("Search artwork like clown").click()
    page.wait_for_selector("text=like clown")
    assert "like=clown" in page.url


def test_the_map_is_led_by_the_keyboard(address: str, look: Callable) -> None:
    page = look(address, "#/map")
    page.wait_for_selector(".near a.tile >> nth=5")  # the same as a list
    canvas = page.locator("canvas")
    canvas.focus()
    page.keyboard.press("+")
    page.keyboard.press("ArrowRight")
    page.wait_for_function("() => location.hash.includes('zoom=1.4')")
    spoken = page.locator(".map-box .unseen[role=status]")
    page.wait_for_function("() => document.querySelector('.map-box .unseen').textContent.length > 0")
    name = spoken.inner_text().partition(":")[0]
    page.keyboard.press("Enter")
    page.wait_for_function("() => location.hash.startsWith('#/artwork?')")
    assert name in {"Harbour", "Caper", "Lone"}
    page.go_back()
    page.wait_for_selector(".near a.tile")
    assert "zoom=1.4" in page.url  # a link to where one was


def test_a_click_on_the_map_opens_the_artwork_under_it(address: str, look: Callable) -> None:
    page = look(address, "#/map?zoom=1")
    page.wait_for_selector(".near a.tile >> nth=5")
    box = page.locator("canvas").bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] - 120, middle[1], steps=4)
    page.mouse.up()
    page.wait_for_function("() => location.hash.includes('x=0.') && !location.hash.includes('x=0.5&')")
    assert page.url.partition("#")[2].startswith("/map")  # a drag opens nothing
    page.locator(".near li").first.hover()  # the nearest to the centre; then a click on it
    page.mouse.move(*middle)
    for right in range(-300, 301, 20):
        for down in range(-240, 241, 20):
            page.mouse.move(middle[0] + right, middle[1] + down)
            if page.locator(".hover").count():
                page.mouse.click(middle[0] + right, middle[1] + down)
                page.wait_for_function("() => location.hash.startsWith('#/artwork?artwork=')")
                return
    pytest.fail("no point lies under the pointer anywhere")


def test_the_legend_lights_up_its_artwork(address: str, look: Callable) -> None:
    page = look(address, "#/map?colour=title")
    entry = page.locator(".map-legend button", has_text="Harbour")
    entry.click()
    assert entry.get_attribute("aria-pressed") == "true"
    assert entry.inner_text().split() == ["Harbour", "3"]


def test_what_looks_alike_stands_side_by_side(address: str, look: Callable) -> None:
    page = look(address, "#/duplicates")
    groups = page.get_by_role("region", name="2 that look like")
    groups.first.wait_for()
    members = [{*group.locator("a.tile > small:last-child").all_inner_texts()} for group in groups.all()]
    assert members == [{"caper-ben", "caper-cleo"}, {"ghost", "only"}]
    page.get_by_label("Pairs").select_option("within")
    page.wait_for_selector("text=1 group, 1 pair")
    assert groups.count() == 1
    page.get_by_label("From a similarity of").fill("1")
    page.wait_for_function("() => location.hash.includes('threshold=1')")
    assert groups.count() == 1  # the same vector
