"""Heat maps: an image overlaid with a map, at a bounded size, and the file that it is written to."""

import hashlib

import matplotlib
import numpy as np
from PIL import Image

SIDE = 2048  # pixels: the longest side of a heat map, unless full size is asked for
LONGEST_NAME = 255  # bytes: what file systems allow
ROWS = 256  # blended at once: floats of a whole image of 64 megapixels would take gigabytes


def overlay(image: Image.Image, heat: np.ndarray) -> Image.Image:
    """The image overlaid with a map (h, w) in [0, 1], more opaque where it is higher; at the image's own size."""
    heat = np.asarray(Image.fromarray(heat.astype(np.float32)).resize(image.size, Image.Resampling.BILINEAR))
    pixels = np.array(image)
    for top in range(0, len(pixels), ROWS):
        part, rows = heat[top : top + ROWS].clip(0, 1), pixels[top : top + ROWS]
        colours = matplotlib.colormaps["inferno"](part)[..., :3] * 255
        alpha = (0.15 + 0.6 * part)[..., None]
        rows[:] = (rows * (1 - alpha) + colours * alpha).astype(np.uint8)
    return Image.fromarray(pixels)


def place(name: str) -> str:
    """Where the heat map of an image is written, relative to the output folder.

    An image's name that leaves no room for the ending is cut, and gets a hash of the whole name.
    """
    folder, _, last = name.rpartition("/")
    if len(raw := f"{last}.png".encode("utf-8", "surrogateescape")) > LONGEST_NAME:
        end = f"-{hashlib.sha256(raw).hexdigest()[:16]}.png"
        last = raw[: LONGEST_NAME - len(end)].decode("utf-8", "ignore") + end
    else:
        last += ".png"
    return "/".join(filter(None, ("heatmaps", folder, last)))
