"""The bench of users' profiles: it runs on little, what it reports follows from what it measured, and targets are as asked."""

import json
from collections.abc import Callable
from pathlib import Path

from artwork_doors.benching import user_job
from artwork_doors.benching.figures import Series
from artwork_doors.benching.memory import Peak
from embed.catalog import read_catalog


def measured(first: float = 10.0, later: float = 1.0) -> user_job.MeasuredUsers:
    ways = (Series((seconds,)) for seconds in (later, 0.05, 0.5, 0.02))
    return user_job.MeasuredUsers("a tower", 2000, 400, first, *ways)


def peaks(*sizes: int) -> dict[int, Peak]:
    return {1000 * (n + 1): Peak(size * 2**20, "PSS", 1, 2.0, "") for n, size in enumerate(sizes)}


def test_figures_follow_and_targets_stand_beside_them() -> None:
    figures = {figure.name: figure for figure in user_job.figures_of(measured())}
    assert figures["each user's text by itself"].value == 100.0
    over = figures["text by itself / later job"]
    assert (over.value, over.target, over.met) == (100.0, 50.0, True)
    again = figures["phrases in prompts by themselves / first job"]
    assert (again.value, again.target, again.met) == (100.0, 50.0, True)
    assert figures["text by itself / first job"].value == 10.0
    ours = figures["text by itself, our encoder / later job"]
    assert (ours.value, ours.target) == (40.0, None)
    [*_, grown] = user_job.figures_of_peaks(peaks(100, 105))
    assert (grown.name, grown.value, grown.target, grown.at_most, grown.met) == (
        "peak at 2,000 / at 1,000 users",
        1.05,
        1.1,
        True,
        True,
    )


def test_what_is_missed_stands_as_missed() -> None:
    figures = user_job.figures_of(measured(first=21, later=2.1)) + user_job.figures_of_peaks(peaks(100, 120))
    assert [figure.name for figure in figures if figure.met is False] == [
        "text by itself / later job",
        "phrases in prompts by themselves / first job",
        "peak at 2,000 / at 1,000 users",
    ]


def test_one_size_has_no_growth() -> None:
    names = [figure.name for figure in user_job.figures_of_peaks(peaks(100))]
    assert not any(name.startswith("peak at") for name in names)


def test_a_drawn_catalog_reads_without_a_problem_and_is_the_same_again(tmp_path: Path) -> None:
    made = [read_catalog(user_job.write_catalog(tmp_path / name, 30), strict=True) for name in ("one", "other")]
    assert len(made[0].history) == 30 * user_job.WATCHES
    assert len(made[0].users) == 30
    for name in ("titles", "history", "tastes", "users"):
        assert getattr(made[0], name).equals(getattr(made[1], name))


def test_the_door_runs_on_little(invoke: Callable, tiny_checkpoint: Path) -> None:
    arguments = ["--users", 20, "--memory", "20", "--rounds", 1, "--sample", 2, "--checkpoint", tiny_checkpoint, "--json"]
    result = invoke("bench_users", *arguments)
    assert result.exit_code == 0
    answer = json.loads(result.stdout)
    names = [figure["name"] for figure in answer["figures"]]
    assert "later job, phrases known" in names
    assert [one["users"] for one in answer["measured"]["checkpoints"]] == [20]
    assert "20 users, " in result.stderr
