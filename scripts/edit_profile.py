"""A user's profile as text, to read and to edit: `python scripts/edit_profile.py --store STORE USER`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from artwork_doors import console

app = console.door()


@app.command()
@console.reports_errors
def edit_profile(
    user: Annotated[str, typer.Argument(help="The user's id.")],
    store: Annotated[Path, typer.Option(help="The store that scripts/embed_artwork.py made.")],
    take: Annotated[
        Path | None, typer.Option("--take", help="Take an edited file back as the user's profile; - reads standard input.")
    ] = None,
    forget: Annotated[
        bool, typer.Option("--forget", help="Drop the edited profile: the one that was made serves again.")
    ] = False,
    as_json: console.AsJson = False,
) -> None:
    """Print USER's profile as text, one phrase a line: weight, kind, phrase, and as a comment the titles it came from.

    Write it to a file, change it, and give the file back with --take: it is what the user gets, also after the next embed_users,
    until --forget.

    Exit code 0: done; 2: could not run: each line that cannot be read is named with its remedy.
    """
    from embed.encoder import load_encoder
    from embed.store import open_store
    from embed.tastes.edits import forget_edit, keep_edit
    from embed.tastes.profile_text import as_text, phrases_of_text
    from embed.tastes.profiles import read_profile

    if take is not None and forget:
        raise typer.BadParameter("--take and --forget: give one of them")
    opened = open_store(store)
    before = read_profile(opened, user)
    if forget:
        dropped = forget_edit(opened, user)
        say = f"the edited profile of {user} is dropped" if dropped else f"{user} has no edited profile"
        console.answer({"user": user, "forgotten": dropped}) if as_json else typer.echo(say)
    elif take is not None:
        text, file = (sys.stdin.read(), "standard input") if str(take) == "-" else (_read(take), str(take))
        phrases = phrases_of_text(text, file, before.phrases if before else ())
        encoded = keep_edit(opened, user, phrases, load_encoder(opened.choice))
        if as_json:
            console.answer({"user": user, "phrases": len(phrases), "encoded": encoded})
        else:
            typer.echo(f"{len(phrases)} phrases are the profile of {user}, {encoded} of them new")
    elif before is None:
        from embed.errors import ProfileError

        raise ProfileError(
            f"no user {user!r} in {store}; give one that scripts/embed_users.py has seen, or a profile with --take"
        )
    elif as_json:
        told = [{"text": p.text, "kind": p.kind, "weight": p.weight, "titles": list(p.titles)} for p in before.phrases]
        console.answer({"user": user, "source": before.source, "phrases": told})
    else:
        typer.echo(as_text(before), nl=False)


def _read(file: Path) -> str:
    from embed.errors import ProfileError

    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ProfileError(f"{file} is no UTF-8 ({error}); save it as UTF-8") from None


def main() -> None:
    """The console command `edit-profile`."""
    app()


if __name__ == "__main__":
    main()
