"""Capacity: sums done by hand, and speeds that are never made up."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from artwork_doors.benching.figures import JOB
from artwork_doors.plan_capacity import Machine, storage, work


def test_work_by_hand() -> None:
    machine = Machine("CPU", "bundled", images_per_second=100, planned_per_second=1000, price=0.5)
    found = work(machine, 36_000_000, machines=10, hours=30, kilobytes=200)
    assert (found.planning, found.embedding) == (10.0, 100.0)
    assert found.hours == 10 + 100 / 10
    assert found.machines == 5  # 100 machine-hours in the 20 hours that planning leaves
    assert (found.reading, found.price) == (20.0, 55.0)


@pytest.mark.parametrize(("hours", "machines"), [(10.0, None), (9.0, None), (110.0, 1), (60.0, 2), (59.9, 3)])
def test_machines_for_a_deadline_that_planning_eats_into(hours: float, machines: int | None) -> None:
    assert work(Machine("CPU", "", 100, 1000), 36_000_000, 1, hours, 200).machines == machines


def test_a_speed_that_is_not_known_makes_nothing_up() -> None:
    found = work(Machine("GPU", "", None, 1000, 2.0), 10**9, 10, 24, 200)
    assert (found.planning, found.embedding, found.hours, found.machines, found.reading, found.price) == (None,) * 6


def test_storage_by_hand() -> None:
    found = storage(2_000_000, dimension=512, kilobytes=200, commit_every=1024)
    assert found.vectors == pytest.approx(4.096)  # 2M x 512 x 4 bytes
    assert found.commits == 1954
    assert found.reading == 800.0  # twice 400 GB: to plan, and to decode


@pytest.fixture
def bench(tmp_path: Path) -> Callable[..., Path]:
    """bench(("cpu", "bundled"), …) -> a file: 1,000 pictures planned in 0.5 s and embedded in 12, 2 of them to open the tower."""

    def write(*encoders: tuple[str, str]) -> Path:
        seconds = {"plan": 0.5, "embed": 12.0, "measure": 2.0}
        rows = [{"device": device, "encoder": name, "seconds": seconds, "pictures": {JOB: 1000}} for device, name in encoders]
        path = tmp_path / f"{len(encoders)}-{encoders[0][0]}.json"
        path.write_text(json.dumps({"encoders": rows}))
        return path

    return write


def answered(result: Any) -> dict[tuple[str, str], dict[str, Any]]:
    assert (result.exit_code, result.stderr) == (0, "")
    return {(one["kind"], one["encoder"]): one for one in json.loads(result.stdout)["work"]}


def test_speeds_come_from_a_benchmark(invoke: Callable, bench: Callable[..., Path]) -> None:
    path = bench(("cpu", "bundled"), ("cpu", "ViT-B-32"))
    found = answered(invoke("plan_capacity", "--bench", path, "--pictures", "3.6M", "--json"))
    assert list(found) == [("CPU", "bundled"), ("CPU", "ViT-B-32"), ("GPU", "")]
    one = found["CPU", "bundled"]
    assert (one["pictures"], one["planning"], one["embedding"]) == (3_600_000, 0.5, 10.0)  # 2,000/s and 100/s
    assert found["GPU", ""]["embedding"] is None


def test_a_benchmark_of_a_gpu_and_flags_stand_beside_it(invoke: Callable, bench: Callable[..., Path]) -> None:
    files = ("--bench", bench(("cpu", "bundled")), "--bench", bench(("cuda", "a"), ("cuda", "b")))
    flags = ("--cpu-images-per-second", 50, "--planned-per-second", 1000, "--gpu-price", 3, "--pictures", "3600k", "--json")
    found = answered(invoke("plan_capacity", *files, *flags))
    assert list(found) == [("CPU", "bundled"), ("CPU", "as given"), ("GPU", "a"), ("GPU", "b")]
    assert (found["CPU", "as given"]["embedding"], found["CPU", "as given"]["price"]) == (20.0, None)
    assert (found["GPU", "a"]["planning"], found["GPU", "a"]["price"]) == (1.0, 33.0)


def test_the_table_says_what_was_not_measured(invoke: Callable) -> None:
    result = invoke("plan_capacity", "--cpu-images-per-second", 100, "--pictures", "2M,1B")
    assert result.exit_code == 0
    assert result.stdout.count("not measured; give --gpu-images-per-second") == 2
    assert "2,777.8 h" in result.stdout  # 1B at 100/s
    assert "976,563" in result.stdout  # commits of 1,024


@pytest.mark.parametrize("pictures", ["2X", "", "-1", "0.1", "nan", "inf"])
def test_a_number_of_pictures_that_is_none(invoke: Callable, pictures: str) -> None:
    result = invoke("plan_capacity", "--pictures", pictures)
    assert result.exit_code == 2
    assert "--pictures" in result.stderr


def test_a_speed_of_nothing_is_refused(invoke: Callable) -> None:
    assert invoke("plan_capacity", "--gpu-images-per-second", 0).exit_code == 2


@pytest.mark.parametrize("text", ["", "{}", '{"encoders": [{"device": "cpu"}]}', "[]"])
def test_a_file_that_is_no_benchmark_is_refused(invoke: Callable, refused: Callable, tmp_path: Path, text: str) -> None:
    (tmp_path / "bench.json").write_text(text)
    assert "is not what bench_embed.py --json gives" in refused(invoke("plan_capacity", "--bench", tmp_path / "bench.json"))
