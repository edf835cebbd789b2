"""A policy's own log in a simulated world, and what is counted of it night by night.

Counts are those of which `match.clicks.priors.priors_of` makes priors, as `match.clicks.days.count_days` has them of the same log in
a folder (a test holds the two together): an impression younger than the waiting time is not counted yet, a play is known from when it
came on, older days weigh less. They are counted here, with NumPy, because twenty worlds of a month under six learners are thousands of
nights.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from artwork_doors.evaluating.simulator_world import Day, World
from match.clicks.days import Days, Report
from match.clicks.rules import Rules

RULES = Rules(wait=1.5)  # days: with the delays of the world's settings, 99.8 % of the plays come within it


@dataclass(frozen=True)
class Shown:
    """The impressions of a day and the plays that they led to or will lead to; all (n,), in order of time."""

    day: int
    users: np.ndarray  # int64
    artworks: np.ndarray  # int64
    segments: np.ndarray  # int64
    places: np.ndarray  # int64
    shown_at: np.ndarray  # days
    played_at: np.ndarray  # days; inf where it is never played

    @classmethod
    def of(cls, world: World, day: Day, columns: np.ndarray) -> "Shown":
        """The pages on which these were shown: columns (m, titles) int64 of day.chances."""
        pages = columns.shape
        played = day.luck < np.take_along_axis(day.chances, columns, axis=1)
        at = np.broadcast_to(day.shown_at, pages)
        when = np.where(played, at + day.late, np.inf)
        users = np.repeat(day.users, pages[1])
        some = day.artworks[columns.ravel()], world.segments[users], day.places.ravel()
        return cls(day.number, users, *some, at.ravel(), when.ravel())


@dataclass(frozen=True)
class Names:
    """Of a world's artworks, titles and segments in tables: rising as their numbers do."""

    artworks: pa.ChunkedArray  # (artworks,)
    titles: pa.ChunkedArray  # (artworks,) each one's
    segments: pa.Array

    @classmethod
    def of(cls, world: World) -> "Names":
        """Those of a world."""
        titles = pa.array([f"t{title:04}" for title in world.titles.tolist()])
        artworks = pa.array([f"a{number:05}" for number in range(len(world.titles))])
        segments = pa.array([f"s{number:03}" for number in range(world.settings.segments)])
        return cls(pa.chunked_array([artworks]), pa.chunked_array([titles]), segments)


def counted(world: World, names: Names, log: Sequence[Shown], rules: Rules = RULES) -> Days:
    """As `count_days` counts them. Raises IndexError for an empty log."""
    newest, night = log[-1].shown_at[-1], log[-1].day + 1
    assert rules.wait is not None
    kinds = {"name": world.settings.segments, "place": world.settings.titles}
    cells = {kind: np.zeros((5, len(world.titles) * count)) for kind, count in kinds.items()}
    young = rows = 0
    for shown in log:
        settled = shown.shown_at <= newest - rules.wait
        rows, young = rows + len(settled), young + int((~settled).sum())
        weight = 0.5 ** ((log[-1].day - shown.day) / rules.half_life)
        for kind, numbers in (("name", shown.segments), ("place", shown.places)):
            at = (shown.artworks * kinds[kind] + numbers)[settled]
            seen = np.bincount(at, minlength=cells[kind].shape[1])
            played = np.bincount(at[shown.played_at[settled] <= night], minlength=len(seen))
            cells[kind] += seen, played, seen * weight, played * weight, seen * weight**2
    by = {"name": names.segments, "place": pa.array(np.arange(kinds["place"]))}
    tables = {kind: _table(names, found, kind, by[kind]) for kind, found in cells.items()}
    total, plays = (int(found.sum()) for found in cells["name"][:2])
    report = Report(rows, 0, 0, young, 0, 0, total, plays, rules.wait, "as asked", rules.half_life, ())
    return Days(tables["name"], tables["place"], _no_lines(), report)


def _table(names: Names, cells: np.ndarray, kind: str, of_kind: pa.Array) -> pa.Table:
    """Rows by title, artwork and kind; cells: (5, artworks * kinds)."""
    rows = np.flatnonzero(cells[0])
    artworks, kinds = np.divmod(rows, len(of_kind))
    counts = cells[:, rows]
    columns = {
        "title_id": names.titles.take(pa.array(artworks)),
        "artwork_id": names.artworks.take(pa.array(artworks)),
        kind: of_kind.take(pa.array(kinds)),
        "impressions": counts[0].astype(np.int64),
        "plays": counts[1].astype(np.int64),
        **dict(zip(("shown", "played", "squares"), counts[2:], strict=True)),
    }
    return pa.table(columns)


def _no_lines() -> pa.Table:
    text, count, weight = pa.string(), pa.int64(), pa.float64()
    names = {"title_id": text, "name": text, "impressions": count, "plays": count}
    return pa.schema([*names.items(), *((name, weight) for name in ("shown", "played", "squares"))]).empty_table()
