"""Whose taste speaks for a user who has none: the segment's, else the locale's, else everyone's; and the Choice says so."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from embed.records import PROFILE, Average
from embed.store import Store, read_table, replace_table
from embed.tastes.profiles import read_audience, write_audience
from index.filters import Context
from match.matcher import Matcher

ROMANCE, COMEDY, HORROR, PLAIN = np.eye(4, dtype=np.float32)
AVERAGES = (
    Average("locale", "pt", 40, ROMANCE),
    Average("locale", "pt-br", 30, COMEDY),
    Average("segment", "kids", 12, HORROR),
)
KNOWN = {"wil": (None, "pt-BR"), "kim": ("kids", "pt-BR"), "lea": ("small", "pt_AO"), "max": (None, None)}


@pytest.fixture
def matcher(tmp_path: Path, make_store: Callable[..., Store], titles: dict, users: dict) -> Matcher:
    """Of users without a taste, of whom the catalog knows what KNOWN says."""
    store = make_store(tmp_path / "store", titles, {**users, **dict.fromkeys(KNOWN, ())})
    rows = [
        {**row, **dict(zip(("segment", "locale"), KNOWN.get(row["user_id"], (None, None)), strict=True))}
        for row in read_table(store, "profiles").to_pylist()
    ]
    rows[0]["source"] = "stated"
    rows[1]["source"] = "edited"
    replace_table(store, "profiles", pa.Table.from_pylist(rows, schema=PROFILE))
    write_audience(store, replace(read_audience(store), averages=AVERAGES))
    return Matcher.open(store)


def asked(matcher: Matcher, user: str, **context: str) -> tuple[str, str]:
    """(whose taste spoke, the artwork of the title that has one for each taste)."""
    [choice] = matcher.choose(user, ["harbour"], Context(**context))
    assert choice.artwork is not None
    return choice.taste, choice.artwork.artwork_id


@pytest.mark.parametrize(
    ("user", "whose", "artwork"),
    [
        ("wil", "the average of locale 'pt-br' (30 users)", "clown"),
        ("kim", "the average of segment 'kids' (12 users)", "ghost"),
        ("lea", "the average of locale 'pt' (40 users)", "kiss"),
    ],
)
def test_of_a_known_user_the_catalog_s_segment_and_then_locale(matcher: Matcher, user: str, whose: str, artwork: str) -> None:
    assert asked(matcher, user) == (f"{whose}: user {user!r} has no taste yet", artwork)


def test_of_an_unknown_user_what_the_context_says(matcher: Matcher) -> None:
    nothing = "nothing is known of user 'nobody'"
    assert asked(matcher, "nobody", segment="kids", locale="pt") == (
        f"the average of segment 'kids' (12 users): {nothing}",
        "ghost",
    )
    assert asked(matcher, "nobody", segment="small", locale="PT_br") == (
        f"the average of locale 'pt-br' (30 users): {nothing}",
        "clown",
    )
    assert asked(matcher, "nobody", segment="small", locale="xx")[0] == f"the audience's average: {nothing}"
    assert asked(matcher, "nobody")[0] == f"the audience's average: {nothing}"


def test_the_context_says_what_the_catalog_does_not(matcher: Matcher) -> None:
    assert asked(matcher, "max", segment="kids")[1] == "ghost"
    assert asked(matcher, "max")[0] == "the audience's average: user 'max' has no taste yet"
    assert asked(matcher, "kim", segment="adults", locale="pt")[1] == "ghost"  # what the catalog says comes first


def test_who_has_a_taste_has_it_wherever_they_are(matcher: Matcher) -> None:
    assert asked(matcher, "carl", segment="kids", locale="pt") == ("the user's own, as edited", "clown")
    assert asked(matcher, "rosa", segment="kids") == ("the user's own words: nothing was watched yet", "kiss")
    assert asked(matcher, "hugo") == ("the user's own", "ghost")


def test_who_asks_from_two_segments_is_not_remembered_as_one(matcher: Matcher) -> None:
    assert [
        asked(matcher, "nobody", **context)[1] for context in ({"segment": "kids"}, {"locale": "pt"}, {"segment": "kids"})
    ] == [
        "ghost",
        "kiss",
        "ghost",
    ]
