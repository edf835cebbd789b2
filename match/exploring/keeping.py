"""Keeping: what a user was shown of a title holds for a period, and longer once the budget of changes is spent.

The hash alone (match.exploring.draws) keeps a title's artwork within a period as long as what is believed does not change. Whoever
remembers what was shown can hand it in: then it is kept within the period whatever happens, changes have a budget, and exposure a
cap. Nothing is remembered here; `history_of` makes what is handed in of impressions, such as the last days' log of choices.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from itertools import pairwise
from types import MappingProxyType
from typing import NamedTuple

from match.exploring.draws import period_of
from match.exploring.policies import Exploration

PERIOD, BUDGET = "period", "budget"  # why an artwork was kept
NO_IMPRESSIONS: Mapping[str, int] = MappingProxyType({})


class Shown(NamedTuple):
    """What one user was shown of one title."""

    artwork_id: str  # the last one
    at: datetime  # when; UTC where it names no zone
    changes: int = 0  # of the title's artwork, in the window before
    impressions: Mapping[str, int] = NO_IMPRESSIONS  # artwork_id to how often the user saw it, as the cap counts


History = Mapping[tuple[str, str], Shown]  # (user_id, title_id) to it


def why_kept(how: Exploration, shown: Shown, at: datetime) -> str | None:
    """PERIOD or BUDGET where the artwork shown last must stay at this moment; None where it may change."""
    before, now = _utc(shown.at), _utc(at)
    if period_of(before, how.period) == period_of(now, how.period):
        return PERIOD
    spent = how.changes is not None and shown.changes >= how.changes
    return BUDGET if spent and now - before < how.window else None


def is_resting(how: Exploration, shown: Shown, artwork_id: str) -> bool:
    """Whether the user has seen the artwork as often as the cap allows."""
    return how.most_shown is not None and shown.impressions.get(artwork_id, 0) >= how.most_shown


def history_of(
    impressions: Iterable[tuple[str, str, str, datetime]], how: Exploration, at: datetime
) -> dict[tuple[str, str], Shown]:
    """What users were shown, as it counts at a moment: changes and impressions of the window before, the last artwork of any time.

    impressions: (user_id, title_id, artwork_id, shown_at), in any order; what was shown after `at` is not known yet.
    """
    by_title: dict[tuple[str, str], list[tuple[datetime, str]]] = {}
    for user_id, title_id, artwork_id, shown_at in impressions:
        if _utc(shown_at) <= _utc(at):
            by_title.setdefault((user_id, title_id), []).append((_utc(shown_at), artwork_id))
    return {key: _shown(sorted(shown), _utc(at) - how.window) for key, shown in by_title.items()}


def _shown(shown: list[tuple[datetime, str]], since: datetime) -> Shown:
    changes = sum(one != before and when > since for (_, before), (when, one) in pairwise(shown))
    return Shown(shown[-1][1], shown[-1][0], changes, Counter(one for when, one in shown if when > since))


def _utc(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)
