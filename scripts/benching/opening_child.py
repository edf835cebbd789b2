"""A matcher in a process of its own, as a home page's service has several: run by snapshot_life.py, never imported.

Argument: the store. It says how long opening took; then each line of standard input is {"memory": {}} or {"refresh": {}}, and each
answer a line of JSON.
"""

import gc
import json
import sys
import time
from pathlib import Path

import numpy as np

from match.live import LiveMatcher

PAGES = 20  # asked after opening, so that what serving needs of memory is there
TITLES = 1000


def mapped() -> dict[str, int]:
    """Bytes of this process as the system counts them: what it alone has, and its share of what it maps together with others."""
    lines = Path("/proc/self/smaps_rollup").read_text(encoding="utf-8").splitlines()
    found = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines[1:]}
    own = found["Private_Clean"] + found["Private_Dirty"]
    return {"pss": found["Pss"], "rss": found["Rss"], "own": own}


def main() -> None:
    import faiss  # noqa: F401  # what is imported once in a process is no part of opening
    import lance  # noqa: F401

    start = time.perf_counter()
    matcher = LiveMatcher(sys.argv[1], seconds=None)
    opened = time.perf_counter() - start
    rng, titles = np.random.default_rng(0), matcher.current.title_ids
    start = time.perf_counter()
    matcher.choose("user-0000001", titles[:1])
    first = time.perf_counter() - start
    for _ in range(PAGES):
        matcher.choose(
            "user-0000001", [titles[number] for number in rng.choice(len(titles), min(TITLES, len(titles)), replace=False)]
        )
    print(json.dumps({"opened": opened, "first": first}), flush=True)
    for line in sys.stdin:
        (question,) = json.loads(line)
        if question == "refresh":
            start = time.perf_counter()
            matcher.refresh()
            answer: dict[str, float] = {"seconds": time.perf_counter() - start}
        else:
            gc.collect()
            answer = {**mapped()}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
