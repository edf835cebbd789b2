"""The brushes: skies, glows, beams, ridges, silhouettes, rims of light, rain, water and grain on one canvas.

A canvas is (H, W, 3) float32 in 0..1. Points are (x, y) in canvas heights: x runs 0..16/9 from the left, y 0..1 from the top, so that
a circle is round. Shapes are alpha masks, (H, W) float32. Whatever is random takes a generator: the same seed, the same picture.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

Canvas = np.ndarray  # (H, W, 3) float32
Mask = np.ndarray  # (H, W) float32
Point = tuple[float, float]
Points = Sequence[Point] | str  # a string as in SVG: "0,1 .5,.2"

HEIGHT = 648
WIDTH = 1152
ASPECT = WIDTH / HEIGHT
SHARP = 2  # shapes are drawn this much larger and scaled down, for soft edges


def rgb(colour: str) -> np.ndarray:
    """ "#ff8800" to (3,) float32."""
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)], np.float32) / 255


def grid() -> tuple[Mask, Mask]:
    """(x, y) of every pixel's middle."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    return (x + 0.5) / HEIGHT, (y + 0.5) / HEIGHT


def sky(stops: str) -> Canvas:
    """A vertical gradient through stops of y and colour, such as "0 #101830, .7 #ffb060"."""
    places, colours = zip(*(stop.split() for stop in stops.split(",")), strict=True)
    bands = np.array([rgb(colour) for colour in colours]).T
    return np.stack([np.interp(grid()[1], [float(place) for place in places], band) for band in bands], axis=-1).astype(
        np.float32
    )


def paint(canvas: Canvas, mask: Mask, colour: str | Canvas) -> Canvas:
    """`colour` (or another canvas) over the canvas where the mask says so."""
    over = rgb(colour) if isinstance(colour, str) else colour
    return canvas + (over - canvas) * mask[..., None]


def screen(canvas: Canvas, mask: Mask, colour: str) -> Canvas:
    """Light added as a second projector would: never past white."""
    return 1 - (1 - canvas) * (1 - np.clip(mask, 0, 1)[..., None] * rgb(colour))


def glow(canvas: Canvas, at: Point, radius: float, colour: str, strength: float = 1.0) -> Canvas:
    """A soft light around a point; `radius` is where it has fallen to a third."""
    x, y = grid()
    distance = np.hypot(x - at[0], y - at[1]) / radius
    return screen(canvas, strength * np.exp(-distance), colour)


def disc(at: Point, radius: float, soft: float = 0.003) -> Mask:
    """A round mask, its rim `soft` wide."""
    x, y = grid()
    return np.clip((radius - np.hypot(x - at[0], y - at[1])) / soft + 0.5, 0, 1)


def blur(mask: np.ndarray, radius: float) -> np.ndarray:
    """Gaussian blur of a mask or a canvas in 0..1; the radius in canvas heights."""
    if mask.ndim == 3:
        return np.stack([blur(mask[..., band], radius) for band in range(mask.shape[2])], axis=-1)
    picture = Image.fromarray((np.clip(mask, 0, 1) * 255).astype(np.uint8))
    return np.asarray(picture.filter(ImageFilter.GaussianBlur(radius * HEIGHT)), np.float32) / 255


def path(points: Points) -> Sequence[Point]:
    """The points that a string such as "0,1 .5,.2" names."""
    if not isinstance(points, str):
        return points
    return [(float(u), float(v)) for u, v in (point.split(",") for point in points.split())]


class Shape:
    """A silhouette put together from polygons, strokes and ellipses; `mask()` scales it down to a soft-edged mask."""

    def __init__(self) -> None:
        self.picture = Image.new("L", (WIDTH * SHARP, HEIGHT * SHARP))
        self.draw = ImageDraw.Draw(self.picture)

    def polygon(self, points: Points, value: int = 255) -> "Shape":
        """Filled; value 0 cuts a hole."""
        self.draw.polygon([_large(point) for point in path(points)], fill=value)
        return self

    def stroke(self, points: Points, widths: float | Sequence[float], value: int = 255) -> "Shape":
        """A round-ended line through `points`, as wide at each point as `widths` says."""
        points = path(points)
        each = [widths] * len(points) if isinstance(widths, (int, float)) else list(widths)
        for (a, b), (start, end) in zip(pairwise(points), pairwise(each), strict=True):
            steps = max(2, int(np.hypot(b[0] - a[0], b[1] - a[1]) * HEIGHT))
            for share in np.linspace(0, 1, steps):
                self.ellipse(
                    (a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share),
                    (start + (end - start) * share) / 2,
                    value=value,
                )
        return self

    def ellipse(self, at: Point, rx: float, ry: float | None = None, value: int = 255) -> "Shape":
        """Filled, radii in canvas heights."""
        (x, y), scale = _large(at), HEIGHT * SHARP
        ry = rx if ry is None else ry
        self.draw.ellipse([x - rx * scale, y - ry * scale, x + rx * scale, y + ry * scale], fill=value)
        return self

    def ring(self, at: Point, radius: float, width: float) -> "Shape":
        """A circle's line."""
        (x, y), r = _large(at), radius * HEIGHT * SHARP
        self.draw.ellipse([x - r, y - r, x + r, y + r], outline=255, width=max(1, round(width * HEIGHT * SHARP)))
        return self

    def mask(self, melt: float = 0.0) -> Mask:
        """The mask; `melt` rounds corners and joints away, as flesh and cloth do, by that many canvas heights."""
        picture = self.picture
        if melt:
            picture = picture.filter(ImageFilter.GaussianBlur(melt * HEIGHT * SHARP))
            picture = picture.point([int(np.clip((v - 128) * 6 + 128, 0, 255)) for v in range(256)])
        return np.asarray(picture.resize((WIDTH, HEIGHT), Image.Resampling.BOX), np.float32) / 255


def _large(point: Point) -> Point:
    return point[0] * HEIGHT * SHARP, point[1] * HEIGHT * SHARP


def cloud(rng: np.random.Generator, scale: Point, octaves: int = 5) -> Mask:
    """Fractal noise in 0..1; `scale` is the size of its largest lumps, (across, down)."""
    total, weight = np.zeros((HEIGHT, WIDTH), np.float32), 0.0
    for octave in range(octaves):
        cells = [max(2, int(side / lump * 2**octave) + 2) for side, lump in zip((ASPECT, 1.0), scale, strict=True)]
        coarse = Image.fromarray(rng.random((cells[1], cells[0]), np.float32))
        total += np.asarray(coarse.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)) / 2**octave
        weight += 0.5**octave
    total = (total / weight - 0.5) * 2.2 + 0.5
    return np.clip(total, 0, 1)


def ridge(rng: np.random.Generator, base: float, relief: float, peaks: float = 3.0, octaves: int = 7) -> np.ndarray:
    """(W,) y of a skyline: fractal, `relief` high, with about `peaks` large swells."""
    line, places = np.zeros(WIDTH), np.linspace(0, 1, WIDTH)
    for octave in range(octaves):
        knots = int(peaks * 2**octave) + 2
        line += np.interp(places, np.linspace(0, 1, knots), rng.random(knots) - 0.5) * 0.5**octave
    return base - relief * line


def below(line: np.ndarray | float, soft: float = 0.002) -> Mask:
    """The mask of all that lies under a skyline, or under a level."""
    return np.clip((grid()[1] - line) / soft + 0.5, 0, 1)


def spot(at: Point, rx: float, ry: float, soft: float) -> Mask:
    """A soft ellipse, as of a shadow or a pool of light on the ground."""
    return blur(Shape().ellipse(at, rx, ry).mask(), soft)


def stars(canvas: Canvas, rng: np.random.Generator, count: int, lowest: float = 0.7) -> Canvas:
    """Points of light, few of them bright."""
    light = np.zeros((HEIGHT, WIDTH), np.float32)
    rows, columns = (rng.random(count) ** 1.3 * lowest * HEIGHT).astype(int), rng.integers(0, WIDTH, count)
    light[rows, columns] = rng.random(count) ** 4
    return screen(canvas, light + 2.0 * blur(light, 0.0016), "#fff6e6")


def mirror(canvas: Canvas, level: float, rng: np.random.Generator, ripple: float = 0.01) -> Canvas:
    """What stands above `level`, mirrored in water below it; ripples grow towards the viewer."""
    _, y = grid()
    depth = np.clip(y - level, 0, 1)
    waves = (cloud(rng, (0.35, 0.012), 3) - 0.5) * ripple * (1 + depth * 10)
    row = np.clip((2 * level - y - depth * 0.1) * HEIGHT, 0, HEIGHT - 1)
    column = np.clip(np.arange(WIDTH)[None, :] + waves * HEIGHT, 0, WIDTH - 1)
    row = np.clip(row + waves * HEIGHT * 2, 0, max(level * HEIGHT - 1, 0))
    reflected = canvas[row.astype(int), column.astype(int)]
    return np.where((y > level)[..., None], reflected, canvas)


def rim(mask: Mask, light: Point, width: float = 0.006) -> Mask:
    """The edge of a shape on the side that the light comes from; `light` is a direction, (right, down)."""
    across, down = (round(-part * width * HEIGHT) for part in light)
    return np.clip(mask - np.roll(mask, (down, across), (0, 1)), 0, 1) * mask


def beam(canvas: Canvas, source: Point, ends: tuple[Point, Point], colour: str, strength: float = 0.5) -> Canvas:
    """A cone of light from a lamp, fading along its way."""
    x, y = grid()
    length = np.hypot(ends[0][0] - source[0], ends[0][1] - source[1])
    faded = np.clip(1 - np.hypot(x - source[0], y - source[1]) / length, 0, 1)
    return screen(canvas, strength * faded * blur(Shape().polygon([source, *ends]).mask(), 0.012), colour)


def bokeh(canvas: Canvas, rng: np.random.Generator, count: int, area: tuple[Point, Point], colours: Sequence[str]) -> Canvas:
    """Lights out of focus within `area`, (left, top) to (right, bottom)."""
    (left, top), (right, bottom) = area
    for _ in range(count):
        at = rng.uniform(left, right), rng.uniform(top, bottom)
        canvas = screen(canvas, disc(at, rng.uniform(0.008, 0.028), 0.008) * rng.uniform(0.15, 0.6), str(rng.choice(colours)))
    return canvas


def fall(rng: np.random.Generator, count: int, length: float, slant: float = 0.2, width: int = 1) -> Mask:
    """Rain (long) or snow (short, wide): streaks all over, some near and bright."""
    picture = Image.new("L", (WIDTH, HEIGHT))
    draw = ImageDraw.Draw(picture)
    for _ in range(count):
        x, y, near = rng.uniform(-0.1, 1.1) * WIDTH, rng.uniform(-0.1, 1) * HEIGHT, rng.uniform(0.4, 1)
        dx, dy = -slant * length * near * HEIGHT, length * near * HEIGHT
        draw.line([x, y, x + dx, y + dy], fill=int(255 * near**2), width=max(1, round(width * near)))
    return blur(np.asarray(picture, np.float32) / 255, 0.0012)


def vignette(canvas: Canvas, strength: float = 0.5) -> Canvas:
    """Darker corners lead the eye inwards."""
    x, y = grid()
    distance = np.hypot((x - ASPECT / 2) / ASPECT, (y - 0.5) * 0.9) * 1.6
    return canvas * (1 - strength * np.clip(distance, 0, 1) ** 2.4)[..., None]


def grain(canvas: Canvas, rng: np.random.Generator, strength: float = 0.02) -> Canvas:
    """Film grain, the same in all three bands."""
    noise = rng.standard_normal((HEIGHT, WIDTH, 1)).astype(np.float32)
    return np.clip(canvas + noise * strength, 0, 1)


def to_picture(canvas: Canvas) -> Image.Image:
    """A canvas as an RGB picture."""
    return Image.fromarray((np.clip(canvas, 0, 1) * 255 + 0.5).astype(np.uint8))
