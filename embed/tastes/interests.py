"""Phrases to interests: a user has several, and phrases that say the same are one.

Merged bottom up, the two nearest first, as long as they say the same or there are more than MOST. The nearest interest speaks for
an artwork (Cen et al. 2020, arXiv 2005.09347; Pal et al. 2020, arXiv 2007.03634): one average of unlike things would be near to none.

All that is asked of phrases are their inner products, so that many users are merged at once: a small matrix for each.
"""

from dataclasses import dataclass

import numpy as np

from embed.ragged import spans, stable_order, starts_of

MOST = 4  # interests of a user
# Cosine of two interests, less what all texts of their kind have in common, from which they say the same. The prompts of a genre say so
# much of films and posters that genres would else be alike: 0.74 in the mean with the bundled checkpoint, and not 0.09. Of users who
# state captions of three photographs, 0.5 takes many for one interest, which costs 2 to 7 points of choices right; above 0.7 nothing
# is gained.
ALIKE = 0.7
DISLIKED = -1  # the interest of what speaks against all of them
SHARED = 8  # times as many products as users have of their own phrases are made, where all phrases with all serve many users
AT_ONCE = 1 << 22  # float32 numbers of users' vectors that are multiplied at a time: 16 MB


def interests_of(weights: np.ndarray, vectors: np.ndarray, common: np.ndarray) -> np.ndarray:
    """(phrases,) int64: the interest of each phrase, the one that weighs most being 0; DISLIKED where the weight is not above 0.

    weights: (phrases,); vectors: (phrases, d) unit; common: (phrases, d) or (d,) what all texts of each one's kind have in common.
    """
    starts, each = np.array([0, len(weights)]), np.arange(len(weights))
    return interests_of_many(starts, np.asarray(weights, np.float64), each, vectors - common)


def interests_of_many(starts: np.ndarray, weights: np.ndarray, phrases: np.ndarray, apart: np.ndarray) -> np.ndarray:
    """(n,) int64: `interests_of` for many users, of whom user i has the phrases starts[i]:starts[i + 1].

    weights: (n,) float64; phrases: (n,) rows of apart (phrases, d), vectors less what all texts of their kind have in common.
    """
    apart = apart.astype(np.float32, copy=False)
    numbers = np.full(len(weights), DISLIKED, np.int64)
    liked = np.flatnonzero(weights > 0)
    owners = np.repeat(np.arange(len(starts) - 1), np.diff(starts))[liked]
    sizes = np.bincount(owners, minlength=len(starts) - 1)
    numbers[liked[sizes[owners] == 1]] = 0
    inner = apart @ apart.T if len(apart) ** 2 <= SHARED * (sizes**2).sum() else None
    for size in np.unique(sizes[sizes > 1]).tolist():
        users = np.flatnonzero(sizes == size)
        step = max(1, AT_ONCE // (size * apart.shape[1]))
        for begin in range(0, len(users), step):
            first = np.searchsorted(owners, users[begin : begin + step])
            some = liked[first[:, None] + np.arange(size)]  # (users, size)
            those = phrases[some]
            products = _products(apart[those]) if inner is None else inner[those[:, :, None], those[:, None, :]]
            numbers[some] = _merged(weights[some], products.astype(np.float64))
    return numbers


def _products(own: np.ndarray) -> np.ndarray:
    """(users, n, n) inner products of each user's own vectors (users, n, d)."""
    products: np.ndarray = own @ own.transpose(0, 2, 1)
    return products


def _merged(weights: np.ndarray, products: np.ndarray) -> np.ndarray:
    """(users, n) int64 interests of n liked phrases each. weights: (users, n) above 0; products: (users, n, n) float64 inner ones."""
    users, n = weights.shape
    inner = weights[:, :, None] * weights[:, None, :] * products  # of the groups' sums; at first each phrase is a group
    group = np.tile(np.arange(n), (users, 1))  # a group is known by its first phrase
    barred = np.tile(np.where(np.triu(np.ones((n, n), bool), 1), 0.0, -np.inf), (users, 1, 1))  # each pair is looked at once
    going = np.arange(users)
    for count in range(n, 1, -1):
        here = inner[going]
        lengths = np.maximum(np.sqrt(np.maximum(np.einsum("uii->ui", here), 0)), 1e-12)
        here /= lengths[:, :, None] * lengths[:, None, :]
        here += barred[going]
        flat = here.reshape(len(going), n * n)
        best = flat.argmax(axis=1)
        merging = np.flatnonzero((flat[np.arange(len(going)), best] >= ALIKE) | (count > MOST))
        going, (one, other) = going[merging], np.divmod(best[merging], n)
        inner[going, one] += inner[going, other]
        inner[going, :, one] += inner[going, :, other]
        barred[going, other] = barred[going, :, other] = -np.inf
        rows, columns = np.nonzero(group[going] == other[:, None])
        group[going[rows], columns] = one[rows]
    return _numbered(weights, group)


def _numbered(weights: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Groups (users, n), each named by its first phrase, by number: the one that weighs most is 0."""
    users, n = weights.shape
    worth = np.bincount((group + np.arange(users)[:, None] * n).reshape(-1), weights.reshape(-1), users * n).reshape(users, n)
    order = np.argsort(-worth, axis=1, kind="stable")
    number = np.empty_like(order)
    np.put_along_axis(number, order, np.broadcast_to(np.arange(n), (users, n)), axis=1)
    return np.take_along_axis(number, group, axis=1)


@dataclass(frozen=True)
class Mixtures:
    """Many users' interests; user i's are starts[i]:starts[i + 1], and interest j is mixed of the phrases begins[j]:begins[j + 1].

    See `Profile.interests`, which has one user's.
    """

    starts: np.ndarray  # (users + 1,) int64
    shares: np.ndarray  # (interests,) float64; a user's sum to 1
    begins: np.ndarray  # (interests + 1,) int64
    phrases: np.ndarray  # (m,) int64, rows of the vectors
    weights: np.ndarray  # (m,) float32

    def of(self, users: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Each user's first interest, and how many there are."""
        first = self.starts[users]
        return first, self.starts[users + 1] - first

    def vectors(self, numbers: np.ndarray, vectors: np.ndarray) -> np.ndarray:
        """(n, d) float32: the unit vectors of these interests (n,); vectors: (phrases, d) float32."""
        from scipy.sparse import csr_array

        first = self.begins[numbers]
        counts = self.begins[numbers + 1] - first
        at = spans(first, counts)
        shape = len(numbers), len(vectors)
        mixing = csr_array((self.weights[at], self.phrases[at], np.append(0, np.cumsum(counts))), shape)
        totals: np.ndarray = mixing @ vectors
        lengths = np.linalg.norm(totals, axis=1, keepdims=True)
        mixed: np.ndarray = np.divide(totals, lengths, out=totals, where=lengths > 0)
        return mixed


def mixtures_of(starts: np.ndarray, phrases: np.ndarray, weights: np.ndarray, numbers: np.ndarray) -> Mixtures:
    """Of phrases (n,) that lie user by user, weights (n,) float32; numbers: (n,) each one's interest where it is liked."""
    users, owners = len(starts) - 1, np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    liked, exact = weights > 0, weights.astype(np.float64)
    most = int(numbers.max(initial=0)) + 1
    of_each = owners[liked] * most + numbers[liked]
    there = np.zeros(users * most, bool)
    there[of_each] = True
    keys, of_liked = np.flatnonzero(there), (np.cumsum(there) - 1)[of_each]
    liking = there.reshape(users, most).any(axis=1)
    disliking = np.flatnonzero((np.diff(starts) > 0) & ~liking)  # their one interest is what they dislike
    of_interest = np.concatenate([keys // most, disliking])
    worth = np.bincount(of_liked, exact[liked], minlength=len(keys))
    whole = np.bincount(keys // most, worth, minlength=users)[keys // most]
    order = stable_order(of_interest)  # the numbers of a user's interests rise, and the one that weighs most is 0
    place = np.empty(len(of_interest), np.int64)
    place[order] = np.arange(len(of_interest))
    first = starts_of(of_interest[order], users)
    counts = np.diff(first)[owners[~liked]]  # a dislike speaks against each of its user's interests
    of_entry = np.concatenate([place[of_liked], spans(first[owners[~liked]], counts)])
    mixed = np.concatenate([phrases[liked], np.repeat(phrases[~liked], counts)])
    factors = np.concatenate([exact[liked] * (whole / worth)[of_liked], np.repeat(exact[~liked], counts)])
    by_interest = stable_order(of_entry)
    begins = starts_of(of_entry[by_interest], len(of_interest))
    shares = np.concatenate([worth / whole, np.ones(len(disliking))])[order]
    return Mixtures(first, shares, begins, mixed[by_interest], factors[by_interest].astype(np.float32))
