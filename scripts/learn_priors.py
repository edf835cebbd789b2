"""Impressions and plays to priors: `python scripts/learn_priors.py LOGS --store STORE`."""

from pathlib import Path
from typing import Annotated

import typer

from artwork_doors import console

app = console.door()


@app.command()
@console.reports_errors
def learn_priors(
    logs: Annotated[Path, typer.Argument(help="Folder with impressions and plays as .parquet, .csv or .jsonl.")],
    store: Annotated[Path, typer.Option(help="The store that scripts/embed_artwork.py made.")],
    as_json: console.AsJson = False,
) -> None:
    """Learn from LOGS how often each artwork led to a quality play, into STORE's priors; replaces what was learned before.

    Exit code 0: done; 2: could not run.
    """
    from embed.store import open_store
    from match.priors import learn_priors as run

    priors = run(logs, open_store(store))
    impressions = sum(prior.impressions for prior in priors.by_artwork.values())
    plays = sum(prior.plays for prior in priors.by_artwork.values())
    if as_json:
        counts = {"artworks": len(priors.by_artwork), "impressions": impressions, "plays": plays}
        console.answer({**counts, "catalog_rate": priors.unseen.mean})
    else:
        typer.echo(f"{len(priors.by_artwork)} artworks: {impressions} impressions, {plays} quality plays")


def main() -> None:
    """The console command `learn-priors`."""
    app()


if __name__ == "__main__":
    main()
