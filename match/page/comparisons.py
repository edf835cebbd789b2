"""The comparisons that the page shows: made one at a time, in a thread where somebody waits for them in a browser, and remembered.

Beside the matcher that serves, two others are open at most, those compared last; a comparison that was made holds none.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from weakref import ref

from embed.errors import QueryError
from embed.store import Store, open_store
from index.manifest import Manifest
from index.publish import kept_snapshots
from match.comparing.flow import Asked, Compared, compare
from match.comparing.sides import Side, published_state, side_of
from match.matcher import Matcher

OPENED = 2  # matchers beside the one that serves
REMEMBERED = 6  # comparisons
WAITING = 4  # of them, that are not made yet

State = tuple[str, ...]


@dataclass(frozen=True)
class Opened:
    """A side as it was when it was compared."""

    side: Side
    manifest: Manifest
    encoder: str
    bundled: bool
    weights: dict[str, float]
    pictures: str | None  # below which its pictures lie


@dataclass(frozen=True)
class Comparison:
    """One that was made."""

    sides: tuple[Opened, Opened]
    compared: Compared
    places: dict[str, tuple[str | None, str]]  # sha256 of each picture to the folder below which it lies, and its path


@dataclass
class Work:
    """A comparison that is being made, or was."""

    done: int = 0  # choices compared
    total: int = 0
    made: Future[Comparison] = field(default_factory=Future)

    def advance(self, done: int, total: int) -> None:
        """So much of it is made."""
        self.done, self.total = done, total

    def answer(self, seconds: float | None = None) -> Comparison | None:
        """What was made; None where it is not there after so many seconds. Raises what its making raised."""
        return self.made.result() if wait([self.made], seconds).done else None

    @property
    def comparison(self) -> Comparison | None:
        """What was made; None where it is not there yet, or failed."""
        return self.made.result() if self.made.done() and not self.failed else None

    @property
    def failed(self) -> bool:
        """Whether its making raised something."""
        return self.made.done() and self.made.exception() is not None


class Comparisons:
    """Of one store, and of others that whoever started the page named. Threads may share it."""

    def __init__(
        self, offered: Sequence[Side] = (), users: Sequence[str] | None = None, titles: Sequence[str] | None = None
    ) -> None:
        """offered: what the page proposes to compare with what serves; another store can be compared only where one of them is of it.
        users, titles: whom and what alone the page is of, as `Asked` has them."""
        self.offered = tuple(offered)
        self.stores = {side.store: Path(side.store) for side in offered if side.store is not None}
        self._asked = Asked(users, titles)
        self._works: OrderedDict[tuple[tuple[str, State], ...], Work] = OrderedDict()
        self._matchers: OrderedDict[State, Matcher] = OrderedDict()
        self._changing, self._making = threading.Lock(), threading.Lock()
        self._served: Callable[[], Matcher | None] = lambda: None
        self._served_before = 0  # matchers

    def snapshots(self, store: Store) -> dict[str | None, list[Manifest]]:
        """What can be compared, the latest first, by the store's name; the page's own store is None."""
        own = {None: kept_snapshots(store)}
        return own | {name: kept_snapshots(open_store(path)) for name, path in self.stores.items()}

    def work(self, store: Store, matcher: Matcher, texts: tuple[str, str], *, beside: bool = True) -> Work:
        """The comparison of the sides of two texts, begun where it is not remembered; matcher: what serves. beside: in a thread.

        Raises QueryError where a text names no side, or where too many others are being made; SnapshotError and StoreError where there
        is no such snapshot.
        """
        sides = side_of(texts[0]), side_of(texts[1])
        states = tuple(self._state(store, matcher, side) for side in sides)
        key = tuple(zip(map(str, sides), states, strict=True))
        with self._changing:
            work = self._works.pop(key, None)
            if work is not None:
                if not work.failed:  # else it is told once, and tried anew when somebody asks again
                    self._works[key] = work  # the last to go
                return work
            if sum(not other.made.done() for other in self._works.values()) >= WAITING:
                raise QueryError("other comparisons are being made; ask again when they are there")
            work = self._works[key] = Work()
            self._forget()
        run = store, matcher, tuple(zip(sides, states, strict=True)), work
        if beside:
            threading.Thread(target=self._make, args=run, name="comparison", daemon=True).start()
        else:
            self._make(*run)
        return work

    def where(self, store: Store, sha256: str) -> tuple[Store, str] | None:
        """Where a picture lies that some comparison shows: its path, below the pictures of the store that is returned."""
        with self._changing:
            made = [work.comparison for work in self._works.values()]
        found = next((one.places[sha256] for one in made if one is not None and sha256 in one.places), None)
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
                return ("what serves", str(self._served_before))
        return published_state(store if side.store is None else open_store(self.stores[side.store]), side.snapshot)

    def _make(self, store: Store, matcher: Matcher, sides: tuple[tuple[Side, State], ...], work: Work) -> None:
        """One at a time, so that no more matchers than OPENED are open."""
        with self._making:
            try:
                opened = [(side, side.blended(self._matcher(matcher, state))) for side, state in sides]
                (_, former), (_, latter) = opened
                compared = compare((former, latter), self._asked, work.advance)
                told = [
                    _opened(store if side.store is None else open_store(self.stores[side.store]), side, own)
                    for side, own in opened
                ]
                work.made.set_result(Comparison((told[0], told[1]), compared, _places(compared, told)))
            except Exception as error:
                work.made.set_exception(error)  # whoever waits is told

    def _matcher(self, matcher: Matcher, state: State) -> Matcher:
        if state[0] == "what serves":
            return matcher
        found = self._matchers.pop(state, None)
        while found is None and len(self._matchers) >= OPENED:
            self._matchers.popitem(last=False)
        self._matchers[state] = found or Matcher.open(state[0], snapshot=state[1])
        return self._matchers[state]

    def _forget(self) -> None:
        """The oldest of those that are made, where there are many."""
        ended = [key for key, work in self._works.items() if work.made.done()]
        for key in ended[: max(0, len(self._works) - REMEMBERED)]:
            del self._works[key]


def _opened(store: Store, side: Side, matcher: Matcher) -> Opened:
    manifest = matcher.snapshot.manifest
    choice = open_store(store.root, manifest.fingerprint).choice
    return Opened(side, manifest, str(choice), choice.is_bundled, asdict(matcher.weights), store.pictures)


def _places(compared: Compared, sides: Sequence[Opened]) -> dict[str, tuple[str | None, str]]:
    """Of both sides the latter's, where it has the artwork."""
    columns = (compared.artwork[name].to_pylist() for name in ("sha256", "path"))
    latter = compared.there[1].tolist()
    return {sha256: (sides[of_latter].pictures, path) for sha256, path, of_latter in zip(*columns, latter, strict=True)}
