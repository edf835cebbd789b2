"""The judge: what it measures of a log, what it answers, and what it refuses."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from match.judging.diagnosis import Calibration, calibration, diagnose, kish, sample_ratio_mismatch
from match.judging.log import Log
from match.judging.verdict import Limits, judge
from match.tails import chi_square_tail

Make = Callable[..., Log]


# What is measured.


@given(st.lists(st.floats(0.01, 100.0), min_size=1, max_size=20))
def test_the_effective_size_is_between_one_and_all(weights: list[float]) -> None:
    w = np.array(weights)
    assert 1 - 1e-9 <= kish(w) <= len(w) + 1e-9
    assert kish(np.full(len(w), 3.0)) == pytest.approx(len(w))
    assert kish(np.append(w, 0.0)) == pytest.approx(kish(w))
    assert kish(np.zeros(2)) == 0


def test_measures_by_hand() -> None:
    propensities, policies = np.tile([0.5, 0.5, 0.0], (4, 1)), np.tile([0.25, 0.5, 0.25], (4, 1))
    shown, reward = np.array([0, 0, 1, 1]), np.array([1.0, 0.0, 1.0, 1.0])
    rows = np.arange(4)
    log = Log(
        shown, propensities[rows, shown], reward, policies[rows, shown], propensities, policies, user=np.array([3, 3, 4, 5])
    )
    found = diagnose(log)
    assert (found.impressions, found.units, found.unusable) == (4, 3, 0)
    assert found.effective == pytest.approx(3**2 / (1 + 1 + 1))  # weights 0.5, 0.5, 1, 1; by user 1, 1, 1
    assert found.effective_reward == pytest.approx(2.5**2 / (0.25 + 1 + 1))
    assert found.mean_weight == pytest.approx(0.75)
    assert found.overlap == pytest.approx(0.75)
    assert (found.largest_weight, found.heaviest) == pytest.approx((1.0, 1 / 3))


def test_the_mismatch_is_pearson_s_where_propensities_do_not_vary() -> None:
    shares, counts = np.array([0.5, 0.3, 0.2]), np.array([40, 40, 20])
    shown = np.repeat(np.arange(3), counts)
    log = Log(shown, shares[shown], np.zeros(100), shares[shown], np.tile(shares, (100, 1)))
    pearson = float(((counts - 100 * shares) ** 2 / (100 * shares)).sum())
    assert sample_ratio_mismatch(log) == pytest.approx(chi_square_tail(pearson, 2))
    assert sample_ratio_mismatch(replace(log, propensities=None)) is None
    sure = Log(np.zeros(9, int), np.ones(9), np.zeros(9), np.ones(9), np.tile([1.0, 0.0], (9, 1)))
    assert sample_ratio_mismatch(sure) == 1.0  # nothing was drawn


def test_the_mismatch_is_even_where_propensities_are_true_and_vary(make_log: Make) -> None:
    found = [sample_ratio_mismatch(make_log(seed, impressions=400)) for seed in range(200)]
    assert np.mean(np.array(found) < 0.1) == pytest.approx(0.1, abs=0.085)  # 4 standard errors
    assert np.mean(found) == pytest.approx(0.5, abs=0.085)


def test_bands_of_propensity_by_hand() -> None:
    shown, few = np.repeat([0, 1], [60, 40]), np.array([0.75, 0.25])
    log = Log(shown, few[shown], np.zeros(100), few[shown], np.tile(few, (100, 1)))
    found = calibration(log)
    assert found is not None
    assert found.p == pytest.approx(chi_square_tail(15**2 / 75 + 15**2 / 25, 1))
    assert (found.band, found.shown, found.expected) == ((0.2, 0.35), 40, pytest.approx(25)) or found.band == (0.65, 0.8)
    assert calibration(replace(log, propensities=None)) is None
    sure = Log(np.zeros(9, int), np.ones(9), np.zeros(9), np.ones(9), np.tile([1.0, 0.0], (9, 1)))
    assert calibration(sure) == Calibration(1.0, (0.0, 0.01), 0, 0.0)


def test_bands_are_even_where_propensities_are_true_and_tell_where_each_artwork_s_are_right_on_average(make_log: Make) -> None:
    logs = [make_log(seed, impressions=400) for seed in range(200)]
    found = np.array([calibration(log).p for log in logs])  # type: ignore[union-attr]
    assert np.mean(found < 0.1) == pytest.approx(0.1, abs=0.085)  # 4 standard errors
    assert np.mean(found) == pytest.approx(0.5, abs=0.085)
    log, rows = logs[0], np.arange(400)
    assert log.propensities is not None
    mixed = np.random.default_rng(1).permutation(log.propensities)  # those of other users
    mixed_up = replace(log, propensities=mixed, propensity=mixed[rows, log.shown])
    assert calibration(mixed_up).p < 1e-6  # type: ignore[union-attr]
    assert sample_ratio_mismatch(mixed_up) > 0.01  # type: ignore[operator]


# What is answered.


@pytest.mark.parametrize(("swapped", "answer"), [(False, "better"), (True, "worse")])
def test_a_long_log_is_answered(world: Any, swapped: bool, answer: str) -> None:
    if swapped:
        world = replace(world, logging=world.policy, policy=world.logging)
    log = world.log(20_000, 0)
    found = judge(log, resamples=200)
    truth = world.value(world.policy) - world.value(world.logging)
    assert found.answer == answer, found.words
    assert found.reasons == ()
    assert found.by == "SNIPS"
    assert found.difference is not None
    assert found.difference.low < truth < found.difference.high
    assert found.words.startswith(f"{answer} than the logged policy by")
    assert list(found.estimates) == ["replay", "IPS", "SNIPS"]
    with_model = judge(log, np.full((20_000, 3), 0.3), resamples=200)
    assert with_model.by == "DR"
    assert list(with_model.estimates) == ["replay", "IPS", "SNIPS", "DM", "DR", "Switch-DR"]
    assert with_model.answer == answer


def test_a_short_log_is_refused_and_what_it_asks_for_suffices(world: Any) -> None:
    short = judge(world.log(400, 1), resamples=200)
    assert short.answer == "refused"
    assert "may be none" in short.words or "speaks of this policy as" in short.words
    assert short.to_tell is not None
    assert f"{short.to_tell:,} impressions to tell a difference as large as this one" in short.words
    known = judge(world.log(20_000, 2), resamples=100)
    assert known.needed is not None
    assert known.logged is not None
    longer = judge(world.log(known.needed, 3), resamples=400, seed=1).estimates["SNIPS"]
    assert (longer.high - longer.low) / 2 == pytest.approx(0.1 * known.logged.value, rel=0.15)


def test_where_nothing_differs_a_difference_is_seldom_claimed(world: Any) -> None:
    """200 logs judged on the policy that made them, and on one that earns the same: 5 % may be claimed, and 4 standard errors."""
    even = replace(world, rewards=np.full((2, 3), 0.3))
    claimed = [judge(even.log(1500, seed), resamples=200, seed=seed).answer != "refused" for seed in range(200)]
    assert np.mean(claimed) <= 0.05 + 4 * np.sqrt(0.05 * 0.95 / 200)
    own = replace(world, policy=world.logging)
    found = judge(own.log(2000, 0), resamples=100)
    assert found.answer == "refused"
    assert found.difference is not None
    assert found.difference.value == pytest.approx(0.0, abs=1e-12)  # weights are all 1
    assert found.same
    assert "it does what the logged policy does" in found.words
    assert found.to_tell is None


@pytest.mark.parametrize(
    ("spoil", "reason", "curable"),
    [
        ("one_artwork_hidden", "it could have shown", False),
        ("wrong_propensities", "weights average", False),
        ("shown_otherwise", "not shown as often as their propensities say", False),
        ("one_heavy_user", "of the weight (most: 5 %)", True),
        ("few_rewards", "rewards (least: 30)", True),
        ("few_impressions", "would (least: 300)", True),
        ("bands_mixed_up", "its propensities say", False),
        ("never_drawn", "nowhere could another artwork have been shown", False),
    ],
)
def test_each_refusal_names_its_reason(world: Any, spoil: str, reason: str, curable: bool) -> None:
    log = spoiled(world, spoil)
    found = judge(log, resamples=100)
    assert found.answer == "refused"
    assert any(reason in one for one in found.reasons), found.words
    assert (found.to_tell is not None) == curable
    assert ("No number of such impressions would do" in found.words) == (not curable)


def spoiled(world: Any, how: str) -> Log:
    if how == "one_artwork_hidden":
        logging = world.logging * [1, 0, 1]
        return replace(world, logging=logging / logging.sum(axis=1, keepdims=True)).log(20_000, 0)  # type: ignore[no-any-return]
    log: Log = world.log(250 if how == "few_impressions" else 20_000, 0)
    if how == "wrong_propensities":
        return replace(log, propensity=log.propensity * 0.7, propensities=None)
    if how == "shown_otherwise":
        believed = np.tile(np.asarray(log.propensities).mean(axis=0) * [1.0, 0.9, 1.0], (20_000, 1))
        believed /= believed.sum(axis=1, keepdims=True)
        return replace(log, propensity=believed[np.arange(20_000), log.shown], propensities=believed)
    if how == "bands_mixed_up":
        mixed = np.random.default_rng(1).permutation(np.asarray(log.propensities))
        return replace(log, propensity=mixed[np.arange(20_000), log.shown], propensities=mixed)
    if how == "never_drawn":
        one = np.zeros((20_000, 3))
        one[np.arange(20_000), log.shown] = 1
        return replace(log, propensity=np.ones(20_000), propensities=one)
    if how == "one_heavy_user":
        return replace(log, user=np.maximum(np.arange(20_000) - 1500, 0))
    if how == "few_rewards":
        return replace(log, reward=log.reward * (np.arange(20_000) < 80))
    return log


@pytest.mark.parametrize("everywhere", [True, False])
def test_where_the_policy_s_artwork_never_earned_nobody_knows_how_much_it_would_take(world: Any, everywhere: bool) -> None:
    log: Log = replace(world, policy=np.tile([1.0, 0, 0], (2, 1))).log(2000, 0)
    found = judge(replace(log, reward=np.where((log.shown == 0) | everywhere, 0.0, log.reward)), resamples=50)
    assert found.answer == "refused"
    assert "what it earned counts as 0.0 rewards" in found.words
    assert (found.needed, found.to_tell, found.heard) == (None, None, False)
    assert found.words.endswith("How many it would take cannot be told: nothing was earned yet")


def test_what_is_known_against_a_log_and_what_its_rows_are_called(world: Any) -> None:
    log = world.log(5000, 0)
    found = judge(log, resamples=50, against=("it was made up",), noun="draw")
    assert found.words == "refused: it was made up. No number of such draws would do"
    assert not found.heard
    assert judge(log, resamples=50, noun="draw").words.startswith("better than the logged policy by 0.")
    assert " a draw (" in judge(log, resamples=50, noun="draw").words


def test_without_propensities_there_is_no_answer_at_all(world: Any) -> None:
    log: Log = world.log(100, 0)
    lost = np.where(np.arange(100) < 9, np.nan, log.propensity)
    found = judge(replace(log, propensity=lost, propensities=None))
    assert found.answer == "refused"
    assert found.words.startswith("refused: 9 of 100 impressions have no propensity above 0")
    assert (found.estimates, found.difference, found.needed) == ({}, None, None)
    assert np.isnan(found.diagnosis.effective)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_an_answer_never_stands_on_less_than_the_limits(make_log: Make, seed: int) -> None:
    limits = Limits(effective=10, effective_reward=3, heaviest=0.3)
    found = judge(make_log(seed, impressions=60), limits=limits, resamples=50)
    if found.answer == "refused":
        assert found.reasons
        return
    assert found.difference is not None
    assert found.difference.low > 0 or found.difference.high < 0
    assert found.diagnosis.effective >= 10
    assert found.diagnosis.effective_reward >= 3
    assert found.diagnosis.heaviest <= 0.3
