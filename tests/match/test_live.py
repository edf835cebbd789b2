"""The matcher that follows: one snapshot a call, the newest soon, and nothing of the former is left."""

import gc
import logging
import os
import re
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from embed.errors import SnapshotError
from embed.store import Store, open_store
from index.publish import publish_snapshot, serve_snapshot
from match.clicks.priors import learn_priors
from match.live import LiveMatcher
from match.matcher import Choice

ROMANCE, COMEDY, HORROR, PLAIN = np.eye(4, dtype=np.float32)
TITLES = [f"t{number:02}" for number in range(12)]
PUBLISHED = 50


def world(version: int) -> dict[str, list[dict[str, Any]]]:
    """Titles whose artwork names its version. The one that rosa loves stands in another row each time, and some titles come and
    go, so that columns of one version and vectors of another would give a wrong answer."""
    titles = {}
    for number, title_id in enumerate(TITLES[: 8 + version % 5]):
        lovely = (version + number) % 4
        titles[title_id] = [
            {
                "artwork_id": f"{title_id}:{n}-{'love' if n == lovely else 'other'}-{version}",
                "vector": ROMANCE if n == lovely else HORROR,
            }
            for n in range(4 + (version + number) % 3)
        ]
    return titles


@pytest.fixture(scope="module")
def _live_store(
    tmp_path_factory: pytest.TempPathFactory, make_store: Callable[..., Store], write_artwork: Callable[..., None], users: dict
) -> Store:
    """With the vectors of all versions, in one commit; only ever copied."""
    store = make_store(tmp_path_factory.mktemp("live") / "store", {}, users, publish=False)
    worlds = [world(version) for version in range(PUBLISHED + 1)]
    write_artwork(store, {f"{n}-{title}": rows for n, titles in enumerate(worlds) for title, rows in titles.items()})
    return store


@pytest.fixture
def live_store(tmp_path: Path, _live_store: Store, write_artwork: Callable[..., None]) -> Store:
    shutil.copytree(_live_store.root, tmp_path / "store")
    store = open_store(tmp_path / "store")
    write_artwork(store, world(0), vectors=False)
    publish_snapshot(store)
    return store


@pytest.fixture
def publish(live_store: Store, write_artwork: Callable[..., None]) -> Callable[[int], None]:
    """publish(version) writes the artwork of that version, whose vectors are there, and publishes it."""

    def run(version: int) -> None:
        write_artwork(live_store, world(version), vectors=False)
        publish_snapshot(live_store)

    return run


def version_of(choices: list[Choice]) -> int:
    """The one version of all of a page's artwork, each the right one of it."""
    versions = set()
    for choice in choices:
        if choice.artwork is not None:
            kind, version = choice.artwork.artwork_id.split("-")[1:]
            assert (kind, choice.artwork.path) == ("love", f"{choice.artwork.artwork_id}.png")
            versions.add(int(version))
    assert len(versions) == 1
    (version,) = versions
    assert [choice.artwork is not None for choice in choices] == [title in world(version) for title in TITLES]
    return version


def mapped(store: Store) -> set[str]:
    """The snapshots of which this process maps a file."""
    return set(re.findall(rf"{re.escape(str(store.snapshots))}/(\d+)/", Path("/proc/self/maps").read_text()))


def test_threads_ask_while_snapshots_are_published(live_store: Store, publish: Callable[[int], None]) -> None:
    stop, wrong, counts = threading.Event(), [], []

    def ask(matcher: LiveMatcher) -> None:
        last, calls = 0, 0
        try:
            while not stop.is_set():
                version = version_of(matcher.choose("rosa", TITLES))
                assert version >= last
                last, calls = version, calls + 1
                stop.wait(0.01)  # the publisher needs the interpreter, too
        except BaseException as error:
            wrong.append(error)
        counts.append((last, calls))

    with LiveMatcher(live_store, seconds=0.01) as matcher:
        threads = [threading.Thread(target=ask, args=(matcher,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for version in range(1, PUBLISHED + 1):
            publish(version)
        matcher.refresh()
        time.sleep(0.2)
        stop.set()
        for thread in threads:
            thread.join()
        assert wrong == []
        assert [last for last, _ in counts] == [PUBLISHED] * 8
        assert min(calls for _, calls in counts) > PUBLISHED
        gc.collect()
        # its own files, and the base, which stands in the folder of the snapshot with which it was first opened
        assert len(mapped(live_store)) <= 2
    del matcher
    gc.collect()
    assert mapped(live_store) == set()


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux's /proc")
def test_memory_returns_to_where_it_was(live_store: Store, publish: Callable[[int], None]) -> None:
    def resident() -> int:
        gc.collect()
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    with LiveMatcher(live_store, seconds=None) as matcher:
        for version in range(1, 11):  # what is made once is made
            publish(version)
            matcher.refresh()
            matcher.choose("rosa", TITLES)
        measured = [resident()]
        for version in range(11, PUBLISHED + 1):
            publish(version)
            assert matcher.refresh()
            matcher.choose("rosa", TITLES)
            if version % 10 == 0:
                measured.append(resident())
        # What is lost is lost with every one; what else this process does may take memory in one of the spans, not in each.
        assert min(np.diff(measured)) < 2 * 2**20


def test_only_a_refresh_takes_up_what_is_new(live_store: Store, publish: Callable[[int], None]) -> None:
    with LiveMatcher(live_store, seconds=None) as matcher:
        first = matcher.current
        assert not matcher.refresh()
        assert matcher.current is first
        publish(1)
        assert version_of(matcher.choose("rosa", TITLES)) == 0
        assert matcher.refresh()
        assert version_of(matcher.choose_many(["rosa"], TITLES)[0]) == 1
        assert first.choose("rosa", TITLES[:1])[0].artwork.artwork_id.endswith("-0")  # type: ignore[union-attr]


def test_it_looks_by_itself(live_store: Store, publish: Callable[[int], None]) -> None:
    with LiveMatcher(live_store, seconds=0.01) as matcher:
        publish(1)
        for _ in range(500):
            if version_of(matcher.choose("rosa", TITLES)) == 1:
                return
            time.sleep(0.01)
    raise AssertionError("what was published is not taken up")


def test_going_back_is_followed_too(live_store: Store, publish: Callable[[int], None]) -> None:
    publish(1)
    with LiveMatcher(live_store, seconds=None) as matcher:
        serve_snapshot(live_store, "000001")
        assert matcher.refresh()
        assert version_of(matcher.choose("rosa", TITLES)) == 0


def test_a_damaged_one_is_not_taken_up_and_said(
    live_store: Store, publish: Callable[[int], None], caplog: pytest.LogCaptureFixture
) -> None:
    with LiveMatcher(live_store, seconds=None) as matcher:
        publish(1)
        (live_store.snapshots / "000002" / "titles.arrow").write_bytes(b"nothing")
        with pytest.raises(SnapshotError, match=r"titles\.arrow is missing or altered"):
            matcher.refresh()
        assert version_of(matcher.choose("rosa", TITLES)) == 0
    with caplog.at_level(logging.ERROR), LiveMatcher.__new__(LiveMatcher) as bare:
        bare.__dict__.update(matcher.__dict__, _closed=threading.Event(), _thread=None)
        thread = threading.Thread(target=bare._follow, args=(0.001,))
        thread.start()
        time.sleep(0.1)
        bare.close()
        thread.join()
    assert [record.getMessage() for record in caplog.records] == [
        f"snapshot 000001 serves on: {live_store.snapshots}/000002/titles.arrow is missing or altered since it was published; "
        f"run scripts/build_index.py --store {live_store.root}"
    ]
    publish(2)
    assert matcher.refresh()
    assert version_of(matcher.choose("rosa", TITLES)) == 2


def test_new_priors_are_taken_up_and_the_snapshot_is_kept(live_store: Store, tmp_path: Path) -> None:
    with LiveMatcher(live_store, seconds=None) as matcher:
        before = matcher.current
        (tmp_path / "impressions.csv").write_text("impression_id,title_id,artwork_id\n1,t00,t00:0-love-0\n")
        (tmp_path / "plays.csv").write_text("impression_id,seconds,fraction\n")
        learn_priors(tmp_path, live_store)
        assert matcher.refresh()
        assert matcher.current.snapshot is before.snapshot
        assert matcher.current.profiles is before.profiles
        art = matcher.choose("rosa", ["t00"])[0].artwork
        assert art is not None
        assert art.prior.impressions == 1


def test_new_priors_of_lines_are_taken_up(live_store: Store, tmp_path: Path) -> None:
    with LiveMatcher(live_store, seconds=None) as matcher:
        (tmp_path / "impressions.csv").write_text("impression_id,title_id,artwork_id,copy_id\n1,t00,t00:0-love-0,l1\n")
        (tmp_path / "plays.csv").write_text("impression_id,seconds,fraction\n1,900,1\n")
        learn_priors(tmp_path, live_store)
        assert matcher.refresh()
        expected = [
            {"title_id": "t00", "copy_id": "l1", "impressions": 1, "plays": 1, "effective": 1.0, "effective_plays": 1.0}
        ]
        assert matcher.current.priors.lines.to_pylist() == expected
        assert not matcher.refresh()


def test_new_tastes_are_taken_up(live_store: Store, write_users: Callable[..., None]) -> None:
    with LiveMatcher(live_store, seconds=None) as matcher:
        write_users(live_store, {"rosa": [("scary films", "genre", 1.0, HORROR)]})
        assert "other" in _artwork_id(matcher, refresh=True)


def _artwork_id(matcher: LiveMatcher, *, refresh: bool) -> str:
    assert matcher.refresh() == refresh
    art = matcher.choose("rosa", ["t00"])[0].artwork
    assert art is not None
    return art.artwork_id
