"""Workers decode in order and ahead; whatever a picture does to its worker, it alone is set aside; and nothing is left behind."""

import hashlib
import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from embed import decoders
from embed.decoders import Decoded, Decoders
from embed.errors import ArtworkMatcherError, CatalogError
from embed.preprocessing import Preprocessing, preprocessing_of
from embed.shrinking import pixels_of

PREPROCESSING = preprocessing_of({"size": 32})

# Makes decoding a file that begins with one of these words do as it says; installed in the workers, as their sitecustomize.
HOSTILE = r"""
import ctypes, io, os, re, signal, time
from PIL import Image

plain = Image.open

def first_time(body):
    name, _, rest = body.partition(b"\n")
    path = name.decode()
    if os.path.exists(path):
        return None, rest
    open(path, "w").close()
    return path, rest

def open_(file, *arguments, **options):
    word, _, body = file.getvalue().partition(b" ")
    if word == b"SLEEPS":
        time.sleep(3600)
    elif word == b"HANGS":  # in native code that keeps the interpreter to itself
        re.match("(a|aa)+$", "a" * 200 + "b")
    elif word == b"CRASHES":
        ctypes.string_at(0)
    elif word == b"COUNTS":
        with open(body.decode(), "a") as deaths:
            deaths.write("+")
        os.kill(os.getpid(), signal.SIGKILL)
    elif word == b"CRASHES-ONCE":
        once, body = first_time(body)
        if once:
            os.kill(os.getpid(), signal.SIGKILL)
        file = io.BytesIO(body)
    elif word == b"STOPS":
        os.kill(os.getpid(), signal.SIGSTOP)
    elif word == b"EXITS":
        os._exit(7)
    elif word == b"LEAVES":
        raise SystemExit(3)
    elif word == b"INTERRUPTS":
        raise KeyboardInterrupt
    elif word == b"EATS":
        raise MemoryError
    elif word == b"RECURS":
        open_(file, *arguments, **options)
    elif word == b"WAITS":
        time.sleep(float(body.partition(b" ")[0]))
        file = io.BytesIO(body.partition(b" ")[2])
    elif word == b"TELLS":  # which modules this process has, by way of an error's text
        import sys
        raise OSError(",".join(sorted(sys.modules)))
    return plain(file, *arguments, **options)

Image.open = open_
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pictures").mkdir()
    return tmp_path / "pictures"


@pytest.fixture
def draw(folder: Path, drawing: Callable[..., Any]) -> Callable[..., list[str]]:
    """draw("a", "b") -> their paths, each with a picture of its own."""

    def made(*names: str) -> list[str]:
        for name in names:
            drawing(name).save(folder / f"{name}.png")
        return [f"{name}.png" for name in names]

    return made


@pytest.fixture
def hostile(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """hostile("CRASHES", name="x.png", body=b"") -> the path of a file that does that to whoever decodes it."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(HOSTILE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"), prepend=os.pathsep)

    def made(word: str, name: str = "", body: bytes = b"") -> str:
        name = name or f"{word}.png"
        (folder / name).write_bytes(word.encode() + b" " + body)
        return name

    return made


@pytest.fixture
def decoded(folder: Path) -> Callable[..., list[Decoded]]:
    """decoded(paths, workers=2, seconds=30) -> what became of each."""

    def run(paths: Any, workers: int = 2, seconds: float = 30) -> list[Decoded]:
        with Decoders(str(folder), PREPROCESSING, workers=workers, seconds=seconds) as opened:
            return list(opened.decode(paths))

    return run


def children() -> set[int]:
    """The processes that this one has, dead ones included."""
    tasks = Path(f"/proc/{os.getpid()}/task")
    while True:
        with suppress(FileNotFoundError):  # a thread ended meanwhile: its processes are another thread's now
            return {int(pid) for task in tasks.iterdir() for pid in (task / "children").read_text().split()}


def is_good(folder: Path, path: str, one: Decoded, preprocessing: Preprocessing = PREPROCESSING) -> bool:
    data = (folder / path).read_bytes()
    pixels, *size = pixels_of(data, preprocessing)
    same = one.pixels is not None and np.array_equal(one.pixels, pixels) and one.pixels.flags.writeable
    return same and (one.sha256, [one.width, one.height], one.reason) == (hashlib.sha256(data).hexdigest(), size, "")


def test_each_path_has_its_pixels_in_order(
    folder: Path, draw: Callable[..., list[str]], decoded: Callable[..., list[Decoded]]
) -> None:
    paths = draw(*(f"p{number}" for number in range(20))) * 3
    found = decoded(paths, workers=3)
    assert len(found) == 60
    assert all(is_good(folder, path, one) for path, one in zip(paths, found, strict=True))
    assert len({one.pixels.tobytes() for one in found if one.pixels is not None}) == 20


def test_a_large_jpeg_comes_with_the_size_of_its_file_turned_upright(
    folder: Path, drawing: Callable[..., Any], decoded: Callable[..., list[Decoded]]
) -> None:
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = 6
    drawing("large", (601, 403)).save(folder / "large.jpg", exif=exif)
    [one] = decoded(["large.jpg"])
    assert (one.width, one.height) == (403, 601)
    assert is_good(folder, "large.jpg", one)
    with Decoders(str(folder), PREPROCESSING, workers=1, seconds=30, shrink=False) as opened:
        [whole] = opened.decode(["large.jpg"])
    expected = pixels_of((folder / "large.jpg").read_bytes(), PREPROCESSING, shrink=False)[0]
    assert np.array_equal(whole.pixels, expected)
    assert not np.array_equal(whole.pixels, one.pixels)


def test_no_paths(folder: Path) -> None:
    before = children()
    with Decoders(str(folder), PREPROCESSING, workers=2, seconds=30) as opened:
        assert list(opened.decode([])) == []
        assert children() == before  # no worker is started for nothing


def test_what_cannot_be_read_or_decoded_has_a_reason(
    folder: Path, draw: Callable[..., list[str]], decoded: Callable[..., list[Decoded]]
) -> None:
    (folder / "text.png").write_bytes(b"no picture")
    good, none, text, outside, again = decoded([*draw("a"), "none.png", "text.png", "../a.png", "a.png"])
    assert is_good(folder, "a.png", good)
    assert is_good(folder, "a.png", again)
    missing = "no such file; put the picture there or take the artwork out of the catalog"
    assert none == Decoded(None, 0, 0, None, missing)
    assert outside == Decoded(None, 0, 0, None, "leaves the folder of the pictures; put the file below it")
    assert (text.sha256, text.pixels) == (hashlib.sha256(b"no picture").hexdigest(), None)
    assert text.reason.startswith("is none of JPEG")


def test_odd_paths_do_no_harm(
    folder: Path, draw: Callable[..., list[str]], drawing: Callable[..., Any], decoded: Callable[..., list[Decoded]]
) -> None:
    latin = os.fsdecode(b"caf\xe9.png")
    drawing("latin").save(folder / latin, "PNG")
    found = decoded([latin, "x" * 2**20, "a\0b.png", "\ud800.png", "", *draw("a")])
    assert [one.reason.partition(";")[0] for one in found] == [
        "",
        "cannot be read: File name too long",
        "no file can have such a name",
        "no file can have such a name",
        "no such file",
        "",
    ]


def test_paths_are_taken_as_they_are_needed(folder: Path, draw: Callable[..., list[str]]) -> None:
    draw("a")
    taken = 0

    def endless() -> Iterator[str]:
        nonlocal taken
        while True:
            taken += 1
            yield "a.png"

    with Decoders(str(folder), PREPROCESSING, workers=2, seconds=30) as opened:
        found = opened.decode(endless())
        for number, one in enumerate(itertools.islice(found, 200)):
            assert is_good(folder, "a.png", one)
            assert taken <= number + 2 * decoders.AHEAD
        found.close()


def test_workers_go_on_while_nobody_asks(folder: Path, draw: Callable[..., list[str]]) -> None:
    paths = draw(*(f"p{number}" for number in range(30)))
    with Decoders(str(folder), PREPROCESSING, workers=2, seconds=30) as opened:
        found = opened.decode(paths)
        next(found)
        deadline = time.monotonic() + 60
        pool = opened._pool
        assert pool is not None
        while any(worker.tasks for worker in pool.workers) or pool.tasks:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        for path in paths:
            (folder / path).unlink()  # too late: they are all decoded
        assert all(one.reason == "" for one in found)


def test_two_uses_at_once_and_one_that_is_given_up(folder: Path, draw: Callable[..., list[str]]) -> None:
    paths = draw(*"abcdefgh")
    with Decoders(str(folder), PREPROCESSING, workers=2, seconds=30) as opened:
        given_up = opened.decode(paths * 10)
        next(given_up)
        given_up.close()
        one, other = opened.decode(paths), opened.decode(reversed(paths))
        for path, backward in zip(paths, reversed(paths), strict=True):
            assert is_good(folder, path, next(one))
            assert is_good(folder, backward, next(other))
        assert len(children()) == 2  # the same workers all the time


DEATHS = [
    ("SLEEPS", r"could not be decoded in 1 s; export it again, or allow more time for a picture"),
    ("HANGS", r"could not be decoded in 1 s; export it again, or allow more time for a picture"),
    ("CRASHES", r"took its decoder down twice (SIGSEGV); export it again"),
    ("EXITS", r"took its decoder down twice (exit code 7); export it again"),
    ("LEAVES", r"cannot be used: SystemExit: 3; export it again"),
    ("INTERRUPTS", r"cannot be used: KeyboardInterrupt: ; export it again"),
    ("EATS", r"needs more memory than there is; export it smaller or run with fewer workers"),
    ("RECURS", r"is damaged or cut off (maximum recursion depth exceeded"),
]


@pytest.mark.parametrize("workers", [1, 2])
def test_whatever_a_picture_does_to_its_worker_it_alone_is_set_aside(
    folder: Path,
    draw: Callable[..., list[str]],
    hostile: Callable[..., str],
    decoded: Callable[..., list[Decoded]],
    workers: int,
) -> None:
    good = draw(*"abc")
    paths = [path for word, _ in DEATHS for path in (*good, hostile(word))] + good
    found = decoded(paths, workers=workers, seconds=1)
    reasons = [(path, one.reason) for path, one in zip(paths, found, strict=True) if path not in good]
    for (word, expected), (path, reason) in zip(DEATHS, reasons, strict=True):
        assert path == f"{word}.png"
        assert reason.startswith(expected), reason
    for path, one in zip(paths, found, strict=True):
        assert one.sha256 == hashlib.sha256((folder / path).read_bytes()).hexdigest()
        assert path not in good or is_good(folder, path, one)


def test_a_worker_killed_from_outside_costs_no_picture(
    tmp_path: Path, folder: Path, draw: Callable[..., list[str]], hostile: Callable[..., str], decoded: Callable[..., Any]
) -> None:
    [path] = draw("a")
    body = str(tmp_path / "killed").encode() + b"\n" + (folder / path).read_bytes()
    once = hostile("CRASHES-ONCE", body=body)
    before, found, after = decoded([path, once, path], workers=1)
    assert (tmp_path / "killed").exists()
    assert (found.reason, found.width, found.height) == ("", 96, 64)
    assert np.array_equal(found.pixels, before.pixels)
    assert is_good(folder, path, after)


def test_a_picture_that_kills_its_worker_has_a_second_chance_and_no_third(
    tmp_path: Path, hostile: Callable[..., str], decoded: Callable[..., list[Decoded]]
) -> None:
    [one] = decoded([hostile("COUNTS", body=str(tmp_path / "deaths").encode())])
    assert one.reason == "took its decoder down twice (SIGKILL); export it again"
    assert (tmp_path / "deaths").read_text() == "++"


def test_workers_that_are_killed_all_the_time_end_with_the_same_pixels(folder: Path, draw: Callable[..., list[str]]) -> None:
    paths = draw(*(f"p{number}" for number in range(12))) * 8
    with Decoders(str(folder), PREPROCESSING, workers=2, seconds=30) as opened:
        for number, (path, one) in enumerate(zip(paths, opened.decode(paths), strict=True)):
            assert is_good(folder, path, one)
            if number % 20 == 5:
                assert opened._pool is not None
                os.kill(opened._pool.workers[0].process.pid, signal.SIGKILL)


def test_the_clock_is_each_picture_s_own(
    folder: Path, draw: Callable[..., list[str]], hostile: Callable[..., str], decoded: Callable[..., list[Decoded]]
) -> None:
    """Ten pictures of 0.3 s each, of one worker, may take 1 s each and 3 s together."""
    [path] = draw("a")
    slow = [hostile("WAITS", f"{number}.png", b"0.3 " + (folder / path).read_bytes()) for number in range(10)]
    start = time.monotonic()
    assert [one.reason for one in decoded(slow, workers=1, seconds=1.5)] == [""] * 10
    assert time.monotonic() - start > 3


def test_a_caller_who_is_slow_to_ask_costs_no_picture_and_no_worker(folder: Path, draw: Callable[..., list[str]]) -> None:
    with Decoders(str(folder), PREPROCESSING, workers=1, seconds=0.5) as opened:
        paths = draw(*"abcdef")
        found = opened.decode([*paths, *paths])
        assert next(found).reason == ""
        [worker] = children()
        for _ in range(4):
            time.sleep(0.3)
            assert next(found).reason == ""
        time.sleep(1)  # with all of them done, the worker has nothing to do
        assert [one.reason for one in found] == [""] * 7
        assert children() == {worker}


def test_what_pillow_warns_of_is_nobody_s_concern(
    folder: Path, drawing: Callable[..., Any], decoded: Callable[..., list[Decoded]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONWARNINGS", "error")
    drawing("a").save(folder / "a.jpg")
    whole = (folder / "a.jpg").read_bytes()
    exif = b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\x12\x01" * 20
    (folder / "broken exif.jpg").write_bytes(whole[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + whole[2:])
    plain, warned_of = decoded(["a.jpg", "broken exif.jpg"])
    assert warned_of.reason == ""
    assert np.array_equal(warned_of.pixels, plain.pixels)


def test_a_worker_that_is_stopped_is_ended_after_all(
    folder: Path,
    draw: Callable[..., list[str]],
    hostile: Callable[..., str],
    decoded: Callable[..., list[Decoded]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(decoders, "GRACE", 1.0)
    stopped, good = decoded([hostile("STOPS"), *draw("a")], workers=1, seconds=1)
    assert stopped.reason.startswith("could not be decoded in 1 s")
    assert is_good(folder, "a.png", good)


SLOW_DISK = """
import os, time
plain = os.fstat

def fstat(file):
    if "slow" in os.readlink(f"/proc/self/fd/{file}"):
        time.sleep(3600)
    return plain(file)

os.fstat = fstat
"""


def test_reading_has_its_time_limit_too(
    folder: Path, draw: Callable[..., list[str]], decoded: Callable[..., list[Decoded]], tmp_path: Path, monkeypatch: Any
) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(SLOW_DISK)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    slow, good = decoded(draw("slow", "a"), workers=1, seconds=1)
    assert slow == Decoded(None, 0, 0, None, "could not be read in 1 s; export it again, or allow more time for a picture")
    assert is_good(folder, "a.png", good)


def test_where_no_worker_can_start_it_is_an_error_and_no_picture_s_fault(
    folder: Path, draw: Callable[..., list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = draw(*"abc")
    (tmp_path / "site" / "PIL").mkdir(parents=True)
    (tmp_path / "site" / "PIL" / "__init__.py").write_text("raise ImportError('libjpeg is gone')")
    with Decoders(str(folder), PREPROCESSING, workers=2, seconds=30) as opened, monkeypatch.context() as patch:
        patch.syspath_prepend(tmp_path / "site")
        for _ in range(2):  # the second time, too, and at once
            with pytest.raises(ArtworkMatcherError, match=r"no process that decodes .* be started \(ImportError\('libjpeg"):
                list(opened.decode(paths))
    with Decoders(str(folder), PREPROCESSING, workers=2, seconds=30) as opened:
        monkeypatch.setattr(sys, "executable", str(tmp_path / "no-python"))
        with pytest.raises(ArtworkMatcherError, match=r"can be started \(\[Errno 2\] No such file"):
            list(opened.decode(paths))


def test_where_nothing_below_a_url_can_be_had_the_run_ends() -> None:
    with (
        Decoders("nosuchstore://bucket", PREPROCESSING, workers=1, seconds=30) as opened,
        pytest.raises(CatalogError, match="pictures at nosuchstore://bucket: "),
    ):
        list(opened.decode(["a.png", "b.png"]))


def test_pictures_are_read_by_url(folder: Path, draw: Callable[..., list[str]], decoded: Callable[..., list[Decoded]]) -> None:
    """local:// is fsspec's own name for files, which takes the way of every object store."""
    paths = draw(*(f"p{number}" for number in range(40)))
    with Decoders(f"local://{folder}", PREPROCESSING, workers=2, seconds=30) as opened:
        found = list(opened.decode([*paths, "none.png"]))
    assert found[-1].reason.startswith("no such object")
    assert all(is_good(folder, path, one) for path, one in zip(paths, found[:-1], strict=True))


def test_a_worker_loads_pillow_and_numpy_and_nothing_heavy(
    hostile: Callable[..., str], decoded: Callable[..., list[Decoded]]
) -> None:
    [one] = decoded([hostile("TELLS")])
    loaded = set(one.reason.partition("(")[2].partition(")")[0].split(","))
    assert {"PIL.Image", "numpy", "embed.shrinking"} <= loaded
    heavy = {"torch", "torchvision", "open_clip", "pyarrow", "lance", "fsspec", "ray", "embed.job", "multiprocessing.spawn"}
    assert not loaded & heavy


@pytest.mark.parametrize("word", ["", "CRASHES", "SLEEPS"])
def test_nothing_is_left_behind(folder: Path, draw: Callable[..., list[str]], hostile: Callable[..., str], word: str) -> None:
    """Given up after the first picture, with many more queued, and the second one doing its worst."""
    first, *others = draw(*"abcdefgh")
    descriptors, processes, threads = set(os.listdir("/proc/self/fd")), children(), set(threading.enumerate())
    with Decoders(str(folder), PREPROCESSING, workers=2, seconds=20) as opened:
        found = opened.decode([first, *([hostile(word)] if word else []), *others])
        assert is_good(folder, first, next(found))
        started = children() - processes
        assert started
    assert children() == processes
    assert set(os.listdir("/proc/self/fd")) <= descriptors  # other tests' may be gone
    assert not any(Path(f"/proc/{pid}").exists() for pid in started)
    assert set(threading.enumerate()) <= threads


def test_closing_does_not_wait_for_a_decoder_that_hangs(folder: Path, hostile: Callable[..., str]) -> None:
    with Decoders(str(folder), PREPROCESSING, workers=1, seconds=60) as opened:
        found = opened.decode(itertools.chain([hostile("WAITS", "a.png", b"0 ")], [hostile("SLEEPS")]))
        next(found)
        start = time.monotonic()
    assert time.monotonic() - start < 5


PLAIN_SCRIPT = """
import sys
from embed.decoders import Decoders
from embed.preprocessing import preprocessing_of
print("once")
with Decoders(sys.argv[1], preprocessing_of({"size": 32}), workers=2, seconds=60) as opened:
    for one in opened.decode(sys.argv[2:] * 4):
        print(one.width, one.reason, flush=True)
"""


def test_a_script_without_a_main_guard_runs_once_and_whatever_lies_beside_it(
    tmp_path: Path, folder: Path, draw: Callable[..., list[str]]
) -> None:
    (tmp_path / "here").mkdir()
    for name in ("embed", "PIL", "numpy", "multiprocessing"):  # in the current folder, and so in nobody's way
        (tmp_path / "here" / f"{name}.py").write_text("raise SystemExit('the wrong module')")
    (tmp_path / "script.py").write_text(PLAIN_SCRIPT)
    command = [sys.executable, str(tmp_path / "script.py"), str(folder), *draw("a")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=tmp_path / "here")
    assert (done.stdout.splitlines(), done.stderr) == (["once", *["96 "] * 4], "")


def has_ended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def running(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    folder: Path,
    draw: Callable[..., list[str]],
    hostile: Callable[..., str],
) -> Iterator[Any]:
    """A script in the middle of its pictures, one of which sleeps for as long as it may, and its workers' process ids."""
    heard = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # also where whoever tests ignores Ctrl-C
    )
    script = PLAIN_SCRIPT.replace("seconds=60", f"seconds={getattr(request, 'param', 5)}")
    (tmp_path / "script.py").write_text(heard + script)
    command = [sys.executable, str(tmp_path / "script.py"), str(folder), *draw("a"), hostile("SLEEPS")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    with process:
        assert process.stdout is not None
        assert [process.stdout.readline() for _ in range(2)] == ["once\n", "96 \n"]
        workers = [
            int(pid) for task in Path(f"/proc/{process.pid}/task").iterdir() for pid in (task / "children").read_text().split()
        ]
        assert len(workers) == 2
        yield process, workers
        process.kill()


def test_workers_end_by_themselves_where_their_starter_is_killed(running: Any) -> None:
    """Also the one that is in the middle of a picture: its timer is the kernel's."""
    process, workers = running
    process.kill()
    wait_for(lambda: all(has_ended(pid) for pid in workers))


@pytest.mark.parametrize("running", [60], indirect=True)  # so that it is still at it, however late we come
def test_ctrl_c_ends_all_without_a_word_from_the_workers(running: Any) -> None:
    process, workers = running
    os.killpg(process.pid, signal.SIGINT)
    errors = process.communicate(timeout=60)[1]
    assert process.returncode != 0
    assert errors.count("Traceback") == 1
    assert errors.splitlines()[-1] == "KeyboardInterrupt"
    wait_for(lambda: all(has_ended(pid) for pid in workers))
