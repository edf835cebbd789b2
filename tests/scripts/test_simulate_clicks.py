"""The door that simulates impressions and plays."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from embed.records import IMPRESSION, PLAY


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


def test_an_experiment_does_not_overwrite_the_bundled_logs(invoke: Callable) -> None:
    result = invoke("simulate_clicks", "--experiment")
    assert result.exit_code == 2
    assert "--experiment: give --out" in " ".join(result.stderr.split())
