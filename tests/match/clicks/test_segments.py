"""Priors of one segment, worked out by hand."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from embed.errors import LogError, QueryError
from match.blend import Prior
from match.clicks.segments import segment_priors

Rows = list[dict[str, Any]]


def shown(artwork_id: str, segment: str | None, count: int) -> Rows:
    return [
        {"impression_id": f"{artwork_id}-{segment}-{n}", "title_id": "harbour", "artwork_id": artwork_id, "segment": segment}
        for n in range(count)
    ]


def played(impressions: Rows, count: int) -> Rows:
    return [{"impression_id": row["impression_id"], "seconds": None, "fraction": 0.9} for row in impressions[:count]]


KISS_TEENS, KISS_OTHERS, GHOST_TEENS = shown("kiss", "Teens", 20), shown("kiss", "parents", 30), shown("ghost", "teens ", 10)
CLOWN = shown("clown", None, 40)
IMPRESSIONS = KISS_TEENS + KISS_OTHERS + GHOST_TEENS + CLOWN
PLAYS = played(KISS_TEENS, 8) + played(KISS_OTHERS, 3) + played(GHOST_TEENS, 1) + played(CLOWN, 4)


@pytest.fixture
def logs(tmp_path: Path, write_rows: Callable[..., Path]) -> Callable[..., Path]:
    def write(impressions: Rows = IMPRESSIONS, plays: Rows = PLAYS, format: str = "jsonl") -> Path:
        for name, rows in (("impressions", impressions), ("plays", plays)):
            write_rows(tmp_path / "logs", name, rows, format)
        return tmp_path / "logs"

    return write


def odds(p: float) -> float:
    return p / (1 - p)


@pytest.mark.parametrize("format", ["csv", "jsonl", "parquet"])
def test_by_hand(logs: Callable[..., Path], format: str) -> None:
    priors = segment_priors(logs(format=format), "TEENS")
    assert set(priors.by_artwork) == {"kiss", "ghost"}  # the clown was not shown there
    here, elsewhere = (9 + 5) / (30 + 100), (7 + 5) / (70 + 100)
    assert priors.unseen == Prior(pytest.approx(here), 0, 0)
    usual = (3 + 100 * elsewhere) / 130  # of the kiss, by the other segments
    moved = odds(usual) * odds(here) / odds(elsewhere)
    assert priors.of("kiss") == Prior(pytest.approx((8 + 100 * moved / (1 + moved)) / 120), 20, 8)
    assert priors.of("ghost") == Prior(pytest.approx((1 + 100 * here) / 110), 10, 1)  # nobody else saw it: the segment's rate


def test_in_the_order_of_a_catalog_what_was_not_shown_there_has_no_impressions(logs: Callable[..., Path]) -> None:
    import pyarrow as pa

    columns = segment_priors(logs(), "teens").in_order(pa.chunked_array([["ghost", "clown", "kiss"]]))
    np.testing.assert_array_equal(columns.impressions, [10, 0, 20])


def test_a_segment_that_nobody_has_is_refused_with_those_there_are(logs: Callable[..., Path]) -> None:
    with pytest.raises(QueryError, match=r"--segment 'adults': no impression in .* names it; there are 'parents' \(30 impr"):
        segment_priors(logs(), "adults")
    with pytest.raises(QueryError, match="none names any: fill the segment of the impressions table"):
        segment_priors(logs(CLOWN + shown("kiss", None, 2)), "adults")


def test_many_segments_are_not_all_listed(logs: Callable[..., Path]) -> None:
    many = [row for number in range(25) for row in shown("kiss", f"s{number:02}", 1 + (number == 24))]
    with pytest.raises(QueryError, match=r"there are 's24' \(2 impressions\), 's00' .* and 5 more"):
        segment_priors(logs(many), "adults")


def test_logs_without_the_column(logs: Callable[..., Path]) -> None:
    bare = [{key: value for key, value in row.items() if key != "segment"} for row in IMPRESSIONS]
    with pytest.raises(LogError, match=r"impressions\.jsonl has no column segment"):
        segment_priors(logs(bare), "teens")
