"""Weights that a store publishes: every matcher takes them, those that run take them up, and they can be forgotten."""

from pathlib import Path

import pytest

from embed.errors import StoreError
from embed.locks import only_writer
from embed.store import Store, table_version
from match.blend import Weights
from match.choices import Asked, write_choices
from match.fitting.published import forget_weights, publish_weights, read_published, read_weights
from match.live import LiveMatcher
from match.matcher import Matcher

OURS = Weights(1.25, 0.75, 0.5, 0.5)
ON = {
    "choices": 9000,
    "plays": 600,
    "users": 300,
    "snapshots": ["000001"],
    "gain": 0.003,
    "gain_low": 0.001,
    "gain_high": 0.005,
}


def test_what_is_published_is_read_again(empty_store: Store) -> None:
    assert (read_weights(empty_store), read_published(empty_store)) == (Weights(), None)
    publish_weights(empty_store, OURS, {"ridge": 4.0}, **ON)
    published = read_published(empty_store)
    assert published is not None
    assert (published[0], read_weights(empty_store)) == (OURS, OURS)
    assert published[1].pop("fitted_at").tzinfo is not None
    assert published[1] == ON | {"report": {"ridge": 4.0}}


def test_the_last_ones_hold_until_they_are_forgotten(empty_store: Store) -> None:
    assert not forget_weights(empty_store)
    versions = [table_version(empty_store, "blend")]
    for weights in (OURS, Weights(2.0)):
        publish_weights(empty_store, weights, {}, **ON)
        assert read_weights(empty_store) == weights
        versions.append(table_version(empty_store, "blend"))
    assert forget_weights(empty_store)
    assert read_weights(empty_store) == Weights()
    assert not forget_weights(empty_store)
    versions.append(table_version(empty_store, "blend"))
    assert versions == sorted(set(versions))  # who follows them sees each


def test_one_job_at_a_time(empty_store: Store) -> None:
    with only_writer(empty_store.lock("blend"), "another"), pytest.raises(StoreError, match=r"another .* is writing to"):
        publish_weights(empty_store, OURS, {}, **ON)
    assert read_published(empty_store) is None


def test_a_matcher_has_them_unless_others_are_given(given_store: Store) -> None:
    publish_weights(given_store, OURS, {}, **ON)
    assert Matcher.open(given_store).weights == OURS
    assert Matcher.open(given_store, Weights(3.0)).weights == Weights(3.0)
    kiss, plain = (Matcher.open(given_store, weights).choose("rosa", ["harbour"])[0].artwork for weights in (None, Weights()))
    assert kiss is not None
    assert plain is not None
    assert kiss.similarity_part == pytest.approx(2.5 * plain.similarity_part)


def test_a_matcher_that_runs_takes_them_up(given_store: Store) -> None:
    live, given = (LiveMatcher(given_store, weights, seconds=None) for weights in (None, Weights(3.0)))
    assert (live.current.weights, live.refresh()) == (Weights(), False)
    publish_weights(given_store, OURS, {}, **ON)
    held = live.current.profiles
    assert live.refresh()
    assert (live.current.weights, live.current.profiles is held) == (OURS, True)
    given.refresh()
    assert given.current.weights == Weights(3.0)
    forget_weights(given_store)
    assert live.refresh()
    assert live.current.weights == Weights()


def test_all_choices_are_made_with_them_and_made_anew_when_they_change(given_store: Store, tmp_path: Path) -> None:
    publish_weights(given_store, OURS, {}, **ON)
    assert write_choices(given_store, tmp_path / "all").made > 0
    assert write_choices(given_store, tmp_path / "all").made == 0
    forget_weights(given_store)
    with pytest.raises(StoreError, match=r"made with weights \{'similarity': 1.25.*, and now it would be \{'similarity': 0.5"):
        write_choices(given_store, tmp_path / "all")
    assert write_choices(given_store, tmp_path / "all", Asked(weights=OURS)).made == 0
