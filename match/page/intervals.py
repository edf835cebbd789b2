"""How sure a prior is: intervals of its Beta posterior."""

import numpy as np

LEVEL = 0.95  # of credible intervals


def credible(mean: np.ndarray, strength: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """((n,) low, (n,) high): the middle LEVEL of Beta posteriors, by their means in (0, 1) and the impressions they are worth."""
    from scipy.special import betaincinv  # late: the request path does without

    plays, failures, tail = mean * strength, (1 - mean) * strength, (1 - LEVEL) / 2
    return betaincinv(plays, failures, tail), betaincinv(plays, failures, 1 - tail)
