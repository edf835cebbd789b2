"""A taste that is only tried out: the profile that an edited text would make, of which nothing is kept."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from embed.errors import ProfileError
from embed.records import Audience, Phrase, Profile
from embed.tastes.phrases import encode_phrases, pieces_of
from embed.tastes.profiles import interests_among
from embed.tastes.vocabulary import PhraseKey

if TYPE_CHECKING:
    from embed.encoder import Encoder


def profile_tried(
    user_id: str,
    phrases: Sequence[Phrase],
    before: Profile | None,
    known: Mapping[PhraseKey, np.ndarray],
    audience: Audience,
    encoder: "Encoder",
) -> Profile:
    """What `embed.tastes.edits.keep_edit` would make the user's profile. known: vectors (d,) float32 of phrases that have one.

    Raises ProfileError where a phrase is longer than the text tower reads.
    """
    for phrase in phrases:
        if len(pieces_of(phrase.text, encoder)) > 1:
            raise ProfileError(f"phrase {phrase.text!r} is longer than the text tower reads; divide it into lines of their own")
    keys = [(phrase.kind, phrase.text) for phrase in phrases]
    new = sorted(set(keys) - known.keys())
    vectors = dict(zip(new, encode_phrases(new, encoder), strict=True)) if new else {}
    found = [known[key] if key in known else vectors[key] for key in keys]
    stacked = np.array(found, np.float32).reshape(len(keys), len(audience.mean))
    interests = interests_among(keys, [phrase.weight for phrase in phrases], stacked, audience)
    told = tuple(Phrase(p.text, p.kind, p.weight, p.titles, number) for p, number in zip(phrases, interests, strict=True))
    about = (before.locale, before.segment) if before else (None, None)
    return Profile(user_id, told, stacked, audience.fingerprint, "edited", *about)
