"""Pages through the Python API, result objects included: a small one, and what filters cost."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from artwork_doors.benching.catalogs import UNIFORM, Catalog, draw_page
from artwork_doors.benching.crowds import user_ids
from artwork_doors.benching.figures import Figure
from artwork_doors.benching.serving import OLDEST, Scale, make_store

TITLES = 40
AT_MOST = 0.3  # ms, of the issue that asked for this benchmark
FILTERED_TITLES = 1000
PASSING = (0.01, 0.10, 0.50, 0.99)  # shares of the artwork that a filter lets through
OF_UNFILTERED = 1.5  # times the call without a filter, where half passes
MOST = 100_000  # artworks
ASKED_BY_ONE = 10  # pages that a user asks for one after the other, as a home page is filled row by row
CALLS = {TITLES: 400, FILTERED_TITLES: 40}  # in each round
ROUNDS = 3

Call = Callable[[int], Callable[[], object]]  # the number of a page to what asks for it


def matcher_figures(vectors: Path, artworks: int, folder: Path, say: Callable[[str], None] = lambda line: None) -> list[Figure]:
    """Of a Matcher on the first vectors of the file, 20 for each title; its store is made in `folder`.

    Each user of the store asks for a few pages, one row of a home page after the other; the Matcher remembers who asked lately.
    """
    from index.publish import publish_snapshot
    from match.matcher import Matcher

    scale = Scale(Catalog(UNIFORM, min(artworks, MOST)))
    store = make_store(folder / "store", vectors, scale)
    publish_snapshot(store)
    matcher, users = Matcher.open(store), user_ids(scale.users)
    about = f"Matcher, {scale.catalog.artworks:,} artworks, 20 per title"
    titles = np.array(matcher.title_ids)

    def pages(count: int, call: Callable[[str, list[str]], object]) -> Call:
        def prepare(number: int) -> Callable[[], object]:
            page = titles[draw_page([3, number], len(titles), min(count, len(titles)))].tolist()
            return partial(call, users[number // ASKED_BY_ONE % len(users)], page)

        return prepare

    def explained(user: str, page: list[str]) -> list[object]:
        return [choice.artwork and choice.artwork.why for choice in matcher.choose(user, page)]

    small, looked_at = (
        _side_by_side({"small": pages(TITLES, call)}, CALLS[TITLES])["small"] for call in (matcher.choose, explained)
    )
    say(f"{about}: {TITLES} titles {np.median(small):.3f} ms")
    return [_small(about, small), _explained(about, looked_at), *_filters(about, matcher.choose, pages)]


def _small(about: str, times: np.ndarray) -> Figure:
    name = f"{TITLES} titles through the Python API, result objects included: p50"
    rounds = [float(np.median(part)) for part in np.array_split(times, ROUNDS)]
    first = times[np.arange(1, len(times) + 1) % ASKED_BY_ONE == 0]
    note = f"p99 {np.percentile(times, 99):.3f} ms of {len(times)} calls; {np.median(first):.3f} ms for a user's first page"
    return Figure(about, name, float(np.median(times)), "ms", min(rounds), max(rounds), AT_MOST, True, note)


def _explained(about: str, times: np.ndarray) -> Figure:
    name = f"{TITLES} titles, and what explains each choice looked at: p50"
    rounds = [float(np.median(part)) for part in _rounds(times)]
    return Figure(about, name, float(np.median(times)), "ms", min(rounds), max(rounds))


def _filters(about: str, choose: Callable[..., object], pages: Callable[..., Call]) -> list[Figure]:
    """A limit of maturity at each share; at a half also a locale and an aspect together, and a deny list."""
    from index.filters import Context

    denied = [f"a{row:08d}" for row in range(0, 20_000, 2)]
    contexts = {"no filter": Context()}
    contexts |= {f"maturity, {share:.0%} pass": Context(maturity=OLDEST * share) for share in PASSING}
    contexts |= {"aspect, 50% pass": Context(aspect=4 / 3), "locale, aspect and maturity": Context("de", 4 / 3, OLDEST / 2)}
    contexts |= {f"a deny list of {len(denied):,}": Context(deny=denied)}
    calls = {name: pages(FILTERED_TITLES, partial(_in_context, choose, context)) for name, context in contexts.items()}
    times = _side_by_side(calls, CALLS[FILTERED_TITLES])
    plain = times.pop("no filter")
    lines = [Figure(about, f"{FILTERED_TITLES:,} titles, no filter: p50", float(np.median(plain)), "ms")]
    for name, found in times.items():
        ratios = [float(np.median(a) / np.median(b)) for a, b in zip(_rounds(found), _rounds(plain), strict=True)]
        target = OF_UNFILTERED if "50%" in name else None
        note = f"p50 {np.median(found):.2f} ms"
        title = f"{FILTERED_TITLES:,} titles, {name} / no filter"
        lines.append(Figure(about, title, float(np.median(ratios)), "x", min(ratios), max(ratios), target, True, note))
    return lines


def _in_context(choose: Callable[..., object], context: object, user: str, page: list[str]) -> object:
    return choose(user, page, context)


def _rounds(times: np.ndarray) -> Sequence[np.ndarray]:
    return np.array_split(times, ROUNDS)


def _side_by_side(calls: dict[str, Call], count: int) -> dict[str, np.ndarray]:
    """(ROUNDS * count,) ms of each: in turn page after page, each page asked once by each, in an order that turns, too."""
    found: dict[str, list[float]] = {name: [] for name in calls}
    names = list(calls)
    for name in names:
        calls[name](0)()
    for number in range(ROUNDS * count):
        for place, name in enumerate(names[number % len(names) :] + names[: number % len(names)]):
            page = 1 + number * len(names) + place  # a page of its own: what another one asked would lie in the cache
            ask = calls[name](page)
            start = time.perf_counter()
            ask()
            found[name].append(1000 * (time.perf_counter() - start))
    return {name: np.array(times) for name, times in found.items()}
