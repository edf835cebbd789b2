"""Where artwork stands in a snapshot, and what a link to it needs."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from index.snapshot import Snapshot


def rows_of_title(snapshot: Snapshot, title_id: str) -> dict[str, int]:
    """artwork_id to its row, of all artwork of a title; of an unknown title none."""
    number = snapshot.title_numbers.get(title_id)
    if number is None:
        return {}
    rows = np.arange(*snapshot.index.first_rows[number : number + 2].tolist())
    return dict(zip(snapshot.texts("artwork_id", rows), rows.tolist(), strict=True))


def row_of_artwork(snapshot: Snapshot, artwork_id: str) -> int | None:
    """The row of an artwork; None where the snapshot has none such."""
    row = int(pc.index(snapshot.artwork["artwork_id"], pa.scalar(artwork_id)).as_py())
    return None if row < 0 else row


def linked(snapshot: Snapshot, rows: np.ndarray) -> list[dict[str, Any]]:
    """The artwork in these rows (n,), as links with a thumbnail need it."""
    columns = (snapshot.take(name, rows).to_pylist() for name in ("artwork_id", "title_id", "path", "sha256"))
    return [dict(zip(("id", "title", "path", "picture"), one, strict=True)) for one in zip(*columns, strict=True)]
