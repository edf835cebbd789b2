"""The batch job's speed and memory, beside what it is compared with: `python scripts/bench_embed.py`.

`scripts/benching/` has the parts: rounds.py measures an encoder, contenders.py is what runs side by side, memory.py samples the
command's processes, figures.py derives the report and knows the targets.
"""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from artwork_doors import console

if TYPE_CHECKING:
    from artwork_doors.benching.rounds import Subject

app = console.door()

PARTS = ("bundled", "ViT-B-32", "memory")


@app.command()
@console.reports_errors
def bench_embed(
    only: Annotated[str, typer.Option(help="Which parts, divided by commas.")] = ",".join(PARTS),
    checkpoint: Annotated[Path | None, typer.Option(help="A checkpoint folder in place of bundled and ViT-B-32.")] = None,
    pictures: Annotated[Path | None, typer.Option(help="Folder to cut the test's JPEGs from; the bundled catalog's.")] = None,
    count: Annotated[
        int | None, typer.Option(min=8, help="JPEGs for each contender and round; as many as take it 10 s where silent.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often the contenders run in turn.")] = 3,
    backend: Annotated[str, typer.Option(help="How the job's tower runs, as for embed_artwork.")] = "auto",
    files: Annotated[str, typer.Option(help="Numbers of files at which peak memory is taken.")] = "5000,50000",
    clip_retrieval_python: Annotated[
        Path | None, typer.Option(help="The interpreter of an environment with clip-retrieval in it.")
    ] = None,
    check: console.Check = False,
    as_json: console.AsJson = False,
) -> None:
    """Measure images/s of the whole job, of the image tower alone, of decoding alone, of the obvious script and of clip-retrieval,
    in turn over the same JPEGs of 1,000 pixels; the share of the machine's matrix product that the tower reaches; and peak memory.

    ViT-B-32 has random weights: they are as fast as others. About 12 minutes on 2 cores. Run it on a machine that does nothing
    else; what is being done goes to standard error.

    Exit code 0: measured; 1: with --check, a target was missed; 2: could not run.
    """
    from artwork_doors.benching import figures, machine, material, memory, report
    from artwork_doors.benching import rounds as side_by_side

    parts, numbers = _parts(only, checkpoint), report.numbers("--files", files)
    about, sources, encoders, runs = machine.describe(), material.sources(pictures), [], []
    settings = side_by_side.Settings(rounds, count, backend, clip_retrieval_python)
    with tempfile.TemporaryDirectory(prefix="bench_embed-") as folder:
        large = material.Large(Path(folder, "pictures"), sources)
        for part in parts:
            work = Path(tempfile.mkdtemp(dir=folder))
            if part == "memory":
                runs = memory.measure_memory(numbers, sources, work, console.say)
            else:
                subject = _subject(part, checkpoint, work / "checkpoint")
                encoders.append(side_by_side.measure_encoder(subject, large, work, settings, console.say))
    lines = {f"{one.encoder}: median of {rounds} rounds": figures.figures_of(one) for one in encoders}
    lines |= {"memory: the command and its workers, with a tiny tower": figures.memory_figures(runs)} if runs else {}
    if as_json:
        console.answer(figures.as_json(about, encoders, runs))
    else:
        typer.echo(machine.header(about))
        for title, some in lines.items():
            report.print_figures(title, some)
    if check and any(line.met is False for some in lines.values() for line in some):
        raise typer.Exit(1)


def _parts(only: str, checkpoint: Path | None) -> list[str]:
    named = console.parts(only, PARTS)
    return [str(checkpoint), *(["memory"] if "memory" in named else [])] if checkpoint else named


def _subject(part: str, checkpoint: Path | None, folder: Path) -> "Subject":
    """The encoder of that name, its checkpoint made where it has random weights."""
    import open_clip
    from artwork_assets import CHECKPOINT

    from artwork_doors.benching.material import random_checkpoint
    from artwork_doors.benching.rounds import Subject
    from embed.encoder import LOCAL_DIR, EncoderChoice

    if part == "bundled":
        return Subject(part, EncoderChoice(), CHECKPOINT)
    folder = checkpoint.resolve() if checkpoint else random_checkpoint(folder, open_clip.get_model_config(part))
    return Subject(part, EncoderChoice(f"{LOCAL_DIR}{folder}"), folder)


def main() -> None:
    """Not a console command: it measures this project for those who work on it."""
    app()


if __name__ == "__main__":
    main()
