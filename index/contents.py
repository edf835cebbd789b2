"""What a store has to publish: its titles, the artwork that can be chosen, and where their vectors are; checked.

Tables as scripts/embed_artwork.py leaves them, and as it never would: whoever else writes them is told what is wrong.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from embed.errors import FingerprintError, StoreError
from embed.records import ARTWORK, TITLE, fold
from embed.store import Store, has_table, read_embeddings, read_table
from index.changes import Fetch
from index.titles import are_units
from index.wording import read_words
from index.words import Lines, Words

ARTWORK_COLUMNS = [name for name in ARTWORK.names if name not in ("added_at", "stamp", "active")]


@dataclass(frozen=True)
class Contents:
    """What is published; rows are the artwork's."""

    titles: pa.Table  # TITLE, by title_id
    artwork: pa.Table  # ARTWORK_COLUMNS, by title_id then artwork_id
    first_rows: np.ndarray  # (titles + 1,) int64: where each title's rows begin, and the end
    fetch: Fetch
    words: Words
    lines: Lines


def read_contents(store: Store) -> Contents:
    """The store's titles and active artwork, with what is said of them.

    Raises StoreError before scripts/embed_artwork.py has run to its end, and where an id stands twice; FingerprintError where a
    vector is of another encoder. `fetch` raises StoreError for a vector that cannot be.
    """
    titles, artwork, known = _titles(store), _active_artwork(store), _known_vectors(store)
    first_rows = _first_rows(titles, artwork, store)
    words = read_words(store, titles, artwork, first_rows)
    return Contents(titles, artwork, first_rows, _fetch(store, artwork, known), *words)


def people_of(shown: pa.ListArray) -> tuple[pa.Table, pa.ListArray]:
    """Everyone on any artwork by folded name, and each artwork's people as their numbers, each once."""
    encoded = shown.flatten().dictionary_encode()
    folded = np.array([fold(name) for name in encoded.dictionary.to_pylist()], object)
    names, number_of = np.unique(folded, return_inverse=True) if len(folded) else (folded, np.empty(0, np.int64))
    lengths = pc.fill_null(pc.list_value_length(shown), 0).to_numpy()
    pairs = np.repeat(np.arange(len(shown)), lengths) * max(len(names), 1) + number_of[encoded.indices.to_numpy()]
    artworks, numbers = np.divmod(np.unique(pairs), max(len(names), 1))
    offsets = np.searchsorted(artworks, np.arange(len(shown) + 1)).astype(np.int32)
    return pa.table({"name": pa.array(names.tolist(), pa.string())}), pa.ListArray.from_arrays(
        offsets, numbers.astype(np.int32)
    )


def _titles(store: Store) -> pa.Table:
    """By title_id."""
    titles = _as_recorded(read_table(store, "titles"), TITLE).sort_by("title_id").combine_chunks()
    _check_ids(store, "titles", titles["title_id"])
    return titles


def _active_artwork(store: Store) -> pa.Table:
    """The artwork that can be chosen, by title_id then artwork_id."""
    artwork = _as_recorded(read_table(store, "artwork", where="active"), ARTWORK).select(ARTWORK_COLUMNS)
    _check_ids(store, "artwork", artwork["artwork_id"])
    return artwork.sort_by([("title_id", "ascending"), ("artwork_id", "ascending")]).combine_chunks()


def _as_recorded(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """With the columns that a store of an earlier release does not have yet."""
    columns = [table[f.name] if f.name in table.column_names else pa.nulls(len(table), f.type) for f in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def _check_ids(store: Store, table: str, ids: pa.ChunkedArray) -> None:
    counts = pc.value_counts(ids)
    if (twice := counts.filter(pc.greater(counts.field("counts"), 1))) and len(twice):
        raise StoreError(
            f"{store.root} has {table} {twice[0]['values'].as_py()!r} {twice[0]['counts'].as_py()} times, and an id stands for "
            "one; correct what writes the table, and run scripts/embed_artwork.py again"
        )


def _first_rows(titles: pa.Table, artwork: pa.Table, store: Store) -> np.ndarray:
    """(titles + 1,) int64: where each title's rows begin."""
    numbers = pc.index_in(artwork["title_id"], titles["title_id"].combine_chunks())
    if numbers.null_count:
        stranger = artwork["title_id"].filter(pc.is_null(numbers))[0].as_py()
        raise StoreError(
            f"{store.root} has artwork of title {stranger!r} and no such title: the last run of "
            "scripts/embed_artwork.py was stopped as it ended; run it again"
        )
    first_rows: np.ndarray = np.searchsorted(numbers.to_numpy(), np.arange(len(titles) + 1)).astype(np.int64)
    return first_rows


def _known_vectors(store: Store) -> pa.ChunkedArray:
    """The sha256 of each row of the embeddings. Raises FingerprintError where one is of another encoder."""
    if not has_table(store, "embeddings"):
        return pa.chunked_array([], pa.string())
    known = read_table(store, "embeddings", ["sha256", "fingerprint"])
    if foreign := sorted(set(known["fingerprint"].unique().to_pylist()) - {store.fingerprint}):
        raise FingerprintError(
            f"{store.root} holds vectors of encoder {foreign[0][:12]} beside its own {store.fingerprint[:12]}; "
            "embed the catalog into a new store"
        )
    return known["sha256"]


def _fetch(store: Store, artwork: pa.Table, known: pa.ChunkedArray) -> Fetch:
    """What gives the vectors of rows of the artwork. Raises StoreError where one is not there."""
    found = pc.index_in(artwork["sha256"], known.combine_chunks())
    if found.null_count:
        lost = artwork["path"].filter(pc.is_null(found))[0].as_py()
        raise StoreError(f"{store.root} has no vector of {lost!r}; run scripts/embed_artwork.py again")
    in_store = found.to_numpy().astype(np.int64)

    def fetch(rows: np.ndarray) -> np.ndarray:
        vectors = read_embeddings(store, in_store[rows])
        if not (units := are_units(vectors)).all():
            path = artwork["path"][int(rows[np.flatnonzero(~units)[0]])].as_py()
            raise StoreError(
                f"{store.root}: the vector of {path!r} is not finite and of unit length, so that it was not written by "
                "scripts/embed_artwork.py; embed the catalog into a new store"
            )
        return vectors

    return fetch
