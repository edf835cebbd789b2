"""All choices of all users as Parquet, the nightly job: `python scripts/match_all.py --store STORE --out FOLDER`."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from artwork_doors import console

if TYPE_CHECKING:
    from match.choices import Written

app = console.door()


@app.command()
@console.reports_errors
def match_all(
    store: Annotated[Path, typer.Option(help="The store that scripts/embed_artwork.py made.")],
    out: Annotated[Path, typer.Option(help="Folder of the choices; made where it is not there.")],
    users_file: Annotated[Path | None, typer.Option(help="User ids, one a line; all users of STORE where left out.")] = None,
    titles: Annotated[str | None, typer.Option(help="Title ids, divided by commas; all titles where left out.")] = None,
    locale: console.Locale = None,
    segment: console.Segment = None,
    aspect: console.Aspect = None,
    maturity: console.Maturity = None,
    restart: Annotated[bool, typer.Option("--restart", help="Make anew what FOLDER holds of another run.")] = False,
    as_json: console.AsJson = False,
) -> None:
    """Choose STORE's best artwork for every user and every title, as match_user does, and write it to FOLDER as Parquet.

    DuckDB, Polars and Spark read 'FOLDER/*.parquet': user_id, title_id, artwork_id, copy_id, score, and the reason where a title has no
    artwork or only its fallback. FOLDER/manifest.json says what the choices were made of, and "complete" once all are there.

    Run the same command again to go on where it was stopped, however it was. A folder of another snapshot, of other tastes or
    settings is refused; --restart makes its choices anew.

    Exit code 0: all is chosen; 2: could not run.
    """
    from embed.store import open_store
    from match.choices import Asked, write_choices

    context = console.context(locale, aspect, maturity, segment)
    asked = Asked(_users(users_file), console.names(titles), context)
    opened = open_store(store)
    with console.progress_bar("choosing") as progress:
        written = write_choices(opened, out, asked, restart=restart, progress=progress)
    console.note_checkpoint(opened.choice)
    if as_json:
        console.answer({**asdict(written), "choices": written.choices})
    else:
        typer.echo(summary(written))


def _users(file: Path | None) -> list[str] | None:
    if file is None:
        return None
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise typer.BadParameter(f"--users-file {file} is no UTF-8 text ({error}); give user ids, one a line") from error
    return [line.strip() for line in lines if line.strip()]


def summary(written: "Written") -> str:
    """What was done, in a line or two."""
    seconds = sum(written.seconds[stage] for stage in ("open", "make"))
    lines = f"{written.folder}: {written.choices:,} choices of {written.users:,} users and {written.titles:,} titles"
    if written.kept == written.parts:
        return f"{lines}; all of them were there already (--restart makes them anew)"
    kept = f", {written.kept} of {written.parts} parts from before" if written.kept else ""
    none = (
        f"\n{written.without_artwork} titles have no artwork that may be shown; `reason` says why"
        if written.without_artwork
        else ""
    )
    return f"{lines} in {seconds:.1f} s, {written.made / seconds:,.0f}/s{kept}{none}"


def main() -> None:
    """The console command `match-all`."""
    app()


if __name__ == "__main__":
    main()
