"""From files to tensors: reading any image format, resizing to a square, and the paper's augmentation."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image, ImageOps

from .samples import Sample


def read_image(path: Path | str) -> Image.Image:
    """Read any image as 8-bit RGB, EXIF rotation applied, palettes resolved, transparent parts white, 16 bit scaled.

    16-bit values are divided by 257, so the full range 0..65535 becomes 0..255. Raises OSError naming the file.
    """
    image = _eight_bit(_open(path), path)
    if "A" in image.getbands() or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")


def image_tensor(image: Image.Image, size: int) -> torch.Tensor:
    """An RGB image as float (3, size, size) in [0, 1], resized to a square (bicubic, antialiased)."""
    if image.size != (size, size):
        image = image.resize((size, size), Image.Resampling.BICUBIC)
    return torch.from_numpy(np.array(image)).permute(2, 0, 1).float().div_(255).contiguous()


def foreground(path: Path | str, threshold: int = 128) -> np.ndarray:
    """Read a mask at its own size, bool (H, W): grey > threshold, or any non-zero id if threshold is 0."""
    image = _open(path)
    if threshold:
        return np.asarray(_eight_bit(image, path).convert("L")) > threshold
    # Class ids are compared as stored: a palette, or a colour's luminance, could map an id to black.
    if "A" in image.getbands():
        image = image.convert("RGB")
    values = np.asarray(image)
    return np.any(values, axis=-1) if values.ndim == 3 else values != 0


def read_mask(sample: Sample, size: int) -> torch.Tensor:
    """The sample's mask as bool (size, size), all False if it has none.

    Binarised at full size, resized bilinearly and thresholded at one half, as in the reference; but a defect too small
    to reach one half anywhere keeps its strongest pixels, so that no anomalous image loses its mask.
    """
    if sample.mask is None:
        return torch.zeros(size, size, dtype=torch.bool)
    full = Image.fromarray(foreground(sample.mask, sample.mask_threshold).astype(np.uint8) * 255)
    small = full.resize((size, size), Image.Resampling.BILINEAR)
    if not small.getbbox():  # all black: in 8 bits a small defect of a large image is rounded away
        small = full.convert("F").resize((size, size), Image.Resampling.BILINEAR)
    share = np.array(small)
    return torch.from_numpy((share > 0) & (share >= min(128, share.max())))


def augment(image: torch.Tensor, mask: torch.Tensor, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """The paper's augmentation (method, section 5): image (3, H, H) in [0, 1] and bool mask (H, H), same shapes out.

    Each with probability one half: rotation up to 30 degrees, quarter turns, brightness and contrast, Gaussian noise,
    and one of box blur, colour jitter, Gaussian blur. Strengths are the usual mild ones; blurs scale with H.
    """
    pixels: np.ndarray = image.permute(1, 2, 0).numpy()
    truth: np.ndarray = mask.numpy().astype(np.uint8)
    side = pixels.shape[0]
    if rng.random() < 0.5:
        turn = cv2.getRotationMatrix2D(((side - 1) / 2, (side - 1) / 2), rng.uniform(-30, 30), 1)
        reflect = cv2.BORDER_REFLECT_101
        pixels = cv2.warpAffine(pixels, turn, (side, side), flags=cv2.INTER_LINEAR, borderMode=reflect)
        truth = cv2.warpAffine(truth, turn, (side, side), flags=cv2.INTER_NEAREST, borderMode=reflect)
    if rng.random() < 0.5:
        quarters = int(rng.integers(1, 4))
        pixels, truth = np.rot90(pixels, quarters), np.rot90(truth, quarters)
    if rng.random() < 0.5:
        contrast, brightness = rng.uniform(0.8, 1.2), rng.uniform(-0.2, 0.2)
        pixels = np.clip(pixels * np.float32(contrast) + np.float32(brightness), 0, 1)
    if rng.random() < 0.5:
        noise = rng.standard_normal(pixels.shape, dtype=np.float32)
        pixels = np.clip(pixels + np.float32(rng.uniform(3, 7) / 255) * noise, 0, 1)
    if rng.random() < 0.5:
        pixels = np.ascontiguousarray(pixels)
        widest = max(1, round(3 * side / 518))  # a kernel of 7 at the paper's 518 px, never below 3
        kernel = 2 * int(rng.integers(1, widest + 1)) + 1
        choice = rng.integers(3)
        if choice == 0:
            pixels = cv2.blur(pixels, (kernel, kernel))
        elif choice == 1:
            pixels = _jitter(pixels, hue=rng.uniform(-36, 36), saturation=rng.uniform(0.8, 1.2))
        else:
            pixels = cv2.GaussianBlur(pixels, (kernel, kernel), 0)
    pixels = np.ascontiguousarray(pixels.transpose(2, 0, 1))
    return torch.from_numpy(pixels), torch.from_numpy(np.ascontiguousarray(truth)).bool()


def mosaic(images: Sequence[torch.Tensor], masks: Sequence[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """Four images (3, h, h) and masks (h, h) as one 2x2 mosaic: (3, 2h, 2h) and (2h, 2h)."""
    if len(images) != 4 or len(masks) != 4:
        raise ValueError(f"a mosaic takes 4 images and 4 masks, not {len(images)} and {len(masks)}")
    rows = [torch.cat(list(images[i : i + 2]), dim=-1) for i in (0, 2)]
    truth = [torch.cat(list(masks[i : i + 2]), dim=-1) for i in (0, 2)]
    return torch.cat(rows, dim=-2), torch.cat(truth, dim=-2)


def _open(path: Path | str) -> Image.Image:
    try:
        with Image.open(path) as file:
            return ImageOps.exif_transpose(file)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise OSError(f"cannot read {path} ({error}); replace the file or remove it") from error


def _eight_bit(image: Image.Image, path: Path | str) -> Image.Image:
    if image.mode.startswith("I"):
        return Image.fromarray(np.clip(np.asarray(image, dtype=np.float64) / 257, 0, 255).round().astype(np.uint8))
    if image.mode == "F":
        raise OSError(f"cannot read {path} (floating-point pixels have no fixed range); save it with 8 or 16 bit")
    return image


def _jitter(pixels: np.ndarray, *, hue: float, saturation: float) -> np.ndarray:
    """Turn the hue by degrees and scale the saturation of an RGB array (H, W, 3) in [0, 1]."""
    hsv = cv2.cvtColor(pixels, cv2.COLOR_RGB2HSV)
    hsv[..., 0] = (hsv[..., 0] + hue) % 360
    hsv[..., 1] = np.clip(hsv[..., 1] * saturation, 0, 1)
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)
