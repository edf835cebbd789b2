"""The views of a title, of an artwork and of the rejected files, in a browser."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from embed.records import PRIOR, REJECTED, SEGMENT_PRIOR
from embed.store import Store, replace_table


@pytest.fixture
def clicked_store(pictured_store: Store) -> Store:
    """With priors, of a segment, too."""
    counts = {"clown": (1000, 80), "kiss": (1000, 50), "ghost": (1000, 11)}
    rows = [
        {"title_id": "harbour", "artwork_id": name, "impressions": shown, "plays": plays}
        | {"mean": (plays + 5) / (shown + 100), "effective": float(shown), "strength": shown + 100.0}
        for name, (shown, plays) in counts.items()
    ]
    replace_table(pictured_store, "priors", pa.Table.from_pylist(rows, schema=PRIOR))
    late = {"segment": "night owls", "impressions": 200, "plays": 30, "mean": 0.05, "strength": 300.0}
    here = [{**late, "title_id": None, "artwork_id": None}, {**late, "title_id": "harbour", "artwork_id": "ghost", "mean": 0.3}]
    replace_table(pictured_store, "segment_priors", pa.Table.from_pylist(here, schema=SEGMENT_PRIOR))
    return pictured_store


def shown_numbers(page: Any) -> list[list[Decimal]]:
    """Of each artwork its parts and its score, as they are written."""
    found = page.locator(".waterfall").all()
    return [[Decimal(text.replace("−", "-")) for text in one.locator(".number").all_inner_texts()] for one in found]


def test_parts_add_up_as_they_are_shown_whatever_the_weights(clicked_store: Store, serve: Callable, look: Callable) -> None:
    page = look(serve(clicked_store), "#/title?title=harbour&user=rosa")
    seen = 0
    for similarity, people in ((0.5, 2.5), (0.333, 1.111), (1.2345, 0), (0.005, 3), (4.999, 0.015)):
        for title in ("harbour", "caper", "lone"):
            page.evaluate(f"location.hash = '#/title?title={title}&user=rosa&similarity={similarity}&people={people}'")
            page.wait_for_function(
                "([title, count]) => document.querySelector('h2')?.textContent === title"
                " && document.querySelectorAll('.waterfall').length === count",
                arg=[title.title(), {"harbour": 3, "caper": 2, "lone": 1}[title]],
            )
            for *parts, score in shown_numbers(page):
                assert (len(parts), sum(parts)) == (4, score)
                seen += 1
    assert seen == 5 * 6


def test_why_what_would_change_and_what_segments_get(clicked_store: Store, serve: Callable, look: Callable) -> None:
    page = look(serve(clicked_store), "#/title?title=harbour&user=rosa")
    first = page.locator(".ranked-artwork").first
    assert "kiss" in first.inner_text()
    assert "“romantic films” cosine 1.000" in first.inner_text()
    assert re.search(r"5\.00 % \(95 %: 3\.8–6\.4 %\)\s+50 of 1,000 impressions played", first.inner_text())
    assert re.search(r"Thompson\s+\d+\.\d %", first.inner_text())
    meets = page.locator(".meets").inner_text()
    assert re.search(r"everyone clown\s+7\.7 %", meets)
    assert re.search(r"night owls ghost\s+30\.0 % .*, 30 of 200 impressions played", meets)
    told = page.locator(".runner-up")
    assert re.search(r"about \d[\d,]* plays in its next 10,000 impressions, where 773 are expected", told.inner_text())
    told.get_by_text("weight of similarity").click()  # try it
    page.wait_for_selector(".ranked-artwork:first-child:has-text('clown')")
    assert "similarity=0." in page.url


def test_the_user_is_picked_by_typing_and_titles_follow_one_another(
    clicked_store: Store, write: Callable, look: Callable
) -> None:
    page = look(write(clicked_store), "#/title?title=harbour&user=rosa")
    box = page.get_by_label("for user")
    box.fill("car")
    page.wait_for_selector("#offered-users option:only-child", state="attached")
    box.fill("carl")
    box.press("Enter")
    page.wait_for_selector(".ranked-artwork:first-child:has-text('clown')")
    assert page.get_by_text("carl").count() == 0  # but in the box
    page.get_by_role("link", name="next →").click()
    page.wait_for_selector("h2:has-text('Lone')")
    assert "user=carl" in page.url
    assert page.locator(".runner-up").count() == 0


def test_an_artwork_says_who_gets_it_how_it_does_and_what_is_near(
    clicked_store: Store, write: Callable, look: Callable
) -> None:
    page = look(write(clicked_store), "#/title?title=harbour&user=rosa")
    page.get_by_role("link", name="kiss").first.click()
    page.wait_for_selector("h2:has-text('kiss')")
    assert "25.0 % 1 of 4 users" in page.locator(".told-panel").first.inner_text()
    rows = page.locator(".performance tbody tr").all_inner_texts()
    assert re.match(r"everyone\s+5\.0 % 3\.8–6\.4 %\s+50 of 1,000", rows[0])
    assert rows[1].split("\t")[0] == "night owls"
    near = page.locator(".neighbours a").all_inner_texts()
    assert len(near) == 5
    assert any("picture not there\nghost" in one for one in near)
    page.get_by_role("link", name="rosa").click()
    page.wait_for_selector("h2:has-text('Harbour')")


@pytest.fixture
def rejecting_store(pictured_store: Store) -> Store:
    """120 files set aside, of two kinds."""
    reasons = ("no such file; put the picture there", "is damaged or cut off (truncated); copy it again")
    rows = [
        {"artwork_id": f"r{n:03}", "title_id": "harbour", "path": f"<i>r{n:03}</i>.jpg", "reason": reasons[n % 2]}
        | {"rejected_at": datetime(2026, 1, 1, tzinfo=UTC)}
        for n in range(120)
    ]
    replace_table(pictured_store, "rejected", pa.Table.from_pylist(rows, schema=REJECTED))
    return pictured_store


@pytest.mark.parametrize("way", ["write", "serve"])
def test_rejected_files_are_found_and_only_those_to_be_seen_are_there(
    rejecting_store: Store, request: pytest.FixtureRequest, look: Callable, way: str
) -> None:
    page = look(request.getfixturevalue(way)(rejecting_store))
    page.get_by_role("link", name="Rejected 120").click()
    page.wait_for_selector(".rejected-row")
    assert "put the picture there" in page.locator("main").inner_text()
    assert page.locator(".rejected-row").count() < 40
    assert "<i>r119</i>.jpg" in page.locator(".rejected-row").first.inner_text()
    page.get_by_role("button", name="is damaged or cut off 60").click()
    page.wait_for_selector("[role=status]:has-text('60 of 120 pictures')")
    page.get_by_label("Find").fill("R011")
    page.wait_for_selector("[role=status]:has-text('1 of 120 pictures')")
    assert page.locator(".rejected-row").count() == 1
    assert json.dumps("find=R011")[1:-1] in page.url


def test_who_knows_the_story_may_see_what_gives_it_away(
    tmp_path: Path, make_store: Callable, users: dict, serve: Callable, look: Callable
) -> None:
    rows = [
        {"artwork_id": "plain", "vector": np.eye(4)[1]},
        {"artwork_id": "secret", "vector": np.eye(4)[0], "spoiler": True},
    ]
    page = look(serve(make_store(tmp_path / "store", {"t": rows}, users)), "#/title?title=t&user=rosa")
    aside = page.locator(".ranking .aside").inner_text()
    assert "secret" in aside
    assert "spoiler" in aside
    page.get_by_label("knows the story").check()
    page.wait_for_selector(".ranked-artwork:first-child:has-text('secret')")
    assert page.locator(".ranking .aside").count() == 0
    assert "knows=yes" in page.url
