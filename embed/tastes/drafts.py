"""The profiles that a run is making: kept a block at a time, so that a run that was killed is gone on with, and published whole.

Readers see the profiles of the last finished run until all new ones are there. What a draft is made of is written down beside it:
a run over anything else begins anew.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from embed.records import PROFILE
from embed.store import (
    Store,
    append_rows,
    drop_table,
    has_table,
    mend_table,
    read_batches,
    replace_table,
    write_json,
)

DRAFT = "next_profiles"


@dataclass
class Draft:
    """Profiles in the order of their users. Make one with `open_draft`."""

    store: Store
    users: int  # whose profiles it has
    last: str | None  # of them

    def has(self, user_id: str) -> bool:
        """Whether this user's profile is there; users come in order."""
        return self.last is not None and user_id <= self.last

    def append(self, profiles: pa.Table) -> None:
        """The next users' profiles, as one commit."""
        append_rows(self.store, DRAFT, profiles)
        if len(profiles):
            self.users, self.last = self.users + len(profiles), profiles["user_id"][-1].as_py()

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """All of it, a few profiles at a time."""
        return read_batches(self.store, DRAFT, columns)

    def publish(self) -> None:
        """Make it the store's profiles, as one commit; the draft stays until it is dropped."""
        rows = (pa.RecordBatch.from_arrays(batch.columns, schema=PROFILE) for batch in self.batches(PROFILE.names))
        replace_table(self.store, "profiles", pa.RecordBatchReader.from_batches(PROFILE, rows))

    def drop(self) -> None:
        """Once everything that follows from it is written."""
        drop_table(self.store, DRAFT)
        (self.store.tables / f"{DRAFT}.json").unlink(missing_ok=True)


def open_draft(store: Store, made_of: str) -> Draft:
    """The draft of a run before, if it was made of the same, else an empty one."""
    record = store.tables / f"{DRAFT}.json"
    mend_table(store, DRAFT)
    if _made_of(store) != made_of:
        drop_table(store, DRAFT)
        write_json(record, {"made_of": made_of})
    if not has_table(store, DRAFT):
        append_rows(store, DRAFT, PROFILE.empty_table())
    users, last = 0, None
    for batch in read_batches(store, DRAFT, ["user_id"]):
        users += batch.num_rows
        last = batch["user_id"][-1].as_py() if batch.num_rows else last
    return Draft(store, users, last)


def _made_of(store: Store) -> str | None:
    try:
        return str(json.loads((store.tables / f"{DRAFT}.json").read_text(encoding="utf-8"))["made_of"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
