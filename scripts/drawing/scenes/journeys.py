"""Journeys: a motorcycle, a rider, a road, ships, a lighthouse, a summit, and further: a castle, a dragon, a saucer, the moon."""

import numpy as np

from artwork_doors.drawing import figures
from artwork_doors.drawing.figures import Pen
from artwork_doors.drawing.light import (
    ASPECT,
    Canvas,
    Mask,
    Shape,
    beam,
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
from artwork_doors.drawing.scenery import INK, Rng, castle_walls, mesas, peak, shape_of, skyline, stand, waves, windows


def motorcycle(rng: Rng, hour: str = "dusk") -> Canvas:
    """A rider on a motorcycle, at dusk in the desert or at night before a city."""
    if hour == "dusk":
        canvas = sky("0 #2a2f66, .4 #c0566a, .62 #ff9a50, .72 #ffd890, 1 #402018")
        canvas = screen(glow(canvas, (0.5, 0.6), 0.22, "#ffe8a8", 0.9), disc((0.5, 0.6), 0.12, 0.008), "#fff2c8")
        canvas = mesas(canvas, rng, 0.74, "#7a3038")
    else:
        canvas = sky("0 #04060e, .5 #10244a, .74 #2c5a8a, 1 #05070c")
        town = skyline(rng, 0.76, 0.5).mask()
        canvas = screen(paint(canvas, town, "#081020"), windows(rng, town, 0.4), "#ffd890")
        canvas = bokeh(canvas, rng, 40, ((0, 0.5), (ASPECT, 0.76)), ["#ff5040", "#ffd070", "#60b0ff"])
    dark, streaks = sky(f".74 {'#4a2a24' if hour == 'dusk' else '#182030'}, 1 #0c0a0c"), cloud(rng, (1.6, 0.008), 3)
    canvas = paint(canvas, below(0.76), paint(dark, streaks * 0.6, "#0a0808"))
    canvas = paint(canvas, Shape().stroke("-.1,.965 1.9,.965", 0.012).mask() * 0.8, "#e8d8a0")
    rider = figures.motorcycle(Pen((0.7, 0.92), 0.58))
    canvas = paint(canvas, spot((0.7, 0.925), 0.46, 0.018, 0.01) * 0.8, INK)
    canvas = stand(canvas, shape_of(rider, 0.0012), "#0c090b", "#ffb870" if hour == "dusk" else "#80c0ff", (-1, -0.5), 0.9)
    canvas = beam(canvas, (0.97, 0.57), ((1.95, 0.42), (1.95, 1.0)), "#fff2c8", 0.75)
    return glow(canvas, (0.97, 0.57), 0.05, "#fff6d8", 1.0)


def rider(rng: Rng, horse: Mask, knight: bool = False) -> Canvas:
    """A rider on a horse before a great sun: a cowboy in the desert, or a knight on a misty field."""
    if knight:
        canvas = sky("0 #3c5068, .5 #b8b4a8, .72 #f4d8a0, 1 #6a6a58")
        canvas = glow(canvas, (1.2, 0.52), 0.3, "#fff0c0", 0.8)
        canvas = paint(canvas, castle_walls(Shape(), (0.36, 0.74), 0.5).mask() * 0.7, "#5a6a74")
    else:
        canvas = sky("0 #6a1e30, .4 #e0502c, .7 #ffb040, 1 #7a2a18")
        canvas = screen(glow(canvas, (1.34, 0.62), 0.26, "#ffd870", 0.9), disc((1.34, 0.62), 0.09, 0.006), "#ffe9a0")
        canvas = mesas(canvas, rng, 0.78, "#8a2c22")
    ground = below(ridge(rng, 0.86, 0.03, 3, 5))
    canvas = screen(canvas, np.exp(-(((grid()[1] - 0.82) / 0.1) ** 2)) * cloud(rng, (0.6, 0.08)) * 0.7, "#ffe0b0")
    canvas = paint(canvas, ground, "#180a08" if not knight else "#1c2018")
    who = figures.in_saddle(Pen((0.93, 0.535), 0.5), knight)
    lit = "#ffd070" if not knight else "#fff0d0"
    return stand(canvas, np.maximum(horse, shape_of(who, 0.002)), "#140808" if not knight else "#14181c", lit, (1, -0.4), 0.9)


def desert_road(rng: Rng) -> Canvas:
    """A road straight to the horizon of a desert, a car's lights far off."""
    canvas = sky("0 #2c5a94, .35 #e8a878, .52 #ffdc9a, 1 #c07840")
    canvas = screen(canvas, np.clip(cloud(rng, (1.0, 0.07)) - 0.5, 0, 1), "#ffe8d8")
    canvas = screen(glow(canvas, (0.89, 0.5), 0.16, "#fff0b8", 0.9), disc((0.89, 0.5), 0.07, 0.006), "#fffbe0")
    canvas = mesas(canvas, rng, 0.56, "#b0604a")
    sand = paint(sky(".56 #d08a50, 1 #8a4a24"), cloud(rng, (0.12, 0.015)) * 0.5, "#5a2c18")
    canvas = paint(canvas, below(0.56), sand)
    canvas = paint(canvas, Shape().polygon(".882,.56 .898,.56 1.6,1.02 .18,1.02").mask(), sky(".56 #7a6258, 1 #2c2626"))
    for share in np.linspace(0, 1, 9)[1:]:
        near, far = 0.56 + 0.46 * share**2, 0.56 + 0.46 * (share - 0.06) ** 2
        half, less = 0.014 * share**2, 0.014 * (share - 0.06) ** 2
        canvas = paint(
            canvas,
            Shape().polygon([(0.89 - half, near), (0.89 + half, near), (0.89 + less, far), (0.89 - less, far)]).mask(),
            "#f0d890",
        )
    posts = Shape()
    for share in np.linspace(0.15, 1, 6):
        at, high = 0.89 + 0.95 * share**2, 0.36 * share**2
        posts.stroke([(at, 0.56 + 0.3 * share**2), (at, 0.56 - high)], 0.012 * share)
        posts.stroke([(at - 0.09 * share**2, 0.58 - high), (at + 0.09 * share**2, 0.58 - high)], 0.008 * share)
    return paint(canvas, posts.mask(), "#2a1812")


def ship_in_storm(rng: Rng) -> Canvas:
    """A sailing ship heeling in a storm, lightning behind."""
    canvas = paint(sky("0 #101820, .5 #34505c, .8 #70888a, 1 #203038"), cloud(rng, (0.9, 0.3), 6) * 0.75, "#0c141a")
    bolt, at = Shape(), (1.34, -0.02)
    for _ in range(9):
        to = (at[0] + rng.uniform(-0.07, 0.045), at[1] + 0.07)
        bolt.stroke([at, to], 0.006)
        at = to
    canvas = glow(canvas, (1.3, 0.25), 0.24, "#c0d8f0", 0.7)
    canvas = screen(screen(canvas, blur(bolt.mask(), 0.015) * 2, "#a0c8ff"), bolt.mask(), "#ffffff")
    hull, sails = Pen((0.76, 0.74), 0.37, tilt=-11), Pen((0.76, 0.74), 0.37, tilt=-11)
    figures.ship(hull, sails)
    canvas = waves(canvas, rng, 0.64, ("#2c4a54", "#0c1c24"), "#d8e8e8", 0.05)
    canvas = stand(canvas, sails.shape.mask(), "#b8ac94", "#ffffff", (1, -0.3), 0.7)
    canvas = paint(canvas, sails.shape.mask() * (0.25 + 0.4 * cloud(rng, (0.2, 0.3))), "#4a4438")
    canvas = stand(canvas, hull.shape.mask(), "#20140e", "#c0d0d8", (1, -0.5), 0.6)
    canvas = waves(canvas, rng, 0.8, ("#37585f", "#0a161c"), "#e8f4f4", 0.11)
    return screen(canvas, fall(rng, 500, 0.07, 0.5) * 0.35, "#d0e0e8")


def sunset_sail(rng: Rng) -> Canvas:
    """A ship under full sail on a golden evening sea."""
    canvas = sky("0 #3a5a8c, .4 #f0a070, .66 #ffdc90, 1 #f0b060")
    canvas = screen(canvas, np.clip(cloud(rng, (0.8, 0.14)) - 0.48, 0, 1), "#ffd8b8")
    canvas = screen(glow(canvas, (1.52, 0.56), 0.22, "#fff0b0", 0.9), disc((1.52, 0.56), 0.08, 0.006), "#fffbe0")
    hull, sails = Pen((0.8, 0.7), 0.36), Pen((0.8, 0.7), 0.36)
    figures.ship(hull, sails)
    canvas = stand(canvas, sails.shape.mask(), "#e8c8a0", "#fff6e0", (1, 0), 0.9)
    canvas = paint(canvas, sails.shape.mask() * blur(rim(sails.shape.mask(), (-1, 0), 0.03), 0.01), "#8a5a4a")
    canvas = stand(canvas, hull.shape.mask(), "#3a1c12", "#ffd890", (1, -0.3), 0.8)
    canvas = paint(canvas, figures.flock(rng, 7, 0.4, 0.06).mask(), "#4a3030")
    return mirror(canvas, 0.74, rng, 0.014)


def lighthouse(rng: Rng) -> Canvas:
    """A lighthouse on its rock, its beam over a heavy sea."""
    canvas = paint(sky("0 #0c1830, .55 #3a5a80, .75 #d09878, 1 #203040"), cloud(rng, (0.8, 0.12)) * 0.6, "#141e34")
    canvas = waves(canvas, rng, 0.7, ("#2c4c66", "#0e1e30"), "#d8e8f0", 0.06)
    x = np.linspace(0, ASPECT, 1152)
    cliff = below(1.1 - 0.42 / (1 + np.exp((0.62 - x) * 16)) + ridge(rng, 0, 0.08, 9))
    canvas = stand(canvas, cliff, "#0c1016", "#e8b090", (-0.6, -1), 0.5)
    tower = Shape().polygon("1.12,.72 1.155,.24 1.245,.24 1.28,.72").mask()
    canvas = paint(canvas, tower, "#f0ece4")
    for low, high in ((0.3, 0.38), (0.48, 0.56), (0.64, 0.72)):
        canvas = paint(canvas, tower * ((grid()[1] > low) & (grid()[1] < high)), "#c22c2c")
    canvas = paint(canvas, blur(rim(tower, (1, 0), 0.05), 0.015) * 0.7 * tower, "#20283c")
    top = Shape().polygon("1.14,.25 1.26,.25 1.26,.235 1.14,.235").polygon("1.165,.15 1.2,.1 1.235,.15")
    canvas = paint(canvas, Shape().polygon("1.17,.235 1.17,.15 1.23,.15 1.23,.235").mask(), "#ffe8a0")
    canvas = paint(canvas, top.mask(), "#181c28")
    canvas = beam(canvas, (1.2, 0.19), ((-0.3, 0.02), (-0.3, 0.42)), "#fff2c0", 1.1)
    canvas = beam(canvas, (1.2, 0.19), ((2.0, 0.12), (2.0, 0.27)), "#fff2c0", 0.7)
    return glow(canvas, (1.2, 0.19), 0.06, "#fff6d0", 1.0)


def summit(rng: Rng) -> Canvas:
    """A climber on a ridge before a snowy peak."""
    canvas = sky("0 #2a62a8, .5 #8ab8e0, .8 #e0e8ee, 1 #e8eef4")
    canvas = peak(canvas, rng, (0.3, 0.36), 0.95, 0.6, ("#dce8f4", "#7c9cc6", "#4a5c7c"))
    canvas = peak(canvas, rng, (1.5, 0.3), 0.95, 0.6, ("#dce8f4", "#7c9cc6", "#4a5c7c"))
    canvas = peak(canvas, rng, (0.98, 0.1), 1.0, 0.75, ("#ffffff", "#5f83b8", "#2c3850"))
    canvas = paint(canvas, np.exp(-(((grid()[1] - 0.78) / 0.1) ** 2)) * cloud(rng, (0.7, 0.1)), "#f4f8fc")
    x = np.linspace(0, ASPECT, 1152)
    snow = below(0.97 - 0.2 * x / ASPECT + ridge(rng, 0, 0.03, 3))
    canvas = paint(canvas, snow, paint(sky(".7 #ffffff, 1 #b4cae4"), cloud(rng, (0.2, 0.02)) * 0.4, "#90b0d8"))
    man = figures.climber(Pen((0.56, 0.915), 0.42, tilt=4))
    canvas = stand(canvas, shape_of(man), "#b8242a", "#ffd8c0", (-1, -0.6), 0.7)
    boots = shape_of(man) * (grid()[1] > 0.71)
    return screen(paint(canvas, boots, "#1c2230"), fall(rng, 160, 0.003, 0.3, 4) * 0.7, "#ffffff")


def castle(rng: Rng) -> Canvas:
    """A fairy-tale castle on its rock above the mist, at dawn."""
    canvas = sky("0 #4a6aa8, .4 #e8b0b0, .7 #ffdcb0, 1 #c8b8c8")
    canvas = screen(canvas, np.clip(cloud(rng, (0.9, 0.16)) - 0.48, 0, 1), "#fff0e4")
    canvas = glow(canvas, (1.5, 0.55), 0.3, "#fff0c8", 0.8)
    canvas = peak(canvas, rng, (0.25, 0.3), 1.0, 0.8, ("#d8c0cc", "#8a88b4", "#7a7098"))
    canvas = peak(canvas, rng, (1.6, 0.36), 1.0, 0.7, ("#d8c0cc", "#8a88b4", "#7a7098"))
    x = np.linspace(0, ASPECT, 1152)
    rock = below(1.05 - 0.42 * np.exp(-(((x - 0.9) / 0.36) ** 4)) + ridge(rng, 0, 0.08, 8))
    canvas = stand(canvas, rock, "#3c3a58", "#ffd8b0", (1, -0.5), 0.6)
    walls = castle_walls(Shape(), (0.9, 0.66), 0.46).mask()
    canvas = stand(canvas, walls, "#58507a", "#ffe0b8", (1, -0.2), 0.9)
    canvas = screen(canvas, windows(rng, walls, 0.16, (0.022, 0.05)), "#ffd870")
    return screen(canvas, np.clip(grid()[1] - 0.6, 0, 1) * cloud(rng, (0.8, 0.12)) * 1.9, "#f0e0e0")


def dragon(rng: Rng) -> Canvas:
    """A dragon breathing fire over a castle by night."""
    canvas = paint(sky("0 #140c1c, .5 #4a1c24, .8 #b0482c, 1 #2a0e0c"), cloud(rng, (0.7, 0.2), 6) * 0.6, "#140a10")
    canvas = glow(canvas, (0.36, 0.76), 0.26, "#ff6a20", 0.8)
    town = castle_walls(Shape(), (0.36, 0.9), 0.36).mask()
    canvas = stand(canvas, town, "#0e080c", "#ff9040", (0.3, -1), 0.6)
    beast = figures.dragon(Pen((1.0, 0.5), 0.52, tilt=-6)).shape.mask(0.0015)
    fire = Shape()
    for share in np.linspace(0, 1, 60):
        middle = (0.61 - 0.3 * share, 0.5 + 0.2 * share**1.3)
        fire.ellipse(
            (middle[0] + rng.normal(0, 0.03 * share), middle[1] + rng.normal(0, 0.03 * share)),
            0.008 + 0.055 * share * rng.uniform(0.5, 1),
        )
    canvas = screen(screen(canvas, blur(fire.mask(), 0.04) * 1.4, "#ff5a14"), blur(fire.mask(), 0.012), "#ffb030")
    canvas = stand(canvas, beast, "#0a0608", "#ff8030", (-1, 0.6), 0.9)
    sparks = Shape()
    for _ in range(140):
        sparks.ellipse((rng.uniform(0, ASPECT), rng.uniform(0.1, 0.95)), rng.uniform(0.001, 0.004))
    return screen(paint(canvas, below(ridge(rng, 0.92, 0.05, 4)), "#080406"), sparks.mask(), "#ffb050")


def saucer(rng: Rng) -> Canvas:
    """A flying saucer over a lonely farm, its beam on the field."""
    canvas = stars(sky("0 #060a20, .6 #1c2c5a, .8 #3a4c74, 1 #0a0e18"), rng, 700, 0.75)
    canvas = beam(canvas, (0.86, 0.1), ((0.5, 0.95), (1.25, 0.95)), "#a0ffd0", 1.5)
    canvas = paint(canvas, below(ridge(rng, 0.8, 0.05, 2, 5)), sky(".74 #1c3a34, 1 #070c10"))
    canvas = screen(canvas, spot((0.88, 0.86), 0.3, 0.05, 0.02) * 0.7, "#a0ffd0")
    farm = Shape().polygon("1.36,.82 1.36,.7 1.44,.62 1.52,.7 1.52,.82").polygon("1.56,.82 1.56,.6 1.62,.6 1.62,.82")
    for x in (0.12, 0.24, 0.34):
        figures.pine(Pen((x, 0.86), 0.3, shape=farm))
    canvas = stand(canvas, farm.ellipse((1.59, 0.6), 0.03, 0.035).mask(), "#060a10", "#a0ffd0", (-1, -0.3), 0.7)
    canvas = glow(canvas, (1.43, 0.75), 0.015, "#ffd070", 1.0)
    canvas = paint(canvas, Shape().ellipse((0.87, 0.2), 0.13, 0.1).mask(), "#7ad8c8")
    body = Shape().ellipse((0.87, 0.25), 0.38, 0.075).mask()
    canvas = paint(
        stand(canvas, body, "#4a5468", "#e8fff4", (0, -1), 0.9), body * blur(rim(body, (0, 1), 0.04), 0.01), "#101624"
    )
    for u in np.linspace(-0.31, 0.31, 9):
        canvas = glow(canvas, (0.87 + u, 0.262 + 0.035 * (1 - (u / 0.34) ** 2)), 0.017, "#ffe070", 1.0)
    cow = figures.dog(Pen((0.86, 0.66), 0.15, tilt=-20), running=False)
    return stand(canvas, shape_of(cow, 0.001), "#0c1418", "#d0ffe8", (0, -1), 0.9)


def moonwalk(rng: Rng) -> Canvas:
    """An astronaut on the moon, the earth above the horizon."""
    canvas = stars(sky("0 #020308, 1 #0a0c18"), rng, 900, 1.0)
    earth = disc((1.34, 0.3), 0.19, 0.005)
    canvas = glow(canvas, (1.34, 0.3), 0.17, "#4a90ff", 0.6)
    land = np.clip((cloud(rng, (0.16, 0.14), 6) - 0.52) * 12, 0, 1)
    globe = paint(
        paint(sky("0 #2060c0, 1 #1850a0"), land, "#4a8a4a"), np.clip(cloud(rng, (0.24, 0.07), 6) - 0.48, 0, 0.5) * 2, "#ffffff"
    )
    x, y = grid()
    canvas = paint(canvas, earth, globe * np.clip(1.2 - np.hypot(x - 1.26, y - 0.24) * 3.6, 0.05, 1)[..., None])
    dust = paint(sky(".7 #b0b0b4, 1 #5c5c62"), cloud(rng, (0.09, 0.025), 6) * 0.7, "#38383e")
    canvas = paint(canvas, below(ridge(rng, 0.76, 0.07, 2)), dust)
    for _ in range(16):
        at, size = (rng.uniform(0, ASPECT), rng.uniform(0.8, 1.0)), rng.uniform(0.015, 0.06)
        hole = Shape().ellipse(at, size, size * 0.28).mask()
        canvas = screen(paint(canvas, hole * 0.6, "#2c2c32"), blur(rim(hole, (0.4, 1), 0.008), 0.003) * 0.7, "#f0f0f0")
    suit, visor = Pen((0.66, 0.95), 0.68), Pen((0.66, 0.95), 0.68)
    figures.astronaut(suit, visor)
    canvas = paint(canvas, blur(Shape().polygon(".56,.94 .76,.94 .5,1.05 .2,1.05").mask(), 0.008) * 0.8, "#101014")
    mask = shape_of(suit)
    canvas = paint(canvas, mask, paint(sky(".2 #f4f4f0, 1 #c8c8cc"), cloud(rng, (0.05, 0.05)) * 0.3, "#8a8c94"))
    canvas = paint(canvas, blur(rim(mask, (-1, 0.3), 0.04), 0.012) * mask * 0.9, "#3c404c")
    canvas = stand(canvas, shape_of(visor), "#5a3c10", "#ffd880", (1, -0.6), 1.0)
    pack = Pen((0.66, 0.95), 0.68).patch("-.07,.68 .07,.68 .07,.58 -.07,.58")
    return paint(glow(canvas, (0.695, 0.295), 0.018, "#fff0c0", 0.9), shape_of(pack, 0.001) * 0.8, "#6a7280")
