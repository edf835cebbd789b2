"""Segments: what clicks taught about each artwork in one audience segment, such as viewers under thirty.

What is believed of an artwork in a segment before it was shown there is what the other segments' clicks taught about it, moved by
how much more or less this segment plays altogether, in log-odds; it is worth STRENGTH impressions, as in match.clicks.priors.
"""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from embed.errors import QueryError
from embed.records import PRIOR, fold
from match.blend import Prior, logit
from match.clicks.logs import aggregate
from match.clicks.priors import STRENGTH, Priors, rate_of

LISTED = 20  # segments named in an error

COLUMNS = ("impression_id", "title_id", "artwork_id", "segment")
NAMES = "SELECT segment, count(*) AS impressions FROM shown WHERE segment IS NOT NULL GROUP BY ALL ORDER BY ALL"
COUNTS = """
    SELECT title_id, artwork_id,
        count(*) FILTER (here) AS impressions, count(quality.impression_id) FILTER (here) AS plays,
        count(*) FILTER (NOT here) AS others, count(quality.impression_id) FILTER (NOT here) AS others_plays
    FROM (SELECT *, coalesce(list_contains($names, segment), false) AS here FROM shown) LEFT JOIN quality USING (impression_id)
    GROUP BY ALL ORDER BY ALL
"""


def segment_priors(logs: Path | str, segment: str) -> Priors:
    """P(quality play | impression) in a segment, by its folded name, of each artwork that was shown there.

    logs: a folder as `learn_priors` takes it. Raises QueryError, with those there are, for a segment that no impression names;
    LogError as `learn_priors` does.
    """
    there = aggregate(logs, COLUMNS, NAMES)
    names = [name for name in there["segment"].to_pylist() if fold(name) == fold(segment)]
    if not names:
        raise QueryError(f"--segment {segment!r}: no impression in {logs} names it; {_in_words(there)}")
    counts = aggregate(logs, COLUMNS, COUNTS, {"names": names})
    here, plays, others, others_plays = (counts[name].to_numpy() for name in ("impressions", "plays", "others", "others_plays"))
    rate, elsewhere = (rate_of(int(p.sum()), int(shown.sum())) for p, shown in ((plays, here), (others_plays, others)))
    usual = (others_plays + STRENGTH * elsewhere) / (others + STRENGTH)
    expected = 1 / (1 + np.exp(-(logit(usual) + logit(rate) - logit(elsewhere))))
    mean = (plays + STRENGTH * expected) / (here + STRENGTH)
    table = counts.drop_columns(["others", "others_plays"]).append_column("mean", pa.array(mean)).cast(PRIOR)
    return Priors(table.filter(pc.greater(table["impressions"], 0)), Prior(rate, 0, 0))


def _in_words(there: pa.Table) -> str:
    if not len(there):
        return "none names any: fill the segment of the impressions table"
    named = sorted(there.to_pylist(), key=lambda row: (-row["impressions"], row["segment"]))
    some = ", ".join(f"{row['segment']!r} ({row['impressions']:,} impressions)" for row in named[:LISTED])
    return f"there are {some}" + (f" and {len(named) - LISTED:,} more" if len(named) > LISTED else "")
