"""The paper's augmentation and mosaics, applied to images at their files' own size, before they are resized.

Strengths are those of the public implementation (method, section 5). Images are uint8 arrays (H, W, 3), masks bool
arrays (H, W); each function draws from the generator it is given.
"""

from collections.abc import Sequence

import cv2
import numpy as np

Rng = np.random.Generator


def augment(image: np.ndarray, mask: np.ndarray, rng: Rng) -> tuple[np.ndarray, np.ndarray]:
    """Each with probability one half: rotation up to 30 degrees, quarter turns, brightness and contrast, noise, a blur.

    The last may be a box blur, colour jitter or a Gaussian blur. Quarter turns are 0, 1, 2 or 3: so one in four changes
    nothing, and the sides of the image may be swapped.
    """
    if rng.random() < 0.5:
        height, width = mask.shape
        turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), rng.uniform(-30, 30), 1)
        reflect = cv2.BORDER_REFLECT_101
        image = cv2.warpAffine(image, turn, (width, height), flags=cv2.INTER_LINEAR, borderMode=reflect)
        mask = cv2.warpAffine(_grey(mask), turn, (width, height), flags=cv2.INTER_NEAREST, borderMode=reflect) > 0
    if rng.random() < 0.5:
        quarters = int(rng.integers(0, 4))
        image, mask = np.rot90(image, quarters), np.rot90(mask, quarters)
    if rng.random() < 0.5:
        contrast, brightness = rng.uniform(0.8, 1.2), rng.uniform(-0.2, 0.2)
        image = _pixels(image * np.float32(contrast) + np.float32(255 * brightness))
    if rng.random() < 0.5:
        noise = rng.standard_normal(image.shape, np.float32) * np.float32(np.sqrt(rng.uniform(10, 50)))
        image = _pixels(image + noise)
    if rng.random() < 0.5:
        image = (box_blur, colour_jitter, gaussian_blur)[rng.integers(3)](np.ascontiguousarray(image), rng)
    return np.ascontiguousarray(image), np.ascontiguousarray(mask)


def box_blur(image: np.ndarray, rng: Rng) -> np.ndarray:
    """The mean of 3 x 3 pixels."""
    return cv2.blur(image, (3, 3))


def gaussian_blur(image: np.ndarray, rng: Rng) -> np.ndarray:
    """A Gaussian filter of 3, 5 or 7 pixels; OpenCV derives its deviation from the size."""
    size = int(rng.choice([3, 5, 7]))
    return cv2.GaussianBlur(image, (size, size), 0)


def colour_jitter(image: np.ndarray, rng: Rng) -> np.ndarray:
    """Brightness, contrast and saturation within 20 %, hue within 72 degrees, in random order."""
    pixels: np.ndarray = image.astype(np.float32)
    factors, degrees = rng.uniform(0.8, 1.2, 3).astype(np.float32), rng.uniform(-72, 72)
    for change in rng.permutation(4):
        if change == 0:
            pixels = pixels * factors[0]
        elif change == 1:
            grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).mean()
            pixels = grey + (pixels - grey) * factors[1]
        elif change == 2:
            grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)[..., None]
            pixels = grey + (pixels - grey) * factors[2]
        else:
            hsv = cv2.cvtColor(pixels / 255, cv2.COLOR_RGB2HSV)
            hsv[..., 0] = (hsv[..., 0] + degrees) % 360
            pixels = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB) * 255
        pixels = pixels.clip(0, 255)
    return _pixels(pixels)


def mosaic(images: Sequence[np.ndarray], masks: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Four images and their masks as one 2 x 2 image of twice the first one's sides; the others are resized to it."""
    if len(images) != 4 or len(masks) != 4:
        raise ValueError(f"a mosaic takes 4 images and 4 masks, not {len(images)} and {len(masks)}")
    height, width = masks[0].shape
    tiles = [cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR) for image in images]
    truth = [cv2.resize(_grey(mask), (width, height), interpolation=cv2.INTER_NEAREST) > 0 for mask in masks]
    return _two_by_two(tiles), _two_by_two(truth)


def _two_by_two(tiles: Sequence[np.ndarray]) -> np.ndarray:
    return np.vstack([np.hstack(tiles[:2]), np.hstack(tiles[2:])])


def _grey(mask: np.ndarray) -> np.ndarray:
    return mask.astype(np.uint8) * 255


def _pixels(values: np.ndarray) -> np.ndarray:
    return values.round().clip(0, 255).astype(np.uint8)
