"""The folder of all choices: the Matcher's, whole parts only, gone on with after a kill -9, refused where it is of something else."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from embed.errors import StoreError
from embed.locks import only_writer
from embed.records import PRIOR, PROFILE, TITLE
from embed.store import Store, read_table, replace_table
from index.filters import Context
from index.publish import publish_snapshot
from match import choices as module
from match.blend import Weights
from match.choices import CHOICE, Asked, Written, write_choices
from match.matcher import Matcher

ROMANCE, COMEDY, HORROR, PLAIN = np.eye(4, dtype=np.float32)
ROWS = "SELECT user_id, title_id, artwork_id, reason FROM '{}/*.parquet' ORDER BY ALL"

# Writes parts of two users, slowly enough to be met in the middle.
CHILD = """
import sys, time
from pathlib import Path
from embed.store import open_store
from match import choices
sync = choices.sync
choices.PART_ROWS, choices.sync = 2 * 4, lambda path: (time.sleep(0.02), sync(path))
choices.write_choices(open_store(sys.argv[1]), Path(sys.argv[2]))
"""


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of one user with the four titles."""
    monkeypatch.setattr(module, "PART_ROWS", 4)


def rows(folder: Path) -> list[tuple[Any, ...]]:
    """(user_id, title_id, artwork_id, reason) as DuckDB reads them with one pattern."""
    with duckdb.connect() as connection:
        return connection.sql(ROWS.format(folder)).fetchall()


def by_matcher(matcher: Matcher, asked: Asked | None = None) -> list[tuple[Any, ...]]:
    asked = asked or Asked()
    pages = matcher.choose_many(list(asked.users or matcher.user_ids), asked.titles, asked.context)
    found = [
        (
            one.user_id,
            one.title_id,
            one.artwork and one.artwork.artwork_id,
            None if one.artwork and "fallback" not in one.reason else one.reason,
        )
        for page in pages
        for one in page
    ]
    return sorted(found, key=str)


def parts(folder: Path) -> dict[str, int]:
    """The parts and when each was written."""
    return {path.name: path.stat().st_mtime_ns for path in folder.glob("*.parquet")}


def manifest(folder: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return record


# What it holds


def test_it_holds_the_matchers_choices(tmp_path: Path, given_store: Store) -> None:
    written = write_choices(given_store, tmp_path / "out")
    assert sorted(rows(tmp_path / "out"), key=str) == by_matcher(Matcher.open(given_store))
    assert (written.users, written.titles, written.choices, written.made, written.without_artwork) == (4, 4, 16, 16, 1)
    assert set(written.seconds) == {"open", "make", "choose", "write"}


def test_users_titles_and_context_are_those_asked(tmp_path: Path, given_store: Store) -> None:
    asked = Asked(["nobody", "carl", "nobody"], ["lone", "no such", "harbour"], Context(deny=["clown"]), Weights(people=0.1))
    write_choices(given_store, tmp_path / "out", asked)
    expected = by_matcher(Matcher.open(given_store, asked.weights), Asked(["nobody", "carl"], asked.titles, asked.context))
    assert sorted(rows(tmp_path / "out"), key=str) == expected
    table = pq.read_table(sorted((tmp_path / "out").glob("*.parquet"))[0])
    assert table.schema.equals(CHOICE)
    assert table["user_id"].to_pylist() == ["nobody"] * 3 + ["carl"] * 3
    assert table["title_id"].to_pylist() == ["lone", "no such", "harbour"] * 2
    assert [score is None for score in table["score"].to_pylist()] == [False, True, False] * 2
    choice = Matcher.open(given_store, asked.weights).choose("carl", ["harbour"], asked.context)[0]
    assert table["score"].to_pylist()[-1] == pytest.approx(choice.artwork.score if choice.artwork else None, abs=1e-5)


def test_the_lines_beside_them_are_there(tmp_path: Path, make_store: Callable[..., Store], titles: dict, users: dict) -> None:
    copy = [
        {"copy_id": "l1", "title_id": "harbour", "text": "Two hearts.", "tags": ["no clown"]},
        {"copy_id": "l2", "title_id": "harbour", "text": "Boo!", "tags": ["no clown"]},
        {"copy_id": "l3", "title_id": "bare", "text": "Boo!"},
    ]
    tagged = {**titles, "harbour": [{**row, "tags": [row["artwork_id"]]} for row in titles["harbour"]]}
    words = {("tag", "clown"): COMEDY, ("tag", "ghost"): HORROR, ("tag", "kiss"): ROMANCE}
    words |= {("copy", "Two hearts."): ROMANCE, ("copy", "Boo!"): HORROR}
    store = make_store(tmp_path / "store", tagged, users, copy=copy, words=words)
    write_choices(store, tmp_path / "out")
    with duckdb.connect() as connection:
        found = connection.sql(f"SELECT user_id, title_id, copy_id FROM '{tmp_path}/out/*.parquet'").fetchall()
    matcher = Matcher.open(store)
    expected = [
        (one.user_id, one.title_id, one.copy and one.copy.copy_id)
        for page in matcher.choose_many(matcher.user_ids)
        for one in page
    ]
    assert sorted(found, key=str) == sorted(expected, key=str)
    assert {("rosa", "harbour", "l1"), ("hugo", "harbour", "l2"), ("carl", "harbour", None)} <= set(found)
    assert {line for _, title, line in found if title == "bare"} == {None}


def test_a_fallback_says_why(tmp_path: Path, given_store: Store) -> None:
    titles = [{**row, "fallback": "only"} for row in read_table(given_store, "titles").to_pylist()]
    artwork = read_table(given_store, "artwork")
    place = artwork.schema.get_field_index("locale")
    locales = pa.array(["de" if name == "only" else None for name in artwork["artwork_id"].to_pylist()], pa.string())
    replace_table(given_store, "titles", pa.Table.from_pylist(titles, schema=TITLE))
    replace_table(given_store, "artwork", artwork.set_column(place, artwork.schema.field(place), locales))
    publish_snapshot(given_store)
    write_choices(given_store, tmp_path / "out", Asked(["rosa"], ["lone", "harbour"], Context(locale="fr")))
    reason = "its fallback: none of 1 may be shown (1 by locale)"
    assert rows(tmp_path / "out") == [("rosa", "harbour", "kiss", None), ("rosa", "lone", "only", reason)]


def test_the_manifest_says_what_the_choices_were_made_of(tmp_path: Path, given_store: Store) -> None:
    write_choices(given_store, tmp_path / "out", Asked(titles=["lone"], context=Context(seen={"b", "a"}, maturity=12)))
    record = manifest(tmp_path / "out")
    settings = record["settings"]
    assert (settings["snapshot"], settings["titles"], settings["users"]["count"]) == ("000001", ["lone"], 4)
    tables = {"profiles", "phrases", "audience", "averages", "edits", "picture_interests"}
    tables |= {"priors", "title_priors", "segment_priors", "copy_priors"}
    assert settings["tables"].keys() == tables
    assert settings["weights"] == {"similarity": 0.5, "people": 2.5, "words": 0.125, "copy": 0.5}
    assert (settings["context"]["seen"], settings["context"]["maturity"]) == (["a", "b"], 12)
    assert (record["complete"], record["choices"], record["without_artwork"]) == (True, 4, 0)


@pytest.mark.parametrize("asked", [Asked(users=[]), Asked(titles=[])])
def test_nobody_or_nothing_is_a_table_without_rows(tmp_path: Path, given_store: Store, asked: Asked) -> None:
    assert write_choices(given_store, tmp_path / "out", asked).choices == 0
    assert rows(tmp_path / "out") == []
    assert write_choices(given_store, tmp_path / "out", asked).kept == 1


@pytest.mark.parametrize(
    ("users", "titles", "size"), [(10, 4, 10), (9_000, 1_000, 512), (100_000, 1_000, 2048), (5, 10**7, 1), (0, 0, 512)]
)
def test_parts_are_neither_huge_nor_too_few(users: int, titles: int, size: int) -> None:
    assert min(module._users_per_part(users, titles), users or 512) == size


def test_progress_is_told_of_choices(tmp_path: Path, given_store: Store, small_parts: None) -> None:
    told: list[tuple[int, int]] = []
    write_choices(given_store, tmp_path / "out", progress=lambda done, total: told.append((done, total)))
    assert told == [(done, 16) for done in (0, 4, 8, 12, 16)]


def test_a_run_leaves_torch_unloaded(tmp_path: Path, given_store: Store) -> None:
    code = f"{CHILD}\nprint(sorted({{'torch', 'open_clip', 'duckdb'}} & set(sys.modules)))"
    arguments = [sys.executable, "-c", code, str(given_store.root), str(tmp_path / "out")]
    ended = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert (ended.stdout, ended.stderr) == ("[]\n", "")


# Gone on with


def test_a_second_run_finds_all_there(tmp_path: Path, given_store: Store, small_parts: None) -> None:
    write_choices(given_store, tmp_path / "out")
    before, record = parts(tmp_path / "out"), manifest(tmp_path / "out")
    written = write_choices(given_store, tmp_path / "out")
    assert (written.parts, written.kept, written.made, written.choices) == (4, 4, 0, 16)
    assert (parts(tmp_path / "out"), manifest(tmp_path / "out")) == (before, record)


def test_killed_again_and_again_it_ends_as_if_nobody_had(
    tmp_path: Path, make_store: Callable[..., Store], titles: dict
) -> None:
    rng = np.random.default_rng(8)
    tastes = [("romantic", ROMANCE), ("funny", COMEDY), ("scary", HORROR)]
    users = {
        f"u{n:02}": [(text, "stated", float(rng.normal()), vector) for text, vector in tastes] for n in range(60)
    }  # thirty parts
    store, out = make_store(tmp_path / "store", titles, users), tmp_path / "out"
    subprocess.run([sys.executable, "-c", CHILD, str(store.root), str(tmp_path / "whole")], check=True)
    kept = []
    for there in (1, 7, 16, 25):
        process = subprocess.Popen([sys.executable, "-c", CHILD, str(store.root), str(out)])
        while len(parts(out)) < there and process.poll() is None:
            time.sleep(0.001)
        process.kill()
        assert process.wait() == -signal.SIGKILL
        assert not manifest(out)["complete"]
        kept.append(parts(out))
    subprocess.run([sys.executable, "-c", CHILD, str(store.root), str(out)], check=True)
    for some in kept:
        assert some.items() <= parts(out).items()  # none was written again
    assert len(parts(out)) == 30
    assert manifest(out)["complete"]
    whole, ended = (pq.read_table(sorted(folder.glob("*.parquet"))) for folder in (tmp_path / "whole", out))
    assert ended.equals(whole)
    assert [path.name for path in out.iterdir() if path.name.startswith(".part")] == []


def test_damaged_parts_and_leftovers_are_made_good(tmp_path: Path, given_store: Store, small_parts: None) -> None:
    out = tmp_path / "out"
    write_choices(given_store, out)
    before = rows(out)
    damaged, gone, *_ = sorted(out.glob("*.parquet"))
    damaged.write_bytes(b"PAR1")
    gone.unlink()
    (out / ".part-12345678-00000.parquet.1").write_bytes(b"half a part")
    (out / "part-12345678-00000.parquet").write_bytes(damaged.read_bytes())
    written = write_choices(given_store, out)
    assert (written.kept, written.made) == (2, 8)
    assert rows(out) == before
    assert {path.name for path in out.iterdir()} == {"manifest.json", ".writing", *parts(out)}
    assert len(parts(out)) == 4


def test_campaigns_stay_those_of_the_first_run(tmp_path: Path, given_store: Store) -> None:
    artwork = read_table(given_store, "artwork")
    place = artwork.schema.get_field_index("shown_until")
    ends = [datetime(2020, 1, 1, tzinfo=UTC) if name == "kiss" else None for name in artwork["artwork_id"].to_pylist()]
    column = pa.array(ends, artwork.schema.field(place).type)
    replace_table(given_store, "artwork", artwork.set_column(place, artwork.schema.field(place), column))
    publish_snapshot(given_store)
    out, asked = tmp_path / "out", Asked(["rosa"], ["harbour"])
    write_choices(given_store, out, asked)
    assert rows(out)[0][2] != "kiss"
    (out / "manifest.json").write_text(json.dumps({**manifest(out), "complete": False, "at": "2019-12-31T00:00:00+00:00"}))
    next(out.glob("*.parquet")).unlink()
    write_choices(given_store, out, asked)
    assert rows(out)[0][2] == "kiss"


# Refused


def change_snapshot(store: Store) -> None:
    titles = [{**row, "name": "Another"} for row in read_table(store, "titles").to_pylist()]
    replace_table(store, "titles", pa.Table.from_pylist(titles, schema=TITLE))
    publish_snapshot(store)


@pytest.mark.parametrize(
    ("change", "asked", "said"),
    [
        (change_snapshot, Asked(), "holds choices made with snapshot 000001, and now it would be 000002"),
        (
            lambda store: replace_table(store, "priors", PRIOR.empty_table()),
            Asked(),
            "holds choices made with tables .*'priors': 0.*, and now it would be .*'priors': 1",
        ),
        (
            lambda store: replace_table(store, "profiles", pa.Table.from_pylist([], schema=PROFILE)),
            Asked(["rosa"]),
            "holds choices made with tables .*'profiles': 1",
        ),
        (lambda _: None, Asked(weights=Weights(1.0)), "holds choices made with weights .*0.5.*, and now it would be .*1.0"),
        (lambda _: None, Asked(context=Context(locale="de")), "holds choices made with context .*None.*'de'"),
        (lambda _: None, Asked(titles=["lone"]), "holds the choices of other titles"),
        (lambda _: None, Asked(users=["rosa"]), "holds the choices of other users"),
    ],
)
def test_choices_of_something_else_are_refused_and_a_restart_makes_them_anew(
    tmp_path: Path, given_store: Store, change: Callable[[Store], None], asked: Asked, said: str
) -> None:
    out = tmp_path / "out"
    write_choices(given_store, out, Asked(["rosa"]) if asked.users and "tables" in said else None)
    change(given_store)
    before = parts(out)
    with pytest.raises(StoreError, match=f"{said}.*; --restart makes them anew, or give another folder"):
        write_choices(given_store, out, asked)
    assert parts(out) == before
    assert write_choices(given_store, out, asked, restart=True).kept == 0
    assert not parts(out).keys() & before.keys()
    assert sorted(rows(out), key=str) == by_matcher(Matcher.open(given_store, asked.weights), asked)


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path, given_store: Store) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for place in ("out", "file"):
        for restart in (False, True):
            with pytest.raises(StoreError, match=r"holds no choices .*give a new or empty folder"):
                write_choices(given_store, tmp_path / place, restart=restart)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", "cannot be read .*--restart makes the choices anew"), ('{"format": 99}', "has format 99, newer than 2; upgrade")],
)
def test_a_manifest_that_cannot_be_used(tmp_path: Path, given_store: Store, text: str, said: str) -> None:
    write_choices(given_store, tmp_path / "out")
    (tmp_path / "out" / "manifest.json").write_text(text)
    with pytest.raises(StoreError, match=said):
        write_choices(given_store, tmp_path / "out")
    assert write_choices(given_store, tmp_path / "out", restart=True).made == 16


def test_one_writes_at_a_time(tmp_path: Path, given_store: Store) -> None:
    with (
        only_writer(tmp_path / "out" / ".writing", "match_all"),
        pytest.raises(StoreError, match=r"another match_all .* is writing to .*out"),
    ):
        write_choices(given_store, tmp_path / "out")


def test_a_failure_ends_the_run_and_what_was_written_stays(
    tmp_path: Path, given_store: Store, small_parts: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, out = module._write, tmp_path / "out"

    def fails_at_the_third(path: Path, table: pa.Table) -> None:
        if path.name.endswith("00002.parquet"):
            raise OSError("no space left on device")
        write(path, table)

    with monkeypatch.context() as patch:
        patch.setattr(module, "_write", fails_at_the_third)
        with pytest.raises(OSError, match="no space left"):
            write_choices(given_store, out)
    assert not manifest(out)["complete"]
    written: Written = write_choices(given_store, out)
    assert written.kept + written.made // 4 == 4
    assert sorted(rows(out), key=str) == by_matcher(Matcher.open(given_store))
