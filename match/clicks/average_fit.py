"""The average fit: how well artwork fits what the average user likes, as a guess at its prior that fades as clicks arrive.

The fit of an artwork is the standardised cosine of the average taste (match.blend.standardise): 0 is as good as the title's other
artwork on average, 1 a usual difference. It moves the mean of the Beta prior in log-odds, by a weight; of a posterior the share that
was there before its clicks moves with it, and what clicks said stays as it is. Prior information of pictures enters a bandit in this
way in Wang et al., A Hybrid Bandit Model with Visual Priors for Creative Ranking (WWW 2021).

What a unit of fit is worth is learned over the catalog, so that a worthless one ends up costing nothing: logistic regression of plays
on fit with a level for each title, the counts discounted as those of artwork whose rates scatter anyway (Williams, Applied Statistics
1982), and ridge, that is a normal prior, towards a modest default; the answer is the mode. Arrays in, arrays out.
"""

from typing import NamedTuple

import numpy as np

from match.blend import expit, logit
from match.clicks.shrinkage import EDGES, Beliefs

DEFAULT = 0.25  # log-odds per unit of fit, where clicks say nothing: half of what a unit of personal similarity is worth
UNSURE = 0.25  # standard deviation of what is believed of the weight before any clicks
MOST = 2.0  # of a weight; and none is below 0: that taste repels is a sign of something else
LEVELS = 1.0  # standard deviation, in log-odds, of the titles' levels around the catalog's
ROUNDS, PRECISION = 100, 1e-9


class FitWeight(NamedTuple):
    """What a unit of average fit is worth."""

    weight: float  # log-odds, in 0..MOST
    error: float  # its standard deviation


NOTHING_LEARNED = FitWeight(DEFAULT, UNSURE)


def learn_weight(rates: np.ndarray, trials: np.ndarray, titles: np.ndarray, fits: np.ndarray) -> FitWeight:
    """What average fit is worth by the clicks of n artworks.

    rates: (n,) float64, plays over impressions; trials: (n,) float64 > 0, equally weighted impressions that would tell as much of what
    artwork of such a fit plays (`together(impressions, strength of artworks)` of match.clicks.shrinkage); titles: (n,) int from 0;
    fits: (n,) float64, nan where it is unknown, as of artwork that is gone.
    """
    known = np.isfinite(fits)
    rates, trials, titles, fits = (column[known] for column in (np.clip(rates, 0.0, 1.0), trials, titles, fits))
    if not len(fits) or not (total := float((rates * trials).sum())):
        return NOTHING_LEARNED
    level = float(logit((total + 1) / (trials.sum() + 2)))
    weight, levels, precision = DEFAULT, np.zeros(int(titles.max()) + 1), 0.0
    for _ in range(ROUNDS):
        step, steps, precision = _newton(rates, trials, titles, fits, weight, level, levels)
        farthest = float(np.abs(step * fits + steps[titles]).max())
        if farthest < PRECISION:
            break
        damped = np.log1p(farthest) / farthest  # as far as logistic loss is near a parabola (Sun & Tran-Dinh 2019)
        weight, levels = weight + damped * step, levels + damped * steps
    return FitWeight(float(np.clip(weight, 0.0, MOST)), precision**-0.5)


def _newton(
    rates: np.ndarray,
    trials: np.ndarray,
    titles: np.ndarray,
    fits: np.ndarray,
    weight: float,
    level: float,
    levels: np.ndarray,
) -> tuple[float, np.ndarray, float]:
    """(step of the weight, steps of the levels (t,), precision of the weight with the levels unknown)."""
    expected = expit(level + levels[titles] + weight * fits)
    missing, curved = trials * (rates - expected), trials * expected * (1 - expected)
    slope = (missing * fits).sum() - (weight - DEFAULT) / UNSURE**2
    slopes = np.bincount(titles, missing, len(levels)) - levels / LEVELS**2
    own = np.bincount(titles, curved, len(levels)) + LEVELS**-2
    both = np.bincount(titles, curved * fits, len(levels))
    precision = float((curved * fits**2).sum() + UNSURE**-2 - (both**2 / own).sum())
    step = float(slope - (both * slopes / own).sum()) / precision
    return step, (slopes - both * step) / own, precision


def share_of_prior(strength: np.ndarray, effective: np.ndarray) -> np.ndarray:
    """(n,) in 0..1: how much of what is known of each artwork was there before its clicks; 1 where it has none.

    strength: (n,) impressions that the posteriors' means are worth; effective: (n,) those of them that the artworks had themselves.
    """
    share: np.ndarray = np.clip(1 - effective / strength, 0.0, 1.0)
    return share


def moved(mean: np.ndarray, share: np.ndarray, before: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """(n,) in (0, 1): posteriors' means (n,) with their priors' means moved by `shift` (n,) log-odds.

    share: as `share_of_prior` has it; before: (n,) about the priors' means, such as the titles' rates. Where the share is 1, the mean
    is the prior's own, and moves by all of it. A posterior of strength s, s0 of it from before its clicks, has the mean
    (s0 · m0 + plays) / s; with m0' in place of m0 it is greater by s0 / s · (m0' - m0).
    """
    least = np.maximum(share, 1e-12)
    before = np.clip(before, 1 - (1 - mean) / least, mean / least)  # else plays or failures would be fewer than none
    before = np.clip(before, *EDGES)
    known: np.ndarray = np.clip(mean + share * (expit(logit(before) + shift) - before), *EDGES)
    return np.where(shift == 0, mean, known)  # to the bit


def shift_in_segment(share: np.ndarray, everyones: np.ndarray, own: np.ndarray) -> np.ndarray:
    """(n,) units of fit by which the priors of artwork in a segment are others than clicks say.

    share: (n,) as `share_of_prior` has it, by everyone's clicks; everyones, own: (n,) the fits of everyone's average user and of the
    segment's. Everyone's fit faded as everyone's clicks came, and fades once more with those of the segment; by how much more the
    segment's average user likes the artwork, only they can tell.
    """
    shift: np.ndarray = share * everyones + (own - everyones)
    return shift


def with_average_fit(
    known: Beliefs, effective: np.ndarray, before: np.ndarray, fits: np.ndarray, weight: float = DEFAULT
) -> Beliefs:
    """The beliefs about n artworks with their average fit as a part of their priors; what clicks said stays.

    known: posteriors whose priors knew nothing of fit; effective: (n,) impressions as they count, of each; before: (n,) the means of
    the priors; fits: (n,) average fits; weight: log-odds that a unit is worth.
    """
    share = share_of_prior(known.strength, effective)
    return Beliefs(moved(known.mean, share, before, weight * fits), known.strength)
