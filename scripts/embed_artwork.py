"""The batch embedding job for new artwork: `python scripts/embed_artwork.py CATALOG --store STORE`."""

from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from artwork_doors import console

if TYPE_CHECKING:
    from embed.catalog import Catalog
    from embed.encoder import Encoder, EncoderChoice
    from embed.options import JobOptions
    from embed.plan import Plan
    from embed.store import Store

app = console.door()


@app.command()
@console.reports_errors
def embed_artwork(
    store: Annotated[Path, typer.Option(help="Folder of the deployment; made where it is not there.")],
    catalog: Annotated[
        Path | None, typer.Argument(help="Folder with titles and artwork as .csv, .jsonl or .parquet, and the pictures.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="open_clip's model name, or hf-hub:org/repo.")] = None,
    pretrained: Annotated[str | None, typer.Option(help="open_clip's tag (or a weights file) for --model.")] = None,
    checkpoint: Annotated[Path | None, typer.Option(help="A local checkpoint folder instead of --model.")] = None,
    switch: Annotated[bool, typer.Option("--switch", help="Change to another encoder: embed all beside, then switch.")] = False,
    pictures: Annotated[
        str | None,
        typer.Option(help="Where the artwork's paths lie, if not in CATALOG: a folder, or a URL such as s3://bucket."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done and how long it takes; do nothing.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Stop at the first bad row instead of setting it aside.")] = False,
    retry_rejected: Annotated[
        bool, typer.Option("--retry-rejected", help="Try pictures again that were set aside, though their bytes are the same.")
    ] = False,
    rehash: Annotated[
        bool, typer.Option("--rehash", help="Read every file again, even where its size and time of change are the same.")
    ] = False,
    backend: Annotated[
        str,
        typer.Option(help="How the tower runs: auto, torch, torch-compile, torch-bf16, torch-fp16, openvino, openvino-bf16."),
    ] = "auto",
    workers: Annotated[int | None, typer.Option(min=1, help="Processes that decode; one per core where silent.")] = None,
    engine: Annotated[str, typer.Option(help="local, or ray: past one machine (extra `ray`).")] = "local",
    address: Annotated[str | None, typer.Option(help="With --engine ray: the cluster; a local one where silent.")] = None,
    history: Annotated[
        bool, typer.Option("--history", help="Show the runs of STORE so far instead; needs no CATALOG.")
    ] = False,
    log_json: Annotated[bool, typer.Option("--log-json", help="Each step as a line of JSON on standard error.")] = False,
    as_json: console.AsJson = False,
) -> None:
    """Embed every thumbnail of CATALOG that is new or changed, its tags and its lines of copy, with CLIP, into STORE.

    Run it as often as you like: content that is embedded already is never embedded again. What cannot be read is set aside with
    its reason, and tried again when its bytes change. The encoder is chosen once per store, at the first run; without flags
    that is the bundled checkpoint.

    Exit code 0: all is embedded; 1: done, but rows or pictures were set aside (each is named); 2: could not run.
    """
    if history:
        _show_history(store, as_json)
        return
    if catalog is None:
        raise typer.BadParameter("give the CATALOG folder")
    if engine not in ("local", "ray"):
        raise typer.BadParameter(f"--engine {engine!r} is neither local nor ray")
    from embed.catalog import read_catalog
    from embed.options import JobOptions

    read = read_catalog(catalog, strict=strict, only=("titles", "artwork", "copy"), pictures=pictures)
    choice = _choice(store, model, pretrained, checkpoint)
    options = JobOptions(backend, engine, address, retry_rejected=retry_rejected, rehash=rehash)
    if workers:
        options = replace(options, workers=workers)
    if dry_run:
        _plan_only(read, store, choice, options, switch, as_json)
    else:
        _run(read, store, choice, options, switch, as_json, log_json)


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


def _run(
    read: "Catalog", store: Path, choice: "EncoderChoice", options: "JobOptions", switch: bool, as_json: bool, log_json: bool
) -> None:
    from embed.encoder import load_encoder
    from embed.job import embed_artwork as run_job
    from embed.job import switch_to
    from embed.store import RECORD, create_store, open_store

    encoder, switched = load_encoder(choice), None
    console.note_checkpoint(choice)
    with console.job_progress(as_json=log_json) as watch:
        if switch and (store / RECORD).is_file() and open_store(store).fingerprint != encoder.fingerprint:
            report, switched = switch_to(read, open_store(store), encoder, options, watch)
        else:
            opened = create_store(store, choice, encoder.fingerprint, encoder.dimension)
            report = run_job(read, opened, encoder, options, watch)
    facts = {
        "embedded": report.embedded,
        "words": report.words,
        "divided": list(report.divided),
        "backend": report.backend,
        "images_per_second": report.images_per_second,
    }
    console.say_all(report.divided)
    backend = f" with {report.backend['backend']}, {report.images_per_second:.0f} images/s" if report.embedded else ""
    words = f" and {report.words} tags and lines of copy" if report.words else ""
    if switched is not None:
        facts["switched"] = switched
        console.say(_about_the_switch(store, choice, switched))
    _report(read, report.plan, list(report.rejected), facts, f"embedded {report.embedded}{backend}{words}", as_json)
    if switched is False:
        raise typer.Exit(1)


def _about_the_switch(store: Path, choice: "EncoderChoice", switched: bool) -> str:
    if switched:
        users, publish = f"scripts/embed_users.py CATALOG --store {store}", f"scripts/build_index.py --store {store}"
        return f"the store's encoder is now {choice}; the published snapshot serves on until {users} and {publish} have run"
    return f"not switched: {choice} gave no vector to pictures that the serving encoder has; the old one serves on"


def _plan_only(
    read: "Catalog", store: Path, choice: "EncoderChoice", options: "JobOptions", switch: bool, as_json: bool
) -> None:
    from embed.plan import plan_artwork

    opened, encoder = _store_to_plan_with(store, choice, switch)
    plan = plan_artwork(read, opened, retry_rejected=options.retry_rejected, rehash=options.rehash)
    seconds = _estimate(read, opened, encoder, plan, options)
    takes = f" in about {timedelta(seconds=round(seconds))}" if plan.to_embed else ""
    facts = {"embedded": None, "seconds": round(seconds, 1)}
    _report(read, plan, list(plan.rejected.values()), facts, f"would embed {len(plan.to_embed)}{takes}", as_json)


def _store_to_plan_with(store: Path, choice: "EncoderChoice", switch: bool) -> "tuple[Store, Encoder | None]":
    """Another encoder than the store's is refused here as it would be by the run itself; a store not there yet is empty."""
    from embed.encoder import load_encoder
    from embed.store import RECORD, Store, beside, check_fingerprint, open_store

    if not (store / RECORD).is_file():
        return Store(store, choice, "", 0, None), None
    opened = open_store(store)
    if choice == opened.choice:
        return opened, None
    encoder = load_encoder(choice)
    if not switch:
        check_fingerprint(opened, choice, encoder.fingerprint)
    return beside(opened, choice, encoder.fingerprint, encoder.dimension), encoder


def _estimate(read: "Catalog", store: "Store", encoder: "Encoder | None", plan: "Plan", options: "JobOptions") -> float:
    """Seconds that the plan would take, by the pace of the last run, or of a few of its pictures where there is none."""
    from embed.encoder import load_encoder
    from embed.job import measure_speed
    from embed.runs import last_speed

    if not plan.to_embed:
        return 0.0
    speed = last_speed(store) or measure_speed(read, encoder or load_encoder(store.choice), plan, options)
    return len(plan.to_embed) / speed


def _report(
    read: "Catalog", plan: "Plan", rejected: list[dict[str, Any]], facts: dict[str, Any], done: str, as_json: bool
) -> None:
    problems = read.problems
    console.say_all(problems)
    console.say_all([f"set aside: {row['path']} ({row['artwork_id']}): {row['reason']}" for row in rejected])
    if as_json:
        console.answer({"plan": plan.counts, **facts, "rejected": rejected, "problems": [str(p) for p in problems]})
    else:
        counts = ", ".join(f"{count} {name}" for name, count in plan.counts.items())
        typer.echo(f"{done} ({counts}); {len(rejected)} pictures and {len(problems)} catalog rows set aside")
    if rejected or problems:
        raise typer.Exit(1)


def _show_history(store: Path, as_json: bool) -> None:
    from embed.runs import read_runs
    from embed.store import open_store

    runs = read_runs(open_store(store))
    if as_json:
        console.answer([asdict(run) for run in runs])
        return
    columns = ["finished (UTC)", "embedded", "rejected", "images/s", "backend", "encoder", "seconds"]
    rows = []
    for run in runs:
        seconds = ", ".join(f"{stage} {spent:.1f}" for stage, spent in run.seconds.items())
        how = run.backend.get("backend", "") + (f" on {run.engine}" if run.engine != "local" else "")
        speed = f"{run.images_per_second:.1f}" if run.embedded else ""
        encoder = f"{run.encoder} ({run.fingerprint[:8]})"
        rows.append(
            [run.finished_at[:19].replace("T", " "), str(run.embedded), str(run.rejected), speed, how, encoder, seconds]
        )
    console.print_table(f"{len(runs)} runs of {store}", columns, rows)


def main() -> None:
    """The console command `embed-artwork`."""
    app()


if __name__ == "__main__":
    main()
