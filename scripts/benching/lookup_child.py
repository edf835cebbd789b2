"""A contender of peers.py in a process of its own, in whichever interpreter it is installed: run by lookups.py, never imported.

Arguments: the contender's name, the cores it may use, a scratch folder. It says the versions of what it uses; then each line of
standard input is a catalog to load, or a sort of page to be asked, and each answer a line of JSON.
"""

import json
import os
import sys
import time
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

BANDWIDTH = "bandwidth"  # not a contender: what the machine's memory gives


def keep_to(cores: int) -> None:
    """So many of the cores that this process was given: before any library counts them."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])


def find_this_project() -> None:
    """Under its installed name, where this interpreter has not installed it, too."""
    sys.path[0] = str(Path(__file__).parents[2])
    try:
        import_module("artwork_doors")
    except ModuleNotFoundError:
        sys.modules["artwork_doors"] = import_module("scripts")


def own_memory() -> int:
    """Bytes of this process that are no file's; 0 where nobody tells."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon:"))


class Contending:
    """Loads a catalog, and answers pages of it."""

    def __init__(self, name: str, scratch: Path) -> None:
        from artwork_doors.benching.peers import CONTENDERS

        self.contender, self.scratch = CONTENDERS[name], scratch
        for module, _ in self.contender.requires:
            import_module(module)
        self.versions = {distribution: version(distribution) for _, distribution in self.contender.requires}

    def load(self, vectors: str, kind: str, artworks: int) -> dict[str, Any]:
        """From the mapped file to what can be asked: the seconds it took, and the bytes of memory it holds."""
        from artwork_doors.benching.catalogs import Catalog, read_vectors
        from artwork_doors.benching.peers import Loaded

        found = read_vectors(Path(vectors), artworks)
        found[:, 0].sum()  # every page of the file is mapped now: no contender meets it for the first time in a call
        self.catalog = Loaded(found, Catalog(kind, artworks).first_rows(), self.scratch)
        before, start = own_memory(), time.perf_counter()
        self.lookup = self.contender.open(self.catalog)
        return {"seconds": time.perf_counter() - start, "bytes": own_memory() - before}

    def pages(
        self, seed: list[int], titles: int, interests: int, seconds: float, most: int, checked: int, beside_one: bool
    ) -> dict[str, Any]:
        """One fresh page after another; the first warms up, unless it alone takes longer than `seconds`, and then it is the only one.

        Of each: its number, its seconds, its artworks; of the first ones, with `checked` titles together, also the answer. beside_one:
        after each a page as large is asked for with one interest, and its seconds, too; memory may be twice as fast a minute later.
        """
        first = self._call([*seed, 0], titles, interests)
        if first["seconds"] > seconds:
            return {"calls": [first]}
        calls: list[dict[str, Any]] = []
        while len(calls) < most and (not calls or sum(call["seconds"] for call in calls) < seconds):
            call = self._call([*seed, len(calls) + 1], titles, interests)
            if len(calls) > max(0, checked // titles - 1):
                del call["answer"]
            if beside_one:
                call["one"] = self._call([*seed, len(calls) + 1, 1], titles, 1)["seconds"]
            calls.append(call)
        return {"calls": calls}

    def _call(self, seed: list[int], titles: int, interests: int) -> dict[str, Any]:
        from artwork_doors.benching.catalogs import draw_interests, draw_page

        page = draw_page(seed, len(self.catalog.first_rows) - 1, titles)
        queries = draw_interests(seed, interests, self.catalog.vectors.shape[1])
        start = time.perf_counter()
        found, rows = self.lookup(queries, page)
        spent = time.perf_counter() - start
        answer = [found.tolist(), rows.tolist()]
        return {"page": seed[-1], "seconds": spent, "artworks": self.catalog.count(page), "answer": answer}


class Reading:
    """What the memory gives: a buffer that no cache holds, read by all cores and by one, whichever is faster.

    Its pages are small, as those of a mapped file are. In huge pages, which no file system of a plain Linux has and which numpy
    asks for where it can, the same memory may give half as much again.
    """

    def __init__(self, cores: int) -> None:
        self.threads = sorted({1, cores})
        self.versions: dict[str, str] = {}

    def load(self, mib: int) -> dict[str, Any]:
        """Fill the buffer."""
        import mmap

        import numpy as np

        room = mmap.mmap(-1, mib << 20)
        if hasattr(mmap, "MADV_NOHUGEPAGE"):
            room.madvise(mmap.MADV_NOHUGEPAGE)
        self.buffer = np.frombuffer(room, np.float32)
        self.buffer[:] = np.arange(len(self.buffer))
        return {}

    def pages(self, repeats: int) -> dict[str, Any]:
        """The best of several readings, in bytes per second."""
        import numpy as np

        return {"bytes_per_second": max(self._read(np.max, threads) for threads in self.threads for _ in range(repeats))}

    def _read(self, reader: Any, threads: int) -> float:
        from concurrent.futures import ThreadPoolExecutor

        import numpy as np

        parts = np.array_split(self.buffer, threads)
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(reader, [part[:1] for part in parts]))  # the threads are there
            start = time.perf_counter()
            list(pool.map(reader, parts))
            return float(self.buffer.nbytes / (time.perf_counter() - start))


def answer(asked: dict[str, Any], subject: "Contending | Reading") -> dict[str, Any]:
    """{"load": …} or {"pages": …}, with what the method of that name takes."""
    try:
        ((name, values),) = asked.items()
        found: dict[str, Any] = getattr(subject, name)(**values)
    except Exception as error:  # whatever a contender raises is its answer
        lines = str(error).strip().splitlines()
        return {"error": f"{type(error).__name__}: {lines[0] if lines else ''}"}
    return found


def say(value: dict[str, Any], out: IO[str]) -> None:
    """A line."""
    print(json.dumps(value), file=out, flush=True)


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")  # what the libraries print goes to standard error
    os.dup2(2, 1)
    name, cores, scratch = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    keep_to(cores)
    find_this_project()
    try:
        subject = Reading(cores) if name == BANDWIDTH else Contending(name, scratch)
    except ImportError as error:
        say({"error": f"not installed: {error}"}, answers)
        return
    say({"versions": subject.versions}, answers)
    for line in sys.stdin:
        say(answer(json.loads(line), subject), answers)


if __name__ == "__main__":
    main()
