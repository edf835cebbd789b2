"""Every choice at once: whatever the tastes, twins, people and contexts, what the Matcher gives one by one."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from embed.errors import FingerprintError, StoreError
from embed.records import PROFILE, TITLE, Average
from embed.store import Store, read_table, replace_table
from embed.tastes.audience import apart_of
from embed.tastes.profiles import read_audience, write_audience
from index.filters import Context
from index.publish import publish_snapshot
from index.titles import ABSENT
from match import bulk as module
from match.blend import Weights
from match.bulk import Bulk
from match.clicks.priors import learn_priors
from match.clicks.seen import MOST, PictureInterests
from match.crowd import crowd_of
from match.matcher import EVERYWHERE, Matcher
from match.tastes import cohorts_of

DIMENSION = 24
SIZES = [1, 0, 2, 3, 40, 1, 9, 2, 3, 17, 130, 3, 300]
ALIKE = Context(locale="de", maturity=12, seen=["t03"])
CONTEXTS = [
    EVERYWHERE,
    ALIKE,
    Context(segment="kids"),
    Context(segment="few", locale="pt-BR"),
    Context(aspect=16 / 9),
    Context(locale="fr", aspect=0.7, maturity=3),
    Context(allow=[]),
]


def unit(rng: np.random.Generator) -> np.ndarray:
    vector = rng.normal(size=DIMENSION)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def artwork(rng: np.random.Generator, artwork_id: str, vector: np.ndarray) -> dict[str, Any]:
    """With people, and with something about it that a context may mind, now and then."""
    about: dict[str, Any] = {"artwork_id": artwork_id, "vector": vector}
    about["people"] = [str(name) for name in rng.choice(["Ada", "Ben", "Cleo"], rng.integers(0, 3), replace=False)]
    about |= {"locale": str(rng.choice(["de", "fr-CA"]))} if rng.random() < 0.3 else {}
    about |= {"maturity": float(rng.integers(0, 18))} if rng.random() < 0.3 else {}
    about |= {"spoiler": bool(rng.random() < 0.5)} if rng.random() < 0.2 else {}
    about |= {"width": 160, "height": int(rng.choice([90, 240]))} if rng.random() < 0.3 else {}
    return about


def random_titles(rng: np.random.Generator) -> dict[str, list[dict[str, Any]]]:
    """Titles of very different sizes; of t06 every artwork has a twin, or one that differs in its last bits."""
    titles = {
        f"t{number:02}": [artwork(rng, f"t{number:02}-{n:03}", unit(rng)) for n in range(size)]
        for number, size in enumerate(SIZES)
    }
    for n, row in enumerate(list(titles["t06"])):
        vector = row["vector"] if n % 3 else np.nextafter(row["vector"], np.float32(2))
        people = row["people"] if n % 2 else ["Ben"]
        titles["t06"].append({**row, "artwork_id": f"t06-{n:03}-twin", "vector": vector, "people": people})
    return titles


def random_users(rng: np.random.Generator, count: int) -> dict[str, list[tuple[Any, ...]]]:
    """Some without a taste; some whose phrases weigh nothing together."""
    names = ("ADA", "Ben", "ben ", "Cleo", "Nobody")
    keys = [*(("person", name) for name in names), *(("stated", f"phrase {n}") for n in range(12))]
    vectors = {key: unit(rng) for key in keys}
    taken = ([keys[i] for i in rng.permutation(len(keys))[: rng.integers(0, 7)]] for _ in range(count))
    users = [
        [(text, kind, float(rng.normal()), vectors[kind, text], int(rng.integers(3))) for kind, text in some] for some in taken
    ]
    return {f"u{number:03}": phrases for number, phrases in enumerate(users)} | {
        "zero": [("phrase 0", "stated", 0.0, vectors["stated", "phrase 0"])]
    }


def click(rng: np.random.Generator, titles: dict[str, list[dict[str, Any]]], store: Store, folder: Path) -> None:
    """Some impressions of every fourth artwork in segments or none, and some plays."""
    shown = [(title_id, row["artwork_id"]) for title_id, rows in titles.items() for row in rows[::4]]
    segments = [
        f"{n}-{m},{title},{art},{['', 'Kids', 'few', 'teens'][rng.integers(4)]}"
        for n, (title, art) in enumerate(shown)
        for m in range(20)
    ]
    (folder / "impressions.csv").write_text("\n".join(["impression_id,title_id,artwork_id,segment", *segments]))
    plays = [f"{n}-{m},,1.0" for n in range(len(shown)) for m in range(rng.integers(0, 9))]
    (folder / "plays.csv").write_text("\n".join(["impression_id,seconds,fraction", *plays]))
    learn_priors(folder, store)


def with_fallbacks(store: Store, fallbacks: dict[str, str]) -> None:
    rows = [{**row, "fallback": fallbacks.get(row["title_id"])} for row in read_table(store, "titles").to_pylist()]
    replace_table(store, "titles", pa.Table.from_pylist(rows, schema=TITLE))
    publish_snapshot(store)


def with_cohorts(rng: np.random.Generator, store: Store) -> None:
    """Users of some segments and locales, some of which have averages of their own."""
    segments, locales = [None, "kids", "adults", "few"], [None, "de", "de-AT", "pt_BR", "zz"]
    rows = [
        {**row, "segment": segments[rng.integers(4)], "locale": locales[rng.integers(5)]}
        for row in read_table(store, "profiles").to_pylist()
    ]
    replace_table(store, "profiles", pa.Table.from_pylist(rows, schema=PROFILE))
    named = [("segment", "kids"), ("segment", "adults"), ("locale", "de"), ("locale", "pt-br")]
    averages = tuple(Average(kind, name, 7, 0.3 * unit(rng)) for kind, name in named)
    write_audience(store, replace(read_audience(store), averages=averages))


TAGS = ["day", "night", "sea", "no night", "mood: dark", "mood: light"]


def said(rng: np.random.Generator, titles: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Lines of copy, and words for `make_store`; some lines differ in their last bits, and what is said may contradict. Tags some of
    the artwork of every title but t04."""
    words = {("tag", tag): unit(rng) for tag in ("day", "night", "sea", "dark", "light")}
    words |= {("copy", f"line {n}"): unit(rng) for n in range(9)}
    words |= {("copy", f"line {n} again"): np.nextafter(words["copy", f"line {n}"], np.float32(2)) for n in range(9)}
    texts = [text for kind, text in words if kind == "copy"]
    for rows in (rows for title_id, rows in titles.items() if title_id != "t04"):
        for row in rows[::2]:
            row["tags"] = [str(tag) for tag in rng.choice(TAGS, rng.integers(0, 4), replace=False)]
    copy = [
        {
            "copy_id": f"{title_id}-{n}",
            "title_id": title_id,
            "text": texts[rng.integers(len(texts))],
            "locale": [None, None, "de", "fr", "pt"][rng.integers(5)],
            "tags": [str(tag) for tag in rng.choice(TAGS, rng.integers(0, 2), replace=False)],
        }
        for title_id in titles
        for n in range(rng.integers(0, 9))
    ]
    return {"copy": copy, "words": words}


@pytest.fixture(scope="module", params=range(3))
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, make_store: Callable[..., Store]) -> Store:
    """A random store; every title names its first artwork as its fallback."""
    rng = np.random.default_rng(request.param)
    titles, users = random_titles(rng), random_users(rng, 60)
    folder = tmp_path_factory.mktemp("world")
    store = make_store(folder / "store", titles, users, neutral=unit(rng), publish=False, **said(rng, titles))
    with_fallbacks(store, {title_id: rows[0]["artwork_id"] for title_id, rows in titles.items() if rows})
    click(rng, titles, store, folder)
    with_cohorts(rng, store)
    return store


def compare(matcher: Matcher, users: list[str], titles: list[str] | None = None, context: Context = EVERYWHERE) -> Bulk:
    """Asserts that each choice is the Matcher's, its score within 1e-5."""
    bulk = Bulk.of(matcher, titles, context)
    chosen = bulk.choose(users)
    pages = matcher.choose_many(users, bulk.title_ids, context)
    expected = [[choice.artwork and choice.artwork.artwork_id for choice in page] for page in pages]
    names = [*bulk.artwork_ids.to_pylist(), None]  # ABSENT is the last of them
    assert [[names[place] for place in row] for row in chosen.artwork.tolist()] == expected
    scores = [[np.nan if choice.artwork is None else choice.artwork.score for choice in page] for page in pages]
    np.testing.assert_allclose(chosen.scores, np.array(scores).reshape(chosen.scores.shape), rtol=0, atol=1e-5)
    lines = [*matcher.snapshot.lines.table["copy_id"].to_pylist(), None]
    beside = [[choice.copy and choice.copy.copy_id for choice in page] for page in pages]
    assert [[lines[number] for number in row] for row in chosen.copy.tolist()] == beside
    assert chosen.artwork.dtype == np.int32
    assert chosen.scores.dtype == np.float32
    for choices in pages[:1]:
        for choice, reason in zip(choices, bulk.reasons, strict=True):
            assert reason == (choice.reason if choice.artwork is None or "fallback" in choice.reason else None)
    return bulk


# The same choice


@pytest.mark.parametrize("context", CONTEXTS, ids=range(len(CONTEXTS)))
@pytest.mark.parametrize(
    "weights", [Weights(), Weights(0.7, 0.4, 0.9, 2.0), Weights(0.0, 0.01), Weights(3.0, 0.0, 0.0, 0.0)], ids=str
)
def test_every_choice_is_the_matchers(world: Store, weights: Weights, context: Context) -> None:
    matcher = Matcher.open(world, weights)
    compare(matcher, [*matcher.user_ids, "nobody"], context=context)


@pytest.mark.parametrize("weights", [Weights(), Weights(0.7, 0.4, 0.9, 2.0), Weights(0.0, 0.01)], ids=str)
def test_interests_in_pictures_count_alike(world: Store, weights: Weights, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of users with and without a taste, and of some whom nobody knows."""
    rng = np.random.default_rng(8)
    plain = Matcher.open(world, weights)
    users = [*plain.user_ids, "nobody", "nobody else"]
    having = [user for user in users if rng.random() < 0.6] + ["nobody"]
    rows = {user: row for row, user in enumerate(dict.fromkeys(having))}
    pictures = PictureInterests(rows, np.array([unit(rng) for _ in rows]), rng.uniform(0.01, MOST, len(rows)))
    matcher = replace(plain, pictures=pictures, _remembered={})
    monkeypatch.setattr(module, "USERS", 7)
    compare(matcher, users)
    if weights.similarity:
        assert any(one != other for one, other in zip(*(m.choose("nobody") for m in (plain, matcher)), strict=True))


def with_fit(matcher: Matcher, weight: float) -> Matcher:
    """With another weight of the average fit than was learned."""
    titles = matcher.priors.titles
    worth = pa.array([weight] * len(titles), pa.float64())
    titles = titles.set_column(titles.column_names.index("fit_weight"), "fit_weight", worth)
    return replace(matcher, priors=replace(matcher.priors, titles=titles), _remembered={})


def test_average_fit_counts_alike(world: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of users of segments that are tasted, clicked, both and neither, side by side in blocks."""
    matcher = with_fit(Matcher.open(world), 1.5)
    monkeypatch.setattr(module, "USERS", 7)
    compare(matcher, [*matcher.user_ids, "nobody"])
    compare(matcher, [*matcher.user_ids, "nobody"], context=Context(segment="few"))
    none = with_fit(matcher, 0.0)
    assert matcher.choose_many(matcher.user_ids) != none.choose_many(matcher.user_ids)


def test_each_segment_has_priors_of_its_own(world: Store) -> None:
    """By clicks ("few"), by tastes ("adults") and by both ("kids", however it is spelled); the rest has everyone's."""
    matcher = with_fit(Matcher.open(world), 0.5)
    priors = matcher.catalog_priors
    speaking = [priors.speaking(name) for name in (None, "", "kids", "KIDS", "adults", "few", "others")]
    assert speaking == [None, None, "kids", "KIDS", "adults", "few", None]
    odds = [priors.of(name).log_odds for name in (None, "kids", "KIDS", "adults", "few")]
    assert min(np.abs(one - other).max() for n, one in enumerate(odds) for other in odds[:n]) > 0.01
    choices = {name: matcher.choose("nobody", ["t12"], Context(segment=name)) for name in (None, "few", "others")}
    assert [choices[name][0].artwork.prior.segment for name in choices] == [None, "few", None]


def test_blocks_of_users_and_strips_change_nothing(world: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    matcher = Matcher.open(world)
    monkeypatch.setattr(module, "USERS", 7)
    monkeypatch.setattr(module, "COLUMNS", 50)
    assert len(compare(matcher, matcher.user_ids)._strips) > 2


def test_near_ties_are_the_matchers(tmp_path: Path, make_store: Callable[..., Store]) -> None:
    """Artworks that differ in the seventh digit: a product in another order would take another one in every second cell."""
    rng = np.random.default_rng(5)
    titles = {}
    for number in range(20):
        first = unit(rng)
        close = [first + np.float32(2e-7) * unit(rng) for _ in range(5)]
        titles[f"t{number}"] = [{"artwork_id": f"t{number}-{n}", "vector": vector} for n, vector in enumerate(close)]
    titles["apart"] = [{"artwork_id": f"apart-{n}", "vector": unit(rng)} for n in range(5)]
    matcher = Matcher.open(make_store(tmp_path / "store", titles, random_users(rng, 40), neutral=unit(rng)))
    compare(matcher, matcher.user_ids)


def test_twins_go_to_the_first_and_ask_nobody(
    tmp_path: Path, make_store: Callable[..., Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(6)
    vectors = [unit(rng), unit(rng)]
    titles = {"t": [{"artwork_id": f"{n}", "vector": vectors[n % 2], "people": ["Ada"]} for n in range(6)]}
    matcher = Matcher.open(make_store(tmp_path / "store", titles, random_users(rng, 40), neutral=unit(rng)))
    compare(matcher, matcher.user_ids)
    monkeypatch.setattr(Bulk, "_exactly", lambda *_: pytest.fail("a twin is never chosen, and nobody need be asked"))
    assert set(Bulk.of(matcher).choose(matcher.user_ids).artwork.ravel().tolist()) == {0, 1}


def test_large_vectors_stay_within_the_tolerance(tmp_path: Path, make_store: Callable[..., Store]) -> None:
    """Of 512 numbers, close together within a title as a film's artwork is: far more cells than the ties among them."""
    rng = np.random.default_rng(7)

    def near(centre: np.ndarray, spread: float) -> np.ndarray:
        vector = centre + spread * rng.normal(size=512) / np.sqrt(512)
        return (vector / np.linalg.norm(vector)).astype(np.float32)

    middle = rng.normal(size=512) / np.sqrt(512)
    centres = [near(middle, 0.5) for _ in range(60)]
    titles = {f"t{n}": [{"artwork_id": f"t{n}-{i}", "vector": near(c, 0.2)} for i in range(10)] for n, c in enumerate(centres)}
    vectors = [near(middle, 1.0) for _ in range(50)]
    users = {
        f"u{n}": [(f"p{i}", "stated", float(rng.random()), vectors[i], int(i) % 2) for i in rng.permutation(50)[:4]]
        for n in range(150)
    }
    matcher = Matcher.open(make_store(tmp_path / "store", titles, users, neutral=near(middle, 0.1)))
    compare(matcher, matcher.user_ids)


# What is asked


def test_titles_in_the_order_asked_each_once(world: Store) -> None:
    bulk = compare(Matcher.open(world), ["u001", "zero"], ["t04", "no such", "t00", "t04", "t01"])
    assert bulk.title_ids == ["t04", "no such", "t00", "t01"]
    assert bulk.reasons[1] == "no title 'no such' in snapshot 000001"
    assert bulk.reasons[3] == "title 't01' has no usable artwork"


def test_nobody_and_nothing(world: Store) -> None:
    bulk = Bulk.of(Matcher.open(world), [])
    assert bulk.choose(["u001", "u002"]).artwork.shape == (2, 0)
    assert Bulk.of(Matcher.open(world)).choose([]).scores.shape == (0, len(SIZES))


def test_no_users_yet_serves_everyone_by_the_prior(tmp_path: Path, make_store: Callable[..., Store]) -> None:
    matcher = Matcher.open(make_store(tmp_path / "store", random_titles(np.random.default_rng(3)), neutral=np.ones(DIMENSION)))
    compare(matcher, ["ada", "ben"])
    assert all(len(strip.matrix) <= len(SIZES) for strip in Bulk.of(matcher)._strips)  # all of a title's artwork is the same


def test_no_artwork_at_all(tmp_path: Path, make_store: Callable[..., Store]) -> None:
    store = make_store(tmp_path / "store", {"bare": []}, random_users(np.random.default_rng(3), 3), neutral=np.ones(DIMENSION))
    bulk = compare(Matcher.open(store), ["u000", "u001"])
    assert set(bulk.choose(["u000"]).artwork.ravel().tolist()) == {ABSENT}


# Tastes as arrays


@pytest.mark.parametrize("context", CONTEXTS, ids=range(len(CONTEXTS)))
def test_tastes_are_those_of_the_profiles(world: Store, context: Context) -> None:
    matcher = Matcher.open(world)
    crowd = crowd_of(matcher.profiles, matcher.audience, matcher.snapshot)
    users = [*matcher.user_ids, "nobody"]
    profiles = crowd.profiles(users)
    tastes = [matcher.taste(user, context) for user in users]
    assert crowd.segments(users, context) == [cohorts_of(matcher.profiles.get(user), context)[0] for user in users]
    apart = np.array([apart_of(matcher.audience, taste.segment) for taste in tastes])
    found = crowd.queries(profiles, crowd.averages(users, profiles, context), apart)
    assert found.users.tolist() == [user for user, taste in enumerate(tastes) for _ in taste.shares]
    np.testing.assert_allclose(found.shares, np.concatenate([taste.shares for taste in tastes]), atol=1e-6)
    np.testing.assert_allclose(found.vectors, np.concatenate([taste.queries for taste in tastes]), atol=1e-6)
    np.testing.assert_allclose(found.of_lines, np.concatenate([taste.of_lines for taste in tastes]), atol=1e-6)
    likes = crowd.likes(profiles)
    found: list[dict[int, float]] = [{} for _ in users]
    for user, person, weight in zip(likes.users.tolist(), likes.people.tolist(), likes.weights.tolist(), strict=True):
        found[user][person] = weight
    for mine, taste in zip(found, tastes, strict=True):
        assert mine == pytest.approx(dict(zip(taste.people.numbers.tolist(), taste.people.weights.tolist(), strict=True)))


def test_a_phrase_without_a_vector_is_refused(
    tmp_path: Path, make_store: Callable[..., Store], users: dict, titles: dict
) -> None:
    store = make_store(tmp_path / "store", titles, users)
    rows = read_table(store, "profiles").to_pylist()
    rows[0]["phrases"] = [{"text": "unheard of", "kind": "stated", "weight": 1.0, "titles": []}]
    replace_table(store, "profiles", pa.Table.from_pylist(rows, schema=PROFILE))
    with pytest.raises(StoreError, match=r"phrase 'unheard of' of a profile has no vector; run scripts/embed_users\.py"):
        Bulk.of(Matcher.open(store))


def test_a_profile_of_another_encoder_is_refused(
    tmp_path: Path, make_store: Callable[..., Store], users: dict, titles: dict
) -> None:
    store = make_store(tmp_path / "store", titles, users)
    rows = [{**row, "fingerprint": "f" * 64} for row in read_table(store, "profiles").to_pylist()]
    replace_table(store, "profiles", pa.Table.from_pylist(rows, schema=PROFILE))
    with pytest.raises(
        FingerprintError, match="profiles of this store have vectors of encoder ffffffffffff, the snapshot of aaaa"
    ):
        Bulk.of(Matcher.open(store))
