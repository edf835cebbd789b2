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
from match.clicks.days import count_days
from match.clicks.priors import Priors, priors_of
from match.clicks.rules import Rules

LISTED = 20  # segments named in an error


def segment_priors(logs: Path | str, segment: str, rules: Rules | None = None) -> Priors:
    """P(quality play | impression) in a segment, by its folded name, of each artwork that was shown there.

    logs: a folder as `learn_priors` takes it. Raises QueryError, with those there are, for a segment that no impression that counts
    names; LogError as `learn_priors` does.
    """
    days = count_days(logs, rules or Rules(), needed=("segment",))
    there = days.cells.filter(pc.is_valid(days.cells["name"])).group_by("name").aggregate([("impressions", "sum")])
    if fold(segment) not in map(fold, there["name"].to_pylist()):
        raise QueryError(f"--segment {segment!r}: no impression in {logs} names it; {_in_words(there)}")
    priors = priors_of(days).in_segment(segment)
    return replace(priors, table=priors.table.filter(pc.greater(priors.table["impressions"], 0)))


def _in_words(there: pa.Table) -> str:
    if not len(there):
        return "none names any: fill the segment of the impressions table"
    named = sorted(there.to_pylist(), key=lambda row: (-row["impressions_sum"], row["name"]))
    some = ", ".join(f"{row['name']!r} ({row['impressions_sum']:,} impressions)" for row in named[:LISTED])
    return f"there are {some}" + (f" and {len(named) - LISTED:,} more" if len(named) > LISTED else "")
