"""The target of photographs: crops of pictures inside scikit-image, half of them with a painted defect.

No picture of scikit-image is in any training. Normal and defective crops come from different blocks of a picture and
never overlap. Defects are painted on, as in DTD-Synthetic (Aota et al. 2023), by other code than those of training:
strokes of a round brush, blend modes of photo editing, relief, Poisson blending, distortion.

All pictures are in the public domain, CC0 or without known restrictions (docstrings of `skimage.data`). `moon` and
`motorcycle` are not used, since theirs name no licence.
"""

from functools import cache
from importlib.resources import files
from itertools import product

import cv2
import numpy as np

from .fields import Rng
from .kinds import PHOTOGRAPHED
from .scenes import SIZE, Scene

DEFECTS = ("scratch", "stain", "spatter", "dent", "graft", "warp")
INVISIBLE = {"sky": ("dent", "warp"), "retina": ("warp",)}  # where there is too little texture
# The picture of each category, and its square blocks: a side in pixels for a grid of them, or "x y side" of each.
SOURCES: dict[str, tuple[str, int | str]] = {
    "brick": ("brick.png", 128),
    "coffee": ("coffee.png", 100),
    "coin": (
        "coins.png",
        "19 30 48 78 34 44 129 25 52 189 25 52 255 32 42 304 13 62 22 101 46 80 103 44 131 105 44 182 101 46 242 91 56 "
        "314 102 44 23 176 42 77 172 48 132 176 44 186 167 52 249 169 50 312 152 72 15 229 62 91 243 46 142 231 62 "
        "218 238 52 274 237 54 335 244 48",
    ),
    "fur": (
        "chelsea.png",
        "50 0 50 100 0 50 150 0 50 200 0 50 250 0 50 200 50 50 250 50 50 50 150 50 100 150 50 150 150 50",
    ),
    "grass": ("grass.png", 128),
    "gravel": ("gravel.png", 128),
    "retina": ("retina.jpg", 176),
    "sky": ("hubble_deep_field.jpg", 145),
    "tissue": ("ihc.png", 128),
}


def defects_of(category: str) -> tuple[str, ...]:
    """The defects that can be seen on a category."""
    return tuple(defect for defect in DEFECTS if defect not in INVISIBLE.get(category, ()))


@cache
def picture(name: str) -> np.ndarray:
    """A picture inside scikit-image, (height, width, 3) uint8."""
    image = cv2.imread(str(files("skimage") / "data" / name), cv2.IMREAD_COLOR)
    if image is None:
        raise FileNotFoundError(f"scikit-image is installed without its picture {name}; reinstall it")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


@cache
def blocks(category: str, defective: bool) -> list[tuple[int, int, int]]:
    """The blocks (x, y, side) of normal or of defective crops, which alternate; none has a black corner."""
    name, where = SOURCES[category]
    if isinstance(where, str):
        numbers = [int(number) for number in where.split()]
        return [block for i, block in enumerate(zip(*[iter(numbers)] * 3, strict=True)) if i % 2 == defective]
    rows, columns = (range(n // where) for n in picture(name).shape[:2])
    chosen = [(x * where, y * where, where) for y, x in product(rows, columns) if (x + y) % 2 == defective]
    return [b for b in chosen if category == "sky" or _corners(picture(name), b).min() > 25]


def _corners(image: np.ndarray, block: tuple[int, int, int]) -> np.ndarray:
    x, y, side = block
    return image[y : y + side : side - 1, x : x + side : side - 1].max(-1)


def crop(rng: Rng, category: str, defective: bool) -> np.ndarray:
    """A crop of a category (192, 192, 3) in [0, 1]: most of a block, rotated by quarter turns, exposure varied."""
    places = blocks(category, defective)
    x, y, block = places[rng.integers(len(places))]
    side = int(block * (rng.uniform(0.8, 1) if category != "coin" else rng.uniform(0.96, 1)))
    x, y = x + int(rng.integers(block - side + 1)), y + int(rng.integers(block - side + 1))
    image = picture(SOURCES[category][0])[y : y + side, x : x + side].astype(np.float32) / 255
    image = np.rot90(image, int(rng.integers(4)))[:, :: int(rng.choice([-1, 1]))]
    image = np.ascontiguousarray(image) ** rng.uniform(0.85, 1.15)
    return np.clip(cv2.resize(image, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC), 0, 1)


def scene(rng: Rng, category: str, defect: str | None) -> Scene:
    """An image of a category, normal or with a defect: the first of 30 that is visible, or the most visible one."""
    image = crop(rng, category, defect is not None)
    y, x = np.mgrid[0:SIZE, 0:SIZE] / SIZE - 0.5
    thing = (np.hypot(x, y) < 0.42 if category == "coin" else np.ones((SIZE, SIZE))).astype(np.float32)
    mask = np.zeros((SIZE, SIZE), bool)
    if defect is not None:
        grain, best, normal = np.abs(image - cv2.GaussianBlur(image, (0, 0), 3)).mean(), 0.0, image
        for _ in range(30):
            painted, alpha = PAINTERS[defect](rng, normal, thing, category)
            where = alpha > 0.4
            if 0.004 < where.mean() < 0.25:
                change = np.quantile(np.abs(painted - normal).max(-1)[where], 0.7)
                if change > best:
                    image, mask, best = painted, where, change
            if best > 0.07 + 0.5 * grain:
                break
    return Scene(image=(image * 255 + 0.5).astype(np.uint8), mask=mask, thing=thing > 0.5)


def point(rng: Rng, thing: np.ndarray) -> np.ndarray:
    """A random point (x, y) of the thing, not at the border of the image."""
    inside = np.argwhere(thing[16:-16, 16:-16] > 0.5) + 16
    return inside[rng.integers(len(inside)), ::-1].astype(np.float32)


def brush(points: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """A stroke of round dabs at points (n, 2) with radii (n,), in pixels: opacity (192, 192)."""
    y, x = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32)
    opacity = np.zeros((SIZE, SIZE), np.float32)
    for (px, py), radius in zip(points, radii, strict=True):
        opacity = np.maximum(opacity, np.clip(radius + 0.5 - np.hypot(x - px, y - py), 0, 1))
    return opacity


def curve(rng: Rng, start: np.ndarray, reach: float, n: int = 80) -> np.ndarray:
    """A Bezier curve (n, 2) with four random control points about `start`."""
    controls = start + reach * rng.uniform(-1, 1, (4, 2))
    t = np.linspace(0, 1, n)[:, None]
    weights = np.hstack([(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3])
    return weights @ controls


def lumps(rng: Rng, centre: np.ndarray, radius: float) -> np.ndarray:
    """A sum of Gaussians about a centre, (192, 192): above 0.5 is a smooth irregular area."""
    y, x = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32)
    total = np.zeros((SIZE, SIZE), np.float32)
    for _ in range(rng.integers(2, 7)):
        (px, py), sd = centre + rng.normal(0, 0.6, 2) * radius, radius * rng.uniform(0.4, 0.9)
        total += np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * sd**2))
    return total


def blend(rng: Rng, image: np.ndarray) -> np.ndarray:
    """Multiply, screen, overlay or difference of an image and a random colour, the blend modes of photo editing."""
    tint = rng.uniform(0, 1) + rng.uniform(0, 0.7) * (rng.uniform(0, 1, 3) - 0.5)
    return (
        lambda: image * tint,
        lambda: 1 - (1 - image) * (1 - tint),
        lambda: np.where(image < 0.5, 2 * image * tint, 1 - 2 * (1 - image) * (1 - tint)),
        lambda: np.abs(image - tint),
    )[rng.integers(4)]()


def mixed(image: np.ndarray, paint: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    return np.clip(image + alpha[..., None] * (paint - image), 0, 1).astype(np.float32)


def scratch(rng: Rng, image: np.ndarray, thing: np.ndarray, category: str):
    """One to three curves that taper to their ends, dark or bright."""
    alpha, tint = np.zeros((SIZE, SIZE), np.float32), np.full(3, rng.choice([0.05, 0.95]))
    for _ in range(rng.integers(1, 4)):
        taper = np.sin(np.linspace(0.1, np.pi - 0.1, 80)) ** 0.5
        alpha = np.maximum(
            alpha, brush(curve(rng, point(rng, thing), rng.uniform(40, 110)), rng.uniform(0.8, 2.2) * taper)
        )
    return mixed(image, tint, alpha * thing * rng.uniform(0.3, 0.8)), alpha * thing


def stain(rng: Rng, image: np.ndarray, thing: np.ndarray, category: str):
    """A smooth area in a blend mode, some with a darker rim, as when a drop has dried."""
    field = lumps(rng, point(rng, thing), rng.uniform(10, 30))
    alpha = np.clip(6 * (field - 0.45), 0, 1) * thing
    rim = np.exp(-(((field - 0.5) / 0.12) ** 2)) * (rng.random() < 0.5)
    return mixed(image, blend(rng, image) * (1 - 0.5 * rim[..., None]), alpha * rng.uniform(0.4, 0.9)), alpha


def spatter(rng: Rng, image: np.ndarray, thing: np.ndarray, category: str):
    """Drops of very different sizes about a centre, each with a highlight."""
    n, centre = int(rng.integers(5, 30)), point(rng, thing)
    points = centre + rng.standard_normal((n, 2)) * rng.uniform(8, 28)
    radii = np.clip(1.2 * (1 + rng.pareto(1.6, n)), 1.2, 9)
    alpha, shine = brush(points, radii) * thing, brush(points - radii[:, None] / 3, radii / 4) * thing
    wet = mixed(image, blend(rng, image), alpha * rng.uniform(0.5, 0.9))
    return mixed(wet, np.ones(3), shine * alpha * rng.uniform(0, 0.8)), alpha


def dent(rng: Rng, image: np.ndarray, thing: np.ndarray, category: str):
    """A bump or dent with light from one side: brighter on one slope, darker on the other."""
    start = point(rng, thing)
    if rng.random() < 0.5:
        shape = brush(curve(rng, start, rng.uniform(15, 60)), np.full(80, rng.uniform(3, 8)))
    else:
        shape = np.clip(3 * (lumps(rng, start, rng.uniform(8, 20)) - 0.4), 0, 1)
    height, angle = cv2.GaussianBlur(shape, (0, 0), rng.uniform(1.5, 4)), rng.uniform(0, 2 * np.pi)
    dy, dx = np.gradient(height)
    light = np.cos(angle) * dx + np.sin(angle) * dy
    alpha = np.clip(2.5 * height, 0, 1) * thing
    shade = 1 + rng.uniform(0.5, 1.0) * light / max(np.abs(light).max(), 1e-6) - rng.uniform(0, 0.3) * height
    return mixed(image, image * shade[..., None], alpha), alpha


def graft(rng: Rng, image: np.ndarray, thing: np.ndarray, category: str):
    """A piece of another category's picture, joined without a visible seam (Poisson blending)."""
    others = [name for name in PHOTOGRAPHED if name != category]
    name = others[rng.integers(len(others))]
    other = crop(rng, name, bool(rng.integers(2)))
    x, y = point(rng, thing)
    shape = lumps(rng, np.array([x, y]), rng.uniform(10, 24)) * thing
    alpha = np.zeros((SIZE, SIZE), np.uint8)
    alpha[2:-2, 2:-2] = 255 * (shape > 0.5)[2:-2, 2:-2]
    if not alpha.any():
        return image, alpha
    left, top, width, height = cv2.boundingRect(alpha)
    source, target = ((255 * i + 0.5).astype(np.uint8) for i in (other, image))
    centre = (left + width // 2, top + height // 2)
    after = cv2.seamlessClone(
        source, target, alpha.copy(), centre, int(rng.choice([cv2.NORMAL_CLONE, cv2.MONOCHROME_TRANSFER]))
    )
    opacity = (alpha > 0).astype(np.float32)
    return mixed(image, after.astype(np.float32) / 255, opacity), opacity


def warp(rng: Rng, image: np.ndarray, thing: np.ndarray, category: str):
    """The pattern is twisted or pinched about a point."""
    cx, cy = point(rng, thing)
    radius, strength = rng.uniform(18, 42), rng.choice([-1, 1]) * rng.uniform(0.6, 1.0)
    y, x = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32)
    dx, dy = x - cx, y - cy
    fall = np.clip(1 - np.hypot(dx, dy) / radius, 0, 1) ** 1.5
    if rng.random() < 0.5:
        angle = 2.5 * strength * fall
        u, v = np.cos(angle) * dx - np.sin(angle) * dy, np.sin(angle) * dx + np.cos(angle) * dy
    else:
        u, v = dx * (1 - strength * fall), dy * (1 - strength * fall)
    column, row = (cx + u).astype(np.float32), (cy + v).astype(np.float32)
    after = cv2.remap(image, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    alpha = np.clip(np.hypot(u - dx, v - dy) / 6, 0, 1) * thing
    return mixed(image, after, (alpha > 0) * thing), alpha


PAINTERS = dict(zip(DEFECTS, (scratch, stain, spatter, dent, graft, warp), strict=True))
