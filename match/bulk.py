"""Every choice at once: for a block of users and all titles the artwork that `Matcher.choose` gives each, as arrays.

    bulk = Bulk.of(Matcher.open("store"), context=Context(locale="pt-BR"))
    chosen = bulk.choose(["ada", "ben"])
    bulk.artwork_ids.take(chosen.artwork[0])  # ada's, a title each; chosen.copy: the lines beside them, see match.bulk_lines

Within a title the score of `match.blend` for one interest is linear in its query: log-odds + w * query · (vector - title's mean) /
spread, and the same of its words. So a matrix of a column per artwork, its log-odds as one more number, gives all of a block of users
in one product; a user's interests are put together as `blend.similarity_of` does, and what people add is put on the few cells
concerned. A matrix product adds up in another order than FAISS does row by row, so that its last bits differ: wherever the second
best comes near the best, the page of that title is scored as the Matcher does it. Hence the answer is its own, everywhere.

The matrix has everyone's priors; by how much those of a user's segment are other is added to the product.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pyarrow as pa

from embed.ragged import distinct, spans
from embed.tastes.audience import apart_of
from index.changes import title_means
from index.filters import Context
from index.titles import ABSENT, best_of
from match.blend import (
    SMALLEST_SPREAD,
)
from match.bulk_lines import BulkLines
from match.clicks.seen import with_pictures_of_many
from match.crowd import Crowd, Likes, crowd_of, summed
from match.matcher import EVERYWHERE, Matcher
from match.moods import laid_out, mix, tolerance

USERS = 512  # scored at a time: their scores of a strip stay in a core's cache
COLUMNS = 1024  # of a strip
FEW = 16  # artworks: titles with so many or fewer are never padded
NEVER = np.float32(-1e30)  # the log-odds of padding; not -inf, of which a product could make nan


@dataclass(frozen=True)
class Chosen:
    """What each of a block of users sees of each title, titles in the order asked."""

    artwork: np.ndarray  # (users, titles) int32, places in `Bulk.artwork_ids`; ABSENT where the title has none
    scores: np.ndarray  # (users, titles) float32, log-odds; nan where the title has none
    copy: np.ndarray  # (users, titles) int32, lines as the snapshot counts them; ABSENT where none stands beside the artwork


@dataclass(frozen=True)
class _Block:
    """Titles with equally many artworks, some of them padding, side by side: the first of each, then the second of each, ..."""

    titles: np.ndarray  # (t,) int64, places among the titles asked
    where: np.ndarray | slice  # the same, see `_as_slice`
    columns: np.ndarray  # (size * t,) int32, places in `Bulk.artwork_ids`; ABSENT where padded
    begin: int  # the first column in its strip


@dataclass(frozen=True)
class _Strip:
    """Some blocks side by side."""

    matrix: np.ndarray  # (columns, d + 1) float32: vectors less their title's mean, and log-odds
    columns: np.ndarray  # (columns,) int32, the blocks' one after the other
    blocks: tuple[_Block, ...]


@dataclass(frozen=True)
class Bulk:
    """Titles and context made ready for any number of users. Make one with `Bulk.of`; threads may share it.

    It holds the vectors of what may be chosen once more, in memory of its own.
    """

    matcher: Matcher
    crowd: Crowd
    context: Context
    title_ids: list[str]  # as asked, each once
    reasons: list[str | None]  # per title: why it has no artwork, or only its fallback; None where users choose
    rows: np.ndarray  # (n,) int64: what may be chosen, title by title, as the snapshot counts artwork
    artwork_ids: pa.Array  # (n,) of the same
    log_odds: np.ndarray  # (n,) float64 of the same, by everyone's priors
    begins: np.ndarray  # (titles + 1,) int64: where each title's begin there
    lines: BulkLines | None  # the titles' lines of copy; None where they have none
    _strips: tuple[_Strip, ...]
    _shown: tuple[np.ndarray, np.ndarray]  # (people + 1,) where each person's columns begin in the other, over all strips
    _apart: dict[str, np.ndarray] = field(default_factory=dict)  # by segment: 4 bytes an artwork each

    @classmethod
    def of(cls, matcher: Matcher, titles: Iterable[str] | None = None, context: Context = EVERYWHERE) -> "Bulk":
        """Campaigns are those of `context.at`, of this moment where it names none.

        Raises FingerprintError and StoreError as `crowd_of` does, ValueError for a context that cannot be.
        """
        context = context if context.at else replace(context, at=datetime.now(UTC))
        asked = list(dict.fromkeys(matcher.title_ids if titles is None else titles))
        may, reasons = _what_may_be_chosen(matcher, asked, context)
        begins = np.cumsum([0, *map(len, may)])
        rows = np.concatenate([*may, np.empty(0, np.int64)])
        log_odds = matcher.catalog_priors.everyones.log_odds[rows]
        crowd = crowd_of(matcher.profiles, matcher.audience, matcher.snapshot)
        scale, *of_which = _scales(matcher)
        looks = (
            (scale != 0 and of_which[0] != 0) or matcher.catalog_priors.has_tastes,
            scale != 0 and of_which[1] != 0,
            bool((crowd.people != ABSENT).any()),
        )
        kept = [_without_twins(matcher, rows, log_odds, range(*span), *looks) for span in pairwise(begins.tolist())]
        strips = tuple(_strips(matcher, kept, rows, log_odds))
        return cls(
            matcher,
            crowd,
            context,
            asked,
            reasons,
            rows,
            _one_array(matcher.snapshot.take("artwork_id", rows)),
            log_odds,
            begins,
            BulkLines.of(matcher, asked, context),
            strips,
            _columns_of_people(matcher, strips, rows),
        )

    def choose(self, user_ids: Sequence[str]) -> Chosen:
        """One artwork per user and title; users the store does not know get the audience's average, as in `Matcher.choose`."""
        chosen = self._nothing_chosen(len(user_ids))
        for start in range(0, len(user_ids), USERS):
            some = slice(start, start + USERS)
            self._choose(list(user_ids[some]), Chosen(chosen.artwork[some], chosen.scores[some], chosen.copy[some]))
        return chosen

    def _nothing_chosen(self, users: int) -> Chosen:
        """Room for their choices; only what nothing will be written to is filled, since that takes a twentieth of the time of all."""
        shape = users, len(self.title_ids)
        artwork, scores, copy = np.empty(shape, np.int32), np.empty(shape, np.float32), np.broadcast_to(np.int32(ABSENT), shape)
        without = np.diff(self.begins) == 0
        artwork[:, without], scores[:, without] = ABSENT, np.nan
        return Chosen(artwork, scores, copy if self.lines is None else copy.copy())

    def _choose(self, user_ids: list[str], into: Chosen) -> None:
        """Fill in the choices of at most USERS users."""
        profiles = self.crowd.profiles(user_ids)
        segments = self._segments(user_ids)
        averages = self.crowd.averages(user_ids, profiles, self.context)
        asked = self.crowd.queries(profiles, averages, self._apart_of(segments))
        spread, scatter = self.matcher.spread, self.matcher.snapshot.scatter
        asked = with_pictures_of_many(asked, user_ids, profiles == ABSENT, self.matcher.pictures, spread, scatter)
        queries, several = laid_out(asked, _scales(self.matcher)[0])
        priors, of_users = self._priors_apart(segments)
        ahead = self._tolerance(queries, priors)
        people = self._people_parts(self.crowd.likes(profiles))
        room = np.empty((max((len(strip.matrix) for strip in self._strips), default=0), queries.shape[1]), np.float32)
        near = [np.empty((0, 2), np.int64)]
        first = 0  # column of the strip, among all
        for strip in self._strips:
            scores = np.matmul(strip.matrix, queries, out=room[: len(strip.matrix)])  # (columns, queries)
            mix(scores, several, self.matcher.weights.personal)
            if len(priors) > 1:
                scores[:, : len(user_ids)] += np.array([of[strip.columns] for of in priors]).T.take(of_users, axis=1)
            _add(scores, people, first)
            for block in strip.blocks:
                of_block = scores[block.begin : block.begin + len(block.columns), : len(user_ids)]
                near.append(self._choose_block(block, of_block.reshape(-1, len(block.titles), len(user_ids)), ahead, into))
            first += len(scores)
        users, titles = np.concatenate(near).T
        for user in distinct(users).tolist():
            of_user = titles[users == user]
            into.artwork[user, of_user], into.scores[user, of_user] = self._exactly(user_ids[user], of_user)
        if self.lines is not None:
            rows = np.append(self.rows, ABSENT)[into.artwork]  # ABSENT is the last of them
            into.copy[:] = self.lines.choose(user_ids, asked, rows)

    def _segments(self, user_ids: list[str]) -> list[str | None]:
        """The segments whose priors speak for the users."""
        speaking = self.matcher.catalog_priors.speaking
        of_users = self.crowd.segments(user_ids, self.context)
        known = {segment: speaking(segment) for segment in dict.fromkeys(of_users)}
        return [known[segment] for segment in of_users]

    def _apart_of(self, segments: list[str | None]) -> np.ndarray | None:
        """(u, d) float32, see `Crowd.queries`; None where no segment is apart."""
        if not any(segments):
            return None
        apart = {segment: apart_of(self.matcher.audience, segment) for segment in dict.fromkeys(segments)}
        return np.array([apart[segment] for segment in segments], np.float32)

    def _priors_apart(self, segments: list[str | None]) -> tuple[list[np.ndarray], np.ndarray]:
        """(arrays (n + 1,) float32 by how much log-odds are other than everyone's, 0 for padding, (u,) int64 each user's of them)."""
        places = {segment: place for place, segment in enumerate(dict.fromkeys([None, *segments]))}
        for segment in places:
            if segment is not None and segment not in self._apart:
                own = self.matcher.catalog_priors.of(segment).log_odds[self.rows] - self.log_odds
                self._apart[segment] = np.append(own, 0.0).astype(np.float32)
        nothing = np.zeros(len(self.rows) + 1, np.float32)
        priors = [nothing if segment is None else self._apart[segment] for segment in places]
        return priors, np.array([places[segment] for segment in segments], np.int64)

    def _tolerance(self, queries: np.ndarray, priors: list[np.ndarray]) -> np.float32:
        """See `moods.tolerance`."""
        _, of_pictures, of_words = _scales(self.matcher)
        more = abs(self.matcher.weights.people) + float(np.abs(self.log_odds).max(initial=0.0))
        more += max(float(np.abs(of).max()) for of in priors)
        return tolerance(queries, of_pictures + abs(of_words), more)

    def _people_parts(self, likes: Likes) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What people add: (columns, users, log-odds), (n,) each, by column."""
        begins, columns = self._shown
        counts = begins[likes.people + 1] - begins[likes.people]
        keys = columns[spans(begins[likes.people], counts)], np.repeat(likes.users, counts)
        (of_columns, users), affinity = summed(keys, np.repeat(likes.weights, counts))
        return of_columns, users, (self.matcher.weights.people * affinity.clip(-1.0, 1.0)).astype(np.float32)

    def _choose_block(self, block: _Block, scores: np.ndarray, ahead: np.float32, into: Chosen) -> np.ndarray:
        """The best of each title of a block, scores: (size, titles, users); returns (n, 2) users and titles whose best the Matcher
        has to tell."""
        best, places, near = _best_and_near(scores, ahead)  # (titles, users) each
        which = block.columns.take(places * np.int32(len(block.titles)) + np.arange(len(block.titles), dtype=np.int32)[:, None])
        into.artwork[:, block.where], into.scores[:, block.where] = which.T, best.T
        of_titles, users = np.divmod(np.flatnonzero(near), near.shape[1])
        return np.stack([users, block.titles[of_titles]], axis=1)

    def _exactly(self, user_id: str, titles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(places in `artwork_ids`, scores) of these titles (t,): what the Matcher gives this user, by its own sums of its own
        products."""
        number_of = self.matcher.snapshot.title_numbers
        numbers = np.array([number_of[self.title_ids[title]] for title in titles.tolist()], np.int64)
        page, parts = self.matcher.parts(user_id, numbers, self.context)
        places, first = np.full(len(page.rows), ABSENT), self.begins[titles]
        may = spans(first, self.begins[titles + 1] - first)
        places[page.rows.searchsorted(self.rows[may])] = may
        best = best_of(np.where(places == ABSENT, -np.inf, parts.order), page.starts)[page.titles.searchsorted(numbers)]
        return places[best], parts.score[best]


def _scales(matcher: Matcher) -> tuple[float, float, float]:
    """(from a column's product to its part of the score, what of a column is its picture, what its words): `blend.standardise`."""
    weights, words = matcher.weights, matcher.snapshot.words
    of_pictures = weights.similarity / matcher.spread if matcher.spread >= SMALLEST_SPREAD else 0.0
    of_words = weights.words / matcher.word_spread if words and matcher.word_spread >= SMALLEST_SPREAD else 0.0
    return (of_pictures, 1.0, of_words / of_pictures) if of_pictures else (of_words, 0.0, 1.0)


def _what_may_be_chosen(matcher: Matcher, asked: list[str], context: Context) -> tuple[list[np.ndarray], list[str | None]]:
    """Per title: rows of the artwork that may be chosen, the fallback alone where nothing else may, and why that is so."""
    number_of = matcher.snapshot.title_numbers
    numbers = np.array(sorted(number_of[title_id] for title_id in asked if title_id in number_of), np.int64)
    page = matcher.snapshot.index.page(np.empty((0, matcher.snapshot.index.dimension), np.float32), numbers)
    blocked = matcher.blocked(page, context)
    free = np.ones(len(page.rows), bool) if blocked is None else blocked.free
    spans = dict(zip(numbers.tolist(), pairwise(page.starts.tolist()), strict=True))
    of_title = {title_id: slice(*spans.get(number_of.get(title_id, ABSENT), (0, 0))) for title_id in asked}
    may = {title_id: page.rows[span][free[span]] for title_id, span in of_title.items()}
    reasons: dict[str, str | None] = dict.fromkeys(asked)
    for choice in matcher.choose(
        "", [title_id for title_id in asked if not len(may[title_id])], context
    ):  # alike for all users
        reasons[choice.title_id] = choice.reason
        if choice.artwork:
            rows = page.rows[of_title[choice.title_id]]
            place = matcher.snapshot.take("artwork_id", rows).to_pylist().index(choice.artwork.artwork_id)
            may[choice.title_id] = rows[place : place + 1]
    return [may[title_id] for title_id in asked], [reasons[title_id] for title_id in asked]


def _without_twins(
    matcher: Matcher,
    rows: np.ndarray,
    log_odds: np.ndarray,
    places: range,
    at_vectors: bool,
    at_words: bool,
    at_people: bool,
) -> np.ndarray:
    """The places of one title's artwork, but for what equals an earlier one in all that a score looks at: it is never chosen, and
    every user's two best would be near each other."""
    begins, people = matcher.snapshot.shown
    vectors = matcher.snapshot.index.vectors_of(rows[places.start : places.stop])
    priors, own = matcher.catalog_priors.everyones, matcher.catalog_priors.own_rows
    seen, kept = set(), []
    for place, vector in zip(places, vectors, strict=True):
        shown = people[begins[rows[place]] : begins[rows[place] + 1]]
        said = matcher.snapshot.words.of(rows[place : place + 1]) if at_words else np.empty(0)
        key = (
            vector.tobytes() if at_vectors else b"",
            float(log_odds[place]),
            (float(priors.strength[rows[place]]), float(priors.share[rows[place]])),  # of which a segment's are made ...
            place if own[rows[place]] else ABSENT,  # ... where it has no clicks of its own
            shown.tobytes() if at_people else b"",
            said.tobytes(),
        )
        if key not in seen:
            seen.add(key)
            kept.append(place)
    return np.array(kept, np.int32)


def _strips(matcher: Matcher, kept: list[np.ndarray], rows: np.ndarray, log_odds: np.ndarray) -> Iterator[_Strip]:
    """Blocks put together to strips of about COLUMNS columns."""
    blocks: list[_Block] = []
    begin = 0
    for titles, columns in _blocks(kept):
        if blocks and begin + len(columns) > COLUMNS:
            yield _strip(matcher, blocks, rows, log_odds)
            blocks, begin = [], 0
        blocks.append(_Block(titles, _as_slice(titles), columns, begin))
        begin += len(columns)
    if blocks:
        yield _strip(matcher, blocks, rows, log_odds)


def _strip(matcher: Matcher, blocks: list[_Block], rows: np.ndarray, log_odds: np.ndarray) -> _Strip:
    columns = np.concatenate([block.columns for block in blocks])
    return _Strip(_matrix(matcher, columns, rows, log_odds), columns, tuple(blocks))


def _blocks(kept: list[np.ndarray]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(titles, columns) of each block: see `_Block`."""
    sizes = np.array([_padded(len(places)) for places in kept], np.int64)
    for size in np.unique(sizes[sizes > 0]).tolist():
        alike = np.flatnonzero(sizes == size)
        for start in range(0, len(alike), run := max(1, COLUMNS // size)):
            titles = alike[start : start + run]
            columns = np.full((size, len(titles)), ABSENT, np.int32)
            for column, title in enumerate(titles.tolist()):
                columns[: len(kept[title]), column] = kept[title]
            yield titles, columns.reshape(-1)


def _padded(size: int) -> int:
    """The next of sizes that grow by an eighth at most, so that few sizes are many titles'."""
    step = 1 << max(0, size.bit_length() - FEW.bit_length() + 1)
    return -(-size // step) * step if size > FEW else size


def _matrix(matcher: Matcher, columns: np.ndarray, rows: np.ndarray, log_odds: np.ndarray) -> np.ndarray:
    """(columns, d + 1) float32."""
    index = matcher.snapshot.index
    there = columns != ABSENT
    of_artwork = rows[columns[there]]
    titles = index.titles_of(of_artwork)
    matrix = np.zeros((len(columns), index.dimension + 1), np.float32)
    _, of_pictures, of_words = _scales(matcher)
    if of_pictures:
        matrix[there, :-1] = index.vectors_of(of_artwork) - matcher.snapshot.means[titles]
    if of_words:
        matrix[there, :-1] += np.float32(of_words) * _words_apart(matcher, of_artwork, titles)
    matrix[:, -1] = NEVER
    matrix[there, -1] = log_odds[columns[there]]
    return matrix


def _words_apart(matcher: Matcher, rows: np.ndarray, titles: np.ndarray) -> np.ndarray:
    """(n, d) float32: the mean of each artwork's words less that of all its title's; 0 where it bears none. titles: (n,) numbers."""
    words, index = matcher.snapshot.words, matcher.snapshot.index
    asked, which = np.unique(titles, return_inverse=True)
    every = spans(index.first_rows[asked], index.sizes(asked))
    bearing = words.bearing(every) > 0
    sizes = index.sizes(asked)
    counts = np.add.reduceat(bearing.astype(np.int64), np.cumsum(sizes) - sizes)
    apart: np.ndarray = words.means(rows) - title_means(words.means(every[bearing]), counts)[which]
    apart[words.bearing(rows) == 0] = 0
    return apart


def _columns_of_people(matcher: Matcher, strips: tuple[_Strip, ...], rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(people + 1,) where each person's columns begin in the other, (n,) columns counted over all strips."""
    begins, people = matcher.snapshot.shown
    columns = np.concatenate([np.empty(0, np.int32), *(strip.columns for strip in strips)])
    there = np.flatnonzero(columns != ABSENT)
    of_artwork = rows[columns[there]]
    counts = begins[of_artwork + 1] - begins[of_artwork]
    shown = people[spans(begins[of_artwork], counts)]
    order = np.argsort(shown, kind="stable")
    numbers = np.arange(len(matcher.snapshot.people) + 1)
    return np.searchsorted(shown[order], numbers), np.repeat(there, counts)[order]


def _add(scores: np.ndarray, parts: tuple[np.ndarray, np.ndarray, np.ndarray], first: int) -> None:
    """Add those of `parts` that fall on the columns from `first` on; no cell is there twice."""
    columns, users, added = parts
    some = slice(*np.searchsorted(columns, [first, first + len(scores)]).tolist())
    scores[columns[some] - first, users[some]] += added[some]


def _best_and_near(scores: np.ndarray, tolerance: np.float32) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(titles, users) of scores (size, titles, users): the highest, its place along the first axis, and whether another is within
    the tolerance of it; where one is, the place is 0.

    A pass for the highest and a pass over what comes near it: numpy's argmax over a short axis takes many times as long.
    """
    best = np.maximum.reduce(scores, axis=0)
    least = best - tolerance
    count = np.zeros(best.shape, np.min_scalar_type(len(scores)))
    which = np.zeros_like(count)
    for place, of_place in enumerate(scores):
        close = (of_place >= least).view(np.uint8)
        count += close
        if place:
            which += close * which.dtype.type(place)
    near = count != 1
    which[near] = 0
    return best, which, near


def _one_array(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values


def _as_slice(titles: np.ndarray) -> np.ndarray | slice:
    """Places (t,) as a slice where they follow one another: numpy copies that faster."""
    first, last = int(titles[0]), int(titles[-1])
    return slice(first, last + 1) if last - first == len(titles) - 1 and (np.diff(titles) == 1).all() else titles
