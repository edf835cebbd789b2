"""The job that makes users' profiles, beside encoding each user's text: `python scripts/bench_users.py`.

`scripts/benching/user_job.py` draws the catalogs, measures, derives the report and knows the targets.
"""

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from artwork_doors import console

app = console.door()


@app.command()
@console.reports_errors
def bench_users(
    users: Annotated[int, typer.Option(min=1, help="Users of the catalog on which speed is measured.")] = 2_000,
    memory: Annotated[
        str, typer.Option(help="Users of the catalogs on which memory is measured, divided by commas.")
    ] = "50000,100000,200000",
    rounds: Annotated[int, typer.Option(min=1, help="How often the job and the other ways are measured in turn.")] = 3,
    sample: Annotated[int, typer.Option(min=1, help="Users whose text is encoded by itself.")] = 50,
    checkpoint: console.CheckpointFolder = None,
    check: console.Check = False,
    as_json: console.AsJson = False,
) -> None:
    """Measure seconds of the job over USERS with a checkpoint, beside encoding each user's text by itself, and the seconds and the
    peak memory of the whole embed_users command at the numbers of users in MEMORY.

    The catalogs are drawn at random. About 6 minutes on 2 cores, as it stands. Run it on a machine that does nothing else; what is
    being done goes to standard error.

    Exit code 0: measured; 1: with --check, a target was missed; 2: could not run.
    """
    from artwork_doors.benching import machine, report, user_job
    from embed.encoder import EncoderChoice, load_encoder

    sizes = report.numbers("--memory", memory)
    about = machine.describe()
    encoder = load_encoder(EncoderChoice(f"local-dir:{checkpoint}") if checkpoint else EncoderChoice())
    with tempfile.TemporaryDirectory(prefix="bench_users-") as folder:
        measured = user_job.measure(users, sizes, rounds, sample, encoder, Path(folder), console.say)
    report.tell(about, user_job.figures_of(measured), user_job.as_json(about, measured) if as_json else None, check=check)


def main() -> None:
    """Not a console command: it measures this project for those who work on it."""
    app()


if __name__ == "__main__":
    main()
