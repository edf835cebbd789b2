"""Many tests at once: which of them are discoveries, so that on average at most a given share of those is false.

Benjamini & Hochberg 1995 for tests that are independent, or depend on each other as Benjamini & Yekutieli 2001 (section 2) allow;
Benjamini & Yekutieli 2001 (theorem 1.3) for any dependence, at the price of a factor of about log(tests).
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Discoveries:
    """What m tests together say."""

    adjusted: np.ndarray  # (m,) float64: the smallest share of false discoveries at which each would be one; the "q-value"
    found: np.ndarray  # (m,) bool
    level: float  # of one test: exactly the p-values at or below it were found; where none was, what the smallest had to meet


def discoveries(p: np.ndarray, share: float, *, any_dependence: bool = False) -> Discoveries:
    """Those of p (m,), in [0, 1], of which on average at most `share` is false.

    An interval of confidence 1 - `Discoveries.level` holds 0 exactly where its test is no discovery, and of the intervals of
    discoveries on average at most `share` miss the truth (Benjamini & Yekutieli 2005, the false coverage rate).
    Raises ValueError for p outside [0, 1].
    """
    p = np.asarray(p, np.float64)
    if not ((p >= 0) & (p <= 1)).all():
        raise ValueError("p-values must lie in [0, 1]")
    tests = len(p)
    price = float((1 / np.arange(1, max(tests, 1) + 1)).sum()) if any_dependence else 1.0
    order = np.argsort(p, kind="stable")
    raised = p[order] * (tests * price / np.arange(1, tests + 1))
    adjusted = np.empty(tests)
    adjusted[order] = np.minimum(np.minimum.accumulate(raised[::-1])[::-1], 1.0)
    found = adjusted <= share
    return Discoveries(adjusted, found, share * max(int(found.sum()), 1) / (max(tests, 1) * price))
