"""What DuckDB sums over users, beside numpy on the same rows."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from embed.errors import LogError, QueryError
from embed.records import fold
from match.clicks import parts
from match.clicks.rules import Rules
from match.experiments.arms import LeftOut, SetAside, Sums, find_arm, read_arms

Rows = list[dict[str, Any]]
AT_ONCE = Rules(wait=0.0)  # plays come
FIRST = datetime(2026, 9, 1, 12, tzinfo=UTC)


def impression(number: int, user: str | None, arm: str | None, day: float = 0, **more: Any) -> dict[str, Any]:
    when = (FIRST + timedelta(days=day)).isoformat()
    ids = {"impression_id": f"i{number}", "user_id": user, "title_id": f"t{number}", "artwork_id": f"a{number}"}
    return {**ids, "policy": arm, "shown_at": when, **more}


@pytest.fixture
def logs(tmp_path: Path, write_rows: Callable[..., Path]) -> Callable[..., Path]:
    def write(impressions: Rows, plays: Rows, format: str = "jsonl") -> Path:
        for name, rows in (("impressions", impressions), ("plays", plays)):
            write_rows(tmp_path / "logs", name, rows, format)
        return tmp_path / "logs"

    return write


def play(number: int, fraction: float = 0.9) -> dict[str, Any]:
    return {"impression_id": f"i{number}", "seconds": 30.0, "fraction": fraction}


@pytest.mark.parametrize("format", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("metric", ["quality", "plays"])
def test_sums_by_arm_segment_and_day_are_those_of_numpy(logs: Callable[..., Path], format: str, metric: str) -> None:
    rng = np.random.default_rng(0)
    count, users, days = 2000, 150, 5
    user, day = rng.integers(0, users, count), rng.integers(0, days, count)
    arm, segment = np.array(["a", "b", "c"])[np.arange(users) % 3], np.array(["kids", "teens"])[np.arange(users) // 3 % 2]
    rows = [impression(n, f"u{u}", arm[u], int(d), segment=segment[u]) for n, (u, d) in enumerate(zip(user, day, strict=True))]
    begun, watched = rng.random(count) < 0.4, rng.random(count) < 0.5
    plays = [play(n, 0.9 if watched[n] else 0.01) for n in np.flatnonzero(begun)]
    arms = read_arms(
        logs(rows + rows[:50], plays + plays[:20], format), "policy", metric, rules=AT_ONCE
    )  # some lines came twice
    played = begun & watched if metric == "quality" else begun
    assert (arms.names, arms.segments) == (("a", "b", "c"), ("kids", "teens"))
    assert arms.days == tuple(date(2026, 9, 1) + timedelta(days=each) for each in range(days))
    assert arms.set_aside == SetAside(0, 0, 0, 0, {name: LeftOut(users=50) for name in "abc"})
    for name, kind, until in [("a", "kids", 0), ("b", "teens", 2), ("c", "kids", 4)]:
        there = (arm[user] == name) & (segment[user] == kind) & (day <= until)
        n, y = np.bincount(user[there], minlength=users), np.bincount(user[there], played[there], minlength=users)
        expected = [(n > 0).sum(), n.sum(), y.sum(), (n * n).sum(), (n * y).sum(), (y * y).sum()]
        found = arms.table[arms.names.index(name), arms.segments.index(kind), until]
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(arms.in_all().shown, [(arm[user] == name).sum() for name in arms.names])
    np.testing.assert_array_equal(arms.by_segment().shown.sum(axis=1), arms.in_all().shown)
    np.testing.assert_array_equal(arms.over_time().played[:, -1], arms.in_all().played)


def test_the_variance_of_a_rate_is_that_over_users() -> None:
    rng = np.random.default_rng(1)
    runs, users = 3000, 300
    shown = rng.integers(1, 20, (runs, users))
    played = rng.binomial(shown, rng.beta(1, 9, (runs, users)))
    parts = [np.full(runs, users), *((part.sum(axis=1)) for part in (shown, played, shown**2, shown * played, played**2))]
    sums = Sums(*(part.astype(float) for part in parts))
    assert sums.variance.mean() == pytest.approx(sums.rate.var(), rel=5 * np.sqrt(2 / runs))
    impressions_alone = (sums.rate * (1 - sums.rate) / sums.shown).mean()
    assert sums.variance.mean() > 1.5 * impressions_alone


def test_a_user_s_segment_is_that_of_the_first_impression_that_names_one(logs: Callable[..., Path]) -> None:
    rows = [
        impression(0, "ada", "a", 0, segment=None),
        impression(1, "ada", "a", 2, segment="kids"),
        impression(2, "ada", "a", 1, segment="teens"),
        impression(3, "ben", "a", 1, segment=None),
    ]
    arms = read_arms(logs(rows, [play(1)]), "policy", rules=AT_ONCE)
    assert arms.segments == ("teens",)
    assert arms.by_segment().shown.tolist() == [[3]]
    assert arms.in_all().shown.tolist() == [4]


def test_segments_are_told_apart_by_their_folded_names(logs: Callable[..., Path]) -> None:
    names = ["Teens", " teens", "TEENS  of  TODAY", "Caf\u00e9", "cafe\u0301", " ", ""]
    rows = [impression(n, f"u{n}", "a", segment=name) for n, name in enumerate(names)]
    arms = read_arms(logs(rows, [play(0)], "parquet"), "policy", rules=AT_ONCE)
    assert set(arms.segments) == {fold(name) for name in names if fold(name)}
    assert dict(zip(arms.segments, arms.by_segment().shown[0], strict=True))["teens"] == 2


def test_what_takes_no_part_is_counted(logs: Callable[..., Path]) -> None:
    rows = [
        *(impression(n, "ada", "a") for n in range(2)),
        *(impression(10 + n, "ben", arm) for n, arm in enumerate(["a", "b", "b"])),
        *(impression(20 + n, None, "a") for n in range(4)),
        *(impression(30 + n, "ada", None) for n in range(5)),
        impression(40, "eve", "b"),
    ]
    arms = read_arms(logs(rows, [play(0)]), "policy", rules=AT_ONCE)
    assert arms.set_aside == SetAside(1, 3, nameless=4, outside=5, by_arm={"a": LeftOut(1), "b": LeftOut(1)})
    assert arms.in_all().users.tolist() == [1, 1]
    assert arms.in_all().shown.tolist() == [2, 1]


# Of each arm one user who sees a title four times a day, of which two count: of arm a one artwork again and again, of b another each
# time; and one who sees little. In b there is a machine, too.
FAIR = [
    impression(100 * n + k, f"{arm}{n}", arm, k / 100, title_id="caper", artwork_id="kiss" if arm == "a" else f"x{k}")
    for arm, n in (("a", 1), ("b", 2))
    for k in range(4)
]
QUIET = [impression(300 + n, f"{arm}-quiet", arm, n / 2) for n, arm in enumerate("ab")]
BOT = [impression(400 + n, "bot", "b", 0) for n in range(6)]
YOUNG = [impression(500, "a-quiet", "a", 9), impression(501, "late", "b", 10)]


@pytest.mark.parametrize("at_once", [3, 1000])
def test_machines_repeats_and_the_young_are_left_out_by_arm(
    logs: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    """Some rows come twice; a play comes five days late, and counts."""
    monkeypatch.setattr(parts, "AT_ONCE", at_once)
    rows = [*FAIR, *QUIET, *BOT, *YOUNG, *FAIR[:3]]
    late = {**play(300), "played_at": (FIRST + timedelta(days=5)).isoformat()}
    plays = [late, *({**play(n), "played_at": FIRST.isoformat()} for n in (100, 103, 200, 400, 501))]
    arms = read_arms(logs(rows, plays), "policy", rules=Rules(wait=2.0, most_repeats=2, most_impressions=5))
    assert arms.set_aside.by_arm == {
        "a": LeftOut(users=2, young=1, repeats=2, repeat_users=1),
        "b": LeftOut(users=4, young=1, bots=6, bot_users=1, repeats=2, repeat_users=1),
    }
    assert [part.tolist() for part in arms.in_all()] == [[2, 2], [3, 3], [2, 1], [5, 5], [3, 2], [2, 1]]
    assert arms.days == (date(2026, 9, 1), date(2026, 9, 2))


def test_a_user_who_crosses_on_a_day_that_does_not_count_has_crossed(logs: Callable[..., Path]) -> None:
    rows = [impression(0, "ada", "a", 0), *(impression(1 + n, "ada", "b", 1) for n in range(4)), impression(9, "ben", "b", 1)]
    arms = read_arms(logs(rows, [play(0)]), "policy", rules=Rules(wait=0.0, most_impressions=3))
    assert arms.set_aside == SetAside(
        crossed_users=1, crossed=5, nameless=0, outside=0, by_arm={"a": LeftOut(), "b": LeftOut(1)}
    )


def test_while_all_may_still_be_played_nothing_is_told(logs: Callable[..., Path]) -> None:
    written = logs([impression(0, "ada", "a"), impression(1, "ben", "b", 1)], [play(0)])
    with pytest.raises(
        LogError, match=r"no impression counts yet: 2 may still be played \(they wait 3 days, .*; come back then, or"
    ):
        read_arms(written, "policy")


def test_only_the_arms_of_the_experiment(logs: Callable[..., Path]) -> None:
    rows = [
        impression(0, "ada", "a"),
        impression(1, "ben", "b"),
        impression(2, "ada", "before"),
        impression(3, "eve", "before"),
    ]
    arms = read_arms(logs(rows, [play(0)]), "policy", only=("b", "a", "never"), rules=AT_ONCE)
    assert arms.names == ("b", "a", "never")
    assert arms.in_all().users.tolist() == [1, 1, 0]
    assert arms.set_aside == SetAside(0, 0, 0, outside=2, by_arm={"b": LeftOut(1), "a": LeftOut(1), "never": LeftOut()})


@pytest.mark.parametrize("column", ["group", 'my "arm"', "select"])
def test_the_arm_s_column_may_be_called_anything(logs: Callable[..., Path], column: str) -> None:
    rows = [{**impression(0, "ada", "a"), column: "x"}, {**impression(1, "ben", "a"), column: "y"}]
    assert read_arms(logs(rows, [play(0)], "parquet"), column, rules=AT_ONCE).names == ("x", "y")


def test_an_impression_without_a_time(logs: Callable[..., Path]) -> None:
    rows = [impression(0, "ada", "a"), {**impression(1, "ada", "a"), "shown_at": None}]
    with pytest.raises(LogError, match="1 impressions have no shown_at"):
        read_arms(logs(rows, [play(0)]), "policy", rules=AT_ONCE)


def test_a_column_that_is_not_there_or_names_nothing(logs: Callable[..., Path]) -> None:
    written = logs([impression(0, "ada", None)], [play(0)])
    with pytest.raises(LogError, match="has no column cell"):
        read_arms(written, "cell")
    with pytest.raises(LogError, match="the impressions' policy names no arm; say with --arm-column"):
        read_arms(written, "policy", rules=AT_ONCE)


def test_an_arm_that_nobody_saw(logs: Callable[..., Path]) -> None:
    arms = read_arms(logs([impression(0, "ada", "a"), impression(1, "ben", "b")], [play(0)]), "policy", rules=AT_ONCE)
    assert find_arm(arms, "b", "--control") == 1
    with pytest.raises(QueryError, match="--control 'c': no impression names that arm; there are 'a', 'b'"):
        find_arm(arms, "c", "--control")
