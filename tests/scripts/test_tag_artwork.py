"""The door of tagging: proposals into a file, decisions out of it, and the publisher's own tables as they were."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from embed.catalog import read_catalog
from embed.job import embed_artwork
from embed.store import Store, read_table


@pytest.fixture
def propose(invoke: Callable, catalog_folder: Path, store: Store, tmp_path: Path) -> Callable[..., Any]:
    """propose("--threshold", 0.1) -> the result; the file is tmp_path / "proposals.csv"."""
    return lambda *arguments: invoke(
        "tag_artwork", catalog_folder, "--store", store.root, "--out", tmp_path / "proposals.csv", *arguments
    )


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def decide(path: Path, decisions: list[str]) -> None:
    """Write them beside the first rows, as a person does."""
    found = rows(path)
    for row, decision in zip(found, decisions, strict=False):
        row["decision"] = decision
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(found[0]))
        writer.writeheader()
        writer.writerows(found)


def test_proposed_decided_proposed_again_and_accepted(
    invoke: Callable,
    propose: Callable,
    bytes_of: Callable,
    catalog_folder: Path,
    store: Store,
    tmp_path: Path,
    tiny_encoder: Any,
) -> None:
    before = bytes_of(catalog_folder)
    assert propose("--threshold", 0.001, "--most", 3).exit_code == 0
    first = rows(tmp_path / "proposals.csv")
    assert [list(row) for row in first] == [["artwork_id", "title_id", "path", "tag", "score", "decision"]] * 3
    assert {(row["artwork_id"], row["title_id"], row["path"]) for row in first} == {
        ("lone-only", "lone", "pictures/lone-only.png")
    }
    assert all(0 < float(row["score"]) <= 1 and row["decision"] == "" for row in first)
    decide(tmp_path / "proposals.csv", ["yes", "no"])
    answer = json.loads(propose("--threshold", 1, "--json").stdout)
    assert (answer["decided"], answer["added"], answer["dropped"]) == (2, 0, 1)
    assert rows(tmp_path / "proposals.csv") == [{**first[0], "decision": "yes"}, {**first[1], "decision": "no"}]
    result = invoke("tag_artwork", catalog_folder, "--accept", tmp_path / "proposals.csv")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("1 tags accepted, 0 taken back, 0 undecided; ")
    after = bytes_of(catalog_folder)
    assert after.pop("accepted_tags.csv")
    assert after == before
    assert read_catalog(catalog_folder, strict=True).artwork["tags"].to_pylist()[-1] == [first[0]["tag"]]
    embed_artwork(read_catalog(catalog_folder, only=("titles", "artwork")), store, tiny_encoder)
    stored = read_table(store, "artwork", ["artwork_id", "tags"], where="artwork_id = 'lone-only'")
    assert stored["tags"].to_pylist() == [[first[0]["tag"]]]


def test_json_has_the_whole_report(propose: Callable, tmp_path: Path) -> None:
    (tmp_path / "tags.txt").write_text("two friends\n\nstorm at sea\n", encoding="utf-8")
    result = propose("--threshold", 0.001, "--tags", tmp_path / "tags.txt", "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    answer = json.loads(result.stdout)
    # 6 tags of the artwork; 6 genres, 4 keywords less "sea" and "darkness", which are tags; 2 listed
    assert (answer["untagged"], answer["vocabulary"], answer["proposals"], answer["added"]) == (1, 16, 5, 5)
    assert (answer["fitted"], answer["threshold"], answer["most"]) == (False, 0.001, 5)
    assert (answer["reliability"]["pictures"], answer["reliability"]["titles"], answer["reliability"]["given"]) == (8, 3, 9)
    assert answer["out"] == str(tmp_path / "proposals.csv")
    assert sum(tag["proposals"] for tag in answer["tags"]) == 5
    assert set(answer["tags"][0]) == {"tag", "proposals", "highest", "given"}


def test_what_a_person_reads(propose: Callable, tmp_path: Path) -> None:
    result = propose("--threshold", 0.001)
    assert result.exit_code == 0
    assert "Proposed, the most often first" in result.stdout
    assert "How true scores are, by what persons gave" in result.stdout
    assert "too few to calibrate on: 8 tagged artworks of 3 titles (50 of 5 titles are needed)" in result.stdout
    last = result.stdout.splitlines()[-1]
    assert last.startswith("5 proposals for 1 of 1 artworks without tags, from 14 tags at 0.001; ")
    assert last.endswith("5 new, 0 dropped, 0 decided and left as they are")
    assert "nothing would have been proposed" in propose("--threshold", 1).stdout


def test_rows_set_aside_are_named(propose: Callable, append_line: Callable, catalog_folder: Path, tmp_path: Path) -> None:
    append_line(catalog_folder / "artwork.csv", "odd,nowhere,,,pictures/odd.png,")
    append_line(catalog_folder / "artwork.csv", "new,lone,,,pictures/new.png,")
    (tmp_path / "tags.txt").write_text("word " * 200, encoding="utf-8")
    result = propose("--tags", tmp_path / "tags.txt")
    assert result.exit_code == 1
    lines = [line for line in result.stderr.splitlines() if not line.startswith("note: ")]
    assert lines[0].startswith("artwork.csv, row 10, title_id: 'nowhere' is no title of this catalog")
    assert lines[1].startswith("1 of 10 artworks have no vector in the store; run scripts/embed_artwork.py ")
    assert lines[2].startswith("longer than the text tower reads, so left out: word word")
    assert len(lines) == 3


def test_a_file_that_holds_no_proposals_is_left_alone(propose: Callable, refused: Callable, tmp_path: Path) -> None:
    (tmp_path / "proposals.csv").write_text("name,price\na,1\n")
    assert "has no column 'artwork_id'" in refused(propose())
    assert (tmp_path / "proposals.csv").read_text() == "name,price\na,1\n"


def test_a_decision_that_is_neither(
    invoke: Callable, refused: Callable, propose: Callable, catalog_folder: Path, tmp_path: Path
) -> None:
    propose("--threshold", 0.001)
    decide(tmp_path / "proposals.csv", ["yes", "hm"])
    line = refused(invoke("tag_artwork", catalog_folder, "--accept", tmp_path / "proposals.csv"))
    assert "row 2, decision: 'hm' is neither yes nor no; write yes or no, or leave it empty" in line
    assert not (catalog_folder / "accepted_tags.csv").exists()


def test_accepting_tells_of_bad_rows_and_answers_in_json(
    invoke: Callable, propose: Callable, append_line: Callable, catalog_folder: Path, tmp_path: Path
) -> None:
    propose("--threshold", 0.001)
    decide(tmp_path / "proposals.csv", ["yes"])
    append_line(catalog_folder / "artwork.csv", "odd,nowhere,,,pictures/odd.png,")
    result = invoke("tag_artwork", catalog_folder, "--accept", tmp_path / "proposals.csv", "--json")
    assert result.exit_code == 1
    answer = json.loads(result.stdout)
    assert (answer["added"], answer["tags"], answer["undecided"], len(answer["problems"])) == (1, 1, 4, 1)


@pytest.mark.parametrize("options", [(), ("--out",), ("--accept", "--out"), ("--store",)], ids=str)
def test_command_lines_that_say_too_little_or_too_much(
    invoke: Callable, catalog_folder: Path, tmp_path: Path, options: tuple[str, ...]
) -> None:
    arguments = [part for option in options for part in (option, tmp_path / "file.csv")]
    result = invoke("tag_artwork", catalog_folder, *arguments)
    assert (result.exit_code, result.stdout) == (2, "")


def test_what_cannot_be_read(
    invoke: Callable, refused: Callable, propose: Callable, catalog_folder: Path, store: Store, tmp_path: Path
) -> None:
    assert "--tags" in refused(propose("--tags", tmp_path / "none.txt"))
    out = ("--out", tmp_path / "p.csv")
    assert "no store at" in refused(invoke("tag_artwork", catalog_folder, "--store", tmp_path / "nowhere", *out))
    result = invoke("tag_artwork", catalog_folder, "--store", store.root, "--out", tmp_path / "p.txt")
    assert (result.exit_code, "must end in .csv" in result.stderr) == (2, True)
