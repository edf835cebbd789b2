"""JPEGs of all sorts, made of other pictures: what `scripts/evaluate_shrink.py` measures on. The same number gives the same file.

A fifth each: photographs, collages (fine detail at any size), film grain, lettering, and hatching, the worst of all for whoever
makes pictures smaller. Long sides are 200 to 4,000 pixels, as many small ones as large ones by ratio.
"""

import io
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFont

SEED = 20261124
SIDES = (200, 4000)  # of the long side, pixels
ASPECTS = (1.0, 4 / 3, 3 / 2, 16 / 9, 2.35)
WORDS = ["the", "quick", "brown", "fox", "jumps", "over", "a", "lazy", "dog", "while", "LIGHTS", "CAMERA", "ACTION", "1984"]

Size = tuple[int, int]  # (width, height)


def kind_of(number: int) -> str:
    """Which of the five it is."""
    return list(KINDS)[number % len(KINDS)]


def jpeg(number: int, sources: Sequence[Path]) -> bytes:
    """The file: of any usual quality and chroma subsampling, one in five progressive, one in twelve grey, a few in four inks."""
    rng = np.random.default_rng([SEED, number])
    picture = KINDS[kind_of(number)](rng, sources, _size(rng))
    mode = str(rng.choice(["L", "CMYK", "RGB"], p=[0.08, 0.04, 0.88]))
    options = {"quality": int(rng.integers(35, 97)), "progressive": bool(rng.random() < 0.2)}
    if mode == "RGB":
        options["subsampling"] = int(rng.choice([0, 1, 2, 2]))
    buffer = io.BytesIO()
    picture.convert(mode).save(buffer, "JPEG", **options)
    return buffer.getvalue()


def _size(rng: np.random.Generator) -> Size:
    long = round(float(np.exp(rng.uniform(*np.log(SIDES)))))
    short = round(long / float(rng.choice([*ASPECTS, rng.uniform(1, 2.5)])))
    return (long, short) if rng.random() < 0.5 else (short, long)


def _photograph(rng: np.random.Generator, sources: Sequence[Path], size: Size) -> Image.Image:
    """A part of a picture, half of it or more, blown up or down to fill the size."""
    with Image.open(sources[int(rng.integers(len(sources)))]) as file:
        picture = file.convert("RGB")
    scale = max(size[0] / picture.width, size[1] / picture.height) / rng.uniform(0.5, 1)
    wide, high = min(size[0] / scale, picture.width), min(size[1] / scale, picture.height)
    left, top = rng.uniform(0, picture.width - wide), rng.uniform(0, picture.height - high)
    box = (left, top, min(left + wide, picture.width), min(top + high, picture.height))
    return picture.resize(size, Image.Resampling.LANCZOS, box=box)


def _collage(rng: np.random.Generator, sources: Sequence[Path], size: Size) -> Image.Image:
    picture, count = Image.new("RGB", size), int(rng.integers(2, 7))
    wide, high = -(-size[0] // count), -(-size[1] // count)
    for place in range(count * count):
        picture.paste(_photograph(rng, sources, (wide, high)), (place // count * wide, place % count * high))
    return picture


def _grain(rng: np.random.Generator, sources: Sequence[Path], size: Size) -> Image.Image:
    """With noise, grey or coloured, of a deviation of 5 to 40."""
    samples = np.asarray(_photograph(rng, sources, size), np.float32)
    channels = 3 if rng.random() < 0.5 else 1
    noise = rng.standard_normal((*samples.shape[:2], channels), np.float32) * rng.uniform(5, 40)
    return Image.fromarray((samples + noise).clip(0, 255).astype(np.uint8))


def _lettering(rng: np.random.Generator, sources: Sequence[Path], size: Size) -> Image.Image:
    picture = _photograph(rng, sources, size)
    pixels = int(rng.integers(8, max(9, min(size) // 6)))
    font, canvas, y = ImageFont.load_default(pixels), ImageDraw.Draw(picture), 0
    while y < size[1]:
        line, colour = " ".join(rng.choice(WORDS, 60)), tuple(map(int, rng.choice([0, 128, 255], 3)))
        canvas.text((int(rng.integers(-pixels, pixels)), y), line, colour, font)
        y += int(pixels * rng.uniform(1.1, 4))
    return picture


def _hatching(rng: np.random.Generator, sources: Sequence[Path], size: Size) -> Image.Image:
    """With hard lines 2 to 16 pixels apart, in an oval."""
    picture, (width, height) = _photograph(rng, sources, size), size
    step, slope = int(rng.integers(2, 16)), rng.uniform(-1, 1)
    thickness = int(rng.integers(1, max(2, step // 2 + 1)))
    lines, oval = Image.new("L", size), Image.new("L", size)
    for x in range(-height, width + height, step):
        ImageDraw.Draw(lines).line((x, 0, x + slope * height, height), 255, thickness)
    ImageDraw.Draw(oval).ellipse((int(width * rng.uniform(0, 0.5)), 0, width, height), int(rng.integers(100, 256)))
    picture.paste(tuple(map(int, rng.integers(0, 256, 3))), mask=ImageChops.multiply(lines, oval))
    return picture


KINDS: dict[str, Callable[[np.random.Generator, Sequence[Path], Size], Image.Image]] = {
    "photograph": _photograph,
    "collage": _collage,
    "grain": _grain,
    "lettering": _lettering,
    "hatching": _hatching,
}
