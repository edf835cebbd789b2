"""From a log of choices to units: parts divided by the weights that served, beside what could have been shown; what does not count."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from embed.errors import LogError
from match.clicks.rules import Rules
from match.fitting.choices import MOST_WEIGHT, Choices, read_choices

AT = datetime(2026, 10, 1, 12, tzinfo=UTC)
NOW = Rules(wait=0)
Row = dict[str, Any]
OTHER = '{"weights": {"similarity": 0.25, "people": 1.0, "words": 0.125, "copy": 0.5}}'


@pytest.fixture
def rows(choice: Callable[..., Row]) -> list[Row]:
    """Four of two users: what is shown has more similarity, more of a person, fewer words."""
    return [
        choice("1", similarity=[0.5, -0.25, -0.25], people=[2.5, 0, 0], words=[0, 0.125, 0.25], prior=[-2.0, -3, -3]),
        choice("2", 1, similarity=[0.5, -0.5], user_id="bob", shown_at=AT + timedelta(days=1)),
        choice("3", people=[-2.5, 0], words=[0.25, 0], user_id="bob"),
        choice("4", similarity=[0.5, -0.5], people=[0.5, 0], parameters=OTHER),
    ]


def test_units_are_parts_over_the_weights_that_served(rows: list[Row], write_log: Callable[..., Path]) -> None:
    choices = read_choices(write_log(rows, played=["2", "4"]), NOW)
    assert choices.parts == ("similarity", "people", "words")
    assert choices.units == pytest.approx(np.array([[1, 1, 0], [-1, 0, 0], [0, -1, 2], [2, 0.5, 0]]))
    assert choices.common == pytest.approx(np.array([[0, 1 / 3, 1], [0, 0, 0], [0, -0.5, 1], [0, 0.25, 0]]))
    assert choices.own == pytest.approx(choices.units - choices.common)
    assert choices.prior.tolist() == [-2, -3, -3, -3]
    assert choices.quality.tolist() == [0, 1, 0, 1]
    assert choices.user.tolist() == [0, 1, 1, 0]
    assert (choices.day - choices.day[0]).tolist() == [0, 1, 0, 0]
    assert (choices.snapshots, choices.left_out, choices.silent, choices.assumed) == (("000001",), {}, {}, 0)


def test_weights_are_inverse_propensities_one_on_average(rows: list[Row], write_log: Callable[..., Path]) -> None:
    rows[0] |= {"propensity": 0.9}
    rows[1] |= {"propensity": 0.001}
    choices = read_choices(write_log(rows), NOW)
    assert choices.drawn == pytest.approx([1 / 2.7, 500, 1, 1])
    expected = np.array([1 / 2.7, MOST_WEIGHT, 1, 1])
    assert choices.weights == pytest.approx(expected / expected.mean())
    assert choices.clipped == 1
    assert choices.effective == pytest.approx(expected.sum() ** 2 / (expected**2).sum())


def test_what_does_not_count_is_counted(rows: list[Row], choice: Callable[..., Row], write_log: Callable[..., Path]) -> None:
    strange = [
        choice("kept", similarity=[0.5], kept="period", user_id="kim"),
        choice("no propensity", similarity=[0.5, -0.5], propensity=None, user_id="lou"),
        choice("nothing considered", considered=None, user_id="mia"),
        choice("not considered", similarity=[0.5, -0.5], artwork_id="other", user_id="ned"),
        choice("young", similarity=[0.5, -0.5], shown_at=AT + timedelta(days=3), user_id="eva"),
        *(choice(f"again {n}", similarity=[0.5, -0.5], user_id="max") for n in range(3)),
        *(choice(f"bot {n}", similarity=[0.5, -0.5], user_id="bot") for n in range(9)),
    ]
    choices = read_choices(write_log([*rows, *strange], ["1"]), Rules(wait=1, most_repeats=2, most_impressions=8))
    assert choices.left_out == {"alone": 1, "unknown": 3, "young": 1, "repeat": 1, "bot": 9}
    assert len(choices) == len(rows) + 2


def test_a_row_told_twice_counts_once_and_order_does_not_matter(rows: list[Row], write_log: Callable[..., Path]) -> None:
    once, twice = (read_choices(write_log(some, ["2"]), NOW) for some in (rows, [*rows[::-1], rows[1]]))
    for name in ("user", "day", "quality", "prior", "own", "common", "drawn"):
        assert getattr(once, name).tolist() == getattr(twice, name).tolist()


def test_a_part_served_with_weight_0_tells_nothing(rows: list[Row], write_log: Callable[..., Path]) -> None:
    silent = OTHER.replace('"words": 0.125', '"words": 0').replace('"people": 1.0', '"people": 2.5')
    choices = read_choices(write_log([row | {"parameters": silent} for row in rows]), NOW)
    assert choices.parts == ("similarity", "people")
    assert choices.silent == {"words": "stays: it was served with weight 0, so that the log tells nothing of it"}
    assert choices.own.shape == (4, 2)
    some = read_choices(write_log([*rows[:3], rows[3] | {"parameters": silent}]), NOW)
    assert (some.parts, some.left_out, len(some)) == (("similarity", "people", "words"), {"unmeasured": 1}, 3)


def test_a_part_that_is_alike_on_all_artwork_tells_nothing(choice: Callable[..., Row], write_log: Callable[..., Path]) -> None:
    choices = read_choices(write_log([choice("1", similarity=[0.5, -0.5], people=[2.5, 2.5])]), NOW)
    assert choices.parts == ("similarity",)
    assert {part: why.split(",")[0] for part, why in choices.silent.items()} == dict.fromkeys(
        ("people", "words"), "stays: it was alike on all artwork"
    )


def test_an_older_log_is_taken_to_have_had_the_defaults(rows: list[Row], write_log: Callable[..., Path]) -> None:
    silent = [
        row | {"parameters": text}
        for row, text in zip(rows, (None, "{}", '{"floor": 0.1}', rows[3]["parameters"]), strict=True)
    ]
    choices = read_choices(write_log(silent), NOW)
    assert choices.assumed == 3
    assert choices.units == pytest.approx(np.array([[1, 1, 0], [-1, 0, 0], [0, -1, 2], [2, 0.5, 0]]))


def test_taken(rows: list[Row], write_log: Callable[..., Path]) -> None:
    choices = replace(read_choices(write_log(rows), NOW), drawn=np.array([1.0, 2, 3, 4]))
    some = choices.taken(np.array([True, False, False, True]))
    assert isinstance(some, Choices)
    assert (some.drawn.tolist(), some.own.tolist(), some.parts) == ([1, 4], choices.own[[0, 3]].tolist(), choices.parts)
    assert some.snapshots == choices.snapshots


def test_what_is_no_log_of_choices_is_said(
    rows: list[Row], choice: Callable[..., Row], write_log: Callable[..., Path], tmp_path: Path
) -> None:
    logs = write_log([choice("1", similarity=[0.5], kept="period")])
    with pytest.raises(LogError, match=r"no choice in .* counts \(1 kept from before, or without a rival\); explore"):
        read_choices(logs, NOW)
    with pytest.raises(LogError, match=r"counts \(there are none\)"):
        read_choices(write_log([]), NOW)
    with pytest.raises(LogError, match="say no weights"):
        read_choices(write_log([rows[0] | {"parameters": "[]"}]), NOW)
    table = pq.read_table(write_log(rows) / "impressions.parquet")
    pq.write_table(table.drop_columns(["considered"]), logs / "impressions.parquet")
    with pytest.raises(LogError, match="has no column considered"):
        read_choices(logs, NOW)
    with pytest.raises(LogError, match="no folder of logs at"):
        read_choices(tmp_path / "nowhere", NOW)
