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


@pytest.mark.parametrize("format", ["csv", "jsonl", "parquet"])
def test_by_hand(logs: Callable[..., Path], format: str) -> None:
    """Three segments (nobody's is one), three artworks: how much more each segment plays, and each artwork, in turn until it holds."""
    priors = segment_priors(logs(format=format), "TEENS")
    assert set(priors.by_artwork) == {"kiss", "ghost"}  # the clown was not shown there
    shown, plays = np.array([[20.0, 30, 0], [10, 0, 0], [0, 0, 40]]), np.array([[8.0, 3, 0], [1, 0, 0], [0, 0, 4]])
    factors, rate = np.ones(3), (16 + 5) / 200
    for _ in range(200):
        rates = (plays.sum(1) + 100 * rate) / (shown @ factors + 100)
        factors = (plays.sum(0) + 20) / (rates @ shown + 20)
        factors *= 100 / (shown @ factors).sum()
    assert factors[0] > 1.1
    assert priors.unseen == Prior(pytest.approx(factors[0] * rate), 0, 0)
    others = (3 + 100 * rate) / (30 * factors[1] + 100)  # of the kiss
    worth = 1 / (1 / (30 * factors[1] + 100) + 1 / 100)
    assert priors.of("kiss") == Prior(pytest.approx((8 + worth * factors[0] * others) / (20 + worth)), 20, 8)
    assert priors.of("ghost") == Prior(pytest.approx((1 + 50 * factors[0] * rate) / (10 + 50)), 10, 1)  # nobody else saw it


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
