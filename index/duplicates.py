"""Artwork that looks alike, within a title, where two that look alike teach nothing apart, and across titles.

Each picture is known by the sha256 of its file. Copies of one file are reported beside the first of them, and only the first is
compared with other pictures: ten thousand copies of a placeholder are ten thousand pairs, not fifty million.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from index.everywhere import ENOUGH, EXACT_LIMIT, described, products_of_pairs, rounding
from index.inverted import Lists, build_lists
from index.snapshot import Snapshot
from index.titles import BLOCK, TitleIndex

# Above it the bundled catalog, 49 pictures of the bundled checkpoint, has four pairs: the same picture mirrored, cropped closer,
# or with a line of text, at 0.924 to 0.942. The next, at 0.88, is the same launch pad with other people before it. Of copies of each
# picture it finds, by how they were made: another format, double size, brighter or mirrored 100%; 95% of each side kept 98%, 90%
# kept 94%; a black border 96%; words over it 90%; half size 84%; JPEG at quality 50 80%, at 20 39%; grey 61%; 80% kept 51%; a
# quarter of the size 8%. That checkpoint sees JPEG's blocks; look at a report before you trust the number with another one.
THRESHOLD = 0.9
MOST_PAIRS = 1_000_000  # that are kept: beyond, the least alike are only counted
SQUARE = 4096  # rows compared with as many at a time
SMALL = 256  # artworks of a title up to which many titles are compared at a time
SAMPLE = 2048  # pictures whose nearest other one says what recall is
# Of the sample, the most alike that are checked, also where fewer reach the threshold: 114 said 0.99 where 0.96 was found.
FEWEST_CHECKED = 512
HITS = 1 << 26  # pairs that lists may give at a time

Pairs = tuple[np.ndarray, np.ndarray]  # (n,) rows, and (n,) rows above them
Progress = Callable[[int, int], None]  # (pictures compared, of how many)


@dataclass(frozen=True)
class Duplicates:
    """What looks alike."""

    pairs: pa.Table  # of PAIRS, the most alike first
    found: int  # pairs, with those that were too many to be kept
    same_file: int  # of them, those of two artworks with the same bytes
    within_title: int  # of them, those of one title
    groups: int  # of artwork that pairs connect, directly or through others
    how: str  # across titles: "exact", such as "IVF 4096 lists, 16 probed", or "not compared"
    recall: float  # of the pairs across titles, the share that is found: 1.0 where exact, else measured on a sample


PAIRS = pa.schema(
    [
        *(pa.field(name, pa.string()) for name in ("artwork_id", "title_id", "path")),
        *(pa.field(f"other_{name}", pa.string()) for name in ("artwork_id", "title_id", "path")),
        pa.field("similarity", pa.float32()),  # cosine
        pa.field("same_file", pa.bool_()),
        pa.field("within_title", pa.bool_()),
        pa.field("group", pa.int64()),  # from 1, in the order of the pairs
        pa.field("group_size", pa.int64()),  # artworks
    ]
)


def near_duplicates(
    snapshot: Snapshot,
    threshold: float = THRESHOLD,
    *,
    across: bool = True,
    most: int = MOST_PAIRS,
    limit: float = EXACT_LIMIT,
    progress: Progress = lambda done, total: None,
) -> Duplicates:
    """Pairs of artwork whose cosine is at least `threshold` (above 0, at most 1), and those of the same file.

    Exact within titles, and across them (unless `across` is false) up to `limit` comparisons; above, by inverted lists of which
    as many are probed as it takes to find 98 of 100 nearest neighbours in a sample. A copy is paired with its file's first
    artwork in its title, and the first of a title with the first of all. At most `most` pairs are kept, all are counted and
    grouped. Two cores compared 60,000 pictures of 512 numbers in 16 to 33 s; exact, the time grows with the square.

    Raises ValueError where the threshold or `most` is out of its range.
    """
    if not 0 < threshold <= 1:
        raise ValueError(f"the threshold is a cosine above 0 and at most 1, not {threshold}")
    if most < 1:
        raise ValueError(f"at least one pair must be kept, not {most}")
    index = snapshot.index
    contents = _contents(snapshot)
    found = _Found(index, contents, threshold, most)
    in_title, alone = _firsts(index, contents, found, across)
    least = threshold - rounding(index.dimension)  # products of matrices round; who passes is compared anew
    for pairs in _within_titles(index, in_title, least):
        found.add(pairs)
    how, recall = "not compared", 1.0
    if across and len(alone) * (len(alone) - 1) / 2 <= limit:
        how = "exact"
        _across(index, alone, least, found, progress)
    elif across:
        how, recall = _across_by_lists(index, alone, threshold, found, progress)
    return found.report(snapshot, how, recall)


class _Found:
    """Pairs as they are found: compared exactly, counted, joined to groups, and the most alike of them kept."""

    def __init__(self, index: TitleIndex, contents: np.ndarray, threshold: float, most: int) -> None:
        self.index, self.contents, self.threshold, self.most = index, contents, threshold, most
        self.parents = np.arange(
            index.artworks
        )  # each row's, which is itself or a lower row; the lowest of a group is its root
        self.kept = [(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))]  # rows, others, similarities
        self.count = self.same_file = self.within_title = 0

    def add(self, pairs: Pairs) -> None:
        """Take candidates, none of them twice; those of one file are duplicates whatever the threshold."""
        rows, others = pairs
        for part in (slice(start, start + BLOCK) for start in range(0, len(rows), BLOCK)):
            self._add(rows[part], others[part])

    def _add(self, rows: np.ndarray, others: np.ndarray) -> None:
        vectors = self.index.vectors_of(rows)
        similarities = products_of_pairs(self.index, vectors, np.arange(len(rows)), others)
        same = self.contents[rows] == self.contents[others]
        alike = same | (similarities >= self.threshold)
        rows, others, similarities = rows[alike], others[alike], similarities[alike]
        self.count += len(rows)
        self.same_file += int(same.sum())
        self.within_title += int((self.index.titles_of(rows) == self.index.titles_of(others)).sum())
        _join(self.parents, rows, others)
        self.kept.append((rows, others, similarities))
        if sum(len(rows) for rows, _, _ in self.kept) > 2 * self.most:
            self.kept = [self._best()]

    def _best(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The most alike that are kept, ties by row."""
        rows, others, similarities = (np.concatenate(parts) for parts in zip(*self.kept, strict=True))
        order = np.lexsort((others, rows, -similarities))[: self.most]
        return rows[order], others[order], similarities[order]

    def report(self, snapshot: Snapshot, how: str, recall: float) -> Duplicates:
        rows, others, similarities = self._best()
        roots = _roots(self.parents, np.arange(len(self.parents)))
        sizes = np.bincount(roots, minlength=len(roots))
        _, first, number = np.unique(roots[rows], return_index=True, return_inverse=True)
        columns = [
            *(snapshot.take(name, side) for side in (rows, others) for name in ("artwork_id", "title_id", "path")),
            pa.array(similarities),
            pa.array(self.contents[rows] == self.contents[others]),
            pa.array(self.index.titles_of(rows) == self.index.titles_of(others)),
            pa.array(np.argsort(np.argsort(first))[number] + 1, pa.int64()),
            pa.array(sizes[roots[rows]], pa.int64()),
        ]
        pairs = pa.Table.from_arrays(columns, schema=PAIRS)
        groups = int((sizes > 1).sum())
        return Duplicates(pairs, self.count, self.same_file, self.within_title, groups, how, recall)


def _contents(snapshot: Snapshot) -> np.ndarray:
    """(artworks,) int64: the same number for the same file."""
    if not len(snapshot.artwork):
        return np.empty(0, np.int64)
    contents: np.ndarray = pc.dictionary_encode(snapshot.artwork["sha256"]).combine_chunks().indices.to_numpy().astype(np.int64)
    return contents


def _firsts(index: TitleIndex, contents: np.ndarray, found: _Found, across: bool) -> tuple[np.ndarray, np.ndarray]:
    """(the first row of each file in each title, the first row of each file), ascending; copies are added to what is found."""
    rows = np.arange(len(contents))
    keys = index.titles_of(rows) * (len(contents) + 1) + contents
    _, first, number = np.unique(keys, return_index=True, return_inverse=True)
    in_title = np.sort(first)
    copies = rows[first[number] != rows]
    found.add((first[number][copies], copies))
    _, first, number = np.unique(contents[in_title], return_index=True, return_inverse=True)
    first_of_all = in_title[first[number]]
    again = (first_of_all != in_title) & across
    found.add((first_of_all[again], in_title[again]))
    return in_title, in_title[np.sort(first)]


def _within_titles(index: TitleIndex, rows: np.ndarray, least: float) -> Iterator[Pairs]:
    """Candidates among the rows of each title."""
    starts = np.flatnonzero(np.diff(index.titles_of(rows), prepend=-1))
    sizes = np.diff(starts, append=len(rows))
    for size in np.unique(sizes[(sizes > 1) & (sizes <= SMALL)]):
        of_size = starts[sizes == size]
        step = max(BLOCK // int(size), 1)
        for some in (of_size[start : start + step] for start in range(0, len(of_size), step)):
            yield _among(index, rows[some[:, None] + np.arange(size)], least)
    for large in np.flatnonzero(sizes > SMALL):
        for _, pairs in _squares(index, rows[starts[large] :][: sizes[large]], least):
            yield pairs


def _among(index: TitleIndex, rows: np.ndarray, least: float) -> Pairs:
    """Candidates within each of (t, n) rows."""
    vectors = index.vectors_of(rows.reshape(-1)).reshape(*rows.shape, -1)  # (t, n, d)
    alike = np.triu(vectors @ vectors.transpose(0, 2, 1) >= least, 1)
    title, one, other = np.nonzero(alike)
    return rows[title, one], rows[title, other]


def _squares(index: TitleIndex, rows: np.ndarray, least: float) -> Iterator[tuple[int, Pairs]]:
    """(rows that are done with, candidates) among ascending rows, a square of the upper triangle at a time."""
    for start in range(0, len(rows), SQUARE):
        mine = index.vectors_of(rows[start : start + SQUARE])
        for right in range(start, len(rows), SQUARE):
            theirs = mine if right == start else index.vectors_of(rows[right : right + SQUARE])
            one, other = np.nonzero(mine @ theirs.T >= least)
            upper = one + start < other + right
            yield start, (rows[start + one[upper]], rows[right + other[upper]])


def _across(index: TitleIndex, rows: np.ndarray, least: float, found: _Found, progress: Progress) -> None:
    for done, pairs in _squares(index, rows, least):
        found.add(_of_two_titles(index, pairs))
        progress(done, len(rows))
    progress(len(rows), len(rows))


def _of_two_titles(index: TitleIndex, pairs: Pairs) -> Pairs:
    """Without those of one title, which were found there."""
    rows, others = pairs
    across = index.titles_of(rows) != index.titles_of(others)
    return rows[across], others[across]


def _across_by_lists(
    index: TitleIndex, rows: np.ndarray, threshold: float, found: _Found, progress: Progress
) -> tuple[str, float]:
    """(how, recall): each row's candidates in the lists that are probed, each pair from its lower row."""
    if not len(rows):
        return "exact", 1.0
    lists = build_lists(index, rows)
    probes, recall = _enough_probes(index, lists, rows, threshold)
    step = min(max(HITS // len(rows), 1), SQUARE)
    for start in range(0, len(rows), step):
        mine = rows[start : start + step]
        numbers, others = lists.within(index.vectors_of(mine), threshold, probes)
        above = mine[numbers] < others
        found.add(_of_two_titles(index, (mine[numbers[above]], others[above])))
        progress(min(start + step, len(rows)), len(rows))
    return described(lists, probes), recall


def _enough_probes(index: TitleIndex, lists: Lists, rows: np.ndarray, threshold: float) -> tuple[int, float]:
    """(how many lists to probe, the share of nearest neighbours that are then met), of those in a sample that are near
    duplicates, or of the most alike where these are few: alike as they are, they tend to lie in the same list."""
    sample = np.sort(np.random.default_rng(0).choice(rows, min(SAMPLE, len(rows)), replace=False))
    vectors = index.vectors_of(sample)
    similarities, others = _nearest_others(index, vectors, sample, rows)
    checked = np.argsort(-similarities, kind="stable")[: max(int((similarities >= threshold).sum()), FEWEST_CHECKED)]
    depths = lists.depths(vectors[checked], index.vectors_of(others[checked]))
    probes = 1
    while (recall := float((depths <= probes).mean())) < ENOUGH:
        probes = min(2 * probes, lists.count)
    return probes, recall


def _nearest_others(
    index: TitleIndex, vectors: np.ndarray, sample: np.ndarray, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """((s,) similarity, (s,) row) of the most similar of the other rows; itself and -inf where there is none."""
    best, others = np.full(len(sample), -np.inf, np.float32), sample.copy()
    for start in range(0, len(rows), SQUARE):
        block = rows[start : start + SQUARE]
        similarities = vectors @ index.vectors_of(block).T
        similarities[sample[:, None] == block] = -np.inf
        nearest = similarities.argmax(axis=1)
        highest = similarities[np.arange(len(sample)), nearest]
        better = highest > best
        best[better], others[better] = highest[better], block[nearest[better]]
    return best, others


def _roots(parents: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The lowest row known of each row's group; the way there is made short."""
    roots: np.ndarray = parents[rows]
    while (higher := parents[roots] != roots).any():
        roots[higher] = parents[roots[higher]]
    parents[rows] = roots
    return roots


def _join(parents: np.ndarray, rows: np.ndarray, others: np.ndarray) -> None:
    """Make one group of each pair's two: union-find, all pairs at once, until every pair has one root."""
    while len(rows):
        mine, theirs = _roots(parents, rows), _roots(parents, others)
        apart = mine != theirs
        rows, others = rows[apart], others[apart]
        low, high = np.minimum(mine, theirs)[apart], np.maximum(mine, theirs)[apart]
        np.minimum.at(parents, high, low)
