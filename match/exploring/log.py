"""The log of choices: complete enough to evaluate any other policy later, on the set that could have been shown.

A page's log stays arrays while it is served; `table` is Arrow for Parquet, `lines` are records, `as_json` and `from_json` a text line
for each. All have the columns of embed.records.CHOICE_LOG, whose first are those of an impression: match.clicks reads a folder of
them as impressions, and what scores another policy finds its propensities beside those that were served.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from embed.errors import LogError
from embed.records import CHOICE_LOG, CONSIDERED
from match.blend import Weights
from match.exploring.page import NONE, Explored
from match.exploring.policies import Exploration
from match.exploring.thompson import Posteriors
from match.guards import IN_TURN

_TYPES = [(column.name, column.type) for column in CHOICE_LOG]  # once: Arrow makes them anew for whoever asks
_TYPE_OF = dict(_TYPES)
_CONSIDERED = list(CONSIDERED)
_OF_ONE_PAGE = ("user_id", "shown_at")


class Considered(NamedTuple):
    """One artwork that could have been shown; the parts add up to its score, in log-odds."""

    artwork_id: str
    score: float
    prior: float
    similarity: float
    people: float
    words: float
    plays: float  # the Beta posterior behind the prior
    failures: float
    propensity: float


@dataclass(frozen=True)
class Logged:
    """One choice: the row of CHOICE_LOG, as it names them."""

    impression_id: str
    user_id: str
    title_id: str
    artwork_id: str
    copy_id: str | None
    propensity: float
    policy: str
    segment: str | None
    device: str | None
    country: str | None
    row: int | None
    position: int | None
    shown_at: datetime
    period: int
    snapshot: str
    parameters: str
    seed: int
    kept: str | None
    notes: tuple[str, ...]
    considered: tuple[Considered, ...]


@dataclass(frozen=True)
class Where:
    """Where a page is shown, for the log; None where nobody knows."""

    segment: str | None = None
    device: str | None = None
    country: str | None = None
    row: int | None = None  # of the page, from 0; positions are the titles' places in the order asked


@dataclass(frozen=True)
class PageLog:
    """The log of one user's page: its titles that show something, t of them, and the n artworks that could have been shown."""

    how: Exploration
    user_id: str
    snapshot: str
    at: datetime
    where: Where
    period: int
    title_ids: list[str]  # (t,)
    artwork_ids: list[str]  # (t,) shown
    copy_ids: list[str | None]  # (t,)
    propensities: np.ndarray  # (t,) float64 of what is shown
    positions: np.ndarray  # (t,) int64
    kept: list[str | None]  # (t,)
    notes: list[tuple[str, ...]]  # (t,)
    begins: np.ndarray  # (t + 1,) int64: where each title's begin of ...
    ids: Callable[[], pa.Array]  # (n,) artwork_ids
    parts: dict[str, np.ndarray]  # (n,) float64 each: CONSIDERED but artwork_id
    weights: Weights | None = None  # that the parts were made with; None where nobody said
    aside: Callable[[], dict[str, str]] = dict  # artwork_id to the guard that set it aside; `table` has only how many they were

    @property
    def table(self) -> pa.Table:
        """(t,) rows of CHOICE_LOG."""
        count = len(self.title_ids)
        fixed = {
            "user_id": self.user_id,
            "policy": self.how.policy,
            **{name: getattr(self.where, name) for name in ("segment", "device", "country", "row")},
            "shown_at": self.at,
            "period": self.period,
            "snapshot": self.snapshot,
            "parameters": _parameters(self.how, self.weights),
            "seed": self.how.seed,
        }
        columns = {
            "impression_id": impression_ids(self.how.seed, self.user_id, self.title_ids, self.at),
            "title_id": self.title_ids,
            "artwork_id": self.artwork_ids,
            "copy_id": self.copy_ids if any(self.copy_ids) else _nothing("copy_id", count),
            "propensity": self.propensities,
            "position": self.positions,
            "kept": self.kept if any(self.kept) else _nothing("kept", count),
            "notes": self.notes if any(self.notes) else _nothing("notes", count),
            "considered": self._considered(),
        }
        made = [
            (_repeated if name in _OF_ONE_PAGE else _kept)(name, fixed[name], count)
            if name in fixed
            else _array(columns[name], type_)
            for name, type_ in _TYPES
        ]
        return pa.Table.from_arrays(made, schema=CHOICE_LOG)

    def _considered(self) -> pa.Array:
        columns = [self.ids(), *(pa.array(self.parts[part.name]) for part in _CONSIDERED[1:])]
        of_all = pa.StructArray.from_arrays(columns, fields=_CONSIDERED)
        return pa.ListArray.from_arrays(pa.array(self.begins.astype(np.int32)), of_all)


def _repeated(name: str, value: Any, count: int) -> pa.Array:
    """A column of one value."""
    return pa.repeat(pa.scalar(value, _TYPE_OF[name]), count)


_kept = lru_cache(maxsize=256)(_repeated)  # what many pages have alike


@lru_cache(maxsize=64)
def _nothing(name: str, count: int) -> pa.Array:
    """A column of which no row says anything."""
    return pa.array([() if name == "notes" else None] * count, _TYPE_OF[name])


def _array(values: Any, type_: pa.DataType) -> pa.Array:
    return values if isinstance(values, pa.Array) else pa.array(values, type_)


@lru_cache(maxsize=64)
def _parameters(how: Exploration, weights: Weights | None) -> str:
    return json.dumps(how.parameters | ({"weights": asdict(weights)} if weights else {}), sort_keys=True)


def weights_of(parameters: str | None) -> Weights | None:
    """The weights that served, of a log's `parameters`; None of a log that does not say them, such as an older release's.

    Raises LogError where they cannot be read.
    """
    try:
        said = json.loads(parameters or "{}").get("weights")
        return None if said is None else Weights(**{name: float(value) for name, value in said.items()})
    except (ValueError, TypeError, AttributeError) as error:
        raise LogError(f"a log of choices has parameters {parameters!r}, which say no weights ({error!r})") from error


def log_of(
    how: Exploration,
    explored: Explored,
    user_id: str,
    snapshot: str,
    at: datetime,
    where: Where,
    titles: tuple[list[str], np.ndarray, np.ndarray],
    ids: Callable[[np.ndarray], pa.Array],
    artwork_ids: Sequence[str | None],
    copy_ids: Sequence[str | None],
    parts: dict[str, np.ndarray],
    posteriors: Posteriors,
    weights: Weights | None = None,
) -> PageLog:
    """The log of a page explored.

    titles: (title_ids (t,), starts (t + 1,), positions (t,)) of the page; ids(places) gives artwork_ids; artwork_ids, copy_ids: (t,) of
    what is shown; parts: (n,) each, score, prior, similarity, people and words; weights: that they were made with.
    """
    title_ids, starts, positions = titles
    there = (explored.places >= 0).nonzero()[0]
    among = (explored.propensities > 0).nonzero()[0]
    begins = np.append(among.searchsorted(starts[there]), len(among))
    taken = {name: part[among] for name, part in parts.items()}
    taken |= {"plays": posteriors.plays[among], "failures": posteriors.failures[among]}
    taken["propensity"] = explored.propensities[among]
    places = there.tolist()
    return PageLog(
        how,
        user_id,
        snapshot,
        at if at.tzinfo else at.replace(tzinfo=UTC),
        where,
        explored.period,
        [title_ids[place] for place in places],
        [artwork_ids[place] or "" for place in places],
        [copy_ids[place] for place in places],
        explored.chosen[there],
        positions[there],
        [explored.kept[place] for place in places],
        [explored.notes[place] for place in places],
        begins,
        lambda: ids(among),
        taken,
        weights,
        lambda: _aside(explored, ids),
    )


def _aside(explored: Explored, ids: Callable[[np.ndarray], pa.Array]) -> dict[str, str]:
    places = (explored.aside != NONE).nonzero()[0]
    return dict(zip(ids(places).to_pylist(), (IN_TURN[guard] for guard in explored.aside[places].tolist()), strict=True))


def impression_ids(seed: int, user_id: str, title_ids: Sequence[str], at: datetime) -> list[str]:
    """One for each title that a user is shown at a moment; alike wherever they are made."""
    from xxhash import xxh3_128_hexdigest

    head = f"{seed}/{at.timestamp():.6f}/{len(user_id)}/{user_id}/".encode()
    return [xxh3_128_hexdigest(head + title_id.encode()) for title_id in title_ids]


def lines_of(table: pa.Table) -> list[Logged]:
    """The rows of a table of CHOICE_LOG, such as a Parquet file of them.

    Raises LogError where a column is missing.
    """
    if missing := [name for name in CHOICE_LOG.names if name not in table.column_names]:
        raise LogError(f"a log of choices needs {', '.join(missing)}; see CHOICE_LOG in embed/records.py")
    return [_line(row) for row in table.select(CHOICE_LOG.names).to_pylist()]


def table_of(lines: Sequence[Logged]) -> pa.Table:
    """Lines as a table of CHOICE_LOG."""
    rows = [asdict(line) | {"considered": [one._asdict() for one in line.considered]} for line in lines]
    return pa.Table.from_pylist(rows, schema=CHOICE_LOG)


def as_json(line: Logged) -> str:
    """One line of text, without a line break in it."""
    record = asdict(line) | {
        "shown_at": line.shown_at.isoformat(timespec="microseconds"),
        "considered": [one._asdict() for one in line.considered],
    }
    return json.dumps(record, ensure_ascii=False)


def from_json(text: str) -> Logged:
    """The line again. Raises LogError where the text is none."""
    try:
        record = json.loads(text)
        return _line({**record, "shown_at": datetime.fromisoformat(record["shown_at"])})
    except (ValueError, KeyError, TypeError) as error:
        raise LogError(
            f"not a line of a log of choices ({error!r}): {text[:80]!r}; write them with match.exploring.log"
        ) from error


def _line(row: dict[str, Any]) -> Logged:
    found = {field.name: row[field.name] for field in fields(Logged)}
    considered = tuple(Considered(**one) for one in row["considered"])
    return Logged(**found | {"notes": tuple(row["notes"] or ()), "considered": considered})
