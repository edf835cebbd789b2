"""The artwork of the whole catalog nearest to words or a picture: `python scripts/find_artwork.py --store STORE "rain at night"`."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from artwork_doors import console

if TYPE_CHECKING:
    import numpy as np

    from embed.encoder import Encoder
    from embed.store import Store
    from index.everywhere import Nearest
    from index.snapshot import Snapshot

app = console.door()


@app.command()
@console.reports_errors
def find_artwork(
    store: Annotated[Path, typer.Option(help="The store whose published artwork is looked through.")],
    words: Annotated[str | None, typer.Argument(help="What the artwork shows, such as: rain at night, two people.")] = None,
    picture: Annotated[Path | None, typer.Option(help="A picture file that it looks like, in place of words.")] = None,
    count: Annotated[int, typer.Option("--count", min=1, max=10_000, help="How many artworks.")] = 10,
    as_json: console.AsJson = False,
) -> None:
    """Find the artwork of the whole published catalog, whatever its title, that is nearest to WORDS or to a picture.

    Words and pictures are read by the encoder that made the snapshot's vectors. A similarity is a cosine: of the same file 1, of
    words and a picture that fits them well about 0.3 with most checkpoints.

    Exit code 0: answered; 2: could not run.
    """
    if (words is None) == (picture is None) or (words is not None and not words.strip()):
        raise typer.BadParameter("give words, or --picture with a file")
    from embed.store import open_store
    from index.everywhere import nearest
    from index.snapshot import open_snapshot

    snapshot = open_snapshot(open_store(store))
    encoder = _encoder_of(open_store(store, snapshot.manifest.fingerprint), snapshot)
    query = vector_of_picture(encoder, picture) if picture is not None else vector_of_words(encoder, str(words))
    found = nearest(snapshot.index, query[None], count)
    console.note_checkpoint(encoder.choice)
    if as_json:
        console.answer({"how": found.how, "recall": found.recall, "artworks": records(snapshot, found)})
        return
    rows = [row(record) for record in records(snapshot, found)]
    title = f"Of {snapshot.index.artworks:,} artworks, nearest to {picture or words} ({_in_words(found)})"
    console.print_table(title, COLUMNS, rows)


COLUMNS = ("artwork", "title", "similarity", "shows", "path")


def vector_of_words(encoder: "Encoder", words: str) -> "np.ndarray":
    """(d,) float32, of the same sentences as a user's stated taste; what the text tower does not read whole is said."""
    from embed.phrases import PROMPTS, encode_prompts

    sentences = [template.format(words.strip()) for template in PROMPTS["stated"]]
    if not all(encoder.fits(sentence) for sentence in sentences):
        console.say(f"note: that is more than the {encoder.context_length} tokens the text tower reads; its end is left out")
    return encode_prompts([sentences], encoder)[0]


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


def records(snapshot: "Snapshot", found: "Nearest") -> list[dict[str, Any]]:
    """What is said of each artwork, the nearest first."""
    from index.titles import ABSENT

    there = found.rows[0] != ABSENT
    names = ("artwork_id", "title_id", "caption", "path")
    columns = [snapshot.take(name, found.rows[0][there]).to_pylist() for name in names]
    similarities = [round(float(similarity), 6) for similarity in found.similarities[0][there]]
    return [dict(zip((*names, "similarity"), values, strict=True)) for values in zip(*columns, similarities, strict=True)]


def row(record: dict[str, Any]) -> tuple[str, str, str, str, str]:
    """A record as a row of COLUMNS."""
    similarity = f"{record['similarity']:.3f}"
    return record["artwork_id"], record["title_id"], similarity, record["caption"] or "", record["path"]


def _encoder_of(store: "Store", snapshot: "Snapshot") -> "Encoder":
    """The snapshot's, which after a switch is not the store's until the next one is published."""
    from embed.encoder import load_encoder
    from embed.errors import FingerprintError

    encoder = load_encoder(store.choice)
    if encoder.fingerprint != snapshot.manifest.fingerprint:
        raise FingerprintError(
            f"snapshot {snapshot.manifest.name} of {store.root} was made with {store.choice} when its fingerprint was "
            f"{snapshot.manifest.fingerprint[:12]}, and now it is {encoder.fingerprint[:12]}: their vectors do not compare; put that "
            "checkpoint back, or embed everything anew with scripts/embed_artwork.py --switch"
        )
    return encoder


def _in_words(found: "Nearest") -> str:
    return found.how if found.how == "exact" else f"{found.how}: {found.recall:.1%} of the nearest are found"


def main() -> None:
    """The console command `find-artwork`."""
    app()


if __name__ == "__main__":
    main()
