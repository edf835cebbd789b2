"""A matcher that follows what is published: snapshots, tastes, priors and weights, each taken up between two calls.

    with LiveMatcher("store") as matcher:
        choices = matcher.choose("ada", ["sintel", "spring"])

A call is answered by one Matcher from beginning to end: never by two snapshots. What is new is opened, verified and made ready
beside the one that serves, which then steps aside; its memory goes when the last call that uses it has ended. Where something new
cannot be opened, the former serves on and the log says so.
"""

import logging
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from embed.errors import ArtworkMatcherError
from embed.records import Profile
from embed.store import Store, open_store, table_version
from index.filters import Context
from index.snapshot import current_name, open_snapshot
from match.blend import Weights
from match.clicks.priors import TABLES as PRIORS
from match.clicks.priors import read_priors
from match.exploring.serving import Exploring
from match.fitting.published import TABLE, read_weights
from match.matcher import EVERYWHERE, Choices, Matcher, Pages, read_users

SECONDS = 10.0  # between two looks

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Published:
    """What serves, by names and version numbers alone: two that are equal answer alike."""

    snapshot: str
    users: tuple[int, ...]
    priors: tuple[int, ...]
    weights: int


@dataclass(frozen=True)
class Serving:
    """A Matcher with what it is made of."""

    matcher: Matcher
    published: Published


class LiveMatcher:
    """Answers as Matcher does, from what is published at the moment; may be shared between threads."""

    def __init__(self, store: Store | Path | str, weights: Weights | None = None, *, seconds: float | None = SECONDS) -> None:
        """Open what serves, and look for something new every `seconds`, in a thread of its own; None: only at `refresh`.

        weights: as `Matcher.open` takes them; those given hold.

        Raises what `Matcher.open` raises.
        """
        self._root = store.root if isinstance(store, Store) else Path(store)
        self._changing = threading.Lock()
        self._closed = threading.Event()
        self._weights = weights
        published = self._look()
        self._serving = Serving(Matcher.open(self._root, weights), published)
        self._thread: threading.Thread | None = None
        if seconds is not None:
            self._thread = threading.Thread(target=self._follow, args=(seconds,), name="artwork-matcher", daemon=True)
            self._thread.start()

    @property
    def root(self) -> Path:
        """The store's folder."""
        return self._root

    @property
    def current(self) -> Matcher:
        """The Matcher that serves at the moment: take it once to ask it several things of one snapshot."""
        return self._serving.matcher

    @property
    def serving(self) -> Serving:
        """The same with what it is made of, of one moment."""
        return self._serving

    def choose(
        self,
        user: str | Profile,
        titles: Iterable[str] | None = None,
        context: Context = EVERYWHERE,
        *,
        with_others: bool = False,
        explore: Exploring | None = None,
    ) -> Choices:
        """See `Matcher.choose`."""
        return self.current.choose(user, titles, context, with_others=with_others, explore=explore)

    def choose_many(
        self,
        users: Sequence[str | Profile],
        titles: Iterable[str] | None = None,
        context: Context = EVERYWHERE,
        *,
        with_others: bool = False,
        explore: Exploring | None = None,
    ) -> Pages:
        """See `Matcher.choose_many`."""
        return self.current.choose_many(users, titles, context, with_others=with_others, explore=explore)

    def refresh(self) -> bool:
        """Take up what is new, now; whether there was anything. Raises what `Matcher.open` raises; the former then serves on."""
        with self._changing:
            published = self._look()
            if published == self._serving.published:
                return False
            self._serving = Serving(self._renewed(published), published)
            return True

    def close(self) -> None:
        """Stop looking; what serves goes on answering."""
        self._closed.set()
        if self._thread is not None:
            self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()

    def _follow(self, seconds: float) -> None:
        told = ""
        while not self._closed.wait(seconds):
            try:
                self.refresh()
                told = ""
            except (ArtworkMatcherError, OSError) as error:
                if str(error) != told:  # once, not every few seconds
                    _log.error("snapshot %s serves on: %s", self.current.snapshot.manifest.name, error)
                told = str(error)

    def _look(self) -> Published:
        store = open_store(self._root)
        users = (
            table_version(store, table)
            for table in ("profiles", "phrases", "audience", "averages", "edits", "picture_interests")
        )
        priors = (table_version(store, table) for table in PRIORS)
        return Published(current_name(store), tuple(users), tuple(priors), table_version(store, TABLE))

    def _renewed(self, published: Published) -> Matcher:
        """Only what changed is read again."""
        held, seen, store = self.current, self._serving.published, open_store(self._root)
        snapshot, priors = held.snapshot, held.priors
        profiles, audience, pictures = held.profiles, held.audience, held.pictures
        if published.snapshot != snapshot.manifest.name:
            snapshot = open_snapshot(store, held.snapshot)
        if published.users != seen.users or snapshot.manifest.fingerprint != audience.fingerprint:
            profiles, audience, pictures = read_users(store, snapshot)
        if published.priors != seen.priors:
            priors = read_priors(store)
        return Matcher(snapshot, profiles, audience, pictures, priors, self._weights or read_weights(store))
