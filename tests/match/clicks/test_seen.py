"""An interest made of what was played: worked out by hand, on directions that are known."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from embed.errors import LogError
from index.snapshot import open_snapshot
from match.blend import similarity_of
from match.clicks import parts, seen
from match.clicks.rules import Rules
from match.clicks.seen import (
    ENOUGH,
    MOST,
    SILENT,
    USUAL,
    PictureInterest,
    interest_in_pictures,
    learn_picture_interests,
    picture_interests_of,
    read_picture_interests,
    with_pictures,
)
from match.live import LiveMatcher
from match.matcher import PLAYED, Matcher

ROMANCE, COMEDY, HORROR, PLAIN = np.eye(4, dtype=np.float32)
Rows = list[dict[str, Any]]


def interest(
    played: list[np.ndarray], ages: list[float] | None = None, shown: list[np.ndarray] | None = None
) -> PictureInterest | None:
    """What was shown is what was played where it is left out; the usual is PLAIN."""
    seen = np.array(played if shown is None else shown).reshape(-1, 4)
    given = np.array(ages or [0.0] * len(played))
    return interest_in_pictures(np.array(played).reshape(-1, 4), given, seen.sum(axis=0), len(seen), PLAIN)


def test_what_was_played_less_what_was_shown() -> None:
    liked = interest([ROMANCE], shown=[ROMANCE, COMEDY])
    assert liked is not None
    apart = ROMANCE - (ROMANCE + COMEDY + USUAL * PLAIN) / (2 + USUAL)
    np.testing.assert_allclose(liked.vector, apart / np.linalg.norm(apart), atol=1e-6)
    assert liked.vector.dtype == np.float32


def test_what_was_shown_often_says_nothing() -> None:
    """Half of what was played is comedy, but so is nearly all that was shown."""
    liked = interest([ROMANCE, COMEDY], shown=[COMEDY] * 500 + [ROMANCE] * 20)
    assert liked is not None
    assert liked.vector @ ROMANCE > 0.6
    assert liked.vector @ COMEDY < -0.4


def test_the_weight_grows_with_plays_and_stays_below_its_bound() -> None:
    weights = [interest([ROMANCE] * count).weight for count in (1, 3, 30, 3000)]  # type: ignore[union-attr]
    assert weights == [pytest.approx(MOST * count / (count + ENOUGH)) for count in (1, 3, 30, 3000)]
    assert weights == sorted(weights)
    assert weights[-1] < MOST


def test_a_play_of_half_a_year_ago_counts_half() -> None:
    liked = interest([ROMANCE, COMEDY], ages=[0.0, 180.0], shown=[])
    assert liked is not None
    assert liked.weight == pytest.approx(MOST * 1.5 / (1.5 + ENOUGH))
    assert liked.vector @ ROMANCE == pytest.approx(2 * liked.vector @ COMEDY)
    assert interest([ROMANCE], ages=[-3.0]).weight == interest([ROMANCE]).weight  # type: ignore[union-attr]  # clocks differ


def test_nothing_played_and_nothing_told_apart() -> None:
    assert interest([]) is None
    assert interest([PLAIN], shown=[PLAIN] * 3) is None


# How it joins interests made of words.


def test_it_is_one_more_interest_that_spreads_like_the_others() -> None:
    scatter = np.diag([0.04, 0.01, 0.0, 0.0])
    liked = PictureInterest(ROMANCE, 0.2)
    shares, queries = with_pictures(np.array([0.75, 0.25]), np.stack([COMEDY, HORROR]), liked, 0.5, scatter)
    assert shares.tolist() == pytest.approx([0.6, 0.2, 0.2])
    np.testing.assert_allclose(queries[2], ROMANCE * 0.5 / 0.2)
    assert np.sqrt(queries[2] @ scatter @ queries[2]) == pytest.approx(0.5)
    assert queries.dtype == np.float32


def test_who_said_nothing_gives_it_more() -> None:
    shares, _ = with_pictures(np.ones(1), PLAIN[None], PictureInterest(ROMANCE, MOST / 2), 0.5, np.eye(4), silent=True)
    assert shares.tolist() == pytest.approx([1 - SILENT / 2, SILENT / 2])


@pytest.mark.parametrize(("spread", "scatter"), [(0.0, np.eye(4)), (0.5, np.zeros((4, 4))), (0.5, np.diag([0.0, 1, 1, 1]))])
def test_where_nothing_differs_the_interests_stay(spread: float, scatter: np.ndarray) -> None:
    before = np.ones(1), COMEDY[None]
    assert with_pictures(*before, PictureInterest(ROMANCE, 0.2), spread, scatter) == before


def test_in_the_matcher_s_own_similarity_the_gap_has_no_say() -> None:
    """Pictures are all much alike to a picture, and little like words: standardised within the title, both are heard."""
    titles = np.array([[0.90, 0.20, 0.1, 0], [0.95, 0.10, 0.1, 0], [0.90, 0.10, 0.3, 0]])
    titles /= np.linalg.norm(titles, axis=1, keepdims=True)
    apart = titles - titles.mean(axis=0)
    scatter, starts = apart.T @ apart / 3, np.array([0, 3])
    text = np.array([[0.0, 0.2, 0, 0]], np.float32)
    spread = float(np.sqrt(text[0] @ scatter @ text[0]))
    words, _ = similarity_of(text @ titles.T, np.ones(1), starts, spread)
    assert words.argmax() == 0
    joined = with_pictures(np.ones(1), text, PictureInterest(HORROR, 0.5), spread, scatter)
    both, speaking = similarity_of(joined[1] @ titles.T, joined[0], starts, spread)
    assert speaking.tolist()[0] == 0
    assert speaking.tolist()[2] == 1
    assert both[0] > both[1] < both[2]


# Out of logs.

AT_ONCE = Rules(wait=0.0)  # plays come


@pytest.fixture
def liked(tmp_path: Path, shared_store: Any, write_rows: Callable[..., Path]) -> Callable[..., dict[str, PictureInterest]]:
    """liked(shown, format): rows of (user, artwork, day, played) -> by user. `shared_store` has the artwork."""

    def run(shown: list[tuple[str, str, int, bool]], format: str = "csv") -> dict[str, PictureInterest]:
        impressions = [
            {
                "impression_id": str(n),
                "user_id": user,
                "title_id": "harbour",
                "artwork_id": artwork,
                "shown_at": f"2026-01-{day:02}T20:00:00+00:00",
            }
            for n, (user, artwork, day, _) in enumerate(shown)
        ]
        plays = [{"impression_id": str(n), "seconds": 900.0, "fraction": 0.9} for n, row in enumerate(shown) if row[3]]
        plays += [{"impression_id": "0", "seconds": 1.0, "fraction": 0.01}]  # clickbait: no quality play
        write_rows(tmp_path / "logs", "impressions", impressions, format)
        write_rows(tmp_path / "logs", "plays", plays, format)
        return picture_interests_of(tmp_path / "logs", open_snapshot(shared_store), AT_ONCE)

    return run


SHOWN = [
    ("rosa", "clown", 1, False),
    ("rosa", "kiss", 1, True),
    ("rosa", "kiss", 4, True),
    ("rosa", "kiss", 31, False),
    ("carl", "clown", 31, True),
    ("carl", "gone", 31, True),
    ("hugo", "ghost", 31, False),
]


@pytest.mark.parametrize("format", ["csv", "jsonl", "parquet"])
def test_out_of_logs_each_artwork_once_at_its_last_play(liked: Callable[..., dict[str, PictureInterest]], format: str) -> None:
    found = liked(SHOWN, format)
    assert set(found) == {"rosa", "carl"}
    usual = (2 * COMEDY + 3 * ROMANCE + HORROR) / 6
    evidence = 0.5 ** (27 / 180)
    assert found["rosa"].weight == pytest.approx(MOST * evidence / (evidence + ENOUGH))
    apart = ROMANCE - (COMEDY + 3 * ROMANCE + USUAL * usual) / (4 + USUAL)
    np.testing.assert_allclose(found["rosa"].vector, apart / np.linalg.norm(apart), atol=1e-6)
    assert found["carl"].weight == pytest.approx(MOST / (1 + ENOUGH))  # what the catalog has no more is left out


def test_machines_repeats_and_the_young_teach_nothing(
    liked: Callable[..., dict[str, PictureInterest]], tmp_path: Path, shared_store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rosa's second kiss of a day, a machine's day and the last day are as if they had not been, also where users are many."""
    plain = [("rosa", "kiss", 4, True), ("rosa", "clown", 4, False), ("carl", "ghost", 3, True), ("hugo", "kiss", 5, False)]
    machine = [("bot", name, 5, True) for name in ("kiss", "clown", "ghost", "couple")]
    fair = liked(plain)
    liked([plain[0], *plain, *machine, ("carl", "clown", 9, True)])
    monkeypatch.setattr(parts, "AT_ONCE", 3)
    rules = Rules(wait=3.0, most_repeats=1, most_impressions=3)
    found = picture_interests_of(tmp_path / "logs", open_snapshot(shared_store), rules)
    assert list(found) == ["carl", "rosa"]
    for user, interest in found.items():
        assert interest.weight == pytest.approx(fair[user].weight)
        np.testing.assert_allclose(interest.vector, fair[user].vector, atol=1e-6)


def test_logs_of_nobody(liked: Callable[..., dict[str, PictureInterest]]) -> None:
    assert liked([("hugo", "ghost", 1, False)]) == {}
    assert liked([("hugo", "gone", 1, True)]) == {}


def test_logs_without_users_or_times(
    liked: Callable[..., dict[str, PictureInterest]], tmp_path: Path, shared_store: Any
) -> None:
    liked(SHOWN)
    (tmp_path / "logs" / "impressions.csv").write_text("impression_id,title_id,artwork_id\n1,harbour,kiss\n", encoding="utf-8")
    with pytest.raises(LogError, match=r"impressions\.csv has no column user_id, shown_at"):
        picture_interests_of(tmp_path / "logs", open_snapshot(shared_store), AT_ONCE)


# In the store, and in what is chosen.


def test_learned_read_and_heard(
    liked: Callable[..., dict[str, PictureInterest]],
    tmp_path: Path,
    make_store: Callable[..., Any],
    titles: dict,
    users: dict,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """wil said nothing, and played the ghost."""
    monkeypatch.setattr(seen, "ENOUGH", 0.01)  # a picture played is as much as many
    liked([("wil", "ghost", 1, True)] + [("carl", name, 1, False) for name in ("kiss", "clown")])
    store = make_store(tmp_path / "store", titles, users)
    before = Matcher.open(store).choose("wil", ["harbour"])[0]
    with LiveMatcher(store, seconds=None) as live:
        assert learn_picture_interests(tmp_path / "logs", store, AT_ONCE) == 1
        read = read_picture_interests(store)
        assert list(read.rows) == ["wil"]
        assert read.get("carl") is None
        assert live.refresh()
        after = live.choose("wil", ["harbour"])[0]
    assert before.artwork is not None
    assert after.artwork is not None
    assert (after.artwork.artwork_id, after.artwork.phrase, after.artwork.phrase_similarity) == ("ghost", PLAYED, None)
    assert after.taste == f"{before.taste}; what they played"
    assert before.artwork.phrase is None


def test_words_still_speak_where_the_user_has_some(
    liked: Callable[..., dict[str, PictureInterest]], tmp_path: Path, make_store: Callable[..., Any], titles: dict, users: dict
) -> None:
    liked([("rosa", "ghost", day, True) for day in range(1, 29)])
    store = make_store(tmp_path / "store", titles, users)
    learn_picture_interests(tmp_path / "logs", store, AT_ONCE)
    choice = Matcher.open(store).choose("rosa", ["harbour"])[0]
    assert choice.artwork is not None
    assert (choice.artwork.artwork_id, choice.artwork.phrase) == ("kiss", "romantic films")
    assert choice.taste == "the user's own"
