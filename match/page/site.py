"""A store as the page looks at it: the matcher that serves, the users and titles that are shown, and what a viewer may ask anew."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar

from embed.errors import QueryError
from embed.records import Profile, fold
from embed.store import Store, open_store
from index.fits import Question
from match.blend import Weights
from match.fitting.weights import MOST as MOST_WEIGHT
from match.live import Published
from match.matcher import Matcher
from match.page.background import Background
from match.page.catalog import Catalog
from match.page.comparisons import Comparisons
from match.page.parameters import Parameters

WEIGHTS = tuple(Weights.__dataclass_fields__)
BLENDS_REMEMBERED = 8
THINGS_REMEMBERED = 64

Made = TypeVar("Made")


@dataclass(frozen=True)
class Reading:
    """What only an encoder can do, lent by a door: this package never loads CLIP."""

    questions: Callable[[Matcher, str], Sequence[Question]]  # what somebody looks for, in words
    profile: Callable[[Matcher, str, str], Profile]  # of a user, as edited text


@dataclass(frozen=True)
class Site:
    """Make one with `Site.of`; read-only, and may be shared between threads."""

    store: Store
    matcher: Matcher
    user_ids: Sequence[str]
    title_ids: Sequence[str]
    reading: Reading | None = None  # None where nothing can be asked that was not written down: a page in a file
    published: Published | None = None  # what the matcher is made of; None where nothing new is ever taken up
    comparisons: Comparisons = field(default_factory=Comparisons, repr=False, compare=False)
    background: Background = field(default_factory=Background, repr=False, compare=False)
    _blends: dict[Weights, Matcher] = field(default_factory=dict, repr=False, compare=False)
    _things: dict[Hashable, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(
        cls,
        store: Store,
        matcher: Matcher,
        users: Sequence[str] | None = None,
        titles: Sequence[str] | None = None,
        reading: Reading | None = None,
        comparisons: Comparisons | None = None,
        background: Background | None = None,
        published: Published | None = None,
    ) -> "Site":
        """All users and titles where none are named. comparisons: those that were made already, and what may be compared; background:
        of the site before, where there was one; published: what the matcher is made of."""
        store = open_store(store.root)  # where the pictures lie may have been noted since the caller opened it
        shown = matcher.user_ids if users is None else list(users), matcher.title_ids if titles is None else list(titles)
        kept = comparisons or Comparisons((), users, titles), background or Background()
        return cls(store, matcher, *shown, reading, published, *kept)

    @property
    def is_live(self) -> bool:
        """Whether it answers what was not written down before."""
        return self.reading is not None

    @cached_property
    def names(self) -> dict[str, str]:
        """title_id to the title's name."""
        titles = self.matcher.snapshot.titles
        return dict(zip(titles["title_id"].to_pylist(), titles["name"].to_pylist(), strict=True))

    @cached_property
    def folded_titles(self) -> list[str]:
        """Each title's name and id, as letters are looked for in them; in the order of `title_ids`."""
        return [fold(f"{self.names.get(title_id, '')} {title_id}") for title_id in self.title_ids]

    @cached_property
    def folded_users(self) -> list[str]:
        """The same of users' ids."""
        return list(map(fold, self.user_ids))

    @cached_property
    def catalog(self) -> Catalog:
        """All artwork of the titles that are shown."""
        return Catalog.of(self.matcher.snapshot, self.title_ids)

    @cached_property
    def places(self) -> dict[str, int]:
        """title_id to its place among those that are shown."""
        return {title_id: place for place, title_id in enumerate(self.title_ids)}

    @cached_property
    def pictures(self) -> dict[str, str]:
        """artwork_id to the sha256 of its picture, by which its thumbnail is known."""
        artwork = self.matcher.snapshot.artwork
        return dict(zip(artwork["artwork_id"].to_pylist(), artwork["sha256"].to_pylist(), strict=True))

    @cached_property
    def paths(self) -> dict[str, str]:
        """sha256 of a picture to where it lies; of several places the first artwork's."""
        artwork = self.matcher.snapshot.artwork
        placed = zip(reversed(artwork["sha256"].to_pylist()), reversed(artwork["path"].to_pylist()), strict=True)
        return dict(placed)

    def where(self, sha256: str) -> tuple[Store, str] | None:
        """Where a picture lies: its path, below the pictures of the store that is returned; None where the page shows none such."""
        if sha256 in self.paths:
            return self.store, self.paths[sha256]
        return self.comparisons.where(self.store, sha256)

    def matcher_of(self, parameters: Parameters) -> Matcher:
        """The matcher, with the weights that are asked for. Raises QueryError where one is no number from 0 to MOST_WEIGHT."""
        asked = {name: value for name in WEIGHTS if (value := parameters.number(name, 0.0, MOST_WEIGHT)) is not None}
        weights = replace(self.matcher.weights, **asked)
        if weights == self.matcher.weights:
            return self.matcher
        if (found := self._blends.get(weights)) is None:
            found = self.matcher.with_weights(weights)
            _leave_room(self._blends, BLENDS_REMEMBERED)
            self._blends[weights] = found
        return found

    def remembered(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """What `make` makes, once for a key as long as few other things are asked for: what several documents need."""
        found: Made | None = self._things.get(key)
        if found is None:
            found = make()  # two threads at once make the same
            _leave_room(self._things, THINGS_REMEMBERED)
            self._things[key] = found
        return found

    def user_of(self, parameters: Parameters) -> str | Profile:
        """Whom is asked for: the id, or their profile with the taste that is asked for. Raises QueryError where the page cannot read
        it, and what the reading raises."""
        user_id, text = parameters.text("user"), parameters.get("taste")
        if text is None:
            return user_id
        if self.reading is None:
            raise QueryError("a page in a file cannot read a new taste; serve it (inspect_matches --serve)")
        return self.reading.profile(self.matcher, user_id, text)


def _leave_room(remembered: dict[Any, Any], most: int) -> None:
    """For one more of at most so many; the oldest go."""
    for oldest in list(remembered)[: max(0, len(remembered) - most + 1)]:
        remembered.pop(oldest, None)  # another thread may have been here, too


Document = dict[str, Any]  # as JSON has it
