"""The log of choices: what goes in comes out, as Arrow and as text, and others read it as impressions."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embed.errors import LogError
from embed.records import CHOICE_LOG, IMPRESSION, PLAY
from match.blend import Weights
from match.clicks.days import count_days
from match.clicks.posteriors import learn_posteriors
from match.clicks.rules import Rules
from match.exploring.log import (
    Considered,
    Logged,
    PageLog,
    Where,
    as_json,
    from_json,
    impression_ids,
    lines_of,
    log_of,
    table_of,
    weights_of,
)
from match.exploring.page import Beliefs, explore
from match.exploring.policies import Exploration, propensities
from match.exploring.thompson import Posteriors

AT = datetime(2026, 10, 5, 12, 30, 1, 250, tzinfo=UTC)
HOW = Exploration(floor=0.1, seed=9)
IDS = pa.array(["a0", "a1", "b0", "b1", "b2", "d0"])
STARTS = np.array([0, 2, 5, 5, 6])
PARTS = {
    "prior": np.full(6, -3.0),
    "similarity": np.array([0.1, -0.1, 0.3, 0.0, -0.3, 0.0]),
    "people": np.array([0.0, 1.5, 0, 0, 0, 0]),
    "words": np.zeros(6),
}
POSTERIORS = Posteriors(np.full(6, 5.0), np.full(6, 95.0), PARTS["similarity"] + PARTS["people"])


@pytest.fixture
def log() -> PageLog:
    """Of four titles, of which one has no artwork, and of one artwork that may not be shown."""
    scores = sum(PARTS.values())
    free = np.array([True, True, True, False, True, True])
    page = Beliefs("ada", list("abcd"), np.arange(4), STARTS, free, scores, POSTERIORS, IDS.to_pylist)
    explored = explore(HOW, page, AT)
    titles = (list("abcd"), STARTS, np.array([3, 2, 1, 0]))
    parts = {"score": scores, **PARTS}
    where = Where("young", "tv", None, 2)
    shown = [None if place < 0 else IDS[place].as_py() for place in explored.places.tolist()]
    lines = ["line", None, None, None]
    return log_of(HOW, explored, "ada", "000007", AT, where, titles, IDS.take, shown, lines, parts, POSTERIORS)


def test_a_line_says_all_that_another_policy_needs(log: PageLog) -> None:
    first, second, third = lines_of(log.table)
    assert (first.title_id, second.title_id, third.title_id) == ("a", "b", "d")
    assert [one.artwork_id for one in second.considered] == ["b0", "b2"]
    for line in (first, second, third):
        assert sum(one.propensity for one in line.considered) == pytest.approx(1)
        (served,) = [one for one in line.considered if one.artwork_id == line.artwork_id]
        assert line.propensity == served.propensity
        for one in line.considered:
            assert one.score == pytest.approx(one.prior + one.similarity + one.people + one.words)
    assert (first.policy, first.seed, json.loads(first.parameters)) == ("thompson", 9, HOW.parameters)
    assert (first.segment, first.device, first.country, first.row, first.position) == ("young", "tv", None, 2, 3)
    assert (first.snapshot, first.shown_at, first.copy_id, second.copy_id) == ("000007", AT, "line", None)


def test_the_propensities_can_be_made_again_from_the_line(log: PageLog) -> None:
    """What is in the log is all that the policy looked at."""
    for line in lines_of(log.table):
        scores, plays, failures, served = np.array(
            [(one.score, one.plays, one.failures, one.propensity) for one in line.considered]
        ).T
        moved = np.array([one.similarity + one.people + one.words for one in line.considered])
        again = propensities(HOW, scores, Posteriors(plays, failures, moved), np.array([0, len(scores)]))
        np.testing.assert_allclose(again, served, atol=1e-9)


def test_a_round_trip_through_arrow_parquet_and_text(log: PageLog, tmp_path: Path) -> None:
    lines = lines_of(log.table)
    assert log.table.schema == CHOICE_LOG
    assert lines_of(table_of(lines)) == lines
    assert [from_json(as_json(line)) for line in lines] == lines
    pq.write_table(log.table, tmp_path / "impressions.parquet")
    assert lines_of(pq.read_table(tmp_path / "impressions.parquet")) == lines


texts = st.text(max_size=5)
numbers = st.floats(-1e9, 1e9)


@given(
    ids=st.tuples(texts, texts, texts, texts),
    maybe=st.tuples(*[st.none() | texts] * 4),
    places=st.tuples(*[st.none() | st.integers(0, 99)] * 2),
    at=st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1)).map(lambda at: at.replace(tzinfo=UTC)),
    notes=st.lists(texts, max_size=2),
    considered=st.lists(st.tuples(texts, *[numbers] * 8), max_size=3),
)
@settings(max_examples=100)
def test_any_line_makes_the_round_trip(
    ids: tuple, maybe: tuple, places: tuple, at: datetime, notes: list, considered: list
) -> None:
    of_set = tuple(Considered(*one) for one in considered)
    line = Logged(*ids, maybe[0], 0.25, "softmax", *maybe[1:], *places, at, 3, "1", "{}", 7, None, tuple(notes), of_set)
    assert from_json(as_json(line)) == line
    assert "\n" not in as_json(line)
    assert lines_of(table_of([line])) == [line]


def test_a_log_of_choices_is_one_of_impressions(log: PageLog, tmp_path: Path) -> None:
    """match.clicks finds its columns under their own names and types."""
    assert CHOICE_LOG.names[: len(IMPRESSION)] == IMPRESSION.names
    pq.write_table(log.table, tmp_path / "impressions.parquet")
    play = {"impression_id": log.table["impression_id"][0].as_py(), "played_at": AT, "seconds": 900.0, "fraction": 0.5}
    pq.write_table(pa.Table.from_pylist([play], schema=PLAY), tmp_path / "plays.parquet")
    counts = learn_posteriors(count_days(tmp_path, Rules(wait=0))).artworks.to_pylist()
    assert [(row["title_id"], row["impressions"], row["plays"]) for row in counts] == [("a", 1, 1), ("b", 1, 0), ("d", 1, 0)]
    assert {row["artwork_id"] for row in counts} == set(log.artwork_ids)


def test_the_weights_that_served_are_among_the_parameters(log: PageLog) -> None:
    served = Weights(0.7, 0.4, 0.0, 2.0)
    (told,) = set(replace(log, weights=served).table["parameters"].to_pylist())
    assert weights_of(told) == served
    assert {**json.loads(told), "weights": 0} == {**HOW.parameters, "weights": 0}


def test_a_log_may_say_no_weights_but_not_wrong_ones(log: PageLog) -> None:
    assert [weights_of(text) for text in (None, "", "{}", log.table["parameters"][0].as_py())] == [None] * 4
    for text in ("{", "[]", '{"weights": 3}', '{"weights": {"similarity": null}}', '{"weights": {"colour": 1}}'):
        with pytest.raises(LogError, match="say no weights"):
            weights_of(text)


def test_impressions_have_ids_of_their_own() -> None:
    later = AT.replace(microsecond=251)
    ids = [
        *impression_ids(0, "ada", ["a", "b"], AT),
        *impression_ids(0, "ada", ["a"], later),
        *impression_ids(0, "b", ["a"], AT),
    ]
    assert len(set(ids)) == 4
    assert ids[:1] == impression_ids(0, "ada", ["a"], AT)


def test_what_is_no_line_is_said(log: PageLog) -> None:
    for text in ("", "{", "[]", '{"user_id": "ada"}'):
        with pytest.raises(LogError, match="not a line of a log of choices"):
            from_json(text)
    with pytest.raises(LogError, match="needs seed, considered"):
        lines_of(log.table.drop_columns(["seed", "considered"]))
