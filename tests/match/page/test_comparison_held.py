"""What of a long comparison a page in a file holds, and that it says so."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from match.comparing.sides import side_of
from match.page.documents import changes

TITLES = 60


def test_a_file_says_how_much_of_a_list_it_holds(
    tmp_path: Path,
    make_store: Callable,
    titles: dict[str, list[dict[str, Any]]],
    users: dict[str, Any],
    write: Callable,
    look: Callable,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(changes, "BLOCKS_WRITTEN", 1)  # of 4
    many = {
        f"caper-{n:02}": [{**row, "artwork_id": f"{row['artwork_id']}-{n}"} for row in titles["caper"]] for n in range(TITLES)
    }
    store = make_store(tmp_path / "store", many, users)
    page = look(write(store, sides=[side_of("people=0")]), "#/compare")
    pagers = page.locator(".pager").all_inner_texts()
    assert [text.partition("Later")[2].strip() for text in pagers] == [
        "1 to 10 of 60; the first 50 are in this file",  # titles
        "1 to 10 of 60; the first 50 are in this file",  # artwork that gained users
        "1 to 10 of 120; the first 50 are in this file",  # choices, rosa's and hugo's of each title
    ]
    page.evaluate("location.hash = '#/compare?to=people%3D0&title=caper-59'")  # beyond the 40 titles whose choices it holds
    page.wait_for_selector(".error:has-text('does not hold that. Serve it to ask anything')")
