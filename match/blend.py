"""The blend: prior, personal similarity and people to one score, in log-odds of a quality play.

    score = logit(prior) + w_similarity * similarity + w_people * people

`similarity` is personal: how much better the artwork fits this user than it fits the average one, compared with its title's
other artwork, in units of how much such fits usually differ. What the average user likes is the prior's business.
"""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from embed.records import Audience, Profile, fold

SMALLEST_SPREAD = 1e-9
TIE_DIGITS = 6  # of a score


@dataclass(frozen=True)
class Weights:
    """What a unit of each part is worth in log-odds. Defaults are sane guesses until they are fitted on logs.

    Who is on an artwork is known, how it looks is estimated: the favourite person outweighs four units of similarity.
    """

    similarity: float = 0.5
    people: float = 2.5


@dataclass(frozen=True)
class Prior:
    """P(quality play | impression) of an artwork, and the counts behind it."""

    mean: float
    impressions: int
    plays: int


@dataclass(frozen=True)
class Scored:
    """An artwork of a title as one user sees it; the three parts add up to the score."""

    artwork_id: str
    path: str
    score: float  # log-odds
    prior_part: float
    similarity_part: float
    people_part: float
    similarity: float  # in units of the usual spread; 0 is as good as the title's other artwork on average
    phrase: str | None  # the user's taste phrase that speaks for it most, as a person reads it ("not horror" for a dislike)
    phrase_similarity: float | None  # cosine of that phrase and the picture
    people: tuple[str, ...]  # people on it whom the user likes (or dislikes)
    prior: Prior


def personal_query(profile: Profile, audience: Audience) -> np.ndarray:
    """(d,) float32: what sets this user apart from the average one."""
    query: np.ndarray = profile.vector - audience.mean
    return query


def usual_spread(audience: Audience, scatter: np.ndarray) -> float:
    """Root mean square, over users and artworks, of personal similarity within a title: sqrt(tr(scatter · moment)).

    The unit of similarity. One unit for all, so that a user with an average taste stays near 0 and is left to the prior.
    """
    return float(np.sqrt(max(float((scatter * audience.moment).sum()), 0.0)))


def standardise(cosines: np.ndarray, spread: float) -> np.ndarray:
    """(titles, k) cosines, nan where absent, to similarity: less the title's mean, in units of the usual spread."""
    if spread < SMALLEST_SPREAD:  # no users, or no title with two artworks: nothing can be personal
        return np.where(np.isnan(cosines), np.nan, 0.0)
    counts = np.maximum((~np.isnan(cosines)).sum(axis=1, keepdims=True), 1)
    means = np.nansum(cosines, axis=1, keepdims=True) / counts  # (titles, 1)
    standardised: np.ndarray = (cosines - means) / spread
    return standardised


def logit(p: float | np.ndarray) -> np.ndarray:
    """Log-odds of probabilities in (0, 1)."""
    odds: np.ndarray = np.log(p) - np.log1p(-np.asarray(p, np.float64))
    return odds


def liked_people(profile: Profile) -> dict[str, float]:
    """Folded name to how much the user likes (or dislikes) the person, in -1..1, the strongest phrase being 1."""
    strongest = max((abs(phrase.weight) for phrase in profile.phrases), default=0.0) or 1.0
    liked: dict[str, float] = defaultdict(float)
    for phrase in profile.phrases:
        if phrase.kind == "person":
            liked[fold(phrase.text)] += phrase.weight / strongest  # one person may stand there in two spellings
    return {name: min(max(weight, -1.0), 1.0) for name, weight in liked.items()}


def people_affinity(rows: np.ndarray, liked: dict[str, float], rows_of: dict[str, np.ndarray]) -> np.ndarray:
    """-1..1 per artwork: how much the user likes who is on it. People meet by identity, not by pixels.

    rows: artwork rows of any shape; rows_of: folded name to the sorted rows of the artwork that shows the person.
    """
    affinity = np.zeros(rows.shape)
    for name in liked.keys() & rows_of.keys():
        affinity += liked[name] * np.isin(rows, rows_of[name])
    return affinity.clip(-1.0, 1.0)


@dataclass(frozen=True)
class Parts:
    """The three parts of a page's scores, each (titles, k) float64 in log-odds; similarity is nan where there is no artwork."""

    prior: np.ndarray
    similarity: np.ndarray
    people: np.ndarray

    @property
    def score(self) -> np.ndarray:
        """(titles, k): their sum; nan where there is no artwork."""
        total: np.ndarray = self.prior + self.similarity + self.people
        return total

    def ranking(self, rows: np.ndarray) -> np.ndarray:
        """(titles, k) int64: places in each title, best first, then those where there is no artwork.

        Ties break by row, which is by artwork_id, so that every machine answers alike; what differs by less than the last
        bits of a float32 is a tie.
        """
        order: np.ndarray = np.lexsort((rows, -self.score.round(TIE_DIGITS)), axis=-1)
        return order
