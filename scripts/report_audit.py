"""Who gets what artwork, and where a guard spoke: `python scripts/report_audit.py CHOICES`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from artwork_doors import console

if TYPE_CHECKING:
    import pyarrow as pa

    from match.audit import Audit

app = console.door()


@app.command()
@console.reports_errors
def report_audit(
    choices: Annotated[
        Path,
        typer.Argument(
            help="A folder that match_all wrote, or a log of choices: a .parquet or .jsonl file or a folder of them."
        ),
    ],
    store: Annotated[
        Path | None, typer.Option(help="The store whose users' segments count; for match_all's choices, which name none.")
    ] = None,
    most: Annotated[
        int, typer.Option(min=1, help="How many artworks are listed that a segment gets more often than others.")
    ] = 20,
    as_json: console.AsJson = False,
) -> None:
    """Report who gets what artwork by segment, how far that is from what all get of the same titles, and where a guard spoke.

    A segment differs by the share of its choices that would have to change for it to be as all are; segments that do not differ at
    all still differ by chance, and by how much stands beside it. "not the commonest" is the share of choices that are another
    artwork than the one most shown for the title.

    Exit code 0: reported; 2: could not run.
    """
    from match.audit import audit_of

    found = audit_of(choices, _segments(store) if store else None, most)
    if as_json:
        console.answer(as_record(found))
        return
    console.print_table("By segment", SEGMENTS, [segment_row(row) for row in found.segments])
    if found.cells:
        console.print_table(
            "What a segment gets more often than others, the surest first", CELLS, list(map(cell_row, found.cells))
        )
    if found.spoke:
        console.print_table("Where a guard spoke", SPOKE, list(map(spoke_row, found.spoke)))
    typer.echo(summary(found))


SEGMENTS = ("segment", "choices", "titles", "differs", "by chance", "not the commonest")
CELLS = ("segment", "title", "artwork", "choices", "its share", "of all", "standard deviations")
SPOKE = ("guard, or why it was kept or none", "segment", "choices", "of the segment's")


def _segments(store: Path) -> "pa.Table":
    import pyarrow as pa

    from embed.store import has_table, open_store, read_table

    opened = open_store(store)
    if not has_table(opened, "profiles"):
        return pa.table({"user_id": pa.array([], pa.string()), "segment": pa.array([], pa.string())})
    return read_table(opened, "profiles", ["user_id", "segment"])


def segment_row(row: dict[str, Any]) -> tuple[str, ...]:
    """A row of SEGMENTS."""
    shares = (f"{row[name]:.1%}" for name in ("differs", "by_chance", "not_the_commonest"))
    return row["segment"], f"{row['choices']:,}", f"{row['titles']:,}", *shares


def cell_row(row: dict[str, Any]) -> tuple[str, ...]:
    """A row of CELLS."""
    counts = f"{row['choices']:,} of {row['of_choices']:,}", f"{row['share']:.1%}", f"{row['usual']:.1%}", f"{row['score']:.1f}"
    return row["segment"], row["title_id"], row["artwork_id"], *counts


def spoke_row(row: dict[str, Any]) -> tuple[str, ...]:
    """A row of SPOKE."""
    return row["guard"], row["segment"], f"{row['choices']:,}", f"{row['share']:.1%}"


def as_record(found: "Audit") -> dict[str, Any]:
    """All of the report."""
    from dataclasses import asdict

    return asdict(found)


def summary(found: "Audit") -> str:
    """How much was looked at, as a person reads it."""
    return f"{found.choices:,} choices in {len(found.segments):,} segments; {found.without_artwork:,} without artwork"


def main() -> None:
    """The console command `report-audit`."""
    app()


if __name__ == "__main__":
    main()
