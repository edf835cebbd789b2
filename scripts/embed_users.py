"""Histories and stated tastes to profiles and vectors: `python scripts/embed_users.py CATALOG --store STORE`."""

from pathlib import Path
from typing import Annotated

import typer

from artwork_doors import console

app = console.door()


@app.command()
@console.reports_errors
def embed_users(
    catalog: Annotated[
        Path, typer.Argument(help="Folder with titles, artwork, history, tastes and users as .csv, .jsonl or .parquet.")
    ],
    store: Annotated[Path, typer.Option(help="The store that scripts/embed_artwork.py made.")],
    strict: Annotated[bool, typer.Option("--strict", help="Stop at the first bad row instead of setting it aside.")] = False,
    as_json: console.AsJson = False,
) -> None:
    """Turn what each user watched and says into a profile of phrases, and the phrases into vectors, with STORE's encoder.

    Profiles can be read: tables/profiles.lance in the store has them as text, with the titles that each phrase came from. Stopped
    or killed, it goes on where it was; the former profiles serve until all are there.

    Exit code 0: done; 1: done, but rows were set aside (each is named); 2: could not run.
    """
    from embed.catalog import read_catalog
    from embed.encoder import load_encoder
    from embed.store import open_store
    from embed.tastes.users import embed_users as run

    opened = open_store(store)
    read = read_catalog(catalog, strict=strict)
    console.note_checkpoint(opened.choice)
    encoder = load_encoder(opened.choice)
    with console.progress_bar("phrases") as progress:
        report = run(read, opened, encoder, progress)
    console.say_all(read.problems)
    console.say_all(report.split)
    if as_json:
        counts = {
            "users": report.users,
            "phrases": report.phrases,
            "encoded": report.encoded,
            "split": [str(text) for text in report.split],
        }
        console.answer({**counts, "problems": [str(problem) for problem in read.problems]})
    else:
        typer.echo(f"{report.users} users, {report.phrases} phrases, {report.encoded} of them new")
    if read.problems:
        raise typer.Exit(1)


def main() -> None:
    """The console command `embed-users`."""
    app()


if __name__ == "__main__":
    main()
