"""The keys that act anywhere, and the dialog that lists them."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from match.page.app import FOLDER


@pytest.fixture
def page(shared_store: Any, serve: Callable, look: Callable) -> Any:
    """At the first of two titles."""
    return look(serve(shared_store, titles=["harbour", "lone"]), "#/title?title=harbour&user=rosa&people=0.5")


def focused(page: Any) -> str:
    return page.evaluate("document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent.trim()")


def test_all_keys_are_listed_and_the_focus_comes_back(page: Any) -> None:
    from axe_playwright_python.sync_playwright import Axe

    link = page.get_by_role("link", name="next →")
    link.focus()
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keys")
    dialog.wait_for()
    assert [part.inner_text() for part in dialog.locator("h3").all()][:2] == ["Everywhere", "A title where you are"]
    help_of = re.findall(r'^  \["(\w+)", "', (FOLDER / "help.js").read_text(encoding="utf-8"), re.MULTILINE)
    views = re.findall(r"^  (\w+): \{.*View", (FOLDER / "main.js").read_text(encoding="utf-8"), re.MULTILINE)
    assert help_of[0] == "everywhere"
    assert set(help_of[1:]) <= set(views)
    assert focused(page) == "Close Esc"
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        assert Axe().run(page, context="dialog").response["violations"] == []
    page.keyboard.press("ArrowRight")  # scrolls the dialog at most
    page.keyboard.press("Escape")
    dialog.wait_for(state="detached")
    assert (focused(page), "title=harbour" in page.url) == ("next →", True)
    page.get_by_role("button", name="Keys").click()
    dialog.get_by_role("button", name="Close").click()
    dialog.wait_for(state="detached")
    assert focused(page) == "Keys"


def test_keys_act_and_not_while_one_types_nor_with_a_modifier_nor_switched_off(page: Any) -> None:
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("main h2:has-text('Lone')")
    assert page.url.partition("#")[2] == "/title?people=0.5&title=lone&user=rosa"
    page.keyboard.press("ArrowRight")  # the last one stays
    for modified in ("Control+ArrowLeft", "Shift+ArrowLeft", "Control+/", "Alt+f", "Meta+?"):
        page.keyboard.press(modified)
    field = page.get_by_label("for user")
    field.focus()
    for key in ("ArrowLeft", "/", "?", "f"):
        page.keyboard.press(key)
    field.evaluate("one => one.blur()")
    assert ("title=lone" in page.url, page.get_by_role("dialog").count()) == (True, 0)
    page.keyboard.press("ArrowLeft")
    page.wait_for_selector("main h2:has-text('Harbour')")
    page.keyboard.press("/")
    page.wait_for_selector("#search-words:focus")
    page.evaluate("location.hash = '#/titles'")
    page.wait_for_selector("main.titles h2")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("f")
    assert focused(page) == "Find titles"
    page.get_by_role("button", name="Keys").click()
    page.get_by_label("Single keys act").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("f")
    assert focused(page) == "Keys"
    page.reload()
    page.wait_for_selector("main.titles h2")
    page.keyboard.press("?")
    assert page.get_by_role("dialog").count() == 0
