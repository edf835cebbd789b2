"""The batch job: embeds what is new or changed, keeps what is committed, sets aside what cannot be read, and ends the same."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from embed import job
from embed.catalog import read_catalog
from embed.errors import FingerprintError, StoreError
from embed.job import Event, JobReport, embed_artwork, switch_to
from embed.options import JobOptions
from embed.plan import plan_artwork
from embed.store import Store, has_table, open_store, read_table, read_vectors

Row = dict[str, Any]
TABLES = ("titles", "artwork", "rejected", "embeddings")
TITLES: list[Row] = [{"title_id": "t1", "name": "One"}, {"title_id": "t2", "name": "Two"}]


def art(name: str, title_id: str = "t1", **more: Any) -> Row:
    """An artwork in a file of its own."""
    return {"artwork_id": name, "title_id": title_id, "path": f"{name}.png", "added_at": "2026-01-05T00:00:00+00:00", **more}


OLD = 1_700_000_000  # seconds since 1970
SEVEN = [art(name) for name in "abcdefg"]


@dataclass
class World:
    """A catalog folder, its store, and an encoder: what a night's run has before it."""

    folder: Path
    store: Store
    encoder: Any
    write: Callable[..., Path]

    def catalog(self, artwork: list[Row], titles: list[Row] = TITLES) -> None:
        """Write the tables; pictures that are not there are drawn."""
        self.write(self.folder, titles=titles, artwork=artwork, history=None, tastes=None)

    def run(self, watch: Any = lambda event: None, **options: Any) -> JobReport:
        options = {"workers": 1, **options}
        return embed_artwork(read_catalog(self.folder, strict=True), self.store, self.encoder, JobOptions(**options), watch)

    def plan(self) -> dict[str, int]:
        return plan_artwork(read_catalog(self.folder), self.store).counts

    def rows(self, table: str) -> list[Row]:
        rows: list[Row] = read_table(self.store, table).to_pylist()
        return rows

    def artwork(self) -> dict[str, Row]:
        return {row["artwork_id"]: row for row in self.rows("artwork")}

    def vectors(self) -> dict[str, np.ndarray]:
        """sha256 to vector; fails where one content was embedded twice."""
        table = read_table(self.store, "embeddings")
        hashes = table["sha256"].to_pylist()
        assert len(set(hashes)) == len(hashes)
        return dict(zip(hashes, read_vectors(table), strict=True))

    def tables(self) -> dict[str, list[Row]]:
        """All that the job writes, without the time at which something was set aside."""
        rows = {table: self.rows(table) for table in TABLES if has_table(self.store, table)}
        rows["rejected"] = [{**row, "rejected_at": None} for row in rows.get("rejected", [])]
        return rows

    def versions(self) -> dict[str, int]:
        import lance

        return {path.stem: lance.dataset(str(path)).version for path in self.store.tables.glob("*.lance")}


@pytest.fixture
def world(tmp_path: Path, empty_store: Store, tiny_encoder: Any, make_catalog: Callable[..., Path]) -> World:
    """A catalog of seven artworks, nothing embedded yet."""
    made = World(tmp_path / "catalog", empty_store, tiny_encoder, make_catalog)
    made.catalog(SEVEN)
    for path in made.folder.glob("*.png"):
        os.utime(path, (OLD, OLD))  # as if drawn a while ago: a file just written may change again within its clock's tick
    return made


def counts(report: JobReport) -> dict[str, int]:
    """The plan's counts that are not 0."""
    return {name: count for name, count in report.plan.counts.items() if count}


def test_the_first_run_embeds_all(world: World) -> None:
    report = world.run()
    assert (report.embedded, counts(report), report.rejected) == (7, {"new": 7}, ())
    assert [row["artwork_id"] for row in world.rows("artwork")] == list("abcdefg")
    for row in world.rows("artwork"):
        assert (row["active"], row["width"], row["height"]) == (True, 96, 64)
        assert row["added_at"] == datetime(2026, 1, 5, tzinfo=UTC)
    assert {row["sha256"] for row in world.rows("artwork")} == world.vectors().keys()
    assert {row["fingerprint"] for row in world.rows("embeddings")} == {world.encoder.fingerprint}
    assert [row["title_id"] for row in world.rows("titles")] == ["t1", "t2"]
    assert world.rows("rejected") == []
    assert open_store(world.store.root).pictures == str(world.folder.resolve())


def test_vectors_are_the_encoder_s_own(world: World, drawing: Callable[..., Any]) -> None:
    world.run()
    found = world.vectors()
    for name, row in world.artwork().items():
        assert np.allclose(found[row["sha256"]], world.encoder.encode_images([drawing(name)])[0], atol=1e-6)


def test_a_second_run_embeds_nothing_and_adds_no_version(world: World) -> None:
    (world.folder / "c.png").write_bytes(b"no picture")
    os.utime(world.folder / "c.png", (OLD, OLD))
    world.run()
    before, versions = world.tables(), world.versions()
    report = world.run()
    assert (report.embedded, counts(report)) == (0, {"unchanged": 6, "unreadable": 1})
    assert (world.tables(), world.versions()) == (before, versions)


def test_one_deleted_one_corrupted_one_added_changes_exactly_these_three(world: World) -> None:
    world.run()
    artwork, vectors = world.artwork(), world.vectors()
    world.catalog([*SEVEN, art("new", "t2")])
    (world.folder / "b.png").unlink()
    whole = (world.folder / "d.png").read_bytes()
    (world.folder / "d.png").write_bytes(whole[: len(whole) // 2])
    report = world.run()
    assert (report.embedded, counts(report)) == (1, {"new": 1, "changed": 1, "unchanged": 5, "unreadable": 1})
    after = world.artwork()
    assert {name for name in after if after[name] != artwork.get(name)} == {"b", "d", "new"}
    assert [name for name, row in after.items() if not row["active"]] == ["b", "d"]
    assert {row["artwork_id"]: row["reason"].split(" (")[0].split(";")[0] for row in report.rejected} == {
        "b": "no such file",
        "d": "is damaged or cut off",
    }
    found = world.vectors()
    assert found.keys() - vectors.keys() == {after["new"]["sha256"]}
    assert all(np.array_equal(found[sha256], vector) for sha256, vector in vectors.items())


def test_changed_content_is_embedded_again(world: World, drawing: Callable[..., Any]) -> None:
    world.run()
    before = world.artwork()
    drawing("another", (64, 128)).save(world.folder / "a.png")
    report = world.run()
    assert (report.embedded, report.plan.changed, report.plan.to_embed) == (1, ("a",), ("a",))
    row = world.artwork()["a"]
    assert (row["width"], row["height"], row["active"]) == (64, 128, True)
    assert row["sha256"] != before["a"]["sha256"]


def test_content_that_is_known_is_not_embedded_again(world: World) -> None:
    world.run()
    (world.folder / "a.png").rename(world.folder / "moved.png")
    shutil.copy(world.folder / "b.png", world.folder / "twice.png")
    world.catalog([art("a", path="moved.png"), *SEVEN[1:], art("twice", "t2")])
    report = world.run()
    assert (report.embedded, counts(report)) == (0, {"reused": 1, "unchanged": 7})
    rows = world.artwork()
    assert rows["a"]["path"] == "moved.png"
    assert (rows["twice"]["sha256"], rows["twice"]["title_id"], rows["twice"]["active"]) == (rows["b"]["sha256"], "t2", True)
    assert len(world.vectors()) == 7


def test_the_same_new_picture_twice_is_embedded_once(world: World) -> None:
    world.catalog([art("a"), art("again", "t2", path="a.png")])
    report = world.run()
    assert (report.embedded, report.plan.new, report.plan.reused) == (1, ("a",), ("again",))
    assert [row["active"] for row in world.rows("artwork")] == [True, True]


def test_the_same_bad_picture_twice_is_set_aside_twice(world: World) -> None:
    world.catalog([art("a"), art("again", "t2", path="a.png")])
    (world.folder / "a.png").write_bytes(b"no picture")
    report = world.run()
    assert [row["artwork_id"] for row in report.rejected] == ["a", "again"]
    assert len({row["reason"] for row in report.rejected}) == 1


def test_a_removed_row_becomes_inactive_and_comes_back_reused(world: World) -> None:
    world.run()
    before = world.artwork()
    world.catalog(SEVEN[:-1])
    assert counts(world.run()) == {"unchanged": 6, "removed": 1}
    assert world.artwork()["g"] == {**before["g"], "active": False}
    assert counts(world.run()) == {"unchanged": 6}  # gone is gone: not removed again
    world.catalog(SEVEN)
    report = world.run()
    assert (report.embedded, report.plan.reused) == (0, ("g",))
    assert world.artwork() == before


BAD = {
    "empty": (b"", "is empty"),
    "html": (b"<html>", "is none of JPEG"),
    "cut": (b"\x89PNG\r\n\x1a\n\0\0", "header is broken"),
}


def test_what_cannot_be_read_is_set_aside_and_its_batch_goes_on(world: World) -> None:
    world.catalog([*SEVEN, *map(art, BAD)])
    for name, (data, _) in BAD.items():
        (world.folder / f"{name}.png").write_bytes(data)
    report = world.run()
    assert report.embedded == 7
    assert [row["artwork_id"] for row in report.rejected] == list(BAD)
    assert world.rows("rejected") == list(report.rejected)
    for row in report.rejected:
        assert BAD[row["artwork_id"]][1] in row["reason"]
        assert (row["title_id"], row["path"]) == ("t1", f"{row['artwork_id']}.png")
    rows = world.artwork()
    assert [name for name, row in rows.items() if row["active"]] == list("abcdefg")
    assert (rows["html"]["width"], rows["html"]["height"]) == (None, None)


def test_what_was_set_aside_is_tried_again_only_when_its_bytes_change(world: World, drawing: Callable[..., Any]) -> None:
    (world.folder / "a.png").write_bytes(b"no picture")
    (world.folder / "b.png").unlink()
    first = world.run()
    again = world.run()
    assert (again.plan.unreadable, again.plan.to_embed) == (("a", "b"), ())
    assert again.rejected == first.rejected  # with the date on which it first failed
    drawing("a").save(world.folder / "a.png")
    drawing("b").save(world.folder / "b.png")
    last = world.run()
    assert (last.embedded, last.rejected, world.rows("rejected")) == (2, (), [])
    assert all(row["active"] for row in world.rows("artwork"))


class PickyModel:
    """A tower that gives no finite vector where a picture is of one colour."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)

    def encode_image(self, pixels: Any) -> Any:
        vectors = self.model.encode_image(pixels)
        vectors[pixels.std(dim=(2, 3)).amax(dim=1) < 1e-4] = float("nan")
        return vectors


def picky(encoder: Any) -> Any:
    return replace(encoder, model=PickyModel(encoder.model))


def test_a_vector_that_is_not_finite_sets_aside_its_picture_alone(world: World) -> None:
    from PIL import Image

    Image.new("RGB", (64, 64), "red").save(world.folder / "d.png")
    (world.folder / "e.png").write_bytes(b"no picture")
    world.encoder = picky(world.encoder)
    report = world.run()
    assert (report.embedded, [row["artwork_id"] for row in report.rejected]) == (5, ["d", "e"])
    assert report.rejected[0]["reason"].startswith("the tower gave a vector that is not finite")
    assert len(world.vectors()) == 5


def files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_plan_is_what_the_run_does_and_writes_nothing(world: World, drawing: Callable[..., Any]) -> None:
    world.run()
    drawing("other").save(world.folder / "a.png")
    (world.folder / "b.png").write_bytes(b"")
    world.catalog([*SEVEN[:-1], art("new"), art("same", path="c.png")])
    before = files(world.store.root)
    plan = plan_artwork(read_catalog(world.folder), world.store)
    assert files(world.store.root) == before
    assert {name: count for name, count in plan.counts.items() if count} == {
        "new": 1, "changed": 1, "reused": 1, "unchanged": 4, "unreadable": 1, "removed": 1,
    }  # fmt: skip
    report = world.run()
    assert replace(report.plan, rejected={}) == replace(plan, rejected={})
    assert report.embedded == len(plan.to_embed)
    assert {row["artwork_id"]: row["reason"] for row in report.rejected} == {
        artwork_id: row["reason"] for artwork_id, row in plan.rejected.items()
    }


def test_a_store_without_tables_can_be_planned_for(world: World) -> None:
    assert world.plan() == {"new": 7, "changed": 0, "reused": 0, "unchanged": 0, "unreadable": 0, "removed": 0}
    assert not (world.store.root / "tables").exists()


def test_a_run_says_what_it_does_while_it_goes_on(world: World) -> None:
    (world.folder / "b.png").write_bytes(b"no picture")
    seen: list[Event] = []
    world.run(seen.append, batch=3, commit_every=3)
    assert [event.name for event in seen if event.name != "progress"] == [
        "planned", "backend", "rejected", "committed", "committed", "finished",
    ]  # fmt: skip
    progress = [event.facts for event in seen if event.name == "progress"]
    assert [(facts["done"], facts["total"], facts["rejected"]) for facts in progress] == [(3, 7, 1), (6, 7, 1), (7, 7, 1)]
    assert all(facts["images_per_second"] > 0 for facts in progress)
    assert [facts["seconds_left"] > 0 for facts in progress] == [True, True, False]
    of = {event.name: event.facts for event in seen}
    assert (of["planned"]["new"], of["planned"]["to_embed"], of["planned"]["hashed"]) == (7, 7, 7)
    assert (of["rejected"]["artwork_id"], of["rejected"]["path"]) == ("b", "b.png")
    assert of["backend"] == {"backend": "torch"}
    assert (of["finished"]["embedded"], of["finished"]["rejected"]) == (6, 1)


@pytest.mark.parametrize(("batch", "commit_every", "commits"), [(2, 2, 4), (2, 4, 2), (3, 100, 1)])
def test_vectors_are_committed_in_steps_and_end_the_same(world: World, batch: int, commit_every: int, commits: int) -> None:
    world.run(batch=batch, commit_every=commit_every)
    assert (world.versions()["embeddings"], len(world.vectors())) == (commits, 7)


class Killed(BaseException):
    """Stands in for a kill that Python code cannot catch."""


WRITES = ("append_rows", "replace_table", "remember_pictures", "tidy_table", "write_run")


def dying(monkeypatch: pytest.MonkeyPatch, at: int, *, after: bool) -> None:
    """Let the job die at its write number `at`, just before it or just after."""
    left = [at]

    def wrap(write: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*arguments: Any) -> Any:
            left[0] -= 1
            if left[0] == 0 and not after:
                raise Killed
            result = write(*arguments)
            if left[0] == 0:
                raise Killed
            return result

        return wrapped

    for name in WRITES:
        monkeypatch.setattr(job, name, wrap(getattr(job, name)))


@pytest.fixture(scope="module")
def unhindered(
    tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Any, make_catalog: Callable[..., Path]
) -> tuple[World, dict[str, list[Row]]]:
    """A catalog with a bad picture, and what a run that nobody stopped makes of it; nothing of it is ever changed."""
    from embed.store import create_store

    root = tmp_path_factory.mktemp("unhindered")
    store = create_store(root / "store", tiny_encoder.choice, tiny_encoder.fingerprint, tiny_encoder.dimension)
    whole = World(root / "catalog", store, tiny_encoder, make_catalog)
    whole.catalog(SEVEN)
    (whole.folder / "e.png").write_bytes(b"no picture")
    for path in whole.folder.glob("*.png"):
        os.utime(path, (OLD, OLD))
    assert whole.run(batch=2, commit_every=2).embedded == 6
    return whole, whole.tables()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(1, 11))  # 3 commits of vectors, 1 of rejected, 3 tables, record, tidying, the run
def test_killed_at_any_write_and_run_again_it_ends_the_same(
    unhindered: tuple[World, dict[str, list[Row]]], empty_store: Store, monkeypatch: pytest.MonkeyPatch, at: int, after: bool
) -> None:
    whole, tables = unhindered
    world = replace(whole, store=empty_store)
    with monkeypatch.context() as patch:
        dying(patch, at, after=after)
        with pytest.raises(Killed):
            world.run(batch=2, commit_every=2)
    committed = len(world.vectors()) if has_table(world.store, "embeddings") else 0
    assert world.run(batch=2, commit_every=2).embedded == 6 - committed
    assert world.tables() == tables


CHILD = """
import os, signal, sys
from pathlib import Path
from embed import job
from embed.catalog import read_catalog
from embed.encoder import load_encoder
from embed.options import JobOptions
from embed.store import open_store

write, left = job.append_rows, [2]

def append_rows(*arguments):
    write(*arguments)
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)

job.append_rows = append_rows
store = open_store(sys.argv[2])
options = JobOptions(workers=1, batch=2, commit_every=2)
job.embed_artwork(read_catalog(sys.argv[1]), store, load_encoder(store.choice, device="cpu"), options)
"""


def test_a_run_that_is_really_killed_keeps_what_it_committed(world: World) -> None:
    arguments = [sys.executable, "-c", CHILD, str(world.folder), str(world.store.root)]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=120, check=False, env={**os.environ})
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert (len(world.vectors()), has_table(world.store, "artwork")) == (4, False)
    report = world.run()
    assert (report.embedded, counts(report)) == (3, {"new": 3, "reused": 4})
    assert len(world.vectors()) == 7
    assert [row["artwork_id"] for row in world.rows("artwork") if row["active"]] == list("abcdefg")


def changing(world: World, monkeypatch: pytest.MonkeyPatch, change: Callable[[], object]) -> None:
    """Let `change` happen once, between the plan and the first picture decoded."""

    def plan_and_change(*arguments: Any, **options: Any) -> Any:
        plan = plan_artwork(*arguments, **options)
        change()
        monkeypatch.undo()
        return plan

    monkeypatch.setattr(job, "plan_artwork", plan_and_change)


def test_a_file_that_changes_after_the_plan_gets_the_vector_of_its_new_bytes(
    world: World, monkeypatch: pytest.MonkeyPatch, drawing: Callable[..., Any]
) -> None:
    changing(world, monkeypatch, lambda: drawing("late").save(world.folder / "a.png"))
    report = world.run()
    assert [(row["artwork_id"], row["reason"]) for row in report.rejected] == [
        ("a", "changed while it was read; run the job again")
    ]
    assert not world.artwork()["a"]["active"]
    again = world.run()
    assert (again.plan.reused, again.embedded, again.rejected) == (("a",), 0, ())
    found = world.vectors()[world.artwork()["a"]["sha256"]]
    assert np.allclose(found, world.encoder.encode_images([drawing("late")])[0], atol=1e-6)


def test_a_file_that_vanishes_after_the_plan_is_set_aside(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    changing(world, monkeypatch, (world.folder / "a.png").unlink)
    report = world.run()
    assert report.embedded == 6
    assert [(row["artwork_id"], row["sha256"]) for row in report.rejected] == [("a", None)]
    assert "no such file" in report.rejected[0]["reason"]


def test_a_file_that_breaks_after_the_plan_is_not_tried_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    changing(world, monkeypatch, lambda: (world.folder / "a.png").write_bytes(b"no picture"))
    first = world.run()
    assert "is none of JPEG" in first.rejected[0]["reason"]
    again = world.run()
    assert (again.plan.unreadable, again.plan.to_embed, again.rejected) == (("a",), (), first.rejected)


def test_added_at_is_the_first_run_where_the_catalog_is_silent(world: World) -> None:
    world.catalog([art("a", added_at=None), art("b")])
    world.run()
    first = world.artwork()["a"]["added_at"]
    assert first is not None
    world.catalog([art("a", added_at=None, caption="a new caption"), art("b")])
    world.run()
    row = world.artwork()["a"]
    assert (row["added_at"], row["caption"]) == (first, "a new caption")
    world.catalog([art("a"), art("b")])
    world.run()
    assert world.artwork()["a"]["added_at"] == datetime(2026, 1, 5, tzinfo=UTC)  # the catalog's word counts


def test_titles_follow_the_catalog(world: World) -> None:
    world.run()
    world.catalog(SEVEN, titles=[{"title_id": "t1", "name": "One, renamed", "genres": ["drama"]}])
    world.run()
    assert [(row["title_id"], row["name"], row["genres"]) for row in world.rows("titles")] == [
        ("t1", "One, renamed", ["drama"])
    ]


def test_each_run_leaves_a_record(world: World) -> None:
    (world.folder / "a.png").write_bytes(b"")
    world.run()
    world.run()
    paths = sorted((world.store.root / "runs").glob("embed_artwork-*.json"))
    first, second = (json.loads(path.read_text()) for path in paths)
    assert (first["embedded"], first["rejected"], first["plan"]["new"]) == (6, 1, 6)
    assert (second["embedded"], second["plan"]["unchanged"], second["plan"]["unreadable"]) == (0, 6, 1)
    assert first["fingerprint"] == world.store.fingerprint
    assert first["seconds"].keys() == {"plan", "embed", "decode", "measure", "encode", "words", "commit"}
    assert (first["engine"], first["backend"], second["backend"]) == ("local", {"backend": "torch"}, {})
    assert first["images_per_second"] > 0 == second["images_per_second"]
    assert first["versions"].keys() >= {"torch", "open_clip_torch", "pillow"}


def test_an_encoder_that_is_not_the_store_s_is_refused_before_anything_is_written(world: World, other_encoder: Any) -> None:
    before = files(world.store.root)
    world.encoder = other_encoder
    with pytest.raises(FingerprintError, match="their vectors do not compare"):
        world.run()
    assert files(world.store.root) == before


# Power cuts


@pytest.mark.parametrize("damage", ["emptied", "zeroed", "halved"])
@pytest.mark.parametrize("pattern", ["_versions/*.manifest", "data/*"])
def test_what_a_power_cut_took_is_said_and_done_again(
    world: World, caplog: pytest.LogCaptureFixture, pattern: str, damage: str
) -> None:
    world.run(batch=2, commit_every=2)
    whole = world.tables()
    newest = max((world.store.tables / "embeddings.lance").glob(pattern), key=lambda path: path.stat().st_mtime_ns)
    size = newest.stat().st_size
    newest.write_bytes({"emptied": b"", "zeroed": bytes(size), "halved": newest.read_bytes()[: size // 2]}[damage])
    assert len(world.vectors()) == 6  # the last commit had one of seven
    assert "embeddings.lance" in caplog.text
    seen: list[Event] = []
    report = world.run(seen.append)
    assert (report.embedded, [event.facts["table"] for event in seen if event.name == "mended"]) == (1, ["embeddings"])
    caplog.clear()
    assert world.tables() == whole
    assert caplog.text == ""


# What is not read again


def test_a_file_whose_size_and_time_are_the_same_is_not_read_again(world: World, drawing: Callable[..., Any]) -> None:
    assert world.run().plan.hashed == 7
    drawing("late").save(world.folder / "a.png")
    os.utime(world.folder / "b.png", (OLD + 1, OLD + 1))  # touched, with the same bytes
    plan = world.run().plan
    assert (plan.hashed, plan.changed, len(plan.unchanged)) == (2, ("a",), 6)
    assert world.run().plan.hashed == 1  # a.png changed just now: too fresh to be trusted
    assert world.run(rehash=True).plan.hashed == 7


def test_rehashing_finds_what_was_changed_behind_its_time(world: World, drawing: Callable[..., Any]) -> None:
    world.run()
    path = world.folder / "a.png"
    data = bytearray(path.read_bytes())
    data[-20] ^= 1
    path.write_bytes(data)
    os.utime(path, (OLD, OLD))
    assert counts(world.run()) == {"unchanged": 7}
    assert counts(world.run(rehash=True)) == {"changed": 1, "unchanged": 6}


def test_what_was_set_aside_is_tried_again_when_asked(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from PIL import Image

    Image.new("RGB", (64, 64), "red").save(world.folder / "d.png")
    (world.folder / "e.png").write_bytes(b"no picture")
    plain, world.encoder = world.encoder, picky(world.encoder)
    assert len(world.run().rejected) == 2
    world.encoder = plain  # a better tower, or a better decoder
    assert (world.run().embedded, len(world.rows("rejected"))) == (0, 2)
    report = world.run(retry_rejected=True)
    assert (report.embedded, [row["artwork_id"] for row in report.rejected]) == (1, ["e"])
    assert world.artwork()["d"]["active"]


# Another encoder


def test_another_encoder_fills_its_own_tables_and_then_serves(world: World, other_encoder: Any) -> None:
    world.run()
    before = files(world.store.tables)
    catalog = read_catalog(world.folder)
    report, switched = switch_to(catalog, world.store, other_encoder, JobOptions(workers=1))
    assert (report.embedded, switched) == (7, True)
    assert files(world.store.tables) == before
    new = open_store(world.store.root)
    assert (new.fingerprint, new.folder) == (other_encoder.fingerprint, f"tables-{other_encoder.fingerprint[:12]}")
    assert {row["fingerprint"] for row in read_table(new, "embeddings").to_pylist()} == {other_encoder.fingerprint}
    assert open_store(world.store.root, world.encoder.fingerprint).tables == world.store.tables
    back, switched = switch_to(catalog, new, world.encoder, JobOptions(workers=1))
    assert (back.embedded, switched, open_store(world.store.root).fingerprint) == (0, True, world.encoder.fingerprint)


def test_a_switch_that_is_stopped_leaves_the_old_encoder_serving_and_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch, other_encoder: Any
) -> None:
    world.catalog([art(name, added_at=None) for name in "abcdefg"])
    world.run()
    added = {name: row["added_at"] for name, row in world.artwork().items()}
    catalog, options = read_catalog(world.folder), JobOptions(workers=1, batch=2, commit_every=2)
    with monkeypatch.context() as patch:
        dying(patch, 2, after=True)
        with pytest.raises(Killed):
            switch_to(catalog, world.store, other_encoder, options)
    assert open_store(world.store.root).fingerprint == world.encoder.fingerprint
    assert counts(world.run()) == {"unchanged": 7}  # the nightly run goes on with the old one
    report, switched = switch_to(catalog, world.store, other_encoder, options)
    assert (report.embedded, switched) == (3, True)
    new = replace(world, store=open_store(world.store.root))
    assert {name: row["added_at"] for name, row in new.artwork().items()} == added


def test_an_encoder_that_gives_no_vector_to_what_is_served_is_not_switched_to(world: World, other_encoder: Any) -> None:
    from PIL import Image

    Image.new("RGB", (64, 64), "red").save(world.folder / "d.png")
    world.run()
    report, switched = switch_to(read_catalog(world.folder), world.store, picky(other_encoder), JobOptions(workers=1))
    assert ([row["artwork_id"] for row in report.rejected], switched) == (["d"], False)
    assert open_store(world.store.root).fingerprint == world.encoder.fingerprint


def test_a_checkpoint_that_moved_embeds_nothing_again(
    world: World, tmp_path: Path, tiny_checkpoint: Path, load_checkpoint: Callable[..., Any]
) -> None:
    world.run()
    shutil.copytree(tiny_checkpoint, tmp_path / "renamed")
    world.encoder = load_checkpoint(tmp_path / "renamed")
    assert counts(world.run()) == {"unchanged": 7}


def test_a_changed_interpolation_is_refused(
    world: World, make_checkpoint: Callable[..., Path], load_checkpoint: Callable[..., Any]
) -> None:
    world.encoder = load_checkpoint(make_checkpoint(interpolation="bilinear"))
    with pytest.raises(FingerprintError, match="their vectors do not compare"):
        world.run()


def test_two_jobs_at_once_on_one_store(world: World) -> None:
    seen: list[str] = []

    def second(event: Event) -> None:
        if event.name == "backend":
            with pytest.raises(StoreError, match="embed_artwork") as caught:
                world.run()
            seen.append(str(caught.value))

    assert world.run(second).embedded == 7
    assert len(seen) == 1


def test_a_catalog_without_artwork(world: World) -> None:
    world.run()
    world.write(world.folder, titles=TITLES, artwork=None, history=None, tastes=None)
    (world.folder / "artwork.csv").write_text("artwork_id,title_id,path\n")
    assert counts(world.run()) == {"removed": 7}
    assert not any(row["active"] for row in world.rows("artwork"))
