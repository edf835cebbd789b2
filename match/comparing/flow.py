"""Two matchers beside each other: the flow is `compare`.

Choices are made for all users in bulk, a run of titles at a time, so that memory does not grow with the catalog. Only where two choices
differ are the scores of both artworks taken apart.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import numpy as np
import pyarrow as pa

from embed.errors import QueryError
from index.filters import Context
from index.titles import ABSENT, runs
from match.bulk import Bulk
from match.comparing.ranks import Agreement, agreement
from match.comparing.reasons import Changes, changes_of_user
from match.comparing.union import Union
from match.matcher import Matcher

USERS = 2000  # compared at most
FEWEST = 50  # users, however many titles there are
CHOICES = 2_000_000  # aimed at, of each side
ARTWORKS_AT_ONCE = 1 << 16  # of a run of titles: about 130 MB a side at 512 numbers a vector
USERS_AT_ONCE = 256

Progress = Callable[[int, int], None]  # (choices compared, of how many)
Sides = tuple[Matcher, Matcher]  # the former and the latter


@dataclass(frozen=True)
class Asked:
    """What is compared."""

    users: Sequence[str] | None = None  # those whom both sides know where None, or some of them, evenly spread
    titles: Sequence[str] | None = None  # those that both sides have where None


@dataclass(frozen=True)
class Population:
    """Of whom and of what choices were compared."""

    user_ids: list[str]
    segments: list[str | None]  # each user's
    known: int  # users whom both sides know, or that were asked for
    users_apart: tuple[int, int]  # users whom only one side knows
    title_ids: list[str]
    names: list[str]  # the titles'
    titles_apart: tuple[list[str], list[str]]  # title_ids that only one side has


@dataclass(frozen=True)
class Compared:
    """What differs between two sides. Holds neither of them."""

    population: Population
    changes: Changes
    artwork: pa.Table  # artwork_id, path, sha256: all that either side may choose
    titles_of: np.ndarray  # (artworks,) int64, places among the titles
    there: np.ndarray  # (2, artworks) bool: whether each side may choose it
    chosen: np.ndarray  # (2, artworks) int64: the users who get it on each side
    repainted: np.ndarray  # (artworks,) bool: with another picture on the latter side
    lines: int  # choices whose artwork stays, with another line of copy beside it
    agreement: Agreement


@dataclass(frozen=True)
class _Run:
    """The same of a run of titles."""

    titles: int
    changes: list[Changes]
    union: Union
    chosen: np.ndarray
    lines: int


def compare(sides: Sides, asked: Asked | None = None, progress: Progress = lambda done, total: None) -> Compared:
    """Raises QueryError where the sides have no user, or no title, in common, and what `Bulk.of` raises."""
    population, at = population_of(sides, asked or Asked()), datetime.now(UTC)
    made, done, total = [], 0, len(population.title_ids) * len(population.user_ids)
    progress(done, total)
    ranks = agreement(sides, population.user_ids, population.title_ids)
    for title_ids in _runs_of_titles(sides, population.title_ids):
        made.append(_compare_run(sides, population.user_ids, title_ids, at, partial(_count_on, progress, done, total)))
        done += len(title_ids) * len(population.user_ids)
    return _joined(population, made, ranks)


def population_of(sides: Sides, asked: Asked) -> Population:
    """Users and titles that are asked for, else those of both sides. Raises QueryError where there are none."""
    known = [set(side.profiles.rows) for side in sides]
    having = [side.snapshot.title_numbers for side in sides]
    wanted = dict.fromkeys(having[1] if asked.titles is None else asked.titles)
    titles = [title_id for title_id in wanted if title_id in having[0] and title_id in having[1]]
    users = list(dict.fromkeys(asked.users)) if asked.users is not None else sorted(known[0] & known[1])
    if not users or not titles:
        raise QueryError(f"the two sides have no {'title' if users else 'user'} in common: there is nothing to compare")
    most = max(FEWEST, min(USERS, CHOICES // len(titles)))
    some = users if len(users) <= most else [users[place] for place in np.linspace(0, len(users) - 1, most).astype(int)]
    names = dict(zip(*(sides[1].snapshot.titles[name].to_pylist() for name in ("title_id", "name")), strict=True))
    apart = [having[0].keys() - having[1].keys(), having[1].keys() - having[0].keys()]
    return Population(
        some,
        _segments(sides, some),
        len(users),
        (len(known[0] - known[1]), len(known[1] - known[0])),
        titles,
        [names[title_id] for title_id in titles],
        (sorted(apart[0]), sorted(apart[1])),
    )


def _segments(sides: Sides, user_ids: list[str]) -> list[str | None]:
    """As the latter side knows them, else the former."""
    former, latter = (side.profiles.segments_of(user_ids) for side in sides)
    return [segment or before or None for segment, before in zip(latter, former, strict=True)]


def _count_on(progress: Progress, before: int, total: int, done: int) -> None:
    progress(before + done, total)


def _runs_of_titles(sides: Sides, title_ids: list[str]) -> list[list[str]]:
    sizes = np.zeros(len(title_ids), np.int64)
    for side in sides:
        numbers = np.array([side.snapshot.title_numbers[title_id] for title_id in title_ids])
        sizes = np.maximum(sizes, side.snapshot.index.sizes(numbers))
    return [[title_ids[place] for place in run.tolist()] for run in runs(np.arange(len(title_ids)), sizes, ARTWORKS_AT_ONCE)]


def _compare_run(
    sides: Sides, user_ids: list[str], title_ids: list[str], at: datetime, progress: Callable[[int], None]
) -> _Run:
    """Of all users and a run of titles; campaigns are those of one moment."""
    before, after = (Bulk.of(side, title_ids, Context(at=at)) for side in sides)
    union, of_lines = Union.of((before, after)), _numbered_lines(sides)
    changes, lines, chosen = [], 0, np.zeros((2, len(union.titles)), np.int64)
    for start in range(0, len(user_ids), USERS_AT_ONCE):
        some = user_ids[start : start + USERS_AT_ONCE]
        was, now = before.choose(some), after.choose(some)
        artwork = np.stack([union.numbers[0][was.artwork], union.numbers[1][now.artwork]], axis=2)  # (users, titles, 2)
        for side in range(2):
            there = artwork[:, :, side][artwork[:, :, side] != ABSENT]
            chosen[side] += np.bincount(there, minlength=len(union.titles))
        differ = artwork[:, :, 0] != artwork[:, :, 1]
        lines += int((~differ & (of_lines[0][was.copy] != of_lines[1][now.copy])).sum())
        for place in np.flatnonzero(differ.any(axis=1)).tolist():
            titles = np.flatnonzero(differ[place])
            user = start + place, some[place]
            changes.append(changes_of_user(sides, user, title_ids, titles, artwork[place, titles], union))
            progress(user[0] * len(title_ids))
        progress((start + len(some)) * len(title_ids))
    return _Run(len(title_ids), changes, union, chosen, lines)


def _numbered_lines(sides: Sides) -> list[np.ndarray]:
    """Of each side's lines of copy, as its snapshot counts them, and of none: a number that is the same on both sides."""
    ids = [[*side.snapshot.lines.table["copy_id"].to_pylist(), None] for side in sides]  # ABSENT is the last of them
    known = {copy_id: number for number, copy_id in enumerate(dict.fromkeys(ids[0] + ids[1]))}
    return [np.array([known[copy_id] for copy_id in own]) for own in ids]


def _joined(population: Population, made: list[_Run], ranks: Agreement) -> Compared:
    """All runs as one: their titles and artwork are counted on."""
    first_titles = np.cumsum([0, *(run.titles for run in made)]).tolist()
    first_artwork = np.cumsum([0, *(len(run.union.titles) for run in made)]).tolist()
    changes = [
        some.moved(titles, artwork)
        for run, titles, artwork in zip(made, first_titles, first_artwork, strict=False)
        for some in run.changes
    ]
    return Compared(
        population,
        Changes.joined(changes),
        pa.concat_tables([run.union.table for run in made]),
        np.concatenate([run.union.titles + first for run, first in zip(made, first_titles, strict=False)]),
        np.concatenate([run.union.rows != ABSENT for run in made], axis=1),
        np.concatenate([run.chosen for run in made], axis=1),
        np.concatenate([run.union.repainted for run in made]),
        sum(run.lines for run in made),
        ranks,
    )
