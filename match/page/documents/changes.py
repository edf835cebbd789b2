"""The lists behind a comparison, a block at a time: its titles, its artwork, and the choices that changed.

Each takes `from` and `to` as `comparison` does, and waits until that is made. `held`: how many of a list's items can be asked for; a
page in a file has the first ones only.
"""

from collections.abc import Callable, Iterator

import numpy as np

from embed.errors import QueryError
from index.titles import ABSENT
from match.comparing.flow import Compared
from match.comparing.outcome import Comparison
from match.comparing.reasons import REASONS
from match.comparing.told import LISTS, artwork_listed, titles_changed, told_artworks, told_change, told_titles
from match.page.documents import comparison
from match.page.documents.blocks import BLOCK, block
from match.page.documents.comparison import TITLES_WRITTEN
from match.page.parameters import Parameters
from match.page.site import Document, Site

ORDERS = ("changed", "name")  # of titles; the first where none is asked for
FILTERS = ("title", "user", "segment", "reason")  # of choices
BLOCKS_WRITTEN = 4  # of a list, in a page in a file; one of a list of choices with a filter


def titles(site: Site, parameters: Parameters) -> Document:
    """from, to, start, order: of ORDERS. Titles where a choice changed."""
    compared = _made(site, parameters).compared
    order = titles_changed(compared, by_name=_one_of(parameters, "order", ORDERS) == "name")
    told = told_titles(compared, block(order, parameters))
    return {**_counted(site, len(order), BLOCKS_WRITTEN), "titles": told}


def artwork(site: Site, parameters: Parameters) -> Document:
    """from, to, start, list: of LISTS. Artwork that more users get on the latter side, that fewer get, that only one side has."""
    compared = _made(site, parameters).compared
    order = artwork_listed(compared, _one_of(parameters, "list", LISTS))
    told = told_artworks(compared, block(order, parameters))
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
        population, most = compared.population, titles_changed(compared)[:TITLES_WRITTEN]
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
    """shown: whether the page can lead to this user and title."""
    told = told_change(compared, place)
    return {**told, "shown": site.is_live or (told["user"] in site.user_ids and told["title"] in site.title_ids)}
