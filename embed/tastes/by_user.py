"""What users left, user by user: history, stated tastes and what is known of them, sorted by user in little memory.

An external merge sort (Knuth, The Art of Computer Programming, volume 3, section 5.4): runs that fit into memory are sorted and
spilled, then merged, a block of whole users at a time. Within a user everything stays in the order in which it came.
"""

import bisect
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from embed.catalog import Catalog
from embed.errors import CatalogError
from embed.records import UTC
from embed.spill import Spill, one_batch, spill, together

WATCHED, SAID, KNOWN = range(3)  # of `what`
TRACE = pa.schema(
    [
        ("user_id", pa.string()),
        ("number", pa.int64()),  # the order in which it came
        ("what", pa.int8()),
        ("title", pa.int32()),  # of WATCHED: its row among the catalog's titles
        ("amount", pa.float32()),  # of WATCHED: the fraction; of SAID: the weight
        ("at", pa.int64()),  # of WATCHED: microseconds since 1970 in UTC
        ("text", pa.string()),  # of SAID: the text; of KNOWN: the locale
        ("segment", pa.string()),  # of KNOWN
    ]
)
RUN = 1 << 18  # rows sorted in memory: about 20 MB
READ = 1 << 13  # rows of a run read at a time
MERGED = 32  # runs merged at once; more are merged to fewer first
BLOCK = 1 << 15  # rows of whole users, and what a user has on top


def sorted_traces(catalog: Catalog) -> Iterator[pa.RecordBatch]:
    """TRACE of all users in blocks of whole users, by user_id and then as it came: history, tastes, what is known.

    Raises CatalogError where the history is of titles that the catalog has not.
    """
    runs = [spill(_sliced(_in_order(run)), TRACE) for run in together(_traces(catalog), TRACE, RUN)]
    while len(runs) > MERGED:
        groups = [runs[first : first + MERGED] for first in range(0, len(runs), MERGED)]
        runs = [spill((part for block in _whole_users(group, BLOCK) for part in _sliced(block)), TRACE) for group in groups]
    yield from _whole_users(runs, BLOCK)


def _traces(catalog: Catalog) -> Iterator[pa.RecordBatch]:
    """TRACE of every row, in the catalog's order."""
    count = 0
    makers = {"history": _watched(catalog.titles), "tastes": _said, "users": _known}
    for table, make in makers.items():
        for batch in catalog.batches(table):
            numbers = pa.array(np.arange(count, count + batch.num_rows))
            yield _trace({"user_id": batch["user_id"], "number": numbers, **make(batch)}, batch.num_rows)
            count += batch.num_rows


def _trace(columns: dict[str, Any], rows: int) -> pa.RecordBatch:
    """With nothing where a column is left out."""
    nothing = {f.name: pa.array(np.zeros(rows), f.type, safe=False) for f in TRACE if f.name in ("title", "amount", "at")}
    arrays = [{**nothing, **columns}.get(f.name, pa.nulls(rows, f.type)) for f in TRACE]
    return pa.RecordBatch.from_arrays(arrays, schema=TRACE)


def _watched(titles: pa.Table) -> Any:
    known = titles["title_id"].combine_chunks()

    def watched(batch: pa.RecordBatch) -> dict[str, Any]:
        places = pc.index_in(batch["title_id"], known)
        if places.null_count:
            stranger = batch["title_id"].filter(pc.is_null(places))[0].as_py()
            raise CatalogError(f"history: {stranger!r} is no title of this catalog; read its titles, too")
        at = batch["watched_at"].cast(UTC).cast(pa.int64())
        return {"what": _what(WATCHED, batch), "title": places, "amount": batch["fraction"], "at": at}

    return watched


def _said(batch: pa.RecordBatch) -> dict[str, Any]:
    return {"what": _what(SAID, batch), "amount": pc.fill_null(batch["weight"], 1.0), "text": batch["text"]}


def _known(batch: pa.RecordBatch) -> dict[str, Any]:
    return {"what": _what(KNOWN, batch), "text": batch["locale"], "segment": batch["segment"]}


def _what(what: int, batch: pa.RecordBatch) -> pa.Array:
    return pa.array(np.full(batch.num_rows, what, np.int8))


def _in_order(batch: pa.RecordBatch) -> pa.RecordBatch:
    """By user and then by number. Users are compared by their bytes, which is how Python compares text, too."""
    users = batch["user_id"].dictionary_encode()
    ranks = np.empty(len(users.dictionary), np.int64)
    ranks[pc.sort_indices(users.dictionary).to_numpy()] = np.arange(len(ranks))
    order = np.lexsort((batch["number"].to_numpy(), ranks[users.indices.to_numpy()]))
    return batch.take(pa.array(order))


def _sliced(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    return (batch.slice(first, READ) for first in range(0, batch.num_rows, READ))


def _whole_users(runs: list[Spill], rows: int) -> Iterator[pa.RecordBatch]:
    """Runs in order as one, in blocks of about so many rows in which no user is divided."""
    streams = [run.batches() for run in runs]
    heads = [next(stream, None) for stream in streams]
    held: list[pa.RecordBatch] = []
    count, enough = 0, rows
    while any(head is not None for head in heads):
        bound = min(head["user_id"][-1].as_py() for head in heads if head is not None)  # who may go on in the next batch
        for number, head in enumerate(heads):
            if head is None:
                continue
            upto = _place(head, bound, bisect.bisect_right)
            held.append(head.slice(0, upto))
            count += upto
            heads[number] = head.slice(upto) if upto < head.num_rows else next(streams[number], None)
        if count >= enough:
            block = _in_order(one_batch(held, TRACE))
            cut = _place(block, bound, bisect.bisect_left)
            if cut:
                yield block.slice(0, cut)
            held, count = [block.slice(cut)], block.num_rows - cut
            enough = max(rows, 2 * count)
    if count:
        yield _in_order(one_batch(held, TRACE))


def _place(batch: pa.RecordBatch, user_id: str, side: Any) -> int:
    users = batch["user_id"]
    return int(side(range(len(users)), user_id, key=lambda row: users[row].as_py()))


def users_of(block: pa.RecordBatch) -> tuple[pa.Array, np.ndarray]:
    """(the block's users, each once; (rows,) int64: which of them each row is of)."""
    users = block["user_id"].dictionary_encode()  # in order of appearance, which is theirs
    return users.dictionary, users.indices.to_numpy().astype(np.int64)
