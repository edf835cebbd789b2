"""The artworks: what each picture of the demo catalog is, a scene or a photograph's crop, with its grade and the type of its copy.

The lines of copy themselves stand in assets/catalog/artwork.jsonl.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from artwork_doors.drawing import photographs
from artwork_doors.drawing.finish import COLD, CRIMSON, NIGHT, NOIR, PLAIN, SEPIA, WARM, Grade, Type, grade, save
from artwork_doors.drawing.light import Canvas, Mask
from artwork_doors.drawing.photographs import crop, widened
from artwork_doors.drawing.scenes import fear, journeys, laughter, love, play

SERIF, ITALIC, SANS = "STIXGeneralBol.ttf", "STIXGeneralBolIta.ttf", "DejaVuSans-Bold.ttf"
SWEET = Type(ITALIC, 0.1, "left", "#fff4e0", 0.01)
CAPITALS = Type(SERIF, 0.075, "left", "#ffffff", 0.14)
PLAIN_TYPE = Type(SANS, 0.062, "left", "#ffffff", 0.04)


@dataclass(frozen=True)
class Recipe:
    """How one picture is made."""

    draw: Callable[[np.random.Generator], Canvas]
    grade: Grade = PLAIN
    type: Type | None = None


def _photograph(canvas: Callable[..., Canvas], *how: object, grade: Grade = PLAIN, type: Type | None = None) -> Recipe:
    return Recipe(lambda rng: canvas(*how), grade, type)


def _at(place: str, how: Type) -> Type:
    return replace(how, place=place)


def _horse() -> Mask:
    return photographs.horse(0.62, 0.37, 0.5)


RECIPES = {
    "two-sugars-kiss": Recipe(love.kiss),
    "two-sugars-wedding": Recipe(love.wedding),
    "two-sugars-comedian": Recipe(lambda rng: laughter.comedian(rng, photographs.tiles("brick.png", 2, turned=True))),
    "two-sugars-cat": _photograph(crop, "chelsea.png", 0.0, 0.08, 1.0, grade=WARM),
    "two-sugars-coffee": _photograph(crop, "coffee.png", 0.0, 0.06, 1.0, grade=WARM, type=SWEET),
    "firsts-collins": _photograph(crop, "astronaut.png", 0.12, 0.0, 0.72),
    "firsts-collins-suit": _photograph(crop, "astronaut.png", 0.0, 0.02, 1.0, grade=COLD, type=_at("right", CAPITALS)),
    "firsts-hopper": _photograph(widened, "grace_hopper.jpg", 0.66, 0.75, type=CAPITALS),
    "firsts-hopper-close": _photograph(crop, "grace_hopper.jpg", 0.0, 0.04, 1.0, grade=SEPIA),
    "firsts-launch": _photograph(crop, "rocket.jpg", 0.0, 0.155, 1.0, grade=WARM),
    "twelve-nights-house": Recipe(fear.haunted_house, type=CAPITALS),
    "twelve-nights-clown": Recipe(laughter.clown),
    "twelve-nights-waltz": Recipe(love.waltz),
    "twelve-nights-saucer": Recipe(journeys.saucer),
    "twelve-nights-neon": Recipe(fear.neon_city),
    "twelve-nights-ship": Recipe(lambda rng: journeys.sunset_sail(rng)[:, ::-1], grade=COLD),
    "twelve-nights-eyes": _photograph(crop, "chelsea.png", 0.19, 0.1, 0.72, grade=NIGHT, type=CAPITALS),
    "twelve-nights-dog": Recipe(laughter.dog_on_beach),
    "twelve-nights-rider": Recipe(lambda rng: journeys.motorcycle(rng, "night"), type=_at("right", CAPITALS)),
    "twelve-nights-summit": Recipe(journeys.summit),
    "long-exposure-photographer": _photograph(crop, "camera.png", 0.0, 0.08, 1.0, grade=NOIR, type=_at("right", PLAIN_TYPE)),
    "long-exposure-red": _photograph(crop, "camera.png", 0.16, 0.1, 0.62, grade=CRIMSON),
    "long-exposure-detective": Recipe(fear.detective),
    "long-exposure-coffee": _photograph(crop, "coffee.png", 0.1, 0.0, 0.82, grade=NOIR, type=PLAIN_TYPE),
    "long-exposure-rain": Recipe(love.umbrella, type=PLAIN_TYPE),
    "nine-lives-face": _photograph(crop, "chelsea.png", 0.0, 0.02, 1.0, type=_at("right", SWEET)),
    "nine-lives-roof": Recipe(laughter.cat_on_roof),
    "nine-lives-cottage": Recipe(laughter.cottage),
    "nine-lives-cup": _photograph(crop, "coffee.png", 0.0, 0.1, 0.94),
    "countdown-rocket": _photograph(crop, "rocket.jpg", 0.0, 0.12, 1.0, grade=COLD, type=_at("right", CAPITALS)),
    "countdown-lovers": Recipe(lambda rng: love.watching(crop("rocket.jpg", 0.0, 0.15, 1.0))),
    "countdown-moonwalk": Recipe(journeys.moonwalk),
    "countdown-deep-field": _photograph(crop, "hubble_deep_field.jpg", 0.1, 0.2, 0.7, type=_at("centre", CAPITALS)),
    "red-mesa-rider": Recipe(lambda rng: journeys.rider(rng, _horse())),
    "red-mesa-road": Recipe(journeys.desert_road),
    "red-mesa-motorcycle": Recipe(journeys.motorcycle),
    "red-mesa-campfire": Recipe(love.campfire),
    "saltwind-storm": Recipe(journeys.ship_in_storm, type=_at("right", CAPITALS)),
    "saltwind-evening": Recipe(journeys.sunset_sail),
    "saltwind-lighthouse": Recipe(journeys.lighthouse),
    "saltwind-shore": Recipe(love.shore),
    "ashen-crown-castle": Recipe(journeys.castle),
    "ashen-crown-knight": Recipe(lambda rng: journeys.rider(rng, _horse(), knight=True), type=_at("right", CAPITALS)),
    "ashen-crown-dragon": Recipe(journeys.dragon),
    "ashen-crown-forest": Recipe(fear.forest_eyes),
    "final-whistle-shot": Recipe(lambda rng: play.kick(rng, photographs.tiles("grass.png", 2))),
    "final-whistle-crowd": Recipe(play.crowd),
    "final-whistle-dog": Recipe(lambda rng: play.mascot(rng, photographs.tiles("grass.png", 2))),
    "final-whistle-kiss": Recipe(lambda rng: love.kiss(rng, floodlit=True)),
}  # fmt: skip


def draw(artwork_id: str, copy: str | None, path: Path) -> None:
    """Write the picture of an artwork; its generator is seeded by its id, so that no picture depends on another."""
    recipe, rng = RECIPES[artwork_id], np.random.default_rng(zlib.crc32(artwork_id.encode()))
    save(grade(recipe.draw(rng), recipe.grade), rng, path, copy, recipe.type)
