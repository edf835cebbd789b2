"""Draw the bundled catalog's pictures: `python scripts/draw_catalog.py`. Needs the extra `catalog`.

Photographs in the public domain that ship inside scikit-image and matplotlib are cropped, graded and set with a line of copy;
the others are drawn by `scripts/drawing/`. The same library versions give the same bytes.
"""

import json
from pathlib import Path
from typing import Annotated

import typer

from artwork_doors import console

app = console.door()


@app.command()
@console.reports_errors
def draw_catalog(
    out: Annotated[
        Path | None, typer.Option(help="Folder for the pictures; that of the bundled catalog where left out.")
    ] = None,
    only: Annotated[str | None, typer.Option(help="Artwork ids, divided by commas; all where left out.")] = None,
) -> None:
    """Draw the picture of every row of assets/catalog/artwork.jsonl, as JPEG of 640x360.

    Exit code 0: drawn; 2: could not run.
    """
    from artwork_assets import CATALOG

    from embed.errors import CatalogError

    try:
        import matplotlib  # noqa: F401  (fonts, Grace Hopper)
        import skimage  # noqa: F401  (the other photographs)
    except ImportError as error:
        console.say(f"error: {error.name} is missing: pip install 'artwork-matcher[catalog]'")
        raise typer.Exit(2) from None
    from artwork_doors.drawing.artworks import RECIPES, draw

    rows = [json.loads(line) for line in (CATALOG / "artwork.jsonl").read_text(encoding="utf-8").splitlines()]
    wanted = console.names(only) or [row["artwork_id"] for row in rows]
    if strangers := sorted(
        {*wanted, *(row["artwork_id"] for row in rows)} ^ {*RECIPES} if only is None else {*wanted} - {*RECIPES}
    ):
        raise CatalogError(f"{', '.join(strangers)}: artwork.jsonl and scripts/drawing/artworks.py must have the same artworks")
    out = out or CATALOG / "pictures"
    out.mkdir(parents=True, exist_ok=True)
    with console.progress_bar("drawing") as progress:
        for done, row in enumerate((row for row in rows if row["artwork_id"] in wanted), start=1):
            draw(row["artwork_id"], row.get("copy"), out / Path(row["path"]).name)
            progress(done, len(wanted))
    sizes = [(out / Path(row["path"]).name).stat().st_size for row in rows if row["artwork_id"] in wanted]
    typer.echo(f"{len(sizes)} pictures in {out}, {sum(sizes) / 2**20:.2f} MiB, the largest {max(sizes) / 1024:.0f} KiB")


def main() -> None:
    """Not a console command: the pictures ship with the package, and making them needs the extra `catalog`."""
    app()


if __name__ == "__main__":
    main()
