"""The figures: people, animals and machines as shapes.

A pen draws in the figure's own measure: (0, 0) is where it stands, v runs upwards, and a grown person is 1 tall.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from artwork_doors.drawing.light import Point, Points, Shape, path


class Pen:
    """Places a figure on the canvas: where it stands, how tall a person is, which way it looks, how it leans."""

    def __init__(self, at: Point, size: float, flip: bool = False, tilt: float = 0.0, shape: Shape | None = None) -> None:
        self.at, self.size, self.side, self.tilt = at, size, -1 if flip else 1, math.radians(tilt)
        self.shape = shape or Shape()

    def place(self, point: Point) -> Point:
        """A point of the figure on the canvas."""
        u, v = point
        u, v = u * math.cos(self.tilt) + v * math.sin(self.tilt), v * math.cos(self.tilt) - u * math.sin(self.tilt)
        return self.at[0] + self.side * u * self.size, self.at[1] - v * self.size

    def limb(self, points: Points, widths: float | Sequence[float], value: int = 255) -> "Pen":
        """A round-ended line that tapers."""
        points = path(points)
        each = [widths] * len(points) if isinstance(widths, (int, float)) else widths
        self.shape.stroke([self.place(point) for point in points], [width * self.size for width in each], value)
        return self

    def patch(self, points: Points, value: int = 255) -> "Pen":
        """A polygon."""
        self.shape.polygon([self.place(point) for point in path(points)], value)
        return self

    def curve(self, points: Points, value: int = 255) -> "Pen":
        """A closed curve through the points."""
        return self.patch(rounded(path(points)), value)

    def ball(self, at: Point, rx: float, ry: float | None = None, value: int = 255) -> "Pen":
        """An ellipse; it does not lean."""
        self.shape.ellipse(self.place(at), rx * self.size, (rx if ry is None else ry) * self.size, value)
        return self


def rounded(points: Sequence[Point], steps: int = 10) -> Sequence[Point]:
    """A closed Catmull-Rom curve through the points."""
    p = np.array(points)
    before, after, later = np.roll(p, 1, 0), np.roll(p, -1, 0), np.roll(p, -2, 0)
    t = np.linspace(0, 1, steps, endpoint=False)[:, None, None]
    curve = 2 * p + (after - before) * t + (2 * before - 5 * p + 4 * after - later) * t**2
    curve = (curve + (3 * p - before - 3 * after + later) * t**3) / 2  # (steps, points, 2)
    return [tuple(point) for point in curve.transpose(1, 0, 2).reshape(-1, 2)]


def person(pen: Pen, head: Point, spine: Points, arms: Sequence[Points], legs: Sequence[Points], chest: float = 0.15) -> Pen:
    """Anyone: a head, a spine (neck to hip), arms from the shoulder, legs from the hip; the last point of a leg is the toe."""
    for leg in legs:
        pen.limb(leg, [0.1, 0.075, 0.045, 0.028])
    for arm in arms:
        pen.limb(arm, [0.062, 0.05, 0.036])
    neck, hip = path(spine)
    pen.limb([(neck[0], neck[1] - 0.05), hip], [chest, chest * 0.85])
    pen.limb([neck, head], [0.055, 0.05])
    return pen.ball(head, 0.056, 0.07)


def pair_under_umbrella(pen: Pen, canopy: Pen) -> None:
    """Two from behind, arm in arm; the umbrella has a pen, and so a colour, of its own."""
    legs = ["-.17,.5 -.17,.26 -.19,.03 -.22,0", "-.09,.5 -.08,.26 -.07,.05 -.05,.02"]
    person(pen, (-0.12, 0.93), "-.13,.84 -.13,.5", ["-.23,.79 -.26,.6 -.24,.45"], legs, 0.2)
    pen.patch("-.24,.82 -.02,.82 -.01,.4 -.02,.3 -.25,.3 -.26,.4")  # his coat
    legs = [".1,.45 .1,.25 .09,.04 .08,0", ".17,.45 .17,.25 .19,.05 .21,.02"]
    person(pen, (0.1, 0.85), ".13,.76 .13,.45", [".21,.72 .24,.56 .2,.44"], legs, 0.15)
    pen.curve(".07,.74 .2,.74 .19,.58 .27,.27 .13,.24 .01,.27 .07,.58")
    pen.curve(".03,.9 .1,.94 .17,.88 .17,.73 .1,.7 .05,.74")  # her hair
    pen.limb("-.04,.76 .01,.62 .03,.72", [0.06, 0.05, 0.04]).limb(".03,.66 .02,1.14", 0.014)
    dome = [(0.58 * math.cos(a), 0.94 + 0.4 * math.sin(a)) for a in np.linspace(0, math.pi, 40)]
    canopy.patch(dome).limb("0,1.32 0,1.4", 0.016)
    for left, right in pairwise(np.linspace(-0.58, 0.58, 7)):
        canopy.ball(((left + right) / 2, 0.94), (right - left) / 2 * 0.92, 0.035, value=0)
        canopy.limb([(0.0, 1.34), (left * 0.72, 1.18), (left, 0.95)], 0.006, value=150)


def face(pen: Pen, hair: str) -> Pen:
    """A head and shoulders in profile, looking right; 1 from chin to crown, `hair` long or short."""
    pen.curve(
        "0,1 .24,.94 .37,.8 .4,.66 .385,.59 .45,.49 .505,.425 .47,.38 .425,.37 .455,.325 .425,.295 .445,.26 "
        ".405,.21 .42,.13 .37,.04 .24,.03 .13,0 .12,-.22 .3,-.42 .45,-.7 .5,-1.3 -.85,-1.3 -.78,-.62 -.4,-.34 "
        "-.27,-.12 -.3,.16 -.43,.42 -.44,.7 -.26,.94"
    )
    if hair == "long":
        return pen.curve(
            ".26,.98 .02,1.08 -.34,.98 -.52,.66 -.55,.2 -.62,-.3 -.7,-.75 -.36,-.72 -.16,-.4 -.08,.2 .1,.6 .32,.84"
        )
    return pen.curve(".36,.86 .34,1 .1,1.09 -.26,1.03 -.48,.76 -.42,.4 -.2,.5 .1,.8")


def lovers(pen: Pen) -> Pen:
    """Two in each other's arms, seen from the side, lips to lips."""
    legs = ["-.12,.5 -.13,.26 -.15,.03 -.08,0", "-.1,.5 -.06,.27 -.07,.03 0,0"]
    person(pen, (-0.055, 0.94), "-.1,.84 -.12,.5", ["-.08,.78 .04,.66 .18,.62"], legs, 0.17)
    legs = [".12,.48 .11,.27 .13,.07 .07,0", ".13,.48 .2,.28 .34,.2 .38,.13"]
    person(pen, (0.052, 0.905), ".1,.81 .12,.48", [".09,.77 0,.83 -.13,.86"], legs, 0.13)
    pen.curve(".05,.6 .18,.6 .24,.45 .27,.28 .06,.27 .04,.45")  # her dress
    return pen.curve(".05,.975 .12,.96 .16,.87 .2,.72 .13,.74 .09,.85")  # her hair


def newlyweds(suit: Pen, gown: Pen, skin: Pen, hair: Pen) -> None:
    """Groom and bride in each other's arms, she in a long gown and a veil."""
    suit.limb("-.12,.5 -.13,.26 -.15,.03 -.08,0", [0.1, 0.075, 0.05, 0.03])
    suit.limb("-.1,.5 -.06,.27 -.07,.03 0,0", [0.1, 0.075, 0.05, 0.03])
    suit.limb("-.1,.79 -.12,.5", [0.18, 0.155]).limb("-.08,.78 .04,.66 .18,.62", [0.065, 0.052, 0.04])
    gown.curve(".04,.78 .14,.78 .16,.66 .13,.58 .2,.4 .34,.12 .42,0 0,-.02 .02,.2 .05,.45 .06,.62")
    gown.curve(".06,.98 .13,.98 .2,.84 .3,.5 .4,.2 .5,.02 .34,.02 .2,.4 .14,.75")  # her veil
    skin.limb("-.1,.84 -.06,.92", 0.055).ball((-0.055, 0.935), 0.05, 0.066).ball((0.19, 0.62), 0.026)
    skin.limb(".06,.78 .075,.86", 0.05).ball((0.052, 0.905), 0.048, 0.062).limb(".09,.77 0,.83 -.12,.86", [0.05, 0.042, 0.03])
    hair.curve("-.02,.97 -.03,1.015 -.08,1.02 -.12,.98 -.115,.92 -.09,.95")
    hair.curve(".02,.955 .06,.98 .11,.95 .115,.88 .09,.86 .075,.93")


def dancers(suit: Pen, dress: Pen, skin: Pen, hair: Pen) -> None:
    """A waltz: he leads to the left, her dress sweeps to the right."""
    suit.limb("-.1,.5 -.12,.26 -.18,.03 -.11,0", [0.11, 0.085, 0.06, 0.035])
    suit.limb("-.08,.5 -.01,.3 .02,.04 .09,0", [0.11, 0.085, 0.06, 0.035])
    suit.limb("-.08,.79 -.1,.5", [0.19, 0.16]).limb("-.12,.79 -.26,.76 -.36,.88", [0.075, 0.06, 0.045])
    dress.curve(".11,.77 .25,.77 .25,.62 .22,.52 .34,.34 .6,.08 .5,-.02 .1,-.03 .02,.06 .08,.34 .13,.52 .11,.64")
    skin.limb("-.06,.84 -.03,.92", 0.055).ball((-0.02, 0.93), 0.052, 0.066).ball((-0.37, 0.9), 0.026)
    skin.limb(".2,.77 .16,.87", 0.05).ball((0.14, 0.88), 0.048, 0.062)
    skin.limb(".16,.755 .04,.8 -.08,.8", [0.05, 0.04, 0.03]).limb(".19,.755 -.1,.74 -.36,.9", [0.05, 0.036, 0.028])
    hair.curve(".02,.96 .01,1.005 -.04,1.01 -.085,.97 -.075,.9 -.05,.93")
    hair.curve(".11,.94 .15,.965 .2,.94 .21,.87 .19,.84 .165,.91").ball((0.215, 0.9), 0.04)


def comedian(suit: Pen, skin: Pen, iron: Pen) -> None:
    """At the microphone, one arm flung out, laughing."""
    legs = ["-.05,.5 -.08,.26 -.1,.03 -.16,0", ".05,.5 .1,.27 .13,.03 .2,0"]
    for leg in legs:
        suit.limb(leg, [0.11, 0.09, 0.065, 0.04])
    suit.curve("-.13,.82 0,.85 .13,.82 .12,.6 .13,.44 -.13,.44 -.12,.6")
    suit.limb(".11,.79 .26,.71 .37,.84", [0.08, 0.065, 0.05])
    suit.limb("-.11,.79 -.2,.66 -.13,.72", [0.08, 0.065, 0.05])
    skin.limb("0,.84 0,.9", 0.06).ball((0.0, 0.94), 0.06, 0.075).ball((0.39, 0.87), 0.028).ball((-0.11, 0.74), 0.028)
    skin.limb(".39,.87 .43,.92", 0.014).limb(".39,.87 .44,.88", 0.014).limb(".39,.87 .39,.93", 0.014)
    iron.limb("-.16,0 -.16,.74", 0.014).limb("-.28,0 -.04,0", 0.018)
    iron.limb("-.16,.74 -.06,.84", 0.02).ball((-0.05, 0.855), 0.026)


def trench_coat(pen: Pen) -> Pen:
    """A man with a hat, collar up, seen from behind, walking away."""
    legs = ["-.05,.45 -.06,.24 -.08,.02 -.1,0", ".05,.45 .06,.26 .06,.07 .08,.04"]
    person(pen, (0.0, 0.92), "0,.84 0,.5", [], legs, 0.2)
    pen.curve("-.15,.8 -.06,.87 .06,.87 .15,.8 .13,.55 .19,.24 0,.22 -.19,.24 -.13,.55")
    pen.limb("-.14,.78 -.19,.6 -.15,.48", [0.08, 0.07, 0.05])
    pen.limb(".14,.78 .19,.6 .15,.48", [0.08, 0.07, 0.05])
    pen.ball((0.0, 0.955), 0.125, 0.024)
    return pen.curve("-.07,.95 -.07,1.02 -.03,1.035 0,1.02 .03,1.035 .07,1.02 .07,.95")


def climber(pen: Pen) -> Pen:
    """Up a slope to the right, with pack, pole and hood."""
    legs = ["0,.5 .13,.33 .12,.1 .19,.08", "-.02,.5 -.05,.26 -.17,.02 -.11,-.02"]
    arms = [".06,.77 .16,.62 .29,.66", ".04,.77 0,.6 .1,.53"]
    person(pen, (0.13, 0.92), ".08,.84 0,.5", arms, legs, 0.16)
    pen.curve(".02,.88 -.1,.86 -.17,.7 -.15,.52 -.05,.5 .03,.7")
    return pen.limb(".29,.72 .33,.02", 0.014).ball((0.11, 0.925), 0.068, 0.078)


def kicker(skin: Pen, shirt: Pen, shorts: Pen) -> None:
    """A footballer about to strike the ball, seen from the side."""
    skin.limb("-.02,.5 .04,.27 -.02,.04 .06,0", [0.1, 0.08, 0.05, 0.035])
    skin.limb("-.06,.5 -.2,.36 -.42,.4 -.47,.33", [0.1, 0.08, 0.05, 0.035])
    skin.limb(".05,.77 .21,.72 .33,.82", [0.055, 0.048, 0.036])
    skin.limb(".02,.77 -.14,.74 -.26,.84", [0.055, 0.048, 0.036])
    skin.limb(".05,.82 .1,.91", 0.055).ball((0.11, 0.935), 0.056, 0.07)
    shirt.limb(".045,.79 -.04,.53", [0.16, 0.145])
    shirt.limb(".05,.78 .15,.74", [0.08, 0.07]).limb(".02,.78 -.08,.75", [0.08, 0.07])
    shorts.limb("-.045,.52 .02,.35", [0.13, 0.115]).limb("-.055,.52 -.16,.4", [0.13, 0.115])


def football(white: Pen, black: Pen) -> None:
    """A ball of radius 1, its patches and seams with a pen of their own."""
    white.ball((0, 0), 1.0)
    corner = [(math.cos(turn), math.sin(turn)) for turn in np.linspace(0.5, 2.5, 6)[:-1] * math.pi]
    black.patch([(0.34 * u, 0.34 * v) for u, v in corner])
    for (u, v), (s, t) in pairwise([*corner, corner[0]]):
        black.limb([(0.34 * u, 0.34 * v), (0.64 * u, 0.64 * v)], 0.045)
        black.limb([(0.64 * u, 0.64 * v), (0.5 * (u + s), 0.5 * (v + t)), (0.64 * s, 0.64 * t)], 0.04)
        black.curve(
            [
                (0.72 * u - 0.2 * v, 0.72 * v + 0.2 * u),
                (0.97 * u - 0.22 * v, 0.97 * v + 0.22 * u),
                (0.97 * u + 0.22 * v, 0.97 * v - 0.22 * u),
                (0.72 * u + 0.2 * v, 0.72 * v - 0.2 * u),
                (0.62 * u, 0.62 * v),
            ]
        )


def cheering(pen: Pen, rng: np.random.Generator) -> Pen:
    """One of a crowd, from behind, arms up; everyone a little different."""
    lean, reach = rng.uniform(-0.05, 0.05), rng.uniform(0.9, 1.25)
    for side in (-1, 1):
        hand = (side * rng.uniform(0.12, 0.26) + lean, reach + rng.uniform(-0.12, 0.12))
        pen.limb([(side * 0.13, 0.76), (side * 0.2 + lean, 0.92), hand], [0.07, 0.052, 0.036])
        pen.ball((hand[0], hand[1] + 0.015), 0.03, 0.038)
    pen.curve("-.16,.78 0,.84 .16,.78 .26,0 -.26,0")
    return pen.limb([(0.0, 0.8), (lean, 0.9)], 0.07).ball((lean, 0.93), 0.066, 0.08)


def dog(pen: Pen, running: bool = True) -> Pen:
    """A dog looking right; its back is about 0.5 high."""
    pen.curve("-.3,.5 0,.47 .28,.54 .36,.46 .31,.31 .1,.27 -.16,.34 -.33,.38")
    if running:
        pen.limb(".27,.38 .46,.27 .6,.26", [0.13, 0.065, 0.05]).limb(".24,.36 .37,.2 .51,.14", [0.12, 0.06, 0.045])
        pen.limb("-.27,.42 -.35,.24 -.56,.17 -.6,.1", [0.17, 0.09, 0.05, 0.045])
        pen.limb("-.23,.4 -.24,.2 -.42,.06 -.47,0", [0.15, 0.08, 0.05, 0.045])
    else:
        for u in (-0.29, -0.22, 0.24, 0.3):
            pen.limb([(u, 0.4), (u - 0.02 * (u < 0), 0.2), (u, 0.02), (u + 0.05, 0.01)], [0.13, 0.07, 0.05, 0.04])
    pen.limb("-.3,.46 -.46,.56 -.55,.72", [0.08, 0.05, 0.02])
    pen.limb(".28,.47 .44,.66", [0.2, 0.14]).ball((0.47, 0.68), 0.105, 0.09)
    pen.limb(".5,.66 .67,.61", [0.12, 0.07]).ball((0.68, 0.625), 0.034)
    return pen.curve(".41,.78 .45,.74 .4,.6 .33,.52 .31,.6 .35,.7")


def sitting_cat(pen: Pen) -> Pen:
    """A cat from behind, tail hanging down to the left; 1 from seat to ears."""
    pen.curve("0,.66 .13,.6 .22,.36 .27,.12 .2,0 -.2,0 -.27,.12 -.22,.36 -.13,.6")
    pen.ball((0.0, 0.73), 0.17, 0.145).patch("-.165,.76 -.145,1 -.02,.85").patch(".165,.76 .145,1 .02,.85")
    return pen.limb(".18,.06 .38,.02 .47,-.14 .42,-.32 .5,-.4", [0.09, 0.075, 0.065, 0.055, 0.03])


def bird(pen: Pen, lift: float) -> Pen:
    """A crow in flight, wings up (lift 1) or down (-1)."""
    for side in (-1, 1):
        pen.curve(
            [
                (0.0, 0.06),
                (side * 0.22, 0.1 + 0.22 * lift),
                (side * 0.52, 0.02 + 0.3 * lift),
                (side * 0.26, 0.06 * lift),
                (0.0, -0.07),
            ]
        )
    return pen.ball((0.0, 0.0), 0.07, 0.09)


def flock(rng: np.random.Generator, count: int, lowest: float, largest: float) -> Shape:
    """Birds all over the sky."""
    shape = Shape()
    for _ in range(count):
        at = (rng.uniform(0.25, 1.6), rng.uniform(0.06, lowest))
        bird(Pen(at, rng.uniform(largest / 2, largest), shape=shape), rng.uniform(-0.5, 1))
    return shape


def dragon(pen: Pen) -> Pen:
    """In flight to the left, wings spread; 1 from neck to tail's root."""
    pen.limb(".55,-.02 .2,0 -.1,.08", [0.07, 0.2, 0.17])
    pen.limb("-.1,.08 -.3,.2 -.48,.22 -.62,.14", [0.16, 0.1, 0.075, 0.07])
    pen.limb(".55,-.02 .82,-.1 1.04,-.02 1.2,.12", [0.08, 0.05, 0.03, 0.008])
    pen.patch("1.15,.1 1.3,.1 1.2,.26")
    pen.curve("-.56,.21 -.64,.2 -.8,.09 -.78,.05 -.66,.08 -.76,-.01 -.6,.04 -.54,.12")
    pen.patch("-.58,.18 -.44,.34 -.5,.17").patch("-.54,.19 -.36,.29 -.46,.15")
    for near, far in (((0.0, 0.06), -0.12), ((0.12, 0.06), 0.28)):
        u, v = near
        tips = [(far + u - 0.32, 0.74), (far + u + 0.26, 0.7), (far + u + 0.56, 0.46), (u + 0.5, 0.1)]
        web = [near, (far + u, 0.5), tips[0]]
        for a, b in pairwise(tips):
            web += [((a[0] + b[0]) / 2 - 0.04, (a[1] + b[1]) / 2 - 0.12), b]
        pen.patch([*web, (u + 0.2, v)]).limb([near, (far + u, 0.52), tips[0]], [0.09, 0.05, 0.012])
    return pen.limb(".3,-.04 .36,-.2 .46,-.22", [0.1, 0.05, 0.03]).limb("0,0 -.02,-.16 .08,-.2", [0.09, 0.05, 0.03])


def astronaut(suit: Pen, visor: Pen) -> None:
    """In a white suit, from the front, one hand up."""
    suit.limb("-.09,.46 -.11,.24 -.12,.06 -.16,.03", [0.17, 0.15, 0.13, 0.08])
    suit.limb(".09,.46 .13,.25 .14,.06 .19,.03", [0.17, 0.15, 0.13, 0.08])
    suit.curve("-.19,.78 0,.82 .19,.78 .18,.58 .16,.42 -.16,.42 -.18,.58")
    suit.limb(".18,.74 .31,.68 .36,.9", [0.13, 0.12, 0.1]).limb("-.18,.74 -.29,.58 -.26,.42", [0.13, 0.12, 0.1])
    suit.curve("-.23,.86 -.2,.94 .2,.94 .23,.86 .22,.56 -.22,.56")
    suit.ball((0.0, 0.94), 0.145, 0.145)
    visor.curve("-.1,.98 0,1.03 .1,.98 .11,.9 0,.85 -.11,.9")


def motorcycle(pen: Pen, rider: bool = True) -> Pen:
    """Seen from the side, riding right; wheels stand at u = -0.52 and 0.52."""
    for hub in (-0.52, 0.52):
        pen.shape.ring(pen.place((hub, 0.23)), 0.23 * pen.size, 0.06 * pen.size).ring(
            pen.place((hub, 0.23)), 0.06 * pen.size, 0.04 * pen.size
        )
        for turn in np.linspace(0, math.pi, 4, endpoint=False):
            du, dv = 0.2 * math.cos(turn), 0.2 * math.sin(turn)
            pen.limb([(hub - du, 0.23 - dv), (hub + du, 0.23 + dv)], 0.01)
    pen.limb(".52,.23 .36,.62", [0.04, 0.05]).limb(".36,.62 .34,.74 .22,.76", [0.04, 0.03, 0.03])
    pen.limb("-.52,.23 -.1,.26 .2,.24", [0.05, 0.08, 0.06]).limb(".2,.24 .36,.56", 0.05)
    pen.curve("-.22,.46 -.2,.16 0,.11 .2,.18 .24,.44 0,.5")  # engine
    pen.curve("-.08,.53 .06,.65 .26,.66 .34,.58 .24,.48 0,.46")  # tank
    pen.curve("-.62,.6 -.44,.58 -.2,.52 0,.56 0,.48 -.3,.42 -.56,.5")  # seat
    pen.limb("-.7,.2 -.3,.14 .1,.14", [0.07, 0.06, 0.04]).ball((0.42, 0.6), 0.07)
    if not rider:
        return pen
    pen.limb("-.2,.58 .08,.52 .02,.2 .1,.17", [0.17, 0.13, 0.08, 0.06])
    pen.limb("-.22,.6 -.1,.96", [0.19, 0.2]).limb("-.06,.96 .08,.78 .24,.78", [0.11, 0.085, 0.06])
    return pen.limb("-.08,1 -.03,1.12", 0.09).ball((0.0, 1.17), 0.11, 0.115)


def in_saddle(pen: Pen, lance: bool) -> Pen:
    """A cowboy, or a knight with a lance; (0, 0) is the saddle, for a horse looking right."""
    pen.limb("0,0 .08,-.16 .03,-.36 .11,-.38", [0.12, 0.09, 0.06, 0.04])
    pen.limb("0,.02 .01,.3", [0.14, 0.17]).limb(".03,.34 .03,.44", 0.06).ball((0.04, 0.46), 0.062, 0.075)
    pen.limb(".03,.3 .11,.16 .24,.15", [0.065, 0.055, 0.04])
    if lance:
        pen.limb(".12,-.3 .3,1.15", [0.035, 0.018]).patch(".28,1.1 .25,.86 .02,1.02")
        pen.curve("-.03,.54 .04,.57 .11,.52 .12,.4 -.03,.38")
        return pen.limb(".04,.56 -.04,.62 -.13,.54 -.16,.42", [0.03, 0.05, 0.045, 0.015])
    pen.ball((0.04, 0.5), 0.135, 0.022)
    return pen.curve("-.03,.5 -.02,.59 .02,.605 .05,.59 .08,.605 .11,.58 .11,.5")


def ship(hull: Pen, sails: Pen) -> None:
    """A three-master sailing right; 2 long, 1.6 high; sails have a pen of their own."""
    hull.curve("-1.02,.3 -.98,.06 -.7,-.1 .5,-.12 .8,.02 1,.26 .9,.2 .5,.14 -.5,.12 -.66,.3")
    hull.limb(".9,.2 1.42,.48", [0.04, 0.015])
    for mast, top in ((-0.62, 1.2), (0.0, 1.5), (0.56, 1.3)):
        hull.limb([(mast, 0.1), (mast, top + 0.08)], [0.04, 0.02]).limb(
            [(mast, top + 0.07), (mast - 0.16, top + 0.03)], [0.03, 0.01]
        )
        for low, high, half in ((0.24, 0.56, 0.3), (0.58, 0.84, 0.25), (0.86, 1.0, 0.19)):
            bottom, above = low * top, high * top
            sails.curve(
                [
                    (mast - half * 0.9, above),
                    (mast + half * 0.9, above),
                    (mast + half * 1.06, (above + bottom) / 2),
                    (mast + half, bottom),
                    (mast, bottom + 0.05),
                    (mast - half, bottom),
                    (mast - half * 0.8, (above + bottom) / 2),
                ]
            )
            hull.limb([(mast - half, above + 0.01), (mast + half, above + 0.01)], 0.014)
    sails.patch(".62,1.1 1.38,.46 .86,.36")
    for a, b in (
        ((-1.0, 0.3), (-0.62, 1.2)),
        ((-0.62, 1.2), (0.0, 1.5)),
        ((0.0, 1.5), (0.56, 1.3)),
        ((0.56, 1.34), (1.42, 0.48)),
    ):
        hull.limb([a, b], 0.007)


def pine(pen: Pen) -> Pen:
    """A fir, 1 tall."""
    for low in np.linspace(0.06, 0.84, 9):
        half = 0.3 * (1 - low) ** 0.9
        pen.patch(
            [
                (-half, low - 0.02),
                (-half * 0.5, low + 0.05),
                (0.0, low + 0.2),
                (half * 0.5, low + 0.05),
                (half, low - 0.02),
                (0.0, low + 0.03),
            ]
        )
    return pen.limb("0,0 0,.9", [0.04, 0.005])


def bare_tree(
    pen: Pen, rng: np.random.Generator, at: Point = (0.0, 0.0), length: float = 0.3, turn: float = 90.0, depth: int = 6
) -> Pen:
    """A leafless tree, 1 tall or so, branch by branch."""
    bend = turn + rng.uniform(-12, 12)
    middle = (at[0] + length / 2 * math.cos(math.radians(turn)), at[1] + length / 2 * math.sin(math.radians(turn)))
    tip = (middle[0] + length / 2 * math.cos(math.radians(bend)), middle[1] + length / 2 * math.sin(math.radians(bend)))
    pen.limb([at, middle, tip], [length * 0.2, length * 0.15, length * 0.12])
    if depth:
        for side in (-1, 1) if depth < 5 or rng.random() < 0.7 else (-1, 0, 1):
            bare_tree(pen, rng, tip, length * rng.uniform(0.62, 0.82), bend + side * rng.uniform(14, 42), depth - 1)
    return pen
