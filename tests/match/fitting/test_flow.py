"""The whole flow: choices of a real Matcher, played as known weights have it, give these back; what is no better is refused."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from embed.errors import ArtworkMatcherError, LogError
from embed.store import Store
from index.filters import Context
from match.blend import Weights
from match.clicks.rules import Rules
from match.exploring.log import PageLog
from match.exploring.policies import Exploration
from match.exploring.serving import Exploring
from match.fitting.choices import Choices
from match.fitting.flow import LEAST, SCORE, Fit, as_record, fit_blend, publish
from match.fitting.picture import draw_fit
from match.fitting.proof import DEFAULTS, PRIOR
from match.fitting.published import read_published
from match.matcher import Matcher

FIRST = datetime(2026, 10, 1, 20, tzinfo=UTC)
TRUTH = {"similarity": 1.5, "people": 1.0}
LOSING = 1  # the seed of a log whose fit is no better than the weights by which it was played


@pytest.fixture(scope="module")
def fitted(simulate: Callable[..., Choices]) -> Fit:
    return fit_blend(simulate(0, (1.5, 0.5, 0.5)))


@pytest.fixture
def town(tmp_path: Path, make_store: Callable[..., Store]) -> Store:
    """80 users with a taste each, who like one of three actors, and 6 titles of 3 artworks, two of which show one of these."""
    random = np.random.default_rng(0)
    vectors = random.normal(size=(110, 6))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    titles = {
        f"title-{n}": [
            {"artwork_id": f"art-{n}-{k}", "vector": vectors[3 * n + k], "people": [f"actor {(n + k) % 3}"] if k else []}
            for k in range(3)
        ]
        for n in range(6)
    }
    users = {
        f"user-{n:02}": [
            (f"taste {n}", "genre", 0.8, vectors[20 + n]),
            (f"actor {n % 3}", "person", 0.2 + 0.4 * (n % 2), vectors[100 + n % 3]),
        ]
        for n in range(80)
    }
    return make_store(tmp_path / "store", titles, users, neutral=np.eye(6, dtype=np.float32)[5])


@pytest.fixture
def play() -> Callable[[Matcher, int], list[dict[str, Any]]]:
    """play(matcher, days) -> rows of CHOICE_LOG, `quality` among them: every user's page once a day, played by TRUTH."""

    def run(matcher: Matcher, days: int) -> list[dict[str, Any]]:
        log: list[PageLog] = []
        for day in range(days):
            exploring = Exploring(Exploration("softmax", floor=0.5, temperature=1, seed=day), log=log.append)
            matcher.choose_many(matcher.user_ids, None, Context(at=FIRST + timedelta(days=day)), explore=exploring)
        rows, random = pa.concat_tables([page.table for page in log]).to_pylist(), np.random.default_rng(1)
        for row in rows:
            (shown,) = [one for one in row["considered"] if one["artwork_id"] == row["artwork_id"]]
            odds = shown["prior"] + 1.5 + sum(TRUTH[part] * shown[part] / getattr(Weights(), part) for part in TRUTH)
            row["quality"] = random.random() < 1 / (1 + np.exp(-odds))
        return rows

    return run


def test_a_matcher_s_choices_give_back_the_weights_by_which_they_were_played(
    town: Store, play: Callable[..., list[dict[str, Any]]], write_log: Callable[..., Path]
) -> None:
    rows = play(Matcher.open(town), days=6)
    logs = write_log(rows, [row["impression_id"] for row in rows if row["quality"]])
    fitted = fit_blend(logs, Rules(wait=0))
    assert fitted.reasons == ()
    assert len(fitted.choices) == 80 * 6 * 6
    assert fitted.choices.snapshots == ("000001",)
    by_name = {part.name: part for part in fitted.parts}
    for name, truth in TRUTH.items():
        assert by_name[name].low < truth < by_name[name].high
        assert by_name[name].weight == getattr(fitted.weights, name)
    assert (fitted.weights.words, fitted.weights.copy) == (0.125, 0.5)
    assert by_name["words"].note.startswith("stays: it was alike on all artwork")
    publish(town, fitted)
    assert Matcher.open(town).weights == fitted.weights
    published = read_published(town)
    assert published is not None
    counts = {name: published[1][name] for name in ("choices", "users", "plays", "snapshots")}
    assert counts == {"choices": 2880, "users": 80, "plays": sum(row["quality"] for row in rows), "snapshots": ["000001"]}
    assert published[1]["gain_low"] > 0


def test_parts_say_what_they_are_worth(fitted: Fit) -> None:
    assert fitted.is_better
    similarity, people, words, copy = fitted.parts
    assert [part.name for part in fitted.parts] == ["similarity", "people", "words", "copy"]
    assert (similarity.default, people.default, words.default, copy.default) == (0.5, 2.5, 0.125, 0.5)
    assert similarity.low < 1.5 < similarity.high
    assert similarity.high - similarity.low == pytest.approx(2 * 1.96 * similarity.error, rel=1e-3)
    assert similarity.worth is not None
    assert similarity.worth.low > 0
    assert (copy.weight, copy.worth) == (0.5, None)
    assert copy.note.startswith("stays: lines of copy are not drawn")


def test_calibration_is_of_days_that_were_not_fitted(fitted: Fit) -> None:
    ours, defaults = fitted.calibrations["fitted"], fitted.calibrations["defaults"]
    assert abs(ours.slope - 1) < 3 * ours.slope_error
    assert ours.error < defaults.error
    assert fitted.calibrations.keys() == {"fitted", "defaults", "the prior alone", SCORE}
    assert fitted.calibrations[SCORE].promised.max() < 1


def test_parts_that_are_noise_lose_their_weight_and_it_is_said(simulate: Callable[..., Choices]) -> None:
    """It is better than the defaults, which believe in them, and no better than the prior alone."""
    fitted = fit_blend(simulate(0, (0.0, 0.0, 0.0)))
    assert fitted.proof is not None
    assert fitted.proof.gains[DEFAULTS].low > 0 >= fitted.proof.gains[PRIOR].low
    assert (fitted.is_better, fitted.needed) == (True, None)
    assert fitted.weights.similarity < 0.1
    (doubt,) = fitted.doubts
    assert doubt.startswith("out of sample it ")
    assert "the prior alone, without any part: a gain of" in doubt


def test_a_fit_that_is_no_better_than_the_defaults_is_refused(simulate: Callable[..., Choices], empty_store: Store) -> None:
    fitted = fit_blend(simulate(LOSING, (0.5, 2.5, 0.125)))
    assert fitted.proof is not None
    assert fitted.proof.gains[DEFAULTS].value < LEAST
    (reason,) = fitted.reasons
    assert "the defaults: a gain of" in reason
    assert fitted.needed is None
    with pytest.raises(LogError, match="not to be published: out of sample"):
        publish(empty_store, fitted)
    assert read_published(empty_store) is None


def test_a_small_gain_is_published_with_its_doubt_unless_it_must_be_sure(simulate: Callable[..., Choices]) -> None:
    choices = simulate(3, (0.7, 2.5, 0.125), n=2500)
    fitted, surely = fit_blend(choices), fit_blend(choices, sure=True)
    assert fitted.proof is not None
    gain = fitted.proof.gains[DEFAULTS]
    assert gain.low <= 0 < gain.value
    assert (fitted.is_better, surely.is_better) == (True, False)
    assert fitted.doubts == surely.reasons
    assert "is not surely better than the defaults" in fitted.doubts[0]
    assert fitted.needed == surely.needed == int(np.ceil(2500 * ((1.959964 + 0.841621) * gain.error / gain.value) ** 2))


def test_it_does_not_take_the_place_of_something_better(simulate: Callable[..., Choices]) -> None:
    choices = simulate(0, (1.5, 0.5, 0.5))
    assert fit_blend(choices, present=Weights(0.1, 5.0, 3.0)).is_better
    beside_the_truth = fit_blend(choices, present=Weights(1.5, 0.5, 0.5))
    (reason,) = beside_the_truth.reasons
    assert reason.startswith("out of sample it gains nothing on the weights that are published: a gain of -")
    assert beside_the_truth.needed is None


def test_a_store_without_priors_can_be_fitted(simulate: Callable[..., Choices]) -> None:
    """All priors are alike, and no title has more of anything than another."""
    choices = simulate(0, (1.5, 0.5, 0.5))
    fitted = fit_blend(replace(choices, prior=np.full(4000, -2.0), common=np.zeros((4000, 3))))
    assert np.isnan(fitted.calibrations["the prior alone"].slope)
    assert 0.5 < fitted.weights.similarity < 2


def test_too_few_quality_plays_are_refused(simulate: Callable[..., Choices]) -> None:
    fitted = fit_blend(simulate(0, n=200))
    assert (fitted.weights, fitted.parts, fitted.proof, fitted.is_better) == (Weights(), (), None, False)
    assert "quality plays of the earlier days count as" in fitted.reasons[0]
    assert fitted.needed is not None
    assert fitted.needed > 200


@pytest.mark.parametrize("n", [200, 4000])
def test_the_record_is_json(simulate: Callable[..., Choices], n: int) -> None:
    fitted = fit_blend(simulate(0, (1.5, -1.0, 0.5), n))  # with a weight at its bound, whose error is no number
    record = json.loads(json.dumps(as_record(fitted), allow_nan=False))
    assert record["choices"] == n
    assert record["refused"] == list(fitted.reasons)
    if n == 4000:
        assert record["parts"][1]["error"] is None
        assert record["parts"][1]["note"] == "is held at its bound, 0; without it the fit would go beyond"


def test_the_picture(fitted: Fit, tmp_path: Path) -> None:
    from PIL import Image

    draw_fit(fitted, tmp_path / "fit.png")
    with Image.open(tmp_path / "fit.png") as picture:
        assert picture.size == (1100, 528)
        assert len(picture.getcolors(1 << 20)) > 100
    with pytest.raises(ArtworkMatcherError, match=r"--plot .*: Format 'what' is not supported"):
        draw_fit(fitted, tmp_path / "fit.what")
    with pytest.raises(ArtworkMatcherError, match="nothing was fitted"):
        draw_fit(replace(fitted, proof=None), tmp_path / "fit.png")
