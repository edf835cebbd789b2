"""Segments: what clicks taught about each artwork in one audience segment, such as viewers under thirty, straight out of logs.

What is believed of an artwork in a segment before it was shown there is what the other segments' clicks taught about it, times how
many times as often this segment plays altogether (match.clicks.priors, which has it of a store's own priors as `in_segment`).
"""

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from embed.errors import QueryError
from embed.records import fold
from match.clicks.days import Rules, count_days
from match.clicks.logs import aggregate
from match.clicks.priors import Priors, priors_of

LISTED = 20  # segments named in an error

COLUMNS = ("impression_id", "segment")
NAMES = "SELECT segment, count(*) AS impressions FROM shown WHERE segment IS NOT NULL GROUP BY ALL ORDER BY ALL"


def segment_priors(logs: Path | str, segment: str, rules: Rules | None = None) -> Priors:
    """P(quality play | impression) in a segment, by its folded name, of each artwork that was shown there.

    logs: a folder as `learn_priors` takes it. Raises QueryError, with those there are, for a segment that no impression names;
    LogError as `learn_priors` does.
    """
    there = aggregate(logs, COLUMNS, NAMES)
    names = [name for name in there["segment"].to_pylist() if fold(name) == fold(segment)]
    if not names:
        raise QueryError(f"--segment {segment!r}: no impression in {logs} names it; {_in_words(there)}")
    priors = priors_of(count_days(logs, rules or Rules())).in_segment(segment)
    return replace(priors, table=priors.table.filter(pc.greater(priors.table["impressions"], 0)))


def _in_words(there: pa.Table) -> str:
    if not len(there):
        return "none names any: fill the segment of the impressions table"
    named = sorted(there.to_pylist(), key=lambda row: (-row["impressions"], row["segment"]))
    some = ", ".join(f"{row['segment']!r} ({row['impressions']:,} impressions)" for row in named[:LISTED])
    return f"there are {some}" + (f" and {len(named) - LISTED:,} more" if len(named) > LISTED else "")
