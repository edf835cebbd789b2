"""The artwork of the whole catalog that fits phrases, a picture, people, tags and a segment at once.

`python scripts/find_artwork.py --store STORE "rain at night, two people" --person "Uma Thurman" --tag city`
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from artwork_doors import console

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import pyarrow as pa

    from embed.encoder import Encoder
    from embed.store import Store
    from embed.tastes.asked import Said
    from index.fits import Question
    from match.blend import Prior
    from match.search import Answer, Hit

app = console.door()


@app.command()
@console.reports_errors
def find_artwork(
    store: Annotated[Path, typer.Option(help="The store whose published artwork is looked through.")],
    words: Annotated[
        str | None, typer.Argument(help="Phrases of what the artwork shows, divided by commas: rain at night, two people.")
    ] = None,
    picture: Annotated[Path | None, typer.Option(help="A picture file that it looks like.")] = None,
    person: Annotated[list[str] | None, typer.Option(help="Who is on it, by name; given again, all of them are.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="A tag that it has; given again, it has all of them.")] = None,
    title: Annotated[list[str] | None, typer.Option(help="Its title, by id or name; given again, any of them.")] = None,
    locale: console.Locale = None,
    segment: Annotated[
        str | None, typer.Option(help="An audience segment that it was shown to, of the logs in --clicks.")
    ] = None,
    clicks: Annotated[
        Path | None, typer.Option(help="Folder of logs with impressions and plays, as scripts/learn_priors.py takes it.")
    ] = None,
    count: Annotated[int, typer.Option("--count", min=1, max=10_000, help="How many artworks.")] = 10,
    as_json: console.AsJson = False,
) -> None:
    """Find the artwork of the whole published catalog, whatever its title, that is nearest to WORDS and to a picture, among what
    has the people, the tags, the title and the segment that are asked for. At least one of these must be given.

    Words and pictures are read by the encoder that made the snapshot's vectors. A similarity is a cosine: of the same file 1, of
    words and a picture that fits them well about 0.3 with most checkpoints. Where several phrases are given, or a picture beside
    them, the best fit to all comes first: a fit is a similarity less its mean over the catalog, in units of its spread there. With
    a semicolon anywhere, commas belong to the phrases.

    Names of people and tags are met exactly, but for case and spacing; tags that were accepted (scripts/tag_artwork.py) count once
    they are published. Without words or a picture, what is played most after it was shown comes first.

    Exit code 0: answered; 2: could not run.
    """
    if words is not None and not words.strip(" ,;"):
        raise typer.BadParameter("the words are empty; say what the artwork shows, or leave them out")
    if all(one is None or one == [] for one in (words, picture, person, tag, title, locale, segment)):
        raise typer.BadParameter("give words, --picture, --person, --tag, --title, --locale or --segment")
    if (segment is None) != (clicks is None):
        raise typer.BadParameter("--segment goes with --clicks, the folder of logs that name segments")
    from embed.store import open_store
    from index.snapshot import open_snapshot
    from index.wanted import Wanted
    from match.clicks.priors import read_priors
    from match.clicks.segments import segment_priors
    from match.search import Search, search

    opened = open_store(store)
    snapshot = open_snapshot(opened)
    wanted = Wanted(tuple(person or ()), tuple(tag or ()), tuple(title or ()), locale)
    in_segment = segment_priors(clicks, segment) if clicks is not None and segment is not None else None
    questions = []
    if words or picture:
        encoder = encoder_of(open_store(store, snapshot.manifest.fingerprint), snapshot.manifest.name)
        console.note_checkpoint(encoder.choice)
        questions = questions_of(encoder, words, picture)
    priors = read_priors(opened)
    found = search(snapshot, priors, Search(questions, wanted, segment, in_segment), count)
    if not found.passing:
        each = "; ".join(f"{number:,} {said}" for said, number in found.conditions)
        console.say(f"note: no artwork meets all of this together ({each})")
    if as_json:
        console.answer({"how": found.how, "recall": found.recall, **about(found), "artworks": list(map(record, found.hits))})
        return
    order = f"nearest to {_nearest_to(words, picture)} ({_in_words(found)})" if questions else _by_clicks(segment, priors.table)
    columns = columns_of(found, len(priors.table) > 0)
    cells = [[cell(hit) for cell in columns.values()] for hit in found.hits]
    console.print_table(f"Of {_passing(found, snapshot.index.artworks)}, {order}", list(columns), cells)


IN_SEGMENT = "played in the segment"
WHOLE = ""  # the question of all words together: it has a say, and is not told of


def questions_of(encoder: "Encoder", words: str | None, picture: Path | None) -> "list[Question]":
    """The phrases of the words, then the picture; what the text tower does not read whole is divided, and that is said.

    The words as a whole have half of their phrases' weight (index.fits has what that is worth).
    """
    from embed.tastes.asked import phrases_asked, whole
    from index.fits import Question

    phrases = phrases_asked(words or "", encoder)
    for phrase in phrases:
        if len(phrase.pieces) > 1:
            console.say(_divided(phrase, encoder.context_length))
    together = whole(words or "", phrases, encoder)
    share = 1.0 if together is None else 0.5
    questions = [Question(phrase.text, phrase.vector, share) for phrase in phrases]
    questions += [] if together is None else [Question(WHOLE, together, share * len(phrases))]
    return questions + ([Question(str(picture), vector_of_picture(encoder, picture))] if picture else [])


def _divided(phrase: "Said", tokens: int) -> str:
    pieces = " | ".join(phrase.pieces)
    return f"note: a phrase is more than the {tokens} tokens the text tower reads, and is read in {len(phrase.pieces)} parts: {pieces}"


def vector_of_picture(encoder: "Encoder", picture: Path) -> "np.ndarray":
    """(d,) float32, read and decoded as in the batch job. Raises PictureError, which names the file."""
    from embed.errors import PictureError
    from embed.files import read_bytes
    from embed.shrinking import pixels_of

    if not picture.is_file():
        raise PictureError(f"{picture}: no such file; give the path of a picture")
    folder, name = os.path.split(os.path.realpath(picture))
    try:
        pixels, _, _ = pixels_of(read_bytes(folder, name), encoder.preprocessing)
    except PictureError as error:
        raise PictureError(f"{picture}: {error}") from error
    return encoder.encode_pixels(pixels[None])[0]


def about(found: "Answer") -> dict[str, Any]:
    """What was asked by name, for --json."""
    named = [{"condition": said, "artworks": number} for said, number in found.conditions]
    return {"passing": found.passing, "conditions": named}


def record(hit: "Hit") -> dict[str, Any]:
    """An artwork and why it was found, for --json. `similarity` is that to the only question; of several, `met` has each."""
    alone = hit.met[0].similarity if len(hit.met) == 1 else None
    met = [{"question": m.question, "similarity": round(m.similarity, 6), "fit": round(m.fit, 4)} for m in hit.met]
    return {
        "artwork_id": hit.artwork_id,
        "title_id": hit.title_id,
        "caption": hit.caption,
        "path": hit.path,
        "similarity": None if alone is None else round(alone, 6),
        "fit": None if hit.fit is None else round(hit.fit, 4),
        "met": met,
        "people": list(hit.people),
        "tags": list(hit.tags),
        "prior": hit.prior._asdict(),
        "segment": None if hit.segment is None else hit.segment._asdict(),
    }


def columns_of(found: "Answer", clicks_known: bool) -> "dict[str, Callable[[Hit], str]]":
    """The table's columns: those that have something to say of what was found."""
    columns: dict[str, Callable[[Hit], str]] = {"artwork": lambda hit: hit.artwork_id, "title": lambda hit: hit.title_id}
    first = found.hits[0] if found.hits else None
    if first and len(first.met) == 1:
        columns["similarity"] = lambda hit: f"{hit.met[0].similarity:.3f}"
    if first and len(first.met) > 1:
        columns["fit"] = lambda hit: f"{hit.fit:+.2f}"
    if first and (len(first.met) > 1 or first.people or first.tags):
        columns["why"] = why
    if first and first.segment:
        columns[IN_SEGMENT] = lambda hit: played(hit.segment)
    if first and not first.met and clicks_known:
        columns["played"] = lambda hit: played(hit.prior)
    return columns | {"shows": lambda hit: hit.caption or "", "path": lambda hit: hit.path}


def why(hit: "Hit") -> str:
    """How the artwork meets what was asked, in the terms of the questions."""
    fits = [f"{met.question} {met.fit:+.1f} ({met.similarity:.3f})" for met in hit.met] if len(hit.met) > 1 else []
    named = [f"with {', '.join(hit.people)}"] if hit.people else []
    return "; ".join(fits + named + ([f"tagged {', '.join(hit.tags)}"] if hit.tags else []))


def played(prior: "Prior | None") -> str:
    """A prior with its counts."""
    return "" if prior is None else f"{prior.mean:.1%} ({prior.plays:,} of {prior.impressions:,})"


def _passing(found: "Answer", artworks: int) -> str:
    every = f"{artworks:,} artworks"
    if not found.conditions:
        return every
    return f"{every}, {found.passing:,} {' and '.join(said for said, _ in found.conditions)}"


def _nearest_to(words: str | None, picture: Path | None) -> str:
    return " and ".join(str(one) for one in (words, picture) if one)


def _by_clicks(segment: str | None, priors: "pa.Table") -> str:
    if segment:
        return "the most played there first"
    return "the most played first" if len(priors) else "by title, since no clicks are known"


def encoder_of(store: "Store", snapshot: str) -> "Encoder":
    """The snapshot's, which after a switch is not the store's until the next one is published."""
    from embed.encoder import load_encoder
    from embed.errors import FingerprintError

    encoder = load_encoder(store.choice)
    if encoder.fingerprint != store.fingerprint:
        raise FingerprintError(
            f"snapshot {snapshot} of {store.root} was made with {store.choice} when its fingerprint was "
            f"{store.fingerprint[:12]}, and now it is {encoder.fingerprint[:12]}: their vectors do not compare; put that "
            "checkpoint back, or embed everything anew with scripts/embed_artwork.py --switch"
        )
    return encoder


def _in_words(found: "Answer") -> str:
    return found.how if found.how == "exact" else f"{found.how}: {found.recall:.1%} of the nearest are found"


def main() -> None:
    """The console command `find-artwork`."""
    app()


if __name__ == "__main__":
    main()
