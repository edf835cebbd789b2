"""Snapshots: published whole, opened verified, or refused in words."""

import json
import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import xxhash
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from embed.errors import ArtworkMatcherError, FingerprintError, SnapshotError, StoreError
from embed.store import Store, open_beside, open_store, read_table, read_vectors, replace_table, switch_encoder
from index.manifest import FILES, Manifest
from index.publish import publish_snapshot
from index.snapshot import Snapshot, open_snapshot
from index.titles import build_index


@pytest.fixture
def published(store: Store) -> tuple[Store, Manifest, Path]:
    """(store, the manifest of its first snapshot, that snapshot's folder)."""
    manifest = publish_snapshot(store)
    return store, manifest, store.snapshots / manifest.name


def snapshots(store: Store) -> list[str]:
    return sorted(path.name for path in store.snapshots.iterdir())


def vectors_of(store: Store) -> dict[str, np.ndarray]:
    """artwork_id to its vector, straight from the store's tables."""
    embeddings = read_table(store, "embeddings")
    by_content = dict(zip(embeddings["sha256"].to_pylist(), read_vectors(embeddings), strict=True))
    return {row["artwork_id"]: by_content[row["sha256"]] for row in read_table(store, "artwork").to_pylist()}


def test_what_is_published_is_what_is_opened(published: tuple) -> None:
    store, manifest, _ = published
    snapshot = open_snapshot(store)
    assert snapshot.manifest == manifest
    assert snapshot.titles["title_id"].to_pylist() == ["abyss", "caper", "harbour", "lone"]
    assert snapshot.title_numbers == {"abyss": 0, "caper": 1, "harbour": 2, "lone": 3}
    assert snapshot.artwork["artwork_id"].to_pylist() == [
        *("abyss-dora", "abyss-trench"),
        *("caper-ben", "caper-cleo", "caper-van"),
        *("harbour-ada", "harbour-couple", "harbour-sea"),
        "lone-only",
    ]
    assert snapshot.artwork["people"].to_pylist()[6] == ["Ada Quill", "Ben Marsh"]
    vectors = vectors_of(store)
    for title_id, number in snapshot.title_numbers.items():
        ids = [row["artwork_id"] for row in snapshot.artwork.to_pylist() if row["title_id"] == title_id]
        np.testing.assert_array_equal(snapshot.index.vectors(number), [vectors[artwork_id] for artwork_id in ids])


def test_the_manifest_tells_the_truth(published: tuple) -> None:
    store, manifest, folder = published
    assert (manifest.format, manifest.name, manifest.titles, manifest.artworks) == (4, "000001", 4, 9)
    assert (manifest.fingerprint, manifest.dimension) == (store.fingerprint, 32)
    assert sorted(path.name for path in folder.iterdir()) == sorted([*FILES, "manifest.json"])
    assert manifest.files == {
        name: {"bytes": len(data), "checksum": xxhash.xxh3_128(data).hexdigest()}
        for name, data in ((name, (folder / name).read_bytes()) for name in FILES)
    }
    assert json.loads((folder / "manifest.json").read_text())["files"] == manifest.files


@given(texts=st.lists(st.text(max_size=3)), chosen=st.lists(st.integers(0, 9)))
def test_texts_are_what_the_table_has(texts: list[str], chosen: list[int]) -> None:
    """Also where a text is empty, or all are, and where there are none."""
    rows = np.array([row for row in chosen if row < len(texts)], np.int64)
    nothing: Any = None
    column = pa.array(texts, pa.string())
    snapshot = Snapshot(nothing, nothing, pa.table({"artwork_id": column, "path": column}), *[nothing] * 8)
    assert snapshot.texts("path", rows) == [texts[row] for row in rows]


@given(shown=st.lists(st.sets(st.integers(0, 4)), max_size=8))
def test_appearances_are_who_is_shown_the_other_way_round(shown: list[set[int]]) -> None:
    index = build_index(np.tile(np.eye(1, 4, dtype=np.float32), (len(shown), 1)), np.zeros(len(shown)), 1)
    people = np.array([person for one in shown for person in sorted(one)], np.int32)
    begins = np.cumsum([0, *map(len, shown)]).astype(np.int32)
    table: Any = pa.table({"name": pa.array([f"p{number}" for number in range(5)])})
    nothing: Any = None
    snapshot = Snapshot(nothing, index, *[nothing] * 5, (begins, people), nothing, nothing, table)
    starts, rows = snapshot.appearances
    assert [rows[start:end].tolist() for start, end in pairwise(starts.tolist())] == [
        [row for row, one in enumerate(shown) if person in one] for person in range(5)
    ]


def test_scatter_is_the_mean_outer_product_within_titles(published: tuple) -> None:
    store, _, _ = published
    vectors, total = vectors_of(store), np.zeros((32, 32))
    for title_id in read_table(store, "titles")["title_id"].to_pylist():
        ids = [row["artwork_id"] for row in read_table(store, "artwork").to_pylist() if row["title_id"] == title_id]
        mean = np.mean([vectors[artwork_id] for artwork_id in ids], axis=0)
        for artwork_id in ids:
            total += np.outer(vectors[artwork_id] - mean, vectors[artwork_id] - mean)
    np.testing.assert_allclose(open_snapshot(store).scatter, total / 9, atol=1e-7)


def test_the_newest_serves_and_the_last_three_are_kept(store: Store) -> None:
    for number in range(1, 6):
        assert publish_snapshot(store).name == f"{number:06d}"
        assert open_snapshot(store).manifest.name == f"{number:06d}"
    assert snapshots(store) == ["000003", "000004", "000005", "CURRENT"]


def test_an_older_snapshot_serves_on_while_new_ones_come(published: tuple) -> None:
    store, _, _ = published
    opened = open_snapshot(store)
    before = opened.artwork.to_pylist()
    for _ in range(4):
        publish_snapshot(store)
    assert opened.artwork.to_pylist() == before
    assert opened.index.vectors(3).shape == (1, 32)


def test_inactive_artwork_is_left_out_and_its_title_stays(store: Store) -> None:
    artwork = read_table(store, "artwork")
    gone = pc.or_(pc.equal(artwork["title_id"], "lone"), pc.equal(artwork["artwork_id"], "caper-ben"))
    column = artwork.schema.get_field_index("active")
    replace_table(store, "artwork", artwork.set_column(column, artwork.schema.field(column), pc.invert(gone)))
    manifest = publish_snapshot(store)
    snapshot = open_snapshot(store)
    assert (manifest.titles, manifest.artworks) == (4, 7)
    assert snapshot.index.sizes(np.arange(4)).tolist() == [2, 2, 3, 0]
    assert {"caper-ben", "lone-only"}.isdisjoint(snapshot.artwork["artwork_id"].to_pylist())


def test_no_artwork_at_all_is_a_snapshot_of_none(store: Store) -> None:
    replace_table(store, "artwork", read_table(store, "artwork").slice(0, 0))
    publish_snapshot(store)
    snapshot = open_snapshot(store)
    assert (snapshot.manifest.artworks, len(snapshot.artwork), len(snapshot.titles)) == (0, 0, 4)
    assert not snapshot.scatter.any()


def test_an_empty_store_has_nothing_to_publish(empty_store: Store) -> None:
    with pytest.raises(StoreError, match=r"has no titles yet; scripts/embed_artwork\.py makes them"):
        publish_snapshot(empty_store)
    assert not empty_store.snapshots.exists()


def test_artwork_of_a_title_that_is_gone_asks_for_the_job_again(store: Store) -> None:
    """A job killed between the commits of its tables leaves such a store behind."""
    titles = read_table(store, "titles")
    replace_table(store, "titles", titles.filter(pc.not_equal(titles["title_id"], "lone")))
    with pytest.raises(StoreError, match=r"artwork of title 'lone' and no such title.*embed_artwork\.py.*again"):
        publish_snapshot(store)


def test_no_snapshot_yet_names_the_remedy(store: Store) -> None:
    with pytest.raises(SnapshotError, match=rf"has no snapshot yet; scripts/build_index\.py --store {store.root} makes one"):
        open_snapshot(store)


# Vectors of two encoders


def test_vectors_of_another_encoder_are_not_published(store: Store) -> None:
    with pytest.raises(FingerprintError, match="embed the catalog into a new store"):
        publish_snapshot(replace(store, fingerprint="f" * 64))
    assert not store.snapshots.exists()


def test_one_foreign_vector_among_many_is_not_published(store: Store) -> None:
    embeddings = read_table(store, "embeddings")
    prints = [*embeddings["fingerprint"].to_pylist()[1:], "f" * 64]
    column = embeddings.schema.get_field_index("fingerprint")
    replace_table(store, "embeddings", embeddings.set_column(column, embeddings.schema.field(column), pa.array(prints)))
    with pytest.raises(FingerprintError, match="holds vectors of encoder ffffffffffff beside its own"):
        publish_snapshot(store)


def test_a_snapshot_of_another_encoder_is_not_opened(published: tuple) -> None:
    store, manifest, _ = published
    record = store.root / "store.json"
    record.write_text(record.read_text().replace(manifest.fingerprint, "f" * 64))  # the store never knew that encoder
    with pytest.raises(FingerprintError, match=f"vectors of encoder {manifest.fingerprint[:12]}, its store of ffffffffffff"):
        open_snapshot(replace(store, fingerprint="f" * 64))


def test_after_a_switch_of_encoders_the_old_snapshot_serves_until_users_and_index_followed(published: tuple) -> None:
    store, manifest, _ = published
    beside = open_beside(store, store.choice, "e" * 64, store.dimension)
    switch_encoder(beside)
    switched = open_store(store.root)
    assert open_snapshot(switched).manifest == manifest
    with pytest.raises(StoreError, match=r"has no profiles of its new encoder .* run scripts/embed_users\.py CATALOG"):
        publish_snapshot(switched)
    assert open_snapshot(switched).manifest == manifest


# Damage


@pytest.fixture
def no_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is about to be opened must not be parsed: a damaged file can give wrong vectors, or crash the process."""

    def refuse(*args: object) -> None:
        raise AssertionError("parsed before it was verified")

    monkeypatch.setattr(pa.ipc, "open_file", refuse)
    monkeypatch.setattr(np, "load", refuse)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(sorted(FILES)), where=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
def test_one_altered_byte_is_noticed_before_anything_is_parsed(
    published: tuple, no_parser: None, name: str, where: float, flip: int
) -> None:
    store, _, folder = published
    whole = (folder / name).read_bytes()
    at = int(where * len(whole))
    (folder / name).write_bytes(whole[:at] + bytes([whole[at] ^ flip]) + whole[at + 1 :])
    try:
        with pytest.raises(
            SnapshotError, match=rf"{name} is missing or altered since it was published; run scripts/build_index"
        ):
            open_snapshot(store)
    finally:
        (folder / name).write_bytes(whole)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(sorted(FILES)), left=st.floats(0, 1, exclude_max=True))
def test_a_truncated_file_is_noticed(published: tuple, no_parser: None, name: str, left: float) -> None:
    store, _, folder = published
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[: int(left * len(whole))])
    try:
        with pytest.raises(SnapshotError, match=rf"{name} is missing or altered"):
            open_snapshot(store)
    finally:
        (folder / name).write_bytes(whole)


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_missing_file_is_noticed(published: tuple, no_parser: None, name: str) -> None:
    store, _, folder = published
    (folder / name).unlink()
    with pytest.raises(SnapshotError, match=rf"{name} is missing or altered"):
        open_snapshot(store)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(where=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
def test_an_altered_manifest_is_refused_in_words_or_does_not_matter(published: tuple, where: float, flip: int) -> None:
    store, _, folder = published
    path = folder / "manifest.json"
    whole = path.read_bytes()
    at = int(where * len(whole))
    path.write_bytes(whole[:at] + bytes([whole[at] ^ flip]) + whole[at + 1 :])
    try:
        snapshot = open_snapshot(store)
    except ArtworkMatcherError:
        pass
    else:
        assert (snapshot.index.artworks, len(snapshot.titles)) == (9, 4)
    finally:
        path.write_bytes(whole)


def test_a_manifest_that_lists_no_files_verifies_nothing_and_is_refused(published: tuple, no_parser: None) -> None:
    store, _, folder = published
    record = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**record, "files": {}}))
    with pytest.raises(SnapshotError, match="does not list the files of a snapshot"):
        open_snapshot(store)


def test_a_newer_format_asks_for_an_upgrade(published: tuple, no_parser: None) -> None:
    store, _, folder = published
    record = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**record, "format": 5}))
    with pytest.raises(SnapshotError, match="snapshot format 5, newer than 4; upgrade artwork-matcher"):
        open_snapshot(store)


def test_one_of_an_older_format_says_so_and_is_published_anew(published: tuple) -> None:
    store, _, folder = published
    record = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**record, "format": 3}))
    with pytest.raises(SnapshotError, match="snapshot format 3, of an older release; publish the index again"):
        open_snapshot(store)
    manifest = publish_snapshot(store)
    assert (manifest.name, manifest.base) == ("000002", "000002")
    assert open_snapshot(store).manifest == manifest


def test_a_serving_folder_that_is_gone_is_named(published: tuple) -> None:
    store, _, folder = published
    shutil.rmtree(folder)
    with pytest.raises(SnapshotError, match=r"000001/manifest\.json cannot be read .* publish the index again"):
        open_snapshot(store)
    assert publish_snapshot(store).artworks == 9
    assert open_snapshot(store).manifest.artworks == 9


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"000001\x00"], ids=["empty", "not ascii", "nul"])
def test_a_damaged_pointer_is_refused(published: tuple, content: bytes) -> None:
    store, _, _ = published
    (store.snapshots / "CURRENT").write_bytes(content)
    with pytest.raises(SnapshotError, match="cannot be read"):
        open_snapshot(store)
