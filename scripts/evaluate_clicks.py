"""Whether what clicks teach is worth having, on real logs and in simulated worlds: `python scripts/evaluate_clicks.py`.

`scripts/evaluating/` has the parts: open_bandit.py measures the off-policy judge, upworthy.py the priors, simulator.py the whole loop
of showing and learning.
"""

from pathlib import Path
from typing import Annotated

import typer

from artwork_doors import console

app = console.door()

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"  # beside the repository
PARTS = ("open_bandit", "upworthy", "simulator")  # each a module of scripts/evaluating
NEED_NO_DATA = {"simulator"}


@app.command()
@console.reports_errors
def evaluate_clicks(
    data: Annotated[Path, typer.Option(help="Folder of the research data: open_bandit, upworthy.")] = DATA,
    only: Annotated[str, typer.Option(help="Which parts, divided by commas.")] = ",".join(PARTS),
    resamples: Annotated[int, typer.Option(min=10, help="Of the bootstrap behind each interval.")] = 1000,
    seeds: Annotated[int, typer.Option(min=3, help="Simulated worlds, from the seed on.")] = 20,
    seed: Annotated[int, typer.Option(min=0, help="The same seed, the same figures.")] = 0,
    plot: Annotated[Path | None, typer.Option(help="Draw the figures to this file, such as clicks.png.")] = None,
    check: console.Check = False,
    as_json: console.AsJson = False,
) -> None:
    """Measure (a) the off-policy judge on Open Bandit Dataset: its estimates beside those that were published, each policy judged on
    the other's log, and whether the judge refuses where estimates are far off; (b) priors on Upworthy's A/B tests: which image they
    choose out of a budget of impressions, scored on others; (c) the whole loop in simulated worlds whose truth is known: plays lost by
    our choice and by simpler ones, and what new artwork costs; with 95 % intervals.

    About ten minutes on 2 cores.

    Exit code 0: measured; 1: with --check, a target was missed; 2: could not run.
    """
    from artwork_doors.evaluating.telling import measured, tell
    from artwork_doors.evaluating.verdicts import ClickMaterial, parts_in_json
    from embed.errors import ArtworkMatcherError

    names = console.parts(only, PARTS)
    needing = [name for name in names if name not in NEED_NO_DATA]
    if needing and not data.is_dir():
        raise ArtworkMatcherError(
            f"no research data at {str(data)!r}; give the folder that has {' and '.join(needing)} with --data"
        )
    parts = measured(names, ClickMaterial(data, seed, resamples, seeds))
    answer = {"seed": seed, "resamples": resamples, "seeds": seeds, "parts": parts_in_json(parts)} if as_json else None
    tell(parts, answer, plot, check=check)


def main() -> None:
    """Not a console command: it needs data that is not the project's."""
    app()


if __name__ == "__main__":
    main()
