"""The finish: what a publisher does to a key frame. Grade, a line of copy, vignette, grain, JPEG."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from artwork_doors.drawing.light import HEIGHT, WIDTH, Canvas, grain, rgb, to_picture, vignette
from artwork_doors.drawing.photographs import folder

SIZE = (640, 360)
QUALITY = 86
LUMA = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True)
class Grade:
    """Shadows, middle and lights take these colours (each light), as far as `strength` says; contrast 1 changes nothing."""

    shadows: str = "#000000"
    middle: str = "#808080"
    lights: str = "#ffffff"
    strength: float = 0.0
    contrast: float = 1.0
    brightness: float = 1.0


PLAIN = Grade()
NOIR = Grade("#000000", "#747474", "#ffffff", 1.0, 1.35, 0.92)
WARM = Grade("#1c0a06", "#b06a40", "#ffefd0", 0.35, 1.08)
COLD = Grade("#020a18", "#5c82a0", "#eef8ff", 0.5, 1.12, 0.92)
CRIMSON = Grade("#12020a", "#c0202c", "#ffe4c8", 1.0, 1.3)
SEPIA = Grade("#140c06", "#8c6c48", "#fff2d8", 0.85, 1.1)
NIGHT = Grade("#00060c", "#3c7888", "#e0ffb0", 0.75, 1.5, 0.8)


@dataclass(frozen=True)
class Type:
    """How a line of copy is set: the face's file, its size in picture heights, where it stands, letter-spacing in ems."""

    face: str = "STIXGeneralBol.ttf"
    size: float = 0.085
    place: str = "left"  # left, right or centre, always at the foot
    colour: str = "#ffffff"
    spacing: float = 0.06


def grade(canvas: Canvas, how: Grade) -> Canvas:
    """The canvas in the grade's colours."""
    canvas = np.clip((canvas * how.brightness - 0.5) * how.contrast + 0.5, 0, 1)
    if not how.strength:
        return canvas
    luma = canvas @ LUMA
    tones = np.array([rgb(colour) for colour in (how.shadows, how.middle, how.lights)])
    toned = np.stack([np.interp(luma, (0, 0.5, 1), tones[:, band]) for band in range(3)], axis=-1)
    return (canvas + (toned - canvas) * how.strength).astype(np.float32)


def set_copy(picture: Image.Image, text: str, how: Type) -> Image.Image:
    """The line of copy at the picture's foot, with a soft shadow that keeps it legible; too long a line is broken in two."""
    font = ImageFont.truetype(str(folder("matplotlib") / "fonts" / "ttf" / how.face), round(how.size * HEIGHT))
    lines, gap, margin = _lines(text, font, how), 1.22 * how.size * HEIGHT, 0.075 * HEIGHT
    ink = Image.new("L", picture.size)
    for place, line in enumerate(lines):
        top = HEIGHT - margin - gap * (len(lines) - place) + 0.2 * how.size * HEIGHT
        wide = _width(line, font, how)
        x = {"left": margin, "right": WIDTH - margin - wide, "centre": (WIDTH - wide) / 2}[how.place]
        for letter in line:
            ImageDraw.Draw(ink).text((x, top), letter, fill=255, font=font)
            x += font.getlength(letter) + how.spacing * font.size
    shade = ink.filter(ImageFilter.GaussianBlur(0.03 * HEIGHT)).point([min(255, v * 3) * 6 // 10 for v in range(256)])
    picture = Image.composite(Image.new("RGB", picture.size), picture, shade)
    return Image.composite(Image.new("RGB", picture.size, how.colour), picture, ink)


def _width(line: str, font: ImageFont.FreeTypeFont, how: Type) -> float:
    return sum(font.getlength(letter) + how.spacing * font.size for letter in line) - how.spacing * font.size


def _lines(text: str, font: ImageFont.FreeTypeFont, how: Type) -> list[str]:
    words = text.split()
    if _width(text, font, how) <= 0.52 * WIDTH or len(words) < 2:
        return [text]
    breaks = [(" ".join(words[:i]), " ".join(words[i:])) for i in range(1, len(words))]
    return list(min(breaks, key=lambda pair: max(_width(line, font, how) for line in pair)))


def save(canvas: Canvas, rng: np.random.Generator, path: Path, copy: str | None = None, how: Type | None = None) -> None:
    """The finished picture as a JPEG of SIZE; copy is drawn where there are both a line and a type for it."""
    picture = to_picture(grain(vignette(canvas, 0.35), rng, 0.012))
    if copy and how:
        picture = set_copy(picture, copy, how)
    picture.resize(SIZE, Image.Resampling.LANCZOS).save(path, "JPEG", quality=QUALITY, optimize=True, subsampling=0)
