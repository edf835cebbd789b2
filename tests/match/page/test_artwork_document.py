"""The document of an artwork: who gets it, how it does, and what looks like it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import beta

from embed.errors import QueryError
from embed.records import PRIOR, PROFILE, SEGMENT_PRIOR, TITLE_PRIOR
from embed.store import Store, read_table, replace_table
from match.matcher import Matcher
from match.page import Reading, reach
from match.page.documents import answer, written
from match.page.parameters import Parameters
from match.page.site import Document, Site

ROMANCE, COMEDY, HORROR, PLAIN = np.eye(4, dtype=np.float32)


def artwork(store: Store, artwork_id: str, *, live: Reading | None = None, titles: Any = None, **parameters: str) -> Document:
    site = Site.of(store, Matcher.open(store), titles=titles, reading=live)
    return answer(site, "artwork", Parameters(artwork=artwork_id, **parameters))


@pytest.fixture
def live(reading: Any) -> Reading:
    """That of a page that is served."""
    return Reading(reading.questions, reading.profile)


@pytest.fixture
def segmented_store(given_store: Store) -> Store:
    """rosa and carl are of the segment young, hugo of old, wil of none."""
    of = {"rosa": "young", "carl": "young", "hugo": "old"}
    rows = [{**row, "segment": of.get(row["user_id"])} for row in read_table(given_store, "profiles").to_pylist()]
    replace_table(given_store, "profiles", pa.Table.from_pylist(rows, schema=PROFILE))
    return given_store


def test_who_gets_it_is_whom_the_matcher_gives_it(segmented_store: Store) -> None:
    matcher = Matcher.open(segmented_store)
    for title in ("harbour", "caper", "lone"):
        gets: dict[str, list[str]] = {}
        for user in matcher.user_ids:
            [choice] = matcher.choose(user, [title])
            assert choice.artwork is not None
            gets.setdefault(choice.artwork.artwork_id, []).append(user)
        for artwork_id, users in gets.items():
            told = artwork(segmented_store, artwork_id)["reach"]
            assert (told["users"], told["total"], told["count"], told["examples"]) == (4, 4, len(users), users)


def test_it_is_told_by_segment_and_changes_with_the_weights(segmented_store: Store) -> None:
    told = artwork(segmented_store, "kiss")["reach"]
    assert told["segments"] == [{"segment": "old", "users": 1, "count": 0}, {"segment": "young", "users": 2, "count": 1}]
    flat = artwork(segmented_store, "clown", similarity="0", people="0")["reach"]  # all are level, and the first has all
    assert flat["count"] == 4


@pytest.mark.parametrize("served", [True, False])
def test_of_many_users_a_sample_is_counted(
    given_store: Store, live: Reading, monkeypatch: pytest.MonkeyPatch, served: bool
) -> None:
    monkeypatch.setattr(reach, "MOST_USERS" if served else "MOST_OF_FILE", 2)
    told = artwork(given_store, "only", live=live if served else None)["reach"]
    assert (told["users"], told["total"], told["count"]) == (2, 4, 2)


def test_a_sample_is_even_and_always_the_same() -> None:
    users = [f"u{number:05}" for number in range(10_000)]
    some = reach.sampled(users, 1000)
    assert some == sorted(set(some)) == reach.sampled(users, 1000)
    assert 400 < sum(user < "u05000" for user in some) < 600
    assert reach.sampled(users, 10_000) == users


def test_how_it_does_is_told_for_everyone_and_each_segment_the_most_shown_first(given_store: Store) -> None:
    row = {"title_id": "harbour", "artwork_id": "kiss", "impressions": 400, "plays": 60, "mean": 0.13, "strength": 500.0}
    replace_table(given_store, "priors", pa.Table.from_pylist([{**row, "effective": 400.0}], schema=PRIOR))
    catalog = {"mean": 0.05, "strength": 100.0, "fit_weight": 0.0, "fit_error": 0.1}
    replace_table(given_store, "title_priors", pa.Table.from_pylist([catalog], schema=TITLE_PRIOR))
    level = {"impressions": 9, "plays": 1, "mean": 0.05, "strength": 100.0}
    here = [{"segment": name, **level} for name in ("kids", "late", "none")]
    here += [{**row, "segment": "kids", "impressions": 50, "plays": 1, "mean": 0.04, "strength": 150.0}]
    here += [{**row, "segment": "late", "impressions": 90, "plays": 30, "mean": 0.2, "strength": 190.0}]
    replace_table(given_store, "segment_priors", pa.Table.from_pylist(here, schema=SEGMENT_PRIOR))
    told = artwork(given_store, "kiss")["segments"]
    assert [one["segment"] for one in told] == [None, "late", "kids", "none"]
    assert [(one["impressions"], one["plays"]) for one in told] == [(400, 60), (90, 30), (50, 1), (0, 0)]
    assert told[1]["mean"] == pytest.approx(0.2)
    assert told[1]["interval"] == pytest.approx(beta.interval(0.95, 38, 152), abs=1e-6)
    assert told[2]["interval"] == pytest.approx(beta.interval(0.95, 6, 144), abs=1e-6)


def near(*shares: float) -> np.ndarray:
    vector = np.array(shares, np.float32)
    return vector / np.linalg.norm(vector)


@pytest.fixture
def alike_store(tmp_path: Path, make_store: Callable) -> Store:
    """Of `first` there is a near duplicate, the same file in another title, one that is near, and one that is far."""
    one = {"artwork_id": "first", "vector": ROMANCE, "sha256": "f" * 64}
    titles = {
        "a": [one, {"artwork_id": "twin", "vector": near(1, 0.1, 0, 0)}],
        "b": [{**one, "artwork_id": "copy"}, {"artwork_id": "like", "vector": near(1, 1, 0, 0)}],
        "c": [{"artwork_id": "far", "vector": HORROR}],
    }
    return make_store(tmp_path / "store", titles, {})


def test_duplicates_and_then_the_nearest_of_the_rest(alike_store: Store, live: Reading) -> None:
    for told in (artwork(alike_store, "first"), artwork(alike_store, "first", live=live)):
        assert [(one["id"], one["same_file"]) for one in told["duplicates"]] == [("copy", True), ("twin", False)]
        assert told["duplicates"][1]["cosine"] == pytest.approx(1 / np.sqrt(1.01), abs=1e-4)
        assert [(one["id"], one["cosine"]) for one in told["nearest"]] == [("like", 0.7071), ("far", 0.0)]
        assert (told["among"], told["how"]) == (5, "exact")


def test_a_page_in_a_file_looks_among_what_it_shows(alike_store: Store, live: Reading) -> None:
    told = artwork(alike_store, "first", titles=["a", "c"])
    assert [one["id"] for one in told["duplicates"]] == ["twin"]
    assert ([one["id"] for one in told["nearest"]], told["among"]) == (["far"], 3)
    assert artwork(alike_store, "first", titles=["a", "c"], live=live)["among"] == 5
    outside = artwork(alike_store, "copy", titles=["a", "c"])
    assert [one["id"] for one in outside["duplicates"]] == ["first", "twin"]


def test_all_that_the_catalog_says_is_there(tmp_path: Path, make_store: Callable) -> None:
    row = {
        "artwork_id": "one",
        "vector": ROMANCE,
        "people": ["Ada Quill"],
        "tags": ["sea"],
        "caption": "A bay",
        "copy": "Two hearts",
        "locale": "pt-BR",
        "prominence": 0.5,
        "maturity": 12.0,
        "spoiler": True,
    }
    told = artwork(make_store(tmp_path / "store", {"t": [row]}, {}), "one")
    assert {name: told["facts"][name] for name in row if name not in ("artwork_id", "vector")} == {
        name: value for name, value in row.items() if name not in ("artwork_id", "vector")
    }
    assert (told["title"], told["name"], told["path"], told["artworks"]) == ("t", "T", "one.png", 1)


def test_a_store_without_users_gives_it_to_nobody(tmp_path: Path, make_store: Callable, titles: dict) -> None:
    told = artwork(make_store(tmp_path / "store", titles), "kiss")
    assert told["reach"] == {"users": 0, "total": 0, "count": 0, "segments": [], "examples": []}


def test_an_unknown_one_is_refused_with_what_to_look_at(shared_store: Store) -> None:
    with pytest.raises(
        QueryError, match=r"no artwork 'nothing' in snapshot 000001; it may have been set aside \(see Rejected\)"
    ):
        artwork(shared_store, "nothing")


def test_a_page_in_a_file_holds_all_artwork_shown(shared_store: Store) -> None:
    site = Site.of(shared_store, Matcher.open(shared_store), titles=["harbour", "bare", "lone"])
    keys = [key for key, _ in written(site) if key.startswith('["artwork"')]
    assert keys == [f'["artwork",["artwork","{name}"]]' for name in ("clown", "ghost", "kiss", "only")]
