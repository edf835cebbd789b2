"""kill -9 at any moment, then run again: the store ends identical to that of a run that nobody stopped."""

import json
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from embed.store import Store, create_store, open_store

KILLS = 32
PICTURES = 24

# Starts the job as often as it is asked, each time in a process of its own that it forks before it has touched a store: what is
# costly (torch, the checkpoint) is loaded once. A line "SECONDS STORE" in; out comes the exit status: 0, or -9 where killed.
STARTER = """
import os, signal, sys, time, warnings
import torch
torch.set_num_threads(1)  # no threads that a fork would lose
from embed import words
from embed.catalog import read_catalog
from embed.encoder import EncoderChoice, load_encoder
from embed.job import embed_artwork
from embed.options import JobOptions
from embed.store import open_store

words.CHUNK = 16  # so that words take several commits
catalog = read_catalog(sys.argv[1])
encoder = load_encoder(EncoderChoice(sys.argv[2]), device="cpu")
print("ready", flush=True)
for line in sys.stdin:
    seconds, store = line.rstrip("\\n").split(" ", 1)
    child = os.fork()
    if not child:
        try:
            embed_artwork(catalog, open_store(store), encoder, JobOptions(workers=1, batch=2, commit_every=2))
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

# What a fresh process reads: all rows of all tables, vectors to the last bit.
READER = """
import json, sys
from embed.store import has_table, open_store, read_table
store = open_store(sys.argv[1])
names = ("titles", "artwork", "copy", "rejected", "embeddings", "words")
tables = {name: read_table(store, name) for name in names if has_table(store, name)}
rows = {name: table.to_pylist() for name, table in tables.items()}
for row in rows["rejected"]:
    del row["rejected_at"]
for row in rows["embeddings"] + rows["words"]:
    row["vector"] = [number.hex() for number in row["vector"]]
print(json.dumps(rows, default=str, sort_keys=True))
"""


@pytest.fixture
def folder(tmp_path: Path, make_catalog: Callable[..., Path], write_rows: Callable[..., Path]) -> Path:
    """A catalog of 24 artworks, three of them bad, with tags, and lines of copy."""
    fixed = {"title_id": "t", "added_at": "2026-01-05T00:00:00Z"}
    rows = [{"artwork_id": f"a{n:02}", "path": f"a{n:02}.png", "tags": [f"tag {n}"], **fixed} for n in range(PICTURES)]
    made = make_catalog(tmp_path / "catalog", titles=[{"title_id": "t", "name": "T"}], artwork=rows, history=None, tastes=None)
    write_rows(made, "copy", [{"copy_id": f"c{n}", "title_id": "t", "text": f"Line {n}"} for n in range(5)])
    for bad in ("a05", "a12", "a23"):
        (made / f"{bad}.png").write_bytes(b"no picture")
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


def test_killed_at_random_it_ends_as_if_nobody_had(
    folder: Path, tmp_path: Path, tiny_checkpoint: Path, tiny_encoder: Any, run_fresh: Callable[..., Any]
) -> None:
    import time

    def read(store: Store) -> Any:
        return json.loads(run_fresh(READER, store.root).stdout)

    def new(name: str) -> Store:
        return create_store(tmp_path / name, tiny_encoder.choice, tiny_encoder.fingerprint, tiny_encoder.dimension)

    chance = random.Random(4)
    with starter(folder, tiny_checkpoint) as run:
        start = time.monotonic()
        whole = new("whole")
        assert run(whole, 60) == 0
        takes = time.monotonic() - start
        expected, kills, rounds = read(whole), 0, 0
        assert len(expected["embeddings"]) == PICTURES - 3
        assert len(expected["rejected"]) == 3
        assert (len(expected["words"]), len(expected["copy"])) == (PICTURES + 5, 5)
        while kills < KILLS:
            store, rounds, statuses = new(f"killed-{rounds}"), rounds + 1, []
            while not statuses or statuses[-1]:
                statuses.append(run(store, chance.uniform(0, takes) if kills < KILLS else 60))
                kills += statuses[-1] == -9
            assert set(statuses) <= {0, -9}
            assert read(open_store(store.root)) == expected
    assert kills >= KILLS
