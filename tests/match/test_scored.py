"""What explains a choice is made when somebody looks, and is the same whenever that is."""

import copy
import pickle
from collections.abc import Callable

import pytest

from embed.store import Store
from match.blend import Prior
from match.matcher import Choice, Matcher, as_record
from match.scored import Scored, Why, Whys

WHY = Why(-2.0, 0.5, 0.0, 0.0, 1.0, "sea", 0.25, ("Ben Marsh",), None, Prior(0.1, 10, 1))


def counted() -> tuple[Whys, list[int]]:
    calls: list[int] = []

    def make() -> list[Why]:
        calls.append(1)
        return [WHY, WHY._replace(phrase="sky")]

    return Whys(make), calls


def test_whys_are_made_once_and_only_where_somebody_looks() -> None:
    whys, calls = counted()
    first, second = Scored("a", "a.jpg", -1.5, whys, 0), Scored("b", "b.jpg", -1.5, whys, 1)
    assert (first.artwork_id, first.path, first.score, calls) == ("a", "a.jpg", -1.5, [])
    assert (first.phrase, second.phrase, second.prior, calls) == ("sea", "sky", Prior(0.1, 10, 1), [1])


def test_every_field_stands_where_it_stood_in_the_tuple() -> None:
    scored = Scored("a", "a.jpg", -1.5, [WHY])
    assert tuple(scored) == ("a", "a.jpg", -1.5, *WHY)
    assert scored._asdict() == {"artwork_id": "a", "path": "a.jpg", "score": -1.5, **WHY._asdict()}
    assert [getattr(scored, name) for name in scored._asdict()] == list(scored)
    assert repr(scored).startswith("Scored(artwork_id='a', path='a.jpg', score=-1.5, prior_part=-2.0, ")


def test_equality_looks_at_everything() -> None:
    scored, same, other = (Scored("a", "a.jpg", -1.5, *of) for of in (([WHY],), (counted()[0], 0), (counted()[0], 1)))
    assert (scored == same, scored == other, scored == tuple(scored)) == (True, False, False)
    assert len({scored, same, other}) == 2


@pytest.mark.parametrize("name", ["artwork_id", "path", "score", "phrase", "prior", "new"])
def test_nothing_of_it_can_be_set(name: str) -> None:
    with pytest.raises(AttributeError):
        setattr(Scored("a", "a.jpg", -1.5, [WHY]), name, "b")


@pytest.mark.parametrize("copied", [lambda one: pickle.loads(pickle.dumps(one)), copy.copy, copy.deepcopy])
def test_a_copy_is_equal_and_of_no_matcher(shared_store: Store, copied: Callable[[list[Choice]], list[Choice]]) -> None:
    choices = Matcher.open(shared_store).choose("rosa", with_others=True)
    assert copied(choices) == choices
    assert len(pickle.dumps(choices[0])) < 2000


def test_a_choice_looked_at_late_says_what_one_looked_at_at_once_says(shared_store: Store) -> None:
    matcher = Matcher.open(shared_store)
    late = matcher.choose_many(matcher.user_ids, with_others=True)
    at_once = [
        as_record(choice) for user in matcher.user_ids for choice in Matcher.open(shared_store).choose(user, with_others=True)
    ]
    del matcher
    assert [as_record(choice) for choices in late for choice in choices] == at_once
