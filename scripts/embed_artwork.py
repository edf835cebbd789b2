"""The batch embedding job for new artwork: `python scripts/embed_artwork.py CATALOG --store STORE`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from artwork_doors import console

if TYPE_CHECKING:
    from embed.catalog import Problem
    from embed.encoder import EncoderChoice
    from embed.job import Plan, Row
    from embed.store import Store

app = console.door()


@app.command()
@console.reports_errors
def embed_artwork(
    catalog: Annotated[
        Path, typer.Argument(help="Folder with titles and artwork as .csv, .jsonl or .parquet, and the pictures.")
    ],
    store: Annotated[Path, typer.Option(help="Folder of the deployment; made where it is not there.")],
    model: Annotated[str | None, typer.Option(help="open_clip's model name, or hf-hub:org/repo.")] = None,
    pretrained: Annotated[str | None, typer.Option(help="open_clip's tag (or a weights file) for --model.")] = None,
    checkpoint: Annotated[Path | None, typer.Option(help="A local checkpoint folder instead of --model.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Stop at the first bad row instead of setting it aside.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON on standard output.")] = False,
) -> None:
    """Embed every thumbnail of CATALOG that is new or changed, with CLIP, into STORE.

    Run it as often as you like: content that is embedded already is never embedded again. What cannot be read is set aside with
    its reason, and tried again when its bytes change. The encoder is chosen once per store, at the first run; without flags
    that is the bundled checkpoint.

    Exit code 0: all is embedded; 1: done, but rows or pictures were set aside (each is named); 2: could not run.
    """
    from embed.catalog import read_catalog
    from embed.encoder import load_encoder
    from embed.job import embed_artwork as run_job
    from embed.job import plan_artwork
    from embed.store import create_store

    read = read_catalog(catalog, strict=strict, only=("titles", "artwork"))
    choice = _choice(store, model, pretrained, checkpoint)
    if dry_run:
        plan = plan_artwork(read, _store_to_plan_with(store, choice))
        _report(plan, None, tuple(plan.rejected.values()), read.problems, as_json)
        return
    encoder = load_encoder(choice)
    opened = create_store(store, choice, encoder.fingerprint, encoder.dimension)
    console.note_checkpoint(choice)
    with console.progress_bar("embedding") as progress:
        report = run_job(read, opened, encoder, progress)
    _report(report.plan, report.embedded, report.rejected, read.problems, as_json)


def _choice(store: Path, model: str | None, pretrained: str | None, checkpoint: Path | None) -> "EncoderChoice":
    """The flags' encoder, or else the store's, or else the bundled one."""
    from embed.encoder import LOCAL_DIR, EncoderChoice
    from embed.store import RECORD, open_store

    if checkpoint and (model or pretrained):
        raise typer.BadParameter("give --checkpoint, or --model and --pretrained, not both")
    if pretrained and not model:
        raise typer.BadParameter("--pretrained needs --model")
    if checkpoint:
        return EncoderChoice(f"{LOCAL_DIR}{checkpoint.resolve()}")
    if model:
        return EncoderChoice(model, pretrained)
    return open_store(store).choice if (store / RECORD).is_file() else EncoderChoice()


def _store_to_plan_with(store: Path, choice: "EncoderChoice") -> "Store":
    """Another encoder than the store's is refused here as it would be by the run itself; a store not there yet is empty."""
    from embed.encoder import load_encoder
    from embed.store import RECORD, Store, check_fingerprint, open_store

    if not (store / RECORD).is_file():
        return Store(store, choice, "", 0, None)
    opened = open_store(store)
    if choice != opened.choice:
        check_fingerprint(opened, choice, load_encoder(choice).fingerprint)
    return opened


def _report(
    plan: "Plan", embedded: int | None, rejected: "tuple[Row, ...]", problems: "tuple[Problem, ...]", as_json: bool
) -> None:
    """`embedded` is None where nothing was done."""
    console.say_all(problems)
    console.say_all([f"set aside: {row['path']} ({row['artwork_id']}): {row['reason']}" for row in rejected])
    if as_json:
        lines = [str(problem) for problem in problems]
        console.answer({"plan": plan.counts, "embedded": embedded, "rejected": list(rejected), "problems": lines})
    else:
        counts = ", ".join(f"{count} {name}" for name, count in plan.counts.items())
        done = "would embed " + str(len(plan.to_embed)) if embedded is None else f"embedded {embedded}"
        typer.echo(f"{done} ({counts}); {len(rejected)} pictures and {len(problems)} catalog rows set aside")
    if rejected or problems:
        raise typer.Exit(1)


def main() -> None:
    """The console command `embed-artwork`."""
    app()


if __name__ == "__main__":
    main()
