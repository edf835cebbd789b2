"""The matcher: for a user and a page of titles, one Choice per title. Read `Matcher.choose_many` first: it is the whole flow.

    matcher = Matcher.open("store")
    for choice in matcher.choose("ada", ["sintel", "spring"], Context(locale="pt-BR", aspect=16 / 9)):
        print(choice.title_id, choice.artwork and choice.artwork.path, choice.reason)

The request path: it reads a snapshot, profiles and priors, and never loads torch. match.live has the one that follows what is
published.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from embed.audience import average_of
from embed.errors import FingerprintError
from embed.profiles import Profiles, read_audience, read_profiles
from embed.records import PROFILE, Audience, Profile, fold
from embed.store import Store, has_table, open_store
from index.filters import FREE, Blocked, Context, in_words
from index.snapshot import Snapshot, open_snapshot
from index.titles import ABSENT, Page, best_of, runs
from match.blend import (
    Parts,
    Prior,
    Scored,
    Weights,
    liked_people,
    people_affinity,
    personal_queries,
    similarity_of,
    usual_spread,
)
from match.crowd import cohorts_of, own_source
from match.priors import PriorColumns, Priors, read_priors

EVERYWHERE = Context()
USERS_REMEMBERED = 1024  # about 25 MB of phrases' vectors
USERS_AT_ONCE = 64  # per call of the index: bounds memory
ARTWORKS_AT_ONCE = 1 << 17  # the same


class Choice(NamedTuple):
    """The answer for one user and one title; `artwork` is None where there is none, and `reason` says why."""

    user_id: str
    title_id: str
    artwork: Scored | None
    reason: str
    taste: str  # whose taste spoke: the user's own, or the audience's average and why
    others: tuple[Scored, ...] = ()  # the runners-up, best first, where asked for


def as_record(choice: Choice) -> dict[str, Any]:
    """The choice as plain dicts and lists, each field by its name: for a log or for JSON."""
    return {**choice._asdict(), "artwork": choice.artwork and _art(choice.artwork), "others": list(map(_art, choice.others))}


def _art(artwork: Scored) -> dict[str, Any]:
    return {**artwork._asdict(), "people": list(artwork.people), "prior": artwork.prior._asdict()}


@dataclass(frozen=True)
class Taste:
    """A user as the scoring sees one."""

    user_id: str
    profile: Profile
    liked: dict[str, float]  # folded name of a person to -1..1
    liked_numbers: dict[int, float]  # the same of those who are on any artwork, by the snapshot's number
    shares: np.ndarray  # (k,) float64, of the user's interests; they sum to 1
    queries: np.ndarray  # (k, d) float32
    source: str


@dataclass(frozen=True)
class Matcher:
    """Make one with `Matcher.open`; it is read-only and may be shared between threads."""

    snapshot: Snapshot
    profiles: Profiles
    audience: Audience
    priors: Priors
    weights: Weights
    _remembered: dict[tuple[str, str | None, str | None], Taste] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        """What the first call would wait for is made at once."""
        _ = self.spread, self.prior_columns, self._title_ids, self.snapshot.people

    @classmethod
    def open(cls, store: Store | Path | str, weights: Weights | None = None) -> "Matcher":
        """Open a store's serving snapshot, profiles and priors.

        Raises StoreError where there is no store, SnapshotError where there is no snapshot or it is damaged, FingerprintError
        where profiles and snapshot are of different encoders. A store without users serves its audience of nobody.
        """
        store = store if isinstance(store, Store) else open_store(store)
        snapshot = open_snapshot(store)
        return cls(snapshot, *read_users(store, snapshot), read_priors(store), weights or Weights())

    @property
    def user_ids(self) -> list[str]:
        """The users whose taste the store knows."""
        return self.profiles.user_ids

    @property
    def title_ids(self) -> list[str]:
        """The titles of the snapshot."""
        return list(self.snapshot.title_numbers)

    def choose(
        self,
        user: str | Profile,
        titles: Iterable[str] | None = None,
        context: Context = EVERYWHERE,
        *,
        with_others: bool = False,
    ) -> list[Choice]:
        """One Choice per title, in the order asked; all titles where `titles` is None.

        `user` is an id of the store, or a Profile made elsewhere with the same encoder. An unknown user gets the audience's
        average taste, an unknown title a Choice without artwork; both say so. `context` narrows what may be shown; where it
        leaves nothing of a title, the Choice has the title's fallback or no artwork, and says what stopped the others.
        Raises FingerprintError for a foreign Profile, ValueError for a context that cannot be.
        """
        return self.choose_many([user], titles, context, with_others=with_others)[0]

    def choose_many(
        self,
        users: Sequence[str | Profile],
        titles: Iterable[str] | None = None,
        context: Context = EVERYWHERE,
        *,
        with_others: bool = False,
    ) -> list[list[Choice]]:
        """`choose` for each of many users, in their order."""
        asked = self.title_ids if titles is None else list(titles)
        number_of = self.snapshot.title_numbers
        known = sorted({number_of[title_id] for title_id in asked if title_id in number_of})
        blocks = self._blocks(np.array(known, np.int64))
        answers = []
        for start in range(0, len(users), USERS_AT_ONCE):
            tastes = [self.taste(user, context) for user in users[start : start + USERS_AT_ONCE]]
            pages: list[dict[str, Choice]] = [{} for _ in tastes]
            for numbers in blocks:
                page = self.snapshot.index.page(np.concatenate([taste.queries for taste in tastes]), numbers)
                title_ids = [self._title_ids[number] for number in page.titles.tolist()]
                asking = _Asking.of(page, title_ids, self.blocked(page, context))
                ends = np.cumsum([len(taste.queries) for taste in tastes])[:-1]
                for taste, cosines, chosen in zip(tastes, np.split(page.similarities, ends), pages, strict=True):
                    chosen.update(self._choose_page(taste, asking, cosines, with_others))
            for taste, chosen in zip(tastes, pages, strict=True):
                answers.append([chosen.get(title_id) or self._unknown(taste, title_id) for title_id in asked])
        return answers

    def _choose_page(
        self, taste: Taste, asking: "_Asking", cosines: np.ndarray, with_others: bool
    ) -> Iterator[tuple[str, Choice]]:
        """One user's (title_id, Choice) of each title of a page; cosines: (interests, artworks)."""
        rows, starts = asking.page.rows, asking.page.starts
        similarity, speaking = similarity_of(cosines, taste.shares, asking.begins, self.spread)
        parts = Parts(
            prior=self.prior_columns.log_odds[rows],
            similarity=self.weights.similarity * similarity,
            people=self.weights.people * people_affinity(rows, taste.liked_numbers, self.snapshot.shown),
        )
        order = parts.order if asking.blocked is None else np.where(asking.blocked.free, parts.order, -np.inf)
        best = best_of(order, np.arange(len(rows)), starts)  # (titles,) places
        if asking.blocked is not None:
            best = np.where(best == ABSENT, self._fallbacks(asking.page, asking.blocked, best), best)
        titles = np.flatnonzero(best != ABSENT)
        scored = iter(self._scored(taste, asking.page, titles, best[titles], parts, speaking))
        others = self._others(taste, asking.page, best, order, parts, speaking) if with_others else None
        for place, (title_id, reason, at) in enumerate(zip(asking.title_ids, asking.reasons, best.tolist(), strict=True)):
            artwork = next(scored) if at != ABSENT else None
            runners_up = tuple(others[place]) if others is not None else ()
            if artwork is not None and not asking.free[place]:
                reason = f"its fallback: {reason}"
            yield title_id, Choice(taste.user_id, title_id, artwork, reason, taste.source, runners_up)

    def _others(
        self, taste: Taste, page: Page, best: np.ndarray, order: np.ndarray, parts: Parts, speaking: np.ndarray
    ) -> list[list[Scored]]:
        """Per title, what else may be shown, best first."""
        titles = np.repeat(np.arange(len(page.titles)), page.sizes)
        ranked = np.lexsort((np.arange(len(order)), -order, titles))
        ranked = ranked[(order[ranked] > -np.inf) & (ranked != best[titles[ranked]])]
        others: list[list[Scored]] = [[] for _ in page.titles]
        for title, scored in zip(
            titles[ranked].tolist(), self._scored(taste, page, titles[ranked], ranked, parts, speaking), strict=True
        ):
            others[title].append(scored)
        return others

    def _blocks(self, numbers: np.ndarray) -> list[np.ndarray]:
        """Titles in runs of about ARTWORKS_AT_ONCE artworks."""
        sizes = self.snapshot.index.sizes(numbers)
        if sizes.sum() <= ARTWORKS_AT_ONCE:
            return [numbers] if len(numbers) else []
        return list(runs(numbers, sizes, ARTWORKS_AT_ONCE))

    def blocked(self, page: Page, context: Context) -> Blocked | None:
        """What of a page may not be shown; None where nothing stops any artwork of the catalog."""
        snapshot = self.snapshot

        def known() -> np.ndarray:
            seen = {snapshot.title_numbers.get(title_id, ABSENT) for title_id in context.seen}
            return np.repeat(np.isin(page.titles, list(seen)), page.sizes)

        return snapshot.flags.block(context, page.rows, known, lambda: snapshot.take("artwork_id", page.rows))

    def _fallbacks(self, page: Page, blocked: Blocked, best: np.ndarray) -> np.ndarray:
        """(titles,) places of the fallbacks of titles with nothing else left, where they have one that may stand in."""
        places = np.full(len(best), ABSENT)
        without = np.flatnonzero((best == ABSENT) & (page.sizes > 0))
        named = self.snapshot.titles["fallback"].take(pa.array(page.titles[without])).to_pylist() if len(without) else []
        for title, fallback in zip(without.tolist(), named, strict=True):
            if fallback is not None:
                start, end = page.starts[title : title + 2].tolist()
                ids = self.snapshot.take("artwork_id", page.rows[start:end]).to_pylist()
                if fallback in ids and blocked.as_fallback[start + ids.index(fallback)]:
                    places[title] = start + ids.index(fallback)
        return places

    def _scored(
        self, taste: Taste, page: Page, titles: np.ndarray, places: np.ndarray, parts: Parts, speaking: np.ndarray
    ) -> list[Scored]:
        """The artwork at these places of a page, which are of these titles of it; speaking: (artworks,) each one's interest."""
        rows, priors = page.rows[places], self.prior_columns
        taken = [self.snapshot.take(name, rows).to_pylist() for name in ("artwork_id", "path")]
        liked: list[tuple[str, ...]] = [()] * len(rows)
        if len(met := np.flatnonzero(parts.people[places])):
            for place, names in zip(met.tolist(), self.snapshot.take("people", rows[met]).to_pylist(), strict=True):
                liked[place] = tuple(person for person in names if fold(person) in taste.liked)
        phrases, cosines = self._nearest_phrases(taste.profile, page, titles, places, speaking[places])
        prior_parts, similarity_parts, people_parts = (part[places] for part in (parts.prior, parts.similarity, parts.people))
        scores = prior_parts + similarity_parts + people_parts
        weight = self.weights.similarity
        similarities = similarity_parts / weight if weight else np.zeros(len(rows))
        counts = (column[rows].tolist() for column in (priors.mean, priors.impressions, priors.plays))
        columns = (scores, prior_parts, similarity_parts, people_parts, similarities)
        parts_of = (column.tolist() for column in columns)
        return list(map(Scored, *taken, *parts_of, phrases, cosines, liked, map(Prior, *counts)))

    def _nearest_phrases(
        self, profile: Profile, page: Page, titles: np.ndarray, places: np.ndarray, speaking: np.ndarray
    ) -> tuple[Sequence[str | None], Sequence[float | None]]:
        """Per place, the taste phrase that speaks most for its artwork against its title's others, of the interest that speaks
        for it or a dislike, and the phrase's cosine to the picture."""
        if not profile.phrases:
            return [None] * len(places), [None] * len(places)
        vectors = self.snapshot.index.gather(page.places[places])  # (places, d)
        # Against the title's other artwork; where there is none, against what any user likes.
        apart = vectors - self.snapshot.means[page.titles[titles]]
        said = profile.vectors @ apart.T  # (phrases, places)
        if (alone := page.sizes[titles] == 1).any():
            said[:, alone] = (profile.vectors - self.audience.mean) @ vectors[alone].T
        worth = np.array([[phrase.weight] for phrase in profile.phrases]) * said
        numbers = np.array([[phrase.interest if phrase.weight > 0 else ABSENT] for phrase in profile.phrases])
        kept = np.unique(numbers[numbers != ABSENT])  # `speaking` counts those that have a phrase
        if len(kept) > 1:
            worth = np.where((numbers == kept[speaking]) | (numbers == ABSENT), worth, -np.inf)
        best = np.argmax(worth, axis=0)
        names = [str(phrase) for phrase in profile.phrases]
        cosines: list[float | None] = np.einsum("nd,nd->n", profile.vectors[best], vectors).tolist()
        return [names[number] for number in best.tolist()], cosines

    @cached_property
    def spread(self) -> float:
        """The unit of similarity: see `blend.usual_spread`."""
        return usual_spread(self.audience, self.snapshot.scatter)

    @cached_property
    def prior_columns(self) -> PriorColumns:
        """The priors in the order of the snapshot's artwork."""
        return self.priors.in_order(self.snapshot.artwork["artwork_id"])

    @cached_property
    def _title_ids(self) -> list[str]:
        return list(self.snapshot.title_numbers)

    def taste(self, user: str | Profile, context: Context = EVERYWHERE) -> Taste:
        """Users of the store who asked lately are remembered, since a page is asked for row by row."""
        if not isinstance(user, str):
            return self._taste_of(user, context)
        asked = user, context.segment, context.locale
        if (taste := self._remembered.get(asked)) is None:
            if len(self._remembered) >= USERS_REMEMBERED:
                self._remembered.clear()
            taste = self._remembered[asked] = self._taste_of(user, context)
        return taste

    def _taste_of(self, user: str | Profile, context: Context) -> Taste:
        profile = self.profiles.get(user) if isinstance(user, str) else user
        user_id = user if isinstance(user, str) else user.user_id
        if profile is None or not profile.phrases:
            why = f"nothing is known of user {user_id!r}" if profile is None else f"user {user_id!r} has no taste yet"
            nobody = Profile(user_id, (), np.empty((0, len(self.audience.mean)), np.float32), self.audience.fingerprint)
            mean, whose = average_of(self.audience, *cohorts_of(profile, context))
            average = (mean - self.audience.neutral)[None]
            return Taste(user_id, nobody, {}, {}, np.ones(1), average, f"{whose}: {why}")
        _check_fingerprint(profile.fingerprint, self.snapshot, f"the profile of {user_id!r}")
        liked, people = liked_people(profile), self.snapshot.people
        numbers = {people[name]: weight for name, weight in liked.items() if name in people}
        return Taste(user_id, profile, liked, numbers, *personal_queries(profile, self.audience), own_source(profile))

    def _unknown(self, taste: Taste, title_id: str) -> Choice:
        return Choice(
            taste.user_id, title_id, None, f"no title {title_id!r} in snapshot {self.snapshot.manifest.name}", taste.source
        )


@dataclass(frozen=True)
class _Asking:
    """A page and what is the same for all users who ask for it."""

    page: Page
    begins: np.ndarray  # where the artworks begin of each title that has some, and the end
    blocked: Blocked | None
    title_ids: list[str]
    free: list[int]  # per title: how many of its artworks may be shown
    reasons: list[str]  # per title

    @classmethod
    def of(cls, page: Page, title_ids: list[str], blocked: Blocked | None) -> "_Asking":
        sizes, starts = page.sizes, page.starts
        begins = starts if sizes.all() else np.append(starts[:-1][sizes > 0], starts[-1])
        counts = None if blocked is None else blocked.counts(starts)
        free = (sizes if counts is None else counts[:, FREE]).tolist()
        stopped = {}
        if counts is not None:
            stopped = {place: in_words(counts[place].tolist()) for place in np.flatnonzero(counts[:, FREE] == 0).tolist()}
        of_titles = enumerate(zip(title_ids, sizes.tolist(), free, strict=True))
        reasons = [_reason(*of_title, stopped.get(place, "")) for place, of_title in of_titles]
        return cls(page, begins, blocked, title_ids, free, reasons)


def _reason(title_id: str, size: int, free: int, stopped: str) -> str:
    if free == size:
        if size > 1:
            return f"the best of {size}"
        return "the only artwork of its title" if size else f"title {title_id!r} has no usable artwork"
    if free:
        return f"the best of {free} of {size} that may be shown" if free > 1 else f"the only one of {size} that may be shown"
    return f"none of {size} may be shown ({stopped})"


def read_users(store: Store, snapshot: Snapshot) -> tuple[Profiles, Audience]:
    """Profiles and audience in the snapshot's space: until a new snapshot is published the former encoder's taste serves.

    Raises StoreError and FingerprintError as `Matcher.open` does.
    """
    store = open_store(store.root, snapshot.manifest.fingerprint)
    users = (read_profiles(store), read_audience(store)) if has_table(store, "profiles") else _nobody(store)
    _check_fingerprint(users[1].fingerprint, snapshot, "the profiles of this store")
    return users


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
