"""clip-retrieval's reader and mapper as a contender, in the interpreter where it is installed."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

CHILD = Path(__file__).with_name("clip_retrieval_child.py")
WORKERS = 4  # processes that decode: what its command takes where nothing is said


class Unavailable(Exception):
    """It is not installed, or does not run; the text says why."""


@contextmanager
def clip_retrieval(checkpoint: Path, python: Path | None, errors: Path) -> Iterator["Theirs"]:
    """The contender, its model opened. Raises Unavailable."""
    if python is None and find_spec("clip_retrieval") is None:
        raise Unavailable("not installed here; give --clip-retrieval-python")
    command = [str(python or sys.executable), str(CHILD), str(checkpoint)]
    with errors.open("w", encoding="utf-8") as said:
        try:
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, text=True)
        except OSError as error:
            raise Unavailable(f"{command[0]}: {error.strerror}") from error
    try:
        yield Theirs(process, errors)
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe:
                pipe.close()


class Theirs:
    """A child that waits for a number of pictures, and answers how fast they went."""

    def __init__(self, process: "subprocess.Popen[str]", errors: Path) -> None:
        self._process, self._errors = process, errors
        found = self._answer()
        versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
        self.described = f"{WORKERS} workers, {found['threads']} torch threads, {versions}"

    def rate(self, folder: Path, count: int, batch: int) -> float:
        """Images per second over the first `count` pictures of `folder`. Raises Unavailable."""
        question = {"folder": str(folder), "count": count, "batch": batch, "workers": WORKERS}
        stdin: IO[str] = self._process.stdin  # type: ignore[assignment]
        with suppress(BrokenPipeError):  # it died: there is no answer either
            print(json.dumps(question), file=stdin, flush=True)
        return float(self._answer()["images_per_second"])

    def _answer(self) -> dict[str, Any]:
        stdout: IO[str] = self._process.stdout  # type: ignore[assignment]
        if line := stdout.readline():
            answer: dict[str, Any] = json.loads(line)
            return answer
        said = self._errors.read_text(encoding="utf-8").strip().splitlines() or ["it ended without a word"]
        raise Unavailable(f"does not run: {said[-1]}")
