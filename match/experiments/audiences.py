"""Audiences: which artwork works in which segment, out of impressions and plays.

Each artwork that was shown in a segment is compared with the title's other artwork there. Many pairs are looked at together, so that
what is called a discovery is controlled for false ones. Benjamini-Hochberg: pairs of different segments and titles are independent;
those of one title in one segment are not (what one artwork gains, the others lose), but two-sided tests that depend on each other
like that keep to it as well (Reiner-Benaim 2007; a simulation of just these is among the tests).

The comparison is fair where the artwork was drawn by chance. A policy that shows a picture to those who will like it makes it look
good: name one that drew by chance, where the log has one. The report is for one look at a finished log, not for stopping an experiment.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from embed.errors import LogError, QueryError
from match.clicks.facts import open_facts
from match.clicks.logs import text
from match.clicks.rules import Rules, none_counts
from match.experiments.arms import SEGMENT
from match.experiments.discoveries import discoveries
from match.experiments.proportions import difference, effective, p_value, z_of

EVERYONE = "everyone"  # the segment of a log that has none
FEWEST_PLAYS = 10.0  # expected of the artwork, and of the others, for the pair to be compared at all
SHARE = 0.05  # of discoveries that are false, on average, at most

OF_TITLES = """
    SELECT coalesce({segment}, {everyone}) AS segment, title_id, artwork_id, coalesce(user_id, impression_id) AS user_id, quality
    FROM facts WHERE verdict = 'counted' AND {inside}
"""
# The plays of one user hang together, whence the sums of squares, over the users of a title in a segment. Impressions that name no
# user count as users of their own.
COUNTS = """
    WITH seen AS (
        SELECT segment, title_id, artwork_id, user_id, count(*) AS shown, sum(quality) AS played FROM part GROUP BY ALL
    ),
    of_users AS (SELECT segment, title_id, user_id, sum(shown) AS shown, sum(played) AS played FROM seen GROUP BY ALL),
    of_titles AS (
        SELECT segment, title_id, count(*) AS users, sum(shown) AS all_shown, sum(played) AS all_played,
            sum(shown ** 2) AS shown_shown, sum(shown * played) AS shown_played, sum(played ** 2) AS played_played
        FROM of_users GROUP BY ALL
    )
    SELECT segment, title_id, artwork_id, sum(shown)::DOUBLE AS shown, sum(played)::DOUBLE AS played,
        any_value(users)::DOUBLE AS users, any_value(all_shown)::DOUBLE AS all_shown, any_value(all_played)::DOUBLE AS all_played,
        any_value(shown_shown) AS shown_shown, any_value(shown_played)::DOUBLE AS shown_played,
        any_value(played_played) AS played_played
    FROM seen JOIN of_titles USING (segment, title_id)
    GROUP BY ALL
"""

PAIRS = pa.schema(
    [
        pa.field("title_id", pa.string()),
        pa.field("artwork_id", pa.string()),
        pa.field("segment", pa.string()),
        pa.field("impressions", pa.int64()),
        pa.field("plays", pa.int64()),
        pa.field("rate", pa.float64()),  # quality plays per impression
        pa.field("others_impressions", pa.int64()),  # of the title's other artwork in the segment
        pa.field("others_plays", pa.int64()),
        pa.field("others_rate", pa.float64()),
        pa.field("difference", pa.float64()),  # of the rates, and its interval
        pa.field("low", pa.float64()),
        pa.field("high", pa.float64()),
        pa.field("p", pa.float64()),
        pa.field("adjusted", pa.float64()),  # the share of false discoveries at which it would be one
        pa.field("discovery", pa.bool_()),
    ]
)


@dataclass(frozen=True)
class Audiences:
    """The report."""

    pairs: pa.Table  # PAIRS: all that were compared; discoveries first, then by how much is sure of the difference
    impressions: int  # that were counted
    titles: int
    segments: int
    discoveries: int
    confidence: float  # of each interval: as many may be wrong among discoveries as discoveries may be false
    alone: int  # pairs whose title has no other artwork in the segment
    too_few: int  # pairs with too few impressions
    more: int  # impressions that half of those need at most until they are compared; 0 where there are none
    untold: int  # pairs that were compared and are no discovery
    to_tell: int  # impressions that half of those need at most, of artwork and others each, to tell a difference of a fifth of the rate
    left_out: dict[str, int] = field(default_factory=dict)  # impressions that do not count: young, repeat, bot


def report_audiences(
    logs: Path | str, *, policy: str | None = None, title: str | None = None, share: float = SHARE, rules: Rules | None = None
) -> Audiences:
    """Which artwork of `logs` (a folder as `learn_priors` takes it, with user_id) works in which segment.

    policy: only impressions of this one; title: only its pairs are in `pairs`, the control is still over all. Raises QueryError for a
    policy or title that no impression names, LogError as `match.clicks.facts.open_facts` does, and
    where no impression counts.
    """
    counts, left_out = _read(logs, policy, rules)
    if title is not None and title not in counts["title_id"].to_pylist():
        raise QueryError(f"--title {title!r}: no impression in {logs} names it")
    return replace(compare_artwork(counts, title=title, share=share), left_out=left_out)


def compare_artwork(counts: pa.Table, *, title: str | None = None, share: float = SHARE) -> Audiences:
    """The report on a table with the columns that COUNTS names, a row for each artwork in each segment."""
    names = ("shown", "played", "users", "all_shown", "all_played", "shown_shown", "shown_played", "played_played")
    shown, played, users, all_shown, all_played, ss, sp, pp = (counts[name].to_numpy().astype(np.float64) for name in names)
    usual = all_played / all_shown
    design = _design_effect(usual, users, all_shown, pp - 2 * usual * sp + usual**2 * ss)
    mine, others = effective(shown, design), effective(all_shown - shown, design)
    alone = all_shown == shown
    told = ~alone & (np.minimum(mine, others) * usual >= FEWEST_PLAYS)
    rates = played[told] / shown[told], (all_played - played)[told] / (all_shown - shown)[told]
    pair = (rates[0], mine[told]), (rates[1], others[told])
    p = p_value(*pair)
    found = discoveries(p, share)
    low, high = difference(*pair, z_of(found.level))
    apart = rates[0] - rates[1]
    sure = np.maximum(np.maximum(low, -high), 0.0)  # of the difference, in either direction
    order = np.lexsort((p, -sure, ~found.found))
    columns = [
        *(counts[name].filter(pa.array(told)) for name in ("title_id", "artwork_id", "segment")),
        *(shown[told], played[told], rates[0], (all_shown - shown)[told], (all_played - played)[told], rates[1]),
        *(apart, low, high, p, found.adjusted, found.found),
    ]
    pairs = pa.table(dict(zip(PAIRS.names, columns, strict=True))).cast(PAIRS).take(order)
    few = ~alone & ~told
    return Audiences(
        pairs if title is None else pairs.filter(pc.equal(pairs["title_id"], title)),
        int(shown.sum()),
        len(pc.unique(counts["title_id"])),
        len(pc.unique(counts["segment"])),
        int(found.found.sum()),
        1 - found.level,
        int(alone.sum()),
        int(few.sum()),
        _more(np.minimum(mine, others)[few], usual[few], design[few]),
        int((~found.found).sum()),
        _to_tell(usual[told][~found.found], design[told][~found.found], found.level),
    )


def _design_effect(rate: np.ndarray, users: np.ndarray, shown: np.ndarray, squares: np.ndarray) -> np.ndarray:
    """How many times the variance over users is that over impressions, of a title in a segment; 1 where that cannot be said."""
    with np.errstate(divide="ignore", invalid="ignore"):
        design = squares * users / (users - 1) / (shown * rate * (1 - rate))
    return np.asarray(np.maximum(np.nan_to_num(design, nan=1.0, posinf=1.0), 1.0))


MIDDLE = 0.5
FIFTH = 0.2


def _more(there: np.ndarray, rate: np.ndarray, design: np.ndarray) -> int:
    """Impressions, in the median; of pairs whose title was never played there nothing can be said."""
    known = rate > 0
    if not known.any():
        return 0
    more = (FEWEST_PLAYS / rate[known] - there[known]) * design[known]
    return int(np.ceil(np.quantile(more, MIDDLE)))


def _to_tell(rate: np.ndarray, design: np.ndarray, level: float) -> int:
    """By the usual size of a comparison of two proportions, with a power of 80 %."""
    if not len(rate):
        return 0
    each = 2 * (z_of(level) + z_of(0.4)) ** 2 * (1 - rate) / (FIFTH**2 * rate) * design
    return int(np.ceil(np.quantile(each, MIDDLE)))


def _read(logs: Path | str, policy: str | None, rules: Rules | None) -> tuple[pa.Table, dict[str, int]]:
    """(counts as COUNTS has them, impressions that do not count by why)."""
    inside = "true" if policy is None else f"policy = {text(policy)}"
    query = OF_TITLES.format(segment=SEGMENT, everyone=text(EVERYONE), inside=inside)
    with open_facts(logs, rules, more=() if policy is None else ("policy",), needed=("user_id",)) as facts:
        counts = pa.concat_tables([facts.connection.sql(COUNTS).to_arrow_table() for _ in facts.in_parts(query, "title_id")])
        aside = f"SELECT verdict, count(*) FROM facts WHERE verdict <> 'counted' AND {inside} GROUP BY verdict"
        left_out = dict(facts.connection.execute(aside).fetchall())
    if not len(counts) and not left_out:
        raise QueryError(f"no impression in {logs}" + (f" has the policy {policy!r}" if policy is not None else ""))
    if not len(counts):
        raise LogError(f"{logs}: {none_counts(left_out, facts.wait)}")
    return counts.sort_by([(name, "ascending") for name in ("segment", "title_id", "artwork_id")]), left_out
