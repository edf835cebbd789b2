"""Two sides beside each other: what changed is known by construction, or counted by a plain loop over `Matcher.choose`."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from embed.errors import QueryError
from embed.records import PROFILE
from embed.store import Store, open_beside, read_table, replace_table, switch_encoder
from index.publish import publish_snapshot
from index.titles import ABSENT
from match.blend import Weights
from match.clicks.priors import learn_priors
from match.comparing import counts, flow
from match.comparing.flow import Asked, Compared, compare
from match.comparing.reasons import PARTS, REASONS
from match.matcher import Matcher

ROMANCE, COMEDY = np.eye(4, dtype=np.float32)[:2]


def changed(compared: Compared) -> dict[tuple[str, str], tuple[str | None, str | None, str]]:
    """(user, title) to (was, now, reason)."""
    ids, population, changes = [*compared.artwork["artwork_id"].to_pylist(), None], compared.population, compared.changes
    rows = zip(changes.users, changes.titles, changes.artwork, changes.reasons, strict=True)
    return {
        (population.user_ids[user], population.title_ids[title]): (ids[was], ids[now], REASONS[reason])
        for user, title, (was, now), reason in rows
    }


def without(titles: dict[str, list[dict[str, Any]]], *artwork_ids: str) -> dict[str, list[dict[str, Any]]]:
    return {title_id: [row for row in rows if row["artwork_id"] not in artwork_ids] for title_id, rows in titles.items()}


@pytest.fixture
def two_snapshots(given_store: Store, titles: dict, write_artwork: Callable) -> tuple[Matcher, Matcher]:
    """With the kiss in "harbour", and without it."""
    write_artwork(given_store, without(titles, "kiss"), vectors=False)
    publish_snapshot(given_store)
    return Matcher.open(given_store, snapshot="000001"), Matcher.open(given_store)


def test_what_is_gone_changes_for_those_who_had_it(two_snapshots: tuple[Matcher, Matcher]) -> None:
    compared = compare(two_snapshots, Asked(titles=["harbour", "lone", "caper"]))
    had = [user for user in two_snapshots[0].user_ids if chosen(two_snapshots[0], user, "harbour") == "kiss"]
    assert "rosa" in had
    assert changed(compared) == {
        (user, "harbour"): ("kiss", chosen(two_snapshots[1], user, "harbour"), "retired") for user in had
    }
    share = counts.share(compared)
    assert (share.users, share.choices, share.changed, share.reasons) == (4, 12, len(had), {"retired": len(had)})
    assert share.value == len(had) / 12
    assert share.low <= share.value <= share.high
    number = compared.artwork["artwork_id"].to_pylist().index("kiss")
    assert compared.there[:, number].tolist() == [True, False]
    assert compared.chosen[:, number].tolist() == [len(had), 0]
    assert counts.gained(compared)[number] == -len(had)


def chosen(matcher: Matcher, user: str, title: str) -> str | None:
    [choice] = matcher.choose(user, [title])
    return choice.artwork and choice.artwork.artwork_id


def test_what_is_new_is_the_same_the_other_way_round(two_snapshots: tuple[Matcher, Matcher]) -> None:
    compared = compare(two_snapshots[::-1])
    assert {(was, now) for was, now, _ in changed(compared).values() if now != "kiss"} == set()
    assert {reason for *_, reason in changed(compared).values()} == {"new"}
    assert ("rosa", "harbour") in changed(compared)
    assert np.isnan(compared.changes.leads[:, 0]).all()  # before, the kiss could not be chosen
    assert (compared.changes.leads[:, 1] >= 0).all()


def test_a_title_that_loses_all_its_artwork(given_store: Store, titles: dict, write_artwork: Callable) -> None:
    write_artwork(given_store, without(titles, "only"), vectors=False)
    publish_snapshot(given_store)
    compared = compare((Matcher.open(given_store, snapshot="000001"), Matcher.open(given_store)), Asked(["rosa"], ["lone"]))
    assert changed(compared) == {("rosa", "lone"): ("only", None, "retired")}
    back = compare((Matcher.open(given_store), Matcher.open(given_store, snapshot="000001")), Asked(["rosa"], ["lone"]))
    assert changed(back) == {("rosa", "lone"): (None, "only", "new")}


def test_of_two_blends_exactly_the_choice_flips_that_people_made(matcher: Matcher) -> None:
    blend = matcher.with_weights(replace(matcher.weights, people=0.0))
    compared = compare((matcher, blend), Asked(users=["rosa", "carl"]))
    assert changed(compared) == {("rosa", "caper"): ("caper-cleo", "caper-ben", "people")}
    # rosa's phrase for Cleo Vance weighs a quarter of her strongest; both pictures are alike else
    assert compared.changes.leads.round(6).tolist() == [[0.25 * matcher.weights.people, 0.0]]
    former, latter = counts.leads(compared)
    assert (former.median, former.bins, latter.bins) == (0.625, (0, 0, 0, 0, 1), (1, 0, 0, 0, 0))
    assert counts.by_title(compared)[compared.population.title_ids.index("caper")] == 1


def test_nothing_differs_from_itself(matcher: Matcher) -> None:
    compared = compare((matcher, matcher))
    assert (changed(compared), counts.share(compared).value, compared.lines) == ({}, 0.0, 0)
    assert np.isnan(counts.leads(compared)[0].median)
    assert compared.agreement.tau == 1.0


def test_clicks_in_another_store_move_the_prior(
    tmp_path: Path, make_store: Callable, titles: dict, users: dict, matcher: Matcher
) -> None:
    other, plays = make_store(tmp_path / "other", titles, users), {"kiss": 20, "ghost": 20, "clown": 900}
    shown = [{"impression_id": f"{art}-{n}", "title_id": "harbour", "artwork_id": art} for art in plays for n in range(2000)]
    played = [
        {"impression_id": f"{art}-{n}", "seconds": 0, "fraction": 1.0} for art, some in plays.items() for n in range(some)
    ]
    for name, rows in (("impressions", shown), ("plays", played)):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    learn_priors(tmp_path, other)
    compared = compare((matcher, Matcher.open(other)), Asked(["rosa", "carl"], ["harbour"]))
    assert changed(compared) == {("rosa", "harbour"): ("kiss", "clown", "prior")}


@pytest.fixture
def two_encoders(given_store: Store, titles: dict, users: dict, write_artwork: Callable, write_users: Callable) -> Any:
    """Of one store; to the latter the kiss looks as the clown does to the former, and the other way round."""
    other = open_beside(given_store, given_store.choice, "e" * 64, 4)
    swapped = {"kiss": COMEDY, "clown": ROMANCE}
    rows = [{**row, "vector": swapped.get(row["artwork_id"], row["vector"])} for row in titles["harbour"]]
    write_artwork(other, {**titles, "harbour": rows})
    write_users(other, users)
    switch_encoder(other)
    publish_snapshot(other)
    return Matcher.open(other.root, snapshot="000001"), Matcher.open(other.root)


def test_two_checkpoints_of_one_store_each_with_its_own_tastes(two_encoders: tuple[Matcher, Matcher]) -> None:
    fingerprints = [side.snapshot.manifest.fingerprint for side in two_encoders]
    assert fingerprints == ["a" * 64, "e" * 64]
    compared = compare(two_encoders, Asked(["rosa", "carl", "hugo"], ["harbour"]))
    assert changed(compared) == {
        ("rosa", "harbour"): ("kiss", "clown", "similarity"),
        ("carl", "harbour"): ("clown", "kiss", "similarity"),
    }
    # hugo's order stays, tau 1; of rosa's and carl's the first changes places with one of two that are tied, tau-b -1/2
    assert compared.agreement.pairs == 3
    assert compared.agreement.tau == pytest.approx(0.0)


def test_segments_are_those_of_the_catalog(given_store: Store, matcher: Matcher) -> None:
    kids = {"rosa": "kids", "hugo": "kids"}
    rows = [{**row, "segment": kids.get(row["user_id"])} for row in read_table(given_store, "profiles").to_pylist()]
    replace_table(given_store, "profiles", pa.Table.from_pylist(rows, schema=PROFILE))
    knowing, blend = Matcher.open(given_store), replace(matcher.weights, people=0.0)
    for sides in ((matcher, knowing), (knowing, matcher)):  # where one side knows a segment, it is the user's
        assert compare(sides).population.segments == [None, "kids", "kids", None]
    compared = compare((knowing, knowing.with_weights(blend)), Asked(titles=["caper"]))
    told = {name: (share.users, share.choices, share.changed, share.reasons) for name, share in counts.of_segments(compared)}
    assert told == {"kids": (2, 2, 2, {"people": 2}), None: (2, 2, 0, {})}


def test_only_what_both_sides_know(tmp_path: Path, make_store: Callable, titles: dict, users: dict, matcher: Matcher) -> None:
    few = {"rosa": users["rosa"], "eve": users["carl"]}
    other = Matcher.open(make_store(tmp_path / "other", {**without(titles, "only"), "own": titles["lone"]}, few))
    population = compare((matcher, other)).population
    assert (population.user_ids, population.users_apart) == (["rosa"], (3, 1))
    assert population.titles_apart == ([], ["own"])
    assert population.title_ids == ["bare", "caper", "harbour", "lone"]
    with pytest.raises(QueryError, match="no user in common"):
        compare((matcher, Matcher.open(make_store(tmp_path / "nobody", titles))))
    with pytest.raises(QueryError, match="no title in common"):
        compare((matcher, other), Asked(titles=["own"]))
    with pytest.raises(QueryError, match="no title in common"):
        compare((matcher, other), Asked(titles=[]))


def test_of_many_users_a_sample_is_compared(matcher: Matcher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow, "FEWEST", 1)
    monkeypatch.setattr(flow, "USERS", 2)
    population = compare((matcher, matcher)).population
    assert (population.user_ids, population.known) == (["carl", "wil"], 4)  # the first and the last of four


def test_another_picture_under_the_same_id(
    tmp_path: Path, make_store: Callable, titles: dict, users: dict, matcher: Matcher
) -> None:
    repainted = {**titles, "lone": [{**titles["lone"][0], "sha256": "f" * 64}]}
    compared = compare((matcher, Matcher.open(make_store(tmp_path / "other", repainted, users))))
    assert compared.artwork.filter(compared.repainted)["artwork_id"].to_pylist() == ["only"]
    assert compared.artwork.filter(compared.repainted)["sha256"].to_pylist() == ["f" * 64]


# Whatever the stores: as one choice after the other


def unit(rng: np.random.Generator) -> np.ndarray:
    vector = rng.normal(size=8)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


@pytest.fixture(params=range(3))
def random_sides(
    request: pytest.FixtureRequest, tmp_path: Path, make_store: Callable, write_artwork: Callable
) -> tuple[Matcher, Matcher]:
    """Two snapshots, of which each lacks some artwork, with other weights."""
    rng = np.random.default_rng(request.param)
    names, tags = ("Ada", "Ben", "Cleo"), ("day", "night", "sea")
    titles = {
        f"t{title}": [
            {
                "artwork_id": f"t{title}-{n}",
                "vector": unit(rng),
                "people": [str(name) for name in rng.choice(names, rng.integers(0, 3), replace=False)],
                "tags": [str(tag) for tag in rng.choice(tags, rng.integers(0, 3), replace=False)],
            }
            for n in range(rng.integers(0, 9))
        ]
        for title in range(12)
    }
    vectors = {
        (kind, text): unit(rng) for kind, text in [("person", name) for name in names] + [("stated", f"s{n}") for n in range(6)]
    }
    keys = list(vectors)
    users = {
        f"u{user:02}": [
            (keys[place][1], keys[place][0], float(rng.normal()), vectors[keys[place]])
            for place in rng.permutation(len(keys))[: rng.integers(0, 5)]
        ]
        for user in range(30)
    }
    words = {"copy": [{"copy_id": f"c{n}", "title_id": f"t{n % 4}", "text": f"line {n}"} for n in range(8)]}
    said = {("tag", tag): unit(rng) for tag in tags} | {("copy", f"line {n}"): unit(rng) for n in range(8)}
    lacking = [{row["artwork_id"] for rows in titles.values() for row in rows if rng.random() < 0.2} for _ in range(2)]
    store = make_store(tmp_path / "store", titles, users, neutral=unit(rng), publish=False, words=said, **words)
    for artwork_ids in lacking:
        write_artwork(store, without(titles, *artwork_ids), vectors=False)
        publish_snapshot(store)
    return Matcher.open(store, snapshot="000001"), Matcher.open(store, Weights(1.0, 0.5, 1.0, 0.0))


def test_it_is_what_one_choice_after_the_other_gives(
    random_sides: tuple[Matcher, Matcher], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "ARTWORKS_AT_ONCE", 10)  # so that several runs are joined
    monkeypatch.setattr(flow, "USERS_AT_ONCE", 7)
    compared = compare(random_sides)
    population, told = compared.population, {}
    lines = 0
    users = [{}, {}]
    for user in population.user_ids:
        pages = [side.choose(user, population.title_ids, with_others=True) for side in random_sides]
        for was, now in zip(*pages, strict=True):
            ids = [choice.artwork and choice.artwork.artwork_id for choice in (was, now)]
            for side, artwork_id in enumerate(ids):
                users[side][artwork_id] = users[side].get(artwork_id, 0) + 1
            if ids[0] != ids[1]:
                told[user, was.title_id] = (*ids, reason_of(was, now))
            else:
                lines += (was.copy and was.copy.copy_id) != (now.copy and now.copy.copy_id)
    assert changed(compared) == told
    assert len(told) > 20
    assert compared.lines == lines > 0
    ids = compared.artwork["artwork_id"].to_pylist()
    for side in range(2):
        assert {name: count for name, count in zip(ids, compared.chosen[side].tolist(), strict=True) if count} == {
            name: count for name, count in users[side].items() if name is not None
        }
    assert {REASONS[reason] for reason in np.unique(compared.changes.reasons)} >= {"retired", "new", "similarity", "people"}


def reason_of(was: Any, now: Any) -> str:
    """By the parts of each artwork as both sides' choices have them."""
    sides = [{scored.artwork_id: scored for scored in (choice.artwork, *choice.others) if scored} for choice in (was, now)]
    if was.artwork is None or (now.artwork is not None and now.artwork.artwork_id not in sides[0]):
        gone = was.artwork is not None and was.artwork.artwork_id not in sides[1]
        return "retired" if gone else "new"
    if was.artwork.artwork_id not in sides[1]:
        return "retired"
    before, after = (scored[now.artwork.artwork_id] for scored in sides)
    other_before, other_after = (scored[was.artwork.artwork_id] for scored in sides)
    grown = [
        (getattr(after, f"{part}_part") - getattr(other_after, f"{part}_part"))
        - (getattr(before, f"{part}_part") - getattr(other_before, f"{part}_part"))
        for part in PARTS
    ]
    return PARTS[int(np.argmax(grown))]


def test_parts_are_those_that_the_matcher_tells(random_sides: tuple[Matcher, Matcher]) -> None:
    compared = compare(random_sides)
    ids, changes = compared.artwork["artwork_id"].to_pylist(), compared.changes
    for place in range(0, len(changes.users), 5):
        user, title = compared.population.user_ids[changes.users[place]], compared.population.title_ids[changes.titles[place]]
        for side, matcher in enumerate(random_sides):
            [choice] = matcher.choose(user, [title], with_others=True)
            told = {scored.artwork_id: scored for scored in (choice.artwork, *choice.others) if scored}
            for which, number in enumerate(changes.artwork[place].tolist()):
                parts = changes.parts[place, side, which]
                scored = None if number == ABSENT else told.get(ids[number])
                if scored is None:
                    assert np.isnan(parts).all()
                else:
                    assert parts.tolist() == pytest.approx([getattr(scored, f"{part}_part") for part in PARTS], abs=1e-5)
