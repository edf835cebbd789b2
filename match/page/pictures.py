"""The thumbnails of a page that is served: they are made behind its answers, and where there is none it is said why."""

import logging
import os
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress

from embed.errors import CatalogError, PictureError
from embed.files import is_url, read_bytes
from embed.store import Store
from match.page.background import NICER
from match.page.site import Site
from match.page.thumbnails import kept, made

PATIENCE = 15.0  # seconds that a picture in an object store is waited for: its own library would wait for minutes
REST = 10.0  # seconds for which a place out of reach is not asked again: each picture would wait as long for nothing
MAKERS = max(1, (os.cpu_count() or 1) - 1)  # thumbnails that are made at a time: a core is for who answers

_log = logging.getLogger(__name__)


class Pictures:
    """Threads may share it."""

    def __init__(self) -> None:
        self._makers = ThreadPoolExecutor(MAKERS, "artwork-thumbnails", _behind_others)
        self._out_of_reach: dict[str, tuple[float, str]] = {}  # by where pictures lie: until when that is believed, and why

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
        root, now = store.pictures or ".", time.monotonic()
        until, before = self._out_of_reach.get(root, (0.0, ""))
        if now < until:
            raise CatalogError(before)
        if before:
            self._out_of_reach[root] = now + PATIENCE, before  # this one finds out for all
        try:
            data = _read_in_time(root, path)
        except CatalogError as error:
            why = " ".join(str(error).split())  # one line of the log
            self._out_of_reach[root] = time.monotonic() + REST, why
            if why != before:
                _log.error("%s", why)
            raise CatalogError(why) from error
        except PictureError:
            self._out_of_reach.pop(root, None)
            raise
        self._out_of_reach.pop(root, None)
        return data


def _read_in_time(root: str, path: str) -> bytes:
    """`read_bytes`, which raises CatalogError also where no answer comes within PATIENCE."""
    if not is_url(root):
        return read_bytes(root, path)
    read: Future[bytes] = Future()

    def do() -> None:
        try:
            read.set_result(read_bytes(root, path))
        except Exception as error:
            read.set_exception(error)

    threading.Thread(target=do, name="artwork-picture", daemon=True).start()
    try:
        return read.result(PATIENCE)
    except TimeoutError as error:
        raise CatalogError(
            f"pictures at {root} cannot be reached: no answer within {PATIENCE:g} s; check the network, and try again"
        ) from error


def _behind_others() -> None:
    """Linux knows of each thread how nice it is."""
    with suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICER)
