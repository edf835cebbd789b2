"""Zero-shot tagging: for artwork that nobody tagged, the tags that a person would give it, each with a probability.

The vocabulary is what the catalog's people use already: the tags of its artwork, the genres and keywords of its titles, and what a
team lists besides. A tag is encoded by the prompts of its kind, averaged, as in `embed.tastes.users`. Its similarity to a picture is
standardised by the tag's own mean and spread over all pictures of the catalog: a word that resembles every picture (a hub;
Radovanović et al. 2010) says nothing of any. `embed.calibration` makes a probability of it.
"""

import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.compute as pc

from embed.calibration import Calibration, Judged, Reliability, calibrate, priors
from embed.catalog import Catalog
from embed.errors import CatalogError, StoreError
from embed.records import fold
from embed.store import Store, check_fingerprint, read_embeddings, read_table
from embed.tastes.phrases import PROMPTS, encode_prompts

if TYPE_CHECKING:
    from embed.encoder import Encoder

THRESHOLD = 0.3
MOST = 5
CHUNK = 16_384  # pictures whose vectors are in memory at a time
PAIRS = 4_000_000  # a picture beside a tag: in memory at a time, and enough for the calibration
FLAT = 1e-6  # a spread of similarities below it is rounding: the pictures are all one to this tag

Progress = Callable[[int, int], None]  # (artworks done, of how many)


@dataclass(frozen=True)
class Vocabulary:
    """Each tag once, however it is written; those that persons gave first, then those of the titles, then the listed ones."""

    tags: tuple[str, ...]  # as first written
    kinds: tuple[str, ...]  # genre or keyword: it decides the prompts
    listed: np.ndarray  # (tags,) bool: stands in the team's list
    always: np.ndarray  # (tags,) bool: stands elsewhere than on artwork
    too_long: tuple[str, ...]  # left out: the text tower does not read them whole


@dataclass(frozen=True)
class Proposal:
    """A tag that a person would give an artwork with probability `score`."""

    artwork_id: str
    title_id: str
    path: str
    tag: str
    score: float


@dataclass(frozen=True)
class Tagging:
    """What `propose_tags` found."""

    proposals: tuple[Proposal, ...]  # in the catalog's order; of an artwork the most probable first
    untagged: int  # artworks that were looked at
    without_vector: int  # artworks, tagged or not, whose picture the store has no vector of
    vocabulary: Vocabulary
    given: dict[str, int]  # tag to how many artworks persons gave it
    calibration: Calibration
    fitted: bool  # to this catalog; False: the default
    reliability: Reliability | None  # None where persons tagged nothing


def propose_tags(
    catalog: Catalog,
    store: Store,
    encoder: "Encoder",
    listed: Sequence[str] = (),
    *,
    threshold: float = THRESHOLD,
    most: int = MOST,
    progress: Progress = lambda done, total: None,
) -> Tagging:
    """The `most` most probable tags of each artwork that has none of its own, as far as they reach `threshold` (0..1).

    Where the fit finds that similarity says nothing (slope 0), nothing is proposed. Raises FingerprintError where the encoder is
    not the store's, CatalogError where there is no tag to propose, StoreError where nothing is embedded.
    """
    check_fingerprint(store, encoder.choice, encoder.fingerprint)
    words = vocabulary(catalog, listed, encoder.fits)
    if not words.tags:
        remedy = "tag some artwork, give the titles genres or keywords, or list tags with --tags FILE"
        raise CatalogError(f"{catalog.root}: no tag to propose; {remedy}")
    pictures = _Pictures.of(catalog, store)
    likeness = Likeness.of(tag_vectors(words, encoder), pictures.contents())
    tagged, bare = own_tags(catalog)
    judged = _judged(catalog, words, tagged, pictures, likeness)
    calibration, fitted, reliability = calibrate(judged, threshold)
    counts = _counts(words, tagged)
    prior = priors(counts, len(tagged), words.listed)
    seen = bare[pictures.rows[bare] >= 0] if calibration.slope > 0 else bare[:0]
    found: list[Proposal] = []
    step = max(1, min(CHUNK, PAIRS // len(words.tags)))
    for start in range(0, len(seen), step):
        rows = seen[start : start + step]
        scores = calibration.probabilities(likeness.standardised(pictures.vectors(rows)), prior)
        found += _best(catalog, words, rows, scores, threshold, most)
        progress(start + len(rows), len(seen))
    given = {tag: int(count) for tag, count in zip(words.tags, counts, strict=True)}
    without_vector = int((pictures.rows < 0).sum())
    return Tagging(tuple(found), len(bare), without_vector, words, given, calibration, fitted, reliability)


def vocabulary(catalog: Catalog, listed: Sequence[str], fits: Callable[[str], bool]) -> Vocabulary:
    """The tags of the artwork, the genres and keywords of the titles, and `listed`.

    `fits` says whether the text tower reads a prompt whole.
    """
    tagged, _ = own_tags(catalog)
    genres, keywords = ([w for words in catalog.titles[name].to_pylist() for w in words] for name in ("genres", "keywords"))
    spelled: dict[str, str] = {}
    for word in chain(*tagged.values(), genres, keywords, listed):
        if folded := fold(word):
            spelled.setdefault(folded, " ".join(word.split()))
    are_genres, are_listed = {fold(word) for word in genres}, {fold(word) for word in listed}
    elsewhere = are_genres | are_listed | {fold(word) for word in keywords}
    kinds = {folded: "genre" if folded in are_genres else "keyword" for folded in spelled}
    read = {folded: word for folded, word in spelled.items() if fits(max(_prompts(kinds[folded], word), key=len))}
    return Vocabulary(
        tuple(read.values()),
        tuple(kinds[folded] for folded in read),
        np.array([folded in are_listed for folded in read], bool),
        np.array([folded in elsewhere for folded in read], bool),
        tuple(word for folded, word in spelled.items() if folded not in read),
    )


def own_tags(catalog: Catalog) -> tuple[dict[int, list[str]], np.ndarray]:
    """What persons wrote into the artwork table: row to tags, and the rows (n,) int64 without any.

    Tags that were proposed and accepted are not persons' own: a calibration that learned from them would confirm itself.
    """
    artwork = catalog.artwork
    accepted = pc.is_in(artwork["artwork_id"], catalog.accepted_tags["artwork_id"].combine_chunks())
    own = pc.and_not(pc.greater(pc.list_value_length(artwork["tags"]), 0), accepted).to_numpy()
    rows = np.flatnonzero(own)
    tags = artwork["tags"].take(rows).to_pylist()
    return dict(zip(rows.tolist(), tags, strict=True)), np.flatnonzero(~own)


def tag_vectors(words: Vocabulary, encoder: "Encoder") -> np.ndarray:
    """(tags, d) float32 unit vectors: each tag's prompts, averaged (Radford et al. 2021, section 3.1.4)."""
    prompts = [_prompts(kind, tag) for kind, tag in zip(words.kinds, words.tags, strict=True)]
    return np.array(encode_prompts(prompts, encoder))


def _prompts(kind: str, tag: str) -> list[str]:
    return [template.format(tag) for template in PROMPTS[kind]]


@dataclass(frozen=True)
class Likeness:
    """How much pictures resemble tags, each tag measured by its own mean and spread over a catalog's pictures."""

    tags: np.ndarray  # (tags, d) float32, unit vectors
    mean: np.ndarray  # (tags,) float32, of the similarities to all pictures
    spread: np.ndarray  # (tags,) float32, their standard deviation; infinite where it is 0

    @classmethod
    def of(cls, tags: np.ndarray, chunks: Iterable[np.ndarray]) -> "Likeness":
        """Of tags (tags, d) and all pictures, in chunks (n, d) of unit vectors.

        One pass over the pictures' first two moments, whatever the number of tags: a similarity is linear in the picture.
        """
        dimension, pictures = tags.shape[1], 0
        total, moment = np.zeros(dimension), np.zeros((dimension, dimension))
        for chunk in chunks:
            wide = chunk.astype(np.float64)
            pictures, total, moment = pictures + len(wide), total + wide.sum(axis=0), moment + wide.T @ wide
        mean = total / pictures
        wide = tags.astype(np.float64)
        spread = np.sqrt(np.maximum(((wide @ (moment / pictures - np.outer(mean, mean))) * wide).sum(axis=1), 0))
        spread[spread < FLAT] = np.inf
        return cls(tags, (wide @ mean).astype(np.float32), spread.astype(np.float32))

    def standardised(self, vectors: np.ndarray) -> np.ndarray:
        """(n, tags) float32 of pictures (n, d): how many spreads above its mean each tag's similarity is; 0 where it has none."""
        standardised: np.ndarray = (vectors @ self.tags.T - self.mean) / self.spread
        return standardised


@dataclass(frozen=True)
class _Pictures:
    """Where the store keeps the vectors of a catalog's artwork."""

    store: Store
    rows: np.ndarray  # (artworks,) int64: the row of each one's vector; below 0 where there is none

    @classmethod
    def of(cls, catalog: Catalog, store: Store) -> "_Pictures":
        known = read_table(store, "artwork", ["artwork_id", "sha256"], where="active")
        contents = read_table(store, "embeddings", ["sha256"])["sha256"].combine_chunks()
        place = pc.index_in(catalog.artwork["artwork_id"], known["artwork_id"].combine_chunks())
        rows = pc.index_in(known["sha256"].take(place), contents)
        found = pc.fill_null(rows, -1).to_numpy().astype(np.int64)
        if (found < 0).all():
            raise StoreError(
                f"{store.root} has no vector of any artwork of {catalog.root}; "
                f"run scripts/embed_artwork.py {catalog.root} --store {store.root}"
            )
        return cls(store, found)

    def vectors(self, artworks: np.ndarray) -> np.ndarray:
        """(n, d) float32 of artworks (n,), which have one each."""
        return read_embeddings(self.store, self.rows[artworks])

    def contents(self) -> Iterator[np.ndarray]:
        """The vectors of all pictures, in chunks (n, d); a file that stands in many places counts once."""
        wanted = np.unique(self.rows[self.rows >= 0])
        return (read_embeddings(self.store, wanted[start : start + CHUNK]) for start in range(0, len(wanted), CHUNK))


def _judged(
    catalog: Catalog, words: Vocabulary, tagged: dict[int, list[str]], pictures: _Pictures, likeness: Likeness
) -> Judged:
    """What persons tagged, title by title in an order of chance, as many pictures as PAIRS allows."""
    rows = np.array([row for row in tagged if pictures.rows[row] >= 0], np.int64)
    titles = catalog.artwork["title_id"].take(rows).to_pylist()
    order = np.lexsort((rows, np.array([zlib.crc32(title.encode()) for title in titles], np.int64)))
    order = order[: PAIRS // len(words.tags)]
    rows, titles = rows[order], [titles[place] for place in order]
    column = {fold(tag): number for number, tag in enumerate(words.tags)}
    given = np.zeros((len(rows), len(words.tags)), bool)
    for place, row in enumerate(rows.tolist()):
        given[place, [column[folded] for tag in tagged[row] if (folded := fold(tag)) in column]] = True
    z = likeness.standardised(pictures.vectors(rows)) if len(rows) else np.empty(given.shape, np.float32)
    return Judged(z, given, titles, words.listed, words.always)


def _counts(words: Vocabulary, tagged: dict[int, list[str]]) -> np.ndarray:
    """(tags,) int64: to how many artworks persons gave each."""
    found = Counter(folded for tags in tagged.values() for folded in {fold(tag) for tag in tags})
    return np.array([found[fold(tag)] for tag in words.tags], np.int64)


def _best(
    catalog: Catalog, words: Vocabulary, rows: np.ndarray, scores: np.ndarray, threshold: float, most: int
) -> Iterator[Proposal]:
    """Of artworks (n,) and their scores (n, tags): the `most` highest of each that reach the threshold, the highest first."""
    hit = (scores >= threshold).any(axis=1)
    columns = (catalog.artwork[name].take(rows[hit]).to_pylist() for name in ("artwork_id", "title_id", "path"))
    for artwork_id, title_id, path, row in zip(*columns, scores[hit], strict=True):
        for tag in np.argsort(-row, kind="stable")[:most]:
            if row[tag] >= threshold:
                yield Proposal(artwork_id, title_id, path, words.tags[tag], float(row[tag]))
