"""The matcher: for a user and a page of titles, one Choice per title. Read `Matcher.choose_many` first: it is the whole flow.

    matcher = Matcher.open("store")
    for choice in matcher.choose("ada", ["sintel", "spring"], Context(locale="pt-BR", aspect=16 / 9)):
        print(choice.title_id, choice.artwork and choice.artwork.path, choice.copy and choice.copy.text, choice.reason)

The request path: it reads a snapshot, profiles and priors, and never loads torch. match.live has the one that follows what is
published.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property, lru_cache, partial
from itertools import repeat
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from embed.errors import FingerprintError
from embed.records import PROFILE, Audience, Profile
from embed.store import Store, has_table, open_store
from embed.tastes.audience import apart_of, average_of
from embed.tastes.profiles import Profiles, read_audience, read_profiles
from index.filters import FREE, Blocked, Context, in_words
from index.snapshot import Snapshot, open_kept, open_snapshot
from index.titles import ABSENT, Page, best_of, runs
from match.blend import (
    Parts,
    Prior,
    Weights,
    people_affinity,
    people_met,
    personal_queries,
    similarity_of,
    standardised,
    usual_spread,
)
from match.clicks.catalog_priors import CatalogPriors
from match.clicks.priors import PriorColumns, Priors, read_priors
from match.clicks.seen import PictureInterests, read_picture_interests, with_pictures
from match.exploring.serving import Exploring, Seen, Served, serve
from match.fitting.published import read_weights
from match.guards import Guarded
from match.lines import NO_LINES, Line, PageLines, Told
from match.lines import reason as why_of_line
from match.lines import scored as scored_lines
from match.scored import Scored, Why, Whys, in_rows
from match.tastes import Liked, Said, Taste, cohorts_of, own_source
from match.words import PageWords, nearest_words, with_words

EVERYWHERE = Context()
PLAYED = "pictures like those played"  # the phrase of an interest that is made of pictures
USERS_REMEMBERED = 1024  # about 25 MB of phrases' vectors
USERS_AT_ONCE = 64  # per call of the index: bounds memory
ARTWORKS_AT_ONCE = 1 << 17  # the same


class Choice(NamedTuple):
    """The answer for one user and one title; `artwork` is None where there is none, and `reason` says why; so with `copy`."""

    user_id: str
    title_id: str
    artwork: Scored | None
    reason: str
    taste: str  # whose taste spoke: the user's own, or the audience's average and why
    others: tuple[Scored, ...] = ()  # the runners-up, best first, where asked for
    copy: Line | None = None  # the line of micro-copy to stand beside the artwork
    copy_reason: str = NO_LINES
    propensity: float | None = (
        None  # of the artwork, above 0, at most 1; None where it was not drawn but is the best (match.exploring)
    )
    guards: tuple[str, ...] = ()  # that spoke, and how much of the title they set aside

    def _repr_html_(self) -> str:
        """As a notebook shows it."""
        from match.notebook import choice_html

        return choice_html(self)


class Choices(list[Choice]):
    """A page of choices: a list, which a notebook shows in pictures."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        from match.notebook import choices_html

        return choices_html(self)


class Pages(list[Choices]):
    """The pages of several users, the same."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        from match.notebook import pages_html

        return pages_html(self)


def as_record(choice: Choice) -> dict[str, Any]:
    """The choice as plain dicts and lists, each field by its name: for a log or for JSON."""
    copy = choice.copy and {**choice.copy._asdict(), "prior": choice.copy.prior._asdict()}
    artwork = choice.artwork and _art(choice.artwork)
    return {**choice._asdict(), "artwork": artwork, "others": list(map(_art, choice.others)), "copy": copy}


def _art(artwork: Scored) -> dict[str, Any]:
    return {**artwork._asdict(), "people": list(artwork.people), "prior": artwork.prior._asdict()}


@dataclass(frozen=True)
class Matcher:
    """Make one with `Matcher.open`; it is read-only and may be shared between threads."""

    snapshot: Snapshot
    profiles: Profiles
    audience: Audience
    pictures: PictureInterests
    priors: Priors
    weights: Weights
    _remembered: dict[tuple[str, str | None, str | None], Taste] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        """What the first call would wait for is made at once."""
        _ = self.spread, self.catalog_priors.everyones, self.snapshot.title_numbers, self.snapshot.appearances
        _ = self.word_spread, self.line_spread, self.line_columns

    @classmethod
    def open(cls, store: Store | Path | str, weights: Weights | None = None, *, snapshot: str | None = None) -> "Matcher":
        """Open a store's serving snapshot, profiles and priors; weights: those that it publishes where None, else the defaults.

        snapshot: the name of another one that the store keeps, with the profiles, of its encoder, and the priors of today.
        Raises StoreError where there is no store, SnapshotError where there is no snapshot or it is damaged, FingerprintError
        where profiles and snapshot are of different encoders. A store without users serves its audience of nobody.
        """
        store = store if isinstance(store, Store) else open_store(store)
        opened = open_snapshot(store) if snapshot is None else open_kept(store, snapshot)
        return cls(opened, *read_users(store, opened), read_priors(store), weights or read_weights(store))

    def with_weights(self, weights: Weights) -> "Matcher":
        """The same with another blend; all that does not depend on the blend is shared, so that it costs nothing."""
        other = copy(self)
        object.__setattr__(other, "weights", weights)
        return other

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
        explore: Exploring | None = None,
    ) -> Choices:
        """One Choice per title, in the order asked; all titles where `titles` is None.

        `user` is an id of the store, or a Profile made elsewhere with the same encoder. An unknown user gets the audience's
        average taste, an unknown title a Choice without artwork; both say so. `context` narrows what may be shown; where it
        leaves nothing of a title, the Choice has the title's fallback or no artwork, and says what stopped the others. Beside the
        artwork stands the best line of copy that contradicts neither it nor the context's locale, where the title has one.
        What explains an artwork's score is put together when somebody looks: see match.scored. `with_others` gives each Choice its
        runners-up, best first.
        Without `explore` the artwork is the best that may be shown, whatever else the page has; with it, it is drawn, kept and guarded
        as match.exploring.serving says: Exploring(Exploration("best", floor=0)) is the best that prominence and variety leave.
        Raises FingerprintError for a foreign Profile, ValueError for a context that cannot be.
        """
        return self.choose_many([user], titles, context, with_others=with_others, explore=explore)[0]

    def choose_many(
        self,
        users: Sequence[str | Profile],
        titles: Iterable[str] | None = None,
        context: Context = EVERYWHERE,
        *,
        with_others: bool = False,
        explore: Exploring | None = None,
    ) -> Pages:
        """`choose` for each of many users, in their order; each page is what `choose` gives. Raises what that raises."""
        title_ids = self.title_ids if titles is None else list(titles)
        serving = None if explore is None else partial(self._explore, explore, context, title_ids)
        number_of = self.snapshot.title_numbers
        known = {number: title_id for title_id in title_ids if (number := number_of.get(title_id)) is not None}
        blocks = self._blocks(np.array(sorted(known), np.int64))
        answers = Pages()
        for start in range(0, len(users), USERS_AT_ONCE):
            tastes = [self.taste(user, context) for user in users[start : start + USERS_AT_ONCE]]
            pages: list[dict[str, Choice]] = [{} for _ in tastes]
            queries, of_lines = _together(tastes)
            for numbers in blocks:
                page = self.snapshot.index.page(queries, numbers)
                said = self._said(page, queries, of_lines, context)
                asking = _Asking.of(page, known, self.blocked(page, context), *said)
                first = 0
                for taste, chosen in zip(tastes, pages, strict=True):
                    asked = slice(first, first := first + len(taste.queries))
                    chosen.update(
                        zip(asking.title_ids, self._choose_page(taste, asking, asked, with_others, serving), strict=True)
                    )
            for taste, chosen in zip(tastes, pages, strict=True):
                answers.append(Choices([chosen.get(title_id) or self._unknown(taste, title_id) for title_id in title_ids]))
        return answers

    def _said(
        self, page: Page, queries: np.ndarray, of_lines: np.ndarray, context: Context
    ) -> tuple[PageWords | None, PageLines | None]:
        """The words and the lines of copy of a page, None where there are none."""
        snapshot, words = self.snapshot, self.words_on(page, queries)
        return words, PageLines.of(snapshot, page.titles, of_lines, context.locale) if len(snapshot.lines) else None

    def words_on(self, page: Page, queries: np.ndarray) -> PageWords | None:
        """The words of a page; None where the snapshot has none, or where they do not count. queries: (q, d) float32."""
        return PageWords.of(page, self.snapshot.words, queries) if self.snapshot.words and self.weights.words else None

    def _choose_page(
        self, taste: Taste, asking: "_Asking", asked: slice, with_others: bool, serving: "_Serving | None" = None
    ) -> Iterable[Choice]:
        """One user's Choice of each title of a page; asked: the user's among all queries."""
        page, blocked, view = asking.page, asking.blocked, self._view(taste, asking, asked)
        order = view.parts.order if blocked is None else np.where(blocked.free, view.parts.order, -np.inf)
        served = serving and serving(taste, asking, view)
        best = served.places if served else best_of(order, page.starts)  # (titles,) places
        if blocked is not None:
            best = np.where(best == ABSENT, self._fallbacks(page, blocked, best), best)
        titles = (best != ABSENT).nonzero()[0]
        scored = self._scored(view, titles, best[titles])
        artworks: Sequence[Scored | None] = scored
        served = served and served.standing_in(best)
        reasons = served.reasons(asking.reasons) if served else asking.reasons
        if blocked is not None or len(titles) < len(best):
            by_title = dict(zip(titles.tolist(), scored, strict=True))
            artworks = [by_title.get(title) for title in range(len(best))]
            stands_in = [title in by_title and not free for title, free in enumerate(asking.free)]
            reasons = [f"its fallback: {why}" if stand_in else why for why, stand_in in zip(reasons, stands_in, strict=True)]
        others = self._others(view, best, order) if with_others else repeat(())
        of_user = repeat(taste.user_id), asking.title_ids, artworks, reasons, repeat(taste.source), others
        lines: tuple[Iterable[Line | None], Iterable[str]] = repeat(None), repeat(NO_LINES)
        if asking.lines is not None:
            lines = self._lines(taste, asking.lines, asked, page, best)
        if served is None:
            return in_rows(Choice, *of_user, *lines, repeat(None), repeat(()))
        choices = list(in_rows(Choice, *of_user, *lines, *served.columns))
        artwork_ids = [None if artwork is None else artwork.artwork_id for artwork in artworks]
        served.log(artwork_ids, [choice.copy and choice.copy.copy_id for choice in choices])
        return choices

    def _explore(
        self, exploring: Exploring, context: Context, title_ids: Sequence[str], taste: Taste, asking: "_Asking", view: "_View"
    ) -> Served:
        """One user's page, explored; title_ids: in the order asked."""
        turns = {title_id: turn for turn, title_id in enumerate(title_ids)}
        positions = np.array([turns[title_id] for title_id in asking.title_ids], np.int64)
        free = None if asking.blocked is None else asking.blocked.free
        priors = self.catalog_priors.of(taste.segment)
        seen = Seen(taste.user_id, asking.title_ids, positions, asking.page, view.parts, priors, free)
        segment = cohorts_of(taste.profile, context)[0]
        return serve(exploring, seen, self.guarded, context.at or datetime.now(UTC), segment, self.weights)

    def _lines(
        self, taste: Taste, lines: PageLines, asked: slice, page: Page, best: np.ndarray
    ) -> tuple[list[Line | None], list[str]]:
        """Per title the line that stands beside its artwork, and why; best: (titles,) places of the artwork."""
        rows = np.append(page.rows, ABSENT)[best]  # ABSENT is the last of them
        places, told, parts = self.best_lines(taste, lines, asked, rows)
        titles = (places != ABSENT).nonzero()[0]
        found: list[Line | None] = [None] * len(places)
        chosen = scored_lines(self.snapshot, self.line_columns, lines.numbers[places[titles]], parts[places[titles]])
        for title, line in zip(titles.tolist(), chosen, strict=True):
            found[title] = line
        return found, list(map(why_of_line, told, (best != ABSENT).tolist()))

    def best_lines(
        self, taste: Taste, lines: PageLines, asked: slice, rows: np.ndarray
    ) -> tuple[np.ndarray, list[Told | None], np.ndarray]:
        """`PageLines.best` of this user, and (lines,) what similarity adds to each one's score; rows: of the artwork beside them."""
        parts = self.weights.copy * lines.similarity(asked, taste.shares, self.line_spread)
        best, told = lines.best(self.snapshot, self.line_columns.log_odds[lines.numbers] + parts, rows)
        return best, told, parts

    def _view(self, taste: Taste, asking: "_Asking", asked: slice) -> "_View":
        page = asking.page
        similarity, words, speaking = self.personal_parts(taste, page.similarities[asked], asking.begins, asking.words, asked)
        met = people_met(page, taste.people.rows, taste.people.who)
        people = self.weights.people * people_affinity(len(page.rows), met, taste.people.weights)
        prior = self.catalog_priors.of(taste.segment).log_odds.take(page.rows)
        return _View(taste, page, Parts(prior, similarity, people, words), speaking, met)

    def parts(self, user: str | Profile, titles: np.ndarray, context: Context = EVERYWHERE) -> tuple[Page, Parts]:
        """What the scores of all artwork of some titles are made of, for one user.

        titles: (t,) int64, as the snapshot counts them; each has artwork.
        """
        taste = self.taste(user, context)
        page = self.snapshot.index.page(taste.queries, titles)
        words = self.words_on(page, taste.queries)
        asking = _Asking(page, page.starts, None, [], [], [], words, None)
        return page, self._view(taste, asking, slice(0, len(taste.queries))).parts

    def personal_parts(
        self, taste: Taste, cosines: np.ndarray, begins: np.ndarray, words: PageWords | None, asked: slice
    ) -> tuple[np.ndarray, np.ndarray | None, np.ndarray]:
        """((n,) what similarity adds to the score of each artwork, (n,) what words add, (n,) the interest that speaks for it).

        cosines: (interests, n); begins: where the artworks begin of each title that has some, and the end.
        """
        if words is None:
            similarity, speaking = similarity_of(cosines, taste.shares, begins, self.spread)
            return self.weights.similarity * similarity, None, speaking
        worded = words.standardised(asked, cosines.shape[1], self.word_spread)
        return with_words(standardised(cosines, begins, self.spread), worded, taste.shares, self.weights)

    def _others(self, view: "_View", best: np.ndarray, order: np.ndarray) -> list[tuple[Scored, ...]]:
        """Per title, what else may be shown, best first. Who looks at the runners-up alone waits for no explanation of the rest."""
        page = view.page
        titles = np.repeat(np.arange(len(page.titles)), page.sizes)
        ranked = np.lexsort((np.arange(len(order)), -order, titles))
        ranked = ranked[(order[ranked] > -np.inf) & (ranked != best[titles[ranked]])]
        titles = titles[ranked]
        second = np.diff(titles, prepend=ABSENT) != 0
        seconds, rest = (iter(self._scored(view, titles[some], ranked[some])) for some in (second, ~second))
        others: list[list[Scored]] = [[] for _ in page.titles]
        for title, is_second in zip(titles.tolist(), second.tolist(), strict=True):
            others[title].append(next(seconds if is_second else rest))
        return list(map(tuple, others))

    def _blocks(self, numbers: np.ndarray) -> list[np.ndarray]:
        """Titles in runs of about ARTWORKS_AT_ONCE artworks."""
        index = self.snapshot.index
        if len(numbers) * index.largest <= ARTWORKS_AT_ONCE:
            return [numbers] if len(numbers) else []
        return list(runs(numbers, index.sizes(numbers), ARTWORKS_AT_ONCE))

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

    def _scored(self, view: "_View", titles: np.ndarray, places: np.ndarray) -> list[Scored]:
        """The artwork at these places of a page, which are of these titles of it."""
        chosen = view.at(titles, places)
        ids, paths = (self.snapshot.texts(name, chosen.rows) for name in ("artwork_id", "path"))
        scores = view.parts.score[places].tolist()
        whys = Whys(partial(self._whys, chosen), self._store)
        return list(map(Scored, ids, paths, scores, repeat(whys), range(len(ids))))

    def _whys(self, chosen: "_Chosen") -> list[Why]:
        """What explains each one's score."""
        rows, parts, taste = chosen.rows, chosen.parts, chosen.taste
        priors = self.catalog_priors.of(taste.segment)
        phrases, cosines = self._nearest_phrases(chosen)
        weight = self.weights.similarity
        similarities = parts.similarity / weight if weight else np.zeros(len(rows))
        word_parts, words = np.zeros(len(rows)), list[str | None]([None] * len(rows))
        if parts.words is not None:
            word_parts = parts.words
            words = nearest_words(self.snapshot, rows, taste.of_lines[chosen.speaking])
        columns = (parts.prior, parts.similarity, parts.people, word_parts, similarities)
        known = (column[rows].tolist() for column in (priors.mean, priors.impressions, priors.plays))
        counts = in_rows(Prior, *known, repeat(taste.segment))
        told = phrases, cosines, chosen.people(), words, counts
        return list(in_rows(Why, *(column.tolist() for column in columns), *told))

    def _nearest_phrases(self, chosen: "_Chosen") -> tuple[Iterable[str | None], Iterable[float | None]]:
        """Of each, the taste phrase that speaks most for it against its title's others, of the interest that speaks for it or a
        dislike, and the phrase's cosine to the picture."""
        taste, speaking = chosen.taste, chosen.speaking
        said, of_pictures = taste.said, (speaking == len(taste.queries) - 1) & taste.pictures
        if said is None:
            return [PLAYED if so else None for so in of_pictures.tolist()], repeat(None)
        vectors = self.snapshot.index.gather(chosen.vectors)  # (n, d)
        # Against the title's other artwork; where there is none, against what any user likes.
        usual = self.snapshot.means.take(chosen.titles, axis=0)
        usual[chosen.sizes == 1] = self.audience.mean
        worth = said.weights * (said.vectors @ (vectors - usual).T)  # (phrases, n)
        if len(taste.queries) > 1:
            worth[(said.interests != speaking) & (said.interests != ABSENT)] = -np.inf
        best = worth.argmax(axis=0)
        names: list[str | None] = list(map(said.names.__getitem__, best.tolist()))
        exactly: list[float | None] = np.einsum("nd,nd->n", said.vectors[best], vectors).tolist()  # alike on any page
        for place in of_pictures.nonzero()[0].tolist():
            names[place], exactly[place] = PLAYED, None
        return names, exactly

    @cached_property
    def _store(self) -> str | None:
        """The folder of the store that the snapshot is of."""
        folder = self.snapshot.folder
        return None if folder is None else str(folder.parent.parent)

    @cached_property
    def guarded(self) -> Guarded:
        """The snapshot as the guards look at it."""
        return Guarded(self.snapshot)

    @cached_property
    def spread(self) -> float:
        """The unit of similarity: see `blend.usual_spread`."""
        return usual_spread(self.audience, self.snapshot.scatter)

    @cached_property
    def word_spread(self) -> float:
        """The same unit of words."""
        return usual_spread(self.audience, self.snapshot.words.scatter)

    @cached_property
    def line_spread(self) -> float:
        """The same unit of lines of copy."""
        return usual_spread(self.audience, self.snapshot.lines.scatter)

    @cached_property
    def line_columns(self) -> PriorColumns:
        """The priors in the order of the snapshot's lines of copy."""
        table = self.snapshot.lines.table
        return self.priors.of_lines(table["copy_id"], table["title_id"])

    @cached_property
    def catalog_priors(self) -> CatalogPriors:
        """The priors in the order of the snapshot's artwork, everyone's and segments'."""
        return CatalogPriors(self.snapshot, self.audience, self.priors)

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
        cohorts = cohorts_of(profile, context)
        segment = self.catalog_priors.speaking(cohorts[0])
        apart = apart_of(self.audience, segment)
        if profile is None or not profile.phrases:
            why = f"nothing is known of user {user_id!r}" if profile is None else f"user {user_id!r} has no taste yet"
            nobody = Profile(user_id, (), np.empty((0, len(self.audience.mean)), np.float32), self.audience.fingerprint)
            mean, whose = average_of(self.audience, *cohorts)
            queries, of_lines = (mean - self.audience.mean - apart)[None], (mean - self.audience.neutral)[None]
            nothing = nobody, Liked.of(nobody, self.snapshot), None, np.ones(1)
            return self._with_pictures(Taste(user_id, *nothing, queries, of_lines, f"{whose}: {why}", segment))
        _check_fingerprint(profile.fingerprint, self.snapshot, f"the profile of {user_id!r}")
        liked = Liked.of(profile, self.snapshot)
        shares, queries = personal_queries(profile, self.audience)
        own = queries - apart if apart.any() else queries
        said = Said.of(profile)
        return self._with_pictures(Taste(user_id, profile, liked, said, shares, own, queries, own_source(profile), segment))

    def _with_pictures(self, taste: Taste) -> Taste:
        """With the interest made of artwork played, where the user has one; see match.clicks.seen."""
        if (liked := self.pictures.get(taste.user_id)) is None:
            return taste
        scatter, silent = self.snapshot.scatter, taste.said is None
        shares, queries = with_pictures(taste.shares, taste.queries, liked, self.spread, scatter, silent=silent)
        if len(shares) == len(taste.shares):
            return taste
        of_lines = np.concatenate([taste.of_lines, queries[-1:]])
        source = f"{taste.source}; what they played" if silent else taste.source
        return replace(taste, shares=shares, queries=queries, of_lines=of_lines, pictures=True, source=source)

    def _unknown(self, taste: Taste, title_id: str) -> Choice:
        return Choice(
            taste.user_id, title_id, None, f"no title {title_id!r} in snapshot {self.snapshot.manifest.name}", taste.source
        )


_Serving = Callable[[Taste, "_Asking", "_View"], Served]  # explores a page of one user


class _View(NamedTuple):
    """A page as one user sees it."""

    taste: Taste
    page: Page
    parts: Parts
    speaking: np.ndarray  # (artworks,) int64: the interest that speaks for each
    met: tuple[np.ndarray, np.ndarray]  # who of the liked is on what: see `people_met`

    def at(self, titles: np.ndarray, places: np.ndarray) -> "_Chosen":
        """Some of the page's artwork; titles: (n,) of the page, the one of each of the places (n,)."""
        page = self.page
        chosen = page.rows[places], page.places[places], page.titles[titles], page.sizes[titles]
        return _Chosen(self.taste, *chosen, self.speaking[places], self.parts.at(places), places, self.met)


class _Chosen(NamedTuple):
    """Artwork of a page as one user sees it, with all that explains its scores and nothing of the rest of the page."""

    taste: Taste
    rows: np.ndarray  # (n,) int64
    vectors: np.ndarray  # (n,) int64: where they lie, as TitleIndex counts them
    titles: np.ndarray  # (n,) int64: the snapshot's
    sizes: np.ndarray  # (n,) int64: how many artworks their titles have
    speaking: np.ndarray  # (n,) int64: the interest that speaks for each
    parts: Parts
    places: np.ndarray  # (n,) int64, of the page that `met` is of
    met: tuple[np.ndarray, np.ndarray]

    def people(self) -> list[tuple[str, ...]]:
        """Per artwork, whom of those on it the user likes or dislikes."""
        names: dict[int, tuple[str, ...]] = {}
        for at, which in zip(*(found.tolist() for found in self.met), strict=True):
            names[at] = (*names.get(at, ()), self.taste.people.names[which])
        return [names.get(at, ()) for at in self.places.tolist()]


@dataclass(frozen=True)
class _Asking:
    """A page and what is the same for all users who ask for it."""

    page: Page
    begins: np.ndarray  # where the artworks begin of each title that has some, and the end
    blocked: Blocked | None
    title_ids: list[str]
    free: list[int]  # per title: how many of its artworks may be shown
    reasons: list[str]  # per title
    words: PageWords | None
    lines: PageLines | None

    @classmethod
    def of(
        cls, page: Page, names: Mapping[int, str], blocked: Blocked | None, words: PageWords | None, lines: PageLines | None
    ) -> "_Asking":
        """names: the title_id of each number."""
        starts, sizes = page.starts, page.sizes.tolist()
        all_there = all(sizes)
        begins = starts if all_there else np.append(starts[:-1][page.sizes > 0], starts[-1])
        title_ids = [names[number] for number in page.titles.tolist()]
        if blocked is None:
            reasons = list(map(_reason, sizes, sizes))
            free = sizes
        else:
            counts = blocked.counts(starts).tolist()
            free = [by[FREE] for by in counts]
            reasons = [
                _reason(size, by[FREE]) + ("" if by[FREE] or not size else f" ({in_words(by)})")
                for size, by in zip(sizes, counts, strict=True)
            ]
        if not all_there:
            reasons = [
                why or f"title {title_id!r} has no usable artwork" for title_id, why in zip(title_ids, reasons, strict=True)
            ]
        return cls(page, begins, blocked, title_ids, free, reasons, words, lines)


def _together(tastes: Sequence[Taste]) -> tuple[np.ndarray, np.ndarray]:
    """(q, d) float32 each: what all of them ask of artwork, and of lines of copy."""
    if len(tastes) == 1:
        return tastes[0].queries, tastes[0].of_lines
    return np.concatenate([taste.queries for taste in tastes]), np.concatenate([taste.of_lines for taste in tastes])


@lru_cache(maxsize=4096)
def _reason(size: int, free: int) -> str:
    """Why a title has its artwork or none, where `free` of `size` may be shown; nothing where it has none at all."""
    if free == size:
        return f"the best of {size}" if size > 1 else "the only artwork of its title" if size else ""
    if free:
        return f"the best of {free} of {size} that may be shown" if free > 1 else f"the only one of {size} that may be shown"
    return f"none of {size} may be shown"


def read_users(store: Store, snapshot: Snapshot) -> tuple[Profiles, Audience, PictureInterests]:
    """Users' tastes in the snapshot's space: until a new snapshot is published the former encoder's taste serves.

    Raises StoreError and FingerprintError as `Matcher.open` does.
    """
    store = open_store(store.root, snapshot.manifest.fingerprint)
    users = (read_profiles(store), read_audience(store)) if has_table(store, "profiles") else _nobody(store)
    _check_fingerprint(users[1].fingerprint, snapshot, "the profiles of this store")
    return *users, read_picture_interests(store)


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
