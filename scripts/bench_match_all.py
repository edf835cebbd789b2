"""The nightly job's speed and memory, beside asking the Matcher for everyone: `python scripts/bench_match_all.py`.

`scripts/benching/` has the parts: crowds.py draws a store, bulk.py measures, derives the report and knows the targets.
"""

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from artwork_doors import console

app = console.door()


@app.command()
@console.reports_errors
def bench_match_all(
    users: Annotated[int, typer.Option(min=1, help="How many users.")] = 100_000,
    titles: Annotated[int, typer.Option(min=1, help="How many titles.")] = 1_000,
    artworks: Annotated[int, typer.Option(min=1, help="Artworks of each title.")] = 10,
    rounds: Annotated[int, typer.Option(min=1, help="How often the command runs.")] = 3,
    sample: Annotated[int, typer.Option(min=1, help="Users for whom the Matcher is asked one page at a time.")] = 200,
    check: console.Check = False,
    as_json: console.AsJson = False,
) -> None:
    """Measure seconds of the whole match_all command (opening, products, Parquet), its choices/s, the share of the machine's matrix
    product that it reaches, and its peak memory; beside it Matcher.choose_many over a sample of users, extrapolated to all.

    The store is drawn at random, with vectors of 512 numbers. About 2 minutes on 2 cores, with 2 GB of disk, as it stands. Run it
    on a machine that does nothing else; what is being done goes to standard error.

    Exit code 0: measured; 1: with --check, a target was missed; 2: could not run.
    """
    from artwork_doors.benching import bulk, machine, report
    from artwork_doors.benching.crowds import Size

    about = machine.describe()
    with tempfile.TemporaryDirectory(prefix="bench_match_all-") as folder:
        measured = bulk.measure(Size(users, titles, artworks), rounds, min(sample, users), Path(folder), console.say)
    report.tell(about, bulk.figures_of(measured), bulk.as_json(about, measured) if as_json else None, check=check)


def main() -> None:
    """Not a console command: it measures this project for those who work on it."""
    app()


if __name__ == "__main__":
    main()
