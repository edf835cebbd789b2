"""What other artwork, weights or another checkpoint change: `python scripts/compare_matches.py --store STORE --to people=0`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from artwork_doors import console

if TYPE_CHECKING:
    from match.comparing.outcome import Comparison

app = console.door()

SIDE = "a kept snapshot, snapshot=000003; weights of the blend, similarity=1,people=0; another store, store=OTHER"
TOP = 10  # titles and artworks printed; --json has them all


@app.command()
@console.reports_errors
def compare_matches(
    store: Annotated[Path, typer.Option(help="The store whose choices are compared.")],
    former: Annotated[str, typer.Option("--from", help=f"The former side: {SIDE}. What serves where silent.")] = "",
    latter: Annotated[str, typer.Option("--to", help="The latter side, in the same words. What serves where silent.")] = "",
    users: Annotated[
        str | None,
        typer.Option(help="User ids, divided by commas; all that both sides know where left out, or 2,000 of them."),
    ] = None,
    titles: Annotated[
        str | None, typer.Option(help="Title ids, divided by commas; all that both sides have where left out.")
    ] = None,
    most_changed: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="The share of choices that may change, such as 0.1; of more the exit code is 1."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write every choice that changes, and why, to this .csv or .parquet file.")
    ] = None,
    as_json: console.AsJson = False,
) -> None:
    """Compare two sides of a store: how many choices change, for whom, why, and by how much.

    A side is made of some of store=, snapshot= and the weights similarity=, people=, words= and copy=, divided by commas. --from
    snapshot=000003 says what has changed since; --to store=OTHER what a checkpoint would change that is tried out in another store.
    Tastes and priors are those of today on both sides. The interval is of users like those compared, at 95 %.

    As a gate, before weights or a checkpoint are published or after a snapshot is: --most-changed 0.1. The page that
    scripts/inspect_matches.py --compare writes shows the same in pictures.

    Exit code 0: compared; 1: more choices change than --most-changed; 2: could not run.
    """
    if not former and not latter:
        raise typer.BadParameter("give --from SIDE or --to SIDE: what serves would be compared with itself")
    console.check_table(out)
    from embed.store import open_store
    from index.snapshot import current_name
    from match.comparing.flow import Asked
    from match.comparing.outcome import compare_sides
    from match.comparing.sides import side_of
    from match.comparing.told import changes_table

    opened, sides = open_store(store), (side_of(former), side_of(latter))
    with console.progress_bar("comparing") as progress:
        made = compare_sides(opened, sides, Asked(console.names(users), console.names(titles)), progress)
    console.note_checkpoint(opened.choice)
    if out is not None:
        console.write_table(changes_table(made.compared), out)
    told = {**in_json(made, current_name(opened)), "most_changed": most_changed}
    told["exceeded"] = most_changed is not None and made.whole.value > most_changed
    if as_json:
        console.answer(told)
    else:
        _print(told, out)
    if told["exceeded"]:
        raise typer.Exit(1)


def in_json(made: "Comparison", serving: str) -> dict[str, Any]:
    """What it comes to, and the lists of titles and artwork behind it, whole; serving: the snapshot that does."""
    from match.comparing.told import LISTS, artwork_listed, titles_changed, told_artworks, told_outcome, told_titles

    compared = made.compared
    lists: dict[str, Any] = {"titles": told_titles(compared, titles_changed(compared))}
    lists |= {name: told_artworks(compared, artwork_listed(compared, name)) for name in LISTS}
    return {**told_outcome(made, serving), "lists": lists}


REASONS = {"retired": "gone", "new": "new artwork"}  # as a person reads them; the others are parts of a score


def _print(told: dict[str, Any], out: Path | None) -> None:
    for line in words(told):
        typer.echo(line)
    if told["changed"]["changed"]:
        _print_segments(told["segments"])
        _print_titles(told["lists"]["titles"])
        _print_artwork(told["lists"]["gained"], told["lists"]["lost"])
    if out is not None:
        typer.echo(f"{told['changed']['changed']:,} choices that change are in {out}")
    if told["most_changed"] is not None:
        which = "More" if told["exceeded"] else "No more"
        typer.echo(f"{which} than the {told['most_changed']:.1%} that may change (--most-changed).")


def words(told: dict[str, Any]) -> list[str]:
    """The outcome in sentences."""
    changed, users, titles = told["changed"], told["users"], told["titles"]
    of = f"{changed['changed']:,} of {changed['choices']:,} choices"
    whom = (
        f"{changed['users_changed']:,} of {users['compared']:,} users, {titles['changed']:,} of {titles['compared']:,} titles"
    )
    lines = [
        f"From {_side(told['from'])}",
        f"To   {_side(told['to'])}",
        f"{changed['value']:.1%} of choices change ({changed['low']:.1%} to {changed['high']:.1%} for users like these): {of}; {whom}.",
    ]
    if changed["changed"]:
        lines.append(f"Why: {_reasons(changed['reasons'])}.")
    return lines + _leads(told["leads"]) + _notes(told)


def _side(side: dict[str, Any]) -> str:
    weights = ", ".join(f"{name} {weight:.3g}" for name, weight in side["weights"].items())
    place = f"{side['store']}, snapshot" if side["store"] else "snapshot"
    serves = ", which serves" if side["serves"] else ""
    encoder = f"{side['encoder']['name']} {side['encoder']['fingerprint'][:12]}"
    return f"{place} {side['snapshot']['name']}{serves}; {encoder}; {weights}"


def _reasons(reasons: dict[str, int]) -> str:
    return ", ".join(f"{REASONS.get(name, name)} {count:,}" for name, count in reasons.items())


def _leads(leads: list[dict[str, Any]]) -> list[str]:
    """By how much, where it can be told."""
    if any(lead["median"] is None for lead in leads):
        return []
    (median, ninety), (other, other_ninety) = ((lead["median"], lead["ninety"]) for lead in leads)
    return [
        f"By how much: each side's own choice leads the other's by {median:.2f} (From) and {other:.2f} (To) log-odds in the median, "
        f"nine in ten by no more than {ninety:.2f} and {other_ninety:.2f}. Little is nearly a tie."
    ]


def _notes(told: dict[str, Any]) -> list[str]:
    """What else is to be known, each only where it is so."""
    users, artwork, tau = told["users"], told["artwork"], told["agreement"]["tau"]
    known_to_one = (sum(users["apart"]), "users"), (sum(one["count"] for one in told["titles"]["apart"]), "titles")
    apart = ", ".join(f"{count:,} {what}" for count, what in known_to_one if count)
    notes = [
        (users["known"] > users["compared"], f"A sample: {users['compared']:,} users of {users['known']:,}, evenly spread."),
        (apart, f"Not compared, since one side alone has them: {apart}."),
        (artwork["retired"] or artwork["new"], f"Artworks gone: {artwork['retired']:,}, new: {artwork['new']:,}."),
        (artwork["repainted"], f"Artworks with another picture under the same id: {artwork['repainted']:,}."),
        (told["lines"], f"Choices that keep their artwork and get another line of copy: {told['lines']:,}."),
        (tau is not None, f"Orders within titles agree with Kendall's tau {tau or 0:.2f} (1: the same order)."),
        (told["differ"]["encoder"], "Two encoders: scores of one do not compare with scores of the other."),
    ]
    return [text for is_so, text in notes if is_so]


def _print_segments(segments: list[dict[str, Any]]) -> None:
    if [one["name"] for one in segments] == [None]:
        return
    rows = [
        (
            one["name"] or "no segment",
            f"{one['users']:,}",
            f"{one['value']:.1%}",
            f"{one['low']:.1%} to {one['high']:.1%}",
            _reasons(one["reasons"]),
        )
        for one in segments[: console.SHOWN]
    ]
    console.print_table(
        "For whom: the share of choices that change", ("segment", "users", "change", "95 % interval", "why"), rows
    )
    _more(len(segments) - len(rows), "segments")


def _print_titles(titles: list[dict[str, Any]]) -> None:
    rows = [
        (
            one["id"],
            one["name"],
            f"{one['changed']:,} of {one['users']:,}",
            _reasons(one["reasons"]),
            _before_now(one["artworks"]),
        )
        for one in titles[:TOP]
    ]
    console.print_table("Titles that change for most users", ("title", "name", "users", "why", "artworks"), rows)
    _more(len(titles) - len(rows), "titles")


def _print_artwork(gained: list[dict[str, Any]], lost: list[dict[str, Any]]) -> None:
    """Those with the largest gains and losses."""
    moved = sorted(gained + lost, key=lambda one: -abs(one["users"][1] - one["users"][0]))
    rows = [
        (
            one["id"],
            one["title"],
            f"{_before_now(one['users'])}{_there(one['there'])}",
            f"{one['users'][1] - one['users'][0]:+,}",
        )
        for one in moved[:TOP]
    ]
    console.print_table("Artwork that gains or loses most users", ("artwork", "title", "users", "gain"), rows)
    _more(len(moved) - len(rows), "artworks")


def _before_now(counts: list[int]) -> str:
    before, now = counts
    return f"{now:,}" if before == now else f"{before:,} → {now:,}"


def _there(there: list[bool]) -> str:
    return "" if all(there) else ", new" if there[1] else ", gone"


def _more(count: int, what: str) -> None:
    if count > 0:
        typer.echo(f"... and {count:,} more {what} (--json has them all)")


def main() -> None:
    """The console command `compare-matches`."""
    app()


if __name__ == "__main__":
    main()
