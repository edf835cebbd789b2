"""The door back to an earlier snapshot."""

import json
from collections.abc import Callable
from pathlib import Path

from embed.store import Store, read_table, replace_table
from index.publish import publish_snapshot
from index.snapshot import open_snapshot


def test_back_to_an_earlier_one_and_forward_again(invoke: Callable, store: Store) -> None:
    publish_snapshot(store)
    replace_table(store, "artwork", read_table(store, "artwork").slice(0, 5))
    publish_snapshot(store)
    result = invoke("serve_snapshot", "--store", store.root, "000001")
    assert (result.exit_code, result.stdout) == (0, "snapshot 000001 serves: 9 artworks of 4 titles\n")
    assert open_snapshot(store).manifest.artworks == 9
    assert json.loads(invoke("serve_snapshot", "--store", store.root, "000002", "--json").stdout)["artworks"] == 5
    assert open_snapshot(store).manifest.artworks == 5


def test_what_is_kept(invoke: Callable, store: Store) -> None:
    for _ in range(2):
        publish_snapshot(store)
    shown = invoke("serve_snapshot", "--store", store.root).stdout
    assert [name in shown for name in ("000001", "000002", "serves")] == [True] * 3
    answer = json.loads(invoke("serve_snapshot", "--store", store.root, "--json").stdout)
    assert (answer["serving"], [one["name"] for one in answer["kept"]]) == ("000002", ["000002", "000001"])


def test_a_store_without_snapshots_keeps_none(invoke: Callable, store: Store) -> None:
    answer = json.loads(invoke("serve_snapshot", "--store", store.root, "--json").stdout)
    assert answer == {"serving": None, "kept": []}


def test_one_that_is_not_kept_is_refused(invoke: Callable, refused: Callable, store: Store, tmp_path: Path) -> None:
    publish_snapshot(store)
    line = refused(invoke("serve_snapshot", "--store", store.root, "7"))
    assert line.endswith("keeps no snapshot '7' that can be read; it keeps 000001")
    assert "no store at" in refused(invoke("serve_snapshot", "--store", tmp_path / "nowhere"))
