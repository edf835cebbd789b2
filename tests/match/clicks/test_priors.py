"""What clicks teach: counts and posteriors worked out by hand, out of every format a log may have."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from embed.errors import LogError
from embed.store import has_table, read_table, replace_table
from match.blend import Prior, logit
from match.clicks.posteriors import RATE
from match.clicks.priors import Priors, learn_priors, read_priors
from match.clicks.shrinkage import STRENGTH

Rows = list[dict[str, Any]]


def shown(artwork_id: str, count: int, title_id: str = "harbour") -> Rows:
    """`count` impressions of an artwork."""
    return [{"impression_id": f"{artwork_id}-{n}", "title_id": title_id, "artwork_id": artwork_id} for n in range(count)]


def played(artwork_id: str, numbers: range, seconds: float | None = None, fraction: float | None = 0.9) -> Rows:
    """A play of each of these impressions."""
    return [{"impression_id": f"{artwork_id}-{n}", "seconds": seconds, "fraction": fraction} for n in numbers]


IMPRESSIONS = shown("kiss", 10) + shown("ghost", 30)
PLAYS = played("kiss", range(4)) + played("ghost", range(2))


@pytest.fixture
def learn(tmp_path: Path, empty_store: Any, write_rows: Callable[..., Path]) -> Callable[..., dict[str, tuple[int, int]]]:
    """learn(impressions, plays, format="csv") -> artwork_id to (impressions, plays)."""

    def run(impressions: Rows, plays: Rows, format: str = "csv", folder: str = "logs") -> dict[str, tuple[int, int]]:
        write_rows(tmp_path / folder, "impressions", impressions, format)
        write_rows(tmp_path / folder, "plays", plays, format)
        priors = learn_priors(tmp_path / folder, empty_store)
        return {artwork_id: (prior.impressions, prior.plays) for artwork_id, prior in priors.by_artwork.items()}

    return run


def test_before_any_clicks_every_artwork_has_the_rate_we_start_from(empty_store: Any) -> None:
    assert read_priors(empty_store).of("kiss") == Prior(RATE, 0, 0) == Prior(0.05, 0, 0)


def test_beta_binomial_by_hand(learn: Callable, empty_store: Any) -> None:
    assert STRENGTH == 100
    learn(IMPRESSIONS, PLAYS)
    priors = read_priors(empty_store)
    rate = (6 + 100 * 0.05) / (40 + 100)  # 6 plays of 40, shrunk towards 5 %
    assert priors.of("kiss") == Prior(pytest.approx((4 + 100 * rate) / 110), 10, 4)
    assert priors.of("ghost") == Prior(pytest.approx((2 + 100 * rate) / 130), 30, 2)
    assert priors.of("never shown") == Prior(pytest.approx(rate), 0, 0)


def test_what_is_returned_is_what_is_read_later(tmp_path: Path, learn: Callable, empty_store: Any) -> None:
    learn(IMPRESSIONS, PLAYS)
    assert learn_priors(tmp_path / "logs", empty_store) == read_priors(empty_store)
    rows = read_table(empty_store, "priors").to_pylist()
    assert [(row["title_id"], row["artwork_id"]) for row in rows] == [("harbour", "ghost"), ("harbour", "kiss")]


def test_learning_again_replaces(learn: Callable, empty_store: Any) -> None:
    learn(IMPRESSIONS, PLAYS)
    assert learn(shown("clown", 3), played("clown", range(1))) == {"clown": (3, 1)}
    assert list(read_priors(empty_store).by_artwork) == ["clown"]


def test_an_impression_logged_twice_counts_once(learn: Callable) -> None:
    assert learn(IMPRESSIONS * 2, PLAYS) == {"kiss": (10, 4), "ghost": (30, 2)}


def test_two_plays_of_one_impression_count_once(learn: Callable) -> None:
    assert learn(IMPRESSIONS, PLAYS * 2) == {"kiss": (10, 4), "ghost": (30, 2)}


def test_plays_without_an_impression_are_left_alone(learn: Callable) -> None:
    assert learn(IMPRESSIONS, PLAYS + played("elsewhere", range(9))) == {"kiss": (10, 4), "ghost": (30, 2)}


@pytest.mark.parametrize("format", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize(
    ("seconds", "fraction", "counts"),
    [
        (None, 0.2, 1),
        (None, 0.19, 0),
        (600.0, None, 1),
        (599.0, None, 0),
        (600.0, 0.01, 1),  # a long title, ten minutes of it
        (30.0, 0.25, 1),  # a short one, a quarter of it
        (599.0, 0.19, 0),
        (None, None, 0),
    ],
)
def test_only_a_play_of_some_length_counts(
    learn: Callable, format: str, seconds: float | None, fraction: float | None, counts: int
) -> None:
    plays = played("kiss", range(2, 3)) + played("kiss", range(1), seconds, fraction)
    assert learn(shown("kiss", 5), plays, format) == {"kiss": (5, 1 + counts)}


def test_a_length_that_is_no_number_does_not_count(learn: Callable) -> None:
    plays = played("kiss", range(1), float("nan"), float("nan")) + played("kiss", range(1, 2), 900.0, float("nan"))
    assert learn(shown("kiss", 5), plays, "parquet") == {"kiss": (5, 1)}


@pytest.mark.parametrize("format", ["csv", "jsonl", "parquet"])
def test_formats_are_alike(learn: Callable, format: str) -> None:
    assert learn(IMPRESSIONS, PLAYS, format) == {"kiss": (10, 4), "ghost": (30, 2)}


@pytest.mark.parametrize("format", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("id_", ["007", "t", "2026-1-5", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", "1e3"])
def test_ids_are_taken_as_they_are_written(learn: Callable, empty_store: Any, format: str, id_: str) -> None:
    """A reader that guesses types makes true of t, and a date of 2026-1-5."""
    assert learn(shown(id_, 2, title_id=id_), played(id_, range(1)), format) == {id_: (2, 1)}
    assert read_table(empty_store, "priors")["title_id"].to_pylist() == [id_]


@pytest.mark.parametrize("format", ["jsonl", "parquet"])
def test_ids_that_are_numbers_are_read_as_text(learn: Callable, format: str) -> None:
    impressions = [{"impression_id": n, "title_id": 1, "artwork_id": 7} for n in range(3)]
    assert learn(impressions, [{"impression_id": 0, "seconds": 1, "fraction": 1}], format) == {"7": (3, 1)}


@pytest.mark.parametrize("folder", ["it's", "a[1]", "what*", "why?", '"quoted"', "{p}"])
def test_any_folder_name_will_do(learn: Callable, folder: str) -> None:
    for alike in ("a1", "whatever", "whys"):  # what these names would match, were they patterns
        learn(shown("other", 3), played("other", range(1)), folder=alike)
    assert learn(IMPRESSIONS, PLAYS, folder=folder) == {"kiss": (10, 4), "ghost": (30, 2)}


def test_no_play_yet(tmp_path: Path, write_rows: Callable, empty_store: Any) -> None:
    """Nobody has played anything: a file with its header and no rows, or an empty one where there is no header."""
    for format, content in (("csv", "impression_id,seconds,fraction\n"), ("jsonl", "")):
        write_rows(tmp_path / format, "impressions", IMPRESSIONS)
        (tmp_path / format / f"plays.{format}").write_text(content)
        priors = learn_priors(tmp_path / format, empty_store)
        assert (priors.of("kiss").impressions, priors.of("kiss").plays) == (10, 0)


@pytest.mark.parametrize("format", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("column", ["impression_id", "title_id", "artwork_id", "seconds", "fraction"])
def test_a_missing_column_is_named(learn: Callable, format: str, column: str) -> None:
    impressions = [{k: v for k, v in row.items() if k != column} for row in IMPRESSIONS]
    plays = [{k: v for k, v in row.items() if k != column} for row in PLAYS]
    with pytest.raises(LogError, match=rf"\.{format} has no column {column}; see embed/records\.py"):
        learn(impressions, plays, format)


def test_a_missing_folder_is_named(tmp_path: Path, empty_store: Any) -> None:
    with pytest.raises(LogError, match=r"no folder of logs at '.*nowhere'; give one with impressions and plays"):
        learn_priors(tmp_path / "nowhere", empty_store)


@pytest.mark.parametrize("there", ["impressions", "plays"])
def test_a_missing_file_is_named(tmp_path: Path, empty_store: Any, write_rows: Callable, there: str) -> None:
    write_rows(tmp_path / "logs", there, IMPRESSIONS if there == "impressions" else PLAYS)
    missing = "plays" if there == "impressions" else "impressions"
    with pytest.raises(LogError, match=f"no {missing} table; keep one of {missing}.parquet, {missing}.csv, {missing}.jsonl"):
        learn_priors(tmp_path / "logs", empty_store)


def test_two_files_of_one_table_are_refused(tmp_path: Path, empty_store: Any, write_rows: Callable, learn: Callable) -> None:
    write_rows(tmp_path / "logs", "plays", PLAYS, "jsonl")
    with pytest.raises(LogError, match="more than one plays table"):
        learn(IMPRESSIONS, PLAYS)


def test_a_file_that_cannot_be_read_is_named_and_changes_nothing(tmp_path: Path, learn: Callable, empty_store: Any) -> None:
    learn(IMPRESSIONS, PLAYS)
    before = read_priors(empty_store)
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "impressions.parquet").write_bytes(b"PAR1 no parquet")
    (tmp_path / "bad" / "plays.jsonl").write_text(json.dumps(PLAYS[0]))
    with pytest.raises(LogError, match=r"the logs in .*bad cannot be aggregated: .*impressions\.parquet"):
        learn_priors(tmp_path / "bad", empty_store)
    assert read_priors(empty_store) == before


def test_a_number_that_is_none_is_an_error_not_a_guess(learn: Callable) -> None:
    with pytest.raises(LogError, match="much"):
        learn(IMPRESSIONS, [{"impression_id": "kiss-1", "seconds": 1, "fraction": "much"}])


# Lines of copy


@pytest.mark.parametrize("format", ["csv", "jsonl", "parquet"])
def test_lines_by_hand(learn: Callable, empty_store: Any, format: str) -> None:
    lines = ["l1"] * 10 + ["l2"] * 20 + ["", None, " "] * 3 + [None]
    impressions = [{**row, "copy_id": copy_id} for row, copy_id in zip(IMPRESSIONS, lines, strict=True)]
    learn(impressions + impressions[:3], PLAYS, format)  # some logged twice
    priors = read_priors(empty_store)
    assert [(row["copy_id"], row["impressions"], row["plays"]) for row in priors.lines.to_pylist()] == [
        ("l1", 10, 4),
        ("l2", 20, 2),
    ]
    ids, titles = pa.chunked_array([["l1", "l3", "l2", "l9"]]), pa.chunked_array([["harbour", "harbour", "harbour", "other"]])
    of_lines = priors.of_lines(ids, titles)
    rate = (6 + 100 * 0.05) / (40 + 100)  # the catalog's
    of_title = (6 + 100 * rate) / (30 + 100)
    assert of_lines.mean.tolist() == pytest.approx([(4 + 100 * of_title) / 110, of_title, (2 + 100 * of_title) / 120, rate])
    assert of_lines.impressions.tolist() == [10, 0, 20, 0]
    assert of_lines.plays.tolist() == [4, 0, 2, 0]
    assert of_lines.log_odds == pytest.approx(logit(of_lines.mean))


def test_lines_of_former_logs_are_forgotten_with_them(learn: Callable, empty_store: Any) -> None:
    learn([{**row, "copy_id": "l1"} for row in IMPRESSIONS], PLAYS)
    learn(IMPRESSIONS, PLAYS)
    assert read_priors(empty_store).lines.to_pylist() == []


def test_logs_without_lines_leave_no_table(learn: Callable, empty_store: Any) -> None:
    learn(IMPRESSIONS, PLAYS)
    assert not has_table(empty_store, "copy_priors")


@pytest.mark.parametrize("column", ["title_id", "artwork_id"])
def test_impressions_that_name_nothing_are_said(learn: Callable, empty_store: Any, column: str) -> None:
    learn(IMPRESSIONS, PLAYS)
    nameless = [{**row, column: None} for row in shown("clown", 3)]
    with pytest.raises(LogError, match=rf"3 impressions in .* have no {column}; fill it in, or leave them out"):
        learn([*IMPRESSIONS, *nameless], PLAYS)
    assert read_priors(empty_store).of("kiss").impressions == 10


# In the order of a catalog, and in a segment


@pytest.fixture
def many(learn: Callable, empty_store: Any) -> Priors:
    """30 titles of 4 artworks, 200 impressions each, of which those of one title play twice as much; two segments, one plays more."""
    impressions, plays = [], []
    for title in range(30):
        for art in range(4):
            rows = [
                {**row, "segment": "Teens" if n % 2 else "parents"}
                for n, row in enumerate(shown(f"t{title}-{art}", 200, f"t{title}"))
            ]
            played_often = 40 if title == 0 else 10 + (title % 5) + art * 3
            impressions += rows
            plays += [
                {"impression_id": row["impression_id"], "seconds": 900, "fraction": 1} for row in rows[1 : 2 * played_often : 2]
            ]
    learn(impressions, plays, "parquet")
    return read_priors(empty_store)


def test_artwork_that_was_never_shown_has_its_title_s_rate(many: Priors) -> None:
    ids, titles = pa.chunked_array([["new", "new", "new", "t0-0"]]), pa.chunked_array([["t0", "t1", "elsewhere", "t0"]])
    columns = many.in_order(ids, titles)
    assert columns.mean[0] > 1.5 * columns.mean[2] > 1.5 * columns.mean[1]
    assert columns.mean[2] == many.unseen.mean
    assert columns.strength[3] > columns.strength[0] > columns.strength[2] > 0
    assert columns.impressions.tolist() == [0, 0, 0, 200]
    assert set(many.in_order(ids).mean[:3].tolist()) == {many.unseen.mean}
    assert columns.log_odds == pytest.approx(logit(columns.mean))


def test_priors_are_beta_distributions(many: Priors) -> None:
    rows = many.table.to_pylist()
    assert all(row["strength"] > row["effective"] > 0 for row in rows)
    assert sum(row["effective"] for row in rows) == pytest.approx(30 * 4 * 200)  # nothing fades without times


def test_in_a_segment(many: Priors) -> None:
    """Only teens play here: what is known of them is more than what all do, and of artwork new to them too."""
    teens, parents = many.in_segment(" TEENS "), many.in_segment("parents")
    ids = many.table["artwork_id"]
    for name, counts in (("impressions", 100), ("plays", 40)):
        assert getattr(teens.in_order(ids), name)[0] == counts
    assert (parents.in_order(ids).plays == 0).all()
    everyone = many.in_order(ids).mean
    assert (teens.in_order(ids).mean > everyone).all()
    assert (parents.in_order(ids).mean < everyone).all()
    assert parents.unseen.mean < many.unseen.mean < teens.unseen.mean
    of_title = (
        priors.in_order(pa.chunked_array([["new"]]), pa.chunked_array([["t0"]])).mean[0] for priors in (parents, many, teens)
    )
    low, middle, high = of_title
    assert low < middle < high
    assert teens.lines is many.lines


def test_artwork_that_a_segment_has_not_seen_is_moved_by_how_much_the_segment_plays(learn: Callable, empty_store: Any) -> None:
    rows = [{**row, "segment": "teens"} for row in shown("kiss", 400)] + [
        {**row, "segment": "x"} for row in shown("ghost", 400)
    ]
    both = [{**row, "segment": name} for name in ("teens", "x") for row in shown(f"both-{name}", 400)]
    both = [{**row, "artwork_id": "both"} for row in both]
    learn(
        rows + both,
        played("kiss", range(80)) + played("ghost", range(40)) + played("both-teens", range(80)) + played("both-x", range(40)),
    )
    priors = read_priors(empty_store)
    teens = priors.in_segment("teens")
    factor = teens.unseen.mean / priors.unseen.mean
    assert factor > 1.2
    assert teens.of("ghost").mean == pytest.approx(priors.of("ghost").mean * factor)
    assert teens.of("ghost").impressions == 0
    ghost = pa.chunked_array([["ghost"]])
    assert teens.in_order(ghost).strength[0] == pytest.approx(1 / (1 / priors.in_order(ghost).strength[0] + 1 / 100))


def test_a_segment_that_nobody_has_is_everyone(many: Priors) -> None:
    assert many.in_segment("adults") is many
    assert many.in_segment("") is many


def test_priors_of_an_older_release_are_read(empty_store: Any) -> None:
    """They knew no strength, and no titles."""
    rows = [{"title_id": "harbour", "artwork_id": "kiss", "impressions": 10, "plays": 4, "mean": 0.1}]
    lines = [{"title_id": "harbour", "copy_id": "l1", "impressions": 10, "plays": 4}]
    replace_table(empty_store, "priors", pa.Table.from_pylist(rows))
    replace_table(empty_store, "copy_priors", pa.Table.from_pylist(lines))
    priors = read_priors(empty_store)
    assert priors.of("kiss") == Prior(0.1, 10, 4)
    assert priors.unseen.mean == pytest.approx((4 + 5) / 110)
    columns = priors.in_order(pa.chunked_array([["new", "kiss"]]), pa.chunked_array([["harbour", "harbour"]]))
    assert columns.strength.tolist() == [100, 110]
    assert priors.of_lines(pa.chunked_array([["l1"]]), pa.chunked_array([["harbour"]])).plays.tolist() == [4]


def test_of_nothing_at_all_priors_are_learned(learn: Callable, empty_store: Any) -> None:
    assert learn(IMPRESSIONS[:0] + shown("kiss", 1), PLAYS[:1]) == {"kiss": (1, 1)}
    learn([{**row, "shown_at": "2026-03-01"} for row in shown("kiss", 5)], PLAYS[:1])  # all of them still wait
    priors = read_priors(empty_store)
    assert (priors.by_artwork, priors.unseen) == ({}, Prior(pytest.approx(RATE), 0, 0))
