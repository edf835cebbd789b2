"""Choices, users and titles as documents: what they hold is what the matcher says."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from embed.errors import QueryError
from embed.records import picture_interest_schema
from embed.store import Store, replace_table, vector_array
from match.clicks.seen import TABLE
from match.matcher import Matcher
from match.page import Reading
from match.page.documents import answer
from match.page.parameters import Parameters
from match.page.site import Site

ROMANCE, COMEDY, HORROR, PLAIN = np.eye(4, dtype=np.float32)
HORROR_EDITED = "0.5 genre horror films"


@pytest.fixture
def site(shared_store: Store, reading: SimpleNamespace) -> Site:
    """Of `shared_store`, with a reading."""
    return Site.of(shared_store, Matcher.open(shared_store), reading=Reading(reading.questions, reading.profile))


def asked(site: Site, kind: str, **parameters: Any) -> Any:
    return answer(site, kind, Parameters({name: str(value) for name, value in parameters.items()}))


def chosen(document: Any) -> dict[str, str | None]:
    return {choice["title"]: choice["artwork"] and choice["artwork"]["id"] for choice in document["choices"]}


def test_choices_take_the_letters_that_titles_take(site: Site) -> None:
    everything = chosen(asked(site, "choices", user="rosa"))
    assert everything == {"harbour": "kiss", "caper": "caper-cleo", "lone": "only", "bare": None}
    for find in ("AR", "  harBOUR ", "one", "e", "nothing like it", ""):
        titles = asked(site, "titles", find=find)
        choices = asked(site, "choices", user="rosa", find=find)
        assert [title["id"] for title in titles["titles"]] == list(chosen(choices))
        assert titles["total"] == choices["total"] == len(choices["choices"])
        assert chosen(choices).items() <= everything.items()
    assert list(chosen(asked(site, "choices", user="rosa", find="AR"))) == ["bare", "harbour"]


def test_the_choice_for_one_title_can_be_asked_for(site: Site) -> None:
    everything = asked(site, "choices", user="rosa")["choices"]
    assert [asked(site, "choices", user="rosa", title=choice["title"])["choices"] for choice in everything] == [
        [choice] for choice in everything
    ]
    [unknown] = asked(site, "choices", user="rosa", title="no such")["choices"]
    assert unknown["artwork"] is None
    assert "no title 'no such'" in unknown["reason"]


def test_blocks_are_of_what_was_found(tmp_path: Path, make_store: Callable, users: dict) -> None:
    many = {
        f"{'odd' if number % 2 else 'even'}{number:03}": [{"artwork_id": f"a{number}", "vector": PLAIN}]
        for number in range(130)
    }
    store = make_store(tmp_path / "store", many, users)
    site = Site.of(store, Matcher.open(store))
    first, second = (asked(site, "choices", user="rosa", find="odd", start=start) for start in (0, 50))
    assert (first["total"], len(first["choices"]), len(second["choices"])) == (65, 50, 15)
    assert second["choices"][0]["title"] == "odd101"
    with pytest.raises(QueryError, match="'start' is 7; blocks begin at multiples of 50"):
        asked(site, "choices", user="rosa", start=7)


def test_what_a_trial_changes(site: Site) -> None:
    trial = asked(site, "changed", user="rosa", taste=HORROR_EDITED)
    assert (trial["total"], trial["of"]) == (2, 4)
    found = {one["title"]: (one["before"]["artwork"]["id"], one["now"]["artwork"]["id"]) for one in trial["changes"]}
    assert found == {"harbour": ("kiss", "ghost"), "caper": ("caper-cleo", "caper-ben")}
    assert asked(site, "changed", user="rosa")["changes"] == []
    assert asked(site, "changed", user="rosa", people=0)["total"] == 1
    assert asked(site, "changed", user="rosa", people=0, find="harbour")["total"] == 0


def test_the_published_choice_stands_beside_the_trial(site: Site) -> None:
    [caper] = asked(site, "changed", user="rosa", people=0)["changes"]
    published = {choice["title"]: choice for choice in asked(site, "choices", user="rosa")["choices"]}
    tried = {choice["title"]: choice for choice in asked(site, "choices", user="rosa", people=0)["choices"]}
    assert (caper["before"], caper["now"]) == (published["caper"], tried["caper"])


def test_a_user_has_interests_and_the_phrases_of_each(tmp_path: Path, make_store: Callable, titles: dict) -> None:
    phrases = [
        ("romantic films", "genre", 0.5, ROMANCE, 0),
        ("horror films", "genre", 0.3, HORROR, 2),
        ("funny films", "genre", -0.2, COMEDY, -1),
    ]
    store = make_store(tmp_path / "store", titles, {"mix": phrases, "wil": []})
    site = Site.of(store, Matcher.open(store))
    mix = asked(site, "user", user="mix")
    assert [phrase["interest"] for phrase in mix["phrases"]] == [0, 1, None]
    assert [(round(one["share"], 6), one["pictures"]) for one in mix["interests"]] == [(0.625, None), (0.375, None)]
    assert (mix["known"], mix["taste"]) == (True, "the user's own")
    wil, nobody = asked(site, "user", user="wil"), asked(site, "user", user="nobody")
    assert (wil["known"], wil["phrases"], wil["text"].startswith("# The taste of wil")) == (True, [], True)
    assert (nobody["known"], nobody["source"], len(nobody["interests"])) == (False, None, 1)


def test_an_interest_made_of_pictures_shows_the_pictures_nearest_to_it(
    tmp_path: Path, make_store: Callable, titles: dict, users: dict
) -> None:
    import pyarrow as pa

    store = make_store(tmp_path / "store", titles, users)
    columns = [
        pa.array(["rosa"]),
        pa.array([0.2]),
        pa.array([store.fingerprint]),
        vector_array(HORROR[None]),
    ]
    replace_table(store, TABLE, pa.Table.from_arrays(columns, schema=picture_interest_schema(4)))
    rosa = asked(Site.of(store, Matcher.open(store)), "user", user="rosa")
    of_words, of_pictures = rosa["interests"][:-1], rosa["interests"][-1]
    assert [one["pictures"] for one in of_words] == [None] * len(of_words)
    assert of_pictures["share"] == pytest.approx(0.2)
    assert {one["id"] for one in of_pictures["pictures"][:2]} == {"ghost", "only"}


def test_an_unknown_weight_is_refused(site: Site) -> None:
    with pytest.raises(QueryError, match="'people' is '6'; give a number from 0 to 5"):
        asked(site, "choices", user="rosa", people=6)
