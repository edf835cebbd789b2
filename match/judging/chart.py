"""Candidates side by side as a picture: what each would have brought, by each estimator, beside the log's own policy."""

from pathlib import Path
from typing import Any

from embed.errors import ArtworkMatcherError
from match.drawing import blank, save
from match.judging.comparison import Comparison
from match.judging.intervals import Estimate
from match.judging.verdict import Judgement

WIDTH, MARGIN, LANE = 9.0, 1.5, 0.19  # inches: of the picture, above and below, and for each estimate
COLORS = {"better": "tab:green", "worse": "tab:red"}
UNTOLD, OTHER, OWN = "tab:orange", "0.55", "tab:blue"
MARKERS = {"replay": "s", "IPS": "^", "SNIPS": "v", "DM": "D", "DR": "o", "Switch-DR": "P"}
ROOM = 0.05  # of the width of what must be seen, on each side of it


def draw_candidates(comparison: Comparison, file: Path) -> None:
    """Write `file` in the format that its ending names: a band for the log's own policy, and for each candidate its estimates.

    Raises ArtworkMatcherError without matplotlib, for an unknown ending, or where the log can carry no estimate.
    """
    heard = {name: one for name, one in comparison.judged.items() if one.heard}
    if not heard or comparison.logged is None:
        raise ArtworkMatcherError("--plot: the log can carry no candidate's estimate; the report without it says why")
    lanes = sum(len(one.estimates) + 1 for one in heard.values())
    canvas = blank(WIDTH, MARGIN + LANE * (lanes + 1))
    axis = canvas.subplots()
    _draw(axis, comparison.logged, heard)
    missing = [name for name in comparison.judged if name not in heard]
    canvas.suptitle(_caption(comparison, missing), fontsize=8)
    save(canvas, file)


def _draw(axis: Any, own: Estimate, heard: dict[str, Judgement]) -> None:
    axis.axvspan(100 * own.low, 100 * own.high, color=OWN, alpha=0.15, linewidth=0)
    axis.axvline(100 * own.value, color=OWN, linewidth=1)
    for between in range(1, len(heard)):
        lanes = [len(one.estimates) + 1 for one in list(heard.values())[:between]]
        axis.axhline(sum(lanes) - 1, color="0.85", linewidth=0.8)
    places, labels, lane = [], [], 0
    for name, one in heard.items():
        places.append(lane)
        labels.append(name.replace(":", ":\n", 1).replace(",", ",\n"))
        speaks = one.estimates[one.by]
        _lane(axis, lane, speaks, COLORS.get(one.answer, UNTOLD), wide=True)
        for estimate in one.estimates.values():
            lane += estimate is not speaks
            if estimate is not speaks:
                _lane(axis, lane, estimate, OTHER, wide=False)
        lane += 2
    axis.set_yticks(places, labels, fontsize=9)
    axis.set_ylim(lane - 1, -1)
    edges = [edge for one in heard.values() for each in one.estimates.values() for edge in (each.low, each.high)]
    least, most = 100 * min(own.low, *edges), 100 * max(own.high, *edges)
    axis.set_xlim(least - ROOM * (most - least), most + ROOM * (most - least))
    axis.set_xlabel("quality plays in 100 draws", fontsize=8)
    axis.tick_params(axis="x", labelsize=8)
    axis.grid(axis="x", alpha=0.3)


def _lane(axis: Any, lane: int, estimate: Estimate, color: str, *, wide: bool) -> None:
    value, low, high = (100 * each for each in (estimate.value, estimate.low, estimate.high))
    axis.plot([low, high], [lane, lane], color=color, linewidth=3 if wide else 1, solid_capstyle="butt")
    axis.plot([value], [lane], color=color, marker=MARKERS.get(estimate.name, "o"), markersize=6 if wide else 3.5)
    axis.annotate(
        estimate.name,
        (1.0, lane),
        xycoords=axis.get_yaxis_transform(),
        xytext=(4, 0),
        textcoords="offset points",
        va="center",
        fontsize=8 if wide else 7,
        color=color,
    )


def _caption(comparison: Comparison, missing: list[str]) -> str:
    own = " and ".join(comparison.policies) or "the log's own policy"
    told = f"Blue: {own}, as it was served. Thick: the estimate that speaks, green where better than that, red where worse,\n"
    told += "orange where not told. Grey: the other estimators. Lines are intervals of 95 % by bootstrap; those of DM and Switch-DR\n"
    told += "leave out how far the model behind them may be wrong."
    return told + (f"\nNot drawn, since the log cannot carry it: {', '.join(missing)}." if missing else "")
