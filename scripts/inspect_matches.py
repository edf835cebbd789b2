"""The page a person looks at: `python scripts/inspect_matches.py --store STORE --out page.html`."""

from pathlib import Path
from typing import Annotated

import typer

from artwork_doors import console

app = console.door()


@app.command()
@console.reports_errors
def inspect_matches(
    store: Annotated[Path, typer.Option(help="The store that scripts/embed_artwork.py made.")],
    out: Annotated[Path, typer.Option(help="The HTML file to write.")],
    users: Annotated[str | None, typer.Option(help="User ids, divided by commas; the first 12 where left out.")] = None,
    titles: Annotated[str | None, typer.Option(help="Title ids, divided by commas; the first 24 where left out.")] = None,
) -> None:
    """Write one self-contained HTML page: each user's taste beside the artwork chosen and not chosen, with the scores' parts.

    Exit code 0: written; 2: could not run.
    """
    from embed.store import open_store
    from match.page import write_page

    opened = open_store(store)
    console.note_checkpoint(opened.choice)
    with console.progress_bar("thumbnails") as progress:
        write_page(opened, out, users=console.names(users), titles=console.names(titles), progress=progress)
    typer.echo(f"{out.resolve()}")


def main() -> None:
    """The console command `inspect-matches`."""
    app()


if __name__ == "__main__":
    main()
