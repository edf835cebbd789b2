"""The door that answers: the choice per title, and why."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from embed.catalog import read_catalog
from embed.job import embed_artwork
from embed.options import JobOptions
from embed.store import Store
from index.publish import publish_snapshot
from match.matcher import Matcher, as_record


def test_a_table_of_choices(invoke: Callable, served: Store) -> None:
    result = invoke("match_user", "carl", "--store", served.root)
    assert (result.exit_code, result.stderr) == (0, "")
    for choice in Matcher.open(served).choose("carl"):
        line = next(line for line in result.stdout.splitlines() if f" {choice.title_id} " in line)
        assert choice.artwork.artwork_id in line
        assert f"{choice.artwork.score:+.2f}" in line
        assert choice.reason in line
        assert f"similarity {choice.artwork.similarity_part:+.2f}" in line
    assert re.search(r" caper .* caper-cleo .* people \+\d\.\d\d \(Cleo Vance\)", result.stdout)


def test_json_has_all_parts(invoke: Callable, served: Store) -> None:
    result = invoke("match_user", "carl", "--store", served.root, "--titles", "lone, harbour", "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    choices = Matcher.open(served).choose("carl", ["lone", "harbour"])
    assert json.loads(result.stdout) == json.loads(json.dumps([as_record(choice) for choice in choices]))


def test_the_line_of_copy_stands_beside_the_artwork(
    invoke: Callable, write_rows: Callable, catalog_folder: Path, store: Store, tiny_encoder: Any
) -> None:
    line = {"copy_id": "c1", "title_id": "lone", "text": "One [bold]and[/bold] only."}
    write_rows(catalog_folder, "copy", [line])
    embed_artwork(read_catalog(catalog_folder), store, tiny_encoder, JobOptions(workers=1))
    publish_snapshot(store)
    result = invoke("match_user", "carl", "--store", store.root)
    assert (result.exit_code, result.stderr) == (0, "")
    assert re.search(r" lone +│ lone-only .*│ One \[bold\]and\[/bold\] only. +│", result.stdout)
    assert re.search(r" harbour +│ harbour-\w+ +│ [+-]\d\.\d\d +│ - +│ .*words [+-]\d\.\d\d", result.stdout)


def test_an_unknown_user_is_an_answer_with_its_reason(invoke: Callable, served: Store) -> None:
    result = invoke("match_user", "nobody", "--store", served.root)
    assert result.exit_code == 0
    assert result.stderr == "taste: the audience's average: nothing is known of user 'nobody'\n"
    assert "lone-only" in result.stdout


def test_an_unknown_title_is_an_answer_with_its_reason(invoke: Callable, served: Store) -> None:
    result = invoke("match_user", "carl", "--store", served.root, "--titles", "lone,no-such-title")
    assert (result.exit_code, result.stderr) == (0, "")
    line = next(line for line in result.stdout.splitlines() if " no-such-title " in line)
    assert "no title 'no-such-title' in snapshot 000001" in line


def test_no_titles_are_no_choices(invoke: Callable, served: Store) -> None:
    result = invoke("match_user", "carl", "--store", served.root, "--titles", "", "--json")
    assert (result.exit_code, json.loads(result.stdout)) == (0, [])


def test_square_brackets_are_no_markup(invoke: Callable, served: Store) -> None:
    result = invoke("match_user", "[red]x[/red]", "--store", served.root, "--titles", "[bold]t[/bold]")
    assert result.exit_code == 0
    assert "Artwork for [red]x[/red]" in result.stdout
    assert "│ [bold]t[/bold] │" in result.stdout


def test_no_store(invoke: Callable, refused: Callable, tmp_path: Path) -> None:
    assert "no store at" in refused(invoke("match_user", "carl", "--store", tmp_path / "nowhere"))


def test_no_snapshot_yet(invoke: Callable, refused: Callable, store: Store) -> None:
    line = refused(invoke("match_user", "carl", "--store", store.root))
    assert line.endswith(f"has no snapshot yet; scripts/build_index.py --store {store.root} makes one")


def test_a_damaged_snapshot(invoke: Callable, refused: Callable, served: Store) -> None:
    (served.snapshots / "000001" / "vectors.npy").write_bytes(b"")
    assert "missing or altered" in refused(invoke("match_user", "carl", "--store", served.root))
