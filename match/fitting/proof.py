"""The proof: whether weights fitted on a log's earlier days tell the later days' plays better than the defaults do.

Later days, not other users: weights serve tomorrow, with tomorrow's priors, to much the same users. All that is chosen, the ridge
included, is chosen on the earlier days. Rivals have their own levels and slopes of what is common, fitted on the earlier days as
well: a fit that only knew better how often anything is played would choose no other artwork, and does not win by it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from match.blend import Weights
from match.fitting.choices import Choices
from match.fitting.weights import Blend, chosen_ridge, defaults_of, fit, losses
from match.judging.diagnosis import kish
from match.judging.intervals import Estimate, Terms, estimates_of

LATER = 1 / 3  # of the quality plays
FITTED, DEFAULTS, PRESENT, PRIOR = "fitted", "defaults", "present", "the prior alone"
PER_WEIGHT = 10.0  # quality plays for each coefficient, by the rule of thumb (Peduzzi et al. 1996, J Clin Epidemiol 49: 1373-9)
TO_COMPARE = 30.0  # quality plays of the later days, as the judge asks: the intervals rest on these
FEW_USERS = 50  # with fewer, errors that count users are too small (Cameron & Miller 2015, J Human Resources 50: 317-72)


@dataclass(frozen=True)
class Proof:
    """What the later days say."""

    ridge: float
    first_later: int  # day, since 1970
    earlier: Choices
    later: Choices
    blends: dict[
        str, Blend
    ]  # by name, of the earlier days: FITTED, DEFAULTS, PRIOR, PRESENT where there is one, each part left out
    losses: dict[str, Estimate]  # by name: log loss of a choice, nats
    gains: dict[str, Estimate]  # by name of the others: their loss less that of FITTED, paired by users


def divide(choices: Choices) -> int | None:
    """The first of the later days, which have about LATER of the quality plays; None where all is of one day."""
    days, plays = np.unique(choices.day), np.bincount(choices.day - choices.day.min(), choices.weights * choices.quality)
    if len(days) < 2:
        return None
    before = plays.cumsum()[days[1:] - days[0] - 1]  # quality plays before each day but the first
    return int(days[1:][np.abs(before - (1 - LATER) * plays.sum()).argmin()])


def plays_of(choices: Choices) -> float:
    """The quality plays as they count: as many users with one play each, evenly weighted, would know as much (Kish 1965)."""
    return kish(np.bincount(choices.user, choices.weights * choices.quality))


def lacking(choices: Choices) -> tuple[str | None, int | None]:
    """(why a log cannot be fitted, in words; how many such choices it takes): None where it can; None where no number would do."""
    if not choices.parts:
        return "the log tells of no part: all were served with weight 0, or alike on all artwork", None
    if (first := divide(choices)) is None:
        return "all choices are of one day, and weights are held against later days: log two or more", None
    users = len(np.unique(choices.user))
    coefficients = 2 * len(choices.parts) + 1
    asked = (
        ("of the earlier days", plays_of(choices.taken(choices.day < first)), PER_WEIGHT * coefficients),
        ("of the later days", plays_of(choices.taken(choices.day >= first)), TO_COMPARE),
    )
    short = [f"the quality plays {of} count as {there:,.0f} (least: {least:g})" for of, there, least in asked if there < least]
    if users < FEW_USERS:
        short.append(f"there are {users} users (least: {FEW_USERS})")
    if not short:
        return None, None
    ratio = max([FEW_USERS / users, *(least / there if there else np.inf for _, there, least in asked)])
    return "; ".join(short), int(np.ceil(len(choices) * ratio)) if np.isfinite(ratio) else None


def prove(choices: Choices, present: Weights | None = None, seed: int = 0) -> Proof:
    """Fit on the earlier days, hold against the later; present: weights that serve in place of the defaults, if any do.

    The log must not be `lacking`.
    """
    first = divide(choices)
    assert first is not None
    earlier, later = choices.taken(choices.day < first), choices.taken(choices.day >= first)
    ridge = chosen_ridge(earlier, seed)
    blends = {name: fit(earlier, ridge, fixed) for name, fixed in _rivals(choices.parts, present).items()}
    terms = [_terms(name, later, blend) for name, blend in blends.items()]
    units = np.unique(later.user, return_inverse=True)[1]
    pairs = [(other, 0) for other in range(1, len(terms))]
    found, less = estimates_of(terms, units, seed=seed, less=pairs)
    names = list(blends)
    return Proof(
        ridge, first, earlier, later, blends, dict(zip(names, found, strict=True)), dict(zip(names[1:], less, strict=True))
    )


def _rivals(parts: tuple[str, ...], present: Weights | None) -> dict[str, Mapping[int, float]]:
    """What each blend has fixed; FITTED is the first."""
    places = range(len(parts))
    rivals: dict[str, Mapping[int, float]] = {
        FITTED: {},
        DEFAULTS: dict(enumerate(defaults_of(parts).tolist())),
        PRIOR: dict.fromkeys(places, 0.0),
    }
    if present is not None:
        rivals[PRESENT] = dict(enumerate(defaults_of(parts, present).tolist()))
    return rivals | {without(part): {place: 0.0} for place, part in zip(places, parts, strict=True)}


def without(part: str) -> str:
    """The name of the blend that leaves a part out."""
    return f"without {part}"


def _terms(name: str, later: Choices, blend: Blend) -> Terms:
    """The weighted mean of a blend's log loss."""
    lost = losses(later, blend.log_odds(later))
    return Terms(name, later.weights * lost, later.weights, None, float(lost.max()))
