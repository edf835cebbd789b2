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
    """Learn from LOGS how often each artwork led to a quality play, and what the pictures have in common after which each user played.

    Into STORE's priors and interests in pictures; replaces what was learned before. The second needs a published snapshot, and logs
    that say who was shown what and when.

    Exit code 0: done; 2: could not run.
    """
    from embed.errors import SnapshotError
    from embed.store import open_store
    from match.clicks.logs import columns_of
    from match.clicks.priors import learn_priors as run
    from match.clicks.seen import COLUMNS, learn_picture_interests

    opened = open_store(store)
    priors = run(logs, opened)
    users = 0
    if set(COLUMNS) <= set(columns_of(logs, "impressions")):
        try:
            users = learn_picture_interests(logs, opened)
        except SnapshotError as error:
            console.say(f"note: what users like of pictures was not learned: {error}; then learn again")
    impressions = sum(prior.impressions for prior in priors.by_artwork.values())
    plays = sum(prior.plays for prior in priors.by_artwork.values())
    if as_json:
        counts = {"artworks": len(priors.by_artwork), "impressions": impressions, "plays": plays, "users": users}
        console.answer({**counts, "catalog_rate": priors.unseen.mean})
    else:
        typer.echo(f"{len(priors.by_artwork)} artworks: {impressions} impressions, {plays} quality plays")
        if users:
            typer.echo(f"{users} users have an interest in pictures like those they played")


def main() -> None:
    """The console command `learn-priors`."""
    app()


if __name__ == "__main__":
    main()
