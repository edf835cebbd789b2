"""The comparisons that the page shows: made in the background, one after the other, and remembered.

Beside the matcher that serves, two others are open at most, those compared last; a comparison that was made holds none.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from weakref import ref

from embed.errors import QueryError
from embed.store import Store, open_store
from index.manifest import Manifest
from index.publish import kept_snapshots
from match.comparing.flow import Asked, Compared
from match.comparing.outcome import Comparison, Opened, compare_opened
from match.comparing.sides import Side, published_state, side_of
from match.matcher import Matcher
from match.page.background import REMEMBERED, Background, Progress

OPENED = 2  # matchers beside the one that serves
SERVING = "what serves"  # begins the state of a side that is

State = tuple[str, ...]  # what a side's matcher is made of
Key = tuple[tuple[str, State], ...]  # of both sides: the text, and the state
Places = dict[str, tuple[str | None, str]]  # sha256 of each picture to the folder below which it lies, and its path


class Comparisons:
    """Of one store, and of others that whoever started the page named. Threads may share it."""

    def __init__(
        self, offered: Sequence[Side] = (), users: Sequence[str] | None = None, titles: Sequence[str] | None = None
    ) -> None:
        """offered: what the page proposes to compare with what serves; another store can be compared only where one of them is of it.
        users, titles: whom and what alone the page is of, as `Asked` has them. Raises QueryError for more than are remembered."""
        if len(offered) > REMEMBERED:
            raise QueryError(f"{len(offered)} sides are too many for one page; compare {REMEMBERED} at most")
        self.offered = tuple(offered)
        self.stores = {side.store: Path(side.store) for side in offered if side.store is not None}
        self._asked = Asked(users, titles)
        self._background = Background()
        self._matchers: dict[State, Matcher] = {}
        self._places: dict[Key, Places] = {}  # of the comparisons made last
        self._changing = threading.Lock()
        self._served: Callable[[], Matcher | None] = lambda: None
        self._served_before = 0  # matchers

    def snapshots(self, store: Store) -> dict[str | None, list[Manifest]]:
        """What can be compared, the latest first, by the store's name; the page's own store is None."""
        own = {None: kept_snapshots(store)}
        return own | {name: kept_snapshots(open_store(path)) for name, path in self.stores.items()}

    def ask(
        self, store: Store, matcher: Matcher, texts: tuple[str, str], patience: float | None = None
    ) -> Comparison | tuple[int, int]:
        """The comparison of the sides of two texts, or (done, of how many) choices after so many seconds; matcher: what serves.

        Raises QueryError where a text names no side; SnapshotError and StoreError where there is no such snapshot; and what its
        making raises.
        """
        sides = side_of(texts[0]), side_of(texts[1])
        key = tuple((str(side), self._state(store, matcher, side)) for side in sides)
        return self._background.ask(key, partial(self._made, store, matcher, sides, key), patience)

    def where(self, store: Store, sha256: str) -> tuple[Store, str] | None:
        """Where a picture lies that some comparison shows: its path, below the pictures of the store that is returned."""
        with self._changing:
            places = list(self._places.values())
        found = next((some[sha256] for some in places if sha256 in some), None)
        return found and (replace(store, pictures=found[0]), found[1])

    def _state(self, store: Store, matcher: Matcher, side: Side) -> State:
        """By which it is known whether a comparison is still true: what the side's matcher is made of."""
        if side.store is not None and side.store not in self.stores:
            raise QueryError(
                f"this page does not compare store {side.store!r}: inspect_matches --compare store={side.store} lets it"
            )
        if side.store is None and side.snapshot in (None, matcher.snapshot.manifest.name):
            with self._changing:
                if self._served() is not matcher:
                    self._served, self._served_before = ref(matcher), self._served_before + 1
                return SERVING, str(self._served_before)
        return published_state(store if side.store is None else open_store(self.stores[side.store]), side.snapshot)

    def _made(self, store: Store, matcher: Matcher, sides: tuple[Side, Side], key: Key, progress: Progress) -> Comparison:
        """One at a time, as the background has it: no more matchers than OPENED are open."""
        stores = [store if side.store is None else open_store(self.stores[side.store]) for side in sides]
        made = compare_opened(stores, sides, [self._matcher(matcher, state) for _, state in key], self._asked, progress)
        with self._changing:
            self._places[key] = _places(made.compared, made.sides)
            while len(self._places) > REMEMBERED:
                self._places.pop(next(iter(self._places)))
        return made

    def _matcher(self, matcher: Matcher, state: State) -> Matcher:
        if state[0] == SERVING:
            return matcher
        found = self._matchers.pop(state, None)
        while found is None and len(self._matchers) >= OPENED:
            self._matchers.pop(next(iter(self._matchers)))
        self._matchers[state] = found or Matcher.open(state[0], snapshot=state[1])  # the last to go
        return self._matchers[state]


def _places(compared: Compared, sides: Sequence[Opened]) -> Places:
    """Of both sides the latter's, where it has the artwork."""
    columns = (compared.artwork[name].to_pylist() for name in ("sha256", "path"))
    latter = compared.there[1].tolist()
    return {sha256: (sides[of_latter].pictures, path) for sha256, path, of_latter in zip(*columns, latter, strict=True)}
