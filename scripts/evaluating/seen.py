"""Seen and played: does an interest made of the artwork that a user played choose better than words, and beside them?

SIMULATED: a user has one hidden taste, a topic of photographs or a genre of posters. Pictures are shown at random and played more
often where they bear it; then one picture of the taste stands among others that the user was never shown. What is simulated is the
user; pictures, captions and genres are real.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from artwork_doors.benching.figures import Figure
from artwork_doors.evaluating import scores
from artwork_doors.evaluating.choosing import hits
from artwork_doors.evaluating.genres import DESCRIPTIONS
from artwork_doors.evaluating.research import read_photographs, read_posters
from artwork_doors.evaluating.users import profiles_of
from artwork_doors.evaluating.verdicts import Line, Material, Part, difference, figure
from embed.errors import ArtworkMatcherError
from embed.records import Audience, Profile
from embed.tastes.users import audience_of
from match.blend import personal_queries, similarity_of, usual_spread
from match.clicks.seen import PictureInterest, interest_in_pictures, with_pictures

PLAYS = (0, 1, 3, 10, 30)
SIZE = 8  # pictures to choose from, one of which bears the taste
RATES = 0.20, 0.05  # of plays: of what bears the taste, and of all else
SHOWS = 1000  # at most, until there are enough plays
FEWEST = 12  # pictures that bear a taste, in each half

# A topic, and the words of captions that name it. It is borne where two captions say so; where one does, nobody knows.
TOPICS = {
    "dogs": ("dog", "dogs", "puppy"),
    "water": ("water", "ocean", "lake", "pool", "wave", "river"),
    "snow": ("snow", "snowy", "ski", "skier", "sled"),
    "children": ("child", "children", "kids", "toddler", "baby"),
    "ball games": ("ball", "soccer", "tennis", "basketball", "football", "baseball"),
    "bicycles": ("bike", "bicycle", "biker", "bikes", "bicycles", "bmx"),
    "the beach": ("beach", "sand", "shore"),
    "mountains": ("mountain", "mountains", "rock", "cliff", "climbing", "climber"),
    "city streets": ("street", "sidewalk", "city", "building"),
}

TEXT, PICTURES, BOTH, ADDED = "words alone", "pictures alone", "both, pictures as an interest", "both, added up"
SAYS_IT, SAYS_ANOTHER, SAYS_NOTHING = "says it", "says another taste", "says nothing"


@dataclass(frozen=True)
class World:
    """Pictures, and the tastes that users may have."""

    name: str
    tastes: Sequence[str]
    vectors: np.ndarray  # (n, d)
    bears: np.ndarray  # (tastes, n) bool
    lacks: np.ndarray  # (tastes, n) bool; neither: nobody knows


@dataclass(frozen=True)
class Viewers:
    """Simulated users: rows of `shown` up to a play are what was shown until then."""

    taste: np.ndarray  # (users,)
    another: np.ndarray  # (users,) what those say who say another taste
    group: np.ndarray  # (users, size) rows; the first bears the taste
    shows: np.ndarray  # (n,) bool: the half of the pictures that is shown
    shown: np.ndarray  # (users, SHOWS) rows of that half
    played: np.ndarray  # (users, SHOWS) bool


def measure(material: Material) -> Part:
    """Choice right by what the user says, how many artworks were played, and way; intervals over pictures.

    Raises ArtworkMatcherError where too few pictures bear any taste.
    """
    lines, deltas = list[Line](), list[Figure]()
    for world in (photographs(material), posters(material)):
        found = _measured(world, material)
        lines, deltas = [*lines, *found[0]], [*deltas, *found[1]]
    title = (
        f"(f) SIMULATED users who play {RATES[0]:.0%} of what bears their taste and {RATES[1]:.0%} of all else: how often the one of "
        f"{SIZE} pictures that bears it is chosen"
    )
    return Part("seen", title, lines, deltas)


def photographs(material: Material) -> World:
    """Captions tell what a photograph bears."""
    some = read_photographs(material.data)
    said = np.array(
        [
            [sum(bool(set(caption.lower().split()) & set(words)) for caption in one.captions) for one in some]
            for words in TOPICS.values()
        ]
    )
    return World("photographs", list(TOPICS), _vectors(material, [one.file for one in some]), said >= 2, said == 0)


def posters(material: Material) -> World:
    """Of the dev split; the catalog's genres tell."""
    some = [one for one in read_posters(material.data) if one.split == "dev"]
    bears = np.array([[genre in one.genres for one in some] for genre in DESCRIPTIONS])
    return World("posters", list(DESCRIPTIONS), _vectors(material, [one.file for one in some]), bears, ~bears)


def _vectors(material: Material, files: Sequence[Path]) -> np.ndarray:
    return material.encoder.encode_files(files)


def draw(world: World, count: int, random: np.random.Generator, size: int = SIZE) -> Viewers:
    """Half of the pictures are shown, of the others the groups are made; each taste has about as many users."""
    half = np.isin(np.arange(len(world.vectors)), random.permutation(len(world.vectors))[::2])
    counts = np.stack([(world.bears & half).sum(axis=1), (world.bears & ~half).sum(axis=1)])
    usable = np.flatnonzero((counts >= max(1, min(FEWEST, len(world.vectors) // 20))).all(axis=0))
    if len(usable) < 2:
        raise ArtworkMatcherError(f"too few {world.name} bear any taste; give --data with more of them")
    taste = usable[np.arange(count) % len(usable)]
    another = np.array([random.choice(usable[usable != one]) for one in taste])
    group = np.empty((count, size), np.int64)
    for user, one in enumerate(taste):
        group[user, 0] = random.choice(np.flatnonzero(world.bears[one] & ~half))
        group[user, 1:] = random.choice(np.flatnonzero(world.lacks[one] & ~half), size - 1, replace=False)
    shown = random.choice(np.flatnonzero(half), (count, SHOWS))
    rates = np.where(world.bears[taste[:, None], shown], *RATES)
    return Viewers(taste, another, group, half, shown, random.random(shown.shape) < rates)


def liked_after(world: World, viewers: Viewers, user: int, plays: int, usual: np.ndarray) -> PictureInterest | None:
    """What the product makes of the user's first plays."""
    ends = np.flatnonzero(viewers.played[user])
    if not plays or not len(ends):
        return None
    shown = viewers.shown[user, : ends[min(plays, len(ends)) - 1] + 1]
    played = np.unique(shown[viewers.played[user, : len(shown)]])
    return interest_in_pictures(
        world.vectors[played], np.zeros(len(played)), world.vectors[shown].sum(axis=0), len(shown), usual
    )


@dataclass(frozen=True)
class Judge:
    """What every user is judged with."""

    world: World
    audience: Audience
    fans: Mapping[str, Profile]
    scatter: np.ndarray  # (d, d) within groups
    spread: float

    def words(self, said: str | None) -> tuple[np.ndarray, np.ndarray]:
        """(shares, queries) of who says this, or nothing."""
        if said is None:
            return np.ones(1), (self.audience.mean - self.audience.neutral)[None]
        return personal_queries(self.fans[said], self.audience)

    def scores(self, said: str | None, liked: PictureInterest | None, group: np.ndarray) -> dict[str, np.ndarray]:
        """(size,) similarities by way, as the product makes them."""
        title, starts = self.world.vectors[group], np.array([0, len(group)])
        shares, queries = self.words(said)

        def similarity(shares: np.ndarray, queries: np.ndarray) -> np.ndarray:
            return similarity_of(queries @ title.T, shares, starts, self.spread)[0]

        text = similarity(shares, queries)
        if liked is None:
            return {TEXT: text, PICTURES: np.zeros(len(group)), BOTH: text, ADDED: text}
        joined = with_pictures(shares, queries, liked, self.spread, self.scatter, silent=said is None)
        pictures = similarity(np.ones(1), joined[1][-1:])
        return {
            TEXT: text,
            PICTURES: pictures,
            BOTH: similarity(*joined),
            ADDED: (1 - joined[0][-1]) * text + joined[0][-1] * pictures,
        }


def judge_of(world: World, viewers: Viewers, material: Material) -> Judge:
    """The audience is everyone who says a taste, each once."""
    titles = [{"title_id": taste, "name": taste, "genres": [taste]} for taste in world.tastes if world.name == "posters"]
    fans = profiles_of(material.encoder, titles=titles, tastes=[{"user_id": taste, "text": taste} for taste in world.tastes])
    audience = audience_of(list(fans.values()), material.encoder)
    groups = world.vectors[viewers.group]  # (users, size, d)
    apart = (groups - groups.mean(axis=1, keepdims=True)).reshape(-1, groups.shape[-1])
    scatter = apart.T @ apart / len(apart)
    return Judge(world, audience, fans, scatter, usual_spread(audience, scatter))


def _measured(world: World, material: Material) -> tuple[list[Line], list[Figure]]:
    viewers = draw(world, material.groups, np.random.default_rng(material.seed))
    judge = judge_of(world, viewers, material)
    usual = world.vectors[viewers.shown[: min(len(viewers.shown), 50)].ravel()].mean(axis=0)
    says: dict[str, Callable[[int], str | None]] = {
        SAYS_IT: lambda user: world.tastes[viewers.taste[user]],
        SAYS_ANOTHER: lambda user: world.tastes[viewers.another[user]],
        SAYS_NOTHING: lambda user: None,
    }
    liked = {plays: [liked_after(world, viewers, user, plays, usual) for user in range(len(viewers.taste))] for plays in PLAYS}
    lines, deltas = list[Line](), list[Figure]()
    for who, words in says.items():
        about = f"{world.name}, {who}"
        for plays, after in liked.items():
            scored = [judge.scores(words(user), one, viewers.group[user]) for user, one in enumerate(after)]
            right = {way: hits(np.array([one[way] for one in scored]), SIZE) for way in scored[0]}
            for way in right if plays else (TEXT,):
                name = f"{about}: {plays} played, {way}"
                lines.append(figure(about, name, _mean(right[way], viewers, material), chance=1 / SIZE))
                if way != TEXT:
                    more = _mean(right[way] - right[TEXT], viewers, material)
                    deltas.append(difference(about, f"{name} - {TEXT}", more))
    return lines, deltas


def _mean(values: np.ndarray, viewers: Viewers, material: Material) -> scores.Estimate:
    return scores.mean(values, viewers.group[:, 0], material.resamples, material.seed)
