"""The lift over time as a picture: how the estimate went, and the interval that held at every look."""

from pathlib import Path

import numpy as np

from embed.errors import ArtworkMatcherError
from match.drawing import blank, save
from match.experiments.trial import Trial

WIDTH, HEIGHT = 9.0, 3.2  # inches, of a panel
ROOM = 1.5  # of the picture's height, as a multiple of the last interval: the first days' are many times as wide


def draw_course(trial: Trial, file: Path) -> None:
    """Write `file` in the format that its ending names, a panel for each arm.

    Raises ArtworkMatcherError without matplotlib, for an unknown ending, or where nothing was compared.
    """
    if not np.isfinite(trial.course.relative).any():
        raise ArtworkMatcherError("--plot: no arm was compared with the control on any day; the report without it says why")
    canvas = blank(WIDTH, HEIGHT * len(trial.course.arms))
    panels = canvas.subplots(len(trial.course.arms), 1, squeeze=False, sharex=True)[:, 0]
    for row, (axis, arm) in enumerate(zip(panels, trial.course.arms, strict=True)):
        lift, low, high = (100 * part[row] for part in (trial.course.relative, trial.course.low, trial.course.high))
        axis.fill_between(trial.course.days, low, high, color="tab:blue", alpha=0.2, linewidth=0)
        axis.plot(trial.course.days, lift, color="tab:blue", marker="o", markersize=3)
        axis.axhline(0, color="0.3", linewidth=1)
        for sign in (-1, 1):
            axis.axhline(sign * 100 * trial.plan.mde, color="0.6", linewidth=1, linestyle=":")
        last = np.flatnonzero(np.isfinite(lift))
        if len(last):
            _frame(axis, *(part[last[-1]] for part in (low, high)))
        axis.set_title(f"{arm} over {trial.plan.control}", fontsize=9, loc="left")
        axis.set_ylabel("lift, %", fontsize=8)
        axis.tick_params(labelsize=8)
        axis.grid(alpha=0.3)
    panels[-1].tick_params(axis="x", rotation=30)
    canvas.suptitle(
        f"Line: lift in all until that day; band: {100 * trial.confidence:.4g} % interval that holds on all days at once; "
        f"dotted: the smallest lift worth finding",
        fontsize=8,
    )
    save(canvas, file)


def _frame(axis, low: float, high: float) -> None:  # type: ignore[no-untyped-def]
    """Where the last interval is, and 0, with room for those before."""
    if np.isfinite(high):
        bottom, top = min(low, 0.0), max(high, 0.0)
        axis.set_ylim(bottom - ROOM * (top - bottom), top + ROOM * (top - bottom))
