"""Objects to pre-train the tiny CLIP on, each `(rng) -> Part`."""

import numpy as np

from . import surfaces
from .fields import Rng, colour, rotation
from .shapes import Part, box, disc, metal, painted

# ---- of a fixed form ------------------------------------------------------------------------------------------------


def washer(rng: Rng) -> Part:
    return Part(outline=(disc(0.95),), holes=(disc(rng.uniform(0.35, 0.6)),), colour=metal(rng))


def nut(rng: Rng) -> Part:
    return Part(outline=(disc(1.0, points=6),), holes=(disc(rng.uniform(0.4, 0.55)),), colour=metal(rng), bevel=0.12)


def button(rng: Rng) -> Part:
    tint, r = colour(rng), rng.uniform(0.2, 0.3)
    holes = tuple(disc(0.09, (r * np.cos(a), r * np.sin(a))) for a in np.pi / 4 + np.pi / 2 * np.arange(4))
    return Part(outline=(disc(0.95),), holes=holes, colour=tint, layers=((disc(0.7), tint * 0.85),), bevel=0.1)


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
    card = box(-0.95, -0.68, 0.95, 0.68, 0.08)
    return Part(outline=(card,), colour=paper, layers=(title, *text), bevel=0.01, rough=0.02)


# ---- of random form, for variety -------------------------------------------------------------------------------------

Layers = list[tuple[np.ndarray, np.ndarray]]


def polygon(rng: Rng) -> np.ndarray:
    return disc(1.0, points=int(rng.integers(3, 9))) * (1, rng.uniform(0.5, 1))


def ellipse(rng: Rng) -> np.ndarray:
    return disc(1.0) * (1, rng.uniform(0.35, 1))


def plate(rng: Rng) -> np.ndarray:
    h = rng.uniform(0.3, 0.95)
    return box(-0.98, -h, 0.98, h, rng.uniform(0, h))


def star(rng: Rng) -> np.ndarray:
    n, inner = int(rng.integers(4, 12)), rng.uniform(0.35, 0.85)
    return disc(1.0, points=2 * n, wobble=lambda a: np.where(np.arange(len(a)) % 2, inner, 1.0))


def flower(rng: Rng) -> np.ndarray:
    n, depth = int(rng.integers(2, 16)), rng.uniform(0.03, 0.14)
    return disc(0.88, points=20 * n, wobble=lambda a: 1 + depth * np.sin(n * a))


SILHOUETTES = (polygon, ellipse, plate, star, flower)
TEXTURES = (surfaces.spectral, surfaces.cloud, surfaces.wood, surfaces.steel, surfaces.stripes, surfaces.leather)


def assembled(rng: Rng, tint: np.ndarray) -> tuple[list[np.ndarray], Layers]:
    """Pieces on a spine, symmetric about it, some in another colour."""
    spine, layers = rng.uniform(0.05, 0.3), []
    outline = [box(-0.9, -spine, 0.9, spine)]
    for _ in range(rng.integers(2, 6)):
        w, h = rng.uniform(0.06, 0.5, 2)
        piece = box(-w, -h, w, h, rng.uniform(0, min(w, h))) if rng.random() < 0.6 else disc(w) * (1, h / w)
        piece = piece + (rng.uniform(w - 1, 1 - w), rng.choice([0, rng.uniform(0, max(0.9 - h, 0))]))
        pair = [piece, piece * (1, -1)]
        outline += pair
        layers += painted(pair, colour(rng)) if rng.random() < 0.4 else []
    return outline, layers


def legged(rng: Rng, tint: np.ndarray) -> tuple[list[np.ndarray], Layers]:
    """A body on thin legs of another colour, on two sides or four."""
    w, h, thin, n = rng.uniform(0.4, 0.75), rng.uniform(0.2, 0.6), rng.uniform(0.02, 0.08), int(rng.integers(1, 9))
    body, reach = box(-w, -h, w, h, rng.uniform(0, h)), rng.uniform(0.12, 0.3)
    upright = [box(x - thin, -h - reach, x + thin, h + reach) for x in np.linspace(0.1 - w, w - 0.1, n)]
    level = [box(-w - reach, y - thin, w + reach, y + thin) for y in np.linspace(0.1 - h, h - 0.1, (n + 1) // 2)]
    legs = (upright, level, upright + level)[rng.integers(3)]
    return [body, *legs], painted(legs, metal(rng) if rng.random() < 0.5 else colour(rng)) + [(body, tint)]


def shape(rng: Rng) -> Part:
    """A random shape with holes, spots, rows of marks or a second colour; often with a texture."""
    tint, kind = colour(rng), rng.integers(len(SILHOUETTES) + 2)
    if kind >= len(SILHOUETTES):
        outline, layers = (assembled if kind == len(SILHOUETTES) else legged)(rng, tint)
    else:
        outline, layers = [SILHOUETTES[kind](rng)], []

    def spot() -> np.ndarray:
        return disc(rng.uniform(0.08, 0.25), rng.uniform(-0.3, 0.3, 2), int(rng.integers(4, 30)))

    holes = tuple(spot() for _ in range(rng.integers(0, 3))) if rng.random() < 0.4 else ()
    textured = rng.random() < 0.35 and not layers
    if not layers and rng.random() < 0.45:  # two colours, or a band
        turn = rotation(rng.choice([0, rng.uniform(0, np.pi)]))
        far = rng.choice([-2, rng.uniform(-0.7, -0.35)])
        layers += [(box(far, -2, rng.uniform(-0.3, 0.3), 2) @ turn.T, colour(rng))]
    if rng.random() < 0.2:
        layers += [(disc(rng.uniform(0.5, 0.8)), tint * rng.uniform(0.7, 1.2))]
    if rng.random() < 0.35:
        layers += [(spot(), colour(rng)) for _ in range(rng.integers(1, 4))]
    while rng.random() < 0.5:
        layers += painted(marks(rng), colour(rng, value=(0, 1)))
    surface = TEXTURES[rng.integers(len(TEXTURES))] if textured else None
    bevel, rough = rng.uniform(0.01, 0.3), rng.uniform(0.01, 0.2)
    return Part(
        outline=(*outline,), holes=holes, layers=(*layers,), colour=tint, bevel=bevel, rough=rough, surface=surface
    )


def marks(rng: Rng) -> list[np.ndarray]:
    """Regular marks: a field or a ring of dots, lines as of print, ticks, or a frame."""
    r, kind = rng.uniform(0.04, 0.1), rng.integers(5)
    if kind == 0:
        xs, ys = (np.linspace(-w, w, int(rng.integers(1, 5))) for w in rng.uniform(0.2, 0.55, 2))
        return [disc(r, (x, y), int(rng.integers(4, 6)) * 5) for x in xs for y in ys]
    if kind == 1:
        n, radius = int(rng.integers(3, 10)), rng.uniform(0.3, 0.6)
        return [disc(r, radius * np.array([np.cos(a), np.sin(a)])) for a in 2 * np.pi * np.arange(n) / n]
    if kind == 2:
        return [box(-0.5, y, rng.uniform(0, 0.5), y + r) for y in np.linspace(-0.3, 0.3, int(rng.integers(1, 5)))]
    if kind == 3:
        n, y, long = int(rng.integers(5, 20)), rng.uniform(-0.4, 0.4), rng.uniform(0.05, 0.3)
        return [box(x - 0.015, y, x + 0.015, y + long) for x in np.linspace(-0.7, 0.7, n)]
    w, h = rng.uniform(0.15, 0.6, 2)
    upright = [box(x - 0.02, -h, x + 0.02, h) for x in (-w, 0, w)]
    return upright + [box(-w, y - 0.02, w, y + 0.02) for y in (-h, h)]
