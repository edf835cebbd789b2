"""Profiles and the audience as the store keeps them: written by `taste`, read by the request path (no torch here)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from embed.errors import StoreError
from embed.records import PHRASE, PROFILE, Audience, Average, Phrase, Profile, audience_schema, average_schema
from embed.store import Store, has_table, read_table, read_vectors, replace_table
from embed.tastes.interests import interests_of
from embed.tastes.selection import Selection
from embed.tastes.vocabulary import PhraseKey


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
        row = self.rows.get(user_id)
        return None if row is None else self._profile(user_id, row)

    def segments_of(self, user_ids: Sequence[str]) -> list[str | None]:
        """Each user's segment, as the catalog says it; None where it says none, or where the store does not know the user."""
        if "segment" not in self.table.column_names:  # a release before kept none
            return [None] * len(user_ids)
        rows = pa.array([self.rows.get(user_id) for user_id in user_ids], pa.int64())
        segments: list[str | None] = self.table["segment"].take(rows).to_pylist()
        return segments

    def _profile(self, user_id: str, row: int) -> Profile:
        """Column by column: Arrow takes three times as long to make a dict of each phrase."""
        listed, having = self.table["phrases"][row].values, self.table.column_names
        texts, kinds, weights, titles = (listed.field(name).to_pylist() for name in ("text", "kind", "weight", "titles"))
        told = listed.type.get_field_index("interest") >= 0  # a release before knew one interest, and neither of `about`
        interests = [number or 0 for number in listed.field("interest").to_pylist()] if told else [0] * len(texts)
        phrases = tuple(map(Phrase, texts, kinds, weights, map(tuple, titles), interests))
        found = [self.vectors[key] for key in zip(kinds, texts, strict=True)]
        stacked = np.array(found, np.float32) if found else np.empty((0, self.dimension), np.float32)
        about = (self.table[name][row].as_py() if name in having else None for name in ("source", "locale", "segment"))
        source, locale, segment = about
        return Profile(user_id, phrases, stacked, self.table["fingerprint"][row].as_py(), source or "", locale, segment)


def read_profiles(store: Store) -> Profiles:
    """All profiles, those that a person edited in place of those that were made. Raises StoreError before scripts/embed_users.py
    has run, also where an edited phrase has no vector of this encoder yet."""
    table, vectors = read_table(store, "profiles"), read_phrase_vectors(store)
    if has_table(store, "edits") and len(edits := read_table(store, "edits")):
        table = _with_edits(table, edits, vectors, read_audience(store))
    rows = {user_id: row for row, user_id in enumerate(table["user_id"].to_pylist())}
    return Profiles(table, rows, vectors, store.dimension)


def read_profile(store: Store, user_id: str) -> Profile | None:
    """One user's profile as `read_profiles` has it; the others are not read."""
    where = "user_id = '" + user_id.replace("'", "''") + "'"
    table, vectors = read_table(store, "profiles", where=where), read_phrase_vectors(store)
    if has_table(store, "edits") and len(edits := read_table(store, "edits", where=where)):
        table = _with_edits(table, edits, vectors, read_audience(store))
    rows = {user_id: row for row, user_id in enumerate(table["user_id"].to_pylist())}
    return Profiles(table, rows, vectors, store.dimension).get(user_id)


def _with_edits(table: pa.Table, edits: pa.Table, vectors: dict[PhraseKey, np.ndarray], audience: Audience) -> pa.Table:
    """The profiles, with the edited ones last; what is known of their users stays."""
    edited = pc.is_in(table["user_id"], edits["user_id"].combine_chunks())
    about = {row["user_id"]: row for row in table.filter(edited).drop_columns(["phrases"]).to_pylist()}
    rows = [_edited(row, about.get(row["user_id"], {}), vectors, audience) for row in edits.to_pylist()]
    changed = pa.Table.from_pylist(rows, schema=PROFILE).select(table.column_names)
    return pa.concat_tables([table.filter(pc.invert(edited)), changed], promote_options="default")


def _edited(
    row: dict[str, Any], about: dict[str, Any], vectors: dict[PhraseKey, np.ndarray], audience: Audience
) -> dict[str, Any]:
    """A row of PROFILE: interests follow from the vectors that this encoder has."""
    keys = [(phrase["kind"], phrase["text"]) for phrase in row["phrases"]]
    if missing := [text for kind, text in keys if (kind, text) not in vectors]:
        raise StoreError(f"phrase {missing[0]!r} of an edited profile has no vector; run scripts/embed_users.py again")
    stacked = np.array([vectors[key] for key in keys], np.float32).reshape(len(keys), len(audience.mean))
    numbers = interests_among(keys, [phrase["weight"] for phrase in row["phrases"]], stacked, audience)
    told = [{**phrase, "interest": number} for phrase, number in zip(row["phrases"], numbers, strict=True)]
    text = "; ".join(str(Phrase(phrase["text"], phrase["kind"], phrase["weight"])) for phrase in told)
    made = {"text": text, "phrases": told, "fingerprint": audience.fingerprint, "source": "edited"}
    return {"user_id": row["user_id"], "locale": None, "segment": None, **about, **made}


def interests_among(keys: Sequence[PhraseKey], weights: Sequence[float], vectors: np.ndarray, audience: Audience) -> list[int]:
    """Which of a user's interests each phrase belongs to, -1 for a dislike; vectors: (phrases, d) float32."""
    common = np.array([audience.commons.get(kind, audience.neutral) for kind, _ in keys], np.float32).reshape(vectors.shape)
    numbers: list[int] = interests_of(np.array(weights), vectors, common).tolist()
    return numbers


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
            "source": profile.source,
            "locale": profile.locale,
            "segment": profile.segment,
        }
        for profile in profiles
    ]
    replace_table(store, "profiles", pa.Table.from_pylist(rows, schema=PROFILE))


def profile_table(
    users: pa.Array,
    chosen: Selection,
    interests: np.ndarray,
    keys: tuple[Sequence[PhraseKey], pa.Array],
    fingerprint: str,
    about: Mapping[str, Sequence[str | None]],
) -> pa.Table:
    """Profiles of many users as PROFILE has them.

    interests: (n,) of the chosen phrases; keys: of the vocabulary, and the ids of the catalog's titles; about: the columns left.
    """
    those, back = np.unique(chosen.phrases, return_inverse=True)
    kinds, texts = (pa.array([keys[0][number][part] for number in those.tolist()], pa.string()) for part in (0, 1))
    told = texts.take(pa.array(back))
    titles = pa.ListArray.from_arrays(_offsets(chosen.title_starts), keys[1].take(pa.array(chosen.titles)))
    columns = [told, kinds.take(pa.array(back)), pa.array(chosen.weights), titles, pa.array(interests)]
    struct = [column.cast(PHRASE.field(number).type, safe=False) for number, column in enumerate(columns)]
    lists = pa.ListArray.from_arrays(_offsets(chosen.starts), pa.StructArray.from_arrays(struct, fields=list(PHRASE)))
    worded = pc.if_else(pa.array(chosen.weights >= 0), told, pc.binary_join_element_wise("not ", told, ""))
    text = pc.binary_join(pa.ListArray.from_arrays(_offsets(chosen.starts), worded), "; ")
    made = {"user_id": users, "text": text, "phrases": lists, "fingerprint": pa.array([fingerprint] * len(users))}
    given = {name: pa.array(values, pa.string()) for name, values in about.items()}
    return pa.Table.from_arrays([{**made, **given}[name] for name in PROFILE.names], schema=PROFILE)


def _offsets(starts: np.ndarray) -> pa.Array:
    return pa.array(starts, pa.int32())


def read_audience(store: Store) -> Audience:
    """What the users have in common. Raises StoreError before scripts/embed_users.py has run."""
    row = read_table(store, "audience").to_pylist()[0]
    neutral, mean, moment = (np.array(row[name], np.float32) for name in ("neutral", "mean", "moment"))
    square = moment.reshape(len(mean), len(mean))
    told = zip(row.get("kinds") or (), row.get("commons") or (), strict=True)  # a release before knew none
    commons = {kind: np.array(common, np.float32) for kind, common in told}
    return Audience(row["fingerprint"], row["users"], neutral, mean, square, _averages(store, row["fingerprint"]), commons)


def _averages(store: Store, fingerprint: str) -> tuple[Average, ...]:
    """None before scripts/embed_users.py has run since there are any."""
    rows = read_table(store, "averages").to_pylist() if has_table(store, "averages") else []
    means = [np.array(row["mean"], np.float32) for row in rows]
    return tuple(
        Average(row["kind"], row["name"], row["users"], mean)
        for row, mean in zip(rows, means, strict=True)
        if row["fingerprint"] == fingerprint
    )


def write_audience(store: Store, audience: Audience) -> None:
    """Replace the averages, and then the audience's one row."""
    averages = [
        {
            "kind": average.kind,
            "name": average.name,
            "users": average.users,
            "fingerprint": audience.fingerprint,
            "mean": average.mean,
        }
        for average in audience.averages
    ]
    replace_table(store, "averages", pa.Table.from_pylist(averages, schema=average_schema(store.dimension)))
    row = {
        "fingerprint": audience.fingerprint,
        "users": audience.users,
        "neutral": audience.neutral,
        "mean": audience.mean,
        "moment": audience.moment.reshape(-1),
        "kinds": list(audience.commons),
        "commons": list(audience.commons.values()),
    }
    replace_table(store, "audience", pa.Table.from_pylist([row], schema=audience_schema(store.dimension)))
