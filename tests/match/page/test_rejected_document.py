"""The document of the files that were set aside."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from embed.catalog import read_catalog
from embed.job import embed_artwork
from embed.records import REJECTED
from embed.store import Store, read_table, replace_table
from index.publish import publish_snapshot
from match.matcher import Matcher
from match.page.documents import answer, written
from match.page.documents.rejected import kind_of
from match.page.parameters import Parameters
from match.page.site import Document, Site

REASONS = [
    "no such file; put the picture there or take the artwork out of the catalog",
    "is damaged or cut off (image file is truncated (8 bytes not processed)); copy or export it again",
    "9 x 12 is no thumbnail; both sides must be at least 16 pixels",
    "cannot be read: Permission denied",
]


@pytest.fixture
def set_aside() -> Callable[[Store, int], None]:
    """set_aside(store, count): so many files, number by number an hour later, with REASONS in turn."""

    def write(store: Store, count: int) -> None:
        rows = [
            {
                "artwork_id": f"r{number:03}",
                "title_id": "harbour" if number % 2 else "gone",
                "path": f"pictures/r{number:03}.jpg",
                "sha256": None,
                "reason": REASONS[number % len(REASONS)],
                "rejected_at": datetime(2026, 1, 1 + number // 24, number % 24, tzinfo=UTC),
            }
            for number in range(count)
        ]
        replace_table(store, "rejected", pa.Table.from_pylist(rows, schema=REJECTED))

    return write


def rejected(store: Store, **parameters: str) -> Document:
    return answer(Site.of(store, Matcher.open(store)), "rejected", Parameters(parameters))


def test_each_has_its_reason_remedy_title_and_since_when(given_store: Store, set_aside: Callable) -> None:
    set_aside(given_store, 4)
    told = rejected(given_store)
    assert (told["total"], told["of"], told["held"]) == (4, 4, 4)
    assert [row["id"] for row in told["rejected"]] == ["r003", "r002", "r001", "r000"]  # the latest first
    _, size, cut, missing = told["rejected"]
    assert (cut["reason"], cut["remedy"]) == (
        "is damaged or cut off (image file is truncated (8 bytes not processed))",
        "copy or export it again",
    )
    assert cut["title"] == {"id": "harbour", "name": "Harbour"}
    assert missing["title"] == {"id": "gone", "name": "gone"}
    assert (size["since"], size["path"]) == ("2026-01-01T02:00:00+00:00", "pictures/r002.jpg")
    assert (told["rejected"][0]["reason"], told["rejected"][0]["remedy"]) == ("cannot be read: Permission denied", "")


def test_they_are_found_by_letters_and_by_the_kind_of_their_reason(given_store: Store, set_aside: Callable) -> None:
    set_aside(given_store, 120)
    assert rejected(given_store, find="R007")["total"] == 1
    assert rejected(given_store, find="harbour")["total"] == 60
    assert rejected(given_store, find="PERMISSION")["total"] == 30
    cut = rejected(given_store, why="is damaged or cut off")
    assert (cut["total"], len(cut["rejected"]), len(cut["kinds"])) == (30, 30, 4)
    assert rejected(given_store, why="is damaged or cut off", find="r001")["total"] == 1
    assert len(rejected(given_store, start="100")["rejected"]) == 20


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        (REASONS[0], "no such file"),
        (REASONS[1], "is damaged or cut off"),
        (REASONS[2], "is no thumbnail"),
        (REASONS[3], "cannot be read"),
        ("40 MiB is no thumbnail; the limit is 32 MiB", "… MiB is no thumbnail"),
        ("took its decoder down twice (signal 9); export it again", "took its decoder down twice"),
        ("leaves 's3://art', where the pictures are; put it below that place", "leaves …, where the pictures are"),
    ],
)
def test_reasons_of_one_kind_have_one_name(reason: str, kind: str) -> None:
    assert kind_of(reason) == kind


def test_without_any_there_is_nothing_and_what_comes_is_seen(given_store: Store, set_aside: Callable) -> None:
    site = Site.of(given_store, Matcher.open(given_store))
    assert answer(site, "rejected", Parameters())["of"] == 0
    set_aside(given_store, 2)
    assert answer(site, "rejected", Parameters())["of"] == 2  # though the page was open
    set_aside(given_store, 3)
    assert answer(site, "rejected", Parameters())["of"] == 3


def test_the_overview_counts_them_once_for_each_version_of_the_table(
    given_store: Store, set_aside: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, read = Site.of(given_store, Matcher.open(given_store)), []
    monkeypatch.setattr("match.page.documents.rejected.read_table", lambda *asked: read.append(1) or read_table(*asked))
    for files in (0, 2, 3):
        if files:
            set_aside(given_store, files)
        assert [answer(site, "overview", Parameters())["rejected"] for _ in range(3)] == [files] * 3
    assert len(read) == 2


def test_a_page_in_a_file_holds_all_blocks(given_store: Store, set_aside: Callable) -> None:
    set_aside(given_store, 51)
    site = Site.of(given_store, Matcher.open(given_store))
    held = [document["rejected"] for key, document in written(site) if key.startswith('["rejected"')]
    assert list(map(len, held)) == [50, 1]


def test_a_truncated_picture_that_the_job_set_aside(
    store: Store, catalog_folder: Path, tiny_encoder: Any, drawing: Callable
) -> None:
    path = catalog_folder / "pictures" / "harbour-sea.png"
    drawing("cut").save(path, "JPEG", quality=95)
    path.write_bytes(path.read_bytes()[:700])
    embed_artwork(read_catalog(catalog_folder), store, tiny_encoder)
    publish_snapshot(store)
    told = rejected(store)
    [row] = told["rejected"]
    assert (row["id"], row["title"], row["path"]) == (
        "harbour-sea",
        {"id": "harbour", "name": "Harbour Lights"},
        "pictures/harbour-sea.png",
    )
    assert (row["why"], row["remedy"]) == ("is damaged or cut off", "copy or export it again")
