"""The door that simulates impressions and plays."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from artwork_assets import CATALOG

from artwork_doors.simulate_clicks import LIKES
from embed.catalog import read_catalog
from embed.records import CHOICE_LOG, IMPRESSION, PLAY
from match.experiments.audiences import report_audiences
from match.exploring.log import lines_of


def test_an_experiment_has_two_arms_of_users_and_exact_propensities(invoke: Callable, tmp_path: Path) -> None:
    result = invoke("simulate_clicks", "--out", tmp_path, "--experiment", "--impressions", "6000", "--viewers", "300")
    assert result.exit_code == 0
    impressions, plays = pq.read_table(tmp_path / "impressions.parquet"), pq.read_table(tmp_path / "plays.parquet")
    assert (impressions.schema.names, plays.schema.names) == (IMPRESSION.names, PLAY.names)
    assert sorted(pc.unique(impressions["policy"]).to_pylist()) == ["random", "taste"]
    for fact in ("policy", "segment"):
        of_users = impressions.group_by("user_id").aggregate([(fact, "count_distinct")])
        assert pc.unique(of_users[f"{fact}_count_distinct"]).to_pylist() == [1]
    taste = impressions.filter(pc.equal(impressions["policy"], "taste"))
    # Of an artwork drawn with probability p, 1 / p is the number of artworks on average.
    weights = 1 / taste["propensity"].to_numpy()
    of_titles = impressions.group_by("title_id").aggregate([("artwork_id", "count_distinct")])
    artworks = dict(zip(of_titles["title_id"].to_pylist(), of_titles["artwork_id_count_distinct"].to_pylist(), strict=True))
    expected = np.array([artworks[title] for title in taste["title_id"].to_pylist()])
    apart = weights - expected
    assert abs(apart.mean()) < 4 * apart.std() / np.sqrt(len(apart))


def test_the_bundled_logs_are_what_it_makes_and_segments_play_what_they_like(invoke: Callable, tmp_path: Path) -> None:
    assert invoke("simulate_clicks", "--out", tmp_path).exit_code == 0
    for name in ("impressions", "plays"):
        assert pq.read_table(tmp_path / f"{name}.parquet").equals(pq.read_table(CATALOG / "logs" / f"{name}.parquet"))
    catalog = read_catalog(CATALOG)
    assert set(pc.unique(catalog.users["segment"]).to_pylist()) == set(LIKES)
    rows = report_audiences(tmp_path).pairs.to_pylist()
    tags = dict(zip(catalog.artwork["artwork_id"].to_pylist(), catalog.artwork["tags"].to_pylist(), strict=True))
    apart: dict[bool, list[float]] = {True: [], False: []}
    for row in rows:
        apart[bool(set(LIKES[row["segment"]]) & set(tags[row["artwork_id"]]))].append(row["difference"])
    assert np.mean(apart[True]) > 0.01 > 0 > np.mean(apart[False])
    assert {row["segment"] for row in rows if row["discovery"] and row["difference"] > 0} == set(LIKES)


@pytest.mark.parametrize("arguments", [("--experiment",), ("--choices", "thompson")], ids=str)
def test_the_bundled_logs_are_not_overwritten(invoke: Callable, arguments: tuple[str, ...]) -> None:
    result = invoke("simulate_clicks", *arguments)
    assert result.exit_code == 2
    assert f"{arguments[0]}: give --out" in " ".join(result.stderr.split())


def test_choices_are_as_a_matcher_logs_them(invoke: Callable, tmp_path: Path) -> None:
    arguments = ("--choices", "thompson", "--impressions", "800", "--viewers", "20", "--floor", "0.3")
    assert invoke("simulate_clicks", *arguments, "--out", tmp_path).exit_code == 0
    choices = pq.read_table(tmp_path / "impressions.parquet")
    assert choices.schema.names == CHOICE_LOG.names
    assert len(lines_of(choices)) == 800
    assert pc.unique(choices["kept"]).drop_null().to_pylist() == ["period"]  # twenty viewers come often
    plays = pq.read_table(tmp_path / "plays.parquet")
    assert pc.all(pc.is_in(plays["impression_id"], choices["impression_id"])).as_py()
