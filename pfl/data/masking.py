"""Masks of own folders: which pixels are marked as defective, decided by the values in the file.

The rule: black is the background, and everything else is marked. Where marked areas have soft edges, a pixel is marked
from half their value; in a JPEG, whose black is not quite 0, from 128. A palette is read by its colours, and where a
mask is transparent it is background. A mask that this rule does not decide is refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from . import formats
from .formats import LOSSY, Unusable

SMALL_IDS = 40  # values up to this are ids of classes; soft edges of so dark a mask would be hardly visible
COMMON = 8  # a mask has at most so many values, ...
MOSTLY = 0.9  # ... except for this share of its pixels


@dataclass(frozen=True)
class Mask:
    """What is known of a mask: its shape as shown, what it marks, and why it cannot be used ("" if it can).

    photograph: it has so many values that it is no mask at all; inverted: it marks most of the image, and its border.
    """

    size: tuple[int, int] = (0, 0)
    orientation: int = formats.UPRIGHT
    any: bool = False
    all: bool = False
    soft: bool = False
    inverted: bool = False
    photograph: bool = False
    problem: str = ""

    def __post_init__(self):
        object.__setattr__(self, "size", tuple(self.size))  # a list, if it comes from JSON


def marked(paths: Sequence[Path]) -> np.ndarray:
    """The pixels (H, W) that any of the files marks. Raises OSError naming the file that cannot be used."""
    masks = [_read(path)[0] for path in paths]
    if len({mask.shape for mask in masks}) > 1:
        raise OSError(f"{paths[0].parent}: the masks of one image differ in size; they must be alike")
    return np.logical_or.reduce(masks)


def examine(path: Path) -> Mask:
    """Decode a mask and say what is known of it."""
    try:
        turned = formats.header(path, exif=True).orientation
        values, name, colours = _values(path)
    except (Unusable, OSError) as error:
        detail = f"{error.why}: {error.detail}" if isinstance(error, Unusable) else formats.reason(error)
        return Mask(problem=f"cannot be read ({detail})")
    size = (values.shape[1], values.shape[0])
    if _is_photograph(values, name):
        return Mask(size, turned, photograph=True, problem="has the many values of a photograph")
    try:
        mask, soft = _decide(values, name, colours)
    except Unusable as error:
        return Mask(size, turned, problem=error.why)
    border = mask[0].all() and mask[-1].all() and mask[:, 0].all() and mask[:, -1].all()
    return Mask(size, turned, bool(mask.any()), bool(mask.all()), soft, bool(border and mask.mean() > 0.5))


def _read(path: Path) -> tuple[np.ndarray, bool]:
    try:
        return _decide(*_values(path))
    except Unusable as error:
        raise OSError(f"mask {path} {error.why}") from error


def _values(path: Path) -> tuple[np.ndarray, str, bool]:
    """How strongly each pixel (H, W) is marked, 0 where it is background; the file's format; if it has many colours."""
    image = formats.open_image(path)
    name = image.info["format"]
    if formats.header(path).deep and not image.mode.startswith("I"):
        values = formats.deep_pixels(path)
        colours, alpha = values[..., :3], values[..., 3] if values.shape[-1] == 4 else None
    elif image.mode == "P" and "transparency" not in image.info:
        return _by_palette(image), name, False
    elif image.mode in ("PA", "P", "LA", "RGBA") or "transparency" in image.info:
        values = np.asarray(image.convert("RGBA"))
        colours, alpha = values[..., :3], values[..., 3]
    else:
        colours, alpha = np.asarray(image if image.mode != "CMYK" else image.convert("RGB")), None
    strength = colours.max(axis=-1) if colours.ndim == 3 else colours
    if alpha is not None and not alpha.all():
        if alpha.any() and strength.min() == strength.max():  # one colour, drawn on a transparent page
            return alpha, name, False
        strength = np.where(alpha > alpha.max() // 2, strength, 0)
    spread = np.ptp(colours.reshape(-1, colours.shape[-1]), axis=0) if colours.ndim == 3 else np.zeros(1)
    several = bool(spread.max() > (64 if name in LOSSY else 0))
    return strength.astype(np.uint8) if strength.dtype == bool else strength, name, several


def _by_palette(image: Image.Image) -> np.ndarray:
    """The brightest channel of each pixel's colour. If black is no colour or all are black, index 0 is background."""
    index = np.asarray(image)
    palette = np.array(image.getpalette("RGB") or [], np.uint8).reshape(-1, 3).max(axis=1)
    palette = np.pad(palette, (0, max(0, int(index.max()) + 1 - len(palette))))
    used = palette[np.unique(index)]
    if palette[0] == 0 or (used > 0).all():
        return np.where(index > 0, np.maximum(palette[index], 1), 0)
    return palette[index]


def _counts(values: np.ndarray) -> np.ndarray:
    """How often each value occurs; in parts, since numpy counts in 64 bits, 8 times the memory of a large mask."""
    flat, step = values.ravel(), 2**20
    length = int(flat.max()) + 1
    parts = (np.bincount(flat[i : i + step], minlength=length) for i in range(0, len(flat), step))
    return np.sum(list(parts), axis=0)


def _is_photograph(values: np.ndarray, name: str) -> bool:
    if name in LOSSY:
        return bool(((values >= 32) & (values < 224)).mean() > 1 - MOSTLY)
    count = np.sort(_counts(values))[::-1]
    return bool(count[:COMMON].sum() < MOSTLY * values.size)


def _decide(values: np.ndarray, name: str, several: bool) -> tuple[np.ndarray, bool]:
    """Which pixels are marked, and whether soft edges were cut. Raises Unusable with the reason."""
    low, high = int(values.min()), int(values.max())
    if several and low > (127 if name in LOSSY else 0):
        raise Unusable("has several colours but no black background; save it in black and white")
    if name in LOSSY:
        if high < 128 and (high >= 32 or low != high):
            raise Unusable(
                f"is a {name} file with values from {low} to {high} only; save it as PNG, in black and white"
            )
        return values >= 128, False
    if low > 0 and low != high:
        raise Unusable(f"has values from {low} to {high}: none is 0, the background; save it with a black background")
    if low == high and SMALL_IDS < high and high not in (255, 65535):
        raise Unusable(f"is {high} all over, neither black nor white; save it in black and white")
    levels = np.flatnonzero(_counts(values)[1:]) + 1
    if len(levels) <= 1 or high <= SMALL_IDS:
        return values > 0, False
    solid = _solid(values)
    if len(solid) == len(levels):
        return values > 0, False  # ids of classes
    if len(solid) > 1:
        shown = ", ".join(str(level) for level in solid[:4])
        raise Unusable(f"has soft edges around areas of several values ({shown}); save it in black and white")
    half = (int(solid[0]) if len(solid) else high) / 2
    mask = values > half
    regions, labels = cv2.connectedComponents((values > 0).astype(np.uint8), connectivity=8, ltype=cv2.CV_32S)
    if len(np.unique(labels[mask])) < regions - 1:  # labels are 0 in the background
        raise Unusable(f"has regions fainter than half of {2 * half:.0f}: are they marked? Save it in black and white")
    return mask, True


def _solid(values: np.ndarray) -> np.ndarray:
    """The values above 0 that fill a square of 3 x 3 pixels somewhere."""
    wide = values.astype(np.float32)
    kernel = np.ones((3, 3), np.uint8)
    inside = cv2.erode(wide, kernel) == cv2.dilate(wide, kernel)
    return np.unique(values[inside & (values > 0)])
