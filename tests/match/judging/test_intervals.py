"""Intervals: bootstrap against draws one at a time, empirical Bernstein against its theorem, and how often each holds the truth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from match.judging import intervals
from match.judging.intervals import Terms, bernstein, bootstrap, estimates_of, influence, standard_error


def mean_of(values: np.ndarray, span: float | None = 1.0) -> Terms:
    return Terms("mean", values, np.ones(len(values)), span)


def test_the_same_draws_for_all_and_users_as_wholes() -> None:
    values = np.array([1.0, 0.0, 0.0, 1.0])
    users = np.array([0, 0, 1, 1])
    drawn = bootstrap([mean_of(values), mean_of(1 - values), Terms("ratio", values, values, 1.0)], users, 400, 0)
    assert (drawn[0] == 0.5).all()  # whoever is drawn, half of what they did
    assert drawn[0] + drawn[1] == pytest.approx(np.ones(400))
    assert (drawn[2] == 1).all()
    alone = bootstrap([mean_of(values)], np.arange(4), 4000, 0)[0]
    assert np.unique(alone).tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert alone.std() == pytest.approx(np.sqrt(0.25 / 4), rel=0.05)


def test_memory_in_parts_gives_as_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intervals, "AT_ONCE", 10)
    assert bootstrap([mean_of(np.arange(4.0))], np.arange(4), 25, 0).shape == (1, 25)


def test_what_has_nothing_under_it_is_no_number() -> None:
    (found,), _ = estimates_of([Terms("replay", np.zeros(5), np.zeros(5), 1.0)], np.arange(5), 20)
    assert np.isnan([found.value, found.low, found.high, found.error]).all()
    assert found.sure is None


@given(st.lists(st.floats(0, 1), min_size=2, max_size=30))
def test_bernstein_is_its_theorem_s(values: list[float]) -> None:
    """Maurer & Pontil's bound, written out."""
    x = np.array(values)
    m, log = len(x), np.log(4 / 0.05)
    reach = np.sqrt(2 * x.var(ddof=1) * log / m) + 7 * log / (3 * (m - 1))
    low, high = bernstein(mean_of(x), np.arange(m)) or (-1.0, -1.0)
    assert low == pytest.approx(max(0.0, x.mean() - reach), abs=1e-9)
    assert high == pytest.approx(min(1.0, x.mean() + reach), abs=1e-9)


def test_bernstein_counts_users_and_needs_bounds() -> None:
    values, users = np.tile([0.0, 1.0, 0.0, 0.0], 500), np.repeat(np.arange(1000), 2)
    by_user = bernstein(mean_of(values), users)
    assert by_user is not None
    doubled = bernstein(Terms("mean", values.reshape(-1, 2).sum(axis=1), np.full(1000, 2.0), 2.0), np.arange(1000))
    assert by_user == pytest.approx(doubled)
    assert bernstein(mean_of(values, None), users) is None
    assert bernstein(mean_of(values[:2]), users[:2]) is None  # one user


def test_a_ratio_s_bound_holds_its_value_and_widens_with_the_weights() -> None:
    random = np.random.default_rng(3)
    reward = (random.random(5000) < 0.3).astype(float)
    widths = []
    for most in (1.0, 3.0, 9.0):
        weights = np.where(random.random(5000) < 0.5, most, 0.5)
        low, high = bernstein(Terms("SNIPS", weights * reward, weights, most), np.arange(5000)) or (0.0, 0.0)
        assert low < (weights * reward).sum() / weights.sum() < high
        widths.append(high - low)
    assert 0 < widths[0] < widths[1] < widths[2] < 1


def test_standard_errors_are_those_of_a_mean_and_of_a_ratio() -> None:
    random = np.random.default_rng(4)
    values = random.random(400)
    assert standard_error(influence(mean_of(values)), np.arange(400)) == pytest.approx(values.std() / 20)
    twice = np.repeat(values, 2)
    assert standard_error(influence(mean_of(twice)), np.repeat(np.arange(400), 2)) == pytest.approx(values.std() / 20)
    under = 1 + random.random(400)
    ratio = Terms("ratio", values, under, None)
    drawn = bootstrap([ratio], np.arange(400), 4000, 1)[0]
    assert standard_error(influence(ratio), np.arange(400)) == pytest.approx(drawn.std(), rel=0.06)


def test_how_often_intervals_hold_the_truth() -> None:
    """Users of three impressions each that go together; 300 logs. 95 % +- 4 standard errors of 1.3 points for the bootstrap, and the
    bound nearly always."""
    random, held, sure = np.random.default_rng(5), [], []
    users = np.repeat(np.arange(80), 3)
    for trial in range(300):
        values = (random.random(240) < np.repeat(random.beta(1, 2, 80), 3)).astype(float)
        (found,), _ = estimates_of([mean_of(values)], users, 300, trial)
        held.append(found.low <= 1 / 3 <= found.high)
        assert found.sure is not None
        sure.append(found.sure[0] <= 1 / 3 <= found.sure[1])
    assert 0.90 <= np.mean(held) <= 0.99
    assert np.mean(sure) >= np.mean(held)
