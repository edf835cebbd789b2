"""Words: what a catalog says of its artwork in tags and micro-copy, and its lines of micro-copy, through the text tower.

They meet a taste as text meets text, in one space with it and without the gap between pictures and words. A catalog uses the same
words again and again, so that each is encoded once and kept by kind and text. CLIP's text tower all but ignores a "no" (Alhamoud et
al. 2025, arXiv 2501.09425), so that a tag which denies something is no word: it only contradicts (see embed.tags).
"""

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from embed.catalog import Catalog
from embed.encoder import Encoder, unit
from embed.records import word_schema
from embed.store import Store, append_rows, has_table, read_table, vector_array
from embed.tags import read_tag
from embed.tastes.phrases import encode_prompts, in_pieces

WORDS = "words"  # the table
CHUNK = 256  # words encoded and committed at a time
PROMPTS = {
    "tag": ("a picture of {}", "a still from a film with {}", "{}"),  # as what users state: a tag names what is to be seen
    "copy": ("{}",),  # a line is a sentence already
}

WordKey = tuple[str, str]  # (kind, text)
Progress = Callable[[int, int], None]  # (words done, of how many)


def word_of_tag(tag: str) -> str | None:
    """What the text tower reads of a tag: its value; None of one that denies something, or is empty."""
    read = read_tag(tag)
    return None if read.denied or not read.value else read.value


def word_of_copy(text: str) -> str:
    """What the text tower reads of a line: all of it, as it is written but for its spacing."""
    return " ".join(unicodedata.normalize("NFC", text).split())


READ_AS: dict[str, Callable[[str], str | None]] = {"tag": word_of_tag, "copy": word_of_copy}


def words_of(catalog: Catalog) -> set[WordKey]:
    """Every word of the artwork's tags and micro-copy, and of the lines of copy."""
    tags = pc.unique(pc.list_flatten(catalog.artwork["tags"])).to_pylist()
    lines = pc.unique(pa.chunked_array([*catalog.artwork["copy"].chunks, *catalog.copy["text"].chunks], pa.string()))
    of_kind = {"tag": tags, "copy": pc.drop_null(lines).to_pylist()}
    read = ((kind, READ_AS[kind](text)) for kind, texts in of_kind.items() for text in texts)
    return {(kind, text) for kind, text in read if text}


def embed_words(
    catalog: Catalog, store: Store, encoder: Encoder, progress: Progress = lambda done, total: None
) -> tuple[int, tuple[str, ...]]:
    """(how many words were new to the store and encoded, a line about each field that the tower could only read in pieces).

    A few words are committed at a time: a run that goes on after a stop makes the same batches.
    """
    wanted = words_of(catalog)
    known = _known(store) if wanted and has_table(store, WORDS) else {}
    new = sorted(wanted - known.keys())
    for start in range(0, len(new), CHUNK):
        some = new[start : start + CHUNK]
        pieces, vectors = encode_words(some, encoder)
        append_rows(store, WORDS, _rows(store, some, pieces, vectors))
        known |= dict(zip(some, pieces, strict=True))
        progress(start + len(some), len(new))
    divided = {key: pieces for key, pieces in known.items() if pieces > 1 and key in wanted}
    return len(new), tuple(_told(catalog, divided))


def encode_words(keys: Sequence[WordKey], encoder: Encoder) -> tuple[list[int], np.ndarray]:
    """(in how many pieces each was read, (n, d) float32 unit vectors).

    What is longer than the tower's context is divided, and its pieces are averaged by their lengths.
    """
    pieces = [(kind, in_pieces(text, PROMPTS[kind], encoder)) for kind, text in keys]
    groups = [[template.format(piece) for template in PROMPTS[kind]] for kind, of_word in pieces for piece in of_word]
    encoded = iter(encode_prompts(groups, encoder))
    means = []
    for _, of_word in pieces:
        vectors = np.array(list(islice(encoded, len(of_word))))
        lengths = np.array([len(piece) for piece in of_word], np.float32)
        means.append(vectors[0] if len(of_word) == 1 else unit((lengths @ vectors)[None])[0])
    return [len(of_word) for _, of_word in pieces], np.array(means, np.float32).reshape(-1, encoder.dimension)


def _known(store: Store) -> dict[WordKey, int]:
    """Each word that has a vector, and in how many pieces it was read."""
    table = read_table(store, WORDS, ["kind", "text", "pieces"])
    kinds, texts, pieces = (table[name].to_pylist() for name in ("kind", "text", "pieces"))
    return dict(zip(zip(kinds, texts, strict=True), pieces, strict=True))


def _rows(store: Store, keys: Sequence[WordKey], pieces: Sequence[int], vectors: np.ndarray) -> pa.Table:
    columns = [
        pa.array([kind for kind, _ in keys], pa.string()),
        pa.array([text for _, text in keys], pa.string()),
        pa.array(pieces, pa.int32()),
        pa.array([store.fingerprint] * len(keys), pa.string()),
        vector_array(vectors),
    ]
    return pa.Table.from_arrays(columns, schema=word_schema(store.dimension))


def _told(catalog: Catalog, divided: dict[WordKey, int]) -> Iterator[str]:
    """Where the words stand that were divided."""
    if not divided:
        return
    for table, name, id_name, kind in (
        ("artwork", "tags", "artwork_id", "tag"),
        ("artwork", "copy", "artwork_id", "copy"),
        ("copy", "text", "copy_id", "copy"),
    ):
        rows = getattr(catalog, table)
        for row_id, said in zip(rows[id_name].to_pylist(), rows[name].to_pylist(), strict=True):
            for pieces in _pieces_of([said] if isinstance(said, str) else said or (), kind, divided):
                yield (
                    f"{table}, {id_name} {row_id!r}, {name}: longer than the text tower reads, so divided into {pieces} and "
                    "averaged; shorten it"
                )


def _pieces_of(texts: Iterable[str], kind: str, divided: dict[WordKey, int]) -> Iterator[int]:
    for text in texts:
        if (word := READ_AS[kind](text)) and (pieces := divided.get((kind, word))):
            yield pieces
