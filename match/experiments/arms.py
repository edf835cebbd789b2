"""The arms of an experiment as impression logs have them: sums over users, by arm, segment and day. DuckDB does the summing.

The unit is the user, since it is users that are drawn into arms: what one user does again and again is one observation. A rate is a
quotient of two sums over users, and its variance follows from the sums of their squares and products (the delta method; Deng, Knoblich
& Lu 2018, "Applying the delta method in metric analytics", KDD).
"""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from embed.errors import LogError, QueryError
from match.clicks.logs import aggregate, columns_of, named

LISTED = 20  # arms named in an error
METRICS = {  # what counts of an impression
    "quality": "quality",
    "plays": "(SELECT DISTINCT impression_id FROM played)",
}

# As `embed.records.fold` spells a name, where a query can: "Teens" and "teens " are one segment, and a blank one is none.
SEGMENT = r"nullif(nfc_normalize(lower(regexp_replace(trim(segment), '\s+', ' ', 'g'))), '')"

# Of a user's sums so far and those of the day before, the difference of squares is what the day adds to the sum of squares.
SUMS = """
    , daily AS (
        SELECT CASE WHEN inside THEN user_id END AS user_id, CASE WHEN inside THEN arm END AS arm, day,
            arg_min(segment, (shown_at, impression_id)) AS segment, count(*) AS shown, count(metric.impression_id) AS played
        FROM (SELECT impression_id, user_id, {arm} AS arm, {segment} AS segment, shown_at,
                  coalesce({inside}, false) AS inside, CAST(floor(epoch(shown_at) / 86400) AS BIGINT) AS day FROM shown)
        LEFT JOIN {metric} AS metric USING (impression_id)
        GROUP BY ALL
    ),
    users AS (
        SELECT user_id, min(arm) <> max(arm) AS crossed, arg_min(segment, day) AS segment
        FROM daily WHERE user_id IS NOT NULL GROUP BY user_id
    ),
    running AS (
        SELECT *, sum(shown) OVER past AS all_shown, sum(played) OVER past AS all_played
        FROM daily WINDOW past AS (PARTITION BY user_id, arm ORDER BY day)
    )
    SELECT arm, running.user_id IS NULL AS nameless, coalesce(crossed, false) AS crossed, users.segment AS segment, day,
        count(*) FILTER (all_shown = shown) AS users, sum(shown) AS shown, sum(played) AS played,
        sum(all_shown ** 2 - (all_shown - shown) ** 2) AS shown_shown,
        sum(all_shown * all_played - (all_shown - shown) * (all_played - played)) AS shown_played,
        sum(all_played ** 2 - (all_played - played) ** 2) AS played_played,
        (SELECT count(*) FROM users WHERE crossed) AS crossed_users
    FROM running LEFT JOIN users USING (user_id)
    GROUP BY ALL ORDER BY ALL
"""


class Sums(NamedTuple):
    """Sums over users, arrays of one shape: how many, of their impressions and (quality) plays, and of squares and products."""

    users: np.ndarray
    shown: np.ndarray
    played: np.ndarray
    shown_shown: np.ndarray
    shown_played: np.ndarray
    played_played: np.ndarray

    @property
    def rate(self) -> np.ndarray:
        """Plays per impression; NaN where nothing was shown."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.played / self.shown)

    @property
    def user_variance(self) -> np.ndarray:
        """Of one user's part in the rate, so that the rate's own is this divided by the users; NaN below two users."""
        with np.errstate(invalid="ignore", divide="ignore"):
            rate, mean = self.played / self.shown, self.shown / self.users
            squares = self.played_played - 2 * rate * self.shown_played + rate**2 * self.shown_shown
            return np.asarray(np.maximum(squares, 0) / (self.users - 1) / mean**2)

    @property
    def variance(self) -> np.ndarray:
        """Of the rate."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(self.user_variance / self.users)


@dataclass(frozen=True)
class SetAside:
    """What took no part, and was counted."""

    crossed_users: int  # users whom more than one arm served
    crossed: int  # impressions of theirs
    nameless: int  # impressions that name no user
    outside: int  # impressions of no arm of the experiment


@dataclass(frozen=True)
class Arms:
    """An experiment's sums."""

    names: tuple[str, ...]
    segments: tuple[str, ...]
    days: tuple[datetime.date, ...]  # in UTC, without gaps
    table: np.ndarray  # (arms, segments + 1, days, 6) float64, up to the end of each day; last the users without a segment
    set_aside: SetAside

    def over_time(self) -> Sums:
        """Each (arms, days), of all users."""
        return Sums(*np.moveaxis(self.table.sum(axis=1), -1, 0))

    def in_all(self) -> Sums:
        """Each (arms,), at the end."""
        return Sums(*np.moveaxis(self.table[:, :, -1].sum(axis=1), -1, 0))

    def by_segment(self) -> Sums:
        """Each (arms, segments), at the end."""
        return Sums(*np.moveaxis(self.table[:, :-1, -1], -1, 0))


def read_arms(logs: Path | str, column: str, metric: str = "quality", only: Sequence[str] = ()) -> Arms:
    """The arms that the impressions' `column` names, each once; only: those of the experiment, where the log has others, too.

    A user belongs to the segment of the first impression that names one, which the arm cannot have moved. Users of several arms take no
    part. Raises LogError as `match.clicks.logs.aggregate` does, for an impression without a time, and where no impression has an arm.
    """
    there = columns_of(logs, "impressions")
    has_segment = "segment" in there
    query = SUMS.format(
        arm=named(column),
        segment=SEGMENT if has_segment else "NULL::VARCHAR",
        metric=METRICS[metric],
        inside=f"list_contains($arms, {named(column)})" if only else f"{named(column)} IS NOT NULL",
    )
    columns = dict.fromkeys(("impression_id", "user_id", "shown_at", column, *(["segment"] if has_segment else [])))
    rows = aggregate(logs, tuple(columns), query, {"arms": list(only)} if only else None)
    return _arms(rows, only, f"{logs}: the impressions' {column}")


def find_arm(arms: Arms, name: str, flag: str) -> int:
    """Its place. Raises QueryError with those there are for a name that is none."""
    if name not in arms.names:
        some = ", ".join(repr(arm) for arm in arms.names[:LISTED])
        more = f" and {len(arms.names) - LISTED:,} more" if len(arms.names) > LISTED else ""
        raise QueryError(f"{flag} {name!r}: no impression names that arm; there are {some}{more}")
    return arms.names.index(name)


def _arms(rows: pa.Table, only: Sequence[str], where: str) -> Arms:
    listed = rows.to_pylist()
    taken = [row for row in listed if row["arm"] is not None and not row["nameless"] and not row["crossed"]]
    if timeless := sum(row["shown"] for row in listed if row["day"] is None):
        raise LogError(f"{where}: {timeless:,} impressions have no shown_at; fill it in, or leave them out")
    crossed = [row for row in listed if row["crossed"]]
    found = sorted({row["arm"] for row in taken} | {row["arm"] for row in crossed})
    names = tuple(dict.fromkeys([*only, *found]))
    if not found:
        raise LogError(f"{where} names no arm; say with --arm-column which column does")
    segments = tuple(sorted({row["segment"] for row in taken if row["segment"] is not None}))
    days = [row["day"] for row in [*taken, *crossed]]
    first, last = min(days), max(days)
    table = np.zeros((len(names), len(segments) + 1, last - first + 1, len(Sums._fields)))
    at = {name: place for place, name in enumerate(names)}
    in_segment = {name: place for place, name in enumerate(segments)}
    for row in taken:
        place = at[row["arm"]], in_segment.get(row["segment"], len(segments)), row["day"] - first
        table[place] += [float(row[name]) for name in Sums._fields]
    set_aside = SetAside(
        crossed_users=listed[0]["crossed_users"],
        crossed=sum(row["shown"] for row in crossed),
        nameless=sum(row["shown"] for row in listed if row["arm"] is not None and row["nameless"]),
        outside=sum(row["shown"] for row in listed if row["arm"] is None),
    )
    dates = tuple(datetime.date(1970, 1, 1) + datetime.timedelta(days=day) for day in range(first, last + 1))
    return Arms(names, segments, dates, table.cumsum(axis=2), set_aside)
