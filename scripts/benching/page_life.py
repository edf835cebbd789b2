"""The inspection page measured: as a file, as a server under a scroll, and in a browser. Does not print."""

import http.client
import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from artwork_doors.benching.browser import Frames, browser, first_view, frames, pan, scroll
from artwork_doors.benching.figures import Figure
from artwork_doors.benching.memory import PROC, memory_of
from artwork_doors.benching.page_material import pictured_store
from embed.errors import ArtworkMatcherError

if TYPE_CHECKING:
    from embed.store import Store

DOOR = Path(__file__).parents[1] / "inspect_matches.py"
# What people who keep a page open expect of it; never lowered: what is missed stands as missed.
FIRST_VIEW = 2.0  # s
LONGEST = 100.0  # ms of a frame
STARTED = 10.0  # s until a server has answered
ASKED = 50.0  # ms, the 99th percentile of what a scroll asks for
LAID_OUT = 180.0  # s at most, of a map
SAMPLE = 400  # documents asked for of each kind
ROUNDS = 3
PATIENCE = 900.0  # s

Say = Callable[[str], None]


def page_figures(written: int, served: int, folder: Path, say: Say) -> list[Figure]:
    """The lines of the report: of a page in a file, and of one that is served, each with so many artworks."""
    return [*_in_file(written, folder / "file", say), *_served(served, folder / "served", say)]


def _in_file(artworks: int, folder: Path, say: Say) -> list[Figure]:
    folder.mkdir()
    say(f"making a store of {artworks:,} artworks")
    store, out = pictured_store(folder, artworks), folder / "page.html"
    say("writing the page")
    first, again = (_written(store, out) for _ in range(2))
    with browser() as started:
        say("looking at it")
        views = [first_view(started, out.as_uri()) for _ in range(ROUNDS)]
        moved = _moved(started, out.as_uri(), say)
    about, size = f"a file of {artworks:,} artworks", out.stat().st_size
    return [
        Figure(about, "write it", first, "s", note="thumbnails and map made"),
        Figure(about, "write it again", again, "s", note="thumbnails and map kept"),
        Figure(about, "size", size / 2**20, "MiB"),
        _middle(about, "open it until the first view is there", views, FIRST_VIEW),
        *_frames(about, moved),
    ]


def _written(store: "Store", out: Path) -> float:
    start = time.perf_counter()
    command = [sys.executable, str(DOOR), "--store", str(store.root), "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ArtworkMatcherError(f"inspect_matches ended with {done.returncode}: {done.stderr.strip()[-500:]}")
    return time.perf_counter() - start


def _moved(started: Any, address: str, say: Say) -> dict[str, Frames]:
    found = {}
    for name, view, ready, move in (
        ("the grid scrolled", "grid", ".cell img", scroll),
        ("the wall of artwork scrolled", "artworks", ".tile img", scroll),
        ("the map dragged", "map", ".near img", pan),
    ):
        say(f"{name}")
        found[name] = frames(started, f"{address}#/{view}", ready, move)
    return found


def _frames(about: str, moved: dict[str, Frames]) -> Iterator[Figure]:
    for name, measured in moved.items():
        note = f"{measured.slow:.1%} of {len(measured.each)} over 50 ms"
        yield Figure(about, f"longest frame, {name}", measured.longest, "ms", target=LONGEST, at_most=True, note=note)


@dataclass(frozen=True)
class _Server:
    """A page that is served by the door, as people start it."""

    port: int
    pid: int

    def ask(self, kind: str, **parameters: object) -> tuple[float, dict[str, Any]]:
        """(ms until the answer was there, the document)."""
        query = "&".join(f"{name}={value}" for name, value in parameters.items())
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        start = time.perf_counter()
        connection.request("GET", f"/documents/{kind}?{query}")
        answer = connection.getresponse()
        body = answer.read()
        took = 1000 * (time.perf_counter() - start)
        connection.close()
        if answer.status != 200:
            raise ArtworkMatcherError(f"documents/{kind}?{query} answered {answer.status}: {body[:300]!r}")
        return took, json.loads(body)

    def until_there(self, kind: str) -> tuple[float, dict[str, Any]]:
        """(seconds until it is no more being made, the document)."""
        start = time.perf_counter()
        while (document := self.ask(kind)[1])["state"] != "there":
            time.sleep(0.2)
        return time.perf_counter() - start, document


@contextmanager
def _serving(store: "Store", log: Path) -> Iterator[tuple[float, _Server]]:
    """(seconds until it has answered, the server)."""
    command = [sys.executable, str(DOOR), "--store", str(store.root), "--serve", "--port", "0"]
    start = time.perf_counter()
    with (
        log.open("w", encoding="utf-8") as said,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, text=True) as process,
    ):
        try:
            address = process.stdout.readline().strip()  # type: ignore[union-attr]
            if not address:
                raise ArtworkMatcherError(f"inspect_matches --serve ended: {log.read_text(encoding='utf-8')[-500:]}")
            server = _Server(int(address.rstrip("/").rpartition(":")[2]), process.pid)
            server.ask("overview")
            yield time.perf_counter() - start, server
        finally:
            process.terminate()


def _served(artworks: int, folder: Path, say: Say) -> list[Figure]:
    folder.mkdir()
    say(f"making a store of {artworks:,} artworks")
    store = pictured_store(folder, artworks)
    with _serving(store, folder / "server.log") as (seconds, server):
        titles, users = server.ask("overview")[1]["titles"], [user["id"] for user in server.ask("users")[1]["users"][:12]]
        about = f"served, {artworks:,} artworks of {titles:,} titles"
        asked = _asked(server, artworks, titles, users, say)
        laid_out, while_at_it, points = _map(server, artworks, say)
        say("comparing for duplicates")
        compared = server.until_there("duplicates")[0]
        address = f"http://127.0.0.1:{server.port}/"
        with browser() as started:
            say("looking at it")
            views = [first_view(started, address) for _ in range(ROUNDS)]
            moved = _moved(started, address, say)
        memory = memory_of(server.pid)[0] / 2**20 if PROC.is_dir() else None  # type: ignore[index]
    return [
        Figure(about, "start until the first answer", seconds, "s", target=STARTED, at_most=True),
        *(line for name, times in asked.items() for line in _times(about, name, times)),
        Figure(about, "lay out the map", laid_out, "s", target=LAID_OUT, at_most=True, note="once, in the background"),
        *_times(about, "a block of artwork, while the map is laid out", while_at_it),
        Figure(about, "of the 10 nearest by vector, also nearest on the map", points["kept"], "", note="of 500 artworks"),
        Figure(about, "compare for duplicates", compared, "s", note="once, in the background"),
        _middle(about, "open it until the first view is there", views, FIRST_VIEW),
        *_frames(about, moved),
        Figure(about, "memory of the server at the end", memory, "MiB", note="the snapshot's mapped files among it"),
    ]


def _asked(server: _Server, artworks: int, titles: int, users: Sequence[str], say: Say) -> dict[str, list[float]]:
    """By what is asked, ms of each answer, blocks drawn at random, one at a time; the first answer of each kind is left out."""
    rng = random.Random(5)

    def start(count: int) -> int:
        return 50 * rng.randrange(max(count // 50, 1))

    kinds: dict[str, Callable[[], tuple[float, dict[str, Any]]]] = {
        "a block of titles": lambda: server.ask("titles", start=start(titles)),
        "a block of a user's choices": lambda: server.ask("choices", user=rng.choice(users), start=start(titles)),
        "a block of artwork": lambda: server.ask("artworks", start=start(artworks)),
        "artwork by its letters": lambda: server.ask("artworks", find=f"a{rng.randrange(artworks):08d}"[: rng.randrange(3, 9)]),
    }
    found = {}
    for name, ask in kinds.items():
        say(f"asking for {name}")
        ask()
        found[name] = [ask()[0] for _ in range(SAMPLE)]
    return found


def _map(server: _Server, artworks: int, say: Say) -> tuple[float, list[float], dict[str, Any]]:
    """(seconds until it is laid out, ms of blocks asked for meanwhile, the map)."""
    say("laying out the map")
    rng, times, start = random.Random(6), list[float](), time.perf_counter()
    while (document := server.ask("map")[1])["state"] != "there":
        times += [server.ask("artworks", start=50 * rng.randrange(max(artworks // 50, 1)))[0] for _ in range(10)]
    return time.perf_counter() - start, times, document


def _times(about: str, name: str, times: Sequence[float]) -> Iterator[Figure]:
    if not times:
        return
    middle, late = np.percentile(times, (50, 99)).tolist()
    yield Figure(about, f"{name}, p50", middle, "ms", min(times), max(times))
    yield Figure(about, f"{name}, p99", late, "ms", target=ASKED, at_most=True, note=f"of {len(times)}")


def _middle(about: str, name: str, values: Sequence[float], target: float) -> Figure:
    return Figure(about, name, sorted(values)[len(values) // 2], "s", min(values), max(values), target, at_most=True)
