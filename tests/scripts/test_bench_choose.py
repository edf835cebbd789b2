"""The page's whole choice measured: what follows from what was measured, and a small run. No timing is asserted."""

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from artwork_doors.benching import page_choices
from artwork_doors.benching.crowds import Size
from artwork_doors.benching.figures import Figure
from artwork_doors.benching.page_choices import ALONE, SOFTMAX, WHOLE, MeasuredPages

MEASURED = MeasuredPages(
    Size(1_000, 1_000, 20),
    40,
    {ALONE: [0.5] * 100, WHOLE: [1.0] * 50 + [1.5] * 49 + [4.0], SOFTMAX: [0.9] * 100},
    [2.0],
    [1.1],
    {"vowpalwabbit": {"cb_explore_adf --bag 5": [6.25, 6.25]}},
    {"vowpalwabbit": "9.11", "obp": "does not run: No module named 'obp'"},
)


def by_name(measured: MeasuredPages) -> dict[str, Figure]:
    return {line.name: line for line in page_choices.figures_of(measured)}


def test_figures_follow_from_what_was_measured() -> None:
    lines = by_name(MEASURED)
    assert (lines[f"{WHOLE}: p50"].value, lines[f"{WHOLE}: p50"].met) == (1.25, True)
    assert lines[f"{WHOLE}: p99"].met is True
    assert lines["Vowpal Wabbit, cb_explore_adf --bag 5"].note.startswith("5.0 times ours")
    assert (lines["Open Bandit Pipeline"].value, lines["Open Bandit Pipeline"].note) == (None, MEASURED.notes["obp"])


@pytest.mark.parametrize(("ms", "p50", "p99"), [([2.1] * 100, False, True), ([1.0] * 97 + [6.0] * 3, True, False)])
def test_targets(ms: list[float], p50: bool, p99: bool) -> None:
    lines = by_name(replace(MEASURED, ours={**MEASURED.ours, WHOLE: ms}))
    assert (lines[f"{WHOLE}: p50"].met, lines[f"{WHOLE}: p99"].met) == (p50, p99)


@pytest.mark.parametrize(("flags", "ms", "code"), [(["--check"], 1.0, 0), (["--check"], 3.0, 1), ([], 3.0, 0)])
def test_check_ends_with_1_where_a_target_is_missed(
    invoke: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, flags: list[str], ms: float, code: int
) -> None:
    measured = replace(MEASURED, ours={**MEASURED.ours, WHOLE: [ms] * 100})
    monkeypatch.setattr(page_choices, "measure", lambda *_: measured)
    assert invoke("bench_choose", *flags).exit_code == code


def test_a_small_run(invoke: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_setaffinity", lambda *_: None, raising=False)  # the other tests keep their cores
    size = ("--users", 20, "--catalog", 6, "--artworks", 3, "--titles", 4, "--pages", 5)
    result = invoke("bench_choose", *size, "--peers-python", sys.executable, "--json")
    assert result.exit_code == 0, result.stderr
    answer = json.loads(result.stdout)
    assert [len(ms) for ms in answer["measured"]["ours"].values()] == [15] * 3
    assert set(answer["measured"]["notes"]) == {"vowpalwabbit", "obp"}
    assert answer["figures"][0]["value"] > 0


def test_a_peer_s_pages_are_what_ours_had_to_find(tmp_path: Path) -> None:
    from match.matcher import Matcher

    matcher = Matcher.open(page_choices.make_store(tmp_path / "store", Size(20, 6, 3, dimension=32)))
    page_choices._write_pages(matcher, 4, 5, tmp_path / "pages.npz")
    with np.load(tmp_path / "pages.npz") as arrays:
        shapes = {name: arrays[name].shape for name in arrays}
        assert (arrays["plays"] >= 1).all()
    assert shapes == {"plays": (5, 4, 3), "failures": (5, 4, 3), "parts": (5, 4, 3, 3)}
