"""The evaluation of clicks: Open Bandit Dataset as it is read and judged, and the door."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from artwork_doors.evaluating import open_bandit, scores
from artwork_doors.evaluating.verdicts import ClickMaterial
from embed.errors import ArtworkMatcherError

SHARED = Path(__file__).parents[3] / "shared" / "data"
ITEMS, IMPRESSIONS = 5, 400
ALPHA, BETA = [40.0, 20.0, 30.0, 10.0, 25.0], [400.0, 300.0, 350.0, 150.0, 300.0]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Open Bandit Dataset in its form, small: 5 items, 400 impressions a log, newest first; items of one kind earn more."""
    root = tmp_path_factory.mktemp("research")
    beliefs = [f"{name}:\n  alpha:\n{_listed(ALPHA)}  beta:\n{_listed(BETA)}" for name in open_bandit.CAMPAIGNS]
    (root / "open_bandit").mkdir()
    (root / "open_bandit" / "prior_bts.yaml").write_text("".join(beliefs), encoding="utf-8")
    random = np.random.default_rng(0)
    for log in ("random", "bts"):
        for name in open_bandit.CAMPAIGNS:
            folder = root / "open_bandit" / log / name
            folder.mkdir(parents=True)
            _write(folder / f"{name}.csv", [_impression(row, log, random) for row in range(IMPRESSIONS)])
            _write(folder / "item_context.csv", [_item(number) for number in range(ITEMS)])
    return root


def _listed(values: list[float]) -> str:
    return "".join(f"    - {value}\n" for value in values)


def _impression(row: int, log: str, random: np.random.Generator) -> dict[str, Any]:
    chances = np.full(ITEMS, 0.2) if log == "random" else np.array([0.4, 0.1, 0.2, 0.1, 0.2])
    item = int(random.choice(ITEMS, p=chances))
    users = {f"user_feature_{number}": "ab"[int(random.random() < 0.5)] for number in range(4)}
    time = f"2019-11-24 00:{59 - row // 60:02}:{59 - row % 60:02}.000000+00:00"
    click = int(random.random() < (0.4 if item % 2 else 0.2))
    return {
        "": row,
        "timestamp": time,
        "item_id": item,
        "position": row % 3 + 1,
        "click": click,
        "propensity_score": chances[item],
        **users,
    }


def _item(number: int) -> dict[str, Any]:
    features = {f"item_feature_{which}": "xyz"[number * which % 3] for which in (1, 2, 3)}
    return {"": number, "item_id": number, "item_feature_0": number / 10, **features}


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_bandit, "SIZES", ((300, 3), (20_000, 2)))
    monkeypatch.setattr(open_bandit, "OTHER_FOLDINGS", 2)


def test_a_campaign_is_read_in_order_of_time_with_the_user_one_hot(data: Path) -> None:
    campaign = open_bandit.read_campaign(data, "men")
    rows = campaign.logs["bts"]
    with (data / "open_bandit" / "bts" / "men" / "men.csv").open(encoding="utf-8") as file:
        newest_first = list(csv.DictReader(file))
    assert rows.item.tolist() == [int(row["item_id"]) for row in reversed(newest_first)]
    assert rows.position.tolist() == [int(row["position"]) - 1 for row in reversed(newest_first)]
    assert rows.context[:, 0].tolist() == [row["user_feature_0"] == "b" for row in reversed(newest_first)]
    assert (rows.context.shape, rows.items.shape) == ((IMPRESSIONS, 4), (ITEMS, 4))
    assert rows.items[:, 3] == pytest.approx(np.arange(ITEMS) / 10)
    assert rows.items[:, 0].tolist() == [0, 1, 2, 0, 1]  # x, y, z as numbers in their order
    assert campaign.bts.sum(axis=0) == pytest.approx(np.ones(3))
    assert campaign.rates == pytest.approx([40 / 440, 20 / 320, 30 / 380, 10 / 160, 25 / 325])


def test_folds_are_dealt_as_kfold_does() -> None:
    """Shuffled by numpy's old generator and cut into runs, the first of them the longer."""
    folds = open_bandit.folds(10)
    order = np.random.RandomState(12345).permutation(10)
    assert [sorted(np.flatnonzero(folds == fold).tolist()) for fold in range(3)] == [
        sorted(order[:4].tolist()),
        sorted(order[4:7].tolist()),
        sorted(order[7:].tolist()),
    ]


@given(st.integers(1, 50), st.data())
def test_wilson_s_interval_holds_the_share_and_is_never_empty(tried: int, data: Any) -> None:
    happened = data.draw(st.integers(0, tried))
    found = scores.share(happened, tried)
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.low < found.high
    for edge in (found.low, found.high):  # where the score test just allows the share
        if 0 < edge < 1:
            assert abs(found.value - edge) == pytest.approx(1.959964 * np.sqrt(edge * (1 - edge) / tried), rel=1e-4, abs=1e-9)


def test_every_direction_is_judged_and_told(data: Path, small: None) -> None:
    part = open_bandit.measure(ClickMaterial(data, resamples=30))
    told = {line.name: line for line in part.figures}
    for campaign in open_bandit.CAMPAIGNS:
        for log, policy in (("random", "BTS"), ("BTS", "random")):
            about = f"{campaign}, {log} log, {policy} judged"
            truth = told[f"{about}: truth: the {policy} log's own"]
            for name in ("replay", "IPS", "SNIPS", "DM", "DR", "Switch-DR"):
                line = told[f"{about}: {name}"]
                assert line.truth == truth.value
                assert line.value is not None
                assert truth.value is not None
                assert line.note.startswith(f"{100 * (line.value / truth.value - 1):+.0f} % off the truth")
    assert len(part.differences) == 6
    assert all("(truth: " in line.note for line in part.differences)
    about = "all, random log with clicks drawn"
    drawn = {name.partition(": ")[2]: line for name, line in told.items() if name.startswith(about)}
    assert drawn["300 impressions, refused"].value == 1
    assert drawn["20,000 impressions, answered wrongly"].note == "of 2 logs"
    assert told["logs with untrue propensities refused as such"].target == 3


def test_the_door_tells_machines_and_people(data: Path, small: None, tmp_path: Path, invoke: Callable[..., Any]) -> None:
    arguments = ("evaluate_clicks", "--data", data, "--only", "open_bandit", "--resamples", 20)
    result = invoke(*arguments, "--json", "--plot", tmp_path / "clicks.svg")
    assert result.exit_code == 0, result.stderr
    answer = json.loads(result.stdout)
    assert (answer["seed"], answer["resamples"]) == (0, 20)
    assert [part["name"] for part in answer["parts"]] == ["open_bandit"]
    assert (tmp_path / "clicks.svg").stat().st_size
    checked = invoke(*arguments, "--check")
    assert checked.exit_code == 1  # this is not the data whose estimates were published
    assert "SNIPS off the published" in checked.stdout
    assert "missed" in checked.stdout


def test_what_cannot_be_measured_says_so(data: Path, tmp_path: Path, invoke: Callable[..., Any], refused: Any) -> None:
    assert "no research data at" in refused(invoke("evaluate_clicks", "--data", tmp_path / "none"))
    empty = invoke("evaluate_clicks", "--data", tmp_path)
    assert empty.exit_code == 2
    assert "prior_bts.yaml" in empty.stderr
    assert "is none of open_bandit, upworthy" in invoke("evaluate_clicks", "--data", data, "--only", "people").stderr
    (tmp_path / "beliefs.yaml").write_text("all:\n  alpha:\n    - 1.0\n", encoding="utf-8")
    with pytest.raises(ArtworkMatcherError, match="no alpha and beta of campaign 'all'"):
        open_bandit.read_beta(tmp_path / "beliefs.yaml", "all")
    _write(tmp_path / "all.csv", [{"timestamp": "2019-11-24", "item_id": 0}])
    _write(tmp_path / "item_context.csv", [_item(0)])
    with pytest.raises(ArtworkMatcherError, match=r"position.*as it is published"):
        open_bandit.read_rows(tmp_path, "all")


@pytest.mark.shared
@pytest.mark.skipif(not (SHARED / "open_bandit").is_dir(), reason=f"needs the research data in {SHARED}")
def test_on_the_real_log_the_published_estimates_are_met_and_the_judge_refuses() -> None:
    campaign = open_bandit.read_campaign(SHARED, "all")
    judged = open_bandit.judged_on(campaign, "random", "bts", ClickMaterial(SHARED, resamples=50))
    off = list(open_bandit.beside_published("all", judged))
    assert [line.met for line in off] == [True] * 4, [line.note for line in off]
    assert judged.answer == "refused"
    untrue = open_bandit.judged_on(campaign, "bts", "random", ClickMaterial(SHARED, resamples=50), untrue=True)
    assert any("propensities" in reason for reason in untrue.reasons)
