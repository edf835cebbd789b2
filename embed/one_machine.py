"""Pictures to vectors on this machine: workers decode, the tower encodes. What stands between plan and commit."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain, islice, tee
from typing import Any

import numpy as np

from embed.backends import Tower
from embed.decoders import Decoded, Decoders
from embed.errors import EncoderError
from embed.options import JobOptions
from embed.preprocessing import Preprocessing
from embed.stopwatch import Stopwatch

SAMPLE = 64  # pictures on which a backend may be measured before it is trusted

Row = dict[str, Any]
OpenTower = Callable[[np.ndarray], Tower]  # from a sample of pictures (n, height, width, 3) uint8


@dataclass(frozen=True)
class Embedded:
    """A picture that went through the tower, or the reason why it did not."""

    row: Row  # artwork_id, title_id, path
    sha256: str | None  # of the bytes that were decoded
    width: int  # pixels, upright
    height: int
    vector: np.ndarray | None  # (d,) float32, unit length
    reason: str  # "" where there is a vector


def embed_here(
    rows: Iterable[Row],
    root: str,
    preprocessing: Preprocessing,
    options: JobOptions,
    open_tower: OpenTower,
    stopwatch: Stopwatch,
) -> Iterator[Embedded]:
    """Each row's picture, in order, but that a bad one comes before its batch.

    The tower is opened with up to SAMPLE pictures of the run. Batches hold good pictures only, so that a run that is stopped
    and run again makes the same batches as one that is not.
    """
    rows, again = tee(rows)
    with (
        Decoders(root, preprocessing, workers=options.workers, seconds=options.seconds_per_picture) as decoders,
        closing(decoders.decode(row["path"] for row in again)) as decoded,
    ):
        pairs = stopwatch.each("decode", zip(rows, decoded, strict=True))
        first = list(islice(pairs, SAMPLE))
        with stopwatch("measure"):
            tower = open_tower(_stack(preprocessing, [one for _, one in first if one.pixels is not None]))
        good: list[tuple[Row, Decoded]] = []
        for row, one in chain(first, pairs):
            if one.pixels is None:
                yield Embedded(row, one.sha256, 0, 0, None, one.reason)
            else:
                good.append((row, one))
            if len(good) == options.batch:
                yield from _encode(good, preprocessing, tower, stopwatch)
                good = []
        yield from _encode(good, preprocessing, tower, stopwatch)


def _encode(
    good: list[tuple[Row, Decoded]], preprocessing: Preprocessing, tower: Tower, stopwatch: Stopwatch
) -> list[Embedded]:
    with stopwatch("encode"):
        found = encode(_stack(preprocessing, [one for _, one in good]), tower)
    return [
        Embedded(row, one.sha256, one.width, one.height, vector, reason)
        for (row, one), (vector, reason) in zip(good, found, strict=True)
    ]


def encode(pixels: np.ndarray, tower: Tower) -> list[tuple[np.ndarray | None, str]]:
    """(vector, "") of each picture, or (None, reason); where the tower fails on the whole, each is tried alone."""
    try:
        return [(vector, "") for vector in tower.encode(pixels)]
    except EncoderError as error:
        if len(pixels) == 1:
            return [(None, str(error))]
        return [alone for row in range(len(pixels)) for alone in encode(pixels[row : row + 1], tower)]


def _stack(preprocessing: Preprocessing, decoded: Sequence[Decoded]) -> np.ndarray:
    """(n, height, width, 3) uint8, n = 0 too."""
    return np.array([one.pixels for one in decoded], np.uint8).reshape(-1, *preprocessing.size, 3)
