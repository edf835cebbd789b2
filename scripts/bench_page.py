"""What the inspection page costs, written and served, and how smooth it is: `python scripts/bench_page.py`."""

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from artwork_doors import console

app = console.door()


@app.command()
@console.reports_errors
def bench_page(
    written: Annotated[int, typer.Option(min=100, help="Artworks of the page in a file.")] = 5_000,
    served: Annotated[int, typer.Option(min=100, help="Artworks of the page that is served.")] = 100_000,
    check: console.Check = False,
    as_json: console.AsJson = False,
) -> None:
    """Measure, over drawn catalogs with pictures: a page in a file (seconds to write, size, seconds until a browser shows the first
    view, the longest frame while it scrolls) and a page that is served (seconds to start, what a scroll asks for, the map laid out
    and how true it is, frames, memory).

    Needs a Chromium or Chrome and the extra test. About 5 minutes on 2 cores, with 4 GB of memory and 2 GB of disk. Run it on a
    machine that does nothing else; what is being done goes to standard error.

    Exit code 0: measured; 1: with --check, a target was missed; 2: could not run.
    """
    from artwork_doors.benching import machine, page_life, report
    from artwork_doors.benching.figures import records

    about = machine.describe()
    with tempfile.TemporaryDirectory(prefix="bench_page-") as folder:
        lines = page_life.page_figures(written, served, Path(folder), console.say)
    told = {"machine": about, "figures": records(lines)} if as_json else None
    report.tell(about, lines, told, check=check)


def main() -> None:
    """Not a console command: it measures this project for those who work on it."""
    app()


if __name__ == "__main__":
    main()
