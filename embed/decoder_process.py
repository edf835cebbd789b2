"""The inside of a worker process of `embed.decoders`: paths come in over a socket, pixels go out. Loads no torch, and no Arrow."""

import hashlib
import os
import signal
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from embed.errors import CatalogError, PictureError
from embed.files import is_url, read_bytes
from embed.preprocessing import Preprocessing
from embed.shrinking import pixels_of

QUEUED = 2  # pictures that a worker has: one in hand, and the next, so that it never waits
QUEUED_REMOTE = 16  # of an object store, which answers slowly, and many at a time

# A message is one of these and what belongs to it.
READY = "ready"
LOST = "lost"  # sent where this module cannot even be loaded: why
READ = "read"  # sha256
DONE = "done"  # Decoded
STOP = "stop"  # why nothing below a URL can be had


@dataclass(frozen=True)
class Decoded:
    """What became of one path: `pixels`, or the `reason` why there are none. Never an exception for a bad file."""

    sha256: str | None  # hexadecimal, of the bytes that were read; None where they could not be
    width: int  # of the full file in pixels, upright; 0 where it was not decoded
    height: int
    pixels: np.ndarray | None  # (height, width, 3) uint8 of the tower's size, as embed.shrinking gives them
    reason: str  # "" where there are pixels


@dataclass(frozen=True)
class Setup:
    """What every worker is told first."""

    root: str
    preprocessing: Preprocessing
    seconds: float
    shrink: bool

    @property
    def queued(self) -> int:
        """How many pictures a worker has at a time."""
        return QUEUED_REMOTE if is_url(self.root) else QUEUED


def serve(connection: Connection) -> None:
    """Decode until the other end of the socket is closed, which is also what happens when our starter is killed."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    warnings.simplefilter("ignore")  # Pillow warns of what embed.pictures judges itself
    with suppress(EOFError, OSError):
        setup = connection.recv()
        connection.send((READY, None))
        _work(connection, setup)
    os._exit(0)  # at once, without waiting for threads that read


def _work(connection: Connection, setup: Setup) -> None:
    waiting: deque[Callable[[], bytes]] = deque()
    fetch = _fetcher(setup)
    while True:
        while not waiting or (len(waiting) < setup.queued and connection.poll()):
            waiting.append(fetch(connection.recv()))
        for message in _messages(waiting.popleft(), setup):
            connection.send(message)


def _fetcher(setup: Setup) -> Callable[[str], Callable[[], bytes]]:
    """A path to what gives its bytes. From an object store, many are read at a time, from a folder when it is their turn."""
    if not is_url(setup.root):
        return lambda path: partial(read_bytes, setup.root, path)
    pool = ThreadPoolExecutor(setup.queued)
    return lambda path: pool.submit(read_bytes, setup.root, path).result


def _messages(fetch: Callable[[], bytes], setup: Setup) -> Iterator[tuple[str, Any]]:
    """What is said of one picture: that it is read, if it can be, and what became of it."""
    try:
        with _time_limit(setup.seconds):
            data = fetch()
            sha256 = hashlib.sha256(data).hexdigest()
    except CatalogError as error:
        yield STOP, str(error)
        return
    except Exception as error:
        yield DONE, _refused(None, error)
        return
    yield READ, sha256  # what is set aside is known by its bytes, also where nothing more is heard of it
    yield DONE, _decode(data, sha256, setup)


def _decode(data: bytes, sha256: str, setup: Setup) -> Decoded:
    try:
        with _time_limit(setup.seconds):
            pixels, width, height = pixels_of(data, setup.preprocessing, shrink=setup.shrink)
    except BaseException as error:  # nothing that a decoder raises may end the worker, SystemExit included
        return _refused(sha256, error)
    return Decoded(sha256, width, height, pixels, "")


def _refused(sha256: str | None, error: BaseException) -> Decoded:
    known = isinstance(error, PictureError)
    reason = str(error) if known else f"cannot be used: {type(error).__name__}: {error}; export it again"
    return Decoded(sha256, 0, 0, None, reason)


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """The kernel ends this process where it takes longer: neither a lock nor native code can keep it from that.

    Only around work, not around sending: it is not the picture's fault where nobody listens.
    """
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
