"""Defects as they look in photographs: thin, faint, made of the surface's own material or of another one.

Each is `(rng, image, region, scale, other) -> (image, mask)`, as in `defects.py`, whose defects are bolder; `other`
(size, size, 3) shows another material.
"""

import cv2
import numpy as np

from .defects import anchor, blob, random_pixel
from .fields import Rng, colour, cover, noise


def point(rng: Rng, region: np.ndarray) -> np.ndarray:
    """A random point (x, y) of the region; near the image's border, a defect is cut off by it."""
    return anchor(rng, region) if rng.random() < 0.7 else random_pixel(rng, region > 0.5)


def log_uniform(rng: Rng, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def line(size: int, path: np.ndarray, width: float) -> np.ndarray:
    """An antialiased line (size, size) through points (n, 2) in pixels; thinner than a pixel, it is fainter."""
    canvas = np.zeros((4 * size, 4 * size), np.uint8)
    points = np.round(path * 64 + 24).astype(np.int32)
    cv2.polylines(canvas, [points], False, 255, max(1, round(4 * width)), cv2.LINE_AA, 4)
    return cv2.resize(canvas, (size, size), interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def fractal_path(rng: Rng, middle: np.ndarray, angle: float, length: float, rough: float) -> np.ndarray:
    """A path (65, 2) through `middle`, with bends of all sizes; rough is their share of the length."""
    t = np.linspace(0, 1, 65)
    bends = np.zeros(65)
    for n in (3, 6, 12, 24, 48):
        bends += np.interp(t, np.linspace(0, 1, n + 1), rng.standard_normal(n + 1)) / n**0.8
    along, across = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    path = length * (t[:, None] * along + rough * bends[:, None] * across)
    return path - path[32] + middle


def fading(rng: Rng, size: int) -> np.ndarray:
    """Opacity (size, size) that varies along a line."""
    return np.clip(rng.uniform(0.6, 1.3) + rng.uniform(0, 0.7) * noise(rng, size, rng.uniform(3, 9), 2), 0.25, 1)


def patch(rng: Rng, region: np.ndarray, scale: float, soft=(0.05, 0.5)) -> np.ndarray:
    """A damaged area (size, size) in [0, 1]: ragged, round, elongated or with straight edges, of any size."""
    size = len(region)
    radius = log_uniform(rng, 0.05, 0.45) * size * scale
    centre, straight = point(rng, region), rng.random() < 0.25
    if rng.random() < 0.12:  # a splinter
        turns = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(3, 6)))[:, None]
        corners = centre + 1.4 * radius * rng.uniform(0.5, 1, turns.shape) * np.hstack([np.cos(turns), np.sin(turns)])
        canvas = np.zeros((size, size), np.uint8)
        cv2.fillPoly(canvas, [np.round(16 * corners).astype(np.int32)], 255, cv2.LINE_AA, 4)
        return cv2.GaussianBlur(canvas, (0, 0), rng.uniform(0.5, 2)).astype(np.float32) / 255 * region
    shape = blob(rng, size, centre, radius, rng.uniform(0.1, 0.8), rng.uniform(*soft), straight)
    if not straight and rng.random() < 0.35:  # elongated, as if rolled or wiped
        turn = cv2.getRotationMatrix2D((0, 0), np.degrees(rng.uniform(0, np.pi)), 1.0)[:, :2]
        squeeze = turn.T @ np.diag([1.0, 1 / rng.uniform(2, 7)]) @ turn
        shape = cv2.warpAffine(shape, np.c_[squeeze, centre - squeeze @ centre], (size, size))
    return shape * region


# ---- thin defects ----------------------------------------------------------------------------------------------------


def branching_crack(rng: Rng, image, region, scale, other):
    """A thin dark crack, often across the whole image, that branches and in places fades."""
    size = len(image)
    angle, length = rng.uniform(0, 2 * np.pi), min(rng.uniform(0.25, 1.2) * scale, 1.5) * size
    width, rough = log_uniform(rng, 0.7, 4.0) * size / 192, rng.uniform(0.03, 0.3)
    trunk = fractal_path(rng, point(rng, region), angle, length, rough)
    alpha = line(size, trunk, width)
    for _ in range(rng.integers(0, 4)):
        heading, part = angle + rng.choice([-1, 1]) * rng.uniform(0.3, 1.4), rng.uniform(0.15, 0.6)
        twig = fractal_path(rng, np.zeros(2), heading, length * part, rough)
        alpha = np.maximum(
            alpha, line(size, twig - twig[0] + trunk[rng.integers(8, 60)], width * rng.uniform(0.5, 0.9))
        )
    alpha = alpha * region
    paint = image * rng.uniform(0, 0.6) if rng.random() < 0.85 else image + rng.uniform(0.2, 0.5)
    return cover(image, paint, alpha * fading(rng, size)), alpha


def thin_scratches(rng: Rng, image, region, scale, other):
    """One to four scratches, straight or slightly bent, lighter or darker; thin, or wide, soft and long."""
    size, wide = len(image), rng.random() < 0.25
    angle = rng.choice([0, np.pi / 2, rng.uniform(0, np.pi)], p=[0.15, 0.15, 0.7])
    width = log_uniform(rng, *((3.0, 14.0) if wide else (0.6, 3.0))) * size / 192
    tone = rng.choice([-1, 1]) * rng.uniform(0.12, 0.5) * (1 if rng.random() < 0.7 else colour(rng))
    alpha = np.zeros((size, size), np.float32)
    for _ in range(rng.choice([1, 1, 1, 2, 3, 4])):
        middle, length = point(rng, region), min(rng.uniform(0.2, 1.1) * scale + 0.5 * wide, 1.6) * size
        heading = angle + rng.normal(0, rng.choice([0.03, 0.4]))
        path = fractal_path(rng, middle, heading, length, rng.choice([0.0, 0.01, 0.04]))
        bend = rng.uniform(-0.4, 0.4) * length * np.linspace(-0.5, 0.5, 65)[:, None] ** 2
        alpha = np.maximum(alpha, line(size, path + bend * [-np.sin(heading), np.cos(heading)], width))
    if wide:
        alpha = np.clip(1.2 * cv2.GaussianBlur(alpha, (0, 0), width * rng.uniform(0.1, 0.5)), 0, 1)
    alpha = alpha * region
    return cover(image, image + tone, alpha * fading(rng, size)), alpha


def stripes(rng: Rng, image, region, scale, other):
    """Marks of a tool or a roller: one to five parallel stripes, close together or one over another, mostly along
    the image's side."""
    size = len(image)
    turn = rng.choice([0, np.pi / 2]) + (rng.normal(0, 0.03) if rng.random() < 0.8 else rng.uniform(0, np.pi))
    y, x = np.mgrid[0:size, 0:size].astype(np.float32)
    middle = point(rng, region)
    along = np.cos(turn) * (x - middle[0]) + np.sin(turn) * (y - middle[1])
    across = -np.sin(turn) * (x - middle[0]) + np.cos(turn) * (y - middle[1])
    alpha, offset = np.zeros((size, size), np.float32), 0.0
    for _ in range(rng.choice([1, 1, 1, 2, 3, 5])):
        width = log_uniform(rng, 1.0, 30.0) * scale * size / 192
        length = size * (4 if rng.random() < 0.6 else rng.uniform(0.2, 0.8))  # mostly across the whole image
        wander = rng.uniform(0, 1.5) * noise(rng, size, 3, 2)
        stripe = (width / 2 - np.abs(across - offset + wander)) / rng.uniform(0.7, 2) + 0.5
        end = (length / 2 - np.abs(along - rng.normal(0, 0.1) * length)) / rng.uniform(1, 12) + 0.5
        alpha = np.maximum(alpha, np.clip(stripe, 0, 1) * np.clip(end, 0, 1))
        offset += rng.choice([-1, 1]) * width * rng.uniform(1.2, 3)
    alpha = alpha * region
    tone = rng.choice([-1, 1], p=[0.35, 0.65]) * log_uniform(rng, 0.08, 0.6)
    tone = tone * (1 if rng.random() < 0.7 else colour(rng))
    rough = 1 + rng.uniform(0, 0.8) * np.interp(across, np.arange(-size, size), rng.standard_normal(2 * size))
    return cover(image, image + tone * rough[..., None], alpha * fading(rng, size)), alpha


def pits(rng: Rng, image, region, scale, other):
    """Small dark openings, one or many close together, some with a lit edge."""
    size = len(image)
    middle, count = point(rng, region), int(log_uniform(rng, 1, 25))
    spread = rng.uniform(0.03, 0.15) * np.sqrt(count) / 2 * size * scale * (count > 1)
    radius = log_uniform(rng, 1.2, 9 if count < 4 else 4) * scale * size / 192
    alpha = np.zeros((size, size), np.float32)
    for x, y in middle + rng.normal(0, 1, (count, 2)) * spread:
        r = 16 * radius * rng.uniform(0.6, 1.3)
        axes = round(r), round(r * rng.uniform(0.5, 1))
        cv2.ellipse(alpha, (round(16 * x), round(16 * y)), axes, rng.uniform(0, 180), 0, 360, 1.0, -1, cv2.LINE_AA, 4)
    alpha = cv2.GaussianBlur(alpha, (0, 0), 0.6) * region
    lit = np.roll(alpha, rng.choice([-2, -1, 1, 2], 2), (0, 1)) * region * rng.uniform(0, 0.5) * (1 - alpha)
    return cover(image * (1 + lit[..., None]), image * rng.uniform(0, 0.5), alpha), alpha


# ---- areas -----------------------------------------------------------------------------------------------------------


def discoloured(rng: Rng, image, region, scale, other):
    """Darker or lighter, some of it tinted; the surface still shows."""
    alpha = patch(rng, region, scale)
    factor: float | np.ndarray = rng.uniform(0.25, 0.8) if rng.random() < 0.65 else rng.uniform(1.25, 1.9)
    if rng.random() < 0.4:
        factor = factor * (0.5 + colour(rng, value=(0.6, 1)))
    strength = np.clip(0.8 + rng.uniform(0, 0.5) * noise(rng, len(image), rng.uniform(4, 30), 2), 0, 1)
    return cover(image, image * factor, alpha * strength), alpha


def streaks(rng: Rng, image, region, scale, other):
    """A few long flecks side by side, dark or light, like inclusions in rolled metal."""
    size = len(image)
    middle, angle, alpha = point(rng, region), rng.uniform(0, np.pi), np.zeros((size, size), np.float32)
    for _ in range(rng.integers(1, 7)):
        centre, heading = middle + rng.normal(0, 0.1, 2) * size * scale, angle + rng.normal(0, 0.08)
        path = fractal_path(rng, centre, heading, rng.uniform(0.05, 0.35) * size * scale, 0.05)
        fleck = line(size, path, rng.uniform(1.5, 7) * scale * size / 192)
        alpha = np.maximum(alpha, np.clip(1.6 * cv2.GaussianBlur(fleck, (0, 0), rng.uniform(0.5, 2)), 0, 1))
    alpha = alpha * region
    paint = image * rng.uniform(0.1, 0.7) if rng.random() < 0.75 else image + rng.uniform(0.15, 0.4)
    return cover(image, paint, alpha), alpha


def other_material(rng: Rng, image, region, scale, other):
    """Another material shows, in its own brightness or that of its surroundings."""
    alpha = patch(rng, region, scale, soft=(0.04, 0.2))
    if rng.random() < 0.5:
        other = other * (image.mean() / max(other.mean(), 0.05))
    return cover(image, other, alpha), alpha


def smoothed(rng: Rng, image, region, scale, other):
    """The surface's grain is rubbed off, in all directions or along one."""
    alpha, sd = patch(rng, region, scale, soft=(0.05, 0.25)), rng.uniform(2, 7)
    paint = cv2.GaussianBlur(image, (0, 0), sigmaX=sd, sigmaY=sd if rng.random() < 0.7 else 0.5)
    return cover(image, paint * rng.uniform(0.85, 1.15), alpha), alpha


def roughened(rng: Rng, image, region, scale, other):
    """The grain is stronger, or another one."""
    alpha = patch(rng, region, scale, soft=(0.05, 0.25))
    smooth = cv2.GaussianBlur(image, (0, 0), rng.uniform(1.5, 6))
    if rng.random() < 0.5:
        grain = (image - smooth) * rng.uniform(2, 4)
    else:
        grain = rng.uniform(0.1, 0.3) * noise(rng, len(image), rng.uniform(15, 90), 2)[..., None]
    return cover(image, smooth + grain, alpha), alpha


def shifted(rng: Rng, image, region, scale, other):
    """A piece of the surface is out of place or rotated by 180 degrees; only the pattern reveals it, not an edge."""
    alpha = patch(rng, region, scale, soft=(0.04, 0.12))
    moved = image[::-1, ::-1]
    if rng.random() < 0.7:
        offset = rng.choice([-1, 1], 2) * rng.uniform(0.03, 0.2, 2) * len(image)
        moved = np.roll(image, np.round(offset).astype(int), (0, 1))
    return cover(image, moved * rng.uniform(0.9, 1.1), alpha), alpha


FORMS = {  # by the state that captions name
    "crack": (branching_crack,),
    "scratch": (thin_scratches, stripes),
    "stain": (discoloured, streaks),
    "hole": (pits,),
    "bare_patch": (other_material, smoothed, roughened),
    "misprint": (shifted,),
}
THIN = (branching_crack, thin_scratches, stripes, pits)  # need more contrast to be visible on a grain


def visible(before: np.ndarray, after: np.ndarray, mask: np.ndarray, thin: bool) -> bool:
    """Whether a defect is large enough and changes the image by more than the surface's grain hides."""
    core = mask > min(0.5, mask.max() / 2)
    if core.sum() < 6e-4 * core.size * (1 if thin else 2):
        return False
    near = cv2.dilate(core.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    grain = np.abs(before - cv2.GaussianBlur(before, (0, 0), 2))[near].mean()
    return bool(np.abs(after - before)[core].mean() > (0.04 + 0.75 * grain if thin else 0.035 + 0.4 * grain))
