"""Taste: what is watched and said becomes phrases with the right weights, each encoded once, and an audience around them."""

import math
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from embed.catalog import Catalog
from embed.encoder import EncoderChoice
from embed.errors import CatalogError, FingerprintError
from embed.records import ARTWORK, TASTE, TITLE, USER, WATCH, Phrase, Profile, fold
from embed.store import Store, create_store, replace_table
from embed.tastes.phrases import encode_prompts, neutral_vector
from embed.tastes.profiles import read_audience, read_phrase_vectors, read_profiles
from embed.tastes.users import PHRASES, PROMPTS, audience_of, embed_users, profile_from_text, split_phrases

Row = dict[str, Any]
NOW = datetime(2026, 9, 1, tzinfo=UTC)


def title(title_id: str, genres: str = "", people: str = "", keywords: str = "", moods: str = "") -> Row:
    lists = {"genres": genres, "people": people, "keywords": keywords, "moods": moods}
    return {"title_id": title_id, "name": title_id, **{name: text.split("|") if text else [] for name, text in lists.items()}}


def watch(user_id: str, title_id: str, fraction: float = 1.0, days_ago: float = 0) -> Row:
    watched_at = NOW - timedelta(days=days_ago)
    return {"user_id": user_id, "title_id": title_id, "fraction": fraction, "watched_at": watched_at}


def says(user_id: str, text: str, weight: float | None = None) -> Row:
    return {"user_id": user_id, "text": text, "weight": weight}


def catalog(titles: list[Row], history: list[Row] = [], tastes: list[Row] = [], seen: list[str] = []) -> Catalog:  # noqa: B006
    """A catalog in memory; `seen` are people known from artwork alone."""
    artwork = [{"artwork_id": name, "title_id": "t", "path": "p", "people": [name], "tags": []} for name in seen]
    tables = ((titles, TITLE), (artwork, ARTWORK), (history, WATCH), (tastes, TASTE))
    return Catalog(Path(), "", *(pa.Table.from_pylist(rows, schema=schema) for rows, schema in tables))


@pytest.fixture
def taste_of(empty_store: Store, tiny_encoder: Any) -> Any:
    """taste_of(catalog, user="u") -> {phrase: weight}, strongest first."""

    def taste_of(catalog: Catalog, user: str = "u") -> dict[str, float]:
        embed_users(catalog, empty_store, tiny_encoder)
        profile = read_profiles(empty_store).get(user)
        assert profile is not None
        return {phrase.text: phrase.weight for phrase in profile.phrases}

    return taste_of


@pytest.fixture
def word_encoder() -> Any:
    """Of no tower: each text has a vector by its bytes, and all are short enough."""

    def encode(texts: list[str]) -> np.ndarray:
        raw = [np.random.default_rng(list(text.encode()) or [0]).normal(size=8) for text in texts]
        return np.array([vector / np.linalg.norm(vector) for vector in raw], np.float32).reshape(-1, 8)

    choice = EncoderChoice("words", "bytes")
    return SimpleNamespace(encode_texts=encode, fits=lambda text: True, choice=choice, fingerprint="c" * 64, dimension=8)


@pytest.fixture
def store_of_words(tmp_path: Path, word_encoder: Any) -> Store:
    return create_store(tmp_path / "words", word_encoder.choice, word_encoder.fingerprint, word_encoder.dimension)


def share(**weights: float) -> Any:
    """The weights, divided by the sum of their sizes, in their order; single precision."""
    total = sum(map(abs, weights.values()))
    return {name.replace("_", " "): pytest.approx(weight / total, abs=1e-6) for name, weight in weights.items()}


def test_a_title_watched_half_counts_half(taste_of: Any) -> None:
    titles = [title("d", "drama"), title("c", "comedy")]
    weights = taste_of(catalog(titles, [watch("u", "c", 0.5), watch("u", "d", 1.0)]))
    assert weights == share(dramatic_films=2, funny_films=1)
    assert list(weights) == ["dramatic films", "funny films"]


def test_a_watch_one_half_life_older_counts_half(taste_of: Any) -> None:
    titles = [title("d", "drama"), title("c", "comedy")]
    assert taste_of(catalog(titles, [watch("u", "c", days_ago=180), watch("u", "d")])) == share(dramatic_films=2, funny_films=1)


def test_age_counts_from_the_newest_watch_of_anyone(taste_of: Any) -> None:
    titles = [title("d", "drama"), title("c", "comedy")]
    history = [watch("u", "d", days_ago=100), watch("u", "c", days_ago=460), watch("other", "c")]
    rare, common = math.log(1 + 3 / 2), math.log(1 + 3 / 3)  # one and both of two users, and one more who watches everything
    assert taste_of(catalog(titles, history)) == share(dramatic_films=4 * rare, funny_films=common)


def test_what_few_users_watch_says_more(taste_of: Any) -> None:
    titles = [title("t1", keywords="love|whales"), title("t2", keywords="love"), title("t3", keywords="love")]
    history = [watch("u", "t1"), watch("v", "t2"), watch("w", "t3"), watch("w", "t2"), watch("x", "t1", fraction=0)]
    expected = share(whales=math.log(1 + 4 / 2), love=math.log(1 + 4 / 4))  # x watched nothing of it
    assert taste_of(catalog(titles, history)) == expected


def test_what_many_titles_bear_and_few_users_watch_says_as_much(taste_of: Any) -> None:
    titles = [title("t1", keywords="love|whales"), *(title(f"t{n}", keywords="love") for n in range(2, 30))]
    assert taste_of(catalog(titles, [watch("u", "t1"), watch("v", "t1")])) == share(love=1, whales=1)


def test_genre_people_and_keywords_share_a_watch(taste_of: Any) -> None:
    assert taste_of(catalog([title("t", "noir", "Ann", "rain")], [watch("u", "t")])) == share(noir_films=1, Ann=0.7, rain=0.5)


def test_moods_have_a_share_of_their_own_and_are_named_by_users(taste_of: Any) -> None:
    titles = [title("t", "noir", moods="Tense", keywords="rain"), title("other", moods="cosy")]
    assert taste_of(catalog(titles, [watch("u", "t")])) == share(noir_films=1, tense=0.6, rain=0.5)
    assert taste_of(catalog(titles, [watch("u", "t")], [says("u", "TENSE, Cosy", -1)])) == share(
        cosy=-1 / 4, noir_films=1 / 2.1 / 2, rain=0.5 / 2.1 / 2, tense=0.6 / 2.1 / 2 - 1 / 4
    )


def test_titles_without_lists_bear_nothing(taste_of: Any) -> None:
    assert taste_of(catalog([{"title_id": "t", "name": "t"}], [watch("u", "t")], [says("u", "noir")])) == share(noir=1)


def test_watches_add_up_and_keep_their_titles(empty_store: Store, tiny_encoder: Any) -> None:
    titles = [title("t1", "drama"), title("t2", "drama"), title("t3", "comedy")]
    history = [watch("u", "t1"), watch("u", "t2"), watch("u", "t1"), watch("u", "t3")]
    embed_users(catalog(titles, history), empty_store, tiny_encoder)
    profile = read_profiles(empty_store).get("u")
    assert profile is not None
    assert [phrase.titles for phrase in profile.phrases] == [("t1", "t2"), ("t3",)]
    drama, comedy = (phrase.weight for phrase in profile.phrases)
    assert drama / comedy == pytest.approx(3, rel=1e-5)


def test_a_phrase_that_stands_twice_in_a_title_counts_once(taste_of: Any) -> None:
    titles = [title("t", "Drama|drama", "Ann", "rain")]
    assert taste_of(catalog(titles, [watch("u", "t")])) == share(dramatic_films=1, Ann=0.7, rain=0.5)


def test_half_is_what_was_watched_and_half_is_what_was_said(taste_of: Any) -> None:
    history = [watch("u", "t1"), watch("u", "t2")]
    tastes = [says("u", "noir", 30), says("u", "clowns", -10)]
    weights = taste_of(catalog([title("t1", "drama"), title("t2", "war")], history, tastes))
    assert weights == share(noir=3 / 8, dramatic_films=1 / 4, war_films=1 / 4, clowns=-1 / 8)


def test_words_alone_are_a_taste_and_a_missing_weight_is_one(taste_of: Any) -> None:
    weights = taste_of(catalog([], tastes=[says("u", "noir, rain"), says("u", "clowns", -2)]))
    assert weights == share(clowns=-2, noir=1, rain=1)


def test_the_profile_reads_as_a_person_would_say_it(empty_store: Store, tiny_encoder: Any) -> None:
    titles = [title("t", "romance", "Uma Thurman"), title("other", "romance")]
    tastes = [says("u", "dark, rainy cities;", 0.5), says("u", "horror", -0.2)]
    embed_users(catalog(titles, [watch("u", "t")], tastes), empty_store, tiny_encoder)
    profile = read_profiles(empty_store).get("u")
    assert profile is not None
    assert sorted(profile.text.split("; ")) == ["Uma Thurman", "dark, rainy cities", "not horror", "romantic films"]
    assert [phrase.kind for phrase in profile.phrases] == ["stated", "genre", "person", "stated"]
    assert profile.source == "history and stated"


@pytest.mark.parametrize(
    ("genre", "phrase"),
    [
        ("Romance", "romantic films"),
        ("COMEDY", "funny films"),
        ("Science  Fiction", "science fiction films"),
        ("noir", "noir films"),
    ],
)
def test_genres_are_worded_as_films(taste_of: Any, genre: str, phrase: str) -> None:
    assert list(taste_of(catalog([title("t", genre)], [watch("u", "t")]))) == [phrase]


def test_weights_sum_to_one_in_size_and_only_the_strongest_stay(taste_of: Any) -> None:
    tastes = [says("u", f"thing {number}", number - 20) for number in range(1, 40)]
    weights = taste_of(catalog([], tastes=tastes))
    assert len(weights) == PHRASES
    assert sum(map(abs, weights.values())) == pytest.approx(1, abs=1e-6)
    assert {"thing 1", "thing 39"} <= weights.keys()
    assert "thing 20" not in weights


def test_likes_and_dislikes_of_one_thing_cancel(taste_of: Any) -> None:
    assert taste_of(catalog([], tastes=[says("u", "noir"), says("u", "noir", -1), says("u", "rain")])) == share(rain=1)


@pytest.mark.parametrize(
    ("text", "phrases"),
    [
        ("dark forests, monsters", ["dark forests", "monsters"]),
        ("dark, rainy cities; Uma Thurman", ["dark, rainy cities", "Uma Thurman"]),
        ("dark, rainy cities\nnoir", ["dark, rainy cities", "noir"]),
        (" ,, a   b ,", ["a b"]),
        ("; ,", []),
        ("dark, rainy cities,; noir", ["dark, rainy cities", "noir"]),
    ],
)
def test_texts_are_divided_into_phrases(text: str, phrases: list[str]) -> None:
    assert split_phrases(text) == phrases


def test_people_are_known_by_identity(empty_store: Store, tiny_encoder: Any) -> None:
    titles = [title("t1", people="Uma Thurman"), title("t2", people="uma  thurman")]
    tastes = [says("u", "UMA THURMAN, zoe\u0308 KRAVITZ, Nobody Known")]
    embed_users(catalog(titles, [watch("u", "t2")], tastes, seen=["Zoë Kravitz"]), empty_store, tiny_encoder)
    profile = read_profiles(empty_store).get("u")
    assert profile is not None
    assert {phrase.text: phrase.kind for phrase in profile.phrases} == {
        "Uma Thurman": "person",
        "Zoë Kravitz": "person",
        "Nobody Known": "stated",
    }
    assert {phrase.text: phrase.weight for phrase in profile.phrases} == share(Uma_Thurman=4, Zoë_Kravitz=1, Nobody_Known=1)


LONG = {
    "words": " ".join(f"word{number}" for number in range(90)),
    "no spaces": "".join(map(chr, range(0x4E00, 0x4E00 + 150))),  # Chinese, say
}


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
@pytest.mark.parametrize("source", ["stated", "keyword"])
def test_a_text_longer_than_the_tower_reads_is_split_never_cut(
    empty_store: Store, tiny_encoder: Any, text: str, source: str
) -> None:
    if source == "stated":
        report = embed_users(catalog([], tastes=[says("u", f"short; {text}")]), empty_store, tiny_encoder)
    else:
        report = embed_users(catalog([title("t", keywords=f"short|{text}")], [watch("u", "t")]), empty_store, tiny_encoder)
    places = {"stated": ("tastes", "user 'u'", "text"), "keyword": ("titles", "title 't'", "keywords")}
    [divided] = report.split
    assert (divided.table, divided.where, divided.field, divided.text) == (*places[source], text)
    pieces = [piece for kind, piece in read_phrase_vectors(empty_store) if kind == source and piece != "short"]
    assert len(pieces) > 1
    for piece in pieces:
        assert piece in text
        assert all(tiny_encoder.fits(template.format(piece)) for template in PROMPTS[source])
    assert sum(map(len, pieces)) >= len(text) - len(pieces)  # all of it, but for the spaces between the pieces
    profile = read_profiles(empty_store).get("u")
    assert profile is not None
    if source == "stated":
        weights = {phrase.text: phrase.weight for phrase in profile.phrases}
        assert weights == share(short=1, **dict.fromkeys(pieces, 1 / len(pieces)))


def test_phrases_are_encoded_once(empty_store: Store, tiny_encoder: Any) -> None:
    titles = [title("t", "drama", "Ann")]
    first = embed_users(catalog(titles, [watch("u", "t"), watch("v", "t")]), empty_store, tiny_encoder)
    assert (first.users, first.phrases, first.encoded, first.split) == (2, 2, 2, ())
    before = read_phrase_vectors(empty_store)
    second = embed_users(catalog(titles, [watch("u", "t"), watch("v", "t")]), empty_store, tiny_encoder)
    assert (second.users, second.phrases, second.encoded) == (2, 2, 0)
    third = embed_users(catalog(titles, [watch("u", "t")], [says("w", "noir")]), empty_store, tiny_encoder)
    assert (third.users, third.phrases, third.encoded) == (2, 3, 1)
    after = read_phrase_vectors(empty_store)
    assert set(after) - set(before) == {("stated", "noir")}
    assert all(np.array_equal(after[key], before[key]) for key in before)


def test_a_run_that_meets_nothing_new_encodes_nothing(
    empty_store: Store, tiny_encoder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What prompts say of nothing is the same in every run, too."""
    known = catalog([title("t", "drama", "Ann")], [watch("u", "t")])
    embed_users(known, empty_store, tiny_encoder)
    before = read_audience(empty_store)
    monkeypatch.setattr(type(tiny_encoder), "encode_texts", lambda _, texts: pytest.fail(f"encoded {texts}"))
    embed_users(known, empty_store, tiny_encoder)
    after = read_audience(empty_store)
    assert np.array_equal(after.neutral, before.neutral)
    assert {kind: vector.tolist() for kind, vector in after.commons.items()} == {
        kind: vector.tolist() for kind, vector in before.commons.items()
    }
    monkeypatch.undo()
    assert np.allclose(after.neutral, neutral_vector(lambda groups: encode_prompts(groups, tiny_encoder)), atol=1e-6)


def test_a_phrase_s_vector_is_the_mean_of_its_prompts_at_unit_length(empty_store: Store, tiny_encoder: Any) -> None:
    embed_users(catalog([title("t", "drama")], [watch("u", "t")]), empty_store, tiny_encoder)
    prompts = ["a poster of a dramatic movie", "a still from a dramatic film", "dramatic films"]
    mean = tiny_encoder.encode_texts(prompts).mean(axis=0)
    vector = read_phrase_vectors(empty_store)["genre", "dramatic films"]
    assert np.allclose(vector, mean / np.linalg.norm(mean), atol=1e-6)


def test_who_is_no_longer_in_the_catalog_is_no_longer_in_the_store(empty_store: Store, tiny_encoder: Any) -> None:
    for user in ("first", "second"):
        embed_users(catalog([], tastes=[says(user, "noir")]), empty_store, tiny_encoder)
    assert read_profiles(empty_store).user_ids == ["second"]


def test_a_user_of_no_taste_has_an_empty_profile(empty_store: Store, tiny_encoder: Any) -> None:
    report = embed_users(catalog([title("t", "drama")], [watch("u", "t", fraction=0)]), empty_store, tiny_encoder)
    profile = read_profiles(empty_store).get("u")
    assert profile is not None
    assert (report.users, profile.phrases, profile.text, profile.vectors.shape) == (1, (), "", (0, 32))
    assert read_audience(empty_store).users == 0


def test_a_catalog_without_users(empty_store: Store, tiny_encoder: Any) -> None:
    report = embed_users(catalog([title("t", "drama")]), empty_store, tiny_encoder)
    assert (report.users, report.phrases, report.encoded) == (0, 0, 0)
    assert read_profiles(empty_store).user_ids == []
    audience = read_audience(empty_store)
    assert audience.users == 0
    assert np.array_equal(audience.mean, audience.neutral)
    assert not audience.moment.any()


def test_profile_from_text(tiny_encoder: Any, empty_store: Store) -> None:
    profile = profile_from_text("guest", "dark forests, UMA thurman", tiny_encoder, people=["Uma Thurman"])
    assert (profile.user_id, profile.fingerprint) == ("guest", tiny_encoder.fingerprint)
    assert {(p.text, p.kind, p.weight, p.titles) for p in profile.phrases} == {
        ("dark forests", "stated", 0.5, ()),
        ("Uma Thurman", "person", 0.5, ()),
    }
    embed_users(catalog([], tastes=[says("u", "dark forests, Uma Thurman")], seen=["Uma Thurman"]), empty_store, tiny_encoder)
    stored = read_profiles(empty_store).get("u")
    assert stored is not None
    assert stored.phrases == profile.phrases
    assert np.allclose(stored.vectors, profile.vectors, atol=1e-6)


@pytest.mark.parametrize("text", ["", " ; , "])
def test_profile_from_no_text(tiny_encoder: Any, text: str) -> None:
    profile = profile_from_text("guest", text, tiny_encoder)
    assert (profile.phrases, profile.vectors.shape) == ((), (0, 32))


@pytest.mark.parametrize("users", [1, 2, 50])
def test_the_audience_against_plain_numpy(tiny_encoder: Any, users: int) -> None:
    raw = np.random.default_rng(users).normal(size=(users, 32))
    unit = (raw / np.linalg.norm(raw, axis=1, keepdims=True)).astype(np.float32)
    profiles = [Profile(f"u{n}", (Phrase("x", "stated", 0.7),), unit[n : n + 1], "f") for n in range(users)]
    profiles.append(Profile("no taste", (), np.empty((0, 32), np.float32), "f"))
    prompts = tiny_encoder.encode_texts(["a picture", "a poster of a movie", "a still from a film", "a photo"])
    neutral = prompts.mean(axis=0) / np.linalg.norm(prompts.mean(axis=0))
    mean = np.vstack([unit, neutral]).mean(axis=0)
    common = unit.sum(axis=0) / (users + 8)
    moment = sum(np.outer(vector - common, vector - common) for vector in unit.astype(np.float64)) / users

    audience = audience_of(profiles, tiny_encoder)
    assert (audience.users, audience.fingerprint) == (users, tiny_encoder.fingerprint)
    for got, wanted in ((audience.neutral, neutral), (audience.mean, mean), (audience.moment, moment)):
        assert got.dtype == np.float32
        assert np.allclose(got, wanted, atol=1e-6)


def test_another_encoder_is_refused_before_anything_is_written(store: Store, other_encoder: Any) -> None:
    before = read_profiles(store)
    with pytest.raises(FingerprintError, match="their vectors do not compare"):
        embed_users(catalog([], tastes=[says("u", "noir")]), store, other_encoder)
    assert read_profiles(store).table.equals(before.table)


CHILD = """
import sys
from embed.catalog import read_catalog
from embed.encoder import load_encoder
from embed.store import open_store
from embed.tastes.users import embed_users

store = open_store(sys.argv[2])
embed_users(read_catalog(sys.argv[1]), store, load_encoder(store.choice, device="cpu"))
"""


def test_another_process_writes_the_same_profiles(store: Store, catalog_folder: Path) -> None:
    before = read_profiles(store)
    replace_table(store, "profiles", before.table.slice(0, 0))
    environment = {**os.environ, "PYTHONHASHSEED": "1"}  # sets are walked in another order
    arguments = [sys.executable, "-c", CHILD, str(catalog_folder), str(store.root)]
    subprocess.run(arguments, check=True, timeout=120, env=environment)
    assert read_profiles(store).table.equals(before.table)


@pytest.mark.parametrize("said", ["comedy", "Comedy", "funny films", "FUNNY  films"])
def test_who_names_a_genre_means_what_its_titles_mean(empty_store: Store, tiny_encoder: Any, said: str) -> None:
    embed_users(catalog([title("t", "comedy")], [watch("u", "t")], [says("u", said)]), empty_store, tiny_encoder)
    profile = read_profiles(empty_store).get("u")
    assert profile is not None
    assert profile.phrases == (Phrase("funny films", "genre", 1.0, ("t",)),)


def test_what_is_liked_and_disliked_alike_cancels_out(taste_of: Any) -> None:
    watched = [watch("u", "t")]
    assert taste_of(catalog([title("t", "horror")], watched, [says("u", "horror films", -1.0)])) == {}


def test_the_same_words_of_two_kinds_are_one_phrase(taste_of: Any) -> None:
    found = taste_of(catalog([title("t", "horror", keywords="cats")], [watch("u", "t")], [says("u", "Cats")]))
    assert list(found) == ["cats", "horror films"]


def test_progress_counts_the_phrases_encoded(empty_store: Store, tiny_encoder: Any) -> None:
    told: list[tuple[int, int]] = []
    both = catalog([title("t", "comedy")], [watch("u", "t")], [says("u", "cats")])
    embed_users(both, empty_store, tiny_encoder, lambda done, total: told.append((done, total)))
    assert told == [(2, 2)]


# Many users at once

WORDS = ["noir", "Noir", "noir films", "sea", "Ann", "tense", "funny films"]
TITLES = st.lists(
    st.builds(
        lambda genres, people, keywords, moods: ("|".join(genres), "|".join(people), "|".join(keywords), "|".join(moods)),
        *(
            st.lists(st.sampled_from(words), max_size=3)
            for words in (["noir", "comedy", "sea"], ["Ann", "ann", "Bo"], WORDS, WORDS)
        ),
    ),
    min_size=1,
    max_size=5,
)
HISTORY = st.lists(
    st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 4), st.sampled_from([0, 0.3, 1]), st.integers(0, 900)), max_size=40
)
SAYS = st.lists(
    st.tuples(st.sampled_from("abcdxyz"), st.lists(st.sampled_from(WORDS), max_size=3), st.sampled_from([None, -1, 0.5, 0])),
    max_size=20,
)


def plainly(made: Catalog) -> dict[str, list[tuple[str, str, float, tuple[str, ...]]]]:
    """The rules as they are said, user by user: (kind, text, weight, titles)."""
    shares = {"genre": 1.0, "mood": 0.6, "person": 0.7, "keyword": 0.5}
    names: dict[str, str] = {}
    for row in made.titles.to_pylist():
        for name in row["people"]:
            names.setdefault(fold(name), name)
    of_title, moods, genres = {}, {}, {}
    for row in made.titles.to_pylist():
        films = {genre: {"comedy": "funny"}.get(genre, genre) + " films" for genre in row["genres"]}
        moods |= {fold(mood): ("mood", fold(mood)) for mood in row["moods"]}
        genres |= {fold(word): ("genre", text) for genre, text in films.items() for word in (genre, text)}
        keys = [("genre", films[genre]) for genre in row["genres"]] + [("mood", fold(mood)) for mood in row["moods"]]
        keys += [("person", names[fold(name)]) for name in row["people"]] + [("keyword", word) for word in row["keywords"]]
        of_title[row["title_id"]] = list(dict.fromkeys(keys))
    known = moods | genres | {folded: ("person", name) for folded, name in names.items()}
    history, tastes = made.history.to_pylist(), made.tastes.to_pylist()
    newest = max((row["watched_at"] for row in history), default=None)
    watchers: dict[Any, set[str]] = {}
    for row in (row for row in history if row["fraction"] > 0):
        for key in (None, *of_title[row["title_id"]]):
            watchers.setdefault(key, set()).add(row["user_id"])

    def shared(phrases: list[Any]) -> list[Any]:
        total = sum(abs(weight) for *_, weight, _ in phrases)
        return [(kind, text, weight / total, titles) for kind, text, weight, titles in phrases] if total else []

    found = {}
    for user in {row["user_id"] for row in history + tastes}:
        weights: dict[Any, float] = {}
        seen: dict[Any, list[str]] = {}
        for row in (row for row in history if row["user_id"] == user):
            worth = row["fraction"] * 0.5 ** ((newest - row["watched_at"]).total_seconds() / 86400 / 180)
            for key in of_title[row["title_id"]]:
                rarity = math.log(1 + (len(watchers.get(None, ())) + 1) / (len(watchers.get(key, ())) + 1))
                weights[key] = weights.get(key, 0.0) + worth * shares[key[0]] * rarity
                seen.setdefault(key, []).append(row["title_id"])
        phrases = shared([(*key, weight, tuple(dict.fromkeys(seen[key]))) for key, weight in weights.items() if weight > 0])
        said = [
            (known.get(fold(text), ("stated", text)), row["weight"])
            for row in tastes
            if row["user_id"] == user
            for text in split_phrases(row["text"])
        ]
        phrases += shared([(*key, 1.0 if weight is None else weight, ()) for key, weight in said])
        merged: dict[str, Any] = {}
        for kind, text, weight, titles in phrases:
            before = merged.get(fold(text), (kind, text, 0.0, ()))
            merged[fold(text)] = (*before[:2], before[2] + weight, before[3] + titles)
        ordered = sorted(merged.values(), key=lambda phrase: (-abs(phrase[2]), *phrase[:2]))
        found[user] = shared([phrase for phrase in ordered if phrase[2]][:PHRASES])
    return found


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(titles=TITLES, history=HISTORY, says_=SAYS, block=st.sampled_from([4, 1 << 16]))
def test_users_in_blocks_are_what_the_rules_make_of_each(
    store_of_words: Store, word_encoder: Any, titles: Any, history: Any, says_: Any, block: int
) -> None:
    made = catalog(
        [title(f"t{n}", *lists) for n, lists in enumerate(titles)],
        [watch(user, f"t{number % len(titles)}", fraction, days) for user, number, fraction, days in history],
        [says(user, ", ".join(words), weight) for user, words, weight in says_],
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("embed.tastes.by_user.BLOCK", block)
        patch.setattr("embed.tastes.drafts.KEPT", block)
        patch.setattr("embed.tastes.by_user.RUN", 4)
        patch.setattr("embed.tastes.by_user.MERGED", 2)
        embed_users(made, store_of_words, word_encoder)
    profiles, expected = read_profiles(store_of_words), plainly(made)
    assert profiles.user_ids == sorted(expected)
    for user, phrases in expected.items():
        profile = profiles.get(user)
        assert profile is not None
        assert {p.text: p.weight for p in profile.phrases} == pytest.approx({p[1]: p[2] for p in phrases}, abs=1e-6)
        assert {p.text: (p.kind, p.titles) for p in profile.phrases} == {p[1]: (p[0], p[3]) for p in phrases}
        sizes = [abs(p.weight) for p in profile.phrases]
        assert sizes == sorted(sizes, reverse=True)
        assert profile.text == "; ".join(("" if p.weight >= 0 else "not ") + p.text for p in profile.phrases)


def test_what_a_catalog_has_not_watched_is_named(empty_store: Store, tiny_encoder: Any) -> None:
    with pytest.raises(CatalogError, match="history: 'gone' is no title of this catalog; read its titles, too"):
        embed_users(catalog([title("t")], [watch("u", "gone")]), empty_store, tiny_encoder)


def test_genres_and_people_longer_than_the_tower_reads_stay_whole_and_are_told(empty_store: Store, tiny_encoder: Any) -> None:
    name, mood = " ".join(f"von{number}" for number in range(60)), " ".join(f"so{number}" for number in range(90))
    titles = [title("t", people=name), title("m", moods=mood)]
    report = embed_users(catalog(titles, [watch("u", "t"), watch("v", "m")]), empty_store, tiny_encoder)
    assert sorted(map(str, report.split)) == [
        f"titles, title 'm', moods: longer than the text tower reads, so divided: {mood}",
        f"titles, title 't', people: longer than the text tower reads, so divided: {name}",
    ]
    assert ("person", name) in read_phrase_vectors(empty_store)


def test_averages_of_segments_and_locales_are_written_and_users_known_by_their_record_alone_are_there(
    empty_store: Store, tiny_encoder: Any
) -> None:
    known = [
        {"user_id": "a", "locale": "pt_BR", "segment": "kids"},
        {"user_id": "b", "locale": "pt-br", "segment": "old"},
        {"user_id": "b", "locale": "pt-br", "segment": "kids"},  # the later row holds
        {"user_id": "c", "locale": "de", "segment": "kids"},  # alone of its locale
        {"user_id": "d", "locale": "de", "segment": "adults"},  # without a taste
    ]
    users = pa.Table.from_pylist(known, schema=USER)
    made = replace(catalog([], tastes=[says("a", "noir"), says("b", "cats"), says("c", "sea")]), users=users)
    embed_users(made, empty_store, tiny_encoder)
    profiles, audience = read_profiles(empty_store), read_audience(empty_store)
    assert profiles.user_ids == ["a", "b", "c", "d"]
    about = [profiles.get(user) for user in profiles.user_ids]
    assert [(p and p.source, p and p.locale, p and p.segment) for p in about] == [
        ("stated", "pt_BR", "kids"),
        ("stated", "pt-br", "kids"),
        ("stated", "de", "kids"),
        ("", "de", "adults"),
    ]
    assert [(average.kind, average.name, average.users) for average in audience.averages] == [
        ("locale", "pt-br", 2),
        ("segment", "kids", 3),
    ]
    assert audience.users == 3
