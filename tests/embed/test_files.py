"""The bytes of local files: only regular ones below the root, at most so many, and a reason for every other."""

import os
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from embed import files
from embed.errors import PictureError
from embed.files import read_bytes


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An empty folder, with a file beside it that no path below it may reach."""
    (tmp_path / "secret.png").write_bytes(b"secret")
    (tmp_path / "pictures").mkdir()
    return tmp_path / "pictures"


def refused(root: Path, path: str) -> str:
    with pytest.raises(PictureError) as caught:
        read_bytes(str(root), path)
    return str(caught.value)


@pytest.mark.parametrize(
    "name", ["a.png", "sub/b.png", "ü ö.png", "夜.png", "-rf", "*?[a].png", "a\nb.png", " ", "%2e%2e", "a\\b"]
)
def test_a_file_below_the_root_is_read_whatever_its_name(root: Path, name: str) -> None:
    (root / "sub").mkdir()
    (root / name).write_bytes(b"anything")
    assert read_bytes(str(root), name) == b"anything"
    assert read_bytes(f"file://{root}", name) == b"anything"


def test_a_name_that_is_no_utf_8_is_read(root: Path) -> None:
    (root / os.fsdecode(b"caf\xe9.png")).write_bytes(b"anything")
    assert read_bytes(str(root), os.fsdecode(b"caf\xe9.png")) == b"anything"


def test_an_absolute_path_below_the_root_is_read(root: Path) -> None:
    (root / "a.png").write_bytes(b"anything")
    assert read_bytes(str(root), str(root / "a.png")) == b"anything"


@pytest.mark.parametrize(
    "path", ["../secret.png", "sub/../../secret.png", "sub/../../pictures/../secret.png", "/etc/passwd", ".."]
)
def test_a_path_that_leaves_the_root_is_refused(root: Path, path: str) -> None:
    (root / "sub").mkdir()
    assert refused(root, path) == "leaves the folder of the pictures; put the file below it"


def test_a_folder_whose_name_begins_like_the_root_s_is_another(root: Path) -> None:
    (root.parent / "pictures-of-others").mkdir()
    (root.parent / "pictures-of-others" / "a.png").write_bytes(b"secret")
    assert refused(root, "../pictures-of-others/a.png").startswith("leaves the folder")


def test_links_are_followed_within_the_root_and_not_out_of_it(root: Path) -> None:
    (root / "a.png").write_bytes(b"anything")
    (root / "inside.png").symlink_to("a.png")
    (root / "outside.png").symlink_to("../secret.png")
    (root / "up").symlink_to("..")
    assert read_bytes(str(root), "inside.png") == b"anything"
    for path in ("outside.png", "up/secret.png"):
        assert refused(root, path).startswith("leaves the folder")


def test_the_root_itself_may_be_a_link(root: Path) -> None:
    (root / "a.png").write_bytes(b"anything")
    (root.parent / "link").symlink_to(root)
    assert read_bytes(str(root.parent / "link"), "a.png") == b"anything"


def test_a_loop_of_links_is_refused(root: Path) -> None:
    (root / "one.png").symlink_to("two.png")
    (root / "two.png").symlink_to("one.png")
    assert refused(root, "one.png") == "cannot be read: Too many levels of symbolic links"


@pytest.mark.parametrize("path", ["none.png", "none/a.png", "a.png/b.png", "dangling.png", "folder", ".", ""])
def test_what_is_missing_or_no_file_is_named(root: Path, path: str) -> None:
    (root / "folder").mkdir()
    (root / "a.png").write_bytes(b"anything")
    (root / "dangling.png").symlink_to("nowhere.png")
    assert refused(root, path) == "no such file; put the picture there or take the artwork out of the catalog"


def test_a_name_that_the_catalog_could_not_spell_is_named(root: Path) -> None:
    assert refused(root, "caf\\udce9.png") == "its name is no UTF-8; rename the file and correct the catalog"


@pytest.mark.parametrize("path", ["a\0.png", "\ud800.png"])
def test_a_name_that_no_file_can_have_is_refused(root: Path, path: str) -> None:
    assert refused(root, path) == "no file can have such a name; correct the path in the catalog"


def test_a_name_that_is_too_long_is_refused(root: Path) -> None:
    assert refused(root, "x" * 300) == "cannot be read: File name too long"


def test_a_url_is_no_path_below_a_folder(root: Path) -> None:
    assert refused(root, "s3://bucket/a.png").startswith("is a URL, while the pictures are in a folder")


def test_a_pipe_and_a_socket_are_refused_at_once(root: Path) -> None:
    os.mkfifo(root / "pipe.png")
    assert refused(root, "pipe.png").startswith("no such file")  # reading it would wait for ever
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(root / "socket"))
        assert refused(root, "socket") == "cannot be read: No such device or address"


def test_a_device_is_refused_at_once(root: Path) -> None:
    try:
        os.mknod(root / "zero", stat.S_IFCHR | 0o666, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("only root may make devices")
    assert refused(root, "zero").startswith("no such file")  # reading it would never end


def test_an_empty_file_is_refused(root: Path) -> None:
    (root / "a.png").write_bytes(b"")
    assert refused(root, "a.png") == "the file is empty; copy it again"


def test_a_file_over_the_limit_is_refused_by_its_size(root: Path) -> None:
    with (root / "a.png").open("wb") as file:
        file.truncate(files.MAX_BYTES + 2**20)  # takes no room on the disk
    assert refused(root, "a.png") == "201 MiB is no thumbnail; the limit is 200 MiB"


def test_a_file_at_the_limit_is_read(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_BYTES", 8)
    (root / "a.png").write_bytes(b"anything")
    assert read_bytes(str(root), "a.png") == b"anything"


@pytest.mark.parametrize("change", [lambda path: path.write_bytes(b"any"), lambda path: path.write_bytes(b"anything else")])
def test_a_file_that_changes_size_while_it_is_read_is_refused(
    root: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], object]
) -> None:
    (root / "a.png").write_bytes(b"anything")
    whole = os.fstat

    def fstat(descriptor: int) -> os.stat_result:
        found = whole(descriptor)
        change(root / "a.png")
        return found

    with monkeypatch.context() as patch:
        patch.setattr(files.os, "fstat", fstat)
        reason = refused(root, "a.png")
    assert reason == "changed while it was read; run the job again"


def test_a_file_that_is_written_again_while_it_is_read_is_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "a.png").write_bytes(b"anything")
    times = iter([1, 2])

    def fstat(descriptor: int) -> os.stat_result:
        os.utime(descriptor, (0, next(times)))
        return os.stat(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(files.os, "fstat", fstat)
        reason = refused(root, "a.png")
    assert reason == "changed while it was read; run the job again"


@pytest.fixture
def open_to_all() -> Iterator[Path]:
    """A folder that everyone may enter, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


READ_AS_NOBODY = """
import os, sys
from embed.errors import PictureError
from embed.files import read_bytes
if os.geteuid() == 0:
    os.seteuid(65534)
for path in ("open.png", "closed.png", "closed/a.png"):
    try:
        print(path, read_bytes(sys.argv[1], path))
    except PictureError as error:
        print(path, error)
"""


def test_what_is_not_permitted_is_refused(open_to_all: Path) -> None:
    (open_to_all / "closed").mkdir()
    for path in ("open.png", "closed.png", "closed/a.png"):
        (open_to_all / path).write_bytes(b"anything")
        (open_to_all / path).chmod(0o644)
    (open_to_all / "closed.png").chmod(0)
    (open_to_all / "closed").chmod(0)
    command = [sys.executable, "-c", READ_AS_NOBODY, str(open_to_all)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    (open_to_all / "closed").chmod(0o755)
    assert done.stdout.splitlines() == [
        "open.png b'anything'",
        "closed.png cannot be read: Permission denied",
        "closed/a.png cannot be read: Permission denied",
    ], done.stderr
