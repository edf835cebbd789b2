"""Candidate policies judged side by side on a publisher's own log: the flow is `compare`.

What is judged is a draw, an artwork chosen for a user and a title and kept for a while (match.judging.draws), and whether the title got
a quality play meanwhile. All candidates are judged on the same draws, each against the log's own policy. They draw when the log drew,
and keep what they drew as long as it did. Each interval is of one candidate: of many, the one that looks best looks better than it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pyarrow.compute as pc

from match.clicks.rules import Rules
from match.judging.candidates import Candidate, scores_of, universal
from match.judging.draws import Draws, Left, read_draws
from match.judging.intervals import Estimate
from match.judging.log import Log
from match.judging.rewards import artwork_means, cross_fit, folds_of, logistic
from match.judging.served import in_columns, log_of
from match.judging.verdict import Judgement, Limits, judge

TINY = 1e-9  # of a probability
MOST = 1_000_000  # impressions that are judged at once; of more, those of some users
USUAL = (Candidate("best"), universal("prior"), Candidate("random", floor=1.0))


@dataclass(frozen=True)
class Question:
    """What is asked of a log."""

    candidates: tuple[Candidate, ...] = USUAL
    tables: Mapping[str, Path] = field(default_factory=dict)  # by name: propensities of policies that were worked out elsewhere
    policy: str | None = None  # only what this policy of the log chose
    by_place: bool = (
        False  # a title's artwork earns otherwise at another place of the page: its reward model is of each by itself
    )
    rules: Rules = field(default_factory=Rules)  # which impressions count
    limits: Limits = field(default_factory=Limits)
    most: int = MOST
    resamples: int = 1000
    seed: int = 0


@dataclass(frozen=True)
class Comparison:
    """The answers, in the order asked: candidates, then tables."""

    left: Left  # what was counted, and what was left out
    policies: tuple[str, ...]  # that chose, as the log names them
    logged: Estimate | None  # quality plays per draw of the log's own; None where propensities are missing
    judged: dict[str, Judgement]
    thin_floor: float  # the share of draws by Thompson sampling without a floor: what hardly could win is not in the log
    model: str  # what rewards were foreseen by, for the direct method and DR
    assumed: float  # the share of draws for which candidates' weights stand beside the defaults, since the log does not say what served

    @property
    def refused(self) -> bool:
        """Whether anything asked was not answered."""
        return any(one.answer == "refused" for one in self.judged.values())


def compare(logs: Path | str, question: Question | None = None) -> Comparison:
    """Judge a folder with `impressions`, a log of choices (embed.records.CHOICE_LOG), and `plays`.

    Memory beyond that of DuckDB: about 100 bytes for each artwork considered, and for each draw 180 times the artwork of the title that
    has most; 1.9 GB in all were measured for 600,000 draws of 10 artworks. Raises LogError where a file or a column is missing, or no
    draw is left.
    """
    question = question or Question()
    draws = read_draws(logs, question.rules, question.policy, question.tables, question.most)
    served = draws.served
    policies = {
        one.name: one.propensities(draws.considered, draws.starts, served) for one in question.candidates
    } | draws.tables
    own = _log(draws, draws.considered.field("propensity").to_numpy(zero_copy_only=False), question)
    model, predicted = modelled(own, draws, question.seed)
    judged = {name: _judge(draws, policy, predicted, question) for name, policy in policies.items()}
    earned = next((one.logged for one in judged.values()), None)
    weighed = any(weight for one in question.candidates for weight in one.weights)
    assumed = draws.assumed if weighed else 0.0
    return Comparison(draws.left, draws.policies, earned, judged, draws.without_floor("thompson"), model, assumed)


def modelled(own: Log, draws: Draws, seed: int) -> tuple[str, np.ndarray]:
    """What a draw would have earned with each artwork, (n, k), cross-fitted; and by what, in words.

    By the artwork alone, or by its score as it was logged, whichever foresees better what was shown: a log whose scores know little, as
    at the beginning, is better served by counts.
    """
    folds = folds_of(own, seed=seed)
    columns = own.shown.max() + 1 if own.policies is None else own.policies.shape[1]
    models = {"each artwork's rate": artwork_means(own, columns)}
    if (parts := scores_of(draws.considered)) is not None:
        features = np.stack([in_columns(draws.placed, part) for part in parts], axis=2)
        models["the score as it was logged"] = logistic(replace(own, group=None), np.empty((len(own), 0)), features)
    fitted = {name: cross_fit(model, folds) for name, model in models.items()}
    best = min(fitted, key=lambda name: log_loss(own, fitted[name]))
    return best, fitted[best]


def log_loss(log: Log, predicted: np.ndarray) -> float:
    """Of the rewards, by what was predicted (n, k) of what was shown."""
    chance = predicted[np.arange(len(log)), log.shown].clip(TINY, 1 - TINY)
    return float(-(log.reward * np.log(chance) + (1 - log.reward) * np.log1p(-chance)).mean())


def _log(draws: Draws, policy: np.ndarray, question: Question) -> Log:
    log = log_of(draws.choices, draws.played, policy, placed=draws.placed)
    return replace(log, group=_by_place(log, draws)) if question.by_place else log


def _judge(draws: Draws, policy: np.ndarray, predicted: np.ndarray, question: Question) -> Judgement:
    log = _log(draws, policy, question)
    assert log.policies is not None
    beyond = log.policies.shape[1] - predicted.shape[1]  # what was not considered, of which the mean is expected
    return judge(
        log,
        np.pad(predicted, ((0, 0), (0, beyond)), constant_values=float(log.reward.mean())),
        limits=question.limits,
        resamples=question.resamples,
        seed=question.seed,
        against=_greedy(draws, question.limits),
        noun="draw",
    )


def _greedy(draws: Draws, limits: Limits) -> tuple[str, ...]:
    """Of draws of the best without a floor the log has one artwork, and nobody knows what else could have been shown."""
    share = draws.without_floor("best")
    if share <= 1 - limits.overlap:
        return ()
    return (
        f"{share:.0%} of its draws show the best artwork, without a floor: it does not say what else could have been shown",
    )


def _by_place(log: Log, draws: Draws) -> np.ndarray:
    """(n,) int64: title and place on the page."""
    places = pc.fill_null(draws.choices["place"], -1).to_numpy() + 1
    groups: np.ndarray = log.groups * (int(places.max()) + 1) + places
    return groups
