"""Every command is documented, says what it takes, and says it at once."""

import importlib
import re
import subprocess
import tomllib
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

import pytest
import typer

ROOT = Path(__file__).parents[2]
COMMANDS: dict[str, str] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
DOORS = sorted(path.stem for path in (ROOT / "scripts").glob("*.py") if path.stem not in {"__init__", "console"})
INSTALLED = sorted(target.removeprefix("artwork_doors.").removesuffix(":main") for target in COMMANDS.values())
HEAVY = "torch|torchvision|open_clip|timm|faiss|lance|numpy|scipy|pyarrow|duckdb|PIL|jinja2|starlette|uvicorn|playwright|rich"


def door(name: str) -> ModuleType:
    return importlib.import_module(f"artwork_doors.{name}")


def test_the_contract_s_commands_are_there() -> None:
    contract = {"embed_artwork", "embed_users", "build_index", "match_user", "inspect_matches", "demo"}
    assert contract <= set(INSTALLED) <= set(DOORS)


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_each_console_command_resolves(command: str) -> None:
    (entry,) = entry_points(group="console_scripts", name=command)
    assert entry.load() is door(COMMANDS[command].removeprefix("artwork_doors.").removesuffix(":main")).main


@pytest.mark.parametrize("name", DOORS)
def test_each_door_documents_itself(name: str) -> None:
    module = door(name)
    assert module.__doc__
    assert f"`python scripts/{name}.py" in module.__doc__
    command = typer.main.get_command(module.app)
    assert command.help
    assert "Exit code 0:" in command.help
    for parameter in command.params:
        assert getattr(parameter, "help", None), f"{parameter.name} has no help"


@pytest.mark.parametrize("name", DOORS)
def test_each_door_stands_in_the_readme_or_among_the_measurements(name: str) -> None:
    where = "README.md" if name in INSTALLED else "docs/measurements.md"
    assert f"scripts/{name}.py" in (ROOT / where).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", DOORS)
def test_help_names_every_option_and_loads_nothing_heavy(
    name: str, run_script: Callable[..., "subprocess.CompletedProcess[str]"]
) -> None:
    ended = run_script(name, "--help", python=("-X", "importtime"))
    assert ended.returncode == 0
    options = {
        option for parameter in typer.main.get_command(door(name).app).params for option in parameter.opts if "-" in option
    }
    assert options <= set(re.findall(r"--[\w-]+", ended.stdout))
    imported = re.findall(r"^import time:.*\| +(\S+)$", ended.stderr, re.MULTILINE)
    assert "typer" in imported
    assert [module for module in imported if re.fullmatch(HEAVY, module.partition(".")[0])] == []
