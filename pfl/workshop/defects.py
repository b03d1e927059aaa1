"""Defects of the workshop: each `(rng, image, region, scale) -> (image, mask)`.

`image` (size, size, 3) is a flawless scene, `region` (size, size) in [0, 1] is where the defect may be, and `scale`
enlarges it (close-ups use more than 1). The mask (size, size) in [0, 1] says how much each pixel was changed.
"""

import cv2
import numpy as np

from .fields import Rng, colour, cover, noise, rotation, spots

SURFACE = ("scratch", "crack", "stain", "hole", "bare_patch", "misprint")  # defects of any surface
LINES = ("scratch", "crack")  # have an argument `width`
PATCHES = ("stain", "bare_patch")  # have an argument `straight`
NEW = ("foreign_body", "corrosion")  # only in the target


def anchor(rng: Rng, region: np.ndarray) -> np.ndarray:
    """A random point (x, y) well inside the region and away from the border of the image."""
    inside = cv2.erode(region, np.ones((9, 9), np.uint8)) > 0.5
    margin = region.shape[0] // 12
    inside[:margin] = inside[-margin:] = inside[:, :margin] = inside[:, -margin:] = False
    return random_pixel(rng, inside if inside.any() else region > 0.5)


def random_pixel(rng: Rng, where: np.ndarray) -> np.ndarray:
    """A random point (x, y) at which an array (size, size) is true."""
    points = np.argwhere(where)
    return points[rng.integers(len(points)), ::-1].astype(float)


def stroke(size: int, path: np.ndarray, width: float) -> np.ndarray:
    """An antialiased line (size, size) through the points of `path` (n, 2) in pixels."""
    canvas = np.zeros((size, size), np.uint8)
    cv2.polylines(canvas, [np.round(path * 16).astype(np.int32)], False, 255, max(1, round(width)), cv2.LINE_AA, 4)
    return cv2.GaussianBlur(canvas, (0, 0), 0.6).astype(np.float32) / 255


def blob(rng: Rng, size: int, centre: np.ndarray, radius: float, ragged=0.5, soft=0.15, straight=False) -> np.ndarray:
    """An irregular patch (size, size) in [0, 1], or one with straight edges, often upright; radius in pixels."""
    y, x = np.mgrid[0:size, 0:size].astype(np.float32)
    angle, squash = rng.uniform(0, np.pi), rng.uniform(0.6, 1.0)
    if straight:
        angle, squash, ragged = rng.choice([0, np.pi / 2, angle]), rng.uniform(0.15, 1), 0.1 * ragged
    dx, dy = x - centre[0], y - centre[1]
    u, v = np.cos(angle) * dx + np.sin(angle) * dy, (-np.sin(angle) * dx + np.cos(angle) * dy) / squash
    far = np.maximum(np.abs(u), np.abs(v)) if straight else np.hypot(u, v)
    inside = 1 - far / radius + ragged * noise(rng, size, 0.6 * size / radius, 2)
    return np.clip(inside / soft, 0, 1)


def tint(rng: Rng, image: np.ndarray, mask: np.ndarray, least: float = 0.25) -> np.ndarray:
    """A colour (3,) that stands out by at least `least` from what lies under the mask."""
    under = (image * mask[..., None]).sum((0, 1)) / max(mask.sum(), 1e-6)
    for _ in range(20):
        candidate = colour(rng, value=(0, 1))
        if np.abs(candidate - under).mean() > least:
            return candidate
    return (under < 0.5).astype(np.float32)


def scratch(rng: Rng, image: np.ndarray, region: np.ndarray, scale: float = 1.0, width: float = 1.0):
    """One to three long thin lines side by side, light or dark; `width` below 1 makes them thinner."""
    size = image.shape[0]
    centre, angle, length = anchor(rng, region), rng.uniform(0, np.pi), rng.uniform(0.3, 0.6) * size * scale
    t = np.linspace(-0.5, 0.5, 20)[:, None]
    bend = rng.uniform(-0.15, 0.15) * length
    along, across = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    alpha = np.zeros((size, size), np.float32)
    for k in range(rng.integers(1, 4)):
        path = centre + length * t * along + (bend * 4 * t**2 + rng.uniform(-1, 1) * k * 6 * scale) * across
        alpha = np.maximum(alpha, stroke(size, path, rng.uniform(3.5, 6) * scale * width))
    alpha *= region
    return cover(image, tint(rng, image, alpha, 0.35), alpha * rng.uniform(0.85, 1)), alpha


def crack(rng: Rng, image: np.ndarray, region: np.ndarray, scale: float = 1.0, width: float = 1.0):
    """A jagged dark line with branches; `width` below 1 makes it thinner."""
    size = image.shape[0]

    def walk(start, angle, steps):
        path = [start]
        for _ in range(steps):
            angle += rng.normal(0, 0.45)
            path.append(path[-1] + rng.uniform(4, 9) * scale * np.array([np.cos(angle), np.sin(angle)]))
        return np.array(path)

    heading = rng.uniform(0, 2 * np.pi)
    trunk = walk(anchor(rng, region), heading, int(rng.integers(7, 14)))
    alpha = stroke(size, trunk, rng.uniform(3.5, 6) * scale * width)
    for _ in range(rng.integers(1, 4)):
        start = trunk[rng.integers(1, len(trunk))]
        twig = walk(start, heading + rng.choice([-1, 1]) * rng.uniform(0.5, 1.2), int(rng.integers(3, 7)))
        alpha = np.maximum(alpha, stroke(size, twig, rng.uniform(2.5, 4) * scale * width))
    alpha *= region
    return cover(image, image * rng.uniform(0, 0.25), alpha * rng.uniform(0.85, 1)), alpha


def stain(rng: Rng, image: np.ndarray, region: np.ndarray, scale: float = 1.0, straight: bool = False):
    """A patch of another colour through which the surface still shows; `straight` gives it straight edges."""
    size = image.shape[0]
    centre, radius = anchor(rng, region), rng.uniform(0.12, 0.22) * size * scale
    alpha = blob(rng, size, centre, radius, soft=rng.uniform(0.1, 0.3), straight=straight) * region
    paint = 0.7 * tint(rng, image, alpha, 0.3) + 0.3 * image
    return cover(image, paint, alpha * rng.uniform(0.8, 1)), alpha


def hole(rng: Rng, image: np.ndarray, region: np.ndarray, scale: float = 1.0):
    """A deep dark opening with a lit rim."""
    size = image.shape[0]
    centre, radius = anchor(rng, region), rng.uniform(0.07, 0.13) * size * scale
    alpha = blob(rng, size, centre, radius, ragged=rng.uniform(0.1, 0.5), soft=0.2) * region
    rim = np.clip(cv2.GaussianBlur(alpha, (0, 0), 1.5 * scale) * 2, 0, 1) * region
    image = cover(image, image * rng.uniform(1.2, 1.8), rim * 0.7)
    depth = np.float32(rng.uniform(0, 0.12)) * np.ones(3, np.float32)
    return cover(image, depth, alpha), np.maximum(alpha, rim * 0.6)


def bare_patch(rng: Rng, image: np.ndarray, region: np.ndarray, scale: float = 1.0, straight: bool = False):
    """A place where the surface is worn or missing: its texture is gone; `straight` gives it straight edges."""
    size = image.shape[0]
    centre, radius = anchor(rng, region), rng.uniform(0.12, 0.22) * size * scale
    alpha = blob(rng, size, centre, radius, straight=straight) * region
    under = cv2.GaussianBlur(image, (0, 0), 12)
    paint = under * rng.uniform(0.3, 0.7) if rng.random() < 0.5 else under + rng.uniform(0.2, 0.45)
    return cover(image, paint * (1 + 0.05 * noise(rng, size, 60))[..., None], alpha), alpha


def misprint(rng: Rng, image: np.ndarray, region: np.ndarray, scale: float = 1.0):
    """A piece of the same surface, rotated and in the wrong place."""
    size = image.shape[0]
    centre, source = anchor(rng, region), anchor(rng, region)
    half = rng.uniform(0.12, 0.2, 2) * size * scale
    angle = rng.uniform(30, 150)
    matrix = cv2.getRotationMatrix2D(tuple(source), angle, rng.uniform(0.6, 1.8))
    matrix[:, 2] += centre - source
    moved = cv2.warpAffine(image, matrix, (size, size), borderMode=cv2.BORDER_REFLECT)
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * half
    corners = corners @ rotation(np.radians(rng.uniform(0, 90))).T + centre
    alpha = np.zeros((size, size), np.uint8)
    cv2.fillConvexPoly(alpha, np.round(corners * 16).astype(np.int32), 255, cv2.LINE_AA, 4)
    alpha = alpha.astype(np.float32) / 255 * region
    edge = np.clip(alpha - cv2.erode(alpha, np.ones((3, 3), np.uint8)), 0, 1)
    exposure = rng.choice([rng.uniform(0.5, 0.75), rng.uniform(1.3, 1.7)])
    return cover(cover(image, moved * exposure, alpha), image * 0.2, edge * rng.uniform(0.7, 1)), alpha


def bite(rng: Rng, silhouette: np.ndarray, scale: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """The piece of an object broken off at its edge, and the rough face where it broke, both (size, size)."""
    size = silhouette.shape[0]
    edge = (silhouette > 0.5) & (cv2.erode(silhouette, np.ones((3, 3), np.uint8)) < 0.5)
    shape = blob(rng, size, random_pixel(rng, edge), rng.uniform(0.12, 0.19) * size * scale, ragged=0.35, soft=0.1)
    depth = 2 * int(rng.uniform(0.025, 0.045) * size * scale) + 1
    face = cv2.dilate(shape, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (depth, depth)))
    return shape * (silhouette > 0.5), face * (1 - shape) * (silhouette > 0.5)


# ---- defects of the target only --------------------------------------------------------------------------------------


def foreign_body(rng: Rng, image: np.ndarray, region: np.ndarray, scale: float = 1.0):
    """A thread or a pellet on the surface, with its shadow."""
    size = image.shape[0]
    if rng.random() < 0.5:
        n, angle = 14, rng.uniform(0, 2 * np.pi)
        turns = angle + np.cumsum(rng.normal(0, 0.35, n))
        steps = rng.uniform(5, 9) * scale * np.stack([np.cos(turns), np.sin(turns)], 1)
        path = anchor(rng, region) + np.cumsum(steps, 0) - steps.sum(0) / 2
        alpha = stroke(size, path, rng.uniform(4.5, 7) * scale)
    else:
        radius = rng.uniform(0.06, 0.11) * size * scale
        alpha = blob(rng, size, anchor(rng, region), radius, ragged=0.2, soft=0.15)
    shadow = cv2.GaussianBlur(np.roll(alpha, (3, 3), (0, 1)), (0, 0), 2)
    shading = 1 + 0.4 * (np.roll(alpha, (2, 2), (0, 1)) - alpha)
    paint = tint(rng, image, alpha, 0.3) * shading[..., None]
    return cover(image * (1 - 0.5 * shadow[..., None]), paint, alpha), alpha


def corrosion(rng: Rng, image: np.ndarray, region: np.ndarray, scale: float = 1.0):
    """A cluster of rust-coloured or mouldy specks."""
    size = image.shape[0]
    patch = blob(rng, size, anchor(rng, region), rng.uniform(0.14, 0.22) * size * scale, soft=0.2) * region
    specks = np.clip(spots(rng, size, int(1200 / scale**2), (0.006 * scale, 0.014 * scale)) * 1.5, 0, 1) * patch
    rust, mould = ((10, 35), (0.6, 0.95), (0.25, 0.6)), ((90, 160), (0.2, 0.5), (0.1, 0.3))
    paint = colour(rng, *(rust if rng.random() < 0.7 else mould))
    return cover(image, paint, np.maximum(specks, 0.75 * patch)), patch
