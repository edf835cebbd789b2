"""Thumbnails, made once for all pages: store/thumbnails/WIDTH/ab/SHA256.webp, known by the content of the picture."""

import io
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256 as digest

from embed.errors import PictureError
from embed.files import read_bytes
from embed.pictures import decode
from embed.store import Store
from match.page.kept import keep

WIDTHS = (160, 320, 960)  # pixels of the longer side: of many on a page, as sharp as a card shows them, and one on its own
QUALITY = 80
TYPE = "image/webp"


def thumbnail(store: Store, sha256: str, path: str, width: int) -> bytes | None:
    """WebP of the picture at `path` below the store's pictures; None where it is there no more, or cannot be read.

    width: one of WIDTHS.
    """
    return _kept_or_made(store, sha256, width, lambda: read_bytes(store.pictures or ".", path))


def thumbnail_at(store: Store, path: str, width: int) -> bytes | None:
    """The same where only the path is known, so that the picture is read in any case."""
    try:
        data = read_bytes(store.pictures or ".", path)
    except PictureError:
        return None
    return _kept_or_made(store, digest(data).hexdigest(), width, lambda: data)


def _kept_or_made(store: Store, sha256: str, width: int, read: Callable[[], bytes]) -> bytes | None:
    kept = store.root / "thumbnails" / str(width) / sha256[:2] / f"{sha256}.webp"
    with suppress(OSError):
        return kept.read_bytes()
    try:
        made = _made(read(), width)
    except PictureError:
        return None
    keep(kept, made)
    return made


def _made(data: bytes, width: int) -> bytes:
    from PIL import Image

    picture = decode(data, shortest=width)
    picture.thumbnail((width, width), Image.Resampling.LANCZOS)
    made = io.BytesIO()
    picture.save(made, "WEBP", quality=QUALITY)
    return made.getvalue()
