"""The nightly job measured: what follows from what was measured, and that the drawn store is one. No timing is asserted."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from artwork_doors.benching import bulk, crowds
from artwork_doors.benching.bulk import MeasuredBulk
from artwork_doors.benching.crowds import Size
from artwork_doors.benching.figures import Figure, Series
from artwork_doors.benching.memory import PROC, Peak

SHARE, AGREEMENT = "whole command / matrix product", "agreement with Matcher.choose_many"

MEASURED = MeasuredBulk(
    Size(100_000, 1_000, 10),
    Series((8.0, 16.0)),
    Series((200.0, 100.0)),  # the machine was half as fast in the second round
    {"open": 0.5, "make": 7.5},
    600 * 2**20,
    Peak(500 * 2**20, "PSS", 1, 9.0, ""),
    200,
    Series((1.6, 3.2)),
    1.0,
)


def by_name(measured: MeasuredBulk) -> dict[str, Figure]:
    return {line.name: line for line in bulk.figures_of(measured)}


def test_figures_follow_round_by_round() -> None:
    lines = by_name(MEASURED)
    assert lines[SHARE].value == lines[SHARE].low == lines[SHARE].high == pytest.approx(1024 / 8 / 200)
    assert lines["choices"].high == pytest.approx(100e6 / 8)
    assert lines["Matcher.choose_many"].value == pytest.approx(1200)
    assert lines["Matcher.choose_many"].note == "extrapolated from 200 users"
    assert lines["Matcher.choose_many / whole command"].value == pytest.approx(100)
    assert (lines["peak memory"].value, lines["Parquet"].value) == (500, 600)


@pytest.mark.parametrize(
    ("changes", "name", "met"),
    [
        ({}, SHARE, True),
        ({"seconds": Series((10.3, 20.6))}, SHARE, False),
        ({}, AGREEMENT, True),
        ({"agreement": 0.999999}, AGREEMENT, False),
    ],
)
def test_targets(changes: dict[str, Any], name: str, met: bool) -> None:
    assert by_name(replace(MEASURED, **changes))[name].met is met


@pytest.mark.parametrize(("flags", "seconds", "code"), [(["--check"], 8.0, 0), (["--check"], 80.0, 1), ([], 80.0, 0)])
def test_check_ends_with_1_where_a_target_is_missed(
    invoke: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, flags: list[str], seconds: float, code: int
) -> None:
    measured = replace(MEASURED, seconds=Series((seconds, 2 * seconds)))
    monkeypatch.setattr(bulk, "measure", lambda *_: measured)
    result = invoke("bench_match_all", *flags)
    assert result.exit_code == code
    assert ("missed" in result.stdout) is (seconds == 80.0)


def test_a_small_run(invoke: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "sgemm_peak", lambda _: 100.0)
    size = ("--users", 40, "--titles", 6, "--artworks", 3, "--sample", 15)
    result = invoke("bench_match_all", *size, "--rounds", 1, "--json")
    assert result.exit_code == 0, result.stderr
    answer = json.loads(result.stdout)
    figures = {line["name"]: line for line in answer["figures"]}
    assert (figures[AGREEMENT]["value"], figures[AGREEMENT]["met"], figures[SHARE]["met"]) == (1.0, True, False)
    assert figures["whole command"]["value"] > 0
    assert (answer["measured"]["peak"] is not None) is PROC.is_dir()
    assert answer["measured"]["size"] == {"users": 40, "titles": 6, "artworks": 3, "dimension": 512}


def test_the_drawn_store_is_one_that_the_doors_could_have_left(tmp_path: Path) -> None:
    from embed.tastes.users import audience_of
    from match.matcher import Matcher

    matcher = Matcher.open(crowds.make_store(tmp_path / "store", Size(50, 4, 3, dimension=32)))
    assert (len(matcher.user_ids), len(matcher.title_ids), matcher.snapshot.index.artworks) == (50, 4, 12)
    profiles = [profile for user in matcher.user_ids if (profile := matcher.profiles.get(user))]

    class Encoder:
        fingerprint, dimension = crowds.FINGERPRINT, 32

        def encode_texts(self, texts: list[str]) -> np.ndarray:
            return np.tile(matcher.audience.neutral, (len(texts), 1))

    audience: Any = audience_of(profiles, Encoder())  # type: ignore[arg-type]
    for name in ("mean", "moment"):
        np.testing.assert_allclose(getattr(matcher.audience, name), getattr(audience, name), atol=1e-5)
