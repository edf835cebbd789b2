"""The door that compares an experiment's arms."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

FIRST = datetime(2026, 9, 1, tzinfo=UTC)


@pytest.fixture
def logs(tmp_path: Path, write_rows: Callable[..., Path]) -> Callable[..., Path]:
    """logs({"control": 0.1, "taste": 0.2}) -> the folder: of each arm `users`, each with ten impressions in as many days."""

    def write(rates: dict[str, float], users: int = 150, **more: Any) -> Path:
        rng, impressions, plays = np.random.default_rng(0), [], []
        for arm, rate in rates.items():
            for user in range(users):
                for day, played in enumerate(rng.random(10) < rate):
                    name = f"{arm}-{user}-{day}"
                    when = (FIRST + timedelta(days=day)).isoformat()
                    kind = ["kids", "teens"][user % 2]
                    row = {
                        "impression_id": name,
                        "title_id": "t",
                        "artwork_id": "a",
                        "user_id": f"{arm}-{user}",
                        "policy": arm,
                        "segment": kind,
                        "shown_at": when,
                    }
                    impressions.append({**row, **more})
                    if played:
                        plays.append({"impression_id": name, "seconds": 900.0, "fraction": 0.5})
        write_rows(tmp_path / "logs", "impressions", impressions, "parquet")
        write_rows(tmp_path / "logs", "plays", plays, "parquet")
        return tmp_path / "logs"

    return write


def flat(text: str) -> str:
    return " ".join(text.split())


def test_a_winner_in_words_and_numbers(invoke: Callable, logs: Callable[..., Path]) -> None:
    written = logs({"control": 0.1, "taste": 0.25})
    result = invoke("report_experiment", written, "--control", "control", "--mde", "0.2", "--wait", "0")
    assert (result.exit_code, result.stderr) == (0, "")
    answer = json.loads(
        invoke("report_experiment", written, "--control", "control", "--mde", "0.2", "--wait", "0", "--json").stdout
    )
    (lift,) = answer["lifts"]
    assert answer["verdict"]["kind"] == "winner"
    assert answer["sample_ratio"]["p"] == 1
    assert (answer["from"], answer["to"]) == ("2026-09-01", "2026-09-10")
    assert f"Winner: taste, {lift['relative']:+.1%} over control" in result.stdout
    assert "Users per arm are as planned (0.5 : 0.5; p = 1)." in result.stdout
    row = next(line for line in result.stdout.splitlines() if line.startswith("│ control "))
    assert [cell.strip() for cell in row.strip("│").split("│")][:3] == ["control", "150", "1,500"]
    assert len(answer["course"]["taste"]) == 10
    assert answer["course"]["taste"][-1]["lift"] == lift["relative"]
    assert {effect["segment"] for effect in answer["segments"]["effects"]} <= {"kids", "teens"}
    for line in answer["words"]:
        assert line in result.stdout


def test_nothing_to_tell_says_what_it_would_take(invoke: Callable, logs: Callable[..., Path]) -> None:
    written = logs({"control": 0.1, "taste": 0.11})
    result = invoke("report_experiment", written, "--control", "control", "--mde", "0.1", "--wait", "0")
    assert result.exit_code == 0
    assert "No winner" in result.stdout
    assert "(the smallest worth finding): about" in result.stdout
    assert "more users (no new ones came in the last days)" in result.stdout  # all came on the first day


def test_a_control_that_wins(invoke: Callable, logs: Callable[..., Path]) -> None:
    result = invoke("report_experiment", logs({"control": 0.3, "a": 0.1, "b": 0.12}), "--control", "control", "--mde", "0.2")
    assert "Winner: control, the control. a and b are worse, and may be stopped." in result.stdout
    assert "97.5 % interval" in result.stdout  # two comparisons share the level
    assert "Lifts' intervals hold all 2 together with 95% (Bonferroni)." in result.stdout


def test_users_not_as_planned(invoke: Callable, logs: Callable[..., Path]) -> None:
    written = logs({"control": 0.1, "taste": 0.25})
    result = invoke("report_experiment", written, "--control", "control", "--shares", "control=3,taste=1")
    assert result.exit_code == 1
    assert "Not compared: the users per arm are not as planned (p = " in result.stdout
    assert "Winner" not in result.stdout
    told = invoke("report_experiment", written, "--control", "control", "--shares", "control=3,taste=1", "--json")
    answer = json.loads(told.stdout)
    assert (told.exit_code, answer["lifts"], answer["verdict"], answer["segments"]["effects"]) == (1, [], None, [])
    assert answer["refused"].startswith("the users per arm are not as planned")


def test_users_of_both_arms(invoke: Callable, logs: Callable[..., Path]) -> None:
    result = invoke("report_experiment", logs({"control": 0.1, "taste": 0.25}, user_id="ada"), "--control", "control")
    assert result.exit_code == 1
    assert "Left out: 3,000 impressions of users whom several arms served (1)." in result.stdout
    assert "Not compared: 1 of 1 users were served by more than one arm" in flat(result.stdout)


def test_what_was_left_out_is_said_by_arm_and_where_the_arms_differ_in_it(invoke: Callable, logs: Callable[..., Path]) -> None:
    """40 of the 150 users whom taste served come twice on the first day, which is more than one of them may."""
    written = logs({"control": 0.1, "taste": 0.25})
    impressions = pq.read_table(written / "impressions.parquet")
    again = [row for row in impressions.to_pylist() if row["impression_id"] in {f"taste-{user}-0" for user in range(40)}]
    again = [{**row, "impression_id": f"again-{row['impression_id']}"} for row in again]
    pq.write_table(
        pa.concat_tables([impressions, pa.Table.from_pylist(again, schema=impressions.schema)]), written / "impressions.parquet"
    )
    limits = ("--control", "control", "--mde", "0.2", "--wait", "1.5")
    told = invoke("report_experiment", written, *limits, "--most-impressions", "1")
    assert told.exit_code == 0
    young = "600 impressions that may still be played (control 300, taste 300)"
    assert f"Left out: {young}, 80 impressions of machines (control 0, taste 80)." in flat(told.stdout)
    assert "Careful: 0.00% of the users of control, 26.67% of the users of taste were taken for machines, and" in flat(
        told.stdout
    )
    assert "(--most-impressions)" in told.stdout
    repeats = invoke("report_experiment", written, *limits, "--most-repeats", "1", "--json")
    answer = json.loads(repeats.stdout)
    assert [each["kind"] for each in answer["uneven"]] == ["repeat"]
    assert answer["set_aside"]["by_arm"]["taste"] == {
        "users": 150,
        "young": 300,
        "bots": 0,
        "bot_users": 0,
        "repeats": 40,
        "repeat_users": 40,
    }


def test_the_control_alone(invoke: Callable, logs: Callable[..., Path]) -> None:
    result = invoke("report_experiment", logs({"control": 0.1}), "--control", "control", "--mde", "0.1")
    assert result.exit_code == 0
    assert "There is no other arm: nothing is compared." in result.stdout
    assert "An experiment planned for a lift of 10.0% needs at most" in result.stdout


def test_too_few(invoke: Callable, logs: Callable[..., Path]) -> None:
    result = invoke("report_experiment", logs({"control": 0.1, "taste": 0.25}, users=50), "--control", "control")
    assert result.exit_code == 0
    assert "Too few yet to compare taste with control: each arm needs 100 users and 25 quality plays." in result.stdout


def test_the_lift_over_time_is_drawn(invoke: Callable, logs: Callable[..., Path], tmp_path: Path) -> None:
    written = logs({"control": 0.1, "taste": 0.25})
    assert invoke("report_experiment", written, "--control", "control", "--plot", tmp_path / "lift.svg").exit_code == 0
    assert "<svg" in (tmp_path / "lift.svg").read_text(encoding="utf-8")


def test_where_nothing_is_compared_nothing_is_drawn(invoke: Callable, logs: Callable[..., Path], tmp_path: Path) -> None:
    result = invoke("report_experiment", logs({"control": 0.1}), "--control", "control", "--plot", tmp_path / "lift.svg")
    assert (result.exit_code, result.stderr) == (0, "note: nothing was drawn, since no arm was compared\n")
    assert not (tmp_path / "lift.svg").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--control", "nobody"), "no impression names that arm; there are 'control', 'taste'"),
        (("--control", "control", "--arm-column", "cell"), "has no column cell"),
        (("--control", "control", "--mde", "2"), "--mde 2.0: give a number between 0 and 1"),
        (("--control", "control", "--shares", "a=1,b=1"), "--shares has no 'control'"),
    ],
    ids=str,
)
def test_what_cannot_be_compared(
    invoke: Callable, refused: Callable, logs: Callable[..., Path], arguments: tuple, said: str
) -> None:
    assert said in refused(invoke("report_experiment", logs({"control": 0.1, "taste": 0.2}, users=5), *arguments))


@pytest.mark.parametrize("shares", ["control", "control=1", "control=1,taste=0", "control=1,control=1", "=1,a=2"])
def test_shares_that_are_none(invoke: Callable, tmp_path: Path, shares: str) -> None:
    result = invoke("report_experiment", tmp_path, "--control", "control", "--shares", shares)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--shares" in result.stderr


def test_a_metric_that_is_none(invoke: Callable, tmp_path: Path) -> None:
    assert invoke("report_experiment", tmp_path, "--control", "control", "--metric", "hours").exit_code == 2
