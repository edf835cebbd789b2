"""Weights that a store publishes: what `Matcher.open` takes where nobody gives others, with what they were fitted on."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from embed.locks import only_writer
from embed.records import BLEND
from embed.store import Store, has_table, read_table, replace_table, tidy_table
from match.blend import Weights

TABLE = "blend"


def read_weights(store: Store) -> Weights:
    """The weights that the store publishes; the defaults where it publishes none."""
    published = read_published(store)
    return Weights() if published is None else published[0]


def read_published(store: Store) -> tuple[Weights, dict[str, Any]] | None:
    """The weights that the store publishes, and what they were fitted on, by the names of BLEND and of the report; None for none."""
    rows = read_table(store, TABLE).to_pylist() if has_table(store, TABLE) else []
    if not rows:
        return None
    (row,) = rows
    weights = Weights(**{name: row.pop(name) for name in asdict(Weights())})
    return weights, row | {"report": json.loads(row["report"])}


def publish_weights(store: Store, weights: Weights, report: dict[str, Any], **fitted_on: Any) -> None:
    """Make them the store's, in place of those before, as one commit; fitted_on: the fields of BLEND by name.

    Who serves with a LiveMatcher takes them up; match_all makes its choices anew.
    """
    row = asdict(weights) | fitted_on | {"fitted_at": datetime.now(UTC), "report": json.dumps(report)}
    with only_writer(store.lock(TABLE), "fit_blend"):
        _write(store, pa.Table.from_pylist([row], schema=BLEND))


def forget_weights(store: Store) -> bool:
    """Back to the defaults; whether others were published."""
    with only_writer(store.lock(TABLE), "fit_blend"):
        if read_published(store) is None:
            return False
        _write(store, BLEND.empty_table())  # not dropped: versions must go on rising for whoever follows them
    return True


def _write(store: Store, rows: pa.Table) -> None:
    replace_table(store, TABLE, rows)
    tidy_table(store, TABLE)
