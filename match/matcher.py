"""The matcher: for a user and a page of titles, one Choice per title. Read `Matcher.choose_many` first: it is the whole flow.

    matcher = Matcher.open("store")
    for choice in matcher.choose("ada", ["sintel", "spring"]):
        print(choice.title_id, choice.artwork and choice.artwork.path, choice.reason)

The request path: it reads a snapshot, profiles and priors, and never loads torch.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from embed.errors import FingerprintError
from embed.profiles import Profiles, read_audience, read_profiles
from embed.records import PROFILE, Audience, Profile, fold
from embed.store import Store, has_table, open_store
from index.snapshot import Snapshot, open_snapshot
from index.titles import ABSENT
from match.blend import Parts, Scored, Weights, liked_people, logit, people_affinity, personal_query, standardise, usual_spread
from match.priors import Priors, read_priors

USERS_AT_ONCE = 64  # per call of the index: bounds memory


@dataclass(frozen=True)
class Choice:
    """The answer for one user and one title; `artwork` is None where there is none, and `reason` says why."""

    user_id: str
    title_id: str
    artwork: Scored | None
    reason: str
    taste: str  # whose taste spoke: the user's own, or the audience's average and why
    others: tuple[Scored, ...] = field(default=(), repr=False)  # the runners-up, best first, where asked for


@dataclass(frozen=True)
class _Taste:
    """A user as the scoring sees one."""

    user_id: str
    profile: Profile
    liked: dict[str, float]  # folded name of a person to -1..1
    query: np.ndarray  # (d,) float32
    source: str


@dataclass(frozen=True)
class Matcher:
    """Make one with `Matcher.open`; it is read-only and may be shared between threads."""

    snapshot: Snapshot
    profiles: Profiles
    audience: Audience
    priors: Priors
    weights: Weights

    @classmethod
    def open(cls, store: Store | Path | str, weights: Weights | None = None) -> "Matcher":
        """Open a store's serving snapshot, profiles and priors.

        Raises StoreError where there is no store, SnapshotError where there is no snapshot or it is damaged, FingerprintError
        where profiles and snapshot are of different encoders. A store without users serves its audience of nobody.
        """
        store = store if isinstance(store, Store) else open_store(store)
        snapshot = open_snapshot(store)
        store = open_store(store.root, snapshot.manifest.fingerprint)  # until a new snapshot the former encoder's taste serves
        if has_table(store, "profiles"):
            profiles, audience = read_profiles(store), read_audience(store)
        else:
            profiles, audience = _nobody(store)
        _check_fingerprint(audience.fingerprint, snapshot, "the profiles of this store")
        return cls(snapshot, profiles, audience, read_priors(store), weights or Weights())

    @property
    def user_ids(self) -> list[str]:
        """The users whose taste the store knows."""
        return self.profiles.user_ids

    @property
    def title_ids(self) -> list[str]:
        """The titles of the snapshot."""
        return list(self.snapshot.title_numbers)

    def choose(self, user: str | Profile, titles: Iterable[str] | None = None, *, with_others: bool = False) -> list[Choice]:
        """One Choice per title, in the order asked; all titles where `titles` is None.

        `user` is an id of the store, or a Profile made elsewhere with the same encoder. An unknown user gets the audience's
        average taste, an unknown title a Choice without artwork; both say so. Raises FingerprintError for a foreign Profile.
        """
        return self.choose_many([user], titles, with_others=with_others)[0]

    def choose_many(
        self, users: Sequence[str | Profile], titles: Iterable[str] | None = None, *, with_others: bool = False
    ) -> list[list[Choice]]:
        """`choose` for each of many users, in their order."""
        asked = self.title_ids if titles is None else list(titles)
        known = [title_id for title_id in dict.fromkeys(asked) if title_id in self.snapshot.title_numbers]
        numbers = np.array([self.snapshot.title_numbers[title_id] for title_id in known], np.int64)
        answers = []
        for start in range(0, len(users), USERS_AT_ONCE):
            tastes = [self._taste(user) for user in users[start : start + USERS_AT_ONCE]]
            for taste, page in zip(tastes, self._choose_pages(tastes, numbers, with_others), strict=True):
                answers.append([page.get(title_id) or self._unknown(taste, title_id) for title_id in asked])
        return answers

    def _choose_pages(self, tastes: list[_Taste], numbers: np.ndarray, with_others: bool) -> list[dict[str, Choice]]:
        """Per user, title_id to Choice for the titles of these numbers."""
        pages: list[dict[str, Choice]] = [{} for _ in tastes]
        queries = np.array([taste.query for taste in tastes], np.float32)  # (users, d)
        for alike in _by_size(numbers, self.snapshot.index.sizes(numbers)):
            cosines, rows = self.snapshot.index.similarities(queries, alike)  # (users, titles, k), (titles, k)
            for user, taste in enumerate(tastes):
                pages[user] |= self._choose_page(taste, alike, cosines[user], rows, with_others)
        return pages

    def _choose_page(
        self, taste: _Taste, numbers: np.ndarray, cosines: np.ndarray, rows: np.ndarray, with_others: bool
    ) -> dict[str, Choice]:
        """One user's choices; cosines and rows: (titles, k)."""
        parts = Parts(
            prior=self._columns.log_odds[rows],
            similarity=self.weights.similarity * standardise(cosines, self._spread),
            people=self.weights.people * people_affinity(rows, taste.liked, self._columns.rows_of_person),
        )
        ranking, sizes = parts.ranking(rows), (rows != ABSENT).sum(axis=1)
        page = {}
        for place, number in enumerate(numbers):
            shown = ranking[place, : sizes[place] if with_others else min(1, sizes[place])]
            scored = [self._scored(taste, int(number), int(rows[place, k]), parts, (place, k)) for k in shown]
            choice = self._choice(taste, int(number), int(sizes[place]), scored)
            page[choice.title_id] = choice
        return page

    @cached_property
    def _spread(self) -> float:
        return usual_spread(self.audience, self.snapshot.scatter)

    @cached_property
    def _columns(self) -> "_Columns":
        return _Columns.of(self.snapshot, self.priors)

    def _taste(self, user: str | Profile) -> _Taste:
        profile = self.profiles.get(user) if isinstance(user, str) else user
        user_id = user if isinstance(user, str) else user.user_id
        if profile is None or not profile.phrases:
            why = f"nothing is known of user {user_id!r}" if profile is None else f"user {user_id!r} has no taste yet"
            nobody = Profile(user_id, (), np.empty((0, len(self.audience.mean)), np.float32), self.audience.fingerprint)
            return _Taste(user_id, nobody, {}, self.audience.mean - self.audience.neutral, f"the audience's average: {why}")
        _check_fingerprint(profile.fingerprint, self.snapshot, f"the profile of {user_id!r}")
        return _Taste(user_id, profile, liked_people(profile), personal_query(profile, self.audience), "the user's own")

    def _unknown(self, taste: _Taste, title_id: str) -> Choice:
        return Choice(
            taste.user_id, title_id, None, f"no title {title_id!r} in snapshot {self.snapshot.manifest.name}", taste.source
        )

    def _choice(self, taste: _Taste, number: int, size: int, scored: list[Scored]) -> Choice:
        title_id = self._columns.title_ids[number]
        if not scored:
            return Choice(taste.user_id, title_id, None, f"title {title_id!r} has no usable artwork", taste.source)
        reason = "the only artwork of its title" if size == 1 else f"the best of {size}"
        return Choice(taste.user_id, title_id, scored[0], reason, taste.source, tuple(scored[1:]))

    def _scored(self, taste: _Taste, title: int, row: int, parts: Parts, at: tuple[int, int]) -> Scored:
        columns = self._columns
        phrase, cosine = self._nearest_phrase(taste.profile, title, row)
        prior, similarity, people = (float(part[at]) for part in (parts.prior, parts.similarity, parts.people))
        return Scored(
            artwork_id=columns.artwork_ids[row],
            path=columns.paths[row],
            score=prior + similarity + people,
            prior_part=prior,
            similarity_part=similarity,
            people_part=people,
            similarity=similarity / self.weights.similarity if self.weights.similarity else 0.0,
            phrase=phrase,
            phrase_similarity=cosine,
            people=tuple(person for person in columns.people[row] if fold(person) in taste.liked),
            prior=self.priors.of(columns.artwork_ids[row]),
        )

    def _nearest_phrase(self, profile: Profile, title: int, row: int) -> tuple[str | None, float | None]:
        """The taste phrase that speaks most for this artwork against its title's others, and its cosine to the picture."""
        if not profile.phrases:
            return None, None
        vectors = self.snapshot.index.vectors(title)  # (artworks, d)
        vector = vectors[row - self.snapshot.index.first_rows[title]]
        weights = np.array([phrase.weight for phrase in profile.phrases])
        # Against the title's other artwork; where there is none, against what any user likes.
        apart = vector - vectors.mean(axis=0) if len(vectors) > 1 else vector
        against = profile.vectors if len(vectors) > 1 else profile.vectors - self.audience.mean
        best = int(np.argmax(weights * (against @ apart)))
        return str(profile.phrases[best]), float(profile.vectors[best] @ vector)


@dataclass(frozen=True)
class _Columns:
    """The snapshot's columns and the priors as the scoring reads them; rows are those of the snapshot's artwork."""

    title_ids: list[str]
    artwork_ids: list[str]
    paths: list[str]
    people: list[list[str]]
    rows_of_person: dict[str, np.ndarray]  # folded name to sorted rows
    log_odds: np.ndarray  # (artworks,) float64, of the priors

    @classmethod
    def of(cls, snapshot: Snapshot, priors: Priors) -> "_Columns":
        artwork = snapshot.artwork
        artwork_ids, people = artwork["artwork_id"].to_pylist(), artwork["people"].to_pylist()
        rows_of_person: dict[str, list[int]] = defaultdict(list)
        for row, shown in enumerate(people):
            for name in {fold(person) for person in shown}:
                rows_of_person[name].append(row)
        return cls(
            title_ids=list(snapshot.title_numbers),
            artwork_ids=artwork_ids,
            paths=artwork["path"].to_pylist(),
            people=people,
            rows_of_person={name: np.array(rows) for name, rows in rows_of_person.items()},
            log_odds=logit(np.array([priors.of(artwork_id).mean for artwork_id in artwork_ids])),
        )


def _by_size(numbers: np.ndarray, sizes: np.ndarray) -> list[np.ndarray]:
    """Titles of like size, to a power of two, so that one huge title does not widen the whole page's answer."""
    classes = np.ceil(np.log2(np.maximum(sizes, 1)))
    return [numbers[classes == each] for each in np.unique(classes)]


def _nobody(store: Store) -> tuple[Profiles, Audience]:
    zeros = np.zeros(store.dimension, np.float32)
    audience = Audience(store.fingerprint, 0, zeros, zeros, np.zeros((store.dimension, store.dimension), np.float32))
    return Profiles(PROFILE.empty_table(), {}, {}, store.dimension), audience


def _check_fingerprint(fingerprint: str, snapshot: Snapshot, what: str) -> None:
    if fingerprint != snapshot.manifest.fingerprint:
        raise FingerprintError(
            f"{what} has vectors of encoder {fingerprint[:12]}, the snapshot of {snapshot.manifest.fingerprint[:12]}; "
            "make both with one encoder (scripts/embed_users.py, then scripts/build_index.py)"
        )
