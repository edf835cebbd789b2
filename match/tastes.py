"""A user as the scoring sees one: made once of a profile, then held against every page."""

from dataclasses import dataclass

import numpy as np

from embed.ragged import spans
from embed.records import Profile, fold
from index.filters import Context
from index.snapshot import Snapshot
from index.titles import ABSENT
from match.blend import liked_people


@dataclass(frozen=True)
class Liked:
    """Those people on any artwork of a snapshot whom a user likes or dislikes."""

    numbers: np.ndarray  # (m,) int64, ascending: the snapshot's
    weights: np.ndarray  # (m,) float64 in -1..1
    names: list[str]  # as the profile spells them
    rows: np.ndarray  # (a,) int64, ascending: the artwork that shows one of them, once for each
    who: np.ndarray  # (a,) int64 which of them it shows

    @classmethod
    def of(cls, profile: Profile, snapshot: Snapshot) -> "Liked":
        """Those of a profile."""
        numbers, (begins, rows) = snapshot.people, snapshot.appearances
        spelt = {fold(phrase.text): phrase.text for phrase in profile.phrases if phrase.kind == "person"}
        met = sorted((numbers[name], weight, spelt[name]) for name, weight in liked_people(profile).items() if name in numbers)
        known, weights, names = zip(*met, strict=True) if met else ((), (), ())
        people = np.array(known, np.int64)
        counts = begins[people + 1] - begins[people]
        there, who = rows[spans(begins[people], counts)], np.arange(len(people)).repeat(counts)
        order = there.argsort(kind="stable")  # of an artwork's people, the first stays first
        return cls(people, np.array(weights, np.float64), list(names), there[order], who[order])


@dataclass(frozen=True)
class Said:
    """A profile's phrases as they are held against artwork."""

    names: list[str]
    vectors: np.ndarray  # (phrases, d) float32
    weights: np.ndarray  # (phrases, 1) float32
    interests: np.ndarray  # (phrases, 1) int64: which of Taste.queries each belongs to, ABSENT for a dislike

    @classmethod
    def of(cls, profile: Profile) -> "Said | None":
        """Those of a profile."""
        if not profile.phrases:
            return None
        weights = np.array([[phrase.weight] for phrase in profile.phrases], np.float32)
        numbers = np.array([phrase.interest if phrase.weight > 0 else ABSENT for phrase in profile.phrases])
        kept = np.unique(numbers[numbers != ABSENT])  # queries count those that have a phrase
        interests = np.where(numbers == ABSENT, ABSENT, np.searchsorted(kept, numbers))
        return cls([str(phrase) for phrase in profile.phrases], profile.vectors, weights, interests[:, None])


@dataclass(frozen=True)
class Taste:
    """A user as the scoring sees one."""

    user_id: str
    profile: Profile
    people: Liked
    said: Said | None  # the phrases, None where there are none
    shares: np.ndarray  # (k,) float64, of the user's interests; they sum to 1
    queries: np.ndarray  # (k, d) float32: what is personal, held against artwork; what the average user likes is in its prior
    of_lines: np.ndarray  # (k, d) float32: the same held against lines of copy, whose priors know of no taste
    source: str
    segment: str | None = None  # whose priors speak: see match.clicks.catalog_priors
    pictures: bool = False  # whether the last of the queries is of pictures that the user played: see match.clicks.seen


def cohorts_of(profile: Profile | None, context: Context) -> tuple[str | None, str | None]:
    """(segment, locale) by which a user without a taste is taken: what the catalog says of the user, else what the context does."""
    if profile is None:
        return context.segment, context.locale
    return profile.segment or context.segment, profile.locale or context.locale


def own_source(profile: Profile) -> str:
    """Whose taste spoke where it is a user's own, in words."""
    return {"stated": "the user's own words: nothing was watched yet", "edited": "the user's own, as edited"}.get(
        profile.source, "the user's own"
    )
