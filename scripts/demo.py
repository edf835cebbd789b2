"""All of it on the catalog in assets/: `python scripts/demo.py`."""

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from artwork_doors import console

if TYPE_CHECKING:
    from match import Matcher

app = console.door()


@app.command()
@console.reports_errors
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the demo's store and page.")] = Path("demo"),
) -> None:
    """Embed the bundled catalog, learn users and clicks, publish, choose, and write the page; ends with a table and its path.

    The clicks of the bundled catalog are simulated, and its checkpoint is a small one: see assets/CREDITS.md.

    Exit code 0: all done; 1: done, but some input was set aside; 2: could not run.
    """
    from artwork_assets import CATALOG

    from embed import EncoderChoice, create_store, embed_artwork, embed_users, load_encoder, read_catalog
    from index import publish_snapshot
    from match import Matcher, learn_priors
    from match.clicks.seen import learn_picture_interests
    from match.page import write_page

    catalog = read_catalog(CATALOG)
    encoder = load_encoder(EncoderChoice())
    console.note_checkpoint(encoder.choice)
    store = create_store(out / "store", encoder.choice, encoder.fingerprint, encoder.dimension)
    with console.job_progress() as watch:
        report = embed_artwork(catalog, store, encoder, watch=watch)
    typer.echo(f"1. {report.embedded} pictures embedded, {len(report.plan.unchanged)} known already")
    users = embed_users(catalog, store, encoder)
    typer.echo(f"2. {users.users} users, {users.phrases} phrases of taste")
    manifest = publish_snapshot(store)
    typer.echo(f"3. snapshot {manifest.name}: {manifest.artworks} artworks of {manifest.titles} titles")
    priors = learn_priors(CATALOG / "logs", store)
    of_pictures = learn_picture_interests(CATALOG / "logs", store)
    impressions = sum(p.impressions for p in priors.by_artwork.values())
    typer.echo(f"4. {impressions} impressions (simulated) to priors, and interests in pictures of {of_pictures} users")
    _print_choices(Matcher.open(store))
    write_page(store, out / "page.html")
    typer.echo(f"5. open in a browser: {(out / 'page.html').resolve()}")
    console.say_all(catalog.problems)
    console.say_all([f"set aside: {row['path']} ({row['artwork_id']}): {row['reason']}" for row in report.rejected])
    if report.rejected or catalog.problems:
        raise typer.Exit(1)


def _print_choices(matcher: "Matcher") -> None:
    """Per title, which artwork meets which users: the same title has another face for another taste."""
    names = dict(zip(*(matcher.snapshot.titles[column].to_pylist() for column in ("title_id", "name")), strict=True))
    users_of: dict[tuple[str, str], list[str]] = defaultdict(list)
    for choice in (choice for page in matcher.choose_many(matcher.user_ids) for choice in page):
        users_of[choice.title_id, choice.artwork.artwork_id if choice.artwork else "-"].append(choice.user_id)
    rows, last = [], ""
    for (title_id, artwork_id), users in sorted(users_of.items()):
        rows.append((names[title_id] if title_id != last else "", artwork_id, ", ".join(users)))
        last = title_id
    console.print_table("The artwork that each user meets", ("title", "artwork", "users"), rows)


def main() -> None:
    """The console command `artwork-demo`."""
    app()


if __name__ == "__main__":
    main()
