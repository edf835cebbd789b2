"""Rules: which impressions count, and how long a play is waited for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from embed.errors import LogError
from match.clicks.queries import DAY_US

QUALITY_FRACTION = 0.2  # of the title watched ...
QUALITY_SECONDS = 600.0  # ... or as long, makes a play a quality play
QUALITY = f"fraction >= {QUALITY_FRACTION} OR seconds >= {QUALITY_SECONDS}"

LONGEST_WAIT = 3.0  # days
IN_TIME = 0.99  # of the plays: how many come within the waiting time
TIMED = 100  # plays from which on the log's own delays are believed


@dataclass(frozen=True)
class Rules:
    """How impressions count. Raises LogError for what cannot be."""

    half_life: float = 90.0  # days after which an impression counts half, by its day; inf: all alike
    wait: float | None = None  # days in which a play may come; None: as long as the log's own take, at most LONGEST_WAIT
    most_repeats: int = 10  # impressions of one artwork that count, per user and day
    most_impressions: int = 2000  # per user and day; whoever has more is a machine, and none of that day's count
    open_days: int = 7  # days, with the newest, in which rows may still arrive

    def __post_init__(self) -> None:
        """Check that the rules go together."""
        if not self.half_life > 0 or self.most_repeats < 1 or self.most_impressions < 1 or self.open_days < 1:
            raise LogError(f"{self}: the half-life and the limits must be above 0")
        if self.wait is not None and not 0 <= self.wait <= self.open_days - 1:
            raise LogError(f"a waiting time of {self.wait:g} days: give 0 to {self.open_days - 1} days, or keep more days open")
        if self.open_days < LONGEST_WAIT + 1:
            raise LogError(f"{self.open_days} open days: give {LONGEST_WAIT + 1:g} or more, since plays come late")


class Wait(NamedTuple):
    """How long a play is waited for."""

    days: float | None  # None where no times are known
    by: str  # how that came about

    def settled_us(self, newest: int | None) -> str:
        """As SQL: what was shown later, in a log whose newest impression is that of `newest`, may still be played; null: nothing."""
        return "NULL" if self.days is None or newest is None else str(int(newest - self.days * DAY_US))


def oldest_open(newest: int) -> int:
    """The day from which on plays may still come, whatever the rules; of whole days, so that it does not matter which are closed."""
    return int((newest - LONGEST_WAIT * DAY_US) // DAY_US)


def waiting(rules: Rules, newest: int | None, late: Sequence[tuple[int, int]]) -> Wait:
    """What IN_TIME of the plays took.

    newest: microseconds since 1970 of the newest impression, None where no times are known. late: powers of two of seconds, rising, and
    the quality plays that came within each and not before, of days before `oldest_open`.
    """
    if newest is None:
        return Wait(None, "no times are known")
    if rules.wait is not None:
        return Wait(rules.wait, "as asked")
    within = np.cumsum([plays for _, plays in late])
    if not len(within) or within[-1] < TIMED:
        return Wait(LONGEST_WAIT, f"fewer than {TIMED} plays tell how late they come")
    power = late[int(np.searchsorted(within, IN_TIME * within[-1]))][0]
    return Wait(min(2.0**power * 1e6 / DAY_US, LONGEST_WAIT), f"{IN_TIME:.0%} of the plays come within it")


def none_counts(left_out: Mapping[str, int], wait: Wait) -> str:
    """Why none of a log's impressions counts, with the remedies; left_out: impressions by verdict."""
    reasons = {
        "young": f"may still be played (they wait {wait.days or 0:.2g} days, since {wait.by}; come back then, or say --wait)",
        "bot": "are of users with more than --most-impressions in a day",
        "repeat": "are beyond --most-repeats",
    }
    said = ", ".join(f"{left_out[kind]:,} {reason}" for kind, reason in reasons.items() if left_out.get(kind))
    return f"no impression counts yet: {said}"
