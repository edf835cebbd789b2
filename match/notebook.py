"""Choices as a notebook shows them: pictures, and why. See embed.notebook on what its HTML may hold.

A picture is found by the store that its Scored is of; where it is there no more, that is said in its place.
"""

import base64
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from embed.notebook import rendered

if TYPE_CHECKING:
    from match.matcher import Choice
    from match.scored import Scored

SHOWN = 24  # choices of a page; the rest is counted
PAGES, ROW = 6, 6  # pages of several users, and choices of each
OTHERS = 6  # runners-up
FULL = 4.0  # log-odds at which a bar is full
HUES = {"prior": "#a8842c", "similarity": "#3f8fc4", "people": "#a069c6", "words": "#3d9a89"}  # seen on white and on black


def choice_html(choice: "Choice") -> str:
    """One, large, with its runners-up where they were asked for."""
    return _rendered("choice.html", choice=choice, art=choice.artwork, others=OTHERS)


def scored_html(scored: "Scored") -> str:
    """An artwork and its score."""
    return _rendered("choice.html", choice=None, art=scored, others=0)


def choices_html(choices: "Sequence[Choice]") -> str:
    """A page, of which the first SHOWN are to be seen."""
    return _rendered("pages.html", pages=[choices], shown=SHOWN, more=0)


def pages_html(pages: "Sequence[Sequence[Choice]]") -> str:
    """The pages of the first users, a row of each; the page of a single one as it is by itself."""
    return _rendered("pages.html", pages=pages[:PAGES], shown=ROW if len(pages) > 1 else SHOWN, more=max(0, len(pages) - PAGES))


def _rendered(template: str, **values: Any) -> str:
    return rendered("match", template, hues=HUES, full=FULL, picture_of=_finder(), **values)


def _finder() -> "Callable[[Scored, bool], str]":
    """What finds a picture's data: URL, "" where it is there no more; each store is opened, and each picture read, once."""
    from embed.errors import ArtworkMatcherError
    from embed.store import open_store
    from match.page.thumbnails import TYPE, WIDTHS, thumbnail_at

    opened = cache(open_store)

    @cache
    def url(store: str, path: str, sharp: bool) -> str:
        try:
            data = thumbnail_at(opened(store), path, WIDTHS[sharp])
        except ArtworkMatcherError:  # the store is there no more, or its pictures cannot be reached
            data = None
        return f"data:{TYPE};base64,{base64.b64encode(data).decode('ascii')}" if data else ""

    return lambda scored, sharp: url(scored.store, scored.path, sharp) if scored.store else ""
