"""Categories to test the default on, never to train on: surfaces `(rng, size) -> image`, objects `(rng) -> Part`."""

from functools import cache, partial
from importlib.resources import files

import cv2
import numpy as np

from .fields import Rng, axes, blend, colour, noise
from .shapes import Part, box, disc, metal, painted

# ---- surfaces --------------------------------------------------------------------------------------------------------


@cache
def _photograph(name: str) -> np.ndarray:
    image = cv2.imread(str(files("skimage") / "data" / f"{name}.png"), cv2.IMREAD_GRAYSCALE)
    if image is None:
        raise FileNotFoundError(f"scikit-image is installed without its photograph {name}.png; reinstall it")
    return image.astype(np.float32) / 255


def photograph(rng: Rng, size: int, name: str, tints) -> np.ndarray:
    """A random crop of a texture photograph that ships with scikit-image, tinted, in half of the cases mirrored."""
    whole = _photograph(name)
    side = int(rng.uniform(0.4, 0.75) * min(whole.shape))
    y, x = (int(rng.integers(0, n - side + 1)) for n in whole.shape)
    crop = whole[y : y + side, x : x + side]
    if rng.random() < 0.5:
        crop = crop[:, ::-1]
    crop = cv2.resize(np.ascontiguousarray(crop), (size, size), interpolation=cv2.INTER_AREA)
    tint = colour(rng, *tints)
    return np.clip(crop[..., None] * tint * rng.uniform(1.1, 1.5), 0, 1).astype(np.float32)


brick = partial(photograph, name="brick", tints=((0, 30), (0.1, 0.55), (0.7, 1)))
gravel = partial(photograph, name="gravel", tints=((20, 60), (0, 0.25), (0.8, 1)))
grass = partial(photograph, name="grass", tints=((70, 120), (0.2, 0.6), (0.8, 1)))


def mesh(rng: Rng, size: int) -> np.ndarray:
    u, v = axes(rng, size, 0.5)
    n = rng.uniform(6, 11)
    hole = np.clip(4 * (np.cos(2 * np.pi * u * n) + np.cos(2 * np.pi * v * n) - rng.uniform(0.1, 0.5)), 0, 1)
    tone, dark = 0.7 + 0.2 * noise(rng, size, 20), np.full(3, 0.25, np.float32)
    wire = blend(tone, dark, colour(rng, (20, 60), (0, 0.4), (0.6, 0.95)))
    return wire * (1 - hole[..., None]) + np.float32(rng.uniform(0.02, 0.2)) * hole[..., None]


# ---- objects ---------------------------------------------------------------------------------------------------------


def gear(rng: Rng) -> Part:
    teeth, depth = int(rng.integers(9, 15)), rng.uniform(0.76, 0.84)
    wobble = lambda a: np.where(np.sin(teeth * a) > 0, 1.0, depth)  # noqa: E731
    tint = metal(rng)
    rim, bore, web = disc(1.0, points=40 * teeth, wobble=wobble), disc(rng.uniform(0.18, 0.3)), disc(0.6)
    return Part(outline=(rim,), holes=(bore,), colour=tint, layers=((web, tint * 0.85),))


def capsule(rng: Rng) -> Part:
    body, cap = colour(rng, value=(0.5, 1)), colour(rng, value=(0.4, 0.9))
    half = np.concatenate([[(0.0, -0.38), (0.0, 0.38)], disc(0.38, (-0.6, 0))[18:55]])
    whole = box(-0.98, -0.38, 0.98, 0.38, 0.37)
    return Part(outline=(whole,), colour=body, layers=((half, cap),), bevel=0.25, rough=0.01)


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
    body, dot = box(-0.95, -0.48, 0.95, 0.48), disc(0.07, (-0.72, 0.25))
    text = painted((box(-0.4, -0.12, 0.5, -0.04), box(-0.4, 0.08, 0.3, 0.16)), black + 0.35)
    layers = (*painted(legs, pin), (body, black), (dot, black * 2), *text)
    return Part(outline=(box(-0.95, -0.48, 0.95, 0.48, 0.03), *legs), colour=black, layers=layers)


def domino(rng: Rng) -> Part:
    face, pip = colour(rng, saturation=(0, 0.5), value=(0.6, 1)), colour(rng, value=(0.05, 0.35))
    spots = ((-1, -1), (1, 1), (1, -1), (-1, 1), (0, 0))
    layers = [(box(-0.02, -0.4, 0.02, 0.4), pip)]
    for centre in (-0.46, 0.46):
        layers += [(disc(0.075, (centre + 0.22 * x, 0.24 * y)), pip) for x, y in spots]
    return Part(outline=(box(-0.95, -0.48, 0.95, 0.48, 0.08),), colour=face, layers=tuple(layers), rough=0.01)
