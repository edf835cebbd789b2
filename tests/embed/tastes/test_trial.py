"""A taste that is only tried out: what keep_edit would make of it, and nothing is kept."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from embed.errors import ProfileError
from embed.records import Phrase, Profile
from embed.store import Store
from embed.tastes.edits import keep_edit
from embed.tastes.profiles import read_audience, read_profiles
from embed.tastes.trial import profile_tried

EDITED = (
    Phrase("silent films", "stated", 0.5),
    Phrase("Ada Quill", "person", 0.25, ("harbour",)),
    Phrase("a heist at night", "keyword", 0.375),
    Phrase("romantic films", "genre", 0.125, ("harbour",)),
    Phrase("war", "stated", -0.25),
)


def tried(store: Store, user_id: str, phrases: tuple[Phrase, ...], encoder: Any) -> Profile:
    profiles = read_profiles(store)
    return profile_tried(user_id, phrases, profiles.get(user_id), profiles.vectors, read_audience(store), encoder)


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("phrases", [EDITED, EDITED[:1], EDITED[-1:], ()], ids=["many", "one", "a dislike", "none"])
@pytest.mark.parametrize("user_id", ["rosa", "new"])
def test_it_is_what_keep_edit_makes(store: Store, tiny_encoder: Any, user_id: str, phrases: tuple[Phrase, ...]) -> None:
    before = bytes_of(store.root)
    trial = tried(store, user_id, phrases, tiny_encoder)
    assert bytes_of(store.root) == before
    keep_edit(store, user_id, phrases, tiny_encoder)
    kept = read_profiles(store).get(user_id)
    assert kept is not None
    assert trial.phrases == kept.phrases
    assert [phrase.interest for phrase in trial.phrases] == [phrase.interest for phrase in kept.phrases]
    assert np.array_equal(trial.vectors, kept.vectors)
    assert (trial.user_id, trial.source, trial.fingerprint) == (user_id, "edited", kept.fingerprint)
    assert (trial.locale, trial.segment) == (kept.locale, kept.segment)
    for one, other in zip(trial.interests, kept.interests, strict=True):
        assert np.array_equal(one, other)


def test_a_phrase_that_the_tower_cannot_read_whole_is_named(store: Store, tiny_encoder: Any) -> None:
    long = Phrase(" ".join(f"word{number}" for number in range(90)), "stated", 1.0)
    with pytest.raises(ProfileError, match=r"phrase 'word0 word1.* is longer than the text tower reads; divide it"):
        tried(store, "rosa", (EDITED[0], long), tiny_encoder)
