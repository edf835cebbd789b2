"""Love: couples in the rain, by the sea, in a ballroom, at a fire. Each scene takes a generator and gives a canvas."""

import numpy as np

from artwork_doors.drawing import figures
from artwork_doors.drawing.figures import Pen
from artwork_doors.drawing.light import (
    ASPECT,
    Canvas,
    Point,
    Shape,
    below,
    blur,
    bokeh,
    cloud,
    disc,
    fall,
    glow,
    grid,
    mirror,
    paint,
    ridge,
    rim,
    screen,
    sky,
    spot,
    stars,
)
from artwork_doors.drawing.scenery import INK, Rng, shape_of, skyline, stand, windows


def umbrella(rng: Rng) -> Canvas:
    """A couple under a red umbrella on a wet street at night."""
    canvas = sky("0 #0c1626, .5 #24405c, .74 #6a7a80, 1 #0a0f18")
    for tallest, tone in ((0.5, "#1d3145"), (0.74, "#111d2b")):
        x, _ = grid()
        walls = skyline(rng, 0.76, tallest).mask() * np.clip(np.abs(x - 0.92) / 0.4 - (0.2 if tallest < 0.6 else 0.7), 0, 1)
        canvas = screen(paint(canvas, walls, tone), windows(rng, walls, 0.35), "#ffc873")
    canvas = bokeh(canvas, rng, 46, ((0.35, 0.5), (1.5, 0.75)), ["#ffb84d", "#ff7a4d", "#ffe2a8", "#6db8ff"])
    lamp = Shape().stroke("1.42,.95 1.42,.2 1.34,.15 1.27,.17", [0.02, 0.013, 0.01, 0.01])
    canvas = glow(paint(canvas, lamp.mask(), INK), (1.26, 0.19), 0.13, "#ffcf82", 1.0)
    canvas = mirror(canvas, 0.77, rng, 0.006) * np.where(grid()[1] > 0.77, 0.75, 1)[..., None]
    pair, canopy = Pen((0.9, 0.97), 0.66), Pen((0.9, 0.97), 0.66)
    figures.pair_under_umbrella(pair, canopy)
    canvas = paint(canvas, blur(np.roll(shape_of(pair)[::-1], 590, 0), 0.01) * 0.5, INK)
    canvas = stand(canvas, shape_of(pair), "#0b0e14", "#ffcf82")
    canvas = stand(canvas, canopy.shape.mask(), "#c3202f", "#ffd0a0", (0.7, -1), 0.8)
    return screen(canvas, fall(rng, 420, 0.09, 0.16) * 0.4, "#cfe0f0")


def kiss(rng: Rng, floodlit: bool = False) -> Canvas:
    """Two faces about to kiss, before a sun that sinks into the sea or the lights of a stadium."""
    if floodlit:
        canvas = sky("0 #081428, .6 #1c4468, 1 #2c7048")
        canvas = bokeh(canvas, rng, 130, ((0, 0.3), (ASPECT, 0.7)), ["#7090b0", "#a07080", "#c0b080", "#5070a0"])
        for x in (0.16, 0.885, 1.6):
            canvas = bokeh(
                glow(canvas, (x, 0.12), 0.14, "#e8f4ff", 0.9), rng, 9, ((x - 0.08, 0.06), (x + 0.08, 0.17)), ["#ffffff"]
            )
    else:
        canvas = sky("0 #4b2a63, .35 #c8486a, .6 #ff8a4e, .76 #ffd07a, 1 #ffb060")
        canvas = screen(canvas, np.clip(cloud(rng, (0.9, 0.06)) - 0.5, 0, 1) * 0.9, "#ffb0a0")
        canvas = screen(glow(canvas, (0.885, 0.62), 0.22, "#fff0b0", 0.9), disc((0.885, 0.62), 0.13, 0.01), "#fff3cf")
        canvas = mirror(canvas, 0.76, rng, 0.012)
    for side, tilt, hair, x in ((False, 5, "short", 0.625), (True, -5, "long", 1.145)):
        face = figures.face(Pen((x, 0.66), 0.52, flip=side, tilt=tilt), hair)
        canvas = stand(canvas, shape_of(face), "#1c0f20", "#d0e8ff" if floodlit else "#ffb870", (-1 if side else 1, 0.1), 0.9)
    return canvas


def shore(rng: Rng) -> Canvas:
    """Lovers embracing on a beach at sunset."""
    canvas = sky("0 #27406e, .35 #b0607e, .58 #ffa765, .7 #ffe0a0, 1 #f0a060")
    canvas = screen(canvas, np.clip(cloud(rng, (1.1, 0.08)) - 0.45, 0, 1), "#ff9a88")
    canvas = screen(glow(canvas, (1.12, 0.6), 0.2, "#fff0b0", 0.9), disc((1.12, 0.6), 0.085, 0.008), "#fff6d8")
    canvas = mirror(canvas, 0.68, rng, 0.012)
    sand = below(ridge(rng, 0.9, 0.03, 2, 4))
    canvas = paint(canvas, sand, sky(".86 #8a5546, 1 #2e1b22"))
    pair = figures.lovers(Pen((0.8, 0.95), 0.68))
    return stand(canvas, shape_of(pair), "#160d16", "#ffcf8a", (1, -0.1), 0.9)


def dressed(canvas: Canvas, rng: Rng, pens: list[Pen], cloth: tuple[str, str, str], light: Point) -> Canvas:
    """A couple in colour: his suit, her dress (cloth: its colour, its folds, its light), skin and hair."""
    suit, dress, skin, hair = (shape_of(pen, 0.002) for pen in pens)
    canvas = stand(stand(canvas, suit, "#1c2030", "#ffe8c0", light), dress, cloth[0], cloth[2], light, 0.8)
    canvas = paint(canvas, dress * blur(rim(dress, (-light[0] or 1, 0.6), 0.05), 0.014) * 0.8, cloth[1])
    canvas = paint(canvas, dress * np.clip(cloud(rng, (0.05, 0.5), 3) - 0.44, 0, 1), cloth[1])
    return paint(stand(canvas, skin, "#dca07a", "#fff0d8", light), hair, "#3a2014")


def wedding(rng: Rng) -> Canvas:
    """Newlyweds in a garden."""
    canvas = sky("0 #a8d0e8, .35 #f0f0dc, .6 #c8dca0, .8 #7aa860, 1 #4c7c3c")
    leaves = np.clip(cloud(rng, (0.3, 0.2), 6) - 0.35, 0, 1) * (1 - below(0.8, 0.2))
    canvas = bokeh(
        paint(canvas, leaves * 1.2, "#5c8c4c"), rng, 80, ((0, 0.02), (ASPECT, 0.7)), ["#fffbe0", "#e8ffd0", "#fff0f4"]
    )
    canvas = glow(canvas, (0.3, 0.2), 0.4, "#fff4d0", 0.8)
    lawn = paint(sky(".8 #8ab860, 1 #4c7c3c"), cloud(rng, (0.02, 0.03)) * 0.5, "#3c6c2c")
    canvas = paint(canvas, below(ridge(rng, 0.82, 0.02, 3)), lawn)
    pens = [Pen((0.84, 1.0), 0.9) for _ in range(4)]
    figures.newlyweds(*pens)
    return dressed(canvas, rng, pens, ("#f4f0ec", "#9890a0", "#ffffff"), (-0.6, -1))


def waltz(rng: Rng) -> Canvas:
    """A couple dancing in a ballroom, she in red."""
    canvas = sky("0 #7a4a2c, .4 #e0b070, .74 #f8dca0, .76 #c08a50, 1 #8a5a30")
    for column in (0.1, 0.42, 1.36, 1.68):
        canvas = paint(canvas, Shape().stroke([(column, -0.1), (column, 0.72)], 0.09).mask() * 0.8, "#d8a868")
        canvas = paint(canvas, Shape().stroke([(column, -0.1), (column, 0.75)], 0.024).mask() * 0.5, "#fff0d0")
    canvas = bokeh(glow(canvas, (0.9, 0.12), 0.35, "#fff4d0", 0.8), rng, 60, ((0.3, 0), (1.5, 0.3)), ["#fff0c0", "#ffe0a0"])
    canvas = mirror(canvas, 0.77, rng, 0.002) * (1 - 0.15 * below(0.77))[..., None]
    canvas = paint(canvas, spot((0.95, 0.965), 0.36, 0.02, 0.012) * 0.5, "#3a1c0c")
    pens = [Pen((0.82, 0.97), 0.88) for _ in range(4)]
    figures.dancers(*pens)
    return dressed(canvas, rng, pens, ("#c81b2c", "#4a0612", "#ff9a80"), (0.3, -1))


def campfire(rng: Rng) -> Canvas:
    """A tent and a pair by the fire, the Milky Way above."""
    x, y = grid()
    canvas = sky("0 #070c22, .6 #22345f, .8 #5a4a6a, 1 #05060c")
    band = np.exp(-(((x - 1.0 - (0.6 - y) * 0.8) / 0.2) ** 2)) * np.clip(cloud(rng, (0.3, 0.3), 6) * 1.6 - 0.3, 0, 1)
    canvas = stars(screen(canvas, band * 0.7, "#c0b0f0"), rng, 2200, 0.8)
    canvas = paint(canvas, below(ridge(rng, 0.74, 0.2, 4)), "#0c1326")
    trees = Shape()
    for place in rng.uniform(0, ASPECT, 34):
        figures.pine(Pen((place, 0.84), rng.uniform(0.16, 0.42), shape=trees))
    canvas = paint(paint(canvas, trees.mask(), "#070b14"), below(ridge(rng, 0.83, 0.03, 3, 4)), "#0d0c10")
    tent = Shape().polygon(".2,.92 .5,.5 .82,.92").mask()
    canvas = glow(paint(canvas, tent, "#e08a30"), (0.5, 0.84), 0.16, "#ffd27a", 0.7)
    canvas = paint(canvas, Shape().polygon(".44,.92 .5,.53 .58,.92").mask(), "#7a3c12")
    canvas = glow(canvas, (1.32, 0.86), 0.24, "#ff8a30", 0.95)
    for size, colour in ((0.3, "#ff7a18"), (0.2, "#ffc040"), (0.1, "#fff4c8")):
        flame = Pen((1.32, 0.95), size).curve("-.3,0 -.34,.3 -.16,.5 -.05,1.05 .1,.6 .3,.5 .32,0")
        canvas = screen(canvas, blur(flame.shape.mask(), 0.007), colour)
    canvas = paint(canvas, Shape().stroke("1.2,.97 1.44,.93", 0.03).stroke("1.2,.93 1.44,.97", 0.03).mask(), "#1c0e08")
    for at, size in ((1.06, 0.46), (0.96, 0.5)):
        sitting = Pen((at, 0.98), size)
        legs = ["0,.1 .26,.34 .36,.04 .44,.03", "0,.08 .3,.22 .44,.02 .52,.02"]
        figures.person(sitting, (0.06, 0.68), ".03,.56 -.02,.1", [".03,.5 .14,.34 .28,.36"], legs, 0.2)
        canvas = stand(canvas, shape_of(sitting), "#0a0808", "#ffa040", (1, 0), 1.0)
    return canvas


def watching(photograph: Canvas) -> Canvas:
    """Lovers in front of a photograph, such as that of a launch."""
    pair = figures.lovers(Pen((1.28, 1.02), 0.62))
    return stand(photograph, shape_of(pair), "#070a14", "#ffc070", (-1, -0.1), 0.9)
