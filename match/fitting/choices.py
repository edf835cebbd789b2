"""A log of choices, beside its plays, to what the fit needs of each: units of every part of the artwork shown, and its weight.

The parts in a log are weight times unit, so they are divided by the weights that served. A part that was served with weight 0 was
not measured, whatever the user liked: such a log tells nothing of it. Of a user with several interests the unit of words is that
beside the weights that served (match.words): the fit is a step from these, and after a large one the next log is fitted anew.

A choice counts as an impression does for priors (match.clicks.rules: no bots, no repeats, none that may still be played), and where
it was drawn from two artworks or more. What was kept from before, or had no rival, says nothing of one artwork against another.
"""

from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from embed.errors import LogError
from match.blend import PERSONAL, Weights
from match.clicks.facts import open_facts
from match.clicks.rules import Rules
from match.exploring.log import weights_of
from match.judging.diagnosis import kish

if TYPE_CHECKING:
    import duckdb

MOST_WEIGHT = 20.0  # of one choice: as much as it has with the default floor, 0.05, at most
ALIKE = 1e-9  # units, or log-odds: what differs by less is rounding
MORE = ("propensity", "snapshot", "parameters", "considered")  # columns beside those of impressions


@dataclass(frozen=True)
class Choices:
    """n choices that were drawn, each from two artworks or more; k parts, in the order of `parts`."""

    user: np.ndarray  # (n,) int64 from 0, by name
    day: np.ndarray  # (n,) int64, since 1970, UTC
    quality: np.ndarray  # (n,) float64: 1 where it led to a quality play, else 0
    prior: np.ndarray  # (n,) float64, log-odds, of the artwork shown
    own: np.ndarray  # (n, k) float64, units: how much more of each part it has than all that could have been shown, on average
    common: np.ndarray  # (n, k) float64, units: that average
    drawn: np.ndarray  # (n,) float64 above 0: 1 / (how many could have been shown · its propensity)
    parts: tuple[str, ...] = PERSONAL
    silent: dict[str, str] = field(default_factory=dict)  # a part of which the log tells nothing, and why
    left_out: dict[str, int] = field(default_factory=dict)  # why, by a name of WHY, and how many choices
    snapshots: tuple[str, ...] = ()
    assumed: int = 0  # choices whose log does not say the weights that served; the defaults are taken

    def __len__(self) -> int:
        return len(self.user)

    @cached_property
    def weights(self) -> np.ndarray:
        """(n,) float64, 1 on average: inverse propensities.

        They stand for the same users, titles and moments with every artwork that could have been shown shown equally often. There
        nothing about a user or a title goes together with what sets the shown artwork apart from its rivals; in the log itself it
        does, since whoever has a strong taste is shown what stands out. Clipped at MOST_WEIGHT, so that no single choice speaks for
        the log: what a policy shows more seldom than its floor should allow then counts as if shown a little more often.
        """
        clipped = np.minimum(self.drawn, MOST_WEIGHT)
        weights: np.ndarray = clipped / clipped.mean()
        return weights

    @property
    def effective(self) -> float:
        """As many choices of one weight would know as much (Kish 1965)."""
        return kish(self.weights)

    @property
    def clipped(self) -> int:
        """Choices whose weight would be larger."""
        return int((self.drawn > MOST_WEIGHT).sum())

    @property
    def units(self) -> np.ndarray:
        """(n, k): of the artwork shown."""
        units: np.ndarray = self.own + self.common
        return units

    def taken(self, rows: np.ndarray) -> "Choices":
        """Some of them: rows (m,) of bool or int."""
        columns = ("user", "day", "quality", "prior", "own", "common", "drawn")
        kept = {one.name: getattr(self, one.name) for one in fields(self) if one.name not in columns}
        return Choices(*(getattr(self, name)[rows] for name in columns), **kept)


# Of each choice: its parts in units, beside the mean of all that could have been shown.
OF_CHOICES = """
    WITH told AS (
        SELECT facts.*, len(considered) AS rivals, said, {units},
            list_filter(considered, lambda one: one.artwork_id = facts.artwork_id)[1] AS shown
        FROM facts LEFT JOIN served ON facts.parameters IS NOT DISTINCT FROM served.parameters
    )
    SELECT user_id, shown_day, quality, snapshot, propensity, rivals, said, shown.prior AS prior, {columns},
        CASE WHEN verdict <> 'counted' THEN verdict
            WHEN user_id IS NULL OR shown_day IS NULL OR shown.prior IS NULL OR NOT coalesce(propensity > 0, false)
                THEN 'unknown'
            WHEN rivals < 2 THEN 'alone' END AS why
    FROM told ORDER BY impression_id
"""
WHY = {
    "bot": "of users with too many in a day",
    "repeat": "beyond the most of one artwork for one user in a day",
    "young": "which may still be played",
    "unknown": "that do not say who saw it and when, its propensity, or what else could have been shown",
    "alone": "kept from before, or without a rival",
    "unmeasured": "served with a weight of 0 for a part that others tell of",
}


def read_choices(logs: Path | str, rules: Rules | None = None) -> Choices:
    """The choices of a folder of logs whose `impressions` are as CHOICE_LOG has them; its `plays` are as `learn_priors` reads them.

    Choices whose log does not say the weights that served, as older releases', are taken to have had the defaults.
    Raises LogError where the folder, a file or a column is missing or cannot be read, or no choice counts.
    """
    with open_facts(logs, rules, more=MORE, needed=("user_id", "shown_at")) as facts:
        _register_weights(facts.connection)
        mean = "list_avg(list_transform(considered, lambda one: one.{part})) / served.{part} AS common_{part}, served.{part}"
        units = ", ".join(mean.format(part=part) for part in PERSONAL)
        columns = ", ".join(f"shown.{part} / told.{part} AS {part}, common_{part}" for part in PERSONAL)
        found = facts.connection.sql(OF_CHOICES.format(units=units, columns=columns)).to_arrow_table()
    return _choices(found, logs)


def _register_weights(connection: "duckdb.DuckDBPyConnection") -> None:
    """The table `served`: the weights that each text of `parameters` says; NULL in place of 0, by which nothing is divided."""
    found = connection.execute("SELECT DISTINCT parameters FROM facts").fetchall()
    said = [(text, weights_of(text)) for (text,) in found]
    rows = [
        {"parameters": text, "said": one is not None, **{part: getattr(one or Weights(), part) or None for part in PERSONAL}}
        for text, one in said
    ]
    types = [("parameters", pa.string()), ("said", pa.bool_()), *((part, pa.float64()) for part in PERSONAL)]
    connection.register("served", pa.Table.from_pylist(rows, schema=pa.schema(types)))


def _choices(found: pa.Table, logs: Path | str) -> Choices:
    """Out of what OF_CHOICES answers."""
    left_out = {one["values"]: one["counts"] for one in pc.value_counts(found["why"]).to_pylist() if one["values"]}
    counted = found.filter(pc.is_null(found["why"]))
    units, common = (_parts_of(counted, name) for name in ("", "common_"))
    measured = ~np.isnan(units).all(axis=0)
    whole = ~np.isnan(units[:, measured]).any(axis=1)
    if not whole.any():
        raise LogError(f"no choice in {logs} counts ({_in_words(left_out)}); explore, and log it (match.exploring)")
    if not whole.all():
        left_out["unmeasured"] = int((~whole).sum())
    counted, common, own = counted.filter(pa.array(whole)), common[whole], (units - common)[whole]
    differs = measured & (abs(np.where(measured, own, 0.0)).max(axis=0) > ALIKE)
    user_id, propensity, rivals = counted["user_id"], _numbers(counted, "propensity"), _numbers(counted, "rivals")
    return Choices(
        pc.index_in(user_id, pc.unique(user_id).sort()).to_numpy().astype(np.int64),
        counted["shown_day"].to_numpy().astype(np.int64),
        _numbers(counted, "quality"),
        _numbers(counted, "prior"),
        own[:, differs],
        common[:, differs],
        1 / (rivals * propensity),
        tuple(part for part, tells in zip(PERSONAL, differs, strict=True) if tells),
        _silent(measured, differs),
        left_out,
        tuple(pc.unique(counted["snapshot"]).drop_null().sort().to_pylist()),
        int(pc.sum(pc.invert(counted["said"])).as_py() or 0),
    )


def _numbers(table: pa.Table, name: str) -> np.ndarray:
    """(n,) float64, nan for null."""
    numbers: np.ndarray = table[name].to_numpy().astype(np.float64)
    return numbers


def _parts_of(table: pa.Table, prefix: str) -> np.ndarray:
    """(n, k) float64."""
    return np.column_stack([_numbers(table, f"{prefix}{part}") for part in PERSONAL])


def _silent(measured: np.ndarray, differs: np.ndarray) -> dict[str, str]:
    """The parts (k,) bool of which the log tells nothing, and why."""
    return {
        part: f"stays: it was {'alike on all artwork' if there else 'served with weight 0'}, so that the log tells nothing of it"
        for part, there, tells in zip(PERSONAL, measured, differs, strict=True)
        if not tells
    }


def _in_words(left_out: dict[str, int]) -> str:
    return "; ".join(f"{count} {WHY[why]}" for why, count in left_out.items()) or "there are none"
