"""A title with all its artwork, the best for a user first: why each has its score, and what the runner-up lacks.

What does not depend on the user, pictures included, stands in `about`: a page in a file would have it as often as it has users.
"""

from collections.abc import Iterator

import numpy as np

from index.filters import FREE, NAMES, Context
from match.matcher import Choice, Matcher
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
from match.tastes import Taste

MOST_AGE = 150  # years


def answer(site: Site, parameters: Parameters) -> Document:
    """title, user; similarity, people, words and copy: the blend; taste: the edited profile; locale, age and knows: where it is shown,
    to whom, and whether they know the story."""
    title_id, context = parameters.text("title"), _context(parameters)
    matcher, user = site.matcher_of(parameters), site.user_of(parameters)
    taste = matcher.taste(user, context)
    [choice] = matcher.choose(user, [title_id], context, with_others=True)
    ordered = [*([choice.artwork] if choice.artwork else []), *choice.others]
    page, rows = explored(site, matcher, user, title_id, context), rows_of_title(matcher.snapshot, title_id)
    return {
        "id": title_id,
        "user": choice.user_id,
        "taste": choice.taste,
        "segment": taste.segment,
        "reason": choice.reason,
        "copy": told_line(choice.copy, choice.copy_reason),
        "lines": [told_line(line, why) for line, why in lines_beside(matcher, taste, choice, rows, context.locale)],
        "guards": {policy: list(page[policy].guards) for policy in POLICIES},
        "artworks": [_told(site, artwork, page, *sure) for artwork, *sure in _with_intervals(matcher, taste, ordered, rows)],
        "aside": _aside(matcher, context, rows, {artwork.artwork_id for artwork in ordered}),
        "runner_up": _runner_up(matcher, taste, choice),
        "weights": {name: getattr(matcher.weights, name) for name in WEIGHTS},
    }


def _context(parameters: Parameters) -> Context:
    seen = [parameters.text("title")] if parameters.get("knows") else []
    return Context(locale=parameters.get("locale"), maturity=parameters.number("age", 0, MOST_AGE), seen=tuple(seen))


def _told(site: Site, artwork: Scored, page: Explored, strength: float, low: float, high: float) -> Document:
    told = told_artwork(site, artwork)
    del told["path"], told["picture"]
    chances = {policy: drawn.chances.get(artwork.artwork_id) for policy, drawn in page.items() if drawn.chances}
    guards = {policy: guard for policy, drawn in page.items() if (guard := drawn.aside.get(artwork.artwork_id))}
    return shortened({**told, "strength": round(strength), "interval": [low, high], "chances": chances, "guards": guards})


def _with_intervals(
    matcher: Matcher, taste: Taste, ordered: list[Scored], rows_of: dict[str, int]
) -> list[tuple[Scored, float, float, float]]:
    """Each with the impressions that its prior is worth, and the interval of it."""
    if not ordered:
        return []
    priors = matcher.catalog_priors.of(taste.segment)
    rows = np.array([rows_of[artwork.artwork_id] for artwork in ordered])
    strength = priors.strength[rows]
    low, high = credible(priors.mean[rows], strength)
    return list(zip(ordered, strength.tolist(), low.tolist(), high.tolist(), strict=True))


def _aside(matcher: Matcher, context: Context, rows_of: dict[str, int], shown: set[str]) -> list[Document]:
    """The artwork of a title that may not be shown at all, with what stops it."""
    if not rows_of:
        return []
    snapshot = matcher.snapshot
    titles = snapshot.index.titles_of(np.array([*rows_of.values()]))[:1]
    page = snapshot.index.page(np.zeros((1, snapshot.index.dimension), np.float32), titles)
    blocked = matcher.blocked(page, context)
    if blocked is None:
        return []
    return [
        {"id": artwork_id, "reason": NAMES[by]}
        for artwork_id, by in zip(rows_of, blocked.by.tolist(), strict=True)
        if by != FREE and artwork_id not in shown
    ]


def _runner_up(matcher: Matcher, taste: Taste, choice: Choice) -> Document | None:
    """None where there is none. Only what may be shown takes part."""
    if choice.artwork is None or not choice.others:
        return None
    whole, rows = contest_of(matcher, taste, matcher.snapshot.title_numbers[choice.title_id])
    ids, eligible = matcher.snapshot.texts("artwork_id", rows), {one.artwork_id for one in (choice.artwork, *choice.others)}
    places = [place for place, artwork_id in enumerate(ids) if artwork_id in eligible]
    best, second = (places.index(ids.index(one.artwork_id)) for one in (choice.artwork, choice.others[0]))
    priors, row = matcher.catalog_priors.of(taste.segment), rows[places[second]]
    believed = float(priors.mean[row]), float(priors.strength[row])
    lacks = runner_up(whole.taken(places), matcher.weights, best, second, *believed)
    return shortened({"id": choice.others[0].artwork_id, **_lacks(lacks)})


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
