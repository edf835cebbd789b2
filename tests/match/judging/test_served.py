"""Served choices to a log: each artwork in its title's column, and rows that can't be judged named."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embed.errors import LogError
from match.judging.estimators import ips
from match.judging.served import in_columns, log_of, place

CONSIDERED = pa.list_(pa.struct([("artwork_id", pa.string()), ("propensity", pa.float64())]))


def row(title: str, user: str, shown: str, considered: dict[str, float], propensity: float | None = None) -> dict[str, Any]:
    among = [{"artwork_id": name, "propensity": p} for name, p in considered.items()]
    served = considered.get(shown, 1.0) if propensity is None else propensity
    return {"title_id": title, "user_id": user, "artwork_id": shown, "propensity": served, "considered": among}


def table(*rows: dict[str, Any]) -> pa.Table:
    strings = [(name, pa.string()) for name in ("title_id", "user_id", "artwork_id")]
    return pa.Table.from_pylist(list(rows), pa.schema([*strings, ("propensity", pa.float64()), ("considered", CONSIDERED)]))


CHOICES = (
    row("harbour", "ada", "kiss", {"kiss": 0.75, "sea": 0.25}),
    row("caper", "ada", "safe", {"safe": 1.0}),
    row("harbour", "ben", "ghost", {"sea": 0.5, "ghost": 0.5}),
)
POLICY = np.array([0.5, 0.5, 1.0, 0.2, 0.8])


def test_a_title_s_artwork_keeps_its_column_whatever_was_eligible() -> None:
    choices = pa.concat_tables([table(*CHOICES[:1]), table(*CHOICES[1:])])  # in two chunks
    log = log_of(choices, np.array([1.0, 0.0, 1.0]), POLICY)
    assert log.propensities is not None
    assert log.policies is not None
    sea = {int(np.flatnonzero(log.propensities[0] == 0.25)[0]), int(np.flatnonzero(log.policies[2] == 0.2)[0])}
    assert len(sea) == 1  # one column for both rows, though one names it second and the other first
    assert log.policy.tolist() == [0.5, 1.0, 0.8]
    assert log.propensity.tolist() == [0.75, 1.0, 0.5]
    assert log.propensities.sum(axis=1).tolist() == [1, 1, 1]
    assert log.groups[0] == log.groups[2] != log.groups[1]
    assert log.units.tolist() == [0, 0, 1]
    assert ips(log).value == pytest.approx((0.5 / 0.75 + 0.8 / 0.5) / 3)
    assert log.limit == pytest.approx(2.0)  # sea for ada


def test_what_a_policy_lacks_is_of_artwork_that_was_not_considered() -> None:
    log = log_of(table(*CHOICES), np.zeros(3), POLICY * [0.5, 0.5, 1, 1, 1])
    assert log.policies is not None
    assert log.policies[:, -1].tolist() == [0.5, 0, 0]
    assert log.policies.sum(axis=1).tolist() == [1, 1, 1]
    assert log.policies.shape == (3, 4)
    with pytest.raises(ValueError, match=r"give 0\.\.1"):
        log_of(table(*CHOICES), np.zeros(3), POLICY * 1.3)


def test_values_stand_where_the_log_has_its_propensities() -> None:
    log, values = log_of(table(*CHOICES), np.zeros(3), POLICY), np.arange(1.0, 6)
    placed = in_columns(place(table(*CHOICES)), values)
    assert log.policies is not None
    assert placed[log.policies > 0].sum() == values.sum()
    assert [placed[row, log.shown[row]] for row in range(3)] == [1, 3, 5]


@given(st.integers(0, 2**32 - 1))
def test_every_propensity_lands_where_a_loop_puts_it(seed: int) -> None:
    random = np.random.default_rng(seed)
    rows, policy = [], list[float]()
    for number in range(int(random.integers(1, 12))):
        title = f"t{random.integers(0, 3)}"
        names = random.permutation([f"{title}-{n}" for n in range(4)])[: random.integers(1, 5)].tolist()
        chances = random.dirichlet(np.ones(len(names))).tolist()
        rows.append(row(title, f"u{number}", names[int(random.integers(len(names)))], dict(zip(names, chances, strict=True))))
        policy += random.dirichlet(np.ones(len(names))).tolist()
    log = log_of(table(*rows), np.zeros(len(rows)), np.array(policy))
    assert log.policies is not None
    assert log.propensities is not None
    columns: dict[tuple[str, str], int] = {}
    place = 0
    for number, one in enumerate(rows):
        for among in one["considered"]:
            (column,) = np.flatnonzero(log.propensities[number] == among["propensity"])[:1]
            assert columns.setdefault((one["title_id"], among["artwork_id"]), column) == column
            assert log.policies[number, column] == policy[place]
            place += 1
        assert log.shown[number] == columns[one["title_id"], one["artwork_id"]]


@pytest.mark.parametrize(
    ("strange", "said"),
    [
        (
            row("harbour", "cy", "none", {"sea": 1.0}),
            "choice 3 shows 'none' with propensity 1, which is not what it considered",
        ),
        (row("caper", "cy", "sea", {"safe": 1.0}), "choice 3 shows 'sea'"),  # another title's
        (row("caper", "cy", "safe", {"safe": 0.4, "door": 0.6}, 1.0), "with propensity 1"),  # kept from before
    ],
)
def test_a_choice_that_was_not_drawn_is_named(strange: dict[str, Any], said: str) -> None:
    policy = np.append(POLICY, np.full(len(strange["considered"]), 1 / len(strange["considered"])))
    with pytest.raises(LogError, match=said):
        log_of(table(*CHOICES, strange), np.zeros(4), policy)


def test_what_is_missing_is_named() -> None:
    with pytest.raises(LogError, match="no considered"):
        log_of(table(*CHOICES).drop_columns(["considered"]), np.zeros(3), POLICY)
    with pytest.raises(LogError, match="rows without user_id"):
        log_of(table(*CHOICES, {**CHOICES[1], "user_id": None}), np.zeros(4), np.append(POLICY, 1.0))
    with pytest.raises(ValueError, match=r"policy \(2,\): give \(5,\)"):
        log_of(table(*CHOICES), np.zeros(3), np.zeros(2))
