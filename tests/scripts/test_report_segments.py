"""The door that tells which artwork works in which audience."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Rows = list[dict[str, Any]]


def group(title: str, artwork: str, segment: str | None, impressions: int, plays: int) -> tuple[Rows, Rows]:
    """Impressions of one artwork in a segment, each of a user of its own, and the first of them played."""
    names = [f"{title}-{artwork}-{segment}-{number}" for number in range(impressions)]
    where = {"title_id": title, "artwork_id": artwork, "segment": segment, "policy": "random"}
    return (
        [{"impression_id": name, "user_id": name, **where} for name in names],
        [{"impression_id": name, "seconds": 900.0, "fraction": 0.5} for name in names[:plays]],
    )


@pytest.fixture
def logs(tmp_path: Path, write_rows: Callable[..., Path]) -> Path:
    """Kids love the clown and run from the ghost; teens were hardly asked; of the harbour there is one picture."""
    groups = [
        group("caper", "clown", "kids", 400, 100),
        group("caper", "ghost", "kids", 400, 20),
        group("caper", "kiss", "kids", 400, 48),
        group("caper", "clown", "teens", 20, 1),
        group("caper", "ghost", "teens", 20, 1),
        group("harbour", "boat", "kids", 50, 5),
    ]
    for name, place in (("impressions", 0), ("plays", 1)):
        write_rows(tmp_path / "logs", name, [row for one in groups for row in one[place]], "parquet")
    return tmp_path / "logs"


def test_a_table_with_what_was_found_and_what_was_not(invoke: Callable, logs: Path) -> None:
    result = invoke("report_segments", logs)
    assert (result.exit_code, result.stderr) == (0, "")
    rows = [line for line in result.stdout.splitlines() if line.startswith("│ caper")]
    cells = [[cell.strip() for cell in row.strip("│").split("│")] for row in rows]
    assert [row[1:4] for row in cells] == [["clown", "kids", "better"], ["ghost", "kids", "worse"]]
    assert cells[0][4:8] == ["400", "25 %", "8.5 %", "+16.50"]
    text = " ".join(result.stdout.split())
    assert "3 pairs of an artwork and a segment compared (2 titles, 2 segments, 1,290 impressions): 2 discoveries" in text
    assert "1 pair cannot be told from the title's other artwork." in text
    assert "2 pairs with too few impressions to be compared; about 186 more each, in the median." in text
    assert "1 pair with nothing beside: no other artwork of the title was shown in the segment." in text


def test_what_does_not_count_is_said(invoke: Callable, logs: Path, write_rows: Callable[..., Path]) -> None:
    """Of the clown's 400 impressions, all of one user's day, which is a machine's, or repeats."""
    rows = [
        {**row, "user_id": "bot", "shown_at": "2026-09-01T20:00:00+00:00"} for row in group("caper", "clown", "kids", 400, 0)[0]
    ]
    write_rows(logs, "impressions", rows, "parquet")
    assert "left out" not in invoke("report_segments", logs, "--wait", "0", "--most-repeats", "400").stdout.lower()
    repeats = invoke("report_segments", logs, "--wait", "0").stdout
    assert "Left out: 390 repeats." in repeats
    bots = invoke("report_segments", logs, "--wait", "0", "--most-impressions", "399")
    assert bots.exit_code == 2
    assert "no impression counts yet: 400 are of users with more than --most-impressions in a day" in " ".join(
        bots.stderr.split()
    )


def test_json_has_all(invoke: Callable, logs: Path) -> None:
    answer = json.loads(invoke("report_segments", logs, "--json").stdout)
    names = ("impressions", "titles", "segments", "discoveries", "untold", "too_few", "alone")
    assert [answer[name] for name in names] == [1290, 2, 2, 2, 1, 2, 1]
    assert [(pair["artwork_id"], pair["discovery"]) for pair in answer["pairs"]] == [
        ("clown", True),
        ("ghost", True),
        ("kiss", False),
    ]
    kiss = answer["pairs"][-1]
    assert kiss["low"] < kiss["difference"] < kiss["high"]


def test_a_title_shows_what_could_not_be_told_too(invoke: Callable, logs: Path) -> None:
    shown = invoke("report_segments", logs, "--title", "caper").stdout
    assert "Artwork of caper by audience" in shown
    assert "not told" in next(line for line in shown.splitlines() if " kiss " in line)


def test_a_long_report_is_cut_on_the_screen_only(invoke: Callable, logs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("artwork_doors.console.SHOWN", 1)
    result = invoke("report_segments", logs)
    assert "... and 1 more (--json has them all)" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(("--title", "nobody"), "--title 'nobody'"), (("--policy", "best"), "has the policy 'best'")],
    ids=str,
)
def test_what_is_not_in_the_logs(invoke: Callable, refused: Callable, logs: Path, arguments: tuple, said: str) -> None:
    assert said in refused(invoke("report_segments", logs, *arguments))


def test_no_logs(invoke: Callable, refused: Callable, tmp_path: Path) -> None:
    assert "no folder of logs at" in refused(invoke("report_segments", tmp_path / "nowhere"))


def test_a_share_that_is_none(invoke: Callable, tmp_path: Path) -> None:
    assert invoke("report_segments", tmp_path, "--share", "0").exit_code == 2
