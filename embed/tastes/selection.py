"""From what users watched and said to the few phrases that are their taste: weighed, merged and chosen for a block of users at once.

All of it on arrays of one entry per (user, phrase, watch or statement), which lie user by user and in the order in which they came.
Sums are taken in that order, so that it does not matter with whom a user shares a block.
"""

from dataclasses import dataclass

import numpy as np

from embed.ragged import counted, first_of, places_in, spans, stable_order, starts_of
from embed.tastes.vocabulary import Vocabulary

PHRASES = 12  # per profile: more is no taste but a list


@dataclass(frozen=True)
class Entries:
    """What speaks for (or against) a phrase; (n,) each."""

    users: np.ndarray  # int64, places in the block, ascending
    phrases: np.ndarray  # int64, numbers of the vocabulary
    weights: np.ndarray  # float64
    titles: np.ndarray  # int64, numbers of the catalog's titles, where a watch is behind it; else not looked at


@dataclass(frozen=True)
class TitlePhrases:
    """What the catalog says of each title: title i's phrases are starts[i]:starts[i + 1], each once."""

    starts: np.ndarray  # (titles + 1,) int64
    numbers: np.ndarray  # (n,) int64, of the vocabulary
    shares: np.ndarray  # (n,) float64: what each counts in a watch, by its kind


@dataclass(frozen=True)
class Selection:
    """The strongest phrases of a block of users, by user, the one that weighs most first."""

    starts: np.ndarray  # (users + 1,) int64: where each user's begin
    phrases: np.ndarray  # (n,) int64
    weights: np.ndarray  # (n,) float64; the sizes of a user's sum to 1
    title_starts: np.ndarray  # (n + 1,) int64: where each phrase's titles begin
    titles: np.ndarray  # (m,) int64, in the order in which they were watched


@dataclass(frozen=True)
class _Summed:
    """Entries of the same user and phrase as one, in the order of each one's first entry."""

    users: np.ndarray
    phrases: np.ndarray
    weights: np.ndarray
    of_entry: np.ndarray  # (entries,) places in the above

    @classmethod
    def of(cls, users: np.ndarray, phrases: np.ndarray, weights: np.ndarray, keys: np.ndarray) -> "_Summed":
        """Those are the same that have one user and one of keys (n,) ints; the first one's phrase stands for them."""
        leads = (leading := first_of(users, keys)) == counted(len(keys))
        of_entry, first = (np.cumsum(leads) - 1)[leading], np.flatnonzero(leads)
        return cls(users[first], phrases[first], np.bincount(of_entry, weights, len(first)), of_entry)


def _grouped(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """((n,) places in order of key and then as they came, (n,) bool: whether another key begins there)."""
    order = stable_order(keys)
    ordered, new = keys[order], np.ones(len(keys), bool)
    np.not_equal(ordered[1:], ordered[:-1], out=new[1:])
    return order, new


def select(users: int, watched: Entries, stated: Entries, vocabulary: Vocabulary) -> Selection:
    """Half of a user's weight is what was watched and half is what was said, however much there is of each; then the same words
    once, the strongest PHRASES of them, sizes summing to 1. What cancels out is none."""
    history = _Summed.of(watched.users, watched.phrases, watched.weights, watched.phrases)
    kept = np.flatnonzero(history.weights > 0)
    sources = (_shared(history.users[kept], history.weights[kept], users), _shared(stated.users, stated.weights, users))
    owners = np.concatenate([history.users[kept], stated.users])
    by_user = np.argsort(owners, kind="stable")
    owners, phrases = owners[by_user], np.concatenate([history.phrases[kept], stated.phrases])[by_user]
    wordings = np.array(vocabulary.wordings, np.int64)[phrases]
    merged = _Summed.of(owners, phrases, np.concatenate(sources)[by_user], wordings)
    chosen = _strongest(merged, vocabulary)
    places = _compose(chosen, merged.of_entry, by_user, kept, len(history.users))
    title_starts, titles = _titles(watched, history, places, len(chosen))
    of_chosen = merged.users[chosen]
    starts, weights = starts_of(of_chosen, users), _shared(of_chosen, merged.weights[chosen], users)
    return Selection(starts, merged.phrases[chosen], weights, title_starts, titles)


def _shared(owners: np.ndarray, weights: np.ndarray, users: int) -> np.ndarray:
    """Weights (n,) that sum to 1 in size within each user; 0 where there is no weight at all."""
    totals = np.bincount(owners, np.abs(weights), users)[owners]
    shared: np.ndarray = np.divide(weights, totals, out=np.zeros(len(weights)), where=totals > 0)
    return shared


def _strongest(merged: _Summed, vocabulary: Vocabulary) -> np.ndarray:
    """Places of the PHRASES of each user that weigh most, in that order; ties break by kind and text."""
    there = np.flatnonzero(merged.weights)
    there = there[_among_strongest(merged.users[there], np.abs(merged.weights[there]))]
    ranks = vocabulary.ranks(merged.phrases[there])
    order = there[np.lexsort((ranks, -np.abs(merged.weights[there]), merged.users[there]))]
    strongest: np.ndarray = order[places_in(merged.users[order]) < PHRASES]
    return strongest


def _among_strongest(owners: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(n,) bool: those with one of the PHRASES highest weights (n,) above 0 of their owner's, who ascend; few are left to be sorted."""
    left, begins = weights.copy(), np.flatnonzero(np.diff(owners, prepend=-1))
    runs = np.repeat(np.arange(len(begins)), np.diff(begins, append=len(owners)))
    for _ in range(PHRASES if len(begins) else 0):
        left[left == np.maximum.reduceat(left, begins)[runs]] = 0
    among: np.ndarray = left == 0
    return among


def _compose(chosen: np.ndarray, of_source: np.ndarray, by_user: np.ndarray, kept: np.ndarray, watched: int) -> np.ndarray:
    """(watched phrases,) int64: the place among `chosen` of each, len(chosen) where it is not chosen."""
    place = np.full(int(of_source.max(initial=-1)) + 1, len(chosen))
    place[chosen] = np.arange(len(chosen))
    of_sources = np.empty(len(by_user), np.int64)
    of_sources[by_user] = place[of_source]  # the kept watched ones first, as they were put together
    found = np.full(watched, len(chosen))
    found[kept] = of_sources[: len(kept)]
    return found


def _titles(watched: Entries, history: _Summed, chosen: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """(starts, titles) of so many chosen phrases: each watched phrase's titles once, in order; chosen: as `_compose` has it."""
    some = np.flatnonzero(chosen[history.of_entry] < count)
    size = int(watched.titles.max(initial=0)) + 1
    order, new = _grouped(history.of_entry[some] * size + watched.titles[some])
    entries = np.sort(some[order[new]])
    of_entries = history.of_entry[entries]
    entries = entries[stable_order(chosen[of_entries] * len(history.users) + of_entries)]
    return starts_of(chosen[history.of_entry[entries]], count), watched.titles[entries]


def entries_of_watches(
    users: np.ndarray, titles: np.ndarray, worth: np.ndarray, phrases: TitlePhrases, rarity: np.ndarray
) -> Entries:
    """Watches, their users, titles and worth (n,) each, as entries of the phrases of their titles; rarity: (n of `phrases`,)."""
    counts = phrases.starts[titles + 1] - phrases.starts[titles]
    at = spans(phrases.starts[titles], counts)
    weights = np.repeat(worth, counts) * phrases.shares[at] * rarity[at]
    return Entries(np.repeat(users, counts), phrases.numbers[at], weights, np.repeat(titles, counts))
