"""Taste: from what people watched and what they say of themselves to phrases a person can read, and from them to vectors.

History gives genres, moods, people and keywords of the titles, each watch weighted by how much was watched, how long ago, and how
rare the phrase is among users; what people say gives phrases of their own. Half of the weight is history's, half is theirs.

Read `embed_users` first: it is the whole flow. Users pass through in blocks, as arrays, so that it takes the memory of one block.
What it leaves behind depends only on the catalog and on what the store held before: phrases are committed as they are encoded,
profiles a block at a time in a draft. Killed anywhere, it is run again, goes on there and ends the same.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from embed.catalog import Catalog
from embed.locks import only_writer
from embed.ragged import counted, distinct, first_of
from embed.records import Audience, Phrase, Profile, fold
from embed.spill import Spill, spill
from embed.store import Store, check_fingerprint, has_table, mend_table, read_table, tidy_table
from embed.tastes import interests, phrases, selection, wording
from embed.tastes.audience import Sums, language_tag
from embed.tastes.by_user import KNOWN, SAID, TRACE, WATCHED, sorted_traces, users_of
from embed.tastes.drafts import Draft, open_draft
from embed.tastes.interests import interests_of, interests_of_many, mixtures_of
from embed.tastes.phrase_book import PhraseBook, Progress, open_book
from embed.tastes.phrases import (
    ADJECTIVES,
    FILMS,
    PROMPTS,
    Divided,
    common_vectors,
    encode_phrases,
    encode_prompts,
    neutral_vector,
    split_phrases,
)
from embed.tastes.profiles import profile_table, write_audience
from embed.tastes.selection import PHRASES, Entries, Selection, TitlePhrases, entries_of_watches, select
from embed.tastes.vocabulary import Vocabulary
from embed.tastes.wording import Wording, entries_of, phrases_said

if TYPE_CHECKING:
    from embed.encoder import Encoder

__all__ = [
    "ADJECTIVES",
    "FILMS",
    "PHRASES",
    "PROMPTS",
    "TasteReport",
    "audience_of",
    "embed_users",
    "encode_prompts",
    "profile_from_text",
    "split_phrases",
]

HALF_LIFE_DAYS = 180.0  # a watch this much older than the newest one counts half
TABLES = ("phrases", "profiles", "averages", "audience")
KIND_ENDS = "\n"  # between a phrase's kind and its words, where both are one text; no kind has it
RULES = 3  # by which profiles are made; another number, and no draft of before is gone on with


@dataclass(frozen=True)
class TasteReport:
    """What a run of `embed_users` did."""

    users: int
    phrases: int  # distinct, over all users
    encoded: int  # of them, those that were new to the store
    split: tuple[Divided, ...]  # texts that were longer than the text tower reads and so were divided


def embed_users(
    catalog: Catalog, store: Store, encoder: "Encoder", progress: Progress = lambda done, total: None
) -> TasteReport:
    """Write every user's profile, the vectors of phrases not met before, and the audience; replaces what was there.

    `progress` is told of phrases encoded: (done, of how many that are known to be needed). Stopped, it goes on where it was; the
    former profiles serve until all are there.

    Raises FingerprintError where the encoder is not the store's, CatalogError where the history is of titles that the catalog has
    not, StoreError where another process writes users.
    """
    check_fingerprint(store, encoder.choice, encoder.fingerprint)
    with only_writer(store.lock(f"{store.folder}-users"), "embed_users"):
        for table in TABLES:  # the draft is mended as it is opened
            mend_table(store, table)
        book = open_book(store, encoder)
        _learn_edits(store, book)
        words = Wording.of(catalog, book)
        census = _Census(words.titles, len(book.vocabulary))
        traces = spill(map(census.counted, sorted_traces(catalog)), TRACE)
        draft = open_draft(store, census.digest(catalog, encoder))
        commons = common_vectors(book.encode_prompts)
        _write_profiles(draft, traces, words, census, commons, progress)
        sums, used = _sums(draft, book)
        draft.publish()
        write_audience(store, sums.audience(encoder.fingerprint, neutral_vector(book.encode_prompts), commons))
        draft.drop()
        for table in TABLES:
            tidy_table(store, table)
    return TasteReport(draft.users, used, book.encoded, tuple(words.divided.values()))


def profile_from_text(user_id: str, text: str, encoder: "Encoder", *, people: Iterable[str] = ()) -> Profile:
    """A profile made of words alone, for a user the store does not know: "dark forests, monsters".

    Its vectors are (phrases, d) float32; of an empty text (0, d). Phrases that name one of `people` are matched to artwork by identity,
    too; a phrase that is longer than the text tower reads is divided. Raises EncoderError where a vector is not finite.
    """
    vocabulary = Vocabulary()
    known = {fold(name): ("person", name) for name in people}
    stated = entries_of(phrases_said(text, known, encoder)[0], 1.0, vocabulary)
    nothing = entries_of([], 1.0, vocabulary)
    chosen = select(1, nothing, stated, vocabulary)
    keys = [vocabulary.keys[number] for number in chosen.phrases.tolist()]
    vectors = encode_phrases(keys, encoder)
    commons = common_vectors(partial(encode_prompts, encoder=encoder))
    common = np.array([commons[kind] for kind, _ in keys], np.float32).reshape(vectors.shape)
    numbers = interests_of(chosen.weights, vectors, common).tolist()
    told = zip(keys, chosen.weights.tolist(), numbers, strict=True)
    found = tuple(Phrase(words, kind, weight, (), interest) for (kind, words), weight, interest in told)
    return Profile(user_id, found, vectors, encoder.fingerprint, "stated" if found else "")


def audience_of(profiles: Sequence[Profile], encoder: "Encoder") -> Audience:
    """What `profiles` have in common: the mean of their interests, and how they spread around it."""
    sums = Sums(encoder.dimension)
    for profile in (profile for profile in profiles if profile.phrases):
        sums.add(*profile.interests)
        sums.users += 1
    encode = partial(encode_prompts, encoder=encoder)
    return sums.audience(encoder.fingerprint, neutral_vector(encode), common_vectors(encode))


def _learn_edits(store: Store, book: PhraseBook) -> None:
    """Edited profiles stay as they are; this encoder may not know their phrases yet."""
    lists = read_table(store, "edits")["phrases"].to_pylist() if has_table(store, "edits") else []
    book.learn(book.vocabulary.numbers((phrase["kind"], phrase["text"]) for phrases in lists for phrase in phrases))


@dataclass
class _Census:
    """What must be known of all users before the first profile is made."""

    titles: TitlePhrases
    phrases: int  # of the vocabulary, where the titles' are
    newest: int = 0  # microseconds since 1970 in UTC
    watchers: int = 0
    watched: np.ndarray = field(init=False)  # (phrases,) int64: how many users watched a title that has it

    def __post_init__(self) -> None:
        from xxhash import xxh3_128

        self.watched = np.zeros(self.phrases, np.int64)
        self._digest = xxh3_128()

    def counted(self, block: pa.RecordBatch) -> pa.RecordBatch:
        """A block of whole users, which is counted."""
        self._digest.update(block.serialize())
        watches, of_users = _rows(block, WATCHED), users_of(block)[1]
        self.newest = max(self.newest, int(block["at"].to_numpy()[watches].max(initial=np.iinfo(np.int64).min)))
        watches = watches[block["amount"].to_numpy()[watches] > 0]
        self.watchers += len(distinct(of_users[watches]))
        titles = len(self.titles.starts) - 1
        seen = distinct(of_users[watches] * titles + block["title"].to_numpy()[watches])
        once, alike = np.ones(len(seen)), np.ones(len(self.titles.numbers))
        every = entries_of_watches(*np.divmod(seen, max(titles, 1)), once, self.titles, alike)
        once = first_of(every.users, every.phrases) == counted(len(every.users))
        self.watched += np.bincount(every.phrases[once], minlength=self.phrases)
        return block

    @property
    def rarity(self) -> np.ndarray:
        """(n of `titles`,) float64: log(1 + (users + 1) / (those who watched it + 1)).

        The inverse user frequency of Breese, Heckerman and Kadie (1998, arXiv 1301.7363), log(users / those who watched it): what
        everyone watches says little of anyone. Smoothed by one more user, who has watched everything (as scikit-learn's
        smooth_idf has one more document), and by the 1 within, so that even then it says something: of a store of one user every
        phrase counts log 2.
        """
        rarity: np.ndarray = np.log1p((self.watchers + 1) / (self.watched[self.titles.numbers] + 1))
        return rarity

    def digest(self, catalog: Catalog, encoder: "Encoder") -> str:
        """Of all that profiles are made of."""
        rules = (RULES, HALF_LIFE_DAYS, selection.PHRASES, wording.SHARES, phrases.PROMPTS, interests.ALIKE, interests.MOST)
        self._digest.update(repr((rules, encoder.fingerprint)).encode())
        words = catalog.titles.select(["title_id", "genres", "moods", "people", "keywords"]), catalog.artwork.select(["people"])
        for batch in (batch for table in words for batch in table.combine_chunks().to_batches()):
            self._digest.update(batch.serialize())
        return str(self._digest.hexdigest())


def _rows(block: pa.RecordBatch, what: int) -> np.ndarray:
    return np.flatnonzero(block["what"].to_numpy() == what)


def _write_profiles(
    draft: Draft, traces: Spill, words: Wording, census: _Census, commons: Mapping[str, np.ndarray], progress: Progress
) -> None:
    """The profiles that the draft has not yet, a block of users at a time."""
    book, rarity = words.book, census.rarity
    common, number_of = np.array(list(commons.values())), {kind: number for number, kind in enumerate(commons)}
    for block in traces.batches():
        users, of_users = users_of(block)
        said = _rows(block, SAID)
        texts, weights = block["text"].take(pa.array(said)).to_pylist(), block["amount"].to_numpy()[said].astype(np.float64)
        stated = words.stated(users, of_users[said], texts, weights)  # looked at in any case: what had to be divided is told
        if draft.has(users[-1].as_py()):
            continue
        watched = _watched(block, of_users, census, rarity)
        chosen = select(len(users), watched, stated, book.vocabulary)
        words.note_divided(book.learn(chosen.phrases, progress))
        distinct, each = np.unique(chosen.phrases, return_inverse=True)
        kinds = np.array([number_of[book.vocabulary.keys[number][0]] for number in distinct.tolist()], np.int64)
        apart = book.vectors[book.rows(distinct)] - common[kinds]
        numbers = interests_of_many(chosen.starts, chosen.weights, each, apart)
        columns: dict[str, Sequence[str | None]] = {
            "source": _sources(chosen, watched, stated),
            **_known(block, of_users, len(users)),
        }
        keys = (book.vocabulary.keys, words.title_ids)
        draft.append(profile_table(users, chosen, numbers, keys, book.store.fingerprint, columns))


def _watched(block: pa.RecordBatch, of_users: np.ndarray, census: _Census, rarity: np.ndarray) -> Entries:
    """A watch counts by how much was watched and by its age when the newest of all was watched."""
    rows = _rows(block, WATCHED)
    age = (census.newest - block["at"].to_numpy()[rows]) / 1e6 / 86400  # days
    worth = block["amount"].to_numpy()[rows].astype(np.float64) * 0.5 ** (age / HALF_LIFE_DAYS)
    titles = block["title"].to_numpy()[rows].astype(np.int64)
    return entries_of_watches(of_users[rows], titles, worth, census.titles, rarity)


def _sources(chosen: Selection, watched: Entries, stated: Entries) -> list[str]:
    """See PROFILE."""
    users = len(chosen.starts) - 1
    seen, said = np.zeros((2, users), bool)
    seen[watched.users[watched.weights > 0]] = True
    said[stated.users] = True
    words = np.array(["", "history", "stated", "history and stated"])
    return [str(source) for source in words[np.where(np.diff(chosen.starts) > 0, seen + 2 * said, 0)]]


def _known(block: pa.RecordBatch, of_users: np.ndarray, users: int) -> dict[str, list[str | None]]:
    """Each user's locale and segment; the last row of a user holds."""
    known: dict[str, list[str | None]] = {"locale": [None] * users, "segment": [None] * users}
    rows = _rows(block, KNOWN)
    taken = block.take(pa.array(rows))
    values = zip(of_users[rows].tolist(), taken["text"].to_pylist(), taken["segment"].to_pylist(), strict=True)
    for user, locale, segment in values:
        known["locale"][user], known["segment"][user] = locale, segment
    return known


def _sums(draft: Draft, book: PhraseBook) -> tuple[Sums, int]:
    """What the users of a whole draft have in common, and how many phrases they have together."""
    sums, used = Sums(book.store.dimension), np.empty(0, np.int64)
    for batch in draft.batches(["phrases", "locale", "segment"]):
        lists = batch["phrases"]
        starts, told = lists.offsets.to_numpy().astype(np.int64), lists.flatten()
        of_batch = _numbered(book.vocabulary, *(pc.struct_field(told, name) for name in ("kind", "text")))
        book.learn(of_batch)  # nothing, unless a power cut took vectors of a draft that was gone on with
        rows = book.rows(of_batch)
        weights, numbers = (pc.struct_field(told, name).to_numpy() for name in ("weight", "interest"))
        mixtures = mixtures_of(starts - starts[0], rows, weights, numbers)
        locales = [locale and language_tag(locale) for locale in batch["locale"].to_pylist()]
        sums.add_users(mixtures, book.vectors, {"locale": locales, "segment": batch["segment"].to_pylist()})
        used = np.union1d(used, rows)
    return sums, len(used)


def _numbered(vocabulary: Vocabulary, kinds: pa.Array, texts: pa.Array) -> np.ndarray:
    """(n,) int64 of n phrases, each looked up once however many users share it."""
    pairs = pc.binary_join_element_wise(kinds, texts, KIND_ENDS).dictionary_encode()
    known = vocabulary.numbers(
        (kind, text) for kind, text in (pair.split(KIND_ENDS, 1) for pair in pairs.dictionary.to_pylist())
    )
    numbers: np.ndarray = known[pairs.indices.to_numpy()]
    return numbers
