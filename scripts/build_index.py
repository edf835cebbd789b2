"""Publish a snapshot: `python scripts/build_index.py --store STORE`."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from artwork_doors import console

app = console.door()


@app.command()
@console.reports_errors
def build_index(
    store: Annotated[Path, typer.Option(help="The store that scripts/embed_artwork.py made.")],
    rebuild: Annotated[bool, typer.Option(help="Write all vectors anew, not only those of titles that changed.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Answer with the manifest in JSON on standard output.")] = False,
) -> None:
    """Publish STORE's active artwork as a new snapshot, the one that serves from now on; the last three are kept.

    Exit code 0: published; 2: could not run.
    """
    from embed.store import open_store
    from index.publish import publish_snapshot

    opened = open_store(store)
    console.note_checkpoint(opened.choice)
    manifest = publish_snapshot(opened, rebuild=rebuild)
    if as_json:
        console.answer(asdict(manifest))
    else:
        shared = "" if manifest.base == manifest.name else f"; vectors of {manifest.base}, {manifest.changed} beside them"
        typer.echo(f"snapshot {manifest.name}: {manifest.artworks} artworks of {manifest.titles} titles{shared}")


def main() -> None:
    """The console command `build-index`."""
    app()


if __name__ == "__main__":
    main()
