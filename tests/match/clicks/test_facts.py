"""The one way to open a log: each impression once, by the same rules whoever asks, however many parts it is sorted in."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from embed.errors import LogError
from embed.records import CHOICE_LOG, PLAY
from match.clicks import parts
from match.clicks.facts import open_facts
from match.clicks.rules import Rules

Row = dict[str, Any]
START = datetime(2026, 3, 1, tzinfo=UTC)
RULES = Rules(wait=1.0, most_repeats=2, most_impressions=6)


def shown(number: int | str, day: float, user: str | None = None, **more: Any) -> Row:
    ids = {"impression_id": f"i{number}", "title_id": "harbour", "artwork_id": "kiss", "user_id": user}
    return {**ids, "shown_at": START + timedelta(days=day), **more}


def played(number: int | str, day: float, fraction: float = 0.9) -> Row:
    return {"impression_id": f"i{number}", "played_at": START + timedelta(days=day), "seconds": None, "fraction": fraction}


def write(folder: Path, impressions: list[Row], plays: list[Row]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows, schema in (("impressions", impressions, CHOICE_LOG), ("plays", plays, PLAY)):
        loose = pa.schema([field.with_nullable(True) for field in schema])
        pq.write_table(pa.Table.from_pylist(rows, schema=loose), folder / f"{name}.parquet")
    return folder


# A log with all that may be wrong with one: who reads it must find four users' seven impressions that count.
BOT = [shown(f"bot{n}", 0.1, "bot", artwork_id=f"a{n}", policy="b") for n in range(7)]
REPEATS = [shown(f"ada{n}", n / 10, "ada", policy="a") for n in range(4)]
TWICE = [shown("ben", 0.5, "ben", policy="a"), shown("ben", 0.2, "ben", policy="b", artwork_id="ghost")]
OTHERS = [
    *(shown(f"eve{n}", 1.0, "eve", artwork_id=f"a{n}", policy="b") for n in range(3)),
    shown("dan", 2.0, "dan", policy="a"),
]
YOUNG = [shown("late", 2.5, "ada", policy="a"), shown("newest", 3.0, "bot", policy="b")]
ALL = [*BOT, *REPEATS, *TWICE, *OTHERS, *YOUNG]
PLAYS = [played("bot0", 0.1), played("ada1", 0.1), played("ada1", 0.2), played("ben", 2.9), played("eve0", 1.0, 0.01)]
PLAYS += [played("late", 2.5), played("nobody", 1.0)]


@pytest.mark.parametrize("at_once", [4, 1000])
def test_what_counts_and_why_the_rest_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    """By hand; the play of ben came late, and counts for the first of the two rows, which was the ghost's."""
    monkeypatch.setattr(parts, "AT_ONCE", at_once)
    with open_facts(write(tmp_path / "logs", ALL, PLAYS), RULES, more=("policy",)) as facts:
        told = facts.connection.sql(
            "SELECT verdict, count(*), sum(quality)::INT FROM facts GROUP BY ALL ORDER BY ALL"
        ).fetchall()
        counted = pa.Table.from_batches(facts.batches(("impression_id", "artwork_id", "policy", "quality"), rows=3)).to_pylist()
        in_parts: Counter[str] = Counter()
        for _ in facts.in_parts("SELECT user_id FROM facts", "user_id"):
            of_part = Counter(user for (user,) in facts.connection.sql("FROM part").fetchall())
            assert not in_parts & of_part  # a user is in one part
            in_parts += of_part
    assert told == [("bot", 7, 1), ("counted", 7, 2), ("repeat", 2, 0), ("young", 2, 1)]
    assert {row["impression_id"] for row in counted} == {"iada0", "iada1", "iben", "ieve0", "ieve1", "ieve2", "idan"}
    (ben,) = (row for row in counted if row["impression_id"] == "iben")
    assert ben == {"impression_id": "iben", "artwork_id": "ghost", "policy": "b", "quality": 1}
    assert in_parts == {"bot": 8, "ada": 5, "ben": 1, "eve": 3, "dan": 1}
    assert (facts.rows, facts.count, facts.wait.days, facts.lacking) == (19, 18, 1.0, ())


def test_any_play_and_repeats_of_a_title(tmp_path: Path) -> None:
    """The bot's day has too many, whatever is the same; of a title eve had three, of an artwork one each."""
    logs = write(tmp_path / "logs", ALL, PLAYS)
    with open_facts(logs, RULES, any_play=True, repeated="title_id") as facts:
        told = facts.connection.sql(
            "SELECT verdict, count(*), sum(quality)::INT FROM facts GROUP BY ALL ORDER BY ALL"
        ).fetchall()
    assert told == [("bot", 7, 1), ("counted", 6, 3), ("repeat", 3, 0), ("young", 2, 1)]


def test_columns_with_lists_come_along(tmp_path: Path) -> None:
    considered = [{"artwork_id": "kiss", "propensity": 0.75}, {"artwork_id": "ghost", "propensity": 0.25}]
    logs = write(tmp_path / "logs", [shown(1, 0.0, considered=considered, propensity=0.75, notes=["few"])] * 2, [])
    with open_facts(logs, Rules(wait=0.0), more=("propensity", "considered", "notes", "title_id")) as facts:
        ((propensity, there, notes),) = facts.connection.sql("SELECT propensity, considered, notes FROM facts").fetchall()
    assert (propensity, notes) == (0.75, ["few"])
    assert [(one["artwork_id"], one["propensity"]) for one in there] == [("kiss", 0.75), ("ghost", 0.25)]


def test_a_log_of_nothing(tmp_path: Path) -> None:
    with open_facts(write(tmp_path / "logs", [], [])) as facts:
        assert list(facts.batches(("impression_id",))) == []
        assert [facts.connection.sql("FROM part").fetchall() for _ in facts.in_parts("FROM facts", "user_id")] == [[]]
    assert (facts.rows, facts.count, facts.wait.days) == (0, 0, None)


def oracle(rows: list[Row], plays: list[Row], rules: Rules) -> dict[str, tuple[str, int]]:
    """impression_id to (verdict, quality), a row after the other."""
    once: dict[str, Row] = {}
    for row in sorted(rows, key=lambda row: (row["shown_at"], row["user_id"] or "z", row["artwork_id"])):
        once.setdefault(row["impression_id"], row)
    watched = {play["impression_id"] for play in plays if play["fraction"] >= 0.2}
    newest = max(row["shown_at"] for row in once.values())
    of_user = Counter((row["user_id"], row["shown_at"].date()) for row in once.values())
    again: Counter[Any] = Counter()
    found = {}
    for key, row in sorted(once.items(), key=lambda item: (item[1]["shown_at"], item[0])):
        of_day = row["user_id"], row["shown_at"].date()
        again[of_day, row["artwork_id"]] += 1
        young = row["shown_at"] > newest - timedelta(days=rules.wait or 0.0)
        verdict = "young" if young else "counted"
        if row["user_id"] is not None and of_user[of_day] > rules.most_impressions:
            verdict = "bot"
        elif row["user_id"] is not None and again[of_day, row["artwork_id"]] > rules.most_repeats:
            verdict = "repeat"
        found[key] = verdict, int(key in watched)
    return found


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32 - 1), st.sampled_from([6, 25, 1000]))
@example(823, 6)  # a part of which nothing is left, all its rows having been there before
def test_facts_are_those_of_a_plain_loop(tmp_path_factory: pytest.TempPathFactory, seed: int, at_once: int) -> None:
    """Rows of one id on several days and of several users; days that are more than one part, and parts of several days."""
    rng = np.random.default_rng(seed)
    users = ["ada", "ben", "bot", None]
    rows = [
        shown(
            int(rng.integers(60)),
            float(rng.choice([rng.uniform(0, 6), 2.5])),
            users[rng.choice(4, p=[0.2, 0.2, 0.4, 0.2])],
            artwork_id=f"a{rng.integers(2)}",
        )
        for _ in range(80)
    ]
    plays = [played(int(rng.integers(70)), 3.0, float(rng.choice([0.1, 0.9]))) for _ in range(30)]
    logs = write(tmp_path_factory.mktemp("facts"), rows, plays)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(parts, "AT_ONCE", at_once)
        with open_facts(logs, RULES) as facts:
            told = facts.connection.sql("SELECT impression_id, verdict, quality FROM facts").fetchall()
    assert {key: rest for key, *rest in told} == {key: list(rest) for key, rest in oracle(rows, plays, RULES).items()}
    assert len(told) == facts.count


@pytest.mark.parametrize(
    ("change", "more", "needed", "said"),
    [
        ({"user_id": ...}, (), ("user_id",), r"impressions\.jsonl has no column user_id"),
        ({"cell": ...}, ("cell",), (), r"impressions\.jsonl has no column cell"),
        ({"title_id": None}, (), (), "1 impressions in .* have no title_id; fill it in, or leave them out"),
        ({"verdict": "a"}, ("verdict",), (), "cannot be called verdict .* rename it"),
    ],
)
def test_what_a_log_must_have(
    tmp_path: Path, write_rows: Callable[..., Path], change: Row, more: Any, needed: Any, said: str
) -> None:
    row = {**shown(1, 0.0, "ada"), **change}
    row = {name: value for name, value in row.items() if value is not ...}
    write_rows(tmp_path / "logs", "impressions", [{**row, "shown_at": "2026-03-01T00:00:00+00:00"}], "jsonl")
    write_rows(tmp_path / "logs", "plays", [{"impression_id": "i1", "seconds": 1.0, "fraction": 0.1}], "jsonl")
    with pytest.raises(LogError, match=said), open_facts(tmp_path / "logs", more=more, needed=needed):
        pass


def test_a_value_that_cannot_be_read_is_the_log_s_fault_also_later(tmp_path: Path, write_rows: Callable[..., Path]) -> None:
    rows = [{"impression_id": "1", "title_id": "t", "artwork_id": "a", "propensity": "often"}]
    write_rows(tmp_path / "logs", "impressions", rows, "csv")
    write_rows(tmp_path / "logs", "plays", [{"impression_id": "1", "seconds": "1", "fraction": "0.1"}], "csv")
    with (
        pytest.raises(LogError, match=r"the logs in .*logs cannot be aggregated: .*often"),
        open_facts(tmp_path / "logs", more=("propensity",)),
    ):
        pass
