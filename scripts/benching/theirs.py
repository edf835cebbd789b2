"""clip-retrieval's reader and mapper as a contender, in the interpreter where it is installed."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from artwork_doors.benching.children import Child, Unavailable, child

CHILD = Path(__file__).with_name("clip_retrieval_child.py")
WORKERS = 4  # processes that decode: what its command takes where nothing is said


@contextmanager
def clip_retrieval(checkpoint: Path, python: Path | None, errors: Path) -> Iterator["Theirs"]:
    """The contender, its model opened. Raises Unavailable."""
    if python is None and find_spec("clip_retrieval") is None:
        raise Unavailable("not installed here; give --clip-retrieval-python")
    with child([str(python or sys.executable), str(CHILD), str(checkpoint)], errors) as process:
        yield Theirs(process)


class Theirs:
    """A child that waits for a number of pictures, and answers how fast they went."""

    def __init__(self, process: Child) -> None:
        self._process = process
        found = process.answer()
        versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
        self.described = f"{WORKERS} workers, {found['threads']} torch threads, {versions}"

    def rate(self, folder: Path, count: int, batch: int) -> float:
        """Images per second over the first `count` pictures of `folder`. Raises Unavailable."""
        question = {"folder": str(folder), "count": count, "batch": batch, "workers": WORKERS}
        return float(self._process.ask(question)["images_per_second"])
