"""Real histories: does a profile made of the first films that a MovieLens user liked rank the posters of later liked films above
those of films the same user disliked? The area under the curve per user, and its mean over users.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np

from artwork_doors.evaluating import scores
from artwork_doors.evaluating.research import Poster, Rating, read_posters, read_ratings
from artwork_doors.evaluating.users import Row, personal_query, profiles_of
from artwork_doors.evaluating.verdicts import Material, Part, difference, figure
from embed.encoder import Encoder
from embed.errors import ArtworkMatcherError
from embed.records import Audience, Profile, fold
from embed.tastes.audience import common_of
from embed.tastes.phrases import ADJECTIVES, FILMS
from embed.tastes.users import audience_of
from match.blend import personal_queries, similarity_of, usual_spread

LIKED, DISLIKED = 4.0, 2.5  # stars: at least, at most. Of the scale's half stars, the 3s between say neither
LEARNED = 0.7  # of a user's liked films in the order of rating, for the profile
FEWEST = 3  # films learned from, liked later, and disliked; with less, one user's area is a coin or two

PRODUCT = "the product's profile"
POPULARITY = "popularity (others' ratings)"
LOOKS = "looks (mean of liked posters)"
WORDS = "its words met exactly, no pictures"
STRANGE = "above films never rated"  # beside the disliked, whom the user chose to watch, too


@dataclass(frozen=True)
class Viewer:
    """One user: films by number. What was disliked may have been so at any time: the profile never hears of it."""

    user: str
    learned: tuple[Rating, ...]  # liked first
    later: np.ndarray  # liked later
    disliked: np.ndarray
    stars: Mapping[int, float]  # all that the user gave


@dataclass(frozen=True)
class Films:
    """The films with a poster, each by its number."""

    posters: Sequence[Poster]
    vectors: np.ndarray  # (films, d)
    ratings: np.ndarray  # (films,) how many people rated it
    stars: np.ndarray  # (films,) the sum of what they gave


def measure(material: Material) -> Part:
    """The mean area by way, intervals over users. Raises ArtworkMatcherError where no user has enough films with posters."""
    posters = [poster for poster in read_posters(material.data) if poster.film]
    ratings = read_ratings(material.data)
    viewers = viewers_of(ratings, posters)
    judged = [viewer for viewer in viewers if min(map(len, (viewer.learned, viewer.later, viewer.disliked))) >= FEWEST]
    if not judged:
        raise ArtworkMatcherError(f"no user in {material.data} liked and disliked {FEWEST} films with posters; give --data")
    vectors = material.encoder.encode_files([poster.file for poster in posters])
    films = Films(posters, vectors, *_crowd(ratings, posters))
    ways = _ways(material.encoder, viewers, films)
    areas = {way: areas_of(judged, score) for way, score in ways.items()}
    unseen = areas_of(judged, ways[PRODUCT], np.array([poster.split == "dev" for poster in posters]))
    has = np.isfinite(unseen)
    estimated = {way: _mean(found, material) for way, found in areas.items()}
    lines = [figure("histories", way, found, chance=0.5) for way, found in estimated.items()]
    if has.any():
        note = f"{has.sum()} users; the checkpoint never saw these posters"
        name = f"{PRODUCT}, posters of the dev split only"
        lines.append(figure("histories", name, _mean(unseen[has], material), chance=0.5, note=note))
    strange = [replace(viewer, disliked=np.setdiff1d(np.arange(len(posters)), list(viewer.stars))) for viewer in judged]
    for way in (PRODUCT, LOOKS, WORDS, POPULARITY):
        lines.append(figure("histories", f"{STRANGE}: {way}", _mean(areas_of(strange, ways[way]), material), chance=0.5))
    pairs = [(way, PRODUCT) for way in ways if way != PRODUCT]
    deltas = [difference("histories", f"{a} - {b}", _mean(areas[a] - areas[b], material)) for a, b in pairs]
    later, disliked = (
        np.mean([len(films) for films in some]) for some in zip(*((v.later, v.disliked) for v in judged), strict=True)
    )
    title = (
        f"(d) {len(judged):,} MovieLens users, {len(posters):,} posters of both splits: later liked ({later:.0f} a user) "
        f"above disliked ({disliked:.0f}), area under the ROC curve, mean over users"
    )
    return Part("histories", title, lines, deltas)


def viewers_of(ratings: Sequence[Rating], posters: Sequence[Poster]) -> list[Viewer]:
    """All users who liked a film that has a poster, the first LEARNED of them (by time, then film) to learn from."""
    number = {poster.film: place for place, poster in enumerate(posters)}
    by_user: dict[str, list[Rating]] = defaultdict(list)
    for rating in sorted(ratings, key=lambda one: (one.time, one.film)):
        if rating.film in number:
            by_user[rating.user].append(rating)
    found = []
    for user, rated in by_user.items():
        liked = [rating for rating in rated if rating.stars >= LIKED]
        cut = int(LEARNED * len(liked))
        later, disliked = (
            np.array([number[rating.film] for rating in some], np.int64)
            for some in (liked[cut:], [rating for rating in rated if rating.stars <= DISLIKED])
        )
        found += (
            [Viewer(user, tuple(liked[:cut]), later, disliked, {number[one.film]: one.stars for one in rated})] if cut else []
        )
    return found


def areas_of(viewers: Sequence[Viewer], score: Callable[[Viewer], np.ndarray], among: np.ndarray | None = None) -> np.ndarray:
    """(viewers,) float64: later liked against disliked, `among` some films (films,) bool; NaN where one of them is missing.

    score: a viewer to (films,).
    """
    found = []
    for viewer in viewers:
        asked = np.concatenate([viewer.later, viewer.disliked])
        liked = np.arange(len(asked)) < len(viewer.later)
        kept = np.ones(len(asked), bool) if among is None else among[asked]
        found.append(scores.area(score(viewer)[asked][kept], liked[kept]))
    return np.array(found)


def _mean(areas: np.ndarray, material: Material) -> scores.Estimate:
    return scores.mean(areas, np.arange(len(areas)), material.resamples, material.seed)


def _crowd(ratings: Sequence[Rating], posters: Sequence[Poster]) -> tuple[np.ndarray, np.ndarray]:
    """(films,) how many rated each film, and (films,) all their stars."""
    number = {poster.film: place for place, poster in enumerate(posters)}
    rated = [(number[rating.film], rating.stars) for rating in ratings if rating.film in number]
    places = np.array([place for place, _ in rated], np.int64)
    return (
        np.bincount(places, minlength=len(posters)).astype(np.float64),
        np.bincount(places, [stars for _, stars in rated], minlength=len(posters)),
    )


def _ways(encoder: Encoder, viewers: Sequence[Viewer], films: Films) -> Mapping[str, Callable[[Viewer], np.ndarray]]:
    """Each way's scores of all films (films,) for a viewer; the product's comes first."""
    profiles = _profiles(encoder, viewers, films)
    audience = audience_of(list(profiles.values()), encoder)
    plain = {
        user: replace(one, vectors=encoder.encode_texts([phrase.text for phrase in one.phrases]))
        for user, one in profiles.items()
    }
    everyone = audience_of(list(plain.values()), encoder)
    number = {poster.film: place for place, poster in enumerate(films.posters)}
    from_usual = films.vectors - films.vectors.mean(axis=0)
    words = _words(films.posters)

    def liked(viewer: Viewer) -> np.ndarray:
        return from_usual[[number[rating.film] for rating in viewer.learned]]  # (learned, d)

    apart = films.vectors - films.vectors.mean(axis=0)
    spread, starts = usual_spread(audience, apart.T @ apart / len(apart)), np.array([0, len(apart)])

    def product(viewer: Viewer) -> np.ndarray:
        """As if all films were one title."""
        shares, queries = personal_queries(profiles[viewer.user], audience)
        return similarity_of(queries @ films.vectors.T, shares, starts, spread)[0]

    def looks(viewer: Viewer) -> np.ndarray:
        return from_usual @ liked(viewer).mean(axis=0)

    return {
        PRODUCT: product,
        "one blurred vector": lambda viewer: films.vectors @ personal_query(profiles[viewer.user], audience),
        "no gap correction": lambda viewer: films.vectors @ profiles[viewer.user].vector,
        "single template": lambda viewer: films.vectors @ personal_query(plain[viewer.user], everyone),
        "best of its phrases": lambda viewer: _best_phrase(profiles[viewer.user], audience, from_usual),
        "its genres only": lambda viewer: films.vectors @ personal_query(_only_genres(profiles[viewer.user]), audience),
        LOOKS: looks,
        "looks (nearest liked poster)": lambda viewer: (from_usual @ liked(viewer).T).max(axis=1),
        "profile and looks together": lambda viewer: _standard(product(viewer)) + _standard(looks(viewer)),
        WORDS: lambda viewer: _met(profiles[viewer.user], words),
        POPULARITY: lambda viewer: films.ratings,  # the viewer's own is among them for each film asked about
        "others' stars, no pictures": lambda viewer: _others_stars(viewer, films),
    }


def _profiles(encoder: Encoder, viewers: Sequence[Viewer], films: Films) -> dict[str, Profile]:
    """By user, from the films learned from alone: the catalog's genres, and viewers' tags as its keywords."""
    titles: list[Row] = [
        {"title_id": poster.film, "name": poster.name, "genres": list(poster.genres), "keywords": list(poster.tags)}
        for poster in films.posters
    ]
    history: list[Row] = [
        {"user_id": one.user, "title_id": one.film, "fraction": 1.0, "watched_at": datetime.fromtimestamp(one.time, UTC)}
        for viewer in viewers
        for one in viewer.learned
    ]
    return profiles_of(encoder, titles=titles, history=history)


def _best_phrase(profile: Profile, audience: Audience, from_usual: np.ndarray) -> np.ndarray:
    found: np.ndarray = (from_usual @ (profile.vectors - common_of(audience)).T).max(axis=1)
    return found


def _only_genres(profile: Profile) -> Profile:
    """The profile without keywords; as it is where it has no genre."""
    kept = [place for place, phrase in enumerate(profile.phrases) if phrase.kind == "genre"] or list(
        range(len(profile.phrases))
    )
    return replace(profile, phrases=tuple(profile.phrases[place] for place in kept), vectors=profile.vectors[kept])


def _words(posters: Sequence[Poster]) -> list[set[str]]:
    """Of each film: its genres and tags as a profile words them."""
    return [
        {*(ADJECTIVES.get(fold(genre), fold(genre)) + FILMS for genre in poster.genres), *poster.tags} for poster in posters
    ]


def _met(profile: Profile, words: Sequence[set[str]]) -> np.ndarray:
    """What posters could say at most: the weights of the profile's phrases that the film's own metadata has."""
    weights = {phrase.text: phrase.weight for phrase in profile.phrases}
    return np.array([sum(weights.get(word, 0.0) for word in some) for some in words])


def _standard(values: np.ndarray) -> np.ndarray:
    standard: np.ndarray = (values - values.mean()) / values.std()
    return standard


def _others_stars(viewer: Viewer, films: Films) -> np.ndarray:
    """(films,) the mean that all but the viewer gave, 0 where nobody did."""
    counts, stars = films.ratings.copy(), films.stars.copy()
    places = list(viewer.stars)
    counts[places] -= 1
    stars[places] -= list(viewer.stars.values())
    found: np.ndarray = stars / np.maximum(counts, 1)
    return found
