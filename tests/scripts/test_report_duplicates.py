"""The door that reports what looks alike."""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from embed.catalog import read_catalog
from embed.job import embed_artwork
from embed.store import Store
from index.duplicates import PAIRS
from index.publish import publish_snapshot

SAME_FILE = {"caper-van", "caper-ben", "abyss-trench"}


@pytest.fixture
def with_copies(store: Store, catalog_folder: Path, tiny_encoder: Any) -> Store:
    """A served store in which one title has the same file twice, and another title has it, too."""
    for copy in sorted(SAME_FILE - {"caper-ben"}):
        shutil.copy(catalog_folder / "pictures" / "caper-ben.png", catalog_folder / "pictures" / f"{copy}.png")
    embed_artwork(read_catalog(catalog_folder), store, tiny_encoder)
    publish_snapshot(store)
    return store


def report(invoke: Callable, store: Store, *arguments: object) -> dict[str, Any]:
    result = invoke("report_duplicates", "--store", store.root, "--json", *arguments)
    assert (result.exit_code, result.stderr) == (0, "")
    return dict(json.loads(result.stdout))


def test_copies_of_a_file_are_pairs_and_a_group(invoke: Callable, with_copies: Store) -> None:
    answer = report(invoke, with_copies, "--threshold", "1")
    names = ("found", "same_file", "within_title", "groups", "how", "recall", "threshold")
    assert [answer[name] for name in names] == [2, 2, 1, 1, "exact", 1.0, 1.0]
    pairs = {(pair["artwork_id"], pair["other_artwork_id"]): pair for pair in answer["pairs"]}
    assert set(pairs) == {("abyss-trench", "caper-ben"), ("caper-ben", "caper-van")}
    assert [pair["within_title"] for pair in answer["pairs"]] == [False, True]
    assert {pair["group_size"] for pair in answer["pairs"]} == {3}
    assert pairs["caper-ben", "caper-van"]["other_path"] == "pictures/caper-van.png"


def test_within_titles_only(invoke: Callable, with_copies: Store) -> None:
    answer = report(invoke, with_copies, "--threshold", "1", "--within-titles")
    assert (answer["found"], answer["how"]) == (1, "not compared")
    shown = invoke("report_duplicates", "--store", with_copies.root, "--threshold", "1", "--within-titles").stdout
    assert "exact within titles, two titles were not compared" in shown


def test_a_lower_threshold_finds_more(invoke: Callable, with_copies: Store) -> None:
    assert report(invoke, with_copies, "--threshold", "0.001")["found"] > report(invoke, with_copies)["found"] >= 2


def test_a_table_with_its_counts(invoke: Callable, with_copies: Store) -> None:
    result = invoke("report_duplicates", "--store", with_copies.root, "--threshold", "1")
    assert result.exit_code == 0
    line = next(line for line in result.stdout.splitlines() if " caper-van " in line)
    assert [cell.strip() for cell in line.strip("│").split("│")] == [
        *("1", "caper-ben", "caper", "caper-van", "caper", "1.000", "same file, same title"),
    ]
    assert result.stdout.splitlines()[-1] == (
        "2 pairs of 9 artworks look alike at 1 (1 within a title, 2 of the same file), in 1 group; exact"
    )


def test_nothing_alike_is_an_answer(invoke: Callable, served: Store) -> None:
    result = invoke("report_duplicates", "--store", served.root, "--threshold", "1")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("0 pairs of 9 artworks look alike at 1 ")


def test_a_long_report_is_cut_on_the_screen_only(
    invoke: Callable, served: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("artwork_doors.console.SHOWN", 2)
    out = tmp_path / "reports" / "pairs.parquet"
    result = invoke("report_duplicates", "--store", served.root, "--threshold", "0.001", "--out", out)
    pairs = pq.read_table(out)
    assert pairs.schema == PAIRS
    assert f"... and {len(pairs) - 2} more pairs" in result.stdout
    assert result.stdout.splitlines()[-1] == f"{len(pairs)} pairs are in {out}"
    assert [path.name for path in out.parent.iterdir()] == ["pairs.parquet"]


def test_a_file_for_spreadsheets(invoke: Callable, with_copies: Store, tmp_path: Path) -> None:
    out = tmp_path / "pairs.csv"
    assert invoke("report_duplicates", "--store", with_copies.root, "--threshold", "1", "--out", out).exit_code == 0
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["other_artwork_id"] for row in rows] == ["caper-ben", "caper-van"]
    assert list(rows[0]) == PAIRS.names


@pytest.mark.parametrize("arguments", [("--out", "pairs.xlsx"), ("--threshold", "0"), ("--threshold", "1.5")], ids=str)
def test_what_cannot_be_written_or_compared(invoke: Callable, served: Store, arguments: tuple) -> None:
    result = invoke("report_duplicates", "--store", served.root, *arguments)
    assert (result.exit_code, result.stdout) == (2, "")


def test_no_snapshot_yet(invoke: Callable, refused: Callable, store: Store) -> None:
    assert "has no snapshot yet" in refused(invoke("report_duplicates", "--store", store.root))
