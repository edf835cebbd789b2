"""The job on a Ray cluster: the same table as on one machine, also where workers are killed, and Ray left as it was found."""

import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from embed import on_ray
from embed.backends import Tower
from embed.catalog import read_catalog
from embed.errors import CatalogError, EncoderError, FingerprintError
from embed.job import Event, JobReport, embed_artwork
from embed.on_ray import embed_on_ray
from embed.options import JobOptions
from embed.store import Store, create_store, read_table

# Ray's own modules call what Ray deprecates
pytestmark = pytest.mark.filterwarnings(r"ignore::DeprecationWarning:ray\..*")

Row = dict[str, Any]
PICTURES = 160
BATCH = 2  # 80 of them, so that a kill after the first commit comes while there is work


@pytest.fixture(scope="module")
def local_ray() -> Iterator[Any]:
    """Two CPUs: one that decodes, one for the tower. The job finds it initialised."""
    import ray

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_worker_niceness", "0")
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        ray.init(address="local", num_cpus=2, num_gpus=0, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    yield ray
    ray.shutdown()


def art(name: str) -> Row:
    return {"artwork_id": name, "title_id": "t", "path": f"{name}.png", "added_at": "2026-01-05T00:00:00Z"}


BAD = {"3": b"", "17": b"<html>", "50": None, f"{PICTURES - 1}": b"\x89PNG\r\n\x1a\n cut off"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, make_catalog: Callable[..., Path]) -> Path:
    """A catalog of PICTURES small pictures, four of them bad."""
    made = tmp_path_factory.mktemp("ray") / "catalog"
    rows = [art(str(number)) for number in range(PICTURES)]
    make_catalog(made, titles=[{"title_id": "t", "name": "T"}], artwork=rows, history=None, tastes=None)
    for name, data in BAD.items():
        if data is None:
            (made / f"{name}.png").unlink()
        else:
            (made / f"{name}.png").write_bytes(data)
    return made


def run(
    folder: Path, store: Store, encoder: Any, watch: Callable[[Event], None] = lambda event: None, **more: Any
) -> JobReport:
    options = JobOptions(workers=1, batch=BATCH, commit_every=8 * BATCH, backend="torch", **more)
    return embed_artwork(read_catalog(folder, strict=True), store, encoder, options, watch)


def tables(store: Store) -> dict[str, list[Row]]:
    """All that the job writes, without times and stamps."""
    found = {name: read_table(store, name).to_pylist() for name in ("titles", "artwork", "embeddings", "rejected")}
    return {name: [{**row, "rejected_at": None, "stamp": None} for row in rows] for name, rows in found.items()}


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory, folder: Path, tiny_encoder: Any) -> dict[str, list[Row]]:
    """What the job leaves on one machine."""
    root = tmp_path_factory.mktemp("plain") / "store"
    store = create_store(root, tiny_encoder.choice, tiny_encoder.fingerprint, tiny_encoder.dimension)
    assert run(folder, store, tiny_encoder).embedded == PICTURES - len(BAD)
    return tables(store)


def test_the_table_is_that_of_one_machine_bit_for_bit(
    local_ray: Any, folder: Path, empty_store: Store, tiny_encoder: Any, expected: dict[str, list[Row]]
) -> None:
    seen: list[Event] = []
    report = run(folder, empty_store, tiny_encoder, seen.append, engine="ray")
    assert (report.embedded, len(report.rejected)) == (PICTURES - len(BAD), len(BAD))
    assert tables(empty_store) == expected
    assert sum(event.name == "committed" for event in seen) > 5  # as it goes on, not at the end
    assert run(folder, empty_store, tiny_encoder, engine="ray").embedded == 0
    assert local_ray.is_initialized()


def processes() -> dict[int, tuple[int, str]]:
    """Of this machine, by id: whose child it is, and its command line."""
    found = {}
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # gone meanwhile
            parent = int((place / "stat").read_text().rpartition(")")[2].split()[1])
            found[int(place.name)] = parent, (place / "cmdline").read_text()
    return found


def workers(stage: str) -> set[int]:
    """The processes of Ray that run `stage`."""
    return {pid for pid, (_, command) in processes().items() if command.startswith(f"ray::MapWorker(MapBatches({stage}))")}


def kill(pids: set[int]) -> set[int]:
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    return pids


def kill_a_decoding_actor() -> tuple[set[int], set[int]]:
    """Wait for one that has a decoder at work, and kill it; returns both."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        actors = workers("_Decode")
        if decoders := {pid for pid, (parent, _) in processes().items() if parent in actors}:
            return kill(actors), decoders
    raise TimeoutError


def test_workers_that_are_killed_change_nothing(
    local_ray: Any, folder: Path, empty_store: Store, tiny_encoder: Any, expected: dict[str, list[Row]]
) -> None:
    towers: set[int] = set()
    later: set[int] = set()

    def watch(event: Event) -> None:
        if towers:
            later.update(workers("_Encode") - towers)
        elif event.name == "committed":
            towers.update(kill(workers("_Encode")))

    with ThreadPoolExecutor() as pool:
        killing = pool.submit(kill_a_decoding_actor)
        report = run(folder, empty_store, tiny_encoder, watch, engine="ray")
    actors, decoders = killing.result()
    assert actors
    assert not decoders & processes().keys()  # they do not outlive their actor
    assert towers
    assert later  # it was in the middle: another one had to take over
    assert report.embedded == PICTURES - len(BAD)
    assert tables(empty_store) == expected


def test_an_abandoned_run_ends_its_actors(local_ray: Any, folder: Path, tiny_encoder: Any) -> None:
    rows = [art(str(number)) for number in range(PICTURES)]
    with closing(embed_on_ray(iter(rows), str(folder), tiny_encoder, "torch", JobOptions(batch=BATCH))) as results:
        found = [next(results) for _ in range(9)]
        assert len(workers("_Encode")) >= 1
    assert [result.row for result in found] == [{name: row[name] for name in on_ray.ROWS.names} for row in rows[:9]]
    assert [result.row["artwork_id"] for result in found if result.vector is None] == ["3"]
    deadline = time.monotonic() + 20
    while workers("_Encode") | workers("_Decode"):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_rows_are_taken_as_they_are_needed(local_ray: Any, tiny_encoder: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def embedded(blocks: list[Any], *others: Any) -> Iterator[str]:
        assert [len(block) for block in blocks] == [BATCH] * 4
        for block in blocks:
            yield from block["artwork_id"].to_pylist()

    monkeypatch.setattr(on_ray, "WINDOW", 8)
    monkeypatch.setattr(on_ray, "_embedded", embedded)
    rows = (art(str(number)) for number in itertools.count())
    with closing(embed_on_ray(rows, "", tiny_encoder, "torch", JobOptions(batch=BATCH))) as results:
        assert list(itertools.islice(results, 20)) == [str(number) for number in range(20)]
    assert next(rows)["artwork_id"] == "24"  # three windows


def test_a_node_with_another_checkpoint_is_refused(local_ray: Any, folder: Path, tiny_encoder: Any) -> None:
    other = replace(tiny_encoder, fingerprint="0123456789abcdef")
    expected = (
        f"has fingerprint {tiny_encoder.fingerprint[:12]} on .*, and 0123456789ab here; give all nodes the same checkpoint"
    )
    with pytest.raises(FingerprintError, match=expected):
        list(embed_on_ray(iter([art("0")]), str(folder), other, "torch", JobOptions()))


# The stages, without Ray


def batch_of(folder: Path | str, encoder: Any, *names: str) -> dict[str, np.ndarray]:
    rows = [art(name) for name in names]
    return on_ray._Decode(str(folder), encoder.preprocessing, 60)(
        {name: np.array([row[name] for row in rows], object) for name in on_ray.ROWS.names}
    )


def encoder_with(encode: Callable[[np.ndarray], np.ndarray]) -> on_ray._Encode:
    stage = on_ray._Encode(on_ray._Towers(None, "", 32, "torch", 1, 0))  # type: ignore[arg-type]
    stage.tower = Tower("torch", encode)
    return stage


def test_where_the_tower_fails_on_a_batch_each_picture_is_tried_alone(folder: Path, tiny_encoder: Any) -> None:
    batch = batch_of(folder, tiny_encoder, "0", "3", "1")
    assert [bool(reason) for reason in batch["reason"]] == [False, True, False]
    first = batch["pixels"][0].copy()

    def picky(pixels: np.ndarray) -> np.ndarray:
        if any((one == first).all() for one in pixels):
            raise EncoderError("the tower gave a vector that is not finite")
        return np.ones((len(pixels), 32), np.float32)

    found = list(on_ray._results(encoder_with(picky)(batch)))
    assert [result.vector is not None for result in found] == [False, False, True]
    assert [result.reason.split(";")[0] for result in found] == [
        "the tower gave a vector that is not finite",
        "the file is empty",
        "",
    ]
    assert [(result.width, result.height) for result in found] == [(96, 64), (0, 0), (96, 64)]  # only what is bad has no size
    assert found[1].sha256 is None
    assert found[0].row == {"artwork_id": "0", "title_id": "t", "path": "0.png"}


def test_a_place_that_cannot_be_reached_ends_the_run(tiny_encoder: Any) -> None:
    stage = encoder_with(lambda pixels: pytest.fail("no picture is there"))
    with pytest.raises(CatalogError, match="pictures at memory://nowhere cannot be reached: there is nothing"):
        list(on_ray._results(stage(batch_of("memory://nowhere", tiny_encoder, "0", "1"))))


def test_a_tower_that_cannot_be_opened_ends_the_run(folder: Path, tiny_encoder: Any) -> None:
    towers = on_ray._Towers(replace(tiny_encoder.choice, model="local-dir:/nowhere"), "", 32, "torch", 1, 0)
    batch = on_ray._Encode(towers)(batch_of(folder, tiny_encoder, "0", "1"))
    with pytest.raises(EncoderError, match="no checkpoint folder at '/nowhere'"):
        list(on_ray._results(batch))


def test_a_batch_of_bad_pictures_needs_no_tower(folder: Path, tiny_encoder: Any) -> None:
    stage = encoder_with(lambda pixels: pytest.fail("no picture is left"))
    assert [result.vector for result in on_ray._results(stage(batch_of(folder, tiny_encoder, "3", "50")))] == [None, None]


# Ray itself

ALONE = """
import sys
from embed.encoder import EncoderChoice, load_encoder
from embed.errors import EncoderError
from embed.on_ray import embed_on_ray
from embed.options import JobOptions

encoder = load_encoder(EncoderChoice("local-dir:" + sys.argv[1]), device="cpu")
rows = [{"artwork_id": str(n), "title_id": "t", "path": f"{n}.png"} for n in range(6)]
found = list(embed_on_ray(iter(rows), sys.argv[2], encoder, "torch", JobOptions()))
import ray
print(sum(one.vector is not None for one in found), ray.is_initialized())
"""


def test_a_ray_of_our_own_is_quiet_and_shut_down(folder: Path, tiny_checkpoint: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    arguments = [sys.executable, "-c", ALONE, str(tiny_checkpoint), str(folder)]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=200, check=False, env=environment)
    assert (done.returncode, done.stdout, done.stderr) == (0, "5 False\n", "")


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "nonsense", "auto", "127.0.0.1:99999999"])
def test_a_cluster_that_does_not_answer(monkeypatch: pytest.MonkeyPatch, tiny_encoder: Any, address: str) -> None:
    import ray

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "shutdown", lambda: None)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    with pytest.raises(EncoderError, match=f"no Ray at '{address}' .*; give --address HOST:PORT"):
        next(embed_on_ray(iter([art("0")]), ".", tiny_encoder, "torch", JobOptions(address=address)))


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, tiny_encoder: Any) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(EncoderError, match=r"pip install 'artwork-matcher\[ray\]'"):
        next(embed_on_ray(iter([art("0")]), ".", tiny_encoder, "torch", JobOptions()))


def test_what_ray_reports_leaves_standard_output_alone(capfd: pytest.CaptureFixture[str]) -> None:
    from ray._private import worker

    with on_ray._reports_on_stderr():
        worker.print_to_stdstream({"lines": ["a worker died"], "pid": "raylet", "is_err": False}, ignore_prefix=False)
    found = capfd.readouterr()
    assert found.out == ""
    assert "a worker died" in found.err


@pytest.mark.parametrize(
    ("cpus", "gpus", "backend", "share"),
    [
        ([2], 0, "torch", (1, 0)), ([4], 0, "torch", (3, 0)), ([16, 64, 0, 2], 0, "torch", (4, 0)), ([3, 1], 0, "torch", (2, 0)),
        ([1], 0, "torch", (0.5, 0)), ([], 0, "torch", (4, 0)), ([0], 0, "torch", (4, 0)), ([8, 8], 2, "torch-fp16", (1, 1)),
        ([1], 1, "torch", (0.5, 1)), ([8, 8], 2, "openvino", (4, 0)),
    ],
)  # fmt: skip
def test_a_tower_leaves_a_cpu_for_decoding(
    monkeypatch: pytest.MonkeyPatch, cpus: list[int], gpus: int, backend: str, share: tuple[float, int]
) -> None:
    import ray

    nodes = [{"Alive": True, "Resources": {"CPU": count} if count else {}} for count in cpus]
    monkeypatch.setattr(ray, "nodes", lambda: [*nodes, {"Alive": False, "Resources": {"CPU": 99}}])
    monkeypatch.setattr(ray, "cluster_resources", lambda: {"GPU": gpus} if gpus else {})
    assert on_ray._share(backend) == share
