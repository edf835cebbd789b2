"""A table loses nothing: killed at every step, torn by a power cut, on a full disk; and says so where it falls back."""

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import lance
import numpy as np
import pyarrow as pa
import pytest

from embed import tables
from embed.errors import StoreError
from embed.records import embedding_schema

SCHEMA = embedding_schema(8)

# Does what a test asks for, each time in a process of its own, forked before Lance was used: importing it is what takes long.
# A line of JSON in: the call, the table, ids of rows, and where it is killed: before or after the nth call of a function of
# embed.tables, or after so many seconds. Out comes the exit status: 0, or -9 where killed.
CHILDREN = """
import json, os, signal, sys, threading, traceback, warnings
from pathlib import Path

warnings.filterwarnings("ignore", message="lance is not fork-safe")  # it is, as long as nobody has used it
import lance, lance.fragment, lance.optimize
import pyarrow as pa
import numpy as np
from embed import tables

def kill(*ignored):
    os.kill(os.getpid(), signal.SIGKILL)

def kill_at(step, when, nth):
    real, calls = getattr(tables, step), []

    def wrapped(*arguments):
        calls.append(1)
        if len(calls) == nth and when == "before":
            kill()
        result = real(*arguments)
        if len(calls) == nth:
            kill()
        return result

    setattr(tables, step, wrapped)

def run(call, path, rows, seconds=None, step=None, when=None, nth=None, **settings):
    for name, value in settings.items():
        setattr(tables, name, value)
    if step:
        kill_at(step, when, nth)
    if seconds is not None:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        threading.Timer(seconds, kill).start()
    for table in rows or [None]:
        getattr(tables, call)(Path(path), *([] if table is None else [pa.ipc.open_file(table).read_all()]))

print("ready", flush=True)
for line in sys.stdin:
    child = os.fork()
    if not child:
        try:
            run(**json.loads(line))
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


def rows(*ids: int) -> pa.Table:
    """One row per id, as in the table of embeddings: all of it follows from the id."""
    vectors = np.stack([np.random.default_rng(n).normal(size=8) for n in ids]) if ids else np.empty((0, 8))
    unit = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    columns = [
        pa.array([f"{n:064x}" for n in ids], pa.string()),
        pa.array(list(ids), pa.int32()),
        pa.array([1] * len(ids), pa.int32()),
        pa.array(["f"] * len(ids), pa.string()),
        pa.FixedSizeListArray.from_arrays(pa.array(unit.reshape(-1)), 8),
    ]
    return pa.Table.from_arrays(columns, schema=SCHEMA)


def ids(path: Path) -> list[int]:
    """The ids that a table holds, each row proved to be what was written."""
    table = tables.read(path)
    found: list[int] = table["width"].to_pylist()
    assert table.equals(rows(*found).combine_chunks() if found else SCHEMA.empty_table())
    return found


def newest(path: Path, folder: str, count: int = 1) -> list[Path]:
    """The files that came last, of `data` or `_transactions` or `_versions`."""
    files = [file for file in (path / folder).iterdir() if file.name != "latest_version_hint.json"]
    return sorted(files, key=lambda file: file.stat().st_mtime_ns)[-count:]


def fragments(path: Path) -> list[int]:
    """The rows in each."""
    return [fragment.physical_rows for fragment in lance.dataset(str(path)).get_fragments()]


def everything(folder: Path) -> dict[str, tuple[int, bytes]]:
    """All files below a folder, with time of change and content."""
    files = (file for file in folder.rglob("*") if file.is_file())
    return {str(file.relative_to(folder)): (file.stat().st_mtime_ns, file.read_bytes()) for file in files}


def assert_no_leftovers(path: Path) -> None:
    """Each file below the table belongs to one of its versions, and none of a write stands beside it."""
    versions = [lance.dataset(str(path), version=version["version"]) for version in lance.dataset(str(path)).versions()]
    data = {file.path for version in versions for fragment in version.get_fragments() for file in fragment.data_files()}
    assert {file.name for file in (path / "data").glob("*")} == data
    assert sorted(file.suffix for file in (path / "_versions").iterdir()) == [".json"] + [".manifest"] * len(versions)
    assert len(list((path / "_transactions").iterdir())) == len(versions)
    assert {file.name for file in path.parent.iterdir()} <= {path.name, f"{path.stem}.commit.json", f"{path.stem}.damaged"}


def damage(file: Path, how: str) -> None:
    size = file.stat().st_size
    file.write_bytes({"empty": b"", "half": file.read_bytes()[: size // 2], "zeros": bytes(size)}[how])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tables" / "embeddings.lance"


@pytest.fixture
def record(path: Path) -> Path:
    return path.with_name("embeddings.commit.json")


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing is warned of that a test does not take out of `caplog`."""
    caplog.set_level(logging.WARNING, "embed.tables")
    yield
    assert [record.getMessage() for record in caplog.get_records("call")] == []


@pytest.fixture
def warned(caplog: pytest.LogCaptureFixture) -> Callable[[], str]:
    """The one warning since the last call."""

    def take() -> str:
        (message,) = caplog.messages
        caplog.clear()
        return message

    return take


@pytest.fixture(scope="module")
def children() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", CHILDREN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        yield process
        process.stdin.close()
        process.wait(timeout=30)


@pytest.fixture
def child(children: subprocess.Popen[str], tmp_path: Path) -> Callable[..., int]:
    """child("append", path, rows, ..., step=, when=, nth=) -> exit status of a process that did it, or was killed at it."""

    def run(call: str, path: Path, *commits: pa.Table, **how: Any) -> int:
        files = []
        for number, table in enumerate(commits):
            files.append(str(tmp_path / f"rows-{number}.arrow"))
            with pa.OSFile(files[-1], "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
                writer.write_table(table)
        print(json.dumps({"call": call, "path": str(path), "rows": files, **how}), file=children.stdin, flush=True)
        assert children.stdout
        return int(children.stdout.readline())

    return run


# ---- rows in and out


def test_rows_come_back_as_they_were_written(path: Path) -> None:
    assert not tables.exists(path)
    tables.append(path, rows(1, 2))
    tables.append(path, rows(3))
    assert tables.exists(path)
    assert ids(path) == [1, 2, 3]
    assert tables.read(path).schema.equals(SCHEMA, check_metadata=True)
    assert tables.read(path, ["height", "width"], "width > 1").to_pylist() == [
        {"height": 1, "width": 2},
        {"height": 1, "width": 3},
    ]
    tables.replace(path, rows(4))
    assert ids(path) == [4]
    assert_no_leftovers(path)


def test_a_table_of_no_rows(path: Path) -> None:
    tables.append(path, rows())
    assert tables.exists(path)
    assert ids(path) == []
    tables.append(path, rows(1))
    tables.replace(path, rows())
    assert ids(path) == []


def test_no_rows_are_no_commit(path: Path) -> None:
    tables.append(path, rows(1))
    before = everything(path.parent)
    tables.append(path, rows())
    assert everything(path.parent) == before


def test_a_table_that_was_never_written(path: Path) -> None:
    with pytest.raises(StoreError, match=r"there is no table .*embeddings\.lance; run the job that writes it"):
        tables.read(path)
    assert tables.mend(path) is None
    tables.tidy(path)
    assert not path.parent.exists()


def test_rows_of_another_shape_are_refused_and_leave_nothing(path: Path) -> None:
    tables.append(path, rows(1))
    before = everything(path.parent)
    with pytest.raises(
        StoreError, match=r"embeddings\.lance cannot be written \(.*missing=.*; free space or check perm"
    ) as caught:
        tables.append(path, pa.table({"other": ["x"]}))
    assert ".rs" not in str(caught.value)
    assert everything(path.parent) == before


def test_a_column_that_is_not_there(path: Path) -> None:
    tables.append(path, rows(1))
    with pytest.raises(StoreError, match=r"cannot be read \(.*nothing.*names of columns"):
        tables.read(path, ["nothing"])


def test_lance_opens_it_without_us(path: Path) -> None:
    tables.append(path, rows(1))
    tables.append(path, rows(2))
    assert lance.dataset(str(path)).to_table().equals(rows(1, 2).combine_chunks())


# ---- what a commit syncs


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch, path: Path) -> list[tuple[Path, int]]:
    """Each os.fsync: which path, and how many versions Lance showed by then."""
    seen: list[tuple[Path, int]] = []
    real = os.fsync

    def fsync(handle: int) -> None:
        real(handle)
        shown = len(list((path / "_versions").glob("*.manifest")))
        seen.append((Path(os.readlink(f"/proc/self/fd/{handle}")), shown))

    monkeypatch.setattr(os, "fsync", fsync)
    return seen


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc to know what a handle is of")
@pytest.mark.parametrize("write", [tables.append, tables.replace])
def test_a_commit_syncs_its_data_before_it_is_seen_and_all_else_after(
    path: Path, synced: list[tuple[Path, int]], write: Callable[[Path, pa.Table], None]
) -> None:
    write(path, rows(1))
    assert {path.parent.parent, path.parent} <= {place for place, _ in synced}  # the new folder in the one above it
    for before in (0, 1):
        (data,), (transaction,), (manifest,) = (newest(path, folder) for folder in ("data", "_transactions", "_versions"))
        first, last = dict(reversed(synced)), dict(synced)
        assert first[data] == first[data.parent] == first[path] == before
        for place in (transaction, transaction.parent, manifest, manifest.parent, path, path.parent):
            assert last[place] == before + 1, place
        order = [place for place, _ in synced]
        assert order.index(manifest) < order.index(path.with_name("embeddings.commit.json.new"))
        assert order[-2:] == [path.with_name("embeddings.commit.json.new"), path.parent]
        if not before:
            synced.clear()
            write(path, rows(2))


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc to know what a handle is of")
def test_a_version_that_was_never_recorded_is_synced_before_it_is(
    path: Path, record: Path, synced: list[tuple[Path, int]], child: Callable[..., int]
) -> None:
    tables.append(path, rows(1))
    assert child("append", path, rows(2), step="_publish", when="after", nth=1) == -signal.SIGKILL
    synced.clear()
    tables.mend(path)
    files = {*newest(path, "data"), *newest(path, "_versions")}
    assert files | {file.parent for file in files} | {path, path.parent} <= {place for place, _ in synced}
    assert json.loads(record.read_text())["version"] == 2


# ---- killed

WRITE_STEPS = [
    ("_note_write", "before", False),
    ("_note_write", "after", False),
    ("_write_data", "after", False),
    ("_publish", "before", False),
    ("_publish", "after", True),
    ("_write_record", "before", True),
    ("_write_record", "after", True),
]


@pytest.mark.parametrize(("step", "when", "committed"), WRITE_STEPS)
@pytest.mark.parametrize("call", ["append", "replace"])
@pytest.mark.parametrize("known", [[], [1, 2]], ids=["first", "later"])
def test_killed_at_each_step_of_a_commit(
    path: Path, child: Callable[..., int], call: str, step: str, when: str, committed: bool, known: list[int]
) -> None:
    if known:
        tables.append(path, rows(*known))
    assert child(call, path, rows(7), step=step, when=when, nth=1) == -signal.SIGKILL
    after = [*known, 7] if call == "append" else [7]
    expected = after if committed else known
    assert tables.exists(path) == bool(expected)
    if expected:
        assert ids(path) == expected
    assert tables.mend(path) is None
    if expected:
        assert_no_leftovers(path)
    if not committed:
        assert child(call, path, rows(7)) == 0
    assert ids(path) == after
    assert_no_leftovers(path)


def test_killed_after_each_sync_of_a_commit(path: Path, child: Callable[..., int]) -> None:
    tables.append(path, rows(0))
    expected, number = [0], 1
    while child("append", path, rows(number), step="sync", when="after", nth=number) == -signal.SIGKILL:
        found = ids(path)
        assert found in (expected, [*expected, number])
        expected, number = found, number + 1
    assert number > 10
    assert ids(path) == [*expected, number]
    assert_no_leftovers(path)


def test_what_lance_left_half_written_is_removed(path: Path, child: Callable[..., int]) -> None:
    tables.append(path, rows(1))
    (path / "data" / "stranger").write_bytes(b"there before, and perhaps somebody's")
    child("append", path, rows(2), step="_note_write", when="after", nth=1)
    halves = [
        path / "data" / ".tmpAbCdEf",
        path / "_versions" / "18446744073709551613.manifest#1",
        path / "_transactions" / ".tmpXyz",
    ]
    for half in halves:
        half.write_bytes(b"half")
    assert ids(path) == [1]
    tables.mend(path)
    assert not any(half.exists() for half in halves)
    (path / "data" / "stranger").unlink()
    assert_no_leftovers(path)


def test_a_torn_note_of_a_write_removes_nothing(path: Path) -> None:
    tables.append(path, rows(1))
    path.with_suffix(".writing").write_text('["data/')
    tables.append(path, rows(2))
    assert ids(path) == [1, 2]
    assert_no_leftovers(path)


MEND_STEPS = [
    ("_set_aside", "before"),
    ("_move", "after"),
    ("_set_aside", "after"),
    ("_write_record", "before"),
    ("_write_record", "after"),
]


@pytest.mark.parametrize(("step", "when"), MEND_STEPS)
def test_killed_while_it_mends(
    path: Path, child: Callable[..., int], caplog: pytest.LogCaptureFixture, step: str, when: str
) -> None:
    for number in (1, 2, 3):
        tables.append(path, rows(number))
    for manifest in newest(path, "_versions", 2):
        damage(manifest, "empty")
    assert child("mend", path, step=step, when=when, nth=1) == -signal.SIGKILL
    assert ids(path) == [1]
    tables.append(path, rows(4))
    caplog.clear()  # until the record names the good version, the damage is told again
    assert ids(path) == [1, 4]
    assert tables.mend(path) is None
    assert sorted(file.name for file in path.with_suffix(".damaged").iterdir()) == ["version-2.manifest", "version-3.manifest"]


@pytest.mark.parametrize(("step", "when"), [("_set_table_aside", "before"), ("_set_table_aside", "after"), ("_move", "after")])
def test_killed_while_it_sets_a_whole_table_aside(
    path: Path, child: Callable[..., int], caplog: pytest.LogCaptureFixture, step: str, when: str
) -> None:
    tables.append(path, rows(1))
    damage(newest(path, "_versions")[0], "empty")
    assert child("mend", path, step=step, when=when, nth=1) == -signal.SIGKILL
    tables.append(path, rows(2))
    caplog.clear()
    assert ids(path) == [2]
    assert len(newest(path, "../embeddings.damaged", 5)) == 1
    assert_no_leftovers(path)


TIDY = {"SMALL_FRAGMENTS": 3, "VERSIONS": 4}
TIDY_STEPS = [
    ("_note_write", "after"),
    ("_rewrite", "after"),
    ("_write_record", "before"),
    ("_write_record", "after"),
    ("_drop_old_versions", "before"),
    ("_drop_old_versions", "after"),
]


@pytest.mark.parametrize(("step", "when"), TIDY_STEPS)
def test_killed_at_each_step_of_tidying(path: Path, child: Callable[..., int], step: str, when: str) -> None:
    assert child("append", path, *(rows(number) for number in range(12))) == 0
    assert child("tidy", path, step=step, when=when, nth=1, **TIDY) == -signal.SIGKILL
    assert ids(path) == list(range(12))
    assert child("tidy", path, **TIDY) == 0
    assert ids(path) == list(range(12))
    assert (fragments(path), len(newest(path, "_versions", 99))) == ([12], 4)
    assert tables.mend(path) is None
    tables.append(path, rows(12))
    assert ids(path) == list(range(13))


def test_killed_at_any_moment_of_tidying(path: Path, child: Callable[..., int]) -> None:
    for number in range(24):
        tables.append(path, rows(number))
    kills = 0
    for step in range(12):
        kills += child("tidy", path, seconds=0.012 * step, **TIDY) == -signal.SIGKILL
        assert ids(path) == list(range(24))
    assert kills >= 3
    assert child("tidy", path, **TIDY) == 0
    assert ids(path) == list(range(24))
    assert fragments(path) == [24]


# ---- torn by a power cut

TORN = {
    "manifest": ["manifest"],
    "data": ["data"],
    "manifest and data": ["manifest", "data"],
    "all": ["manifest", "data", "transaction", "record"],
    "all but the record": ["manifest", "data", "transaction"],
    "transaction": ["transaction"],
    "record": ["record"],
}


@pytest.mark.parametrize("how", ["empty", "half", "zeros"])
@pytest.mark.parametrize("what", TORN)
@pytest.mark.parametrize("write", [tables.append, tables.replace])
def test_after_a_power_cut_the_last_good_version_is_the_table(
    path: Path, record: Path, warned: Callable[[], str], write: Callable[[Path, pa.Table], None], what: str, how: str
) -> None:
    first, second, third = (rows(1, 2), rows(3), rows(4))
    write(path, first)
    write(path, second)
    before, (manifest,) = ids(path), newest(path, "_versions")
    write(path, third)
    after, (torn_manifest,) = ids(path), newest(path, "_versions")
    places = {"record": record, "manifest": torn_manifest}
    places |= {"data": newest(path, "data")[0], "transaction": newest(path, "_transactions")[0]}
    for name in TORN[what]:
        damage(places[name], how)
    lost = "manifest" in TORN[what] or "data" in TORN[what]
    expected = before if lost else after
    untouched = everything(path.parent)
    assert ids(path) == expected
    if lost:
        said = warned()
        assert said.startswith(f"{path}: version 3 is damaged (")
        assert said.endswith("); version 2 is used instead; the next run of the job that writes it mends it")
    assert everything(path.parent) == untouched  # reading writes nothing
    write(path, rows(5))
    if lost:
        assert warned().endswith(f"version 2 is used instead; what is damaged is kept in {path.with_suffix('.damaged')}")
        kept = path.with_suffix(".damaged") / "version-3.manifest"
        assert kept.read_bytes() == untouched[str(torn_manifest.relative_to(path.parent))][1]
    assert ids(path) == ([*expected, 5] if write is tables.append else [5])
    assert manifest.exists()
    assert json.loads(record.read_text())["version"] == (3 if lost else 4)
    assert tables.mend(path) is None


@pytest.mark.parametrize("how", ["empty", "half", "zeros"])
@pytest.mark.parametrize("what", ["manifest", "data"])
def test_torn_before_it_was_recorded(
    path: Path, child: Callable[..., int], warned: Callable[[], str], what: str, how: str
) -> None:
    tables.append(path, rows(1))
    child("append", path, rows(2), step="_publish", when="after", nth=1)
    damage(newest(path, "_versions" if what == "manifest" else "data")[0], how)
    assert ids(path) == [1]
    assert "version 2 is damaged (" in warned()
    told = tables.mend(path)
    assert told
    assert warned().startswith(told)
    assert ids(path) == [1]
    tables.append(path, rows(3))
    assert ids(path) == [1, 3]
    assert tables.mend(path) is None


def test_a_manifest_on_which_lance_panics(path: Path, child: Callable[..., int], warned: Callable[[], str]) -> None:
    tables.append(path, rows(1))
    child("append", path, rows(2), step="_publish", when="after", nth=1)
    (manifest,) = newest(path, "_versions")
    manifest.write_bytes(manifest.read_bytes().replace(b"fixed_size_list", b"fixed_sIze_list"))
    assert ids(path) == [1]
    assert "version 2 is damaged (its manifest cannot be read: called `Result::unwrap()`" in warned()


def test_a_manifest_that_holds_another_version(path: Path, child: Callable[..., int], warned: Callable[[], str]) -> None:
    tables.append(path, rows(1))
    (old,) = newest(path, "_versions")
    child("append", path, rows(2), step="_publish", when="after", nth=1)
    newest(path, "_versions")[0].write_bytes(old.read_bytes())
    assert ids(path) == [1]
    assert (
        "version 2 is damaged (its manifest cannot be read: Version not found error: version 2 not found); version 1 is"
        in warned()
    )


def test_several_versions_torn_at_once(path: Path, warned: Callable[[], str]) -> None:
    for number in range(1, 6):
        tables.append(path, rows(number))
    for manifest in newest(path, "_versions", 3):
        damage(manifest, "zeros")
    assert ids(path) == [1, 2]
    said = warned()
    assert [f"version {n} is damaged" in said for n in range(1, 6)] == [False, False, True, True, True]
    told = tables.mend(path)
    assert told
    assert warned().startswith(told)
    assert sorted(file.name for file in path.with_suffix(".damaged").iterdir()) == [f"version-{n}.manifest" for n in (3, 4, 5)]
    tables.append(path, rows(6))
    assert ids(path) == [1, 2, 6]


def test_damaged_twice_both_are_kept(path: Path, warned: Callable[[], str]) -> None:
    tables.append(path, rows(1))
    for number in (2, 3):
        tables.append(path, rows(number))
        damage(newest(path, "_versions")[0], "empty")
        tables.mend(path)
        warned()
    assert sorted(file.name for file in path.with_suffix(".damaged").iterdir()) == [
        "version-2.1.manifest",
        "version-2.manifest",
    ]


def test_a_committed_version_whose_manifest_is_gone_is_missed(path: Path, warned: Callable[[], str]) -> None:
    tables.append(path, rows(1))
    tables.append(path, rows(2))
    newest(path, "_versions")[0].unlink()
    assert ids(path) == [1]
    assert "version 2 is damaged (it was committed, and its manifest is gone); version 1 is used instead" in warned()
    tables.append(path, rows(3))
    warned()
    assert ids(path) == [1, 3]


def test_an_old_file_cut_short_is_seen(path: Path, warned: Callable[[], str]) -> None:
    tables.append(path, rows(1))
    tables.append(path, rows(2))
    file = newest(path, "data")[0]
    tables.append(path, rows(3))
    tables.append(path, rows(4))
    file.write_bytes(file.read_bytes()[:-1])
    assert ids(path) == [1]
    said = warned()
    assert f"version 4 is damaged (data/{file.name}: " in said
    assert "version 2 is damaged (" in said


@pytest.mark.parametrize("how", ["empty", "half", "zeros"])
@pytest.mark.parametrize("recorded", [True, False])
def test_a_first_commit_that_was_torn_is_written_again(
    path: Path, record: Path, child: Callable[..., int], warned: Callable[[], str], how: str, recorded: bool
) -> None:
    if recorded:
        tables.append(path, rows(1))
    else:
        child("append", path, rows(1), step="_publish", when="after", nth=1)
    damage(newest(path, "_versions")[0], how)
    assert tables.exists(path)  # it was written: reading it as if it had never been would hide that
    with pytest.raises(StoreError) as caught:
        tables.read(path)
    assert f"{path}: version 1 is damaged (" in str(caught.value)
    remedy = "run the job that writes it, which sets the damaged table aside and makes it anew, or restore it from a backup"
    assert str(caught.value).endswith(f"no version is left; {remedy}")
    told = tables.mend(path)
    assert told
    assert warned().startswith(told)
    assert (tables.exists(path), record.exists()) == (False, False)
    assert (path.with_suffix(".damaged") / "embeddings.lance" / "data").is_dir()
    tables.append(path, rows(2))
    assert ids(path) == [2]
    assert_no_leftovers(path)


def test_a_table_that_is_gone_is_missed(path: Path, warned: Callable[[], str]) -> None:
    tables.append(path, rows(1))
    shutil.rmtree(path)
    assert not tables.exists(path)
    assert tables.mend(path)
    assert "version 1 is damaged (it was committed, and its manifest is gone); no version is left" in warned()
    assert tables.mend(path) is None


def test_an_error_from_outside_is_no_damage(path: Path, record: Path) -> None:
    tables.append(path, rows(1))
    tables.append(path, rows(2))
    (manifest,) = newest(path, "_versions")
    whole, kept = everything(path.parent), manifest.read_bytes()
    for recorded in (True, False):
        manifest.unlink()
        manifest.symlink_to(manifest)  # an error that root gets as well as anybody
        if not recorded:
            record.unlink()
        for call in (tables.read, tables.mend, tables.tidy):
            with pytest.raises(StoreError, match=r"cannot be (read|mended|tidied) \(.*[Tt]oo many levels of symbolic links"):
                call(path)
        manifest.unlink()
        manifest.write_bytes(kept)
    assert {name: content for name, (_, content) in everything(path.parent).items()} == {
        name: content for name, (_, content) in whole.items() if name != record.name
    }
    assert ids(path) == [1, 2]


def test_the_ends_of_a_large_file_are_proved(path: Path, monkeypatch: pytest.MonkeyPatch, warned: Callable[[], str]) -> None:
    monkeypatch.setattr(tables, "HASHED_WHOLE", 1000)
    monkeypatch.setattr(tables, "HASHED_END", 100)
    tables.append(path, rows(1))
    tables.append(path, rows(*range(2, 60)))
    (file,) = newest(path, "data")
    whole = file.read_bytes()
    for place, seen in ((0, True), (99, True), (len(whole) - 100, True), (len(whole) - 1, True), (100, False)):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        found = tables.read(path, ["width"]).num_rows
        assert found == (1 if seen else 59), place
        if seen:
            assert f"data/{file.name}: other bytes than were written" in warned()


# ---- written by somebody else, with Lance


def spoiled(column: str, value: Any) -> pa.Table:
    table = rows(2, 3)
    values = [value, table[column][1].as_py()]
    return table.set_column(SCHEMA.get_field_index(column), SCHEMA.field(column), pa.array(values, SCHEMA.field(column).type))


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("vector", [0.0] * 8, "a vector that is not of unit length"),
        ("vector", [1.0, float("nan"), *[0.0] * 6], "a vector that is not of unit length"),
        ("vector", [float("inf"), *[0.0] * 7], "a vector that is not of unit length"),
        ("vector", [1.002, *[0.0] * 7], "a vector that is not of unit length"),
        ("sha256", "0" * 63, "a sha256 that is none"),
        ("sha256", "\0" * 64, "a sha256 that is none"),
    ],
)
def test_a_version_that_nobody_recorded_must_be_sound(
    path: Path, warned: Callable[[], str], column: str, value: Any, reason: str
) -> None:
    tables.append(path, rows(1))
    lance.write_dataset(spoiled(column, value), str(path), mode="append")
    assert ids(path) == [1]
    assert f"version 2 is damaged (fragment 1 cannot be read: it has {reason}); version 1 is used instead" in warned()


def test_a_sound_version_of_somebody_else_is_taken_and_recorded(path: Path, record: Path) -> None:
    tables.append(path, rows(1))
    lance.write_dataset(rows(2), str(path), mode="append")
    assert ids(path) == [1, 2]
    assert json.loads(record.read_text())["version"] == 1
    assert tables.mend(path) is None
    written = json.loads(record.read_text())
    assert (written["version"], len(written["files"])) == (2, 2)
    lance.dataset(str(path)).optimize.compact_files()
    lance.dataset(str(path)).delete("width = 1")
    assert tables.mend(path) is None
    assert ids(path) == [2]


def test_a_table_of_an_older_release_has_no_record(path: Path, record: Path) -> None:
    lance.write_dataset(rows(1), str(path))
    lance.write_dataset(rows(2), str(path), mode="append")
    assert ids(path) == [1, 2]
    tables.append(path, rows(3))
    assert ids(path) == [1, 2, 3]
    assert json.loads(record.read_text())["version"] == 3


def test_what_was_proved_once_is_not_read_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tables.append(path, rows(1))
    lance.write_dataset(rows(2), str(path), mode="append")
    read: list[int] = []
    real = tables._check_rows
    monkeypatch.setattr(tables, "_check_rows", lambda fragment: (read.append(fragment.fragment_id), real(fragment)))
    assert ids(path) == [1, 2]
    assert read == [1]  # the first fragment is in the version recorded
    tables.mend(path)
    read.clear()
    assert ids(path) == [1, 2]
    assert read == []


# ---- readers beside a writer


def test_a_reader_beside_a_writer_sees_whole_commits(path: Path, child: Callable[..., int]) -> None:
    tables.append(path, rows(0))
    writer = threading.Thread(target=child, args=("append", path, *(rows(number) for number in range(1, 25))))
    writer.start()
    seen = [ids(path)]
    while writer.is_alive():
        seen.append(ids(path))
    writer.join()
    assert ids(path) == list(range(25))
    assert all(found == list(range(len(found))) for found in seen)
    assert sorted(seen, key=len) == seen
    assert len({len(found) for found in seen}) > 3


def test_a_commit_between_a_reader_s_two_looks_is_no_damage(
    path: Path, child: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    tables.append(path, rows(1))
    real = tables._read_record

    def commit_and_read(path: Path) -> Any:
        monkeypatch.undo()
        assert child("append", path, rows(2)) == 0
        return real(path)

    monkeypatch.setattr(tables, "_read_record", commit_and_read)
    assert ids(path) == [1, 2]


# ---- tidying


@pytest.fixture
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in TIDY.items():
        monkeypatch.setattr(tables, name, value)


@pytest.mark.usefixtures("_small")
def test_tidying_puts_many_small_commits_together(path: Path, record: Path) -> None:
    for number in range(9):
        tables.append(path, rows(number))
    tables.tidy(path)
    assert (fragments(path), ids(path)) == ([9], list(range(9)))
    assert len(newest(path, "_versions", 99)) == 4
    written = json.loads(record.read_text())
    assert written["version"] == lance.dataset(str(path)).version == 11
    assert f"data/{newest(path, 'data')[0].name}" in written["files"]


@pytest.mark.usefixtures("_small")
def test_few_fragments_and_versions_are_left_alone(path: Path) -> None:
    for number in range(3):
        tables.append(path, rows(number))
    before = everything(path.parent)
    tables.tidy(path)
    assert everything(path.parent) == before


@pytest.mark.usefixtures("_small")
def test_tidying_leaves_full_fragments_alone(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "FRAGMENT_ROWS", 6)
    for start in range(0, 20, 2):
        tables.append(path, rows(start, start + 1))
    tables.tidy(path)
    assert (fragments(path), ids(path)) == ([6, 6, 8], list(range(20)))
    full = [fragment.data_files()[0].path for fragment in lance.dataset(str(path)).get_fragments()]
    for start in range(20, 28, 2):
        tables.append(path, rows(start, start + 1))
    tables.tidy(path)
    assert (fragments(path), ids(path)) == ([6, 6, 8, 8], list(range(28)))
    assert [fragment.data_files()[0].path for fragment in lance.dataset(str(path)).get_fragments()][:3] == full


@pytest.mark.usefixtures("_small")
@pytest.mark.parametrize("what", ["_versions", "data"])
def test_after_tidying_there_is_a_version_to_fall_back_on(path: Path, warned: Callable[[], str], what: str) -> None:
    for number in range(9):
        tables.append(path, rows(number))
    tables.tidy(path)
    damage(newest(path, what)[0], "empty")
    assert ids(path) == list(range(9))  # the same rows, as they lay before
    assert "version 11 is damaged" in warned()
    tables.append(path, rows(9))
    warned()
    assert ids(path) == list(range(10))


@pytest.mark.usefixtures("_small")
def test_a_table_replaced_every_night_does_not_grow(path: Path) -> None:
    for night in range(20):
        tables.replace(path, rows(night))
        tables.tidy(path)
        assert ids(path) == [night]
    assert len(newest(path, "_versions", 99)) <= 2 * tables.VERSIONS
    assert len(newest(path, "data", 99)) <= 2 * tables.VERSIONS


@pytest.mark.usefixtures("_small")
def test_an_old_manifest_that_is_damaged_does_not_stop_tidying(path: Path) -> None:
    for number in range(9):
        tables.append(path, rows(number))
    damage(newest(path, "_versions", 9)[0], "empty")
    tables.tidy(path)
    assert (ids(path), len(newest(path, "_versions", 99))) == (list(range(9)), 4)
    assert [file.name for file in path.with_suffix(".damaged").iterdir()] == ["version-1.manifest"]


# ---- a full disk

# Fills a small disk but for so many pages, writes, and tells what came of it; then makes room and writes again.
FULL = """
import json, os, sys
from pathlib import Path
import numpy as np
import pyarrow as pa
from embed import tables
from embed.errors import StoreError

path, filler = Path(sys.argv[1], "tables", "embeddings.lance"), Path(sys.argv[1], "filler")

def rows(number):
    return pa.table({"n": [number] * 3000, "x": np.random.default_rng(number).random(3000)})

def read():
    return sorted(set(tables.read(path)["n"].to_pylist()))

def leftovers():
    import lance
    versions = [lance.dataset(str(path), version=v["version"]) for v in lance.dataset(str(path)).versions()]
    needed = {file.path for version in versions for fragment in version.get_fragments() for file in fragment.data_files()}
    odd = [file.name for file in path.rglob("*") if ".tmp" in file.name or "#" in file.name]
    odd += [file.name for file in path.parent.iterdir() if file.name not in ("embeddings.lance", "embeddings.commit.json")]
    return sorted({file.name for file in (path / "data").iterdir()} - needed) + odd

tables.append(path, rows(0))
for pages in range(0, 22):
    free = os.statvfs(sys.argv[1])
    filler.write_bytes(bytes((free.f_bavail - pages) * free.f_bsize))
    before, error = read(), None
    try:
        getattr(tables, sys.argv[2])(path, rows(pages + 1))
    except StoreError as caught:
        error = str(caught)
    now, left = read(), leftovers()
    filler.unlink()
    if now == before:
        getattr(tables, sys.argv[2])(path, rows(pages + 1))
    print(json.dumps({"before": before, "error": error, "now": now, "left": left, "then": read(), "left_then": leftovers()}))
"""


@pytest.mark.parametrize("call", ["append", "replace"])
def test_on_a_full_disk_it_stops_with_the_reason_and_loses_nothing(tmp_path: Path, call: str) -> None:
    unshare = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]
    mount = f"mount -t tmpfs -o size=4m tmpfs '{tmp_path}'"
    if subprocess.run([*unshare, "sh", "-c", mount], capture_output=True, check=False).returncode:
        pytest.skip("this system lets nobody mount a small disk")
    arguments = [*unshare, "sh", "-c", f'{mount} && exec "$@"', "sh", sys.executable, "-c", FULL, str(tmp_path), call]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(told) == 22
    for number, seen in enumerate(told, 1):
        after = [*seen["before"], number] if call == "append" else [number]
        if seen["error"] is None or seen["now"] != seen["before"]:  # where only the record found no room, the rows are there
            assert seen["now"] == after
        if seen["error"]:
            assert "embeddings.lance cannot be written (" in seen["error"]
            assert "No space left on device" in seen["error"]
            assert seen["error"].endswith("free space or check permissions and run again")
        assert (seen["then"], seen["left"], seen["left_then"]) == (after, [], [])
    assert told[0]["error"]
    assert told[0]["now"] == told[0]["before"]
    assert sum(bool(seen["error"]) for seen in told) > 5  # the data, the transaction, the manifest, the record
    assert told[-1]["error"] is None


# Much of it, and none of it


def test_batches_are_the_rows_in_their_order(tmp_path: Path) -> None:
    path = tmp_path / "t.lance"
    for some in (rows(1, 2, 3), rows(4, 5)):
        tables.append(path, some)
    batches = list(tables.batches(path, rows=2))
    assert all(batch.num_rows <= 2 for batch in batches)
    assert pa.Table.from_batches(batches).equals(tables.read(path))
    assert [batch.schema.names for batch in tables.batches(path, ["width"])] == [["width"]] * 2
    with pytest.raises(StoreError, match="there is no table"):
        list(tables.batches(tmp_path / "other.lance"))


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_table_is_replaced_by_what_streams_in(tmp_path: Path, count: int) -> None:
    path = tmp_path / "t.lance"
    tables.replace(path, rows(9, 8, 7))
    streamed = (batch for n in range(count) for batch in rows(n, n + 100).to_batches())
    tables.replace(path, pa.RecordBatchReader.from_batches(SCHEMA, streamed))
    assert ids(path) == [one for n in range(count) for one in (n, n + 100)]


def test_a_stream_that_breaks_leaves_the_table_as_it_was(tmp_path: Path) -> None:
    def breaks() -> Iterator[pa.RecordBatch]:
        yield from rows(1).to_batches()
        raise OSError("it broke")

    path = tmp_path / "t.lance"
    tables.replace(path, rows(9))
    with pytest.raises(StoreError, match="it broke"):
        tables.replace(path, pa.RecordBatchReader.from_batches(SCHEMA, breaks()))
    assert ids(path) == [9]


def test_a_table_that_is_dropped_is_gone_and_may_be_made_again(tmp_path: Path) -> None:
    path = tmp_path / "t.lance"
    tables.drop(path)  # nothing to drop
    for n in (1, 2):
        tables.append(path, rows(n))
        assert ids(path) == [n]
        tables.drop(path)
        assert not tables.exists(path)
        assert list(tmp_path.iterdir()) == []
    assert tables.mend(path) is None
