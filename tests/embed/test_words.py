"""Words of a catalog to vectors: each encoded once, kept by what it says, and never cut in silence."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from embed import words
from embed.catalog import Catalog, read_catalog
from embed.encoder import unit
from embed.job import JobReport, embed_artwork, switch_to
from embed.options import JobOptions
from embed.store import Store, has_table, open_beside, open_store, read_table, read_vectors
from embed.words import PROMPTS, embed_words, encode_words, word_of_copy, word_of_tag, words_of

Row = dict[str, Any]
TITLES: list[Row] = [{"title_id": "t1", "name": "One"}, {"title_id": "t2", "name": "Two"}]
ADDED = {"added_at": "2026-01-05T00:00:00Z"}
ARTWORK: list[Row] = [
    {
        "artwork_id": "a",
        "title_id": "t1",
        "path": "a.png",
        "tags": ["Night", "sea", "no people"],
        "copy": "Who  knows?",
        **ADDED,
    },
    {"artwork_id": "b", "title_id": "t2", "path": "b.png", "tags": ["night", "season: winter"], "copy": None, **ADDED},
]
COPY: list[Row] = [
    {"copy_id": "c1", "title_id": "t1", "text": "Who knows?", "locale": "en", "tags": ["night"]},
    {"copy_id": "c2", "title_id": "t1", "text": "Wer weiß?", "locale": "de", "tags": []},
]
WORDS = {("tag", "night"), ("tag", "sea"), ("tag", "winter"), ("copy", "Who knows?"), ("copy", "Wer weiß?")}


@pytest.fixture
def write(tmp_path: Path, make_catalog: Callable[..., Path], write_rows: Callable[..., Path]) -> Callable[..., Catalog]:
    """write(artwork=, copy=) -> the catalog as read, strictly."""

    def write(artwork: list[Row] = ARTWORK, copy: list[Row] = COPY) -> Catalog:
        folder = make_catalog(tmp_path / "catalog", titles=TITLES, artwork=artwork, history=None, tastes=None, format="jsonl")
        write_rows(folder, "copy", copy, "jsonl")
        return read_catalog(folder, strict=True)

    return write


def embed(catalog: Catalog, store: Store, encoder: Any) -> JobReport:
    return embed_artwork(catalog, store, encoder, JobOptions(workers=1))


def kept(store: Store) -> dict[tuple[str, str], np.ndarray]:
    """Word to vector; fails where one was encoded twice."""
    table = read_table(store, "words")
    keys = list(zip(table["kind"].to_pylist(), table["text"].to_pylist(), strict=True))
    assert len(set(keys)) == len(keys)
    return dict(zip(keys, read_vectors(table), strict=True))


@pytest.mark.parametrize(
    ("tag", "word"), [("  Night ", "night"), ("no people", None), ("Season: Winter", "winter"), ("", None), (" ", None)]
)
def test_what_the_tower_reads_of_a_tag(tag: str, word: str | None) -> None:
    assert word_of_tag(tag) == word


def test_a_line_is_read_as_it_is_written() -> None:
    assert word_of_copy("  SHE  flew\nfirst ") == "SHE flew first"


def test_words_that_say_the_same_are_one(write: Callable[..., Catalog]) -> None:
    assert words_of(write()) == WORDS


def test_the_job_encodes_each_word_once_with_the_prompts_of_its_kind(
    write: Callable[..., Catalog], empty_store: Store, tiny_encoder: Any
) -> None:
    report = embed(write(), empty_store, tiny_encoder)
    assert (report.words, report.divided) == (5, ())
    vectors = kept(empty_store)
    assert vectors.keys() == WORDS
    for (kind, text), vector in vectors.items():
        prompts = tiny_encoder.encode_texts([template.format(text) for template in PROMPTS[kind]])
        np.testing.assert_allclose(vector, unit(prompts.mean(axis=0)[None])[0], atol=1e-6)
    assert read_table(empty_store, "copy").to_pylist() == COPY


def test_only_new_words_are_encoded_and_lines_that_left_are_gone(
    write: Callable[..., Catalog], empty_store: Store, tiny_encoder: Any
) -> None:
    embed(write(), empty_store, tiny_encoder)
    before = kept(empty_store)
    again = embed(write(), empty_store, tiny_encoder)
    assert again.words == 0
    more = [COPY[1], {"copy_id": "c3", "title_id": "t2", "text": "Snow falls.", "locale": None, "tags": ["Night"]}]
    assert embed(write(copy=more), empty_store, tiny_encoder).words == 1
    after = kept(empty_store)
    assert after.keys() - before.keys() == {("copy", "Snow falls.")}
    assert all((after[key] == vector).all() for key, vector in before.items())
    assert read_table(empty_store, "copy")["copy_id"].to_pylist() == ["c2", "c3"]
    assert embed(write(copy=[]), empty_store, tiny_encoder).words == 0
    assert len(read_table(empty_store, "copy")) == 0


def test_a_catalog_without_words_leaves_no_table(write: Callable[..., Catalog], empty_store: Store, tiny_encoder: Any) -> None:
    bare = [{**row, "tags": [], "copy": None} for row in ARTWORK]
    assert embed(write(bare, []), empty_store, tiny_encoder).words == 0
    assert not has_table(empty_store, "words")
    assert not has_table(empty_store, "copy")


def test_accepted_tags_are_words(
    write: Callable[..., Catalog], write_rows: Callable[..., Path], empty_store: Store, tiny_encoder: Any
) -> None:
    bare = [{**ARTWORK[0], "tags": []}, ARTWORK[1]]
    write_rows(write(bare, []).root, "accepted_tags", [{"artwork_id": "a", "tag": "Harbour"}], "csv")
    embed(write(bare, []), empty_store, tiny_encoder)
    assert ("tag", "harbour") in kept(empty_store)


LONG = " ".join(f"word{number}" for number in range(60))


def test_what_is_too_long_is_divided_averaged_by_length_and_named(
    write: Callable[..., Catalog], empty_store: Store, tiny_encoder: Any
) -> None:
    long = [{**COPY[0], "text": LONG}, COPY[1]]
    art = [{**ARTWORK[0], "tags": ["sea", LONG]}, {**ARTWORK[1], "copy": LONG}]
    catalog = write(art, long)
    report = embed(catalog, empty_store, tiny_encoder)
    told = "longer than the text tower reads, so divided into 4 and averaged; shorten it"
    places = ["artwork, artwork_id 'a', tags", "artwork, artwork_id 'b', copy", "copy, copy_id 'c1', text"]
    assert report.divided == tuple(f"{place}: {told}" for place in places)
    assert embed(catalog, empty_store, tiny_encoder).divided == report.divided  # also when nothing is new
    parts = [" ".join(LONG.split()[start : start + 15]) for start in range(0, 60, 15)]
    assert all(tiny_encoder.fits(part) for part in parts)
    weights = np.array([len(part) for part in parts], np.float32)
    expected = unit((weights @ tiny_encoder.encode_texts(parts))[None])[0]
    np.testing.assert_allclose(kept(empty_store)["copy", LONG], expected, atol=1e-5)


def test_words_in_batches_end_as_words_at_once(
    write: Callable[..., Catalog], empty_store: Store, tiny_encoder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that dies after some batches is run again: only the rest is encoded, in the same batches."""
    monkeypatch.setattr(words, "CHUNK", 2)
    encoded: list[list[tuple[str, str]]] = []

    def dies(keys: Any, encoder: Any) -> Any:
        if len(encoded) == 1:
            raise KeyboardInterrupt
        encoded.append(list(keys))
        return encode_words(keys, encoder)

    monkeypatch.setattr(words, "encode_words", dies)
    with pytest.raises(KeyboardInterrupt):
        embed(write(), empty_store, tiny_encoder)
    assert not has_table(empty_store, "artwork")  # the catalog of the last finished run is what readers see
    again: list[list[tuple[str, str]]] = []
    monkeypatch.setattr(words, "encode_words", lambda keys, encoder: again.append(list(keys)) or encode_words(keys, encoder))
    told: list[tuple[int, int]] = []
    assert embed_words(write(), empty_store, tiny_encoder, lambda *done: told.append(done)) == (3, ())
    assert encoded + again == [sorted(WORDS)[start : start + 2] for start in (0, 2, 4)]
    assert told == [(2, 3), (3, 3)]
    assert kept(empty_store).keys() == WORDS


def test_another_encoder_has_words_of_its_own(
    write: Callable[..., Catalog], empty_store: Store, tiny_encoder: Any, other_encoder: Any
) -> None:
    catalog = write()
    embed(catalog, empty_store, tiny_encoder)
    report, complete = switch_to(catalog, empty_store, other_encoder, JobOptions(workers=1))
    assert (report.words, complete) == (5, True)
    switched = open_store(empty_store.root)
    assert set(read_table(switched, "words")["fingerprint"].to_pylist()) == {other_encoder.fingerprint}
    beside = open_beside(switched, tiny_encoder.choice, tiny_encoder.fingerprint, tiny_encoder.dimension)
    assert kept(beside).keys() == kept(switched).keys()
