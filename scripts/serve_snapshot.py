"""See the snapshots that a store keeps, or go back to one: `python scripts/serve_snapshot.py --store STORE [NAME]`."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from artwork_doors import console

app = console.door()


@app.command()
@console.reports_errors
def serve_snapshot(
    store: Annotated[Path, typer.Option(help="The store whose snapshots they are.")],
    name: Annotated[
        str | None, typer.Argument(help="The one that serves from now on; the kept ones are shown where silent.")
    ] = None,
    as_json: console.AsJson = False,
) -> None:
    """Make a kept snapshot the one that serves: the way back from a bad night. Without NAME, show what is kept.

    The next scripts/build_index.py publishes what the store holds then, and that serves. Exit code 0: done; 2: could not run.
    """
    from embed.errors import SnapshotError
    from embed.store import open_store
    from index import publish
    from index.snapshot import current_name

    opened = open_store(store)
    if name is not None:
        manifest = publish.serve_snapshot(opened, name)
        if as_json:
            console.answer(asdict(manifest))
        else:
            typer.echo(f"snapshot {manifest.name} serves: {manifest.artworks} artworks of {manifest.titles} titles")
        return
    kept = publish.kept_snapshots(opened)
    try:
        serving: str | None = current_name(opened)
    except SnapshotError:
        serving = None
    if as_json:
        console.answer({"serving": serving, "kept": [asdict(manifest) for manifest in kept]})
        return
    rows = []
    for one in kept:
        counts = f"{one.artworks:,}", f"{one.titles:,}"
        rows.append((one.name, "serves" if one.name == serving else "", one.published_at, *counts, one.fingerprint[:12]))
    console.print_table(f"Snapshots of {store}", ("snapshot", "", "published at", "artworks", "titles", "encoder"), rows)


def main() -> None:
    """The console command `serve-snapshot`."""
    app()


if __name__ == "__main__":
    main()
