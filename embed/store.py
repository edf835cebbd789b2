"""The store: one folder that holds a deployment. Tables are Lance datasets: DuckDB, Polars, Spark and Ray read them without us.

store.json                  format, the encoder's choice and fingerprint, the catalog's place
tables/titles.lance         the catalog's titles as last seen
tables/artwork.lance        its artwork, with what the job measured; what is gone stays, inactive
tables/rejected.lance       pictures set aside, with reasons
tables/embeddings.lance     picture content (sha256) to vector; only ever appended
tables/phrases.lance        phrase to vector; only ever appended
tables/profiles.lance       each user's taste in words
tables/audience.lance       what the users have in common
tables/priors.lance         what clicks taught
snapshots/                  published indexes (package index)
runs/                       a record of each run of the batch job
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from embed.encoder import EncoderChoice, choice_as_dict
from embed.errors import FingerprintError, StoreError

FORMAT = 1
RECORD = "store.json"


@dataclass(frozen=True)
class Store:
    """An opened store. Make one with `open_store` or `create_store`."""

    root: Path
    choice: EncoderChoice
    fingerprint: str
    dimension: int
    catalog_root: Path | None

    @property
    def snapshots(self) -> Path:
        """Where snapshots are published."""
        return self.root / "snapshots"


def create_store(root: Path | str, choice: EncoderChoice, fingerprint: str, dimension: int) -> Store:
    """Make the folder and its record, or open it where it is there already and was made with the same encoder.

    A folder that holds nothing but a record half written, by a run that was killed, counts as empty.

    Raises FingerprintError where the store belongs to another encoder, StoreError where `root` is something else.
    """
    root = Path(root)
    if (root / RECORD).is_file():
        store = open_store(root)
        check_fingerprint(store, choice, fingerprint)
        if choice != store.choice:  # the same encoder under a new name or in a new place
            store = Store(root, choice, fingerprint, dimension, store.catalog_root)
            _write_record(store)
        return store
    if root.exists() and (not root.is_dir() or any(not path.name.startswith(f".{RECORD}") for path in root.iterdir())):
        raise StoreError(f"{root} is there but is no store (it has no {RECORD}); give a new or empty folder")
    root.mkdir(parents=True, exist_ok=True)
    store = Store(root, choice, fingerprint, dimension, None)
    _write_record(store)
    return store


def open_store(root: Path | str) -> Store:
    """Open a store that is there. Raises StoreError where it is not, or is of a newer format."""
    root = Path(root)
    try:
        record = json.loads((root / RECORD).read_text(encoding="utf-8"))
        if record["format"] > FORMAT:
            raise StoreError(f"{root} has store format {record['format']}, newer than {FORMAT}; upgrade artwork-matcher")
        catalog_root = Path(record["catalog_root"]) if record["catalog_root"] else None
        choice = EncoderChoice(**record["encoder"])
        return Store(root, choice, record["fingerprint"], int(record["dimension"]), catalog_root)
    except FileNotFoundError as error:
        raise StoreError(f"no store at {str(root)!r}; scripts/embed_artwork.py CATALOG --store {root} makes one") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{root / RECORD} cannot be read ({error!r}); restore it from a backup") from error


def check_fingerprint(store: Store, choice: EncoderChoice, fingerprint: str) -> None:
    """Raise FingerprintError where an encoder is not the store's own."""
    if fingerprint != store.fingerprint:
        raise FingerprintError(
            f"{store.root} was made with {store.choice} (fingerprint {store.fingerprint[:12]}), and {choice} has "
            f"{fingerprint[:12]}: their vectors do not compare; leave the encoder's flags out, or give a new --store"
        )


def remember_catalog(store: Store, catalog_root: Path) -> Store:
    """Note where the pictures lie, for the inspection page."""
    store = Store(store.root, store.choice, store.fingerprint, store.dimension, catalog_root)
    _write_record(store)
    return store


def _write_record(store: Store) -> None:
    record = {
        "format": FORMAT,
        "encoder": choice_as_dict(store.choice),
        "fingerprint": store.fingerprint,
        "dimension": store.dimension,
        "catalog_root": str(store.catalog_root) if store.catalog_root else None,
    }
    write_json(store.root / RECORD, record)


def write_json(path: Path, value: Any) -> None:
    """`write_text` of the value as JSON."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False))


def write_text(path: Path, text: str) -> None:
    """Whole or not at all: written beside, synced, renamed into place; a failed write leaves nothing behind."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _path(store: Store, table: str) -> Path:
    return store.root / "tables" / f"{table}.lance"


def has_table(store: Store, table: str) -> bool:
    """Whether the table was ever written; a first write that was killed left a folder, but no version."""
    return any((_path(store, table) / "_versions").glob("*.manifest"))


def read_table(store: Store, table: str, columns: Sequence[str] | None = None, *, where: str | None = None) -> pa.Table:
    """The newest version of a table. Raises StoreError where there is none, or where it cannot be opened."""
    import lance

    if not has_table(store, table):
        raise StoreError(f"{store.root} has no {table} yet; {_maker(table)} makes them")
    try:
        return lance.dataset(str(_path(store, table))).to_table(columns=columns, filter=where)
    except (OSError, ValueError) as error:
        raise StoreError(f"{_path(store, table)} cannot be read ({error}); restore it from a backup") from error


def _maker(table: str) -> str:
    if table in ("profiles", "phrases", "audience"):
        return "scripts/embed_users.py"
    return "scripts/learn_priors.py" if table == "priors" else "scripts/embed_artwork.py"


def replace_table(store: Store, table: str, rows: pa.Table) -> None:
    """Write a table anew, as one commit; readers see the old version or the new one."""
    _write(store, table, rows, "overwrite")


def append_rows(store: Store, table: str, rows: pa.Table) -> None:
    """Add rows, as one commit."""
    _write(store, table, rows, "append")


def _write(store: Store, table: str, rows: pa.Table, mode: str) -> None:
    import lance

    path = _path(store, table)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        lance.write_dataset(rows, str(path), mode=mode if has_table(store, table) else "create")
    except (OSError, ValueError) as error:
        raise StoreError(f"{path} cannot be written ({error}); free space or check permissions and run again") from error


def read_vectors(table: pa.Table) -> np.ndarray:
    """The `vector` column as (rows, d) float32, without a copy where Arrow allows."""
    column = table["vector"].combine_chunks()
    flat: np.ndarray = column.flatten().to_numpy(zero_copy_only=False)
    return flat.reshape(len(column), column.type.list_size)


def vector_array(vectors: np.ndarray) -> pa.Array:
    """(n, d) float32 as a fixed-size list column."""
    flat = pa.array(np.ascontiguousarray(vectors, np.float32).reshape(-1))
    return pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1])
