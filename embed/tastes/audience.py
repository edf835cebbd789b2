"""What users have in common: the mean of their interests and how they spread around it, and the means of segments and locales.

One pass over users' interests: sums of shares, vectors and outer products, some thousand in float32 and those in float64, from which
mean and moment follow.

Who has no taste yet is taken for the average of the own segment, else of the locale, else of everyone: `average_of`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from embed.ragged import stable_order
from embed.records import Audience, Average
from embed.tastes.interests import Mixtures

NEUTRAL_USERS = 1.0  # the audience's mean is taken with this many users of no taste, so that a store of one user has one too
# What sets a user apart is measured against the users' mean, shrunk to nothing as if so many users had none: few users would else be
# measured against each other's tastes. A pull to the neutral text instead costs 1 to 4 points of choices right with up to 20 users,
# this none that can be told.
FEW_USERS = 8.0
ENOUGH_USERS = 2  # of a segment or locale that has an average of its own
# A segment's mean is taken with so many users who are as the whole audience is (a posterior mean, with the audience as the prior):
# a segment of two is then a tenth its own, one of twenty half.
AUDIENCE_USERS = 20.0
AT_ONCE = 4096  # interests whose vectors are held at a time

EVERYONE = "the audience's average"

Cohort = tuple[str, str]  # ("segment" or "locale", its name)


def average_of(audience: Audience, segment: str | None, locale: str | None) -> tuple[np.ndarray, str]:
    """(the mean (d,) float32 that speaks for a user of whom no more than this is known, in words whose it is).

    A locale is looked up as in RFC 4647, section 3.4: where pt-BR has no average, pt may have one.
    """
    having = {(average.kind, average.name): average for average in audience.averages}
    asked = [("segment", segment)] if segment else []
    tags = language_tag(locale).split("-") if locale else []
    asked += [("locale", "-".join(tags[:length])) for length in range(len(tags), 0, -1)]
    found = next((having[cohort] for cohort in asked if cohort in having), None)
    return (audience.mean, EVERYONE) if found is None else (found.mean, str(found))


def common_of(audience: Audience) -> np.ndarray:
    """(d,) float32: what users have in common, against which one user's interests are personal."""
    total = audience.mean * (audience.users + NEUTRAL_USERS) - NEUTRAL_USERS * audience.neutral
    common: np.ndarray = (total / (audience.users + FEW_USERS)).astype(np.float32)
    return common


def typical_of(audience: Audience, segment: str | None = None) -> np.ndarray:
    """(d,) float32: what the average user likes, of a segment where it has an average, against nothing in particular.

    What sets a user apart from the average one is measured against `common_of` (and `apart_of` the segment); the two add up to what
    the user likes against nothing in particular, so that few users' mean says as little here as it takes away there.
    """
    known = (audience.users + NEUTRAL_USERS) / (audience.users + FEW_USERS)
    typical: np.ndarray = known * (audience.mean - audience.neutral) + apart_of(audience, segment)
    return typical.astype(np.float32)


def apart_of(audience: Audience, segment: str | None) -> np.ndarray:
    """(d,) float32: what a segment's average user likes more than everyone's does; 0 where the segment has no average."""
    apart: np.ndarray = average_of(audience, segment, None)[0] - audience.mean
    return apart


def language_tag(locale: str) -> str:
    """As locales are compared: "pt_BR" and "pt-br" are one."""
    return locale.casefold().replace("_", "-")


@dataclass
class Sums:
    """What is known of the users seen so far."""

    dimension: int
    users: int = 0
    total: np.ndarray = field(init=False)  # (d,) float64: shares @ vectors
    moment: np.ndarray = field(init=False)  # (d, d) float64: of the outer products, each times its share
    cohorts: dict[Cohort, tuple[int, np.ndarray]] = field(default_factory=dict)  # users, and the `total` of those alone

    def __post_init__(self) -> None:
        self.total = np.zeros(self.dimension)
        self.moment = np.zeros((self.dimension, self.dimension))

    def add(self, shares: np.ndarray, vectors: np.ndarray) -> None:
        """Interests of some users: shares (n,), vectors (n, d) float32. The users themselves are counted by the caller."""
        self.total += shares.astype(np.float32) @ vectors
        weighted = np.sqrt(shares).astype(np.float32)[:, None] * vectors
        self.moment += weighted.T @ weighted  # of one matrix with itself: half of it is calculated

    def add_users(self, mixtures: Mixtures, vectors: np.ndarray, cohorts: Mapping[str, Sequence[str | None]]) -> None:
        """All users of some mixtures. vectors: (phrases, d); cohorts: by kind, the name for every user, None where there is none."""
        counts = np.diff(mixtures.starts)
        self.users += int((counts > 0).sum())
        owners = np.repeat(np.arange(len(counts)), counts)
        of_users = {kind: self._joined(kind, names, counts > 0) for kind, names in cohorts.items()}
        for begin in range(0, len(owners), AT_ONCE):
            some = slice(begin, begin + AT_ONCE)
            mixed, shares = mixtures.vectors(np.arange(len(owners))[some], vectors), mixtures.shares[some]
            self.add(shares, mixed)
            for names, codes in of_users.values():
                self._add_cohorts(names, codes[owners[some]], shares, mixed)

    def _joined(self, kind: str, names: Sequence[str | None], having: np.ndarray) -> tuple[list[Cohort], np.ndarray]:
        """(cohorts, (users,) int64 the place there of each one's, -1 for none); those that have a taste are counted."""
        codes: dict[str, int] = {}
        of_users = np.array([-1 if name is None else codes.setdefault(name, len(codes)) for name in names], np.int64)
        cohorts = [(kind, name) for name in codes]
        members = np.bincount(of_users[having & (of_users >= 0)], minlength=len(cohorts))
        for cohort, count in zip(cohorts, members.tolist(), strict=True):
            users, total = self.cohorts.get(cohort, (0, np.zeros(self.dimension)))
            self.cohorts[cohort] = users + count, total
        return cohorts, of_users

    def _add_cohorts(self, cohorts: list[Cohort], codes: np.ndarray, shares: np.ndarray, vectors: np.ndarray) -> None:
        """Add to each cohort's total its part of the interests, as `add` has them; codes: (n,) places among the cohorts, or -1."""
        having = np.flatnonzero(codes >= 0)
        having = having[stable_order(codes[having])]
        those, begins = np.unique(codes[having], return_index=True)
        for code, begin, end in zip(those.tolist(), begins.tolist(), [*begins[1:].tolist(), len(having)], strict=False):
            own, (users, total) = having[begin:end], self.cohorts[cohorts[code]]
            self.cohorts[cohorts[code]] = users, total + shares[own].astype(np.float32) @ vectors[own]

    def audience(self, fingerprint: str, neutral: np.ndarray, commons: Mapping[str, np.ndarray]) -> Audience:
        """Of all that was added; neutral: (d,) float32, what texts have in common that say nothing in particular; commons: of each
        kind of phrase, (d,) float32 what all of it have in common."""
        mean = (self.total + NEUTRAL_USERS * neutral) / (self.users + NEUTRAL_USERS)
        common = self.total / (self.users + FEW_USERS)
        crossed = np.outer(self.total, common)
        apart = (self.moment - crossed - crossed.T + self.users * np.outer(common, common)) / max(self.users, 1)
        averages = tuple(
            Average(kind, name, users, ((total + AUDIENCE_USERS * mean) / (users + AUDIENCE_USERS)).astype(np.float32))
            for (kind, name), (users, total) in sorted(self.cohorts.items())
            if users >= ENOUGH_USERS
        )
        return Audience(fingerprint, self.users, neutral, mean.astype(np.float32), apart.astype(np.float32), averages, commons)
