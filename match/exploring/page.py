"""A page explored: propensities of every artwork, one drawn for each title, and what the guards had to say. Read `explore` first.

All that decides is known before anything is drawn, title after title: what a guard sets aside of a title has no propensity, the rest
is drawn with propensities that add up to 1, given the page so far. So the propensity of what is shown is exact by construction.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np

from index.titles import ABSENT
from match.exploring.draws import drawn, period_of, uniforms
from match.exploring.keeping import History, is_resting, why_kept
from match.exploring.policies import Exploration, propensities
from match.exploring.thompson import Posteriors
from match.guards import CAP, IN_TURN, LOOKS, PROMINENCE, VARIETY, Guards, Marks, Row

NONE = -1  # of the guards
LEAST = 1e-12  # propensity that several artworks must have together for their proportions to count


@dataclass(frozen=True)
class Beliefs:
    """A page as one user sees it, before anything is chosen. Title i's artworks are starts[i]:starts[i + 1]; it may have none."""

    user_id: str
    title_ids: list[str]  # (t,)
    turns: np.ndarray  # (t,) int64: the titles in the order in which the page shows them
    starts: np.ndarray  # (t + 1,) int64
    free: np.ndarray  # (n,) bool: what may be shown at all
    scores: np.ndarray  # (n,) log-odds
    posteriors: Posteriors  # (n,)
    ids: Callable[[], list[str]]  # (n,) artwork_ids, asked for where they matter
    little: np.ndarray | None = None  # (n,) bool: what has little part in its title and the user did not ask for
    marks: Marks | None = None  # (n,)
    # cosines(places (m,), others (k,), which (m,) int64): of the artwork at each place with the one that stands beside it
    cosines: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray] | None = None


@dataclass(frozen=True)
class Explored:
    """What is shown, and how likely all else was."""

    period: int
    places: np.ndarray  # (t,) int64 of the artwork shown; ABSENT where nothing is eligible
    propensities: np.ndarray  # (n,): given the guards and the page so far; 0 for what was set aside
    kept: list[str | None]  # per title: why it kept what was shown before (keeping.PERIOD, BUDGET); its propensity is 1 then
    notes: list[tuple[str, ...]]  # per title: which guards spoke, and about how much
    aside: np.ndarray  # (n,) int8: which guard set each artwork aside, as a place in guards.IN_TURN; NONE where none did

    @cached_property
    def chosen(self) -> np.ndarray:
        """(t,) propensities of what is shown; nan where nothing is."""
        if not len(self.propensities):
            return np.full(len(self.places), np.nan)
        return np.where(self.places == ABSENT, np.nan, self.propensities.take(self.places, mode="clip"))


def explore(
    how: Exploration, beliefs: Beliefs, at: datetime, guards: Guards | None = None, history: History | None = None
) -> Explored:
    """Choose for a page at a moment. history: what users were shown before, as far as it is known; see match.exploring.keeping.

    The exposure cap and then prominence set artwork aside; what must be kept is shown, though it have little part, but not beyond the
    cap; variety comes last. No guard takes a title's last artwork: where it would, it is silent.
    """
    sizes = beliefs.starts[1:] - beliefs.starts[:-1]
    titles = np.arange(len(sizes)).repeat(sizes)
    notes: list[list[str]] = [[] for _ in beliefs.title_ids]
    aside = np.full(len(titles), NONE, np.int8)
    kept: list[str | None] = [None] * len(sizes)
    eligible, held = _remembered(how, beliefs, at, history or {}, kept, notes, aside)
    if beliefs.little is not None:
        eligible = _set_aside(eligible, beliefs.little, titles, notes, aside, PROMINENCE)
    eligible = _only(eligible, held, titles)
    chances = np.zeros(len(titles))
    places, period = np.full(len(sizes), ABSENT), period_of(at, how.period)
    among = eligible.nonzero()[0]
    counts = np.bincount(titles[among], minlength=len(sizes))
    there = counts.nonzero()[0]
    if len(there):
        begins = np.append(0, np.cumsum(counts[there]))
        own = propensities(how, beliefs.scores[among], beliefs.posteriors.taken(among), begins)
        numbers = uniforms(how.seed, beliefs.user_id, [beliefs.title_ids[title] for title in there.tolist()], period)
        places[there] = among[drawn(own, begins, numbers)]
        chances[among] = own
        if guards is not None:
            of_titles = np.zeros(len(sizes))
            of_titles[there] = numbers
            _vary(guards, beliefs, eligible, chances, places, of_titles, notes, aside)
    return Explored(period, places, chances, kept, list(map(tuple, notes)), aside)


def _remembered(
    how: Exploration,
    beliefs: Beliefs,
    at: datetime,
    history: History,
    kept: list[str | None],
    notes: list[list[str]],
    aside: np.ndarray,
) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """((n,) bool what is eligible after the cap, (title, place) of what must be kept)."""
    held: list[tuple[int, int]] = []
    eligible = beliefs.free
    if not history:
        return eligible, held
    eligible, ids = eligible.copy(), beliefs.ids()
    for title, title_id in enumerate(beliefs.title_ids):
        if (shown := history.get((beliefs.user_id, title_id))) is None:
            continue
        own = range(*beliefs.starts[title : title + 2].tolist())
        free = [place for place in own if eligible[place]]
        resting = [place for place in free if is_resting(how, shown, ids[place])]
        if resting and len(resting) < len(free):
            eligible[resting] = False
            aside[resting] = IN_TURN.index(CAP)
            notes[title].append(_note(CAP, len(resting), len(free)))
        if (why := why_kept(how, shown, at)) and (place := _find(ids, own, shown.artwork_id)) is not None and eligible[place]:
            held.append((title, place))
            kept[title] = why
    return eligible, held


def _find(ids: list[str], own: range, artwork_id: str) -> int | None:
    return next((place for place in own if ids[place] == artwork_id), None)


def _set_aside(
    eligible: np.ndarray, these: np.ndarray, titles: np.ndarray, notes: list[list[str]], aside: np.ndarray, guard: str
) -> np.ndarray:
    """Eligible without these, but for titles that would have nothing left."""
    would = eligible & these
    if not would.any():
        return eligible
    counts, woulds = (np.bincount(titles[which], minlength=len(notes)) for which in (eligible, would))
    speaks = (woulds > 0) & (woulds < counts)
    for title in speaks.nonzero()[0].tolist():
        notes[title].append(_note(guard, int(woulds[title]), int(counts[title])))
    taken = would & speaks[titles]
    aside[taken] = IN_TURN.index(guard)
    left: np.ndarray = eligible & ~taken
    return left


def _only(eligible: np.ndarray, held: list[tuple[int, int]], titles: np.ndarray) -> np.ndarray:
    """Eligible with only what is kept of titles that keep something."""
    if not held:
        return eligible
    keeping, places = (np.array(each) for each in zip(*held, strict=True))
    only = eligible & ~np.isin(titles, keeping)
    only[places] = True
    return only


def _vary(
    guards: Guards,
    beliefs: Beliefs,
    eligible: np.ndarray,
    chances: np.ndarray,
    places: np.ndarray,
    numbers: np.ndarray,
    notes: list[list[str]],
    aside: np.ndarray,
) -> None:
    """Title by title as the page shows them: what looks like the picture before it, and then what repeats the page too often, has no
    chance where something near as good is left.

    Changes chances, places, notes and aside. A title draws again with its own number.
    """
    row, marks = Row(guards), beliefs.marks if guards.most_alike else None
    shown = [title for title in beliefs.turns.tolist() if places[title] != ABSENT]
    looks = _Looks.of(guards, beliefs, eligible, places, shown) if beliefs.cosines is not None else None
    starts, before = beliefs.starts.tolist(), ABSENT
    for title in shown:
        repeats = []
        if looks is not None and (like := looks.like(title, before)) is not None:
            repeats.append((LOOKS, like))
        if row.full and marks is not None:
            repeats.append((VARIETY, marks.bearing(slice(*starts[title : title + 2]), row.full)))
        if repeats:
            own = slice(*starts[title : title + 2])
            left = _without(repeats, eligible[own], beliefs.scores[own], guards.may_cost, notes[title], aside[own])
            if left is not None:
                chances[own] = _of_the_rest(chances[own], left, beliefs.scores[own])
                places[title] = own.start + drawn(chances[own], np.array([0, len(left)]), numbers[title : title + 1])[0]
        before = int(places[title])
        if marks is not None:
            row.add(marks.at(before))


def _without(
    repeats: list[tuple[str, np.ndarray]],
    eligible: np.ndarray,
    scores: np.ndarray,
    may_cost: float,
    notes: list[str],
    aside: np.ndarray,
) -> np.ndarray | None:
    """(n,) bool: what the guards leave of a title's eligible artwork (n,), each in its turn; None where all of it."""
    spoke = False
    for guard, which in repeats:
        would = eligible & which
        left = eligible & ~would
        if would.any() and left.any() and _is_near(scores, would, left, may_cost):
            notes.append(_note(guard, int(would.sum()), int(eligible.sum())))
            aside[would] = IN_TURN.index(guard)
            eligible, spoke = left, True
    return eligible if spoke else None


@dataclass(frozen=True)
class _Looks:
    """What of each title looks like the picture before it: of all titles at once, as they were drawn first; anew where a guard then
    chose another one."""

    least: float  # cosine
    cosines: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
    starts: np.ndarray
    like_first: np.ndarray  # (n,) bool
    first: dict[int, int]  # title to the place before it, by which `like_first` was found
    alike: set[int]  # titles of which any was

    @classmethod
    def of(
        cls, guards: Guards, beliefs: Beliefs, eligible: np.ndarray, places: np.ndarray, shown: list[int]
    ) -> "_Looks | None":
        """None where nothing is beside anything, or nobody asked. shown: the titles that show something, as the page has them."""
        if guards.same_look is None or len(shown) < 2 or beliefs.cosines is None:
            return None
        starts, others, beside = beliefs.starts, places[shown[:-1]], np.full(len(places), ABSENT)
        beside[shown[1:]] = np.arange(len(others))
        which = beside.repeat(starts[1:] - starts[:-1])
        among = (eligible & (which != ABSENT)).nonzero()[0]
        like = np.zeros(len(eligible), bool)
        found = among[beliefs.cosines(among, others, which[among]) >= guards.same_look]
        like[found] = True
        titles = set((starts.searchsorted(found, side="right") - 1).tolist()) if len(found) else set()
        return cls(guards.same_look, beliefs.cosines, starts, like, dict(zip(shown[1:], others.tolist(), strict=True)), titles)

    def like(self, title: int, before: int) -> np.ndarray | None:
        """(artworks of the title,) bool; None where none does. before: the place of the picture before it, ABSENT for none."""
        if before == ABSENT or (before == self.first[title] and title not in self.alike):
            return None
        start, end = self.starts[title : title + 2].tolist()
        if before == self.first[title]:
            return self.like_first[start:end]
        own = np.arange(start, end)
        like: np.ndarray = self.cosines(own, np.array([before]), np.zeros_like(own)) >= self.least
        return like


def _of_the_rest(chances: np.ndarray, left: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """(n,): in the proportions they had; where they had next to none, the highest score of them has it all."""
    rest: np.ndarray = np.where(left, chances, 0.0)
    if (total := rest.sum()) > LEAST:
        rest /= total
        return rest
    rest[:] = 0.0
    rest[np.where(left, scores, -np.inf).argmax()] = 1.0
    return rest


def _is_near(scores: np.ndarray, repeats: np.ndarray, left: np.ndarray, may_cost: float) -> bool:
    return bool(scores[repeats].max() - scores[left].max() <= may_cost)


def _note(guard: str, aside: int, of: int) -> str:
    return f"{guard}: {aside} of {of} set aside"
