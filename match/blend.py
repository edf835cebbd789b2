"""The blend: prior, personal similarity, words and people to one score, in log-odds of a quality play.

    score = logit(prior) + w_similarity * similarity + w_words * words + w_people * people

`similarity` is personal: how much better the artwork fits this user than it fits the average one, compared with its title's
other artwork, in units of how much such fits usually differ. What the average user likes is the prior's business, where it fades as
clicks arrive (match.clicks.average_fit). Of a user's
several interests the one that an artwork meets best speaks for it. `words` is the same of what its tags and micro-copy say.
"""

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from embed.ragged import spans
from embed.records import Audience, Profile, fold
from embed.tastes.audience import common_of
from index.titles import Page

PERSONAL = ("similarity", "people", "words")  # the parts of an artwork's score beside its prior, each with a weight
SMALLEST_SPREAD = 1e-6  # of cosines: less is the rounding of float32 vectors, not a difference between pictures
TIE_DIGITS = 6  # of a score
SHARPNESS = (
    1.0  # of the choice among interests: half the share costs one log(2) = 0.69 units of similarity; 1 to 4 choose alike
)


@dataclass(frozen=True)
class Weights:
    """What a unit of each part is worth in log-odds. Defaults are sane guesses until they are fitted on logs (match.fitting).

    Who is on an artwork is known, how it looks is estimated: the favourite person outweighs four units of similarity. Each is 0 or
    more; what is 0 has no say.
    """

    similarity: float = 0.5  # of the picture and the taste, in units of `usual_spread`
    people: float = 2.5  # of who is on it, liked from -1 to 1
    words: float = 0.125  # of its tags and micro-copy, in a spread of their own
    copy: float = 0.5  # of the similarity of a line of copy

    @property
    def personal(self) -> float:
        """What a unit is worth in which a user's interests are put together: one of similarity, unless that counts for nothing."""
        return self.similarity or self.words


class Prior(NamedTuple):
    """P(quality play | impression) of an artwork or a line of copy, and the counts behind it."""

    mean: float  # above 0, below 1: of the Beta posterior
    impressions: int
    plays: int  # of them, how many led to a quality play
    segment: str | None = None  # whose it is; None: everyone's


def personal_queries(profile: Profile, audience: Audience) -> tuple[np.ndarray, np.ndarray]:
    """(shares (k,) float64, queries (k, d) float32): what sets each of this user's interests apart from the average one.

    The average is everyone's; whose segment has one of its own is apart from that by so much less as the segment is (`apart_of`).
    """
    shares, vectors = profile.interests
    return shares, vectors - common_of(audience)


def usual_spread(audience: Audience, scatter: np.ndarray) -> float:
    """Root mean square, over users' interests and artworks, of personal similarity within a title: sqrt(tr(scatter · moment)).

    The unit of similarity. One unit for all, so that a user with an average taste stays near 0 and is left to the prior.
    """
    return float(np.sqrt(max(float((scatter * audience.moment).sum()), 0.0)))


def similarity_of(cosines: np.ndarray, shares: np.ndarray, starts: np.ndarray, spread: float) -> tuple[np.ndarray, np.ndarray]:
    """((n,) float64 similarities of artwork to a user, (n,) int64 the interest that has most of each).

    cosines: (k, n) with each of the user's k interests; shares: (k,) of the interests, which sum to 1. Title i's artworks are
    starts[i]:starts[i + 1]; every title has some.

    A user comes in one of several moods, as often as each interest's share; artwork that meets one of them well is worth more than
    artwork that meets all a little. So an artwork's similarity is log(sum(share · e^(S s))) / S over the interests, s being each one's
    `standardise`d cosine: between the mean of the interests (S = 0) and the best of them (S without end). For one interest it is
    its own s, to the bit.
    """
    return of_interests(standardised(cosines, starts, spread), shares)


def of_interests(worth: np.ndarray, shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What `similarity_of` makes of the standardised cosines (k, n) of the interests."""
    if len(worth) == 1:
        return worth[0], np.zeros(worth.shape[1], np.int64)
    moods = SHARPNESS * worth + np.log(shares)[:, None]
    most = moods.argmax(axis=0)
    return log_sum_exp(moods, axis=0) / SHARPNESS, most


def standardised(cosines: np.ndarray, starts: np.ndarray, spread: float) -> np.ndarray:
    """(k, n) float64: each interest's cosines (k, n), as `standardise` has them."""
    if len(cosines) == 1:
        return standardise(cosines[0], starts, spread)[None]
    return np.array([standardise(one, starts, spread) for one in cosines])


def log_sum_exp(values: np.ndarray, axis: int) -> np.ndarray:
    """log(sum(e^values)) along an axis, without overflow and in the values' own precision; takes their memory for it."""
    best = values.max(axis=axis, keepdims=True)
    values -= best
    total: np.ndarray = best.squeeze(axis) + np.log(np.exp(values, out=values).sum(axis=axis))
    return total


def standardise(cosines: np.ndarray, starts: np.ndarray, spread: float) -> np.ndarray:
    """Cosines (n,) of one interest to (n,) float64: less the title's mean, in units of the usual spread.

    Title i's artworks are starts[i]:starts[i + 1]; every title has some.
    """
    if spread < SMALLEST_SPREAD or not len(cosines):  # no users, or no title with two artworks: nothing can be personal
        return np.zeros(len(cosines))
    standardised, sizes = cosines.astype(np.float64), starts[1:] - starts[:-1]
    standardised -= (np.add.reduceat(standardised, starts[:-1]) / sizes).repeat(sizes)
    standardised /= spread
    return standardised


def logit(p: float | np.ndarray) -> np.ndarray:
    """Log-odds of probabilities in (0, 1)."""
    odds: np.ndarray = np.log(p) - np.log1p(-np.asarray(p, np.float64))
    return odds


def expit(log_odds: np.ndarray) -> np.ndarray:
    """Probabilities of log-odds, without overflow."""
    return np.asarray(np.exp(-np.logaddexp(0.0, -log_odds)), np.float64)


def liked_people(profile: Profile) -> dict[str, float]:
    """Folded name to how much the user likes (or dislikes) the person, in -1..1, the strongest phrase being 1."""
    strongest = max((abs(phrase.weight) for phrase in profile.phrases), default=0.0) or 1.0
    liked: dict[str, float] = defaultdict(float)
    for phrase in profile.phrases:
        if phrase.kind == "person":
            liked[fold(phrase.text)] += phrase.weight / strongest  # one person may stand there in two spellings
    return {name: min(max(weight, -1.0), 1.0) for name, weight in liked.items()}


def people_met(page: Page, rows: np.ndarray, who: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """((h,) places of a page's artwork, (h,) of `who`): who of the liked is on what. By identity, not by pixels.

    rows: (a,) int64, ascending: all artwork that shows somebody whom the user likes; who: (a,) which of them it is.
    """
    if not len(rows):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    first = rows.searchsorted(page.first_rows)
    there = spans(first, rows.searchsorted(page.first_rows + page.sizes) - first)
    return page.rows.searchsorted(rows[there]), who[there]


def people_affinity(artworks: int, met: tuple[np.ndarray, np.ndarray], weights: np.ndarray) -> np.ndarray:
    """(artworks,) -1..1: how much the user likes who is on each; met: as `people_met` has it; weights: (m,) of the liked."""
    at, which = met
    affinity = np.zeros(artworks)
    if len(at):
        np.add.at(affinity, at, weights[which])
        affinity.clip(-1.0, 1.0, out=affinity)
    return affinity


@dataclass(frozen=True)
class Parts:
    """The parts of a page's scores, each (artworks,) float64 in log-odds; `words` None where the snapshot has none."""

    prior: np.ndarray
    similarity: np.ndarray
    people: np.ndarray
    words: np.ndarray | None = None

    @cached_property
    def score(self) -> np.ndarray:
        """(artworks,): their sum."""
        total: np.ndarray = self.prior + self.similarity + self.people
        return total if self.words is None else total + self.words

    def at(self, places: np.ndarray) -> "Parts":
        """Those of the artwork at these places (n,)."""
        words = None if self.words is None else self.words[places]
        return Parts(self.prior[places], self.similarity[places], self.people[places], words)

    @property
    def order(self) -> np.ndarray:
        """(artworks,): the score as it is compared. What differs by less than the last bits of a float32 is a tie, and ties break
        by row, which is by artwork_id, so that every machine answers alike."""
        rounded: np.ndarray = self.score.round(TIE_DIGITS)
        return rounded
