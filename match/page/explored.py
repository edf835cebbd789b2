"""What a page that explores does to a title: how likely each artwork is drawn, and which a guard sets aside.

The page is the block of titles that the title stands in, as the grid shows them, today; variety and look-alike depend on it.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from embed.records import Profile
from index.filters import Context
from match.exploring.log import PageLog
from match.exploring.policies import Exploration
from match.exploring.serving import Exploring
from match.matcher import EVERYWHERE, Matcher
from match.page.documents.blocks import BLOCK
from match.page.site import Site

POLICIES = ("thompson", "softmax")


class OfTitle(NamedTuple):
    """One policy's draw of a title."""

    chances: dict[str, float]  # artwork_id to its propensity, of what may be drawn
    guards: tuple[str, ...]  # that spoke, and how much of the title they set aside
    aside: dict[str, str]  # artwork_id to the guard that set it aside, of any title of the page


Explored = dict[str, OfTitle]  # by POLICIES


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
    return {policy: of_page[policy].get(title_id, OfTitle({}, (), {})) for policy in POLICIES}


def _page_of(site: Site, title_id: str) -> Sequence[str]:
    place = site.places.get(title_id)
    if place is None:
        return [title_id]
    return site.title_ids[place - place % BLOCK :][:BLOCK]


def _explored(matcher: Matcher, user: str | Profile, page: Sequence[str], context: Context) -> dict[str, dict[str, OfTitle]]:
    return {policy: _drawn(matcher, user, page, context, Exploration(policy)) for policy in POLICIES}


def _drawn(
    matcher: Matcher, user: str | Profile, page: Sequence[str], context: Context, how: Exploration
) -> dict[str, OfTitle]:
    """Of each title that shows something what may be drawn."""
    logs: list[PageLog] = []
    matcher.choose(user, page, context, explore=Exploring(how, log=logs.append))
    found: dict[str, OfTitle] = {}
    for log in logs:
        ids, chances, begins = log.ids().to_pylist(), log.parts["propensity"].tolist(), log.begins.tolist()
        aside = log.aside()
        for number, title_id in enumerate(log.title_ids):
            own = slice(*begins[number : number + 2])
            found[title_id] = OfTitle(dict(zip(ids[own], chances[own], strict=True)), log.notes[number], aside)
    return found
