"""The measurement of shrinking: its pictures are what they are said to be, and its figures are the cosines of the job's own pixels."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from artwork_doors import evaluate_shrink
from artwork_doors.drawing.jpegs import KINDS, jpeg, kind_of


@pytest.fixture
def sources(tmp_path: Path, drawing: Callable[..., Any]) -> Path:
    (tmp_path / "sources").mkdir()
    for name in ("a", "b"):
        drawing(name, (300, 200)).save(tmp_path / "sources" / f"{name}.jpg")
    return tmp_path / "sources"


def test_the_same_number_makes_the_same_picture_of_its_kind(sources: Path) -> None:
    files = sorted(sources.glob("*.jpg"))
    made = [jpeg(number, files) for number in range(10)]
    assert [jpeg(number, files) for number in range(10)] == made
    assert len(set(made)) == 10
    assert {kind_of(number) for number in range(5)} == set(KINDS)
    for data in made:
        with Image.open(io.BytesIO(data)) as picture:
            assert picture.format == "JPEG"
            assert 200 <= max(picture.size) <= 4000


def test_figures_are_cosines_to_the_whole(sources: Path, invoke: Callable[..., Any], tiny_checkpoint: Path) -> None:
    result = invoke("evaluate_shrink", sources, "--count", 12, "--checkpoint", tiny_checkpoint, "--json")
    assert result.exit_code == 0
    answer = json.loads(result.stdout)
    figures = answer["figures"]
    assert list(figures) == ["whole", "1", "1.5", "2", "3", "4", "as used"]
    assert (figures["whole"]["minimum"], figures["whole"]["shrunk"]) == (1, 0)
    for name in ("1", "2", "4", "as used"):
        assert 0 < figures[name]["minimum"] < 1
        assert 0 < figures[name]["shrunk"] <= 1
        assert figures[name]["ms"] > 0
    assert figures["1"]["shrunk"] >= figures["2"]["shrunk"] >= figures["as used"]["shrunk"]
    assert set(answer["kinds"]) == set(KINDS)


def test_a_table_for_people(sources: Path, invoke: Callable[..., Any], tiny_checkpoint: Path) -> None:
    result = invoke("evaluate_shrink", sources, "--count", 1, "--checkpoint", tiny_checkpoint)
    assert "as used" in result.stdout
    assert "ms at 1000x1500" in result.stdout


def test_check_ends_with_1_where_a_target_is_missed(
    sources: Path, invoke: Callable[..., Any], tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("evaluate_shrink", sources, "--count", 5, "--checkpoint", tiny_checkpoint, "--check")
    monkeypatch.setattr(evaluate_shrink, "TARGETS", {"median": 0.5, "minimum": 0.5})
    assert invoke(*arguments).exit_code == 0
    monkeypatch.setattr(evaluate_shrink, "TARGETS", {"median": 0.5, "minimum": np.nextafter(1, 2)})
    assert invoke(*arguments).exit_code == 1


def test_a_folder_without_pictures_cannot_be_measured(tmp_path: Path, invoke: Callable[..., Any]) -> None:
    result = invoke("evaluate_shrink", tmp_path)
    assert result.exit_code == 2
    assert "no .jpg below" in result.stderr
