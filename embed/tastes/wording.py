"""From the catalog's words and the users' own to phrases by number."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from embed.catalog import Catalog
from embed.records import fold
from embed.tastes.phrase_book import PhraseBook
from embed.tastes.phrases import Divided, genre_phrase, pieces_of, split_phrases
from embed.tastes.selection import Entries, TitlePhrases
from embed.tastes.vocabulary import PhraseKey, Vocabulary

if TYPE_CHECKING:
    from embed.encoder import Encoder

# Of a watch's weight: what a title is, before how it feels, who is in it and what it is about.
SHARES = {"genre": 1.0, "mood": 0.6, "person": 0.7, "keyword": 0.5}
REMEMBERED = 1 << 16  # texts whose phrases are kept: users share them

Said = list[tuple[PhraseKey, float]]  # phrases of a text, and each one's share of its weight


def known_words(catalog: Catalog) -> dict[str, PhraseKey]:
    """Folded words to the mood, genre or person that they name: who says "comedy" or "funny films" means what a comedy in the
    history means, and who names someone means that person as the catalog first spells it."""
    moods = {fold(mood): ("mood", fold(mood)) for mood in _all(catalog.titles, "moods")}
    genres = {
        fold(word): ("genre", genre_phrase(genre))
        for genre in _all(catalog.titles, "genres")
        for word in (genre, genre_phrase(genre))
    }
    return moods | genres | {folded: ("person", name) for folded, name in spellings(catalog).items()}


def spellings(catalog: Catalog) -> dict[str, str]:
    """Folded name to name as the catalog first spells it, of all whom it knows."""
    found: dict[str, str] = {}
    for table in (catalog.titles, catalog.artwork):
        for name in _all(table, "people"):
            found.setdefault(fold(name), name)
    return found


def _all(table: pa.Table, column: str) -> Iterable[str]:
    """Each once, in the order in which they come."""
    return dict.fromkeys(word for words in table[column].to_pylist() for word in words or ())


@dataclass
class Wording:
    """What this catalog calls things. Make one with `Wording.of`."""

    book: PhraseBook
    known: dict[str, PhraseKey]
    title_ids: pa.Array
    titles: TitlePhrases
    divided: dict[tuple[str, str], Divided]  # by field and text: the first place of each
    _said: dict[str, Said] = field(default_factory=dict)

    @classmethod
    def of(cls, catalog: Catalog, book: PhraseBook) -> "Wording":
        divided: dict[tuple[str, str], Divided] = {}
        title_ids = catalog.titles["title_id"].combine_chunks()
        titles = _title_phrases(catalog, book, divided)
        return cls(book, known_words(catalog), title_ids, titles, divided)

    def stated(self, users: pa.Array, owners: np.ndarray, texts: Iterable[str], weights: np.ndarray) -> Entries:
        """What users say as entries. owners: (n,) int64 places among `users`, ascending; texts: n; weights: (n,)."""
        of_texts = [self._phrases(text, users[owner].as_py()) for text, owner in zip(texts, owners.tolist(), strict=True)]
        numbers = self.book.vocabulary.numbers(key for said in of_texts for key, _ in said)
        shares = np.array([share for said in of_texts for _, share in said])
        counts = np.array([len(said) for said in of_texts], np.int64)
        return Entries(
            np.repeat(owners, counts), numbers, np.repeat(weights, counts) / shares, np.zeros(len(numbers), np.int64)
        )

    def note_divided(self, keys: Iterable[PhraseKey]) -> None:
        """Of phrases that were encoded just now, those that have a name: such a one stays whole, its pieces are averaged."""
        for kind, text in keys:
            column = {"genre": "genres", "mood": "moods", "person": "people"}.get(kind)
            if column and len(pieces_of(text, self.book.encoder)) > 1:
                self.divided.setdefault((column, text), Divided(*self._place(kind, text), column, text))

    def _place(self, kind: str, text: str) -> tuple[str, str]:
        at = np.flatnonzero(self.titles.numbers == self.book.vocabulary.number((kind, text)))
        if not len(at):
            return "artwork", f"person {text!r}"
        title = int(np.searchsorted(self.titles.starts, at[0], side="right")) - 1
        return "titles", f"title {self.title_ids[title].as_py()!r}"

    def _phrases(self, text: str, user_id: str) -> Said:
        """The phrases of a text, each with the number of pieces that share its weight."""
        if (said := self._said.get(text)) is None:
            if len(self._said) >= REMEMBERED:
                self._said.clear()
            said, divided = phrases_said(text, self.known, self.book.encoder, self.book)
            self._said[text] = said
            for long in divided:
                self.divided.setdefault(("text", long), Divided("tastes", f"user {user_id!r}", "text", long))
        return said


def phrases_said(
    text: str, known: dict[str, PhraseKey], encoder: "Encoder", book: PhraseBook | None = None
) -> tuple[Said, list[str]]:
    """(phrases, each with the number of pieces among which its weight is divided; those that had to be divided).

    known: folded words to the mood, genre or person that they name; what `book` has encoded is known to fit.
    """
    said, divided = [], []
    for phrase in split_phrases(text):
        named = known.get(fold(phrase))
        whole = named is not None or (book is not None and book.has(("stated", phrase)))
        pieces = [phrase] if whole else pieces_of(phrase, encoder)
        divided += [phrase] if len(pieces) > 1 else []
        said += [(known.get(fold(piece)) or ("stated", piece), float(len(pieces))) for piece in pieces]
    return said, divided


def entries_of(said: Said, weight: float, vocabulary: Vocabulary) -> Entries:
    """One text of one user."""
    numbers = vocabulary.numbers(key for key, _ in said)
    weights = weight / np.array([share for _, share in said])
    return Entries(np.zeros(len(said), np.int64), numbers, weights, np.zeros(len(said), np.int64))


def _title_phrases(catalog: Catalog, book: PhraseBook, divided: dict[tuple[str, str], Divided]) -> TitlePhrases:
    people = spellings(catalog)
    pieces: dict[PhraseKey, list[str]] = {}

    def words(row: dict[str, Any], column: str, kind: str) -> Iterator[PhraseKey]:
        for word in row[column] or ():
            text = fold(word) if kind == "mood" else word
            if (kind, text) not in pieces:
                pieces[kind, text] = [text] if book.has((kind, text)) else pieces_of(text, book.encoder)
            if len(pieces[kind, text]) > 1:
                where = f"title {row['title_id']!r}"
                divided.setdefault((column, word), Divided("titles", where, column, word))
            yield from ((kind, piece) for piece in pieces[kind, text])

    numbers, counts = [], [0]
    for row in catalog.titles.to_pylist():
        genres = [("genre", genre_phrase(genre)) for genre in row["genres"] or ()]
        persons = [("person", people[fold(person)]) for person in row["people"] or ()]
        keys = [*genres, *words(row, "moods", "mood"), *persons, *words(row, "keywords", "keyword")]
        of_title = list(dict.fromkeys(keys))  # each once
        numbers.append(book.vocabulary.numbers(of_title))
        counts.append(len(of_title))
    flat = np.concatenate([np.empty(0, np.int64), *numbers])
    shares = np.array([SHARES[book.vocabulary.keys[number][0]] for number in flat.tolist()])
    return TitlePhrases(np.cumsum(counts), flat, shares)
