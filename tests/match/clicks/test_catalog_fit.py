"""The average fit of a store's artwork, and what learn_priors finds it to be worth."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from embed.errors import FingerprintError, SnapshotError
from embed.records import TITLE_PRIOR, Average
from embed.store import Store, read_table, replace_table
from embed.tastes.audience import common_of, typical_of
from embed.tastes.profiles import read_audience
from index.snapshot import open_snapshot
from match.blend import logit, usual_spread
from match.clicks import catalog_fit
from match.clicks.average_fit import DEFAULT, NOTHING_LEARNED, UNSURE
from match.clicks.catalog_fit import average_fits, fits_by_artwork
from match.clicks.priors import learn_priors, read_priors

ROMANCE, COMEDY, HORROR, PLAIN = np.eye(4, dtype=np.float32)


def test_what_is_typical_and_what_is_personal_add_up(shared_store: Store) -> None:
    """Three users: little is known of what users like, and as little is taken away from theirs."""
    audience = read_audience(shared_store)
    apart = 3 / 11 * PLAIN  # of what says nothing in particular, as much as is known of the average
    np.testing.assert_allclose(typical_of(audience), common_of(audience) - apart, atol=1e-6)
    kids = replace(audience, averages=(Average("segment", "kids", 12, HORROR), Average("locale", "kids", 12, COMEDY)))
    np.testing.assert_allclose(typical_of(kids, "kids"), typical_of(audience) + HORROR - audience.mean, atol=1e-6)
    assert (typical_of(kids, "teens") == typical_of(audience)).all()


@pytest.mark.parametrize("at_once", [1, 1 << 17])
def test_fits_by_hand(shared_store: Store, monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    monkeypatch.setattr(catalog_fit, "ARTWORKS_AT_ONCE", at_once)
    snapshot, audience = open_snapshot(shared_store), read_audience(shared_store)
    fits = dict(zip(snapshot.artwork["artwork_id"].to_pylist(), average_fits(snapshot, audience).tolist(), strict=True))
    typical = typical_of(audience)
    mean = typical[:3].mean()  # of harbour's three
    spread = usual_spread(audience, snapshot.scatter)
    wanted = {"kiss": typical[0], "clown": typical[1], "ghost": typical[2]}
    assert {name: fits.pop(name) for name in wanted} == pytest.approx(
        {name: (value - mean) / spread for name, value in wanted.items()}, abs=1e-5
    )
    assert set(fits.values()) == {0.0}  # alike, or alone


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory, make_store: Callable[..., Store], write_rows: Callable) -> Any:
    """40 titles of four artworks: those of romance, which all users love, are played three times as often as those of plain things."""
    folder = tmp_path_factory.mktemp("fit")
    kinds = {"kiss": ROMANCE, "talk": (ROMANCE + PLAIN) / np.sqrt(2), "plain": PLAIN, "sea": PLAIN}
    titles = {f"t{n}": [{"artwork_id": f"t{n}-{name}", "vector": vector} for name, vector in kinds.items()] for n in range(40)}
    users = {f"u{n}": [("love", "genre", 1.0, ROMANCE), ("fun", "genre", 0.2, COMEDY, 1)] for n in range(30)}
    plays_of = {"kiss": 24, "talk": 14, "plain": 8, "sea": 8}
    impressions, plays = [], []
    for title in titles:
        for name, played in plays_of.items():
            rows = [
                {"impression_id": f"{title}-{name}-{n}", "title_id": title, "artwork_id": f"{title}-{name}"} for n in range(100)
            ]
            impressions += rows
            plays += [{"impression_id": row["impression_id"], "seconds": 900, "fraction": 1} for row in rows[:played]]
    logs = write_rows(folder / "logs", "impressions", impressions, "parquet").parent
    write_rows(logs, "plays", plays, "parquet")
    return make_store(folder / "store", titles, users), logs


def test_learn_priors_finds_what_it_is_worth_and_keeps_it(catalog: Any) -> None:
    store, logs = catalog
    learned = learn_priors(logs, store)
    assert learned.learned is not None
    fits = fits_by_artwork(store)
    assert fits is not None
    kiss, plain = fits(pa.chunked_array([["t1-kiss", "t1-plain"]]))
    apart = float(logit(0.24) - logit(0.08))
    assert learned.fit.weight == pytest.approx(apart / (kiss - plain), rel=0.15)
    assert learned.fit.error < 0.1
    assert read_priors(store).fit == learned.fit == learned.learned.fit


def test_artwork_that_is_gone_is_unknown(catalog: Any) -> None:
    fits = fits_by_artwork(catalog[0])
    assert fits is not None
    assert np.isnan(fits(pa.chunked_array([["t1-kiss", "gone"]]))).tolist() == [False, True]


def test_without_a_snapshot_or_tastes_the_default_holds(
    tmp_path: Path, catalog: Any, make_store: Callable[..., Store], empty_store: Store
) -> None:
    titles = {"t1": [{"artwork_id": "t1-kiss", "vector": ROMANCE}, {"artwork_id": "t1-sea", "vector": PLAIN}]}
    no_users = make_store(tmp_path / "nobody", titles)
    for store in (empty_store, no_users):
        assert learn_priors(catalog[1], store).fit == NOTHING_LEARNED == read_priors(store).fit
    assert NOTHING_LEARNED == (DEFAULT, UNSURE) == (0.25, 0.25)


@pytest.mark.parametrize("error", [SnapshotError, FingerprintError])
def test_a_snapshot_that_cannot_be_opened_stops_no_learning(
    shared_store: Store, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def refuse(store: Store) -> None:
        raise error("no")

    assert fits_by_artwork(shared_store) is not None
    monkeypatch.setattr(catalog_fit, "open_snapshot", refuse)
    assert fits_by_artwork(shared_store) is None


def test_priors_of_a_release_that_knew_no_fit_have_the_default(catalog: Any) -> None:
    store, logs = catalog
    learn_priors(logs, store)
    replace_table(store, "title_priors", read_table(store, "title_priors").drop_columns(["fit_weight", "fit_error"]))
    assert read_priors(store).fit == NOTHING_LEARNED
    assert read_priors(store).titles.schema == TITLE_PRIOR


def test_fit_moves_priors_in_their_order(catalog: Any) -> None:
    """Of what was never shown all of it, of what was, as much as its prior still counts; in a segment that nobody named likewise."""
    store, logs = catalog
    priors = learn_priors(logs, store)
    ids, titles = pa.chunked_array([["new", "t1-kiss"]]), pa.chunked_array([["t1", "t1"]])
    before = priors.in_order(ids, titles)
    after = priors.in_order(ids, titles, np.array([0.5, 0.5]))
    assert after.log_odds[0] == pytest.approx(before.log_odds[0] + 0.5)
    assert before.log_odds[1] < after.log_odds[1] < before.log_odds[1] + 0.5
    assert before.share.tolist() == [1.0, pytest.approx(1 - 100 / before.strength[1])]
    assert (after.strength == before.strength).all()
