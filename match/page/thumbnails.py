"""Thumbnails, made once for all pages: store/thumbnails/WIDTH/ab/SHA256.webp, known by the content of the picture."""

import io
from contextlib import suppress

from embed.errors import PictureError
from embed.files import read_bytes
from embed.pictures import decode
from embed.store import Store
from match.page.kept import keep

WIDTHS = (160, 320)  # pixels of the longer side: of many on a page, and as sharp as a card shows them
QUALITY = 80
TYPE = "image/webp"


def thumbnail(store: Store, sha256: str, path: str, width: int) -> bytes | None:
    """WebP of the picture at `path` below the store's pictures; None where it is there no more, or cannot be read.

    width: one of WIDTHS.
    """
    kept = store.root / "thumbnails" / str(width) / sha256[:2] / f"{sha256}.webp"
    with suppress(OSError):
        return kept.read_bytes()
    made = _made(store, path, width)
    if made is not None:
        keep(kept, made)
    return made


def _made(store: Store, path: str, width: int) -> bytes | None:
    from PIL import Image

    try:
        picture = decode(read_bytes(store.pictures or ".", path), shortest=width)
    except PictureError:
        return None
    picture.thumbnail((width, width), Image.Resampling.LANCZOS)
    data = io.BytesIO()
    picture.save(data, "WEBP", quality=QUALITY)
    return data.getvalue()
