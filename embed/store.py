"""The store: one folder that holds a deployment. Tables are Lance datasets: DuckDB, Polars, Spark and Ray read them without us.

store.json                  format, the pictures' place, and each encoder that was ever used: its choice, its folder of tables
tables/titles.lance         the catalog's titles as last seen
tables/artwork.lance        its artwork, with what the job measured; what is gone stays, inactive
tables/copy.lance           its lines of micro-copy, those that are there now
tables/words.lance          tags and lines of micro-copy to vectors; only ever appended
tables/rejected.lance       pictures set aside, with reasons
tables/embeddings.lance     picture content (sha256) to vector; only ever appended
tables/phrases.lance        phrase to vector; only ever appended
tables/profiles.lance       each user's taste in words
tables/audience.lance       what the users have in common
tables/averages.lance       what the users of a segment or a locale have in common
tables/edits.lance          profiles that a person edited, in words; of no encoder, so it always stands here
tables/next_profiles.lance  the profiles that a run of embed_users is making, until all are there
tables/backend.json         how the image tower is run, as measured on this machine
tables/priors.lance         what clicks taught of artwork; of no encoder, so it always stands here
tables/copy_priors.lance    what they taught of lines of copy; likewise
tables/title_priors.lance   what they taught of artwork that was never shown, by title; likewise
tables/segment_priors.lance what they taught of artwork in audience segments; likewise
tables/click_facts.lance    the impressions of the last days, to which later logs are added; likewise
tables/click_days.lance     counts of the days before; likewise
tables/blend.lance          what each part of a score is worth, fitted on a log; likewise
tables-1a2b3c4d5e6f/        the same of a second encoder, named by its fingerprint: it fills while the first one serves
snapshots/                  published indexes (package index)
runs/                       a record of each run of the batch job
locks/                      who is writing: one job at a time for each folder of tables
"""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from embed import tables
from embed.encoder import EncoderChoice, choice_as_dict
from embed.errors import FingerprintError, StoreError
from embed.locks import only_writer

FORMAT = 2  # 1 knew one encoder
RECORD = "store.json"
FIRST_FOLDER = "tables"
OF_CLICKS = {"priors", "title_priors", "segment_priors", "copy_priors", "click_facts", "click_days"}
OF_NO_ENCODER = OF_CLICKS | {"blend", "edits"}  # tables that stand in FIRST_FOLDER whichever encoder serves

Record = dict[str, Any]


@dataclass(frozen=True)
class Store:
    """A store as one of its encoders sees it: its own. Make one with `open_store` or `create_store`."""

    root: Path
    choice: EncoderChoice
    fingerprint: str  # of the encoder, sha256 in hexadecimal
    dimension: int  # d, the length of its vectors
    pictures: str | None  # the folder or URL below which the catalog's pictures lie
    folder: str = FIRST_FOLDER  # of this encoder's tables, in `root`

    @property
    def tables(self) -> Path:
        """Where the tables of this encoder are."""
        return self.root / self.folder

    def lock(self, name: str) -> Path:
        """The folder to hold (see embed.locks) by who writes the tables that `name` stands for."""
        return self.root / "locks" / name

    @property
    def snapshots(self) -> Path:
        """Where snapshots are published."""
        return self.root / "snapshots"


def create_store(root: Path | str, choice: EncoderChoice, fingerprint: str, dimension: int) -> Store:
    """Make the folder and its record, or open it where it is there already and was made with the same encoder.

    fingerprint, dimension: the encoder's (`Encoder`). A folder that holds nothing but a record half written, by a run that was
    killed, counts as empty.

    Raises FingerprintError where the store belongs to another encoder, StoreError where `root` is something else.
    """
    root = Path(root)
    if (root / RECORD).is_file():
        store = open_store(root)
        check_fingerprint(store, choice, fingerprint)
        if choice != store.choice:  # the same encoder under a new name or in a new place
            _change_record(store.root, lambda record: _with_encoder(record, replace(store, choice=choice)))
        return replace(store, choice=choice)
    if root.exists() and (not root.is_dir() or any(not path.name.startswith(f".{RECORD}") for path in root.iterdir())):
        raise StoreError(f"{root} is there but is no store (it has no {RECORD}); give a new or empty folder")
    root.mkdir(parents=True, exist_ok=True)
    store = Store(root, choice, fingerprint, dimension, None)
    record: Record = {"format": FORMAT, "pictures": None, "serving": fingerprint, "encoders": {}}
    write_json(root / RECORD, _with_encoder(record, store))
    return store


def open_store(root: Path | str, fingerprint: str | None = None) -> Store:
    """Open a store that is there, as its serving encoder sees it, or as the one of `fingerprint` does.

    Raises StoreError where it is not there, is of a newer format, or has never known that encoder.
    """
    root = Path(root)
    record = _read_record(root)
    fingerprint = fingerprint or record["serving"]
    if fingerprint not in record["encoders"]:
        raise StoreError(f"{root} knows no encoder with fingerprint {fingerprint[:12]}; embed the catalog with it first")
    try:
        known = record["encoders"][fingerprint]
        choice = EncoderChoice(**known["encoder"])
        return Store(root, choice, fingerprint, int(known["dimension"]), record["pictures"], known["tables"])
    except (KeyError, TypeError, ValueError) as error:
        raise StoreError(_unreadable(root, error)) from error


def open_beside(store: Store, choice: EncoderChoice, fingerprint: str, dimension: int) -> Store:
    """The store as another encoder sees it, with tables of its own; the serving encoder stays what it is.

    Opened a second time, also under another name, it is the same folder of tables.
    """
    opened = beside(store, choice, fingerprint, dimension)
    _change_record(store.root, lambda record: _with_encoder(record, opened))
    return opened


def beside(store: Store, choice: EncoderChoice, fingerprint: str, dimension: int) -> Store:
    """What `open_beside` opens; writes nothing."""
    known = _read_record(store.root)["encoders"].get(fingerprint)
    folder = known["tables"] if known else f"{FIRST_FOLDER}-{fingerprint[:12]}"
    return Store(store.root, choice, fingerprint, dimension, store.pictures, folder)


def knows_encoder(store: Store, fingerprint: str) -> bool:
    """Whether the store has a folder of tables for that encoder."""
    return fingerprint in _read_record(store.root)["encoders"]


def switch_encoder(store: Store) -> None:
    """Make the encoder of `store` the one that serves, as one atomic step; the tables of the former stay."""
    _change_record(store.root, lambda record: {**record, "serving": store.fingerprint})


def check_fingerprint(store: Store, choice: EncoderChoice, fingerprint: str) -> None:
    """Raise FingerprintError where an encoder is not the store's own."""
    if fingerprint != store.fingerprint:
        raise FingerprintError(
            f"{store.root} was made with {store.choice} (fingerprint {store.fingerprint[:12]}), and {choice} has "
            f"{fingerprint[:12]}: their vectors do not compare; leave the encoder's flags out, give a new --store, or embed "
            "everything anew beside it with scripts/embed_artwork.py --switch"
        )


def remember_pictures(store: Store, pictures: str) -> Store:
    """Note where the pictures lie, for the inspection page."""
    _change_record(store.root, lambda record: {**record, "pictures": pictures})
    return replace(store, pictures=pictures)


def _with_encoder(record: Record, store: Store) -> Record:
    entry = {"encoder": choice_as_dict(store.choice), "dimension": store.dimension, "tables": store.folder}
    return {**record, "encoders": {**record["encoders"], store.fingerprint: entry}}


def _change_record(root: Path, change: Callable[[Record], Record]) -> None:
    """Read, change, write whole, one process at a time: jobs of two encoders may end at once."""
    with only_writer(root / "locks" / "record", "change of the record", wait=30):
        before = _read_record(root)
        if (after := change(before)) != before:
            write_json(root / RECORD, after)


def _read_record(root: Path) -> Record:
    try:
        record: Record = json.loads((root / RECORD).read_text(encoding="utf-8"))
        if record["format"] > FORMAT:
            raise StoreError(f"{root} has store format {record['format']}, newer than {FORMAT}; upgrade artwork-matcher")
        return _from_format_1(record) if record["format"] == 1 else _checked(record)
    except FileNotFoundError as error:
        raise StoreError(f"no store at {str(root)!r}; scripts/embed_artwork.py CATALOG --store {root} makes one") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(_unreadable(root, error)) from error


def _checked(record: Record) -> Record:
    """The record, or a KeyError or TypeError where it is damaged."""
    for known in record["encoders"].values():
        EncoderChoice(**known["encoder"]), int(known["dimension"]), str(known["tables"])
    return {**record, "pictures": record["pictures"], "serving": str(record["serving"])}


def _from_format_1(record: Record) -> Record:
    known = {"encoder": record["encoder"], "dimension": record["dimension"], "tables": FIRST_FOLDER}
    fingerprint = record["fingerprint"]
    pictures, encoders = record["catalog_root"], {fingerprint: known}
    return _checked({"format": FORMAT, "pictures": pictures, "serving": fingerprint, "encoders": encoders})


def _unreadable(root: Path, error: Exception) -> str:
    return f"{root / RECORD} cannot be read ({error!r}); restore it from a backup"


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
        tables.sync(path.parent)
    finally:
        beside.unlink(missing_ok=True)


def _path(store: Store, table: str) -> Path:
    folder = store.root / FIRST_FOLDER if table in OF_NO_ENCODER else store.tables
    return folder / f"{table}.lance"


def has_table(store: Store, table: str) -> bool:
    """Whether the table was ever written; a first write that was killed left a folder, but no version."""
    return tables.exists(_path(store, table))


def table_version(store: Store, table: str) -> int:
    """A number that grows with every commit to the table; 0 where it was never written."""
    return tables.version(_path(store, table))


def read_table(store: Store, table: str, columns: Sequence[str] | None = None, *, where: str | None = None) -> pa.Table:
    """The newest good version of a table. Raises StoreError where there is none, or where none can be opened."""
    if not has_table(store, table):
        raise StoreError(f"{store.root} has no {table} yet; {_maker(table)} makes them")
    return tables.read(_path(store, table), columns, where)


def read_batches(
    store: Store, table: str, columns: Sequence[str] | None = None, *, rows: int = 4096
) -> Iterator[pa.RecordBatch]:
    """What `read_table` reads, at most so many rows at a time. Raises StoreError as it does."""
    if not has_table(store, table):
        raise StoreError(f"{store.root} has no {table} yet; {_maker(table)} makes them")
    yield from tables.batches(_path(store, table), columns, rows)


def read_rows(store: Store, table: str, rows: np.ndarray, columns: Sequence[str]) -> pa.Table:
    """Some rows, (n,) ascending numbers as `read_table` counts them, of the newest good version of a table. Raises StoreError."""
    return tables.read_rows(_path(store, table), rows, columns)


def read_embeddings(store: Store, rows: np.ndarray) -> np.ndarray:
    """(n, d) float32: the vectors of these rows (n,) of the embeddings, in any order and repeated as asked. Raises StoreError."""
    wanted, back = np.unique(rows, return_inverse=True)
    return read_vectors(read_rows(store, "embeddings", wanted, ["vector"]))[back]


def _maker(table: str) -> str:
    if table in ("profiles", "phrases", "audience", "averages"):
        return "scripts/embed_users.py"
    if table == "blend":
        return "scripts/fit_blend.py"
    return "scripts/learn_priors.py" if table in OF_CLICKS else "scripts/embed_artwork.py"


def drop_table(store: Store, table: str) -> None:
    """Remove a table."""
    tables.drop(_path(store, table))


def replace_table(store: Store, table: str, rows: pa.Table | pa.RecordBatchReader) -> None:
    """Write a table anew, as one commit; readers see the old version or the new one. A reader's rows are taken as they come."""
    tables.replace(_path(store, table), rows)


def append_rows(store: Store, table: str, rows: pa.Table) -> None:
    """Add rows, as one commit."""
    tables.append(_path(store, table), rows)


def mend_table(store: Store, table: str) -> str | None:
    """Go back past what a power cut left half written, before anything is read; returns what was damaged."""
    return tables.mend(_path(store, table))


def tidy_table(store: Store, table: str) -> None:
    """Put the pieces of many small commits together and drop old versions, where there are many."""
    tables.tidy(_path(store, table))


def read_vectors(table: pa.Table) -> np.ndarray:
    """The `vector` column as (rows, d) float32, without a copy where Arrow allows."""
    column = table["vector"].combine_chunks()
    flat: np.ndarray = column.flatten().to_numpy(zero_copy_only=False)
    return flat.reshape(len(column), column.type.list_size)


def vector_array(vectors: np.ndarray) -> pa.Array:
    """(n, d) float32 as a fixed-size list column."""
    flat = pa.array(np.ascontiguousarray(vectors, np.float32).reshape(-1))
    return pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1])
