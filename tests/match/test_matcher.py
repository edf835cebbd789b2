"""The matcher: one Choice per title, the one that plain numpy over all artwork would take, or the reason why not."""

import json
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from embed.errors import FingerprintError, SnapshotError, StoreError
from embed.records import TITLE, Phrase, Profile, fold
from embed.store import Store, open_beside, open_store, read_table, replace_table, switch_encoder
from embed.tastes.audience import common_of, typical_of
from embed.tastes.profiles import read_audience, read_profiles
from index.filters import Context
from index.publish import publish_snapshot
from match.blend import SHARPNESS, Weights, logit
from match.clicks.priors import learn_priors
from match.matcher import USERS_AT_ONCE, Choice, Matcher
from match.scored import Scored

ROMANCE, COMEDY, HORROR, PLAIN = np.eye(4, dtype=np.float32)


def chosen(choices: list[Choice]) -> list[str | None]:
    return [choice.artwork and choice.artwork.artwork_id for choice in choices]


# Taste decides


@pytest.mark.parametrize(
    ("user", "expected"),
    [("rosa", ["kiss", "caper-cleo"]), ("carl", ["clown", "caper-ben"]), ("hugo", ["ghost", "caper-cleo"])],
)
def test_each_taste_gets_its_artwork(matcher: Matcher, user: str, expected: list[str]) -> None:
    """ "harbour" is decided by likeness; "caper", whose pictures look alike, by who is on them, dislikes counting against."""
    assert chosen(matcher.choose(user, ["harbour", "caper"])) == expected


def test_swapped_tastes_swap_the_choices(tmp_path: Path, make_store: Callable[..., Store], titles: dict, users: dict) -> None:
    swapped = make_store(tmp_path / "store", titles, {**users, "rosa": users["carl"], "carl": users["rosa"]})
    page = ["harbour", "caper"]
    assert chosen(Matcher.open(swapped).choose("rosa", page)) == ["clown", "caper-ben"]
    assert chosen(Matcher.open(swapped).choose("carl", page)) == ["kiss", "caper-cleo"]


def test_a_choice_says_why(matcher: Matcher) -> None:
    choice = matcher.choose("rosa", ["harbour"], with_others=True)[0]
    assert (choice.user_id, choice.title_id, choice.reason, choice.taste) == (
        "rosa",
        "harbour",
        "the best of 3",
        "the user's own",
    )
    assert [other.artwork_id for other in choice.others] == ["clown", "ghost"]
    assert choice.artwork is not None
    assert (choice.artwork.path, choice.artwork.phrase) == ("kiss.png", "romantic films")
    assert choice.artwork.phrase_similarity == 1.0
    assert choice.artwork.prior == matcher.priors.unseen


def test_people_are_met_however_they_are_spelt_and_named_as_the_profile_has_them(matcher: Matcher) -> None:
    art = matcher.choose("rosa", ["caper"])[0].artwork
    assert art is not None
    assert art.people == ("Cleo Vance",)  # the artwork has "Cleo  VANCE"
    assert art.people_part == pytest.approx(2.5 * 0.25)  # weight 2.5; a quarter as strong as her strongest phrase


def test_a_dislike_speaks_against(matcher: Matcher) -> None:
    choice = matcher.choose("hugo", ["caper"], with_others=True)[0]
    ben = choice.others[0]
    assert (ben.artwork_id, ben.people, ben.people_part) == ("caper-ben", ("Ben Marsh",), pytest.approx(-2.5 * 0.25))


def test_the_phrase_of_a_dislike_reads_as_one(tmp_path: Path, make_store: Callable[..., Store], titles: dict) -> None:
    store = make_store(tmp_path / "store", titles, {"ann": [("horror", "stated", -1.0, HORROR)]})
    choice = Matcher.open(store).choose("ann", ["harbour"], with_others=True)[0]
    assert choice.others[-1].artwork_id == "ghost"
    assert choice.artwork is not None
    assert choice.artwork.phrase == "not horror"


# Exact, against plain numpy

SIZES = [1, 0, 2, 3, 40, 1, 9, 130]


def random_world(seed: int) -> tuple[dict, dict]:
    """(titles, users) of 16 dimensions: titles of very different sizes, a face on every third artwork, and some twins."""
    rng = np.random.default_rng(seed)

    def unit() -> np.ndarray:
        vector = rng.normal(size=16)
        return (vector / np.linalg.norm(vector)).astype(np.float32)

    names = ["Ada", "Ben", "Cleo"]
    titles = {
        f"t{number}": [
            {"artwork_id": f"t{number}-{n:03}", "vector": unit(), "people": [names[rng.integers(3)]] if n % 3 == 0 else []}
            for n in range(size)
        ]
        for number, size in enumerate(SIZES)
    }
    twin = {**titles["t6"][0], "artwork_id": "t6-000-twin"}
    titles["t6"].append(twin)
    vectors = {("stated", f"phrase {n}"): unit() for n in range(12)} | {("person", name.upper()): unit() for name in names}
    keys = list(vectors)
    users = {
        f"u{number}": [
            (text, kind, float(rng.normal()), vectors[kind, text], int(rng.integers(1 + number % 3)))
            for kind, text in (keys[i] for i in rng.permutation(15)[:5])
        ]
        for number in range(7)
    }
    return titles, users


def interests_by_hand(profile: Profile, mean: np.ndarray) -> list[tuple[float, np.ndarray]]:
    """(share, query) of each interest, from the definition in embed/records.py."""
    pairs = list(zip(profile.phrases, profile.vectors, strict=True))
    likes, found = sum(p.weight for p, _ in pairs if p.weight > 0), []
    against = sum((p.weight * vector for p, vector in pairs if p.weight <= 0), np.zeros(len(mean)))
    for number in sorted({p.interest for p, _ in pairs if p.weight > 0}):
        mine = [(p.weight, vector) for p, vector in pairs if p.weight > 0 and p.interest == number]
        share = sum(weight for weight, _ in mine) / likes
        total = sum(weight * vector for weight, vector in mine) / share + against
        found.append((share, total / np.linalg.norm(total) - mean))
    return found or [(1.0, against / np.linalg.norm(against) - mean)]


def scores_by_hand(matcher: Matcher, user_id: str, title_id: str, catalog: dict) -> dict[str, tuple[float, float, float]]:
    """artwork_id to (prior, similarity, people) of one title, from the definition in match/blend.py."""
    title = catalog[title_id]
    profiles, audience = matcher.profiles, matcher.audience
    queries = {user: interests_by_hand(profiles.get(user), common_of(audience)) for user in profiles.user_ids}
    apart = np.concatenate(
        [art - art.mean(axis=0) for art in (np.array([row["vector"] for row in rows]) for rows in catalog.values() if rows)]
    )
    mean_square = [sum(share * np.mean((apart @ query) ** 2) for share, query in of_user) for of_user in queries.values()]
    spread = np.sqrt(np.mean(mean_square))
    vectors = np.array([row["vector"] for row in title])
    each = [(share, (vectors - vectors.mean(axis=0)) @ query / spread) for share, query in queries[user_id]]
    odds = sum(share * np.exp(SHARPNESS * one) for share, one in each)
    fits = (vectors - vectors.mean(axis=0)) @ typical_of(audience) / spread
    similarities = np.log(odds) / SHARPNESS
    phrases = profiles.get(user_id).phrases
    strongest = max(abs(phrase.weight) for phrase in phrases)
    liked = {fold(phrase.text): phrase.weight / strongest for phrase in phrases if phrase.kind == "person"}
    return {
        row["artwork_id"]: (
            prior_by_hand(matcher, row["artwork_id"], title_id, fit),
            matcher.weights.similarity * similarity,
            matcher.weights.people * np.clip(sum(liked.get(fold(name), 0.0) for name in row["people"]), -1, 1),
        )
        for row, similarity, fit in zip(title, similarities, fits, strict=True)
    }


def prior_by_hand(matcher: Matcher, artwork_id: str, title_id: str, fit: float) -> float:
    """Log-odds: of the Beta prior the title's rate is moved by the fit; how much of it is left is what the clicks did not bring."""
    priors = matcher.priors
    rates = {row["title_id"]: row["mean"] for row in priors.titles.to_pylist()}
    rate = rates.get(title_id, priors.unseen.mean)
    moved = 1 / (1 + (1 - rate) / rate * np.exp(-priors.fit.weight * fit))
    [row] = [row for row in priors.table.to_pylist() if row["artwork_id"] == artwork_id] or [None]
    left, mean = (1 - row["effective"] / row["strength"], row["mean"]) if row else (1.0, rate)
    mean += left * (moved - rate)
    return float(np.log(mean / (1 - mean)))


@pytest.fixture(scope="module", params=range(3))
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, make_store: Callable[..., Store]) -> tuple:
    """(titles, users, a Matcher on them, with clicks on every fifth artwork)."""
    titles, users = random_world(request.param)
    folder = tmp_path_factory.mktemp("world")
    store = make_store(folder / "store", titles, users, neutral=np.eye(16, dtype=np.float32)[0])
    shown = [(title_id, row["artwork_id"]) for title_id, rows in titles.items() for row in rows[::5]]
    impressions = [f"{n}-{m},{title},{art}" for n, (title, art) in enumerate(shown) for m in range(20)]
    (folder / "impressions.csv").write_text("\n".join(["impression_id,title_id,artwork_id", *impressions]))
    plays = [f"{n}-{m},,1.0" for n in range(len(shown)) for m in range(n % 4)]
    (folder / "plays.csv").write_text("\n".join(["impression_id,seconds,fraction", *plays]))
    learn_priors(folder, store)
    return titles, users, Matcher.open(store, Weights(similarity=0.7, people=0.4))


def test_every_title_of_every_user_is_ranked_as_plain_numpy_ranks_it(world: tuple) -> None:
    titles, users, matcher = world
    for user_id, page in zip(users, matcher.choose_many(list(users), list(titles), with_others=True), strict=True):
        for (title_id, rows), choice in zip(titles.items(), page, strict=True):
            assert choice.title_id == title_id
            if not rows:
                assert choice.artwork is None
                continue
            by_hand = scores_by_hand(matcher, user_id, title_id, titles)
            ranked = [choice.artwork, *choice.others]
            assert {art.artwork_id for art in ranked} == by_hand.keys()
            scores = [sum(by_hand[art.artwork_id]) for art in ranked]
            assert all(one >= other - 2e-5 for one, other in pairwise(scores))  # ties by artwork_id have tests of their own
            for art in ranked:
                parts = (art.prior_part, art.similarity_part, art.people_part)
                np.testing.assert_allclose(parts, by_hand[art.artwork_id], atol=1e-5)
                assert art.score == pytest.approx(sum(parts))
                assert art.similarity == pytest.approx(art.similarity_part / 0.7)


def test_a_page_is_answered_alike_whatever_else_is_asked(world: tuple) -> None:
    """One user or many, one title or a page, with others or without: the same Choice."""
    titles, users, matcher = world
    together = matcher.choose_many(list(users), list(titles))
    for user_id, page in zip(users, together, strict=True):
        assert matcher.choose(user_id, list(titles)) == page
        assert [matcher.choose(user_id, [title_id])[0] for title_id in titles] == page
        with_others = matcher.choose(user_id, list(titles), with_others=True)
        assert [choice._replace(others=()) for choice in with_others] == page


def test_the_phrase_named_is_the_one_that_speaks_most_in_the_interest_that_does(world: tuple) -> None:
    titles, users, matcher = world
    vectors = {row["artwork_id"]: row["vector"] for row in titles["t4"]}
    mean = np.mean(list(vectors.values()), axis=0)
    for user_id, phrases in users.items():
        art = matcher.choose(user_id, ["t4"])[0].artwork
        assert isinstance(art, Scored)
        apart = vectors[art.artwork_id] - mean
        numbers = sorted({interest for _, _, weight, _, interest in phrases if weight > 0})
        of_each = [
            np.log(share) / SHARPNESS + query @ apart / matcher.spread
            for share, query in interests_by_hand(matcher.profiles.get(user_id), common_of(matcher.audience))
        ]
        speaking = numbers[int(np.argmax(of_each))] if numbers else None
        candidates = [phrase for phrase in phrases if phrase[2] <= 0 or phrase[4] == speaking]
        said = [np.float32(weight) * (vector @ apart) for _, _, weight, vector, _ in candidates]
        text, _, weight, vector, _ = candidates[int(np.argmax(said))]
        assert art.phrase == (text if weight >= 0 else f"not {text}")
        assert art.phrase_similarity == pytest.approx(float(vector @ vectors[art.artwork_id]), abs=1e-6)


def test_of_several_interests_the_one_an_artwork_meets_best_speaks(
    tmp_path: Path, make_store: Callable[..., Store], titles: dict, users: dict
) -> None:
    """Each title has a picture for one of the two, and one that is half of the other's."""
    both = [("romantic films", "genre", 0.6, ROMANCE, 0), ("scary films", "genre", 0.4, HORROR, 1)]
    tinted = (0.5 * ROMANCE + np.sqrt(1 - 0.5**2) * PLAIN).astype(np.float32)  # half of a kiss
    catalog = {
        "love": [{"artwork_id": "kiss", "vector": ROMANCE}, {"artwork_id": "clown", "vector": COMEDY}],
        "fear": [{"artwork_id": "ghost", "vector": HORROR}, {"artwork_id": "tinted", "vector": tinted}],
    }
    store = make_store(tmp_path / "store", catalog, {**users, "both": both})
    choices = Matcher.open(store).choose("both", ["love", "fear"])
    assert chosen(choices) == ["kiss", "ghost"]
    assert [choice.artwork and choice.artwork.phrase for choice in choices] == ["romantic films", "scary films"]


def test_twins_break_their_tie_by_artwork_id(tmp_path: Path, make_store: Callable[..., Store], users: dict) -> None:
    twins = [{"artwork_id": id_, "vector": ROMANCE} for id_ in ("b", "a", "c")]
    store = make_store(tmp_path / "store", {"harbour": [*twins, {"artwork_id": "0", "vector": HORROR}]}, users)
    choice = Matcher.open(store).choose("rosa", with_others=True)[0]
    assert [choice.artwork and choice.artwork.artwork_id, *(art.artwork_id for art in choice.others)] == ["a", "b", "c", "0"]


def test_more_users_than_go_at_once(matcher: Matcher) -> None:
    users = ["rosa", "carl", "hugo"] * USERS_AT_ONCE
    answers = matcher.choose_many(users, ["harbour"])
    assert [chosen(page) for page in answers] == [["kiss"], ["clown"], ["ghost"]] * USERS_AT_ONCE
    assert [page[0].user_id for page in answers] == users


# What is asked for, in its order


def test_the_order_asked_is_kept_and_a_title_asked_twice_is_answered_twice(matcher: Matcher) -> None:
    asked = ["lone", "harbour", "no such", "lone", "bare", "harbour"]
    choices = matcher.choose("rosa", asked)
    assert [choice.title_id for choice in choices] == asked
    assert chosen(choices) == ["only", "kiss", None, "only", None, "kiss"]
    assert choices == matcher.choose("rosa", (title_id for title_id in asked))


def test_all_titles_where_none_are_named(matcher: Matcher) -> None:
    assert [choice.title_id for choice in matcher.choose("rosa")] == matcher.title_ids == ["bare", "caper", "harbour", "lone"]


def test_an_empty_page_is_an_empty_answer(matcher: Matcher) -> None:
    assert matcher.choose("rosa", []) == []
    assert matcher.choose_many([], ["harbour"]) == []


def test_an_unknown_title_is_an_answer_with_its_reason(matcher: Matcher) -> None:
    choice = matcher.choose("rosa", ["no such"])[0]
    assert choice == Choice("rosa", "no such", None, "no title 'no such' in snapshot 000001", "the user's own")


def test_a_title_without_artwork_is_an_answer_with_its_reason(matcher: Matcher) -> None:
    assert matcher.choose("rosa", ["bare"])[0].reason == "title 'bare' has no usable artwork"
    assert matcher.choose("rosa", ["bare"])[0].artwork is None


def test_the_only_artwork_is_taken_and_says_so(matcher: Matcher) -> None:
    choice = matcher.choose("rosa", ["lone"], with_others=True)[0]
    assert choice.artwork is not None
    assert (choice.artwork.artwork_id, choice.reason, choice.others) == ("only", "the only artwork of its title", ())
    assert (choice.artwork.similarity_part, choice.artwork.people_part) == (0.0, 0.0)


def test_the_only_artwork_names_the_phrase_it_fits_better_than_it_fits_anyone(
    tmp_path: Path, make_store: Callable[..., Store], titles: dict, users: dict
) -> None:
    """The heavier phrase, with its 0.6 * 0.5 against 0.4 * 0.7, fits hardly better than the audience, whose mean has 0.33."""
    heavy = ("gloomy love", "stated", 0.6, np.sqrt([0.75, 0, 0.25, 0]))
    light = ("funny ghosts", "stated", 0.4, np.sqrt([0, 0.51, 0.49, 0]))
    store = make_store(tmp_path / "store", titles, {**users, "both": [heavy, light]})
    art = Matcher.open(store).choose("both", ["lone"])[0].artwork
    assert art is not None
    assert (art.phrase, art.phrase_similarity) == ("funny ghosts", pytest.approx(0.7))


# What may be shown


@pytest.fixture
def guarded(tmp_path: Path, make_store: Callable[..., Store], titles: dict, users: dict) -> Matcher:
    """ "harbour" has a kiss for adults, a clown in German, a ghost that gives the story away, and the clown as its fallback;
    "lone" one picture that is tall, and a fallback for adults."""
    about = {
        "kiss": {"maturity": 16.0, "width": 160, "height": 90},
        "clown": {"locale": "de", "width": 160, "height": 90},
        "ghost": {"spoiler": True, "width": 160, "height": 90},
        "only": {"width": 90, "height": 160},
    }
    marked = {title: [{**row, **about.get(row["artwork_id"], {})} for row in rows] for title, rows in titles.items()}
    marked["lone"].append({"artwork_id": "adults", "vector": HORROR, "maturity": 18.0})
    store = make_store(tmp_path / "store", marked, users)
    rows = read_table(store, "titles").to_pylist()
    fallbacks = {"harbour": "clown", "lone": "adults", "caper": "ghost"}
    rows = [{**row, "fallback": fallbacks.get(row["title_id"])} for row in rows]
    replace_table(store, "titles", pa.Table.from_pylist(rows, schema=TITLE))
    publish_snapshot(store)
    return Matcher.open(store)


@pytest.mark.parametrize(
    ("context", "expected", "reason"),
    [
        (Context(), "kiss", "the best of 2 of 3 that may be shown"),
        (Context(maturity=12), "clown", "the only one of 3 that may be shown"),
        (Context(seen=["harbour"], deny=["kiss", "clown"]), "ghost", "the only one of 3 that may be shown"),
        (Context(seen=["lone"], deny=["kiss", "clown"]), None, "none of 3 may be shown (2 by deny list, 1 by spoiler)"),
        (Context(allow=["clown"]), "clown", "the only one of 3 that may be shown"),
        (Context(locale="de-AT", maturity=18), "kiss", "the best of 2 of 3 that may be shown"),
        (
            Context(locale="fr", maturity=6),
            "clown",
            "its fallback: none of 3 may be shown (1 by maturity, 1 by spoiler, 1 by locale)",
        ),
        (
            Context(aspect=2 / 3, maturity=6),
            "clown",
            "its fallback: none of 3 may be shown (1 by maturity, 1 by spoiler, 1 by aspect)",
        ),
        (Context(allow=[]), None, "none of 3 may be shown (2 by allow list, 1 by spoiler)"),
    ],
)
def test_only_what_may_be_shown_is_chosen(guarded: Matcher, context: Context, expected: str | None, reason: str) -> None:
    for with_others in (False, True):
        choice = guarded.choose("rosa", ["harbour"], context, with_others=with_others)[0]
        assert (chosen([choice]), choice.reason) == ([expected], reason)
    assert {art.artwork_id for art in choice.others} <= {"kiss", "clown", "ghost"} - {expected}
    assert len(choice.others) == (1 if "best of 2" in reason else 0)


def test_a_fallback_is_held_to_what_is_not_forgiven(guarded: Matcher) -> None:
    tall, adult = Context(aspect=16 / 9, maturity=12, deny=["only"]), Context(aspect=16 / 9, deny=["only"])
    assert guarded.choose("rosa", ["lone"], tall)[0].artwork is None
    assert chosen(guarded.choose("rosa", ["lone"], adult)) == ["adults"]


def test_a_fallback_of_another_title_is_none(guarded: Matcher) -> None:
    choice = guarded.choose("rosa", ["caper"], Context(allow=["ghost"]))[0]
    assert (choice.artwork, choice.reason) == (None, "none of 2 may be shown (2 by allow list)")


def test_a_filter_changes_no_score(guarded: Matcher) -> None:
    """Similarity is measured against all of a title's artwork, shown or not, so that scores of two contexts compare."""
    free = {
        art.artwork_id: art for art in _ranked(guarded.choose("rosa", ["harbour"], Context(seen=["harbour"]), with_others=True))
    }
    for art in _ranked(guarded.choose("rosa", ["harbour"], Context(maturity=12), with_others=True)):
        assert art == free[art.artwork_id]


def _ranked(choices: list[Choice]) -> list[Scored]:
    return [art for choice in choices for art in (choice.artwork, *choice.others) if art is not None]


# Whose taste speaks


def test_an_unknown_user_gets_the_audiences_average_and_is_told(
    tmp_path: Path, make_store: Callable[..., Store], titles: dict, users: dict
) -> None:
    crowd = {f"fan {n}": users["hugo"] for n in range(5)} | users
    choices = Matcher.open(make_store(tmp_path / "store", titles, crowd)).choose("nobody", ["harbour", "lone"])
    assert chosen(choices) == ["ghost", "only"]
    assert {choice.taste for choice in choices} == {"the audience's average: nothing is known of user 'nobody'"}
    assert choices[0].artwork is not None
    assert (choices[0].artwork.phrase, choices[0].artwork.phrase_similarity) == (None, None)
    assert choices[0].artwork.similarity == 0  # what the average user likes is in the prior
    assert choices[0].artwork.prior_part > -2.8 > logit(0.05)


def test_a_user_without_phrases_gets_the_same_and_is_told_otherwise(matcher: Matcher) -> None:
    known, unknown = matcher.choose("wil")[1], matcher.choose("nobody")[1]
    assert known.taste == "the audience's average: user 'wil' has no taste yet"
    assert known.artwork == unknown.artwork


def test_a_profile_made_elsewhere_is_as_good_as_one_of_the_store(matcher: Matcher, shared_store: Store) -> None:
    mine = read_profiles(shared_store).get("rosa")
    assert mine is not None
    assert matcher.choose(mine) == matcher.choose("rosa")
    guest = Profile("guest", (Phrase("scary", "stated", 3.0),), HORROR[None], mine.fingerprint)
    choice = matcher.choose(guest, ["harbour"])[0]
    assert (choice.user_id, choice.taste, chosen([choice])) == ("guest", "the user's own", ["ghost"])


def test_a_profile_without_phrases_made_elsewhere_gets_the_average(matcher: Matcher, shared_store: Store) -> None:
    guest = Profile("guest", (), np.empty((0, 4), np.float32), shared_store.fingerprint)
    assert matcher.choose(guest, ["lone"])[0].taste == "the audience's average: user 'guest' has no taste yet"


def test_a_profile_of_another_encoder_is_refused(matcher: Matcher) -> None:
    guest = Profile("guest", (Phrase("scary", "stated", 1.0),), HORROR[None], "f" * 64)
    with pytest.raises(
        FingerprintError, match="the profile of 'guest' has vectors of encoder ffffffffffff, the snapshot of aaaa"
    ):
        matcher.choose_many(["rosa", guest], ["harbour"])


# What a store lacks


def test_no_store(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"no store at .*; scripts/embed_artwork\.py CATALOG --store .* makes one"):
        Matcher.open(tmp_path / "nowhere")


def test_no_snapshot_yet(tmp_path: Path, make_store: Callable[..., Store], titles: dict, users: dict) -> None:
    store = make_store(tmp_path / "store", titles, users, publish=False)
    with pytest.raises(SnapshotError, match=r"scripts/build_index\.py"):
        Matcher.open(store)


def test_no_users_yet_serves_everyone_by_the_prior(tmp_path: Path, make_store: Callable[..., Store], titles: dict) -> None:
    matcher = Matcher.open(make_store(tmp_path / "store", titles))
    assert matcher.user_ids == []
    choices = matcher.choose("rosa", with_others=True)
    assert chosen(choices) == [None, "caper-ben", "clown", "only"]  # nothing to tell them apart: by artwork_id
    assert {art.similarity_part for choice in choices for art in choice.others} == {0.0}


def test_one_user_has_a_taste_of_their_own(tmp_path: Path, make_store: Callable[..., Store], titles: dict, users: dict) -> None:
    matcher = Matcher.open(make_store(tmp_path / "store", titles, {"rosa": users["rosa"]}))
    assert chosen(matcher.choose("rosa", ["harbour"])) == ["kiss"]


def test_no_artwork_at_all(tmp_path: Path, make_store: Callable[..., Store], users: dict) -> None:
    choices = Matcher.open(make_store(tmp_path / "store", {"harbour": []}, users)).choose(
        "rosa", ["harbour", "x"], with_others=True
    )
    assert [choice.reason for choice in choices] == ["title 'harbour' has no usable artwork", "no title 'x' in snapshot 000001"]


def test_profiles_of_another_encoder_are_refused(given_store: Store) -> None:
    audience = read_table(given_store, "audience")
    column = audience.schema.get_field_index("fingerprint")
    replace_table(given_store, "audience", audience.set_column(column, audience.schema.field(column), [["f" * 64]]))
    with pytest.raises(FingerprintError, match="the profiles of this store has vectors of encoder ffffffffffff"):
        Matcher.open(given_store)


def test_after_a_switch_of_encoders_the_old_snapshot_and_tastes_serve(given_store: Store) -> None:
    before = Matcher.open(given_store).choose("rosa")
    switch_encoder(open_beside(given_store, given_store.choice, "e" * 64, 4))
    assert open_store(given_store.root).fingerprint == "e" * 64
    assert Matcher.open(given_store.root).choose("rosa") == before
    assert before[0].taste == "the user's own"


# Clicks and weights


def click(store: Store, folder: Path, plays: dict[str, int], impressions: int = 2000) -> None:
    """Log that each of these artworks of "harbour" was shown so often, and played so often."""
    (folder / "impressions.jsonl").write_text(
        "".join(
            json.dumps({"impression_id": f"{art}-{n}", "title_id": "harbour", "artwork_id": art}) + "\n"
            for art in plays
            for n in range(impressions)
        )
    )
    (folder / "plays.jsonl").write_text(
        "".join(
            json.dumps({"impression_id": f"{art}-{n}", "seconds": 0, "fraction": 1.0}) + "\n"
            for art, count in plays.items()
            for n in range(count)
        )
    )
    learn_priors(folder, store)


def test_clicks_move_a_choice(tmp_path: Path, given_store: Store) -> None:
    click(given_store, tmp_path, {"kiss": 20, "ghost": 20, "clown": 900})
    choice = Matcher.open(given_store).choose("rosa", ["harbour"], with_others=True)[0]
    assert chosen([choice]) == ["clown"]
    assert choice.artwork is not None
    assert (choice.artwork.prior.impressions, choice.artwork.prior.plays) == (2000, 900)
    kiss = choice.others[0]
    assert kiss.artwork_id == "kiss"
    assert kiss.similarity_part > choice.artwork.similarity_part


def test_a_weak_prior_leaves_the_choice_to_taste(tmp_path: Path, given_store: Store) -> None:
    click(given_store, tmp_path, {"kiss": 20, "ghost": 20, "clown": 24})
    assert chosen(Matcher.open(given_store).choose("rosa", ["harbour"])) == ["kiss"]


def test_an_open_matcher_is_not_moved_by_what_comes_later(tmp_path: Path, given_store: Store) -> None:
    matcher = Matcher.open(given_store)
    before = matcher.choose("rosa", ["harbour"])
    click(given_store, tmp_path, {"clown": 900})
    assert matcher.choose("rosa", ["harbour"]) == before


def test_weights_of_zero_leave_the_prior_alone(tmp_path: Path, given_store: Store) -> None:
    click(given_store, tmp_path, {"ghost": 21, "kiss": 20, "clown": 20})
    matcher = Matcher.open(given_store, Weights(similarity=0.0, people=0.0))
    assert [chosen(page) for page in matcher.choose_many(["rosa", "carl"], ["harbour", "caper"])] == [
        ["ghost", "caper-ben"]
    ] * 2
    art = matcher.choose("rosa", ["harbour"])[0].artwork
    assert art is not None
    assert (art.similarity_part, art.people_part, art.score) == (0.0, 0.0, art.prior_part)


def test_similarity_is_in_units_of_its_spread_whatever_the_weight(shared_store: Store) -> None:
    parts = [
        Matcher.open(shared_store, Weights(similarity=weight)).choose("rosa", ["harbour"])[0].artwork for weight in (0.5, 2.0)
    ]
    assert parts[0] is not None
    assert parts[1] is not None
    assert parts[1].similarity_part == pytest.approx(4 * parts[0].similarity_part)
    assert parts[1].similarity == pytest.approx(parts[0].similarity)


# How it is used


def test_threads_may_share_one(shared_store: Store, matcher: Matcher) -> None:
    users = ["rosa", "carl", "hugo", "wil", "nobody"] * 8
    expected = [matcher.choose(user) for user in users]
    fresh = Matcher.open(shared_store.root)  # its cached parts are made while all threads ask
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(fresh.choose, users)) == expected


def test_a_choice_leaves_torch_unloaded(shared_store: Store) -> None:
    code = (
        "import sys; from match import Matcher; from match.page import write_page; "
        "print(Matcher.open(sys.argv[1]).choose('rosa', ['harbour'])[0].artwork.artwork_id, "
        "sorted({'torch', 'open_clip', 'torchvision', 'timm', 'duckdb'} & set(sys.modules)))"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(shared_store.root)], capture_output=True, text=True, check=False)
    assert (ended.stdout, ended.stderr) == ("kiss []\n", "")


def test_the_audience_is_that_of_the_store(matcher: Matcher, shared_store: Store) -> None:
    assert matcher.audience.users == read_audience(shared_store).users == 3  # wil has no taste
