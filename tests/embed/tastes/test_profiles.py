"""Profiles and the audience come back from the store as they were written."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from embed.errors import StoreError
from embed.records import Audience, Phrase, Profile, phrase_schema
from embed.store import Store, append_rows, read_table, vector_array
from embed.tastes.profiles import read_audience, read_phrase_vectors, read_profiles, write_audience, write_profiles

PHRASES = (
    Phrase("drama films", "genre", 0.5, ("t1", "t2")),
    Phrase("Ann", "person", 0.3, ("t1",)),
    Phrase("noir", "stated", -0.2),
)


@pytest.fixture
def vectors(empty_store: Store) -> np.ndarray:
    """A vector for each of PHRASES, as the store's phrase table has them."""
    vectors = np.random.default_rng(0).normal(size=(3, 32)).astype(np.float32)
    columns = [[p.kind for p in PHRASES], [p.text for p in PHRASES], ["f"] * 3, vector_array(vectors)]
    append_rows(empty_store, "phrases", pa.Table.from_arrays([pa.array(c) for c in columns], schema=phrase_schema(32)))
    return vectors


def test_profiles_come_back_as_they_were_written(empty_store: Store, vectors: np.ndarray) -> None:
    written = [
        Profile("zoe", PHRASES, vectors, "f"),
        Profile("ann", PHRASES[2:], vectors[2:], "f"),
        Profile("new", (), np.empty((0, 32), np.float32), "f"),
    ]
    write_profiles(empty_store, written)
    profiles = read_profiles(empty_store)
    assert profiles.user_ids == ["ann", "new", "zoe"]
    for profile in written:
        read = profiles.get(profile.user_id)
        assert read is not None
        assert (read.user_id, read.text, read.fingerprint) == (profile.user_id, profile.text, "f")
        assert [(p.text, p.kind, p.titles) for p in read.phrases] == [(p.text, p.kind, p.titles) for p in profile.phrases]
        assert [p.weight for p in read.phrases] == pytest.approx([p.weight for p in profile.phrases], abs=1e-7)
        assert np.array_equal(read.vectors, profile.vectors)
        assert read.vectors.shape == (len(profile.phrases), 32)
    assert profiles.get("stranger") is None


def test_the_table_can_be_read_by_a_person(empty_store: Store, vectors: np.ndarray) -> None:
    write_profiles(empty_store, [Profile("zoe", PHRASES, vectors, "f")])
    [row] = read_table(empty_store, "profiles").to_pylist()
    assert row["text"] == "drama films; Ann; not noir"
    assert [phrase["titles"] for phrase in row["phrases"]] == [["t1", "t2"], ["t1"], []]


def test_writing_replaces_all_that_was_there(empty_store: Store, vectors: np.ndarray) -> None:
    for user_id in ("first", "second"):
        write_profiles(empty_store, [Profile(user_id, PHRASES, vectors, "f")])
    assert read_profiles(empty_store).user_ids == ["second"]


def test_phrase_vectors_are_found_by_kind_and_text(empty_store: Store, vectors: np.ndarray) -> None:
    read = read_phrase_vectors(empty_store)
    assert list(read) == [("genre", "drama films"), ("person", "Ann"), ("stated", "noir")]
    assert np.array_equal(np.stack(list(read.values())), vectors)


def test_the_audience_comes_back_as_it_was_written(empty_store: Store) -> None:
    random = np.random.default_rng(1)
    arrays = [random.normal(size=shape).astype(np.float32) for shape in ((32,), (32,), (32, 32))]
    commons = {"genre": random.normal(size=32).astype(np.float32), "mood": random.normal(size=32).astype(np.float32)}
    write_audience(empty_store, Audience("f", 7, *arrays, commons=commons))
    read = read_audience(empty_store)
    assert (read.fingerprint, read.users) == ("f", 7)
    for got, wanted in zip((read.neutral, read.mean, read.moment), arrays, strict=True):
        assert got.dtype == np.float32
        assert np.array_equal(got, wanted)
    assert read.commons.keys() == commons.keys()
    assert all(np.array_equal(read.commons[kind], common) for kind, common in commons.items())


@pytest.mark.parametrize("read", [read_profiles, read_phrase_vectors, read_audience])
def test_before_users_are_embedded_the_script_is_named(empty_store: Store, read: Any) -> None:
    with pytest.raises(StoreError, match=r"yet; scripts/embed_users\.py makes them"):
        read(empty_store)
