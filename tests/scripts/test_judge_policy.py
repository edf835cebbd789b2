"""The door that judges other policies on a log of choices, here a simulated one."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

CANDIDATES = ("--candidate", "random", "--candidate", "best:similarity=1,people=0", "--candidate", "prior")


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory, invoke: Callable[..., Any]) -> Path:
    folder = tmp_path_factory.mktemp("choices")
    arguments = ("--impressions", "8000", "--viewers", "500", "--floor", "0.5", "--seed", "1")
    result = invoke("simulate_clicks", "--choices", "softmax", *arguments, "--out", folder)
    assert result.exit_code == 0
    assert "In truth, which no log says" in result.stdout
    return folder


@pytest.fixture(scope="module")
def answered(invoke: Callable[..., Any], logs: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    plot = tmp_path_factory.mktemp("plot") / "policies.png"
    return invoke("judge_policy", logs, *CANDIDATES, "--plot", plot), plot


def test_candidates_stand_beside_what_was_served(answered: tuple[Any, Path]) -> None:
    result, plot = answered
    assert (result.exit_code, result.stderr) == (1, "")
    lines = [line for line in result.stdout.splitlines() if line.startswith("│")]
    rows = [[cell.strip() for cell in line.strip("│").split("│")] for line in lines]
    assert [row[0] for row in rows] == ["softmax, as served", *CANDIDATES[1::2], *CANDIDATES[1:4:2], *CANDIDATES[1::2]]
    assert [row[-1] for row in rows[:4]] == ["", "worse", "better", "refused"]
    assert rows[3][1:6] == [""] * 5  # what is refused is not told nevertheless
    text = " ".join(result.stdout.split())
    assert " draws of 7," in text
    assert "random is worse than the logged policy: -" in text
    assert "prior is refused: it speaks of this policy as" in text
    assert "draws to know its reward to 10 % of the logged policy's" in text
    assert "Propensities: artwork was shown as often as they say with P = " in text
    assert plot.stat().st_size > 10_000


def test_json_has_all(invoke: Callable, logs: Path) -> None:
    result = invoke("judge_policy", logs, "--candidate", "random", "--json")
    answer = json.loads(result.stdout)
    assert result.exit_code == 0
    assert answer["policies"] == ["softmax"]
    judged = answer["judged"]["random"]
    assert judged["answer"] == "worse"
    assert list(judged["estimates"]) == ["replay", "IPS", "SNIPS", "DM", "DR", "Switch-DR"]
    dr = judged["estimates"]["DR"]
    assert dr["sure"][0] <= dr["low"] < dr["value"] < dr["high"] <= dr["sure"][1]
    assert answer["counted"]["draws"] == judged["diagnosis"]["impressions"]
    assert judged["diagnosis"]["calibration"]["p"] > 0.001


def test_a_policy_may_come_as_a_table(invoke: Callable, refused: Callable, logs: Path, tmp_path: Path) -> None:
    rows = pq.read_table(logs / "impressions.parquet", columns=["impression_id", "considered"]).to_pylist()
    table = tmp_path / "evenly.csv"
    lines = [
        f"{row['impression_id']},{one['artwork_id']},{1 / len(row['considered'])}" for row in rows for one in row["considered"]
    ]
    table.write_text("\n".join(["impression_id,artwork_id,propensity", *lines]), encoding="utf-8")
    judged = json.loads(invoke("judge_policy", logs, "--propensities", table, "--candidate", "random", "--json").stdout)[
        "judged"
    ]
    values = [one["estimates"]["DR"]["value"] for one in judged.values()]
    assert list(judged) == ["random", "evenly"]
    assert values[0] == pytest.approx(values[1])
    assert "no propensities at" in refused(invoke("judge_policy", logs, "--propensities", tmp_path / "none.csv"))
    same = invoke("judge_policy", logs, "--propensities", table, "--propensities", tmp_path / "evenly.parquet")
    assert (same.exit_code, "a candidate 'evenly' already" in " ".join(same.stderr.split())) == (2, True)


def test_a_log_that_never_explored_is_refused(invoke: Callable, tmp_path: Path) -> None:
    greedy = ("--choices", "best", "--floor", "0")
    assert "In truth" not in invoke("simulate_clicks", *greedy, "--impressions", "400", "--out", tmp_path).stdout
    result = invoke("judge_policy", tmp_path, "--plot", tmp_path / "plot.png")
    assert result.exit_code == 1
    text = " ".join(result.stdout.split())
    for name in ("best", "prior", "random"):
        assert f"{name} is refused: 100% of its draws show the best artwork, without a floor" in text
    assert "nothing was drawn, since the log can carry no candidate's estimate" in result.stderr


@pytest.mark.parametrize(
    "text", ["worst", "best:height=2", "best:floor", "best:floor=much", "softmax:temperature=0.1,,people"], ids=str
)
def test_what_is_no_candidate(invoke: Callable, text: str, tmp_path: Path) -> None:
    result = invoke("judge_policy", tmp_path, "--candidate", text)
    assert result.exit_code == 2
    assert f"--candidate '{text}'" in " ".join(result.stderr.split())


def test_what_cannot_be_and_what_is_not_there(invoke: Callable, refused: Callable, tmp_path: Path) -> None:
    assert "floor 2.0: give a share" in refused(invoke("judge_policy", tmp_path, "--candidate", "best:floor=2"))
    assert "no folder of logs at" in refused(invoke("judge_policy", tmp_path / "nowhere"))


def test_impressions_that_do_not_say_what_was_considered(
    invoke: Callable, refused: Callable, tmp_path: Path, write_rows: Callable[..., Path]
) -> None:
    write_rows(tmp_path, "impressions", [{"impression_id": "1", "title_id": "harbour", "artwork_id": "sea", "propensity": "1"}])
    write_rows(tmp_path, "plays", [{"impression_id": "1", "seconds": "900", "fraction": "0.5"}])
    assert "has no column" in refused(invoke("judge_policy", tmp_path))
