"""The six estimators: against plain loops, in expectation over every log there could be, and against a known truth."""

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from embed.errors import LogError
from match.judging.estimators import chosen_threshold, direct, doubly_robust, ips, logged, replay, snips, switch_dr
from match.judging.intervals import influence, standard_error
from match.judging.log import Log

Make = Callable[..., Log]
once = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # `make_log` keeps nothing between examples


def oracle(log: Log, predicted: np.ndarray, threshold: float) -> dict[str, float]:
    """Each estimator as a loop over impressions, as its paper has it."""
    n, found, weights = len(log), dict.fromkeys(("IPS", "DM", "DR", "Switch-DR"), 0.0), 0.0
    assert log.policies is not None
    for i in range(n):
        w = log.policy[i] / log.propensity[i]
        expected = sum(log.policies[i, a] * predicted[i, a] for a in range(predicted.shape[1]))
        correction = w * (log.reward[i] - predicted[i, log.shown[i]])
        weights += w
        found["IPS"] += w * log.reward[i] / n
        found["DM"] += expected / n
        found["DR"] += (expected + correction) / n
        found["Switch-DR"] += (expected + (correction if w <= threshold else 0.0)) / n
    return {**found, "SNIPS": found["IPS"] * n / weights}


@once
@given(st.integers(0, 2**32 - 1), st.floats(0.1, 5.0))
def test_each_is_what_its_paper_says(make_log: Make, seed: int, threshold: float) -> None:
    log = make_log(seed)
    predicted = np.random.default_rng(seed).random((len(log), 3))
    terms = [ips(log), snips(log), direct(log, predicted), doubly_robust(log, predicted), switch_dr(log, predicted, threshold)]
    assert {one.name: one.value for one in terms} == pytest.approx(oracle(log, predicted, threshold))


def test_ips_and_dr_are_right_on_average_over_every_log_there_could_be(world: Any) -> None:
    """Two impressions, one of each kind: all 3 x 3 choices and 2 x 2 rewards, each with its probability. A wrong model does no harm."""
    truth = float((world.policy * world.rewards).sum(axis=1).mean())
    predicted = np.array([[0.9, 0.0, 0.3], [0.2, 0.6, 0.1]])
    expected = {"IPS": 0.0, "DR": 0.0}
    for shown in product(range(3), repeat=2):
        for reward in product((0.0, 1.0), repeat=2):
            of_shown = [world.rewards[i, shown[i]] for i in (0, 1)]
            chances = [world.logging[i, shown[i]] * (p if reward[i] else 1 - p) for i, p in enumerate(of_shown)]
            log = Log(
                shown=np.array(shown),
                propensity=world.logging[[0, 1], list(shown)],
                reward=np.array(reward),
                policy=world.policy[[0, 1], list(shown)],
                policies=world.policy,
            )
            for one in (ips(log), doubly_robust(log, predicted)):
                expected[one.name] += float(np.prod(chances)) * one.value
    assert expected == pytest.approx({"IPS": truth, "DR": truth})


def test_all_find_the_truth_of_a_long_log(world: Any) -> None:
    log = world.log(60_000, 1)
    predicted = np.where(np.asarray(log.propensities)[:, :1] == 0.5, world.rewards[0], world.rewards[1])  # the true ones
    truth = world.value(world.policy)
    terms = [
        replay(log),
        ips(log),
        snips(log),
        direct(log, predicted),
        doubly_robust(log, predicted),
        switch_dr(log, predicted),
    ]
    for one in terms:
        error = standard_error(influence(one), log.units)
        assert error < 0.01
        assert one.value == pytest.approx(truth, abs=4 * error + 1e-9), one.name
    assert abs(world.value(world.logging) - truth) > 0.03  # which is not what the log's own policy earned
    assert logged(log).value == pytest.approx(world.value(world.logging), abs=0.01)
    assert standard_error(influence(terms[4]), log.units) < 0.9 * standard_error(influence(terms[1]), log.units)  # DR over IPS


def test_replay_of_a_fixed_choice_on_an_even_log_keeps_what_matches() -> None:
    shown, reward = np.array([0, 1, 1, 2, 1, 0]), np.array([1.0, 1.0, 0.0, 1.0, 0.0, 1.0])
    would = np.array([0, 1, 0, 2, 1, 2])
    even = Log(shown, np.full(6, 1 / 3), reward, (shown == would).astype(float))
    assert replay(even, seed=5).under.tolist() == [1, 1, 0, 1, 1, 0]  # nothing is left to chance
    assert replay(even).value == pytest.approx(3 / 4)
    never = Log(shown, np.full(6, 1 / 3), reward, np.zeros(6), largest_weight=3.0)
    assert np.isnan(replay(never).value)


def test_replay_on_an_uneven_log_keeps_a_sample_of_the_policy_s_own(world: Any) -> None:
    log = world.log(40_000, 3)
    kept = replay(log).under == 1
    first = np.asarray(log.propensities)[:, 0] == 0.5
    for kind, rows in enumerate((first, ~first)):
        shares = np.bincount(log.shown[kept & rows], minlength=3) / (kept & rows).sum()
        assert shares == pytest.approx(world.policy[kind], abs=0.03)
    assert kept.mean() == pytest.approx(1 / 3.2, abs=0.02)  # 3.2: the largest weight, 0.8 / 0.25


def test_the_threshold_falls_with_a_model_that_is_right_and_stays_with_one_that_is_wrong(make_log: Make) -> None:
    n = 4000
    random = np.random.default_rng(7)
    shown = (random.random(n) < 0.02).astype(int)
    rewards = np.array([0.2, 0.6])
    columns = {"propensity": np.array([0.98, 0.02])[shown], "policy": np.array([0.1, 0.9])[shown]}
    every = {"propensities": np.tile([0.98, 0.02], (n, 1)), "policies": np.tile([0.1, 0.9], (n, 1))}
    log = Log(shown, reward=(random.random(n) < rewards[shown]).astype(float), **columns, **every)
    right, wrong = np.tile(rewards, (n, 1)), np.tile([0.2, 0.0], (n, 1))
    assert chosen_threshold(log, right) < 1 < 45 == pytest.approx(log.limit)
    assert chosen_threshold(log, wrong) >= 45  # what weighs 45 is corrected
    assert switch_dr(log, wrong).value == doubly_robust(log, wrong).value
    assert switch_dr(log, wrong, 0.0).value == direct(log, wrong).value


def test_what_a_log_lacks_is_said(make_log: Make) -> None:
    log = make_log(0)
    bare = replace(log, policies=None)
    with pytest.raises(LogError, match="no `policies`"):
        direct(bare, np.zeros((40, 3)))
    assert ips(bare).span is None
    assert snips(bare).value == snips(log).value
    with pytest.raises(ValueError, match=r"predicted \(40, 2\): give \(40, 3\)"):
        direct(log, np.zeros((40, 2)))
    lost = log.propensity.copy()
    lost[3], lost[7] = np.nan, 0.0
    with pytest.raises(LogError, match=r"2 of 40 impressions have no propensity above 0, impression 3 the first"):
        ips(replace(log, propensity=lost, propensities=None))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"reward": np.ones(3)}, r"reward \(3,\): give \(40,\)"),
        ({"reward": np.full(40, 2.0)}, r"reward: give 0\.\.1, or a larger `most`"),
        ({"reward": np.full(40, np.nan)}, "reward"),
        ({"policy": np.full(40, 1.5)}, "policy and propensity"),
        ({"propensity": np.full(40, -0.1)}, "or NaN where it is missing"),
        ({"policies": np.full((40, 3), 0.5)}, "sum to 1"),
        ({"policies": np.ones((40, 1))}, "with `shown` in"),
        ({"propensities": np.tile([0.2, 0.3, 0.5], (40, 1))}, "not what the single column says"),
    ],
)
def test_a_log_that_cannot_be_is_refused(make_log: Make, more: dict[str, np.ndarray], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        make_log(0, **more)
    with pytest.raises(ValueError, match="no impressions"):
        Log(np.empty(0, int), np.empty(0), np.empty(0), np.empty(0))
