"""The lines of copy of every choice at once: beside each user's artwork of each title the line that the Matcher puts there.

As `match.bulk` does with artwork: one matrix product for a block of users, and where the second best comes near the best, the title's
lines are scored as the Matcher does it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from index.changes import title_means
from index.filters import Context
from index.titles import ABSENT
from match.blend import SMALLEST_SPREAD
from match.crowd import Queries
from match.lines import PageLines
from match.matcher import Matcher
from match.moods import laid_out, mix, tolerance

NEVER = np.float32(-1e30)  # the log-odds of what may not stand there; not -inf, of which a product could make nan


@dataclass(frozen=True)
class BulkLines:
    """The lines of some titles made ready for any number of users. Make one with `BulkLines.of`."""

    matcher: Matcher
    context: Context
    numbers: np.ndarray  # (t,) int64: the titles, as the snapshot counts them
    places: np.ndarray  # (t,) int64: where they stand among those asked
    lines: PageLines
    matrix: np.ndarray  # (l, d + 1) float32: vectors less their title's mean, and log-odds; NEVER where nobody gets the line
    opposing: np.ndarray  # (o,) int64 places of the lines that contradict some artwork

    @classmethod
    def of(cls, matcher: Matcher, asked: Sequence[str], context: Context) -> "BulkLines | None":
        """None where no title of those asked has lines."""
        snapshot = matcher.snapshot
        known = [(place, snapshot.title_numbers.get(title_id, ABSENT)) for place, title_id in enumerate(asked)]
        found = np.array([pair for pair in known if pair[1] != ABSENT], np.int64).reshape(-1, 2)
        nobody = np.empty((0, snapshot.index.dimension), np.float32)
        lines = PageLines.of(snapshot, found[:, 1], nobody, context.locale) if len(snapshot.lines) else None
        if lines is None:
            return None
        opposed = np.isin(lines.numbers, snapshot.lines.opposed // max(snapshot.lines.artworks, 1))
        return cls(matcher, context, found[:, 1], found[:, 0], lines, _matrix(matcher, lines), np.flatnonzero(opposed))

    def choose(self, user_ids: Sequence[str], asked: Queries, rows: np.ndarray) -> np.ndarray:
        """(users, titles) int32: lines as the snapshot counts them; rows: (users, titles) of the artwork chosen, ABSENT for none."""
        weights, lines = self.matcher.weights, self.lines
        queries, several = laid_out(replace(asked, vectors=asked.of_lines), _scale(self.matcher))
        scores = self.matrix @ queries
        mix(scores, several, weights.copy)
        scores = scores[:, : len(user_ids)]  # (lines, users)
        beside = rows.T[self.places]  # (titles, users)
        self._strike_out(scores, beside)
        begins, sizes = lines.begins[:-1], np.diff(lines.begins)
        best = np.maximum.reduceat(scores, begins, axis=0)  # (titles with lines, users)
        first = np.where(scores >= best.repeat(sizes, axis=0), np.arange(len(scores))[:, None], len(scores))
        chosen = lines.numbers[np.minimum.reduceat(first, begins, axis=0)]
        log_odds = self.matrix[:, -1]
        ahead = tolerance(queries, 1.0, float(np.abs(log_odds[log_odds > NEVER]).max(initial=0.0)))
        near = np.add.reduceat(scores >= (best - ahead).repeat(sizes, axis=0), begins, axis=0, dtype=np.int64) > 1
        nothing = (best <= NEVER / 2) | (beside[lines.having] == ABSENT)
        near &= ~nothing
        chosen[nothing] = ABSENT
        for place in np.flatnonzero(near.any(axis=1)).tolist():
            users, title = np.flatnonzero(near[place]).tolist(), int(lines.having[place])
            chosen[place, users] = self._exactly(title, [user_ids[user] for user in users], beside[title, users])
        answer = np.full(rows.shape, ABSENT, np.int32)
        answer[:, self.places[lines.having]] = chosen.T
        return answer

    def _strike_out(self, scores: np.ndarray, beside: np.ndarray) -> None:
        """What contradicts the artwork that it would stand beside. beside: (titles, users) rows."""
        if not len(self.opposing):
            return
        pictures = beside[self.lines.titles[self.opposing]]  # (o, users)
        numbers = np.broadcast_to(self.lines.numbers[self.opposing, None], pictures.shape)
        clash = self.matcher.snapshot.lines.contradict(numbers.ravel(), pictures.ravel()).reshape(pictures.shape)
        of_line, of_user = clash.nonzero()
        scores[self.opposing[of_line], of_user] = NEVER

    def _exactly(self, title: int, user_ids: list[str], rows: np.ndarray) -> list[int]:
        """What the Matcher puts beside these users' artwork, rows (u,) of one title, by its own sums of its own products."""
        matcher = self.matcher
        tastes = [matcher.taste(user_id, self.context) for user_id in user_ids]
        queries = np.concatenate([taste.of_lines for taste in tastes])
        lines = PageLines.of(matcher.snapshot, self.numbers[title : title + 1], queries, self.context.locale)
        assert lines is not None
        ends = np.cumsum([0, *(len(taste.queries) for taste in tastes)]).tolist()
        found = []
        for taste, ends_of, row in zip(tastes, pairwise(ends), rows, strict=True):
            place = matcher.best_lines(taste, lines, slice(*ends_of), row[None])[0][0]
            found.append(int(lines.numbers[place]) if place != ABSENT else ABSENT)
        return found


def _scale(matcher: Matcher) -> float:
    """From a cosine to its part of a line's score."""
    return matcher.weights.copy / matcher.line_spread if matcher.line_spread >= SMALLEST_SPREAD else 0.0


def _matrix(matcher: Matcher, lines: PageLines) -> np.ndarray:
    """(l, d + 1) float32: see `BulkLines`. A line that equals an earlier one in all that a choice looks at is never chosen."""
    words = matcher.snapshot.lines.words[lines.numbers]
    vectors, sizes = matcher.snapshot.words.vectors[words], np.diff(lines.begins)
    log_odds = matcher.line_columns.log_odds[lines.numbers]
    matrix = np.empty((len(vectors), vectors.shape[1] + 1), np.float32)
    matrix[:, :-1] = vectors - title_means(vectors, sizes).repeat(sizes, axis=0)
    matrix[:, -1] = log_odds
    unread = np.zeros(len(vectors), bool) if lines.read is None else ~lines.read
    looked_at = words if _scale(matcher) else np.zeros(len(words), np.int64)
    keys = zip(lines.titles.tolist(), looked_at.tolist(), log_odds.tolist(), _opposed(matcher, lines), strict=True)
    seen = set()
    for place, key in enumerate(keys):
        if not unread[place] and key in seen:
            unread[place] = True
        elif not unread[place]:
            seen.add(key)
    matrix[unread, -1] = NEVER
    return matrix


def _opposed(matcher: Matcher, lines: PageLines) -> list[bytes]:
    """Of each line, the artwork that it contradicts."""
    every = matcher.snapshot.lines
    edges = np.searchsorted(every.opposed, lines.numbers * every.artworks)
    ends = np.searchsorted(every.opposed, (lines.numbers + 1) * every.artworks)
    pairs = zip(edges.tolist(), ends.tolist(), lines.numbers.tolist(), strict=True)
    return [(every.opposed[first:end] - number * every.artworks).tobytes() for first, end, number in pairs]
