"""The whole choice of a page, exploring and logging included: `python scripts/bench_choose.py`.

`scripts/benching/` has the parts: page_choices.py measures, derives the report and knows the targets; policy_child.py is a peer in a
process of its own.

The peers may be installed in an environment of their own, whose interpreter --peers-python names:

    pip install vowpalwabbit; pip install --no-deps obp; pip install torch scikit-learn pandas pyyaml tqdm matplotlib seaborn
"""

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from artwork_doors import console

app = console.door()


@app.command()
@console.reports_errors
def bench_choose(
    titles: Annotated[int, typer.Option(min=1, help="Titles of a page.")] = 40,
    artworks: Annotated[int, typer.Option(min=2, help="Artworks of each title.")] = 20,
    catalog: Annotated[int, typer.Option(min=1, help="Titles of the catalog that pages are drawn from.")] = 1_000,
    users: Annotated[int, typer.Option(min=1, help="How many users.")] = 1_000,
    pages: Annotated[int, typer.Option(min=1, help="Pages in each of three rounds.")] = 400,
    peers_python: Annotated[
        Path | None, typer.Option(help="The interpreter of an environment with the peers in it; this one where silent.")
    ] = None,
    check: console.Check = False,
    as_json: console.AsJson = False,
) -> None:
    """Measure the milliseconds of one user's page on one core: search, blend, guards, Thompson sampling with exact propensities, and
    the rows of the log; beside it choosing the best alone, softmax, and the policies of Vowpal Wabbit and Open Bandit Pipeline, which
    are given the scores and posteriors that ours has to find first.

    The store is drawn at random, with vectors of 512 numbers and clicks for half of the artwork. Each user asks for ten pages. About
    a minute, as it stands. Run it on a machine that does nothing else; what is being done goes to standard error.

    Exit code 0: measured; 1: with --check, a target was missed; 2: could not run.
    """
    from artwork_doors.benching import machine, page_choices, report
    from artwork_doors.benching.crowds import Size

    about = machine.describe()
    size = Size(users, max(catalog, titles), artworks)
    with tempfile.TemporaryDirectory(prefix="bench_choose-") as folder:
        measured = page_choices.measure(size, titles, pages, Path(folder), peers_python, console.say)
    report.tell(
        about, page_choices.figures_of(measured), page_choices.as_json(about, measured) if as_json else None, check=check
    )


def main() -> None:
    """Not a console command: it measures this project for those who work on it."""
    app()


if __name__ == "__main__":
    main()
