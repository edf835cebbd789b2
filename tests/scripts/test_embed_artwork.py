"""The door of the batch job: exit codes 0, 1 and 2, and what is said with each."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from embed.store import Store, open_store, read_table

ALL = {"new": 9, "changed": 0, "reused": 0, "unchanged": 0, "unreadable": 0, "removed": 0}


def test_a_first_run_embeds_everything(
    invoke: Callable, tmp_path: Path, catalog_folder: Path, tiny_checkpoint: Path, tiny_encoder: Any
) -> None:
    result = invoke("embed_artwork", catalog_folder, "--store", tmp_path / "new", "--checkpoint", tiny_checkpoint)
    assert (result.exit_code, result.stderr) == (0, "")
    assert re.fullmatch(
        r"embedded 9 with torch, \d+ images/s and 6 tags and lines of copy "
        r"\(9 new, 0 changed, 0 reused, 0 unchanged, 0 unreadable, 0 removed\); "
        r"0 pictures and 0 catalog rows set aside\n",
        result.stdout,
    )
    store = open_store(tmp_path / "new")
    assert (store.fingerprint, store.choice.model) == (tiny_encoder.fingerprint, f"local-dir:{tiny_checkpoint}")
    assert len(read_table(store, "embeddings")) == 9


def test_a_second_run_needs_no_flags_and_embeds_nothing(invoke: Callable, catalog_folder: Path, store: Store) -> None:
    result = invoke("embed_artwork", catalog_folder, "--store", store.root, "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    plan = {**ALL, "new": 0, "unchanged": 9}
    nothing = {"words": 0, "divided": [], "backend": {}, "images_per_second": 0.0, "rejected": [], "problems": []}
    assert json.loads(result.stdout) == {"plan": plan, "embedded": 0, **nothing}


def test_lines_of_copy_are_embedded_and_a_long_one_is_named(
    invoke: Callable, write_rows: Callable, catalog_folder: Path, store: Store
) -> None:
    line = {"copy_id": "c1", "title_id": "lone", "text": " ".join(["word"] * 100)}
    write_rows(catalog_folder, "copy", [line, {**line, "copy_id": "c2", "text": "Short."}, {**line, "title_id": "nine"}])
    result = invoke("embed_artwork", catalog_folder, "--store", store.root, "--json")
    assert result.exit_code == 1
    answer = json.loads(result.stdout)
    told = "copy, copy_id 'c1', text: longer than the text tower reads, so divided into 2 and averaged; shorten it"
    assert (answer["words"], answer["divided"]) == (2, [told])
    assert told in result.stderr
    assert "copy.csv, row 3, copy_id: 'c1' already stands in row 1" in result.stderr
    assert read_table(store, "copy")["copy_id"].to_pylist() == ["c1", "c2"]


def test_a_bad_row_is_named_and_the_rest_is_done(
    invoke: Callable, append_line: Callable, catalog_folder: Path, store: Store
) -> None:
    append_line(catalog_folder / "artwork.csv", "stray,no-such-title,,,pictures/stray.png,")
    result = invoke("embed_artwork", catalog_folder, "--store", store.root)
    assert result.exit_code == 1
    assert result.stderr == (
        "artwork.csv, row 10, title_id: 'no-such-title' is no title of this catalog; add it to titles.csv or correct the id\n"
    )
    assert "0 pictures and 1 catalog rows set aside" in result.stdout


def test_strict_makes_it_an_error_and_touches_nothing(
    invoke: Callable,
    refused: Callable,
    append_line: Callable,
    tmp_path: Path,
    catalog_folder: Path,
    tiny_checkpoint: Path,
) -> None:
    append_line(catalog_folder / "artwork.csv", "stray,no-such-title,,,pictures/stray.png,")
    new = tmp_path / "new"
    line = refused(invoke("embed_artwork", catalog_folder, "--store", new, "--checkpoint", tiny_checkpoint, "--strict"))
    assert line.startswith("error: artwork.csv, row 10, title_id: 'no-such-title' is no title")
    assert not new.exists()


def test_a_picture_that_cannot_be_read_is_named(invoke: Callable, catalog_folder: Path, store: Store) -> None:
    (catalog_folder / "pictures" / "caper-van.png").write_bytes(b"no picture")
    result = invoke("embed_artwork", catalog_folder, "--store", store.root, "--json")
    assert result.exit_code == 1
    assert result.stderr.startswith("set aside: pictures/caper-van.png (caper-van): ")
    answer = json.loads(result.stdout)
    assert (answer["plan"]["changed"], answer["plan"]["unchanged"]) == (1, 8)
    assert [row["artwork_id"] for row in answer["rejected"]] == ["caper-van"]


def test_many_problems_are_counted_and_json_has_them_all(
    invoke: Callable, append_line: Callable, catalog_folder: Path, store: Store
) -> None:
    for number in range(25):
        append_line(catalog_folder / "artwork.csv", f"stray-{number},no-such-title,,,pictures/stray.png,")
    result = invoke("embed_artwork", catalog_folder, "--store", store.root, "--json")
    assert result.stderr.splitlines()[20:] == ["... and 5 more (--json has them all)"]
    assert len(json.loads(result.stdout)["problems"]) == 25


# A dry run


def test_a_dry_run_makes_no_store(invoke: Callable, tmp_path: Path, catalog_folder: Path, tiny_checkpoint: Path) -> None:
    new = tmp_path / "new"
    result = invoke("embed_artwork", catalog_folder, "--store", new, "--checkpoint", tiny_checkpoint, "--dry-run")
    assert (result.exit_code, result.stderr) == (0, "")
    assert re.match(r"would embed 9 in about 0:00:\d\d \(9 new, ", result.stdout)
    assert not new.exists()


def test_a_dry_run_leaves_a_store_as_it_is(
    invoke: Callable, bytes_of: Callable, drawing: Callable, catalog_folder: Path, store: Store
) -> None:
    drawing("another").save(catalog_folder / "pictures" / "caper-van.png")
    before = bytes_of(store.root)
    result = invoke("embed_artwork", catalog_folder, "--store", store.root, "--dry-run", "--json")
    assert result.exit_code == 0
    answer = json.loads(result.stdout)
    assert 0 < answer.pop("seconds") < 60
    plan = {**ALL, "new": 0, "changed": 1, "unchanged": 8}
    assert answer == {"plan": plan, "embedded": None, "rejected": [], "problems": []}
    assert bytes_of(store.root) == before


# Another encoder


def test_a_switch(invoke: Callable, catalog_folder: Path, store: Store, make_checkpoint: Callable) -> None:
    flags = ["--store", store.root, "--checkpoint", make_checkpoint(seed=1), "--switch"]
    planned = invoke("embed_artwork", catalog_folder, *flags, "--dry-run", "--json")
    assert json.loads(planned.stdout)["plan"] == ALL
    assert open_store(store.root) == store
    result = invoke("embed_artwork", catalog_folder, *flags, "--json")
    assert result.exit_code == 0
    assert f"the published snapshot serves on until scripts/embed_users.py CATALOG --store {store.root}" in result.stderr
    answer = json.loads(result.stdout)
    assert (answer["embedded"], answer["switched"]) == (9, True)
    assert open_store(store.root).fingerprint != store.fingerprint
    again = invoke("embed_artwork", catalog_folder, *flags, "--json")
    assert (json.loads(again.stdout)["embedded"], "switched" in json.loads(again.stdout)) == (0, False)


# The record of runs, and the log


def test_the_history_of_a_store(invoke: Callable, catalog_folder: Path, store: Store) -> None:
    invoke("embed_artwork", catalog_folder, "--store", store.root)
    (catalog_folder / "pictures" / "caper-van.png").write_bytes(b"no picture")
    invoke("embed_artwork", catalog_folder, "--store", store.root)
    runs = json.loads(invoke("embed_artwork", "--history", "--store", store.root, "--json").stdout)
    assert [(run["embedded"], run["rejected"]) for run in runs] == [(0, 1), (0, 0), (9, 0)]  # the latest first
    table = invoke("embed_artwork", "--history", "--store", store.root).stdout
    assert f"3 runs of {store.root}" in table
    assert "local-dir:" in table
    assert store.fingerprint[:8] in table


def test_each_step_as_a_line_of_json(invoke: Callable, catalog_folder: Path, tmp_path: Path, tiny_checkpoint: Path) -> None:
    (catalog_folder / "pictures" / "caper-van.png").write_bytes(b"no picture")
    new = ["--store", tmp_path / "new", "--checkpoint", tiny_checkpoint]
    result = invoke("embed_artwork", catalog_folder, *new, "--log-json")
    lines = [json.loads(line) for line in result.stderr.splitlines() if line.startswith("{")]
    assert [line["event"] for line in lines] == [
        "planned",
        "backend",
        "rejected",
        "progress",
        "committed",
        "words",
        "finished",
    ]
    assert all(line["time"].startswith("20") for line in lines)
    assert (lines[0]["new"], lines[2]["path"], lines[3]["done"]) == (9, "pictures/caper-van.png", 9)


def test_pictures_that_lie_elsewhere(invoke: Callable, catalog_folder: Path, tmp_path: Path, tiny_checkpoint: Path) -> None:
    (catalog_folder / "pictures").rename(tmp_path / "pictures")
    new = ["--store", tmp_path / "new", "--checkpoint", tiny_checkpoint]
    result = invoke("embed_artwork", catalog_folder, *new, "--pictures", tmp_path)
    assert (result.exit_code, result.stdout.startswith("embedded 9 ")) == (0, True)


# What cannot run


def test_no_catalog(invoke: Callable, refused: Callable, tmp_path: Path) -> None:
    line = refused(invoke("embed_artwork", tmp_path / "nowhere", "--store", tmp_path / "new"))
    assert line.startswith(f"error: no catalog folder at '{tmp_path}/nowhere'; give a folder with titles and artwork")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("flags", [[], ["--dry-run"]])
def test_a_second_encoder(
    invoke: Callable,
    refused: Callable,
    bytes_of: Callable,
    catalog_folder: Path,
    store: Store,
    make_checkpoint: Callable,
    flags: list[str],
) -> None:
    before = bytes_of(store.root)
    other = make_checkpoint(seed=1)
    result = invoke("embed_artwork", catalog_folder, "--store", store.root, "--checkpoint", other, *flags)
    assert refused(result).endswith("or embed everything anew beside it with scripts/embed_artwork.py --switch")
    assert bytes_of(store.root) == before


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--checkpoint", "somewhere", "--model", "ViT-B-32"], "not both"),
        (["--checkpoint", "somewhere", "--pretrained", "openai"], "not both"),
        (["--pretrained", "openai"], "--pretrained needs --model"),
        (["--no-such-flag"], "No such option"),
    ],
)
def test_flags_that_make_no_sense(invoke: Callable, tmp_path: Path, catalog_folder: Path, flags: list[str], said: str) -> None:
    result = invoke("embed_artwork", catalog_folder, "--store", tmp_path / "new", *flags)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    assert not (tmp_path / "new").exists()


def test_flags_that_are_missing(invoke: Callable, catalog_folder: Path) -> None:
    result = invoke("embed_artwork", catalog_folder)
    assert result.exit_code == 2
    assert "--store" in result.stderr
    result = invoke("embed_artwork", "--store", catalog_folder)
    assert result.exit_code == 2
    assert "give the CATALOG folder" in result.stderr


def test_a_checkpoint_that_is_not_there(invoke: Callable, refused: Callable, tmp_path: Path, catalog_folder: Path) -> None:
    result = invoke("embed_artwork", catalog_folder, "--store", tmp_path / "new", "--checkpoint", tmp_path / "nowhere")
    assert refused(result).startswith(
        f"error: no checkpoint folder at '{tmp_path}/nowhere'; give a folder with open_clip_config"
    )


def test_a_model_that_nobody_knows(invoke: Callable, refused: Callable, tmp_path: Path, catalog_folder: Path) -> None:
    flags = ["--model", "No-Such-Model", "--pretrained", "none"]
    line = refused(invoke("embed_artwork", catalog_folder, "--store", tmp_path / "new", *flags))
    assert "checkpoint 'No-Such-Model / none' cannot be opened" in line


def test_a_folder_that_is_something_else(
    invoke: Callable, refused: Callable, catalog_folder: Path, tiny_checkpoint: Path
) -> None:
    result = invoke("embed_artwork", catalog_folder, "--store", catalog_folder, "--checkpoint", tiny_checkpoint)
    assert "is there but is no store (it has no store.json); give a new or empty folder" in refused(result)


def test_a_place_where_no_folder_can_be_made(
    invoke: Callable, refused: Callable, catalog_folder: Path, tiny_checkpoint: Path
) -> None:
    below_a_file = catalog_folder / "titles.csv" / "store"
    result = invoke("embed_artwork", catalog_folder, "--store", below_a_file, "--checkpoint", tiny_checkpoint)
    assert "titles.csv" in refused(result)
