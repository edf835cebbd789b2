"""The door's reading of an edited taste: the encoder of the store, and what edit_profile would keep."""

from typing import Any

import numpy as np
import pytest

from artwork_doors.inspect_matches import _reading
from embed.errors import ProfileError
from embed.store import Store
from embed.tastes.edits import keep_edit
from embed.tastes.profile_text import phrases_of_text
from match.matcher import Matcher

TEXT = "0.5 stated silent films\n0.25 person Ada Quill\n-0.25 stated war\n"


def test_a_taste_tried_is_the_one_that_edit_profile_keeps(served: Store, tiny_encoder: Any) -> None:
    matcher = Matcher.open(served)
    files = {path: path.read_bytes() for path in served.root.rglob("*") if path.is_file()}
    tried = _reading(served).profile(matcher, "rosa", TEXT)
    assert {path: path.read_bytes() for path in served.root.rglob("*") if path.is_file()} == files
    before = matcher.profiles.get("rosa")
    assert before is not None
    keep_edit(served, "rosa", phrases_of_text(TEXT, "edited", before.phrases), tiny_encoder)
    again = Matcher.open(served)
    kept = again.profiles.get("rosa")
    assert kept is not None
    assert (tried.phrases, tried.source) == (kept.phrases, kept.source)
    assert np.array_equal(tried.vectors, kept.vectors)
    assert [phrase.interest for phrase in tried.phrases] == [phrase.interest for phrase in kept.phrases]
    answers = [
        [(choice.artwork and (choice.artwork.artwork_id, choice.artwork.score)) for choice in asked.choose(user)]
        for asked, user in ((matcher, tried), (again, "rosa"))
    ]
    assert answers[0] == answers[1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0.5 stated sea\nmuch stated war", "the edited taste, line 2, weight: 'much' is no number"),
        ("0.5 colour red", "the edited taste, line 1, kind: 'colour' is none we know"),
        ("\n0.5 stated sea\n0.4 mood Sea", "line 3, phrase: 'Sea' already stands in line 2"),
        ("0.5 stated " + "sea " * 90, "is longer than the text tower reads"),
    ],
)
def test_what_cannot_be_read_is_said(served: Store, text: str, said: str) -> None:
    with pytest.raises(ProfileError, match=said):
        _reading(served).profile(Matcher.open(served), "rosa", text)
