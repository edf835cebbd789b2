"""Stores of synthetic artwork and users, as the batch job leaves them, for what serves: matchers and snapshots."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from artwork_doors.benching.catalogs import Catalog, read_vectors
from artwork_doors.benching.crowds import FINGERPRINT, people, write_users

if TYPE_CHECKING:
    from embed.store import Store

BLOCK = 100_000  # vectors to a commit
OLDEST = 21.0  # years: maturity is drawn evenly below it, so that a limit of half of it lets half through


@dataclass(frozen=True)
class Scale:
    """How large a store is."""

    catalog: Catalog
    users: int = 1000
    seed: int = 11


def make_store(root: Path, vectors: Path, scale: Scale) -> "Store":
    """A store with that catalog, of the first vectors of the file, and with users; nothing is published."""
    from embed.encoder import EncoderChoice
    from embed.records import embedding_schema
    from embed.store import append_rows, create_store, replace_table, vector_array

    found = read_vectors(vectors, scale.catalog.artworks)
    store = create_store(root, EncoderChoice("bench", "synthetic"), FINGERPRINT, found.shape[1])
    titles, artwork = tables_of(scale)
    replace_table(store, "titles", titles)
    replace_table(store, "artwork", artwork)
    for start in range(0, len(found), BLOCK):
        block, hashes = found[start : start + BLOCK], artwork["sha256"][start : start + BLOCK].combine_chunks()
        ones, prints = pa.array(np.ones(len(block), np.int32)), pa.array([FINGERPRINT] * len(block))
        columns = [hashes, ones, ones, prints, vector_array(block)]
        append_rows(store, "embeddings", pa.Table.from_arrays(columns, schema=embedding_schema(found.shape[1])))
    write_users(store, scale.users, np.random.default_rng(scale.seed))
    return store


def tables_of(scale: Scale) -> tuple[pa.Table, pa.Table]:
    """(titles, artwork) as the records have them; ids rise with rows."""
    from embed.records import ARTWORK, TITLE

    first_rows, rng = scale.catalog.first_rows(), np.random.default_rng(scale.seed)
    count, rows = len(first_rows) - 1, int(first_rows[-1])
    ids = [f"t{number:08d}" for number in range(count)]
    named = {"title_id": ids, "name": ids}
    names = np.array(people())
    given = {
        "artwork_id": [f"a{row:08d}" for row in range(rows)],
        "title_id": [ids[title] for title in np.repeat(np.arange(count), np.diff(first_rows)).tolist()],
        "path": [f"pictures/{row:08d}.jpg" for row in range(rows)],
        "people": names[rng.integers(0, len(names), (rows, 1))].tolist(),
        "locale": np.array(["en", "de", "fr", "pt-BR"])[rng.integers(0, 4, rows)].tolist(),
        "maturity": rng.uniform(0, OLDEST, rows).astype(np.float32),
        "sha256": [hashlib.sha256(str(row).encode()).hexdigest() for row in range(rows)],
        "width": np.where(rng.random(rows) < 0.5, 1000, 500).astype(np.int32),
        "height": np.full(rows, 750, np.int32),
        "active": [True] * rows,
    }
    return _table(TITLE, named, count), _table(ARTWORK, given, rows)


def _table(schema: pa.Schema, given: dict[str, object], rows: int) -> pa.Table:
    empty = pa.array([[]] * rows, pa.list_(pa.string()))
    columns = []
    for field in schema:
        nothing = empty if pa.types.is_list(field.type) else pa.nulls(rows, field.type)
        columns.append(pa.array(given[field.name], field.type) if field.name in given else nothing)
    return pa.Table.from_arrays(columns, schema=schema)
