"""The job that learns priors, over logs larger than memory: `python scripts/bench_priors.py`.

`scripts/benching/priors_job.py` draws the logs, measures, derives the report and knows the targets.
"""

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from artwork_doors import console

app = console.door()


@app.command()
@console.reports_errors
def bench_priors(
    rows: Annotated[str, typer.Option(help="Impressions of the logs, divided by commas.")] = "1000000,10000000",
    folder: Annotated[
        Path | None, typer.Option(help="Where logs and stores are made, and removed; else the system's own.")
    ] = None,
    check: console.Check = False,
    as_json: console.AsJson = False,
) -> None:
    """Measure the seconds and the peak memory of the whole learn_priors command over logs of ROWS impressions in 28 days, and of adding
    one more day to them, with a store that has no snapshot, so that nothing is learned of what users like of pictures.

    The logs are drawn: they have 2,000 titles of 10 artworks, 8 segments, 48 places, a user for 200 impressions, repeats, and rows that
    come twice. About two minutes and 1 GB of disk per 10 million rows, on 2 cores. Linux: memory is read from /proc.

    Exit code 0: measured; 1: with --check, a target was missed; 2: could not run.
    """
    from artwork_doors.benching import machine, priors_job, report

    sizes, about, runs = report.numbers("--rows", rows), machine.describe(), []
    for size in sizes:
        with tempfile.TemporaryDirectory(prefix="bench_priors-", dir=folder) as work:
            runs.append(priors_job.measure(size, Path(work), console.say))
    figures = priors_job.figures_of(runs)
    report.tell(about, figures, priors_job.as_json(about, runs, figures) if as_json else None, check=check)


def main() -> None:
    """Not a console command: it measures the command `learn-priors`."""
    app()


if __name__ == "__main__":
    main()
