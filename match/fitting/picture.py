"""The fit as a picture: promises against plays on days that it was not fitted on, and what each part is worth."""

from pathlib import Path

import numpy as np

from embed.errors import ArtworkMatcherError
from match.drawing import blank, save
from match.fitting.flow import Fit
from match.fitting.proof import DEFAULTS, FITTED

WIDTH, HEIGHT = 10.0, 4.8  # inches
COLOURS = {FITTED: "tab:blue", DEFAULTS: "tab:orange"}
SMALLEST = 1e-4  # of rates that are drawn: the scales are logarithmic
ROOM = 1.6  # times the largest rate


def draw_fit(fitted: Fit, file: Path) -> None:
    """Write `file` in the format that its ending names.

    Raises ArtworkMatcherError without matplotlib, for an unknown ending, or where nothing was fitted.
    """
    if fitted.proof is None:
        raise ArtworkMatcherError("--plot: nothing was fitted; the report without it says why")
    canvas = blank(WIDTH, HEIGHT)
    left, right = canvas.subplots(1, 2, width_ratios=[1, 1.1])
    _reliability(left, fitted)
    _worth(right, fitted)
    save(canvas, file)


def _reliability(axis, fitted: Fit) -> None:  # type: ignore[no-untyped-def]
    drawn = {name: fitted.calibrations[name] for name in COLOURS}
    shown = [np.maximum(np.append(one.promised, one.played), SMALLEST) for one in drawn.values()]
    lowest, highest = min(map(np.min, shown)) / ROOM, min(max(map(np.max, shown)) * ROOM, 1.0)
    axis.plot([lowest, highest], [lowest, highest], color="0.6", linewidth=1, zorder=0)
    for shift, (name, one) in enumerate(drawn.items()):
        promised = one.promised * (1 + 0.03 * shift)  # beside each other
        edges = np.maximum([one.played - one.margins, one.played + one.margins], lowest)
        axis.vlines(promised, *edges, color=COLOURS[name], linewidth=1, alpha=0.6)
        label = f"{name}: slope {one.slope:.2f}, error {one.error:.4f} ({one.by_chance:.4f} by chance)"
        axis.plot(promised, np.maximum(one.played, lowest), "o-", color=COLOURS[name], markersize=4, linewidth=1, label=label)
    axis.set(xscale="log", yscale="log", xlim=(lowest, highest), ylim=(lowest, highest), aspect="equal")
    axis.set_xlabel("promised P(quality play)", fontsize=8)
    axis.set_ylabel("quality plays per choice, with 95 % intervals", fontsize=8)
    axis.set_title("Later days: each dot a tenth of the choices", fontsize=9, loc="left")
    _rates(axis)
    axis.legend(fontsize=7, loc="upper left", frameon=False)


def _rates(axis) -> None:  # type: ignore[no-untyped-def]
    """In percent, at 1, 2, 5, 10 ..."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    for one in (axis.xaxis, axis.yaxis):
        one.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        one.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g} %"))
        one.set_minor_formatter(NullFormatter())
    axis.tick_params(labelsize=8)
    axis.grid(alpha=0.3)


def _worth(axis, fitted: Fit) -> None:  # type: ignore[no-untyped-def]
    """The weights with their intervals, beside the defaults."""
    parts = [part for part in fitted.parts if part.worth is not None]
    for row, part in enumerate(parts):
        if np.isfinite(part.error):
            axis.hlines(row, part.low, part.high, color=COLOURS[FITTED])
        axis.plot(part.weight, row, "o", color=COLOURS[FITTED], markersize=6, label="fitted on all days" if not row else None)
        axis.plot(part.default, row, "D", color=COLOURS[DEFAULTS], markersize=6, label="default" if not row else None)
        assert part.worth is not None
        low, value, high = (1000 * number for number in (part.worth.low, part.worth.value, part.worth.high))
        told = f"without it: log loss {value:+.2f} ({low:.2f} to {high:.2f}) in 1,000 choices"
        axis.annotate(told, (0, row), (4, 10), textcoords="offset points", fontsize=7, color="0.35")
    axis.set_yticks(range(len(parts)), [part.name for part in parts], fontsize=8)
    axis.set_ylim(len(parts) - 0.5, -0.7)
    axis.set_xlim(left=-0.05)
    axis.tick_params(axis="x", labelsize=8)
    axis.set_xlabel("log-odds of a quality play that a unit is worth", fontsize=8)
    axis.set_title("Weights, with 95 % intervals", fontsize=9, loc="left")
    axis.grid(axis="x", alpha=0.3)
    axis.legend(fontsize=7, loc="lower right", frameon=False)
