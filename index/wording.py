"""What a store has to publish of words: those that the artwork bears, the lines of copy, and what contradicts what; checked."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from embed.errors import FingerprintError, StoreError
from embed.ragged import spans
from embed.records import COPY
from embed.store import Store, has_table, read_rows, read_table, read_vectors
from embed.tags import can_contradict, contradict, read_tag
from embed.words import READ_AS, WORDS
from index.changes import title_means
from index.filters import speaks
from index.titles import BLOCK, are_units, runs
from index.words import Lines, Words

SAMPLED = 1 << 15  # artworks or lines in which the scatter is measured; of more, titles that lie evenly among all
SAME = 1e-3  # of a unit vector: what is nearer to its title's mean is that but for rounding
PAIRS = 1 << 22  # of a line and an artwork, looked at at a time
NONE = -1

Fetch = Callable[[np.ndarray], np.ndarray]  # some of the members (n,) to their vectors (n, d) float32
Clash = Callable[[int, int], bool]


@dataclass(frozen=True)
class _Said:
    """A column of texts, read as words: key j of `keys` is said by `owners[i]` wherever `numbers[i]` is j."""

    keys: list[str]  # "kind\ntext"
    owners: np.ndarray
    numbers: np.ndarray


def read_words(store: Store, titles: pa.Table, artwork: pa.Table, first_rows: np.ndarray) -> tuple[Words, Lines]:
    """The words of titles and artwork (as a snapshot has them), and their lines of copy.

    A store whose artwork an earlier release embedded has no vectors of words: then there are none, until the job has run again.
    Raises StoreError where a word has no vector, or a line no title, FingerprintError where a vector is of another encoder.
    """
    copy = _copy(store)
    first_lines = _first_lines(store, titles, copy)
    if not has_table(store, WORDS) and not len(copy):
        return _nothing(store, len(artwork), first_lines, copy)
    of_tags = _said("tag", *_flat(artwork["tags"]))
    of_artwork = _said("copy", artwork["copy"], np.arange(len(artwork)))
    of_lines = _said("copy", copy["text"], np.arange(len(copy)))
    keys = np.unique(np.array([*of_tags.keys, *of_artwork.keys, *of_lines.keys], object))
    vectors = _vectors(store, keys.tolist())
    begins, numbers = _borne(keys, (of_tags, of_artwork), len(artwork))
    words = Words(_table(keys), vectors, begins, numbers, np.empty((0, 0), np.float32))  # its scatter is measured below
    bearing = words.bearing(np.arange(len(artwork))) > 0
    sizes = np.diff(np.concatenate([[0], np.cumsum(bearing)])[first_rows])
    scatter = _scatter(words.means, np.flatnonzero(bearing), sizes, store.dimension)
    line_words = (
        np.searchsorted(keys, np.array(of_lines.keys, object)[of_lines.numbers]) if len(copy) else np.empty(0, np.int64)
    )
    of_copy = _scatter(lambda lines: vectors[line_words[lines]], np.arange(len(copy)), np.diff(first_lines), store.dimension)
    lines = Lines(copy, first_lines, line_words, of_copy, _opposed(copy, artwork, first_lines, first_rows), len(artwork))
    return replace(words, scatter=scatter), lines


def _copy(store: Store) -> pa.Table:
    """The lines, by title_id and then copy_id."""
    table = read_table(store, "copy", COPY.names) if has_table(store, "copy") else COPY.empty_table()
    return table.sort_by([("title_id", "ascending"), ("copy_id", "ascending")]).combine_chunks()


def _first_lines(store: Store, titles: pa.Table, copy: pa.Table) -> np.ndarray:
    """(titles + 1,) int64: where each title's lines begin."""
    numbers = pc.index_in(copy["title_id"], titles["title_id"].combine_chunks())
    if numbers.null_count:
        stranger = copy["title_id"].filter(pc.is_null(numbers))[0].as_py()
        raise StoreError(
            f"{store.root} has copy of title {stranger!r} and no such title: the last run of scripts/embed_artwork.py was "
            "stopped as it ended; run it again"
        )
    first: np.ndarray = np.searchsorted(numbers.to_numpy(), np.arange(len(titles) + 1)).astype(np.int64)
    return first


def _nothing(store: Store, artworks: int, first_lines: np.ndarray, copy: pa.Table) -> tuple[Words, Lines]:
    nothing, flat = np.empty(0, np.int32), np.zeros((store.dimension, store.dimension), np.float32)
    vectors, begins = np.empty((0, store.dimension), np.float32), np.zeros(artworks + 1, np.int32)
    words = Words(_table(np.empty(0, object)), vectors, begins, nothing, flat)
    return words, Lines(copy, first_lines, nothing.astype(np.int64), flat, nothing.astype(np.int64), artworks)


def _table(keys: np.ndarray) -> pa.Table:
    kinds, texts = zip(*(key.split("\n", 1) for key in keys.tolist()), strict=True) if len(keys) else ((), ())
    return pa.table({"kind": pa.array(kinds, pa.string()), "text": pa.array(texts, pa.string())})


def _flat(lists: pa.ChunkedArray) -> tuple[pa.ChunkedArray, np.ndarray]:
    """The texts of all lists, and whose each is."""
    lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy()
    return pc.list_flatten(lists), np.repeat(np.arange(len(lists)), lengths)


def _said(kind: str, texts: pa.ChunkedArray, owners: np.ndarray) -> _Said:
    """Each distinct text is read once."""
    encoded = pc.dictionary_encode(texts).combine_chunks()
    if not len(encoded):
        return _Said([], np.empty(0, np.int64), np.empty(0, np.int64))
    words = [READ_AS[kind](text) for text in encoded.dictionary.to_pylist()]
    keys = sorted({f"{kind}\n{word}" for word in words if word})
    place = {key: number for number, key in enumerate(keys)}
    number_of = np.array([place[f"{kind}\n{word}"] if word else NONE for word in words] + [NONE], np.int64)
    numbers = number_of[pc.fill_null(encoded.indices, len(words)).to_numpy()]
    return _Said(keys, owners[numbers != NONE], numbers[numbers != NONE])


def _borne(keys: np.ndarray, said: tuple[_Said, ...], artworks: int) -> tuple[np.ndarray, np.ndarray]:
    """((artworks + 1,) int32 where each artwork's words begin in the other, (n,) int32 numbers of words, each once)."""
    numbers = [np.searchsorted(keys, np.array(some.keys, object))[some.numbers] for some in said if some.keys]
    owners = [some.owners for some in said if some.keys]
    if not numbers:
        return np.zeros(artworks + 1, np.int32), np.empty(0, np.int32)
    pairs = np.unique(np.concatenate(owners) * len(keys) + np.concatenate(numbers))
    bearers, borne = np.divmod(pairs, len(keys))
    return np.searchsorted(bearers, np.arange(artworks + 1)).astype(np.int32), borne.astype(np.int32)


def _vectors(store: Store, keys: list[str]) -> np.ndarray:
    """(keys, d) float32 of the store's words."""
    if not keys:
        return np.empty((0, store.dimension), np.float32)
    if not has_table(store, WORDS):
        raise StoreError(f"{store.root} has lines of copy and no vectors of words; run scripts/embed_artwork.py again")
    known = read_table(store, WORDS, ["kind", "text", "fingerprint"])
    if foreign := sorted(set(known["fingerprint"].unique().to_pylist()) - {store.fingerprint}):
        raise FingerprintError(
            f"{store.root} holds words of encoder {foreign[0][:12]} beside its own {store.fingerprint[:12]}; "
            "embed the catalog into a new store"
        )
    place = pc.binary_join_element_wise(known["kind"], known["text"], "\n").combine_chunks()
    found = pc.index_in(pa.array(keys, pa.string()), place)
    if found.null_count:
        kind, text = keys[int(np.flatnonzero(found.is_null().to_numpy(zero_copy_only=False))[0])].split("\n", 1)
        raise StoreError(f"{store.root} has no vector of the {kind} {text!r}; run scripts/embed_artwork.py again")
    wanted, back = np.unique(found.to_numpy(), return_inverse=True)
    vectors = read_vectors(read_rows(store, WORDS, wanted.astype(np.int64), ["vector"]))[back]
    if not (units := are_units(vectors)).all():
        kind, text = keys[int(np.flatnonzero(~units)[0])].split("\n", 1)
        raise StoreError(
            f"{store.root}: the vector of the {kind} {text!r} is not finite and of unit length, so that it was not written by "
            "scripts/embed_artwork.py; embed the catalog into a new store"
        )
    return vectors


def _scatter(fetch: Fetch, members: np.ndarray, sizes: np.ndarray, dimension: int) -> np.ndarray:
    """(d, d) float32: mean over members that differ from their title's mean of the outer product of (vector - that mean).

    Where most titles say the same of all their artwork, the others must not be measured by a unit that is nearly nothing.

    members: (m,), title by title; sizes: (titles,) how many each title has; fetch(some of them) -> (.., d) float32.
    """
    starts, step = np.cumsum(sizes) - sizes, max(1, -(-len(members) // SAMPLED))
    some = np.flatnonzero(sizes)[::step]
    scatter, seen = np.zeros((dimension, dimension)), 0
    for titles in runs(some, sizes[some], BLOCK):
        vectors = fetch(members[spans(starts[titles], sizes[titles])])
        apart = vectors - np.repeat(title_means(vectors, sizes[titles]), sizes[titles], axis=0)
        apart = apart[np.linalg.norm(apart, axis=1) > SAME]
        scatter += apart.T @ apart
        seen += len(apart)
    mean: np.ndarray = (scatter / max(seen, 1)).astype(np.float32)
    return mean


def _opposed(copy: pa.Table, artwork: pa.Table, first_lines: np.ndarray, first_rows: np.ndarray) -> np.ndarray:
    """(m,) int64, rising: line * artworks + row of each pair of a title whose tags or locales contradict each other."""
    if not len(copy):
        return np.empty(0, np.int64)
    tags, of_line, of_row = _sets_that_matter(copy["tags"], artwork["tags"])
    locales, speaking, spoken = _locales(copy["locale"], artwork["locale"])
    titles = np.repeat(np.arange(len(first_lines) - 1), np.diff(first_lines))  # of each line
    sizes = np.diff(first_rows)[titles]
    asking = np.flatnonzero(((of_line != 0) | (speaking != 0)) & (sizes > 0))
    found = [np.empty(0, np.int64)]
    for lines in runs(asking, sizes[asking], PAIRS):
        line = np.repeat(lines, sizes[lines])
        row = spans(first_rows[titles[lines]], sizes[lines])
        clash = _clashes(of_line[line], of_row[row], lambda a, b: contradict(tags[a], tags[b]))
        clash |= _clashes(speaking[line], spoken[row], lambda a, b: not speaks(locales[a], locales[b]))
        found.append(line[clash] * len(artwork) + row[clash])
    return np.concatenate(found)


def _sets_that_matter(*columns: pa.ChunkedArray) -> tuple[list[frozenset[str]], np.ndarray, np.ndarray]:
    """(sets of tags, and of each row of both columns the number of its own), of tags that contradict some; number 0 is empty."""
    rows = [column.to_pylist() for column in columns]
    every = {tag for lists in rows for tags in lists for tag in tags or ()}
    denied = {(read.group, read.value) for read in map(read_tag, every) if read.denied}
    matter = {tag for tag in every if can_contradict(tag) or ((read := read_tag(tag)).group, read.value) in denied}
    sets: dict[frozenset[str], int] = {frozenset(): 0}
    one, other = (
        np.array([sets.setdefault(frozenset(matter.intersection(tags or ())), len(sets)) for tags in lists], np.int64)
        for lists in rows
    )
    return list(sets), one, other


def _locales(*columns: pa.ChunkedArray) -> tuple[list[str], np.ndarray, np.ndarray]:
    """(locales, and of each row of both columns the number of its own); number 0 is for all."""
    known = {"": 0}
    one, other = (
        np.array([known.setdefault(locale or "", len(known)) for locale in column.to_pylist()], np.int64) for column in columns
    )
    return list(known), one, other


def _clashes(one: np.ndarray, other: np.ndarray, clash: Clash) -> np.ndarray:
    """(n,) bool of pairs of numbers (n,) each; 0 clashes with nothing. Each distinct pair is looked at once."""
    clashes = np.zeros(len(one), bool)
    if len(asked := np.flatnonzero((one != 0) & (other != 0))):
        width = int(other.max()) + 1
        pairs, which = np.unique(one[asked] * width + other[asked], return_inverse=True)
        clashes[asked] = np.array([clash(*divmod(pair, width)) for pair in pairs.tolist()], bool)[which]
    return clashes
