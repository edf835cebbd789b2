"""The thumbnails of a page that is served: they are made behind its answers, and where there is none it is said why."""

import logging
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from embed.errors import CatalogError, PictureError
from embed.files import read_bytes
from embed.store import Store
from match.page.background import NICER
from match.page.site import Site
from match.page.thumbnails import kept, made

REST = (
    10.0  # seconds for which a place that could not be reached is not asked again: each picture would wait as long for nothing
)
MAKERS = max(1, (os.cpu_count() or 1) - 1)  # thumbnails that are made at a time: a core is for who answers

_log = logging.getLogger(__name__)


class Pictures:
    """Threads may share it."""

    def __init__(self) -> None:
        self._makers = ThreadPoolExecutor(MAKERS, "artwork-thumbnails", _behind_others)
        self._out_of_reach: dict[str, tuple[float, str]] = {}  # by where pictures lie: until when that is believed, and why
        self._told: dict[str, str] = {}  # what the log says of such a place, until it is reached again

    def ask(self, site: Site, sha256: str, width: int) -> bytes:
        """WebP of the picture, from the store where it was made before.

        width: one of WIDTHS. Raises PictureError where there is none, or where it cannot be read, CatalogError where the place in
        which the pictures are cannot be reached; the log says that once.
        """
        place = site.where(sha256)
        if place is None:
            raise PictureError("there is no such picture")
        store, path = place
        return kept(store, sha256, width) or self._makers.submit(made, store, sha256, width, self._read(store, path)).result()

    def _read(self, store: Store, path: str) -> bytes:
        root = store.pictures or "."
        until, why = self._out_of_reach.get(root, (0.0, ""))
        if time.monotonic() < until:
            raise CatalogError(why)
        try:
            data = read_bytes(root, path)
        except CatalogError as error:
            why = " ".join(str(error).split())  # one line of the log
            self._note(root, why)
            raise CatalogError(why) from error
        self._told.pop(root, None)
        return data

    def _note(self, root: str, why: str) -> None:
        self._out_of_reach[root] = time.monotonic() + REST, why
        if self._told.get(root) != why:
            self._told[root] = why
            _log.error("%s", why)


def _behind_others() -> None:
    """Linux knows of each thread how nice it is."""
    with suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICER)
