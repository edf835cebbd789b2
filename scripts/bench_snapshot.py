"""What it takes to publish, open, share and follow snapshots: `python scripts/bench_snapshot.py`."""

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from artwork_doors import console

app = console.door()


@app.command()
@console.reports_errors
def bench_snapshot(
    artworks: Annotated[
        int, typer.Option(min=1000, help="Artworks of the catalog, drawn like a real one's titles.")
    ] = 1_000_000,
    changed: Annotated[float, typer.Option(min=0.0, max=0.2, help="Share of the titles that change in a night.")] = 0.01,
    processes: Annotated[int, typer.Option(min=1, help="Matchers at once, each in a process of its own.")] = 4,
    check: console.Check = False,
    as_json: console.AsJson = False,
) -> None:
    """Measure, over a synthetic catalog of vectors of 512 numbers: publishing all of it, publishing a night's changes, opening it
    (every byte verified), what of its memory matchers in several processes share, and taking up the night's snapshot while serving.

    About 4 minutes on 2 cores at a million artworks, with 8 GB of memory and of disk. Run it on a machine that does nothing else;
    what is being done goes to standard error.

    Exit code 0: measured; 1: with --check, a target was missed; 2: could not run.
    """
    from artwork_doors.benching import machine, report, snapshot_life
    from artwork_doors.benching.figures import records

    about = machine.describe()
    with tempfile.TemporaryDirectory(prefix="bench_snapshot-") as folder:
        lines = snapshot_life.snapshot_figures(artworks, changed, processes, Path(folder), console.say)
    told = {"machine": about, "figures": records(lines)} if as_json else None
    report.tell(about, lines, told, check=check)


def main() -> None:
    """Not a console command: it measures this project for those who work on it."""
    app()


if __name__ == "__main__":
    main()
