"""The app in a browser: what every view has, as a file and served."""

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture(params=["file", "served"])
def address(request: pytest.FixtureRequest, pictured_store: Any) -> str:
    """Of the page of `pictured_store`."""
    maker = "write" if request.param == "file" else "serve"
    return request.getfixturevalue(maker)(pictured_store)


def test_the_grid_shows_what_each_user_meets(address: str, look: Callable) -> None:
    page = look(address)
    for user, artwork in (("rosa", "kiss"), ("carl", "clown"), ("hugo", "ghost")):
        assert page.get_by_label(f"Harbour for {user}: {artwork}", exact=False).count() == 1
    page.get_by_label("Harbour for rosa", exact=False).click()
    page.wait_for_selector("h2:has-text('Harbour')")
    assert "title=harbour" in page.url
