"""Scenes: an image of a category, normal or with a defect, and the defect's exact mask."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from . import defects
from .fields import Rng, axes, noise, spots
from .kinds import Kind
from .shapes import draw

SIZE = 192  # pixels


@dataclass(frozen=True, kw_only=True)
class Scene:
    """image (size, size, 3) uint8; mask of the defect, and of the surface or object (thing), (size, size) bool."""

    image: np.ndarray
    mask: np.ndarray
    thing: np.ndarray


def variation(rng: Rng) -> dict[str, Any]:
    """Random arguments of `scene`: a smaller or larger, thinner, straighter, fainter or softer defect."""
    return {
        "scale": float(rng.choice([1.0, np.exp(rng.uniform(np.log(0.5), np.log(2.2)))], p=[0.4, 0.6])),
        "straight": bool(rng.random() < 0.3),
        "width": float(rng.choice([1.0, np.exp(rng.uniform(np.log(0.2), 0))], p=[0.3, 0.7])),
        "strength": float(rng.choice([1.0, rng.uniform(0.3, 1)])),
        "softness": float(rng.choice([0.0, rng.uniform(0.5, 4)], p=[0.7, 0.3])),
    }


def scene(
    rng: Rng,
    kind: Kind,
    defect: str | None = None,
    *,
    size: int = SIZE,
    scale: float = 1.0,
    width: float = 1.0,
    straight: bool = False,
    strength: float = 1.0,
    softness: float = 0.0,
) -> Scene:
    """Draw one image.

    Args:
        rng: the source of all randomness.
        defect: one of `kind.defects(split)`; None draws a normal image.
        size: side in pixels.
        scale: of the defect.
        width: of the lines of a scratch or crack, as a share of the usual.
        straight: whether a stain or bare patch has straight edges.
        strength: opacity of the defect, in (0, 1].
        softness: blur of the defect's edges, sd in pixels. A missing part has neither strength nor softness.
    """
    mask: np.ndarray = np.zeros((size, size), np.float32)
    if kind.surface:
        image, thing = kind.surface(rng, size), np.ones((size, size), np.float32)
    else:
        assert kind.part is not None, "a category has a surface or a part"
        ground = kind.grounds[rng.integers(len(kind.grounds))](rng, size)
        bite = (lambda silhouette: defects.bite(rng, silhouette, scale)) if defect == "missing_part" else None
        image, thing, mask = draw(rng, kind.part(rng), ground, bite)
    image = _harmless_faults(rng, np.clip(image, 0, 1).astype(np.float32))
    if defect not in (None, "missing_part"):
        form = {"width": width} if defect in defects.LINES else {}
        form |= {"straight": straight} if defect in defects.PATCHES else {}
        for _ in range(8):  # a barely visible defect is drawn again: the label must be true
            defective, mask = getattr(defects, defect)(rng, image, thing, scale, **form)
            core = mask > min(0.5, mask.max() / 2)
            if core.sum() > 120 * scale * width and np.abs(defective - image)[core].mean() > 0.14:
                break
        change = strength * (defective - image)
        if softness:
            change, mask = (cv2.GaussianBlur(field, (0, 0), softness) for field in (change, mask))
        image = image + change
    image = _camera(rng, image)
    # Blur may take a thin line below the threshold everywhere; its core is kept, so that no mask is empty.
    threshold = 0.4 if mask.max() > 0.4 else mask.max() / 2
    return Scene(image=(image * 255 + 0.5).astype(np.uint8), mask=mask > threshold, thing=thing > 0.5)


def _harmless_faults(rng: Rng, image: np.ndarray) -> np.ndarray:
    """Add faint flecks and uneven colour, which are normal."""
    size = image.shape[0]
    if rng.random() < 0.5:
        flecks = spots(rng, size, int(rng.integers(3, 25)), (0.003, 0.008))[..., None]
        image = image * (1 - flecks * rng.uniform(0.1, 0.35))
    if rng.random() < 0.5:
        image = image * (1 + rng.uniform(0.03, 0.12) * noise(rng, size, 3, 1))[..., None]
    return np.clip(image, 0, 1).astype(np.float32)


def _camera(rng: Rng, image: np.ndarray) -> np.ndarray:
    """Add light from one side, dark corners, exposure, a little blur and grain."""
    size = image.shape[0]
    u, v = axes(rng, size)
    light = 1 + rng.uniform(0, 0.35) * u - rng.uniform(0, 0.5) * (u**2 + v**2)
    image = image * (light * rng.uniform(0.85, 1.2))[..., None]
    if rng.random() < 0.4:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.3, 1.0))
    image = image + rng.standard_normal((size, size, 1), np.float32) * rng.uniform(0, 0.03)
    return np.clip(image, 0, 1).astype(np.float32)
