"""Objects of the workshop: each `(rng) -> Part`, a silhouette with paint, drawn in the unit square about the origin."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from pfl.data import surfaces
from pfl.data.surfaces import colour, noise, rotation

Rng = np.random.Generator
SHIFT = 4  # sub-pixel bits of OpenCV's polygon filler


@dataclass(frozen=True, kw_only=True)
class Part:
    """An object: outlines (n, 2) in about [-1, 1], holes cut from them, and layers painted on top."""

    outline: tuple[np.ndarray, ...]
    colour: np.ndarray
    holes: tuple[np.ndarray, ...] = ()
    layers: tuple[tuple[np.ndarray, np.ndarray], ...] = ()  # (polygon, colour), drawn in order
    bevel: float = 0.05  # how far shading reaches in from the edge, in object units
    rough: float = 0.05  # surface grain
    surface: Callable | None = None  # what it is made of, in place of one colour


def disc(radius: float, centre=(0.0, 0.0), points: int = 72, wobble=None) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, points, endpoint=False)
    r = radius * (1 if wobble is None else wobble(angle))
    return np.stack([centre[0] + r * np.cos(angle), centre[1] + r * np.sin(angle)], 1)


def box(x0: float, y0: float, x1: float, y1: float, corner: float = 0.0) -> np.ndarray:
    if corner <= 0:
        return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], float)
    quarter = np.linspace(0, np.pi / 2, 8)
    centres = [
        (x1 - corner, y1 - corner),
        (x0 + corner, y1 - corner),
        (x0 + corner, y0 + corner),
        (x1 - corner, y0 + corner),
    ]
    return np.concatenate(
        [np.stack([cx + corner * np.cos(quarter + k * np.pi / 2), cy + corner * np.sin(quarter + k * np.pi / 2)], 1)
         for k, (cx, cy) in enumerate(centres)]
    )  # fmt: skip


def ngon(n: int, radius: float) -> np.ndarray:
    return disc(radius, points=n)


def metal(rng: Rng) -> np.ndarray:
    return colour(rng, (20, 240), (0, 0.2), (0.5, 0.9))


# ---- objects that only the tiny CLIP was shown ----------------------------------------------------------------------


def washer(rng: Rng) -> Part:
    return Part(outline=(disc(0.95),), holes=(disc(rng.uniform(0.35, 0.6)),), colour=metal(rng))


def nut(rng: Rng) -> Part:
    return Part(outline=(ngon(6, 1.0),), holes=(disc(rng.uniform(0.4, 0.55)),), colour=metal(rng), bevel=0.12)


def button(rng: Rng) -> Part:
    tint, r = colour(rng), rng.uniform(0.2, 0.3)
    holes = tuple(disc(0.09, (r * np.cos(a), r * np.sin(a))) for a in np.pi / 4 + np.pi / 2 * np.arange(4))
    return Part(outline=(disc(0.95),), holes=holes, colour=tint, layers=((disc(0.7), tint * 0.85),), bevel=0.1)


def cookie(rng: Rng) -> Part:
    phase, tint = rng.uniform(0, 6, 3), colour(rng, (22, 40), (0.35, 0.65), (0.55, 0.9))
    wobble = lambda a: 1 + 0.03 * np.sin(3 * a + phase[0]) + 0.02 * np.sin(7 * a + phase[1])  # noqa: E731
    chips = []
    for _ in range(rng.integers(6, 13)):
        a, r = rng.uniform(0, 2 * np.pi), 0.75 * np.sqrt(rng.uniform())
        chips.append((disc(rng.uniform(0.06, 0.12), (r * np.cos(a), r * np.sin(a)), 9), tint * 0.3))
    return Part(outline=(disc(0.92, wobble=wobble),), colour=tint, layers=tuple(chips), bevel=0.2, rough=0.15)


def bottle(rng: Rng) -> Part:
    tint, neck = colour(rng, (80, 240), (0.2, 0.8), (0.3, 0.8)), rng.uniform(0.13, 0.2)
    body = np.array(
        [
            (-neck, -1),
            (neck, -1),
            (neck, -0.5),
            (0.45, -0.2),
            (0.45, 0.95),
            (-0.45, 0.95),
            (-0.45, -0.2),
            (-neck, -0.5),
        ]
    )
    label = box(-0.45, 0.1, 0.45, 0.6), colour(rng, value=(0.6, 1))
    cap = box(-neck - 0.03, -1, neck + 0.03, -0.82), colour(rng)
    return Part(outline=(body,), colour=tint, layers=(label, cap), bevel=0.25)


def bolt(rng: Rng) -> Part:
    tint, width = metal(rng), rng.uniform(0.16, 0.24)
    threads = tuple((box(-width, y, width, y + 0.05), tint * 0.6) for y in np.arange(0.0, 0.92, 0.11))
    shaft, head = box(-width, -0.6, width, 0.98), box(-0.45, -0.98, 0.45, -0.55, 0.06)
    return Part(outline=(shaft, head), colour=tint, layers=threads, bevel=0.12)


def ticket(rng: Rng) -> Part:
    paper, ink = colour(rng, saturation=(0, 0.4), value=(0.75, 1)), colour(rng, value=(0.05, 0.4))
    rows = np.linspace(-0.2, 0.45, int(rng.integers(3, 6)))
    text = tuple((box(-0.75, y, rng.uniform(0.3, 0.75), y + 0.08), ink) for y in rows)
    title = box(-0.75, -0.5, rng.uniform(0.0, 0.5), -0.33), colour(rng)
    return Part(
        outline=(box(-0.95, -0.68, 0.95, 0.68, 0.08),),
        colour=paper,
        layers=(title, *text),
        bevel=0.01,
        rough=0.02,
    )


def socket(rng: Rng) -> Part:
    tint = colour(rng, saturation=(0, 0.5))
    pins = [(x, y) for x in np.linspace(-0.6, 0.6, int(rng.integers(3, 6))) for y in (-0.22, 0.22)]
    gold = colour(rng, (35, 50), (0.4, 0.7), (0.7, 0.95))
    layers = (
        (box(-0.8, -0.42, 0.8, 0.42, 0.05), tint * 0.6),
        *((box(x - 0.08, y - 0.08, x + 0.08, y + 0.08), gold) for x, y in pins),
    )
    return Part(outline=(box(-0.98, -0.6, 0.98, 0.6, 0.1),), colour=tint, layers=layers)


def ruler(rng: Rng) -> Part:
    body, ink, h = colour(rng, value=(0.5, 1)), colour(rng, value=(0, 0.35)), rng.uniform(0.14, 0.28)
    n, long = int(rng.integers(12, 33)), int(rng.choice([2, 4, 5]))
    ticks = (
        (box(x - 0.012, -h, x + 0.012, (-0.1 if i % long == 0 else -0.55) * h), ink)
        for i, x in enumerate(np.linspace(-0.92, 0.92, n))
    )
    holes = (disc(0.4 * h, (0.85, 0.4 * h)),) if rng.random() < 0.5 else ()
    return Part(outline=(box(-1, -h, 1, h),), holes=holes, colour=body, layers=tuple(ticks), bevel=0.02, rough=0.02)


def remote(rng: Rng) -> Part:
    body, h = colour(rng, saturation=(0, 0.5), value=(0.1, 0.8)), rng.uniform(0.28, 0.4)
    paint, r, corners = colour(rng, value=(0.1, 1)), rng.uniform(0.035, 0.07), int(rng.choice([4, 24]))
    keys = [
        (disc(r, (x, y), corners), paint)
        for x in np.linspace(-0.3, 0.75, int(rng.integers(4, 8)))
        for y in np.linspace(-0.6, 0.6, int(rng.integers(2, 4))) * h
    ]
    large = disc(0.5 * h, (-0.65, 0)), colour(rng)
    return Part(outline=(box(-0.98, -h, 0.98, h, 0.5 * h),), colour=body, layers=(large, *keys), rough=0.02)


def fork(rng: Rng) -> Part:
    tint, n, w = metal(rng), int(rng.integers(2, 5)), rng.uniform(0.2, 0.3)
    tines = tuple(box(0.4, y - 0.035, 0.98, y + 0.035, 0.03) for y in np.linspace(0.035 - w, w - 0.035, n))
    neck = np.array(
        [(-0.2, -0.05), (0.1, -0.06), (0.3, -w), (0.45, -w), (0.45, w), (0.3, w), (0.1, 0.06), (-0.2, 0.05)]
    )
    grip = box(-0.98, -0.11, -0.1, 0.11, 0.1)
    handle = ((grip, colour(rng)),) if rng.random() < 0.5 else ()
    return Part(outline=(grip, neck, *tines), colour=tint, layers=handle, bevel=0.04, rough=0.02)


def wrench(rng: Rng) -> Part:
    ends = [rng.uniform(0.25, 0.38) * disc(1.0) + (x, 0) for x in (-0.62, 0.62)]
    jaw = (box(0.62, -0.13, 1.2, 0.13), box(-1.2, -0.11, -0.62, 0.11))
    bore = disc(rng.uniform(0.12, 0.18), (-0.62, 0), int(rng.choice([6, 12])))
    h = rng.uniform(0.08, 0.15)
    holes = jaw if rng.random() < 0.4 else (jaw[0], bore)
    groove = ((box(-0.3, -0.4 * h, 0.3, 0.4 * h, 0.4 * h), metal(rng)),) if rng.random() < 0.5 else ()
    return Part(outline=(*ends, box(-0.6, -h, 0.6, h)), holes=holes, colour=metal(rng), layers=groove, bevel=0.06)


def plug(rng: Rng) -> Part:
    body, w = colour(rng, saturation=(0, 0.6)), rng.uniform(0.35, 0.5)
    prongs = [box(0.2, y - 0.05, 0.85, y + 0.05, 0.03) for y in np.linspace(-0.55, 0.55, int(rng.integers(2, 4))) * w]
    cord = box(-1, -0.08, -0.3, 0.08)
    shell = np.array([(-0.55, -0.5 * w), (0, -w), (0.3, -w), (0.3, w), (0, w), (-0.55, 0.5 * w)])
    ribs = [(box(x, -0.5 * w, x + 0.03, 0.5 * w), body * 0.6) for x in np.arange(-0.5, -0.1, 0.08)]
    tin = metal(rng)
    layers = (*((prong, tin) for prong in prongs), (cord, body * 0.8), (shell, body), *ribs)
    return Part(outline=(cord, shell, *prongs), colour=body, layers=layers, rough=0.03)


def watch(rng: Rng) -> Part:
    strap, face = colour(rng, value=(0.1, 0.7)), colour(rng, saturation=(0, 0.4), value=(0.1, 1))
    ink, h = np.full(3, face.mean() < 0.5, np.float32), rng.uniform(0.2, 0.3)
    hours = [(box(0.36, -0.02, 0.43, 0.02) @ rotation(a).T, ink) for a in np.linspace(0, 2 * np.pi, 12, endpoint=False)]
    hands = [
        (box(-0.05, -w, reach, w) @ rotation(rng.uniform(0, 2 * np.pi)).T, ink)
        for w, reach in ((0.025, 0.24), (0.018, 0.36))
    ]
    holes = tuple(disc(0.035, (x, 0)) for x in np.linspace(0.68, 0.9, int(rng.integers(0, 5))))
    layers = ((disc(0.55), metal(rng)), (disc(0.47), face), *hours, *hands)
    return Part(outline=(box(-1, -h, 1, h, 0.1), disc(0.55)), holes=holes, colour=strap, layers=layers)


def comb(rng: Rng) -> Part:
    n, thin, back = int(rng.integers(10, 26)), rng.uniform(0.25, 0.38), rng.uniform(0.12, 0.25)
    foot = rng.uniform(0.3, 0.5)
    step = 1.9 / n
    teeth = (box(x - thin * step, -0.2, x + thin * step, foot) for x in np.linspace(-0.93, 0.93, n))
    spine = box(-0.98, -0.2 - back, 0.98, -0.15, 0.05)
    return Part(outline=(spine, *teeth), colour=colour(rng), bevel=0.03, rough=0.02)


def hinge(rng: Rng) -> Part:
    tint, h, n = metal(rng), rng.uniform(0.5, 0.9), int(rng.integers(3, 7))
    screws = [(x, y) for x in (-0.45, 0.45) for y in np.linspace(-0.7, 0.7, int(rng.integers(2, 4))) * h]
    r = rng.uniform(0.06, 0.1)
    sunk = tuple((disc(1.6 * r, screw), tint * 0.8) for screw in screws)
    knuckles = tuple((box(-0.09, y, 0.09, y + 0.03), tint * 0.4) for y in np.linspace(-h, h, n, endpoint=False))
    pin = (box(-0.09, -h, 0.09, h), tint * 1.15)
    holes = tuple(disc(r, screw) for screw in screws)
    return Part(outline=(box(-0.75, -h, 0.75, h, 0.06),), holes=holes, colour=tint, layers=(*sunk, pin, *knuckles))


def bracket(rng: Rng) -> Part:
    w, tint = rng.uniform(0.25, 0.4), metal(rng) if rng.random() < 0.5 else colour(rng)
    arms = box(-0.7, -0.7, 0.8, w - 0.7, 0.05), box(-0.7, -0.7, w - 0.7, 0.8, 0.05)
    at, r = np.linspace(-0.1, 0.65, int(rng.integers(1, 4))), rng.uniform(0.06, 0.1)
    middle = w / 2 - 0.7
    holes = tuple(disc(r, p) for x in at for p in ((x, middle), (middle, x)))
    return Part(outline=arms, holes=holes, colour=tint, bevel=0.04)


def battery(rng: Rng) -> Part:
    sleeve, band, h = colour(rng), colour(rng), rng.uniform(0.25, 0.4)
    cut = rng.uniform(-0.4, 0.6)
    ink = colour(rng, value=(0.7, 1))
    sign = box(-0.65, -0.015, -0.5, 0.015), box(-0.59, -0.08, -0.56, 0.08)
    word = tuple((box(x, -0.09, x + 0.07, 0.09), ink) for x in np.arange(-0.3, rng.uniform(-0.1, 0.5), 0.12))
    tip = box(-0.99, -0.4 * h, -0.85, 0.4 * h)
    layers = ((box(cut, -1, 1, 1), band), (tip, metal(rng)), *((line, ink) for line in sign), *word)
    return Part(outline=(box(-0.9, -h, 0.95, h, 0.05), tip), colour=sleeve, layers=layers, bevel=0.3, rough=0.01)


def pencil(rng: Rng) -> Part:
    paint, wood, h = colour(rng), colour(rng, (25, 40), (0.3, 0.5), (0.8, 0.95)), rng.uniform(0.1, 0.16)
    body = np.array([(-0.95, -h), (0.6, -h), (0.99, 0), (0.6, h), (-0.95, h)])
    tip = np.array([(0.87, -h), (1.1, -h), (1.1, h), (0.87, h)]), colour(rng, value=(0, 0.4))
    cone, rubber = (box(0.6, -1, 1.1, 1), wood), (box(-1, -1, -0.78, 1), colour(rng, (330, 380)))
    ring = [(box(x, -1, x + 0.02, 1), metal(rng)) for x in (-0.8, -0.75, -0.7)]
    ridges = [(box(-0.68, y - 0.01, 0.6, y + 0.01), paint * 0.7) for y in (-0.35 * h, 0.35 * h)]
    return Part(outline=(body,), colour=paint, layers=(*ridges, cone, tip, rubber, *ring), bevel=0.1, rough=0.02)


def brush(rng: Rng) -> Part:
    grip, hair, w = colour(rng), colour(rng, (15, 50), (0, 0.6), (0.2, 0.9)), rng.uniform(0.22, 0.4)
    n = int(rng.integers(9, 18))
    bristles = [box(0.4, y - 0.7 * w / n, rng.uniform(0.9, 0.98), y + 0.7 * w / n) for y in np.linspace(-w, w, n)]
    ferrule = box(0.1, -w, 0.45, w), metal(rng)
    rivets = [(disc(0.03, (x, y)), ferrule[1] * 0.5) for x in (0.17, 0.37) for y in np.linspace(-0.8, 0.8, 4) * w]
    stick = np.array([(-0.98, -0.08), (-0.3, -0.12), (0.15, -w), (0.15, w), (-0.3, 0.12), (-0.98, 0.08)])
    shades = [(bristle, hair * rng.uniform(0.7, 1.1)) for bristle in bristles]
    return Part(
        outline=(stick, ferrule[0], *bristles),
        holes=(disc(0.035, (-0.88, 0)),),
        colour=grip,
        layers=(*shades, ferrule, *rivets),
    )


def peg(rng: Rng) -> Part:
    tint, open_ = colour(rng, (20, 45) if rng.random() < 0.5 else (0, 360)), rng.uniform(0.02, 0.12)
    half = np.array([(-0.98, -0.28 - open_), (-0.2, -0.2), (0.6, -0.2), (0.98, -0.1), (0.98, -0.02), (-0.98, -open_)])
    coil = [(box(x, -0.24, x + 0.03, 0.24), metal(rng) * 0.8) for x in np.arange(-0.12, 0.12, 0.06)]
    bar = box(-0.1, -0.24, 0.1, 0.24)
    return Part(
        outline=(half, half * (1, -1), bar),
        holes=(disc(0.05, (0.5, 0)),),
        colour=tint,
        layers=((bar, metal(rng) * 0.5), *coil),
        rough=0.08,
    )


def rack(rng: Rng) -> Part:
    h, thin = rng.uniform(0.25, 0.5), rng.uniform(0.03, 0.07)
    rods = [box(x - thin, -h, x + thin, h) for x in np.linspace(-0.75, 0.75, int(rng.integers(5, 12)))]
    rails = [box(-0.8, y - thin, 0.8, y + thin, thin) for y in (-h, h)]
    ends = box(-0.98, -thin, -0.7, thin), box(0.7, -thin, 0.98, thin)
    return Part(outline=(*rods, *rails, *ends), colour=metal(rng), bevel=0.05)


def spoon(rng: Rng) -> Part:
    tint, w = metal(rng) if rng.random() < 0.6 else colour(rng), rng.uniform(0.2, 0.34)
    bowl = disc(1.0) * (rng.uniform(0.28, 0.4), w) + (0.6, 0)
    h = rng.uniform(0.05, 0.09)
    stick = np.array([(-0.98, -1.4 * h), (0.35, -0.6 * h), (0.35, 0.6 * h), (-0.98, 1.4 * h)])
    hollow = 0.75 * (bowl - (0.6, 0)) + (0.6, 0), tint * rng.uniform(0.75, 1.1)
    return Part(outline=(bowl, stick, disc(1.4 * h, (-0.9, 0))), colour=tint, layers=(hollow,), bevel=0.08, rough=0.02)


def mug(rng: Rng) -> Part:
    tint, h, w = colour(rng), rng.uniform(0.55, 0.85), rng.uniform(0.4, 0.6)
    ear, r = (w + 0.02, rng.uniform(-0.1, 0.1)), rng.uniform(0.25, 0.36)
    bands = [(box(-1, y, w, y + 0.06), colour(rng)) for y in rng.uniform(-0.5, 0.5, int(rng.integers(0, 3))) * h]
    rim = box(-w, -h, w, 0.07 - h), np.minimum(tint * 1.25, 1)
    body, hole = box(-w, -h, w, h, 0.1), np.maximum(disc(0.6 * r, ear), (w + 0.02, -2))  # it ends at the body
    return Part(outline=(body, disc(r, ear)), holes=(hole,), colour=tint, layers=(*bands, rim), bevel=0.2, rough=0.02)


def switch(rng: Rng) -> Part:
    plate, n = colour(rng, saturation=(0, 0.4), value=(0.5, 1)), int(rng.integers(1, 4))
    h, tilt = rng.uniform(0.55, 0.8), rng.uniform(0.75, 0.95)
    layers = []
    for x in np.linspace(-0.6, 0.6, n) if n > 1 else [0.0]:
        layers += [
            (box(x - 0.2, -0.4, x + 0.2, 0.4, 0.03), plate * 0.75),
            (box(x - 0.17, -0.37, x + 0.17, 0.0), plate * tilt),
            (box(x - 0.17, 0.0, x + 0.17, 0.37), np.minimum(plate * 1.1, 1)),
        ]
    screws = [(disc(0.045, (0, y)), metal(rng)) for y in (-h + 0.08, h - 0.08)]
    return Part(outline=(box(-0.95, -h, 0.95, h, 0.08),), colour=plate, layers=(*layers, *screws), rough=0.01)


def spring(rng: Rng) -> Part:
    tint, n, h = metal(rng), int(rng.integers(4, 9)), rng.uniform(0.22, 0.4)
    step, thick = 1.6 / n, rng.uniform(0.03, 0.05)
    coils = []
    for i in range(n):
        x = -0.8 + i * step
        low, end = x + step / 2, x + step
        coils.append(np.array([(x - thick, h), (x + thick, h), (low + thick, -h), (low - thick, -h)]))
        coils.append(np.array([(low - thick, -h), (low + thick, -h), (end + thick, h), (end - thick, h)]))
    hooks = box(-0.98, h - thick, -0.75, h + thick), box(0.75, h - thick, 0.98, h + thick)
    shade = [(coil, tint * 0.75) for coil in coils[1::2]]
    return Part(outline=(*coils, *hooks), colour=tint, layers=tuple(shade), bevel=0.03, rough=0.02)


def coin(rng: Rng) -> Part:
    tint, dark = metal(rng) if rng.random() < 0.5 else colour(rng, (15, 50), (0.4, 0.8)), rng.uniform(0.6, 0.85)
    head, n = disc(rng.uniform(0.3, 0.42), (0, -0.08)), int(rng.choice([3, 4, 5, 6, 8]))
    if rng.random() < 0.5:  # a star in place of a head
        head = disc(0.45, points=2 * n, wobble=lambda a: np.where(np.arange(len(a)) % 2, 0.45, 1.0))
    rim, field = disc(0.85), disc(0.78)
    beads = [(disc(0.03, (0.66 * np.cos(a), 0.66 * np.sin(a)), 12), tint * dark) for a in np.linspace(0, 2 * np.pi, 28)]
    core = ((disc(0.55), metal(rng)),) if rng.random() < 0.4 else ()
    layers = ((rim, tint * dark), (field, tint), *beads, *core, (head, tint * dark))
    return Part(outline=(disc(0.95),), colour=tint, layers=layers, bevel=0.05, rough=0.02)


def calculator(rng: Rng) -> Part:
    body, w = colour(rng, saturation=(0, 0.6)), rng.uniform(0.5, 0.7)
    screen = box(0.1 - w, -0.85, w - 0.1, -0.5), colour(rng, (60, 200), (0.1, 0.4), (0.3, 0.9))
    rows, columns, paint = int(rng.integers(3, 6)), int(rng.integers(3, 6)), colour(rng)
    r = 0.3 * min(1.2 / rows, 2 * (w - 0.1) / columns)
    round_ = 0.0 if rng.random() < 0.5 else r
    last = colour(rng) if rng.random() < 0.5 else paint
    keys = [
        (box(x - r, y - r, x + r, y + r, round_), last if i == columns - 1 else paint)
        for y in np.linspace(-0.25, 0.8, rows)
        for i, x in enumerate(np.linspace(0.1 + r - w, w - 0.1 - r, columns))
    ]
    return Part(outline=(box(-w, -0.98, w, 0.98, 0.1),), colour=body, layers=(screen, *keys), rough=0.02)


def gauge(rng: Rng) -> Part:
    rim, face = colour(rng, saturation=(0, 0.4)), colour(rng, saturation=(0, 0.3), value=(0.7, 1))
    ink, n, long = colour(rng, value=(0, 0.4)), int(rng.integers(12, 30)), int(rng.choice([3, 4, 5]))
    ticks = [
        (box(0.6 if i % long else 0.5, -0.015, 0.7, 0.015) @ rotation(a).T, ink)
        for i, a in enumerate(np.linspace(0.75 * np.pi, 2.25 * np.pi, n))
    ]
    hand = np.array([(-0.15, -0.05), (0.62, 0), (-0.15, 0.05)]) @ rotation(rng.uniform(0.75, 2.25) * np.pi).T
    red = colour(rng, (340, 380), (0.7, 1), (0.5, 0.9)) if rng.random() < 0.6 else ink
    layers = ((disc(0.8), face), *ticks, (hand, red), (disc(0.09), ink))
    stem = (box(-0.12, 0.85, 0.12, 1.0),) if rng.random() < 0.5 else ()
    return Part(outline=(disc(0.95), *stem), colour=rim, layers=layers, bevel=0.08, rough=0.01)


def screwdriver(rng: Rng) -> Part:
    grip, steel, h = colour(rng), metal(rng), rng.uniform(0.15, 0.24)
    shaft = box(-0.1, -0.05, 0.9, 0.05)
    blade = np.array([(0.75, -0.05), (0.85, -0.1), (0.99, -0.08), (0.99, 0.08), (0.85, 0.1), (0.75, 0.05)])
    handle = box(-0.98, -h, -0.05, h, 0.8 * h)
    grooves = [(box(-0.85, y - 0.02, -0.25, y + 0.02), grip * 0.6) for y in (-0.5 * h, 0, 0.5 * h)]
    ring = box(-0.2, -h, -0.12, h), colour(rng)
    paint = (shaft, steel), (blade, steel), (handle, grip), *grooves, ring
    return Part(outline=(handle, shaft, blade), colour=grip, layers=paint, bevel=0.1, rough=0.02)


def hammer(rng: Rng) -> Part:
    wood, steel, w = colour(rng, (15, 45)) if rng.random() < 0.6 else colour(rng), metal(rng), rng.uniform(0.08, 0.13)
    face = box(0.45, -0.55, 0.85, -0.2, 0.03)
    claw = np.array([(0.5, 0.1), (0.62, 0.65), (0.7, 0.65), (0.8, 0.1)])
    head = box(0.5, -0.3, 0.8, 0.2)
    stick = np.array([(-0.98, -1.3 * w), (-0.5, -w), (0.9, -0.8 * w), (0.9, 0.8 * w), (-0.5, w), (-0.98, 1.3 * w)])
    grip = ((box(-1, -1, rng.uniform(-0.6, -0.2), 1), colour(rng)),) if rng.random() < 0.5 else ()
    metal_parts = tuple((part, steel) for part in (face, claw, head))
    return Part(outline=(stick, face, claw, head), colour=wood, layers=(*grip, *metal_parts), bevel=0.08)


def flange(rng: Rng) -> Part:
    tint, n, inner = metal(rng), int(rng.integers(3, 9)), rng.uniform(0.2, 0.4)
    angle = 2 * np.pi * np.arange(n) / n
    bolts = rng.random() < 0.5
    at = [0.72 * np.array([np.cos(a), np.sin(a)]) for a in angle]
    r, steel = rng.uniform(0.07, 0.12), metal(rng) * 0.8
    heads = tuple((r * ngon(6, 1.0) + p, steel) for p in at) if bolts else ()
    collar = (disc(inner + 0.14), tint * rng.uniform(0.75, 0.95))
    holes = (disc(inner),) + (() if bolts else tuple(disc(r, p) for p in at))
    rim = disc(0.95) if rng.random() < 0.6 else disc(0.92, points=12 * n, wobble=lambda a: 1 + 0.07 * np.cos(n * a))
    return Part(outline=(rim,), holes=holes, colour=tint, layers=(collar, *heads), bevel=0.06)


def wheel(rng: Rng) -> Part:
    tyre, rim, n = colour(rng, saturation=(0, 0.3), value=(0.08, 0.5)), metal(rng), int(rng.integers(3, 10))
    thin, hub = rng.uniform(0.04, 0.1), rng.uniform(0.12, 0.22)
    spokes = [(box(0, -thin, 0.66, thin) @ rotation(2 * np.pi * i / n).T, rim) for i in range(n)]
    gap = colour(rng, saturation=(0, 0.5), value=(0.05, 0.9))
    layers = ((disc(0.72), rim), (disc(0.62), gap), *spokes, (disc(hub), rim), (disc(0.4 * hub), rim * 0.4))
    return Part(outline=(disc(0.96),), colour=tyre, layers=layers, bevel=0.12, rough=0.04)


def camera(rng: Rng) -> Part:
    body, trim, h = colour(rng, value=(0.1, 0.7)), metal(rng), rng.uniform(0.42, 0.58)
    x = rng.uniform(-0.15, 0.2)
    r = rng.uniform(0.3, 0.38)
    lens = [(disc(r * k, (x, 0.05)), c) for k, c in ((1, trim), (0.82, body * 0.4), (0.5, colour(rng)), (0.2, trim))]
    top = box(-1, -h, 1, -h + 0.16), trim
    knob = box(-0.75, -h - 0.12, -0.5, -h + 0.02), box(0.3, -h - 0.18, 0.75, -h + 0.02)
    window, flash = (box(0.6, -h + 0.2, 0.85, -h + 0.35), trim * 1.2), (disc(0.06, (-0.8, -h + 0.26)), colour(rng))
    outline = (box(-0.98, -h, 0.98, h, 0.12), *knob)
    return Part(outline=outline, colour=body, layers=(top, *lens, window, flash), rough=0.06)


def pan(rng: Rng) -> Part:
    tint, base, h = colour(rng, saturation=(0, 0.4), value=(0.1, 0.7)), colour(rng), rng.uniform(0.06, 0.1)
    dish = disc(rng.uniform(0.45, 0.55), (0.42, 0))
    inside = 0.85 * (dish - (0.42, 0)) + (0.42, 0), base * 0.8
    rings = [(disc(r, (0.42, 0)), base * s) for r, s in ((0.3, 0.9), (0.24, 0.8), (0.16, 0.9), (0.1, 0.8))]
    handle = box(-0.98, -h, 0.1, h, h)
    layers = ((handle, colour(rng)), (dish, tint), inside, *rings[: int(rng.integers(0, 5))])
    return Part(outline=(dish, handle), holes=(disc(0.35 * h, (-0.88, 0)),), colour=tint, layers=layers, bevel=0.06)


def racket(rng: Rng) -> Part:
    frame, grip, string = colour(rng), colour(rng), colour(rng, value=(0.6, 1))
    long, w = rng.uniform(0.45, 0.55), rng.uniform(0.36, 0.46)
    head = disc(1.0) * (long, w) + (0.98 - long, 0)
    inside = (0.85 * (head - (0.98 - long, 0)) + (0.98 - long, 0)), string * 0.35
    thin, c, strings = 0.012, 0.98 - long, []
    for t in np.linspace(-0.8, 0.8, int(rng.integers(4, 8))):
        reach = np.sqrt(0.85**2 - t**2)  # to the frame
        x, y, half, side = t * long, t * w, reach * w, reach * long
        strings.append((box(c + x - thin, -half, c + x + thin, half), string))
        strings.append((box(c - side, y - thin, c + side, y + thin), string))
    handle = box(-0.98, -0.07, c - 0.8 * long, 0.07, 0.03)
    layers = ((box(-0.98, -0.2, -0.45, 0.2), grip), inside, *strings)
    return Part(outline=(head, handle), colour=frame, layers=layers, bevel=0.03, rough=0.02)


def stick(rng: Rng) -> Part:
    body, h = colour(rng), rng.uniform(0.24, 0.36)
    end = box(0.5, -0.7 * h, 0.98, 0.7 * h)
    slots = [(box(0.72, s * 0.35 * h - 0.045, 0.82, s * 0.35 * h + 0.045), np.zeros(3)) for s in (-1, 1)]
    label = ((box(-0.6, -0.55 * h, 0.2, 0.55 * h, 0.04), colour(rng, value=(0.6, 1))),) if rng.random() < 0.6 else ()
    light = (disc(0.04, (0.38, 0)), colour(rng, saturation=(0.6, 1), value=(0.7, 1)))
    loop = (disc(0.06, (-0.84, 0)),) if rng.random() < 0.5 else ()
    shell = box(-0.98, -h, 0.55, h, 0.5 * h)
    tin = metal(rng)
    layers = ((end, tin), *slots, (shell, body), *label, light)
    return Part(outline=(shell, end), holes=loop, colour=body, layers=layers, rough=0.02)


def leaf(rng: Rng) -> Part:
    tint, w, n = colour(rng, (20, 140)), rng.uniform(0.3, 0.55), int(rng.integers(3, 7))
    t = np.linspace(0, np.pi, 40)
    edge = w * np.sin(t) * (1 - 0.25 * np.cos(t)) * (1 + rng.uniform(0, 0.06) * np.sin(26 * t))
    x = -0.75 * np.cos(t) + 0.2
    blade = np.concatenate([np.stack([x, edge], 1), np.stack([x, -edge], 1)[::-1]])
    vein, thin = tint * rng.choice([0.65, 1.35]), 0.016
    veins = [(box(-0.98, -thin, 0.85, thin), vein)]
    for at in np.linspace(-0.35, 0.5, n):
        reach = 0.75 * np.interp(at + 0.15, x, edge)
        for side in (-1, 1):
            line = np.array([(at - thin, 0), (at + thin, 0), (at + 0.2 + thin, reach), (at + 0.2 - thin, reach)])
            veins.append((line * (1, side), vein))
    return Part(outline=(blade, box(-0.98, -0.03, -0.4, 0.03)), colour=tint, layers=tuple(veins), bevel=0.1, rough=0.08)


# ---- the same, of no particular kind --------------------------------------------------------------------------------


def shape(rng: Rng) -> Part:
    """A random shape, with holes, patches, rows of marks or a second colour; often a surface of its own."""
    kind = rng.integers(12)
    outline: tuple[np.ndarray, ...]
    layers: list[tuple[np.ndarray, np.ndarray]] = []
    tint = colour(rng)
    if kind == 0:
        n, inner = int(rng.integers(4, 12)), rng.uniform(0.35, 0.85)
        outline = (disc(1.0, points=2 * n, wobble=lambda a: np.where(np.arange(len(a)) % 2, inner, 1.0)),)
    elif kind == 1:
        arm = rng.uniform(0.2, 0.5)
        corner = np.array([(-arm, -1), (arm, -1), (arm, -arm)])
        quarter = np.array([(0, 1), (-1, 0)])
        outline = (np.concatenate([corner @ np.linalg.matrix_power(quarter, k) for k in range(4)]),)
    elif kind == 2:
        outline = (ngon(int(rng.integers(3, 9)), 1.0) * (1, rng.uniform(0.5, 1)),)
    elif kind == 3:
        outline = (disc(1.0) * (1, rng.uniform(0.35, 1)),)
    elif kind == 4:
        p, q = rng.uniform(0, 6, 2), rng.uniform(0.05, 0.2, 2)
        outline = (disc(0.85, wobble=lambda a: 1 + q[0] * np.sin(2 * a + p[0]) + q[1] * np.sin(3 * a + p[1])),)
    elif kind == 5:  # a flower
        n, depth = int(rng.integers(4, 16)), rng.uniform(0.03, 0.14)
        outline = (disc(0.88, points=20 * n, wobble=lambda a: 1 + depth * np.sin(n * a)),)
    elif kind == 6:  # a plate
        h = rng.uniform(0.3, 0.95)
        outline = (box(-0.98, -h, 0.98, h, rng.uniform(0, h)),)
    elif kind == 7:  # a comb or a handle
        h, n, w = rng.uniform(0.15, 0.4), int(rng.integers(1, 9)), rng.uniform(0.03, 0.1)
        prongs = tuple(box(x - w, 0, x + w, rng.uniform(0.7, 0.9)) for x in np.linspace(-0.8, 0.8, n))
        outline = (box(-0.98, -h, 0.98, h, rng.uniform(0, h)), *prongs)
    elif kind == 8:  # battlements: square teeth along straight edges
        h, n, deep = rng.uniform(0.3, 0.8), int(rng.integers(3, 10)), rng.uniform(0.06, 0.2)
        foot = 0 if rng.random() < 0.4 else -h - deep  # on one edge or on two
        teeth = (box(x0, foot, x1, h + deep) for x0, x1 in np.linspace(-0.95, 0.95, 2 * n).reshape(n, 2))
        outline = (box(-0.95, -h, 0.95, h), *teeth)
    elif kind == 9:  # two bodies joined by a bar
        ends = [rng.uniform(0.2, 0.5) * ngon(int(rng.choice([3, 4, 5, 6, 40])), 1.0) for _ in range(2)]
        h = rng.uniform(0.05, 0.2)
        outline = (ends[0] - (0.5, 0), ends[1] * (1, rng.uniform(0.5, 1)) + (0.5, 0), box(-0.5, -h, 0.5, h))
    elif kind == 10:  # pieces put together, alike on both sides of an axis
        pieces = []
        for _ in range(rng.integers(2, 6)):
            w, h = rng.uniform(0.06, 0.5, 2)
            piece = box(-w, -h, w, h, rng.uniform(0, min(w, h))) if rng.random() < 0.6 else disc(w) * (1, h / w)
            piece = piece + (rng.uniform(w - 1, 1 - w), rng.choice([0, rng.uniform(0, max(0.9 - h, 0))]))
            pair = [piece, piece * (1, -1)]
            pieces += pair
            if rng.random() < 0.4:
                paint = colour(rng)
                layers += [(p, paint) for p in pair]
        spine = rng.uniform(0.05, 0.3)
        outline = (box(-0.9, -spine, 0.9, spine), *pieces)
    else:  # a body on thin legs of another colour, on one to four sides
        w, h, thin, n = rng.uniform(0.4, 0.75), rng.uniform(0.2, 0.6), rng.uniform(0.02, 0.08), int(rng.integers(1, 9))
        body, reach = box(-w, -h, w, h, rng.uniform(0, h)), rng.uniform(0.12, 0.3)
        upright = [box(x - thin, -h - reach, x + thin, h + reach) for x in np.linspace(0.1 - w, w - 0.1, n)]
        level = [box(-w - reach, y - thin, w + reach, y + thin) for y in np.linspace(0.1 - h, h - 0.1, (n + 1) // 2)]
        legs = [upright, level, upright + level][rng.integers(3)]
        paint = metal(rng) if rng.random() < 0.5 else colour(rng)
        outline, layers = (body, *legs), [(leg, paint) for leg in legs] + [(body, tint)]
    spot = lambda: disc(rng.uniform(0.08, 0.25), rng.uniform(-0.3, 0.3, 2), int(rng.integers(4, 30)))  # noqa: E731
    holes = tuple(spot() for _ in range(rng.integers(0, 3))) if rng.random() < 0.4 else ()
    if not layers and rng.random() < 0.45:  # two colours, or a band; legs have brought theirs
        turn = rotation(rng.choice([0, rng.uniform(0, np.pi)]))
        far = rng.choice([-2, rng.uniform(-0.7, -0.35)])
        layers.append((box(far, -2, rng.uniform(-0.3, 0.3), 2) @ turn.T, colour(rng)))
    if rng.random() < 0.2:
        layers.append((disc(rng.uniform(0.5, 0.8)), tint * rng.uniform(0.7, 1.2)))
    if rng.random() < 0.35:
        layers += [(spot(), colour(rng)) for _ in range(rng.integers(1, 4))]
    while rng.random() < 0.5:
        layers += marks(rng)
    textured = kind < 11 and rng.random() < 0.35  # the layer that hides where legs meet the body would cover it
    return Part(
        outline=outline,
        holes=holes,
        layers=tuple(layers),
        colour=tint,
        bevel=rng.uniform(0.01, 0.3),
        rough=rng.uniform(0.01, 0.2),
        surface=TEXTURES[rng.integers(len(TEXTURES))] if textured else None,
    )


TEXTURES = (surfaces.spectral, surfaces.cloud, surfaces.wood, surfaces.steel, surfaces.stripes, surfaces.leather)


def marks(rng: Rng) -> list[tuple[np.ndarray, np.ndarray]]:
    """Regular marks of one colour: a row, a field or a ring of dots, lines as of print, ticks, or a frame."""
    ink, r, kind = colour(rng, value=(0, 1)), rng.uniform(0.04, 0.1), rng.integers(5)
    if kind == 0:
        xs, ys = (np.linspace(-w, w, int(rng.integers(1, 5))) for w in rng.uniform(0.2, 0.55, 2))
        return [(disc(r, (x, y), int(rng.integers(4, 6)) * 5), ink) for x in xs for y in ys]
    if kind == 1:
        n, radius = int(rng.integers(3, 10)), rng.uniform(0.3, 0.6)
        return [(disc(r, radius * np.array([np.cos(a), np.sin(a)])), ink) for a in 2 * np.pi * np.arange(n) / n]
    if kind == 2:
        rows = np.linspace(-0.3, 0.3, int(rng.integers(1, 5)))
        return [(box(-0.5, y, rng.uniform(0, 0.5), y + r), ink) for y in rows]
    if kind == 3:
        n, y, long = int(rng.integers(5, 20)), rng.uniform(-0.4, 0.4), rng.uniform(0.05, 0.3)
        return [(box(x - 0.015, y, x + 0.015, y + long), ink) for x in np.linspace(-0.7, 0.7, n)]
    w, h = rng.uniform(0.15, 0.6, 2)
    upright = [(box(x - 0.02, -h, x + 0.02, h), ink) for x in (-w, 0, w)]
    return upright + [(box(-w, y - 0.02, w, y + 0.02), ink) for y in (-h, h)]


# ---- auxiliary objects ----------------------------------------------------------------------------------------------


def teapot(rng: Rng) -> Part:
    glaze, band, h = colour(rng), colour(rng), rng.uniform(0.42, 0.56)
    body, lid, knob = disc(1.0) * (0.58, h), disc(1.0) * (0.3, 0.12) - (0, h), disc(0.09, (0, -h - 0.16))
    spout = np.array([(0.4, 0.15), (0.72, -0.1), (0.85, -0.5), (0.98, -0.5), (0.86, 0.1), (0.45, 0.45)])
    handle, inner = disc(0.32, (-0.66, 0)), disc(0.2, (-0.68, 0))
    layers = ((inner, glaze), (body, glaze), (box(-0.56, -0.08, 0.56, 0.08), band), (lid, glaze * 0.85), (knob, band))
    # Where the hole of the handle meets the body, the body goes on.
    hole = inner[inner[:, 0] < -0.56]
    return Part(outline=(body, lid, knob, spout, handle), holes=(hole,), colour=glaze, layers=layers, bevel=0.2)


def guitar(rng: Rng) -> Part:
    wood, dark = colour(rng, (10, 45), (0.3, 0.9), (0.4, 0.9)), colour(rng, saturation=(0, 0.5), value=(0.05, 0.35))
    w = rng.uniform(0.32, 0.42)
    body = (disc(1.0) * (0.36, w + 0.06) + (0.6, 0), disc(1.0) * (0.28, w - 0.04) + (0.15, 0))
    neck, head = box(-0.85, -0.06, 0.1, 0.06), box(-1.0, -0.11, -0.78, 0.11, 0.03)
    frets = [(box(x, -0.06, x + 0.015, 0.06), wood) for x in np.arange(-0.75, 0.0, 0.09)]
    layers = ((disc(0.13, (0.25, 0)), dark), (box(0.68, -0.14, 0.74, 0.14), dark), (neck, dark), *frets, (head, dark))
    return Part(outline=(*body, neck, head), colour=wood, layers=layers, bevel=0.04, rough=0.03)


def umbrella(rng: Rng) -> Part:
    one, other, n = colour(rng), colour(rng), int(rng.integers(4, 8))
    angle = np.linspace(np.pi, 2 * np.pi, 40)
    ribs = np.linspace(-0.95, 0.95, n + 1)
    hem = np.stack([np.linspace(0.95, -0.95, 60), 0.08 - 0.12 * np.abs(np.sin(np.linspace(0, n * np.pi, 60)))], 1)
    dome = np.concatenate([np.stack([0.95 * np.cos(angle), 0.8 * np.sin(angle)], 1), hem])
    panes = [(np.array([(0, -0.8), (a, 0.1), (b, 0.1)]), other) for a, b in zip(ribs[::2], ribs[1::2], strict=False)]
    stick, grip = box(-0.03, -0.95, 0.03, 0.85), box(-0.06, 0.6, 0.06, 0.98, 0.05)
    handle = ((box(-0.03, 0.05, 0.03, 0.85), one * 0.4), (grip, other * 0.5))
    return Part(outline=(dome, stick, grip), colour=one, layers=(*panes, *handle), bevel=0.1, rough=0.02)


def envelope(rng: Rng) -> Part:
    paper, h, tip = colour(rng, saturation=(0, 0.6), value=(0.5, 1)), rng.uniform(0.5, 0.68), rng.uniform(0, 0.3)
    flap, fold = np.array([(-0.95, -h), (0.95, -h), (0, tip)]), np.array([(-0.95, -h), (0.95, -h), (0, tip - 0.05)])
    seal = (disc(rng.uniform(0.08, 0.16), (0, tip - 0.05)), colour(rng))
    lines = [(box(-0.3, y, 0.3, y + 0.04), paper * 0.4) for y in (h - 0.16, h - 0.28)] if tip < 0.1 else []
    layers = ((flap, paper * 0.75), (fold, paper * 0.93), seal, *lines)
    return Part(outline=(box(-0.95, -h, 0.95, h),), colour=paper, layers=layers, bevel=0.02, rough=0.02)


def bell(rng: Rng) -> Part:
    bronze, top, y = colour(rng, (25, 60), (0, 0.8), (0.5, 0.95)), rng.uniform(0.28, 0.4), np.linspace(0, 1, 24)
    wide = (top + (0.85 - top) * y**3) * np.sqrt(np.clip(4 * y, 0, 1))
    side = np.stack([wide, -0.75 + 1.35 * y], 1)
    body, ring, clapper = np.concatenate([side, side[::-1] * (-1, 1)]), disc(0.2, (0, -0.8)), disc(0.16, (0, 0.68))
    bands = [(box(-0.42, y, 0.42, y + 0.05), bronze * 0.7) for y in rng.uniform(-0.4, 0.1, 2)]
    lip = box(-0.82, 0.5, 0.82, 0.6), bronze * 0.8
    layers = ((clapper, bronze * 0.6), (body, bronze), *bands, lip)
    return Part(outline=(body, ring, clapper), holes=(disc(0.1, (0, -0.86)),), colour=bronze, layers=layers, bevel=0.25)


def boat(rng: Rng) -> Part:
    hull_, sail, stripe = colour(rng), colour(rng, saturation=(0, 0.6), value=(0.6, 1)), colour(rng)
    hull = np.array([(-0.95, 0.4), (0.95, 0.4), (0.65, 0.85), (-0.7, 0.85)])
    big = np.array([(0.06, -0.92), (rng.uniform(0.55, 0.85), 0.3), (0.06, 0.3)])
    small = np.array([(-0.06, -0.8), (-0.06, 0.3), (-rng.uniform(0.4, 0.7), 0.3)])
    mast, line = box(-0.035, -0.98, 0.035, 0.45), np.array([(-0.86, 0.53), (0.86, 0.53), (0.8, 0.62), (-0.8, 0.62)])
    ports = [(disc(0.05, (x, 0.73)), sail) for x in np.linspace(-0.4, 0.4, int(rng.integers(0, 5)))]
    seams = [(box(0.06, y, 0.6 * (y + 0.92) / 1.3, y + 0.02), sail * 0.8) for y in (-0.4, -0.1)]
    layers = ((mast, hull_ * 0.5), (big, sail), (small, stripe), *seams, (hull, hull_), (line, stripe), *ports)
    return Part(outline=(hull, big, small, mast), colour=sail, layers=layers, bevel=0.05, rough=0.02)


def saw(rng: Rng) -> Part:
    steel, grip, n = metal(rng), colour(rng, value=(0.15, 0.8)), int(rng.integers(10, 24))
    tip, deep = rng.uniform(0.08, 0.2), rng.uniform(0.05, 0.09)
    x = np.linspace(0.98, -0.45, 2 * n + 1)
    teeth = np.stack([x, 0.32 - deep * (np.arange(2 * n + 1) % 2)], 1)
    blade = np.concatenate([[(-0.45, -0.22), (0.98, 0.32 - deep - tip)], teeth])
    handle, hole = box(-1.0, -0.36, -0.4, 0.4, 0.16), box(-0.86, -0.16, -0.58, 0.2, 0.1)
    screws = [(disc(0.05, (-0.48, y)), steel) for y in (-0.12, 0.2)]
    return Part(outline=(blade, handle), holes=(hole,), colour=steel, layers=((handle, grip), *screws), bevel=0.04)


def mushroom(rng: Rng) -> Part:
    cap_, stem_, w = colour(rng), colour(rng, saturation=(0, 0.3), value=(0.6, 1)), rng.uniform(0.16, 0.28)
    angle, h = np.linspace(np.pi, 2 * np.pi, 40), rng.uniform(0.6, 0.95)
    cap = np.stack([0.92 * np.cos(angle), h * np.sin(angle) + 0.1], 1)
    cap = np.concatenate([cap, [(0.8, 0.22), (-0.8, 0.22)]])
    stem = np.array([(-w, 0.1), (w, 0.1), (1.3 * w, 0.95), (-1.3 * w, 0.95)])
    dots = [(x, y) for x in (-0.5, -0.15, 0.25, 0.55) for y in rng.uniform(-0.45, 0, 1)]
    spots = [(disc(rng.uniform(0.06, 0.12), p), stem_) for p in dots] if rng.random() < 0.7 else []
    gills = (box(-0.78, 0.12, 0.78, 0.22), stem_ * 0.8)
    layers = ((stem, stem_), (cap, cap_), gills, *spots)
    return Part(outline=(cap, stem), colour=cap_, layers=layers, bevel=0.2, rough=0.03)


def shirt(rng: Rng) -> Part:
    cloth, trim, n = colour(rng), colour(rng), int(rng.integers(3, 7))
    half = [(0.2, -0.85), (0.45, -0.8), (0.98, -0.3), (0.72, -0.02), (0.5, -0.25), (0.5, 0.92)]
    body = np.array(half + [(-x, y) for x, y in half[::-1]])
    collar = np.array([(-0.22, -0.86), (0.22, -0.86), (0, -0.55)])
    front = box(-0.05, -0.6, 0.05, 0.92)
    buttons = [(disc(0.035, (0, y)), trim) for y in np.linspace(-0.4, 0.75, n)]
    pocket = [(box(0.16, -0.35, 0.4, -0.08), cloth * 0.85)] if rng.random() < 0.6 else []
    bands = [(box(-0.5, y, 0.5, y + 0.07), trim) for y in np.arange(0.0, 0.85, 0.2)] if rng.random() < 0.4 else []
    layers = (*bands, *pocket, (front, cloth * 0.9), *buttons, (collar, trim))
    return Part(outline=(body,), colour=cloth, layers=layers, bevel=0.06, rough=0.08)


def abacus(rng: Rng) -> Part:
    frame, bead, rods, n = colour(rng, value=(0.15, 0.8)), colour(rng), int(rng.integers(3, 6)), int(rng.integers(3, 8))
    outer, back = box(-0.95, -0.75, 0.95, 0.75, 0.06), colour(rng, saturation=(0, 0.4), value=(0.5, 1))
    layers = [(box(-0.83, -0.63, 0.83, 0.63), back)]
    r = min(0.1, 0.5 / rods)
    for y in np.linspace(-0.48, 0.48, rods):
        layers.append((box(-0.83, y - 0.02, 0.83, y + 0.02), frame * 0.6))
        layers += [(disc(r, (-0.7 + 1.9 * r * i, y), 20), bead) for i in range(n) if -0.7 + 1.9 * r * i < 0.7]
    return Part(outline=(outer,), colour=frame, layers=tuple(layers), bevel=0.05, rough=0.04)


# ---- target objects -------------------------------------------------------------------------------------------------


def gear(rng: Rng) -> Part:
    teeth, depth = int(rng.integers(9, 15)), rng.uniform(0.76, 0.84)
    wobble = lambda a: np.where(np.sin(teeth * a) > 0, 1.0, depth)  # noqa: E731
    tint = metal(rng)
    rim, bore, web = disc(1.0, points=40 * teeth, wobble=wobble), disc(rng.uniform(0.18, 0.3)), disc(0.6)
    return Part(outline=(rim,), holes=(bore,), colour=tint, layers=((web, tint * 0.85),))


def capsule(rng: Rng) -> Part:
    body, cap = colour(rng, value=(0.5, 1)), colour(rng, value=(0.4, 0.9))
    half = np.concatenate([[(0.0, -0.38), (0.0, 0.38)], disc(0.38, (-0.6, 0))[18:55]])
    return Part(
        outline=(box(-0.98, -0.38, 0.98, 0.38, 0.37),),
        colour=body,
        layers=((half, cap),),
        bevel=0.25,
        rough=0.01,
    )


def key(rng: Rng) -> Part:
    tint = colour(rng, (30, 230), (0, 0.45), (0.55, 0.9))
    cuts = rng.uniform(0.02, 0.16, 5)
    blade = [(-0.3, -0.13), (0.98, -0.13)] + [(0.9 - 0.2 * i, 0.2 - c) for i, c in enumerate(cuts)] + [(-0.3, 0.2)]
    bow = disc(0.42, (-0.56, 0))
    return Part(outline=(bow, np.array(blade)), holes=(disc(0.15, (-0.68, 0)),), colour=tint)


def chip(rng: Rng) -> Part:
    black, pin = colour(rng, saturation=(0, 0.2), value=(0.1, 0.3)), metal(rng)
    n = int(rng.integers(4, 8))
    xs = np.linspace(-0.75, 0.75, n)
    legs = tuple(box(x - 0.05, side * 0.4, x + 0.05, side * 0.8) for x in xs for side in (-1, 1))
    paint = tuple((leg, pin) for leg in legs)
    mark = (
        (disc(0.07, (-0.72, 0.25)), black * 2),
        (box(-0.4, -0.12, 0.5, -0.04), black + 0.35),
        (box(-0.4, 0.08, 0.3, 0.16), black + 0.35),
    )
    return Part(
        outline=(box(-0.95, -0.48, 0.95, 0.48, 0.03), *legs),
        colour=black,
        layers=(*paint, (box(-0.95, -0.48, 0.95, 0.48), black), *mark),
    )


def domino(rng: Rng) -> Part:
    face, pip = colour(rng, saturation=(0, 0.5), value=(0.6, 1)), colour(rng, value=(0.05, 0.35))
    spots = ((-1, -1), (1, 1), (1, -1), (-1, 1), (0, 0))
    layers = [(box(-0.02, -0.4, 0.02, 0.4), pip)]
    for centre in (-0.46, 0.46):
        layers += [(disc(0.075, (centre + 0.22 * x, 0.24 * y)), pip) for x, y in spots]
    return Part(outline=(box(-0.95, -0.48, 0.95, 0.48, 0.08),), colour=face, layers=tuple(layers), rough=0.01)


# ---- drawing --------------------------------------------------------------------------------------------------------


def place(rng: Rng, size: int) -> Callable[[np.ndarray], np.ndarray]:
    """A random pose: turn, scale and shift of object units to pixels."""
    angle, scale = rng.uniform(0, 2 * np.pi), rng.uniform(0.34, 0.45) * size
    turn = scale * rotation(angle)
    centre = size * (0.5 + rng.uniform(-0.06, 0.06, 2))
    return lambda points: points @ turn.T + centre


def fill(polygons, pose: Callable, size: int) -> np.ndarray:
    """Antialiased union of polygons (size, size) in [0, 1]."""
    mask = np.zeros((size, size), np.uint8)
    for polygon in polygons:
        cv2.fillPoly(mask, [np.round(pose(polygon) * 2**SHIFT).astype(np.int32)], 255, cv2.LINE_AA, SHIFT)
    return mask.astype(np.float32) / 255


def draw(
    rng: Rng, part: Part, ground: np.ndarray, bite: Callable | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Lay a part on a ground.

    Args:
        ground: image (size, size, 3).
        bite: for a missing part: silhouette -> the piece of it that is gone and the face where it broke, (size, size).

    Returns:
        image, silhouette, and where the damage is (None without a bite).
    """
    size = ground.shape[0]
    pose = place(rng, size)
    silhouette = fill(part.outline, pose, size) * (1 - fill(part.holes, pose, size))
    paint = np.tile(part.colour, (size, size, 1)).astype(np.float32)
    if part.surface is not None:
        paint = part.surface(rng, size)
    for polygon, tint in part.layers:
        inside = fill((polygon,), pose, size)[..., None]
        paint = paint * (1 - inside) + np.clip(tint, 0, 1).astype(np.float32) * inside
    damage = None
    if bite is not None:
        missing, face = bite(silhouette)
        silhouette = silhouette * (1 - missing)
        raw = rng.choice([rng.uniform(0.3, 0.55), rng.uniform(1.5, 2.0)]) * paint.mean((0, 1))  # not weathered, rough
        grain = 1 + 0.3 * noise(rng, size, 40, 2)
        paint = blend_mask(paint, np.clip(raw * grain[..., None], 0, 1), face)
        damage = np.maximum(missing, face)
    # Light from a random side: a blurred silhouette is a height, its slope along the light is the shading.
    reach = max(1.0, part.bevel * size * 0.4)
    height = cv2.GaussianBlur(silhouette, (0, 0), reach)
    light = rng.uniform(0, 2 * np.pi)
    slope = (np.gradient(height, axis=1) * np.cos(light) + np.gradient(height, axis=0) * np.sin(light)) * reach * 2.5
    tone = 1 + 0.35 * slope + part.rough * noise(rng, size, 50, 2) + 0.08 * noise(rng, size, 2, 1)
    paint = np.clip(paint * tone[..., None], 0, 1)
    offset = np.float32([[1, 0, 4 * np.cos(light)], [0, 1, 4 * np.sin(light)]])
    shadow = cv2.GaussianBlur(cv2.warpAffine(silhouette, offset, (size, size)), (0, 0), 3)
    ground = ground * (1 - rng.uniform(0.2, 0.5) * shadow[..., None])
    image = blend_mask(ground, paint, silhouette)
    return image, silhouette, damage


def blend_mask(below: np.ndarray, above: np.ndarray, mask: np.ndarray) -> np.ndarray:
    mask = mask[..., None]
    return (below * (1 - mask) + above * mask).astype(np.float32)
