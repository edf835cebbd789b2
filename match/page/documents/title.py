"""A title with all its artwork, the best for a user first: why each has its score, and what the runner-up lacks.

What does not depend on the user, pictures included, stands in `about`: a page in a file would have it as often as it has users.
"""

from collections.abc import Iterator

import numpy as np

from embed.records import Profile
from index.filters import FREE, NAMES
from match.matcher import EVERYWHERE, Choice, Matcher
from match.page.contest import contest_of
from match.page.explored import POLICIES, Explored, explored
from match.page.intervals import credible
from match.page.lines_beside import lines_beside
from match.page.parameters import Parameters
from match.page.rows import rows_of_title
from match.page.runner_up import RunnerUp, runner_up
from match.page.site import WEIGHTS, Document, Site
from match.page.told import shortened, told_artwork, told_line
from match.scored import Scored


def answer(site: Site, parameters: Parameters) -> Document:
    """title, user; similarity, people, words and copy: the blend; taste: the edited profile."""
    title_id = parameters.text("title")
    matcher, user = site.matcher_of(parameters), site.user_of(parameters)
    [choice] = matcher.choose(user, [title_id], with_others=True)
    ordered = [*([choice.artwork] if choice.artwork else []), *choice.others]
    page, rows = explored(site, matcher, user, title_id), rows_of_title(matcher.snapshot, title_id)
    return {
        "id": title_id,
        "user": choice.user_id,
        "taste": choice.taste,
        "segment": matcher.taste(user).segment,
        "reason": choice.reason,
        "copy": told_line(choice.copy, choice.copy_reason),
        "lines": [told_line(line, why) for line, why in lines_beside(matcher, user, choice, rows)],
        "guards": {policy: list(page.by_policy[policy].guards) for policy in POLICIES},
        "artworks": [_told(site, artwork, page, *sure) for artwork, *sure in _with_intervals(matcher, user, ordered, rows)],
        "aside": _aside(matcher, rows, {artwork.artwork_id for artwork in ordered}),
        "runner_up": _runner_up(matcher, user, choice),
        "weights": {name: getattr(matcher.weights, name) for name in WEIGHTS},
    }


def _told(site: Site, artwork: Scored, page: Explored, strength: float, low: float, high: float) -> Document:
    told = told_artwork(site, artwork)
    del told["path"], told["picture"]
    chances = {policy: drawn.chances.get(artwork.artwork_id) for policy, drawn in page.by_policy.items() if drawn.chances}
    guard = page.guard(artwork.artwork_id) if page.prominent else None
    return shortened({**told, "strength": round(strength), "interval": [low, high], "chances": chances, "guard": guard})


def _with_intervals(
    matcher: Matcher, user: str | Profile, ordered: list[Scored], rows_of: dict[str, int]
) -> list[tuple[Scored, float, float, float]]:
    """Each with the impressions that its prior is worth, and the interval of it."""
    if not ordered:
        return []
    priors = matcher.catalog_priors.of(matcher.taste(user).segment)
    rows = np.array([rows_of[artwork.artwork_id] for artwork in ordered])
    strength = priors.strength[rows]
    low, high = credible(priors.mean[rows], strength)
    return list(zip(ordered, strength.tolist(), low.tolist(), high.tolist(), strict=True))


def _aside(matcher: Matcher, rows_of: dict[str, int], shown: set[str]) -> list[Document]:
    """The artwork of a title that may not be shown at all, with what stops it."""
    if not rows_of:
        return []
    snapshot = matcher.snapshot
    titles = snapshot.index.titles_of(np.array([*rows_of.values()]))[:1]
    page = snapshot.index.page(np.zeros((1, snapshot.index.dimension), np.float32), titles)
    blocked = matcher.blocked(page, EVERYWHERE)
    if blocked is None:
        return []
    return [
        {"id": artwork_id, "reason": NAMES[by]}
        for artwork_id, by in zip(rows_of, blocked.by.tolist(), strict=True)
        if by != FREE and artwork_id not in shown
    ]


def _runner_up(matcher: Matcher, user: str | Profile, choice: Choice) -> Document | None:
    """None where there is none."""
    if choice.artwork is None or not choice.others:
        return None
    taste = matcher.taste(user)
    contest, rows = contest_of(matcher, taste, matcher.snapshot.title_numbers[choice.title_id])
    ids = matcher.snapshot.texts("artwork_id", rows)
    best, second = (ids.index(artwork.artwork_id) for artwork in (choice.artwork, choice.others[0]))
    priors = matcher.catalog_priors.of(taste.segment)
    row = rows[second]
    lacks = runner_up(contest, matcher.weights, best, second, float(priors.mean[row]), float(priors.strength[row]))
    return shortened({"id": ids[second], **_lacks(lacks)})


def _lacks(lacks: RunnerUp) -> Document:
    return {
        "margin": lacks.margin,
        "changes": [change._asdict() for change in lacks.changes],
        "cannot": list(lacks.cannot),
        "needed": lacks.needed._asdict(),
    }


def written(site: Site) -> Iterator[Parameters]:
    """Every title for every user, a block of titles at a time."""
    return (Parameters(title=title_id, user=user_id) for user_id in site.user_ids for title_id in site.title_ids)
