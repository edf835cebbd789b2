"""The evaluation of taste: its statistics against small oracles, its groups and histories as they are said to be, its door."""

import csv
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from artwork_doors import evaluate_checkpoint, evaluate_taste
from artwork_doors.evaluating import choosing, gap, genres, histories, retrieval, scores, seen, verdicts, words
from artwork_doors.evaluating.encodings import Encodings, remembering
from artwork_doors.evaluating.plot import draw_figures
from artwork_doors.evaluating.research import Photograph, Poster, Rating, published_recall
from artwork_doors.evaluating.users import personal_query, profiles_of
from embed.errors import ArtworkMatcherError
from embed.records import Audience, Phrase, Profile
from embed.words import encode_words

SHARED = Path(__file__).parents[3] / "shared" / "data"
WORDS = ("red", "blue", "round", "tall", "old", "loud", "wet", "kind")
PICTURES, FILMS = 40, 64


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, drawing: Callable[..., Any]) -> Path:
    """Research data in its form: 40 photographs, some of dogs and some of snow, 64 posters of films, half of them of the dev split,
    and 3 users with 20 ratings."""
    root = tmp_path_factory.mktemp("research")
    for folder, count in (("captions", PICTURES), ("posters", FILMS)):
        (root / folder / "images").mkdir(parents=True)
        for number in range(count):
            drawing(f"{folder}-{number}").save(root / folder / "images" / f"{number}.jpg")
    things = ("dog", "snow", "thing", "thing")
    photographs = [{"image": f"{n}.jpg", "captions": [f"{things[n % 4]} {n}, {w}" for w in WORDS[:5]]} for n in range(PICTURES)]
    (root / "captions" / "captions.json").write_text(json.dumps(photographs), encoding="utf-8")
    (root / "posters" / "index.json").write_text(json.dumps([_poster(n) for n in range(FILMS)]), encoding="utf-8")
    ratings = [
        {"userId": str(user), "movieId": str(n), "rating": 5.0 if n % 2 else 1.0, "timestamp": 1000 * n + user}
        for user in range(3)
        for n in range(20)
    ]
    _write(root / "movielens" / "ratings.csv", ratings)
    published = {
        "dataset": "flickr8k",
        "model": "ViT-B-32",
        "pretrained": "openai",
        "image_retrieval_recall@5": 0.8,
        "text_retrieval_recall@5": 0.9,
    }
    _write(root / "refnumbers" / "clip_benchmark.csv", [{**published, "dataset": "mscoco"}, published])
    return root


def _poster(number: int) -> dict[str, Any]:
    kinds = list(genres.DESCRIPTIONS)
    about = {"movielens_id": str(number), "title": f"Film {number}", "tags": [WORDS[number % len(WORDS)]]}
    own = [kinds[number // 2 % 10], *(("musical",), ("war",), (), ())[number // 2 % 4]]  # these two are borne by a quarter each
    return {**about, "genres": own, "split": ("train", "dev")[number % 2], "image": f"{number}.jpg"}


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture(scope="module")
def material(data: Path, tiny_encoder: Any) -> verdicts.Material:
    return verdicts.Material(data, remembering(tiny_encoder, None), seed=3, resamples=20, groups=30)


# The statistics.


def oracle_area(values: np.ndarray, positive: np.ndarray) -> float:
    """Every pair of one of each kind: 1 where the positive one is higher, a half where they are alike."""
    pairs = [(a, b) for a in values[positive] for b in values[~positive]]
    return float(np.mean([1.0 if a > b else 0.5 if a == b else 0.0 for a, b in pairs])) if pairs else float("nan")


@given(arrays(np.float64, 12, elements=st.integers(-3, 3).map(float)), arrays(bool, 12))
def test_the_area_is_the_share_of_pairs_in_order(values: np.ndarray, positive: np.ndarray) -> None:
    assert scores.area(values, positive) == pytest.approx(oracle_area(values, positive), nan_ok=True)


def test_ranks_count_what_comes_before_and_ties_against() -> None:
    similarities = np.array([[0.9, 0.5, 0.1], [0.2, 0.2, 0.7], [0.4, 0.1, 0.4]])
    assert scores.rank_of_own(similarities, np.array([0, 1, 0])).tolist() == [0, 2, 1]
    assert scores.rank_of_first_own(similarities[:2], np.array([0, 1, 1])).tolist() == [0, 0]
    assert scores.rank_of_first_own(similarities[:2], np.array([1, 0, 0])).tolist() == [1, 2]


@given(arrays(np.float64, (4, 8), elements=st.integers(-3, 3).map(float)), st.permutations([0, 0, 1, 1, 2, 2, 3, 3]))
def test_a_rank_is_a_place_in_the_sorted_row(similarities: np.ndarray, owner: list[int]) -> None:
    own = np.array(owner)
    for query, rank in enumerate(scores.rank_of_first_own(similarities, own).tolist()):
        best = max(value for value, who in zip(similarities[query], own, strict=True) if who == query)
        assert rank == sum(value >= best for value, who in zip(similarities[query], own, strict=True) if who != query)


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    random, held = np.random.default_rng(0), []
    for trial in range(200):
        units = np.repeat(np.arange(60), 3)
        values = 0.3 + np.repeat(random.normal(size=60), 3) + random.normal(size=180)  # three of a unit go together
        found = scores.mean(values, units, 200, trial)
        assert found.value == pytest.approx(values.mean())
        held.append(found.low <= 0.3 <= found.high)
    assert 0.90 <= np.mean(held) <= 0.99


def test_areas_and_their_mean_are_drawn_together() -> None:
    random = np.random.default_rng(1)
    positive = random.random((2, 80)) < 0.4
    values = random.normal(size=(2, 80)) + positive
    found = scores.areas(values, positive, 50, seed=5)
    assert found.shape == (51, 3)
    assert found[0, :2].tolist() == [oracle_area(v, p) for v, p in zip(values, positive, strict=True)]
    assert found[:, 2] == pytest.approx(found[:, :2].mean(axis=1))
    assert (scores.areas(values, positive, 50, seed=5) == found).all()
    assert scores.areas(-values, positive, 50, seed=5) == pytest.approx(1 - found)  # the same units: paired


def test_a_figure_says_where_it_is_no_better_than_chance() -> None:
    assert verdicts.figure("a", "b", scores.Estimate(0.6, 0.5, 0.7), chance=0.5).note == verdicts.NO_BETTER
    assert verdicts.figure("a", "b", scores.Estimate(0.6, 0.51, 0.7), chance=0.5, note="x").note == "x"
    assert verdicts.difference("a", "b", scores.Estimate(0.02, -0.01, 0.05)).note == "no difference that can be told"
    assert verdicts.difference("a", "b", scores.Estimate(0.02, 0.01, 0.05)).value == 2


# What is asked.


def test_groups_are_of_distinct_pictures_and_only_one_interest_is_among_them() -> None:
    pictures = np.arange(100, 140)
    groups = choosing.draw(pictures, 160, 20, np.random.default_rng(0))
    assert groups.shown.shape == (160, 20)
    assert all(len(set(shown)) == 20 and set(shown) <= set(pictures.tolist()) for shown in groups.shown.tolist())
    for shown, stated in zip(groups.shown.tolist(), groups.stated.tolist(), strict=True):
        about = [picture for picture, _ in stated]
        assert about[0] == shown[0]
        assert len(set(about)) == len(about)
        assert not set(about[1:]) & set(shown)
        assert all(0 <= which < choosing.STATED for _, which in stated)
    own = np.bincount(groups.shown[:, 0] - 100)
    assert set(own.tolist()) == {4}  # each of 40 pictures, by each of two captions, twice
    again = choosing.draw(pictures, 160, 20, np.random.default_rng(0))
    assert (again.shown == groups.shown).all()
    assert (again.stated == groups.stated).all()


def test_a_hit_is_the_first_of_so_many_above_all_others() -> None:
    scored = np.array([[3.0, 1, 2, 9], [2, 2, 1, 0], [1, 0, 0, 0]])
    assert choosing.hits(scored, 3).tolist() == [1, 0, 1]
    assert choosing.hits(scored, 4).tolist() == [0, 0, 1]


def test_tags_are_content_words_of_a_caption(tiny_encoder: Any) -> None:
    borne = words.tagged(["A dog and the dog's ball, near a dog", "Two of them", "Sea"], tiny_encoder, 2, 2)
    _, (dog, ball, sea) = encode_words([("tag", "dog"), ("tag", "ball"), ("tag", "sea")], tiny_encoder)
    assert borne[1] is None
    np.testing.assert_allclose(np.array([borne[0], borne[2]]), [(dog + ball) / 2, sea], atol=1e-6)


@pytest.mark.parametrize("interests", choosing.INTERESTS)
def test_the_product_s_way_is_what_the_matcher_chooses(
    interests: int, material: verdicts.Material, tmp_path: Path, make_catalog: Callable[..., Path]
) -> None:
    """On a store made of the same groups as titles, the same users are shown what `choosing` says that they are."""
    from artwork_doors.evaluating.research import read_photographs
    from embed.catalog import read_catalog
    from embed.job import embed_artwork
    from embed.store import create_store
    from embed.tastes.profiles import write_audience
    from embed.tastes.users import embed_users
    from index.publish import publish_snapshot
    from match.matcher import Matcher

    encoder, photographs = material.encoder, read_photographs(material.data)
    random = np.random.default_rng(0)
    groups = choosing.draw(np.arange(8, PICTURES), 12, 4, random)
    others = choosing.draw(np.arange(8), 10, 1, random)
    users = choosing.users_of(encoder, photographs, groups, others, interests)
    vectors = encoder.encode_files([photograph.file for photograph in photographs])
    scored = choosing.product(users, choosing.Pictures(vectors, groups.shown), 4)

    artwork = [
        {"artwork_id": f"{row}-{place}", "title_id": str(row), "path": f"{picture}.jpg"}
        for row, shown in enumerate(groups.shown.tolist())
        for place, picture in enumerate(shown)
    ]
    folder = tmp_path / "catalog"
    shutil.copytree(material.data / "captions" / "images", folder)
    titles = [{"title_id": str(row), "name": str(row)} for row in range(12)]
    catalog = read_catalog(make_catalog(folder, titles=titles, artwork=artwork, history=None, tastes=None), strict=True)
    store = create_store(tmp_path / "store", encoder.choice, encoder.fingerprint, encoder.dimension)
    embed_artwork(catalog, store, encoder)
    embed_users(catalog, store, encoder)
    write_audience(store, users.audience)
    publish_snapshot(store)
    matcher = Matcher.open(store)
    for row, profile in enumerate(users.profiles):
        (choice,) = matcher.choose(profile, [str(row)])
        assert choice.artwork is not None
        assert choice.artwork.artwork_id == f"{row}-{scored[row].argmax()}"


def test_several_interests_apart_are_the_profile_s_phrases(material: verdicts.Material) -> None:
    from artwork_doors.evaluating.research import read_photographs

    photographs = read_photographs(material.data)
    groups = choosing.draw(np.arange(8, PICTURES), 5, 4, np.random.default_rng(0))
    users = choosing.users_of(material.encoder, photographs, groups, groups, 3)
    assert users.apart.shape == (5, 3, material.encoder.dimension)
    stated = [photographs[picture].captions[which] for picture, which in groups.stated[0].tolist()]
    assert {phrase.text for phrase in users.profiles[0].phrases} == set(stated)
    whole = choosing.users_of(material.encoder, photographs, groups, groups, 1, divided=False)
    assert [phrase.text for phrase in whole.profiles[0].phrases] == stated[:1]
    assert len(choosing.users_of(material.encoder, photographs, groups, groups, 1).profiles[0].phrases) == 2  # its comma


def _film(number: int) -> Poster:
    return Poster(Path(f"{number}.jpg"), str(number), f"Film {number}", ("comedy",), (), "dev")


def test_viewers_learn_from_the_first_liked_films_and_are_asked_about_the_others() -> None:
    posters = [_film(number) for number in range(12)]
    rated = [Rating("ada", str(n), 4.0, 100 - n) for n in range(10)]  # the last film first
    rated += [Rating("ada", "10", 2.5, 5), Rating("ada", "11", 3.0, 6), Rating("ada", "strange", 5.0, 7)]
    (viewer,) = histories.viewers_of([*rated, Rating("bob", "1", 1.0, 1)], posters)
    assert [rating.film for rating in viewer.learned] == ["9", "8", "7", "6", "5", "4", "3"]
    assert viewer.later.tolist() == [2, 1, 0]
    assert viewer.disliked.tolist() == [10]
    assert set(viewer.stars) == set(range(12))
    areas = histories.areas_of([viewer], lambda viewer: np.arange(12.0))
    assert areas.tolist() == [0.0]
    assert histories.areas_of([viewer], lambda viewer: -np.arange(12.0)).tolist() == [1.0]
    assert np.isnan(histories.areas_of([viewer], lambda viewer: np.arange(12.0), np.arange(12) != 10)).all()


def test_others_stars_leave_the_viewer_s_own_out() -> None:
    posters = [_film(number) for number in range(2)]
    ratings = [Rating("ada", "0", 5.0, 1), Rating("bob", "0", 2.0, 2), Rating("ada", "1", 4.0, 3), Rating("ada", "x", 4.0, 4)]
    films = histories.Films(posters, np.empty((2, 0)), *histories._crowd(ratings, posters))
    viewer = histories.Viewer("ada", (), np.array([0]), np.array([1]), {0: 5.0, 1: 4.0})
    assert films.ratings.tolist() == [2, 1]
    assert histories._others_stars(viewer, films).tolist() == [2.0, 0.0]


def test_a_profile_never_hears_of_later_films(material: verdicts.Material) -> None:
    films = [_film(0), replace(_film(1), genres=("horror",))]
    viewer = histories.Viewer("ada", (Rating("ada", "0", 5.0, 1),), np.array([1]), np.array([1]), {})
    some = histories.Films(films, np.empty((2, 0)), np.ones(2), np.ones(2))
    profile = histories._profiles(material.encoder, [viewer], some)["ada"]
    assert [phrase.text for phrase in profile.phrases] == ["funny films"]
    assert histories._met(profile, histories._words(films)).tolist() == [1.0, 0.0]


def test_interests_are_mixed_as_the_matcher_mixes_them() -> None:
    from match.blend import similarity_of

    random = np.random.default_rng(0)
    titles, queries, shares = random.normal(size=(3, 5, 4)), random.normal(size=(3, 2, 4)), np.array([0.7, 0.3])
    found = gap.chosen([(shares, some) for some in queries], titles)
    apart = [
        (some @ title.T) - (some @ title.T).mean(axis=1, keepdims=True) for some, title in zip(queries, titles, strict=True)
    ]
    spread = float(np.sqrt(np.mean([shares @ (one**2).mean(axis=1) for one in apart])))
    for one, some, title in zip(found, queries, titles, strict=True):
        expected, _ = similarity_of(some @ title.T, shares, np.array([0, 5]), spread)
        np.testing.assert_allclose(one, expected)
    offset = [(np.ones(1), some[:1]) for some in queries]
    whole = gap.chosen(offset, titles, standardised=False) - gap.chosen(offset, titles)
    np.testing.assert_allclose(
        np.ptp(whole, axis=1), 0, atol=1e-12
    )  # of one interest, the title's mean moves no picture past another


def test_what_is_much_like_a_photograph_is_told_by_words() -> None:
    said = ["a red bus in rain", "a cat on a sofa", "the red bus in the rain", "cats and a sofa, a cat"]
    photographs = [Photograph(Path(f"{n}.jpg"), (text,)) for n, text in enumerate(said)]
    assert gap.nearest_by_words(photographs).tolist() == [2, 3, 0, 1]


def test_simulated_users_are_judged_by_pictures_they_were_never_shown() -> None:
    number = np.arange(400)
    bears = np.stack([number % 5 == 0, number % 7 == 0])
    world = seen.World("photographs", ["dogs", "snow"], np.eye(400), bears, ~bears)
    viewers = seen.draw(world, 40, np.random.default_rng(0))
    assert viewers.shows.sum() == 200
    assert viewers.shows[viewers.shown].all()
    assert not viewers.shows[viewers.group].any()
    assert (viewers.taste != viewers.another).all()
    for taste, group in zip(viewers.taste, viewers.group, strict=True):
        assert bears[taste, group].tolist() == [True] + [False] * (seen.SIZE - 1)
        assert len(set(group.tolist())) == seen.SIZE
    liked = bears[viewers.taste[:, None], viewers.shown]
    rates = viewers.played[liked].mean(), viewers.played[~liked].mean()
    assert rates == pytest.approx(seen.RATES, abs=0.01)


def test_only_what_was_shown_up_to_a_play_is_heard_of() -> None:
    vectors = np.eye(6)
    shown, played = np.array([[0, 1, 2, 3]]), np.array([[False, True, False, True]])
    viewers = seen.Viewers(np.zeros(1), np.ones(1), np.zeros((1, 8)), np.ones(6, bool), shown, played)
    world = seen.World("photographs", [], vectors, np.empty((0, 6)), np.empty((0, 6)))
    assert seen.liked_after(world, viewers, 0, 0, np.zeros(6)) is None
    first, second = (seen.liked_after(world, viewers, 0, plays, np.zeros(6)) for plays in (1, 2))
    assert first is not None
    assert second is not None
    assert np.flatnonzero(first.vector > 0).tolist() == [1]
    assert np.flatnonzero(first.vector).tolist() == [0, 1]
    assert np.flatnonzero(second.vector > 0).tolist() == [1, 3]
    assert second.weight > first.weight


def test_the_genres_are_those_of_the_checkpoint_s_own_evaluation() -> None:
    assert tuple(genres.DESCRIPTIONS) == evaluate_checkpoint.GENRES
    assert not [genre for genre, text in genres.DESCRIPTIONS.items() if genre in text]


# The vectors.


def test_personal_query_is_what_sets_the_user_apart() -> None:
    audience = Audience("f", 1, np.zeros(4), np.array([0.25, 0.5, 0, 0], np.float32), np.zeros((4, 4)))
    phrases = (Phrase("dark", "stated", 3.0), Phrase("bright", "stated", -4.0))
    query = personal_query(Profile("ada", phrases, np.eye(2, 4, dtype=np.float32), "f"), audience)
    np.testing.assert_allclose(query, [0.6 - 0.25 * 2 / 9, -0.8 - 0.5 * 2 / 9, 0, 0], atol=1e-6)  # less the users, shrunk


def test_profiles_are_the_product_s(tiny_encoder: Any) -> None:
    from embed.tastes.users import profile_from_text

    found = profiles_of(tiny_encoder, tastes=[{"user_id": "ada", "text": "dark forests, monsters"}])
    asked = profile_from_text("ada", "dark forests, monsters", tiny_encoder)
    assert found["ada"].phrases == asked.phrases
    assert found["ada"].vector == pytest.approx(asked.vector, abs=1e-5)


def test_vectors_are_kept_by_encoder_and_file(
    data: Path, tiny_encoder: Any, other_encoder: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [tmp_path / f"{number}.jpg" for number in range(3)]
    for number, path in enumerate(files):
        shutil.copy(data / "captions" / "images" / f"{number}.jpg", path)
    first = remembering(tiny_encoder, tmp_path / "cache")
    pictures, texts = first.encode_files(files), first.encode_texts(["a", "b", "a"])
    assert texts == pytest.approx(tiny_encoder.encode_texts(["a", "b", "a"]), abs=1e-6)
    assert not (remembering(other_encoder, tmp_path / "cache").encode_files(files) == pictures).any()

    def refuse(*_: object) -> None:
        raise AssertionError("encoded again")

    with monkeypatch.context() as patched:
        patched.setattr(Encodings, "encode_pixels", refuse)
        patched.setattr("embed.encoder.Encoder.encode_texts", refuse)
        again = remembering(tiny_encoder, tmp_path / "cache")
        assert (again.encode_files(files) == pictures).all()
        assert (again.encode_texts(["a", "b"]) == texts[:2]).all()
        shutil.copy(data / "captions" / "images" / "7.jpg", files[0])  # another picture under the same name
        os.utime(files[0], ns=(1, 1))
        with pytest.raises(AssertionError, match="encoded again"):
            remembering(tiny_encoder, tmp_path / "cache").encode_files(files)


def test_a_broken_picture_is_named(tmp_path: Path, tiny_encoder: Any) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    with pytest.raises(ArtworkMatcherError, match=r"broken\.jpg"):
        remembering(tiny_encoder, None).encode_files([tmp_path / "broken.jpg"])


# The door.


def test_published_figures_stand_beside_a_checkpoint_that_has_some(data: Path) -> None:
    assert published_recall(data, "ViT-B/32", "openai") == {"text to image": 0.8, "image to text": 0.9}
    assert published_recall(data, "ViT-B-32", "other") == {}
    assert published_recall(data, "bundled", None) == {}


def test_all_parts_in_json_and_the_same_again(
    data: Path, tiny_checkpoint: Path, invoke: Callable[..., Any], tmp_path: Path
) -> None:
    arguments = ("--data", data, "--checkpoint", tiny_checkpoint, "--groups", 30, "--resamples", 20, "--seed", 3)
    plot = tmp_path / "taste.png"
    result = invoke("evaluate_taste", *arguments, "--cache", tmp_path / "cache", "--plot", plot, "--json")
    assert result.exit_code == 0
    answer = json.loads(result.stdout)
    assert [part["name"] for part in answer["parts"]] == list(evaluate_taste.PARTS)
    for part in answer["parts"]:
        for line in part["figures"]:
            assert 0 <= line["low"] <= line["high"] <= 1
    retrieved, by_genre, chosen, history, corrected, played, said = (part["figures"] for part in answer["parts"])
    assert {line["about"].split(",")[0] for line in corrected} >= {"photographs", "posters", "text to image recall@5"}
    assert {line["about"].split(",")[0] for line in played} == {"photographs", "posters"}
    assert [line["target"] for line in retrieved] == [None, 0.57, None, None, 0.63, None]
    assert {line["name"]: line["target"] for line in by_genre}[f"mean: {genres.POSTER}"] == 0.72
    targets = {line["about"]: line["target"] for line in chosen if line["name"].endswith(choosing.PRODUCT)}
    assert targets == {
        "1 interest, 4 pictures": pytest.approx(choosing.BASELINE[1, 4] + 0.05),
        "1 interest, 8 pictures": pytest.approx(choosing.BASELINE[1, 8] + 0.05),
        "1 interest, 20 pictures": pytest.approx(choosing.BASELINE[1, 20] + 0.05),
        "3 interests, 4 pictures": pytest.approx(choosing.BASELINE[3, 4] + 0.05),
        "3 interests, 8 pictures": pytest.approx(choosing.BASELINE[3, 8] + 0.05),
        "3 interests, 20 pictures": pytest.approx(choosing.BASELINE[3, 20] + 0.05),
    }
    assert history[0]["name"] == histories.PRODUCT
    assert said[0]["name"] == f"1 interest, 4 artworks: {words.LINES}"
    assert plot.read_bytes().startswith(b"\x89PNG")
    again = invoke("evaluate_taste", *arguments, "--cache", tmp_path / "cache", "--json")
    assert json.loads(again.stdout) == answer


def test_a_table_for_people_and_check_for_machines(
    data: Path, tiny_checkpoint: Path, invoke: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("evaluate_taste", "--data", data, "--checkpoint", tiny_checkpoint, "--only", "retrieval", "--resamples", 10)
    result = invoke(*arguments)
    assert result.exit_code == 0
    assert "text to image recall@10" in result.stdout
    assert "at least 0.57" in result.stdout
    assert "among 40" in result.stdout
    assert invoke(*arguments, "--check").exit_code == 1
    monkeypatch.setattr(retrieval, "TARGETS", {})
    assert invoke(*arguments, "--check").exit_code == 0


def test_what_cannot_be_measured_says_so(
    tmp_path: Path, data: Path, material: verdicts.Material, invoke: Callable[..., Any], refused: Any
) -> None:
    assert "no research data at" in refused(invoke("evaluate_taste", "--data", tmp_path / "none"))
    missing = invoke("evaluate_taste", "--data", tmp_path, "--only", "retrieval")
    assert missing.exit_code == 2
    assert "captions.json" in missing.stderr
    assert "is none of retrieval" in invoke("evaluate_taste", "--data", data, "--only", "people").stderr
    few = tmp_path / "few"
    shutil.copytree(data, few)
    rows = json.loads((few / "captions" / "captions.json").read_text(encoding="utf-8"))
    (few / "captions" / "captions.json").write_text(json.dumps(rows[:5]), encoding="utf-8")
    with pytest.raises(ArtworkMatcherError, match="5 photographs make no groups"):
        choosing.measure(replace(material, data=few))
    _write(few / "movielens" / "ratings.csv", [{"userId": "1", "movieId": "1", "rating": 5.0, "timestamp": 1}])
    with pytest.raises(ArtworkMatcherError, match="no user in"):
        histories.measure(replace(material, data=few))


def test_a_plot_needs_an_ending_it_can_write(material: verdicts.Material, tmp_path: Path) -> None:
    part = verdicts.Part("a", "A", [verdicts.figure("a", "b", scores.Estimate(0.5, 0.4, 0.6), chance=0.5, target=0.55)])
    draw_figures([part], tmp_path / "a.svg")
    assert (tmp_path / "a.svg").stat().st_size
    with pytest.raises(ArtworkMatcherError, match=r"a\.strange"):
        draw_figures([part], tmp_path / "a.strange")


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason=f"needs the research data in {SHARED}")
def test_on_a_slice_of_the_real_data_the_bundled_checkpoint_beats_chance(tmp_path: Path) -> None:
    """40 photographs: what a user described is chosen far more often than one in 20, and captions find their pictures."""
    from embed.encoder import load_encoder

    rows = json.loads((SHARED / "captions" / "captions.json").read_text(encoding="utf-8"))[:40]
    (tmp_path / "captions").mkdir()
    (tmp_path / "captions" / "captions.json").write_text(json.dumps(rows), encoding="utf-8")
    (tmp_path / "captions" / "images").symlink_to(SHARED / "captions" / "images")
    material = verdicts.Material(tmp_path, remembering(load_encoder(), None), groups=40, resamples=50)
    chosen = {line.name: line for line in choosing.measure(material).figures}
    for about, least in (("1 interest, 20 pictures", 0.5), ("3 interests, 20 pictures", 0.2)):
        line = chosen[f"{about}: {choosing.PRODUCT}"]
        assert line.value is not None
        assert line.value > least
        assert not line.note.startswith(verdicts.NO_BETTER)
    found = {line.name: line.value for line in retrieval.measure(material).figures}
    assert found["text to image recall@5"] > 0.6
