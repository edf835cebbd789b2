"""Thompson sampling in closed form: how likely each artwork's draw is its title's highest, without drawing.

Thompson sampling (Thompson 1933; Russo et al., A Tutorial on Thompson Sampling, 2018) draws each artwork's rate from its Beta
posterior, moves it by what is personal, and shows the highest: logit(draw) + personal. What it does to a title is a probability
for each of its artworks,

    P(a) = integral of f_a(x) · product over the others of F_b(x) dx,    x in log-odds,

and these are what the choice is then made by and what the log has: they are exact by construction. How near they come to those of
endless draws is a matter of the quadrature: within 1 % (tests), from posteriors of one play to those of millions of impressions.

Between two nodes H, the product of all F, grows by a piece, which is shared out as the logarithms of the F grow: exact where those
grow in proportion, second order where not; Richardson's extrapolation over every other node makes it fourth. So sharp and flat
posteriors go together on a few nodes, as long as these lie where something happens, and all P add up to 1.

F, a Beta's distribution function in log-odds, is that of a normal at r* (Barndorff-Nielsen's; DiCiccio & Martin, Biometrika 1991),
with a correction for posteriors of few plays, fitted by least squares to the exact ones.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import erfc

import numpy as np

NODES = 29  # of a title; an odd number
ANCHORS = 9  # by which they are placed
CLOSEST = 1e-4  # the first of them, of the range that they lie in
REACH, SLOW = 4.3, 1.5  # standard deviations that a posterior reaches from its mode, times 1 + SLOW / sqrt(counts)
LEVELS, BEYOND = (-9.0, 9.0), 2.0  # log-odds of H between which nodes lie; what is beyond by more is as good as this
BESIDE = (-3.5, 0.0, 3.5, 10.0, 30.0, 100.0)  # standard deviations of the leading posterior: anchors about its mode
OUTWARD = 2.0  # a doubling of the distance from it takes as many nodes as so many standard deviations do near it
NEAR = 0.02  # of a mode, in standard deviations: where r* is 0 / 0 and its limit stands in
FARTHEST = 300.0  # log-odds: e to this is still a number
TINY = 1e-300
# The normal score of F less r* is about SHIFT(a) - SHIFT(b) + (FADING(a) + FADING(b)) r / (1 + (r / FADES)²). For a, b >= 1 it then
# lacks 0.005 at most, from 3 on 0.001; without it, 0.025 and 0.006.
SHIFT, FADING, FADES = (0.00769, 4.04), (0.00703, 0.22), 4.3
NOTHING = 1e-5  # of a normal score
FIRST, LAST, STEPS = -37.0, 8.0, 64  # of the table of log F: normal scores, and how many to a unit

_UPWARD = np.array([0.0, *np.geomspace(CLOSEST, 1, ANCHORS - 1)])[:, None]
_LEVELS = np.array([-np.inf, *np.linspace(*LEVELS, ANCHORS - 2), np.inf])[:, None]
_BESIDE, _EVENLY = np.array(BESIDE)[:, None], np.linspace(0, 1, NODES)[:, None]


@dataclass(frozen=True)
class Posteriors:
    """What is believed of some artworks' rates, moved by what is personal."""

    plays: np.ndarray  # (n,) float64 above 0: the Beta's alpha, quality plays and what the prior is worth in them
    failures: np.ndarray  # (n,) float64 above 0: its beta, the same of impressions without one
    moved: np.ndarray  # (n,) float64: what is personal, in log-odds

    @cached_property
    def modes(self) -> np.ndarray:
        """(n,) log-odds: where their densities are highest, which is at the log-odds of the mean rate, moved."""
        modes: np.ndarray = np.log(self.plays / self.failures) + self.moved
        return modes

    @cached_property
    def deviations(self) -> np.ndarray:
        """(n,) log-odds: one over the root of the curvature there."""
        deviations: np.ndarray = np.sqrt(1 / self.plays + 1 / self.failures)
        return deviations

    @cached_property
    def reach(self) -> tuple[np.ndarray, np.ndarray]:
        """(n,) log-odds each: what about one draw in 100,000 is below, and above; few counts make a long tail."""
        below, above = (1 + SLOW / np.sqrt(counts) for counts in (self.plays, self.failures))
        width = REACH * self.deviations
        return self.modes - width * below, self.modes + width * above

    def taken(self, places: np.ndarray) -> "Posteriors":
        """Those at some places."""
        return Posteriors(self.plays.take(places), self.failures.take(places), self.moved.take(places))


def win_probabilities(posteriors: Posteriors, starts: np.ndarray) -> np.ndarray:
    """(n,) float64: how likely each draw is its title's highest. Title i's are starts[i]:starts[i + 1]; every title has some.

    What could hardly win, less than once in about 100,000 times, gets 0.
    """
    sizes, (low, high) = starts[1:] - starts[:-1], posteriors.reach
    floors = np.maximum.reduceat(low, starts[:-1])
    titles = np.arange(len(sizes)).repeat(sizes)
    may = (high >= floors[titles]).nonzero()[0]  # the one that reaches least far down is among them
    begins, of_titles, among = may.searchsorted(starts[:-1]), titles[may], posteriors.taken(may)
    at = _nodes(among, begins, of_titles, floors, np.maximum.reduceat(high, starts[:-1]))
    below = _log_normal(normal_scores(among, at.take(of_titles, axis=1)))  # (nodes, may) log F
    all_below = np.add.reduceat(below, begins, axis=1)  # (nodes, titles) log H
    fine, coarse = (_shared_out(below[::every], all_below[::every], of_titles) for every in (1, 2))
    chances = np.zeros(len(low))
    chances[may] = (fine + (fine - coarse) / 3).clip(0.0)
    chances /= np.add.reduceat(chances, starts[:-1]).repeat(sizes)
    return chances


def normal_scores(posteriors: Posteriors, at: np.ndarray) -> np.ndarray:
    """(nodes, n) float64: what a standard normal is below as often as each draw is below `at`, (nodes, n) log-odds.

    In place wherever it can be: fresh memory costs as much as the arithmetic.
    """
    rate = posteriors.plays / (posteriors.plays + posteriors.failures)
    away = at - posteriors.modes
    np.minimum(np.maximum(away, -FARTHEST, out=away), FARTHEST, out=away)
    odds = np.exp(away)
    mixed = rate * odds
    mixed += 1 - rate
    root = np.log(mixed)  # r, the signed root of twice what the log-density lacks at its mode
    root -= rate * away
    root *= 2 * (posteriors.plays + posteriors.failures)
    np.sqrt(np.maximum(root, 0, out=root), out=root)
    np.copysign(root, away, out=root)
    odds -= 1
    odds /= mixed
    odds /= posteriors.deviations  # q, its slope in units of its curvature at the mode
    near = (np.abs(root, out=mixed) < NEAR).ravel().nonzero()[0]  # the few of which the quotient says nothing
    root.ravel()[near] = odds.ravel()[near] = NEAR
    score = np.log(np.divide(odds, root, out=odds), out=odds)
    score /= root
    if len(near):
        which = near % root.shape[1]
        root.ravel()[near] = away.ravel()[near] / posteriors.deviations[which]
        score.ravel()[near] = ((1 - 2 * rate) * posteriors.deviations / 3)[which]
    score += root
    return _corrected(score, root, posteriors)


def _corrected(score: np.ndarray, root: np.ndarray, posteriors: Posteriors) -> np.ndarray:
    """The scores with what r* lacks; takes the memory of both."""
    (top, more), (fades, least), plays, failures = SHIFT, FADING, posteriors.plays, posteriors.failures
    score += top / (plays**1.5 + more) - top / (failures**1.5 + more)
    fading = fades / (plays * plays + least) + fades / (failures * failures + least)
    fading[fading < NOTHING] = 0.0  # artwork by artwork, so that no page changes another's
    if fading.any():
        slower = root * root
        slower *= FADES**-2
        slower += 1
        root *= fading
        root /= slower
        score += root
    return score


def _shared_out(below: np.ndarray, all_below: np.ndarray, titles: np.ndarray) -> np.ndarray:
    """(n,): the pieces of each title's H between nodes, shared out; what lies beyond the nodes goes as the nearest piece does.

    below: (nodes, n) log F; all_below: (nodes, titles) log H.
    """
    h = np.exp(all_below)
    h[0], h[-1] = 0.0, 1.0
    pieces = h[1:] - h[:-1]
    pieces /= np.maximum(all_below[1:] - all_below[:-1], TINY)
    chances: np.ndarray = np.einsum("kn,kn->n", below[1:] - below[:-1], pieces.take(titles, axis=1))
    return chances


def _nodes(posteriors: Posteriors, begins: np.ndarray, titles: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """(NODES, titles) log-odds, rising, between `low` and `high` (titles,).

    Evenly apart in what counts where: in the log-odds of H, in the standard deviations of the leading posterior, at whose lower end
    H begins to grow, and farther up in the doublings of the distance from it, on whose scale all else happens that is flatter.
    """
    at = low + _UPWARD * (high - low)
    at = _inverse(_log_odds(posteriors, at, begins, titles), at, _LEVELS)
    leading = (posteriors.reach[0] >= low[titles]).nonzero()[0]
    leading = leading[leading.searchsorted(begins)]
    mode, deviation = posteriors.modes[leading], posteriors.deviations[leading]
    beside = np.minimum(mode + _BESIDE * deviation, high)
    at = np.concatenate([at, beside])
    at.sort(axis=0)
    apart = (at - mode) / deviation
    edge = BESIDE[2]
    measure = apart.clip(-edge, edge) + OUTWARD * np.log2(np.maximum(apart / edge, 1))
    measure += _log_odds(posteriors, at, begins, titles)
    first = LEVELS[0] - edge
    return _inverse(measure, at, first + _EVENLY * (measure[-1] - BEYOND - first))


def _log_odds(posteriors: Posteriors, at: np.ndarray, begins: np.ndarray, titles: np.ndarray) -> np.ndarray:
    """(k, titles) about the log-odds of H, by plain normals; at: (k, titles)."""
    scores = at.take(titles, axis=1)
    scores -= posteriors.modes
    scores /= posteriors.deviations
    log_h = np.add.reduceat(_log_normal(scores), begins, axis=1)
    log_h -= np.log(-np.expm1(np.minimum(log_h, -1e-12)))
    log_odds: np.ndarray = log_h.clip(LEVELS[0] - BEYOND, LEVELS[1] + BEYOND)
    return log_odds


def _inverse(found: np.ndarray, at: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """(levels, titles): where each title reaches each level, between points (k, titles) at which `found` is known."""
    right = (found[:, None] < levels[None]).sum(axis=0).clip(1, len(found) - 1)
    right *= found.shape[1]
    right += np.arange(found.shape[1])
    left = right - found.shape[1]  # both as places of the flat arrays
    (y, up), (x, on) = ((each.take(left), each.take(right)) for each in (found, at))
    share = ((levels - y) / np.maximum(up - y, TINY)).clip(0, 1)
    inverse: np.ndarray = x + share * (on - x)
    return inverse


@lru_cache(maxsize=1)
def _table() -> tuple[np.ndarray, np.ndarray]:
    """log of the normal distribution function at the table's scores, and how much it grows to the next."""
    scores = np.linspace(FIRST, LAST, int((LAST - FIRST) * STEPS) + 1)
    values = np.log([erfc(-score / 2**0.5) / 2 for score in scores.tolist()])
    return values, np.append(np.diff(values), 0.0)


def _log_normal(scores: np.ndarray) -> np.ndarray:
    """log of the normal distribution function, by table: within 4e-5, and rising wherever the scores do; takes their memory."""
    values, growth = _table()
    scores -= FIRST
    places: np.ndarray = np.minimum(np.maximum(scores, 0.0, out=scores), LAST - FIRST, out=scores)
    places *= STEPS
    whole = places.astype(np.intp)
    places -= whole
    places *= growth.take(whole, mode="clip")  # which costs less than looking whether they lie inside
    places += values.take(whole, mode="clip")
    return places
