"""The page as one self-contained file: the app, its documents and its thumbnails. It asks no host for anything."""

import base64
import gzip
import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from embed.store import Store, write_text
from match.comparing.sides import Side
from match.matcher import Matcher
from match.page.app import script, style
from match.page.comparisons import Comparisons
from match.page.documents import written
from match.page.shell import written_shell
from match.page.site import Document, Site
from match.page.thumbnails import WIDTHS, thumbnail

USERS = 12  # shown where none are named
ARTWORKS = 5000  # the titles shown where none are named have about so many
SHARP = 1000  # pictures up to which each has the larger thumbnail: about 10 KB, else about 3
BLOCK = 1 << 20  # letters after which documents, or pictures, begin a new block, so that a page opens before all is unpacked

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
    documents, named = _documents(site)
    pictures = _pictures(site, sorted(named), progress)
    contents = {"documents": documents.places, "pictures": pictures.places}
    blocks = {"contents": _packed(_json(contents)), **documents.blocks, **pictures.blocks}
    write_text(out, written_shell(script(), style(), blocks))


def _first_titles(matcher: Matcher) -> list[str]:
    """As many as have ARTWORKS together, and one at least."""
    ends = matcher.snapshot.index.first_rows[1:]
    return matcher.title_ids[: max(1, int(ends.searchsorted(ARTWORKS, side="right")))]


@dataclass
class _Blocks:
    """What the app unpacks only when it needs it: blocks by their ids, and where things lie in them."""

    blocks: dict[str, str] = field(default_factory=dict)
    places: Document = field(default_factory=dict)


def _documents(site: Site) -> tuple[_Blocks, set[str]]:
    """Each block an object of documents by their keys, as JSON, gzip and base64; and the sha256 of every picture they name.

    places: block to the keys of its documents.
    """
    made, named, waiting = _Blocks(), set[str](), dict[str, str]()

    def pack() -> None:
        name = f"documents-{len(made.blocks)}"
        made.blocks[name] = _packed("{" + ",".join(f"{_json(key)}:{text}" for key, text in waiting.items()) + "}")
        made.places[name] = list(waiting)
        waiting.clear()

    size = 0
    for key, document in written(site):
        named |= _named(document)
        waiting[key] = _json(document)
        size += len(waiting[key])
        if size >= BLOCK:
            pack()
            size = 0
    pack()
    return made, named


def _named(document: Document) -> set[str]:
    """The sha256 of every picture that a document names."""
    found: set[str] = set()
    todo: list[object] = [document]
    while todo:
        one = todo.pop()
        if isinstance(one, dict):
            if isinstance(picture := one.get("picture"), str):
                found.add(picture)
            todo += one.values()
        elif isinstance(one, list):
            todo += one
    return found


def _pictures(site: Site, pictures: list[str], progress: Progress) -> _Blocks:
    """Each block the base64 of one thumbnail after the other, so that a piece of it is a picture's address as it stands.

    places: sha256 to [block, start, length]. Pictures that are there no more are left out.
    """
    width = WIDTHS[len(pictures) <= SHARP]
    made, waiting, size = _Blocks(), list[str](), 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        thumbnails = pool.map(lambda sha256: _thumbnail(site, sha256, width), pictures)
        for done, (sha256, data) in enumerate(zip(pictures, thumbnails, strict=True), start=1):
            progress(done, len(pictures))
            if data is None:
                continue
            waiting.append(base64.b64encode(data).decode("ascii"))
            made.places[sha256] = [f"pictures-{len(made.blocks)}", size, len(waiting[-1])]
            size += len(waiting[-1])
            if size >= BLOCK:
                made.blocks[f"pictures-{len(made.blocks)}"] = "".join(waiting)
                waiting, size = [], 0
    made.blocks[f"pictures-{len(made.blocks)}"] = "".join(waiting)
    return made


def _thumbnail(site: Site, sha256: str, width: int) -> bytes | None:
    place = site.where(sha256)
    return place and thumbnail(place[0], sha256, place[1], width)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _packed(text: str) -> str:
    return base64.b64encode(gzip.compress(text.encode("utf-8"), 6, mtime=0)).decode("ascii")
