"""The style of all figures, and saving them: a picture, and a CSV of the numbers it shows."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from .data.files import write

NORMAL, ABNORMAL, NEUTRAL = "#2a78b5", "#d1495b", "#8a8f98"  # distinguishable for colour-blind readers and in print
HEAT = "inferno"


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


def save_figure(fig: Figure, name: str, numbers: pd.DataFrame, folder: Path | str | None = None) -> None:
    """Write `name.png` and `name.csv`, the numbers that the figure shows.

    The same numbers give the same bytes: no software tag, no date, floats to four digits.

    Args:
        folder: default `figures/` of the checkout.
    """
    folder = Path(folder) if folder else root() / "figures"
    write(folder / f"{name}.png", lambda file: fig.savefig(file, format="png", metadata={"Software": None}))
    write(folder / f"{name}.csv", numbers.to_csv(index=False, float_format="%.4g").encode())


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
