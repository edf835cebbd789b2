"""A comparison as it was made: `compare_sides` is the flow, from two texts' sides to what differs between them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property

from embed.store import Store, open_store
from index.manifest import Manifest
from match.comparing.counts import Share, of_segments, share
from match.comparing.flow import Asked, Compared, Progress, compare
from match.comparing.sides import Side, published_state
from match.matcher import Matcher


@dataclass(frozen=True)
class Opened:
    """A side as it was when it was compared."""

    side: Side
    manifest: Manifest
    encoder: str
    bundled: bool
    weights: dict[str, float]
    pictures: str | None  # below which its pictures lie

    @classmethod
    def of(cls, store: Store, side: Side, matcher: Matcher) -> "Opened":
        """store: the side's own; matcher: with its weights."""
        manifest = matcher.snapshot.manifest
        choice = open_store(store.root, manifest.fingerprint).choice
        return cls(side, manifest, str(choice), choice.is_bundled, asdict(matcher.weights), store.pictures)


@dataclass(frozen=True)
class Comparison:
    """One that was made."""

    sides: tuple[Opened, ...]  # the former and the latter
    compared: Compared

    @cached_property
    def whole(self) -> Share:
        """What changed of all choices."""
        return share(self.compared)

    @cached_property
    def segments(self) -> list[tuple[str | None, Share]]:
        """What changed in each segment, the most changed first."""
        return of_segments(self.compared)


def compare_sides(
    store: Store, sides: tuple[Side, Side], asked: Asked | None = None, progress: Progress = lambda done, total: None
) -> Comparison:
    """The former and the latter, each opened once; two blends of one snapshot share it.

    Raises StoreError and SnapshotError where there is no such store or snapshot, and what `compare` raises.
    """
    stores = [store if side.store is None else open_store(side.store) for side in sides]
    states = [published_state(own, side.snapshot) for own, side in zip(stores, sides, strict=True)]
    opened = {state: Matcher.open(state[0], snapshot=state[1]) for state in dict.fromkeys(states)}
    return compare_opened(stores, sides, [opened[state] for state in states], asked, progress)


def compare_opened(
    stores: Sequence[Store],
    sides: tuple[Side, Side],
    matchers: Sequence[Matcher],
    asked: Asked | None = None,
    progress: Progress = lambda done, total: None,
) -> Comparison:
    """The same of sides whose own stores and matchers are open; the weights of the sides are put into the matchers here."""
    former, latter = (side.blended(matcher) for side, matcher in zip(sides, matchers, strict=True))
    compared = compare((former, latter), asked, progress)
    return Comparison(tuple(map(Opened.of, stores, sides, (former, latter))), compared)
