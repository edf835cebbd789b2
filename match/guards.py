"""Guards: what must not be shown, or not so often, however well it fits. Each that spoke is named in the Choice and in the log.

Eligibility (locale, maturity, campaigns ...) is index.filters' business. Here are prominence, what has little part in a title is not
sold as its lead unless the user asked for it, and variety, a page does not show the same over and over, nor two pictures beside each
other that look alike.
"""

from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from embed.ragged import spans
from embed.records import fold
from index.duplicates import THRESHOLD
from index.snapshot import Snapshot

PROMINENCE, VARIETY, LOOKS, CAP = "prominence", "variety", "look-alike", "exposure cap"
IN_TURN = (CAP, PROMINENCE, LOOKS, VARIETY)  # as they speak: a later one looks only at what those before it left


@dataclass(frozen=True)
class Guards:
    """What the guards ask for; None or 0 switches one off."""

    least_prominence: float = 0.3  # 0..1: of an artwork, where the catalog says it
    leads: int = 3  # people first named by the title: artwork that shows people, and none of them, has little part in it
    most_alike: int = 3  # choices that share a person or the main tag, of any ...
    of_a_row: int = 10  # ... so many one after the other on a page
    same_look: float | None = (
        THRESHOLD  # cosine from which two pictures look alike, such as two crops of one: never side by side
    )
    may_cost: float = 0.7  # log-odds that the best of what variety leaves may lie below the best: half the odds


def of_little_part(snapshot: Snapshot, guards: Guards) -> np.ndarray:
    """(artworks,) bool: what must not be sold as its title's lead.

    The catalog's `prominence` decides where it is given. Else the billing does: the title names people and the artwork shows some,
    none of whom is among the first `leads` of them. Where either says nothing, nothing is held against the artwork.
    """
    given = pc.fill_null(snapshot.artwork["prominence"], np.nan).to_numpy().astype(np.float64)
    little: np.ndarray = given < guards.least_prominence  # nan is not
    if guards.leads:
        little |= np.isnan(given) & _shows_no_lead(snapshot, guards.leads)
    return little


def _shows_no_lead(snapshot: Snapshot, leads: int) -> np.ndarray:
    begins, people = snapshot.shown
    count = max(len(snapshot.people), 1)
    billed = snapshot.titles["people"].combine_chunks()
    sizes = pc.fill_null(pc.list_value_length(billed), 0).to_numpy()
    encoded = billed.flatten().dictionary_encode()
    known = np.array([snapshot.people.get(fold(name), -1) for name in encoded.dictionary.to_pylist()] + [-1], np.int64)
    numbers = known[pc.fill_null(encoded.indices, len(known) - 1).to_numpy()]
    titles, places = np.arange(len(sizes)).repeat(sizes), spans(np.zeros(len(sizes), np.int64), sizes)
    is_lead = (places < leads) & (numbers >= 0)
    leading = np.unique(titles[is_lead] * count + numbers[is_lead])
    of_rows = np.arange(len(sizes)).repeat(snapshot.index.sizes(np.arange(len(sizes))))  # the title of each artwork
    shown = np.diff(begins)
    owners = np.arange(len(shown)).repeat(shown)
    found = np.isin(of_rows[owners] * count + people, leading)
    with_lead = np.bincount(owners[found], minlength=len(shown)) > 0
    no_lead: np.ndarray = (shown > 0) & ~with_lead & (sizes > 0)[of_rows]
    return no_lead


@dataclass(frozen=True)
class Guarded:
    """A snapshot as the guards look at it; what they need is made when it is first asked for."""

    snapshot: Snapshot
    _little: dict[Guards, np.ndarray] = field(default_factory=dict, repr=False, compare=False)

    def little(self, guards: Guards) -> np.ndarray:
        """`of_little_part`, remembered."""
        if (found := self._little.get(guards)) is None:
            found = self._little[guards] = of_little_part(self.snapshot, guards)
        return found

    @cached_property
    def marks(self) -> "Marks":
        """Of all artwork."""
        return Marks.of(self.snapshot)


@dataclass(frozen=True)
class Marks:
    """What two artworks may have in common on a page: who is on them, and their main tag."""

    begins: np.ndarray  # (n + 1,) where each artwork's begin in the other
    numbers: np.ndarray  # int64

    @classmethod
    def of(cls, snapshot: Snapshot) -> "Marks":
        """Those of all artwork. The main tag is the first that is no denial."""
        begins, people = snapshot.shown
        tags = _main_tags(snapshot.artwork["tags"].combine_chunks())
        has_tag = tags >= 0
        counts = np.diff(begins) + has_tag
        ends = np.cumsum(counts)
        numbers = np.empty(ends[-1] if len(ends) else 0, np.int64)
        first = ends - counts
        numbers[spans(first.astype(np.int64), np.diff(begins).astype(np.int64))] = people
        numbers[(ends - 1)[has_tag]] = len(snapshot.people) + tags[has_tag]
        return cls(np.append(0, ends), numbers)

    def taken(self, rows: np.ndarray) -> "Marks":
        """Those of some artwork (n,), in its order."""
        first = self.begins[rows]
        counts = self.begins[rows + 1] - first
        return Marks(np.append(0, np.cumsum(counts)), self.numbers[spans(first, counts)])

    def at(self, place: int) -> list[int]:
        """One artwork's."""
        begins, numbers = self._listed
        return numbers[begins[place] : begins[place + 1]]

    @cached_property
    def _listed(self) -> tuple[list[int], list[int]]:
        """Of a page, whose choices are looked at one by one; of a whole catalog it would be big."""
        return self.begins.tolist(), self.numbers.tolist()

    def bearing(self, span: slice, marks: Iterable[int]) -> np.ndarray:
        """(places of the span,) bool: which bear any of the marks."""
        begins = self.begins[span.start : span.stop + 1]
        is_one = np.isin(self.numbers[begins[0] : begins[-1]], list(marks))
        sums = np.append(0, np.cumsum(is_one))
        found: np.ndarray = np.diff(sums[begins - begins[0]]) > 0
        return found


def _main_tags(tags: pa.ListArray) -> np.ndarray:
    """(n,) int64 numbers of folded tags; -1 where an artwork has none."""
    sizes = pc.fill_null(pc.list_value_length(tags), 0).to_numpy()
    encoded = tags.flatten().dictionary_encode()
    folded = [fold(tag or "") for tag in encoded.dictionary.to_pylist()]
    numbers = {name: number for number, name in enumerate(sorted(set(folded))) if name and not name.startswith("no ")}
    known = np.array([numbers.get(name, -1) for name in folded] + [-1], np.int64)
    flat = known[pc.fill_null(encoded.indices, len(folded)).to_numpy()]
    owners = np.arange(len(sizes)).repeat(sizes)[flat >= 0]
    first, at = np.unique(owners, return_index=True)
    main = np.full(len(sizes), -1, np.int64)
    main[first] = flat[flat >= 0][at]
    return main


class Row:
    """The marks of the latest choices of a page, as it fills."""

    def __init__(self, guards: Guards) -> None:
        self.guards, self.latest, self.counts = guards, deque[list[int]](), defaultdict[int, int](int)
        self.full: set[int] = set()  # marks that may not be shown again yet

    def add(self, marks: list[int]) -> None:
        """The next choice."""
        self.latest.append(marks)
        for mark in marks:
            self.counts[mark] += 1
            if self.counts[mark] >= self.guards.most_alike:
                self.full.add(mark)
        if len(self.latest) >= self.guards.of_a_row:  # what is chosen next is the last of a row of so many
            for mark in self.latest.popleft():
                self.counts[mark] -= 1
                if self.counts[mark] < self.guards.most_alike:
                    self.full.discard(mark)
