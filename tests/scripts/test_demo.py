"""The demo: all of it on the bundled catalog with the bundled checkpoint."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from artwork_assets import CATALOG, CHECKPOINT

from artwork_doors.console import BUNDLED_NOTE
from embed.store import Store, open_store
from match import Matcher

MISSING = [str(path) for path in (CATALOG / "artwork.jsonl", CHECKPOINT / "open_clip_config.json") if not path.is_file()]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"no {', '.join(MISSING)}")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, invoke: Callable[..., Any]) -> tuple[Path, Any, Any]:
    """(its folder, the first run, the second run); the first one's page is kept as first.html."""
    out = tmp_path_factory.mktemp("demo")
    first = invoke("demo", "--out", out)
    shutil.copy(out / "page.html", out / "first.html")
    return out, first, invoke("demo", "--out", out)


@pytest.fixture(scope="module")
def demo_store(demo: tuple[Path, Any, Any]) -> Store:
    return open_store(demo[0] / "store")


def test_it_ends_well_and_notes_its_checkpoint(demo: tuple[Path, Any, Any]) -> None:
    for run in demo[1:]:
        assert (run.exit_code, run.stderr) == (0, f"{BUNDLED_NOTE}\n")


def test_it_ends_with_a_table_and_the_path_of_a_page(demo: tuple[Path, Any, Any], demo_store: Store, unpack: Callable) -> None:
    out, run, _ = demo
    matcher = Matcher.open(demo_store)
    table, _, end = run.stdout.partition("5. open in a browser: ")
    words = {word for text in (*matcher.user_ids, *matcher.snapshot.titles["name"].to_pylist()) for word in text.split()}
    assert words <= set(table.replace(",", " ").split())  # word by word: long names are folded
    page = Path(end.strip())
    assert page == out / "page.html"
    for one in (page, out / "first.html"):
        documents, pictures = unpack(one)
        assert [user["id"] for user in documents["users", "start=0"]["users"]] == matcher.user_ids
        assert len(pictures) == matcher.snapshot.manifest.artworks


def test_a_second_run_embeds_nothing(demo: tuple[Path, Any, Any], demo_store: Store) -> None:
    _, first, second = demo
    embedded, known = map(int, re.findall(r"1\. (\d+) pictures embedded, (\d+) known", first.stdout)[0])
    assert (embedded, known) == (Matcher.open(demo_store).snapshot.manifest.artworks, 0)
    assert f"1. 0 pictures embedded, {embedded} known already" in second.stdout


def test_the_catalog_is_as_large_as_was_asked(demo_store: Store) -> None:
    matcher = Matcher.open(demo_store)
    manifest = matcher.snapshot.manifest
    assert manifest.titles >= 8
    assert manifest.artworks >= 40
    assert len(matcher.user_ids) >= 8
    assert any(prior.impressions for prior in matcher.priors.by_artwork.values())


def test_its_page_tells_segments_apart(demo: tuple[Path, Any, Any], demo_store: Store, unpack: Callable) -> None:
    """Some artwork surely does better in a segment than for everyone, and another artwork meets its average user."""
    documents, _ = unpack(demo[0] / "page.html")
    matcher = Matcher.open(demo_store)
    told = [documents["artwork", f"artwork={one}"]["segments"] for one in matcher.snapshot.artwork["artwork_id"].to_pylist()]
    better = {one["segment"] for everyone, *segments in told for one in segments if one["interval"][0] > everyone["mean"]}
    assert better == {"families", "night owls", "weekenders"}
    for title_id in matcher.title_ids:
        met = [one["artwork"] for one in documents["about", f"title={title_id}"]["segments"]]
        assert len(met) == 1 + len(better)
    assert len({*met}) > 2  # of the last one, two-sugars: a cat, a cup of coffee, a kiss
