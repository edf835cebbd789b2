"""The tastes of many users as arrays: what `match.blend` has for one profile, for a block of them at once."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from embed.errors import FingerprintError, StoreError
from embed.ragged import spans
from embed.records import Audience, fold
from embed.tastes.audience import average_of, common_of
from embed.tastes.interests import Mixtures, mixtures_of
from embed.tastes.profiles import Profiles
from embed.tastes.vocabulary import PhraseKey
from index.filters import Context
from index.snapshot import Snapshot
from index.titles import ABSENT


@dataclass(frozen=True)
class Likes:
    """Who likes whom: of m pairs of a user and a person who is on some artwork, each pair once, by user and then by person."""

    users: np.ndarray  # (m,) int64 places in the block that was asked for
    people: np.ndarray  # (m,) int64 the snapshot's numbers
    weights: np.ndarray  # (m,) float64 in -1..1, the user's strongest phrase being 1


@dataclass(frozen=True)
class Queries:
    """What is asked for some users, each one's interests side by side, the one that weighs most first."""

    users: np.ndarray  # (q,) int64 places in the block that was asked for, ascending; each has one at least
    shares: np.ndarray  # (q,) float64; a user's sum to 1
    vectors: np.ndarray  # (q, d) float32, of artwork
    of_lines: np.ndarray  # (q, d) float32, of lines of copy: see match.tastes


@dataclass(frozen=True)
class Crowd:
    """All profiles of a store, phrase by phrase: profile i's phrases are starts[i]:starts[i + 1]. Make one with `crowd_of`."""

    rows: dict[str, int]  # user id to profile
    starts: np.ndarray  # (profiles + 1,) int64
    phrases: np.ndarray  # (n,) int64, rows of `vectors`
    weights: np.ndarray  # (n,) float32
    vectors: np.ndarray  # (phrases, d) float32
    people: np.ndarray  # (phrases,) int64: the snapshot's number of the person whom a phrase names, ABSENT where it names none
    interests: Mixtures
    audience: Audience
    table: pa.Table  # the profiles

    def profiles(self, user_ids: list[str]) -> np.ndarray:
        """(u,) int64: each user's profile, ABSENT where the store knows none, or none with a phrase in it."""
        found = np.array([self.rows.get(user_id, ABSENT) for user_id in user_ids], np.int64)
        known = found != ABSENT
        known[known] = self.starts[found[known] + 1] > self.starts[found[known]]
        return np.where(known, found, ABSENT)

    def averages(self, user_ids: list[str], profiles: np.ndarray, context: Context) -> np.ndarray:
        """(n, d) float32: for those of the users who are ABSENT among their profiles (u,), in order, the mean that speaks for them."""
        absent = [user_ids[place] for place in np.flatnonzero(profiles == ABSENT).tolist()]
        of_users = [self._cohorts(user_id, context) for user_id in absent]
        means = {cohorts: average_of(self.audience, *cohorts)[0] for cohorts in set(of_users)}
        return np.array([means[cohorts] for cohorts in of_users], np.float32).reshape(len(absent), self.vectors.shape[1])

    def segments(self, user_ids: list[str], context: Context) -> list[str | None]:
        """Each user's, as `cohorts_of` has them."""
        return [self._cohorts(user_id, context)[0] for user_id in user_ids]

    def _cohorts(self, user_id: str, context: Context) -> tuple[str | None, str | None]:
        """As `cohorts_of` has them."""
        row = self.rows.get(user_id)
        segment, locale = (None, None) if row is None else (names[row] for names in self._names)
        return segment or context.segment, locale or context.locale

    @cached_property
    def _names(self) -> tuple[list[str | None], list[str | None]]:
        """Of every profile its segment and its locale; a release before kept neither."""
        having, none = self.table.column_names, list[str | None]([None]) * len(self.table)
        segments, locales = (self.table[name].to_pylist() if name in having else none for name in ("segment", "locale"))
        return segments, locales

    def queries(self, profiles: np.ndarray, averages: np.ndarray | None = None, apart: np.ndarray | None = None) -> "Queries":
        """What sets each interest of these profiles (u,) apart from the average one, as the Matcher's tastes have it up to the last
        bits; for those without a profile what sets the average that speaks for them apart from everyone's.

        averages: as `Crowd.averages` has them; the whole audience's where left out. apart: (u, d) float32, `apart_of` each one's
        segment; 0 where left out.
        """
        known = np.flatnonzero(profiles != ABSENT)
        counts = np.ones(len(profiles), np.int64)
        first, counts[known] = self.interests.of(profiles[known])
        users = np.repeat(np.arange(len(profiles)), counts)
        shares, vectors = np.ones(len(users)), np.empty((len(users), self.vectors.shape[1]), np.float32)
        having = profiles[users] != ABSENT
        numbers = spans(first, counts[known])
        shares[having] = self.interests.shares[numbers]
        vectors[having] = self.interests.vectors(numbers, self.vectors) - common_of(self.audience)
        means = self.audience.mean if averages is None else averages
        of_lines = vectors.copy()
        vectors[~having], of_lines[~having] = means - self.audience.mean, means - self.audience.neutral
        return Queries(users, shares, vectors if apart is None else vectors - apart[users], of_lines)

    def likes(self, profiles: np.ndarray) -> Likes:
        """As `blend.liked_people` has it."""
        first, counts = self._phrases_of(profiles)
        at = spans(first, counts)
        users, people = np.repeat(np.arange(len(profiles)), counts), self.people[self.phrases[at]]
        weights = self.weights[at].astype(np.float64)
        strongest = np.zeros(len(profiles))
        np.maximum.at(strongest, users, np.abs(weights))
        named = people != ABSENT
        users, people, weights = users[named], people[named], weights[named]
        strongest[strongest == 0] = 1.0
        (users, people), sums = summed((users, people), weights / strongest[users])
        return Likes(users, people, sums.clip(-1.0, 1.0))

    def _phrases_of(self, profiles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Each profile's first phrase, and how many it has."""
        if not len(self.rows):
            return np.zeros(len(profiles), np.int64), np.zeros(len(profiles), np.int64)
        known = np.where(profiles == ABSENT, 0, profiles)
        first = self.starts[known]
        return first, np.where(profiles == ABSENT, 0, self.starts[known + 1] - first)


def crowd_of(profiles: Profiles, audience: Audience, snapshot: Snapshot) -> Crowd:
    """The arrays of profiles and audience in the snapshot's space.

    Raises FingerprintError where a profile is of another encoder, StoreError where a phrase of one has no vector.
    """
    table = profiles.table
    lists = table["phrases"].combine_chunks()
    values, starts = lists.values, lists.offsets.to_numpy().astype(np.int64)
    _check_fingerprints(table["fingerprint"], np.diff(starts) > 0, snapshot)
    keys = list(profiles.vectors)
    numbers = _numbers(pc.struct_field(values, "kind"), pc.struct_field(values, "text"), keys)
    vectors = np.array(list(profiles.vectors.values()), np.float32).reshape(len(keys), profiles.dimension)
    weights = pc.struct_field(values, "weight").to_numpy(zero_copy_only=False)
    told = "interest" in [f.name for f in values.type]  # else written by a release that knew one interest
    of_phrase = pc.fill_null(pc.struct_field(values, "interest"), 0).to_numpy() if told else np.zeros(len(weights), np.int32)
    interests = mixtures_of(starts, numbers, weights, of_phrase)
    named = [snapshot.people.get(fold(text), ABSENT) if kind == "person" else ABSENT for kind, text in keys]
    return Crowd(profiles.rows, starts, numbers, weights, vectors, np.array(named, np.int64), interests, audience, table)


def summed(keys: tuple[np.ndarray, np.ndarray], values: np.ndarray) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
    """Pairs of keys (n,) each, every pair once and in their order, with the sum of its values (n,) float64."""
    if not len(values):
        return keys, values
    order = np.lexsort(keys[::-1])
    one, other = keys[0][order], keys[1][order]
    begins = np.flatnonzero(np.append(True, (one[1:] != one[:-1]) | (other[1:] != other[:-1])))
    return (one[begins], other[begins]), np.add.reduceat(values[order], begins)


def _check_fingerprints(fingerprints: pa.ChunkedArray, having: np.ndarray, snapshot: Snapshot) -> None:
    """Only of profiles that have phrases, (profiles,) bool."""
    for fingerprint in pc.unique(fingerprints.filter(pa.array(having))).to_pylist():
        if fingerprint != snapshot.manifest.fingerprint:
            raise FingerprintError(
                f"profiles of this store have vectors of encoder {fingerprint[:12]}, the snapshot of "
                f"{snapshot.manifest.fingerprint[:12]}; make both with one encoder (scripts/embed_users.py, then "
                "scripts/build_index.py)"
            )


def _numbers(kinds: pa.Array, texts: pa.Array, keys: list[PhraseKey]) -> np.ndarray:
    """(n,) int64: each phrase's place among the keys. A kind has no line break in it."""
    known = pa.array([f"{kind}\n{text}" for kind, text in keys], pa.string())
    found = pc.fill_null(pc.index_in(pc.binary_join_element_wise(kinds, texts, "\n"), known), ABSENT)
    numbers: np.ndarray = found.to_numpy(zero_copy_only=False).astype(np.int64)
    if (missing := np.flatnonzero(numbers == ABSENT)).size:
        raise StoreError(
            f"phrase {texts[int(missing[0])].as_py()!r} of a profile has no vector; run scripts/embed_users.py again"
        )
    return numbers
