"""Which place Thompson sampling gives each artwork: exact probabilities, by quadrature.

A draw from each artwork's Beta posterior ranks them; the probability of a place is the integral over x of the artwork's own density
at x times the probability that as many of the others drew more than x as stand before it (a Poisson-binomial). Integrated over the
log-odds of x, where Beta densities have no poles, in panels as narrow as the narrowest density there, each by Gauss and Legendre.
"""

from collections.abc import Iterator

import numpy as np

NODES = 5  # of a panel
STEP = 0.5  # of a panel at most, in standard deviations of a density near its mode
NEAR = 6.0  # standard deviations from its mode
WIDER = 1.3  # each panel beyond, against the one before
GONE = 45.0  # nepers below a density's mode: less than the last bit of what has been summed
AT_ONCE = 1 << 22  # elements of an array: bounds the memory


def ranked_propensities(alpha: np.ndarray, beta: np.ndarray, places: int = 1) -> np.ndarray:
    """(k, places) float64: the probability that each of k artworks draws the largest, the second largest ... of one draw each.

    alpha, beta: (k,) above 0, of the Beta posteriors. Column 0 is Thompson sampling's propensity where one artwork is shown; each
    column sums to 1. Takes time as k^2. Raises ValueError for other shapes or ranges, and for more places than artworks.
    """
    alpha, beta = np.asarray(alpha, np.float64), np.asarray(beta, np.float64)
    if (
        alpha.ndim != 1
        or alpha.shape != beta.shape
        or not (np.isfinite([alpha, beta]).all() and (alpha > 0).all() and (beta > 0).all())
    ):
        raise ValueError("alpha and beta: give (k,) each, above 0")
    if not 1 <= places <= len(alpha):
        raise ValueError(f"places {places}: give 1 to {len(alpha)}, the number of artworks")
    edges = _edges(alpha, beta)
    within, along = _gauss(NODES)
    below, found = np.zeros(len(alpha)), np.zeros((len(alpha), places))
    total = _total(alpha, beta, edges, within)
    for part in _parts(edges, len(alpha)):
        widths = np.diff(part)
        nodes = part[:-1, None] + widths[:, None] * within[0]  # (panels, NODES) log-odds
        density = (
            _density(alpha, beta, nodes) * widths[:, None] / total[:, None, None]
        )  # (k, panels, NODES) per unit of a panel
        mass = density @ within[1]
        start = below[:, None] + np.cumsum(mass, axis=1) - mass
        less = np.clip(start[..., None] + density @ along.T, 0.0, 1.0)  # P(draw < node); polynomials overshoot
        below = below + mass.sum(axis=1)
        found += _places(less.reshape(len(alpha), -1), (density * within[1]).reshape(len(alpha), -1), places)
    shares: np.ndarray = found / found.sum(axis=0)
    return shares


def _edges(alpha: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """Of the panels, ascending: around each density as narrow as it needs, to where nothing is left of it."""
    centre, spread = np.log(alpha) - np.log(beta), np.sqrt(1 / alpha + 1 / beta)
    near = np.arange(0.0, NEAR, STEP)
    beyond = NEAR * WIDER ** np.arange(60)
    offsets = np.concatenate([near, beyond])
    edges = []
    for side in (-1, 1):
        there = centre[:, None] + side * spread[:, None] * offsets
        fallen = _log_density(alpha, beta, centre[:, None])[..., 0, None] - _log_density(alpha, beta, there)
        kept = np.column_stack([np.ones(len(alpha), bool), fallen[:, :-1] < GONE])  # the first that is gone, too
        edges.append(there[kept])
    return np.unique(np.concatenate(edges))


def _parts(edges: np.ndarray, artworks: int) -> Iterator[np.ndarray]:
    """The edges in runs that share their ends, each of as many panels as memory is given for."""
    size = max(1, AT_ONCE // (artworks * NODES))
    for first in range(0, len(edges) - 1, size):
        yield edges[first : first + size + 1]


def _gauss(nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """((2, nodes): places in 0..1 and weights; (nodes, nodes): integrals from 0 to each place of the polynomials that are 1 at one
    place and 0 at the others)."""
    at, weights = np.polynomial.legendre.leggauss(nodes)
    at, weights = (at + 1) / 2, weights / 2
    powers = np.arange(nodes)
    values = at[:, None] ** powers  # of each power at each place
    integrals = at[:, None] ** (powers + 1) / (powers + 1)
    return np.array([at, weights]), np.linalg.solve(values.T, integrals.T).T


def _log_density(alpha: np.ndarray, beta: np.ndarray, log_odds: np.ndarray) -> np.ndarray:
    """Of each Beta at its own row of log-odds (k, m), up to a constant; and of the log-odds, not of the probability."""
    logs: np.ndarray = -alpha[:, None] * np.logaddexp(0.0, -log_odds) - beta[:, None] * np.logaddexp(0.0, log_odds)
    return logs


def _density(alpha: np.ndarray, beta: np.ndarray, nodes: np.ndarray) -> np.ndarray:
    """(k,) + nodes' shape: each density, 1 at its mode."""
    flat = np.broadcast_to(nodes.ravel(), (len(alpha), nodes.size))
    centre = np.log(alpha) - np.log(beta)
    logs = _log_density(alpha, beta, flat) - _log_density(alpha, beta, centre[:, None])
    density: np.ndarray = np.exp(logs).reshape(len(alpha), *nodes.shape)
    return density


def _total(alpha: np.ndarray, beta: np.ndarray, edges: np.ndarray, within: np.ndarray) -> np.ndarray:
    """(k,): the integral of each density as the same panels have it."""
    total = np.zeros(len(alpha))
    for part in _parts(edges, len(alpha)):
        widths = np.diff(part)
        total += (_density(alpha, beta, part[:-1, None] + widths[:, None] * within[0]) @ within[1]) @ widths
    return total


def _places(less: np.ndarray, mass: np.ndarray, places: int) -> np.ndarray:
    """(k, places): mass (k, m) of each artwork's density at m nodes, times the probability that 0, 1 ... of the others drew more.

    less: (k, m) each artwork's probability to draw less than the node. The counts of those before and of those after each artwork are
    put together, which never divides, as taking one out of the count of all would.
    """
    k, m = less.shape
    after = np.zeros((k + 1, places, m))  # [i]: how many of artworks i, i + 1 ... drew more
    after[k, 0] = 1.0
    for i in range(k - 1, -1, -1):
        after[i] = _one_more(after[i + 1], less[i])
    before, found = after[k], np.empty((k, places))
    for i in range(k):
        for place in range(places):
            chance = sum(before[j] * after[i + 1, place - j] for j in range(place + 1))
            found[i, place] = float(mass[i] @ chance)
        before = _one_more(before, less[i])
    return found


def _one_more(counts: np.ndarray, less: np.ndarray) -> np.ndarray:
    """(places, m): the probabilities of counts with one more artwork, which draws less with probability `less` (m,)."""
    more: np.ndarray = counts * less
    more[1:] += counts[:-1] * (1.0 - less)
    return more
