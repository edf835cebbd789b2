"""The page measured: what follows from what was measured, and that the drawn store is one. No timing is asserted."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from artwork_doors.benching import browser, page_life, page_material
from artwork_doors.benching.browser import Frames
from artwork_doors.benching.figures import Figure
from embed.errors import ArtworkMatcherError


def test_frames_are_told_by_the_longest_and_by_the_slow_ones() -> None:
    measured = Frames((16.0, 17.0, 51.0, 120.0))
    assert (measured.longest, measured.slow) == (120.0, 0.5)
    [line] = page_life._frames("a file", {"the grid scrolled": measured})
    assert (line.value, line.met, line.note) == (120.0, False, "50.0% of 4 over 50 ms")


def test_what_a_scroll_asks_for_is_told_by_its_percentiles() -> None:
    middle, late = page_life._times("served", "a block", [float(number) for number in range(1, 102)])
    assert (middle.value, middle.low, middle.high, middle.target) == (51.0, 1.0, 101.0, None)
    assert (late.value, late.target, late.met) == (100.0, page_life.ASKED, False)
    assert list(page_life._times("served", "a block", [])) == []


def test_a_work_is_waited_for_until_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([{"state": "working"}, {"state": "working"}, {"state": "there", "kept": 0.5}])
    monkeypatch.setattr(page_life._Server, "ask", lambda self, kind: (1.0, next(answers)))
    monkeypatch.setattr(page_life, "time", SimpleNamespace(perf_counter=lambda: 0.0, sleep=lambda seconds: None))
    assert page_life._Server(1, 1).until_there("map") == (0.0, {"state": "there", "kept": 0.5})


def test_the_drawn_store_has_a_picture_for_each_artwork(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from match.matcher import Matcher
    from match.page.site import Site
    from match.page.thumbnails import thumbnail

    monkeypatch.setattr(page_material, "DISTINCT", 5)
    monkeypatch.setattr(page_material, "USERS", 3)
    store = page_material.pictured_store(tmp_path, 120)
    site = Site.of(store, Matcher.open(store))
    assert len(site.paths) == 120  # each known by a sha256 of its own
    files = {(tmp_path / "catalog" / path).stat().st_ino for path in site.paths.values()}
    assert len(files) == 5
    sha256, path = next(iter(site.paths.items()))
    assert thumbnail(store, sha256, path, 160)


def test_without_a_browser_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser, "BROWSERS", ("no-such-browser",))
    with pytest.raises(ArtworkMatcherError, match="apt-get install chromium"), browser.browser():
        pass


def test_the_door(invoke: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [
        Figure("a file", "open it", 1.0, "s", target=2.0, at_most=True),
        Figure("served", "a block, p99", 60.0, "ms", target=50.0, at_most=True),
    ]
    monkeypatch.setattr(page_life, "page_figures", lambda *_: lines)
    result = invoke("bench_page")
    assert result.exit_code == 0
    assert [result.stdout.count(word) for word in ("a file", "served", "met", "missed")] == [1, 1, 1, 1]
    result = invoke("bench_page", "--check", "--json")
    assert result.exit_code == 1
    assert [figure["met"] for figure in json.loads(result.stdout)["figures"]] == [True, False]
