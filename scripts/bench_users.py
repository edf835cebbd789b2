"""The job that makes users' profiles, beside encoding each user's text: `python scripts/bench_users.py`.

`scripts/benching/user_job.py` draws the catalogs, measures, derives the report and knows the targets.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from artwork_doors import console

if TYPE_CHECKING:
    from embed.encoder import Encoder

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
    """Measure seconds of the job over USERS, beside encoding each user's text by itself, with the bundled checkpoint and with one of
    ViT-B-32's size; and the seconds and the peak memory of the whole embed_users command at the numbers of users in MEMORY.

    The catalogs are drawn at random, and ViT-B-32 has random weights: they are as fast as others. About 6 minutes on 2 cores, as it
    stands. Run it on a machine that does nothing else; what is being done goes to standard error.

    Exit code 0: measured; 1: with --check, a target was missed; 2: could not run.
    """
    from artwork_doors.benching import machine, report, user_job

    sizes, about, measured = report.numbers("--memory", memory), machine.describe(), []
    with tempfile.TemporaryDirectory(prefix="bench_users-") as folder:
        for name, encoder in _encoders(checkpoint, Path(folder)):
            work = Path(tempfile.mkdtemp(dir=folder))
            measured.append(user_job.measure(name, users, rounds, sample, encoder, work, console.say))
        peaks = user_job.measure_peaks(sizes, Path(folder), console.say)
    figures = [line for one in measured for line in user_job.figures_of(one)] + user_job.figures_of_peaks(peaks)
    report.tell(about, figures, user_job.as_json(about, measured, peaks, figures) if as_json else None, check=check)


def _encoders(checkpoint: Path | None, folder: Path) -> Iterator[tuple[str, "Encoder"]]:
    """By name; the one given, or both that a catalog team may have before it."""
    import open_clip

    from artwork_doors.benching.material import random_checkpoint
    from embed.encoder import EncoderChoice, load_encoder

    if checkpoint:
        yield checkpoint.name, load_encoder(EncoderChoice(f"local-dir:{checkpoint}"))
        return
    yield "bundled", load_encoder()
    large = random_checkpoint(folder / "ViT-B-32", open_clip.get_model_config("ViT-B-32"))
    yield "ViT-B-32", load_encoder(EncoderChoice(f"local-dir:{large}"))


def main() -> None:
    """Not a console command: it measures this project for those who work on it."""
    app()


if __name__ == "__main__":
    main()
