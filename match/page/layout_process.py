"""A map laid out in a process of its own, so that who serves the page answers meanwhile: openTSNE's native code keeps the interpreter
to itself, up to a tenth of a second at a time.

The process is started as `python -c` and spoken to over a socket, as embed.decoders starts its workers and for the same reasons. It
ends with whoever started it, however that ends.
"""

import os
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection, Pipe
from typing import Any

import numpy as np

from embed.errors import ArtworkMatcherError
from match.page.background import NICER
from match.page.layout import Layout, Progress, lay_out

BOOT = """
import sys
from multiprocessing.connection import Connection
connection = Connection(int(sys.argv[1]))
sys.path[:] = connection.recv()
from match.page.layout_process import serve
serve(connection)
"""
THREADS = (
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
)  # of numpy's own products, beside those that `jobs` counts
STEP, MADE, FAILED = "step", "made", "failed"  # what it says: (done, of how much), a Layout, or a traceback


class _Failed(Exception):
    """The layout itself did, which is a bug: with its traceback."""


def lay_out_apart(take: Callable[[], np.ndarray], progress: Progress, jobs: int) -> Layout:
    """`lay_out` in another process, of the vectors that `take` gives, which are not kept here.

    Raises ArtworkMatcherError where the process cannot be started, or is ended.
    """
    connection, theirs = Pipe()
    with connection:
        with theirs:
            process = _started(theirs, jobs)
        try:
            _send(connection, take(), jobs)
            return _heard(connection, progress)
        except (EOFError, OSError) as error:
            raise ArtworkMatcherError(
                f"the process that lays out the map ended ({_ending(process)}), perhaps for want of memory; ask for the map again"
            ) from error
        finally:
            process.kill()
            process.wait()


def _ending(process: "subprocess.Popen[bytes]") -> str:
    with suppress(subprocess.TimeoutExpired):
        process.wait(1.0)  # it has closed its end of the socket, and ends by itself
    return f"exit code {process.poll()}"


def _started(theirs: Connection, jobs: int) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-P", "-c", BOOT, str(theirs.fileno())]
    try:
        return subprocess.Popen(
            command,
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **dict.fromkeys(THREADS, str(jobs))},
            start_new_session=True,  # Ctrl-C is for whoever serves
        )
    except OSError as error:
        raise ArtworkMatcherError(f"no process that lays out the map can be started ({error}); free some memory") from error


def _send(connection: Connection, vectors: np.ndarray, jobs: int) -> None:
    connection.send([os.path.abspath(place) for place in sys.path if place])
    connection.send((vectors.shape, jobs))
    connection.send_bytes(vectors.reshape(-1).view(np.uint8).data)  # not pickled, which would copy them


def _heard(connection: Connection, progress: Progress) -> Layout:
    while True:
        kind, value = connection.recv()
        if kind == MADE:
            made: Layout = value
            return made
        if kind == FAILED:
            raise _Failed(f"the map cannot be laid out: {value}")
        progress(*value)


def serve(connection: Connection) -> None:
    """The inside of the process."""
    os.nice(NICER)
    shape, jobs = connection.recv()
    vectors = np.empty(shape, np.float32)
    connection.recv_bytes_into(vectors.reshape(-1).view(np.uint8).data)
    threading.Thread(target=_end_with, args=(connection,), daemon=True).start()
    try:
        told: tuple[str, Any] = MADE, lay_out(vectors, lambda done, total: connection.send((STEP, (done, total))), jobs)
    except Exception:
        told = FAILED, traceback.format_exc()
    with suppress(OSError):
        connection.send(told)


def _end_with(connection: Connection) -> None:
    """Nothing more is sent here: what is heard is that the other end is closed, or killed."""
    with suppress(EOFError, OSError):
        connection.recv()
    os._exit(1)
