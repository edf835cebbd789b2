"""Pictures of reports: what all of them share. matplotlib comes with an extra, and is loaded where a picture is asked for."""

from pathlib import Path
from typing import TYPE_CHECKING

from embed.errors import ArtworkMatcherError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 110


def blank(width: float, height: float) -> "Figure":
    """An empty picture of so many inches. Raises ArtworkMatcherError without matplotlib."""
    try:
        import matplotlib
    except ImportError as error:
        raise ArtworkMatcherError("--plot needs matplotlib; pip install 'artwork-matcher[catalog]'") from error
    matplotlib.use("Agg")  # files only, wherever it runs
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def save(canvas: "Figure", file: Path) -> None:
    """Write `file` in the format that its ending names. Raises ArtworkMatcherError for an unknown one."""
    try:
        canvas.savefig(file, dpi=DPI)
    except ValueError as error:
        raise ArtworkMatcherError(f"--plot {str(file)!r}: {error}") from error
