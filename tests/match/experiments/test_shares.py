"""Users per arm beside the plan."""

import pytest

from match.experiments.shares import evenness, sample_ratio


@pytest.mark.parametrize(
    ("users", "planned", "p"),
    [
        ({"a": 821_588, "b": 815_482}, {"a": 1, "b": 1}, 1.8e-6),  # Kohavi, Tang & Xu 2020, chapter 3
        ({"a": 50, "b": 50}, {"a": 1, "b": 1}, 1.0),
        ({"a": 60, "b": 40}, {"a": 1, "b": 1}, 0.04550026),  # a chi-square of 4
        ({"a": 90, "b": 30, "c": 0}, {"a": 2, "b": 1, "c": 1}, 1.6919e-10),  # of 45, its tail exp(-45 / 2)
    ],
)
def test_known_values(users: dict[str, int], planned: dict[str, float], p: float) -> None:
    found = sample_ratio(users, planned)
    assert found.p == pytest.approx(p, rel=0.02)
    assert found.holds == (p > 0.001)
    assert sum(found.planned.values()) == pytest.approx(1)


def test_the_unit_of_the_shares_is_nobody_s_business() -> None:
    users = {"a": 700, "b": 330}
    assert sample_ratio(users, {"a": 2, "b": 1}).p == pytest.approx(sample_ratio(users, {"a": 66.6, "b": 33.3}).p)


@pytest.mark.parametrize("users", [{"a": 100}, {"a": 0}])
def test_one_arm_alone(users: dict[str, int]) -> None:
    assert sample_ratio(users, {"a": 1}).holds


def test_nobody_came_yet() -> None:
    assert sample_ratio({"a": 0, "b": 0}, {"a": 1, "b": 1}).p == 1


@pytest.mark.parametrize(
    ("aside", "users", "p"),
    [
        ({"a": 60, "b": 40}, {"a": 200, "b": 200}, 0.0209213),  # a chi-square of 16 / 3: 10 of 50 off, twice, and 10 of 150
        ({"a": 20, "b": 60}, {"a": 100, "b": 300}, 1.0),
        ({"a": 4, "b": 0}, {"a": 10_000, "b": 10_000}, 1.0),  # too few to tell
        ({"a": 9, "b": 0}, {"a": 10, "b": 9_990}, 1.0),  # of a there are few
        ({"a": 9}, {"a": 100}, 1.0),
    ],
)
def test_whether_as_many_of_each_arm_were_set_aside(aside: dict[str, int], users: dict[str, int], p: float) -> None:
    assert evenness(aside, users) == pytest.approx(p, rel=1e-5)
