"""A catalog in: three formats that read the same, and every bad row named with file, row, field and remedy."""

import json
import os
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embed import catalog as module
from embed.catalog import ENDINGS, Problem, read_catalog
from embed.errors import CatalogError
from embed.records import ACCEPTED_TAG, ARTWORK, COPY, TASTE, TITLE, USER, WATCH
from embed.spill import ROWS

Row = dict[str, Any]
FORMATS = [ending[1:] for ending in ENDINGS]
TITLES: list[Row] = [{"title_id": "t1", "name": "One"}, {"title_id": "t2", "name": "Two"}]
ARTWORKS: list[Row] = [
    {"artwork_id": "a1", "title_id": "t1", "path": "a1.png"},
    {"artwork_id": "a2", "title_id": "t2", "path": "a2.png"},
]
WATCHED = "2026-10-01T20:00:00Z"


@pytest.fixture
def write(tmp_path: Path, write_rows: Callable[..., Path]) -> Callable[..., Path]:
    """write(format="csv", titles=, artwork=, …) -> the catalog folder; titles and artwork have two good rows each if left out."""

    def write(format: str = "csv", **tables: list[Row]) -> Path:
        for table, rows in {"titles": TITLES, "artwork": ARTWORKS, **tables}.items():
            write_rows(tmp_path, table, rows, format)
        return tmp_path

    return write


@pytest.mark.parametrize("format", FORMATS)
def test_each_format_reads_the_same(tmp_path: Path, make_catalog: Callable[..., Path], format: str) -> None:
    catalog = read_catalog(make_catalog(tmp_path, format=format), strict=True)
    assert catalog.titles.schema.equals(TITLE)
    assert catalog.artwork.schema.equals(ARTWORK)
    assert catalog.history.schema.equals(WATCH)
    assert catalog.tastes.schema.equals(TASTE)
    assert catalog.titles.to_pylist()[0] == {
        "title_id": "harbour",
        "name": "Harbour Lights",
        "genres": ["romance", "drama"],
        "people": ["Ada Quill", "Ben Marsh"],
        "keywords": ["sea", "letters"],
        "moods": [],
        "synopsis": "Two strangers write to each other across a bay.",
        "fallback": None,
    }
    assert catalog.titles.to_pylist()[3]["people"] == []  # an empty list, never null
    assert catalog.titles.to_pylist()[3]["synopsis"] is None
    assert catalog.artwork.to_pylist()[0] == {
        **dict.fromkeys(ARTWORK.names),
        "artwork_id": "harbour-couple",
        "title_id": "harbour",
        "path": "pictures/harbour-couple.png",
        "people": ["Ada Quill", "Ben Marsh"],
        "tags": ["couple"],
        "added_at": datetime(2026, 1, 5, tzinfo=UTC),
    }
    assert catalog.history["fraction"].to_pylist()[:2] == [1.0, 0.5]
    assert catalog.tastes["weight"].to_pylist() == [1.0, -0.5, 1.0]
    assert (catalog.root, catalog.problems) == (tmp_path.resolve(), ())


def art(**changes: object) -> Row:
    return {"artwork_id": "a3", "title_id": "t1", "path": "x", **changes}


def watch(**changes: object) -> Row:
    return {"user_id": "u", "title_id": "t1", "fraction": 1, "watched_at": WATCHED, **changes}


BAD_ROWS = [  # (table, the bad row, field, reason, remedy)
    (
        "titles",
        {"title_id": "t1", "name": "Again"},
        "title_id",
        "'t1' already stands in row 1",
        "give every row an id of its own",
    ),
    ("titles", {"title_id": "t3", "name": " "}, "name", "is missing", "give as a viewer reads it"),
    ("titles", {"name": "Nameless"}, "title_id", "is missing", "give the publisher's id of the title"),
    ("artwork", art(artwork_id="a1"), "artwork_id", "'a1' already stands in row 1", "give every row an id of its own"),
    ("artwork", art(title_id="t9"), "title_id", "'t9' is no title of this catalog", "add it to titles."),
    ("artwork", art(path=None), "path", "is missing", "relative to the catalog folder"),
    ("artwork", art(prominence=2), "prominence", "is out of range", "give a number from 0 to 1"),
    ("artwork", art(maturity=30), "maturity", "is out of range", "give a number from 0 to 21"),
    ("artwork", art(spoiler="perhaps"), "spoiler", "'perhaps' is neither true nor false", "give true or false"),
    ("artwork", art(shown_until="never"), "shown_until", "'never' is no date", "give ISO 8601"),
    ("artwork", art(added_at="soon"), "added_at", "'soon' is no date", "give ISO 8601, such as 2026-10-01T20:00:00Z"),
    ("history", watch(title_id="t9"), "title_id", "'t9' is no title of this catalog", "add it to titles."),
    ("history", watch(fraction=1.7), "fraction", "is out of range", "give a number from 0 to 1"),
    ("history", watch(fraction=-0.1), "fraction", "is out of range", "give a number from 0 to 1"),
    ("history", watch(fraction="abc"), "fraction", "'abc' is no number", "give a number in 0..1"),
    ("history", watch(fraction="NaN"), "fraction", "'NaN' is no number", "give a number in 0..1"),
    ("history", watch(fraction="inf"), "fraction", "'inf' is no number", "give a number in 0..1"),
    ("history", watch(fraction=None), "fraction", "is missing", "give how much of it was watched"),
    ("history", watch(watched_at="2026-13-01"), "watched_at", "'2026-13-01' is no date", "give ISO 8601"),
    ("history", watch(watched_at="0001-01-01T00:00+14:00"), "watched_at", "is no date", "give ISO 8601"),
    ("history", watch(watched_at=None), "watched_at", "is missing", "give when"),
    ("tastes", {"user_id": "u", "text": "noir", "weight": "much"}, "weight", "'much' is no number", "in -100..100"),
    ("tastes", {"user_id": "u", "text": "noir", "weight": -101}, "weight", "is out of range", "from -100 to 100"),
    ("tastes", {"user_id": None, "text": "noir"}, "user_id", "is missing", "give who says it"),
]
GOOD_BEFORE = {"titles": TITLES, "artwork": ARTWORKS, "history": [], "tastes": []}
GOOD_AFTER = {
    "titles": {"title_id": "last", "name": "Last"},
    "artwork": {"artwork_id": "last", "title_id": "t1", "path": "last.png"},
    "history": {"user_id": "last", "title_id": "t1", "fraction": 0.5, "watched_at": WATCHED},
    "tastes": {"user_id": "last", "text": "noir"},
}


@pytest.mark.parametrize("format", ["csv", "jsonl"])
@pytest.mark.parametrize(("table", "bad", "field", "reason", "remedy"), BAD_ROWS)
def test_a_bad_row_is_named_and_the_good_ones_around_it_survive(
    write: Callable[..., Path], table: str, bad: Row, field: str, reason: str, remedy: str, format: str
) -> None:
    rows = [*GOOD_BEFORE[table], bad, GOOD_AFTER[table]]
    folder = write(format, **{table: rows})
    catalog = read_catalog(folder)
    [problem] = catalog.problems
    assert (problem.file, problem.row, problem.field) == (f"{table}.{format}", len(rows) - 1, field)
    assert reason in problem.reason
    assert remedy in problem.remedy
    key = next(iter(GOOD_AFTER[table]))
    assert getattr(catalog, table)[key].to_pylist() == [row[key] for row in (*GOOD_BEFORE[table], GOOD_AFTER[table])]
    with pytest.raises(CatalogError, match=rf"^{table}\.{format}, row {problem.row}, {field}: "):
        read_catalog(folder, strict=True)


BAD_JSON = [  # (the line, field, reason)
    ('{"title_id": "t3", "name": "Th', "-", "is no JSON"),
    ("[1, 2]", "-", "is no JSON object"),
    ("[" * 100_000, "-", "is no JSON"),
    ('{"title_id": "t3", "name": ' + "1" * 5000 + "}", "-", "is no JSON"),
    ('{"title_id": "t3", "name": "Three", "genres": {"a": 1}}', "genres", "is no list"),
    ('{"title_id": "t3", "name": "Three", "genres": [["a"]]}', "genres", "['a'] is no text"),
    ('{"title_id": "t3", "name": ["Three"]}', "name", "is no text"),
    ('{"title_id": true, "name": "Three"}', "title_id", "is no text"),
    ('{"title_id": "t3", "name": "\\ud800"}', "name", "is no UTF-8"),
]


@pytest.mark.parametrize(("line", "field", "reason"), BAD_JSON)
def test_a_bad_line_of_json_is_named(write: Callable[..., Path], line: str, field: str, reason: str) -> None:
    folder = write("jsonl")
    with (folder / "titles.jsonl").open("a") as file:
        file.write(f'{line}\n{{"title_id": "t4", "name": "Four"}}\n')
    catalog = read_catalog(folder)
    [problem] = catalog.problems
    assert (problem.file, problem.row, problem.field) == ("titles.jsonl", 3, field)
    assert reason in problem.reason
    assert catalog.titles["title_id"].to_pylist() == ["t1", "t2", "t4"]


@pytest.mark.parametrize("fraction", ["NaN", "Infinity", "1e999", "true", "1" + "0" * 400])
def test_a_json_number_that_is_none_is_named(write: Callable[..., Path], fraction: str) -> None:
    folder = write("jsonl")
    line = f'{{"user_id": "u", "title_id": "t1", "watched_at": "{WATCHED}", "fraction": {fraction}}}\n'
    (folder / "history.jsonl").write_text(line)
    [problem] = read_catalog(folder).problems
    assert (problem.row, problem.field, problem.remedy) == (1, "fraction", "give a number in 0..1")


def test_blank_lines_of_json_are_passed_over_and_counted(write: Callable[..., Path]) -> None:
    folder = write("jsonl")
    (folder / "titles.jsonl").write_text('\n{"title_id": "t1", "name": "One"}\n   \n{"title_id": "t2"}\n\n')
    catalog = read_catalog(folder, only=("titles", "artwork"))
    assert [(problem.row, problem.field) for problem in catalog.problems if problem.file == "titles.jsonl"] == [(4, "name")]
    assert catalog.titles["title_id"].to_pylist() == ["t1"]


BAD_CSV = [  # (the line, reason)
    ("t3,Three,more", "has not the header's 2 columns"),
    ("t3", "has not the header's 2 columns"),
    ('t3,"Three" or so', "is no CSV"),
]


@pytest.mark.parametrize(("line", "reason"), BAD_CSV)
def test_a_bad_line_of_csv_is_named(write: Callable[..., Path], line: str, reason: str) -> None:
    folder = write()
    with (folder / "titles.csv").open("a") as file:
        file.write(f"{line}\nt4,Four\n")
    catalog = read_catalog(folder)
    [problem] = catalog.problems
    assert (problem.file, problem.row, problem.field) == ("titles.csv", 3, "-")
    assert reason in problem.reason
    assert catalog.titles["title_id"].to_pylist() == ["t1", "t2", "t4"]


def test_a_quote_that_is_never_closed_is_named(write: Callable[..., Path]) -> None:
    folder = write()
    with (folder / "titles.csv").open("a") as file:
        file.write('t3,"Three\nt4,Four\n')
    [problem] = read_catalog(folder).problems
    assert str(problem) == (
        'titles.csv, row 3, -: is no CSV (unexpected end of data); close every quote, and write a quote within a value as ""'
    )


def test_an_index_column_without_a_name_is_left_alone(write: Callable[..., Path]) -> None:
    folder = write()
    (folder / "titles.csv").write_text(",title_id,name\n0,t1,One\n1,t2,Two\n")  # as pandas writes it
    assert read_catalog(folder, strict=True).titles["name"].to_pylist() == ["One", "Two"]


@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_a_value_that_is_not_utf_8_is_named(write: Callable[..., Path], format: str) -> None:
    folder = write(format, titles=[*TITLES, {"title_id": "t3", "name": "CAFE"}, {"title_id": "t4", "name": "Four"}])
    path = folder / f"titles.{format}"
    path.write_bytes(path.read_bytes().replace(b"CAFE", b"caf\xe9"))
    catalog = read_catalog(folder)
    [problem] = catalog.problems
    assert str(problem) == f"titles.{format}, row 3, name: 'caf\\udce9' is no UTF-8; save the file as UTF-8"
    assert catalog.titles["title_id"].to_pylist() == ["t1", "t2", "t4"]


def test_a_parquet_text_that_is_not_utf_8_is_named(write: Callable[..., Path]) -> None:
    folder = write("parquet")
    name = pa.array([b"One", b"caf\xe9"]).view(pa.string())
    pq.write_table(pa.table({"title_id": ["t1", "t2"], "name": name}), folder / "titles.parquet")
    catalog = read_catalog(folder, only=("titles", "artwork"))
    assert str(catalog.problems[0]) == "titles.parquet, row 2, name: 'caf\\udce9' is no UTF-8; save the file as UTF-8"
    assert catalog.titles["title_id"].to_pylist() == ["t1"]


@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_a_byte_order_mark_is_no_part_of_the_first_column(write: Callable[..., Path], format: str) -> None:
    path = write(format) / f"titles.{format}"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read_catalog(path.parent, strict=True).titles["title_id"].to_pylist() == ["t1", "t2"]


@pytest.mark.parametrize("format", FORMATS)
def test_a_misspelt_column_is_named_once(write: Callable[..., Path], format: str) -> None:
    titles = [{**row, "genre": ["drama"], "shelf": "A3"} for row in TITLES]
    catalog = read_catalog(write(format, titles=titles))
    assert [str(problem) for problem in catalog.problems] == [
        f"titles.{format}, genre: is no column we know; did you mean 'genres'?"
    ]
    assert catalog.titles["title_id"].to_pylist() == ["t1", "t2"]


def test_a_column_of_the_publisher_s_own_beside_ours_is_left_alone(write: Callable[..., Path]) -> None:
    artwork = [{**row, "title": "One", "paths": "all", "width": 9, "actives": 1} for row in ARTWORKS]
    assert read_catalog(write(artwork=artwork)).problems == ()


def test_a_misspelt_column_that_is_no_utf_8_can_be_printed(write: Callable[..., Path]) -> None:
    folder = write()
    (folder / "titles.csv").write_bytes(b"title_id,name,genr\xe9s\nt1,One,drama\nt2,Two,drama\n")
    [problem] = read_catalog(folder).problems
    assert str(problem).encode() == b"titles.csv, genr\\udce9s: is no column we know; did you mean 'genres'?"


def test_what_the_job_measures_is_not_taken_from_the_catalog(write: Callable[..., Path]) -> None:
    artwork = [{**row, "sha256": "0" * 64, "width": 9, "active": True} for row in ARTWORKS]
    row = read_catalog(write(artwork=artwork), strict=True).artwork.to_pylist()[0]
    assert (row["sha256"], row["width"], row["active"]) == (None, None, None)


def test_a_file_name_that_is_no_utf_8_is_spelled_out_and_left_to_the_job(write: Callable[..., Path]) -> None:
    folder = write("jsonl")
    path = folder / "artwork.jsonl"
    path.write_bytes(path.read_bytes().replace(b"a1.png", b"caf\xe9.png"))
    catalog = read_catalog(folder, strict=True)
    assert catalog.artwork["path"].to_pylist() == ["caf\\udce9.png", "a2.png"]


def test_the_pictures_may_lie_elsewhere(write: Callable[..., Path]) -> None:
    folder = write()
    assert read_catalog(folder).pictures == str(folder.resolve())
    assert read_catalog(folder, pictures="s3://bucket/art").pictures == "s3://bucket/art"


def test_the_catalog_folder_may_itself_be_reached_by_a_link(write: Callable[..., Path], tmp_path_factory: Any) -> None:
    link = tmp_path_factory.mktemp("links") / "catalog"
    folder = write()
    link.symlink_to(folder)
    assert read_catalog(link, strict=True).root == folder.resolve()


DATES = [
    ("2026-10-01T20:00:00Z", datetime(2026, 10, 1, 20, tzinfo=UTC)),
    ("2026-10-01T20:00:00+02:00", datetime(2026, 10, 1, 18, tzinfo=UTC)),
    ("2026-10-01 20:00", datetime(2026, 10, 1, 20, tzinfo=UTC)),  # without a zone: UTC
    ("2026-10-01", datetime(2026, 10, 1, tzinfo=UTC)),
]


@pytest.mark.parametrize(("text", "time"), DATES)
def test_times_are_utc(write: Callable[..., Path], text: str, time: datetime) -> None:
    folder = write(artwork=[{**row, "added_at": text} for row in ARTWORKS])
    assert read_catalog(folder, strict=True).artwork["added_at"].to_pylist() == [time, time]


PARQUET_TIMES = [
    pa.array([date(2026, 10, 1)] * 2),
    pa.array([datetime(2026, 10, 1)] * 2, pa.timestamp("s")),
    pa.array([datetime(2026, 10, 1, tzinfo=UTC)] * 2, pa.timestamp("ms", tz="Asia/Tokyo")),
    pa.array([1_790_812_800_000_000_001] * 2, pa.timestamp("ns")),  # pandas' own; the odd nanosecond is dropped
]


@pytest.mark.parametrize("times", PARQUET_TIMES, ids=lambda array: str(array.type))
def test_parquet_times_of_every_unit(write: Callable[..., Path], times: pa.Array) -> None:
    folder = write("parquet")
    table = pq.read_table(folder / "artwork.parquet").append_column("added_at", times)
    pq.write_table(table, folder / "artwork.parquet")
    assert read_catalog(folder, strict=True).artwork["added_at"].to_pylist() == [datetime(2026, 10, 1, tzinfo=UTC)] * 2


def test_a_parquet_time_beyond_python_s_years_is_named(write: Callable[..., Path]) -> None:
    folder = write("parquet")
    times = pa.array([0, 2**62], pa.timestamp("us"))
    pq.write_table(pq.read_table(folder / "artwork.parquet").append_column("added_at", times), folder / "artwork.parquet")
    [problem] = read_catalog(folder).problems
    assert (problem.row, problem.field, problem.reason) == (2, "added_at", f"'{2**62}' is no date")


def test_numbers_may_be_ids_and_lists_may_be_divided(write: Callable[..., Path]) -> None:
    folder = write("jsonl", titles=[{"title_id": 7, "name": 1984, "genres": " drama | |noir", "people": [5, None]}], artwork=[])
    [row] = read_catalog(folder, strict=True).titles.to_pylist()
    assert (row["title_id"], row["name"], row["genres"], row["people"]) == ("7", "1984", ["drama", "noir"], ["5"])


def test_only_the_tables_asked_for_are_read(write: Callable[..., Path]) -> None:
    folder = write(history=[{"user_id": "u", "title_id": "t1", "fraction": 9, "watched_at": WATCHED}])
    catalog = read_catalog(folder, only=("titles", "artwork"))
    assert (len(catalog.titles), len(catalog.history), catalog.problems) == (2, 0, ())


def test_history_and_tastes_may_be_absent(write: Callable[..., Path]) -> None:
    catalog = read_catalog(write(), strict=True)
    assert (len(catalog.history), len(catalog.tastes)) == (0, 0)
    assert catalog.history.schema.equals(WATCH)


def test_tables_without_rows(write: Callable[..., Path]) -> None:
    folder = write()
    (folder / "titles.csv").write_text("title_id,name\n")
    (folder / "artwork.csv").write_text("")
    catalog = read_catalog(folder, strict=True)
    assert (len(catalog.titles), len(catalog.artwork)) == (0, 0)


def test_catalogs_that_cannot_be_read_at_all(write: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match=r"no catalog folder at '.*nowhere'; give a folder with titles and artwork"):
        read_catalog(tmp_path / "nowhere")
    with pytest.raises(CatalogError, match=r"no titles table; write titles\.csv, titles\.jsonl or titles\.parquet"):
        read_catalog(tmp_path)
    folder = write()
    (folder / "artwork.csv").unlink()
    with pytest.raises(CatalogError, match="no artwork table; write"):
        read_catalog(folder)
    write("jsonl")
    with pytest.raises(CatalogError, match=r"titles\.csv and titles\.jsonl are both there; keep one of them"):
        read_catalog(folder)


def test_a_file_that_is_not_its_ending_is_named(write: Callable[..., Path]) -> None:
    folder = write("parquet")
    (folder / "titles.parquet").write_bytes(b"PAR1 and nothing more")
    with pytest.raises(CatalogError, match=r"titles\.parquet cannot be read as parquet: "):
        read_catalog(folder)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_table_without_permission_is_named(write: Callable[..., Path]) -> None:
    folder = write()
    (folder / "titles.csv").chmod(0)
    with pytest.raises(CatalogError, match=r"titles\.csv cannot be read as csv: .*Permission denied"):
        read_catalog(folder)


def test_a_problem_of_the_whole_file_names_no_row() -> None:
    assert str(Problem("titles.csv", 0, "genre", "is odd", "mend it")) == "titles.csv, genre: is odd; mend it"


TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp")), min_size=1, max_size=9)
ITEM = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp"), exclude_characters="|"), min_size=1, max_size=9)
TITLE_ROW = st.fixed_dictionaries(
    {
        "title_id": TEXT,
        "name": TEXT,
        "genres": st.lists(ITEM, max_size=3),
        "people": st.lists(ITEM, max_size=3),
        "keywords": st.lists(ITEM, max_size=3),
        "moods": st.lists(ITEM, max_size=3),
        "synopsis": st.none() | TEXT,
        "fallback": st.none() | TEXT,
    }
)


@pytest.mark.parametrize("format", FORMATS)
@settings(max_examples=40, deadline=None)
@given(rows=st.lists(TITLE_ROW, min_size=1, max_size=4, unique_by=lambda row: row["title_id"]))
def test_rows_written_come_back_equal(
    tmp_path_factory: pytest.TempPathFactory, write_rows: Callable[..., Path], format: str, rows: list[Row]
) -> None:
    folder = tmp_path_factory.mktemp("round")
    write_rows(folder, "titles", rows, format)
    assert read_catalog(folder, only=("titles",), strict=True).titles.to_pylist() == rows


def test_json_escapes_come_back_equal(write: Callable[..., Path]) -> None:
    folder = write("jsonl")
    (folder / "titles.jsonl").write_text(json.dumps({"title_id": "t1", "name": "夜の雨 — 😀"}) + "\n")
    assert read_catalog(folder, only=("titles",), strict=True).titles["name"].to_pylist() == ["夜の雨 — 😀"]


@pytest.mark.parametrize(
    ("raw", "expected"), [("true", True), ("Yes", True), ("1", True), ("false", False), ("0", False), ("", None)]
)
def test_a_flag_reads_as_people_write_it(write: Callable[..., Path], raw: str, expected: bool | None) -> None:
    catalog = read_catalog(write("csv", artwork=[art(spoiler=raw)]), strict=True)
    assert catalog.artwork["spoiler"].to_pylist() == [expected]


def test_a_fallback_that_is_no_artwork_of_its_title_is_named_and_the_title_stays(write: Callable[..., Path]) -> None:
    titles = [{**TITLES[0], "fallback": "no-such"}]
    folder = write("jsonl", titles=titles, artwork=[art(title_id=TITLES[0]["title_id"])])
    catalog = read_catalog(folder)
    [problem] = catalog.problems
    assert (problem.field, problem.reason) == ("fallback", f"'no-such' is no artwork of title {TITLES[0]['title_id']!r}")
    assert len(catalog.titles) == 1
    with pytest.raises(CatalogError, match="no-such"):
        read_catalog(folder, strict=True)


ACCEPTED_TAGS = [{"artwork_id": "a1", "tag": "sea"}, {"artwork_id": "a2", "tag": "cat"}, {"artwork_id": "a1", "tag": "night"}]


@pytest.mark.parametrize("format", FORMATS)
def test_accepted_tags_are_those_of_artwork_that_has_none(write: Callable[..., Path], format: str) -> None:
    artwork = [{**ARTWORKS[0], "tags": []}, {**ARTWORKS[1], "tags": ["dog"]}]
    folder = write(format, artwork=artwork, accepted_tags=[*ACCEPTED_TAGS, ACCEPTED_TAGS[0]])
    for only in (("titles", "artwork"), ("artwork",), ("titles", "artwork", "history", "tastes")):
        catalog = read_catalog(folder, strict=True, only=only)
        assert catalog.artwork["tags"].to_pylist() == [["sea", "night"], ["dog"]]
        assert catalog.accepted_tags.schema.equals(ACCEPTED_TAG)
        assert set(catalog.accepted_tags["artwork_id"].to_pylist()) == {"a1"}
        assert catalog.artwork.schema.equals(ARTWORK)
    assert len(read_catalog(folder, only=("titles",)).accepted_tags) == 0


@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_a_bad_accepted_tag_is_named(write: Callable[..., Path], format: str) -> None:
    folder = write(
        format, accepted_tags=[ACCEPTED_TAGS[0], {"artwork_id": "a9", "tag": "cat"}, {"artwork_id": "a2", "tag": " "}]
    )
    catalog = read_catalog(folder)
    assert [str(problem) for problem in catalog.problems] == [
        f"accepted_tags.{format}, row 2, artwork_id: 'a9' is no artwork of this catalog; add it to artwork.{format} or correct the id",
        f"accepted_tags.{format}, row 3, tag: is missing; give what is to be seen on it, as a person accepted it",
    ]
    assert catalog.artwork["tags"].to_pylist() == [["sea"], []]


def test_two_tables_of_accepted_tags_are_one_too_many(write: Callable[..., Path]) -> None:
    folder = write(accepted_tags=ACCEPTED_TAGS)
    (folder / "accepted_tags.jsonl").write_text("")
    with pytest.raises(CatalogError, match=r"accepted_tags\.csv and accepted_tags\.jsonl are both there; keep one of them"):
        read_catalog(folder)


LINES: list[Row] = [
    {"copy_id": "c1", "title_id": "t1", "text": "Who knows?", "locale": "en", "tags": ["night", "no people"]},
    {"copy_id": "c2", "title_id": "t1", "text": "=1+1 <b>“夜”</b>", "locale": "pt-BR", "tags": []},
]


@pytest.mark.parametrize("format", FORMATS)
def test_lines_of_copy(write: Callable[..., Path], format: str) -> None:
    catalog = read_catalog(write(format, copy=LINES), strict=True)
    assert catalog.copy.schema.equals(COPY)
    assert catalog.copy.to_pylist() == LINES


def test_a_catalog_without_copy_has_none(write: Callable[..., Path]) -> None:
    assert read_catalog(write(), strict=True).copy.equals(COPY.empty_table())


@pytest.mark.parametrize(
    ("row", "field", "reason"),
    [
        ({"copy_id": "c1"}, "copy_id", "'c1' already stands in row 1"),
        ({"copy_id": " "}, "copy_id", "is missing"),
        ({"title_id": "t9"}, "title_id", "'t9' is no title of this catalog"),
        ({"text": "  "}, "text", "is missing"),
    ],
)
@pytest.mark.parametrize("format", FORMATS)
def test_a_bad_line_of_copy_is_named(write: Callable[..., Path], format: str, row: Row, field: str, reason: str) -> None:
    good = {"copy_id": "c3", "title_id": "t2", "text": "Fine.", "locale": None, "tags": []}
    catalog = read_catalog(write(format, copy=[LINES[0], {**LINES[1], **row}, good]))
    assert [(p.file, p.row, p.field, p.reason) for p in catalog.problems] == [(f"copy.{format}", 2, field, reason)]
    assert catalog.copy["copy_id"].to_pylist() == ["c1", "c3"]


# What users leave, as it streams by

NEARLY = ["1", "0.5", " 1 ", "1e0", "+1", "1_0", ".5", "1.", "inf", "nan", "", " ", "x", "0x1", "٣", "-0", "2", "1E-1", "\x1f1"]
TIMES = [
    WATCHED,
    "2026-10-01",
    "2026-10-01 20:00:00",
    "2026-10-01T20:00:00.123+02:00",
    "2026-10-01T20:00:00.5Z",
    "20261001",
    "2026-02-30",
    "2026-10-01T24:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-01:00",
    "0000-01-01",
    "2026-10-01T20:00:60Z",
    "2026-W40-4",
    "",
    "soon",
]
IDS = ["u", " u", "Zoë", "\u00a0u", "u\x85", "", "夜", "\u2028", "a b"]
WATCHES = st.fixed_dictionaries(
    {
        "user_id": st.sampled_from(IDS),
        "title_id": st.sampled_from(["t1", "t2", "t9", ""]),
        "fraction": st.sampled_from(NEARLY),
        "watched_at": st.sampled_from(TIMES),
    },
    optional={"titel_id": st.just("x"), "note": st.just("y")},
)
LOOSE = st.fixed_dictionaries(
    {
        "user_id": st.sampled_from([*IDS, 7, 7.5, True, None]),
        "title_id": st.just("t1"),
        "fraction": st.sampled_from([*NEARLY, 1, 0.25, True, None, 2**70, float("nan"), [1]]),
        "watched_at": st.sampled_from([*TIMES, 5, None]),
    }
)


@pytest.mark.parametrize("format", FORMATS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_rows_by_the_column_are_the_rows_one_by_one(
    tmp_path_factory: pytest.TempPathFactory, write_rows: Callable[..., Path], format: str, data: st.DataObject
) -> None:
    """Whatever is not plain, and wherever it stands."""
    rows = data.draw(st.lists(LOOSE if format == "jsonl" else WATCHES, min_size=1, max_size=7))
    folder = tmp_path_factory.mktemp("streamed")
    for name, some in (("titles", TITLES), ("history", rows)):
        write_rows(folder, name, some, format)
    found = []
    for few in (0, 1, 64):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "FEW", max(few, 1))
            if few == 64:
                patch.setattr(module, "plain_rows", lambda *_: None)
            catalog = read_catalog(folder, only=("titles", "history"))
        found.append((catalog.history.to_pylist(), catalog.problems))
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("format", FORMATS)
def test_much_is_kept_on_the_disk_and_reads_as_it_stands(write: Callable[..., Path], format: str) -> None:
    count = 2 * ROWS + 5
    tastes = [{"user_id": f"u{n}", "text": f"thing {n % 7}", "weight": (n % 100) / 100} for n in range(count)]
    tastes[ROWS]["weight"] = 1000
    folder = write(format, tastes=tastes)
    catalog = read_catalog(folder)
    assert [(p.row, p.field) for p in catalog.problems] == [(ROWS + 1, "weight")]
    assert catalog.spills.keys() == {"tastes"}
    expected = [row["user_id"] for row in tastes if row["weight"] < 100]
    assert catalog.tastes["user_id"].to_pylist() == expected
    for _ in range(2):
        batches = list(catalog.batches("tastes"))
        assert len(batches) >= 2
        assert [name for batch in batches for name in batch["user_id"].to_pylist()] == expected
    assert pa.Table.from_batches(batches).equals(catalog.tastes)


@pytest.mark.parametrize("format", FORMATS)
def test_what_is_known_of_users(write: Callable[..., Path], format: str) -> None:
    users = [{"user_id": "ada", "locale": "pt-BR", "segment": "kids"}, {"user_id": "ben", "locale": None, "segment": "adults"}]
    catalog = read_catalog(write(format, users=users), strict=True)
    assert catalog.users.schema.equals(USER)
    assert catalog.users.to_pylist() == users
    assert [batch.num_rows for batch in catalog.batches("users")] == [2]
