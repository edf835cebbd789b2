"""A title's artwork as one user sees it, ready to be scored with any weights: what decides between the best and the runner-up."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from match.blend import PERSONAL, TIE_DIGITS, Weights, people_affinity, people_met, standardised
from match.matcher import Matcher
from match.tastes import Taste
from match.words import PageWords, with_words


@dataclass(frozen=True)
class Contest:
    """n artworks of one title in the snapshot's order, held against a user's k interests."""

    prior: np.ndarray  # (n,) float64 log-odds
    similar: np.ndarray  # (k, n) float64: standardised cosines of the pictures, see match.blend.standardise
    worded: np.ndarray  # (k, n) float64: the same of their words; 0 where there are none
    people: np.ndarray  # (n,) float64 -1..1: how much the user likes who is on each
    shares: np.ndarray  # (k,) float64, of the interests; they sum to 1

    def scores(self, weights: Weights) -> np.ndarray:
        """(n,) float64 log-odds, as the matcher with these weights has them."""
        similarity, words, _ = with_words(self.similar, self.worded, self.shares, weights)
        total: np.ndarray = self.prior + similarity + words + weights.people * self.people
        return total

    def scores_along(self, weights: Weights, name: str, values: np.ndarray) -> np.ndarray:
        """(v, n) float64: the scores with each of these values (v,) of one weight, up to the last bits; all in one blend.

        The blend is linear in how long its unit is: weights a and b of pictures and words are a unit u of a / u and b / u.
        """
        of: dict[str, np.ndarray] = {
            one: values if one == name else np.full(len(values), getattr(weights, one)) for one in PERSONAL
        }
        unit: np.ndarray = np.where(of["similarity"] > 0, of["similarity"], of["words"])
        length = np.where(unit > 0, unit, 1.0)
        similar, worded = (
            (parts[:, None] * share[:, None]).reshape(len(parts), -1)  # (k, v * n)
            for parts, share in ((self.similar, of["similarity"] / length), (self.worded, of["words"] / length))
        )
        similarity, words, _ = with_words(similar, worded, self.shares, Weights(similarity=1.0, words=1.0))
        personal = (similarity + words).reshape(len(values), -1) * unit[:, None]
        along: np.ndarray = self.prior + personal + of["people"][:, None] * self.people
        return along

    def taken(self, places: Sequence[int]) -> "Contest":
        """That of some of the artworks."""
        some = list(places)
        return replace(
            self,
            prior=self.prior[some],
            similar=self.similar[:, some],
            worded=self.worded[:, some],
            people=self.people[some],
        )

    @property
    def are_alike(self) -> bool:
        """Whether all of the artworks are the same in what a score is made of."""
        return all(bool((part == part[..., :1]).all()) for part in (self.prior, self.similar, self.worded, self.people))

    def order(self, weights: Weights) -> np.ndarray:
        """(n,): the scores as they are compared; ties go to the first."""
        rounded: np.ndarray = self.scores(weights).round(TIE_DIGITS)
        return rounded


def contest_of(matcher: Matcher, taste: Taste, title: int) -> tuple[Contest, np.ndarray]:
    """The contest of a title by its number, and (n,) the rows of its artwork."""
    snapshot = matcher.snapshot
    page = snapshot.index.page(taste.queries, np.array([title]))
    asked, count = slice(0, len(taste.queries)), len(page.rows)
    worded = np.zeros((len(taste.queries), count))
    if snapshot.words:
        words = PageWords.of(page, snapshot.words, taste.queries)
        worded = words.standardised(asked, count, matcher.word_spread)
    people = people_affinity(count, people_met(page, taste.people.rows, taste.people.who), taste.people.weights)
    prior = matcher.catalog_priors.of(taste.segment).log_odds.take(page.rows)
    similar = standardised(page.similarities, page.starts, matcher.spread)
    return Contest(prior, similar, worded, people, taste.shares), page.rows
