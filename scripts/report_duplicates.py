"""Artwork that looks alike, within a title and across titles: `python scripts/report_duplicates.py --store STORE`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from artwork_doors import console

if TYPE_CHECKING:
    from index.duplicates import Duplicates

app = console.door()


@app.command()
@console.reports_errors
def report_duplicates(
    store: Annotated[Path, typer.Option(help="The store whose published artwork is compared.")],
    threshold: Annotated[
        float | None,
        typer.Option(
            min=1e-6, max=1.0, help="Cosine from which two pictures look alike; 0.9 where silent, found on the bundled one."
        ),
    ] = None,
    within_titles: Annotated[bool, typer.Option("--within-titles", help="Leave out pairs of two titles.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write all pairs to this .csv or .parquet file.")] = None,
    as_json: console.AsJson = False,
) -> None:
    """Report the published artwork that looks alike: of one title, two such artworks teach nothing apart.

    A similarity is the cosine of the pictures' vectors. Copies of one file are found whatever the threshold, each beside the first
    of its title, and the first of each title beside the first of all. A group is what pairs connect, also through others.

    Exit code 0: reported, also where nothing looks alike; 2: could not run.
    """
    console.check_table(out)
    from embed.store import open_store
    from index.duplicates import THRESHOLD, near_duplicates
    from index.snapshot import open_snapshot

    opened = open_store(store)
    snapshot = open_snapshot(opened)
    threshold = THRESHOLD if threshold is None else threshold
    with console.progress_bar("comparing") as progress:
        found = near_duplicates(snapshot, threshold, across=not within_titles, progress=progress)
    console.note_checkpoint(open_store(store, snapshot.manifest.fingerprint).choice)
    if out is not None:
        console.write_table(found.pairs, out)
    if as_json:
        console.answer({**counts(found), "threshold": threshold, "pairs": found.pairs.to_pylist()})
        return
    if found.found:
        _print_pairs(found)
    typer.echo(summary(found, snapshot.index.artworks, threshold))
    if out is not None:
        typer.echo(f"{len(found.pairs):,} pairs are in {out}")


COLUMNS = ("group", "artwork", "title", "looks like", "title", "similarity", "")


def row(pair: dict[str, Any]) -> tuple[str, ...]:
    """A pair as a row of COLUMNS."""
    ids = (pair[name] for name in ("artwork_id", "title_id", "other_artwork_id", "other_title_id"))
    marks = ("same file", pair["same_file"]), ("same title", pair["within_title"])
    return f"{pair['group']}", *ids, f"{pair['similarity']:.3f}", ", ".join(mark for mark, holds in marks if holds)


def counts(found: "Duplicates") -> dict[str, Any]:
    """All of the report but its pairs."""
    names = ("found", "same_file", "within_title", "groups", "how", "recall")
    return {name: getattr(found, name) for name in names}


def summary(found: "Duplicates", artworks: int, threshold: float) -> str:
    """The counts, and how sure they are, as a person reads them."""
    kinds = f"{found.within_title:,} within a title, {found.same_file:,} of the same file"
    pairs = f"{found.found:,} pairs of {artworks:,} artworks look alike at {threshold:g} ({kinds})"
    groups = f"{found.groups:,} group{'s' if found.groups != 1 else ''}"
    return f"{pairs}, in {groups}; {_sure(found)}"


def _sure(found: "Duplicates") -> str:
    if found.how == "not compared":
        return "exact within titles, two titles were not compared"
    if found.how == "exact":
        return "exact"
    return (
        f"exact within titles; across titles {found.how}, which finds {found.recall:.1%} of the nearest neighbours in a sample"
    )


def _print_pairs(found: "Duplicates") -> None:
    """The most alike of them; the others are counted."""
    console.print_table(
        "Look alike, the most alike first", COLUMNS, [row(pair) for pair in found.pairs.slice(0, console.SHOWN).to_pylist()]
    )
    if found.found > console.SHOWN:
        typer.echo(f"... and {found.found - console.SHOWN:,} more pairs (--json or --out has {len(found.pairs):,} in all)")


def main() -> None:
    """The console command `report-duplicates`."""
    app()


if __name__ == "__main__":
    main()
