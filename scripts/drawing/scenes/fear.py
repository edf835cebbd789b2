"""Fear and night: a haunted house, a wood with eyes, a neon city, a detective."""

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
    fall,
    glow,
    grid,
    mirror,
    paint,
    ridge,
    rim,
    screen,
    sky,
)
from artwork_doors.drawing.scenery import INK, Rng, moon, shape_of, skyline, stand, windows


def haunted_house(rng: Rng) -> Canvas:
    """A crooked house on a hill under a full moon, with crows and graves."""
    canvas = sky("0 #050a10, .55 #12303a, .85 #2c5a58, 1 #0a1414")
    canvas = moon(canvas, rng, (0.92, 0.34), 0.27, "#e8f0d0")
    canvas = paint(canvas, np.clip(cloud(rng, (0.9, 0.09)) - 0.52, 0, 1) * 1.6, "#0a1a20")
    hill = below(0.8 - 0.16 * np.exp(-(((np.linspace(0, ASPECT, 1152) - 0.92) / 0.42) ** 2)) + ridge(rng, 0, 0.03, 4))
    house = Shape()
    for wing in (".74 .98 .42 .26", ".96 1.12 .48 .34", ".68 .78 .3 .1", "1.08 1.16 .4 .22"):
        left, right, top, tip = map(float, wing.split())
        house.polygon([(left, 0.72), (left, top), (right, top), (right, 0.72)])
        house.polygon([(left - 0.02, top + 0.005), ((left + right) / 2 + 0.01, tip), (right + 0.02, top + 0.005)])
    for u, base, size in ((0.3, 0.84, 0.62), (1.52, 0.86, 0.7)):
        figures.bare_tree(Pen((u, base), size, shape=house), rng)
    for u in (0.56, 0.63, 1.24, 1.33, 1.18):
        house.stroke([(u, 0.8), (u, 0.73)], 0.03).stroke([(u - 0.025, 0.745), (u + 0.025, 0.745)], 0.012)
    canvas = paint(paint(canvas, hill, "#04080a"), house.mask(), "#04080a")
    for u, v in ((0.8, 0.5), (0.9, 0.5), (0.73, 0.38), (1.04, 0.56), (0.8, 0.62), (1.12, 0.48)):
        pane = Pen((u, v), 1.0).patch("-.014,-.03 -.014,.015 0,.035 .014,.015 .014,-.03").shape
        canvas = glow(paint(canvas, pane.mask(), "#ffb838"), (u, v), 0.028, "#ff9020", 0.7)
    canvas = paint(canvas, figures.flock(rng, 13, 0.36, 0.11).mask(), "#020406")
    y = grid()[1]
    return screen(canvas, np.clip(y - 0.68, 0, 1) * cloud(rng, (0.8, 0.07)) * 1.5, "#7fa8a0")


def forest_eyes(rng: Rng) -> Canvas:
    """Eyes that glow between the trunks of a dark wood."""
    canvas = sky("0 #0c1c1c, .5 #2e4a46, .8 #3a544a, 1 #0a100e")
    canvas = glow(canvas, (0.9, 0.5), 0.3, "#9ac0a8", 0.5)
    for layer, tone in enumerate(("#22403c", "#152a28", "#0a1614", "#030606")):
        trunks = Shape()
        for x in np.linspace(-0.05, ASPECT + 0.05, 17 - 3 * layer) + rng.uniform(-0.05, 0.05, 17 - 3 * layer):
            if layer < 3 or abs(x - 0.9) > 0.35:
                wide, lean = 0.016 + 0.02 * layer, rng.uniform(-0.06, 0.06)
                trunks.stroke([(x, 1.05), (x + lean, 0.4), (x + lean * 2, -0.05)], [wide * 1.4, wide, wide * 0.8])
                for _ in range(4):
                    v, side = rng.uniform(0, 0.6), rng.choice([-1, 1])
                    Pen((x + lean, v), 1.0, side < 0, shape=trunks).limb("0,0 .1,.05 .17,.14", [wide * 0.4, wide * 0.2, 0.002])
        canvas = paint(canvas, trunks.mask(), tone)
        canvas = screen(canvas, cloud(rng, (0.9, 0.12)) * np.clip(grid()[1] - 0.35, 0, 1) * (0.5 - 0.12 * layer), "#8ab0a0")
    for u, v, size in ((0.84, 0.56, 0.03), (0.32, 0.66, 0.018), (1.36, 0.6, 0.02), (1.58, 0.42, 0.012), (0.58, 0.4, 0.011)):
        for side in (-1, 1):
            at = (u + side * size * 1.5, v)
            eye = Pen(at, size, flip=side > 0).curve("-1,.25 0,.5 1,-.3 0,-.45")
            canvas = glow(canvas, at, size * 1.3, "#ff4a10", 0.8)
            canvas = paint(paint(canvas, eye.shape.mask(), "#ffc83a"), Pen(at, size).ball((0, 0), 0.14, 0.42).shape.mask(), INK)
    return canvas


def neon_city(rng: Rng) -> Canvas:
    """A city of neon signs in the rain, mirrored in its street."""
    canvas = sky("0 #0a0820, .5 #3a1a5c, .75 #a03a80, 1 #100818")
    x, _ = grid()
    for tallest, tone, gap in ((0.55, "#2c1a4c", 0.0), (0.7, "#180f30", 0.3), (0.95, "#0b0718", 0.75)):
        walls = skyline(rng, 0.78, tallest, 0.15).mask() * (np.abs(x - 0.89) > 0.42 * gap)
        canvas = screen(
            paint(canvas, walls, tone), windows(rng, walls, 0.12), str(rng.choice(["#6ae0ff", "#ffb0e0", "#ffe0a0"]))
        )
    for place in (0.12, 0.3, 0.44, 0.56, 1.22, 1.36, 1.5, 1.66):
        colour, high = str(rng.choice(["#ff2a90", "#20e0ff", "#ff7a20", "#9a4aff", "#30ffa0"])), rng.uniform(0.14, 0.32)
        top = rng.uniform(0.18, 0.42)
        frame = Shape().stroke([(place, top), (place, top + high)], 0.05).stroke([(place, top), (place, top + high)], 0.036, 0)
        for bar in np.arange(top, top + high, 0.045):
            frame.stroke([(place - 0.012, bar), (place + 0.012, bar + rng.uniform(-0.01, 0.01))], 0.008)
        canvas = screen(screen(canvas, blur(frame.mask(), 0.02) * 2.2, colour), frame.mask(), colour)
    canvas = mirror(canvas, 0.78, rng, 0.008) * np.where(grid()[1] > 0.78, 0.8, 1)[..., None]
    walker = figures.trench_coat(Pen((0.89, 0.94), 0.4))
    canvas = stand(canvas, shape_of(walker), "#06040c", "#ff60c0", (-1, 0), 0.9)
    canvas = screen(canvas, blur(rim(shape_of(walker), (1, 0)), 0.0015) * 0.9, "#40e0ff")
    return screen(canvas, fall(rng, 500, 0.1, 0.1) * 0.4, "#c0d0ff")


def detective(rng: Rng) -> Canvas:
    """A man in hat and coat under a street lamp, in fog; his shadow is long."""
    canvas = sky("0 #0c0e12, .6 #3a3e44, .78 #5a5c5c, 1 #101114")
    _, y = grid()
    for left, right, tone in ((-0.1, 0.42, "#14161a"), (1.3, 1.9, "#101216"), (0.36, 0.6, "#23262b"), (1.18, 1.34, "#202328")):
        walls = Shape().polygon([(left, -0.1), (right, -0.1), (right, 0.8), (left, 0.8)]).mask()
        canvas = screen(paint(canvas, walls, tone), windows(rng, walls, 0.12, (0.06, 0.09)) * 0.6, "#e8d8a0")
    canvas = paint(canvas, below(0.8), paint(sky(".8 #4a4c4c, 1 #121316"), cloud(rng, (0.06, 0.015)) * 0.5, INK))
    lamp = Shape().stroke("1.12,.88 1.12,.16", [0.022, 0.014]).stroke("1.12,.17 1.02,.13 .96,.16", 0.012)
    canvas = paint(canvas, lamp.polygon(".92,.19 .94,.15 .99,.15 1.01,.19").mask(), INK)
    canvas = beam(glow(canvas, (0.965, 0.2), 0.12, "#fff0c8", 1.0), (0.965, 0.18), ((0.4, 1.05), (1.5, 1.05)), "#fff0d0", 0.8)
    shadow = Shape().polygon(".78,.93 .86,.93 .62,1.1 .3,1.1").mask()
    canvas = paint(canvas, blur(shadow, 0.006) * 0.75, INK)
    man = figures.trench_coat(Pen((0.82, 0.94), 0.66))
    canvas = stand(canvas, shape_of(man), "#08090b", "#fff0d0", (1, -0.7), 0.9)
    return screen(canvas, cloud(rng, (0.8, 0.2)) * np.clip(y - 0.3, 0, 0.6) * 0.5, "#b0b4b4")
