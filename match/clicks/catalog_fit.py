"""The average fit of a snapshot's artwork: match.clicks.average_fit's fits, out of the vectors and the tastes of a store."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from embed.errors import FingerprintError, SnapshotError
from embed.records import Audience
from embed.store import Store, has_table, open_store
from embed.tastes.audience import typical_of
from embed.tastes.profiles import read_audience
from index.snapshot import Snapshot, open_snapshot
from index.titles import runs
from match.blend import standardise, usual_spread

ARTWORKS_AT_ONCE = 1 << 17


def average_fits(snapshot: Snapshot, audience: Audience, segment: str | None = None) -> np.ndarray:
    """(artworks,) float64, in the snapshot's order: how well each fits the average user, of a segment where it has an average.

    In the unit of similarity, compared within the title: see match.blend.standardise. 0 where nobody's taste is known.
    """
    index, query = snapshot.index, typical_of(audience, segment)[None]
    spread = usual_spread(audience, snapshot.scatter)
    fits = np.zeros(index.artworks)
    if not query.any():
        return fits
    titles = np.flatnonzero(np.diff(index.first_rows) > 1)
    for some in runs(titles, index.sizes(titles), ARTWORKS_AT_ONCE):
        page = index.page(query, some)
        fits[page.rows] = standardise(page.similarities[0], page.starts, spread)
    return fits


def fits_by_artwork(store: Store) -> Callable[[pa.ChunkedArray], np.ndarray] | None:
    """From artwork_ids to the fits of everyone's average user, nan where the snapshot that serves lacks the artwork; None without a
    snapshot that can be opened, or tastes in its space."""
    try:
        snapshot = open_snapshot(store)
    except (SnapshotError, FingerprintError):
        return None
    store = open_store(store.root, snapshot.manifest.fingerprint)
    if not has_table(store, "audience"):
        return None
    audience = read_audience(store)

    def fits_of(artwork_ids: pa.ChunkedArray) -> np.ndarray:
        rows = pc.fill_null(pc.index_in(artwork_ids, snapshot.artwork["artwork_id"].combine_chunks()), -1).to_numpy()
        known: np.ndarray = np.append(average_fits(snapshot, audience), np.nan)[rows]
        return known

    return fits_of
