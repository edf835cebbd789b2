"""What every door shares: errors to exit codes, progress, and how problems and notes are worded. No logic of the product.

Exit codes: 0 done; 1 done, but some input was set aside; 2 could not run, said in one line.
"""

import functools
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec

import typer

if TYPE_CHECKING:
    import pyarrow as pa
    from rich.progress import Progress, ProgressColumn

    from embed.encoder import EncoderChoice
    from embed.job import Event, Watch
    from index.filters import Context

P = ParamSpec("P")
SHOWN = 20  # problems printed one by one; --json has them all
TABLE_FORMATS = (".csv", ".parquet")

BUNDLED_NOTE = (
    "note: made with the bundled checkpoint, which proves the machinery and serves a first try but is no match for a real one: "
    "embed_artwork --store NEW --model ViT-B-32 --pretrained laion2b_s34b_b79k takes one of open_clip's"
)


# Options that several doors have.
CheckpointFolder = Annotated[
    Path | None, typer.Option("--checkpoint", help="A checkpoint folder; the bundled one where left out.")
]
ModelName = Annotated[str | None, typer.Option("--model", help="open_clip's model name instead.")]
PretrainedTag = Annotated[str | None, typer.Option("--pretrained", help="open_clip's tag for --model.")]
Locale = Annotated[str | None, typer.Option(help="The viewer's language tag, such as pt-BR; any where left out.")]
Segment = Annotated[
    str | None, typer.Option(help="The viewer's segment: its priors speak, and its average for who has no taste yet.")
]
Aspect = Annotated[str | None, typer.Option(help="The shape of the place on the screen, such as 16:9 or 0.667.")]
Maturity = Annotated[float | None, typer.Option(help="The viewer's age: what is for older ones is not shown.")]
Wait = Annotated[
    float | None,
    typer.Option(min=0, help="Days in which a play may still come; as the log's own plays tell, where left out."),
]
MostRepeats = Annotated[int, typer.Option(min=1, help="Impressions of one artwork that count, per user and day.")]
MostOfTitle = Annotated[int, typer.Option(min=1, help="Impressions of one title that count, per user and day.")]
MostImpressions = Annotated[int, typer.Option(min=1, help="Of a user who has more a day nothing of the day counts.")]
AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON on standard output.")]
Check = Annotated[bool, typer.Option("--check", help="End with exit code 1 where a target is missed.")]


def door() -> typer.Typer:
    """A command-line application of one command."""
    return typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


def reports_errors(command: Callable[P, None]) -> Callable[P, None]:
    """One clear line and exit code 2 for whatever the packages raise on purpose, and for what the file system denies."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        from embed.errors import ArtworkMatcherError

        try:
            command(*args, **kwargs)
        except BrokenPipeError:
            raise  # typer ends quietly where the reader of a pipe has left
        except (ArtworkMatcherError, OSError) as error:
            say("error: " + " ".join(line.strip() for line in str(error).splitlines()))
            raise typer.Exit(2) from None
        except KeyboardInterrupt:
            say("stopped; what was committed stays, run again to go on")
            raise typer.Exit(130) from None

    return run


def context(locale: str | None, aspect: str | None, maturity: float | None, segment: str | None = None) -> "Context":
    """The options of these names as what a matcher takes."""
    from index.filters import Context

    width, divided, height = (aspect or "").partition(":")
    try:
        shape = float(width) / float(height or 1) if aspect and bool(divided) == bool(height) else None
    except (ValueError, ZeroDivisionError):
        shape = None
    if aspect is not None and (shape is None or not 0 < shape < float("inf")):
        raise typer.BadParameter(f"--aspect {aspect!r}: give width:height, such as 16:9, or their quotient")
    return Context(locale=locale, aspect=shape, maturity=maturity, segment=segment)


def say(text: str) -> None:
    """A line for the person at the terminal, beside the answer on standard output."""
    typer.echo(text, err=True)


def answer(value: Any) -> None:
    """A machine's answer: JSON on standard output."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def finite(value: Any) -> Any:
    """A machine's answer without what JSON has not: numbers that are infinite, or none, are null; tuples are lists."""
    if isinstance(value, float):
        return value if abs(value) < float("inf") else None
    if isinstance(value, dict):
        return {name: finite(each) for name, each in value.items()}
    return [finite(each) for each in value] if isinstance(value, list | tuple) else value


def note_checkpoint(choice: "EncoderChoice") -> None:
    """Say so wherever the bundled checkpoint was used, or one of which open_clip had to guess something."""
    if choice.is_bundled:
        say(BUNDLED_NOTE)
    if choice.weights_file is not None:
        say(
            f"note: {choice.weights_file} does not say with which activation and preprocessing it was trained; those of "
            f"{choice.model!r} were taken. A folder with open_clip_config.json (--checkpoint DIR) says all"
        )


def say_all(lines: Sequence[object]) -> None:
    """The first of many problems, and how many more there are."""
    for line in lines[:SHOWN]:
        say(str(line))
    if len(lines) > SHOWN:
        say(f"... and {len(lines) - SHOWN} more (--json has them all)")


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """A (done, total) callback that draws a bar on standard error; silent where that is no terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

    with _live(TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


@contextmanager
def job_progress(*, as_json: bool = False) -> Iterator["Watch"]:
    """What watches the batch job: a live line on standard error, silent where that is no terminal; or each event as JSON there."""
    if as_json:
        yield _log_json
        return
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

    facts = TextColumn("{task.fields[speed]}"), TimeRemainingColumn(), TextColumn("{task.fields[rejected]}")
    with _live(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), *facts) as progress:
        task = progress.add_task("planning", total=None, speed="", rejected="")

        def watch(event: "Event") -> None:
            if event.name == "planned":
                progress.update(task, description="embedding", total=event.facts["to_embed"])
            elif event.name == "progress":
                speed, rejected = (
                    f"{event.facts['images_per_second']:.0f} images/s,",
                    f"left, {event.facts['rejected']} rejected",
                )
                progress.update(task, completed=event.facts["done"], speed=speed, rejected=rejected)

        yield watch


def _live(*columns: "ProgressColumn") -> "Progress":
    """On standard error, gone at its end; silent where that is no terminal."""
    from rich.console import Console
    from rich.progress import Progress

    return Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True)


def _log_json(event: "Event") -> None:
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    say(json.dumps({"time": now, "event": event.name, **event.facts}, ensure_ascii=False, default=str))


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table on standard output; nothing in it is cut where that is no terminal."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(width=None if sys.stdout.isatty() else 200)
    table = Table(title=Text(title), title_justify="left")
    for column in columns:
        table.add_column(Text(column), overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))  # Text: square brackets in a name are no markup
    console.print(table)


def check_table(out: Path | None) -> None:
    """Raises typer.BadParameter where --out is no file that `write_table` can write."""
    if out is not None and out.suffix.lower() not in TABLE_FORMATS:
        raise typer.BadParameter(f"--out {str(out)!r} must end in {' or '.join(TABLE_FORMATS)}")


def write_table(table: "pa.Table", out: Path) -> None:
    """Whole or not at all, as CSV or Parquet by the name's ending."""
    import pyarrow.csv
    import pyarrow.parquet

    out.parent.mkdir(parents=True, exist_ok=True)
    beside = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        if out.suffix.lower() == ".csv":
            pyarrow.csv.write_csv(table, beside)
        else:
            pyarrow.parquet.write_table(table, beside)
        beside.replace(out)
    finally:
        beside.unlink(missing_ok=True)


def names(text: str | None) -> list[str] | None:
    """ "a,b,c" to its names; None stays None (all of them), an empty string is an empty list."""
    return None if text is None else [name for part in text.split(",") if (name := part.strip())]


def parts(only: str, known: Sequence[str]) -> list[str]:
    """The parts of a measurement, or its contenders, that --only names.

    Raises typer.BadParameter where it names none, or one that is not known.
    """
    named = names(only) or []
    if not named or (strangers := [name for name in named if name not in known]):
        raise typer.BadParameter(
            f"--only {only!r}: {', '.join(strangers) if named else 'nothing'} is none of {', '.join(known)}"
        )
    return named
