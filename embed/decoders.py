"""Worker processes that read, hash, decode, shrink and resize pictures ahead of the tower; one that hangs or dies is replaced.

Workers are started as `python -c` and spoken to over a socket. Not by multiprocessing: its spawn runs the caller's __main__ once
more, which breaks every script without a guard, and its fork copies a process in which torch and Lance have threads.

What a picture does to its worker stays with that picture. The kernel's timer ends a worker whose decoder hangs, also where the
decoder keeps the interpreter to itself or our own process is gone. A worker that dies takes one picture along, and only where the
picture does it twice: a kill may come from outside (out of memory). What was queued behind it goes to others.
"""

import itertools
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, Pipe, wait
from types import TracebackType
from typing import Any, cast

from embed.decoder_process import DONE, LOST, READ, READY, Decoded, Setup
from embed.errors import ArtworkMatcherError, CatalogError
from embed.preprocessing import Preprocessing

__all__ = ["Decoded", "Decoders"]

AHEAD = 24  # pictures per worker that are decoded before anybody asks for them: bounds memory, and bridges one slow picture
LONGEST_PATH = 8192  # no file system or store has longer ones, and sending one must not fill the socket
START_SECONDS = 120.0  # until a worker says that it is there
GRACE = 10.0  # seconds after which a worker is ended that its own timer has not ended: one that was stopped
DEAD_ON_ARRIVAL = 3  # workers in a row that die before they say anything: then it is no picture's fault
OUT_OF_TIME = signal.Signals.SIGALRM.name

# The package is entered without its __init__, which loads what only our own process needs; and by its folder, so that nothing
# called "embed" in the current folder can take its place.
BOOT = """
import sys, types
from multiprocessing.connection import Connection
connection = Connection(int(sys.argv[1]))
sys.path[:], folder = connection.recv()
sys.modules["embed"] = package = types.ModuleType("embed")
package.__path__ = [folder]
try:
    from embed.decoder_process import serve
except BaseException as error:
    connection.send(("lost", repr(error)))
    raise
serve(connection)
"""


class Decoders:
    """A context manager that owns worker processes; they start with the first picture and are gone at its end.

    `seconds`: what reading a picture may take, and decoding it. `shrink`: see `embed.shrinking`; without it, pixels are bit for bit
    those of open_clip's own preprocessing.
    """

    def __init__(self, root: str, preprocessing: Preprocessing, *, workers: int, seconds: float, shrink: bool = True) -> None:
        self._setup = Setup(root, preprocessing, seconds, shrink)
        self._workers = max(workers, 1)
        self._pool: _Pool | None = None

    def __enter__(self) -> "Decoders":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the workers, whatever they are at. Leaves no process and no open file."""
        if self._pool:
            self._pool.close()
            self._pool = None

    def decode(self, paths: Iterable[str]) -> Generator[Decoded, None, None]:
        """One Decoded per path, in the order of paths, which are taken as they are needed: there may be millions.

        Raises CatalogError where nothing below a URL can be had, ArtworkMatcherError where workers cannot be started.
        """
        self._pool = self._pool or _Pool(self._setup, self._workers)
        call = _Call()
        try:
            yield from _in_order(self._pool, call, iter(paths), self._workers * AHEAD)
        finally:
            call.is_over = True  # also where the caller wants no more of it


def _in_order(pool: "_Pool", call: "_Call", paths: Iterator[str], ahead: int) -> Generator[Decoded, None, None]:
    done: dict[int, Decoded] = {}
    sent = 0
    for number in itertools.count():
        for path in itertools.islice(paths, number + ahead - sent):
            pool.submit(_Task(call, sent, path[:LONGEST_PATH]))
            sent += 1
        if number == sent:
            return
        while number not in done:
            place, answer = call.answers.get()
            if isinstance(answer, Exception):
                raise answer
            done[place] = answer
        yield done.pop(number)


@dataclass
class _Call:
    """One use of `Decoders.decode`, and where its answers go."""

    answers: "queue.SimpleQueue[tuple[int, Decoded | Exception]]" = field(default_factory=queue.SimpleQueue)
    is_over: bool = False


@dataclass
class _Task:
    """A picture to be decoded."""

    call: _Call
    number: int
    path: str
    deaths: int = 0  # of workers that had it in hand
    sha256: str | None = None  # once it is read

    def answer(self, answer: Decoded | Exception) -> None:
        self.call.answers.put((self.number, answer))

    def reject(self, reason: str) -> None:
        self.answer(Decoded(self.sha256, 0, 0, None, reason))


class _Pool:
    """The workers, and the thread that feeds them while the tower is busy. Only that thread touches workers and tasks."""

    def __init__(self, setup: Setup, limit: int) -> None:
        self.setup, self.limit = setup, limit
        self.workers: list[_Worker] = []
        self.tasks: deque[_Task] = deque()
        self.dead_on_arrival = 0
        self.failure: Exception | None = None  # once it stands, every task is answered with it
        self.inbox: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self.woken, self.waker = Pipe(duplex=False)
        self.thread = threading.Thread(target=self._run, name="decoders", daemon=True)
        self.thread.start()

    def submit(self, task: _Task | None) -> None:
        """Queue a task; None is the end."""
        self.inbox.put(task)
        self.waker.send_bytes(b".")

    def close(self) -> None:
        self.submit(None)
        self.thread.join()
        self.waker.close()
        self.woken.close()

    def _run(self) -> None:
        while self._take_in():
            try:
                self._hand_out()
                self._listen()
            except Exception as error:  # this thread's own: whoever waits for an answer must hear of it
                self._fail(error)
        self._end_workers()

    def _take_in(self) -> bool:
        """What was submitted; False at the end."""
        while self.woken.poll():
            self.woken.recv_bytes()
            task = self.inbox.get()
            if task is None:
                return False
            self.tasks.append(task)
        return True

    def _hand_out(self) -> None:
        """Give tasks to the least busy worker; start one more where all are busy and more are allowed."""
        while self.tasks:
            if self.failure:
                self.tasks.popleft().answer(self.failure)
                continue
            worker = min(self.workers, key=lambda one: (len(one.tasks), not one.is_ready), default=None)
            if (worker is None or worker.tasks) and len(self.workers) < self.limit:
                worker = _Worker(self.setup)
                self.workers.append(worker)
            if worker is None or len(worker.tasks) >= self.setup.queued:
                return
            if not self.tasks[0].call.is_over:
                worker.give(self.tasks[0])
            self.tasks.popleft()

    def _listen(self) -> None:
        """Wait until a worker says something or dies, or a task is submitted; end workers that should have ended themselves."""
        workers = {worker.connection: worker for worker in self.workers}
        for ready in wait([self.woken, *workers], timeout=1.0):
            if worker := workers.get(cast(Connection, ready)):
                try:
                    worker.hear()
                except (EOFError, OSError):
                    self._bury(worker)
        for worker in self.workers:
            worker.end_if_late()

    def _bury(self, worker: "_Worker") -> None:
        """Take a dead worker's tasks back; the picture in hand is set aside where it has had its chance."""
        self.workers.remove(worker)
        ended = worker.end()
        self.dead_on_arrival = 0 if worker.is_ready else self.dead_on_arrival + 1
        if worker.is_ready and worker.tasks and (reason := self._blame(worker.tasks[0], ended)):
            worker.tasks.popleft().reject(reason)
        self.tasks.extendleft(reversed(worker.tasks))
        if self.dead_on_arrival == DEAD_ON_ARRIVAL:
            raise _cannot_start(ended)

    def _blame(self, task: _Task, ended: str) -> str:
        """The reason why a picture is set aside whose worker died; none where it is tried again."""
        if ended == OUT_OF_TIME:  # not again: it would take as long once more
            done = "decoded" if task.sha256 else "read"
            return f"could not be {done} in {self.setup.seconds:g} s; export it again, or allow more time for a picture"
        task.deaths += 1
        return f"took its decoder down twice ({ended}); export it again" if task.deaths > 1 else ""

    def _fail(self, error: Exception) -> None:
        self.failure = error
        for worker in self.workers:
            self.tasks.extend(worker.tasks)
        self._end_workers()

    def _end_workers(self) -> None:
        for worker in self.workers:
            worker.end(at_once=True)
        self.workers = []


class _Worker:
    """A worker process, as we see it."""

    def __init__(self, setup: Setup) -> None:
        self.limit = setup.seconds + GRACE
        self.tasks: deque[_Task] = deque()  # the first is in hand
        self.is_ready = False
        self.is_late = False
        self.heard = time.monotonic()  # of it, or it was idle and has something to do
        self.last_words = ""
        self.connection, theirs = Pipe()
        with theirs:
            self.process = _start(theirs)
        self._send(([os.path.abspath(place) for place in sys.path if place], os.path.dirname(os.path.abspath(__file__))))
        self._send(setup)

    def give(self, task: _Task) -> None:
        """One more picture."""
        if not self.tasks and self.is_ready:
            self.heard = time.monotonic()
        self.tasks.append(task)
        self._send(task.path)

    def _send(self, message: Any) -> None:
        with suppress(OSError):  # it is dead, and so says the next `hear`
            self.connection.send(message)

    def hear(self) -> None:
        """Take one message. Raises EOFError or OSError where the worker is dead."""
        kind, value = self.connection.recv()
        self.heard = time.monotonic()
        if kind == READY:
            self.is_ready = True
        elif kind == READ:
            self.tasks[0].sha256 = value
        elif kind == LOST:
            self.last_words = value
        else:
            self.tasks.popleft().answer(value if kind == DONE else CatalogError(value))

    def end_if_late(self) -> None:
        """Kill it where its own timer should have, or where it does not start."""
        waiting = bool(self.tasks) or not self.is_ready
        if waiting and time.monotonic() - self.heard > (self.limit if self.is_ready else START_SECONDS):
            self.is_late = True
            self.process.kill()

    def end(self, *, at_once: bool = False) -> str:
        """Make sure that it is gone and nothing of it is left; says how it ended."""
        with suppress(subprocess.TimeoutExpired):
            if not at_once:
                self.process.wait(1.0)
        self.process.kill()
        with suppress(subprocess.TimeoutExpired):  # one in a wait that not even a kill breaks (a dead network drive)
            self.process.wait(GRACE)
        self.connection.close()
        code = self.process.returncode
        if self.is_late or code == -signal.SIGALRM:
            return OUT_OF_TIME
        return self.last_words or (_signal_name(-code) if code is not None and code < 0 else f"exit code {code}")


def _start(connection: Connection) -> "subprocess.Popen[bytes]":
    """A worker process at the other end of `connection`."""
    command = [sys.executable, "-P", "-c", BOOT, str(connection.fileno())]
    try:
        return subprocess.Popen(
            command,
            pass_fds=[connection.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},  # numpy would start a thread per core, in each worker
            start_new_session=True,  # Ctrl-C and Ctrl-Z are for us, and a stopped worker's clock would run on
        )
    except OSError as error:
        raise _cannot_start(str(error)) from error


def _cannot_start(reason: str) -> ArtworkMatcherError:
    python = sys.executable or "python"
    return ArtworkMatcherError(
        f"no process that decodes pictures can be started ({reason}); see what {python} -c 'import PIL' says"
    )


def _signal_name(number: int) -> str:
    with suppress(ValueError):
        return signal.Signals(number).name
    return f"signal {number}"
