"""One writer at a time: a second is refused and told who holds the folder; a dead holder holds nothing."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from embed.errors import StoreError
from embed.locks import only_writer

# Holds the folder until it is killed, or until its input ends; a child of its own lives on.
HOLDER = """
import subprocess, sys
from pathlib import Path
from embed.locks import only_writer

with only_writer(Path(sys.argv[1]), "embed_artwork"):
    child = subprocess.Popen(["sleep", "60"], stdout=subprocess.DEVNULL)
    print(child.pid, flush=True)
    sys.stdin.read()
"""


@contextmanager
def holder(folder: Path) -> Iterator[subprocess.Popen[str]]:
    arguments = [sys.executable, "-c", HOLDER, str(folder)]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        child = int(process.stdout.readline())
        try:
            yield process
        finally:
            os.kill(child, signal.SIGKILL)
            process.kill()


def test_a_second_process_is_refused_and_told_who_holds_it(tmp_path: Path) -> None:
    with holder(tmp_path) as process, pytest.raises(StoreError) as caught, only_writer(tmp_path, "embed_users"):
        raise AssertionError("two writers")
    where = rf"process {process.pid} on {re.escape(socket.gethostname())}, since \d{{4}}-\d\d-\d\d \d\d:\d\d UTC"
    remedy = "wait for it, or stop it, and run again"
    assert re.fullmatch(
        rf"another embed_artwork \({where}\) is writing to {re.escape(str(tmp_path))}; {remedy}", str(caught.value)
    )


def test_a_holder_that_was_killed_holds_nothing_though_its_child_lives(tmp_path: Path) -> None:
    with holder(tmp_path) as process:
        process.kill()
        assert process.wait(timeout=10) == -signal.SIGKILL
        assert json.loads((tmp_path / "writer.json").read_text())["pid"] == process.pid  # it had no time to tidy up
        with only_writer(tmp_path, "embed_artwork"):
            assert json.loads((tmp_path / "writer.json").read_text())["pid"] == os.getpid()


def test_it_waits_as_long_as_it_is_told(tmp_path: Path) -> None:
    with holder(tmp_path) as process:
        threading.Timer(0.3, process.kill).start()
        with only_writer(tmp_path, "embed_artwork", wait=20):
            pass
    for wait, most in ((0.3, 10), (0, 4)):
        start = time.monotonic()
        with (
            only_writer(tmp_path, "one"),
            pytest.raises(StoreError, match="another one"),
            only_writer(tmp_path, "two", wait=wait),
        ):
            pass
        assert wait <= time.monotonic() - start < most


def test_a_thread_of_the_same_process_is_refused(tmp_path: Path) -> None:
    refused: list[str] = []

    def try_it() -> None:
        try:
            with only_writer(tmp_path, "embed_artwork"):
                pass
        except StoreError as error:
            refused.append(str(error))

    with only_writer(tmp_path, "embed_artwork"):
        try_it()
        thread = threading.Thread(target=try_it)
        thread.start()
        thread.join()
    assert [f"another embed_artwork (process {os.getpid()} on" in text for text in refused] == [True, True]
    try_it()
    assert len(refused) == 2


def fail_while_it_is_held(folder: Path) -> None:
    with only_writer(folder, "embed_artwork"):
        assert (folder / "writer.json").exists()
        raise KeyError


def test_it_is_free_again_after_an_error_and_names_nobody(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    for _ in range(2):
        with pytest.raises(KeyError):
            fail_while_it_is_held(folder)
        assert [file.name for file in folder.iterdir()] == ["writer.lock"]


def test_two_folders_have_two_locks(tmp_path: Path) -> None:
    with only_writer(tmp_path / "one", "embed_artwork"), only_writer(tmp_path / "two", "embed_artwork"):
        pass


@pytest.mark.parametrize("note", [None, "", "{", "[]", '{"what": "x", "pid": "y"}'])
def test_a_holder_without_a_readable_note_is_another_process(tmp_path: Path, note: str | None) -> None:
    with only_writer(tmp_path, "embed_artwork"):
        (tmp_path / "writer.json").unlink()
        if note is not None:
            (tmp_path / "writer.json").write_text(note)
        with pytest.raises(StoreError, match=r"^another process is writing to"), only_writer(tmp_path, "embed_users"):
            pass


def test_a_dead_process_is_not_named(tmp_path: Path) -> None:
    with holder(tmp_path) as process:
        process.kill()
        process.wait(timeout=10)
    left = (tmp_path / "writer.json").read_text()
    with only_writer(tmp_path, "embed_artwork"):
        (tmp_path / "writer.json").write_text(left)  # as it is until the new holder has written its own
        with pytest.raises(StoreError, match=r"^another process is writing to"), only_writer(tmp_path, "embed_users"):
            pass


def test_a_folder_that_cannot_be_locked_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    reason = r"file/folder cannot be locked \(Not a directory\); check permissions, and that its file system has locks"
    with pytest.raises(StoreError, match=reason), only_writer(tmp_path / "file" / "folder", "embed_artwork"):
        pass
