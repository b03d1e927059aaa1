"""Objects as flat shapes, outlines with holes and paint in units of about [-1, 1], and drawing them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from .fields import Rng, colour, cover, noise, rotation, slope

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
    surface: Callable | None = None  # a texture in place of the colour


def disc(radius: float, centre=(0.0, 0.0), points: int = 72, wobble=None) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, points, endpoint=False)
    r = radius * (1 if wobble is None else wobble(angle))
    return np.stack([centre[0] + r * np.cos(angle), centre[1] + r * np.sin(angle)], 1)


def box(x0: float, y0: float, x1: float, y1: float, corner: float = 0.0) -> np.ndarray:
    if corner <= 0:
        return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], float)
    quarter = np.linspace(0, np.pi / 2, 8)
    near, far = np.array([x0, y0]) + corner, np.array([x1, y1]) - corner
    centres = np.array([far, (near[0], far[1]), near, (far[0], near[1])])
    angles = (quarter + k * np.pi / 2 for k in range(4))
    arcs = (np.stack([np.cos(angle), np.sin(angle)], 1) for angle in angles)
    return np.concatenate([centre + corner * arc for centre, arc in zip(centres, arcs, strict=True)])


def painted(polygons: Sequence[np.ndarray], paint: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Layers of one colour."""
    return [(polygon, paint) for polygon in polygons]


def metal(rng: Rng) -> np.ndarray:
    return colour(rng, (20, 240), (0, 0.2), (0.5, 0.9))


def place(rng: Rng, size: int) -> Callable[[np.ndarray], np.ndarray]:
    """A random pose: rotation, scale and shift from object units to pixels."""
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


def draw(rng: Rng, part: Part, ground: np.ndarray, bite: Callable | None = None) -> tuple[np.ndarray, ...]:
    """Draw a part on a ground.

    Args:
        ground: image (size, size, 3).
        bite: for a missing part: silhouette -> the piece that is missing and the face where it broke, (size, size).

    Returns:
        image, silhouette, and where the damage is, all 0 without a bite.
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
    damage = np.zeros((size, size), np.float32)
    if bite is not None:
        missing, face = bite(silhouette)
        silhouette = silhouette * (1 - missing)
        raw = rng.choice([rng.uniform(0.3, 0.55), rng.uniform(1.5, 2.0)]) * paint.mean((0, 1))  # not weathered, rough
        grain = 1 + 0.3 * noise(rng, size, 40, 2)
        paint = cover(paint, raw * grain[..., None], face)
        damage = np.maximum(missing, face)
    # Light from a random side: the blurred silhouette is the height, its slope towards the light the shading.
    reach = max(1.0, part.bevel * size * 0.4)
    height = cv2.GaussianBlur(silhouette, (0, 0), reach)
    light = rng.uniform(0, 2 * np.pi)
    tone = 1 + 0.35 * reach * 2.5 * slope(height, light) + part.rough * noise(rng, size, 50, 2)
    tone = tone + 0.08 * noise(rng, size, 2, 1)
    paint = np.clip(paint * tone[..., None], 0, 1)
    offset = np.array([[1, 0, 4 * np.cos(light)], [0, 1, 4 * np.sin(light)]], np.float32)
    shadow = cv2.GaussianBlur(cv2.warpAffine(silhouette, offset, (size, size)), (0, 0), 3)
    ground = ground * (1 - rng.uniform(0.2, 0.5) * shadow[..., None])
    return cover(ground, paint, silhouette), silhouette, damage
