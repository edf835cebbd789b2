"""Another blend of the same store: the choices of `Matcher.open` with these weights, and nothing made anew."""

from typing import Any

import pytest

from embed.store import Store
from match import matcher as module
from match.blend import Weights
from match.matcher import Matcher, as_record

BLENDS = [Weights(), Weights(similarity=0.0), Weights(people=0.0), Weights(4.0, 0.0, 5.0, 0.25), Weights(0.0, 0.0, 0.0, 0.0)]


def records(matcher: Matcher) -> list[dict[str, Any]]:
    return [as_record(choice) for user in ("rosa", "carl", "hugo", "wil") for choice in matcher.choose(user, with_others=True)]


@pytest.mark.parametrize("weights", BLENDS, ids=str)
def test_it_chooses_as_one_that_was_opened_with_them(shared_store: Store, matcher: Matcher, weights: Weights) -> None:
    published = records(matcher)
    assert records(matcher.with_weights(weights)) == records(Matcher.open(shared_store, weights))
    assert records(matcher) == published


def test_weights_decide(matcher: Matcher) -> None:
    def caper(weights: Weights) -> str:
        [choice] = matcher.with_weights(weights).choose("rosa", ["caper"])
        assert choice.artwork
        return choice.artwork.artwork_id

    assert (caper(Weights(people=2.5)), caper(Weights(people=0.0))) == ("caper-cleo", "caper-ben")


def test_nothing_is_made_anew(matcher: Matcher, monkeypatch: pytest.MonkeyPatch) -> None:
    def again(*_: object, **__: object) -> None:
        raise AssertionError("made anew")

    for name in ("open_snapshot", "read_users", "read_priors", "usual_spread", "CatalogPriors"):
        monkeypatch.setattr(module, name, again)
    other = matcher.with_weights(Weights(1.0, 1.0, 1.0, 1.0))
    assert len(other.choose("rosa")) == 4
    for name in ("snapshot", "profiles", "audience", "pictures", "priors", "catalog_priors", "line_columns"):
        assert getattr(other, name) is getattr(matcher, name)
