"""The lists behind a comparison, a block at a time: its titles, its artwork, and the choices that changed.

Each takes `from` and `to` as `comparison` does, and waits until that is made. `held`: how many of a list's items can be asked for; a
page in a file has the first ones only.
"""

from collections.abc import Callable, Iterator

import numpy as np

from embed.errors import QueryError
from index.titles import ABSENT
from match.comparing import counts
from match.comparing.flow import Compared
from match.comparing.reasons import PARTS, REASONS
from match.page.comparisons import Comparison
from match.page.documents import comparison
from match.page.documents.blocks import BLOCK, block
from match.page.documents.comparison import TITLES_WRITTEN
from match.page.parameters import Parameters
from match.page.site import Document, Site

ORDERS = ("changed", "name")  # of titles; the first where none is asked for
LISTS = ("gained", "lost", "new", "retired")  # of artwork
FILTERS = ("title", "user", "segment", "reason")  # of choices
BLOCKS_WRITTEN = 4  # of a list, in a page in a file; one of a list of choices with a filter


def titles(site: Site, parameters: Parameters) -> Document:
    """from, to, start, order: of ORDERS. Titles where a choice changed."""
    compared = _made(site, parameters).compared
    users, names = counts.by_title(compared), compared.population.names
    order = np.flatnonzero(users).tolist()
    by_name = _one_of(parameters, "order", ORDERS) == "name"
    order.sort(key=lambda title: (names[title].casefold(),) if by_name else (-users[title], names[title].casefold()))
    told = [_told_title(compared, title) for title in block(order, parameters)]
    return {**_counted(site, len(order), BLOCKS_WRITTEN), "titles": told}


def artwork(site: Site, parameters: Parameters) -> Document:
    """from, to, start, list: of LISTS. Artwork that more users get on the latter side, that fewer get, that only one side has."""
    compared = _made(site, parameters).compared
    order = _listed(compared, _one_of(parameters, "list", LISTS))
    told = [_told_artwork(compared, number) for number in block(order, parameters)]
    return {**_counted(site, len(order), BLOCKS_WRITTEN), "artwork": told}


def choices(site: Site, parameters: Parameters) -> Document:
    """from, to, start; title, user, segment, reason: only those. The choices that changed, those with the largest leads first."""
    compared = _made(site, parameters).compared
    order, filtered = _filtered(compared, parameters), any(name in parameters for name in FILTERS)
    told = [_told_change(site, compared, place) for place in block(order, parameters)]
    return {**_counted(site, len(order), 1 if filtered else BLOCKS_WRITTEN), "choices": told}


def written_titles(site: Site) -> Iterator[Parameters]:
    """The first blocks, in each order."""
    return _written(site, lambda pair: ([{"order": order} for order in ORDERS]), titles)


def written_artwork(site: Site) -> Iterator[Parameters]:
    """The first blocks of each list."""
    return _written(site, lambda pair: [{"list": name} for name in LISTS], artwork)


def written_choices(site: Site) -> Iterator[Parameters]:
    """The first blocks; the first one of the most changed titles, of each segment and reason, and of the users that are shown."""

    def filters(pair: Parameters) -> list[dict[str, str]]:
        compared = _made(site, pair).compared
        population, users = compared.population, counts.by_title(compared)
        most = sorted(np.flatnonzero(users).tolist(), key=lambda title: -users[title])[:TITLES_WRITTEN]
        shown = set(site.user_ids)
        found = [{}, *({"title": population.title_ids[title]} for title in most)]
        found += [{"segment": name} for name in dict.fromkeys(population.segments) if name is not None]
        found += [{"reason": reason} for reason in REASONS]
        return found + [{"user": user_id} for user_id in population.user_ids if user_id in shown]

    return _written(site, filters, choices)


def _written(
    site: Site, of_pair: Callable[[Parameters], list[dict[str, str]]], told: Callable[[Site, Parameters], Document]
) -> Iterator[Parameters]:
    for pair in comparison.written(site):
        for more in of_pair(pair):
            held = told(site, Parameters({**pair, **more}))["held"]
            for start in range(0, max(held, 1), BLOCK):
                yield Parameters({**pair, **more, "start": str(start)})


def _made(site: Site, parameters: Parameters) -> Comparison:
    made = comparison.comparison_of(site, parameters, None)
    assert not isinstance(made, tuple)  # it was waited for
    return made


def _one_of(parameters: Parameters, name: str, known: tuple[str, ...]) -> str:
    value = parameters.get(name, known[0])
    if value not in known:
        raise QueryError(f"parameter {name!r} is {value!r}; give one of {', '.join(known)}")
    return value


def _counted(site: Site, total: int, blocks: int) -> Document:
    return {"total": total, "held": total if site.is_live else min(total, blocks * BLOCK)}


# ---- titles


def _told_title(compared: Compared, title: int) -> Document:
    population, changes = compared.population, compared.changes
    here = changes.titles == title
    own = compared.titles_of == title
    return {
        "id": population.title_ids[title],
        "name": population.names[title],
        "users": len(population.user_ids),
        "changed": int(here.sum()),
        "reasons": counts.reasons_among(changes.reasons[here]),
        "artworks": [int(there[own].sum()) for there in compared.there],
    }


# ---- artwork


def _listed(compared: Compared, name: str) -> list[int]:
    """Numbers of the artwork of a list, those with the most users first."""
    gained, (former, latter) = counts.gained(compared), compared.there
    worth = {"gained": gained, "lost": -gained, "new": compared.chosen[1], "retired": compared.chosen[0]}[name]
    there = {"new": latter & ~former, "retired": former & ~latter}.get(name, worth > 0)
    numbers = np.flatnonzero(there)
    order: list[int] = numbers[np.argsort(-worth[numbers], kind="stable")].tolist()
    return order


def _told_artwork(compared: Compared, number: int) -> Document:
    population, title = compared.population, int(compared.titles_of[number])
    return {
        **_named(compared, number),
        "title": population.title_ids[title],
        "name": population.names[title],
        "users": compared.chosen[:, number].tolist(),
        "there": compared.there[:, number].tolist(),
        "repainted": bool(compared.repainted[number]),
    }


def _named(compared: Compared, number: int) -> Document:
    """As a thumbnail wants it."""
    row = compared.artwork.slice(number, 1).to_pylist()[0]
    return {"id": row["artwork_id"], "path": row["path"], "picture": row["sha256"]}


# ---- choices


def _filtered(compared: Compared, parameters: Parameters) -> list[int]:
    """Places of the changes that are asked for."""
    population, changes = compared.population, compared.changes
    asked = np.ones(len(changes.users), bool)
    if "title" in parameters:
        asked &= changes.titles == _place(population.title_ids, parameters["title"])
    if "user" in parameters:
        asked &= changes.users == _place(population.user_ids, parameters["user"])
    if "segment" in parameters:
        asked &= np.array([own == parameters["segment"] for own in population.segments])[changes.users]
    if "reason" in parameters:
        asked &= changes.reasons == REASONS.index(_one_of(parameters, "reason", REASONS))
    places = np.flatnonzero(asked)
    size = np.nansum(changes.leads[places], axis=1)
    order: list[int] = places[np.argsort(-size, kind="stable")].tolist()
    return order


def _place(names: list[str], name: str) -> int:
    return names.index(name) if name in names else ABSENT


def _told_change(site: Site, compared: Compared, place: int) -> Document:
    """`was` and `now`: both artworks, each with its parts on both sides, null where it may not be chosen there."""
    population, changes = compared.population, compared.changes
    user, title = int(changes.users[place]), int(changes.titles[place])
    user_id, title_id = population.user_ids[user], population.title_ids[title]
    was, now = (_told_side_of_change(compared, place, which) for which in range(2))
    return {
        "user": user_id,
        "segment": population.segments[user],
        "title": title_id,
        "name": population.names[title],
        "reason": REASONS[int(changes.reasons[place])],
        "was": was,
        "now": now,
        "shown": site.is_live or (user_id in site.user_ids and title_id in site.title_ids),
    }


def _told_side_of_change(compared: Compared, place: int, which: int) -> Document | None:
    number = int(compared.changes.artwork[place, which])
    if number == ABSENT:
        return None
    parts = compared.changes.parts[place, :, which]  # (sides, parts)
    told = [None if np.isnan(own).any() else dict(zip(PARTS, map(float, own), strict=True)) for own in parts]
    return {**_named(compared, number), "parts": told}
