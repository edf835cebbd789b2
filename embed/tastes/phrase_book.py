"""The store's phrases with their vectors: each is encoded once, and committed soon after."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from embed.records import phrase_schema
from embed.store import Store, append_rows, has_table, vector_array
from embed.tastes.phrases import PROMPT, encode_phrases, mean_unit
from embed.tastes.profiles import read_phrase_vectors
from embed.tastes.vocabulary import PhraseKey, Vocabulary

if TYPE_CHECKING:
    from embed.encoder import Encoder

CHUNK = 256  # phrases encoded between two commits, and so between two reports of progress

Progress = Callable[[int, int], None]  # (phrases done, of how many that are known to be needed)


@dataclass
class PhraseBook:
    """Phrases by number, those that were encoded with a row of `vectors`. Make one with `open_book`."""

    store: Store
    encoder: "Encoder"
    vocabulary: Vocabulary
    vectors: np.ndarray  # (rows, d) float32, with room for more
    encoded: int = 0  # since it was opened, prompts of nobody's phrases aside
    _row: dict[int, int] = field(default_factory=dict)  # number to row of `vectors`

    def has(self, key: PhraseKey) -> bool:
        """Whether the phrase was encoded, so that it is known to fit the tower."""
        return key in self.vocabulary and self.vocabulary.number(key) in self._row

    def rows(self, numbers: np.ndarray) -> np.ndarray:
        """(n,) int64 rows of `vectors` of phrases (n,) that were encoded."""
        rows = np.zeros(len(self.vocabulary), np.int64)
        rows[list(self._row)] = list(self._row.values())
        found: np.ndarray = rows[numbers]
        return found

    def learn(self, numbers: np.ndarray, progress: Progress = lambda done, total: None) -> list[PhraseKey]:
        """Encode those of the phrases (n,) that were not, and commit them a CHUNK at a time; returns them.

        In the order of kind and text, so that a run that was killed and goes on makes the same batches.
        """
        new = sorted(self.vocabulary.keys[number] for number in set(numbers.tolist()) - self._row.keys())
        before = self.encoded
        for start in range(0, len(new), CHUNK):
            some = new[start : start + CHUNK]
            vectors = encode_phrases(some, self.encoder)
            append_phrases(self.store, some, vectors)
            self._keep(self.vocabulary.numbers(some), vectors)
            self.encoded += len(some)
            progress(self.encoded, before + len(new))
        return new

    def encode_prompts(self, groups: Sequence[Sequence[str]]) -> list[np.ndarray]:
        """As embed.tastes.phrases.encode_prompts; what was encoded once stays in the book, as phrases do."""
        before = self.encoded
        numbers = [self.vocabulary.numbers((PROMPT, text) for text in group) for group in groups]
        self.learn(np.concatenate(numbers))
        self.encoded = before
        return [mean_unit(self.vectors[self.rows(group)]) for group in numbers]

    def _keep(self, numbers: np.ndarray, vectors: np.ndarray) -> None:
        first = len(self._row)
        while first + len(numbers) > len(self.vectors):
            self.vectors = np.concatenate([self.vectors, np.empty_like(self.vectors), np.empty_like(vectors)])
        self.vectors[first : first + len(numbers)] = vectors
        self._row.update(zip(numbers.tolist(), range(first, first + len(numbers)), strict=True))


def open_book(store: Store, encoder: "Encoder") -> PhraseBook:
    """All phrases of the store; makes its table where there is none."""
    if not has_table(store, "phrases"):
        append_phrases(store, [], np.empty((0, store.dimension), np.float32))
    known = read_phrase_vectors(store)
    book = PhraseBook(store, encoder, Vocabulary(), np.empty((0, store.dimension), np.float32))
    stacked = np.array(list(known.values()), np.float32).reshape(len(known), store.dimension)
    book._keep(book.vocabulary.numbers(known), stacked)
    return book


def append_phrases(store: Store, keys: Sequence[PhraseKey], vectors: np.ndarray) -> None:
    """Add phrases with their vectors (n, d) to the store's, as one commit."""
    columns = [
        pa.array([kind for kind, _ in keys], pa.string()),
        pa.array([text for _, text in keys], pa.string()),
        pa.array([store.fingerprint] * len(keys), pa.string()),
        vector_array(vectors),
    ]
    append_rows(store, "phrases", pa.Table.from_arrays(columns, schema=phrase_schema(store.dimension)))
