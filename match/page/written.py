"""The page as one self-contained file: the app, its documents and its thumbnails. It asks no host for anything."""

import base64
import gzip
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from embed.store import Store, write_text
from match.comparing.sides import Side
from match.matcher import Matcher
from match.page.app import script, style
from match.page.comparisons import Comparisons
from match.page.documents import written
from match.page.shell import written_shell
from match.page.site import Document, Site
from match.page.thumbnails import TYPE, WIDTHS, thumbnail

USERS = 12  # shown where none are named
ARTWORKS = 5000  # the titles shown where none are named have about so many
SHARP = 1000  # pictures up to which each has the larger thumbnail: about 10 KB, else about 3

Progress = Callable[[int, int], None]  # (pictures done, of how many)


def write_page(
    store: Store,
    out: Path,
    *,
    users: Sequence[str] | None = None,
    titles: Sequence[str] | None = None,
    sides: Sequence[Side] = (),
    progress: Progress = lambda done, total: None,
) -> None:
    """Write the page to `out`, whole or not at all: for `users` and `titles`, or the first ones.

    sides: what it compares with what serves; for all users and titles, where none are named.
    Raises what `Matcher.open` raises, also for a side, and QueryError where a side has nothing in common with what serves. Users
    and titles that nobody knows stand on the page with that said.
    """
    matcher = Matcher.open(store)
    shown = matcher.user_ids[:USERS] if users is None else users, _first_titles(matcher) if titles is None else titles
    site = Site.of(store, matcher, *shown, comparisons=Comparisons(sides, users, titles))
    documents = dict(written(site))
    pictures = _thumbnails(site, sorted(_pictures(documents.values())), progress)
    blocks = {"documents": _packed(documents), "pictures": _packed(pictures)}
    write_text(out, written_shell(script(), style(), blocks))


def _first_titles(matcher: Matcher) -> list[str]:
    """As many as have ARTWORKS together, and one at least."""
    ends = matcher.snapshot.index.first_rows[1:]
    return matcher.title_ids[: max(1, int(ends.searchsorted(ARTWORKS, side="right")))]


def _pictures(value: object) -> set[str]:
    """The sha256 of every picture that documents name."""
    found: set[str] = set()
    todo = [value]
    while todo:
        one = todo.pop()
        if isinstance(one, dict):
            if isinstance(picture := one.get("picture"), str):
                found.add(picture)
            todo += one.values()
        elif isinstance(one, Iterable) and not isinstance(one, str):
            todo += one
    return found


def _thumbnails(site: Site, pictures: list[str], progress: Progress) -> dict[str, str]:
    """Each picture as a data: URL; those that are there no more are left out."""
    width, found = WIDTHS[len(pictures) <= SHARP], {}
    for done, sha256 in enumerate(pictures, start=1):
        place = site.place(sha256)
        if data := place and thumbnail(place[0], sha256, place[1], width):
            found[sha256] = f"data:{TYPE};base64,{base64.b64encode(data).decode('ascii')}"
        progress(done, len(pictures))
    return found


def _packed(value: Document) -> str:
    """As the app unpacks it: JSON, gzip, base64."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return base64.b64encode(gzip.compress(text.encode("utf-8"), 6, mtime=0)).decode("ascii")
