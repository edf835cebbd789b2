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

    from embed.errors import ArtworkMatcherError, CatalogError

    try:
        import matplotlib  # noqa: F401  (fonts, Grace Hopper)
        import skimage  # noqa: F401  (the other photographs)
    except ImportError as error:
        raise ArtworkMatcherError(f"{error.name} is missing: pip install 'artwork-matcher[catalog]'") from error
    from artwork_doors.drawing.artworks import RECIPES, draw

    listed = (CATALOG / "artwork.jsonl").read_text(encoding="utf-8")
    rows = {row["artwork_id"]: row for row in map(json.loads, listed.splitlines())}
    if strangers := sorted(rows.keys() ^ RECIPES.keys()):
        raise CatalogError(f"{', '.join(strangers)}: artwork.jsonl and scripts/drawing/artworks.py must have the same artworks")
    wanted = console.names(only) or list(rows)
    if strangers := sorted({*wanted} - rows.keys()):
        raise CatalogError(f"no artwork {', '.join(strangers)} in {CATALOG / 'artwork.jsonl'}; correct --only")
    out = out or CATALOG / "pictures"
    out.mkdir(parents=True, exist_ok=True)
    sizes = []
    with console.progress_bar("drawing") as progress:
        for artwork_id in wanted:
            path = out / Path(rows[artwork_id]["path"]).name
            draw(artwork_id, rows[artwork_id].get("copy"), path)
            sizes.append(path.stat().st_size)
            progress(len(sizes), len(wanted))
    typer.echo(f"{len(sizes)} pictures in {out}, {sum(sizes) / 2**20:.2f} MiB, the largest {max(sizes) / 1024:.0f} KiB")


def main() -> None:
    """Not a console command: the pictures ship with the package, and making them needs the extra `catalog`."""
    app()


if __name__ == "__main__":
    main()
