"""Users of films and words to profiles, by the product's own job on a store that lasts as long as it takes."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from embed.catalog import Catalog
from embed.encoder import Encoder
from embed.records import ARTWORK, TASTE, TITLE, WATCH, Audience, Profile
from embed.store import create_store
from embed.tastes.audience import common_of
from embed.tastes.profiles import read_profiles
from embed.tastes.users import embed_users

Row = dict[str, Any]


def profiles_of(
    encoder: Encoder, *, titles: Sequence[Row] = (), history: Sequence[Row] = (), tastes: Sequence[Row] = ()
) -> dict[str, Profile]:
    """The profile of each user in `history` and `tastes`; rows as a catalog's tables have them."""
    catalog = Catalog(
        root=Path(),
        pictures="",
        titles=_table([{"genres": [], "people": [], "keywords": [], "moods": [], **row} for row in titles], TITLE),
        artwork=ARTWORK.empty_table(),
        history=_table(history, WATCH),
        tastes=_table([{"weight": 1.0, **row} for row in tastes], TASTE),
    )
    with tempfile.TemporaryDirectory(prefix="evaluate_taste-") as folder:
        store = create_store(Path(folder, "store"), encoder.choice, encoder.fingerprint, encoder.dimension)
        embed_users(catalog, store, encoder)
        profiles = read_profiles(store)
        found = {user: profiles.get(user) for user in profiles.user_ids}
    return {user: profile for user, profile in found.items() if profile is not None}


def personal_query(profile: Profile, audience: Audience) -> np.ndarray:
    """(d,) float32: what sets this user apart from the average one, all interests in one vector."""
    query: np.ndarray = profile.vector - common_of(audience)
    return query


def _table(rows: Sequence[Row], schema: pa.Schema) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=schema)
