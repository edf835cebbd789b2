"""The figures as a picture: a panel for each thing measured, a dot with its interval for each way, a line where the target is."""

from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap

from artwork_doors.benching.figures import Figure
from artwork_doors.evaluating.verdicts import Curves, Part
from match.drawing import blank, save

ROW = 0.24  # inches
WIDTH = 12.0
CURVES = 18  # rows that a panel of curves is high
TITLE = 130  # characters a line
BEYOND = 5  # times the truth, as far as a panel goes
LEGEND = "dot and line: figure and its 95 % interval; grey: chance; orange: truth; green: target met; red: target missed"


def draw_figures(parts: Sequence[Part], file: Path) -> None:
    """Write `file` in the format that its ending names. Raises ArtworkMatcherError without matplotlib or for an unknown ending."""
    panels = [
        (f"{part.title}\n{about}" if about != part.name else part.title, lines)
        for part in parts
        for about in dict.fromkeys(line.about for line in part.figures)
        if (lines := [line for line in part.figures if line.about == about and None not in (line.value, line.low, line.high)])
    ]
    along = [panel for part in parts for panel in part.curves]
    rows = [CURVES] * len(along) + [len(lines) + 3 for _, lines in panels]
    canvas = blank(WIDTH, ROW * sum(rows))
    axes = canvas.subplots(len(rows), 1, gridspec_kw={"height_ratios": rows}, squeeze=False)[:, 0]
    for axis, panel in zip(axes, along, strict=False):
        _curves(axis, panel)
    for axis, (title, lines) in zip(axes[len(along) :], panels, strict=True):
        _panel(axis, title, lines)
    canvas.suptitle(LEGEND, fontsize=8)
    save(canvas, file)


def _curves(axis: object, panel: Curves) -> None:
    from matplotlib import colormaps
    from matplotlib.axes import Axes

    assert isinstance(axis, Axes)
    steps = len(panel.curves) - 1
    colors = (
        ["black", *(colormaps["plasma"](0.85 * step / steps) for step in range(steps))]
        if panel.rising
        else [None] * (steps + 1)
    )
    for curve, color in zip(panel.curves, colors, strict=True):
        [line] = axis.plot(curve.x, curve.y, label=curve.name, color=color, linestyle="--" if color == "black" else "-")
        axis.fill_between(curve.x, curve.low, curve.high, color=line.get_color(), alpha=0.2, linewidth=0)
    axis.set_xlabel(panel.x, fontsize=7)
    axis.set_ylabel(panel.y, fontsize=7)
    axis.tick_params(labelsize=7)
    axis.set_ylim(bottom=0)
    axis.margins(x=0)
    axis.grid(alpha=0.3)
    axis.legend(fontsize=7, loc="lower right", ncols=4, framealpha=0.6)
    axis.set_title(panel.title, fontsize=8, loc="left")


def _panel(axis: object, title: str, lines: Sequence[Figure]) -> None:
    from matplotlib.axes import Axes

    assert isinstance(axis, Axes)
    for row, line in enumerate(lines):
        assert line.value is not None
        axis.plot([line.low, line.high], [row, row], color="tab:blue")
        axis.plot(line.value, row, "o", color="tab:blue", markersize=4)
        if line.target is not None:
            axis.plot([line.target] * 2, [row - 0.4, row + 0.4], color="tab:green" if line.met else "tab:red", linewidth=2)
        if line.chance is not None:
            axis.plot([line.chance] * 2, [row - 0.4, row + 0.4], color="0.6", linewidth=1)
        if line.truth is not None:
            axis.plot([line.truth] * 2, [row - 0.4, row + 0.4], color="tab:orange", linewidth=2)
    axis.set_yticks(range(len(lines)), [line.name.removeprefix(f"{line.about}: ") for line in lines], fontsize=7)
    axis.set_ylim(len(lines) - 0.5, -0.5)
    if not any(line.unit for line in lines):  # shares
        axis.set_xlim(0, 1)
    elif truths := [abs(line.truth) for line in lines if line.truth is not None]:
        # An interval without an end would leave no room for the others.
        edges = [edge for line in lines for edge in (line.low, line.high) if edge is not None]
        furthest = BEYOND * max(truths)
        left, right = max(min(edges), -furthest), min(max(edges), furthest)
        axis.set_xlim(left - 0.02 * (right - left), right + 0.02 * (right - left))
    axis.grid(axis="x", alpha=0.3)
    axis.set_title("\n".join(line for part in title.splitlines() for line in wrap(part, TITLE)), fontsize=8, loc="left")
