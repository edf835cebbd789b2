"""The store folder: made once for one encoder, opened or refused with the remedy, and tables in and out of it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from embed.encoder import EncoderChoice
from embed.errors import FingerprintError, StoreError
from embed.store import (
    Store,
    append_rows,
    check_fingerprint,
    create_store,
    has_table,
    knows_encoder,
    open_beside,
    open_store,
    read_table,
    read_vectors,
    remember_pictures,
    replace_table,
    switch_encoder,
    vector_array,
    write_json,
)

CHOICE = EncoderChoice("ViT-B-32", "openai")
FINGERPRINT = "ab" * 32


@pytest.fixture
def made(tmp_path: Path) -> Store:
    return create_store(tmp_path / "made", CHOICE, FINGERPRINT, 4)


def change_record(store: Store, **changes: Any) -> None:
    path = store.root / "store.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_new_store_opens_as_it_was_made(made: Store) -> None:
    assert open_store(made.root) == made == Store(made.root, CHOICE, FINGERPRINT, 4, None)
    assert made.snapshots == made.root / "snapshots"


def test_an_empty_folder_becomes_a_store(tmp_path: Path) -> None:
    assert open_store(create_store(tmp_path, CHOICE, FINGERPRINT, 4).root).fingerprint == FINGERPRINT


def test_a_first_run_killed_while_it_wrote_the_record_is_run_again(tmp_path: Path) -> None:
    (tmp_path / ".store.json.123").write_text('{"form')
    assert open_store(create_store(tmp_path, CHOICE, FINGERPRINT, 4).root).dimension == 4


@pytest.mark.parametrize("name", ["holiday.jpg", "tables"])
def test_a_folder_of_something_else_is_left_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(StoreError, match=r"is there but is no store \(it has no store\.json\); give a new or empty folder"):
        create_store(tmp_path, CHOICE, FINGERPRINT, 4)
    with pytest.raises(StoreError, match="is there but is no store"):
        create_store(tmp_path / name, CHOICE, FINGERPRINT, 4)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_second_encoder_is_refused_with_the_remedy(made: Store) -> None:
    with pytest.raises(FingerprintError, match="was made with ViT-B-32 / openai") as caught:
        create_store(made.root, EncoderChoice(), "cd" * 32, 8)
    assert str(caught.value).endswith("scripts/embed_artwork.py --switch")
    assert open_store(made.root) == made


def test_the_same_encoder_under_another_name_is_remembered(made: Store) -> None:
    remember_pictures(made, "/catalog")
    moved = EncoderChoice("local-dir:/elsewhere")
    expected = Store(made.root, moved, FINGERPRINT, 4, "/catalog")
    assert create_store(made.root, moved, FINGERPRINT, 4) == expected
    assert open_store(made.root) == expected


def test_check_fingerprint_passes_only_the_store_s_own(made: Store) -> None:
    check_fingerprint(made, EncoderChoice("another name"), FINGERPRINT)
    with pytest.raises(FingerprintError, match="their vectors do not compare"):
        check_fingerprint(made, CHOICE, "cd" * 32)


def test_no_store_names_the_script_that_makes_one(tmp_path: Path) -> None:
    for root in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(StoreError, match=r"no store at '.*'; scripts/embed_artwork\.py CATALOG --store .* makes one"):
            open_store(root)


def test_a_store_of_the_first_format_opens(made: Store) -> None:
    record = {"format": 1, "encoder": {"model": "ViT-B-32", "pretrained": "openai"}, "fingerprint": FINGERPRINT, "dimension": 4}
    (made.root / "store.json").write_text(json.dumps({**record, "catalog_root": "/catalog"}))
    assert open_store(made.root) == Store(made.root, CHOICE, FINGERPRINT, 4, "/catalog")


def test_a_second_encoder_has_tables_of_its_own_until_it_serves(made: Store) -> None:
    other = EncoderChoice("ViT-L-14", "openai")
    beside = open_beside(made, other, "cd" * 32, 8)
    assert beside == Store(made.root, other, "cd" * 32, 8, None, "tables-cdcdcdcdcdcd")
    assert open_store(made.root) == made
    assert open_store(made.root, "cd" * 32) == beside
    replace_table(made, "priors", pa.table({"a": [1]}))
    switch_encoder(beside)
    assert open_store(made.root) == beside
    assert read_table(beside, "priors").to_pylist() == [{"a": 1}]  # clicks are of no encoder
    renamed = open_beside(beside, EncoderChoice("renamed"), FINGERPRINT, 4)
    assert (renamed.folder, knows_encoder(beside, FINGERPRINT)) == ("tables", True)


def test_an_encoder_that_a_store_never_knew(made: Store) -> None:
    assert not knows_encoder(made, "ef" * 32)
    with pytest.raises(StoreError, match="knows no encoder with fingerprint efefefefefef; embed the catalog with it first"):
        open_store(made.root, "ef" * 32)


def test_a_newer_format_is_refused(made: Store) -> None:
    change_record(made, format=3)
    with pytest.raises(StoreError, match="has store format 3, newer than 2; upgrade artwork-matcher"):
        open_store(made.root)


@pytest.mark.parametrize(
    "record",
    [b"", b"{", b"[]", b"{}", b"\xff\xfe", b'{"format": "one"}', b'{"format": 1, "encoder": "b", "catalog_root": null}'],
)
def test_a_damaged_record_is_refused(made: Store, record: bytes) -> None:
    (made.root / "store.json").write_bytes(record)
    with pytest.raises(StoreError, match=r"store\.json cannot be read .*; restore it from a backup"):
        open_store(made.root)


@pytest.mark.parametrize(
    ("table", "script"),
    [
        ("artwork", "embed_artwork"),
        ("embeddings", "embed_artwork"),
        ("profiles", "embed_users"),
        ("audience", "embed_users"),
        ("priors", "learn_priors"),
    ],
)
def test_a_missing_table_names_the_script_that_makes_it(made: Store, table: str, script: str) -> None:
    assert not has_table(made, table)
    with pytest.raises(StoreError, match=rf"has no {table} yet; scripts/{script}\.py makes them"):
        read_table(made, table)


def test_a_damaged_table_is_named(made: Store) -> None:
    replace_table(made, "titles", pa.table({"a": [1]}))
    for manifest in (made.root / "tables" / "titles.lance" / "_versions").glob("*.manifest"):
        manifest.write_bytes(b"")
    with pytest.raises(StoreError, match=r"titles\.lance: version 1 is damaged .*; no version is left; run the job"):
        read_table(made, "titles")


def test_a_first_write_that_was_killed_is_no_table_and_can_be_written_again(made: Store) -> None:
    append_rows(made, "titles", pa.table({"a": [1]}))
    for manifest in (made.root / "tables" / "titles.lance" / "_versions").glob("*.manifest"):
        manifest.unlink()
    assert not has_table(made, "titles")
    append_rows(made, "titles", pa.table({"a": [2]}))
    assert read_table(made, "titles").to_pylist() == [{"a": 2}]


def test_rows_come_back_as_they_were_written(made: Store) -> None:
    first, second = pa.table({"a": [1, 2], "b": ["x", None]}), pa.table({"a": [3], "b": ["z"]})
    append_rows(made, "titles", first)
    append_rows(made, "titles", second)
    assert read_table(made, "titles").equals(pa.concat_tables([first, second]).combine_chunks())
    assert read_table(made, "titles", ["b"], where="a > 1").to_pylist() == [{"b": None}, {"b": "z"}]
    replace_table(made, "titles", second)
    assert read_table(made, "titles").equals(second)


def test_rows_of_another_shape_are_refused(made: Store) -> None:
    append_rows(made, "titles", pa.table({"a": [1]}))
    with pytest.raises(StoreError, match=r"titles\.lance cannot be written"):
        append_rows(made, "titles", pa.table({"other": ["x"]}))
    assert read_table(made, "titles").to_pylist() == [{"a": 1}]


@pytest.mark.parametrize("rows", [0, 1, 5])
def test_vectors_come_back_bit_for_bit(made: Store, rows: int) -> None:
    vectors = np.random.default_rng(0).normal(size=(rows, 4)).astype(np.float32)
    table = pa.table({"vector": vector_array(vectors)})
    assert np.array_equal(read_vectors(table), vectors)
    replace_table(made, "embeddings", table)
    read = read_vectors(read_table(made, "embeddings"))
    assert (read.shape, read.dtype) == ((rows, 4), np.float32)
    assert np.array_equal(read, vectors)


def test_vectors_of_a_slice_and_of_several_chunks(made: Store) -> None:
    vectors = np.arange(24, dtype=np.float64).reshape(6, 4)
    table = pa.table({"vector": vector_array(vectors)})
    assert np.array_equal(read_vectors(table.slice(2, 3)), vectors[2:5])
    assert np.array_equal(read_vectors(pa.concat_tables([table.slice(4), table.slice(0, 1)])), vectors[[4, 5, 0]])


def test_the_catalog_s_place_is_remembered(made: Store) -> None:
    assert remember_pictures(made, "/pictures").pictures == "/pictures"
    assert open_store(made.root).pictures == "/pictures"


def test_json_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "value.json"
    write_json(path, {"name": "夜"})
    with pytest.raises(TypeError):
        write_json(path, {"name": "half", "value": object()})
    assert json.loads(path.read_text(encoding="utf-8")) == {"name": "夜"}
