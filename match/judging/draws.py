"""Draws: what of a log of choices is judged. An artwork drawn for a user and a title, all impressions that it was kept for, one reward.

A title keeps its artwork for a user: within a period, and longer once the budget of changes is spent (match.exploring.keeping). What
was kept was not drawn, its propensity of 1 says nothing of a policy, and what it earned is due to the draw that it kept. So a draw is
judged once, with its propensities at the time, and its reward is whether any of its impressions led to a quality play. Judged one by
one, impressions would tell of an artwork what an earlier look at the same artwork has brought.

A draw begins where the artwork is drawn and the period is another, or where the artwork changes. What was kept from before the log
began has no draw, and is left out. A log without `period` and `kept` is one of a policy that draws each time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from embed.errors import LogError
from match.blend import PERSONAL
from match.clicks.facts import Facts, open_facts
from match.clicks.logs import READERS, quoted, text
from match.clicks.rules import Rules, Wait
from match.judging.candidates import DEFAULTS
from match.judging.served import Placed, considered_of, place

if TYPE_CHECKING:
    import duckdb

NEEDED = ("propensity", "considered")  # beyond what every log has
MAYBE = ("period", "kept", "policy", "parameters")  # what a log may lack
OF_TABLE = ("impression_id", "artwork_id", "propensity")
ROUNDED = 1e-3  # that propensities worked out elsewhere may add up to, less or more than 1

RUNS = """
    CREATE TEMP TABLE runs AS
    WITH turns AS (
        SELECT impression_id, user_id, title_id, artwork_id, shown_us, quality, verdict, period,
            nullif(trim(kept), '') AS kept
        FROM facts WHERE hash(user_id) % {shares} = 0
    ),
    begun AS (
        SELECT *, artwork_id IS DISTINCT FROM lag(artwork_id) OVER turn OR kept IS NULL AND (period IS NULL
            OR period IS DISTINCT FROM last_value(CASE WHEN kept IS NULL THEN period END IGNORE NULLS) OVER before) AS begins
        FROM turns
        WINDOW turn AS (PARTITION BY user_id, title_id ORDER BY shown_us, impression_id),
            before AS (PARTITION BY user_id, title_id ORDER BY shown_us, impression_id
                       ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
    ),
    numbered AS (
        SELECT *, count(*) FILTER (begins) OVER (
            PARTITION BY user_id, title_id ORDER BY shown_us, impression_id ROWS UNBOUNDED PRECEDING) AS run
        FROM begun
    )
    SELECT min(impression_id) FILTER (begins) AS impression_id, bool_or(begins AND kept IS NULL) AS drawn,
        bool_or(begins AND verdict = 'counted') AS counts, count(*) FILTER (verdict = 'counted') AS impressions,
        coalesce(max(quality) FILTER (verdict = 'counted'), 0) AS played
    FROM numbered GROUP BY user_id, title_id, run
"""
CHOICES = """
    SELECT facts.impression_id, user_id, title_id, artwork_id, place, propensity, considered, policy, impressions, played,
        {said}
    FROM runs JOIN facts USING (impression_id) WHERE drawn AND counts {only}
    ORDER BY shown_us, impression_id
"""


SAID = "TRY_CAST(CASE WHEN json_valid(parameters) THEN json_extract_string(parameters, '$.{at}') END AS DOUBLE) AS {name}"
PARAMETERS = {"floor": "floor", **{part: f"weights.{part}" for part in PERSONAL}}


class Left(NamedTuple):
    """What is judged, and what was left out of it: impressions, where nothing else is said."""

    draws: int  # judged, ...
    impressions: int  # ... and of how many impressions
    users: int  # of the draws
    shares: int  # users of one share out of so many are judged, and the counts are theirs
    young: int  # may still be played
    repeats: int
    bots: int
    lost: int  # kept from before the log began, or from a choice that it lacks
    others: int  # draws of other policies than the one asked for
    nameless: int  # of no user
    wait: Wait


@dataclass(frozen=True)
class Draws:
    """n draws, with m artworks considered in all."""

    choices: pa.Table  # n rows of what the log says when the artwork was drawn: see CHOICES
    played: np.ndarray  # (n,) float64: 1 where an impression of it led to a quality play
    considered: pa.StructArray  # (m,) as CONSIDERED has it, what the log lacks being null
    starts: np.ndarray  # (n + 1,) int64
    tables: dict[str, np.ndarray]  # by name: (m,) propensities of policies that were worked out elsewhere
    left: Left

    @cached_property
    def placed(self) -> Placed:
        """Where they lie in a Log, whatever policy is judged."""
        return place(self.choices)

    @property
    def policies(self) -> tuple[str, ...]:
        """Those that chose, as the log names them."""
        return tuple(sorted(pc.unique(self.choices["policy"]).drop_null().to_pylist()))

    @property
    def served(self) -> np.ndarray:
        """(n, 3) float64: the weights of PERSONAL that served; the defaults where the log does not say them."""
        columns = [
            pc.fill_null(self.choices[part], default).to_numpy() for part, default in zip(PERSONAL, DEFAULTS, strict=True)
        ]
        return np.column_stack(columns)

    @property
    def assumed(self) -> float:
        """The share of draws whose log does not say the weights that served."""
        return float(pc.is_null(self.choices[PERSONAL[0]]).to_numpy().mean())

    def without_floor(self, policy: str) -> float:
        """The share of draws that this policy made without a floor, as far as the log says."""
        is_it = pc.and_(pc.equal(self.choices["policy"], policy), pc.equal(self.choices["floor"], 0.0))
        return float(pc.fill_null(is_it, False).to_numpy().mean())


def read_draws(
    logs: Path | str,
    rules: Rules | None = None,
    policy: str | None = None,
    tables: Mapping[str, Path] | None = None,
    most: int = 1_000_000,
) -> Draws:
    """The draws of a folder with `impressions`, a log of choices (embed.records.CHOICE_LOG), and `plays`.

    policy: only draws of this one. tables: by name, files with impression_id, artwork_id and propensity of another policy, for all
    draws (a draw is known by its first impression). most: impressions; of more, those of a share of the users, by hash. Raises
    LogError where a file or a column is missing or cannot be read, no draw is left, or a table lacks a draw.
    """
    needed, more = ("user_id", "shown_at"), (*NEEDED, *MAYBE)
    with open_facts(logs, rules, more=more, needed=needed, maybe=MAYBE, repeated="title_id") as facts:
        shares = 1 + (facts.count - 1) // most if facts.count else 1
        facts.connection.execute(RUNS.format(shares=shares))
        said = ", ".join(SAID.format(name=name, at=at) for name, at in PARAMETERS.items())
        only = "" if policy is None else f"AND policy = {text(policy)}"
        choices = facts.connection.sql(CHOICES.format(only=only, said=said)).to_arrow_table()
        left = _left(facts, choices, shares)
        _check(choices, left, logs, policy)
        choices = choices.combine_chunks()
        considered = considered_of(choices)
        sizes = pc.list_value_length(considered).to_numpy()
        read = {name: _read_table(facts.connection, path, choices, considered) for name, path in (tables or {}).items()}
    played = choices["played"].to_numpy().astype(np.float64)
    return Draws(choices, played, considered.flatten(), np.append(0, np.cumsum(sizes)), read, left)


def _left(facts: Facts, choices: pa.Table, shares: int) -> Left:
    """What became of the impressions of the share that is judged."""
    sql, mine = facts.connection.execute, f"hash(user_id) % {shares} = 0"
    by = dict(sql(f"SELECT verdict, count(*) FROM facts WHERE {mine} GROUP BY verdict").fetchall())
    ((nameless,),) = sql("SELECT count(*) FROM facts WHERE user_id IS NULL").fetchall()
    ((draws, lost),) = sql(
        "SELECT count(*) FILTER (drawn AND counts), sum(impressions) FILTER (NOT drawn) FROM runs"
    ).fetchall()
    young, repeats, bots = (by.get(verdict, 0) for verdict in ("young", "repeat", "bot"))
    others, users = draws - len(choices), pc.count_distinct(choices["user_id"]).as_py()
    impressions = pc.sum(choices["impressions"]).as_py() or 0
    return Left(len(choices), impressions, users, shares, young, repeats, bots, int(lost or 0), others, nameless, facts.wait)


def _check(choices: pa.Table, left: Left, logs: Path | str, policy: str | None) -> None:
    if policy is not None and not len(choices) and left.others:
        raise LogError(f"{logs}: none of {left.others:,} draws was made by the policy {policy!r}")
    if not len(choices):
        why = f"{left.young:,} may still be played, {left.bots:,} are of machines, {left.lost:,} were kept from before"
        raise LogError(f"{logs}: no draw to judge; of its impressions {why}")
    sizes = pc.fill_null(pc.list_value_length(choices["considered"]), 0)
    if empty := int((sizes.to_numpy() == 0).sum()):
        raise LogError(
            f"{logs}: {empty:,} of {len(choices):,} draws do not say what was considered; log it with each choice, as "
            "match.exploring.log does"
        )


def _read_table(connection: "duckdb.DuckDBPyConnection", path: Path, choices: pa.Table, considered: pa.ListArray) -> np.ndarray:
    """(m,) a file's propensities of what was considered, each draw's divided by what all its artwork has in the file."""
    if not path.is_file() or path.suffix not in READERS:
        raise LogError(f"no propensities at {str(path)!r}; give a .parquet, .csv or .jsonl file with {', '.join(OF_TABLE)}")
    types = {"impression_id": "VARCHAR", "artwork_id": "VARCHAR", "propensity": "DOUBLE"}
    source = READERS[path.suffix].format(path=quoted(path), columns=types)
    columns = ", ".join(f"CAST({name} AS {kind}) AS {name}" for name, kind in types.items())
    owners = pc.list_parent_indices(considered)
    flat = {
        "number": pa.array(np.arange(len(owners))),
        "impression_id": choices["impression_id"].combine_chunks().take(owners),
        "artwork_id": considered.flatten().field("artwork_id"),
    }
    connection.register("flat", pa.table(flat))
    connection.register("draws", choices.select(["impression_id"]))
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE given AS SELECT {columns} FROM {source} SEMI JOIN draws USING (impression_id)"
    )
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE totals AS SELECT impression_id, sum(propensity) AS total, min(propensity) AS least"
        " FROM given GROUP BY impression_id"
    )
    _check_table(connection, path)
    found = connection.sql(
        "SELECT coalesce(any_value(propensity / total), 0.0) AS propensity FROM flat LEFT JOIN given USING (impression_id, artwork_id)"
        " LEFT JOIN totals USING (impression_id) GROUP BY number ORDER BY number"
    ).fetchnumpy()
    return np.asarray(found["propensity"], np.float64)


def _check_table(connection: "duckdb.DuckDBPyConnection", path: Path) -> None:
    """Raises LogError where a draw's propensities are none: not there, below 0, twice, or too few or too many in all."""
    wrong = connection.execute(
        "SELECT impression_id, total, count(*) OVER () FROM draws LEFT JOIN totals USING (impression_id)"
        f" WHERE total IS NULL OR least < 0 OR NOT abs(total - 1) <= {ROUNDED} OR isnan(total) ORDER BY impression_id LIMIT 1"
    ).fetchall()
    if wrong:
        ((impression_id, total, count),) = wrong
        what = "has no propensities" if total is None else f"has propensities that add up to {total:g}"
        raise LogError(
            f"{path}: the draw of impression {impression_id!r} {what}, and so {count - 1:,} more; give each draw those of all "
            "artwork, which add up to 1"
        )
    if connection.execute("SELECT 1 FROM given GROUP BY impression_id, artwork_id HAVING count(*) > 1 LIMIT 1").fetchall():
        raise LogError(f"{path} names the same artwork of an impression twice; give each once")
