"""The style of all figures, and saving them: a picture, and a CSV of the numbers it shows."""

import io
from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from PIL import ExifTags, Image, PngImagePlugin

from .data.writing import write, write_table

NORMAL, ABNORMAL, NEUTRAL = "#2a78b5", "#d1495b", "#8a8f98"  # distinguishable for colour-blind readers and in print
HEAT = "inferno"
MAX_BYTES = 300_000  # of a saved figure, so that the repository stays light


def use_style() -> None:
    """Set the style of the course; call it once at the top of a notebook."""
    sns.set_theme(context="notebook", style="whitegrid", palette="colorblind")
    plt.rcParams.update(
        {
            "figure.dpi": 110,
            "savefig.dpi": 150,
            "figure.constrained_layout.use": True,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.titlesize": "medium",
            "grid.color": "#e6e6e6",
        }
    )


def root() -> Path:
    """The checkout that contains the working directory; outside of a checkout, the working directory itself."""
    start = Path.cwd()
    for folder in (start, *start.parents):
        if (folder / "notebooks").is_dir() and (folder / "figures").is_dir():
            return folder
    return start


def save_figure(
    fig: Figure,
    name: str,
    numbers: pd.DataFrame,
    folder: Path | str | None = None,
    *,
    images: bool = False,
    alt: str = "",
) -> None:
    """Write the figure as `name.png`, or `name.webp` if it shows images, and `name.csv`, the numbers that it shows.

    A file takes at most 300 KB: a PNG has a palette of 256 colours, and the resolution is lowered from 150 dpi as far
    as needed. The same numbers give the same bytes: no software tag, no date, floats to four digits.

    Args:
        folder: default `figures/` of the checkout.
        images: whether the figure shows images, for which WebP is several times smaller.
        alt: what a reader who cannot see the figure has to know; written into the picture, read by `alt_text`.
    """
    folder = Path(folder) if folder else root() / "figures"
    for dpi in range(150, 50, -10):
        drawn, file = io.BytesIO(), io.BytesIO()
        fig.savefig(drawn, format="png", dpi=dpi)
        picture = Image.open(drawn).convert("RGB")
        if images:
            picture.save(file, "WEBP", quality=85, method=6, exif=_exif(alt))
        else:
            picture.quantize(256, dither=Image.Dither.NONE).save(file, "PNG", optimize=True, pnginfo=_png_text(alt))
        if file.tell() <= MAX_BYTES:
            break
    write(folder / f"{name}.{'webp' if images else 'png'}", file.getvalue())
    write_table(folder / f"{name}.csv", numbers, float_format="%.4g")


def _exif(alt: str) -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = alt.encode()
    return exif.tobytes() if alt else b""


def _png_text(alt: str) -> PngImagePlugin.PngInfo:
    text = PngImagePlugin.PngInfo()
    if alt:
        text.add_itxt("Description", alt)
    return text


def alt_text(picture: Path | str) -> str:
    """The alt text that `save_figure` wrote into a picture: Description in a PNG, EXIF's in a WebP; "" if none."""
    with Image.open(picture) as image:
        if "Description" in image.info:
            return str(image.info["Description"])
        text = image.getexif().get(ExifTags.Base.ImageDescription, "")
    return text.encode("latin-1").decode()  # Pillow reads EXIF's bytes as Latin-1


def show_image(ax, image: np.ndarray, title: str = "", mask: np.ndarray | None = None, heat: np.ndarray | None = None):
    """Draw an image (H, W, 3) or (3, H, W) in [0, 1]; over it, if given, a heat map and a mask's outline (H, W)."""
    image = np.asarray(image)
    if image.shape[0] == 3 and image.ndim == 3 and image.shape[-1] != 3:
        image = image.transpose(1, 2, 0)
    ax.imshow(image, vmin=0, vmax=1, interpolation="nearest")
    extent = (-0.5, image.shape[1] - 0.5, image.shape[0] - 0.5, -0.5)
    if heat is not None:
        ax.imshow(heat, cmap=HEAT, vmin=0, vmax=1, alpha=0.6, extent=extent, interpolation="bilinear")
    if mask is not None and np.any(mask) and not np.all(mask):
        ax.contour(np.asarray(mask, float), levels=[0.5], colors="white", linewidths=2.2, extent=extent, origin="upper")
        ax.contour(np.asarray(mask, float), levels=[0.5], colors="black", linewidths=0.9, extent=extent, origin="upper")
    ax.set_title(title, fontsize="small")
    ax.set_axis_off()
    return ax


def stretch(maps: np.ndarray) -> np.ndarray:
    """Maps (n, H, W) with their joint 1st to 99.5th percentile scaled to [0, 1]: shows where, not how much."""
    maps = np.asarray(maps)
    low, high = np.percentile(maps, [1, 99.5])
    return ((maps - low) / max(high - low, 1e-6)).clip(0, 1)


def image_grid(rows: int, columns: int, *, side: float = 1.3, titles: Sequence[str] = ()) -> tuple[Figure, np.ndarray]:
    """A figure of rows x columns axes for images, `side` inches each; titles are above the columns."""
    fig, axes = plt.subplots(rows, columns, figsize=(columns * side, rows * side + 0.35), squeeze=False)
    for ax in axes.flat:
        ax.set_axis_off()
    for ax, title in zip(axes[0], titles, strict=False):
        ax.set_title(title, fontsize="small")
    return fig, axes


def row_label(ax, text: str) -> None:
    """Write a name to the left of a row of images."""
    ax.text(-0.06, 0.5, text, transform=ax.transAxes, ha="right", va="center", fontsize="small")
