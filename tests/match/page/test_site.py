"""A store as the page looks at it."""

from typing import Any

from embed.store import Store
from match.matcher import Matcher
from match.page.parameters import Parameters
from match.page.site import BLENDS_REMEMBERED, Site


class Forgetful(dict[Any, Any]):
    """As if other threads had tried out so many blends meanwhile that what is kept is gone at once."""

    def __setitem__(self, key: Any, value: Any) -> None:
        pass


def test_a_blend_that_others_push_out_meanwhile_is_answered(shared_store: Store) -> None:
    matcher = Matcher.open(shared_store)
    site = Site(shared_store, matcher, matcher.user_ids, matcher.title_ids, _blends=Forgetful())
    assert site.matcher_of(Parameters(people="0")).weights.people == 0


def test_blends_are_remembered_the_latest_ones(shared_store: Store) -> None:
    site = Site.of(shared_store, Matcher.open(shared_store))
    asked = [site.matcher_of(Parameters(people=str(number / 10))) for number in range(BLENDS_REMEMBERED + 3)]
    assert site.matcher_of(Parameters(people=str((BLENDS_REMEMBERED + 2) / 10))) is asked[-1]
    assert site.matcher_of(Parameters(people="0")) is not asked[0]
    assert site.matcher_of(Parameters(people="2.5")) is site.matcher
    assert len(site._blends) == BLENDS_REMEMBERED
    assert all(site.matcher_of(Parameters(people=str(number / 10))) is asked[number] for number in range(5, 10))
