"""The grid in a browser: it stands straight, finds, marks, and goes by keys alone."""

import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROMANCE, COMEDY, HORROR, PLAIN = np.eye(4, dtype=np.float32)
HARBOUR = {"rosa": "kiss", "carl": "clown", "hugo": "ghost"}


@pytest.fixture(params=["file", "served"])
def address(request: pytest.FixtureRequest, pictured_store: Any) -> str:
    """Of the page of `pictured_store`."""
    return request.getfixturevalue("write" if request.param == "file" else "serve")(pictured_store)


@pytest.fixture(scope="module")
def long_store(tmp_path_factory: pytest.TempPathFactory, make_store: Callable, users: dict) -> Any:
    """240 titles of two pictures each, one that rosa likes and one that hugo likes."""
    titles = {
        f"t{number:03}": [
            {"artwork_id": f"{number}-kiss", "vector": ROMANCE},
            {"artwork_id": f"{number}-ghost", "vector": HORROR},
        ]
        for number in range(240)
    }
    return make_store(tmp_path_factory.mktemp("long") / "store", titles, users)


@pytest.fixture(scope="module")
def long_page(long_store: Any) -> str:
    """The address of its page as a file."""
    from match.page import write_page

    write_page(long_store, file := long_store.root.with_name("page.html"))
    return file.as_uri()


def chosen(page: Any, title: str, user: str) -> str:
    """What a cell says of itself."""
    said: str = page.get_by_role("gridcell").get_by_label(f"{title} for {user}: ", exact=False).get_attribute("aria-label")
    return said


def boxes(page: Any, selector: str) -> list[dict[str, float]]:
    found: list[dict[str, float]] = page.eval_on_selector_all(
        selector,
        "all => all.map(one => { const {x, y, width, height} = one.getBoundingClientRect(); return {x, y, width, height}; })",
    )
    return found


def rows(page: Any) -> list[str]:
    """The names of the titles whose rows are there."""
    found: list[str] = page.locator(".sheet .line [role=rowheader] bdi").all_inner_texts()
    return found


@pytest.mark.parametrize("width", [1280, 390])
def test_heads_stand_over_columns_and_rows_do_not_overlap(
    write: Callable, pictured_store: Any, look: Callable, width: int
) -> None:
    page = look(write(pictured_store), width=width)
    heads = boxes(page, ".sheet .top")
    lines = boxes(page, ".sheet .line")
    assert (len(heads), len(lines)) == (4, 4)
    for upper, lower in pairwise(lines):
        assert lower["y"] >= upper["y"] + upper["height"] - 0.5
    for number, line in enumerate(lines, start=2):
        cells = boxes(page, f".sheet .line[aria-rowindex='{number}'] .cell")
        assert [cell["x"] for cell in cells] == [head["x"] for head in heads]
        assert [cell["width"] for cell in cells] == [head["width"] for head in heads]
        for picture in boxes(page, f".sheet .line[aria-rowindex='{number}'] .choice > .picture"):
            assert line["y"] <= picture["y"]
            assert picture["y"] + picture["height"] <= line["y"] + line["height"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_letters_find_titles_and_their_choices(address: str, look: Callable) -> None:
    page = look(address)
    page.get_by_role("searchbox", name="Find titles").fill("AR")
    page.wait_for_selector("[role=status]:has-text('2 titles with “AR”')")
    page.wait_for_selector("main:not(:has(.loading))")
    assert rows(page) == ["Bare", "Harbour"]
    assert "find=AR" in page.url
    for user, artwork in HARBOUR.items():
        assert chosen(page, "Harbour", user).startswith(f"Harbour for {user}: {artwork}, score ")
    assert "no usable artwork" in chosen(page, "Bare", "rosa")
    page.get_by_role("searchbox", name="Find titles").fill("nothing like it")
    page.wait_for_selector("[role=status]:has-text('0 titles with')")
    assert page.get_by_role("grid").count() == 0


def test_what_differs_is_marked(address: str, look: Callable) -> None:
    page = look(address, "#/grid?users=rosa,hugo,carl&mark=most")
    assert [user for user in ("rosa", "hugo", "carl") if chosen(page, "Caper", user).endswith(", differs")] == ["carl"]
    assert not any(chosen(page, "Lone", user).endswith(", differs") for user in ("rosa", "hugo", "carl"))
    page.get_by_label("Mark what differs from").select_option("what carl sees")
    page.wait_for_selector(".sheet .line:has-text('Caper') .unlike")
    assert [user for user in ("rosa", "hugo", "carl") if chosen(page, "Caper", user).endswith(", differs")] == ["rosa", "hugo"]
    assert "mark=%40carl" in page.url


def test_users_are_found_added_and_taken_away(
    tmp_path: Path, make_store: Callable, titles: dict, users: dict, serve: Callable, look: Callable
) -> None:
    odd = "a,b\\c"
    many = {**users, odd: users["rosa"], **{f"user{number:02}": users["hugo"] for number in range(12)}}
    page = look(serve(make_store(tmp_path / "store", titles, many)), "#/grid?users=rosa")
    page.locator("summary", has_text="1 user").click()
    assert page.get_by_role("checkbox", name="rosa").is_disabled()
    page.get_by_role("searchbox", name="Find a user").fill("B\\")
    page.get_by_role("checkbox", name=odd).check()
    page.get_by_role("searchbox", name="Find a user").fill("r1")
    for number in (10, 11):
        page.get_by_role("checkbox", name=f"user{number}").check()
    page.wait_for_selector("main:not(:has(.loading))")
    assert page.locator(".sheet .top bdi").all_inner_texts() == ["rosa", odd, "user10", "user11"]
    assert chosen(page, "Harbour", odd).startswith(f"Harbour for {odd}: kiss")
    page.reload()
    page.wait_for_selector("main:not(:has(.loading))")
    assert page.locator(".sheet .top bdi").all_inner_texts() == ["rosa", odd, "user10", "user11"]
    page.locator("summary", has_text="4 users").click()
    page.get_by_role("checkbox", name="rosa").uncheck()
    page.get_by_role("button", name="user11 first").click()
    page.keyboard.press("Escape")
    assert page.locator(".picking").count() == 0
    assert page.locator(".sheet .top bdi").all_inner_texts() == ["user11", odd, "user10"]


def test_keys_alone_go_through_the_grid(address: str, look: Callable) -> None:
    page = look(address, "#/grid?users=rosa,carl,hugo")
    focused = (
        "[...['aria-rowindex', 'aria-colindex']].map(name => document.activeElement.closest(`[${name}]`)?.getAttribute(name))"
    )
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.getAttribute('role')") == "gridcell":
            break
    assert page.evaluate(focused) == ["2", "2"]
    ways = [
        ("ArrowRight", ["2", "3"]),
        ("ArrowDown", ["3", "3"]),
        ("End", ["3", "4"]),
        ("ArrowRight", ["3", "4"]),
        ("Home", ["3", "1"]),
        ("ArrowUp", ["2", "1"]),
        ("ArrowUp", ["1", "1"]),
        ("ArrowRight", ["1", "2"]),
        ("Control+End", ["5", "4"]),
        ("Control+Home", ["2", "2"]),
        ("ArrowRight", ["2", "3"]),
    ]
    for key, place in ways:
        page.keyboard.press(key)
        assert page.evaluate(focused) == place, key
    assert page.locator(".sheet [tabindex='0']").count() == 1
    for _ in range(rows(page).index("Harbour")):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_selector("h2:has-text('Harbour')")
    assert "user=carl" in page.url


def test_a_long_grid_has_the_rows_to_be_seen_and_asks_for_them_alone(long_store: Any, serve: Callable, look: Callable) -> None:
    page = look(serve(long_store), "#/grid?users=rosa,hugo")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    grid = page.get_by_role("grid")
    assert (grid.get_attribute("aria-rowcount"), grid.get_attribute("aria-colcount")) == ("241", "3")
    assert page.locator(".sheet .line").count() < 20
    page.locator(".sheet [tabindex='0']").focus()
    page.keyboard.press("Control+End")
    page.wait_for_selector(".sheet .line[aria-rowindex='241']:not(:has(.loading))")
    assert chosen(page, "T239", "hugo").startswith("T239 for hugo: 239-ghost")
    assert page.evaluate("document.activeElement.parentElement.getAttribute('aria-rowindex')") == "241"
    assert page.locator(".sheet .line").count() < 20
    starts = {re.search(r"start=(\d+)", url).group(1) for url in asked if "/documents/" in url}  # type: ignore[union-attr]
    assert starts == {"200"}
    assert page.locator(".sheet .line:last-child").bounding_box()["y"] < 800


def test_the_place_in_the_grid_is_kept(long_page: str, look: Callable) -> None:
    page = look(long_page, "#/grid?users=rosa,hugo")
    page.locator(".sheet [tabindex='0']").focus()
    page.keyboard.press("Control+End")
    page.wait_for_selector(".sheet .line[aria-rowindex='241']:not(:has(.loading))")
    page.keyboard.press("Enter")
    page.wait_for_selector("h2:has-text('T239')")
    page.go_back()
    page.wait_for_selector(".sheet .line[aria-rowindex='241']")
    assert page.locator(".sheet [tabindex='0']").get_attribute("aria-colindex") == "3"


def test_copy_stands_beside_the_artwork(
    tmp_path: Path, make_store: Callable, titles: dict, users: dict, write: Callable, look: Callable
) -> None:
    copy = [{"copy_id": "boo", "title_id": "lone", "text": "Boo <b>!</b>"}]
    words = {("copy", "Boo <b>!</b>"): HORROR}
    page = look(write(make_store(tmp_path / "store", titles, users, copy=copy, words=words)))
    assert page.locator(".sheet .line:has-text('Lone') .copy").first.inner_text() == "Boo <b>!</b>"
    assert "“Boo <b>!</b>”" in chosen(page, "Lone", "rosa")


def test_letters_find_in_every_block_of_a_file(long_page: str, look: Callable) -> None:
    page = look(long_page, "#/grid?users=rosa,hugo&find=3")
    with_three = [f"T{number:03}" for number in range(240) if "3" in str(number)]
    assert f"{len(with_three)} titles with “3”" in page.locator(".found").inner_text()
    assert rows(page)[:5] == with_three[:5]
    page.locator(".sheet [tabindex='0']").focus()
    page.keyboard.press("Control+End")
    page.wait_for_selector(f".sheet .line[aria-rowindex='{len(with_three) + 1}']:not(:has(.loading))")
    assert chosen(page, with_three[-1], "hugo").startswith(f"{with_three[-1]} for hugo: {int(with_three[-1][1:])}-ghost")
