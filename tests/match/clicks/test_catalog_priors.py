"""Whose priors speak, and how average fit fades on the way from everyone to a segment."""

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from embed.records import PRIOR, SEGMENT_PRIOR, TITLE_PRIOR, Average
from embed.store import Store
from embed.tastes.profiles import read_audience
from index.snapshot import open_snapshot
from match.blend import Prior, logit
from match.clicks import catalog_priors as module
from match.clicks.catalog_fit import average_fits
from match.clicks.catalog_priors import CatalogPriors
from match.clicks.priors import Priors

HORROR = np.eye(4, dtype=np.float32)[2]
WEIGHT = 0.8


def row(**columns: Any) -> dict[str, Any]:
    return {"title_id": "harbour", "impressions": 300, "plays": 30, "mean": 0.1, "strength": 400.0, **columns}


@pytest.fixture
def priors(shared_store: Store) -> CatalogPriors:
    """ "kiss" was shown 300 times, a quarter of what is known of it is from before; 100 of them to kids, who play half as much. Kids
    love horror."""
    known = Priors(
        pa.Table.from_pylist([row(artwork_id="kiss", effective=300.0)], schema=PRIOR),
        Prior(0.08, 0, 0),
        titles=pa.Table.from_pylist(
            [row(), row(title_id=None, mean=0.08, strength=50.0, fit_weight=WEIGHT, fit_error=0.1)], schema=TITLE_PRIOR
        ),
        segments=pa.Table.from_pylist(
            [
                row(segment=name, artwork_id="kiss", impressions=100, plays=5, mean=0.06, strength=125.0)
                for name in ("kids", "teens")
            ]
            + [row(segment=name, title_id=None, mean=0.04, strength=80.0) for name in ("kids", "teens")],
            schema=SEGMENT_PRIOR,
        ),
    )
    audience = replace(
        read_audience(shared_store), averages=tuple(Average("segment", name, 9, HORROR) for name in ("kids", "fans"))
    )
    return CatalogPriors(open_snapshot(shared_store), audience, known)


def of(priors: CatalogPriors, segment: str | None, artwork_id: str) -> float:
    """Log-odds of one artwork."""
    return float(priors.of(segment).log_odds[priors.snapshot.artwork["artwork_id"].to_pylist().index(artwork_id)])


def fit(priors: CatalogPriors, artwork_id: str, segment: str | None = None) -> float:
    at = priors.snapshot.artwork["artwork_id"].to_pylist().index(artwork_id)
    return float(average_fits(priors.snapshot, priors.audience, segment)[at])


def test_everyone_s(priors: CatalogPriors) -> None:
    assert of(priors, None, "clown") == pytest.approx(logit(0.1) + WEIGHT * fit(priors, "clown"), abs=1e-5)  # its title's rate
    assert of(priors, None, "only") == pytest.approx(logit(0.08), abs=1e-5)  # the catalog's
    moved = 1 / (1 + 9 * np.exp(-WEIGHT * fit(priors, "kiss")))
    assert of(priors, None, "kiss") == pytest.approx(logit(0.1 + (moved - 0.1) / 4), abs=1e-5)


def test_a_segment_s_by_clicks_alone(priors: CatalogPriors) -> None:
    """What everyone's clicks left of the fit fades once more with the segment's."""
    assert of(priors, "teens", "clown") == pytest.approx(logit(0.05) + WEIGHT * fit(priors, "clown"), abs=1e-5)
    moved = 1 / (1 + 19 * np.exp(-WEIGHT * fit(priors, "kiss") / 4))
    assert of(priors, "teens", "kiss") == pytest.approx(logit(0.06 + (moved - 0.05) / 5), abs=1e-5)


def test_a_segment_s_by_taste_alone(priors: CatalogPriors) -> None:
    """What everyone's clicks cannot tell, how much more the segment likes it, does not fade with them."""
    for artwork_id in ("kiss", "ghost"):
        more = fit(priors, artwork_id, "fans") - fit(priors, artwork_id)
        assert of(priors, "fans", artwork_id) == pytest.approx(of(priors, None, artwork_id) + WEIGHT * more, abs=1e-5)
    assert of(priors, "fans", "ghost") > of(priors, None, "ghost") + 0.1


def test_a_segment_s_by_both(priors: CatalogPriors) -> None:
    everyones, more = fit(priors, "kiss"), fit(priors, "kiss", "kids") - fit(priors, "kiss")
    moved = 1 / (1 + 19 * np.exp(-WEIGHT * (everyones / 4 + more)))
    assert of(priors, "kids", "kiss") == pytest.approx(logit(0.06 + (moved - 0.05) / 5), abs=1e-5)


def test_who_speaks(priors: CatalogPriors) -> None:
    names = ["kids", " KIDS", "teens", "fans", "FANS", "others", "", None]
    assert [priors.speaking(name) for name in names] == ["kids", " KIDS", "teens", "fans", None, None, None, None]
    assert priors.has_tastes
    assert priors.own_rows.sum() == 1
    assert priors.of(None) is priors.everyones


def test_few_segments_are_held(priors: CatalogPriors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SEGMENTS_HELD", 2)
    kids, teens = priors.of("kids"), priors.of("teens")
    assert priors.of("kids") is kids
    fans = priors.of("fans")  # now teens was asked for longest ago
    assert (priors.of("kids") is kids, priors.of("fans") is fans) == (True, True)
    again = priors.of("teens")
    assert again is not teens
    np.testing.assert_array_equal(again.mean, teens.mean)
