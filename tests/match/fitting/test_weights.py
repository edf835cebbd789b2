"""The weights: true ones are found within their intervals, within bounds, and from logs whose policy would mislead."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from match.blend import Weights
from match.fitting.choices import Choices
from match.fitting.weights import MOST, Blend, chosen_ridge, defaults_of, fit, losses

PARTS = ("similarity", "people", "words")
DEFAULTS = np.array([0.5, 2.5, 0.125])


def test_the_defaults_are_those_of_the_blend() -> None:
    assert defaults_of(PARTS).tolist() == DEFAULTS.tolist()
    assert defaults_of(("words",), Weights(words=0.7)).tolist() == [0.7]


def test_true_weights_lie_within_their_intervals_as_often_as_these_say(simulate: Callable[..., Choices]) -> None:
    truth = np.array([1.0, 1.5, 0.4])
    fits = [fit(simulate(seed, truth), ridge=1.0) for seed in range(25)]
    apart = np.array([(one.weights - truth) / one.errors for one in fits])
    assert 0.87 <= (abs(apart) <= 1.96).mean() <= 1  # of 75: 0.95, less three standard deviations
    assert np.std([one.weights for one in fits], axis=0) == pytest.approx(fits[0].errors, rel=0.5)


def test_what_is_common_and_the_level_are_found_too(simulate: Callable[..., Choices]) -> None:
    blend = fit(simulate(0, n=20_000), ridge=1.0)
    assert blend.common == pytest.approx([1.0, 1.5, 0.4], abs=0.3)
    assert blend.level == pytest.approx(0, abs=0.1)


def test_a_ridge_without_end_is_the_defaults(simulate: Callable[..., Choices]) -> None:
    assert fit(simulate(1), ridge=1e15).weights == pytest.approx(DEFAULTS, abs=1e-9)


def test_the_order_of_rows_does_not_matter(simulate: Callable[..., Choices]) -> None:
    choices = simulate(2, n=1500)
    mixed = choices.taken(np.random.default_rng(0).permutation(len(choices)))
    one, other = (fit(each, chosen_ridge(each)) for each in (choices, mixed))
    assert chosen_ridge(choices) == chosen_ridge(mixed)
    for name in ("weights", "errors", "common"):
        assert getattr(one, name) == pytest.approx(getattr(other, name), abs=1e-8)


def penalised(choices: Choices, blend: Blend, ridge: float) -> float:
    held = ridge * ((blend.weights - DEFAULTS) / DEFAULTS) ** 2 + ((blend.common - DEFAULTS) / DEFAULTS) ** 2
    return float(choices.weights @ losses(choices, blend.log_odds(choices)) + held.sum() / 2)


@settings(max_examples=25)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([0.01, 1.0, 64.0]),
    st.lists(st.sampled_from([-2.0, 0, 1, 9]), min_size=3, max_size=3),
)
def test_weights_are_within_bounds_and_none_there_lose_less(
    simulate: Callable[..., Choices], seed: int, ridge: float, truth: list[float]
) -> None:
    """Against all near ones: the loss is convex, and so is the box."""
    choices = simulate(seed, truth, n=150)
    blend = fit(choices, ridge)
    assert ((blend.weights >= 0) & (blend.weights <= MOST)).all()
    assert np.isnan(blend.errors).tolist() == [weight in (0, MOST) for weight in blend.weights.tolist()]
    least = penalised(choices, blend, ridge)
    for step in 1e-3 * np.vstack([np.eye(3), -np.eye(3)]):
        aside = replace(blend, weights=(blend.weights + step).clip(0, MOST))
        assert penalised(choices, aside, ridge) >= least - 1e-9
        assert penalised(choices, replace(blend, common=blend.common + step), ridge) >= least - 1e-9


@given(st.integers(0, 2**32 - 1), st.integers(0, 2), st.floats(0, 10))
def test_a_score_rises_with_each_part(simulate: Callable[..., Choices], seed: int, part: int, more: float) -> None:
    choices, random = simulate(0, n=50), np.random.default_rng(seed)
    blend = Blend(random.uniform(0, MOST, 3), np.zeros(3), np.zeros(3), 0.0)
    better = replace(choices, own=choices.own + more * np.eye(3)[part])
    assert (blend.scores(better) >= blend.scores(choices)).all()


def test_a_part_that_puts_people_off_is_worth_nothing_and_not_less(simulate: Callable[..., Choices]) -> None:
    blend = fit(simulate(3, (1.0, -1.0, 0.4)), ridge=1.0)
    assert blend.weights[1] == 0
    assert np.isnan(blend.errors[1])
    assert abs(blend.weights[0] - 1) < 4 * blend.errors[0]


def test_fixed_weights_stay(simulate: Callable[..., Choices]) -> None:
    blend = fit(simulate(4), 1.0, {0: 0.0, 2: 0.125})
    assert (blend.weights[0], blend.weights[2]) == (0, 0.125)
    assert np.isnan(blend.errors).tolist() == [True, False, True]


def misleading(seed: int, n: int = 12_000) -> tuple[Choices, float]:
    """Half of the users play more of everything, and the policy shows these what fits them best and the others whatever there is."""
    random, truth = np.random.default_rng(seed), 0.5
    eager = random.random(n) < 0.5
    units = random.normal(size=(n, 4))
    best = units.argmax(axis=1)
    chances = np.full((n, 4), 0.25)
    chances[eager] = 0.1
    chances[eager, best[eager]] = 0.7
    shown = (random.random((n, 1)) > chances.cumsum(axis=1)).sum(axis=1).clip(max=3)
    there, common = np.arange(n), units.mean(axis=1)
    odds = -2.5 + 1.2 * eager + truth * units[there, shown]
    played = (random.random(n) < 1 / (1 + np.exp(-odds))).astype(float)
    own, drawn = (units[there, shown] - common)[:, None], 0.25 / chances[there, shown]
    user = np.where(eager, 0, 500) + random.integers(0, 500, n)
    return Choices(user, np.zeros(n, np.int64), played, np.full(n, -2.5), own, common[:, None], drawn, ("similarity",)), truth


def test_inverse_propensities_find_the_truth_where_the_policy_goes_with_what_is_not_known() -> None:
    choices, truth = misleading(0)
    weighted, plain = fit(choices, 0.01), fit(replace(choices, drawn=np.ones(len(choices))), 0.01)
    assert abs(weighted.weights[0] - truth) < 2 * weighted.errors[0]
    assert plain.weights[0] - truth > 4 * plain.errors[0]


def test_who_likes_an_actor_plays_her_films_whatever_is_on_the_picture() -> None:
    """Fans, whom films with her have more of, play films with her; her face on the picture adds but a little to that."""
    random, n, truth = np.random.default_rng(1), 12_000, 0.5
    pictured = random.random((n, 4)) < random.choice([0.2, 0.8], (n, 1))
    there, shown, common = np.arange(n), random.integers(0, 4, n), pictured.mean(axis=1)
    played = random.random(n) < 1 / (1 + np.exp(3 - 3 * common - truth * pictured[there, shown]))
    columns = (pictured[there, shown] - common)[:, None], common[:, None]
    blend = fit(Choices(there % 500, there * 0, played * 1.0, np.full(n, -3.0), *columns, np.ones(n), ("people",)), ridge=0.01)
    assert abs(blend.weights[0] - truth) < 2 * blend.errors[0]
    assert blend.common[0] == pytest.approx(3 + truth, abs=0.4)


def test_a_cross_validated_ridge_is_strong_where_the_defaults_are_true_and_weak_where_they_are_not(
    simulate: Callable[..., Choices],
) -> None:
    assert chosen_ridge(simulate(5, (0.5, 2.5, 0.125), n=2000)) >= 16
    assert chosen_ridge(simulate(5, (1.5, 0.5, 0.5), n=2000)) <= 4
