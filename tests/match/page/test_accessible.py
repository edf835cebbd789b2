"""The page for those who use no mouse, see little or nothing, have little room, or are offline."""

from collections.abc import Callable
from typing import Any

import pytest

SIZES = ((1280, 800), (390, 844))
SCHEMES = ("light", "dark")


@pytest.fixture(params=["file", "served"])
def address(request: pytest.FixtureRequest, make_full_store: Callable) -> str:
    """Of a page with something in every view."""
    store = make_full_store(["Harbour Lights", "The Tin Caper"])
    return request.getfixturevalue("write" if request.param == "file" else "serve")(store)


@pytest.fixture
def links(deep_links: Callable) -> dict[str, str]:
    """To every view, of things that `address` has."""
    return deep_links(title="Harbour Lights", user="The Tin Caper", artwork="Harbour Lights 2")


def test_axe_finds_nothing_in_any_view(address: str, links: dict[str, str], look: Callable, visit: Callable) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page, axe, found = look(address), Axe(), []
    for view, link in links.items():
        visit(page, link)
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # else colours are measured on their way
            for width, height in SIZES:
                page.set_viewport_size({"width": width, "height": height})
                violations = axe.run(page).response["violations"]
                found += [(view, scheme, width, one["id"], node["html"][:120]) for one in violations for node in one["nodes"]]
    assert not found, "\n".join(map(str, found))


@pytest.mark.parametrize("width", [320, 390, 640])  # 640 is a window of 1280 at 200 %
def test_nothing_is_wider_than_a_narrow_window(
    width: int, address: str, links: dict[str, str], look: Callable, visit: Callable
) -> None:
    page = look(address, width=width, height=500)
    wide = {}
    for view, link in links.items():
        visit(page, link)
        wide[view] = page.evaluate("document.documentElement.scrollWidth")
    assert wide == dict.fromkeys(links, width)


def test_every_view_has_a_title_of_its_own(address: str, links: dict[str, str], look: Callable, visit: Callable) -> None:
    page = look(address)
    titles = {}
    for view, link in links.items():
        visit(page, link)
        titles[view] = page.title()
    assert all(title.endswith(" · Artwork matches") for title in titles.values())
    assert titles["artwork"] != titles["title"]
    assert len(set(titles.values())) == len(titles)
    assert "Harbour Lights" in titles["title"]
    assert "The Tin Caper" in titles["user"]


def focused(page: Any) -> str:
    """What the element with the focus is, and its text."""
    return page.evaluate(
        "(({ tagName, ariaLabel, textContent }) => `${tagName} ${ariaLabel ?? textContent.trim()}`)(document.activeElement)"
    )


RINGED = """() => {
  const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(document.activeElement);
  return (outlineStyle !== "none" && outlineWidth !== "0px") || boxShadow !== "none";
}"""


def test_by_keyboard_alone_to_a_title_back_and_to_a_user(address: str, look: Callable) -> None:
    page = look(address)
    page.keyboard.press("Tab")
    assert focused(page) == "A Skip to the content"
    page.keyboard.press("Enter")
    assert focused(page).startswith("MAIN")
    for _ in range(60):
        page.keyboard.press("Tab")
        assert page.evaluate(RINGED), page.evaluate("document.activeElement.outerHTML.slice(0, 200)")
        if page.evaluate("document.activeElement.closest('[role=grid]') !== null"):
            break
    for key in ("Control+Home", "ArrowDown", "ArrowRight"):
        page.keyboard.press(key)
    page.keyboard.press("Enter")
    page.wait_for_selector("main.title h2")
    assert focused(page).startswith("MAIN")
    page.go_back()
    page.wait_for_selector("main.grid [role=grid] :focus")  # where one was
    page.evaluate("document.querySelector('[role=columnheader] a').focus()")
    page.keyboard.press("Enter")
    page.wait_for_selector("main.user h2")


def test_the_way_back_leads_to_where_one_was(
    look: Callable, make_store: Callable, write: Callable, users: dict, tmp_path: Any
) -> None:
    import numpy as np

    titles = {f"t{n:03}": [{"artwork_id": f"a{n}", "vector": np.eye(4, dtype=np.float32)[0]}] for n in range(120)}
    page = look(write(make_store(tmp_path / "store", titles, {"rosa": users["rosa"]})), "#/artworks", width=800)
    page.evaluate("scrollTo(0, 3000)")
    page.wait_for_selector("main a.tile[href*='artwork=a50']")
    link = page.locator("main a.tile[href*='artwork=a50']")
    href, top = link.get_attribute("href"), page.evaluate("scrollY")
    link.evaluate("one => one.click()")
    page.wait_for_selector("main.artwork h2")
    assert page.evaluate("scrollY") == 0
    page.go_back()
    page.wait_for_selector("main a:focus")
    assert (page.locator("a:focus").get_attribute("href"), page.evaluate("scrollY")) == (href, top)


def test_offline_a_file_is_whole(
    look: Callable, links: dict[str, str], visit: Callable, write: Callable, make_full_store: Callable
) -> None:
    page = look(write(make_full_store(["Harbour Lights", "The Tin Caper"])))
    page.context.set_offline(True)
    page.reload()
    page.wait_for_selector("main:not(:has(.loading))")
    for view in ("grid", "title", "user"):
        visit(page, links[view])
    assert page.locator("main.user h2").inner_text().startswith("The Tin Caper")


def test_a_server_that_is_gone_is_said(browser: Any, visit: Callable, make_full_store: Callable, serve: Callable) -> None:
    page = browser.new_page()
    page.goto(serve(make_full_store(["Harbour Lights"])))
    page.wait_for_selector("main:not(:has(.loading))")
    page.route("**/documents/**", lambda route: route.abort())
    visit(page, "#/user?user=somebody+else")
    assert "Is inspect_matches --serve still running?" in page.locator("main .error").inner_text()
    page.close()


MOVING = """() => [...document.querySelectorAll("#app *")].filter((one) => {
  const { transitionDuration, animationName } = getComputedStyle(one);
  return animationName !== "none" || parseFloat(transitionDuration) > 0;
}).map((one) => one.outerHTML.slice(0, 80))"""


def test_nothing_moves_where_that_is_asked(address: str, links: dict[str, str], look: Callable, visit: Callable) -> None:
    page = look(address, reduced_motion="reduce")
    for link in links.values():
        visit(page, link)
        moving = page.evaluate(MOVING)
        assert moving == [], link


@pytest.mark.parametrize("view", ["none", "constructor", "__proto__", "%3Cscript%3E"])
def test_a_view_that_is_none_is_said(view: str, address: str, look: Callable) -> None:
    page = look(address, f"#/{view}")
    assert "There is no view" in page.locator("main .error").inner_text()
    page.get_by_role("link", name="Choices").click()
    page.wait_for_selector("main.grid")
