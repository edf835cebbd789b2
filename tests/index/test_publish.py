"""Publishing: whole or not at all, one publisher at a time, and a way back."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from embed.errors import SnapshotError, StoreError
from embed.locks import only_writer
from embed.store import Store, read_table, replace_table
from index.publish import kept_snapshots, publish_snapshot, serve_snapshot
from index.snapshot import open_snapshot


def snapshots(store: Store) -> list[str]:
    return sorted(path.name for path in store.snapshots.iterdir())


def test_two_publishers_at_once_are_one_too_many(store: Store) -> None:
    publish_snapshot(store)
    with only_writer(store.lock("snapshots"), "build_index"):
        for publish in (lambda: publish_snapshot(store), lambda: serve_snapshot(store, "000001")):
            with pytest.raises(StoreError, match=r"another build_index .* is writing to"):
                publish()
    assert publish_snapshot(store).name == "000002"


def test_a_damaged_one_is_not_gone_back_to(store: Store) -> None:
    publish_snapshot(store)
    publish_snapshot(store, rebuild=True)
    with (store.snapshots / "000001" / "vectors.npy").open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"\x01")
    with pytest.raises(
        SnapshotError, match=r"000001/vectors\.npy is missing or altered since it was published; choose another"
    ):
        serve_snapshot(store, "000001")
    assert open_snapshot(store).manifest.name == "000002"
    (store.snapshots / "000001" / "manifest.json").write_text("{")
    assert [manifest.name for manifest in kept_snapshots(store)] == ["000002"]


def test_after_going_back_the_next_one_has_a_name_of_its_own_and_serves(store: Store) -> None:
    for _ in range(2):
        publish_snapshot(store)
    serve_snapshot(store, "000001")
    assert publish_snapshot(store).name == "000003"
    assert open_snapshot(store).manifest.name == "000003"


# A publisher that is killed

KILLED = """
import os, signal, sys
from pathlib import Path
import index.publish as publish
from embed.store import open_store

def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)

step = sys.argv[2]
if step == "rename":
    Path.rename = die
else:
    setattr(publish, step, die)
publish.publish_snapshot(open_store(sys.argv[1]))
"""


@pytest.fixture
def publish_and_die(store: Store, run_fresh: Callable[..., Any]) -> Callable[[str], None]:
    """publish_and_die(step): another process publishes and is killed as it comes to the step."""

    def publish(step: str) -> None:
        ended = run_fresh(KILLED, store.root, step)
        assert ended.returncode == -signal.SIGKILL, ended.stderr

    return publish


@pytest.mark.parametrize("step", ["_write_files", "write_json", "_sync", "rename", "_point_to"])
def test_killed_before_it_points_to_the_new_one_the_last_good_one_serves(
    store: Store, publish_and_die: Callable[[str], None], step: str
) -> None:
    publish_snapshot(store)
    replace_table(store, "artwork", read_table(store, "artwork").slice(0, 5))
    publish_and_die(step)
    assert open_snapshot(store).manifest.artworks == 9
    name = publish_snapshot(store).name
    assert open_snapshot(store).manifest.artworks == 5
    left = {"000002"} if step == "_point_to" else set()  # whole, though it never served
    assert set(snapshots(store)) == {"000001", name, "CURRENT"} | left


def test_killed_before_it_drops_the_old_ones_the_new_one_serves(store: Store, publish_and_die: Callable[[str], None]) -> None:
    for _ in range(3):
        publish_snapshot(store)
    publish_and_die("_drop_old")
    assert open_snapshot(store).manifest.name == "000004"
    publish_snapshot(store)
    assert snapshots(store) == ["000003", "000004", "000005", "CURRENT"]


KILLED_AT = """
import os, signal, sys
from embed.store import open_store
from index.publish import publish_snapshot

calls, at = 0, int(sys.argv[2])

def count(frame, event, argument):
    global calls
    calls += 1
    if calls == at:
        os.kill(os.getpid(), signal.SIGKILL)

store = open_store(sys.argv[1])
sys.setprofile(count)
publish_snapshot(store, rebuild=sys.argv[3] == "rebuild")
sys.setprofile(None)
print(calls)
"""


@pytest.mark.parametrize("how", ["changes", "rebuild"])
def test_killed_at_any_moment_the_last_good_one_or_the_new_one_serves(
    store: Store, run_fresh: Callable[..., Any], how: str
) -> None:
    """At 15 moments each, evenly spread over all calls that publishing makes, in Python and below."""
    artwork = read_table(store, "artwork")
    publish_snapshot(store)

    total, serving = int(run_fresh(KILLED_AT, store.root, 0, how).stdout), len(artwork)
    for number in range(15):
        count = len(artwork) - 1 - number % 2
        replace_table(store, "artwork", artwork.slice(0, count))
        at = round((number + 0.5) / 15 * total)
        assert run_fresh(KILLED_AT, store.root, at, how).returncode == -signal.SIGKILL
        snapshot = open_snapshot(store)
        assert snapshot.manifest.artworks in (serving, count)
        serving = snapshot.manifest.artworks
        np.testing.assert_allclose(np.linalg.norm(snapshot.index.vectors_of(np.arange(serving)), axis=1), 1, atol=1e-3)
    publish_snapshot(store)
    assert open_snapshot(store).manifest.artworks == count
    assert not list(store.snapshots.glob(".[0-9]*"))


def test_everything_is_synced_before_it_serves(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a power cut, a name must not point at bytes that never reached the disk."""
    synced: list[int] = []
    seen_at_the_switch: list[set[int]] = []
    switch = Path.replace

    def sync(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_ino)

    def note(path: Path, target: Path) -> Path:
        if Path(target).name == "CURRENT":
            seen_at_the_switch.append(set(synced))
            assert path.stat().st_ino in synced
        return switch(path, target)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(Path, "replace", note)
    folder = store.snapshots / publish_snapshot(store).name
    assert len(seen_at_the_switch) == 1
    assert {path.stat().st_ino for path in [*folder.iterdir(), folder]} <= seen_at_the_switch[0]
    assert synced[-1] == store.snapshots.stat().st_ino
