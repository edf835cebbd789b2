"""Shrinkage beside dense normal theory, and on simulated clicks whose truth is known."""

from math import inf, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from match.clicks.shrinkage import (
    FREE,
    MOST,
    STRENGTH,
    Beliefs,
    Counts,
    Strengths,
    believe,
    believe_segments,
    estimate_factors,
    estimate_strength,
    estimate_strengths,
    posterior,
    together,
)

RATE = 0.05


def drawn(
    rng: np.random.Generator, titles: int, each: int, shown: int, of_titles: float, of_artworks: float
) -> tuple[Counts, np.ndarray, np.ndarray]:
    """(counts, each artwork's title, each artwork's true rate): Beta rates in a tree, binomial plays."""
    of_title = rng.beta(RATE * of_titles, (1 - RATE) * of_titles, titles).clip(1e-4, 0.9)
    number = np.repeat(np.arange(titles), each)
    truth = rng.beta(of_title[number] * of_artworks, (1 - of_title[number]) * of_artworks)
    impressions = rng.integers(shown // 2, shown * 3 // 2, len(number)).astype(float)
    return Counts(impressions, rng.binomial(impressions.astype(int), truth).astype(float), impressions), number, truth


@pytest.mark.parametrize("strength", [50.0, 300.0, 2000.0])
def test_the_strength_of_a_level_is_found(strength: float) -> None:
    titles, each, shown = 500, 6, 500
    counts, number, _ = drawn(np.random.default_rng(0), titles, each, shown, 400, strength)
    found = estimate_strengths(counts, number, RATE).of_artworks
    ratio = shown / strength  # of the scatter that is real to chance's own
    error = sqrt(2 / (titles * (each - 1))) * (1 + ratio) / ratio
    assert np.log(found / strength) == pytest.approx(
        0, abs=4 * error + 0.05
    )  # 5 %: chance's scatter is reckoned by shrunk rates


def test_the_strength_of_titles_is_found() -> None:
    titles, each = 800, 5
    counts, number, _ = drawn(np.random.default_rng(1), titles, each, 400, 150, 200)
    sure = each * float(together(400, 200))  # impressions that a title's artworks tell of it
    error = sqrt(2 / titles) * (1 + sure / 150) / (sure / 150)
    assert np.log(estimate_strengths(counts, number, RATE).of_titles / 150) == pytest.approx(0, abs=4 * error + 0.05)


def test_what_is_alike_is_held_to_be_alike() -> None:
    rng, impressions = np.random.default_rng(2), np.full(4000, 500.0)
    counts = Counts(impressions, rng.binomial(500, RATE, 4000).astype(float), impressions)
    strengths = estimate_strengths(counts, np.repeat(np.arange(1000), 4), RATE)
    assert min(strengths) > 10_000


def test_too_few_to_tell() -> None:
    counts = Counts(np.full(21, 900.0), np.arange(21.0), np.full(21, 900.0))
    one_group = np.zeros(21, int)
    assert FREE == 20
    assert estimate_strength(Counts(*(c[:20] for c in counts)), one_group[:20], np.full(20, RATE)) == STRENGTH
    assert estimate_strength(counts, one_group, np.full(21, RATE)) != STRENGTH
    assert estimate_strengths(counts, np.arange(21), RATE).of_artworks == STRENGTH  # each the only one of its title


def test_little_data_move_the_fallback_little() -> None:
    """30 artworks of 5 impressions, of which three were played twice: by themselves they would say 4 impressions."""
    counts = Counts(np.full(30, 5.0), np.repeat([2.0, 0.0], [3, 27]), np.full(30, 5.0))
    assert estimate_strength(counts, np.zeros(30, int), np.full(30, RATE)) == pytest.approx(STRENGTH, rel=0.3)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.tuples(st.integers(1, 2000), st.floats(0, 0.2)), min_size=1, max_size=4), min_size=1, max_size=4),
    st.floats(5, 5000),
    st.floats(5, 5000),
)
def test_it_is_what_normal_theory_says(tree: list[list[tuple[int, float]]], of_titles: float, of_artworks: float) -> None:
    """The same tree with normal rates, all unknowns at once: means and precisions by solving one dense system."""
    number = np.array([title for title, artworks in enumerate(tree) for _ in artworks])
    shown = np.array([float(n) for artworks in tree for n, _ in artworks])
    rates = np.array([rate for artworks in tree for _, rate in artworks])
    titles = np.eye(len(tree))[number]  # (artworks, titles)
    precision = np.block(
        [
            [np.diag(of_titles + of_artworks * titles.sum(0)), -of_artworks * titles.T],
            [-of_artworks * titles, np.diag(of_artworks + shown)],
        ]
    )
    covariance = np.linalg.inv(precision)
    mean = covariance @ np.concatenate([np.full(len(tree), of_titles * RATE), shown * rates])
    artworks, unseen = believe(Counts(shown, shown * rates, shown), number, RATE, Strengths(of_titles, of_artworks))
    np.testing.assert_allclose(artworks.mean, mean[len(tree) :].clip(1e-6), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(artworks.strength, 1 / np.diag(covariance)[len(tree) :], rtol=1e-6)
    np.testing.assert_allclose(unseen.mean, mean[: len(tree)].clip(1e-6), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(1 / unseen.strength, np.diag(covariance)[: len(tree)] + 1 / of_artworks, rtol=1e-6)


def test_titles_that_are_alike_lend_each_other_all_and_nothing_else() -> None:
    counts = Counts(np.array([10.0, 30.0]), np.array([4.0, 2.0]), np.array([10.0, 30.0]))
    artworks, unseen = believe(counts, np.zeros(2, int), RATE, Strengths(inf, 100.0))
    np.testing.assert_allclose(artworks.mean, [(4 + 5) / 110, (2 + 5) / 130])
    np.testing.assert_allclose(artworks.strength, [110, 130])
    assert (unseen.mean.tolist(), unseen.strength.tolist()) == ([RATE], [100])


def test_the_truth_is_nearer_than_by_plain_rates_or_the_fixed_strength() -> None:
    counts, number, truth = drawn(np.random.default_rng(3), 300, 6, 300, 60, 600)
    learned, _ = believe(counts, number, RATE, estimate_strengths(counts, number, RATE))
    fixed, _ = believe(counts, number, RATE, Strengths(inf, STRENGTH))
    off = [float(((mean - truth) ** 2).mean()) for mean in (learned.mean, fixed.mean, counts.plays / counts.shown)]
    assert off[0] < 0.8 * off[1] < off[2]


def test_beliefs_are_as_sure_as_they_are_right() -> None:
    """Of the truths drawn, as many lie within two standard deviations as should."""
    counts, number, truth = drawn(np.random.default_rng(4), 400, 5, 800, 200, 300)
    known, _ = believe(counts, number, RATE, estimate_strengths(counts, number, RATE))
    apart = (truth - known.mean) / np.sqrt(known.mean * (1 - known.mean) / (known.strength + 1))
    assert apart.std() == pytest.approx(1, abs=0.08)
    assert (np.abs(apart) < 2).mean() == pytest.approx(0.954, abs=0.015)


def test_a_segment_is_shrunk_towards_the_others_by_hand() -> None:
    counts = Counts(np.array([20.0, 30.0]), np.array([8.0, 3.0]), np.array([20.0, 30.0]))
    of_artwork = Beliefs(np.array([(11 + 5) / 150]), np.array([150.0]))
    found, strength = believe_segments(counts, np.zeros(2, int), of_artwork, np.ones(2))
    assert strength == STRENGTH
    rest = np.array([130.0, 120.0])
    before, worth = np.array([8.0, 13.0]) / rest, 1 / (1 / rest + 1 / 100)
    np.testing.assert_allclose(found.strength, counts.shown + worth)
    np.testing.assert_allclose(found.mean, (counts.plays + worth * before) / found.strength)


def test_a_segment_that_plays_twice_as_much_expects_twice_as_much() -> None:
    counts = Counts(np.array([1e-9, 1000.0]), np.array([0.0, 50.0]), np.array([1e-9, 1000.0]))
    found, _ = believe_segments(counts, np.zeros(2, int), Beliefs(np.array([0.05]), np.array([1100.0])), np.array([2.0, 1.0]))
    assert found.mean[0] == pytest.approx(0.1)


def test_there_are_never_fewer_impressions_than_plays() -> None:
    found = posterior(Beliefs(np.array([0.1]), np.array([10.0])), np.array([0.5]), np.array([2.0]))
    assert (found.mean[0], found.strength[0]) == (pytest.approx(3 / 12), 12)


def test_examination_is_found_where_the_best_stand_first() -> None:
    """Better artworks stand further ahead: plain rates by place would say that the last place is looked at far less than it is."""
    rng, artworks, shown = np.random.default_rng(5), 300, 200
    examined = np.array([1.0, 0.7, 0.45, 0.3, 0.2])
    appeal = np.sort(rng.beta(4, 46, artworks))[::-1]
    items, places = np.repeat(np.arange(artworks), 5), np.tile(np.arange(5), artworks)
    liked = np.exp(-np.abs(items / artworks * 4 - places))  # where the policy puts it
    counts = np.round(shown * 5 * liked / liked.reshape(-1, 5).sum(1).repeat(5)).astype(int) + 1
    plays = rng.binomial(counts, (appeal[items] * examined[places])).astype(float)
    found = estimate_factors(places, items, counts.astype(float), plays, float(plays.sum() / counts.sum()))
    error = 1 / np.sqrt(np.bincount(places, plays))
    plain = np.bincount(places, plays) / np.bincount(places, counts)
    np.testing.assert_allclose(np.log(found / found[0]), np.log(examined), atol=float(4 * 2 * error.max()))
    assert np.log(plain[-1] / plain[0]) < np.log(examined[-1]) - 0.5
    assert np.average(found[places], weights=counts) == pytest.approx(1)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 4), st.integers(1, 5))
def test_factors_are_a_fixed_point(seed: int, kinds: int, items: int) -> None:
    rng = np.random.default_rng(seed)
    of_kind, of_item = (grid.ravel() for grid in np.meshgrid(np.arange(kinds), np.arange(items)))
    shown = rng.integers(1, 500, kinds * items).astype(float)
    plays = rng.binomial(shown.astype(int), 0.1).astype(float)
    factors = estimate_factors(of_kind, of_item, shown, plays, 0.1)
    rates = (np.bincount(of_item, plays) + 10) / (np.bincount(of_item, shown * factors[of_kind]) + 100)
    again = (np.bincount(of_kind, plays) + 20) / (np.bincount(of_kind, shown * rates[of_item]) + 20)
    np.testing.assert_allclose(again / again[0], factors / factors[0], rtol=1e-6)


def test_bounds() -> None:
    counts = Counts(np.full(100, 1e6), np.tile([0.0, 1e6], 50), np.full(100, 1e6))
    assert estimate_strength(counts, np.zeros(100, int), np.full(100, 0.5)) == 5
    same = Counts(np.full(100, 1e6), np.full(100, 5e5), np.full(100, 1e6))
    assert estimate_strength(same, np.zeros(100, int), np.full(100, 0.5)) == MOST
