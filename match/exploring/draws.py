"""Draws by hash: the same seed, user, title and period draw the same, on every machine and without anything remembered."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import numpy as np

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def period_of(at: datetime, period: timedelta) -> int:
    """Number of the period in which a moment lies, counted from 1970; UTC where the moment names no zone."""
    return ((at if at.tzinfo else at.replace(tzinfo=UTC)) - EPOCH) // period


def uniforms(seed: int, user_id: str, title_ids: Iterable[str], period: int) -> np.ndarray:
    """(t,) float64, even over [0, 1): one number for each title.

    The lengths stand before the ids, so that no two users and titles ever share a text. 53 of the hash's bits fill a float64.
    """
    from xxhash import xxh3_64_intdigest

    head = f"{seed}/{period}/{len(user_id)}/{user_id}/".encode()
    hashes = np.array([xxh3_64_intdigest(head + title_id.encode()) for title_id in title_ids], np.uint64)
    numbers: np.ndarray = (hashes >> np.uint64(11)) * 2.0**-53
    return numbers


def drawn(propensities: np.ndarray, starts: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """(t,) int64 places: of each title the first artwork up to which its propensities add up to more than its number.

    numbers: (t,) in [0, 1). What has no propensity is never drawn. Title i's are starts[i]:starts[i + 1]; every title has some
    propensity.
    """
    sums = np.add.reduceat(propensities, starts[:-1])
    along = np.cumsum(propensities / sums.repeat(starts[1:] - starts[:-1]))  # each title adds about 1
    before = np.append(0.0, along)[starts[:-1]]
    places = along.searchsorted(before + numbers * (along[starts[1:] - 1] - before), side="right")
    places = places.clip(starts[:-1], starts[1:] - 1)
    for title in (propensities[places] == 0).nonzero()[0].tolist():  # by rounding at a title's very end
        own = slice(*starts[title : title + 2].tolist())
        places[title] = starts[title] + propensities[own].nonzero()[0][-1]
    drawn_places: np.ndarray = places
    return drawn_places
