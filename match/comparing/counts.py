"""What a comparison comes to: shares with intervals by users, reasons, leads, and artwork that gained or lost users."""

from dataclasses import dataclass

import numpy as np

from match.comparing.flow import Compared
from match.comparing.reasons import REASONS
from match.judging.intervals import Terms, estimates_of

EDGES = (0.01, 0.05, 0.2, 0.5)  # log-odds between the bins of leads


@dataclass(frozen=True)
class Share:
    """Of choices that changed, of some users; the interval is of users like these, at 95 %."""

    users: int
    choices: int
    changed: int
    value: float
    low: float
    high: float
    reasons: dict[str, int]


@dataclass(frozen=True)
class Leads:
    """By how much one side's choices lead the other side's in its own scores, log-odds."""

    median: float  # nan where no choice changed between two that both might be chosen
    ninety: float  # nine in ten are no more than this
    bins: tuple[int, ...]  # below the first of EDGES, between them, above the last


def share(compared: Compared, users: np.ndarray | None = None) -> Share:
    """users: (n,) places of some users; all of them where None."""
    population = compared.population
    some = np.arange(len(population.user_ids)) if users is None else users
    here = np.isin(compared.changes.users, some)
    counts = np.bincount(compared.changes.users[here], minlength=len(population.user_ids))[some]
    titles = len(population.title_ids)
    terms = Terms("changed", counts / titles, np.ones(len(some)), 1.0)
    [estimate], _ = estimates_of([terms], np.arange(len(some)))
    changed = int(counts.sum())
    reasons = reasons_among(compared.changes.reasons[here])
    return Share(len(some), len(some) * titles, changed, estimate.value, estimate.low, estimate.high, reasons)


def of_segments(compared: Compared) -> list[tuple[str | None, Share]]:
    """Each segment's share, the most changed first; None: of users without one."""
    segments = compared.population.segments
    names = sorted({name for name in segments if name is not None}) + ([None] if None in segments else [])
    places = {name: np.array([place for place, own in enumerate(segments) if own == name]) for name in names}
    found = [(name, share(compared, own)) for name, own in places.items()]
    return sorted(found, key=lambda pair: -pair[1].value)


def reasons_among(reasons: np.ndarray) -> dict[str, int]:
    """How often each reason that occurs, by REASONS' order; reasons: (n,) places in REASONS."""
    return reasons_that_occur(np.bincount(reasons, minlength=len(REASONS)))


def reasons_that_occur(counts: np.ndarray) -> dict[str, int]:
    """counts: (reasons,) int64, by REASONS."""
    return {reason: count for reason, count in zip(REASONS, counts.tolist(), strict=True) if count}


def leads(compared: Compared) -> tuple[Leads, Leads]:
    """Of the former side and of the latter."""
    return _leads(compared.changes.leads[:, 0]), _leads(compared.changes.leads[:, 1])


def _leads(values: np.ndarray) -> Leads:
    there = values[~np.isnan(values)]
    bins = np.bincount(np.searchsorted(EDGES, there, side="right"), minlength=len(EDGES) + 1)
    middle, ninety = np.quantile(there, (0.5, 0.9)) if len(there) else (np.nan, np.nan)
    return Leads(float(middle), float(ninety), tuple(bins.tolist()))


def by_title(compared: Compared) -> np.ndarray:
    """(titles,) int64: users whose choice changed."""
    counts: np.ndarray = np.bincount(compared.changes.titles, minlength=len(compared.population.title_ids))
    return counts


def reasons_by_title(compared: Compared) -> np.ndarray:
    """(titles, reasons) int64: users whose choice changed, by REASONS."""
    shape = len(compared.population.title_ids), len(REASONS)
    keys = compared.changes.titles * len(REASONS) + compared.changes.reasons
    counts: np.ndarray = np.bincount(keys, minlength=shape[0] * shape[1]).reshape(shape)
    return counts


def gained(compared: Compared) -> np.ndarray:
    """(artworks,) int64: users on the latter side less users on the former."""
    gain: np.ndarray = compared.chosen[1] - compared.chosen[0]
    return gain
