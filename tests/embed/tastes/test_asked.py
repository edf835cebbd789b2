"""What someone asks for in words: phrases as a stated taste has them, and nothing cut."""

from typing import Any

import numpy as np
import pytest

from embed.tastes.asked import phrases_asked, whole
from embed.tastes.users import profile_from_text


def test_a_phrase_has_the_vector_of_a_stated_taste(tiny_encoder: Any) -> None:
    phrases = phrases_asked("rain at night,  two people, Rain at  night", tiny_encoder)
    assert [phrase.text for phrase in phrases] == ["rain at night", "two people"]
    profile = profile_from_text("ada", "rain at night, two people", tiny_encoder)
    stated = {phrase.text: vector for phrase, vector in zip(profile.phrases, profile.vectors, strict=True)}
    for phrase in phrases:
        np.testing.assert_allclose(phrase.vector, stated[phrase.text], atol=1e-6)
        assert phrase.pieces == (phrase.text,)


def test_with_a_semicolon_commas_belong_to_the_phrases(tiny_encoder: Any) -> None:
    assert [p.text for p in phrases_asked("dark, rainy cities; sea;", tiny_encoder)] == ["dark, rainy cities", "sea"]
    assert phrases_asked(" ,; ", tiny_encoder) == []


def test_what_is_not_read_whole_is_divided_and_every_word_has_a_say(tiny_encoder: Any) -> None:
    words = [f"word{number}" for number in range(60)]
    (phrase,) = phrases_asked(" ".join(words), tiny_encoder)
    assert len(phrase.pieces) > 1
    assert " ".join(phrase.pieces).split() == words
    parts = [phrases_asked(piece, tiny_encoder)[0].vector for piece in phrase.pieces]
    mean = np.mean(parts, axis=0)
    np.testing.assert_allclose(phrase.vector, mean / np.linalg.norm(mean), atol=1e-6)
    (other,) = phrases_asked(" ".join([*words[:-1], "elephant"]), tiny_encoder)
    assert np.abs(phrase.vector - other.vector).max() > 1e-4  # the last word is heard


def test_the_whole_is_all_words_in_one_sentence(tiny_encoder: Any) -> None:
    words = "rain at night, two people"
    together = whole(words, phrases_asked(words, tiny_encoder), tiny_encoder)
    (one,) = phrases_asked(words + ";", tiny_encoder)
    assert together == pytest.approx(one.vector)
    assert whole("rain", phrases_asked("rain", tiny_encoder), tiny_encoder) is None
    much = ", ".join(f"thing {number}" for number in range(60))
    assert whole(much, phrases_asked(much, tiny_encoder), tiny_encoder) is None
