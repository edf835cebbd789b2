"""Thumbnails, made once for all pages: store/thumbnails/WIDTH/ab/SHA256.webp, known by the content of the picture."""

import io
from contextlib import suppress
from hashlib import sha256 as digest
from pathlib import Path

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

    width: one of WIDTHS. Raises CatalogError where no picture of the store can be reached.
    """
    with suppress(PictureError):
        return kept(store, sha256, width) or made(store, sha256, width, read_bytes(store.pictures or ".", path))
    return None


def thumbnail_at(store: Store, path: str, width: int) -> bytes | None:
    """The same where only the path is known, so that the picture is read in any case."""
    with suppress(PictureError):
        data = read_bytes(store.pictures or ".", path)
        sha256 = digest(data).hexdigest()
        return kept(store, sha256, width) or made(store, sha256, width, data)
    return None


def kept(store: Store, sha256: str, width: int) -> bytes | None:
    """The thumbnail, where it was made before."""
    with suppress(OSError):
        return _place(store, sha256, width).read_bytes()
    return None


def made(store: Store, sha256: str, width: int, data: bytes) -> bytes:
    """The thumbnail of a picture's bytes, which is kept from now on. Raises PictureError where it cannot be read."""
    thumbnail = _made(data, width)
    keep(_place(store, sha256, width), thumbnail)
    return thumbnail


def _place(store: Store, sha256: str, width: int) -> Path:
    return store.root / "thumbnails" / str(width) / sha256[:2] / f"{sha256}.webp"


def _made(data: bytes, width: int) -> bytes:
    from PIL import Image

    picture = decode(data, shortest=width)
    picture.thumbnail((width, width), Image.Resampling.LANCZOS)
    made = io.BytesIO()
    picture.save(made, "WEBP", quality=QUALITY)
    return made.getvalue()
