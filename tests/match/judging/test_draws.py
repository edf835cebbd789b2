"""Which impressions are one draw, which draws are judged, and what they earned."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from embed.errors import LogError
from match.blend import Weights
from match.clicks.rules import Rules
from match.judging.draws import Draws, read_draws

FIRST = datetime(2026, 10, 5, tzinfo=UTC)
Read = Callable[..., Draws]


def row(hours: float, artwork: str, kept: str | None = None, user: str = "ada", **more: Any) -> dict[str, Any]:
    """An impression of the title "harbour"; a period is a day."""
    at = FIRST + timedelta(hours=hours)
    among = [artwork] if kept else ["kiss", "sea"]
    return {
        "impression_id": f"{user}-{hours:g}",
        "user_id": user,
        "title_id": "harbour",
        "artwork_id": artwork,
        "propensity": 1 / len(among),
        "shown_at": at.isoformat(),
        "period": int(hours // 24),
        "kept": kept,
        "policy": "softmax",
        "considered": [{"artwork_id": name, "propensity": 1 / len(among)} for name in among],
        **more,
    }


@pytest.fixture
def read(tmp_path: Path, write_rows: Callable[..., Path]) -> Read:
    """read(rows, "ada-0", "ada-12") -> the draws of these impressions, of which those named were played."""

    def read_rows(rows: list[dict[str, Any]], *played: str, **more: Any) -> Draws:
        write_rows(tmp_path / "logs", "impressions", rows, "jsonl")
        plays = [{"impression_id": name, "seconds": 900.0, "fraction": 0.5} for name in ("nobody's", *played)]
        write_rows(tmp_path / "logs", "plays", plays, "jsonl")
        return read_draws(tmp_path / "logs", **{"rules": Rules(wait=0), **more})

    return read_rows


def told(draws: Draws) -> list[tuple[str, int, float]]:
    """First impression, impressions, whether one was played."""
    columns = (draws.choices[name].to_pylist() for name in ("impression_id", "impressions"))
    return list(zip(*columns, draws.played.tolist(), strict=True))


def test_what_was_kept_is_of_the_draw_that_it_kept_whatever_the_period(read: Read) -> None:
    rows = [row(0, "kiss"), row(1, "kiss", "period"), row(30, "kiss", "budget"), row(50, "sea"), row(51, "sea", "period")]
    assert told(read(rows, "ada-30")) == [("ada-0", 3, 1.0), ("ada-50", 2, 0.0)]


def test_a_draw_that_the_hash_keeps_is_one_and_lasts_for_its_period(read: Read) -> None:
    rows = [row(0, "kiss"), row(5, "kiss"), row(24, "kiss"), row(25, "sea")]
    assert told(read(rows, "ada-5", "ada-0")) == [("ada-0", 2, 1.0), ("ada-24", 1, 0.0), ("ada-25", 1, 0.0)]


def test_users_and_titles_are_apart(read: Read) -> None:
    rows = [row(0, "kiss"), row(1, "kiss", user="ben"), row(2, "kiss", "period"), row(3, "deck", title_id="caper")]
    assert told(read(rows, "ben-1")) == [("ada-0", 2, 0.0), ("ben-1", 1, 1.0), ("ada-3", 1, 0.0)]


def test_what_was_kept_of_a_draw_that_the_log_lacks_is_left_out(read: Read) -> None:
    rows = [row(0, "kiss", "period"), row(1, "kiss", "period"), row(30, "sea"), row(31, "kiss", "period")]
    draws = read(rows, "ada-0", "ada-31")
    assert told(draws) == [("ada-30", 1, 0.0)]
    assert draws.left.lost == 3


def test_a_log_that_knows_no_periods_draws_each_time(read: Read) -> None:
    rows = [{name: value for name, value in row(h, "kiss").items() if name not in ("period", "kept")} for h in (0, 1)]
    assert told(read(rows, "ada-0")) == [("ada-0", 1, 1.0), ("ada-1", 1, 0.0)]


def test_impressions_count_as_they_do_for_priors(read: Read) -> None:
    rows = [
        row(0, "kiss"),
        *(row(1 + n / 10, "kiss", "period") for n in range(3)),  # two count, with the first
        *(row(n / 10, "sea", user="machine") for n in range(6)),
        row(2, "kiss", user="late"),
        row(30, "kiss", "period", user="late"),
        row(31, "kiss"),
        row(0, "kiss"),  # a second time
    ]
    draws = read(rows, "ada-1.2", "late-30", "ada-31", "machine-0", rules=Rules(wait=1, most_repeats=3, most_impressions=5))
    assert told(draws) == [("ada-0", 3, 0.0), ("late-2", 1, 0.0)]
    left = draws.left
    assert (left.young, left.repeats, left.bots, left.users, left.nameless) == (2, 1, 6, 2, 0)


def test_only_the_draws_of_one_policy(read: Read) -> None:
    rows = [row(0, "kiss"), row(1, "kiss", "period", policy="best"), row(30, "kiss", policy="best")]
    draws = read(rows, policy="softmax")
    assert told(draws) == [("ada-0", 2, 0.0)]
    assert (draws.left.others, draws.policies) == (1, ("softmax",))


def test_what_the_log_does_not_say_is_named(read: Read) -> None:
    with pytest.raises(LogError, match="1 of 2 draws do not say what was considered"):
        read([row(0, "kiss"), row(30, "kiss", considered=[])])
    with pytest.raises(LogError, match="no column considered"):
        read([{name: value for name, value in row(0, "kiss").items() if name != "considered"}])
    with pytest.raises(
        LogError, match="no draw to judge; of its impressions 0 may still be played, 0 are of machines, 1 were kept"
    ):
        read([row(0, "kiss", "period")])


def test_what_the_policy_went_by_is_known_where_the_log_says_it(read: Read) -> None:
    weights = '{"floor": 0.1, "weights": {"similarity": 2.0, "people": 3.0, "words": 0.0, "copy": 1.0}}'
    rows = [row(30 * n, "kiss", parameters=said) for n, said in enumerate(['{"floor": 0.0}', weights, None, "none"])]
    draws = read(rows)
    assert (draws.without_floor("softmax"), draws.without_floor("best")) == (0.25, 0)
    defaults = [Weights().similarity, Weights().people, Weights().words]
    assert draws.served.tolist() == [defaults, [2, 3, 0], defaults, defaults]
    assert draws.assumed == 0.75
