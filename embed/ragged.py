"""Runs of unequal length side by side in one array: run i is starts[i]:starts[i + 1]."""

import numpy as np


def spans(first: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """first[0], first[0] + 1, ... (counts[0] of them), first[1], ...: int64 of first (n,) and counts (n,)."""
    ends = np.cumsum(counts)
    along: np.ndarray = np.arange(ends[-1] if len(ends) else 0) + np.repeat(first - (ends - counts), counts)
    return along


def starts_of(owners: np.ndarray, count: int) -> np.ndarray:
    """(count + 1,) int64: where each owner's run begins in owners (n,), which ascend."""
    starts: np.ndarray = np.searchsorted(owners, np.arange(count + 1))
    return starts


def places_in(owners: np.ndarray) -> np.ndarray:
    """(n,) int64: 0, 1, 2, ... within each run of owners (n,), which ascend."""
    places: np.ndarray = np.arange(len(owners)) - np.searchsorted(owners, owners)
    return places
