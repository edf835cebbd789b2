"""Runs of unequal length side by side in one array: run i is starts[i]:starts[i + 1]."""

import numpy as np

_COUNTED = np.arange(1 << 17)  # a page's count its rows: taking them anew costs more than all that is done with them
_COUNTED.flags.writeable = False
SLOTS = 1 << 20  # of a table that is looked up at random: 8 MB


def counted(number: int) -> np.ndarray:
    """(number,) int64: 0, 1, 2, ...; read-only."""
    return _COUNTED[:number] if number <= len(_COUNTED) else np.arange(number)


def spans(first: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """first[0], first[0] + 1, ... (counts[0] of them), first[1], ...: int64 of first (n,) and counts (n,)."""
    ends = np.cumsum(counts)
    along = np.repeat(first - (ends - counts), counts)
    along += counted(len(along))
    return along


def starts_of(owners: np.ndarray, count: int) -> np.ndarray:
    """(count + 1,) int64: where each owner's run begins in owners (n,), which ascend."""
    starts: np.ndarray = np.searchsorted(owners, np.arange(count + 1))
    return starts


def stable_order(keys: np.ndarray) -> np.ndarray:
    """(n,) int64: `np.argsort(keys, kind="stable")` of keys (n,) int64 of 0 and more.

    Keys that carry their places in their last bits are sorted without an index beside them, for which numpy has instructions of the
    processor's that make it several times as fast.
    """
    bits = len(keys).bit_length()
    if not len(keys) or int(keys.max()) >= 1 << (63 - bits):
        return np.argsort(keys, kind="stable")
    placed = (keys << bits) | np.arange(len(keys))
    placed.sort()
    placed &= (1 << bits) - 1
    return placed


def distinct(keys: np.ndarray) -> np.ndarray:
    """(m,) the keys (n,), ascending and each once: `np.unique`, which takes several times as long since it hashes them."""
    ordered = np.sort(keys)
    again = ordered[1:] == ordered[:-1]
    if again.any():
        ordered = ordered[np.append(True, ~again)]
    return ordered


def first_of(owners: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """(n,) int64: the first place with the same owner and key as each. owners: (n,) int64, ascending; keys: (n,) int64 of 0 and more.

    Each owner and key has a slot, in which the last that is written stays: so they are written backwards, and nothing is sorted.
    """
    first, size = np.empty(len(keys), np.int64), int(keys.max(initial=0)) + 1
    begin = 0
    while begin < len(keys):
        lowest = int(owners[begin])
        end = int(np.searchsorted(owners, lowest + max(1, SLOTS // size)))
        slots = (owners[begin:end] - lowest) * size + keys[begin:end]
        table = np.empty(int(slots.max()) + 1, np.int64)  # only what was written is read
        table[slots[::-1]] = np.arange(end - 1, begin - 1, -1)
        table.take(slots, out=first[begin:end])
        begin = end
    return first


def places_in(owners: np.ndarray) -> np.ndarray:
    """(n,) int64: 0, 1, 2, ... within each run of owners (n,), which ascend."""
    places: np.ndarray = np.arange(len(owners)) - np.searchsorted(owners, owners)
    return places
