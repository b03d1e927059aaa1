"""From files to tensors: reading any image format, and resizing to a square."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from . import masking
from .formats import deep_pixels, open_image
from .samples import Sample


def read_image(path: Path | str, white: int | None = None) -> Image.Image:
    """Read any image as 8-bit RGB, EXIF rotation applied, palettes resolved, transparent parts white, 16 bit scaled.

    16-bit values are scaled so that `white` (`Sample.white`) becomes 255; None: 65535. Raises OSError naming the file.
    """
    image = _eight_bit(open_image(path), path) if white is None else _scaled(path, white)
    if "A" in image.getbands() or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image if image.mode == "RGB" else image.convert("RGB")


def bounded(image: Image.Image, side: int | None) -> Image.Image:
    """The image itself, or, if its longest side has more than `side` pixels, a smaller copy."""
    if side is None or max(image.size) <= side:
        return image
    size = [max(1, round(length * side / max(image.size))) for length in image.size]
    return image.resize(size, Image.Resampling.BICUBIC, reducing_gap=1.0)


def image_tensor(image: Image.Image, size: int) -> torch.Tensor:
    """An RGB image as float (3, size, size) in [0, 1], resized to a square (bicubic, antialiased)."""
    if image.size != (size, size):
        image = image.resize((size, size), Image.Resampling.BICUBIC)
    return torch.from_numpy(np.array(image)).permute(2, 0, 1).float().div_(255).contiguous()


def foreground(path: Path | str, threshold: int = 128) -> np.ndarray:
    """Read a mask at its own size, bool (H, W): grey > threshold, or any non-zero id if threshold is 0."""
    image = open_image(path)
    if threshold:
        return np.asarray(_eight_bit(image, path).convert("L")) > threshold
    # Class ids are compared as stored: a palette, or a colour's luminance, could map an id to black.
    if "A" in image.getbands():
        image = image.convert("RGB")
    values = np.asarray(image)
    return np.any(values, axis=-1) if values.ndim == 3 else values != 0


def mask_pixels(sample: Sample) -> np.ndarray | None:
    """The sample's mask at its own size, bool (H, W), or None if it has none."""
    if sample.mask is None:
        return None
    if sample.mask_threshold is None:
        return masking.marked(sample.masks)
    return foreground(sample.mask, sample.mask_threshold)


def read_mask(sample: Sample, size: int) -> torch.Tensor:
    """The sample's mask as bool (size, size), all False if it has none."""
    mask = mask_pixels(sample)
    return torch.zeros(size, size, dtype=torch.bool) if mask is None else mask_tensor(mask, size)


def mask_tensor(mask: np.ndarray, size: int) -> torch.Tensor:
    """A mask (H, W) of any size as bool (size, size).

    Resized bilinearly and thresholded at one half, as in the reference; but a defect too small to reach one half
    anywhere keeps its strongest pixels, so that no anomalous image loses its mask.
    """
    full = Image.fromarray(mask.astype(np.uint8) * 255)
    small = full.resize((size, size), Image.Resampling.BILINEAR)
    if not small.getbbox():  # all black: in 8 bits a small defect of a large image is rounded away
        small = full.convert("F").resize((size, size), Image.Resampling.BILINEAR)
    share = np.array(small)
    return torch.from_numpy((share > 0) & (share >= min(128, share.max())))


def _scaled(path: Path | str, white: int) -> Image.Image:
    """A 16-bit image with 8 bits."""
    values = deep_pixels(path)
    highest = int((values[..., :3] if values.ndim == 3 else values).max())
    if highest > white:
        raise OSError(f"{path} has values up to {highest}, but white is {white}; give a larger bit depth")
    if values.shape[-1] == 4 and values.ndim == 3:  # alpha always has 16 bits
        colours, alpha = _table(white)[values[..., :3]], _table(65535)[values[..., 3:]]
        return Image.fromarray(np.concatenate([colours, alpha], axis=-1))
    return Image.fromarray(_table(white)[values])


def _table(white: int) -> np.ndarray:
    """The 8-bit value of each value up to white; as a table, since float images would take 8 times their memory."""
    return (np.arange(white + 1) * (255 / white)).round().astype(np.uint8)


def _eight_bit(image: Image.Image, path: Path | str) -> Image.Image:
    if image.mode.startswith("I"):
        return Image.fromarray(_table(65535)[np.clip(np.asarray(image), 0, 65535)])
    if image.mode == "F":
        raise OSError(f"cannot read {path} (floating-point pixels have no fixed range); save it with 8 or 16 bit")
    return image
