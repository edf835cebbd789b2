"""The simulated worlds: what is known of them exactly, what is counted of their logs, and the report."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from artwork_doors.evaluating import simulator, simulator_cold_start
from artwork_doors.evaluating.plot import draw_figures
from artwork_doors.evaluating.scores import few, few_ratio
from artwork_doors.evaluating.simulator_beliefs import Tastes, believe
from artwork_doors.evaluating.simulator_cold_start import best_newcomers, days_needed, newcomers
from artwork_doors.evaluating.simulator_fit import Drawn, choices_of, fitted, true_weight
from artwork_doors.evaluating.simulator_log import RULES, Names, Shown, counted
from artwork_doors.evaluating.simulator_policies import (
    BEST,
    IMPERSONAL,
    Learner,
    at_random,
    best_of_segments,
    best_universal,
    draw,
    live,
    oracle,
    propensities_of,
    see,
)
from artwork_doors.evaluating.simulator_world import Settings, World, make
from artwork_doors.evaluating.verdicts import Curves, Line, Part, curve
from embed.records import IMPRESSION, PLAY
from match.blend import Weights, standardise
from match.clicks.average_fit import DEFAULT
from match.clicks.days import count_days
from match.clicks.priors import priors_of

SMALL = Settings(users=60, visitors=30, segments=2, titles=5, artworks=3, arrival=4, days=8, dimension=8)
TINY = replace(SMALL, visitors=10, days=3, arrival=1)
FIRST = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def world() -> World:
    return make(SMALL, 0)


def test_similarity_is_as_true_as_the_settings_say() -> None:
    wide = replace(SMALL, titles=200, users=200, dimension=24)
    truth, seen = make(replace(wide, correlation=1.0), 0), make(replace(wide, correlation=0.6), 0)
    fits = [(one.tastes @ one.vectors.T).ravel() for one in (truth, seen)]
    assert np.corrcoef(*fits)[0, 1] == pytest.approx(0.6, abs=0.05)
    assert (truth.odds == seen.odds).all()
    assert (truth.days[5].chances == seen.days[5].chances).all()
    assert (truth.days[5].luck == seen.days[5].luck).all()


def test_newcomers_come_on_their_day(world: World) -> None:
    sizes = [day.sizes.tolist() for day in world.days]
    assert sizes == [[3] * 5] * 4 + [[4] * 5] * 4
    assert world.days[3].artworks.tolist() == np.flatnonzero(world.arrives == 0).tolist()


def test_places_are_looked_at_less_and_popular_titles_stand_first(world: World) -> None:
    day = world.days[0]
    assert np.sort(day.places, axis=1).tolist() == [list(range(5))] * 30
    looked_at = np.repeat(1 / (1 + SMALL.fading * day.places), day.sizes, axis=1)
    assert day.chances == pytest.approx(world.chances(0)[day.users][:, day.artworks] * looked_at)
    means = np.mean([one.places.mean(axis=0) for one in make(replace(SMALL, days=40), 0).days], axis=0)
    assert np.corrcoef(means, world.popularity)[0, 1] < -0.8


def test_the_oracle_loses_nothing_and_random_what_the_mean_lacks(world: World) -> None:
    assert (live(world, oracle).lost == 0).all()
    lived = live(world, at_random)
    for day, lost in zip(world.days, lived.lost, strict=True):
        titles = np.split(day.chances, day.starts[1:-1], axis=1)
        assert lost.sum() == pytest.approx(sum((each.max(axis=1) - each.mean(axis=1)).sum() for each in titles))


def test_the_less_a_policy_may_know_the_more_it_loses(world: World) -> None:
    lost = [live(world, policy).lost.sum() for policy in (oracle, best_of_segments(world), best_universal, at_random)]
    assert lost == sorted(lost)
    assert len(set(lost)) == 4


def test_where_similarity_is_the_whole_truth_nothing_is_lost_before_anything_is_learned() -> None:
    """Average fit and personal similarity add up to the whole taste, and by equal weights they put artwork in its order."""
    all_true = make(replace(SMALL, correlation=1.0, appeal=0.0, liking=0.0, drift=0.0), 0)
    alike = Learner(BEST, weights=Weights(similarity=DEFAULT))
    assert live(all_true, alike, slice(1)).lost == pytest.approx(0, abs=1e-9)
    assert live(all_true, replace(alike, average_fit=False), slice(1)).lost.sum() > 0.1
    ours, random = (live(all_true, policy).lost.sum() for policy in (alike, at_random))
    assert ours < random / 4


def test_what_is_personal_and_what_is_average_add_up(world: World) -> None:
    tastes, day = Tastes.of(world), world.days[5]
    fits, spread = tastes.fits(day)[1 + world.segments[day.users]], tastes._spread(day)
    whole = [standardise(world.vectors[day.artworks] @ taste, day.starts, spread) for taste in world.tastes[day.users]]
    assert tastes.similarities(day) + fits[:, day.artworks] == pytest.approx(np.array(whole), abs=1e-5)


def test_shares_are_propensities_with_their_floor(world: World) -> None:
    policy = Learner()
    lived = live(world, policy)
    assert lived.shares.reshape(8, 2, 5, 4).sum(axis=-1) == pytest.approx(1)
    assert (lived.shares[4:] >= policy.how.floor / 4 - 1e-12).all()
    assert (lived.shares[:4, :, world.newcomers] == 0).all()
    assert [len(shown.artworks) for shown in lived.log] == [30 * 5] * 8


def test_days_may_be_lived_in_two_runs(world: World) -> None:
    whole = live(world, Learner())
    first = live(world, Learner(), slice(3))
    rest = live(world, Learner(), slice(3, None), first.log)
    assert np.concatenate([first.lost, rest.lost]).tolist() == whole.lost.tolist()


def test_pages_beside_one_another_are_chosen_as_one_at_a_time(world: World) -> None:
    lived, tastes, day = live(world, Learner(), slice(6)), Tastes.of(world), world.days[6]
    beliefs = believe(tastes, lived.log, day, by_segment=True, average_fit=True)
    of_pages, moved = world.segments[day.users], 0.5 * tastes.similarities(day)
    together = propensities_of(Learner().how, beliefs.of(of_pages), moved, day.starts)
    for page in (0, 7):
        alone = propensities_of(Learner().how, beliefs.of(of_pages[[page]]), moved[[page]], day.starts)
        assert together[page] == pytest.approx(alone[0], abs=1e-12)


# What is learned from.


def shown_by(world: World, days: int) -> list[Shown]:
    return list(live(world, at_random_learner(), slice(days)).log)


def at_random_learner() -> Learner:
    return Learner(replace(BEST, floor=1.0), weights=IMPERSONAL)


def write(folder: Path, world: World, log: list[Shown], night: float) -> Path:
    """The log as the product reads it, with the plays that came before a night."""
    names, rows, plays = Names.of(world), [], []
    segments = names.segments.to_pylist()
    for shown in log:
        columns = (shown.users, shown.artworks, shown.segments, shown.places, shown.shown_at, shown.played_at)
        for user, artwork, segment, place, at, played in zip(*(column.tolist() for column in columns), strict=True):
            key = f"{len(rows):06}"
            rows.append(
                {
                    "impression_id": key,
                    "user_id": f"u{user}",
                    "title_id": names.titles[artwork].as_py(),
                    "artwork_id": names.artworks[artwork].as_py(),
                    "propensity": 1.0,
                    "policy": "simulated",
                    "segment": segments[segment],
                    "row": 0,
                    "position": place,
                    "shown_at": FIRST + timedelta(days=at),
                }
            )
            if played <= night:
                plays.append({"impression_id": key, "played_at": FIRST + timedelta(days=played), "seconds": 900.0})
    pq.write_table(pa.Table.from_pylist(rows, schema=IMPRESSION), folder / "impressions.parquet")
    pq.write_table(pa.Table.from_pylist(plays, schema=PLAY), folder / "plays.parquet")
    return folder


def test_counts_and_priors_are_those_of_the_same_log_in_a_folder(world: World, tmp_path: Path) -> None:
    log = shown_by(world, 5)
    days, known = counted(world, Names.of(world), log), count_days(write(tmp_path, world, log, 5.0), RULES)
    for kind, ours, theirs in (("name", days.cells, known.cells), ("place", days.places, known.places)):
        exact = ["title_id", "artwork_id", kind, "impressions", "plays"]
        assert ours.select(exact).to_pylist() == theirs.select(exact).to_pylist()
        for column in ("shown", "played", "squares"):
            assert ours[column].to_numpy() == pytest.approx(theirs[column].to_numpy(), rel=1e-12)
    taught = priors_of(days), priors_of(known)
    for name in ("table", "titles", "segments"):
        for column in ("mean", "strength"):
            mine, other = (getattr(each, name)[column].to_numpy() for each in taught)
            assert mine == pytest.approx(other, rel=1e-9)
    assert (days.report.young, days.report.counted, days.report.plays) == known.report[3:4] + known.report[6:8]


def test_a_play_that_comes_late_is_no_failure_before(world: World) -> None:
    """One impression, played two days later: nothing is known of it while it is young, and then it is a play."""

    def shown(day: int, at: float, played: float) -> Shown:
        whole = np.zeros(1, np.int64)
        return Shown(day, *(whole,) * 4, np.array([at]), np.array([played]))

    log, names = [shown(0, 0.5, 1.9)], Names.of(world)
    found = []
    for day in (1, 2):
        log.append(shown(day, day + 0.4, np.inf))
        cells = counted(world, names, log).cells
        found.append((sum(cells["impressions"].to_pylist()), sum(cells["plays"].to_pylist())))
    assert found == [(0, 0), (1, 1)]


# The fit of the weight.


def drawn_by(world: World, days: int) -> tuple[list[Shown], list[Drawn]]:
    tastes, log, drawn = Tastes.of(world), list[Shown](), list[Drawn]()
    for day in world.days[:days]:
        pages = see(tastes, Learner(), log, day)
        columns = draw(pages.chances, day)
        log.append(Shown.of(world, day, columns))
        drawn.append(Drawn.of(day, columns, pages))
    return log, drawn


def test_choices_are_those_that_are_counted_for_priors(world: World) -> None:
    log, drawn = drawn_by(world, 5)
    choices, report = choices_of(log, drawn), counted(world, Names.of(world), log).report
    assert (len(choices), choices.quality.sum()) == (report.counted, report.plays)
    similarities = Tastes.of(world).similarities(world.days[0])
    shown = [np.flatnonzero(world.days[0].artworks == artwork)[0] for artwork in log[0].artworks.tolist()]
    of_pages = np.repeat(np.arange(30), 5)
    assert choices.units[:150, 0].tolist() == pytest.approx(similarities[of_pages, shown].tolist())
    assert choices.common == pytest.approx(0)  # similarity is less the title's mean
    assert choices.drawn.max() <= 1 / Learner().how.floor
    assert choices.drawn.min() >= 1 / 3


def test_the_fit_finds_the_true_weight() -> None:
    strong = make(replace(SMALL, correlation=1.0, personal=1.0, users=300, visitors=200, arrival=7), 0)
    fit, truth = fitted(*drawn_by(strong, 7)), true_weight(Tastes.of(strong), strong.days[0])
    assert truth > 0.6
    assert abs(fit.weights.similarity - truth) < 3 * fit.parts[0].error
    assert fit.parts[0].error < 0.1


# Newcomers.


def test_days_needed_are_read_off_a_straight_line() -> None:
    assert days_needed(np.array([0.1, 0.5, 0.7, 1, 1, 1, 1, 1, 1, 1])) == pytest.approx(2 + 2 / 3)
    assert days_needed(np.array([0.9, 0.95, *[1.0] * 7])) == 0
    assert days_needed(np.array([0.0, 0.9, *[1.0] * 7])) == 1


def test_newcomers_are_counted_where_they_are_clearly_the_best() -> None:
    later = make(replace(SMALL, days=12), 0)
    chances = np.mean([day.of_segments for day in later.days[-simulator_cold_start.LAST :]], axis=0)
    expected = [
        (segment, artwork)
        for segment in range(2)
        for artwork in later.newcomers.tolist()
        if chances[segment, artwork] > simulator_cold_start.CLEARLY * chances[segment, artwork - 3 : artwork].max()
    ]
    assert expected
    assert list(zip(*(each.tolist() for each in best_newcomers(later)), strict=True)) == expected


def test_both_ways_begin_with_the_same_log_and_a_sure_guess_pays() -> None:
    how = replace(SMALL, days=14, titles=12, visitors=60, appeal=0.0, liking=0.0, drift=0.0, personal=1.0)
    found = newcomers(how, (0.0, 1.0), 1)
    assert list(found) == [None, 0.0, 1.0]
    assert all(len(each.lost) == 10 for each in found.values())
    assert found[1.0].lost[0] < 0.75 * found[None].lost[0]
    assert found[1.0].lost.sum() < found[None].lost.sum()
    assert found[1.0].shares[0] > found[None].shares[0]


# The report.


def test_few_values_have_student_s_interval() -> None:
    values = np.arange(20.0)
    found = few(values)
    assert found.value == 9.5
    assert found.high - found.value == pytest.approx(2.0930 * np.std(values, ddof=1) / 20**0.5, rel=1e-3)
    assert found.value - found.low == pytest.approx(found.high - found.value)


def test_a_ratio_that_never_changes_is_sure() -> None:
    below = np.array([1.0, 2.0, 5.0])
    found = few_ratio(3 * below, below)
    assert (found.value, found.low, found.high) == pytest.approx((3.0, 3.0, 3.0))


@pytest.mark.parametrize(
    ("low", "high", "at_most", "met"),
    [(0.1, 0.5, False, True), (-0.1, 0.5, False, False), (-0.5, -0.1, True, True), (-0.5, 0.1, True, False)],
)
def test_a_target_that_must_be_met_surely(low: float, high: float, at_most: bool, met: bool) -> None:
    line = Line("about", "name", (low + high) / 2, low=low, high=high, target=0.0, at_most=at_most, surely=True)
    assert line.met is met
    assert replace(line, target=None).met is None


def test_the_same_seed_gives_the_same_figures() -> None:
    one, again, other = (live(make(TINY, seed), Learner()) for seed in (0, 0, 1))
    assert (one.lost == again.lost).all()
    assert (one.shares == again.shares).all()
    assert not (one.lost == other.lost).all()


def test_the_door_needs_no_data_for_it(tmp_path: Path, invoke: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulator, "SETTINGS", TINY)
    monkeypatch.setattr(simulator_cold_start, "SETTINGS", replace(TINY, titles=12, days=8))
    monkeypatch.setattr(simulator_cold_start, "CORRELATIONS", (0.0, 0.9))
    monkeypatch.setattr(simulator, "WORKERS", 1)
    arguments = ("evaluate_clicks", "--data", tmp_path / "none", "--only", "simulator", "--seeds", 3, "--resamples", 10)
    result = invoke(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    [part] = json.loads(result.stdout)["parts"]
    lines = {line["name"]: line for line in part["figures"]}
    assert len(lines) == len(part["figures"])
    assert lines["similarity 0.7: oracle: each user's best"]["value"] == pytest.approx(0)
    asked = [name for name, line in lines.items() if line["target"] is not None]
    assert len(asked) == 6


def test_curves_are_drawn_above_the_figures(tmp_path: Path) -> None:
    values = np.random.default_rng(0).random((3, 5))
    curves = [curve(name, range(5), values) for name in ("first curve", "second curve")]
    part = Part("simulator", "title", [], curves=[Curves("panel", "day", "lost", curves, rising=True)])
    draw_figures([part], tmp_path / "curves.svg")
    drawn = (tmp_path / "curves.svg").read_text(encoding="utf-8")
    assert "<!-- second curve -->" in drawn
