"""Thompson sampling's places: against what is known in closed form, and against draws."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from match.judging import ranked
from match.judging.ranked import ranked_propensities


def drawn(alpha: np.ndarray, beta: np.ndarray, places: int, draws: int) -> np.ndarray:
    """(k, places): how often each artwork got each place, in that many draws."""
    random, counts = np.random.default_rng(0), np.zeros((len(alpha), places))
    for _ in range(draws // 10_000):
        order = np.argsort(-random.beta(alpha, beta, (10_000, len(alpha))), axis=1)[:, :places]
        for place in range(places):
            counts[:, place] += np.bincount(order[:, place], minlength=len(alpha))
    return counts / draws


def test_a_million_draws_agree_to_one_percent() -> None:
    alpha, beta = np.array([47.0, 8.0, 62.0, 142.0, 3.0]), np.array([12198.0, 2566.0, 15993.0, 35522.0, 967.0])
    exact, seen = ranked_propensities(alpha, beta, 3), drawn(alpha, beta, 3, 1_000_000)
    assert seen == pytest.approx(exact, rel=0.01)  # the rarest has 0.05, which a million draws know to 0.5 %
    assert exact.min() > 0.05


def test_two_artworks_in_closed_form() -> None:
    """P(Beta(a, b) > Beta(c, d)) for whole numbers: Cook 2003, Exact Calculation of Beta Inequalities."""
    assert ranked_propensities(np.array([2.0, 1.0]), np.array([1.0, 1.0]))[:, 0] == pytest.approx([2 / 3, 1 / 3], abs=1e-9)
    assert ranked_propensities(np.array([1.0, 1.0]), np.array([1.0, 4.0]))[:, 0] == pytest.approx([0.8, 0.2], abs=1e-9)
    beats = ranked_propensities(np.array([3.0, 1.0]), np.array([1.0, 3.0]), 2)
    assert beats == pytest.approx(np.array([[0.95, 0.05], [0.05, 0.95]]), abs=1e-9)


@given(st.lists(st.tuples(st.floats(-1.5, 6.0), st.floats(-1.5, 6.0)), min_size=1, max_size=6))
@example([(0.0, 2.0), (1.75, -1.5), (4.25, 2.0)])  # where interpolation gave a probability of -3e-139
def test_every_place_goes_to_somebody_and_everybody_gets_a_place(posteriors: list[tuple[float, float]]) -> None:
    alpha, beta = (10.0 ** np.array(column) for column in zip(*posteriors, strict=True))  # 0.03 to 10^6, each its own width
    found = ranked_propensities(alpha, beta, len(alpha))
    assert (found >= 0).all()
    assert found.sum(axis=0) == pytest.approx(np.ones(len(alpha)))
    assert found.sum(axis=1) == pytest.approx(np.ones(len(alpha)), abs=1e-4)
    again = ranked_propensities(alpha[::-1], beta[::-1], len(alpha))
    assert again[::-1] == pytest.approx(found, abs=1e-9)


def test_artworks_alike_share_evenly_however_sharp() -> None:
    for evidence in (0.02, 1.0, 1e3, 1e8):
        found = ranked_propensities(np.full(7, evidence), np.full(7, 3 * evidence), 7)
        assert found == pytest.approx(np.full((7, 7), 1 / 7), abs=1e-6)


def test_a_sure_artwork_within_a_wide_one_cuts_it_where_it_stands() -> None:
    """Beta(1, 1) draws more than one that is all but certainly 0.3 with probability 0.7."""
    found = ranked_propensities(np.array([1.0, 3e9]), np.array([1.0, 7e9]))
    assert found[:, 0] == pytest.approx([0.7, 0.3], abs=1e-5)


def test_memory_in_parts_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    alpha, beta = np.array([5.0, 9.0, 30.0]), np.array([50.0, 100.0, 200.0])
    whole = ranked_propensities(alpha, beta, 2)
    monkeypatch.setattr(ranked, "AT_ONCE", 100)
    assert ranked_propensities(alpha, beta, 2) == pytest.approx(whole, rel=1e-9)


@pytest.mark.parametrize(
    ("alpha", "beta", "places", "said"),
    [([1.0], [0.0], 1, "above 0"), ([1.0, 2.0], [1.0], 1, "alpha and beta"), ([1.0], [1.0], 2, "places 2: give 1 to 1")],
)
def test_what_is_no_posterior_is_refused(alpha: list[float], beta: list[float], places: int, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        ranked_propensities(np.array(alpha), np.array(beta), places)
