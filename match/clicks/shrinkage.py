"""Shrinkage: rates out of few impressions, drawn towards what their like have, as far as the data say that likes are alike.

A tree: segments of an artwork, artworks of a title, titles of the catalog. Under a node, rates scatter as a Beta distribution of a
`strength`: the impressions that the node's rate is worth to a child of which nothing is known (Beta-Binomial: Gelman et al.,
Bayesian Data Analysis, ch. 5). How strong a level is comes from how much more its children's rates scatter than chance alone would
scatter them (the moments of Kleinman, JASA 1973). What a node is believed to be before its own clicks is what its parent and its
siblings say, with the weights of hierarchical credibility (Jewell 1975; Bühlmann & Gisler 2005, ch. 6): a sibling counts as many
impressions as it had, and never more than the strength of its level, since it is another artwork after all.
"""

from math import erfc, exp, inf, pi, sqrt
from typing import NamedTuple

import numpy as np

STRENGTH = 100.0  # impressions that a parent's rate is worth, where the data cannot tell
LEAST, MOST = 5.0, 1e6  # bounds of what is estimated
FREE = 20.0  # degrees of freedom: with fewer children than that over their groups, the data cannot tell

EDGES = (1e-6, 0.99)  # of a rate that was multiplied
FACTOR_PLAYS = 20.0  # expected plays that a factor of 1 is worth, so that a place of few impressions is no wonder
FACTOR_ROUNDS = 200
FACTOR_PRECISION = 1e-9


class Counts(NamedTuple):
    """What was seen of n nodes. Weighted counts: where all weights are 1, `evidence` is `shown`."""

    shown: np.ndarray  # (n,) float64 > 0, effective impressions
    plays: np.ndarray  # (n,) float64, effective quality plays
    evidence: np.ndarray  # (n,) float64, equally weighted impressions that would scatter as much (Kish 1965)


class Beliefs(NamedTuple):
    """Beta distributions: of the impressions that it is worth, `strength`, the share `mean` were quality plays."""

    mean: np.ndarray  # (n,) float64 in (0, 1)
    strength: np.ndarray  # (n,) float64 > 0


class Strengths(NamedTuple):
    """Impressions that a parent's rate is worth."""

    of_titles: float  # the catalog's to a title; inf: titles are alike
    of_artworks: float  # a title's to an artwork


def estimate_strength(counts: Counts, groups: np.ndarray, means: np.ndarray, fallback: float = STRENGTH) -> float:
    """Impressions that a group's rate is worth to its members, in [LEAST, MOST], or `fallback` where there are too few members.

    groups: (n,) int, each node's group; means: (n,) the group's rate, as far as it is known, by which chance's own scatter is
    reckoned. The moments may say that all are alike, or less than that, where they only cannot tell; so the answer is the mean of
    what is believed of the correlation after them, which is never below 0 and was held to be exponential around 1 / (1 + STRENGTH).
    """
    totals = np.bincount(groups, counts.evidence)[groups]
    rates = counts.plays / counts.shown
    centres = (np.bincount(groups, counts.evidence * rates) / np.maximum(np.bincount(groups, counts.evidence), 1e-300))[groups]
    free = 1 - counts.evidence / totals
    degrees, informed = float(free.sum()), float((np.maximum(counts.evidence - 1, 0) * free).sum())
    if degrees < FREE or informed <= 0:
        return fallback
    scatter = float((counts.evidence * (rates - centres) ** 2 / (means * (1 - means))).sum())
    alike, error = (
        (scatter - degrees) / informed,
        sqrt(2 * degrees) / informed,
    )  # of two impressions of one node, the correlation
    return float(np.clip(1 / _positive(alike - error**2 * (1 + STRENGTH), error) - 1, LEAST, MOST))


def _positive(mean: float, error: float) -> float:
    """The mean of a normal distribution of which only what is above 0 can be."""
    at = mean / error
    if at < -20:
        return -error / at
    return mean + error * exp(-(at**2) / 2) / sqrt(pi / 2) / erfc(-at / sqrt(2))


def estimate_strengths(counts: Counts, titles: np.ndarray, rate: float) -> Strengths:
    """Of artworks (n,) and titles. titles: (n,) int from 0, each artwork's, none without artwork; rate: the catalog's.

    Titles are held to be alike until their scatter shows that they are not.
    """
    shown, plays = np.bincount(titles, counts.shown), np.bincount(titles, counts.plays)
    usual = (plays + STRENGTH * rate) / (shown + STRENGTH)
    of_artworks = estimate_strength(counts, titles, usual[titles])
    worths, sums = _worth(counts, titles, of_artworks)
    sure = np.bincount(titles, together(counts.evidence, of_artworks))
    of_titles = estimate_strength(Counts(worths, sums, sure), np.zeros(len(worths), int), np.full(len(worths), rate), inf)
    return Strengths(of_titles, of_artworks)


def believe(counts: Counts, titles: np.ndarray, rate: float, strengths: Strengths) -> tuple[Beliefs, Beliefs]:
    """The beliefs about artworks (n,), and about an artwork of each title that was never shown; arguments as above."""
    worths, sums = _worth(counts, titles, strengths.of_artworks)
    own = together(counts.shown, strengths.of_artworks)
    siblings = worths[titles] - own, sums[titles] - own * counts.plays / counts.shown
    artworks = posterior(_before(*siblings, rate, strengths), counts.shown, counts.plays)
    return artworks, _before(worths, sums, rate, strengths)


def _worth(counts: Counts, titles: np.ndarray, of_artworks: float) -> tuple[np.ndarray, np.ndarray]:
    """Per title: the impressions its artworks are worth to another one, and the plays."""
    worth = together(counts.shown, of_artworks)
    return np.bincount(titles, worth), np.bincount(titles, worth * counts.plays / counts.shown)


def _before(worths: np.ndarray, sums: np.ndarray, rate: float, strengths: Strengths) -> Beliefs:
    """Of an artwork before its own clicks, from its siblings' and the catalog."""
    worths = np.maximum(worths, 0.0)
    mean = rate + (sums - worths * rate) / (strengths.of_titles + worths)
    return Beliefs(np.clip(mean, *EDGES), together(strengths.of_titles + worths, strengths.of_artworks))


def believe_segments(
    counts: Counts, artworks: np.ndarray, parents: Beliefs, factors: np.ndarray, fallback: float = STRENGTH
) -> tuple[Beliefs, float]:
    """(beliefs, the level's strength) of artworks in segments, one row each where the artwork was shown there.

    artworks: (n,) int, each row's artwork; parents: of the artworks, the row's own clicks among them; factors: (n,) how many times
    as often the segment plays as the average one. What the others taught of the artwork is what is believed before, times that.
    """
    own = Counts(counts.shown * factors, counts.plays, counts.evidence * factors)
    strength = estimate_strength(own, artworks, parents.mean[artworks], fallback)
    rest = np.maximum(parents.strength[artworks] - own.shown, 1e-9)
    plays = np.maximum(parents.mean[artworks] * parents.strength[artworks] - own.plays, 0.0)
    before = Beliefs(np.clip(factors * plays / rest, *EDGES), together(rest, strength))
    return posterior(before, counts.shown, counts.plays), strength


def posterior(before: Beliefs, shown: np.ndarray, plays: np.ndarray) -> Beliefs:
    """The beliefs after so many effective impressions (n,) and quality plays (n,).

    A place that is hardly looked at counts as less than an impression, a play there as a whole one: there are never fewer
    impressions than plays.
    """
    shown = np.maximum(shown, plays)
    strength = before.strength + shown
    return Beliefs((before.mean * before.strength + plays) / strength, strength)


def together(one: np.ndarray | float, other: np.ndarray | float) -> np.ndarray:
    """Impressions that a rate is worth which is known from `one` many, through a level of the strength `other`."""
    inverse: np.ndarray = 1 / (1 / np.asarray(one, float) + 1 / np.asarray(other, float))
    return inverse


def estimate_factors(kinds: np.ndarray, items: np.ndarray, shown: np.ndarray, plays: np.ndarray, rate: float) -> np.ndarray:
    """(k,) how many times as often an impression of each kind is played as the average one, whatever was shown there.

    kinds, items: (n,) int from 0; shown, plays: (n,) of that item under that kind. Of places it is their examination, as position
    based click models have it (Richardson, Dominowska & Ragno, WWW 2007): the rate of an item at a place is the item's own times
    the place's. Each is estimated with the others held fixed, in turn, until nothing moves (the minimum bias method: Bailey &
    Simon, ASTIN Bulletin 1960). It takes for granted that whoever chose the place did not know who would play.
    """
    factors = np.ones(int(kinds.max(initial=-1)) + 1)
    played, of_items = np.bincount(kinds, plays), np.bincount(items, plays) + STRENGTH * rate
    for _ in range(FACTOR_ROUNDS):
        rates = of_items / (np.bincount(items, shown * factors[kinds]) + STRENGTH)
        expected = np.bincount(kinds, shown * rates[items])
        found = (played + FACTOR_PLAYS) / (expected + FACTOR_PLAYS)
        found *= shown.sum() / (shown * found[kinds]).sum()
        moved = np.abs(np.log(found / factors)).max(initial=0.0)
        factors = found
        if moved < FACTOR_PRECISION:
            break
    return factors
