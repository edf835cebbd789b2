"""The judge: what a policy would have earned on a log, whether it is better than the log's own, and a refusal where that can't be said.

Off-policy estimates look precise long before they are: a handful of impressions with large weights make them. So an answer needs
enough of the log to speak of the policy, propensities that are true, and an interval of the difference that lies on one side of 0;
where one is missing, the answer names it and says how many impressions it would take.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import ceil, isfinite

import numpy as np

from match.judging.diagnosis import Calibration, Diagnosis, diagnose
from match.judging.estimators import direct, doubly_robust, ips, logged, replay, snips, switch_dr
from match.judging.intervals import CONFIDENCE, Estimate, Terms, estimates_of
from match.judging.log import Log
from match.tails import quantile

ROUNDING = 0.01  # of the mean weight: logged propensities are rounded
SAME = 1e-6  # of a weight, from 1
POWER = 0.8  # with which a difference as large as the measured one would be told


@dataclass(frozen=True)
class Limits:
    """What a log must have to be heard."""

    effective: float = 300.0  # effective sample size: with less, intervals by bootstrap hold less often than they say
    effective_reward: float = (
        30.0  # likewise of what earned: the estimate is made of these alone, and its interval of their spread
    )
    overlap: float = 0.95  # of the policy's choices the log could have shown
    heaviest: float = 0.05  # of all weight that one user or impression may have
    weight_errors: float = 4.0  # standard errors that the mean weight may be from 1
    mismatch: float = 0.001  # probability of the counts under the logged propensities, per artwork and per band of propensity
    precision: float = 0.1  # half-width of the interval wanted, of the logged reward: what `needed` is worked out for


@dataclass(frozen=True)
class Judgement:
    """The answer, and what it rests on."""

    answer: str  # "better" or "worse" than the log's own policy, or "refused"
    reasons: tuple[str, ...]  # of the refusal, in words; none of an answer
    by: str  # the estimator that speaks: DR where there is a reward model, else SNIPS
    difference: Estimate | None  # the policy's reward less the log's own, per impression; None where propensities are missing
    logged: Estimate | None  # what the log's own policy earned
    estimates: dict[str, Estimate]  # by estimator
    diagnosis: Diagnosis
    needed: (
        int | None
    )  # impressions of such a log to know the policy's reward to the wanted precision; None where no number would do
    to_tell: int | None  # to tell a difference as large as the measured one with POWER, and to be heard; likewise
    limits: Limits = field(default_factory=Limits)
    untrue: bool = False  # a reason is one that more of such a log would not help
    same: bool = False  # the policy is the log's own
    heard: bool = False  # the log can carry the estimates, though the difference may be none
    noun: str = "impression"  # what the log has one row of, in words

    @property
    def words(self) -> str:
        """One sentence."""
        if self.answer != "refused" and self.difference is not None:
            d = self.difference
            return (
                f"{self.answer} than the logged policy by {abs(d.value):.3g} {_each(self.noun)} ({d.low:.3g} to {d.high:.3g})"
            )
        return f"refused: {'; '.join(self.reasons)}. {self.takes}"

    @property
    def takes(self) -> str:
        """How many rows of such a log an answer would take, in words."""
        if self.untrue:
            return f"No number of such {self.noun}s would do"
        more = [f"{count:,} {self.noun}s {what}" for count, what in self._more() if count is not None]
        return (
            f"It would take {' and '.join(more)}" if more else "How many it would take cannot be told: nothing was earned yet"
        )

    def _more(self) -> Iterator[tuple[int | None, str]]:
        yield self.needed, f"to know its reward to {100 * self.limits.precision:g} % of the logged policy's"
        yield self.to_tell, "to tell a difference as large as this one"


def judge(
    log: Log,
    predicted: np.ndarray | None = None,
    *,
    limits: Limits | None = None,
    resamples: int = 1000,
    seed: int = 0,
    against: Sequence[str] = (),
    noun: str = "impression",
) -> Judgement:
    """What the policy would have earned, and whether that is more than the log's own.

    predicted: (n, k) a cross-fitted reward model (match.judging.rewards); with it DR speaks and DM and Switch-DR stand beside it,
    without it SNIPS. All intervals are of one bootstrap, users drawn as wholes. against: what else is known to speak against the log,
    however long it were, in words; noun: what its rows are called.
    """
    limits, diagnosis = limits or Limits(), diagnose(log)
    if diagnosis.unusable:
        reason = f"{diagnosis.unusable:,} of {len(log):,} {noun}s have no propensity above 0: log it when the artwork is chosen"
        return Judgement("refused", (reason,), "", None, None, {}, diagnosis, None, None, limits, True, noun=noun)
    terms = terms_of(log, predicted, seed)
    by = "SNIPS" if predicted is None else "DR"
    speaks = [one.name for one in terms].index(by)
    found, (difference,) = estimates_of(terms, log.units, resamples, seed, [(speaks, 0)])
    untrue, thin = (*against, *untrue_of(diagnosis, limits)), thin_of(diagnosis, limits)
    same = bool((abs(log.weights - 1) < SAME).all())
    reasons = (*untrue, *thin, *(() if untrue else _undecided(difference, noun, same=same)))
    certain = quantile((1 + CONFIDENCE) / 2)
    wanted = limits.precision * found[0].value
    needed, to_tell = (
        None if untrue or count is None else count
        for count in (
            _needed(len(log), found[speaks].error, wanted, certain),
            None
            if same
            else _most(
                _needed(len(log), difference.error, difference.value, certain + quantile(POWER)),
                _to_be_heard(diagnosis, limits),
            ),
        )
    )
    return Judgement(
        "refused" if reasons else "better" if difference.value > 0 else "worse",
        reasons,
        by,
        difference,
        found[0],
        {one.name: one for one in found[1:]},
        diagnosis,
        needed,
        to_tell,
        limits,
        bool(untrue),
        same,
        not untrue and not thin,
        noun,
    )


def terms_of(log: Log, predicted: np.ndarray | None = None, seed: int = 0) -> list[Terms]:
    """Of all estimators that the log allows, what the log's own policy earned first."""
    terms = [logged(log), replay(log, seed), ips(log), snips(log)]
    if predicted is not None:
        terms += [direct(log, predicted), doubly_robust(log, predicted), switch_dr(log, predicted)]
    return terms


def untrue_of(diagnosis: Diagnosis, limits: Limits) -> tuple[str, ...]:
    """Why a log can't be believed on a policy, however long it were; in words."""
    d = diagnosis
    off = abs(d.mean_weight - 1)
    overlap, mismatch = 1.0 if d.overlap is None else d.overlap, 1.0 if d.mismatch is None else d.mismatch
    bands = Calibration(1.0, (0.0, 1.0), 0, 0.0) if d.calibration is None else d.calibration
    said = {
        "nothing was drawn: nowhere could another artwork have been shown": not d.drawn,
        f"it could have shown {100 * overlap:.1f} % of what the policy chooses (least: {100 * limits.overlap:g} %)": (
            overlap < limits.overlap
        ),
        f"weights average {d.mean_weight:.3f}, not 1: the policy chooses what the log never shows, or propensities are not true": (
            off > limits.weight_errors * d.mean_weight_error and off > ROUNDING
        ),
        f"artworks were not shown as often as their propensities say (P = {mismatch:.2g}, least: {limits.mismatch:g})": (
            mismatch < limits.mismatch
        ),
        f"artwork with a propensity of {bands.band[0]:g} to {bands.band[1]:g} was shown {bands.shown:,} times, its propensities say "
        f"{bands.expected:,.0f} (P = {bands.p:.2g}, least: {limits.mismatch:g})": bands.p < limits.mismatch,
    }
    return tuple(words for words, against in said.items() if against)


def thin_of(diagnosis: Diagnosis, limits: Limits) -> tuple[str, ...]:
    """Why a log has too little to say of a policy, in words."""
    d, what = diagnosis, "users" if diagnosis.units < diagnosis.impressions else "impressions"
    said = {
        f"it speaks of this policy as {d.effective:,.0f} {what} would (least: {limits.effective:,.0f})": d.effective
        < limits.effective,
        f"what it earned counts as {d.effective_reward:,.1f} rewards (least: {limits.effective_reward:g})": (
            d.effective_reward < limits.effective_reward
        ),
        f"one of its {what} has {100 * d.heaviest:.1f} % of the weight (most: {100 * limits.heaviest:g} %)": d.heaviest
        > limits.heaviest,
    }
    return tuple(words for words, against in said.items() if against)


def _to_be_heard(diagnosis: Diagnosis, limits: Limits) -> int | None:
    """Impressions with which no reason of `thin_of` would be left, effective sizes growing as the log does; None: none would."""
    d = diagnosis
    lacks = (limits.effective, d.effective), (limits.effective_reward, d.effective_reward), (d.heaviest, limits.heaviest)
    if any(not there > 0 for _, there in lacks):
        return None
    return ceil(d.impressions * max(1.0, *(least / there for least, there in lacks)))


def _undecided(difference: Estimate, noun: str, *, same: bool) -> tuple[str, ...]:
    if same:
        return ("it does what the logged policy does: there is no difference to tell",)
    if difference.low > 0 or difference.high < 0:
        return ()
    return (f"the difference to the logged policy may be none ({difference.low:.3g} to {difference.high:.3g} {_each(noun)})",)


def _each(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def _needed(impressions: int, error: float, wanted: float, errors: float) -> int | None:
    """Impressions with which so many standard errors are as much as is wanted; the variance of an impression stays as it is."""
    ratio = errors * error / abs(wanted) if wanted and error else float("inf")  # no error: what it would show never earned
    return ceil(impressions * ratio**2) if isfinite(ratio) else None


def _most(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else max(one, other)
