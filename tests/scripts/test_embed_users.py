"""The door from histories to profiles."""

import json
from collections.abc import Callable
from pathlib import Path

from embed.store import Store
from embed.tastes.profiles import read_profiles


def test_users_of_the_catalog(invoke: Callable, append_line: Callable, catalog_folder: Path, store: Store) -> None:
    append_line(catalog_folder / "tastes.csv", "nell,silent films,1.0")
    result = invoke("embed_users", catalog_folder, "--store", store.root)
    assert (result.exit_code, result.stderr) == (0, "")
    profiles = read_profiles(store)
    phrases = {(p.kind, p.text) for user_id in profiles.user_ids for p in profiles.get(user_id).phrases}
    assert result.stdout == f"5 users, {len(phrases)} phrases, 1 of them new\n"
    assert profiles.get("nell").text == "silent films"


def test_json(invoke: Callable, catalog_folder: Path, store: Store) -> None:
    result = invoke("embed_users", catalog_folder, "--store", store.root, "--json")
    answer = json.loads(result.stdout)
    assert {**answer, "phrases": None} == {"users": 4, "phrases": None, "encoded": 0, "split": [], "problems": []}
    assert answer["phrases"] > 4


def test_a_bad_row_is_named_and_the_rest_is_done(
    invoke: Callable, append_line: Callable, catalog_folder: Path, store: Store
) -> None:
    append_line(catalog_folder / "history.csv", "nell,harbour,1.7,2026-09-01T20:00:00Z")
    append_line(catalog_folder / "history.csv", "ned,harbour,0.7,2026-09-01T20:00:00Z")
    result = invoke("embed_users", catalog_folder, "--store", store.root)
    assert result.exit_code == 1
    assert result.stderr == "history.csv, row 5, fraction: '1.7' is out of range; give a number from 0 to 1\n"
    assert read_profiles(store).user_ids == ["carl", "hugo", "ned", "rosa", "wilma"]


def test_strict_makes_it_an_error_and_changes_nothing(
    invoke: Callable, refused: Callable, append_line: Callable, bytes_of: Callable, catalog_folder: Path, store: Store
) -> None:
    append_line(catalog_folder / "history.csv", "nell,harbour,1.7,2026-09-01T20:00:00Z")
    before = bytes_of(store.root)
    assert "history.csv, row 5, fraction" in refused(invoke("embed_users", catalog_folder, "--store", store.root, "--strict"))
    assert bytes_of(store.root) == before


def test_a_text_longer_than_the_tower_reads_is_divided_and_said(
    invoke: Callable, append_line: Callable, catalog_folder: Path, store: Store
) -> None:
    long = " ".join(f"lighthouse{number}" for number in range(60))
    append_line(catalog_folder / "tastes.csv", f"nell,{long},1.0")
    result = invoke("embed_users", catalog_folder, "--store", store.root)
    assert result.exit_code == 0
    assert result.stderr == f"tastes, user 'nell', text: longer than the text tower reads, so divided: {long}\n"
    assert len(read_profiles(store).get("nell").phrases) > 1


def test_no_store(invoke: Callable, refused: Callable, tmp_path: Path, catalog_folder: Path) -> None:
    line = refused(invoke("embed_users", catalog_folder, "--store", tmp_path / "nowhere"))
    assert f"no store at '{tmp_path}/nowhere'; scripts/embed_artwork.py CATALOG --store {tmp_path}/nowhere makes one" in line


def test_no_catalog(invoke: Callable, refused: Callable, tmp_path: Path, store: Store) -> None:
    assert "no catalog folder" in refused(invoke("embed_users", tmp_path / "nowhere", "--store", store.root))
