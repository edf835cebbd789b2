"""The door from clicks to priors."""

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from embed.records import CLICK_DAY
from embed.store import Store
from index.publish import publish_snapshot
from match.clicks.priors import read_priors
from match.clicks.seen import read_picture_interests


@pytest.fixture
def logs(tmp_path: Path, write_rows: Callable) -> Path:
    """Ten impressions of caper-van and ten of caper-ben, of which three were played."""
    impressions = [
        {"impression_id": f"{artwork_id}-{number}", "title_id": "caper", "artwork_id": artwork_id}
        for artwork_id in ("caper-van", "caper-ben")
        for number in range(10)
    ]
    plays = [{"impression_id": f"caper-ben-{number}", "seconds": 10, "fraction": 0.8} for number in range(3)]
    write_rows(tmp_path / "logs", "impressions", impressions)
    write_rows(tmp_path / "logs", "plays", plays)
    return tmp_path / "logs"


def test_it_learns(invoke: Callable, logs: Path, store: Store) -> None:
    result = invoke("learn_priors", logs, "--store", store.root)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "2 artworks: 20 impressions, 3 quality plays\n", "")
    assert read_priors(store).of("caper-ben").plays == 3


def test_json(invoke: Callable, logs: Path, store: Store) -> None:
    result = invoke("learn_priors", logs, "--store", store.root, "--json")
    rate = pytest.approx((3 + 5) / 120)
    told = json.loads(result.stdout)
    assert told | {"report": 0, "places": 0, "segments": 0} == {
        "artworks": 2,
        "impressions": 20,
        "plays": 3,
        "users": 0,
        "catalog_rate": rate,
        "report": 0,
        "places": 0,
        "segments": 0,
        "strengths": {"of_titles": None, "of_artworks": 100, "of_segments": None},
        "average_fit": {"weight": 0.25, "error": 0.25},
    }
    assert (told["report"]["rows"], told["report"]["half_life"], told["report"]["wait"]) == (20, 90, None)


def test_who_was_shown_what_is_learned_once_there_is_a_snapshot(
    invoke: Callable, logs: Path, store: Store, write_rows: Callable
) -> None:
    when, later = "2026-09-01T20:00:00+00:00", "2026-09-05T20:00:00+00:00"
    newest = {"impression_id": "last", "title_id": "caper", "artwork_id": "caper-ben", "user_id": "eva", "shown_at": later}
    shown = [
        {"impression_id": f"{name}-{n}", "title_id": "caper", "artwork_id": name, "user_id": "carl", "shown_at": when}
        for name in ("caper-van", "caper-ben")
        for n in range(5)
    ]
    write_rows(logs, "impressions", [*shown, newest])
    early = invoke("learn_priors", logs, "--store", store.root)
    assert early.exit_code == 0
    assert early.stdout.splitlines() == [
        "2 artworks: 10 impressions, 3 quality plays",
        "left out: 1 impressions younger than 3 days, which may still be played (fewer than 100 plays tell how late they come)",
    ]
    assert "what users like of pictures was not learned: " in early.stderr
    assert "has no snapshot yet" in early.stderr
    publish_snapshot(store)
    result = invoke("learn_priors", logs, "--store", store.root)
    assert result.stdout.endswith("1 users have an interest in pictures like those they played\n")
    assert list(read_picture_interests(store).rows) == ["carl"]


def test_counts_made_elsewhere(invoke: Callable, tmp_path: Path, store: Store) -> None:
    """They tell nothing of users, and nobody looks for the logs behind them."""
    counts = [
        {"kind": kind, "title_id": "caper", "artwork_id": "caper-ben", "impressions": 20, "plays": 3}
        for kind in ("segment", "place")
    ]
    counts += [{"kind": "counted", "impressions": 20, "plays": 3}]
    pq.write_table(pa.Table.from_pylist(counts, schema=CLICK_DAY), tmp_path / "days.parquet")
    result = invoke("learn_priors", tmp_path, "--store", store.root)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "1 artworks: 20 impressions, 3 quality plays\n", "")


def test_no_logs(invoke: Callable, refused: Callable, tmp_path: Path, store: Store) -> None:
    assert "no folder of logs at" in refused(invoke("learn_priors", tmp_path / "nowhere", "--store", store.root))


def test_no_store(invoke: Callable, refused: Callable, tmp_path: Path, logs: Path) -> None:
    assert "no store at" in refused(invoke("learn_priors", logs, "--store", tmp_path / "nowhere"))


def test_what_duckdb_says_is_one_line(invoke: Callable, refused: Callable, logs: Path, store: Store) -> None:
    (logs / "plays.csv").write_text("impression_id,seconds,fraction\ncaper-ben-1,much,0\n")
    assert "cannot be aggregated" in refused(invoke("learn_priors", logs, "--store", store.root))


def test_what_is_left_out_is_said(invoke: Callable, logs: Path, store: Store, write_rows: Callable) -> None:
    shown = [
        {
            "impression_id": f"{user}-{n}",
            "title_id": "caper",
            "artwork_id": "caper-ben",
            "user_id": user,
            "shown_at": "2026-09-01",
        }
        for user, count in (("ada", 3), ("bot", 6))
        for n in range(count)
    ]
    write_rows(logs, "impressions", shown + shown[:2])
    flags = ("--wait", 0, "--most-repeats", 2, "--most-impressions", 5, "--half-life", "inf")
    result = invoke("learn_priors", logs, "--store", store.root, *flags)
    assert (result.exit_code, result.stdout.splitlines()) == (
        0,
        [
            "1 artworks: 2 impressions, 0 quality plays",
            "left out: 2 impressions that were there already",
            "left out: 1 impressions beyond 2 of one artwork for one user in a day",
            "left out: 6 impressions of users with more than 5 in a day",
        ],
    )


def test_a_day_s_log_is_added(invoke: Callable, logs: Path, store: Store, write_rows: Callable, tmp_path: Path) -> None:
    invoke("learn_priors", logs, "--store", store.root)
    write_rows(tmp_path / "day", "impressions", [{"impression_id": "new", "title_id": "caper", "artwork_id": "caper-ben"}])
    write_rows(tmp_path / "day", "plays", [{"impression_id": "new", "seconds": 900, "fraction": None}])
    result = invoke("learn_priors", tmp_path / "day", "--store", store.root, "--add")
    assert (result.exit_code, result.stdout) == (0, "2 artworks: 21 impressions, 4 quality plays\n")
    assert "was left as it is" in result.stderr


def test_rules_that_cannot_be(invoke: Callable, refused: Callable, logs: Path, store: Store) -> None:
    assert "keep more days open" in refused(invoke("learn_priors", logs, "--store", store.root, "--wait", 9))
