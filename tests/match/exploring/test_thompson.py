"""Thompson sampling's propensities, against endless draws and against integrals on very fine grids."""

from itertools import pairwise
from math import erf, hypot
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from match.exploring.thompson import Posteriors, normal_scores, win_probabilities

SORTS = ("cold", "page", "from flat to sharp", "sharp", "flat")
OVER = 0.05  # of 1 / n: propensities above this share are held to the tolerance; a policy's floor hides what is below


def draw(sort: str, n: int, rng: np.random.Generator) -> Posteriors:
    """Posteriors of one title: the prior of a catalog worth 100 impressions, and what clicks added to it."""
    if sort == "flat":
        return Posteriors(rng.uniform(1, 3, n), rng.uniform(1, 30, n), rng.normal(0, 0.5, n))
    impressions = {
        "cold": np.zeros(n),
        "page": rng.choice([0, 50, 500, 5_000, 50_000], n) * rng.uniform(0.5, 1.5, n),
        "from flat to sharp": 10 ** rng.uniform(0, 7, n),
        "sharp": 10 ** rng.uniform(4, 7, n),
    }[sort].astype(int)
    plays = rng.binomial(impressions, 1 / (1 + np.exp(-rng.normal(-3, 0.25, n))))
    return Posteriors(plays + 5.0, impressions - plays + 95.0, rng.normal(0, 0.03 if sort == "sharp" else 0.5, n))


def log_density(posteriors: Posteriors, at: np.ndarray) -> np.ndarray:
    """(nodes, n): of a Beta in log-odds, but for a constant, 0 at the mode."""
    a, b = posteriors.plays, posteriors.failures
    away = at[:, None] - posteriors.modes
    return a * away - (a + b) * np.log1p(a / (a + b) * np.expm1(away.clip(-700, 700)))


def by_integration(posteriors: Posteriors) -> np.ndarray:
    """P(a) = ∫ f_a Π F_b dx, by trapezoids on a grid fine about every mode."""
    lengths = np.concatenate([-np.geomspace(60, 1e-3, 900), np.geomspace(1e-3, 12, 700)])
    at = np.unique((posteriors.modes + lengths[:, None] * posteriors.deviations).ravel())
    density = np.exp(log_density(posteriors, at))
    pieces = (density[1:] + density[:-1]) / 2 * np.diff(at)[:, None]
    below = np.concatenate([np.zeros((1, pieces.shape[1])), np.cumsum(pieces, axis=0)])
    density, below = density / below[-1], below / below[-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        integrand = np.where(below > 0, density * below.prod(axis=1, keepdims=True) / below, 0.0)
    return ((integrand[1:] + integrand[:-1]) / 2 * np.diff(at)[:, None]).sum(axis=0)


def alone(posteriors: Posteriors) -> np.ndarray:
    return win_probabilities(posteriors, np.array([0, len(posteriors.plays)]))


@pytest.mark.parametrize("sort", SORTS)
def test_within_one_percent_of_the_integral(sort: str) -> None:
    rng = np.random.default_rng(7)
    for _ in range(12):
        posteriors = draw(sort, int(rng.integers(2, 21)), rng)
        exact = by_integration(posteriors)
        assert exact.sum() == pytest.approx(1, abs=1e-3)  # the oracle is right itself
        matters = exact > OVER / len(exact)
        np.testing.assert_allclose(alone(posteriors)[matters], exact[matters], rtol=0.01)


@pytest.mark.parametrize("sort", SORTS)
def test_within_one_percent_of_endless_draws(sort: str) -> None:
    """One percent, and four standard errors of the simulation besides."""
    rng, draws = np.random.default_rng(11), 200_000
    for _ in range(2):
        posteriors = draw(sort, 5, rng)
        rates = rng.beta(posteriors.plays, posteriors.failures, (draws, 5))
        best = (np.log(rates) - np.log1p(-rates) + posteriors.moved).argmax(axis=1)
        found, seen = alone(posteriors), np.bincount(best, minlength=5) / draws
        errors = 4 * np.sqrt(found * (1 - found) / draws)
        matters = found > OVER / 5
        assert (np.abs(found - seen) <= 0.01 * found + errors)[matters].all()


@given(seed=st.integers(0, 2**32), sizes=st.lists(st.integers(1, 9), min_size=1, max_size=6), sort=st.sampled_from(SORTS))
@settings(max_examples=30)
def test_a_page_is_its_titles_one_by_one_and_each_adds_up_to_one(seed: int, sizes: list[int], sort: str) -> None:
    rng, starts = np.random.default_rng(seed), np.cumsum([0, *sizes])
    page = draw(sort, int(starts[-1]), rng)
    together = win_probabilities(page, starts)
    for start, end in pairwise(starts.tolist()):
        own = together[start:end]
        assert own.sum() == pytest.approx(1)
        assert (own >= 0).all()
        np.testing.assert_allclose(own, alone(page.taken(np.arange(start, end))), atol=1e-9)


def test_equals_share_alike_and_the_only_one_always_wins() -> None:
    page = Posteriors(np.full(5, 6.0), np.full(5, 90.0), np.zeros(5))
    np.testing.assert_allclose(win_probabilities(page, np.array([0, 4, 5])), [0.25] * 4 + [1.0])


def test_two_normals_in_the_limit() -> None:
    """Of many impressions a posterior in log-odds is normal, and a difference of two normals has a closed form."""
    counts = np.array([4e6, 9e6])
    posteriors = Posteriors(counts * 0.1, counts * 0.9, np.array([0.001, 0.0]))
    score = 0.001 / hypot(*posteriors.deviations)
    assert alone(posteriors)[0] == pytest.approx((1 + erf(score / 2**0.5)) / 2, abs=5e-4)


def test_more_liked_is_likelier() -> None:
    rng = np.random.default_rng(3)
    page = draw("page", 6, rng)
    moved = page.moved.copy()
    moved[2] += 0.2
    more = alone(Posteriors(page.plays, page.failures, moved))
    before = alone(page)
    assert more[2] > before[2]
    assert (np.delete(more, 2) <= np.delete(before, 2) + 1e-6).all()


@pytest.mark.parametrize(
    ("plays", "failures", "tolerance"), [(1.0, 1.0, 0.006), (1.0, 19.0, 0.006), (5.0, 95.0, 0.001), (3e4, 1e6, 1e-5)]
)
def test_normal_scores_are_those_of_the_beta(plays: float, failures: float, tolerance: float) -> None:
    posteriors = Posteriors(np.array([plays]), np.array([failures]), np.array([0.7]))
    at = posteriors.modes + posteriors.deviations * np.linspace(-40, 12, 60_001)
    density = np.exp(log_density(posteriors, at)[:, 0])
    below = np.append(0, np.cumsum((density[1:] + density[:-1]) / 2))
    below /= below[-1]
    some = np.abs(below - 0.5) < 0.499
    scores = np.array([NormalDist().inv_cdf(share) for share in below[some][::50].tolist()])
    np.testing.assert_allclose(normal_scores(posteriors, at[some][::50, None])[:, 0], scores, atol=tolerance)


def test_at_the_very_mode_nothing_is_divided_by_zero() -> None:
    posteriors = Posteriors(np.array([5.0, 800.0]), np.array([95.0, 9000.0]), np.zeros(2))
    near = normal_scores(posteriors, posteriors.modes + posteriors.deviations * np.array([[-0.03], [0.0], [0.03]]))
    assert np.isfinite(near).all()
    np.testing.assert_allclose(near[1], (near[0] + near[2]) / 2, atol=1e-3)
