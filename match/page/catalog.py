"""The artwork that the page shows, numbered in the order of its titles, and the letters that are looked for in it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from embed.records import fold
from index.snapshot import Snapshot

REMEMBERED = 32  # lookings for letters


@dataclass(frozen=True)
class Catalog:
    """Make one with `Catalog.of`; read-only, and may be shared between threads."""

    snapshot: Snapshot
    rows: np.ndarray  # (n,) int64: the snapshot's row of each number
    _found: dict[tuple[str, ...], np.ndarray] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, snapshot: Snapshot, title_ids: Sequence[str]) -> "Catalog":
        """All artwork of these titles; a title that nobody knows has none."""
        first, known = snapshot.index.first_rows, snapshot.title_numbers
        numbers = [known[title_id] for title_id in dict.fromkeys(title_ids) if title_id in known]
        parts = [np.arange(first[number], first[number + 1]) for number in numbers]
        return cls(snapshot, np.concatenate([np.empty(0, np.int64), *parts]))

    @cached_property
    def titles(self) -> np.ndarray:
        """(n,) int64: the number of each artwork's title in the snapshot."""
        return self.snapshot.index.titles_of(self.rows)

    @cached_property
    def vectors(self) -> np.ndarray:
        """(n, d) float32, copied."""
        return self.snapshot.index.vectors_of(self.rows)

    @cached_property
    def letters(self) -> list[str]:
        """Folded, what can be read of each artwork: its title, id, caption, people and tags."""
        columns = [self.snapshot.take(name, self.rows).to_pylist() for name in ("artwork_id", "caption", "people", "tags")]
        names = self.snapshot.titles["name"].to_pylist()
        told = zip(self.titles.tolist(), *columns, strict=True)
        return [
            fold(" \n ".join((names[title], artwork_id, caption or "", *people, *tags)))
            for title, artwork_id, caption, people, tags in told
        ]

    def found(self, words: str) -> np.ndarray:
        """(m,) int64, rising: the numbers of the artwork that has each of the words somewhere; all where there are none."""
        asked = tuple(fold(words).split())
        if not asked:
            return np.arange(len(self.rows))
        if (found := self._found.get(asked)) is None:
            first, *others = sorted(asked, key=len, reverse=True)  # the longest word leaves the fewest
            holding = [number for number, text in enumerate(self.letters) if first in text]
            for word in others:
                holding = [number for number in holding if word in self.letters[number]]
            found = self._found[asked] = np.array(holding, np.int64)
            while len(self._found) > REMEMBERED:
                self._found.pop(next(iter(self._found)), None)
        return found
