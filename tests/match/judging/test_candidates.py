"""What candidates would have done at what was logged."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embed.errors import LogError, QueryError
from embed.records import CONSIDERED
from match.exploring.policies import Exploration, propensities
from match.exploring.thompson import Posteriors
from match.judging import candidates
from match.judging.candidates import Candidate, universal

STARTS = np.array([0, 3, 4, 6])
ROWS = [
    ("a", -2.0, 0.5, 0.0, 0.0),
    ("b", -2.5, 0.2, 1.0, 0.0),
    ("c", -2.1, 0.4, 0.0, 0.3),
    ("only", -3.0, 0.0, 0.0, 0.0),
    ("x", -1.0, 0.0, 0.0, 0.0),
    ("y", -1.5, 0.6, 0.0, 0.0),
]


def considered(**missing: None) -> pa.StructArray:
    rows: list[dict[str, Any]] = [
        {
            "artwork_id": name,
            "score": prior + similarity + people + words,
            "prior": prior,
            "similarity": similarity,
            "people": people,
            "words": words,
            "plays": 2.0 + place,
            "failures": 20.0,
            "propensity": 0.5,
            **missing,
        }
        for place, (name, prior, similarity, people, words) in enumerate(ROWS)
    ]
    return pa.array(rows, CONSIDERED)


@pytest.mark.parametrize(
    ("candidate", "chosen"),
    [
        (Candidate("best"), [0, 1, 0, 1, 0, 1]),
        (universal(), [1, 0, 0, 1, 1, 0]),
        (Candidate("no people", people=0.0), [0, 0, 1, 1, 0, 1]),
        (Candidate("similarity alone", people=0.0, words=0.0), [1, 0, 0, 1, 0, 1]),
        (Candidate("little similarity", similarity=0.25, people=0.0), [0, 0, 1, 1, 1, 0]),
        (Candidate("random", floor=1.0), [1 / 3, 1 / 3, 1 / 3, 1, 1 / 2, 1 / 2]),
        (Candidate("greedy with a floor", floor=0.3), [0.1, 0.8, 0.1, 1, 0.15, 0.85]),
    ],
    ids=lambda one: one.name if isinstance(one, Candidate) else "",
)
def test_who_is_chosen(candidate: Candidate, chosen: list[float]) -> None:
    assert candidate.propensities(considered(), STARTS).tolist() == pytest.approx(chosen)


@pytest.mark.parametrize("policy", ["softmax", "thompson"])
def test_propensities_are_those_that_the_matcher_would_have_drawn_with(policy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidates, "AT_ONCE", 3)  # three runs of one choice each
    numbers = np.array([row[1:] for row in ROWS])
    posteriors = Posteriors(2.0 + np.arange(6), np.full(6, 20.0), numbers[:, 1:].sum(axis=1))
    expected = propensities(Exploration(policy, floor=0.1, temperature=0.5), numbers.sum(axis=1), posteriors, STARTS)
    found = Candidate("as served", policy, floor=0.1, temperature=0.5).propensities(considered(), STARTS)
    assert found == pytest.approx(expected, rel=1e-5)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=30), st.integers(1, 12))
def test_runs_hold_every_choice_once(sizes: list[int], at_once: int) -> None:
    starts = np.append(0, np.cumsum(sizes))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(candidates, "AT_ONCE", at_once)
        runs = candidates._runs(starts)
    assert [place for first, last in runs for place in range(first, last)] == list(range(len(sizes)))
    assert all(starts[last] - starts[first] < at_once + max(sizes) for first, last in runs)


def test_weights_stand_in_place_of_those_that_served() -> None:
    """similarity of twice the weight that served is twice the part, whatever that was; where it was 0, nobody knows."""
    twice, served = Candidate("twice", similarity=1.5, people=0.0), np.array([[0.75, 1, 0], [0.75, 1, 0], [3.0, 1, 0]])
    assert twice.propensities(considered(), STARTS, served).tolist() == [1, 0, 0, 1, 1, 0]
    with pytest.raises(LogError, match="words: words was served with a weight of 0"):
        Candidate("words", words=0.1).propensities(considered(), STARTS, served)


def test_what_is_lacking_is_named() -> None:
    with pytest.raises(LogError, match="Thompson: of the artwork considered, 6 of 6 have no plays"):
        Candidate("Thompson", "thompson").propensities(considered(plays=None), STARTS)
    assert Candidate("best").propensities(considered(plays=None), STARTS).sum() == 3
    assert candidates.scores_of(considered(words=None)) is None


def test_what_cannot_be_is_refused() -> None:
    for wrong in ({"floor": 1.5}, {"policy": "worst"}, {"temperature": 0.0}, {"people": float("nan")}):
        with pytest.raises(QueryError):
            Candidate("wrong", **wrong)  # type: ignore[arg-type]
