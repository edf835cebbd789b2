"""A profile as text: it reads back exactly, and a line that cannot be read is named with its remedy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embed.errors import ProfileError
from embed.records import Phrase, Profile, fold
from embed.tastes.phrases import PROMPTS
from embed.tastes.profile_text import as_text, phrases_of_text
from embed.tastes.selection import PHRASES

TEXT = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=12).filter(str.strip)
AWKWARD = st.sampled_from(
    ["a # b", "#", '"', '"a" b', "a  b", " a", "a\nb", "a\tb", "a\u2028b", "\u00a0", "x\x1cy", "\\", "-1", "夜"]
)
WEIGHT = st.floats(-1, 1, width=32).filter(bool)
PHRASE = st.builds(
    Phrase,
    TEXT | AWKWARD.filter(str.strip),
    st.sampled_from(sorted(PROMPTS)),
    WEIGHT,
    st.lists(TEXT | AWKWARD, max_size=3).map(tuple),
)


@given(st.text(max_size=5), st.lists(PHRASE, max_size=PHRASES, unique_by=lambda phrase: fold(phrase.text)), st.booleans())
def test_a_profile_comes_back_as_it_was(user: str, phrases: list[Phrase], windows: bool) -> None:
    profile = Profile(user, tuple(phrases), np.empty((0, 4), np.float32), "f")
    text = as_text(profile)
    assert text.count("\n") == len(phrases) + 2
    assert phrases_of_text(text.replace("\n", "\r\n") if windows else text, "f.txt", phrases) == tuple(phrases)
    assert phrases_of_text(text, "f.txt") == tuple(Phrase(p.text, p.kind, p.weight) for p in phrases)


def test_it_reads_as_a_person_would_write_it() -> None:
    phrases = (Phrase("romantic films", "genre", 0.45, ("two-sugars", "saltwind")), Phrase("a # b", "stated", -0.25))
    lines = as_text(Profile("ada", phrases, np.empty((0, 4), np.float32), "f")).splitlines()
    assert (
        lines[0]
        == "# The taste of ada: weight, kind (genre, mood, person, keyword, stated), phrase; a weight below 0 is a dislike."
    )
    assert lines[2:] == [
        "0.45           genre    romantic films  # two-sugars, saltwind",
        '-0.25          stated   "a # b"',
    ]


def test_a_phrase_keeps_its_titles_and_another_one_has_none() -> None:
    before = [Phrase("noir films", "genre", 0.5, ("t",)), Phrase("sea", "keyword", 0.5, ("t",))]
    text = "\n  # a remark\n1 genre noir films # nonsense\n-2 stated sea\n"
    assert phrases_of_text(text, "f", before) == (Phrase("noir films", "genre", 1.0, ("t",)), Phrase("sea", "stated", -2.0))


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (
            "0.5 genre",
            "ada.txt, line 2: '0.5 genre' is no phrase; write weight, kind and phrase, such as: 0.5 stated dark forests",
        ),
        ("0.5 genre # x", "ada.txt, line 2: '0.5 genre # x' is no phrase; write weight"),
        ("much genre x", "ada.txt, line 2, weight: 'much' is no number from -100 to 100; below 0 is a dislike"),
        ("nan genre x", "ada.txt, line 2, weight: 'nan' is no number from -100 to 100"),
        ("1e999 genre x", "ada.txt, line 2, weight: '1e999' is no number from -100 to 100"),
        ("-101 genre x", "ada.txt, line 2, weight: '-101' is no number from -100 to 100"),
        ("0 genre x", "ada.txt, line 2, weight: a phrase that weighs 0 says nothing; remove the line"),
        ("1e-60 genre x", "ada.txt, line 2, weight: a phrase that weighs 1e-60 says nothing; remove the line"),
        ("1 colour x", "ada.txt, line 2, kind: 'colour' is none we know; give one of genre, mood, person, keyword, stated"),
        ('1 genre "x', "ada.txt, line 2, phrase: '\"x' cannot be read"),
        ('1 genre "x" y', "something follows it); close the quotes, or leave them out"),
        ('1 genre " "', "it is empty"),
        ('1 genre "\\ud800"', "close the quotes, or leave them out"),
        ("1 stated  FIRST", "ada.txt, line 2, phrase: 'FIRST' already stands in line 1; keep one of them"),
    ],
)
def test_a_bad_line_is_named_with_its_remedy(line: str, error: str) -> None:
    with pytest.raises(ProfileError) as caught:
        phrases_of_text(f"1 stated first\n{line}\n", "ada.txt")
    assert error in str(caught.value)


def test_too_many_phrases_are_named() -> None:
    text = "\n".join(f"1 stated thing {number}" for number in range(PHRASES + 1))
    with pytest.raises(ProfileError, match=rf"f, line {PHRASES + 1}: a profile has {PHRASES} phrases at most; remove"):
        phrases_of_text(text, "f")
