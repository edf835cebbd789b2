"""Long lists come in blocks, so that a page asks for what it shows: `start` is the number of a block's first item."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

from embed.errors import QueryError
from match.page.parameters import Parameters

BLOCK = 50  # items; app/blocks.js knows it, too
MOST = 1 << 31

Item = TypeVar("Item")


def block(items: Sequence[Item], parameters: Parameters) -> Sequence[Item]:
    """The block that `start` asks for; the first where it is silent. Raises QueryError where it is not the start of one."""
    start = parameters.count("start", 0, MOST)
    if start % BLOCK:
        raise QueryError(f"parameter 'start' is {start}; blocks begin at multiples of {BLOCK}")
    return items[start : start + BLOCK]


def starts(length: int) -> Iterator[str]:
    """Of every block of a list, of an empty list the one that is empty."""
    return map(str, range(0, max(length, 1), BLOCK))
