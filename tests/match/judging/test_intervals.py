"""Intervals: bootstrap against draws one at a time, empirical Bernstein against its theorem, and how often each holds the truth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from match.judging import intervals
from match.judging.intervals import Terms, bernstein, estimates_of, influence, standard_error


def mean_of(values: np.ndarray, span: float | None = 1.0) -> Terms:
    return Terms("mean", values, np.ones(len(values)), span)


def studentised(over: np.ndarray, under: np.ndarray, resamples: int, seed: int) -> tuple[float, float]:
    """The textbook's interval of a ratio, one resample at a time."""
    random, apart = np.random.default_rng(seed), []

    def both(rows: np.ndarray) -> tuple[float, float]:
        value = over[rows].sum() / under[rows].sum()
        return value, float(np.sqrt(((over[rows] - value * under[rows]) ** 2).sum()) / under[rows].sum())

    value, error = both(np.arange(len(over)))
    for _ in range(resamples):
        other, own = both(random.integers(0, len(over), len(over)))
        apart.append((other - value) / own)
    high, low = np.quantile(apart, (0.025, 0.975), method="inverted_cdf")
    return value - low * error, value - high * error


def test_the_bootstrap_is_the_textbook_s() -> None:
    random = np.random.default_rng(0)
    over, under = random.exponential(size=60), 1 + random.random(60)
    (found,), _ = estimates_of([Terms("ratio", over, under, None)], np.arange(60), 50, 7)
    assert (found.low, found.high) == pytest.approx(studentised(over, under, 50, 7))  # the same draws of the same generator
    assert found.low < found.value < found.high
    assert found.high - found.value > found.value - found.low  # skewed to the right, and so is the interval


def test_a_difference_is_paired_and_its_error_its_own() -> None:
    random = np.random.default_rng(1)
    one = random.random(300)
    two = one + 0.1 + 0.01 * random.normal(size=300)
    _, (found,) = estimates_of([mean_of(one), mean_of(two)], np.arange(300), 200, 0, [(1, 0)])
    (alone,), _ = estimates_of([mean_of(two - one)], np.arange(300), 200, 0)
    assert found.name == "mean - mean"
    assert (found.value, found.error, found.low, found.high) == pytest.approx((alone.value, alone.error, alone.low, alone.high))
    weights = 1 + random.random(300)
    terms = [mean_of(one), Terms("ratio", weights * two, weights, None)]
    _, (mixed,) = estimates_of(terms, np.arange(300), 50, 0, [(1, 0)])
    assert mixed.error == pytest.approx(standard_error(influence(terms[1]) - influence(terms[0]), np.arange(300)))


def test_users_are_drawn_as_wholes() -> None:
    random = np.random.default_rng(2)
    values = random.random(100)
    twice, users = np.repeat(values, 2), np.repeat(np.arange(100), 2)
    (told,), _ = estimates_of([mean_of(twice)], users, 100, 0)
    (once,), _ = estimates_of([mean_of(values)], np.arange(100), 100, 0)
    assert (told.value, told.error, told.low, told.high) == pytest.approx((once.value, once.error, once.low, once.high))


def test_memory_in_parts_gives_as_good_an_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(3).random(50)
    (whole,), _ = estimates_of([mean_of(values)], np.arange(50), 400, 0)
    monkeypatch.setattr(intervals, "AT_ONCE", 50 * 100)
    (parts,), _ = estimates_of([mean_of(values)], np.arange(50), 400, 0)
    assert (parts.low, parts.high) == pytest.approx((whole.low, whole.high))  # draws come in the same order


def test_where_nothing_varies_the_sure_interval_stands_in() -> None:
    (none, empty), (same,) = estimates_of(
        [mean_of(np.zeros(500)), Terms("replay", np.zeros(500), np.zeros(500), 1.0)], np.arange(500), 20, 0, [(0, 0)]
    )
    assert (none.low, none.high) == none.sure
    assert none.high > 0  # nothing was earned, but something might have been
    assert np.isnan([empty.value, empty.error]).all()
    assert empty.sure is None
    assert (same.value, same.low, same.high) == (0, 0, 0)


def test_an_edge_that_resamples_leave_open_is_the_sure_one() -> None:
    """One click of a hundred: a third of the resamples have none, and know of no spread."""
    values = np.eye(1, 100)[0]
    (found, unbounded), (less,) = estimates_of([mean_of(values), mean_of(values, None)], np.arange(100), 200, 0, [(0, 0)])
    assert found.sure is not None
    assert 0 <= found.low < found.value == 0.01
    assert found.high == found.sure[1]
    assert unbounded.high == 1
    assert (less.low, less.high) == (0, 0)
    (beyond,), _ = estimates_of([mean_of(np.linspace(-3.0, 2.0, 50), None)], np.arange(50), 50, 0)
    assert beyond.value == beyond.low == pytest.approx(-0.5)  # no reward is below 0, but the value is shown as it is


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
    random = np.random.default_rng(5)
    draws = [random.integers(0, 400, 400) for _ in range(4000)]
    drawn = [ratio.over[rows].sum() / ratio.under[rows].sum() for rows in draws]
    assert standard_error(influence(ratio), np.arange(400)) == pytest.approx(np.std(drawn), rel=0.06)


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
