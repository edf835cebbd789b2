"""The page a person looks at: `python scripts/inspect_matches.py --store STORE --out page.html`, or `--serve`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from artwork_doors import console

if TYPE_CHECKING:
    from collections.abc import Sequence
    from socket import socket

    from embed.records import Profile
    from embed.store import Store
    from index.fits import Question
    from match.comparing.sides import Side
    from match.matcher import Matcher
    from match.page import Reading

app = console.door()

PORT = 8080
LONGEST_ADDRESS = 1 << 22  # bytes: longer than any that the page takes, so that it says what is wrong with it


@app.command()
@console.reports_errors
def inspect_matches(
    store: Annotated[Path, typer.Option(help="The store that scripts/embed_artwork.py made.")],
    out: Annotated[Path | None, typer.Option(help="The HTML file to write.")] = None,
    serve: Annotated[bool, typer.Option("--serve", help="Serve the page on this machine instead, with live queries.")] = False,
    host: Annotated[
        str, typer.Option(help="Where to serve: this machine alone, unless another address is given.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="At which port; 0 for any that is free.")] = PORT,
    users: Annotated[
        str | None,
        typer.Option(help="User ids, divided by commas; where left out, the first 12 of a file, all that are served."),
    ] = None,
    titles: Annotated[
        str | None,
        typer.Option(help="Title ids, divided by commas; where left out, the first with 5,000 artworks, all that are served."),
    ] = None,
    compare: Annotated[
        list[str] | None,
        typer.Option(
            help="What to compare with what serves; may be repeated. A kept snapshot: snapshot=000003. Weights of the blend: "
            "similarity=1,people=0. Another store, as of a checkpoint that is tried out: store=OTHER. Served, the page compares any "
            "snapshots and weights; other stores only where they are named here. In a terminal: scripts/compare_matches.py."
        ),
    ] = None,
) -> None:
    """Write one self-contained HTML page, or serve it: each user's taste, the artwork chosen and not chosen, and why.

    Served, the page answers for every user and title, follows what is published, and takes new weights, tastes and phrases to look
    for. It is for this machine; whoever gives another --host opens the catalog to all who reach that address.

    Exit code 0: written, or served until it was stopped; 2: could not run.
    """
    from embed.store import open_store

    if serve == (out is not None):
        raise typer.BadParameter("give --out FILE or --serve")
    opened = open_store(store)
    console.note_checkpoint(opened.choice)
    sides = _sides(compare or [])
    if out is None:
        _serve(opened, host, port, users, titles, sides)
        return
    from match.page import write_page

    with console.progress_bar("thumbnails") as progress:
        write_page(opened, out, users=console.names(users), titles=console.names(titles), sides=sides, progress=progress)
    typer.echo(f"{out.resolve()}")


def _sides(texts: list[str]) -> "list[Side]":
    """Each text's; another store must be one."""
    from embed.store import open_store
    from match.comparing.sides import side_of

    sides = list(map(side_of, texts))
    for side in sides:
        if side.store is not None:
            open_store(side.store)
    return sides


def _serve(store: "Store", host: str, port: int, users: str | None, titles: str | None, sides: "Sequence[Side]") -> None:
    import gc
    import signal
    from contextlib import suppress
    from socket import AF_INET, AF_INET6, socket

    import uvicorn
    from threadpoolctl import threadpool_limits

    from match.live import LiveMatcher
    from match.page import application
    from match.page.server import LOOPBACK

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # who stops it, by whichever way, is no failure
    # Each answer has a thread of its own: BLAS's threads would wait for each other's, spinning.
    with (
        threadpool_limits(1, user_api="blas"),
        LiveMatcher(store) as live,
        socket(AF_INET6 if ":" in host else AF_INET) as listening,
    ):
        _listen(listening, host, port)
        hosts = LOOPBACK if host in ("127.0.0.1", "::1", "localhost") else ["*"]
        asked = console.names(users), console.names(titles)
        page = application(live, _reading(store), users=asked[0], titles=asked[1], sides=sides, hosts=hosts)
        config = uvicorn.Config(
            page, log_level="warning", lifespan="off", http="h11", h11_max_incomplete_event_size=LONGEST_ADDRESS
        )
        address = f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}/"

        class Server(uvicorn.Server):
            async def startup(self, sockets: "list[socket] | None" = None) -> None:
                """Says where, once whoever stops it is heard."""
                await super().startup(sockets)
                typer.echo(address)

        gc.freeze()  # what stays open: going through all of it now and then would stop every answer for 40 ms
        with suppress(KeyboardInterrupt):
            Server(config).run(sockets=[listening])


def _listen(listening: "socket", host: str, port: int) -> None:
    """From here on a browser may ask, and waits for its answer."""
    from socket import SO_REUSEADDR, SOL_SOCKET

    from embed.errors import ArtworkMatcherError

    listening.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen()
    except OSError as error:
        remedy = "give another --port, or 0 for any that is free"
        raise ArtworkMatcherError(f"cannot serve at {host!r}, port {port}: {error.strerror}; {remedy}") from None


def _reading(store: "Store") -> "Reading":
    """The encoder of the snapshot that serves, loaded when it is first needed."""
    import threading
    from functools import lru_cache

    from artwork_doors.find_artwork import encoder_of, questions_of
    from embed.store import open_store
    from embed.tastes.profile_text import phrases_of_text
    from embed.tastes.trial import profile_tried
    from match.page import Reading

    encoder = lru_cache(maxsize=1)(lambda fingerprint, name: encoder_of(open_store(store.root, fingerprint), name))
    one_at_a_time = threading.Lock()

    def questions(matcher: "Matcher", words: str) -> "Sequence[Question]":
        manifest = matcher.snapshot.manifest
        with one_at_a_time:
            return questions_of(encoder(manifest.fingerprint, manifest.name), words, None)

    def profile(matcher: "Matcher", user_id: str, text: str) -> "Profile":
        manifest, before = matcher.snapshot.manifest, matcher.profiles.get(user_id)
        phrases = phrases_of_text(text, "the edited taste", before.phrases if before else ())
        with one_at_a_time:
            tower = encoder(manifest.fingerprint, manifest.name)
            return profile_tried(user_id, phrases, before, matcher.profiles.vectors, matcher.audience, tower)

    return Reading(questions, profile)


def main() -> None:
    """The console command `inspect-matches`."""
    app()


if __name__ == "__main__":
    main()
