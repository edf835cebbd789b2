"""Phrases by number: users share them, so that whatever is done for many users at once is done with numbers."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from embed.records import fold

PhraseKey = tuple[str, str]  # (kind, text)


@dataclass
class Vocabulary:
    """Phrases in the order in which they were met. The same words of two kinds are two phrases, and one wording."""

    keys: list[PhraseKey] = field(default_factory=list)
    wordings: list[int] = field(default_factory=list)  # by phrase: the number of its words, case and spacing aside
    _numbers: dict[PhraseKey, int] = field(default_factory=dict)
    _worded: dict[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.keys)

    def __contains__(self, key: PhraseKey) -> bool:
        return key in self._numbers

    def number(self, key: PhraseKey) -> int:
        """The phrase's number, a new one where it was not met before."""
        number = self._numbers.setdefault(key, len(self.keys))
        if number == len(self.keys):
            self.keys.append(key)
            self.wordings.append(self._worded.setdefault(fold(key[1]), len(self._worded)))
        return number

    def numbers(self, keys: Iterable[PhraseKey]) -> np.ndarray:
        """(n,) int64 of n phrases."""
        return np.array([self.number(key) for key in keys], np.int64)

    def ranks(self, numbers: np.ndarray) -> np.ndarray:
        """(n,) int64: the places of phrases (n,) in the order of kind and text, the same phrase having one."""
        asked = np.zeros(len(self), bool)
        asked[numbers] = True
        ordered = sorted(np.flatnonzero(asked).tolist(), key=self.keys.__getitem__)
        ranks = np.zeros(len(self), np.int64)
        ranks[ordered] = np.arange(len(ordered))
        found: np.ndarray = ranks[numbers]
        return found
