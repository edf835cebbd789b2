"""The door to a user's profile: printed, edited, taken back, dropped."""

import json
from collections.abc import Callable
from pathlib import Path

from embed.store import Store
from embed.tastes.profiles import read_profile


def test_printed_and_taken_back_it_is_the_same(invoke: Callable, tmp_path: Path, store: Store) -> None:
    before = read_profile(store, "carl")
    printed = invoke("edit_profile", "carl", "--store", store.root)
    assert (printed.exit_code, printed.stderr) == (0, "")
    assert "  # caper\n" in printed.stdout
    file = tmp_path / "carl.txt"
    file.write_text(printed.stdout, encoding="utf-8")
    taken = invoke("edit_profile", "carl", "--store", store.root, "--take", file)
    assert (taken.exit_code, taken.stdout) == (0, f"{len(before.phrases)} phrases are the profile of carl, 0 of them new\n")
    after = read_profile(store, "carl")
    assert (after.phrases, after.source) == (before.phrases, "edited")
    assert [phrase.interest for phrase in after.phrases] == [phrase.interest for phrase in before.phrases]
    assert invoke("edit_profile", "carl", "--store", store.root).stdout == printed.stdout


def test_edited_and_forgotten(invoke: Callable, tmp_path: Path, store: Store) -> None:
    file = tmp_path / "rosa.txt"
    file.write_text("1 stated silent films\n-0.5 person Ben Marsh  # never\n", encoding="utf-8")
    invoke("edit_profile", "rosa", "--store", store.root, "--take", file)
    assert read_profile(store, "rosa").text == "silent films; not Ben Marsh"
    told = json.loads(invoke("edit_profile", "rosa", "--store", store.root, "--json").stdout)
    assert (told["source"], [phrase["weight"] for phrase in told["phrases"]]) == ("edited", [1.0, -0.5])
    assert invoke("edit_profile", "rosa", "--store", store.root, "--forget").stdout == "the edited profile of rosa is dropped\n"
    assert read_profile(store, "rosa").source == "history"
    assert invoke("edit_profile", "rosa", "--store", store.root, "--forget").stdout == "rosa has no edited profile\n"


def test_what_cannot_be_done_is_said(invoke: Callable, refused: Callable, tmp_path: Path, store: Store) -> None:
    assert "no user 'nobody' in" in refused(invoke("edit_profile", "nobody", "--store", store.root))
    file = tmp_path / "bad.txt"
    file.write_text("1 stated fine\nmuch stated x\n", encoding="utf-8")
    line = refused(invoke("edit_profile", "rosa", "--store", store.root, "--take", file))
    assert f"{file}, line 2, weight: 'much' is no number from -100 to 100" in line
    file.write_bytes(b"1 stated caf\xe9\n")
    assert "is no UTF-8" in refused(invoke("edit_profile", "rosa", "--store", store.root, "--take", file))
    assert read_profile(store, "rosa").source == "history"
    assert invoke("edit_profile", "rosa", "--store", store.root, "--take", file, "--forget").exit_code == 2
