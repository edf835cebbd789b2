"""Genre from a film's poster: the area under the ROC curve per genre, by several ways to say the genre."""

from collections.abc import Mapping

import numpy as np

from artwork_doors.evaluating import scores
from artwork_doors.evaluating.research import read_posters
from artwork_doors.evaluating.users import personal_query, profiles_of
from artwork_doors.evaluating.verdicts import Material, Part, difference, figure
from embed.tastes.users import audience_of

TARGET = 0.72  # of the mean over genres, for POSTER
POSTER = "a poster of a {genre} movie"
PLAIN = "plain description"
PRODUCT = "the product's phrase, personal"
PHRASE = "the product's phrase, no gap correction"

# The dev split's twelve most frequent, as people would say what is to be seen, without the genre's own word.
DESCRIPTIONS = {
    "comedy": "funny people pulling faces on a bright background",
    "drama": "a serious face and people in a hard moment of their lives",
    "romance": "a man and a woman in love, about to kiss",
    "horror": "something frightening in the dark, blood and screams",
    "thriller": "a tense figure in danger, in shadows",
    "mystery": "a detective and a secret, in fog and darkness",
    "fantasy": "a magical world with wizards and strange creatures",
    "sci-fi": "spaceships, robots and the future",
    "family": "children and animals having fun together",
    "crime": "gangsters and policemen with guns",
    "musical": "people singing and dancing on a stage",
    "war": "soldiers fighting on a battlefield",
}


def measure(material: Material) -> Part:
    """Per genre and in the mean, on the posters of the dev split; intervals over posters."""
    posters = [poster for poster in read_posters(material.data) if poster.split == "dev"]
    pictures = material.encoder.encode_files([poster.file for poster in posters])
    bears = np.array([[genre in poster.genres for poster in posters] for genre in DESCRIPTIONS])  # (genres, posters)
    areas = {
        way: scores.areas(queries @ pictures.T, bears, material.resamples, material.seed)
        for way, queries in _ways(material).items()
    }
    estimates = {way: [scores.estimate(one[0], one[1:]) for one in found.T] for way, found in areas.items()}
    lines = [
        figure("genres", f"mean: {way}", found[-1], chance=0.5, target=TARGET if way == POSTER else None)
        for way, found in estimates.items()
    ]
    for way in (POSTER, PLAIN):
        named = zip(DESCRIPTIONS, estimates[way], bears, strict=False)  # the mean stands last
        lines += [
            figure("genres", f"{genre}: {way}", one, chance=0.5, note=f"{has.sum()} posters") for genre, one, has in named
        ]
    means = {way: found[:, -1] - areas[PRODUCT][:, -1] for way, found in areas.items() if way != PRODUCT}
    deltas = [difference("genres", f"{way} - {PRODUCT}", scores.estimate(mean[0], mean[1:])) for way, mean in means.items()]
    return Part("genres", f"(b) genre from {len(posters):,} posters, dev split: area under the ROC curve", lines, deltas)


def _ways(material: Material) -> Mapping[str, np.ndarray]:
    """(genres, d) float32 queries for each way to ask."""
    encoder = material.encoder
    titles = [{"title_id": genre, "name": genre, "genres": [genre]} for genre in DESCRIPTIONS]
    profiles = profiles_of(encoder, titles=titles, tastes=[{"user_id": genre, "text": genre} for genre in DESCRIPTIONS])
    fans = [profiles[genre] for genre in DESCRIPTIONS]
    audience = audience_of(fans, encoder)
    return {
        POSTER: encoder.encode_texts([POSTER.format(genre=genre) for genre in DESCRIPTIONS]),
        PLAIN: encoder.encode_texts(list(DESCRIPTIONS.values())),
        PHRASE: np.array([fan.vector for fan in fans]),
        PRODUCT: np.array([personal_query(fan, audience) for fan in fans]),
    }
