"""The arms of an experiment as impression logs have them: sums over users, by arm, segment and day. DuckDB does the summing.

The unit is the user, since it is users that are drawn into arms: what one user does again and again is one observation. A rate is a
quotient of two sums over users, and its variance follows from the sums of their squares and products (the delta method; Deng, Knoblich
& Lu 2018, "Applying the delta method in metric analytics", KDD).

Which impressions count is what match.clicks.rules says, with one difference: repeats are those of a title, not of an artwork. An arm
that shows everyone the same artwork repeats it sooner than one that varies, so that a cap on artwork would take the later and less
played impressions from the one and leave them to the other. What is left out depends on a user's own impressions of titles alone, by
the same rule in each arm: what remains is a metric of users like any other, and its lift is that of what was drawn. But an arm may
change how much its users look at, and then it changes who is taken for a machine and what is a repeat; so these are counted by arm,
and a difference that is hardly chance is said (Fabijan et al., as in match.experiments.shares, tell of a good change that looked like
robots).
"""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from embed.errors import LogError, QueryError
from match.clicks.facts import open_facts
from match.clicks.logs import named, text
from match.clicks.rules import Rules, Wait, none_counts

LISTED = 20  # arms named in an error
# As `embed.records.fold` spells a name, where a query can: "Teens" and "teens " are one segment, and a blank one is none.
SEGMENT = r"nullif(nfc_normalize(lower(regexp_replace(trim(segment), '\s+', ' ', 'g'))), '')"

OF_USERS = """
    SELECT CASE WHEN {inside} THEN user_id END AS user_id, CASE WHEN {inside} THEN {arm} END AS arm, {segment} AS segment,
        impression_id, shown_us, shown_day AS day, quality, verdict
    FROM facts
"""
# Of a user's sums so far and those of the day before, the difference of squares is what the day adds to the sum of squares.
SUMS = """
    WITH daily AS (
        SELECT user_id, arm, day, arg_min(segment, (shown_us, impression_id)) AS segment, count(*) AS seen,
            count(*) FILTER (verdict = 'counted') AS shown, sum(CASE WHEN verdict = 'counted' THEN quality ELSE 0 END) AS played,
            count(*) FILTER (verdict = 'young') AS young, count(*) FILTER (verdict = 'bot') AS bot,
            count(*) FILTER (verdict = 'repeat') AS repeat
        FROM part GROUP BY user_id, arm, day
    ),
    users AS (
        SELECT user_id, min(arm) <> max(arm) AS crossed, arg_min(segment, day) AS segment
        FROM daily WHERE user_id IS NOT NULL GROUP BY user_id
    ),
    running AS (
        SELECT *, sum(shown) OVER past AS all_shown, sum(played) OVER past AS all_played,
            row_number() OVER past = 1 AS first, sum(bot) OVER past AS all_bots, sum(repeat) OVER past AS all_repeats,
            row_number() OVER (PARTITION BY user_id ORDER BY day, arm) = 1 AS first_of_user
        FROM daily WINDOW past AS (PARTITION BY user_id, arm ORDER BY day)
    )
    SELECT arm, running.user_id IS NULL AS nameless, coalesce(crossed, false) AS crossed, users.segment AS segment, day,
        count(*) FILTER (shown > 0 AND all_shown = shown) AS users, sum(shown) AS shown, sum(played) AS played,
        sum(all_shown ** 2 - (all_shown - shown) ** 2) AS shown_shown,
        sum(all_shown * all_played - (all_shown - shown) * (all_played - played)) AS shown_played,
        sum(all_played ** 2 - (all_played - played) ** 2) AS played_played,
        sum(seen) AS seen, count(*) FILTER (first) AS all_users, count(*) FILTER (first_of_user) AS different_users,
        sum(young) AS young, sum(bot) AS bot, count(*) FILTER (bot > 0 AND all_bots = bot) AS bot_users,
        sum(repeat) AS repeat, count(*) FILTER (repeat > 0 AND all_repeats = repeat) AS repeat_users
    FROM running LEFT JOIN users USING (user_id)
    GROUP BY arm, nameless, crossed, users.segment, day
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


class LeftOut(NamedTuple):
    """Of one arm: impressions that do not count, and users who have any."""

    users: int = 0  # whom the arm served, those with nothing that counts included
    young: int = 0  # impressions that may still be played, and wait
    bots: int = 0  # of users with more than Rules.most_impressions, on that day
    bot_users: int = 0
    repeats: int = 0  # beyond Rules.most_repeats of a title
    repeat_users: int = 0


@dataclass(frozen=True)
class SetAside:
    """What took no part, and was counted."""

    crossed_users: int  # users whom more than one arm served
    crossed: int  # impressions of theirs
    nameless: int  # impressions that name no user
    outside: int  # impressions of no arm of the experiment
    by_arm: dict[str, LeftOut] = field(default_factory=dict)  # of users of one arm


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


def read_arms(
    logs: Path | str, column: str, metric: str = "quality", only: Sequence[str] = (), rules: Rules | None = None
) -> Arms:
    """The arms that the impressions' `column` names, each once; only: those of the experiment, where the log has others, too.

    metric: what counts of an impression, a "quality" play, or any ("plays"). A user belongs to the segment of the first impression that
    names one, which the arm cannot have moved. Users of several arms take no part. Raises LogError as `match.clicks.facts.open_facts`
    does, for an impression without a time, where no impression has an arm, and where none of those that have one counts.
    """
    query = OF_USERS.format(
        arm=named(column),
        segment=SEGMENT,
        inside=f"{named(column)} IN ({', '.join(map(text, only))})" if only else f"{named(column)} IS NOT NULL",
    )
    rows: list[dict[str, Any]] = []
    how: dict[str, Any] = {"any_play": metric == "plays", "repeated": "title_id"}
    with open_facts(logs, rules, more=(column,), needed=("user_id", "shown_at"), **how) as facts:
        for _ in facts.in_parts(query, "user_id"):
            rows += facts.connection.sql(SUMS).to_arrow_table().to_pylist()
    return _arms(rows, only, f"{logs}: the impressions' {column}", facts.wait)


def find_arm(arms: Arms, name: str, flag: str) -> int:
    """Its place. Raises QueryError with those there are for a name that is none."""
    if name not in arms.names:
        some = ", ".join(repr(arm) for arm in arms.names[:LISTED])
        more = f" and {len(arms.names) - LISTED:,} more" if len(arms.names) > LISTED else ""
        raise QueryError(f"{flag} {name!r}: no impression names that arm; there are {some}{more}")
    return arms.names.index(name)


def _arms(rows: list[dict[str, Any]], only: Sequence[str], where: str, wait: Wait) -> Arms:
    taken = [row for row in rows if row["arm"] is not None and not row["nameless"] and not row["crossed"]]
    crossed = [row for row in rows if row["crossed"]]
    if timeless := sum(row["seen"] for row in rows if row["day"] is None):
        raise LogError(f"{where}: {timeless:,} impressions have no shown_at; fill it in, or leave them out")
    found = sorted({row["arm"] for row in [*taken, *crossed]})
    if not found:
        raise LogError(f"{where} names no arm; say with --arm-column which column does")
    counted = [row for row in [*taken, *crossed] if row["shown"]]
    if not counted:
        left_out = {kind: int(sum(row[kind] for row in [*taken, *crossed])) for kind in ("young", "bot", "repeat")}
        raise LogError(f"{where}: of what the arms showed {none_counts(left_out, wait)}")
    names = tuple(dict.fromkeys([*only, *found]))
    segments = tuple(sorted({row["segment"] for row in taken if row["segment"] is not None and row["shown"]}))
    first, last = (end(row["day"] for row in counted) for end in (min, max))
    table = _table([row for row in taken if row["shown"]], names, segments, range(first, last + 1))
    set_aside = SetAside(
        crossed_users=sum(row["different_users"] for row in crossed),
        crossed=sum(row["seen"] for row in crossed),
        nameless=sum(row["seen"] for row in rows if row["arm"] is not None and row["nameless"]),
        outside=sum(row["seen"] for row in rows if row["arm"] is None),
        by_arm={name: _left_out([row for row in taken if row["arm"] == name]) for name in names},
    )
    dates = tuple(datetime.date(1970, 1, 1) + datetime.timedelta(days=day) for day in range(first, last + 1))
    return Arms(names, segments, dates, table.cumsum(axis=2), set_aside)


def _table(rows: list[dict[str, Any]], names: Sequence[str], segments: Sequence[str], days: range) -> np.ndarray:
    """As Arms has it, of each day for itself."""
    table = np.zeros((len(names), len(segments) + 1, len(days), len(Sums._fields)))
    at = {name: place for place, name in enumerate(names)}
    in_segment = {name: place for place, name in enumerate(segments)}
    for row in rows:
        place = at[row["arm"]], in_segment.get(row["segment"], len(segments)), row["day"] - days.start
        table[place] += [float(row[name]) for name in Sums._fields]
    return table


def _left_out(rows: list[dict[str, Any]]) -> LeftOut:
    names = ("all_users", "young", "bot", "bot_users", "repeat", "repeat_users")
    return LeftOut(*(int(sum(row[name] for row in rows)) for name in names))
