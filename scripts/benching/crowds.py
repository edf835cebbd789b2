"""A store of many users and titles without a checkpoint: vectors and tastes are drawn, everything else is as the doors leave it."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from embed.encoder import unit

if TYPE_CHECKING:
    from embed.store import Store

FINGERPRINT = "b" * 64
NEUTRAL = 0  # of the drawn phrases, the one that stands for nothing in particular
PHRASES = 2_000  # that users share, of which ...
PEOPLE = 400  # ... so many are people; the rest are genres, keywords and what users say
MOST_PHRASES = 12  # of a user, as embed_users.py has it
WITH_PEOPLE = 0.3  # of artworks
SHOWN = 0.5  # of artworks that were shown before
WITHIN = 0.6  # how far artworks lie from their title's centre, where centres are 1 from the middle in each direction
BLOCK = 4096  # users whose vectors are made at a time


@dataclass(frozen=True)
class Size:
    """How many."""

    users: int
    titles: int
    artworks: int  # of each title
    dimension: int = 512

    @property
    def choices(self) -> int:
        """One for each user and title."""
        return self.users * self.titles

    @property
    def gflop(self) -> float:
        """10^9 floating-point operations of the inner products of all users and artworks, an addition counted as one."""
        return 2e-9 * self.choices * self.artworks * self.dimension


def make_store(folder: Path, size: Size, seed: int = 11) -> "Store":
    """Catalog, clicks, tastes and snapshot; the same of the same size and seed."""
    from embed.encoder import EncoderChoice
    from embed.store import create_store
    from index.publish import publish_snapshot

    rng = np.random.default_rng(seed)
    store = create_store(folder, EncoderChoice("drawn", "nothing"), FINGERPRINT, size.dimension)
    _write_artwork(store, size, rng)
    write_users(store, size.users, rng)
    publish_snapshot(store)
    return store


def people() -> list[str]:
    """Who is on artwork and may be liked."""
    return [f"Person {number:03}" for number in range(PEOPLE)]


def user_ids(users: int) -> list[str]:
    """Of a store with so many users."""
    return [f"user-{number:07}" for number in range(users)]


def _write_artwork(store: "Store", size: Size, rng: np.random.Generator) -> None:
    from embed.records import ARTWORK, PRIOR, TITLE, embedding_schema
    from embed.store import append_rows, replace_table, vector_array

    names = people()
    title_ids = [f"title-{number:06}" for number in range(size.titles)]
    rows = [
        {"artwork_id": f"{title_id}-{n:02}", "title_id": title_id, "path": f"{title_id}/{n:02}.jpg", "active": True, "tags": []}
        for title_id in title_ids
        for n in range(size.artworks)
    ]
    for row in rows:
        row["people"] = [names[rng.integers(PEOPLE)]] if rng.random() < WITH_PEOPLE else []
        row["sha256"] = sha256(row["artwork_id"].encode()).hexdigest()
    titles = [{"title_id": title_id, "name": title_id, "genres": [], "people": [], "keywords": []} for title_id in title_ids]
    replace_table(store, "titles", pa.Table.from_pylist(titles, schema=TITLE))
    replace_table(store, "artwork", pa.Table.from_pylist(rows, schema=ARTWORK))
    centres = np.repeat(rng.standard_normal((size.titles, size.dimension), np.float32), size.artworks, axis=0)
    vectors = unit(centres + WITHIN * rng.standard_normal(centres.shape, np.float32))
    columns = [
        pa.array([row["sha256"] for row in rows], pa.string()),
        *(pa.array(np.full(len(rows), side), pa.int32()) for side in (1600, 900)),
        pa.array([FINGERPRINT] * len(rows), pa.string()),
        vector_array(vectors),
    ]
    append_rows(store, "embeddings", pa.Table.from_arrays(columns, schema=embedding_schema(size.dimension)))
    clicked = [row for row in rows if rng.random() < SHOWN]
    impressions = rng.integers(1, 2_000, len(clicked))
    plays = rng.binomial(impressions, rng.uniform(0.02, 0.15, len(clicked)))
    counts = zip(clicked, impressions.tolist(), plays.tolist(), strict=True)
    priors = [
        {
            "title_id": row["title_id"],
            "artwork_id": row["artwork_id"],
            "impressions": n,
            "plays": k,
            "mean": (k + 5) / (n + 100),
        }
        for row, n, k in counts
    ]
    replace_table(store, "priors", pa.Table.from_pylist(priors, schema=PRIOR))


def write_users(store: "Store", users: int, rng: np.random.Generator) -> None:
    """Tastes of so many users, and the audience, as scripts/embed_users.py leaves them."""
    from embed.records import PHRASE, PROFILE, phrase_schema
    from embed.store import append_rows, replace_table, vector_array

    texts = people() + [f"phrase {number}" for number in range(PHRASES - PEOPLE)]
    kinds = ["person"] * PEOPLE + ["keyword"] * (PHRASES - PEOPLE)
    vectors = unit(rng.standard_normal((PHRASES, store.dimension), np.float32))
    columns = [pa.array(kinds), pa.array(texts), pa.array([store.fingerprint] * PHRASES), vector_array(vectors)]
    append_rows(store, "phrases", pa.Table.from_arrays(columns, schema=phrase_schema(store.dimension)))
    starts = np.append(0, np.cumsum(rng.integers(1, MOST_PHRASES + 1, users))).astype(np.int32)
    taken = rng.integers(0, PHRASES, starts[-1])
    weights = rng.exponential(1.0, len(taken)).astype(np.float32)
    of_phrases = [pa.array(texts).take(pa.array(taken)), pa.array(kinds).take(pa.array(taken)), pa.array(weights)]
    no_titles = pa.ListArray.from_arrays(pa.array(np.zeros(len(taken) + 1, np.int32)), pa.array([], pa.string()))
    one = pa.array(np.zeros(len(taken), np.int32))
    struct = pa.StructArray.from_arrays([*of_phrases, no_titles.cast(PHRASE.field("titles").type), one], fields=list(PHRASE))
    profiles = [
        pa.array(user_ids(users)),
        pa.array([""] * users),
        pa.ListArray.from_arrays(pa.array(starts), struct),
        pa.array([store.fingerprint] * users),
        *(pa.nulls(users, pa.string()) for _ in ("source", "locale", "segment")),
    ]
    replace_table(store, "profiles", pa.Table.from_arrays(profiles, schema=PROFILE))
    _write_audience(store, starts, weights, vectors, taken)


def _write_audience(store: "Store", starts: np.ndarray, weights: np.ndarray, vectors: np.ndarray, taken: np.ndarray) -> None:
    """What embed.tastes.users.audience_of makes of the profiles, block by block."""
    from embed.records import Audience
    from embed.tastes.audience import FEW_USERS, NEUTRAL_USERS
    from embed.tastes.profiles import write_audience

    users, dimension = len(starts) - 1, vectors.shape[1]
    total, moment = np.zeros(dimension), np.zeros((dimension, dimension))
    for first in range(0, users, BLOCK):
        edges = starts[first : first + BLOCK + 1]
        some = slice(int(edges[0]), int(edges[-1]))
        of_users = unit(np.add.reduceat(weights[some, None] * vectors[taken[some]], edges[:-1] - edges[0]))
        total += of_users.sum(axis=0)
        moment += of_users.T @ of_users
    mean = (total + NEUTRAL_USERS * vectors[NEUTRAL]) / (users + NEUTRAL_USERS)
    common = total / (users + FEW_USERS)
    crossed = np.outer(total / users, common)
    apart = moment / users - crossed - crossed.T + np.outer(common, common)
    write_audience(
        store, Audience(store.fingerprint, users, vectors[NEUTRAL], mean.astype(np.float32), apart.astype(np.float32))
    )
