"""What a policy would have earned per impression, out of a log of another: six estimators, each as terms that intervals can be made of.

`predicted` is a reward model's view of every eligible artwork (match.judging.rewards), cross-fitted.
"""

import numpy as np

from embed.errors import LogError
from match.judging.intervals import Terms, influence, standard_error
from match.judging.log import Log
from match.tails import quantile

CANDIDATES = 20  # thresholds that Switch-DR chooses among
WIDTH = 2.0  # half-widths of an interval in Lepski's test, as Su et al. have it


def replay(log: Log, seed: int = 0) -> Terms:
    """The mean reward of the impressions that the policy might as well have served: each is kept with probability weight / largest
    weight, so that those kept are a sample of the policy's own. For a deterministic policy on an evenly random log these are the
    impressions that show its choice (Li et al. 2011, arXiv 1003.5956), else rejection sampling (Mandel et al. 2016). Unbiased, and
    wasteful: what is kept is n / largest weight. The largest weight is that seen, where `log.limit` is not known.
    """
    weights = log.weights
    largest = log.limit if log.limit is not None else float(weights.max())
    kept = (np.random.default_rng(seed).random(len(log)) * largest < weights).astype(np.float64)
    return Terms("replay", kept * log.reward, kept, log.most, log.most)


def ips(log: Log) -> Terms:
    """Inverse propensity score: the mean of weight · reward (Horvitz & Thompson 1952). Unbiased where the log has support."""
    return Terms("IPS", log.weights * log.reward, np.ones(len(log)), _span(log), log.most)


def snips(log: Log) -> Terms:
    """Self-normalised IPS: divided by the mean weight (Swaminathan & Joachims 2015). Biased by 1/n of its variance, and steadier."""
    return Terms("SNIPS", log.weights * log.reward, log.weights, _span(log), log.most)


def direct(log: Log, predicted: np.ndarray) -> Terms:
    """The direct method: what the reward model (n, k) expects of the policy. Its interval knows nothing of the model's own error."""
    return Terms("DM", _expected(log, predicted), np.ones(len(log)), log.most, log.most)


def doubly_robust(log: Log, predicted: np.ndarray) -> Terms:
    """The model's expectation, corrected where a reward is known (Dudík et al. 2011): unbiased with whatever model, the less
    variable the better it is. predicted: (n, k) in 0..most."""
    terms = _expected(log, predicted) + log.weights * (log.reward - _of_shown(log, predicted))
    span = _span(log)
    return Terms("DR", terms, np.ones(len(log)), None if span is None else log.most + 2 * span, log.most)


def switch_dr(log: Log, predicted: np.ndarray, threshold: float | None = None) -> Terms:
    """DR that corrects only where the weight is at most a threshold, and trusts the model beyond (Wang et al. 2017, arXiv 1612.01205).

    threshold: chosen by the data where left out, by SLOPE (Su et al. 2020, arXiv 2002.07729), see `chosen_threshold`. As with the
    direct method, the interval knows nothing of the model's error beyond the threshold.
    """
    if threshold is None:
        threshold = chosen_threshold(log, predicted)
    corrected = np.where(log.weights <= threshold, log.weights, 0.0) * (log.reward - _of_shown(log, predicted))
    limits = [limit for limit in (log.limit, threshold) if limit is not None and np.isfinite(limit)]
    span = log.most * (1 + 2 * min(limits)) if limits else None
    return Terms("Switch-DR", _expected(log, predicted) + corrected, np.ones(len(log)), span, log.most)


def chosen_threshold(log: Log, predicted: np.ndarray) -> float:
    """The smallest threshold whose estimate still agrees with those of all larger ones (SLOPE, Su et al. 2020).

    From the largest down the bias grows and the interval narrows; the last is taken for which all intervals so far, of WIDTH
    half-widths each way, have a point in common. Candidates: quantiles of the weights above 0, and DR itself, which is infinity.
    """
    above = log.weights[log.weights > 0]
    if not len(above):
        return float("inf")
    candidates = np.unique(np.quantile(above, np.linspace(0, 1, CANDIDATES, endpoint=False), method="higher"))[::-1]
    best, low, high = float("inf"), -np.inf, np.inf
    for threshold in (float("inf"), *candidates.tolist()):
        terms = switch_dr(log, predicted, threshold)
        reach = WIDTH * quantile(0.975) * standard_error(influence(terms), log.units)
        low, high = max(low, terms.value - reach), min(high, terms.value + reach)
        if low > high:
            break
        best = threshold
    return best


def logged(log: Log) -> Terms:
    """What the log's own policy earned: the mean reward."""
    return Terms("logged", log.reward.astype(np.float64), np.ones(len(log)), log.most, log.most)


def _span(log: Log) -> float | None:
    return None if log.limit is None else log.limit * log.most


def _expected(log: Log, predicted: np.ndarray) -> np.ndarray:
    """(n,): the policy's own mean of what the model expects."""
    if log.policies is None:
        raise LogError("the log has no `policies`: a reward model needs the policy's propensity of every eligible artwork")
    if predicted.shape != log.policies.shape:
        raise ValueError(f"predicted {predicted.shape}: give {log.policies.shape}, one for every eligible artwork")
    expected: np.ndarray = np.einsum("nk,nk->n", log.policies, predicted)
    return expected


def _of_shown(log: Log, predicted: np.ndarray) -> np.ndarray:
    of_shown: np.ndarray = predicted[np.arange(len(log)), log.shown]
    return of_shown
