"""Contenders in processes of their own: a child is asked in lines of JSON and answers in lines of JSON."""

import json
import os
import select
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any


class Unavailable(Exception):
    """It is not installed, or does not run; the text says why."""


@contextmanager
def child(command: Sequence[str], errors: Path, environment: Mapping[str, str] | None = None) -> Iterator["Child"]:
    """The process of a command, gone at the end; its standard error goes to the file `errors`. Raises Unavailable."""
    with errors.open("w", encoding="utf-8") as said:
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": said, "text": True}
        try:
            process = subprocess.Popen(command, **pipes, env={**os.environ, **(environment or {})})
        except OSError as error:
            raise Unavailable(f"{command[0]}: {error.strerror}") from error
    try:
        yield Child(process, errors)
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe:
                with suppress(BrokenPipeError):  # a question that it did not live to read
                    pipe.close()


class Child:
    """A process that answers each line with a line."""

    def __init__(self, process: "subprocess.Popen[str]", errors: Path) -> None:
        self._process, self._errors = process, errors

    def ask(self, question: object, seconds: float | None = None) -> dict[str, Any]:
        """Its answer. Raises Unavailable where it says `{"error": …}`, has died, or is not done within `seconds`."""
        stdin: IO[str] = self._process.stdin  # type: ignore[assignment]
        with suppress(BrokenPipeError):  # it died: there is no answer either
            print(json.dumps(question), file=stdin, flush=True)
        return self.answer(seconds)

    def answer(self, seconds: float | None = None) -> dict[str, Any]:
        """What it says next; as `ask`."""
        stdout: IO[str] = self._process.stdout  # type: ignore[assignment]
        if not select.select([stdout], [], [], seconds)[0]:
            self._process.kill()
            raise Unavailable(f"took longer than {seconds:g} s")
        if not (line := stdout.readline()):
            said = self._errors.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            raise Unavailable(f"does not run: {said[-1] if said else 'it ended without a word'}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise Unavailable(answer["error"])
        return answer


def settle(seconds: float = 0.05) -> None:
    """Before another child is asked: the threads of a parallel loop spin for a while after it, on cores that the next one needs."""
    time.sleep(seconds)
