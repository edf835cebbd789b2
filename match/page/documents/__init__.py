"""What the page asks for, a module for each view: a document is a dict as JSON has it, known by its kind and its parameters.

A kind answers `answer(site, parameters)`, whether the page is served or written to a file; `written(site)` gives the parameters of
those documents that a page in a file holds.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from embed.errors import QueryError
from match.page.documents import (
    about,
    artwork,
    artworks,
    changed,
    changes,
    choices,
    comparison,
    duplicates,
    map,
    numbers,
    overview,
    published,
    rejected,
    search,
    title,
    titles,
    user,
    users,
)
from match.page.parameters import Parameters, key_of
from match.page.site import Document, Site


class Kind(NamedTuple):
    """A sort of document."""

    answer: Callable[[Site, Parameters], Document]  # raises QueryError where the parameters ask for what cannot be
    written: Callable[[Site], Iterable[Parameters]]


KINDS = {
    "overview": Kind(overview.answer, overview.written),
    "published": Kind(published.answer, published.written),
    "users": Kind(users.answer, users.written),
    "titles": Kind(titles.answer, titles.written),
    "choices": Kind(choices.answer, choices.written),
    "changed": Kind(changed.answer, changed.written),
    "title": Kind(title.answer, title.written),
    "about": Kind(about.answer, about.written),
    "artwork": Kind(artwork.answer, artwork.written),
    "rejected": Kind(rejected.answer, rejected.written),
    "user": Kind(user.answer, user.written),
    "artworks": Kind(artworks.answer, artworks.written),
    "sides": Kind(comparison.sides, comparison.written_sides),
    "comparison": Kind(comparison.answer, comparison.written),
    "comparison_titles": Kind(changes.titles, changes.written_titles),
    "comparison_artwork": Kind(changes.artwork, changes.written_artwork),
    "comparison_choices": Kind(changes.choices, changes.written_choices),
    "map": Kind(map.answer, map.written),
    "numbers": Kind(numbers.answer, numbers.written),
    "search": Kind(search.answer, search.written),
    "duplicates": Kind(duplicates.answer, duplicates.written),
}


def answer(site: Site, kind: str, parameters: Parameters) -> Document:
    """One document. Raises QueryError where there is no such kind, or where the parameters ask for what cannot be."""
    if kind not in KINDS:
        raise QueryError(f"no document {kind!r}; there are {', '.join(KINDS)}")
    return KINDS[kind].answer(site, parameters)


def written(site: Site) -> Iterator[tuple[str, Document]]:
    """The documents of a page in a file, by their keys."""
    for name, kind in KINDS.items():
        for parameters in kind.written(site):
            yield key_of(name, parameters), kind.answer(site, parameters)
