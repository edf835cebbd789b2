"""The benchmark: what it derives from what it measured, and that it measures the real thing. No timing is asserted."""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from artwork_doors.benching import figures, machine, material, memory, rounds, theirs
from artwork_doors.benching.figures import (
    CHOSEN,
    DECODING,
    EAGER,
    EMBEDDING,
    JOB,
    OBVIOUS,
    SGEMM,
    THEIRS,
    Figure,
    Measured,
    Memory,
    Series,
)


def measured(encoder: str = "bundled", **rates: float) -> Measured:
    """Two rounds, the second at half the speed of the first in everything."""
    given = {"job": 100.0, "obvious": 20.0, "eager": 40.0, "chosen": 110.0, "decoding": 1000.0, **rates}
    names = {JOB: "job", EMBEDDING: "job", OBVIOUS: "obvious", EAGER: "eager", CHOSEN: "chosen", DECODING: "decoding"}
    return Measured(
        encoder=encoder,
        device="cpu",
        dimension=512,
        pictures=dict.fromkeys(names, 64),
        rates={name: Series((given[key], given[key] / 2)) for name, key in names.items()},
        sgemm=Series((200.0, 100.0)),
        gflop=1.6,
        backend={"backend": "openvino"},
        seconds={"plan": 1.0, "embed": 2.0, "measure": 0.5},
        cosine=Series((0.99, 1.0, 1.0)),
        notes={THEIRS: "not installed here"},
    )


def by_name(lines: list[Figure]) -> dict[str, Figure]:
    return {line.name: line for line in lines}


# What follows from what was measured


def test_ratios_are_taken_round_by_round() -> None:
    """A machine that halves its speed changes no ratio, nor the share of its own matrix product."""
    lines = by_name(figures.figures_of(measured()))
    for name, value in {
        f"{JOB} / {OBVIOUS}": 100 / 20,
        f"{JOB} / {CHOSEN}": 100 / 110,
        f"{EAGER} / matrix product": 40 * 1.6 / 200,
        f"{CHOSEN} / matrix product": 110 * 1.6 / 200,
        f"{JOB} / that limit": 100 * (1 / 110 + 1 / 1000),
    }.items():
        line = lines[name]
        assert (line.value, line.low, line.high) == pytest.approx((value, value, value)), name
    assert (lines[JOB].value, lines[JOB].low, lines[JOB].high) == (75.0, 50.0, 100.0)
    assert (lines[SGEMM].value, lines[SGEMM].unit) == (150.0, "GFLOP/s")


def test_who_could_not_run_has_a_line_that_says_why() -> None:
    line = by_name(figures.figures_of(measured()))[THEIRS]
    assert (line.value, line.met, line.note) == (None, None, "not installed here")


@pytest.mark.parametrize(
    ("encoder", "rates", "figure", "met"),
    [
        ("bundled", {"job": 80.0}, f"{JOB} / {OBVIOUS}", True),  # 4.0 times
        ("bundled", {"job": 79.0}, f"{JOB} / {OBVIOUS}", False),
        ("ViT-B-32", {"job": 29.0}, f"{JOB} / {OBVIOUS}", True),  # 1.4 times
        ("ViT-B-32", {"job": 27.0}, f"{JOB} / {OBVIOUS}", False),
        ("folder", {"job": 1.0}, f"{JOB} / {OBVIOUS}", None),
        ("bundled", {"job": 99.0, "chosen": 110.0}, f"{JOB} / {CHOSEN}", True),
        ("bundled", {"job": 98.0, "chosen": 110.0}, f"{JOB} / {CHOSEN}", False),
        ("bundled", {"job": 80.0, "chosen": 110.0, "decoding": 109.0}, f"{JOB} / {CHOSEN}", None),  # decoding is the limit
        ("ViT-B-32", {"chosen": 107.0}, f"{CHOSEN} / matrix product", True),  # 107 * 1.6 / 200 = 0.856
        ("ViT-B-32", {"chosen": 106.0}, f"{CHOSEN} / matrix product", False),
        ("bundled", {"chosen": 1.0}, f"{CHOSEN} / matrix product", None),
    ],
)
def test_targets(encoder: str, rates: dict[str, float], figure: str, met: bool | None) -> None:
    assert by_name(figures.figures_of(measured(encoder, **rates)))[figure].met is met


@pytest.mark.parametrize(("most", "met"), [(110, True), (111, False)])
def test_memory_may_grow_by_a_tenth_from_the_fewest_files_to_the_most(most: int, met: bool) -> None:
    runs = [Memory(files, peak * 2**20, "PSS", 3, 1.0) for files, peak in ((50_000, most), (5_000, 100))]
    lines = by_name(figures.memory_figures(runs))
    assert lines["peak at 50,000 files"].value == most
    growth = lines["peak at 50,000 / at 5,000 files"]
    assert (growth.value, growth.met) == (most / 100, met)
    assert len(figures.memory_figures(runs[:1])) == 1


def test_what_has_a_target_and_was_not_measured_is_missed() -> None:
    assert Figure("", "", None, target=1.0).met is False


def test_a_gpu_does_not_share_the_cores() -> None:
    assert figures.together(100.0, 300.0, "cpu") == pytest.approx(75.0)
    assert figures.together(100.0, 300.0, "cuda") == 100.0


# The door


@pytest.mark.parametrize(("rate", "flags", "code"), [(99.0, ["--check"], 0), (70.0, ["--check"], 1), (70.0, [], 0)])
def test_check_ends_with_1_where_a_target_is_missed(
    invoke: Callable, monkeypatch: pytest.MonkeyPatch, rate: float, flags: list[str], code: int
) -> None:
    monkeypatch.setattr(rounds, "measure_encoder", lambda *_: measured(job=rate))
    result = invoke("bench_embed", "--only", "bundled", *flags)
    assert result.exit_code == code
    assert ("missed" in result.stdout) is (rate == 70.0)
    assert "torch threads" in result.stdout.splitlines()[0]


@pytest.mark.parametrize("wrong", [["--only", "bundeld"], ["--only", ""], ["--files", "0"], ["--files", "5k"]])
def test_a_wrong_flag_is_refused_before_anything_is_measured(invoke: Callable, wrong: list[str]) -> None:
    result = invoke("bench_embed", *wrong)
    assert result.exit_code == 2
    assert wrong[0] in result.stderr


@pytest.fixture(scope="module")
def answered(invoke: Callable, tiny_checkpoint: Path) -> dict[str, Any]:
    """The JSON of a small run with the tiny CLIP."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(machine, "SGEMM", ((64, 2),))
        flags = ("--checkpoint", tiny_checkpoint, "--count", 32, "--rounds", 2, "--backend", "torch", "--files", "5", "--json")
        result = invoke("bench_embed", *flags)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_every_contender_ran_in_every_round(answered: dict[str, Any], tiny_checkpoint: Path) -> None:
    (one,) = answered["encoders"]
    assert (one["encoder"], one["dimension"], one["backend"]) == (str(tiny_checkpoint), 32, {"backend": "torch"})
    assert {name for name in one["rates"] if name != THEIRS} == {JOB, EMBEDDING, OBVIOUS, EAGER, CHOSEN, DECODING}
    for name, series in {**one["rates"], SGEMM: one["sgemm"]}.items():
        assert len(series["values"]) == 2, name
        assert min(series["values"]) > 0, name
    assert one["pictures"][JOB] == 32
    assert one["seconds"].keys() >= {"plan", "decode", "measure", "encode", "commit", "embed"}
    assert answered["machine"].keys() >= {"processor", "cores", "torch_threads", "versions"}


def test_the_job_and_the_obvious_script_did_the_same_work(answered: dict[str, Any]) -> None:
    cosines = answered["encoders"][0]["cosine"]["values"]
    assert len(cosines) == 32
    assert min(cosines) > 0.99


def test_figures_derive_from_what_was_measured(answered: dict[str, Any]) -> None:
    (one,) = answered["encoders"]
    values = {name: series["values"] for name, series in one["rates"].items()}
    lines = {line["name"]: line for line in answered["figures"]}

    def ratio(a: list[float], b: list[float]) -> float:
        return statistics.median(x / y for x, y in zip(a, b, strict=True))

    limit = [1 / (1 / t + 1 / d) for t, d in zip(values[CHOSEN], values[DECODING], strict=True)]
    work = [rate * one["gflop"] for rate in values[EAGER]]
    assert lines[JOB]["value"] == pytest.approx(statistics.median(values[JOB]))
    assert lines[f"{JOB} / {OBVIOUS}"]["value"] == pytest.approx(ratio(values[JOB], values[OBVIOUS]))
    assert lines[f"{JOB} / {CHOSEN}"]["value"] == pytest.approx(ratio(values[JOB], values[CHOSEN]))
    assert lines[f"{JOB} / that limit"]["value"] == pytest.approx(ratio(values[JOB], limit))
    assert lines[f"{EAGER} / matrix product"]["value"] == pytest.approx(ratio(work, one["sgemm"]["values"]))


@pytest.mark.skipif(not memory.PROC.is_dir(), reason="memory is read from /proc")
def test_the_memory_of_the_real_command_is_that_of_torch_and_more(answered: dict[str, Any]) -> None:
    (run,) = answered["memory"]
    assert (run["files"], run["kind"] in ("PSS", "RSS")) == (5, True)
    assert 100 * 2**20 < run["peak"] < 8 * 2**30
    assert {line["name"]: line["value"] for line in answered["figures"]}["peak at 5 files"] == run["peak"] / 2**20


# Its parts


def test_operations_of_a_tower_are_those_counted_by_hand(tiny_encoder: Any) -> None:
    width, tokens, layers = 64, 17, 2
    patches = 16 * (3 * 8 * 8) * width
    attention = tokens * width * 3 * width + 2 * tokens * tokens * width + tokens * width * width
    mlp = 2 * tokens * width * 4 * width
    multiplications = patches + layers * (attention + mlp) + width * 32
    assert machine.gflop_per_picture(tiny_encoder) == pytest.approx(2 * multiplications / 1e9)


GROWING = """
import subprocess, sys, time
mine = b"x" * (60 << 20)
if len(sys.argv) > 1:
    subprocess.run([sys.executable, "-c", sys.argv[1]], check=True)
    print("done")
else:
    time.sleep(0.5)
"""


@pytest.mark.skipif(not memory.PROC.is_dir(), reason="memory is read from /proc")
def test_the_peak_counts_a_command_and_what_it_starts(tmp_path: Path) -> None:
    peak = memory.peak_memory([sys.executable, "-c", GROWING, GROWING], tmp_path / "errors")
    assert 120 * 2**20 < peak.bytes < 240 * 2**20
    assert (peak.processes, peak.output) == (2, "done\n")


@pytest.mark.skipif(not memory.PROC.is_dir(), reason="memory is read from /proc")
def test_a_command_that_fails_is_told_with_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError) as caught:
        memory.peak_memory([sys.executable, "-c", "raise SystemExit('no space')"], tmp_path / "errors")
    assert caught.value.output == "no space"


def test_the_tree_of_a_process_ends_at_its_descendants() -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"])
    try:
        deadline = time.monotonic() + 10
        while child.pid not in memory.tree(os.getpid()) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert child.pid in memory.tree(os.getpid())
        assert memory.tree(child.pid) == [child.pid]
    finally:
        child.kill()
        child.wait()
    assert memory.memory_of(child.pid) is None


def test_large_pictures_are_the_same_each_time_and_no_two_alike(tmp_path: Path) -> None:
    from PIL import Image

    sources = material.sources()
    first = material.Large(tmp_path / "a", sources)
    names = first.first(4)
    more = material.Large(tmp_path / "b", sources)
    assert more.first(6)[:4] == names
    data = [(tmp_path / "b" / name).read_bytes() for name in more.first(6)]
    assert [(tmp_path / "a" / name).read_bytes() for name in names] == data[:4]
    assert len(set(data)) == 6
    with Image.open(tmp_path / "b" / names[0]) as picture:
        assert (picture.format, picture.size) == ("JPEG", (1000, 563))


def test_small_pictures_differ_in_bytes_and_can_be_decoded(tmp_path: Path) -> None:
    from embed.pictures import decode

    names = material.small_pictures(tmp_path, 1002, material.sources()[:2])
    data = {(tmp_path / name).read_bytes() for name in names}
    assert len(data) == 1002
    assert {decode(some).size for some in list(data)[:10]} == {material.SMALL}
    assert names[999:1001] == ["0000/0000999.jpg", "0001/0001000.jpg"]


def test_a_folder_without_pictures_is_refused(invoke: Callable, refused: Callable, tmp_path: Path) -> None:
    line = refused(invoke("bench_embed", "--pictures", tmp_path))
    assert "no .jpg, .jpeg, .png or .webp below" in line


# clip-retrieval, in another interpreter


@pytest.fixture
def stand_in(tmp_path: Path) -> Callable[[str], Path]:
    """stand_in(shell script) -> an interpreter that does this instead of running our child."""

    def write(script: str) -> Path:
        path = tmp_path / "python"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    return write


def test_their_speed_is_what_their_interpreter_answers(stand_in: Callable[[str], Path], tmp_path: Path) -> None:
    about = json.dumps({"versions": {"clip-retrieval": "2.45.0"}, "threads": 2})
    question = json.dumps({"folder": str(tmp_path), "count": 64, "batch": 32, "workers": 4})
    answer = f"""echo '{about}'; read line; [ "$line" = '{question}' ] && echo '{{"images_per_second": 12.5}}'; read line"""
    with theirs.clip_retrieval(tmp_path, stand_in(answer), tmp_path / "log") as contender:
        assert contender.described == "4 workers, 2 torch threads, clip-retrieval 2.45.0"
        assert contender.rate(tmp_path, 64, 32) == 12.5


def test_why_they_do_not_run_is_the_last_thing_they_said(stand_in: Callable[[str], Path], tmp_path: Path) -> None:
    python = stand_in("echo trace >&2; echo 'No module named clip_retrieval' >&2; exit 1")
    with (
        pytest.raises(theirs.Unavailable, match=r"^does not run: No module named clip_retrieval$"),
        theirs.clip_retrieval(tmp_path, python, tmp_path / "log"),
    ):
        pass
    with (
        pytest.raises(theirs.Unavailable, match="No such file"),
        theirs.clip_retrieval(tmp_path, tmp_path / "nowhere", tmp_path / "log"),
    ):
        pass


def test_slow_contenders_get_fewer_pictures() -> None:
    speeds = {JOB: 1.0, OBVIOUS: 20.0, THEIRS: 1.0, CHOSEN: 100.0, EAGER: 1.0, DECODING: 10_000.0}
    counts = rounds._counts(speeds, rounds.Settings(), "cpu")
    assert counts[OBVIOUS] == counts[THEIRS] == 192  # 10 s at 20 images/s, in wholes of 64
    assert (counts[EAGER], counts[DECODING]) == (rounds.WARM, rounds.MOST)
    assert counts[JOB] == rounds.MOST  # twice 10 s at 99 images/s
    assert set(rounds._counts(speeds, rounds.Settings(count=32), "cpu").values()) == {32}
