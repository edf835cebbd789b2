"""Laughter and warmth: a comedian, a clown, a cat, a dog, a cottage."""

import numpy as np

from artwork_doors.drawing import figures
from artwork_doors.drawing.figures import Pen
from artwork_doors.drawing.light import (
    ASPECT,
    Canvas,
    Shape,
    beam,
    below,
    blur,
    cloud,
    disc,
    fall,
    glow,
    grid,
    paint,
    rgb,
    ridge,
    rim,
    screen,
    sky,
    stars,
)
from artwork_doors.drawing.scenery import INK, MELT, Rng, brown_dog, moon, shape_of, skyline, stand, windows


def comedian(rng: Rng, bricks: Canvas) -> Canvas:
    """A comedian at the microphone, in the spotlight, before a brick wall."""
    x, y = grid()
    lit = np.exp(-((np.hypot((x - 0.89) / 0.62, (y - 0.46) / 0.6)) ** 4)).astype(np.float32)
    canvas = bricks * rgb("#f57a4b") * (0.16 + 1.15 * blur(lit, 0.03))[..., None]
    at, size = (0.92, 1.62), 1.48
    suit, skin, iron, hair, eyes, laugh, shirt, tie = (Pen(at, size) for _ in range(8))
    figures.comedian(suit, skin, iron)
    hair.curve("-.065,.95 -.066,1.01 0,1.035 .066,1.01 .065,.95 .045,.985 -.045,.985")
    eyes.ball((-0.023, 0.955), 0.007, 0.009).ball((0.023, 0.955), 0.007, 0.009).limb("-.034,.974 -.016,.977", 0.005)
    eyes.limb(".016,.977 .034,.974", 0.005).limb("0,.947 .006,.932 -.002,.93", 0.004)
    laugh.curve("-.03,.918 .03,.918 .02,.889 -.02,.889")
    shirt.patch("-.036,.84 .036,.84 0,.58")
    tie.patch("0,.82 -.05,.84 -.05,.8").patch("0,.82 .05,.84 .05,.8").ball((0, 0.82), 0.014)
    cast = np.roll(np.maximum(shape_of(suit), shape_of(skin)), (10, 60), (0, 1))
    canvas = stand(paint(canvas, blur(cast, 0.014) * 0.5, INK), shape_of(suit, 0.002), "#23315c", "#a8c0ff", (-0.6, -1), 0.8)
    canvas = paint(paint(canvas, shape_of(shirt), "#f0ece0"), shape_of(tie, 0.001), "#d42a2a")
    canvas = stand(canvas, shape_of(skin, 0.002), "#d99a72", "#fff0d8", (-0.6, -1), 0.6)
    for part, colour in ((hair, "#3a2014"), (eyes, "#2a140e"), (laugh, "#7a1018")):
        canvas = paint(canvas, part.shape.mask(), colour)
    teeth = Pen(at, size).curve("-.026,.916 .026,.916 .02,.907 -.02,.907")
    canvas = stand(paint(canvas, teeth.shape.mask(), "#ffffff"), shape_of(iron, 0.001), "#26262c", "#ffffff", (-1, -1), 0.8)
    return beam(canvas, (0.4, -0.2), ((0.5, 1.05), (1.35, 1.05)), "#fff2d0", 0.35)


def clown(rng: Rng) -> Canvas:
    """A clown's laughing face before a striped tent."""
    x, y = grid()
    turn = np.arctan2(y + 0.25, x - 0.89)
    canvas = paint(sky("0 #f2d9a0, 1 #e8b868"), (np.sin(turn * 34) > 0).astype(np.float32), "#c22a2e")
    canvas = canvas * (1 - 0.45 * np.clip(np.hypot(x - 0.89, y - 0.5), 0, 1))[..., None]
    tufts, head = Shape(), Pen((0.89, 1.02), 0.92).ball((0, 0.5), 0.3, 0.37)
    for side in (-1, 1):
        for _ in range(46):
            at = (0.89 + side * rng.normal(0.33, 0.07), 0.5 + rng.normal(0, 0.1))
            tufts.ellipse(at, rng.uniform(0.03, 0.06))
    canvas = stand(canvas, tufts.mask(MELT), "#f07a1c", "#ffd080", (-0.7, -1), 0.8)
    at, size, ruff = (0.89, 1.02), 0.92, Shape()
    for turn_by in np.linspace(-0.5, 0.5, 9):
        ruff.ellipse((0.89 + turn_by * 0.9, 0.97 - 0.1 * turn_by**2), 0.085, 0.11)
    canvas = stand(canvas, ruff.mask(), "#3b6fc4", "#cfe2ff", (-0.7, -1), 0.7)
    canvas = stand(canvas, head.shape.mask(), "#f3e6d6", "#ffffff", (-0.7, -1), 0.8)
    canvas = paint(canvas, blur(rim(head.shape.mask(), (1, 0.6), 0.05), 0.02) * 0.5, "#9a6a5a")
    for colour, draw in CLOWN_FACE:
        pen = Pen(at, size)
        for part in draw:
            if "," in part:
                pen.curve(part)
            else:
                u, v, rx, ry = map(float, part.split())
                pen.ball((u, v), rx, ry)
        canvas = paint(canvas, pen.shape.mask(), colour)
    canvas = glow(canvas, (0.86, 0.56), 0.015, "#ffffff", 0.8)
    hat = Pen(at, size).patch("-.17,.8 .02,1.13 .17,.82")
    canvas = stand(canvas, hat.shape.mask(), "#2f9a6a", "#c0ffd8", (-0.7, -1), 0.8)
    dots = Pen(at, size).ball((-0.04, 0.9), 0.03).ball((0.06, 0.88), 0.025).ball((0.03, 1.0), 0.022)
    return paint(canvas, dots.shape.mask(), "#ffe060")


# What is painted on the face, in order: colour, then balls (u, v, rx, ry) and curves.
CLOWN_FACE = (
    ("#58a0dc", ["-.12 .58 .075 .11", ".12 .58 .075 .11"]),
    ("#fdfaf4", ["-.12 .565 .052 .068", ".12 .565 .052 .068"]),
    ("#1a1210", ["-.11 .56 .03 .04", ".13 .56 .03 .04"]),
    ("#1a1210", ["-.2,.71 -.12,.755 -.04,.71 -.12,.775", ".2,.71 .12,.755 .04,.71 .12,.775"]),
    ("#ffffff", ["-.12 .575 .01 .01", ".12 .575 .01 .01"]),
    ("#c8202a", ["-.22,.4 -.1,.36 0,.36 .1,.36 .22,.4 .17,.25 0,.185 -.17,.25"]),
    ("#4a0a10", ["-.16,.355 0,.325 .16,.355 .1,.265 0,.24 -.1,.265"]),
    ("#fdfaf4", ["-.14,.352 0,.325 .14,.352 .1,.31 -.1,.31"]),
    ("#e0222c", ["0 .465 .085 .085"]),
)


def cat_on_roof(rng: Rng) -> Canvas:
    """A cat on the ridge of a roof before a huge moon."""
    canvas = stars(sky("0 #101a3c, .7 #34508a, 1 #6a84b0"), rng, 400)
    canvas = moon(canvas, rng, (1.06, 0.42), 0.33, "#fff0c0")
    town = skyline(rng, 1.0, 0.34, 0.12).mask()
    canvas = screen(paint(canvas, town, "#1a2748"), windows(rng, town, 0.3), "#ffcf70")
    roof = Shape().polygon("-.1,1.1 .2,.76 1.5,.76 1.95,1.1").polygon(".3,.5 .42,.5 .42,.8 .3,.8")
    roof.polygon(".28,.48 .44,.48 .44,.53 .28,.53")
    canvas = stand(canvas, roof.mask(), "#0c1226", "#8aa4e0", (0.3, -1), 0.5)
    cat = figures.sitting_cat(Pen((1.06, 0.77), 0.44))
    return stand(canvas, shape_of(cat), "#080a14", "#fff0c0", (1, -0.6), 0.5)


def dog_on_beach(rng: Rng) -> Canvas:
    """A dog leaping after a red ball along the water."""
    canvas = sky("0 #3f86c8, .5 #a8d4ee, .56 #d8ecf2, 1 #d8ecf2")
    canvas = paint(canvas, np.clip(cloud(rng, (0.6, 0.14)) - 0.5, 0, 0.5) * 1.7, "#ffffff")
    sea = below(0.56)
    canvas = paint(canvas, sea, paint(sky(".56 #2f7ca8, .8 #6cc0c8"), cloud(rng, (0.3, 0.015)) * 0.5, "#d8f4f4"))
    line = ridge(rng, 0.78, 0.05, 2, 4)
    canvas = paint(canvas, below(line - 0.02, 0.01), "#f4fafa")
    canvas = paint(canvas, below(line, 0.01), paint(sky(".75 #c8a878, 1 #e6cfa0"), cloud(rng, (0.05, 0.02)) * 0.25, "#8a6a44"))
    canvas = brown_dog(canvas, rng, (0.8, 0.86), 0.62)
    canvas = stand(canvas, disc((1.34, 0.36), 0.045), "#d8242c", "#ffb0a0", (-0.6, -1), 0.9)
    spray = Shape()
    for _ in range(90):
        spray.ellipse((rng.uniform(0.4, 1.2), 0.9 - abs(rng.normal(0, 0.05))), rng.uniform(0.002, 0.006))
    return screen(canvas, spray.mask() * 0.8, "#f0e0c0")


def cottage(rng: Rng) -> Canvas:
    """A cottage with lit windows in falling snow."""
    canvas = stars(sky("0 #0e1a3a, .5 #2c4a7c, .75 #6a88b4, 1 #a8c0dc"), rng, 250, 0.5)
    far, near = Shape(), Shape()
    for place in rng.uniform(0, ASPECT, 44):
        figures.pine(Pen((place, 0.76), rng.uniform(0.16, 0.34), shape=far))
    for place in (0.1, 0.28, 1.5, 1.68):
        figures.pine(Pen((place, 0.92), rng.uniform(0.5, 0.75), shape=near))
    canvas = paint(canvas, far.mask(), "#23406a")
    canvas = paint(canvas, below(ridge(rng, 0.76, 0.05, 2, 4)), sky(".7 #b8cce6, 1 #7c9cc8"))
    wall = Shape().polygon(".62,.8 .62,.56 1.16,.56 1.16,.8").polygon("1,.3 1.07,.3 1.07,.5 1,.5")
    roof = Shape().polygon(".54,.58 .7,.34 1.08,.34 1.24,.58").stroke(".55,.575 1.23,.575", 0.03)
    canvas = paint(paint(canvas, wall.mask(), "#5a3222"), roof.mask(MELT), "#e8f0fa")
    panes = Shape()
    for left in (0.69, 0.98):
        panes.polygon([(left, 0.62), (left + 0.1, 0.62), (left + 0.1, 0.73), (left, 0.73)])
    door = Shape().polygon(".84,.8 .84,.63 .93,.63 .93,.8")
    canvas = paint(paint(canvas, panes.mask(), "#ffd670"), door.mask(), "#8a2a20")
    for at in ((0.74, 0.675), (1.03, 0.675), (0.885, 0.8)):
        canvas = glow(canvas, at, 0.09, "#ffb040", 0.75)
    smoke = blur(Shape().stroke("1.035,.29 1.06,.2 1.12,.1 1.22,0", [0.03, 0.06, 0.1, 0.16]).mask(), 0.02)
    canvas = paint(canvas, smoke * 0.35, "#d0dcec")
    canvas = stand(canvas, near.mask(), "#16305a", "#f0f6ff", (-0.3, -1), 0.9)
    return screen(canvas, fall(rng, 700, 0.004, 0.3, 5) * 0.9, "#ffffff")
