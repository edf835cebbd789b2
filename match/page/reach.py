"""Who gets which artwork: the choices of all users for a title, counted."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise, starmap

import numpy as np

from index.titles import ABSENT
from match.bulk import Bulk
from match.matcher import Matcher
from match.page.documents.blocks import BLOCK
from match.page.site import Site

MOST_USERS = 20_000  # of whom choices are counted; of more a sample, which tells shares within 0.7 %, in a second or two
MOST_OF_FILE = 10_000  # the same for a page in a file, which tells of every artwork: within 1 %
AT_ONCE = 1 << 14  # users
EXAMPLES = 8
LOOKED_AT = 1000  # of the users who are shown, for examples

Titles = Sequence[str]


@dataclass(frozen=True)
class Reach:
    """Of a title's artworks, by artwork_id; what nobody gets is not there."""

    users: int  # whose choices were counted
    total: int  # of users, of which those are a sample where there are more
    sizes: dict[str | None, int]  # users of each segment among those counted; None: of no segment
    counts: dict[str, Counter[str | None]]  # artwork_id to users by segment
    examples: dict[str, list[str]]  # artwork_id to some of the users who are shown on the page


def reach(site: Site, matcher: Matcher, title_id: str) -> Reach:
    """Of one title. A page in a file has those of a block of titles made at once, since it tells them all."""
    titles = [title_id]
    if not site.is_live and (place := site.places.get(title_id)) is not None:
        titles = list(site.title_ids[place - place % BLOCK :][:BLOCK])
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)  # campaigns begin and end
    key = "reach", matcher.weights, titles[0], len(titles), hour
    return site.remembered(key, lambda: _reach_of(site, matcher, titles))[title_id]


def _reach_of(site: Site, matcher: Matcher, titles: list[str]) -> dict[str, Reach]:
    bulk, users = Bulk.of(matcher, titles), matcher.user_ids
    counted = sampled(users, MOST_USERS if site.is_live else MOST_OF_FILE)
    segments = bulk.crowd.segments(counted, bulk.context)
    names, numbers = _numbered(segments)
    sums = _sums(bulk, counted, numbers, len(names))  # (artworks, segments)
    sizes = dict(zip(names, np.bincount(numbers, minlength=len(names)).tolist(), strict=True))
    examples = _examples(bulk, list(site.user_ids[:LOOKED_AT]))
    ids, begins = bulk.artwork_ids.to_pylist(), bulk.begins.tolist()
    found = {}
    for title_id, own in zip(bulk.title_ids, starmap(range, pairwise(begins)), strict=True):
        counts = {ids[at]: Counter(dict(zip(names, sums[at].tolist(), strict=True))) for at in own}
        some = {ids[at]: examples.get(at, []) for at in own}
        found[title_id] = Reach(len(counted), len(users), sizes, counts, some)
    return found


def sampled(users: Sequence[str], most: int) -> list[str]:
    """All of them, or `most` drawn evenly, always the same, in their order."""
    if len(users) <= most:
        return list(users)
    return [users[place] for place in np.sort(np.random.default_rng(0).choice(len(users), most, replace=False)).tolist()]


def _numbered(segments: list[str | None]) -> tuple[list[str | None], np.ndarray]:
    names = sorted(set(segments), key=lambda name: (name is None, name or ""))
    number_of = {name: number for number, name in enumerate(names)}
    return names, np.array([number_of[name] for name in segments], np.int64)


def _sums(bulk: Bulk, users: list[str], segments: np.ndarray, count: int) -> np.ndarray:
    """(artworks, count) int64: how many users of each segment get each artwork."""
    sums = np.zeros(len(bulk.artwork_ids) * count, np.int64)
    for start in range(0, len(users), AT_ONCE):
        some = slice(start, start + AT_ONCE)
        chosen = bulk.choose(users[some]).artwork  # (users, titles)
        who, _ = there = (chosen != ABSENT).nonzero()
        sums += np.bincount(chosen[there] * count + segments[some][who], minlength=len(sums))
    return sums.reshape(len(bulk.artwork_ids), count)


def _examples(bulk: Bulk, users: list[str]) -> dict[int, list[str]]:
    """Place of an artwork to the first EXAMPLES of these users who get it."""
    found: dict[int, list[str]] = {}
    for user_id, places in zip(users, bulk.choose(users).artwork.tolist(), strict=True):
        for place in places:
            if place != ABSENT and len(found.setdefault(place, [])) < EXAMPLES:
                found[place].append(user_id)
    return found
