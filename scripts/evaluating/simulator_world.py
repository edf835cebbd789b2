"""A world whose truth is known: users with tastes, titles with artwork, and pages on which they meet, day after day.

The log-odds of a quality play of an artwork by a user who looks at it are

    the title's + the artwork's appeal, which wanders + its segment's liking + PERSONAL * (the user's taste · the picture's look)

and a play also takes that the place on the page is looked at. Tastes and looks are unit vectors; half of what sets tastes apart is
their segments'. The product sees the tastes as they are and of each look a vector, which tells the truth as far as `correlation` says:
it is the correlation, over users and artworks, of similarity and truly personal appeal. At 0 the vectors mean nothing.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Settings:
    """How large a world is, and how much of what is in it. Standard deviations in log-odds."""

    correlation: float = 0.7  # 0..1, of similarity and truth
    users: int = 1200
    visitors: int = 200  # users a day, none of them twice; each sees one artwork of every title
    segments: int = 4
    titles: int = 24
    artworks: int = 5  # of a title, from the first day on
    newcomers: int = 1  # of a title, from the day `arrival` on
    arrival: int = 15
    days: int = 30
    dimension: int = 24
    # Of quality plays where all is average and looked at. What teaches is plays: an impression here stands for five where 5 % play.
    rate: float = 0.25
    popularity: float = 0.4  # of titles
    appeal: float = 0.2  # of artworks
    liking: float = 0.1  # of artworks in a segment, which no vector tells
    personal: float = 0.4  # of pictures for users
    drift: float = 0.03  # of appeal, from one day to the next
    late: float = 0.25  # days that a play takes on average, exponentially
    fading: float = 0.05  # the place p from 0 is looked at by 1 / (1 + fading * p)


@dataclass(frozen=True)
class World:
    """What is there. Artworks are numbered by title; newcomers are the last of theirs."""

    settings: Settings
    seed: int
    segments: np.ndarray  # (users,) int64, each user's
    tastes: np.ndarray  # (users, d) float32, unit vectors
    vectors: np.ndarray  # (artworks, d) float32, unit vectors: what the product sees
    titles: np.ndarray  # (artworks,) int64, rising
    arrives: np.ndarray  # (artworks,) int64 days
    popularity: np.ndarray  # (titles,) log-odds
    odds: np.ndarray  # (users, artworks) log-odds on the day before the first
    wandered: np.ndarray  # (days, artworks) log-odds to be added

    @cached_property
    def days(self) -> tuple["Day", ...]:
        """All days, the same for whoever chooses."""
        return tuple(map(self._day, range(self.settings.days)))

    @cached_property
    def newcomers(self) -> np.ndarray:
        """(n,) int64 numbers of the artworks that are not there from the first day on."""
        return np.flatnonzero(self.arrives)

    def chances(self, day: int) -> np.ndarray:
        """(users, artworks) float64: P(quality play) of who looks."""
        chances: np.ndarray = 1 / (1 + np.exp(-self.odds - self.wandered[day]))
        return chances

    def _day(self, number: int) -> "Day":
        how, rng = self.settings, np.random.default_rng([self.seed, 1, number])
        users = rng.permutation(how.users)[: how.visitors]
        artworks = np.flatnonzero(self.arrives <= number)
        starts = np.searchsorted(self.titles[artworks], np.arange(how.titles + 1))
        pages = (len(users), how.titles)
        order = np.argsort(-(self.popularity + rng.gumbel(0, how.popularity, pages)), axis=1)
        places = np.empty(pages, np.int64)
        np.put_along_axis(places, order, np.arange(how.titles)[None], axis=1)  # of each title
        looked_at = 1 / (1 + how.fading * places)
        everyone = self.chances(number)[:, artworks]
        chances = everyone[users] * np.repeat(looked_at, np.diff(starts), axis=1)
        by_segment = np.array([everyone[self.segments == segment].mean(axis=0) for segment in range(how.segments)])
        shown_at, late = np.sort(number + rng.random(len(users)))[:, None], rng.exponential(how.late, pages)
        drawing, luck = rng.random(pages), rng.random(pages)
        return Day(
            number, users, artworks, starts, chances, everyone.mean(axis=0), by_segment, places, shown_at, late, drawing, luck
        )


@dataclass(frozen=True)
class Day:
    """The pages of a day, m of them, and what is true of the artwork on them. Title i's artworks are starts[i]:starts[i + 1]."""

    number: int
    users: np.ndarray  # (m,) int64, whose page it is
    artworks: np.ndarray  # (n,) int64: all there are by then
    starts: np.ndarray  # (titles + 1,) int64
    chances: np.ndarray  # (m, n) float64 of a quality play, at the place where the title stands
    everyones: np.ndarray  # (n,) float64, mean of all users who look
    of_segments: np.ndarray  # (segments, n) float64, the same
    places: np.ndarray  # (m, titles) int64 from 0
    shown_at: np.ndarray  # (m, 1) days since the first began, rising
    late: np.ndarray  # (m, titles) days that a play would take
    drawing: np.ndarray  # (m, titles) in [0, 1), by which a policy draws
    luck: np.ndarray  # (m, titles) in [0, 1): played where it is below the chance

    @property
    def sizes(self) -> np.ndarray:
        """(titles,) artworks of each."""
        sizes: np.ndarray = np.diff(self.starts)
        return sizes

    @cached_property
    def best(self) -> np.ndarray:
        """(m, titles) the highest chance there is."""
        best: np.ndarray = np.maximum.reduceat(self.chances, self.starts[:-1], axis=1)
        return best


def make(settings: Settings, seed: int) -> World:
    """The same seed, the same world; settings that differ in `correlation` alone differ in nothing else."""
    how, rng = settings, np.random.default_rng([seed, 0])
    titles = np.repeat(np.arange(how.titles), how.artworks + how.newcomers)
    arrives = np.tile([0] * how.artworks + [how.arrival] * how.newcomers, how.titles)
    segments = rng.integers(0, how.segments, how.users)
    centres, own = _units(rng, how.segments, how.dimension), _units(rng, how.users, how.dimension)
    tastes = _unit(centres[segments] + own)
    looks, mistaken = _units(rng, len(titles), how.dimension), _units(rng, len(titles), how.dimension)
    fits = tastes @ looks.T
    spread = np.sqrt(np.mean((fits - fits.mean(axis=1, keepdims=True)) ** 2))
    popularity = rng.normal(0, how.popularity, how.titles)
    appeal, liking = rng.normal(0, how.appeal, len(titles)), rng.normal(0, how.liking, (how.segments, len(titles)))
    odds = np.log(how.rate / (1 - how.rate)) + popularity[titles] + appeal + liking[segments] + how.personal * fits / spread
    wandered = np.cumsum(rng.normal(0, how.drift, (how.days, len(titles))), axis=0)
    vectors = _unit(how.correlation * looks + np.sqrt(1 - how.correlation**2) * mistaken)
    seen = tastes.astype(np.float32), vectors.astype(np.float32)
    return World(settings, seed, segments, *seen, titles, arrives, popularity, odds, wandered)


def _units(rng: np.random.Generator, count: int, dimension: int) -> np.ndarray:
    return _unit(rng.normal(size=(count, dimension)))


def _unit(vectors: np.ndarray) -> np.ndarray:
    unit: np.ndarray = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return unit
