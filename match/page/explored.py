"""What a page that explores does to a title: how likely each artwork is drawn, and which a guard sets aside.

The page is the block of titles that the title stands in, as the grid shows them, today; variety and look-alike depend on it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from embed.records import Profile
from index.filters import Context
from match.exploring.log import PageLog
from match.exploring.policies import Exploration
from match.exploring.serving import Exploring
from match.guards import PROMINENCE, Guards
from match.matcher import EVERYWHERE, Matcher
from match.page.documents.blocks import BLOCK
from match.page.site import Site

POLICIES = ("thompson", "softmax")
ELIGIBLE = "eligible"  # the page with prominence alone: what is then missing, prominence took
_ONLY_PROMINENCE = Guards(most_alike=0, same_look=None)

Chances = dict[str, float]  # artwork_id to its propensity, of what may be drawn


class OfTitle(NamedTuple):
    """One policy's draw of a title."""

    chances: Chances
    guards: tuple[str, ...]  # that spoke, and how much of the title they set aside


@dataclass(frozen=True)
class Explored:
    """A title on a page that explores."""

    by_policy: dict[str, OfTitle]  # POLICIES
    prominent: Chances  # what prominence leaves

    def guard(self, artwork_id: str) -> str | None:
        """Which guards set an eligible artwork aside where Thompson sampling draws; None where it may be drawn."""
        drawn = self.by_policy[POLICIES[0]]
        if artwork_id in drawn.chances:
            return None
        if artwork_id not in self.prominent:
            return PROMINENCE
        return " or ".join(name for note in drawn.guards if (name := note.partition(":")[0]) != PROMINENCE)


def explored(site: Site, matcher: Matcher, user: str | Profile, title_id: str, context: Context = EVERYWHERE) -> Explored:
    """One title of a user's page; nothing of a title that nobody knows."""
    page = _page_of(site, title_id)
    if isinstance(user, str):
        now = datetime.now(UTC).replace(second=0, microsecond=0)
        of_page = site.remembered(
            ("explored", matcher.weights, user, page[0], context, now), lambda: _explored(matcher, user, page, context)
        )
    else:
        of_page = _explored(matcher, user, page, context)
    nothing = OfTitle({}, ())
    by_policy = {policy: of_page[policy].get(title_id, nothing) for policy in POLICIES}
    return Explored(by_policy, of_page[ELIGIBLE].get(title_id, nothing).chances)


def _page_of(site: Site, title_id: str) -> Sequence[str]:
    place = site.places.get(title_id)
    if place is None:
        return [title_id]
    return site.title_ids[place - place % BLOCK :][:BLOCK]


def _explored(matcher: Matcher, user: str | Profile, page: Sequence[str], context: Context) -> dict[str, dict[str, OfTitle]]:
    asked = {policy: Exploring(Exploration(policy)) for policy in POLICIES}
    asked[ELIGIBLE] = Exploring(Exploration("softmax"), _ONLY_PROMINENCE)
    return {name: _drawn(matcher, user, page, context, exploring) for name, exploring in asked.items()}


def _drawn(
    matcher: Matcher, user: str | Profile, page: Sequence[str], context: Context, exploring: Exploring
) -> dict[str, OfTitle]:
    """Of each title that shows something what may be drawn."""
    logs: list[PageLog] = []
    matcher.choose(user, page, context, explore=Exploring(exploring.how, exploring.guards, log=logs.append))
    found: dict[str, OfTitle] = {}
    for log in logs:
        ids, chances, begins = log.ids().to_pylist(), log.parts["propensity"].tolist(), log.begins.tolist()
        for number, title_id in enumerate(log.title_ids):
            own = slice(*begins[number : number + 2])
            found[title_id] = OfTitle(dict(zip(ids[own], chances[own], strict=True)), log.notes[number])
    return found
