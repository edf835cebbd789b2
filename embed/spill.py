"""Record batches on the disk instead of in memory: a file without a name, so that nothing is left of it however a run ends."""

import tempfile
import weakref
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import IO

import pyarrow as pa

ROWS = 1 << 16  # of a batch: so many are kept in memory, more are spilled


@dataclass(frozen=True)
class Spill:
    """Batches in the order in which they were written. Make one with `spill`; its space is free when nobody holds it any more."""

    file: IO[bytes]

    def __post_init__(self) -> None:
        """A file that is merely forgotten would be warned of."""
        weakref.finalize(self, self.file.close)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """One at a time; what was given before is not held."""
        with pa.ipc.open_file(pa.PythonFile(self.file, "r")) as reader:
            for number in range(reader.num_record_batches):
                yield reader.get_batch(number)

    def table(self) -> pa.Table:
        """All of them, mapped: what is not looked at takes no memory."""
        import mmap

        mapped = mmap.mmap(self.file.fileno(), 0, access=mmap.ACCESS_READ)
        return pa.ipc.open_file(pa.BufferReader(pa.py_buffer(mapped))).read_all()


def spill(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Spill:
    """Write batches, as they come, to a file in the system's folder for such (TMPDIR). Raises OSError where it has no room."""
    spilled = Spill(tempfile.TemporaryFile())  # noqa: SIM115
    with pa.ipc.new_file(pa.PythonFile(spilled.file, "w"), schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
    spilled.file.flush()
    return spilled


def together(batches: Iterable[pa.RecordBatch], schema: pa.Schema, rows: int = ROWS) -> Iterator[pa.RecordBatch]:
    """The same rows in batches of about so many; none where there are none."""
    held: list[pa.RecordBatch] = []
    count = 0
    for batch in batches:
        held.append(batch)
        count += batch.num_rows
        if count >= rows:
            yield one_batch(held, schema)
            held, count = [], 0
    if count:
        yield one_batch(held, schema)


def one_batch(batches: list[pa.RecordBatch], schema: pa.Schema) -> pa.RecordBatch:
    """Batches one after another as one, in memory of its own."""
    [batch] = pa.Table.from_batches(batches, schema).combine_chunks().to_batches() or [_empty(schema)]
    return batch


def _empty(schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([], schema=schema)


def kept_or_spilled(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> tuple[pa.Table, Spill | None]:
    """The rows as a table: in memory where they are few, else mapped from the spill that comes with it."""
    large = together(batches, schema)
    first = list(islice(large, 2))
    if len(first) < 2:
        return pa.Table.from_batches(first, schema), None
    spilled = spill(chain(first, large), schema)
    return spilled.table(), spilled
