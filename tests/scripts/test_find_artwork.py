"""The door beyond a title: the nearest artwork of the catalog to words or a picture."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from embed.store import Store


def found(invoke: Callable, store: Store, *arguments: object) -> list[dict[str, Any]]:
    result = invoke("find_artwork", "--store", store.root, "--json", *arguments)
    assert (result.exit_code, result.stderr) == (0, "")
    answer = json.loads(result.stdout)
    assert (answer["how"], answer["recall"]) == ("exact", 1.0)
    return list(answer["artworks"])


def test_an_artwork_s_own_file_finds_itself_first(invoke: Callable, served: Store, catalog_folder: Path) -> None:
    for path in sorted((catalog_folder / "pictures").iterdir()):
        nearest = found(invoke, served, "--picture", path)[0]
        assert nearest["artwork_id"] == path.stem
        assert nearest["similarity"] == pytest.approx(1, abs=1e-4)


def test_words_find_as_many_as_are_asked_for_the_nearest_first(invoke: Callable, served: Store) -> None:
    artworks = found(invoke, served, "rain at night, two people", "--count", 4)
    assert len(artworks) == 4
    similarities = [artwork["similarity"] for artwork in artworks]
    assert similarities == sorted(similarities, reverse=True)
    assert set(artworks[0]) == {"artwork_id", "title_id", "caption", "path", "similarity"}
    assert len(found(invoke, served, "rain", "--count", 100)) == 9


def test_a_table_says_how_it_was_found(invoke: Callable, served: Store, catalog_folder: Path) -> None:
    picture = catalog_folder / "pictures" / "caper-van.png"
    result = invoke("find_artwork", "--store", served.root, "--picture", picture, "--count", "2")
    assert result.exit_code == 0
    assert "Of 9 artworks, nearest to" in result.stdout
    line = next(line for line in result.stdout.splitlines() if " caper-van " in line)
    assert [cell.strip() for cell in line.strip("│").split("│")] == [
        *("caper-van", "caper", "1.000", "", "pictures/caper-van.png"),
    ]


def test_after_a_switch_the_snapshot_s_own_encoder_reads(
    invoke: Callable, served: Store, catalog_folder: Path, other_encoder: Any
) -> None:
    from embed.catalog import read_catalog
    from embed.job import switch_to

    switch_to(read_catalog(catalog_folder), served, other_encoder)
    nearest = found(invoke, served, "--picture", catalog_folder / "pictures" / "abyss-dora.png")[0]
    assert (nearest["artwork_id"], round(nearest["similarity"], 3)) == ("abyss-dora", 1.0)


def test_a_checkpoint_that_is_another_one_now_is_refused(
    invoke: Callable, refused: Callable, served: Store, tmp_path: Path, make_checkpoint: Callable
) -> None:
    record = served.root / "store.json"
    shutil.copytree(make_checkpoint(seed=1), tmp_path / "checkpoint")
    before = served.choice.model.removeprefix("local-dir:")
    record.write_text(record.read_text(encoding="utf-8").replace(before, str(tmp_path / "checkpoint")), encoding="utf-8")
    line = refused(invoke("find_artwork", "--store", served.root, "rain"))
    assert "snapshot 000001" in line
    assert "their vectors do not compare; put that checkpoint back" in line


def test_more_words_than_are_read_are_said(invoke: Callable, served: Store) -> None:
    result = invoke("find_artwork", "--store", served.root, "word " * 200)
    assert result.exit_code == 0
    assert "note: that is more than the 77 tokens the text tower reads" in result.stderr


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("missing.png", None, "missing.png: no such file; give the path of a picture"),
        ("empty.png", b"", "empty.png: the file is empty"),
        ("text.png", b"no picture", "text.png: is none of JPEG, PNG"),
    ],
)
def test_a_picture_that_cannot_be_used(
    invoke: Callable, refused: Callable, served: Store, tmp_path: Path, name: str, data: bytes | None, reason: str
) -> None:
    if data is not None:
        (tmp_path / name).write_bytes(data)
    assert reason in refused(invoke("find_artwork", "--store", served.root, "--picture", tmp_path / name))


@pytest.mark.parametrize("arguments", [(), ("rain", "--picture", "a.png"), (" ",), ("rain", "--count", "0")], ids=str)
def test_what_asks_for_nothing_or_for_two_things(invoke: Callable, served: Store, arguments: tuple) -> None:
    result = invoke("find_artwork", "--store", served.root, *arguments)
    assert (result.exit_code, result.stdout) == (2, "")


def test_no_snapshot_yet(invoke: Callable, refused: Callable, store: Store, tmp_path: Path) -> None:
    assert "has no snapshot yet" in refused(invoke("find_artwork", "--store", store.root, "rain"))
    assert "no store at" in refused(invoke("find_artwork", "--store", tmp_path / "nowhere", "rain"))
