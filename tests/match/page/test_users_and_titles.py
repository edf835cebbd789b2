"""A user in a browser, and the lists by which every user and title is reached."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROMANCE, COMEDY, HORROR, PLAIN = np.eye(4, dtype=np.float32)


@pytest.fixture(params=["file", "served"])
def opened(request: pytest.FixtureRequest) -> Callable[[Any], str]:
    """opened(store) -> the address of its page."""
    opens: Callable[[Any], str] = request.getfixturevalue("write" if request.param == "file" else "serve")
    return opens


@pytest.fixture
def mixed_store(tmp_path: Path, make_store: Callable, titles: dict, pictures: Path) -> Any:
    """mix has two interests and a dislike, and one of their phrases came from two titles; wil has no phrases."""
    from embed.records import Phrase, Profile
    from embed.tastes.profiles import write_profiles

    users = {
        "mix": [
            ("romantic films", "genre", 0.5, ROMANCE, 0),
            ("horror films", "genre", 0.3, HORROR, 1),
            ("funny films", "stated", -0.2, COMEDY, -1),
        ],
        "wil": [],
    }
    store = make_store(tmp_path / "store", titles, users, catalog=pictures)
    came = {"romantic films": ("harbour", "lone")}
    profiles = [
        Profile(
            user_id,
            tuple(Phrase(text, kind, weight, came.get(text, ()), number) for text, kind, weight, _, number in phrases),
            np.array([phrase[3] for phrase in phrases], np.float32).reshape(-1, 4),
            store.fingerprint,
            "history",
            "pt-BR",
        )
        for user_id, phrases in users.items()
    ]
    write_profiles(store, profiles)
    return store


def test_a_user_has_interests_phrases_and_the_titles_they_came_from(mixed_store: Any, opened: Callable, look: Callable) -> None:
    page = look(opened(mixed_store), "#/user?user=mix")
    cards = page.locator(".interest")
    assert [card.split("\n")[0] for card in cards.all_inner_texts()] == [
        "Interest 1 62 %",
        "Interest 2 38 %",
        "Dislikes speak against every interest",
    ]
    assert cards.nth(0).locator("small a").all_inner_texts() == ["Harbour", "Lone"]
    assert cards.nth(2).locator(".number").inner_text() == "−0.20"
    assert "locale pt-BR" in page.locator(".source").inner_text()
    cards.nth(0).get_by_role("link", name="Lone").click()
    page.wait_for_selector("h2:has-text('Lone')")
    assert "user=mix" in page.url


def test_below_stands_what_the_user_meets_and_why(mixed_store: Any, opened: Callable, look: Callable) -> None:
    page = look(opened(mixed_store), "#/user?user=mix")
    harbour = page.locator(".meeting:has-text('Harbour')")
    assert harbour.locator(".because").inner_text().endswith(" ahead by similarity: romantic films")
    assert page.locator(".meeting:has-text('Lone') .because").inner_text() == "the only artwork of its title"
    assert "no usable artwork" in page.locator(".meeting:has-text('Bare') .because").inner_text()
    page.get_by_role("searchbox", name="Find titles").fill("one")
    page.wait_for_selector(".meets [role=status]:has-text('1 title')")
    assert page.locator(".meeting > b").all_inner_texts() == ["Lone"]


def test_a_user_without_a_taste_says_whose_it_is(mixed_store: Any, opened: Callable, look: Callable) -> None:
    page = look(opened(mixed_store), "#/user?user=wil")
    assert "user 'wil' has no taste yet" in page.locator(".source").inner_text()
    assert "No phrases" in page.locator("[aria-label=Taste]").inner_text()


def test_every_user_is_reached_by_the_list(
    tmp_path: Path, make_store: Callable, titles: dict, users: dict, opened: Callable, look: Callable
) -> None:
    many = {f"user{number:03}": users["rosa"] for number in range(120)} | {"Zoë": users["hugo"]}
    page = look(opened(make_store(tmp_path / "store", titles, many)), "#/users", height=600)
    assert page.get_by_role("link", name="Users").get_attribute("aria-current") == "page"
    assert page.locator(".listed").count() < 30
    told = page.locator("main [role=status]").inner_text()
    assert told in ("121 users", "12 users")  # a page in a file holds the first twelve
    page.get_by_role("searchbox", name="Find users").fill("ZOË")
    page.wait_for_selector("main [role=status]:text-is('1 user')")
    assert "horror films" in page.locator(".listed").inner_text()
    page.get_by_role("link", name="Zoë").click()
    page.wait_for_selector("h2:has-text('Zoë')")
    page.go_back()
    page.wait_for_selector("main [role=status]:text-is('1 user')")
    page.get_by_role("searchbox", name="Find users").fill("nobody's")
    page.wait_for_selector("p:has-text('None has the letters')")
    page.get_by_role("searchbox", name="Find users").fill("zoë")
    page.wait_for_selector(".listed:has-text('horror films')")


def test_every_title_is_reached_by_the_list(mixed_store: Any, opened: Callable, look: Callable) -> None:
    page = look(opened(mixed_store), "#/titles?find=HAR")
    assert page.locator(".listed b").all_inner_texts() == ["Harbour"]
    assert "3 artworks" in page.locator(".listed").inner_text()
    page.get_by_role("link", name="Harbour").click()
    page.wait_for_selector("h2:has-text('Harbour')")


def test_an_interest_made_of_pictures_shows_them(mixed_store: Any, opened: Callable, look: Callable) -> None:
    import pyarrow as pa

    from embed.records import picture_interest_schema
    from embed.store import replace_table, vector_array
    from match.clicks.seen import TABLE

    columns = [pa.array(["mix"]), pa.array([0.2]), pa.array([mixed_store.fingerprint]), vector_array(HORROR[None])]
    replace_table(mixed_store, TABLE, pa.Table.from_arrays(columns, schema=picture_interest_schema(4)))
    page = look(opened(mixed_store), "#/user?user=mix")
    played = page.locator(".interest:has-text('Pictures played')")
    assert played.locator("h3").inner_text() == "Pictures played 20 %"
    assert played.locator(".picture").first.get_attribute("title").startswith(("ghost.png", "only.png"))
    assert played.locator(".picture").count() == 6
