"""Publishing, opening, sharing and following, measured with the real functions, in processes as they serve. Linux: it reads /proc."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from artwork_doors.benching.catalogs import DRAWN, Catalog, write_vectors
from artwork_doors.benching.children import Child, child
from artwork_doors.benching.figures import Figure
from artwork_doors.benching.serving import Scale, make_store

if TYPE_CHECKING:
    from embed.store import Store

CHILD = Path(__file__).with_name("opening_child.py")
OPENED = 1.0  # s at a million artworks, of the issue that asked for this benchmark
MILLION = 1_000_000
ROUNDS = 3
LIMIT = 300.0  # s for an answer

Say = Callable[[str], None]


def snapshot_figures(artworks: int, changed: float, processes: int, folder: Path, say: Say) -> list[Figure]:
    """The lines of the report; `changed` is the share of titles that change in the night."""
    from index.publish import publish_snapshot

    scale = Scale(Catalog(DRAWN, artworks))
    say(f"making a store of {artworks:,} artworks")
    store = make_store(folder / "store", write_vectors(folder / "vectors.npy", artworks), scale)
    say("publishing all of it")
    whole = _seconds(lambda: publish_snapshot(store))
    size = sum(path.stat().st_size for path in (store.snapshots / "000001").iterdir())
    about = f"{artworks:,} artworks of {len(scale.catalog.first_rows()) - 1:,} titles, {size / 1e9:.2f} GB"
    say(f"{processes} matchers open it")
    opened = [_opening(store) for _ in range(ROUNDS)]
    with _matchers(store, processes) as matchers:
        memory = [matcher.ask({"memory": {}}, LIMIT) for matcher in matchers]
        count = _change(store, changed)
        say(f"publishing a night: {count:,} artworks changed")
        night = _seconds(lambda: publish_snapshot(store))
        followed = [matcher.ask({"refresh": {}}, LIMIT)["seconds"] for matcher in matchers]
        after = [matcher.ask({"memory": {}}, LIMIT) for matcher in matchers]
    own, together = max(one["own"] for one in memory), sum(one["pss"] for one in memory)
    mapped = max(one["rss"] for one in memory)
    verified = f"of which verifying {size / 1e9:.2f} GB is the larger part"
    target = OPENED if artworks == MILLION else None
    times = [one["opened"] for one in opened]
    return [
        Figure(about, "publish all of it", whole, "s", note="vectors, columns, checksums, synced to disk"),
        Figure(
            about, f"publish a night, {changed:.0%} of the titles changed", night, "s", note=f"{count:,} artworks rewritten"
        ),
        Figure(about, "open a matcher", median(times), "s", min(times), max(times), target, True, verified),
        Figure(about, "the first call after opening", 1000 * median(one["first"] for one in opened), "ms"),
        Figure(
            about,
            "memory that a matcher has alone, at most",
            own / 2**20,
            "MiB",
            note=f"of {mapped / 2**20:,.0f} mapped",
        ),
        Figure(
            about,
            f"memory of {processes} matchers together / size of the snapshot",
            together / size,
            "x",
            note=f"{together / 2**30:.2f} GiB; {processes * size / 2**30:.2f} GiB if each had its own",
        ),
        Figure(about, "take up the night's snapshot while serving", median(followed), "s", min(followed), max(followed)),
        Figure(
            about,
            "memory that a matcher has alone, after it",
            max(one["own"] for one in after) / 2**20,
            "MiB",
            note="the former snapshot's is given back",
        ),
    ]


def _seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def _opening(store: "Store") -> dict[str, float]:
    with _matchers(store, 1) as (matcher,):
        return {**matcher.said}


@contextmanager
def _matchers(store: "Store", count: int) -> Iterator[list["_Opened"]]:
    with ExitStack() as stack:
        command = [sys.executable, str(CHILD), str(store.root)]
        opened = []
        for number in range(count):
            process = stack.enter_context(child(command, store.root.with_name(f"matcher-{number}.log")))
            opened.append(_Opened(process))
        yield opened


class _Opened:
    """A matcher that has opened the store, and what it said of that."""

    def __init__(self, process: Child) -> None:
        self.ask, self.said = process.ask, process.answer(LIMIT)


def _change(store: "Store", share: float) -> int:
    """Every so many titles lose their first artwork; how many artworks stand in titles that changed."""
    from embed.store import read_table, replace_table

    artwork = read_table(store, "artwork")
    ids = np.array(artwork["title_id"].to_pylist())
    first = np.flatnonzero(np.r_[True, ids[1:] != ids[:-1]])
    sizes = np.diff(np.r_[first, len(ids)])
    every = max(round(1 / share), 1) if share else len(first) + 1
    chosen = np.arange(every // 2, len(first), every)
    active = np.ones(len(ids), bool)
    active[first[chosen]] = False
    column = artwork.schema.get_field_index("active")
    replace_table(store, "artwork", artwork.set_column(column, artwork.schema.field(column), pa.array(active)))
    return int((sizes[chosen] - 1).sum())
