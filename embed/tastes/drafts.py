"""The profiles that a run is making: kept some thousand at a time, so that a run that was killed is gone on with, and published whole.

Readers see the profiles of the last finished run until all new ones are there. What a draft is made of is written down beside it:
a run over anything else begins anew. Those since the last commit are in memory; a run of few users, which takes less time than the
commits would, has no others.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

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
KEPT = 1 << 13  # users between two commits: less than a second's work, and a dozen MB


@dataclass
class Draft:
    """Profiles in the order of their users. Make one with `open_draft`."""

    store: Store
    made_of: str
    users: int  # whose profiles it has
    last: str | None  # of them
    _held: list[pa.Table] = field(default_factory=list)  # not committed yet

    def has(self, user_id: str) -> bool:
        """Whether this user's profile is there; users come in order."""
        return self.last is not None and user_id <= self.last

    def append(self, profiles: pa.Table) -> None:
        """The next users' profiles; with KEPT of them there is a commit."""
        if not len(profiles):
            return
        self.users, self.last = self.users + len(profiles), profiles["user_id"][-1].as_py()
        self._held.append(profiles)
        if sum(map(len, self._held)) >= KEPT:
            if not has_table(self.store, DRAFT):
                write_json(_record(self.store), {"made_of": self.made_of})
            append_rows(self.store, DRAFT, pa.concat_tables(self._held))
            self._held.clear()

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """All of it, some profiles at a time."""
        if has_table(self.store, DRAFT):
            yield from read_batches(self.store, DRAFT, columns)
        for table in self._held:
            yield from table.select(list(columns or PROFILE.names)).combine_chunks().to_batches()

    def publish(self) -> None:
        """Make it the store's profiles, as one commit; the draft stays until it is dropped."""
        rows = (pa.RecordBatch.from_arrays(batch.columns, schema=PROFILE) for batch in self.batches(PROFILE.names))
        replace_table(self.store, "profiles", pa.RecordBatchReader.from_batches(PROFILE, rows))

    def drop(self) -> None:
        """Once everything that follows from it is written."""
        drop_table(self.store, DRAFT)
        _record(self.store).unlink(missing_ok=True)


def open_draft(store: Store, made_of: str) -> Draft:
    """The draft of a run before, if it was made of the same, else an empty one."""
    mend_table(store, DRAFT)
    draft = Draft(store, made_of, 0, None)
    if _made_of(store) != made_of:
        draft.drop()
    for batch in draft.batches(["user_id"]):
        draft.users += batch.num_rows
        draft.last = batch["user_id"][-1].as_py() if batch.num_rows else draft.last
    return draft


def _record(store: Store) -> Path:
    return store.tables / f"{DRAFT}.json"


def _made_of(store: Store) -> str | None:
    try:
        return str(json.loads(_record(store).read_text(encoding="utf-8"))["made_of"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
