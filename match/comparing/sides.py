"""A side of a comparison, as texts name it: "snapshot=000003", "similarity=1,people=0", "store=other"; nothing is what serves."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

from embed.errors import QueryError
from embed.store import Store, open_store, table_version
from index.manifest import read_manifest
from index.snapshot import current_name, kept_folder
from match.blend import Weights
from match.choices import TABLES
from match.fitting.published import TABLE
from match.fitting.weights import MOST
from match.matcher import Matcher

WEIGHTS = tuple(asdict(Weights()))
NAMES = ("store", "snapshot", *WEIGHTS)
_NAMED = re.compile(rf"(?:^|,)\s*({'|'.join(NAMES)})=")


@dataclass(frozen=True)
class Side:
    """What is compared; make one of a text with `side_of`."""

    store: str | None = None  # by the name under which it may be compared; the page's own where None
    snapshot: str | None = None  # of those that the store keeps; the one that serves where None
    weights: Mapping[str, float] = field(default_factory=dict)  # in place of those that the store publishes

    def __str__(self) -> str:
        named = {"store": self.store, "snapshot": self.snapshot} | {name: f"{w:.12g}" for name, w in self.weights.items()}
        return ",".join(f"{name}={value}" for name, value in named.items() if value is not None)

    def blended(self, matcher: Matcher) -> Matcher:
        """The matcher with this side's weights in place of its own."""
        return matcher.with_weights(replace(matcher.weights, **self.weights)) if self.weights else matcher


def side_of(text: str) -> Side:
    """Raises QueryError where a text names no side: what is not known, or a weight that is no number from 0 to MOST."""
    found = list(_NAMED.finditer(text))
    if text.strip() and (not found or found[0].start()):
        raise QueryError(f"side {text!r}: give some of {', '.join(f'{name}=…' for name in NAMES)}, divided by commas")
    ends = [match.start() for match in found[1:]] + [len(text)]
    named = {match[1]: text[match.end() : end].strip() for match, end in zip(found, ends, strict=False)}
    weights = {name: _weight(name, named[name]) for name in WEIGHTS if name in named}
    return Side(named.get("store") or None, named.get("snapshot") or None, weights)


def _weight(name: str, text: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        weight = float("nan")
    if not 0 <= weight <= MOST:
        raise QueryError(f"{name}={text!r}: give a number from 0 to {MOST:g}")
    return weight


def published_state(store: Store, snapshot: str | None) -> tuple[str, ...]:
    """What a matcher of this snapshot would be made of, by names and versions: another state, another matcher.

    Raises SnapshotError where there is no such snapshot, StoreError where its encoder is not known.
    """
    name = snapshot or current_name(store)
    manifest = read_manifest(kept_folder(store, name))
    of_encoder = open_store(store.root, manifest.fingerprint)
    versions = (table_version(of_encoder, table) for table in (*TABLES, TABLE))
    return str(store.root), name, manifest.published_at, *map(str, versions)
