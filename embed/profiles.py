"""Profiles and the audience as the store keeps them: written by `taste`, read by the request path (no torch here)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from embed.records import PROFILE, Audience, Phrase, Profile, audience_schema
from embed.store import Store, read_table, read_vectors, replace_table

PhraseKey = tuple[str, str]  # (kind, text)


@dataclass(frozen=True)
class Profiles:
    """All profiles of a store. A million users share a few thousand phrases, so vectors are kept per phrase."""

    table: pa.Table
    rows: dict[str, int]  # user id to row
    vectors: dict[PhraseKey, np.ndarray]  # (d,) float32 each
    dimension: int

    @property
    def user_ids(self) -> list[str]:
        """Every user, in order of id."""
        return sorted(self.rows)

    def get(self, user_id: str) -> Profile | None:
        """The user's profile, or None where the store does not know the user."""
        if user_id not in self.rows:
            return None
        return self._profile(self.table.slice(self.rows[user_id], 1).to_pylist()[0])

    def _profile(self, row: dict[str, Any]) -> Profile:
        phrases = tuple(
            Phrase(p["text"], p["kind"], p["weight"], tuple(p["titles"]), p.get("interest") or 0) for p in row["phrases"]
        )
        found = [self.vectors[phrase.kind, phrase.text] for phrase in phrases]
        stacked = np.stack(found) if found else np.empty((0, self.dimension), np.float32)
        return Profile(row["user_id"], phrases, stacked, row["fingerprint"])


def read_profiles(store: Store) -> Profiles:
    """Raises StoreError before scripts/embed_users.py has run."""
    table = read_table(store, "profiles")
    rows = {user_id: row for row, user_id in enumerate(table["user_id"].to_pylist())}
    return Profiles(table, rows, read_phrase_vectors(store), store.dimension)


def read_phrase_vectors(store: Store) -> dict[PhraseKey, np.ndarray]:
    """Phrase to vector (d,) float32."""
    table = read_table(store, "phrases")
    keys = zip(table["kind"].to_pylist(), table["text"].to_pylist(), strict=True)
    return dict(zip(keys, read_vectors(table), strict=True))


def write_profiles(store: Store, profiles: list[Profile]) -> None:
    """Replace all profiles, as one commit."""
    rows = [
        {
            "user_id": profile.user_id,
            "text": profile.text,
            "phrases": [
                {"text": p.text, "kind": p.kind, "weight": p.weight, "titles": p.titles, "interest": p.interest}
                for p in profile.phrases
            ],
            "fingerprint": profile.fingerprint,
        }
        for profile in profiles
    ]
    replace_table(store, "profiles", pa.Table.from_pylist(rows, schema=PROFILE))


def read_audience(store: Store) -> Audience:
    """What the users have in common. Raises StoreError before scripts/embed_users.py has run."""
    row = read_table(store, "audience").to_pylist()[0]
    neutral, mean, moment = (np.array(row[name], np.float32) for name in ("neutral", "mean", "moment"))
    return Audience(row["fingerprint"], row["users"], neutral, mean, moment.reshape(len(mean), len(mean)))


def write_audience(store: Store, audience: Audience) -> None:
    """Replace the audience's one row."""
    row = {
        "fingerprint": audience.fingerprint,
        "users": audience.users,
        "neutral": audience.neutral.tolist(),
        "mean": audience.mean.tolist(),
        "moment": audience.moment.reshape(-1).tolist(),
    }
    replace_table(store, "audience", pa.Table.from_pylist([row], schema=audience_schema(store.dimension)))
