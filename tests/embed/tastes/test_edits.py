"""Edited profiles: what users get, through every embed_users, until they are dropped."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from embed.catalog import read_catalog
from embed.errors import FingerprintError, ProfileError, StoreError
from embed.records import Phrase
from embed.store import Store, open_beside, read_table
from embed.tastes.edits import forget_edit, keep_edit
from embed.tastes.profiles import read_phrase_vectors, read_profile, read_profiles
from embed.tastes.users import embed_users

EDITED = (
    Phrase("silent films", "stated", 0.5),
    Phrase("Ada Quill", "person", 0.25, ("harbour",)),
    Phrase("war", "stated", -0.25),
)


def test_an_edited_profile_is_what_the_user_gets(store: Store, tiny_encoder: Any) -> None:
    others = {user: read_profiles(store).get(user) for user in ("carl", "hugo", "wilma")}
    assert keep_edit(store, "rosa", EDITED, tiny_encoder) == 2
    profiles = read_profiles(store)
    rosa = profiles.get("rosa")
    assert rosa is not None
    assert (rosa.phrases, rosa.source, rosa.text) == (EDITED, "edited", "silent films; Ada Quill; not war")
    assert [phrase.interest for phrase in rosa.phrases][2] == -1
    known = read_phrase_vectors(store)
    assert np.array_equal(rosa.vectors, np.array([known[phrase.kind, phrase.text] for phrase in EDITED]))
    assert profiles.user_ids == ["carl", "hugo", "rosa", "wilma"]
    for user, other in others.items():
        now = profiles.get(user)
        assert (now and now.phrases) == (other and other.phrases)
    alone = read_profile(store, "rosa")
    assert alone is not None
    assert (alone.phrases, alone.source) == (EDITED, "edited")
    assert read_profile(store, "nobody's") is None


def test_it_survives_embed_users_until_it_is_forgotten(store: Store, catalog_folder: Path, tiny_encoder: Any) -> None:
    made = read_profiles(store).get("rosa")
    keep_edit(store, "rosa", EDITED[:1], tiny_encoder)
    keep_edit(store, "rosa", EDITED, tiny_encoder)  # takes the place of the first
    embed_users(read_catalog(catalog_folder), store, tiny_encoder)
    now = read_profiles(store).get("rosa")
    assert now is not None
    assert now.phrases == EDITED
    assert forget_edit(store, "rosa")
    assert not forget_edit(store, "rosa")
    again = read_profiles(store).get("rosa")
    assert made is not None
    assert again is not None
    assert (again.phrases, again.source) == (made.phrases, made.source)


def test_a_user_whom_the_catalog_does_not_know_may_have_one(store: Store, tiny_encoder: Any) -> None:
    keep_edit(store, "new", EDITED, tiny_encoder)
    assert read_profiles(store).user_ids == ["carl", "hugo", "new", "rosa", "wilma"]
    keep_edit(store, "new", (), tiny_encoder)
    new = read_profiles(store).get("new")
    assert new is not None
    assert (new.phrases, new.vectors.shape) == ((), (0, 32))


def test_another_encoder_learns_the_phrases_when_its_users_are_embedded(
    store: Store, catalog_folder: Path, tiny_encoder: Any, other_encoder: Any
) -> None:
    beside = open_beside(store, other_encoder.choice, other_encoder.fingerprint, other_encoder.dimension)
    embed_users(read_catalog(catalog_folder), beside, other_encoder)
    keep_edit(store, "rosa", EDITED, tiny_encoder)
    with pytest.raises(
        StoreError, match=r"phrase 'silent films' of an edited profile has no vector; run scripts/embed_users\.py"
    ):
        read_profiles(beside)
    embed_users(read_catalog(catalog_folder), beside, other_encoder)
    rosa = read_profiles(beside).get("rosa")
    assert rosa is not None
    assert (rosa.phrases, rosa.fingerprint) == (EDITED, other_encoder.fingerprint)


def test_what_cannot_be_kept_changes_nothing(store: Store, tiny_encoder: Any, other_encoder: Any) -> None:
    long = Phrase(" ".join(f"word{number}" for number in range(90)), "stated", 1.0)
    with pytest.raises(ProfileError, match="is longer than the text tower reads; divide it into lines of their own"):
        keep_edit(store, "rosa", (long,), tiny_encoder)
    with pytest.raises(FingerprintError):
        keep_edit(store, "rosa", EDITED, other_encoder)
    rosa = read_profiles(store).get("rosa")
    assert rosa is not None
    assert rosa.source == "history"
    with pytest.raises(StoreError):
        read_table(store, "edits")


def test_a_matcher_that_follows_takes_it_up(store: Store, tiny_encoder: Any, make_catalog: Callable) -> None:
    from index.publish import publish_snapshot
    from match.bulk import Bulk
    from match.live import LiveMatcher

    publish_snapshot(store)
    with LiveMatcher(store, seconds=None) as matcher:
        assert matcher.choose("rosa")[0].taste == "the user's own"
        keep_edit(store, "rosa", EDITED, tiny_encoder)
        assert matcher.refresh()
        page = matcher.choose("rosa")
        assert page[0].taste == "the user's own, as edited"
        bulk = Bulk.of(matcher.current)
        names = [*bulk.artwork_ids.to_pylist(), None]
        chosen = [names[place] for place in bulk.choose(["rosa"]).artwork[0].tolist()]
        assert chosen == [choice.artwork and choice.artwork.artwork_id for choice in page]
