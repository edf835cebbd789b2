"""Which artwork works in which audience: `python scripts/report_segments.py LOGS`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from artwork_doors import console

if TYPE_CHECKING:
    from match.experiments.audiences import Audiences

app = console.door()

COLUMNS = ("title", "artwork", "segment", "works", "shown", "rate", "others", "points apart", "interval")


@app.command()
@console.reports_errors
def report_segments(
    logs: Annotated[Path, typer.Argument(help="Folder with impressions and plays as .parquet, .csv or .jsonl.")],
    title: Annotated[str | None, typer.Option(help="Only this title's artwork, what could not be told included.")] = None,
    policy: Annotated[
        str | None, typer.Option(help="Only impressions of this policy: best one that drew the artwork by chance.")
    ] = None,
    share: Annotated[float, typer.Option(help="How many of the discoveries may be false, on average.")] = 0.05,
    wait: console.Wait = None,
    most_repeats: console.MostRepeats = 10,
    most_impressions: console.MostImpressions = 2000,
    as_json: console.AsJson = False,
) -> None:
    """Compare each artwork in each segment of LOGS with the title's other artwork there: how often it led to a quality play.

    Discoveries first, those first of which most is sure; of them, on average at most --share are false, however many pairs were
    compared. The rest is counted, with what it would take. Users who come back count for less than as many users. What counts is what
    learn_priors.py learns from: machines, repeats, and impressions that may still be played are left out.

    A policy that shows a picture to those who like it makes it look good: name with --policy one that drew by chance.

    Exit code 0: reported, also where nothing can be told; 2: could not run.
    """
    if not 0 < share < 1:
        raise typer.BadParameter(f"--share {share}: give a number between 0 and 1, such as 0.05 for 5 %")
    from match.clicks.rules import Rules
    from match.experiments.audiences import report_audiences

    rules = Rules(wait=wait, most_repeats=most_repeats, most_impressions=most_impressions)
    found = report_audiences(logs, policy=policy, title=title, share=share, rules=rules)
    if as_json:
        console.answer(in_json(found))
        return
    rows = found.pairs.to_pylist()
    shown = rows if title is not None else [row for row in rows if row["discovery"]]
    if shown:
        console.print_table(_heading(found, title), COLUMNS, [_row(row) for row in shown[: console.SHOWN]])
        if len(shown) > console.SHOWN:
            typer.echo(f"... and {len(shown) - console.SHOWN:,} more (--json has them all)")
    for line in words(found, share):
        typer.echo(line)


def _heading(found: "Audiences", title: str | None) -> str:
    what = "Artwork" if title is None else f"Artwork of {title}"
    how = f"intervals of {100 * found.confidence:.4g} %"
    return f"{what} by audience: quality plays per impression, beside the title's other artwork there; {how}"


def _row(row: dict[str, Any]) -> tuple[str, ...]:
    works = ("better" if row["difference"] > 0 else "worse") if row["discovery"] else "not told"
    rates = (f"{100 * row[name]:.3g} %" for name in ("rate", "others_rate"))
    apart, low, high = (f"{100 * row[name]:+.2f}" for name in ("difference", "low", "high"))
    names = (row[name] for name in ("title_id", "artwork_id", "segment"))
    return *names, works, f"{row['impressions']:,}", *rates, apart, f"{low} to {high}"


def words(found: "Audiences", share: float) -> list[str]:
    """What was compared, what was found, and what it would take to tell the rest."""
    compared = found.discoveries + found.untold
    kinds = f"{_many(found.titles, 'title')}, {_many(found.segments, 'segment')}, {_many(found.impressions, 'impression')}"
    told = f"{found.discoveries:,} {'discovery' if found.discoveries == 1 else 'discoveries'}"
    lines = [
        f"{_many(compared, 'pair')} of an artwork and a segment compared ({kinds}): {told}, of which on average at most "
        f"{share:.0%} are false (Benjamini-Hochberg)."
    ]
    if found.left_out:
        left = ", ".join(f"{found.left_out[kind]:,} {what}" for kind, what in LEFT_OUT.items() if kind in found.left_out)
        lines.append(f"Left out: {left}.")
    if found.untold:
        lines.append(
            f"{_many(found.untold, 'pair')} cannot be told from the title's other artwork. To tell a fifth more or fewer plays takes "
            f"about {found.to_tell:,} impressions in the median, and as many of the other artwork."
        )
    if found.too_few:
        more = f"; about {found.more:,} more each, in the median" if found.more else ""
        lines.append(f"{_many(found.too_few, 'pair')} with too few impressions to be compared{more}.")
    if found.alone:
        lines.append(
            f"{_many(found.alone, 'pair')} with nothing beside: no other artwork of the title was shown in the segment."
        )
    return lines


LEFT_OUT = {"young": "impressions that may still be played", "bot": "impressions of machines", "repeat": "repeats"}


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def in_json(found: "Audiences") -> dict[str, Any]:
    """All of it."""
    names = ("impressions", "titles", "segments", "discoveries", "confidence", "alone", "too_few", "more", "untold", "to_tell")
    names = (*names, "left_out")
    return {**{name: getattr(found, name) for name in names}, "pairs": found.pairs.to_pylist()}


def main() -> None:
    """The console command `report-segments`."""
    app()


if __name__ == "__main__":
    main()
