"""Tags, micro-copy and lines of copy in a choice: whatever is said, what a ten-line oracle says of it; and in bulk the same."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from embed.store import Store, replace_table
from embed.tags import contradict
from embed.tastes.audience import typical_of
from embed.tastes.profiles import read_audience
from index.filters import Context, speaks
from index.publish import publish_snapshot
from match import bulk as module
from match.blend import Weights, logit, usual_spread
from match.bulk import Bulk
from match.bulk_lines import BulkLines
from match.clicks.priors import learn_priors
from match.lines import NO_LINES
from match.matcher import EVERYWHERE, Choice, Matcher, as_record

ROMANCE, COMEDY, HORROR, PLAIN = np.eye(4, dtype=np.float32)
Row = dict[str, Any]
TAGS = {"kiss": ROMANCE, "clown": COMEDY, "ghost": HORROR, "sea": PLAIN}
TEXTS = {"Two hearts.": ROMANCE, "Ha ha.": COMEDY, "Boo!": HORROR, "A film.": PLAIN}
WORDS = {("tag", tag): vector for tag, vector in TAGS.items()} | {("copy", text): vector for text, vector in TEXTS.items()}
USERS = {
    "rosa": [("romantic films", "genre", 1.0, ROMANCE)],
    "carl": [("funny films", "genre", 1.0, COMEDY)],
    "hugo": [("horror films", "genre", 1.0, HORROR)],
    "mix": [("romantic films", "genre", 0.6, ROMANCE, 0), ("horror films", "genre", 0.4, HORROR, 1)],
    "wil": [],
}


def art(artwork_id: str, *tags: str, vector: np.ndarray = PLAIN, **more: Any) -> Row:
    return {"artwork_id": artwork_id, "vector": vector, "tags": list(tags), **more}


def line(copy_id: str, title_id: str, text: str, *tags: str, locale: str | None = None) -> Row:
    return {"copy_id": copy_id, "title_id": title_id, "text": text, "locale": locale, "tags": list(tags)}


TITLES = {
    "bare": [art("x"), art("y")],
    "harbour": [art("a", "clown"), art("b", "ghost", "no people"), art("c", "KISS"), art("d")],
    "said": [art("e", copy="Boo!"), art("f", "sea", "clown")],
}
COPY = [
    line("l1", "harbour", "Ha ha."),
    line("l2", "harbour", "Boo!", "people"),
    line("l3", "harbour", "Two hearts.", locale="de"),
    line("l4", "said", "A film.", "no sea"),
]


@pytest.fixture
def store(tmp_path: Path, make_store: Callable[..., Store]) -> Store:
    return make_store(tmp_path / "store", TITLES, USERS, copy=COPY, words=WORDS)


def chosen(choices: list[Choice]) -> dict[str, str | None]:
    return {choice.title_id: choice.artwork and choice.artwork.artwork_id for choice in choices}


def beside(choices: list[Choice]) -> dict[str, str | None]:
    return {choice.title_id: choice.copy and choice.copy.copy_id for choice in choices}


# Words of artwork


def test_artwork_whose_tags_or_micro_copy_speak_to_the_user_is_chosen(store: Store) -> None:
    matcher = Matcher.open(store)
    found = {user: chosen(matcher.choose(user)) for user in ("rosa", "carl", "hugo")}
    assert found == {
        "rosa": {"bare": "x", "harbour": "c", "said": "f"},  # half of what f says is nothing that others like more
        "carl": {"bare": "x", "harbour": "a", "said": "f"},
        "hugo": {"bare": "x", "harbour": "b", "said": "e"},
    }


def test_the_parts_add_up_and_the_word_is_named(store: Store) -> None:
    matcher = Matcher.open(store)
    for user in (*USERS, "nobody"):
        for choice in matcher.choose(user, with_others=True):
            for art in (choice.artwork, *choice.others):
                assert art is not None
                parts = art.prior_part + art.similarity_part + art.people_part + art.words_part
                assert art.score == pytest.approx(parts, abs=1e-12)
    [choice] = matcher.choose("carl", ["said"])
    assert choice.artwork is not None
    assert (choice.artwork.word, choice.artwork.words_part > 0) == ("clown", True)
    [choice] = matcher.choose("carl", ["harbour"], with_others=True)
    assert {art.artwork_id: art.word for art in choice.others} == {"b": "ghost", "c": "kiss", "d": None}
    assert matcher.choose("carl", ["bare"])[0].artwork.word is None  # type: ignore[union-attr]


def test_without_weight_words_say_nothing(store: Store) -> None:
    choices = Matcher.open(store, Weights(words=0)).choose("hugo")
    assert chosen(choices) == {"bare": "x", "harbour": "a", "said": "e"}  # all pictures are alike
    assert {(art.words_part, art.word) for choice in choices if (art := choice.artwork)} == {(0.0, None)}


def test_a_store_without_words_has_none(tmp_path: Path, make_store: Callable[..., Store]) -> None:
    matcher = Matcher.open(make_store(tmp_path / "store", TITLES, USERS))
    [choice] = matcher.choose("hugo", ["harbour"])
    assert choice.artwork is not None
    assert (choice.artwork.words_part, choice.artwork.word, choice.copy, choice.copy_reason) == (0.0, None, None, NO_LINES)
    assert Bulk.of(matcher).lines is None


# Lines of copy


def test_the_line_that_speaks_to_the_user_stands_beside_the_picture(store: Store) -> None:
    matcher = Matcher.open(store)
    [choice] = matcher.choose("carl", ["harbour"], Context(locale="en"))
    assert choice.copy is not None
    assert (choice.copy.copy_id, choice.copy.text) == ("l1", "Ha ha.")
    assert choice.copy_reason == "the best of 2 of 3 lines that go with it"
    assert choice.copy.score == pytest.approx(choice.copy.prior_part + choice.copy.similarity_part)
    assert beside(matcher.choose("rosa", ["harbour"])) == {"harbour": "l3"}
    assert beside(matcher.choose("rosa", ["harbour"], Context(locale="en-GB")))["harbour"] in ("l1", "l2")


def test_a_line_that_contradicts_the_picture_is_not_shown(store: Store) -> None:
    matcher = Matcher.open(store)
    [choice] = matcher.choose("hugo", ["harbour"])  # the picture says "no people", and the scary line "people"
    assert (choice.artwork.artwork_id, choice.copy.copy_id) == ("b", "l1")  # type: ignore[union-attr]
    [choice] = matcher.choose("carl", ["said"])
    assert (choice.artwork.artwork_id, choice.copy) == ("f", None)  # type: ignore[union-attr]
    assert choice.copy_reason == "its title's only line is not for it (1 by contradiction)"


def test_why_there_is_a_line_or_none(store: Store) -> None:
    matcher = Matcher.open(store)
    reasons = {choice.title_id: choice.copy_reason for choice in matcher.choose("hugo", [*TITLES, "no such"])}
    assert reasons == {
        "bare": NO_LINES,
        "harbour": "the best of 2 of 3 lines that go with it",
        "said": "the only line of its title",
        "no such": NO_LINES,
    }
    [choice] = matcher.choose("hugo", ["harbour"], Context(allow=[]))
    assert (choice.copy, choice.copy_reason) == (None, "there is no artwork that it could stand beside")


def test_the_record_has_all_of_it(store: Store) -> None:
    [choice] = Matcher.open(store).choose("carl", ["harbour"])
    record = as_record(choice)
    assert record["copy"]["copy_id"] == "l1"
    assert record["copy"]["prior"] == {"mean": 0.05, "impressions": 0, "plays": 0, "segment": None}
    assert record["copy_reason"] == choice.copy_reason
    assert record["artwork"]["words_part"] > 0


# Against an oracle, and in bulk

UNITS = st.integers(0, 9).map(lambda seed: np.random.default_rng(seed).normal(size=4))
SAID = st.lists(st.sampled_from(["w0", "w1", "w2", "no w0", "g: w3", "g: w4"]), max_size=3)
LOCALES = st.sampled_from([None, None, "en", "de-AT", "de"])
ARTWORK = st.lists(st.tuples(UNITS, SAID, st.sampled_from([None, "c0", "c1"]), LOCALES), min_size=1, max_size=5)
LINES = st.lists(st.tuples(st.sampled_from(["c0", "c1", "c2", "c3"]), SAID, LOCALES), max_size=5)
PHRASES = st.lists(st.tuples(UNITS, st.sampled_from([1.0, 0.5, -0.5]), st.integers(0, 2)), max_size=4)
WEIGHTS = st.sampled_from([Weights(), Weights(1.0, 2.0, 1.0, 2.0), Weights(0.0, 1.0, 1.0, 0.0), Weights(0.0, 0.0, 0.0, 1.0)])
WORLDS = st.dictionaries(st.sampled_from("pqrs"), st.tuples(ARTWORK, LINES), min_size=1)


def unit(vector: np.ndarray) -> np.ndarray:
    return (vector / np.linalg.norm(vector)).astype(np.float32)


VECTORS = {
    key: unit(np.random.default_rng([7, n]).normal(size=4))
    for n, key in enumerate(["w0", "w1", "w2", "w3", "w4", "c0", "c1", "c2", "c3"])
}


def soft(values: np.ndarray, shares: np.ndarray) -> np.ndarray:
    return np.log((shares[:, None] * np.exp(values)).sum(axis=0))


def apart(queries: np.ndarray, vectors: list[np.ndarray | None], spread: float) -> np.ndarray:
    """(k, n): how many spreads above the mean of those that are there; 0 for the others."""
    there = [place for place, vector in enumerate(vectors) if vector is not None]
    found = np.zeros((len(queries), len(vectors)))
    if there and spread >= 1e-9:
        cosines = queries.astype(float) @ np.array([vectors[place] for place in there], float).T
        found[:, there] = (cosines - cosines.mean(axis=1, keepdims=True)) / spread
    return found


def expected(
    matcher: Matcher, user: str, title_id: str, artwork: list[Row], lines: list[Row], locale: str | None, liked: dict
) -> tuple:
    """(scores of a title's artwork by id, what may be chosen, scores of its lines by id, of each picture the lines that may be)."""
    taste, weights = matcher.taste(user), matcher.weights
    shares, queries = taste.shares, taste.queries
    pictures = apart(queries, [row["vector"] for row in artwork], matcher.spread)
    said = [[VECTORS[t.removeprefix("g: ")] for t in dict.fromkeys(row["tags"]) if not t.startswith("no ")] for row in artwork]
    said = [some + ([VECTORS[row["copy"]]] if row["copy"] else []) for some, row in zip(said, artwork, strict=True)]
    words = apart(queries, [np.mean(some, axis=0) if some else None for some in said], matcher.word_spread)
    unit = weights.similarity or weights.words
    together = (
        unit * soft((weights.similarity * pictures + weights.words * words) / unit, shares) if unit else np.zeros(len(artwork))
    )
    prior, priors = logit(matcher.priors.unseen.mean), matcher.priors
    rates = {row["title_id"]: row["mean"] for row in priors.titles.to_pylist()} | {None: priors.unseen.mean}
    [fits] = apart(typical_of(matcher.audience)[None], [row["vector"] for row in artwork], matcher.spread)
    of_title = logit(rates.get(title_id, rates[None])) + priors.fit.weight * fits
    scores = dict(zip((row["artwork_id"] for row in artwork), (of_title + together).tolist(), strict=True))
    may = {row["artwork_id"] for row in artwork if not locale or not row["locale"] or speaks(locale, row["locale"])}
    of_lines = weights.copy * soft(apart(taste.of_lines, [VECTORS[row["text"]] for row in lines], matcher.line_spread), shares)
    line_scores = {row["copy_id"]: score + liked.get(row["copy_id"], prior) for row, score in zip(lines, of_lines, strict=True)}
    goes = {
        row["artwork_id"]: {
            said["copy_id"]
            for said in lines
            if (not locale or not said["locale"] or speaks(locale, said["locale"]))
            and not contradict(said["tags"], row["tags"])
            and (not said["locale"] or not row["locale"] or speaks(said["locale"], row["locale"]))
        }
        for row in artwork
    }
    return scores, may, line_scores, goes


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    world=WORLDS,
    tastes=st.lists(PHRASES, min_size=1, max_size=3),
    weights=WEIGHTS,
    locale=st.sampled_from([None, "de", "en-GB", "fr"]),
    clicks=st.lists(st.tuples(st.sampled_from(["p0", "p1", "q0"]), st.booleans()), max_size=8),
    users_at_once=st.sampled_from([1, 512]),
)
def test_choices_and_bulk_are_the_oracle_s(
    tmp_path_factory: pytest.TempPathFactory,
    make_store: Callable[..., Store],
    world: Any,
    tastes: Any,
    weights: Weights,
    locale: str | None,
    clicks: Any,
    users_at_once: int,
) -> None:
    titles = {
        title_id: [
            art(f"{title_id}{n}", *tags, vector=unit(vector), copy=copy, locale=locale)
            for n, (vector, tags, copy, locale) in enumerate(artwork)
        ]
        for title_id, (artwork, _) in world.items()
    }
    copy = [
        line(f"{t}{n}", t, text, *tags, locale=of) for t, (_, some) in world.items() for n, (text, tags, of) in enumerate(some)
    ]
    users = {
        f"u{n}": [(f"{n} {m}", "stated", w, unit(v), i) for m, (v, w, i) in enumerate(some)] for n, some in enumerate(tastes)
    }
    words = {("copy" if key[0] == "c" else "tag", key): vector for key, vector in VECTORS.items()}
    folder = tmp_path_factory.mktemp("world")
    store = make_store(folder / "store", titles, users, copy=copy, words=words, neutral=unit(np.array([1.0, 2, -1, 0.5])))
    lines_of = {title_id: [row for row in copy if row["title_id"] == title_id] for title_id in titles}
    known = [row["copy_id"] for row in copy]
    shown = [(copy_id, played) for copy_id, played in clicks if copy_id in known]
    liked = learn(store, folder, shown)
    matcher = Matcher.open(store, weights)
    context = Context(locale=locale)
    asked = [*users, "nobody"]
    answers = matcher.choose_many(asked, list(titles), context)
    for user, page in zip(asked, answers, strict=True):
        for choice in page:
            rows, lines = titles[choice.title_id], lines_of[choice.title_id]
            scores, may, line_scores, goes = expected(matcher, user, choice.title_id, rows, lines, locale, liked)
            if not may:
                assert (choice.artwork, choice.copy) == (None, None)
                continue
            assert choice.artwork is not None
            assert choice.artwork.artwork_id in may
            assert choice.artwork.score == pytest.approx(scores[choice.artwork.artwork_id], abs=1e-4)
            assert choice.artwork.score >= max(scores[one] for one in may) - 1e-4
            free = goes[choice.artwork.artwork_id]
            assert (choice.copy is None) == (not free)
            if choice.copy is not None:
                assert choice.copy.copy_id in free
                assert choice.copy.score == pytest.approx(line_scores[choice.copy.copy_id], abs=1e-4)
                assert choice.copy.score >= max(line_scores[one] for one in free) - 1e-4
    assert matcher.choose(asked[0], [next(iter(titles))], context)[0] == answers[0][0]  # alone as on a page
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "USERS", users_at_once)
        same_in_bulk(matcher, asked, context, answers)


def learn(store: Store, folder: Path, shown: list[tuple[str, bool]]) -> dict[str, float]:
    """Log-odds by copy_id, of lines shown so often and played or not."""
    rows = [f"i{n},{copy_id[0]},of-nobody,{copy_id}" for n, (copy_id, _) in enumerate(shown)]
    (folder / "impressions.csv").write_text("\n".join(["impression_id,title_id,artwork_id,copy_id", *rows]))
    played = [f"i{n},900,1" for n, (_, plays) in enumerate(shown) if plays]
    (folder / "plays.csv").write_text("\n".join(["impression_id,seconds,fraction", *played]))
    if not shown:
        return {}
    priors = learn_priors(folder, store)
    found = {}
    for copy_id in {copy_id for copy_id, _ in shown} | {f"{copy_id[0]}{n}" for copy_id, _ in shown for n in range(5)}:
        of_title = [plays for other, plays in shown if other[0] == copy_id[0]]
        own = [plays for other, plays in shown if other == copy_id]
        rate = (sum(of_title) + 100 * priors.unseen.mean) / (len(of_title) + 100)
        found[copy_id] = float(logit((sum(own) + 100 * rate) / (len(own) + 100)))
    return found


def same_in_bulk(matcher: Matcher, users: list[str], context: Context, answers: list[list[Choice]]) -> None:
    bulk = Bulk.of(matcher, [choice.title_id for choice in answers[0]], context)
    found = bulk.choose(users)
    names = [*bulk.artwork_ids.to_pylist(), None]
    assert [[names[place] for place in row] for row in found.artwork.tolist()] == [
        [choice.artwork and choice.artwork.artwork_id for choice in page] for page in answers
    ]
    scores = [[choice.artwork.score if choice.artwork else np.nan for choice in page] for page in answers]
    np.testing.assert_allclose(found.scores, scores, atol=1e-4)
    lines = [*matcher.snapshot.lines.table["copy_id"].to_pylist(), None]
    assert [[lines[number] for number in row] for row in found.copy.tolist()] == [
        [choice.copy and choice.copy.copy_id for choice in page] for page in answers
    ]
    assert found.copy.dtype == np.int32


def test_equal_lines_ask_nobody(tmp_path: Path, make_store: Callable[..., Store], monkeypatch: pytest.MonkeyPatch) -> None:
    copy = [line(f"l{n}", "harbour", "Boo!") for n in range(4)] + [line("l9", "harbour", "Ha ha.")]
    matcher = Matcher.open(make_store(tmp_path / "store", TITLES, USERS, copy=copy, words=WORDS))
    answers = matcher.choose_many(["carl", "hugo"], ["harbour"])
    assert [beside(page) for page in answers] == [{"harbour": "l9"}, {"harbour": "l0"}]
    monkeypatch.setattr(
        BulkLines, "_exactly", lambda *_: pytest.fail("an equal line is never chosen, and nobody need be asked")
    )
    same_in_bulk(matcher, ["carl", "hugo"], EVERYWHERE, answers)


def test_what_said_the_same_of_all_but_one_title_is_measured_by_that_one(
    tmp_path: Path, make_store: Callable[..., Store]
) -> None:
    """A unit made small by titles whose artwork has the same tags would let words outweigh everything in the others."""
    alike = {f"t{n}": [art(f"{n}a", "sea"), art(f"{n}b", "sea")] for n in range(50)}
    scores = []
    for titles in ({"harbour": TITLES["harbour"]}, {"harbour": TITLES["harbour"], **alike}):
        folder = tmp_path / str(len(titles))
        matcher = Matcher.open(make_store(folder, titles, USERS, words=WORDS))
        scores.append([matcher.choose(user, ["harbour"])[0].artwork.score for user in USERS])  # type: ignore[union-attr]
    assert scores[0] == pytest.approx(scores[1])


def test_the_unit_is_the_usual_difference_in_words(store: Store) -> None:
    matcher = Matcher.open(store)
    snapshot, audience = matcher.snapshot, read_audience(store)
    assert matcher.word_spread == usual_spread(audience, snapshot.words.scatter) > 0
    tags = np.array([COMEDY, HORROR, ROMANCE])  # harbour's; d has none
    of_said = np.array([HORROR, (PLAIN + COMEDY) / 2])
    vectors = [group - group.mean(axis=0) for group in (tags, of_said)]
    rows = np.concatenate(vectors)
    np.testing.assert_allclose(snapshot.words.scatter, rows.T @ rows / len(rows), atol=1e-6)


def test_a_line_s_clicks_count(store: Store, tmp_path: Path) -> None:
    rows = [f"i{n},harbour,c,{'l1' if n % 2 else 'l2'}" for n in range(400)]
    (tmp_path / "impressions.csv").write_text("\n".join(["impression_id,title_id,artwork_id,copy_id", *rows]))
    (tmp_path / "plays.csv").write_text(
        "\n".join(["impression_id,seconds,fraction", *(f"i{n},900,1" for n in range(0, 200, 2))])
    )
    priors = learn_priors(tmp_path, store)
    assert [(row["copy_id"], row["impressions"], row["plays"]) for row in priors.lines.to_pylist()] == [
        ("l1", 200, 0),
        ("l2", 200, 100),
    ]
    matcher = Matcher.open(store)
    [choice] = matcher.choose("wil", ["harbour"], Context(allow=["c"], locale="en"))
    assert choice.copy is not None
    assert (choice.copy.copy_id, choice.copy.prior.plays, choice.copy.prior.impressions) == ("l2", 100, 200)


def test_a_line_of_another_night_is_taken_up(store: Store) -> None:
    from embed.records import COPY as SCHEMA

    replace_table(store, "copy", pa.Table.from_pylist([line("new", "harbour", "Ha ha.")], schema=SCHEMA))
    publish_snapshot(store)
    assert beside(Matcher.open(store).choose("carl")) == {"bare": None, "harbour": "new", "said": None}
