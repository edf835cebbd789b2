"""Zero-shot tagging on pictures whose tags are known: each tag is an axis of the space, and a picture leans towards its own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embed import tagging
from embed.calibration import DEFAULT
from embed.catalog import Catalog
from embed.encoder import EncoderChoice, unit
from embed.errors import CatalogError, FingerprintError, StoreError
from embed.records import ACCEPTED_TAG, ARTWORK, TASTE, TITLE, WATCH, embedding_schema
from embed.store import Store, create_store, replace_table, vector_array
from embed.tagging import Likeness, Tagging, own_tags, propose_tags, tag_vectors, vocabulary
from embed.tastes.users import PROMPTS

Row = dict[str, Any]
WORDS = ("couple", "sea", "night", "cat", "rocket", "forest", "ship", "anything")
HUB = "anything"  # every picture resembles it more than what it shows


def axis(word: str) -> np.ndarray:
    return np.eye(len(WORDS), dtype=np.float32)[WORDS.index(word)]


@dataclass(frozen=True)
class Axes:
    """What propose_tags needs of an encoder: a prompt's vector is the axis of the word in it."""

    choice: EncoderChoice = field(default_factory=lambda: EncoderChoice("axes"))
    fingerprint: str = "f" * 64
    dimension: int = len(WORDS)
    read: list[str] = field(default_factory=list)

    def fits(self, text: str) -> bool:
        return len(text) < 80

    def encode_texts(self, texts: Sequence[str]) -> np.ndarray:
        self.read.extend(texts)
        return np.array([next((axis(word) for word in WORDS if word in text), axis("ship")) for text in texts])


def picture(word: str, seed: int) -> np.ndarray:
    """Mostly the hub, somewhat its word, a little noise."""
    noise = np.random.default_rng(seed).normal(0, 0.05, len(WORDS))
    return unit((2 * axis(HUB) + axis(word) + noise)[None])[0]


def art(number: int, tags: Sequence[str] = (), title: str | None = None) -> Row:
    """An artwork of title number // 6, that shows word number % 6."""
    row = {"artwork_id": f"a{number:03}", "title_id": title or f"t{number // 6}", "path": f"{number}.jpg"}
    return {**row, "people": [], "tags": list(tags)}


def shown(number: int) -> str:
    return WORDS[number % 6]


TAGGED = [art(number, [shown(number)]) for number in range(120)]
BARE = [art(number) for number in range(120, 150)]


def catalog(artwork: Sequence[Row], titles: Sequence[Row] = (), accepted: Sequence[Row] = ()) -> Catalog:
    tables = ((titles, TITLE), (artwork, ARTWORK), ((), WATCH), ((), TASTE))
    accepted_tags = pa.Table.from_pylist(list(accepted), schema=ACCEPTED_TAG)
    made = (pa.Table.from_pylist(list(rows), schema=schema) for rows, schema in tables)
    return Catalog(Path("c"), "", *made, accepted_tags=accepted_tags)


@pytest.fixture
def stored(tmp_path: Path) -> Callable[..., Store]:
    """stored(artwork, but=ids without a vector) -> a store of Axes with the pictures' vectors."""

    def stored(artwork: Sequence[Row], but: Sequence[str] = ()) -> Store:
        encoder = Axes()
        store = create_store(tmp_path / "store", encoder.choice, encoder.fingerprint, encoder.dimension)
        known = [row for row in artwork if row["artwork_id"] not in but]
        numbers = [int(row["path"].removesuffix(".jpg")) for row in known]
        hashes = [f"{number:064x}" for number in numbers]
        rows = [{**row, "sha256": sha256, "active": True} for row, sha256 in zip(known, hashes, strict=True)]
        replace_table(store, "artwork", pa.Table.from_pylist(rows, schema=ARTWORK))
        vectors = np.array([picture(shown(number), number) for number in numbers], np.float32)
        columns = [pa.array(hashes), *(pa.array([1] * len(known), pa.int32()) for _ in "wh"), pa.array(["f"] * len(known))]
        schema = embedding_schema(encoder.dimension)
        replace_table(store, "embeddings", pa.Table.from_arrays([*columns, vector_array(vectors)], schema=schema))
        return store

    return stored


@pytest.fixture
def propose(stored: Callable[..., Store]) -> Callable[..., Tagging]:
    def propose(artwork: Sequence[Row], listed: Sequence[str] = (), titles: Sequence[Row] = (), **options: Any) -> Tagging:
        return propose_tags(catalog(artwork, titles), stored(artwork), Axes(), listed, **options)  # type: ignore[arg-type]

    return propose


def of(found: Tagging) -> dict[str, list[str]]:
    tags: dict[str, list[str]] = {}
    for proposal in found.proposals:
        tags.setdefault(proposal.artwork_id, []).append(proposal.tag)
    return tags


def test_what_has_no_tags_is_given_those_it_shows(propose: Callable[..., Tagging]) -> None:
    found = propose([*TAGGED, *BARE], threshold=0.5)
    assert of(found) == {row["artwork_id"]: [shown(120 + number)] for number, row in enumerate(BARE)}
    first = found.proposals[0]
    assert (first.artwork_id, first.title_id, first.path, first.tag) == ("a120", "t20", "120.jpg", "couple")
    assert all(0.9 < proposal.score <= 1 for proposal in found.proposals)
    assert (found.untagged, found.without_vector, found.fitted) == (30, 0, True)
    assert found.given == dict.fromkeys(WORDS[:6], 20)
    assert found.reliability is not None
    assert (found.reliability.pictures, found.reliability.titles) == (120, 20)
    assert (found.reliability.precision, found.reliability.recall) == (1.0, 1.0)


def test_a_tag_that_every_picture_resembles_is_not_proposed_for_all(propose: Callable[..., Tagging]) -> None:
    assert (picture("cat", 0) @ axis(HUB)) > 1.5 * (picture("cat", 0) @ axis("cat"))
    found = propose([*TAGGED, *BARE], listed=[HUB], threshold=0.3)
    assert sum(proposal.tag == HUB for proposal in found.proposals) < 10
    for artwork_id, tags in of(found).items():
        assert tags[0] == shown(int(artwork_id[1:]))


def test_the_most_probable_first_and_no_more_than_asked_for(propose: Callable[..., Tagging]) -> None:
    found = propose([*TAGGED, *BARE], threshold=1e-9, most=3)
    assert {len(tags) for tags in of(found).values()} == {3}
    scores = [proposal.score for proposal in found.proposals if proposal.artwork_id == "a121"]
    assert scores == sorted(scores, reverse=True)
    assert [proposal.artwork_id for proposal in found.proposals] == [row["artwork_id"] for row in BARE for _ in range(3)]


def test_few_tagged_pictures_leave_the_default(propose: Callable[..., Tagging]) -> None:
    found = propose([*TAGGED[:49], *BARE], threshold=0.05)
    assert (found.fitted, found.calibration) == (False, DEFAULT)
    assert all(tags[0] == shown(int(artwork_id[1:])) for artwork_id, tags in of(found).items())


def test_nobody_tagged_anything(propose: Callable[..., Tagging]) -> None:
    titles = [{"title_id": "t20", "name": "T", "genres": ["cat"], "keywords": ["sea"]}]
    found = propose(BARE, listed=["night"], titles=titles, threshold=0.2)
    assert (found.fitted, found.reliability, found.vocabulary.tags) == (False, None, ("cat", "sea", "night"))
    assert of(found)["a123"] == ["cat"]


def test_where_similarity_tells_nothing_nothing_is_proposed(propose: Callable[..., Tagging]) -> None:
    wrong = [art(number, [WORDS[(number + 1 + number // 6 % 5) % 6]]) for number in range(120)]  # any but what it shows
    found = propose([*wrong, *BARE], threshold=0.01)
    assert (found.calibration.slope, found.proposals, found.untagged) == (0, (), 30)


def test_accepted_tags_are_not_learned_from_and_leave_room_for_more(stored: Callable[..., Store]) -> None:
    wrong = [{**row, "tags": ["ship"]} for row in BARE]
    accepted = [{"artwork_id": row["artwork_id"], "tag": "ship"} for row in BARE]
    merged = catalog([*TAGGED, *wrong], accepted=accepted)
    found = propose_tags(merged, stored([*TAGGED, *BARE]), Axes(), threshold=0.5)  # type: ignore[arg-type]
    assert "ship" not in found.given
    assert found.untagged == 30
    own, bare = own_tags(merged)
    assert (own[7], bare.tolist()) == (["sea"], list(range(120, 150)))


def test_what_has_no_vector_is_counted(stored: Callable[..., Store]) -> None:
    artwork = [*TAGGED, *BARE]
    found = propose_tags(catalog(artwork), stored(artwork, but=["a000", "a120"]), Axes(), threshold=0.5)  # type: ignore[arg-type]
    assert (found.without_vector, found.untagged, "a120" in of(found)) == (2, 30, False)
    with pytest.raises(StoreError, match=r"has no vector of any artwork of c; run scripts/embed_artwork\.py c --store "):
        propose_tags(catalog(BARE), stored(TAGGED), Axes(), ["cat"])  # type: ignore[arg-type]


def test_another_encoder_is_refused(stored: Callable[..., Store]) -> None:
    other = replace(Axes(), fingerprint="0" * 64)
    with pytest.raises(FingerprintError):
        propose_tags(catalog(TAGGED), stored(TAGGED), other)  # type: ignore[arg-type]


def test_no_word_to_propose(stored: Callable[..., Store]) -> None:
    with pytest.raises(CatalogError, match="no tag to propose; tag some artwork, give the titles genres or keywords, or list"):
        propose_tags(catalog(BARE), stored(BARE), Axes())  # type: ignore[arg-type]


def test_in_pieces_it_is_the_same(propose: Callable[..., Tagging], monkeypatch: pytest.MonkeyPatch) -> None:
    whole = propose([*TAGGED, *BARE], threshold=0.5)
    monkeypatch.setattr(tagging, "CHUNK", 7)
    pieces = propose([*TAGGED, *BARE], threshold=0.5)
    assert of(pieces) == of(whole)
    assert [one.score for one in pieces.proposals] == pytest.approx([one.score for one in whole.proposals], abs=1e-4)


def test_of_very_many_tagged_pictures_a_part_is_learned_from(
    propose: Callable[..., Tagging], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tagging, "PAIRS", 60 * 6 + 5)  # six tags
    found = propose([*TAGGED, *BARE], threshold=0.5)
    assert found.reliability is not None
    assert (found.reliability.pictures, found.reliability.titles) == (60, 10)
    assert len(found.proposals) == 30


def test_progress_is_told(propose: Callable[..., Tagging]) -> None:
    told: list[tuple[int, int]] = []
    propose([*TAGGED, *BARE], progress=lambda done, total: told.append((done, total)))
    assert told == [(30, 30)]


def test_a_vocabulary_has_each_word_once_as_first_written() -> None:
    titles = [{"title_id": "t", "name": "T", "genres": ["Film Noir", "drama"], "keywords": ["two  lovers", "SEA"]}]
    artwork = [art(0, ["Sea", "Café"]), art(1, ["sea", "Cafe\u0301", "drama"])]
    words = vocabulary(catalog(artwork, titles), ["night ", "sea", "x" * 80, " "], Axes().fits)
    assert words.tags == ("Sea", "Café", "drama", "Film Noir", "two lovers", "night")
    assert words.kinds == ("keyword", "keyword", "genre", "genre", "keyword", "keyword")
    assert words.listed.tolist() == [True, False, False, False, False, True]
    assert words.always.tolist() == [True, False, True, True, True, True]
    assert words.too_long == ("x" * 80,)


def test_a_tag_is_the_mean_of_its_kind_s_prompts() -> None:
    titles = [{"title_id": "t", "name": "T", "genres": ["sea"], "keywords": ["cat"]}]
    encoder = Axes()
    words = vocabulary(catalog([], titles), [], encoder.fits)
    vectors = tag_vectors(words, encoder)  # type: ignore[arg-type]
    assert encoder.read == [template.format("sea") for template in PROMPTS["genre"]] + [
        template.format("cat") for template in PROMPTS["keyword"]
    ]
    assert vectors == pytest.approx(np.stack([axis("sea"), axis("cat")]))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 9999), pictures=st.integers(2, 40), cut=st.integers(0, 40))
def test_standardised_is_by_each_tag_s_own_mean_and_spread(seed: int, pictures: int, cut: int) -> None:
    rng = np.random.default_rng(seed)
    tags, vectors = (unit(rng.normal(size=(n, 8)) + 1) for n in (5, pictures))
    similarities = vectors.astype(np.float64) @ tags.T.astype(np.float64)
    expected = (similarities - similarities.mean(axis=0)) / similarities.std(axis=0)
    likeness = Likeness.of(tags, [vectors[:cut], vectors[cut:]])
    assert likeness.standardised(vectors) == pytest.approx(expected, abs=2e-3)


def test_pictures_that_are_all_one_have_no_spread() -> None:
    one = np.repeat(unit(np.ones((1, 8), np.float32)), 3, axis=0)
    assert Likeness.of(np.eye(8, dtype=np.float32), [one]).standardised(one).tolist() == np.zeros((3, 8)).tolist()
