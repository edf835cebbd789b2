"""The door to the weights of a score: what it says, what it publishes, and when it refuses."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from embed.records import CHOICE_LOG, PLAY
from embed.store import Store
from match.blend import Weights
from match.fitting.published import read_weights

FIRST = datetime(2026, 10, 1, 20, tzinfo=UTC)
SERVED = {"similarity": 0.5, "people": 2.5, "words": 0.125}


@pytest.fixture
def make_log(tmp_path: Path) -> Callable[..., Path]:
    """make_log(n=1200, similarity=2.0) -> a folder: n choices of two artworks by 100 users, played as if similarity were worth this."""

    def make(n: int = 1200, similarity: float = 2.0, **more: Any) -> Path:
        random, rows, plays = np.random.default_rng(0), [], []
        for number in range(n):
            units = random.normal(size=2)
            shown = int(random.integers(2))
            considered = [
                {
                    "artwork_id": f"a{place}",
                    "prior": -1.0,
                    "similarity": unit / 2,
                    "people": 0.0,
                    "words": 0.0,
                    "propensity": 0.5,
                }
                for place, unit in enumerate(units.tolist())
            ]
            at = FIRST + timedelta(days=number * 9 // n)
            rows.append(
                {
                    "impression_id": f"i{number}",
                    "user_id": f"user-{random.integers(100)}",
                    "title_id": "film",
                    "artwork_id": f"a{shown}",
                    "propensity": 0.5,
                    "shown_at": at,
                    "snapshot": "000007",
                    "parameters": json.dumps({"weights": SERVED | {"copy": 0.5}}),
                    "considered": considered,
                }
                | more
            )
            if random.random() < 1 / (1 + np.exp(1 - similarity * units[shown])):
                plays.append({"impression_id": f"i{number}", "played_at": at, "seconds": 900.0, "fraction": 0.5})
        folder = tmp_path / "log"
        folder.mkdir(exist_ok=True)
        pq.write_table(pa.Table.from_pylist(rows, schema=CHOICE_LOG), folder / "impressions.parquet")
        pq.write_table(pa.Table.from_pylist(plays, schema=PLAY), folder / "plays.parquet")
        return folder

    return make


def test_better_weights_are_published(invoke: Callable, make_log: Callable, store: Store, tmp_path: Path) -> None:
    flags = ("--wait", 0, "--plot", tmp_path / "fit.png")
    dry = invoke("fit_blend", make_log(), "--store", store.root, "--dry-run", *flags)
    assert dry.exit_code == 0
    assert dry.stdout.endswith(f"better than the defaults: would be published in {store.root}\n")
    assert read_weights(store) == Weights()
    result = invoke("fit_blend", make_log(), "--store", store.root, *flags)
    assert result.exit_code == 0
    first, *_, last = result.stdout.splitlines()
    assert first.startswith("1,200 choices of 100 users, 2026-10-01 to 2026-10-09, with ")
    assert first.endswith(" quality plays; weighted by inverse propensities they count as 1,200")
    assert last == f"better than the defaults, and published in {store.root}"
    assert "note: people stays: it was alike on all artwork, so that the log tells nothing of it" in result.stdout
    assert (tmp_path / "fit.png").stat().st_size > 10_000
    weights = read_weights(store)
    assert 1.5 < weights.similarity < 2.5
    assert (weights.people, weights.words, weights.copy) == (2.5, 0.125, 0.5)


def test_what_is_published_is_shown_and_forgotten(invoke: Callable, make_log: Callable, store: Store) -> None:
    defaults = invoke("fit_blend", "--store", store.root)
    assert defaults.stdout == "similarity 0.5, people 2.5, words 0.125, copy 0.5: the defaults\n"
    invoke("fit_blend", make_log(), "--store", store.root, "--wait", 0)
    shown = invoke("fit_blend", "--store", store.root)
    assert " people 2.5, words 0.125, copy 0.5: fitted on " in shown.stdout
    assert " on 1,200 choices of 100 users with " in shown.stdout
    assert shown.stdout.endswith("(snapshots 000007)\n")
    told = json.loads(invoke("fit_blend", "--store", store.root, "--json").stdout)
    assert told["weights"]["similarity"] == read_weights(store).similarity
    assert told["fitted"]["report"]["weights"] == told["weights"]
    assert invoke("fit_blend", "--store", store.root, "--forget").stdout == f"{store.root} has the default weights again\n"
    assert read_weights(store) == Weights()
    assert invoke("fit_blend", "--store", store.root, "--forget").stdout == f"{store.root} has the default weights\n"


def test_no_better_is_refused(invoke: Callable, make_log: Callable, store: Store) -> None:
    result = invoke("fit_blend", make_log(similarity=0.5), "--store", store.root, "--wait", 0)
    assert result.exit_code == 1
    last = result.stdout.splitlines()[-1]
    assert last.startswith("refused, nothing is published: out of sample it ")
    assert "the defaults: a gain of " in last
    assert read_weights(store) == Weights()


def test_too_few_plays_are_refused(invoke: Callable, make_log: Callable, store: Store) -> None:
    result = invoke("fit_blend", make_log(100), "--store", store.root, "--wait", 0, "--plot", store.root / "fit.png")
    assert result.exit_code == 1
    assert result.stderr == f"note: nothing was fitted, and {store.root / 'fit.png'} was not drawn\n"
    last = result.stdout.splitlines()[-1]
    assert "the quality plays of the earlier days count as " in last
    assert "; it would take about " in last


def test_json(invoke: Callable, make_log: Callable, store: Store) -> None:
    result = invoke("fit_blend", make_log(parameters=None, propensity=0.01), "--store", store.root, "--wait", 0, "--json")
    told = json.loads(result.stdout)
    assert (told["published"], told["refused"], told["choices"], told["clipped"]) == (True, [], 1200, 1200)
    assert told["weights"]["similarity"] == read_weights(store).similarity
    assert told["gains"]["defaults"]["low"] > 0
    assert [part["name"] for part in told["parts"]] == ["similarity", "people", "words", "copy"]


def test_what_is_assumed_is_said(invoke: Callable, make_log: Callable, store: Store) -> None:
    result = invoke("fit_blend", make_log(parameters=None, propensity=0.01), "--store", store.root, "--wait", 1, "--dry-run")
    assert result.stdout.splitlines()[1:4] == [
        "left out: 133 which may still be played",
        "note: 1,067 do not say the weights that served; the defaults were assumed",
        "note: 1,067 were shown so seldom that they count 20 times, and not more",
    ]


def test_what_cannot_run(invoke: Callable, refused: Callable, make_log: Callable, store: Store, tmp_path: Path) -> None:
    assert "no folder of logs at" in refused(invoke("fit_blend", tmp_path / "nowhere", "--store", store.root))
    assert "no store at" in refused(invoke("fit_blend", make_log(10), "--store", tmp_path / "nowhere"))
    both = invoke("fit_blend", make_log(10), "--store", store.root, "--forget")
    assert both.exit_code == 2
    assert "leave LOGS out" in both.stderr
