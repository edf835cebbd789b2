"""A title's artwork as one user sees it, ready to be scored with any weights: what decides between the best and the runner-up."""

from dataclasses import dataclass

import numpy as np

from match.blend import TIE_DIGITS, Weights, people_affinity, people_met, standardised
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
