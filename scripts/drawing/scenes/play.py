"""Play: a footballer and the crowd that cheers."""

import math

import numpy as np

from artwork_doors.drawing import figures
from artwork_doors.drawing.figures import Pen
from artwork_doors.drawing.light import (
    ASPECT,
    Canvas,
    Point,
    Shape,
    beam,
    below,
    blur,
    bokeh,
    cloud,
    glow,
    grid,
    paint,
    rgb,
    rim,
    screen,
    sky,
    spot,
)
from artwork_doors.drawing.scenery import MELT, Rng, brown_dog, shape_of, stand


def stadium(rng: Rng, turf: Canvas) -> Canvas:
    """A pitch under floodlights, the stands full."""
    canvas = sky("0 #0a1426, .4 #1c3454, .6 #40607c, 1 #0a1a10")
    heads = cloud(rng, (0.008, 0.01), 1)
    stands = Shape().polygon("-.1,.66 -.1,.3 .6,.42 1.2,.42 1.9,.3 1.9,.66").mask()
    canvas = paint(canvas, stands, paint(paint(canvas, heads, "#8a7a84"), np.clip(0.6 - heads, 0, 1) * 1.6, "#141a28"))
    mown = 0.85 + 0.25 * (np.sin((grid()[0] - 0.89) / (grid()[1] - 0.5) * 9) > 0)
    canvas = paint(canvas, below(0.66), (0.35 + 0.65 * turf) * rgb("#3f9a48") * mown[..., None])
    canvas = paint(canvas, Shape().stroke("-.1,.7 1.9,.7", 0.008).stroke("1.2,1.05 1.75,.7", 0.012).mask() * 0.8, "#e8f4e8")
    for x, side in ((0.14, 1), (1.64, -1)):
        canvas = bokeh(canvas, rng, 8, ((x - 0.07, 0.05), (x + 0.07, 0.15)), ["#ffffff", "#f0f8ff"])
        canvas = glow(canvas, (x, 0.1), 0.12, "#e8f4ff", 1.0)
        canvas = beam(canvas, (x, 0.1), ((x + side * 0.3, 1.1), (x + side * 1.3, 1.0)), "#e8f4ff", 0.5)
    return canvas


def football(canvas: Canvas, at: Point) -> Canvas:
    """A football on the grass."""
    white, black = Pen(at, 0.105, tilt=20), Pen(at, 0.105, tilt=20)
    figures.football(white, black)
    ball = white.shape.mask()
    canvas = paint(canvas, spot((at[0] + 0.01, at[1] + 0.11), 0.11, 0.016, 0.01) * 0.6, "#06140a")
    canvas = paint(paint(canvas, ball, "#f2f2ee"), black.shape.mask() * ball, "#17171b")
    canvas = paint(canvas, blur(rim(ball, (0.5, 1), 0.05), 0.02) * ball * 0.7, "#20303a")
    return screen(canvas, blur(rim(ball, (0.4, -1), 0.006), 0.002) * 0.8, "#ffffff")


def kick(rng: Rng, turf: Canvas) -> Canvas:
    """A footballer about to shoot, under floodlights."""
    pens = [Pen((0.78, 0.92), 0.76) for _ in range(3)]
    figures.kicker(*pens)
    canvas = paint(stadium(rng, turf), spot((0.8, 0.935), 0.26, 0.02, 0.012) * 0.6, "#06140a")
    for pen, colour in zip(pens, ("#8a5a3c", "#d8242c", "#f4f4f4"), strict=True):
        canvas = stand(canvas, shape_of(pen, 0.002), colour, "#ffffff", (1, -0.6), 0.6)
    hair = Pen((0.78, 0.92), 0.76).curve(".06,.95 .07,1.01 .13,1.02 .17,.97 .11,.965")
    return football(paint(canvas, shape_of(hair, 0.001), "#1c100a"), (1.18, 0.82))


def mascot(rng: Rng, turf: Canvas) -> Canvas:
    """A dog chasing the football over the pitch."""
    return football(brown_dog(stadium(rng, turf), rng, (0.72, 0.86), 0.66), (1.3, 0.82))


def crowd(rng: Rng) -> Canvas:
    """A cheering crowd from behind, floodlights and confetti."""
    canvas = sky("0 #102040, .5 #2c5a94, .75 #90c0e0, 1 #203040")
    for x in (0.25, 0.68, 1.1, 1.53):
        canvas = glow(canvas, (x, 0.12), 0.1, "#ffffff", 1.0)
        canvas = beam(canvas, (x, 0.12), ((x - 0.35, 1.1), (x + 0.35, 1.1)), "#d8ecff", 0.6)
    for row, (foot, size, tone) in enumerate(((0.94, 0.34, "#23406a"), (1.02, 0.46, "#132440"), (1.16, 0.64, "#070d18"))):
        people = Shape().polygon([(-0.1, foot - 0.5 * size), (1.9, foot - 0.5 * size), (1.9, 1.1), (-0.1, 1.1)])
        for x in np.arange(-0.05, ASPECT + 0.1, 0.13 + 0.06 * row) + rng.uniform(-0.03, 0.03):
            figures.cheering(Pen((x + rng.uniform(-0.03, 0.03), foot + rng.uniform(-0.02, 0.03)), size, shape=people), rng)
        canvas = stand(canvas, people.mask(MELT), tone, "#c0e0ff", (0, -1), 0.6)
    for colour in ("#ffd040", "#ff5060", "#60e0a0", "#ffffff"):
        paper = Shape()
        for _ in range(70):
            x, y, turn = rng.uniform(0, ASPECT), rng.uniform(0, 0.8), rng.uniform(0, math.pi)
            paper.stroke([(x, y), (x + 0.013 * math.cos(turn), y + 0.013 * math.sin(turn))], 0.007)
        canvas = paint(canvas, paper.mask(), colour)
    return canvas
