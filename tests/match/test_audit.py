"""The audit of choices: shares counted by hand, and no difference where there is none."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from embed.errors import LogError
from embed.records import CHOICE_LOG
from embed.store import Store
from match.audit import NOBODY, Audit, audit_of
from match.choices import write_choices
from match.exploring.log import as_json, lines_of

AT = datetime(2026, 10, 5, tzinfo=UTC)


def rows_of(*choices: tuple[str | None, str, str, int], **more: Any) -> list[dict[str, Any]]:
    """(segment, title, artwork, how often) as rows of a log."""
    rows = []
    for segment, title, artwork, count in choices:
        row = {
            **dict.fromkeys(CHOICE_LOG.names),
            "impression_id": "i",
            "user_id": "u",
            "title_id": title,
            "artwork_id": artwork,
            "propensity": 1.0,
            "segment": segment,
            "shown_at": AT,
            "period": 1,
            "snapshot": "1",
            "parameters": "{}",
            "seed": 0,
            "policy": "best",
            "notes": [],
            "considered": [],
        }
        rows += [{**row, **more} for _ in range(count)]
    return rows


def audited(folder: Path, *rows: dict[str, Any]) -> Audit:
    pq.write_table(pa.Table.from_pylist(list(rows), schema=CHOICE_LOG), folder / "log.parquet")
    return audit_of(folder / "log.parquet")


def test_shares_by_hand(tmp_path: Path) -> None:
    """Of the young 3 of 4 get x, of the old 1 of 4: 4 of all 8, so that a quarter of each would have to change."""
    found = audited(
        tmp_path, *rows_of(("young", "t", "x", 3), ("young", "t", "y", 1), ("old", "t", "x", 1), ("old", "t", "y", 3))
    )
    assert (found.choices, found.without_artwork, found.spoke) == (8, 0, [])
    by_chance = np.sqrt(2 / np.pi) * np.sqrt(0.25 * (1 / 4 - 1 / 8))
    for row, name, others in zip(found.segments, ["old", "young"], [0.75, 0.25], strict=True):
        assert (row["segment"], row["choices"], row["titles"], row["differs"]) == (name, 4, 1, 0.25)
        assert row["by_chance"] == pytest.approx(by_chance)
        assert row["not_the_commonest"] == others  # x and y are equally common, and x is named first
    cell = found.cells[0]
    assert (cell["segment"], cell["artwork_id"], cell["choices"], cell["of_choices"]) == ("old", "y", 3, 4)
    assert cell["score"] == pytest.approx(0.25 / np.sqrt(0.25 * (1 / 4 - 1 / 8)))


def test_segments_that_do_not_differ_differ_by_chance(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    segments, artwork = rng.choice(["young", "old", "other"], 6000), rng.choice(list("abcd"), 6000, p=[0.5, 0.3, 0.1, 0.1])
    drawn = [(segments[n], f"t{n % 30}", artwork[n], 1) for n in range(6000)]
    found = audited(tmp_path, *rows_of(*drawn))
    for row in found.segments:
        assert row["differs"] == pytest.approx(row["by_chance"], rel=0.25)  # of 30 titles
    often = [cell["score"] for cell in found.cells if cell["usual"] * cell["of_choices"] >= 10]  # fewer are skewed
    assert 1 < max(often) < 4


def test_one_segment_is_as_all_are(tmp_path: Path) -> None:
    found = audited(tmp_path, *rows_of((None, "t", "x", 3), (None, "t", "y", 1)))
    (row,) = found.segments
    assert (row["segment"], row["differs"], row["by_chance"], row["not_the_commonest"]) == (NOBODY, 0, 0, 0.25)
    assert found.cells == []


def test_guards_that_spoke_are_counted(tmp_path: Path) -> None:
    rows = rows_of(("young", "t", "x", 2), notes=["prominence: 1 of 3 set aside", "variety: 1 of 2 set aside"])
    rows += rows_of(("young", "t", "x", 1), kept="budget") + rows_of(("old", "t", "x", 1), notes=["variety: 2 of 3 set aside"])
    spoke = [(row["guard"], row["segment"], row["choices"], row["share"]) for row in audited(tmp_path, *rows).spoke]
    assert spoke == [
        ("kept for the budget", "young", 1, pytest.approx(1 / 3)),
        ("prominence", "young", 2, pytest.approx(2 / 3)),
        ("variety", "young", 2, pytest.approx(2 / 3)),
        ("variety", "old", 1, 1.0),
    ]


def test_lines_of_text_and_folders_of_parquet_alike(tmp_path: Path) -> None:
    rows = rows_of(("young", "t", "x", 3), ("old", "t", "y", 2), notes=["variety: 1 of 2 set aside"])
    table = pa.Table.from_pylist(rows, schema=CHOICE_LOG)
    (folder := tmp_path / "it's [here]").mkdir()
    pq.write_table(table.slice(0, 2), folder / "one.parquet")
    pq.write_table(table.slice(2), folder / "two.parquet")
    (tmp_path / "log.jsonl").write_text("".join(as_json(line) + "\n" for line in lines_of(table)), encoding="utf-8")
    assert audit_of(folder) == audit_of(tmp_path / "log.jsonl")
    assert audit_of(folder).choices == 5


def test_choices_of_match_all_with_the_users_segments(tmp_path: Path, shared_store: Store) -> None:
    write_choices(shared_store, tmp_path / "choices")
    users = {"rosa": "romantic", "carl": "funny"}
    found = audit_of(tmp_path / "choices", pa.table({"user_id": list(users), "segment": list(users.values())}))
    assert found.choices == 16
    assert found.without_artwork == 4
    assert {row["segment"]: row["choices"] for row in found.segments} == {NOBODY: 6, "romantic": 3, "funny": 3}
    assert [row["guard"] for row in found.spoke] == ["title 'bare' has no usable artwork"] * 3
    assert {row["segment"] for row in audit_of(tmp_path / "choices").segments} == {NOBODY}


MAKES = {"absent": lambda at: None, "empty": lambda at: at.mkdir(), "text": lambda at: at.write_text("x")}


@pytest.mark.parametrize("make", MAKES.values(), ids=MAKES)
def test_what_cannot_be_read_is_said(tmp_path: Path, make: Callable[[Path], object]) -> None:
    make(tmp_path / "there")
    with pytest.raises(LogError, match="match_all"):
        audit_of(tmp_path / "there")


def test_a_log_without_its_columns_is_said(tmp_path: Path) -> None:
    pq.write_table(pa.table({"title_id": ["t"]}), tmp_path / "log.parquet")
    with pytest.raises(LogError, match="cannot be read"):
        audit_of(tmp_path / "log.parquet")
