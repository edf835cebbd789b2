"""The choice per title for a user, and why: `python scripts/match_user.py --store STORE USER`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from artwork_doors import console

if TYPE_CHECKING:
    from match.matcher import Choice

app = console.door()


@app.command()
@console.reports_errors
def match_user(
    user: Annotated[str, typer.Argument(help="The user's id.")],
    store: Annotated[Path, typer.Option(help="The store that scripts/embed_artwork.py made.")],
    titles: Annotated[str | None, typer.Option(help="Title ids, divided by commas; all titles where left out.")] = None,
    locale: console.Locale = None,
    segment: console.Segment = None,
    aspect: console.Aspect = None,
    maturity: console.Maturity = None,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON on standard output, with all parts.")] = False,
) -> None:
    """Choose STORE's best artwork of each title for USER and the line of copy that goes with it, and say why.

    A user nobody knows gets the average taste of the segment, else of the locale, else of everyone, a title nobody knows no artwork,
    and a title whose artwork may not be shown its fallback or none; all of it is said, and is no failure.

    Exit code 0: answered; 2: could not run.
    """
    from embed.store import open_store
    from match.matcher import Matcher, as_record

    opened = open_store(store)
    context = console.context(locale, aspect, maturity, segment)
    choices = Matcher.open(opened).choose(user, console.names(titles), context)
    console.note_checkpoint(opened.choice)
    if as_json:
        console.answer([as_record(choice) for choice in choices])
        return
    if choices and choices[0].taste != OWN:
        console.say(f"taste: {choices[0].taste}")
    console.print_table(f"Artwork for {user}", COLUMNS, [row(choice) for choice in choices])


OWN = "the user's own"
COLUMNS = ("title", "artwork", "score", "copy", "why")


def row(choice: "Choice") -> tuple[str, str, str, str, str]:
    """A choice as a row of COLUMNS."""
    art = choice.artwork
    if art is None:
        return choice.title_id, "-", "-", "-", choice.reason
    phrase = f' ("{art.phrase}")' if art.phrase else ""
    people = f", people {art.people_part:+.2f} ({', '.join(art.people)})" if art.people else ""
    said = f' ("{art.word}")' if art.word else ""
    words = f", words {art.words_part:+.2f}{said}" if art.words_part else ""
    there = f" in {art.prior.segment}" if art.prior.segment else ""
    seen = (f"{art.prior.plays} of {art.prior.impressions}" if art.prior.impressions else "never shown") + there
    why = f"{choice.reason}: similarity {art.similarity_part:+.2f}{phrase}{people}{words}, prior {art.prior_part:+.2f} ({seen})"
    copy = choice.copy.text if choice.copy else "-"
    return choice.title_id, art.artwork_id, f"{art.score:+.2f}", copy, why


def main() -> None:
    """The console command `match-user`."""
    app()


if __name__ == "__main__":
    main()
