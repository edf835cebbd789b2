"""What takes longer than a viewer waits: done once, behind the page that serves on, one after the other."""

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

Made = TypeVar("Made")
Progress = Callable[[int, int], None]  # (done, of how much)

PATIENCE = 0.5  # seconds that an answer waits for what may be done soon
REMEMBERED = 8
NICER = 10  # than who answers: Linux knows that of each thread


@dataclass
class _Work:
    done: int = 0
    total: int = 0
    made: Future[Any] = field(default_factory=Future)

    def tell(self, done: int, total: int) -> None:
        self.done, self.total = done, total


class Background:
    """Threads may share it."""

    def __init__(self) -> None:
        self._works: dict[object, _Work] = {}
        self._changing, self._in_turn = threading.Lock(), threading.Lock()

    def ask(self, key: object, make: Callable[[Progress], Made], patience: float | None = PATIENCE) -> Made | tuple[int, int]:
        """What `make` made for this key, or (done, of how much) while it is at it: it is started by the first who asks.

        patience: seconds to wait for it; None: until it is made. Raises what it raised, once; who asks then starts it anew.
        """
        with self._changing:
            if (work := self._works.get(key)) is None:
                while len(self._works) >= REMEMBERED:
                    self._works.pop(next(iter(self._works)))
                work = self._works[key] = _Work()
                threading.Thread(target=self._do, args=(work, make), name="artwork-page", daemon=True).start()
        if not wait([work.made], patience).done:
            return work.done, work.total
        if work.made.exception() is not None:
            with self._changing:
                self._works.pop(key, None)
        return cast(Made, work.made.result())

    def _do(self, work: _Work, make: Callable[[Progress], Any]) -> None:
        with self._in_turn:
            with suppress(OSError, AttributeError):
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICER)
            try:
                work.made.set_result(make(work.tell))
            except Exception as error:
                work.made.set_exception(error)
