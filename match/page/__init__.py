"""The inspection page: one self-contained HTML file, each user's taste beside the artwork chosen and not chosen, and why.

No script, no request to any host; every text of a catalog is escaped and isolated, since a catalog may come from anyone.
"""

import base64
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from embed.errors import PictureError
from embed.files import read_bytes
from embed.pictures import decode
from embed.records import Phrase
from embed.store import Store, open_store, write_text
from match.matcher import Choice, Matcher
from match.scored import Scored

USERS = 12  # shown where none are named
TITLES = 24
OTHERS = 11  # runners-up shown per title; the rest is counted
WIDTH = 360  # pixels of a thumbnail: sharp at the size the page shows it

Progress = Callable[[int, int], None]  # (pictures done, of how many)


@dataclass(frozen=True)
class UserView:
    """One user's part of the page."""

    user_id: str
    taste: str
    phrases: tuple[Phrase, ...]
    choices: list[Choice]


def write_page(
    store: Store,
    out: Path,
    *,
    users: Sequence[str] | None = None,
    titles: Sequence[str] | None = None,
    progress: Progress = lambda done, total: None,
) -> None:
    """Write the page to `out`, whole or not at all: for `users` and `titles`, or the first few of each.

    Raises what `Matcher.open` raises. Users and titles that nobody knows stand on the page with that said.
    """
    store = open_store(store.root)  # where the pictures lie may have been noted since the caller opened it
    matcher = Matcher.open(store)
    views = _views(matcher, matcher.user_ids[:USERS] if users is None else users, titles)
    paths = sorted({art.path for view in views for choice in view.choices for art in _shown(choice)})
    thumbnails: dict[str, str] = {}
    for done, path in enumerate(paths, start=1):
        thumbnails[path] = _thumbnail(store.pictures, path)
        progress(done, len(paths))
    write_text(out, _render(store, matcher, views, thumbnails))


def _views(matcher: Matcher, users: Sequence[str], titles: Sequence[str] | None) -> list[UserView]:
    asked = matcher.title_ids[:TITLES] if titles is None else titles
    views = []
    for user_id, choices in zip(users, matcher.choose_many(users, asked, with_others=True), strict=True):
        profile = matcher.profiles.get(user_id)
        taste = choices[0].taste if choices else ""
        views.append(UserView(user_id, taste, profile.phrases if profile else (), choices))
    return views


def _shown(choice: Choice) -> list[Scored]:
    return [*([choice.artwork] if choice.artwork else []), *choice.others[:OTHERS]]


def _thumbnail(root: str | None, path: str) -> str:
    """The picture as a data: URL, or "" where it is there no more."""
    from PIL import Image

    try:
        picture = decode(read_bytes(root or ".", path), shortest=WIDTH)
    except PictureError:
        return ""
    picture.thumbnail((WIDTH, WIDTH), Image.Resampling.LANCZOS)
    data = io.BytesIO()
    picture.save(data, "JPEG", quality=82, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(data.getvalue()).decode("ascii")


def _render(store: Store, matcher: Matcher, views: list[UserView], thumbnails: dict[str, str]) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("match.page"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    titles = matcher.snapshot.titles
    names = dict(zip(titles["title_id"].to_pylist(), titles["name"].to_pylist(), strict=True))
    return environment.get_template("page.html").render(
        store=store,
        manifest=matcher.snapshot.manifest,
        users=views,
        names=names,
        with_copy=set(matcher.snapshot.lines.table["title_id"].to_pylist()),
        named=lambda title_ids: ", ".join(names.get(title_id, title_id) for title_id in title_ids),
        thumbnails=thumbnails,
        number={path: number for number, path in enumerate(thumbnails)},
        others_shown=OTHERS,
        prior=matcher.priors.unseen,
    )
