"""Daily counts: what is left out and why, by hand; and that adding day by day is reading all at once."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from embed.errors import LogError
from embed.records import IMPRESSION, PLAY
from embed.store import Store, read_table
from match.clicks import days, parts
from match.clicks.days import Report, count_days
from match.clicks.logs import database
from match.clicks.priors import Priors, learn_priors, priors_of, read_priors
from match.clicks.rules import Rules

Row = dict[str, Any]
START = datetime(2026, 3, 1, tzinfo=UTC)
PLAIN = Rules(half_life=float("inf"), wait=0.0)


def at(day: float) -> datetime:
    return START + timedelta(days=day)


def shown(number: int | str, day: float | None = 0.0, **more: Any) -> Row:
    when = None if day is None else at(day)
    return {
        "impression_id": f"i{number}",
        "title_id": "harbour",
        "artwork_id": "kiss",
        "shown_at": when,
        "user_id": None,
        **more,
    }


def played(number: int | str, day: float | None = 0.0, fraction: float = 0.9) -> Row:
    when = None if day is None else at(day)
    return {"impression_id": f"i{number}", "played_at": when, "seconds": None, "fraction": fraction}


def write(folder: Path, impressions: list[Row], plays: list[Row]) -> Path:
    """As they stand, against the records' own rule that none is without user and time."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows, schema in (("impressions", impressions, IMPRESSION), ("plays", plays, PLAY)):
        loose = pa.schema([field.with_nullable(True) for field in schema])
        pq.write_table(pa.Table.from_pylist(rows, schema=loose), folder / f"{name}.parquet")
    return folder


@pytest.fixture
def learn(tmp_path: Path) -> Callable[..., Priors]:
    """learn(impressions, plays, rules) -> priors, without a store."""

    def run(impressions: list[Row], plays: list[Row], rules: Rules = PLAIN) -> Priors:
        return priors_of(count_days(write(tmp_path / "logs", impressions, plays), rules))

    return run


def report_of(priors: Priors) -> Report:
    assert priors.learned is not None
    return priors.learned.report


def counts(priors: Priors) -> dict[str, tuple[int, int]]:
    return {artwork_id: (prior.impressions, prior.plays) for artwork_id, prior in priors.by_artwork.items()}


# What counts


def test_an_impression_counts_half_after_the_half_life(learn: Callable[..., Priors]) -> None:
    """By its day, whatever the hour: 4 of today, 4 of ten days ago, 4 of which nobody knows."""
    impressions = [shown(n, day) for n, day in enumerate([10.99, 10.5, 10.1, 10.0] + [0.0, 0.3, 0.7, 0.99] + [None] * 4)]
    plays = [played(0, 10.99), played(4, 0), played(5, 0.3), played(8, None)]
    priors = learn(impressions, plays, Rules(half_life=10.0, wait=0.0))
    (row,) = priors.table.to_pylist()
    assert (row["impressions"], row["plays"]) == (12, 4)
    assert row["effective"] == pytest.approx(4 + 2 + 4)
    rate = (1 + 1 + 1 + 100 * 0.05) / (10 + 100)
    assert priors.unseen.mean == pytest.approx(rate)
    assert row["mean"] == pytest.approx((3 + 100 * rate) / 110)
    assert row["strength"] == pytest.approx(110)


def test_what_is_younger_than_the_waiting_time_waits_played_or_not(learn: Callable[..., Priors]) -> None:
    impressions = [shown(n, day) for n, day in enumerate([0.0, 1.9, 2.0, 2.1, 3.0, 4.0])]
    priors = learn(impressions, [played(0), played(3, 2.2), played(5, 4.0)], Rules(wait=2.0))
    assert counts(priors) == {"kiss": (3, 1)}
    assert (report_of(priors).young, report_of(priors).wait, report_of(priors).wait_by) == (3, 2.0, "as asked")


def test_early_plays_of_the_young_are_no_better_than_late_ones(learn: Callable[..., Priors]) -> None:
    """A tenth is played, half of it at once and half after two days: as many are found whenever one looks."""
    impressions = [shown(n, n % 20 / 2) for n in range(4000)]
    plays = [played(n, n % 20 / 2 + (2 if n % 4 == 0 else 0)) for n in range(0, 4000, 2) if n // 20 % 5 == 0]
    there = [play for play in plays if play["played_at"] <= at(9.5)]
    found = learn(impressions, there, Rules(half_life=float("inf")))
    assert report_of(found).plays / report_of(found).counted == pytest.approx(0.1, abs=1e-3)
    assert report_of(found).wait == pytest.approx(2**18 / 86400) or report_of(found).wait == 3
    hasty = learn(impressions, there, PLAIN)
    assert report_of(hasty).plays / report_of(hasty).counted < 0.095


@pytest.mark.parametrize(
    ("seconds", "plays", "wait", "said"),
    [
        (30, 200, 32 / 86400, "99% of the plays come within it"),
        (3000, 200, 4096 / 86400, "99% of the plays come within it"),
        (30, 99, 3.0, "fewer than 100 plays"),
        (400_000, 200, 3.0, "99% of the plays come within it"),
    ],
)
def test_the_waiting_time_is_as_long_as_the_log_s_own_plays_take(
    learn: Callable[..., Priors], seconds: float, plays: int, wait: float, said: str
) -> None:
    impressions = [*(shown(n, 0.1) for n in range(300)), shown("last", 10.0)]
    priors = learn(impressions, [played(n, 0.1 + seconds / 86400) for n in range(plays)], Rules())
    assert report_of(priors).wait == pytest.approx(wait)
    assert said in report_of(priors).wait_by
    assert report_of(priors).young == 1


def test_logs_without_times_wait_for_nothing(learn: Callable[..., Priors]) -> None:
    priors = learn([shown(n, None) for n in range(5)], [played(0, None)], Rules())
    assert counts(priors) == {"kiss": (5, 1)}
    assert (report_of(priors).wait, report_of(priors).wait_by) == (None, "no times are known")


def test_repeats_beyond_the_cap_do_not_count(learn: Callable[..., Priors]) -> None:
    """The first ones of a user, artwork and day count; other days, artworks and users, and nobody, have their own."""
    ada = [shown(n, n / 100, user_id="ada") for n in range(5)]
    others = [
        *(shown(f"later{n}", 1 + n / 100, user_id="ada") for n in range(2)),
        *(shown(f"ghost{n}", n / 100, user_id="ada", artwork_id="ghost") for n in range(3)),
        *(shown(f"ben{n}", 0.0, user_id="ben") for n in range(2)),
        *(shown(f"nobody{n}", 0.0) for n in range(4)),
    ]
    priors = learn(ada[::-1] + others, [played(1), played(4)], Rules(most_repeats=2, wait=0.0))
    assert counts(priors) == {"kiss": (2 + 2 + 2 + 4, 1), "ghost": (2, 0)}
    assert report_of(priors).repeats == 3 + 1


def test_of_a_machine_nothing_of_the_day_counts(learn: Callable[..., Priors]) -> None:
    bot = [shown(f"bot{n}", 0.5, user_id="bot", artwork_id=f"a{n}") for n in range(6)]
    tomorrow = [shown(f"late{n}", 1.5, user_id="bot") for n in range(5)]
    priors = learn(bot + tomorrow, [played("bot0", 0.5), played("late0", 1.5)], Rules(most_impressions=5, wait=0.0))
    assert counts(priors) == {"kiss": (5, 1)}
    assert report_of(priors).bots == 6


def test_of_rows_under_one_id_the_first_counts(learn: Callable[..., Priors]) -> None:
    rows = [shown(1, 1.0, artwork_id="ghost"), shown(1, 0.0), shown(1, 0.0), shown(1, 0.0, artwork_id="later"), shown(2)]
    priors = learn(rows, [played(1), played(1)])
    assert counts(priors) == {"kiss": (2, 1)}
    assert (report_of(priors).rows, report_of(priors).duplicates) == (5, 3)


def test_places_are_told_apart(learn: Callable[..., Priors]) -> None:
    """The kiss stands first, where six times as many look; the ghost at both places; with what the place is worth they are alike."""
    impressions, plays = [], []
    stood = [("kiss", 0, 4000, 5), ("ghost", 0, 4000, 5), ("ghost", 1, 6000, 30), ("clown", 1, 6000, 30)]
    for artwork, position, count, every in stood:
        for n in range(count):
            impressions.append(shown(f"{artwork}{position}-{n}", 0.0, artwork_id=artwork, row=0, position=position))
            plays += [played(f"{artwork}{position}-{n}")] if n % every == 0 else []
    priors = learn(impressions, plays)
    assert priors.learned is not None
    assert priors.learned.places[0] / priors.learned.places[1] == pytest.approx(6, rel=0.1)  # shrunk a little
    means = {name: prior.mean for name, prior in priors.by_artwork.items()}
    assert means["kiss"] == pytest.approx(means["clown"], rel=0.1)
    assert counts(priors)["clown"] == (6000, 200)


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"half_life": 0.0}, "must be above 0"),
        ({"most_repeats": 0}, "must be above 0"),
        ({"wait": 7.0}, "give 0 to 6 days, or keep more days open"),
        ({"wait": -1.0}, "give 0 to 6 days"),
        ({"open_days": 3}, "give 4 or more"),
    ],
)
def test_rules_that_cannot_be(rules: dict[str, Any], said: str) -> None:
    with pytest.raises(LogError, match=said):
        Rules(**rules)


# Day by day


@st.composite
def arrivals(draw: st.DrawFn) -> list[tuple[int, str, Row]]:
    """(day of arrival, table, row): some twice, some late, some plays before their impressions; none after its day is closed."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count, span = draw(st.integers(1, 120)), draw(st.integers(1, 9))
    found: list[tuple[int, str, Row]] = []
    for number in range(count):
        day = float(rng.uniform(0, span))
        row = shown(
            number,
            day,
            user_id=str(rng.choice(["ada", "ben", "bot"], p=[0.3, 0.3, 0.4])),
            title_id=(title := str(rng.choice(["harbour", "caper"]))),
            artwork_id=f"{title}-{rng.integers(3)}",
            segment=[None, "teens", "Teens ", "parents"][rng.integers(4)],
            copy_id=[None, "l1", "l2"][rng.integers(3)],
            position=int(rng.integers(3)),
        )
        last = int(day) + 3  # a play and an impression may be this late; four days are open
        found += [(int(rng.integers(int(day), last + 1)), "impressions", row) for _ in range(1 + (rng.random() < 0.3))]
        if rng.random() < 0.3:
            begun = min(day + float(rng.exponential(1.0)), last + 0.99)
            play = played(number, begun, float(rng.uniform(0.1, 0.4)))
            found += [(int(rng.integers(int(begun), last + 1)), "plays", play) for _ in range(1 + (rng.random() < 0.3))]
    return found


def split(found: list[tuple[int, str, Row]], folder: Path) -> list[Path]:
    """A folder of logs per day of arrival."""
    tables = ("impressions", "plays")
    by_day = {day: [[row for when, of, row in found if (when, of) == (day, table)] for table in tables] for day, *_ in found}
    return [write(folder / str(day), *by_day[day]) for day in sorted(by_day)]


def alike(some: Priors, others: Priors) -> None:
    for name in ("table", "lines", "titles", "segments"):
        one, other = getattr(some, name).to_pydict(), getattr(others, name).to_pydict()
        assert list(one) == list(other)
        for column, values in one.items():
            if values and isinstance(next((v for v in values if v is not None), None), float):
                np.testing.assert_allclose(*(np.array(each, float) for each in (values, other[column])), rtol=1e-9)
            else:
                assert values == other[column]
    assert some.unseen.mean == pytest.approx(others.unseen.mean, rel=1e-12)


@settings(max_examples=7, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(arrivals())
def test_adding_day_by_day_is_reading_all_at_once(
    tmp_path_factory: pytest.TempPathFactory, empty_store: Store, found: list[tuple[int, str, Row]]
) -> None:
    folder = tmp_path_factory.mktemp("split")
    rules = Rules(half_life=5.0, most_repeats=2, most_impressions=8, open_days=4)
    for number, logs in enumerate(split(found, folder)):
        added = learn_priors(logs, empty_store, rules, add=number > 0)
    whole = [[row for _, table, row in found if table == name] for name in ("impressions", "plays")]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(parts, "AT_ONCE", 40)  # and a share of the impressions at a time
        at_once = priors_of(count_days(write(folder / "whole", *whole), rules))
    alike(added, at_once)
    alike(read_priors(empty_store), at_once)
    told, told_at_once = report_of(added), report_of(at_once)
    for name in ("young", "repeats", "bots", "counted", "plays", "wait", "wait_by"):
        assert getattr(told, name) == getattr(told_at_once, name), name
    shutil.rmtree(folder)


def test_a_log_added_twice_changes_nothing(tmp_path: Path, empty_store: Store) -> None:
    first = write(tmp_path / "1", [shown(n, n / 10) for n in range(30)], [played(0)])
    later = write(tmp_path / "2", [shown(f"b{n}", 3 + n) for n in range(9)], [played("b0", 3.0), played(20, 3.0)])
    learn_priors(first, empty_store, PLAIN)
    once = learn_priors(later, empty_store, PLAIN, add=True)
    again = learn_priors(later, empty_store, PLAIN, add=True)
    alike(once, again)
    assert counts(again) == {"kiss": (39, 3)}
    assert (report_of(once).duplicates, report_of(again).duplicates, report_of(again).late) == (0, 7, 2)


def test_rows_of_days_that_are_closed_are_left_out_and_said(tmp_path: Path, empty_store: Store) -> None:
    learn_priors(write(tmp_path / "1", [shown(1, 0.5), shown(2, 8.0)], []), empty_store, PLAIN)
    late = [shown(3, 0.6), shown(4, 1.6), shown(5, 8.1)]  # of day 1 there was nothing, so that it is not closed
    priors = learn_priors(write(tmp_path / "2", late, []), empty_store, PLAIN, add=True)
    assert counts(priors) == {"kiss": (4, 0)}
    assert report_of(priors).late == 1


def test_what_is_remembered_is_the_last_days_and_counts(tmp_path: Path, empty_store: Store) -> None:
    learn_priors(write(tmp_path / "1", [shown(n, n / 10) for n in range(100)], [played("early", 9.0)]), empty_store, PLAIN)
    facts = read_table(empty_store, "click_facts")
    assert sorted(facts["impression_id"].to_pylist()) == sorted([*(f"i{n}" for n in range(30, 100)), "iearly"])
    closed = read_table(empty_store, "click_days").to_pylist()
    assert sum(row["impressions"] for row in closed if row["kind"] == "segment") == 30
    priors = learn_priors(write(tmp_path / "2", [shown("early", 9.0)], []), empty_store, PLAIN, add=True)
    assert counts(priors) == {"kiss": (101, 1)}


def test_stopped_between_its_two_writes_it_can_be_run_again(
    tmp_path: Path, empty_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn_priors(write(tmp_path / "1", [shown(n, n / 10) for n in range(60)], []), empty_store, PLAIN)
    later = write(tmp_path / "2", [shown(f"b{n}", 9 + n / 10) for n in range(5)], [])
    replace = days.replace_table

    def killed(store: Store, table: str, rows: Any) -> None:
        if table == "click_facts":
            raise KeyboardInterrupt
        replace(store, table, rows)

    monkeypatch.setattr(days, "replace_table", killed)
    with pytest.raises(KeyboardInterrupt):
        learn_priors(later, empty_store, PLAIN, add=True)
    monkeypatch.setattr(days, "replace_table", replace)
    assert counts(learn_priors(later, empty_store, PLAIN, add=True)) == {"kiss": (65, 0)}


def test_nothing_is_left_of_what_did_not_fit(tmp_path: Path, empty_store: Store) -> None:
    learn_priors(write(tmp_path / "1", [shown(1)], []), empty_store, PLAIN)
    assert [path.name for path in empty_store.root.iterdir() if path.name.startswith(".clicks")] == []


def test_the_database_keeps_to_its_share_of_memory_and_its_folder(tmp_path: Path) -> None:
    with database(tmp_path) as connection:
        told = connection.execute("SELECT current_setting('memory_limit'), current_setting('temp_directory')").fetchall()
        assert told[0][0] == "953.6 MiB"
        assert Path(told[0][1]).parent == tmp_path
    assert list(tmp_path.iterdir()) == []
