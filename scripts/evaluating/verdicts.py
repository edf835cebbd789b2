"""An estimate as a line of the report: beside its target, and plainly no better than chance where it is none."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from artwork_doors.benching.figures import Figure, records
from artwork_doors.evaluating.encodings import Encodings
from artwork_doors.evaluating.scores import Estimate, few

NO_BETTER = "not better than chance"


@dataclass(frozen=True)
class Material:
    """What every part of scripts/evaluate_taste.py is given."""

    data: Path
    encoder: Encodings
    seed: int = 0
    resamples: int = 1000  # of the bootstrap
    groups: int = 2000  # of pictures, in `choosing`


@dataclass(frozen=True)
class ClickMaterial:
    """What every part of scripts/evaluate_clicks.py is given."""

    data: Path
    seed: int = 0
    resamples: int = 1000  # of the bootstrap
    seeds: int = 20  # simulated worlds


@dataclass(frozen=True)
class Line(Figure):
    """A figure with what chance would give, and what is true where that is known."""

    chance: float | None = None
    truth: float | None = None
    surely: bool = False  # the whole interval must lie beyond the target, not the figure alone

    @property
    def met(self) -> bool | None:
        """As any figure's, by the end of the interval that is nearest to missing the target where it must be met surely."""
        if not self.surely or self.target is None:
            return super().met
        edge = self.high if self.at_most else self.low
        return edge is not None and (edge < self.target if self.at_most else edge > self.target)


@dataclass(frozen=True)
class Curve:
    """How something goes along: all of one length."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float]  # of the interval at each x
    high: Sequence[float]


@dataclass(frozen=True)
class Curves:
    """A panel of the plot."""

    title: str
    x: str  # what the axes are
    y: str
    curves: Sequence[Curve]
    rising: bool = False  # the curves after the first are steps of one setting


@dataclass(frozen=True)
class Part:
    """One part's report: figures, and how much other ways differ from the product's on the same questions."""

    name: str
    title: str
    figures: Sequence[Line]
    differences: Sequence[Figure] = field(default=())
    curves: Sequence[Curves] = field(default=())  # for --plot


def figure(
    about: str, name: str, found: Estimate, *, chance: float | None = None, target: float | None = None, note: str = ""
) -> Line:
    """The line; with `chance`, its note says where the interval does not lie above it."""
    said = [NO_BETTER] if chance is not None and not found.above(chance) else []
    words = "; ".join([*said, *([note] if note else [])])
    return Line(about, name, found.value, low=found.low, high=found.high, target=target, note=words, chance=chance)


def difference(about: str, name: str, found: Estimate) -> Figure:
    """The line of a paired difference in hundredths, saying whether it is more than noise."""
    said = "better" if found.low > 0 else "worse" if found.high < 0 else "no difference that can be told"
    value, low, high = (100 * edge for edge in (found.value, found.low, found.high))
    return Figure(about, name, value, "points", low, high, note=said)


def curve(name: str, x: Sequence[float], values: np.ndarray) -> Curve:
    """The mean of a few runs, and its interval, at each x (n,); values: (runs, n)."""
    points = [few(each) for each in values.T]
    return Curve(name, x, *([getattr(one, end) for one in points] for end in ("value", "low", "high")))


def as_json(material: Material, parts: Sequence[Part]) -> dict[str, Any]:
    """Everything of scripts/evaluate_taste.py, for --json."""
    settings = {"seed": material.seed, "resamples": material.resamples, "groups": material.groups}
    return {
        "checkpoint": str(material.encoder.choice),
        "fingerprint": material.encoder.fingerprint,
        **settings,
        "parts": parts_in_json(parts),
    }


def parts_in_json(parts: Sequence[Part]) -> list[dict[str, Any]]:
    """What was measured, for --json."""
    return [
        {
            "name": part.name,
            "title": part.title,
            "figures": records(part.figures),
            "differences": [asdict(line) for line in part.differences],
        }
        for part in parts
    ]
