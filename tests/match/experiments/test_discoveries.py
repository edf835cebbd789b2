"""False discoveries, beside the procedures as their papers have them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from match.experiments.discoveries import discoveries

P_VALUES = st.lists(st.sampled_from([0.0, 1e-6, 0.001, 0.01, 0.02, 0.03, 0.05, 0.2, 0.5, 1.0]) | st.floats(0, 1), max_size=30)


def step_up(p: np.ndarray, share: float, *, any_dependence: bool) -> np.ndarray:
    """The oracle: the largest k whose k-th smallest is at most k / m of the share; all at or below that one are found."""
    m = len(p)
    price = sum(1 / k for k in range(1, m + 1)) if any_dependence else 1
    limits = [q for k, q in enumerate(sorted(p), 1) if q <= k * share / (m * price)]
    return np.array([bool(limits) and q <= limits[-1] for q in p], bool)


@given(P_VALUES, st.sampled_from([0.01, 0.0501, 0.2]), st.booleans())
def test_as_the_papers_have_it(values: list[float], share: float, any_dependence: bool) -> None:
    p = np.array(values)
    told = discoveries(p, share, any_dependence=any_dependence)
    np.testing.assert_array_equal(told.found, step_up(p, share, any_dependence=any_dependence))


@given(P_VALUES.filter(len), st.booleans())
def test_adjusted_is_the_smallest_share_at_which_it_is_found(values: list[float], any_dependence: bool) -> None:
    p = np.array(values)
    adjusted = discoveries(p, 0.05, any_dependence=any_dependence).adjusted
    assert ((adjusted >= p) & (adjusted <= 1)).all()
    for place, share in enumerate(adjusted):
        if share == 1:  # never, or only where all are taken for discoveries
            continue
        assert step_up(p, share * (1 + 1e-9) + 1e-300, any_dependence=any_dependence)[place]
        if share > 1e-300:
            assert not step_up(p, share * (1 - 1e-9), any_dependence=any_dependence)[place]


@given(P_VALUES, st.booleans())
def test_the_level_of_one_test_divides_them(values: list[float], any_dependence: bool) -> None:
    p = np.array(values)
    told = discoveries(p, 0.0501, any_dependence=any_dependence)
    near = np.isclose(p, told.level, rtol=1e-9, atol=0)
    np.testing.assert_array_equal((p <= told.level)[~near], told.found[~near])


def test_by_hand() -> None:
    told = discoveries(np.array([0.03, 0.001, 0.2, 0.02]), 0.05)
    np.testing.assert_allclose(told.adjusted, [0.04, 0.004, 0.2, 0.04])
    assert told.found.tolist() == [True, True, False, True]
    assert told.level == pytest.approx(0.05 * 3 / 4)


@pytest.mark.parametrize("p", [[-0.1], [1.1], [np.nan]])
def test_what_is_no_p_value(p: list[float]) -> None:
    with pytest.raises(ValueError, match="p-values"):
        discoveries(np.array(p), 0.05)
