"""embed_users under kill -9 at any moment, then run again: the store ends identical, and committed work is not done twice."""

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from embed.store import Store, append_rows, create_store, has_table, read_table

KILLS = 16
USERS = 40

# Starts the job as often as it is asked, each time in a process that it forks before it has touched a store, as
# tests/embed/test_kills.py does. Every phrase that is encoded and every user whose profile is made is a line in STORE.work,
# written before the commit. A line "SECONDS STORE" in; out comes the exit status: 0, or -9 where killed.
STARTER = """
import os, signal, sys, time
import torch
torch.set_num_threads(1)  # no threads that a fork would lose
from embed.tastes import by_user, drafts, phrase_book, users
from embed.catalog import read_catalog
from embed.encoder import EncoderChoice, load_encoder
from embed.store import open_store

catalog = read_catalog(sys.argv[1])
encoder = load_encoder(EncoderChoice(sys.argv[2]), device="cpu")
by_user.BLOCK, by_user.RUN, by_user.READ, phrase_book.CHUNK, drafts.KEPT = 16, 40, 8, 4, 1

def note(store, lines):
    with open(f"{store}.work", "a") as file:
        file.write("".join(f"{line}\\n" for line in lines))

print("ready", flush=True)
for line in sys.stdin:
    seconds, store = line.rstrip("\\n").split(" ", 1)
    child = os.fork()
    if not child:
        try:
            encode, append = phrase_book.encode_phrases, drafts.Draft.append
            phrase_book.encode_phrases = lambda keys, e: (note(store, [f"phrase {key}" for key in keys]), encode(keys, e))[1]
            drafts.Draft.append = lambda d, p: (note(store, [f"user {u}" for u in p["user_id"].to_pylist()]), append(d, p))[1]
            users.embed_users(catalog, open_store(store), encoder)
        except BaseException:
            import traceback
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    end = time.monotonic() + float(seconds)
    while not (done := os.waitpid(child, os.WNOHANG))[0] and time.monotonic() < end:
        time.sleep(0.001)
    if not done[0]:
        os.kill(child, signal.SIGKILL)
        done = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(done[1]), flush=True)
"""

# What a fresh process reads: all rows of all tables, to the last bit.
READER = """
import json, sys
from embed.store import has_table, open_store, read_table
store = open_store(sys.argv[1])
tables = {name: read_table(store, name).to_pylist() for name in ("phrases", "profiles", "averages", "audience")}
tables["drafts"] = has_table(store, "next_profiles")
print(json.dumps(tables, sort_keys=True))
"""


@pytest.fixture
def folder(tmp_path: Path, make_catalog: Callable[..., Path], write_rows: Callable[..., Path]) -> Path:
    """40 users: histories of 6 titles, words of some, and what is known of some."""
    chance = random.Random(2)
    genres, words = ["drama", "comedy", "war", "western", "noir", "music"], ["sea", "rain", "cats", "night", "snow", "kings"]
    titles = [{"title_id": f"t{n}", "name": "T", "genres": [genre], "keywords": words[n:]} for n, genre in enumerate(genres)]
    users = [f"user-{number:02}" for number in range(USERS)]
    watched = {"fraction": 1, "watched_at": "2026-09-01T20:00:00Z"}
    history = [{"user_id": chance.choice(users), "title_id": f"t{chance.randrange(6)}", **watched} for _ in range(160)]
    tastes = [{"user_id": user, "text": f"{chance.choice(words)} and {chance.choice(words)}"} for user in users[::3]]
    known = [{"user_id": user, "segment": chance.choice(["kids", "adults"])} for user in users[::2]]
    made = make_catalog(tmp_path / "catalog", titles=titles, artwork=None, history=history, tastes=tastes)
    write_rows(made, "artwork", [{"artwork_id": "a", "title_id": "t0", "path": "a.png"}])
    write_rows(made, "users", known)
    return made


@contextmanager
def starter(folder: Path, checkpoint: Path) -> Iterator[Callable[[Store, float], int]]:
    """run(store, seconds) -> exit status of a job that is killed after so many seconds."""
    arguments = [sys.executable, "-c", STARTER, str(folder), f"local-dir:{checkpoint}"]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline() == "ready\n"

        def run(store: Store, seconds: float) -> int:
            print(seconds, store.root, file=process.stdin, flush=True)
            return int(process.stdout.readline())  # type: ignore[union-attr]

        yield run
        process.stdin.close()
        process.wait(timeout=30)


def read(store: Store) -> Any:
    done = subprocess.run([sys.executable, "-c", READER, str(store.root)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def work(store: Store) -> list[str]:
    path = Path(f"{store.root}.work")
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def committed(store: Store) -> set[str]:
    """What a run that was killed left behind, as `work` words it."""
    phrases = read_table(store, "phrases").select(["kind", "text"]).to_pylist() if has_table(store, "phrases") else []
    drafted = read_table(store, "next_profiles")["user_id"].to_pylist() if has_table(store, "next_profiles") else []
    return {f"phrase {(row['kind'], row['text'])}" for row in phrases} | {f"user {user}" for user in drafted}


def test_killed_at_random_it_ends_as_if_nobody_had(
    folder: Path, tmp_path: Path, tiny_checkpoint: Path, tiny_encoder: Any
) -> None:
    def new(name: str) -> Store:
        return create_store(tmp_path / name, tiny_encoder.choice, tiny_encoder.fingerprint, tiny_encoder.dimension)

    chance = random.Random(5)
    with starter(folder, tiny_checkpoint) as run:
        start = time.monotonic()
        whole = new("whole")
        assert run(whole, 60) == 0
        takes = time.monotonic() - start
        expected, kills, rounds, spared = read(whole), 0, 0, 0
        assert len(expected["profiles"]) == len({row["user_id"] for row in expected["profiles"]}) > USERS * 0.9
        assert {row["name"] for row in expected["averages"]} == {"kids", "adults"}
        assert not expected["drafts"]
        while kills < KILLS:
            store, rounds, status = new(f"killed-{rounds}"), rounds + 1, -9
            while status:
                before, done = committed(store), len(work(store))
                published = has_table(store, "audience")
                status = run(store, chance.uniform(0, takes) if kills < KILLS else 60)
                kills += status == -9
                assert status in (0, -9)
                if not published:  # else it was killed at the very end, and what it would go on with may be dropped already
                    assert not before & set(work(store)[done:])
                    spared += len(before)
            assert read(store) == expected
    assert kills >= KILLS
    assert spared


def test_over_another_catalog_a_draft_is_begun_anew(
    folder: Path, tmp_path: Path, tiny_encoder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from embed.catalog import read_catalog
    from embed.tastes import by_user, drafts
    from embed.tastes.drafts import Draft
    from embed.tastes.users import embed_users

    for name, rows in (("BLOCK", 16), ("READ", 8)):
        monkeypatch.setattr(by_user, name, rows)
    monkeypatch.setattr(drafts, "KEPT", 1)
    store, other = (
        create_store(tmp_path / name, tiny_encoder.choice, tiny_encoder.fingerprint, tiny_encoder.dimension)
        for name in ("store", "other")
    )
    append, parts = Draft.append, []

    def third_fails(draft: Draft, profiles: Any) -> None:
        parts.append(profiles)
        if len(parts) == 3:
            raise KeyboardInterrupt
        append(draft, profiles)

    with monkeypatch.context() as patch:
        patch.setattr(Draft, "append", third_fails)
        with pytest.raises(KeyboardInterrupt):
            embed_users(read_catalog(folder), store, tiny_encoder)
    assert len(read_table(store, "next_profiles")) == len(parts[0]) + len(parts[1])
    with (folder / "history.csv").open("a", encoding="utf-8") as file:
        file.write("user-99,t0,1,2026-09-02T20:00:00Z\n")  # of a later time: what all others watched counts less
    embed_users(read_catalog(folder), store, tiny_encoder)
    embed_users(read_catalog(folder), other, tiny_encoder)
    assert read_table(store, "profiles").equals(read_table(other, "profiles"))
    assert not has_table(store, "next_profiles")


def test_few_users_are_published_without_a_draft(folder: Path, tmp_path: Path, tiny_encoder: Any) -> None:
    """Commits would take longer than to make their profiles again."""
    from embed.catalog import read_catalog
    from embed.tastes import drafts
    from embed.tastes.users import embed_users

    stores = []
    for name, kept in (("at once", 1 << 13), ("in commits", 1)):
        stores.append(create_store(tmp_path / name, tiny_encoder.choice, tiny_encoder.fingerprint, tiny_encoder.dimension))
        written: list[str] = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(drafts, "KEPT", kept)
            patch.setattr(drafts, "append_rows", lambda *of, noted=written: (noted.append(of[1]), append_rows(*of)))
            embed_users(read_catalog(folder), stores[-1], tiny_encoder)
        assert set(written) == (set() if kept > 1 else {"next_profiles"})
    assert read(stores[0]) == read(stores[1])
