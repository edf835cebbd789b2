"""Why a choice is another one: the parts of both artworks' scores on both sides, and the part that moved most."""

from dataclasses import dataclass, replace

import numpy as np

from index.titles import ABSENT
from match.blend import Parts
from match.comparing.union import SIDES, Union
from match.matcher import Matcher

PARTS = ("prior", "similarity", "people", "words")
REASONS = ("retired", "new", *PARTS)
RETIRED, NEW = 0, 1
FIRST_PART = 2  # of REASONS


@dataclass(frozen=True)
class Changes:
    """Choices that are other ones on the latter side, user by user."""

    users: np.ndarray  # (n,) int64 places among the users compared
    titles: np.ndarray  # (n,) int64 places among the titles compared
    artwork: np.ndarray  # (n, 2) int64: chosen on the former side and on the latter, ABSENT where the title had none
    reasons: np.ndarray  # (n,) int64, places in REASONS
    parts: (
        np.ndarray
    )  # (n, 2, 2, 4) float32: of each side, of each of the two artworks, log-odds by PARTS; nan where it may not be chosen

    @property
    def leads(self) -> np.ndarray:
        """(n, 2) float64: by how much each side's choice leads the other side's in its own scores, 0 or more but for rounding; nan
        where the other may not be chosen there."""
        scores = self.parts.sum(axis=3, dtype=np.float64)
        leads: np.ndarray = np.stack([scores[:, 0, 0] - scores[:, 0, 1], scores[:, 1, 1] - scores[:, 1, 0]], axis=1)
        return leads

    @classmethod
    def joined(cls, some: "list[Changes]") -> "Changes":
        """One after the other, after none at all."""
        numbers = np.empty(0, np.int64)
        none = cls(numbers, numbers, np.empty((0, 2), np.int64), numbers, np.empty((0, SIDES, 2, len(PARTS)), np.float32))
        return cls(*(np.concatenate([getattr(one, name) for one in (none, *some)]) for name in cls.__dataclass_fields__))

    def moved(self, titles: int, artwork: int) -> "Changes":
        """The same where titles and artwork are counted from these numbers on."""
        return replace(
            self, titles=self.titles + titles, artwork=np.where(self.artwork == ABSENT, ABSENT, self.artwork + artwork)
        )

    def take(self, places: np.ndarray) -> "Changes":
        """Those at these places (m,)."""
        return Changes(*(getattr(self, name)[places] for name in self.__dataclass_fields__))


def changes_of_user(
    sides: tuple[Matcher, Matcher],
    user: tuple[int, str],
    title_ids: list[str],
    titles: np.ndarray,
    artwork: np.ndarray,
    union: Union,
) -> Changes:
    """What changed for one user; user: place and id; titles: (n,) places among `title_ids`; artwork: (n, 2) numbers of the union."""
    parts = np.full((len(titles), SIDES, 2, len(PARTS)), np.nan, np.float32)
    rows = np.where(artwork == ABSENT, ABSENT, union.rows[:, artwork])  # (2 sides, n, 2 artworks)
    for side, matcher in enumerate(sides):
        parts[:, side] = _parts(matcher, user[1], [title_ids[title] for title in titles.tolist()], rows[side])
    users = np.full(len(titles), user[0])
    return Changes(users, titles, artwork, reasons_of(rows, parts), parts)


def _parts(matcher: Matcher, user_id: str, title_ids: list[str], rows: np.ndarray) -> np.ndarray:
    """(n, 2, 4) float32, nan where there is no row; rows: (n, 2) of these titles."""
    found, there = np.full((*rows.shape, len(PARTS)), np.nan, np.float32), rows != ABSENT
    numbers = np.array([matcher.snapshot.title_numbers[title_id] for title_id in title_ids], np.int64)[there.any(axis=1)]
    if len(numbers):
        page, parts = matcher.parts(user_id, numbers)
        found[there] = columns(parts, np.searchsorted(page.rows, rows[there]))
    return found


def columns(parts: Parts, places: np.ndarray) -> np.ndarray:
    """(n, 4) float64 by PARTS, of the artwork at these places (n,) of a page."""
    some = parts.at(places)
    words = np.zeros(len(places)) if some.words is None else some.words
    return np.stack([some.prior, some.similarity, some.people, words], axis=1)


def reasons_of(rows: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """(n,) int64 places in REASONS.

    Where the former side's choice may not be chosen any more, it is retired; where the latter side's might not be chosen before, it is
    new. Else both stood before both sides, and the latter side's lead over the other grew from below 0 to above: by part, its
    lead on the latter side less its lead on the former. The part with the most of this growth is the reason.

    rows: (2, n, 2); parts: (n, 2, 2, 4), as `Changes` has them.
    """
    leads = parts[:, :, 1].astype(np.float64) - parts[:, :, 0]  # (n, sides, 4): of the latter side's choice
    grown = np.nan_to_num(leads[:, 1] - leads[:, 0])
    reasons: np.ndarray = FIRST_PART + grown.argmax(axis=1)
    reasons[rows[0, :, 1] == ABSENT] = NEW
    reasons[rows[1, :, 0] == ABSENT] = RETIRED
    reasons[rows[0, :, 0] == ABSENT] = NEW  # the title had nothing to show
    return reasons
