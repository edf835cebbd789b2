"""The door of the audit."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from embed.store import Store


@pytest.fixture
def choices(invoke: Callable, served: Store, tmp_path: Path) -> Path:
    """What match_all wrote."""
    assert invoke("match_all", "--store", served.root, "--out", tmp_path / "choices").exit_code == 0
    return tmp_path / "choices"


def test_a_report_for_people_and_for_machines(invoke: Callable, served: Store, choices: Path) -> None:
    shown = invoke("report_audit", choices, "--store", served.root)
    assert shown.exit_code == 0
    assert "not the commonest" in shown.stdout
    record = json.loads(invoke("report_audit", choices, "--json").stdout)
    assert f"{record['choices']:,} choices in 1 segments" in shown.stdout
    assert record["segments"][0]["segment"] == "(none)"
    assert record["choices"] == record["segments"][0]["choices"] + record["without_artwork"]


def test_nothing_to_read(invoke: Callable, refused: Callable, tmp_path: Path) -> None:
    assert "no choices at" in refused(invoke("report_audit", tmp_path / "nowhere"))
