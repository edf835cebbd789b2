"""Impressions and plays to priors: `python scripts/learn_priors.py LOGS --store STORE`."""

from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from artwork_doors import console

if TYPE_CHECKING:
    from match.clicks.days import Report
    from match.clicks.posteriors import Learned
    from match.clicks.rules import Rules

app = console.door()


@app.command()
@console.reports_errors
def learn_priors(
    logs: Annotated[Path, typer.Argument(help="Folder with impressions and plays as .parquet, .csv or .jsonl.")],
    store: Annotated[Path, typer.Option(help="The store that scripts/embed_artwork.py made.")],
    add: Annotated[bool, typer.Option("--add", help="LOGS join those learned from before, such as a day's.")] = False,
    half_life: Annotated[
        float, typer.Option(min=0.1, help="Days after which an impression counts half; inf: never less.")
    ] = 90.0,
    wait: console.Wait = None,
    most_repeats: console.MostRepeats = 10,
    most_impressions: console.MostImpressions = 2000,
    open_days: Annotated[int, typer.Option(min=4, help="Days, with the newest, in which rows may still arrive.")] = 7,
    as_json: console.AsJson = False,
) -> None:
    """Learn from LOGS how often each artwork led to a quality play, and what the pictures have in common after which each user played.

    Into STORE's priors and interests in pictures; replaces what was learned before. With --add the priors are as if all logs had been
    read at once, whatever comes late or twice within the open days; interests in pictures stay as they are. These need a published
    snapshot, and logs that say who was shown what and when.

    Exit code 0: done; 2: could not run.
    """
    from embed.errors import SnapshotError
    from embed.store import open_store
    from match.clicks.priors import learn_priors as run
    from match.clicks.rules import Rules
    from match.clicks.seen import NEEDED, learn_picture_interests

    opened = open_store(store)
    rules = Rules(half_life, wait, most_repeats, most_impressions, open_days)
    priors = run(logs, opened, rules, add=add)
    assert priors.learned is not None
    report, artworks, users = priors.learned.report, len(priors.table), 0
    if add:
        console.say("note: what users like of pictures is learned from all logs at once, and was left as it is")
    elif not set(NEEDED) & set(report.lacking):
        try:
            users = learn_picture_interests(logs, opened, rules)
        except SnapshotError as error:
            console.say(f"note: what users like of pictures was not learned: {error}; then learn again")
    if as_json:
        counts = {"artworks": artworks, "impressions": report.counted, "plays": report.plays, "users": users}
        console.answer({**counts, "catalog_rate": priors.unseen.mean, **_behind(priors.learned)})
        return
    typer.echo(f"{artworks} artworks: {report.counted} impressions, {report.plays} quality plays")
    for line in _left_out(report, rules):
        typer.echo(f"left out: {line}")
    if users:
        typer.echo(f"{users} users have an interest in pictures like those they played")


def _left_out(report: "Report", rules: "Rules") -> list[str]:
    """What does not count and why, where there is any."""
    wait = report.wait or 0.0
    days = f"{wait:.2g} days" if wait >= 0.1 else f"{wait * 1440:.2g} minutes"
    told = (
        (report.duplicates, "that were there already"),
        (report.late, f"of days before the last {rules.open_days}, which are closed; learn from all logs anew to have them"),
        (report.young, f"younger than {days}, which may still be played ({report.wait_by})"),
        (report.repeats, f"beyond {rules.most_repeats} of one artwork for one user in a day"),
        (report.bots, f"of users with more than {rules.most_impressions} in a day"),
    )
    return [f"{count} impressions {why}" for count, why in told if count]


def _behind(learned: "Learned") -> dict[str, Any]:
    """What stands behind the priors, for --json; a strength without end is null."""
    strengths = {**learned.strengths._asdict(), "of_segments": learned.of_segments}
    finite = {name: value if value is not None and isfinite(value) else None for name, value in strengths.items()}
    fit = learned.fit._asdict()
    return {
        "report": learned.report._asdict(),
        "strengths": finite,
        "average_fit": fit,
        "places": learned.places,
        "segments": learned.segments,
    }


def main() -> None:
    """The console command `learn-priors`."""
    app()


if __name__ == "__main__":
    main()
