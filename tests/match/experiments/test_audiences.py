"""Which artwork works in which audience: counts beside numpy, and how many discoveries are false."""

import math
from collections.abc import Callable
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from embed.errors import LogError, QueryError
from match.clicks import parts
from match.clicks.rules import Rules
from match.experiments.audiences import EVERYONE, PAIRS, Audiences, compare_artwork, report_audiences

Rows = list[dict[str, Any]]
RUNS, SHARE = 100, 0.05


def counts(shown: np.ndarray, played: np.ndarray, squares: float = 1.0) -> pa.Table:
    """(titles, artwork, segments) impressions and plays of users who saw one artwork each; squares: users come in groups alike."""
    places = np.indices(shown.shape).reshape(3, -1)
    totals = [np.broadcast_to(part.sum(axis=1, keepdims=True), shown.shape).ravel() for part in (shown, played)]
    columns = {
        "segment": [f"s{n}" for n in places[2]],
        "title_id": [f"t{n}" for n in places[0]],
        "artwork_id": [f"a{n}" for n in places[1]],
        "shown": shown.ravel(),
        "played": played.ravel(),
        "users": totals[0] / squares,
        "all_shown": totals[0],
        "all_played": totals[1],
        "shown_shown": totals[0] * squares,
        "shown_played": totals[1] * squares,
        "played_played": totals[1] * squares,
    }
    return pa.table({name: pa.array(np.asarray(values)) for name, values in columns.items()})


def test_of_many_comparisons_few_discoveries_are_false() -> None:
    """Four artworks of 20 titles in 3 segments; in every fifth title one works better. Pairs of one title depend on each other."""
    rng, shares, missed, found = np.random.default_rng(0), [], [], 0
    for _ in range(RUNS):
        shown = rng.integers(300, 3000, (20, 4, 3)).astype(float)
        rate = np.full(shown.shape, 0.06)
        rate[::5, 0] = 0.09
        played = rng.binomial(shown.astype(int), rate).astype(float)
        pairs = compare_artwork(counts(shown, played)).pairs
        rows = np.array([int(name[1:]) for name in pairs["title_id"].to_pylist()])
        truth = np.array(
            [
                rate[t, a, s]
                - (rate[t, :, s] @ shown[t, :, s] - rate[t, a, s] * shown[t, a, s]) / (shown[t, :, s].sum() - shown[t, a, s])
                for t, a, s in zip(rows, *(_numbers(pairs, name) for name in ("artwork_id", "segment")), strict=True)
            ]
        )
        told = pairs["discovery"].to_numpy()
        low, high = (pairs[name].to_numpy() for name in ("low", "high"))
        shares.append((told & (np.abs(truth) < 1e-12)).sum() / max(told.sum(), 1))
        missed.append((told & ((truth < low) | (truth > high))).sum() / max(told.sum(), 1))
        found += told.sum()
    assert found / RUNS > 10  # there is something to be wrong about
    noise = 3 * np.std(shares) / math.sqrt(RUNS)
    assert np.mean(shares) <= SHARE + noise
    assert np.mean(missed) <= SHARE + 3 * np.std(missed) / math.sqrt(RUNS)


def _numbers(pairs: pa.Table, column: str) -> list[int]:
    return [int(name[1:]) for name in pairs[column].to_pylist()]


def test_intervals_agree_with_discoveries_which_come_first() -> None:
    rng = np.random.default_rng(1)
    shown = rng.integers(500, 5000, (10, 3, 4)).astype(float)
    found = compare_artwork(counts(shown, rng.binomial(shown.astype(int), rng.uniform(0.04, 0.08, shown.shape)).astype(float)))
    pairs = found.pairs
    assert pairs.schema == PAIRS
    low, high, told = (pairs[name].to_numpy() for name in ("low", "high", "discovery"))
    np.testing.assert_array_equal((low > 0) | (high < 0), told)
    assert 0 < told.sum() < len(told)
    assert told.tolist() == sorted(told.tolist(), reverse=True)
    sure = np.maximum(low, -high)[told]
    assert sure.tolist() == sorted(sure.tolist(), reverse=True)
    assert (found.discoveries, found.untold) == (told.sum(), (~told).sum())


def test_users_who_come_back_make_less_sure() -> None:
    shown, played = np.array([[[2000.0], [2000.0]]]), np.array([[[100.0], [150.0]]])
    once, often = (compare_artwork(counts(shown, played, squares)).pairs for squares in (1.0, 4.0))
    assert once["p"][0].as_py() < 0.01 < 0.05 < often["p"][0].as_py()


def test_what_cannot_be_told_is_counted() -> None:
    shown = np.array([[[1000.0], [1000.0]], [[50.0], [1000.0]], [[400.0], [0.0]]])
    table = counts(shown, np.round(shown * 0.05))
    table = table.filter(pa.compute.greater(table["shown"], 0))
    found = compare_artwork(table)
    assert (found.titles, found.segments, found.impressions) == (3, 1, 3450)
    assert (found.discoveries, found.untold, found.too_few, found.alone) == (0, 2, 2, 1)
    rate = 52 / 1050
    assert found.more == pytest.approx(10 / rate - 50, rel=0.01)
    z = NormalDist().inv_cdf((1 + found.confidence) / 2) + 0.841621
    assert found.to_tell == pytest.approx(2 * z**2 * 0.95 / (0.2**2 * 0.05), rel=0.002)


def seen(number: int, user: str, artwork: str, **more: Any) -> dict[str, Any]:
    return {"impression_id": f"i{number}", "user_id": user, "title_id": "harbour", "artwork_id": artwork, **more}


@pytest.fixture
def logs(tmp_path: Path, write_rows: Callable[..., Path]) -> Callable[..., Path]:
    def write(impressions: Rows, plays: list[int], format: str = "jsonl") -> Path:
        played = [{"impression_id": f"i{number}", "seconds": None, "fraction": 0.9} for number in plays]
        for name, rows in (("impressions", impressions), ("plays", played)):
            write_rows(tmp_path / "logs", name, rows, format)
        return tmp_path / "logs"

    return write


def drawn(users: int = 300, count: int = 6000) -> tuple[Rows, list[int], dict[str, np.ndarray]]:
    rng = np.random.default_rng(2)
    user, better = rng.integers(0, users, count), rng.random(count) < 0.4
    own = rng.beta(0.5, 4.5, users)
    played = rng.random(count) < own[user] * np.where(better, 1.5, 0.8)
    kinds = np.array(["kids", "teens"])[user % 2]
    rows = [
        seen(n, f"u{user[n]}", "kiss" if better[n] else "ghost", segment=kinds[n], policy="random" if n % 3 else "taste")
        for n in range(count)
    ]
    return rows, np.flatnonzero(played).tolist(), {"user": user, "better": better, "played": played, "segment": kinds}


@pytest.mark.parametrize("format", ["csv", "jsonl", "parquet"])
def test_from_logs_as_from_numpy(logs: Callable[..., Path], format: str) -> None:
    rows, plays, facts = drawn()
    found = report_audiences(logs(rows + rows[:100], plays + plays[:9], format))  # some lines came twice
    assert len(found.pairs) == 4
    for pair in found.pairs.to_pylist():
        here = facts["segment"] == pair["segment"]
        mine = here & (facts["better"] == (pair["artwork_id"] == "kiss"))
        assert (pair["impressions"], pair["plays"]) == (mine.sum(), facts["played"][mine].sum())
        assert pair["others_plays"] == facts["played"][here & ~mine].sum()
        assert pair["difference"] == pytest.approx(facts["played"][mine].mean() - facts["played"][here & ~mine].mean())
    independent = compare_artwork(_as_if_independent(facts))
    for pair, other in zip(_sorted(found), _sorted(independent), strict=True):
        assert pair["p"] > other["p"]  # users differ much in how often they play


def _sorted(found: Audiences) -> Rows:
    return sorted(found.pairs.to_pylist(), key=lambda pair: (pair["segment"], pair["artwork_id"]))


def _as_if_independent(facts: dict[str, np.ndarray]) -> pa.Table:
    cells = [(kind, better) for kind in ("kids", "teens") for better in (True, False)]
    masks = [(facts["segment"] == kind) & (facts["better"] == better) for kind, better in cells]
    shown, played = (np.array([part.sum() for part in parts], float) for parts in (masks, [facts["played"][m] for m in masks]))
    totals = [part.reshape(2, 2).sum(axis=1).repeat(2) for part in (shown, played)]
    columns: dict[str, Any] = {
        "segment": [kind for kind, _ in cells],
        "title_id": ["harbour"] * 4,
        "artwork_id": ["kiss" if better else "ghost" for _, better in cells],
        "shown": shown,
        "played": played,
        "users": totals[0],
        "all_shown": totals[0],
        "all_played": totals[1],
        "shown_shown": totals[0],
        "shown_played": totals[1],
        "played_played": totals[1],
    }
    return pa.table(columns)


def test_a_part_at_a_time_it_is_the_same_and_what_does_not_count_is_said(
    logs: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside those drawn: two machines with 20 impressions on a day, ada with ten of one artwork, and one of the last day."""
    rows, plays, _ = drawn(count=900)
    rows = [
        {**row, "title_id": f"t{n % 5}", "shown_at": f"2026-09-{1 + n % 9:02}T00:00:00+00:00"} for n, row in enumerate(rows)
    ]
    bots = [seen(9000 + n, f"bot{n // 20}", "kiss", shown_at="2026-09-09T00:00:00+00:00") for n in range(40)]
    again = [seen(9100 + n, "ada", "kiss", shown_at="2026-09-09T00:00:00+00:00", segment="teens") for n in range(10)]
    young = [seen(9200, "ada", "kiss", shown_at="2026-09-11T00:00:00+00:00")]
    rules = Rules(wait=1.0, most_repeats=8, most_impressions=19)
    written = logs(rows + bots + again + young, plays)
    whole = report_audiences(written, rules=rules)
    assert whole.left_out == {"bot": 40, "repeat": 2, "young": 1}
    assert whole.impressions == 900 + 8
    monkeypatch.setattr(parts, "AT_ONCE", 400)
    assert report_audiences(written, rules=rules) == whole


def test_one_policy_only(logs: Callable[..., Path]) -> None:
    rows, plays, _ = drawn()
    written = logs(rows, plays)
    assert report_audiences(written, policy="random").impressions == sum(row["policy"] == "random" for row in rows)
    with pytest.raises(QueryError, match="has the policy 'best'"):
        report_audiences(written, policy="best")


def test_one_title_only_is_shown_and_all_are_controlled(logs: Callable[..., Path]) -> None:
    rows, plays, _ = drawn()
    others = [{**row, "impression_id": f"x{row['impression_id']}", "title_id": "caper"} for row in rows]
    written = logs(rows + others, plays)
    found = report_audiences(written, title="harbour")
    assert set(found.pairs["title_id"].to_pylist()) == {"harbour"}
    assert found.pairs["adjusted"].to_pylist() == [
        pair["adjusted"] for pair in report_audiences(written).pairs.to_pylist() if pair["title_id"] == "harbour"
    ]
    with pytest.raises(QueryError, match=r"--title 'nobody': no impression in .* names it"):
        report_audiences(written, title="nobody")


def test_a_log_without_segments_is_everyone_s(logs: Callable[..., Path]) -> None:
    rows, plays, _ = drawn()
    bare = [{name: value for name, value in row.items() if name != "segment"} for row in rows]
    assert set(report_audiences(logs(bare, plays)).pairs["segment"].to_pylist()) == {EVERYONE}


def test_impressions_without_a_user_are_no_single_one(logs: Callable[..., Path]) -> None:
    rows, plays, facts = drawn()
    found = report_audiences(logs([{**row, "user_id": None} for row in rows], plays))
    for pair, other in zip(_sorted(found), _sorted(compare_artwork(_as_if_independent(facts))), strict=True):
        assert pair["p"] == pytest.approx(other["p"], rel=1e-3)


def test_an_impression_of_no_artwork(logs: Callable[..., Path]) -> None:
    with pytest.raises(LogError, match=r"1 impressions in .* have no artwork_id"):
        report_audiences(logs([seen(0, "ada", "kiss"), {**seen(1, "ada", "kiss"), "artwork_id": None}], [0]))


def test_no_impressions(logs: Callable[..., Path]) -> None:
    with pytest.raises(QueryError, match="no impression in"):
        report_audiences(logs([], []))
