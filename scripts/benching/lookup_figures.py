"""What follows from measured lookups, and what it should be. Neither measures nor prints."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from artwork_doors.benching.catalogs import EACH, UNIFORM
from artwork_doors.benching.figures import Figure, Series, records
from artwork_doors.benching.lookups import Lookups, MeasuredCatalog
from artwork_doors.benching.peers import CONTENDERS, OURS, PROTOTYPE, cores

# Of the issue that asked for this benchmark; never lowered: what is missed stands as missed.
TARGET_PAGES = (1000, 5000)  # titles x EACH artworks
OF_BEST_PEER = 0.25  # of its p50, at most
OF_BANDWIDTH = 0.5  # of what the machine's memory gives, at least
OF_ONE_INTEREST = 1.5  # times its p50, at most, for four
HALF_AGREEMENT = 0.999  # of the best artwork per title, at least

WRONG = " (wrong, or not of every title)"
COLUMNS = (
    "titles",
    "interests",
    "contender",
    "p50 ms",
    "from",
    "to",
    "p99 ms",
    "calls",
    "titles/s, 1 core",
    "titles/s, all cores",
    "agreement",
    "of bandwidth",
    "how",
)


def figures_of(measured: Sequence[MeasuredCatalog]) -> list[Figure]:
    """All lines that have targets; of the uniform catalog, which is theirs, and of the one for those that cannot hold it."""
    largest, *others = [catalog for catalog in measured if catalog.kind == UNIFORM]
    lines = [line for titles in TARGET_PAGES for line in _page_figures(largest, titles)]
    lines += [_best_peer(other, titles) for other in others for titles in TARGET_PAGES if _peers(other, titles)]
    lines += [_half(catalog) for catalog in measured if catalog.half_precision is not None]
    return [*lines, *filter(None, map(_memory, measured))]


def _page_figures(catalog: MeasuredCatalog, titles: int) -> list[Figure]:
    return [_best_peer(catalog, titles), _of_bandwidth(catalog, titles), _of_one_interest(catalog, titles)]


def _best_peer(catalog: MeasuredCatalog, titles: int) -> Figure:
    """Ours to the fastest of the others that answered everything rightly."""
    about, name = _about(catalog), f"{titles:,} titles: p50 / best peer's"
    mine = ours(catalog, titles)
    exact = _peers(catalog, titles)
    if not mine or not exact:
        why = _why_not(catalog, titles) if not mine else "no peer was measured that is exact"
        return Figure(about, name, None, "x", target=OF_BEST_PEER, at_most=True, note=why)
    best, *others = sorted(exact, key=lambda one: one.p50.median)
    prototype = [one for one in _found(catalog, titles) if one.contender == PROTOTYPE]
    beside = [f"{_over(mine.p50, one.p50).median:.2f} x of {one.contender}" for one in (*others[:2], *prototype)]
    note = "; ".join([best.contender, *beside])
    return _figure(about, name, _over(mine.p50, best.p50), "x", OF_BEST_PEER, at_most=True, note=note)


def _peers(catalog: MeasuredCatalog, titles: int) -> list[Lookups]:
    """The others, where they answered everything, and rightly."""
    return [one for one in _found(catalog, titles) if CONTENDERS[one.contender].peer and _is_exact(one)]


def _of_bandwidth(catalog: MeasuredCatalog, titles: int) -> Figure:
    about, name, mine = _about(catalog), f"{titles:,} titles: share of memory bandwidth", ours(catalog, titles)
    if not mine or not mine.bandwidth:
        why = catalog.notes.get("bandwidth", "not measured") if mine else _why_not(catalog, titles)
        return Figure(about, name, None, target=OF_BANDWIDTH, note=why)
    reading = f"{mine.bytes_per_second.median / 1e9:.1f} of {mine.bandwidth.median / 1e9:.1f} GB/s"
    return _figure(about, name, _over(mine.bytes_per_second, mine.bandwidth), "", OF_BANDWIDTH, note=reading)


def _of_one_interest(catalog: MeasuredCatalog, titles: int) -> Figure:
    about, name = _about(catalog), f"{titles:,} titles: p50 of 4 interests / of 1"
    four = ours(catalog, titles, interests=4)
    if not four or not four.over_one:
        return Figure(about, name, None, "x", target=OF_ONE_INTEREST, at_most=True, note=_why_not(catalog, titles))
    return _figure(about, name, four.over_one, "x", OF_ONE_INTEREST, at_most=True, note="pages of both in turn")


def _half(catalog: MeasuredCatalog) -> Figure:
    name = "agreement of float16 vectors with float32"
    note = f"{catalog.half_precision:.5f} of the titles keep their best artwork"
    return Figure(_about(catalog), name, catalog.half_precision, target=HALF_AGREEMENT, note=note)


def _memory(catalog: MeasuredCatalog) -> Figure | None:
    """The physical limit, over all that was measured with this catalog."""
    values = tuple(
        value for one in catalog.lookups if one.contender == OURS and one.bandwidth for value in one.bandwidth.values
    )
    return (
        _figure(_about(catalog), "memory bandwidth", Series(tuple(value / 1e9 for value in values)), "GB/s") if values else None
    )


def ours(catalog: MeasuredCatalog, titles: int, interests: int = 1) -> Lookups | None:
    """Of this project, with all cores; None where it was not measured, or did not answer everything rightly: speed is then nothing."""
    found = [one for one in _found(catalog, titles, interests) if one.contender == OURS and _is_exact(one)]
    return found[0] if found else None


def _why_not(catalog: MeasuredCatalog, titles: int) -> str:
    wrong = [
        one
        for interests in (1, 4)
        for one in _found(catalog, titles, interests)
        if one.contender == OURS and not _is_exact(one)
    ]
    if wrong:
        return f"answered wrongly: agreement {min(one.agreement for one in wrong):.4f}"
    if titles in catalog.left_out:
        return f"the catalog has {catalog.titles:,} titles"
    return catalog.notes.get(OURS, "not measured")


def _found(catalog: MeasuredCatalog, titles: int, interests: int = 1, used: int | None = None) -> list[Lookups]:
    asked = (titles, interests, used or cores())
    return [one for one in catalog.lookups if (one.titles, one.interests, one.cores) == asked]


def _is_exact(one: Lookups) -> bool:
    return CONTENDERS[one.contender].exact and one.agreement == 1.0


def _about(catalog: MeasuredCatalog) -> str:
    return f"{catalog.artworks:,} artworks, {f'{EACH} per title' if catalog.kind == UNIFORM else 'drawn'}"


def _over(a: Series, b: Series) -> Series:
    """Round by round: what ran side by side met the same machine."""
    return a.with_(b, lambda one, other: one / other)


def _figure(
    about: str, name: str, series: Series, unit: str, target: float | None = None, at_most: bool = False, note: str = ""
) -> Figure:
    return Figure(about, name, series.median, unit, min(series.values), max(series.values), target, at_most, note)


def heading(catalog: MeasuredCatalog) -> str:
    """What the table of a catalog is called."""
    return f"{_about(catalog)}: {catalog.titles:,} titles"


def versions(measured: Sequence[MeasuredCatalog]) -> str:
    """What the contenders said of themselves."""
    found = {name: version for catalog in measured for name, version in catalog.versions.items()}
    return ", ".join(f"{name} {version}" for name, version in found.items())


def rows_of(catalog: MeasuredCatalog) -> list[tuple[str, ...]]:
    """The table of a catalog, a row for each contender and sort of page; who was not measured, and what was left out, with why."""
    sorts = sorted({(one.titles, one.interests) for one in catalog.lookups})
    rows = [_row(catalog, one) for titles, interests in sorts for one in _found(catalog, titles, interests)]
    empty = ("",) * (len(COLUMNS) - 5)
    rows += [("", "", name, "not measured", *empty, why) for name, why in catalog.notes.items()]
    rows += [(f"{titles:,}", "", "", "left out", *empty, "more than the catalog has") for titles in catalog.left_out]
    return rows


def _row(catalog: MeasuredCatalog, one: Lookups) -> tuple[str, ...]:
    alone = [found for found in _found(catalog, one.titles, one.interests, used=1) if found.contender == one.contender]
    share = f"{_over(one.bytes_per_second, one.bandwidth).median:.2f}" if one.bandwidth else ""
    p50 = (one.p50.median, min(one.p50.values), max(one.p50.values))
    return (
        f"{one.titles:,}",
        str(one.interests),
        one.contender,
        *(f"{value:,.3f}" for value in (*p50, one.p99)),
        f"{one.calls:,}",
        f"{alone[0].titles_per_second.median:,.0f}" if alone else "",
        f"{one.titles_per_second.median:,.0f}",
        f"{one.agreement:.4f}",
        share,
        CONTENDERS[one.contender].how + (WRONG if CONTENDERS[one.contender].exact and one.agreement < 1 else ""),
    )


def as_json(machine: dict[str, Any], measured: Sequence[MeasuredCatalog], figures: Sequence[Figure]) -> dict[str, Any]:
    """Everything, for --json: what was measured and what follows from it."""
    return {
        "machine": machine,
        "catalogs": [asdict(catalog) for catalog in measured],
        "figures": records(figures),
    }
