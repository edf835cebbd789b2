"""Trying out weights and tastes in the served page: what is moved or edited changes the choices, and what changed is marked."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest

from match.blend import Weights

ROMANCE, COMEDY, HORROR, PLAIN = np.eye(4, dtype=np.float32)
GHOSTS = "0.5 genre horror films"


@pytest.fixture
def served(pictured_store: Any, serve: Callable) -> str:
    """The address of `pictured_store`, served."""
    address: str = serve(pictured_store)
    return address


def cell(page: Any, title: str, user: str) -> str:
    said: str = page.get_by_role("gridcell").get_by_label(f"{title} for {user}: ", exact=False).get_attribute("aria-label")
    return said


def changed(page: Any) -> str:
    """The heading of what is changed, once it is there."""
    said: str = page.locator(".trialled h3").inner_text()
    return said


def test_a_weight_moved_by_keys_changes_what_is_chosen(served: str, look: Callable) -> None:
    page = look(served, "#/grid?users=rosa,carl")
    assert cell(page, "Caper", "rosa").startswith("Caper for rosa: caper-cleo, score ")
    page.locator("summary", has_text="Try other weights").focus()
    page.keyboard.press("Enter")
    page.get_by_role("slider", name="people").focus()
    page.keyboard.press("Home")
    page.wait_for_selector(".sheet .changed")
    assert cell(page, "Caper", "rosa").startswith("Caper for rosa: caper-ben, score ")
    assert cell(page, "Caper", "rosa").endswith(", changed, published: caper-cleo")
    assert "changed" not in cell(page, "Caper", "carl")
    assert "people=0" in page.url
    assert page.get_by_text("Trying people 0 for 2.5").count() == 1
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("summary:has-text('people 0.025 for 2.5')")
    page.wait_for_selector(".sheet:not(:has(.changed))")
    assert cell(page, "Caper", "rosa").startswith("Caper for rosa: caper-cleo, score ")
    page.get_by_role("button", name="people as published").click()
    page.wait_for_selector("summary:has-text('Try other weights')")
    assert "people" not in page.url


def test_a_trial_can_be_linked_to_and_travels_from_view_to_view(served: str, look: Callable) -> None:
    page = look(served, "#/grid?people=0")
    assert "published: caper-cleo" in cell(page, "Caper", "rosa")
    page.get_by_label("Caper for rosa: ", exact=False).first.click()
    page.wait_for_selector(".former:has-text('Changed.')")
    assert page.locator(".former bdi").all_inner_texts() == ["caper-cleo", "caper-ben"]
    assert page.get_by_role("spinbutton", name="people, exactly").input_value() == "0"
    page.get_by_role("button", name="Back to what is published").click()
    page.wait_for_selector("main:not(:has(.former))")
    assert "people" not in page.url


def test_weights_are_given_exactly(served: str, look: Callable) -> None:
    page = look(served, "#/user?user=rosa")
    page.locator(".trial summary").click()
    exact = page.get_by_role("spinbutton", name="people, exactly")
    assert float(exact.input_value()) == Weights().people
    exact.fill("0.0123")
    page.wait_for_selector("summary:has-text('people 0.0123 for 2.5')")
    assert "people=0.0123" in page.url
    assert changed(page) == "None of 4 choices changed"


def test_an_edited_taste_changes_what_is_chosen(served: str, look: Callable) -> None:
    page = look(served, "#/user?user=rosa")
    page.locator("summary", has_text="Try other weights or another taste").click()
    text = page.get_by_label("The taste of rosa", exact=False)
    published = text.input_value()
    assert "genre    romantic films" in published
    text.fill(GHOSTS)
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(".trialled .card")
    assert changed(page) == "2 of 4 choices changed"
    cards = page.locator(".trialled .card:has-text('Harbour') .shown bdi")
    assert cards.all_inner_texts() == ["kiss", "ghost"]
    assert page.locator(".interests .phrase bdi").all_inner_texts() == ["horror films"]
    page.wait_for_selector(".meets .changed")
    assert page.locator(".meets .changed").count() == 2
    page.get_by_role("link", name="Show in Choices").click()
    page.wait_for_selector(".sheet .changed")
    assert cell(page, "Harbour", "rosa").startswith("Harbour for rosa: ghost, ")
    page.go_back()
    page.get_by_role("button", name="Back to the profile").click()
    page.wait_for_selector("main:not(:has(.trialled))")
    assert text.input_value() == published
    assert "taste" not in page.url


def test_a_taste_that_cannot_be_read_is_said_beside_it_with_its_line(served: str, look: Callable) -> None:
    page = look(served, "#/user?user=rosa")
    page.locator(".trial summary").click()
    text = page.get_by_label("The taste of rosa", exact=False)
    text.fill("# mine\n0.5 genre horror films\nmuch stated dark forests\n")
    page.get_by_role("button", name="Try it").click()
    said = page.get_by_role("alert").locator(".error")
    assert "the edited taste, line 3, weight: 'much' is no number from -100 to 100" in said.inner_text()
    assert page.locator(".numbers .wrong").inner_text() == "3"
    said.get_by_role("button", name="Go to line 3").click()
    assert page.evaluate(
        "document.activeElement.value.slice(document.activeElement.selectionStart, document.activeElement.selectionEnd)"
    ) == ("much stated dark forests")
    assert page.locator(".interests .phrase bdi").all_inner_texts() == ["romantic films", "Cleo Vance"]
    text.fill(GHOSTS)
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(".trialled .card")
    assert page.get_by_role("alert").locator(".error").count() == 0


def test_the_text_is_carried_off_for_edit_profile(
    tmp_path: Path, make_store: Callable, titles: dict, users: dict, serve: Callable, look: Callable
) -> None:
    from embed.tastes.profile_text import phrases_of_text

    odd = "../o'hara $x"
    page = look(serve(make_store(tmp_path / "store", titles, {**users, odd: users["rosa"]})), f"#/user?user={quote(odd)}")
    page.locator(".trial summary").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename == "_o_hara_x.txt"
    phrases = phrases_of_text(Path(download.value.path()).read_text(encoding="utf-8"), "downloaded")
    assert [phrase.text for phrase in phrases] == ["romantic films", "Cleo Vance"]
    assert page.locator(".actions code").inner_text().endswith(r"""--take _o_hara_x.txt '../o'\''hara $x'""")


def test_a_page_in_a_file_says_how_to_try(pictured_store: Any, write: Callable, look: Callable) -> None:
    page = look(write(pictured_store), "#/user?user=rosa")
    page.locator(".trial summary").click()
    assert "inspect_matches.py --store STORE --serve" in page.locator(".trial").inner_text()
    assert page.get_by_role("slider").count() == page.get_by_role("textbox").count() == 0


def test_a_line_of_copy_is_tried_too(
    tmp_path: Path, make_store: Callable, titles: dict, users: dict, serve: Callable, look: Callable
) -> None:
    copy = [{"copy_id": "a", "title_id": "lone", "text": "Ha ha."}, {"copy_id": "b", "title_id": "lone", "text": "Two hearts."}]
    words = {("copy", "Ha ha."): COMEDY, ("copy", "Two hearts."): ROMANCE}
    page = look(serve(make_store(tmp_path / "store", titles, users, copy=copy, words=words)), "#/grid?users=rosa&copy=0")
    assert page.locator(".sheet .line:has-text('Lone') .copy.new").inner_text() == "Ha ha."
    assert "changed" in cell(page, "Lone", "rosa")
