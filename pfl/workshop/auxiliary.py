"""Categories to train the default on, unseen by the CLIP: surfaces `(rng, size) -> image`, objects `(rng) -> Part`."""

import cv2
import numpy as np

from .fields import Rng, axes, blend, cells, colour, lines, noise, shaded, slope, tone_of_each, turned, wave
from .shapes import Part, box, disc, metal

# ---- surfaces --------------------------------------------------------------------------------------------------------


def cork(rng: Rng, size: int) -> np.ndarray:
    distance, label = cells(rng, size, int(rng.integers(150, 700)))
    tones = rng.random(int(label.max()) + 1, np.float32)
    dark = tones[label] < rng.uniform(0.05, 0.15)
    tone = 0.5 + rng.uniform(0.2, 0.5) * (tones[label] - 0.5) - 0.3 * dark - 0.2 * distance
    light = colour(rng, (20, 40), (0.3, 0.65), (0.6, 0.95))
    return shaded(rng, tone + 0.1 * noise(rng, size, 60, 2), light, (0.2, 0.5))


def parquet(rng: Rng, size: int) -> np.ndarray:
    """Strips laid crosswise, square by square, each with its own tone and grain."""
    u, v = axes(rng, size, 0.8)
    n, strips = rng.uniform(2, 5), int(rng.integers(3, 7))
    u, v = u * n + rng.uniform(), v * n + rng.uniform()
    square = np.floor(u) + np.floor(v)
    along, across = (np.where(square % 2 == 0, a, b) for a, b in ((u, v), (v, u)))
    tones = tone_of_each(rng, across * strips, u, along, v)
    grain = noise(rng, size, 60, 2) * rng.uniform(0.1, 0.3)
    seams = np.maximum(lines(across * strips, 0.12), lines(along, 0.12 / strips))
    tone = 0.6 + rng.uniform(0.2, 0.6) * (tones - 0.5) + grain - rng.uniform(0.2, 0.6) * seams
    return shaded(rng, tone, colour(rng, (15, 45), (0.1, 0.65), (0.5, 0.95)), (0.1, 0.4))


def shingles(rng: Rng, size: int) -> np.ndarray:
    """Rows that overlap like scales, round or square, each darker where the next one covers it."""
    u, v = axes(rng, size, 0.3)
    n, round_ = rng.uniform(4, 10), rng.uniform(0, 0.5)
    u, v = u * n + rng.uniform(), v * n * rng.uniform(0.8, 1.6) + rng.uniform()
    shifted = u + 0.5 * (np.floor(v) % 2)
    edge = v - np.floor(v) + round_ * (0.25 - (shifted - np.floor(shifted) - 0.5) ** 2) * 4
    lower = edge > 1  # hangs over the next row
    row = np.floor(v) + lower
    shifted = u + 0.5 * (row % 2)
    depth = v - row + round_ * lower
    tones = tone_of_each(rng, row, shifted)
    tone = 0.75 + rng.uniform(0.1, 0.5) * (tones - 0.5) - rng.uniform(0.3, 0.6) * np.clip(1 - 3 * depth, 0, 1)
    tone = tone - rng.uniform(0.2, 0.5) * lines(shifted, 0.1) + 0.15 * noise(rng, size, 50, 2)
    return shaded(rng, tone, colour(rng, saturation=(0, 0.6), value=(0.5, 0.95)), (0.1, 0.4))


def knit(rng: Rng, size: int) -> np.ndarray:
    u, v = axes(rng, size, 0.5)
    n, slope = rng.uniform(8, 18), rng.uniform(0.4, 1.2)
    bend = 0.15 * noise(rng, size, 4, 2)
    column = u * n + bend
    leaning = np.abs(column - np.round(column)) * 2  # 0 in the middle of a column of stitches, 1 at its edges
    tone = wave(v * n * rng.uniform(0.9, 1.6) + slope * leaning + bend) * 0.6 + 0.35 * wave(column + 0.25) ** 0.5
    bands = wave(v * rng.uniform(1, 4)) > 0.5 if rng.random() < 0.4 else np.zeros((size, size), bool)
    one, other = colour(rng), colour(rng)
    yarn = np.where(bands[..., None], other, one)
    return (yarn * (0.3 + 0.8 * tone + 0.15 * noise(rng, size, 70, 1))[..., None]).astype(np.float32)


def honeycomb(rng: Rng, size: int) -> np.ndarray:
    u, v = axes(rng, size)
    n, wall = rng.uniform(4, 12), rng.uniform(0.08, 0.25)
    u, v = u * n + rng.uniform(), v * n + rng.uniform()
    distance = np.full((2, size, size), 9.0)  # from the nearest and the second nearest centre of a hexagonal grid
    for shift in (0, 0.5):
        du, dv = u - np.round(u - shift) - shift, v / 1.732 - np.round(v / 1.732 - shift) - shift
        for step in (-1, 0, 1):
            distance = np.sort(np.concatenate([distance, np.hypot(du + step, dv * 1.732)[None]]), 0)[:2]
    walls = np.clip(1.5 - (distance[1] - distance[0]) / wall, 0, 1)
    tone = rng.uniform(0.1, 0.5) + rng.uniform(-0.2, 0.4) * distance[0] + 0.1 * noise(rng, size, 4)
    tone = tone * (1 - walls) + walls * rng.uniform(0.6, 1)
    return blend(tone + 0.06 * noise(rng, size, 60, 1), colour(rng, value=(0, 0.5)), colour(rng, value=(0.5, 1)))


def terrazzo(rng: Rng, size: int) -> np.ndarray:
    """Chips of stone, of a few colours, in cement."""
    distance, label = cells(rng, size, int(rng.integers(120, 500)))
    chips = distance < rng.uniform(0.25, 0.5) + 0.2 * noise(rng, size, 25, 2)
    few = np.stack([colour(rng, saturation=(0, 0.7), value=(0.05, 1)) for _ in range(rng.integers(2, 6))])
    stone = few[label % len(few)] * (1 + 0.15 * noise(rng, size, 40, 2))[..., None]
    cement = colour(rng, saturation=(0, 0.3), value=(0.4, 1)) * (1 + 0.1 * noise(rng, size, 60, 2))[..., None]
    alpha = cv2.GaussianBlur(chips.astype(np.float32), (0, 0), 0.7)[..., None] * rng.uniform(0.5, 1)
    return (cement * (1 - alpha) + stone * alpha).astype(np.float32)


def treadplate(rng: Rng, size: int) -> np.ndarray:
    """Raised lozenges, neighbours at right angles, lit from one side."""
    u, v = axes(rng, size)
    n, long, thin = rng.uniform(5, 12), rng.uniform(0.35, 0.48), rng.uniform(0.1, 0.2)
    u, v = u * n + rng.uniform(), v * n + rng.uniform()
    du, dv = u - np.round(u), v - np.round(v)
    upright = (np.round(u) + np.round(v)) % 2 == 0
    du, dv = np.where(upright, du, dv), np.where(upright, dv, du)
    raised = np.clip(3 * (1 - (du / thin) ** 2 - (dv / long) ** 2), 0, 1).astype(np.float32)
    height = cv2.GaussianBlur(raised, (0, 0), rng.uniform(0.8, 2))
    light = rng.uniform(0, 2 * np.pi)
    tone = 0.5 + rng.uniform(0.8, 2) * slope(height, light) + rng.uniform(-0.2, 0.2) * height
    tone = tone + 0.1 * noise(rng, size, 3)
    shine = colour(rng, (180, 260), (0, 0.3), (0.5, 1))
    return shaded(rng, tone + 0.08 * noise(rng, size, 80, 1), shine, (0.05, 0.35))


def bark(rng: Rng, size: int) -> np.ndarray:
    """Long ridges with dark furrows between them."""
    ridges = 1 - np.abs(noise(rng, size, rng.uniform(8, 20), 3, rng.uniform(2, 5)))
    tone = turned(0.2 + 0.8 * np.clip(ridges, 0, 1) ** rng.uniform(1.5, 4), rng) + 0.2 * noise(rng, size, 40, 2)
    hue = (15, 60) if rng.random() < 0.7 else (0, 360)
    return shaded(rng, tone, colour(rng, hue, (0, 0.5), (0.4, 0.9)), (0.05, 0.4))


# ---- objects ---------------------------------------------------------------------------------------------------------


def teapot(rng: Rng) -> Part:
    glaze, band, h = colour(rng), colour(rng), rng.uniform(0.42, 0.56)
    body, lid, knob = disc(1.0) * (0.58, h), disc(1.0) * (0.3, 0.12) - (0, h), disc(0.09, (0, -h - 0.16))
    spout = np.array([(0.4, 0.15), (0.72, -0.1), (0.85, -0.5), (0.98, -0.5), (0.86, 0.1), (0.45, 0.45)])
    handle, inner = disc(0.32, (-0.66, 0)), disc(0.2, (-0.68, 0))
    layers = ((inner, glaze), (body, glaze), (box(-0.56, -0.08, 0.56, 0.08), band), (lid, glaze * 0.85), (knob, band))
    hole = inner[inner[:, 0] < -0.56]  # ends at the body
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
