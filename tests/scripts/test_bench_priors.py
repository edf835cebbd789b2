"""The bench of learning priors: it runs on little, tells of every row, and what is missed stands as missed."""

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from artwork_doors.benching import machine, priors_job
from artwork_doors.benching.memory import Peak


def run(rows: int, whole: int, day: int) -> priors_job.Run:
    return priors_job.Run(
        rows, 2**20, Peak(whole * 2**20, "PSS", 1, 10.0, ""), Peak(day * 2**20, "PSS", 1, 2.0, ""), 2**20, rows
    )


def test_what_is_missed_stands_as_missed() -> None:
    figures = {figure.name: figure for figure in priors_job.figures_of([run(1000, 2048, 2049), run(9000, 3000, 100)])}
    assert [name for name, figure in figures.items() if figure.met is False] == [
        "peak memory, a day more to 1,000 rows",
        "peak memory, 9,000 rows",
    ]
    assert figures["seconds, 1,000 rows"].note == "100 rows/s"


def test_drawn_logs_are_the_same_again_and_have_what_they_should(tmp_path: Path) -> None:
    one, other = (priors_job.write_logs(tmp_path / name, 0, 5_000, 5_000, 0, 28) for name in ("one", "other"))
    impressions = pq.read_table(one / "impressions.parquet")
    assert impressions.sort_by("impression_id").equals(pq.read_table(other / "impressions.parquet").sort_by("impression_id"))
    ids = impressions["impression_id"].to_pylist()
    assert len(ids) - len(set(ids)) == 5_000 / priors_job.TWICE - 1  # of the first row there is none before
    assert (impressions["row"].to_numpy().max(), impressions["position"].to_numpy().max()) == (5, 7)
    plays = pq.read_table(one / "plays.parquet")
    assert set(plays["impression_id"].to_pylist()) <= set(ids)
    assert 0.05 < plays.num_rows / 5_000 < 0.16


def test_the_door_runs_on_little(invoke: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "describe", lambda: {"cores": 2})
    result = invoke("bench_priors", "--rows", "3000", "--folder", tmp_path, "--json")
    assert result.exit_code == 0
    [told] = json.loads(result.stdout)["runs"]
    assert told["rows"] == 3000
    assert 2000 < told["counted"] < 3000
    assert list(tmp_path.iterdir()) == []
