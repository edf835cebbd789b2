"""The door beyond a title: the artwork of the catalog that fits words, a picture, people, tags and a segment."""

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
    artworks = found(invoke, served, "rain at night", "--count", 4)
    assert len(artworks) == 4
    for fact in ("similarity", "fit"):
        facts = [artwork[fact] for artwork in artworks]
        assert facts == sorted(facts, reverse=True)
    assert artworks[0]["met"][0]["similarity"] == artworks[0]["similarity"]
    assert len(found(invoke, served, "rain", "--count", 100)) == 9


def test_each_phrase_and_the_picture_are_met_by_every_artwork(invoke: Callable, served: Store, catalog_folder: Path) -> None:
    picture = catalog_folder / "pictures" / "caper-van.png"
    artworks = found(invoke, served, "rain at night, two people", "--picture", picture)
    assert [met["question"] for met in artworks[0]["met"]] == ["rain at night", "two people", str(picture)]
    assert {artwork["similarity"] for artwork in artworks} == {None}
    fits = [artwork["fit"] for artwork in artworks]
    assert fits == sorted(fits, reverse=True)


def test_people_tags_titles_and_words_at_once(invoke: Callable, served: Store) -> None:
    asked = ("--person", "ben MARSH", "--tag", "Portrait", "--title", "The Tin Caper", "--locale", "de")
    (hit,) = found(invoke, served, "rain", *asked)
    assert (hit["artwork_id"], hit["people"], hit["tags"]) == ("caper-ben", ["Ben Marsh"], ["portrait"])
    assert [artwork["artwork_id"] for artwork in found(invoke, served, "--person", "Ben Marsh")] == [
        *("caper-ben", "harbour-couple"),
    ]
    result = invoke("find_artwork", "--store", served.root, "--json", *asked)
    assert json.loads(result.stdout)["conditions"] == [
        {"condition": "shows ben MARSH", "artworks": 2},
        {"condition": "tagged Portrait", "artworks": 4},
        {"condition": "of The Tin Caper", "artworks": 3},
        {"condition": "for de", "artworks": 9},
    ]


def test_names_alone_need_no_encoder(invoke: Callable, served: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("embed.encoder.load_encoder", None)
    assert len(found(invoke, served, "--tag", "portrait")) == 4


def test_accepted_tags_count_once_they_are_published(
    invoke: Callable, refused: Callable, served: Store, catalog_folder: Path, write_rows: Callable
) -> None:
    from embed.catalog import read_catalog
    from embed.encoder import load_encoder
    from embed.job import embed_artwork
    from index.publish import publish_snapshot

    assert "has it" in refused(invoke("find_artwork", "--store", served.root, "--tag", "clock"))
    write_rows(catalog_folder, "accepted_tags", [{"artwork_id": "lone-only", "tag": "clock"}])
    embed_artwork(read_catalog(catalog_folder), served, load_encoder(served.choice))
    publish_snapshot(served)
    assert [artwork["artwork_id"] for artwork in found(invoke, served, "--tag", "Clock")] == ["lone-only"]


@pytest.fixture
def clicks(tmp_path: Path, write_rows: Callable) -> Path:
    """In the segment teens: Ben's picture shown 200 times and played 40 times, Cleo's shown 200 times; the van only to parents."""
    shown = [("caper-ben", "teens", 200), ("caper-cleo", "teens", 200), ("caper-van", "parents", 100)]
    rows = [
        {"impression_id": f"{artwork}-{number}", "title_id": "caper", "artwork_id": artwork, "segment": segment}
        for artwork, segment, count in shown
        for number in range(count)
    ]
    plays = [{"impression_id": f"caper-ben-{number}", "seconds": 900, "fraction": 0.5} for number in range(40)]
    write_rows(tmp_path / "logs", "impressions", rows)
    write_rows(tmp_path / "logs", "plays", plays)
    return tmp_path / "logs"


def test_a_segment_keeps_what_was_shown_there_the_most_played_first(invoke: Callable, served: Store, clicks: Path) -> None:
    artworks = found(invoke, served, "--segment", "Teens", "--clicks", clicks)
    assert [(a["artwork_id"], a["segment"]["impressions"], a["segment"]["plays"]) for a in artworks] == [
        *(("caper-ben", 200, 40), ("caper-cleo", 200, 0)),
    ]
    assert artworks[0]["segment"]["mean"] > artworks[1]["segment"]["mean"]
    (one,) = found(invoke, served, "rain", "--segment", "teens", "--clicks", clicks, "--person", "Cleo Vance")
    assert one["artwork_id"] == "caper-cleo"
    table = invoke("find_artwork", "--store", served.root, "--segment", "teens", "--clicks", clicks).stdout
    assert "Of 9 artworks, 2 shown to teens, the most played there first" in table
    assert "(40 of 200)" in table


def test_what_nobody_knows_is_refused_with_what_there_is(
    invoke: Callable, refused: Callable, served: Store, clicks: Path
) -> None:
    def asking(*arguments: object) -> str:
        return str(refused(invoke("find_artwork", "--store", served.root, *arguments)))

    assert "near it: 'Ben Marsh'" in asking("--person", "Ben Marsch")
    assert "near it: 'portrait'" in asking("--tag", "portraits")
    assert "near it: 'harbour'" in asking("--title", "harbor")
    assert "there are 'teens' (400 impressions), 'parents' (100" in asking("--segment", "adults", "--clicks", clicks)
    assert "no folder of logs" in asking("--segment", "adults", "--clicks", clicks / "none")


def test_what_nothing_meets_together_says_what_each_leaves(invoke: Callable, served: Store) -> None:
    result = invoke("find_artwork", "--store", served.root, "rain", "--person", "Dora Pike", "--tag", "van")
    assert result.exit_code == 0
    assert "note: no artwork meets all of this together (1 shows Dora Pike; 1 tagged van)" in result.stderr


def test_the_table_says_why(invoke: Callable, served: Store) -> None:
    table = invoke(
        "find_artwork", "--store", served.root, "rain, two people", "--person", "Ben Marsh", "--tag", "portrait"
    ).stdout
    assert "Of 9 artworks, 1 shows Ben Marsh and tagged portrait, nearest to rain, two people (exact)" in table
    line = next(line for line in table.splitlines() if " caper-ben " in line)
    assert "rain " in line
    assert "; with Ben Marsh; tagged portrait" in line


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


def test_a_phrase_that_is_not_read_whole_is_divided_and_that_is_said(invoke: Callable, served: Store) -> None:
    result = invoke("find_artwork", "--store", served.root, "word " * 100)
    assert result.exit_code == 0
    assert "note: a phrase is more than the 77 tokens the text tower reads, and is read in 2 parts: word word" in result.stderr


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


@pytest.mark.parametrize(
    "arguments",
    [(), (" ",), (" ,;", "--tag", "van"), ("rain", "--count", "0"), ("rain", "--segment", "teens"), ("rain", "--clicks", ".")],
    ids=str,
)
def test_what_asks_for_nothing_or_for_half_of_something(invoke: Callable, served: Store, arguments: tuple) -> None:
    result = invoke("find_artwork", "--store", served.root, *arguments)
    assert (result.exit_code, result.stdout) == (2, "")


def test_no_snapshot_yet(invoke: Callable, refused: Callable, store: Store, tmp_path: Path) -> None:
    assert "has no snapshot yet" in refused(invoke("find_artwork", "--store", store.root, "rain"))
    assert "no store at" in refused(invoke("find_artwork", "--store", tmp_path / "nowhere", "rain"))
