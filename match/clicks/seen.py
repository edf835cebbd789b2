"""Seen and played: from impressions and plays to at most one interest per user that is made of pictures, not of words.

A picture that a user played a title after seeing it tells of the user's eye what no phrase may say. The interest is the mean of the
artwork played, each once, recent ones counting more, less the mean of what the user was shown: what was shown often was played often,
and says nothing. Its weight grows with the plays behind it and stays below MOST. (Whitened by how pictures differ, which is Fisher's
discriminant, the interest chose worse: 31 % right where it was 44 %.)

It joins the interests made of words as one more of them (`with_pictures`). CLIP keeps pictures and texts in regions of their own, so
that cosines of two pictures and of a phrase and a picture do not compare; standardised within the title, each in its own spread,
they do. `scripts/evaluate_taste.py --only seen` has what it is worth.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from embed.locks import only_writer
from embed.records import picture_interest_schema
from embed.store import Store, has_table, open_store, read_table, read_vectors, replace_table, tidy_table, vector_array
from embed.tastes.users import HALF_LIFE_DAYS
from index.snapshot import Snapshot, open_snapshot
from index.titles import ABSENT
from match.blend import SMALLEST_SPREAD
from match.clicks.facts import open_facts
from match.clicks.queries import DAY_US
from match.clicks.rules import Rules
from match.crowd import Queries

TABLE = "picture_interests"

# Of users who play a fifth of what bears their taste and a twentieth of all else, simulated on real photographs: a share of 0.1 after
# 10 plays and 0.2 after 30 costs nothing where words say the taste; 0.3 after 10 costs 2 points, 0.5 costs 7.
MOST = 0.3  # of a user's shares, however much was played
SILENT = 0.6  # likewise, of a user who said nothing and whose words are only the audience's average
ENOUGH = 15.0  # recent plays that are worth half of it
USUAL = 20.0  # impressions of anyone's that the mean of what a user was shown is taken with: one play of one picture shown is no taste

NEEDED = ("user_id", "shown_at")  # columns of the impressions
OF_USERS = "SELECT user_id, artwork_id, shown_us, quality FROM facts WHERE verdict = 'counted' AND user_id IS NOT NULL"
SHOWN = f"SELECT artwork_id, count(*) AS shown, max(shown_us) AS newest FROM ({OF_USERS}) GROUP BY ALL ORDER BY ALL"
SEEN = """
    SELECT user_id, artwork_id, count(*) AS shown, sum(quality)::BIGINT AS plays,
        ({newest} - max(shown_us) FILTER (quality = 1)) / {day} AS age
    FROM part GROUP BY ALL ORDER BY ALL
"""


@dataclass(frozen=True)
class PictureInterest:
    """What a user's eye likes."""

    vector: np.ndarray  # (d,) float32, unit, on the image side
    weight: float  # in (0, MOST): the share it takes of all interests, where the user has others


@dataclass(frozen=True)
class PictureInterests:
    """Those of many users; make them with `read_picture_interests`."""

    rows: Mapping[str, int]  # user_id to row
    vectors: np.ndarray  # (n, d) float32, unit
    weights: np.ndarray  # (n,) float64

    def get(self, user_id: str) -> PictureInterest | None:
        """One user's, None where there is none."""
        row = self.rows.get(user_id)
        return None if row is None else PictureInterest(self.vectors[row], float(self.weights[row]))


NO_INTERESTS = PictureInterests({}, np.empty((0, 0), np.float32), np.empty(0))


def learn_picture_interests(logs: Path | str, store: Store, rules: Rules | None = None) -> int:
    """Write the interests in pictures that logs show (as `learn_priors` takes them) into the store, in place of those before; how many.

    The vectors are those of the snapshot that serves. Raises SnapshotError where there is none, LogError as `learn_priors` does.
    """
    snapshot = open_snapshot(store)
    found = picture_interests_of(logs, snapshot, rules)
    store = open_store(store.root, snapshot.manifest.fingerprint)
    vectors = np.array([one.vector for one in found.values()], np.float32).reshape(len(found), store.dimension)
    columns = [
        pa.array(list(found), pa.string()),
        pa.array([one.weight for one in found.values()], pa.float64()),
        pa.array([store.fingerprint] * len(found), pa.string()),
        vector_array(vectors),
    ]
    table = pa.Table.from_arrays(columns, schema=picture_interest_schema(store.dimension))
    with only_writer(store.lock(f"{store.folder}-{TABLE}"), "learn_priors"):
        replace_table(store, TABLE, table)  # mends first
        tidy_table(store, TABLE)
    return len(found)


def read_picture_interests(store: Store) -> PictureInterests:
    """Those of the store, of the encoder that it was opened with; none before any were learned."""
    if not has_table(store, TABLE):
        return NO_INTERESTS
    table = read_table(store, TABLE)
    rows = {user_id: row for row, user_id in enumerate(table["user_id"].to_pylist())}
    return PictureInterests(rows, read_vectors(table), table["weight"].to_numpy())


def picture_interests_of(logs: Path | str, snapshot: Snapshot, rules: Rules | None = None) -> dict[str, PictureInterest]:
    """user_id to what the user's eye likes, of those who played anything; `logs` as `learn_priors` takes them.

    Artwork that the snapshot does not have is left out. Raises LogError as `learn_priors` does.
    """
    found: dict[str, PictureInterest] = {}
    with open_facts(logs, rules, needed=NEEDED) as facts:
        shown = facts.connection.sql(SHOWN).to_arrow_table()
        known, newest = _in_snapshot(shown, snapshot), pc.max(shown["newest"]).as_py()
        if not len(known):
            return found
        usual = known["shown"].to_numpy() @ snapshot.index.vectors_of(known["row"].to_numpy()) / pc.sum(known["shown"]).as_py()
        for _ in facts.in_parts(OF_USERS, "user_id"):
            seen = facts.connection.sql(SEEN.format(newest=newest or 0, day=DAY_US)).to_arrow_table()
            found |= liked_by_user(_in_snapshot(seen, snapshot), snapshot, usual)
    return dict(sorted(found.items()))


def _in_snapshot(table: pa.Table, snapshot: Snapshot) -> pa.Table:
    """With `row`, the artwork's of the snapshot; without artwork that it does not have."""
    rows = pc.index_in(table["artwork_id"], snapshot.artwork["artwork_id"].combine_chunks())
    return table.append_column("row", rows).filter(pc.is_valid(rows))


def liked_by_user(seen: pa.Table, snapshot: Snapshot, usual: np.ndarray) -> dict[str, PictureInterest]:
    """The same of a table with user_id (rising), row of the snapshot's artwork, shown, plays, and age of the last play in days.

    usual: (d,) the mean of the vectors shown to anyone.
    """
    shown, plays, rows = (seen[name].to_numpy() for name in ("shown", "plays", "row"))
    users = seen["user_id"].combine_chunks().dictionary_encode()
    ends = np.cumsum(np.bincount(users.indices.to_numpy()))
    ages = pc.fill_null(seen["age"], 0.0).to_numpy()
    found: dict[str, PictureInterest] = {}
    for user, start, end in zip(users.dictionary.to_pylist(), np.append(0, ends), ends, strict=False):
        if not plays[start:end].any():
            continue
        vectors, played = snapshot.index.vectors_of(rows[start:end]), plays[start:end] > 0
        liked = interest_in_pictures(
            vectors[played], ages[start:end][played], shown[start:end] @ vectors, shown[start:end].sum(), usual
        )
        found |= {user: liked} if liked else {}
    return found


def interest_in_pictures(
    played: np.ndarray, ages: np.ndarray, shown_sum: np.ndarray, shown: float, usual: np.ndarray
) -> PictureInterest | None:
    """One user's. None where nothing was played, or what was played is just what was shown.

    played: (p, d) unit vectors of artwork played, each once; ages: (p,) days since; shown_sum: (d,) of the vectors shown, and how many
    they were; usual: (d,) their mean over all users.
    """
    recency = 0.5 ** (np.maximum(ages, 0.0) / HALF_LIFE_DAYS)
    evidence = float(recency.sum())
    if evidence == 0:
        return None
    apart = recency @ played / evidence - (shown_sum + USUAL * usual) / (shown + USUAL)
    length = float(np.linalg.norm(apart))
    if length < SMALLEST_SPREAD:
        return None
    return PictureInterest((apart / length).astype(np.float32), MOST * evidence / (evidence + ENOUGH))


def with_pictures(
    shares: np.ndarray, queries: np.ndarray, liked: PictureInterest, spread: float, scatter: np.ndarray, *, silent: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """(shares (k + 1,), queries (k + 1, d) float32): interests made of words, as `blend.personal_queries` gives them, and this one.

    spread: the unit of similarity, `blend.usual_spread`; scatter: (d, d) as Snapshot has it. The new query is as long as makes its
    cosines spread within titles as widely as others do, so that `blend.similarity_of` standardises it in its own terms. Where
    pictures do not differ in what the user likes, or nothing is personal yet, the interests stay as they are. silent: the user has
    no phrases, so that `queries` is of those who are like the user.
    """
    query, told = as_queries(liked.vector[None], spread, scatter)
    if not told[0]:
        return shares, queries
    share = liked.weight * (SILENT / MOST if silent else 1.0)
    return np.append(shares * (1 - share), share), np.concatenate([queries, query])


def as_queries(vectors: np.ndarray, spread: float, scatter: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """((n, d) float32, (n,) bool): interests in pictures as long as `with_pictures` says, and which of them say anything."""
    own = np.sqrt(np.maximum(np.einsum("nd,nd->n", vectors @ scatter, vectors), 0.0))
    told: np.ndarray = (own >= SMALLEST_SPREAD) & (spread >= SMALLEST_SPREAD)
    scaled = vectors * (spread / np.maximum(own, SMALLEST_SPREAD))[:, None]
    return scaled.astype(np.float32), told


def with_pictures_of_many(
    asked: Queries, user_ids: Sequence[str], silent: np.ndarray, interests: PictureInterests, spread: float, scatter: np.ndarray
) -> Queries:
    """`with_pictures` for a block of users; silent: (u,) bool, who has no phrases."""
    rows = np.array([interests.rows.get(user_id, ABSENT) for user_id in user_ids], np.int64)
    users = np.flatnonzero(rows != ABSENT)
    if not len(users):
        return asked
    queries, told = as_queries(interests.vectors[rows[users]], spread, scatter)
    users, queries = users[told], queries[told]
    shares = interests.weights[rows[users]] * np.where(silent[users], SILENT / MOST, 1.0)
    left = np.ones(len(user_ids))
    left[users] = 1 - shares
    of_users = np.concatenate([asked.users, users])
    order = np.argsort(of_users, kind="stable")  # after the interests made of words
    shares = np.concatenate([asked.shares * left[asked.users], shares])
    vectors, of_lines = (np.concatenate([each, queries])[order] for each in (asked.vectors, asked.of_lines))
    return Queries(of_users[order], shares[order], vectors, of_lines)
