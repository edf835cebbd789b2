"""Two ways through a door: in this process, which is quick, and in one of its own, as people go."""

import importlib
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def invoke() -> Callable[..., Any]:
    """invoke("match_user", "ada", "--store", store) -> result with exit_code, stdout, stderr; what nobody caught is raised."""
    from typer.testing import CliRunner

    def run(door: str, *arguments: object) -> Any:
        app = importlib.import_module(f"artwork_doors.{door}").app
        return CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)

    return run


@pytest.fixture(scope="session")
def run_script() -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """run_script("match_user", …) -> the ended process of `python scripts/match_user.py …`, neither of its streams a terminal."""

    def run(door: str, *arguments: object, python: tuple[str, ...] = ()) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, *python, str(ROOT / "scripts" / f"{door}.py"), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT.parent)

    return run


@pytest.fixture
def served(store: Any) -> Any:
    """`store` with a snapshot."""
    from index.publish import publish_snapshot

    publish_snapshot(store)
    return store


@pytest.fixture
def append_line() -> Callable[[Path, str], None]:
    """append_line(file, text)"""

    def append(path: Path, line: str) -> None:
        path.write_text(path.read_text(encoding="utf-8") + line + "\n", encoding="utf-8")

    return append


@pytest.fixture(scope="session")
def bytes_of() -> Callable[[Path], dict[str, str]]:
    """bytes_of(folder) -> every file in it and the sha256 of its bytes."""

    def read(folder: Path) -> dict[str, str]:
        files = (path for path in folder.rglob("*") if path.is_file())
        return {str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest() for path in files}

    return read


@pytest.fixture(scope="session")
def refused() -> Callable[[Any], str]:
    """refused(result) -> the one line with which a door said that it could not run."""

    def line(result: Any) -> str:
        code = getattr(result, "exit_code", None)
        assert (result.returncode if code is None else code) == 2
        assert result.stdout == ""
        lines = [line for line in result.stderr.splitlines() if not line.startswith("note: ")]
        assert len(lines) == 1
        assert lines[0].startswith("error: ")
        return str(lines[0])

    return line
