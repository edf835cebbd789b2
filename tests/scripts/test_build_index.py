"""The door that publishes."""

import json
from collections.abc import Callable
from pathlib import Path

from embed.store import Store
from index.snapshot import open_snapshot


def test_it_publishes(invoke: Callable, store: Store) -> None:
    result = invoke("build_index", "--store", store.root)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == "snapshot 000001: 9 artworks of 4 titles\n"
    assert open_snapshot(store).manifest.name == "000001"


def test_json_is_the_manifest(invoke: Callable, store: Store) -> None:
    result = invoke("build_index", "--store", store.root, "--json")
    assert json.loads(result.stdout) == json.loads((store.snapshots / "000001" / "manifest.json").read_text())


def test_no_store(invoke: Callable, refused: Callable, tmp_path: Path) -> None:
    assert "no store at" in refused(invoke("build_index", "--store", tmp_path / "nowhere"))


def test_nothing_embedded_yet(invoke: Callable, refused: Callable, empty_store: Store) -> None:
    line = refused(invoke("build_index", "--store", empty_store.root))
    assert line.endswith("has no titles yet; scripts/embed_artwork.py makes them")
