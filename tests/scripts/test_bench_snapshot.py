"""The bench of what serves: small, with the real functions and processes. No timing is asserted."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from artwork_doors.benching import matcher_lookups, snapshot_life
from artwork_doors.benching.catalogs import DRAWN, Catalog, write_vectors
from artwork_doors.benching.crowds import user_ids
from artwork_doors.benching.figures import Figure
from artwork_doors.benching.serving import OLDEST, Scale, make_store


@pytest.fixture(scope="module")
def vectors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_vectors(tmp_path_factory.mktemp("vectors") / "vectors.npy", 2000, dimension=16)


def test_a_synthetic_store_serves_as_a_real_one(tmp_path: Path, vectors: Path) -> None:
    from index.filters import Context
    from index.publish import publish_snapshot
    from match.matcher import Matcher

    scale = Scale(Catalog(DRAWN, 2000), users=20)
    store = make_store(tmp_path / "store", vectors, scale)
    manifest = publish_snapshot(store)
    assert (manifest.artworks, manifest.titles) == (2000, len(scale.catalog.first_rows()) - 1)
    matcher = Matcher.open(store)
    pages = [matcher.choose(user) for user in user_ids(scale.users)]
    assert {choice.taste for page in pages for choice in page} == {"the user's own"}
    several = [place for place, choice in enumerate(pages[0]) if "best of" in choice.reason]
    chosen = {place: {page[place].artwork.artwork_id for page in pages if page[place].artwork} for place in several}
    assert np.mean([len(faces) > 1 for faces in chosen.values()]) > 0.9  # tastes differ, and so do choices
    half = sum(choice.artwork is not None for choice in matcher.choose("user-0000000", context=Context(maturity=OLDEST / 2)))
    assert 0.5 * len(pages[0]) < half < len(pages[0])


def test_the_matchers_figures(tmp_path: Path, vectors: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matcher_lookups, "CALLS", {matcher_lookups.TITLES: 4, matcher_lookups.FILTERED_TITLES: 2})
    lines = matcher_lookups.matcher_figures(vectors, 2000, tmp_path)
    assert lines[0].target == 0.3
    assert all(line.value is not None and line.value > 0 for line in lines)
    assert [line.name for line in lines if line.target == 1.5] == [
        "1,000 titles, maturity, 50% pass / no filter",
        "1,000 titles, aspect, 50% pass / no filter",
    ]


def test_the_bench_of_snapshots(tmp_path: Path) -> None:
    said: list[str] = []
    lines = snapshot_life.snapshot_figures(2000, 0.05, 2, tmp_path, said.append)
    by_name = {line.name: line for line in lines}
    assert all(line.value is not None and line.value >= 0 for line in lines)
    assert by_name["publish a night, 5% of the titles changed"].note.endswith("artworks rewritten")
    assert by_name["open a matcher"].target is None  # the target is for a million artworks
    assert by_name["memory of 2 matchers together / size of the snapshot"].unit == "x"
    assert said[-1].startswith("publishing a night")


def test_the_door(invoke: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    missed = [Figure("a", "open a matcher", 1.5, "s", target=1.0, at_most=True)]
    monkeypatch.setattr(snapshot_life, "snapshot_figures", lambda *_: missed)
    result = invoke("bench_snapshot")
    assert result.exit_code == 0
    assert "missed" in result.stdout
    result = invoke("bench_snapshot", "--check", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["figures"][0]["met"] is False
