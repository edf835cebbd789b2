"""What a learner's own log says its similarity is worth: match.fitting, on the choices that it drew."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from artwork_doors.evaluating.simulator_beliefs import Tastes
from artwork_doors.evaluating.simulator_log import RULES, Shown
from artwork_doors.evaluating.simulator_world import Day
from match.clicks.rules import Rules
from match.fitting.choices import Choices
from match.fitting.flow import Fit, fit_blend

SILENT = dict.fromkeys(("people", "words"), "there are none in a simulated world")


@dataclass(frozen=True)
class Drawn:
    """Of a day's impressions, in the order of their Shown, what was known when they were drawn; all (n,) float64."""

    prior: np.ndarray  # log-odds, of the artwork shown
    similarity: np.ndarray  # its similarity to the user
    usual: np.ndarray  # the mean similarity of all that could have been shown
    drawn: np.ndarray  # 1 / (how many could have been shown · its propensity)

    @classmethod
    def of(cls, day: Day, columns: np.ndarray, pages: Sequence[np.ndarray]) -> "Drawn":
        """Columns (m, titles) int64 of what is shown; pages: propensities, priors and similarities, (m, n) each."""
        chances, prior, similarity = (np.take_along_axis(each, columns, axis=1).ravel() for each in pages)
        usual = np.add.reduceat(pages[-1], day.starts[:-1], axis=1) / day.sizes
        return cls(prior, similarity, usual.ravel(), 1 / (np.tile(day.sizes, len(columns)) * chances))


def choices_of(log: Sequence[Shown], drawn: Sequence[Drawn], rules: Rules = RULES) -> Choices:
    """As `match.fitting.choices.read_choices` has them of such a log, on the night after its last day: without the young ones."""
    newest, night = log[-1].shown_at[-1], log[-1].day + 1
    assert rules.wait is not None
    shown_at, played_at, users = (
        np.concatenate([getattr(one, name) for one in log]) for name in ("shown_at", "played_at", "users")
    )
    settled = shown_at <= newest - rules.wait
    prior, similarity, usual, odds = (
        np.concatenate([getattr(one, name) for one in drawn])[settled] for name in ("prior", "similarity", "usual", "drawn")
    )
    return Choices(
        user=np.unique(users[settled], return_inverse=True)[1],
        day=shown_at[settled].astype(np.int64),
        quality=(played_at[settled] <= night).astype(np.float64),
        prior=prior,
        own=(similarity - usual)[:, None],
        common=usual[:, None],
        drawn=odds,
        parts=("similarity",),
        silent=SILENT,
    )


def fitted(log: Sequence[Shown], drawn: Sequence[Drawn]) -> Fit:
    """The weights that the log calls for, and whether they may be published."""
    return fit_blend(choices_of(log, drawn))


def true_weight(tastes: Tastes, day: Day) -> float:
    """What a unit of similarity is truly worth in log-odds: the slope, by least squares, over a day's users and artworks."""
    odds = tastes.world.odds[day.users][:, day.artworks]
    odds, similarity = (
        each - np.repeat(np.add.reduceat(each, day.starts[:-1], axis=1) / day.sizes, day.sizes, axis=1)
        for each in (odds, tastes.similarities(day))
    )
    return float((odds * similarity).sum() / (similarity**2).sum())
