"""The scenery: what several scenes have in common, from a silhouette with its edge of light to mountains and castles."""

import numpy as np

from artwork_doors.drawing import figures
from artwork_doors.drawing.figures import Pen
from artwork_doors.drawing.light import (
    ASPECT,
    Canvas,
    Mask,
    Point,
    Shape,
    below,
    blur,
    cloud,
    disc,
    glow,
    grid,
    paint,
    rgb,
    ridge,
    rim,
    screen,
    spot,
)

Rng = np.random.Generator
MELT = 0.003  # of the joints of a figure
INK = "#07090d"


def stand(
    canvas: Canvas, mask: Mask, colour: str = INK, lit: str = "#ffd9a0", light: Point = (1, 0), edge: float = 0.7
) -> Canvas:
    """A silhouette with an edge of light on it."""
    return screen(paint(canvas, mask, colour), blur(rim(mask, light), 0.0015) * edge, lit)


def shape_of(pen: Pen, melt: float = MELT) -> Mask:
    """What the pen has drawn."""
    return pen.shape.mask(melt)


def skyline(rng: Rng, ground: float, tallest: float, widest: float = 0.16) -> Shape:
    """A row of buildings standing on `ground`."""
    shape, x = Shape(), -0.05
    while x < ASPECT:
        width, top = rng.uniform(0.05, widest), ground - tallest * rng.uniform(0.35, 1)
        shape.polygon([(x, top), (x + width, top), (x + width, ground), (x, ground)])
        x += width * rng.uniform(0.85, 1.05)
    return shape


def windows(rng: Rng, walls: Mask, share: float, cell: Point = (0.016, 0.024)) -> Mask:
    """Lit windows in the walls: a grid of which only a share shines, each in its own strength."""
    x, y = grid()
    column, row = (x / cell[0]).astype(int), (y / cell[1]).astype(int)
    lit = rng.random((row.max() + 1, column.max() + 1))
    strength = np.clip((share - lit) / share, 0, 1)[row, column]
    pane = (np.abs(x / cell[0] % 1 - 0.5) < 0.28) & (np.abs(y / cell[1] % 1 - 0.5) < 0.26)
    return (strength * pane * (walls > 0.9)).astype(np.float32)


def waves(canvas: Canvas, rng: Rng, top: float, colours: tuple[str, str], foam: str, relief: float = 0.09) -> Canvas:
    """A swell in rows, the nearest the highest: light through the crests, foam torn down their backs."""
    _, y = grid()
    for share in np.linspace(0, 1, 6):
        line = ridge(rng, top + (1.0 - top) * share**1.3, relief * (0.4 + share), 5 + 3 * (1 - share), 5)
        line = np.convolve(np.pad(line, 20, mode="edge"), np.hanning(41) / np.hanning(41).sum(), "valid")
        depth = np.clip((y - line[None, :]) / (0.03 + 0.09 * share), 0, 1)  # 0 at the crest
        tone = rgb(colours[0]) * ((1.5 - 0.3 * share) * (1 - depth))[..., None] + rgb(colours[1]) * depth[..., None]
        canvas = paint(canvas, below(line, 0.004), tone)
        torn = np.clip((cloud(rng, (0.16, 0.035), 6) - 0.35 - 0.55 * depth) * 5, 0, 1) * (depth < 1)
        canvas = screen(canvas, torn * below(line, 0.004) * (0.35 + 0.5 * share), foam)
    return canvas


def peak(canvas: Canvas, rng: Rng, top: Point, foot: float, half: float, colours: tuple[str, str, str]) -> Canvas:
    """A snowy mountain: sunlit snow on its left, shaded on its right, rock where it is steep; colours in that order."""
    x, y = grid()
    down = (y - top[1]) / (foot - top[1])
    jagged = (ridge(rng, 0, 0.16, 9) + ridge(rng, 0, 0.05, 40))[None, :]
    body = np.clip((down - (np.abs(x - top[0]) / half) ** 0.9 + jagged) / 0.008, 0, 1)
    spine = top[0] + (cloud(rng, (0.12, 0.1), 6) - 0.5) * 0.42 * np.clip(down + 0.1, 0, 1)
    shade = np.clip((x - spine) / 0.006 + 0.5, 0, 1)
    streaks = 0.6 * cloud(rng, (0.05, 0.2), 7) + 0.4 * cloud(rng, (0.25, 0.2), 7)
    rock = np.clip((streaks - 0.56 + 0.12 * (down - 0.6)) * 14, 0, 1) * 0.85
    face = paint(paint(paint(canvas, np.ones_like(x), colours[0]), shade, colours[1]), rock, colours[2])
    return paint(canvas, body * np.clip(1.3 - 0.5 * down, 0, 1), face)


def moon(canvas: Canvas, rng: Rng, at: Point, radius: float, colour: str) -> Canvas:
    """A full moon with its seas, and its halo."""
    canvas = glow(canvas, at, radius * 1.1, colour, 0.5)
    round_ = disc(at, radius, 0.006)
    canvas = paint(canvas, round_, colour)
    return paint(canvas, round_ * np.clip(cloud(rng, (radius * 0.8, radius * 0.8), 6) - 0.48, 0, 0.3), "#6a6478")


def mesas(canvas: Canvas, rng: Rng, ground: float, colour: str) -> Canvas:
    """Table mountains on the horizon."""
    shape = Shape()
    for left, right, high in ((0.0, 0.3, 0.16), (0.2, 0.26, 0.26), (1.15, 1.45, 0.24), (1.52, 1.72, 0.14), (1.6, 1.66, 0.2)):
        edge = rng.uniform(0.02, 0.05)
        shape.polygon(
            [
                (left - edge, ground),
                (left, ground - high * 0.5),
                (left + 0.01, ground - high),
                (right - 0.01, ground - high),
                (right, ground - high * 0.5),
                (right + edge, ground),
            ]
        )
    return paint(canvas, shape.mask(MELT) * (0.82 + 0.18 * cloud(rng, (0.03, 0.2))), colour)


def castle_walls(shape: Shape, foot: Point, size: float) -> Shape:
    """Towers with pointed roofs and a battlement between them; `foot` is the middle of the base."""

    def at(u: float, v: float) -> Point:
        return foot[0] + u * size, foot[1] - v * size

    shape.polygon([at(-0.5, -0.2), at(-0.5, 0.36), at(0.5, 0.36), at(0.5, -0.2)])
    for u in np.arange(-0.48, 0.5, 0.08):
        shape.polygon([at(u, 0.3), at(u, 0.41), at(u + 0.045, 0.41), at(u + 0.045, 0.3)])
    for u, half, high, tip in (
        (-0.5, 0.09, 0.55, 0.86),
        (0.5, 0.09, 0.5, 0.82),
        (-0.2, 0.08, 0.76, 1.1),
        (0.2, 0.1, 0.66, 1.0),
        (0.02, 0.07, 0.95, 1.36),
    ):
        shape.polygon([at(u - half, -0.2), at(u - half, high), at(u + half, high), at(u + half, -0.2)])
        shape.polygon([at(u - half * 1.3, high), at(u, tip), at(u + half * 1.3, high)]).stroke(
            [at(u, tip - 0.02), at(u, tip + 0.1)], 0.008 * size
        )
        shape.polygon([at(u, tip + 0.1), at(u + 0.09, tip + 0.075), at(u, tip + 0.04)])
    return shape


def brown_dog(canvas: Canvas, rng: Rng, at: Point, size: float) -> Canvas:
    """A brown dog running to the right, lighter where the sun falls on it, darker below, its shadow under it."""
    coat = shape_of(figures.dog(Pen(at, size)))
    details = Pen(at, size).curve(".42,.75 .46,.72 .42,.58 .35,.5 .33,.58 .36,.68")
    details.ball((0.52, 0.7), 0.014).ball((0.705, 0.64), 0.022)
    canvas = paint(canvas, spot((at[0], at[1] + 0.08 * size), 0.58 * size, 0.03 * size, 0.012) * 0.5, "#2a2010")
    canvas = paint(canvas, coat, "#7a431c")
    canvas = paint(canvas, coat * np.clip(cloud(rng, (0.05, 0.012), 4) - 0.35, 0, 1) * 0.7, "#b07038")
    canvas = paint(canvas, blur(rim(coat, (0.25, 1), 0.035), 0.01) * 0.85 * coat, "#2c1508")
    canvas = screen(canvas, blur(rim(coat, (-0.3, -1), 0.008), 0.003) * 0.7 * coat, "#ffd8a0")
    return paint(canvas, details.shape.mask(MELT) * 0.85, "#20100a")
