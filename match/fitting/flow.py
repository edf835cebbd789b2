"""From a log of choices to the weights of a blend: `fit_blend` is the whole flow, `publish` puts its weights into a store.

Inverse-propensity weighted, so that it speaks of artwork shown alike often (match.fitting.choices); a logistic regression beside the
prior, drawn to the defaults and within bounds (match.fitting.weights); proved on later days (match.fitting.proof).
"""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from embed.errors import LogError
from embed.store import Store
from match.blend import PERSONAL, Weights
from match.clicks.rules import Rules
from match.fitting.calibration import Calibration, calibrate
from match.fitting.choices import Choices, read_choices
from match.fitting.proof import DEFAULTS, FITTED, PRESENT, PRIOR, Proof, lacking, prove, without
from match.fitting.published import publish_weights
from match.fitting.weights import MOST, Blend, fit
from match.judging.intervals import Estimate
from match.tails import quantile

SCORE = "a fitted score as it is"  # without the level and the slopes of what is common, which no Matcher has
LEAST = 1e-5  # nats a choice: what gains less is as good as what it is held against
POWER = 0.8  # with which a gain as large as the measured one would be told


@dataclass(frozen=True)
class Part:
    """What one part of a score is worth."""

    name: str
    default: float  # log-odds a unit, as the next four
    weight: float
    error: float  # standard error; nan of a weight at its bound, or that was not fitted
    low: float  # of the 95 % interval
    high: float
    worth: Estimate | None  # log loss of later days without the part, less that with it, nats a choice; None where not fitted
    note: str  # why it was not fitted, or that it is at a bound; empty for the others


@dataclass(frozen=True)
class Fit:
    """What a log says of the weights, and why they should not be published, if so."""

    weights: Weights  # of all days; the defaults where the log cannot be fitted
    parts: tuple[Part, ...]
    reasons: tuple[str, ...]  # against publishing them, in words
    doubts: tuple[str, ...]  # what is not sure of them
    needed: (
        int | None
    )  # choices of such a log that it would take; None where that is not what is missing, or no number would do
    choices: Choices
    proof: Proof | None  # None where the log cannot be fitted
    calibrations: dict[str, Calibration] = field(default_factory=dict)  # on later days: of FITTED, DEFAULTS, PRIOR and SCORE

    @property
    def is_better(self) -> bool:
        """Whether the weights may be published."""
        return not self.reasons


def fit_blend(
    logs: Path | str | Choices,
    rules: Rules | None = None,
    *,
    present: Weights | None = None,
    sure: bool = False,
    seed: int = 0,
) -> Fit:
    """Fit the weights on a log of choices, and hold them against the defaults on days that they were not fitted on.

    They may be published where they lose less there than the defaults, and than weights that serve in place of these (`present`);
    with `sure`, where the 95 % interval of what they gain on the defaults, users drawn as wholes, lies above 0. Where it does not,
    that is a doubt and no more: the defaults are guesses themselves, and the ridge lets no weight go farther from them than the days
    before called for. Another doubt is a fit that is no better than no parts at all: by such a log taste says nothing, or the log is
    at fault. Lines of copy are always the best and never drawn, so that a log cannot tell what they are worth from who was shown
    them: their weight stays. Raises LogError as `read_choices` does.
    """
    choices = logs if isinstance(logs, Choices) else read_choices(logs, rules)
    why, needed = lacking(choices)
    if why is not None:
        return Fit(Weights(), (), (why,), (), needed, choices, None)
    proof = prove(choices, present, seed)
    blend = fit(choices, proof.ridge)
    reasons, doubts = _against(proof, sure=sure)
    needed = _needed(choices, proof.gains[DEFAULTS]) if doubts or reasons else None
    fitted = dict(zip(choices.parts, blend.weights.tolist(), strict=True))
    weights, parts = Weights(**fitted), _parts(choices, blend, proof)
    return Fit(weights, parts, reasons, doubts, needed, choices, proof, _calibrations(proof))


def _calibrations(proof: Proof) -> dict[str, Calibration]:
    odds = {name: proof.blends[name].log_odds(proof.later) for name in (FITTED, DEFAULTS, PRIOR)}
    odds[SCORE] = proof.blends[FITTED].scores(proof.later)
    return {name: calibrate(proof.later, of) for name, of in odds.items()}


def _against(proof: Proof, *, sure: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(reasons, doubts) of a Fit."""
    reasons: list[str] = []
    doubts: list[str] = []
    names = {DEFAULTS: "the defaults", PRIOR: "the prior alone, without any part", PRESENT: "the weights that are published"}
    for name, words in names.items():
        if (gain := proof.gains.get(name)) is None or (gain.low > 0 and gain.value > LEAST):
            continue
        refused = name != PRIOR and (not gain.value > LEAST or (sure and name == DEFAULTS))
        (reasons if refused else doubts).append(_told(gain, words))
    return tuple(reasons), tuple(doubts)


def _told(gain: Estimate, rival: str) -> str:
    how = "loses to" if gain.high < 0 else "is not surely better than" if gain.value > LEAST else "gains nothing on"
    low, value, high = (1000 * number for number in (gain.low, gain.value, gain.high))
    return f"out of sample it {how} {rival}: a gain of {value:.3g} ({low:.3g} to {high:.3g}) nats in 1,000 choices"


def _needed(choices: Choices, gain: Estimate) -> int | None:
    """Choices with which a gain as large as this one would be told; None where it is told, or there is none."""
    if gain.low > 0 or not gain.value > LEAST:
        return None
    return int(np.ceil(len(choices) * ((quantile(0.975) + quantile(POWER)) * gain.error / gain.value) ** 2))


def _parts(choices: Choices, blend: Blend, proof: Proof) -> tuple[Part, ...]:
    defaults = asdict(Weights())
    columns = (array.tolist() for array in (blend.weights, blend.errors))
    fitted = {
        name: _part(name, defaults[name], weight, error, proof)
        for name, weight, error in zip(choices.parts, *columns, strict=True)
    }
    nan = float("nan")
    silent = choices.silent | {
        "copy": "stays: lines of copy are not drawn but always the best, so that no log tells what they are worth"
    }
    kept = {name: Part(name, defaults[name], defaults[name], nan, nan, nan, None, why) for name, why in silent.items()}
    return tuple((fitted | kept)[name] for name in (*PERSONAL, "copy"))


def _part(name: str, default: float, weight: float, error: float, proof: Proof) -> Part:
    reach = quantile(0.975) * error
    low, high = (float(np.clip(edge, 0.0, MOST)) for edge in (weight - reach, weight + reach))
    note = "" if np.isfinite(error) else f"is held at its bound, {weight:g}; without it the fit would go beyond"
    return Part(name, default, weight, error, low, high, proof.gains[without(name)], note)


def publish(store: Store, fitted: Fit) -> None:
    """Make the weights the store's. Raises LogError where there are reasons against it."""
    if fitted.reasons or fitted.proof is None:
        raise LogError(f"these weights are not to be published: {'; '.join(fitted.reasons)}")
    gain, choices = fitted.proof.gains[DEFAULTS], fitted.choices
    publish_weights(
        store,
        fitted.weights,
        as_record(fitted),
        choices=len(choices),
        plays=int(choices.quality.sum()),
        users=len(np.unique(choices.user)),
        snapshots=list(choices.snapshots),
        gain=gain.value,
        gain_low=gain.low,
        gain_high=gain.high,
    )


def as_record(fitted: Fit) -> dict[str, Any]:
    """All of it that is no column, as JSON has it; what is no number is null."""
    choices, proof = fitted.choices, fitted.proof
    told: dict[str, Any] = {
        "weights": asdict(fitted.weights),
        "parts": [asdict(part) for part in fitted.parts],
        "refused": list(fitted.reasons),
        "doubts": list(fitted.doubts),
        "needed": fitted.needed,
        "choices": len(choices),
        "plays": int(choices.quality.sum()),
        "users": len(np.unique(choices.user)),
        "left_out": choices.left_out,
        "clipped": choices.clipped,
        "effective": choices.effective,
        "snapshots": list(choices.snapshots),
    }
    if proof is not None:
        told |= {
            "ridge": proof.ridge,
            "earlier": len(proof.earlier),
            "later": len(proof.later),
            "losses": {name: asdict(one) for name, one in proof.losses.items()},
            "gains": {name: asdict(one) for name, one in proof.gains.items()},
            "calibration": {name: _columns_of(one) for name, one in fitted.calibrations.items()},
        }
    found: dict[str, Any] = _finite(told)
    return found


def _columns_of(calibration: Calibration) -> dict[str, Any]:
    return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in vars(calibration).items()}


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
