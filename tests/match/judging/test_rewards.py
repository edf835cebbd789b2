"""Reward models: what they expect, and that nothing is scored by a model that saw it."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from match.judging.log import Log
from match.judging.regression import fit_logistic
from match.judging.rewards import artwork_means, cross_fit, folds_of, logistic

Make = Callable[..., Log]


def test_no_impression_moves_what_is_expected_of_itself_or_of_its_user(make_log: Make) -> None:
    log = make_log(1, impressions=60)
    folds = folds_of(log, 3)
    other = replace(log, reward=np.where(np.arange(60) == 0, 1 - log.reward, log.reward))
    context, artwork = np.random.default_rng(0).normal(size=(60, 2)), np.eye(3)
    for before, after in (
        [cross_fit(artwork_means(one, 3), folds) for one in (log, other)],
        [cross_fit(logistic(one, context, artwork), folds) for one in (log, other)],
    ):
        same = (before == after).all(axis=1)
        assert same[folds == folds[0]].all()
        assert same[log.user == np.asarray(log.user)[0]].all()
        assert not same.all()


def test_folds_are_about_as_large_and_users_in_one(make_log: Make) -> None:
    log = make_log(2, impressions=300)
    folds = folds_of(log, 4, seed=9)
    assert all(len(np.unique(folds[log.user == user])) == 1 for user in np.unique(np.asarray(log.user)))
    alone = folds_of(replace(log, user=None), 3)
    assert np.bincount(alone).tolist() == [100, 100, 100]
    with pytest.raises(ValueError, match="two or more"):
        cross_fit(artwork_means(log, 3), np.zeros(300, int))


def test_means_are_drawn_to_the_group_and_the_group_to_all() -> None:
    shown, reward, group = np.array([0, 0, 1, 0]), np.array([1.0, 0.0, 1.0, 0.0]), np.array([7, 7, 7, 9])
    log = Log(shown, np.ones(4), reward, np.ones(4), group=group)
    found = artwork_means(log, 2, strength=2.0)(np.arange(4))(np.array([0, 3]))
    seven, nine = (2 + 2 * 0.5) / (3 + 2), (0 + 2 * 0.5) / (1 + 2)
    assert found[0] == pytest.approx([(1 + 2 * seven) / 4, (1 + 2 * seven) / 3])
    assert found[1] == pytest.approx([(0 + 2 * nine) / 3, nine])


def test_the_regression_is_one_for_each_group(make_log: Make) -> None:
    log = make_log(3, impressions=200, user=None)
    random = np.random.default_rng(1)
    context, artwork = random.normal(size=(200, 2)), random.normal(size=(3, 2))
    found = logistic(log, context, artwork, ridge=0.5)(np.arange(100))(np.array([150]))
    mine = np.flatnonzero(log.group == np.asarray(log.group)[150])
    mine = mine[mine < 100]
    x = np.column_stack([context[mine], artwork[log.shown[mine]], np.ones(len(mine))])
    fitted = fit_logistic(x, log.reward[mine], ridge=np.array([0.5, 0.5, 0.5, 0.5, 0.0]))
    expected = fitted.predict(np.column_stack([np.tile(context[150], (3, 1)), artwork, np.ones(3)]))
    assert found[0] == pytest.approx(expected)
    of_each = np.tile(artwork, (200, 1, 1))
    assert logistic(log, context, of_each, ridge=0.5)(np.arange(100))(np.array([150])) == pytest.approx(found)


def test_a_group_that_earned_nothing_says_its_rate_drawn_to_all(make_log: Make) -> None:
    log = make_log(4, impressions=200, user=None)
    log = replace(log, reward=np.where(log.group == 0, 0.0, log.reward))
    found = logistic(log, np.zeros((200, 1)), np.eye(3))(np.arange(200))(np.flatnonzero(log.group == 0))
    assert np.ptp(found) == 0
    assert 0 < found[0, 0] < log.reward.mean()
