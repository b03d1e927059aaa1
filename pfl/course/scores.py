"""Histograms of image scores, and images in rows."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ..data import Dataset
from ..data.transforms import read_image
from ..plotting import ABNORMAL, NORMAL, image_grid, row_label, show_image


def histograms(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """A panel per data set: the densities of the scores of its normal and its defective images.

    Args:
        tables: `Evaluation.images` by the panel's title.
    """
    fig, axes = plt.subplots(1, len(tables), figsize=(4.5 * len(tables), 3.2), squeeze=False)
    bins = np.linspace(0, 1, 26)
    for ax, (title, images) in zip(axes[0], tables.items(), strict=True):
        histogram(ax, images, bins, density=True)
        ax.set(title=title, xlabel="anomaly score", ylabel="density")
    axes[0, 0].legend(fontsize="small")
    return fig


def histogram(ax, images: pd.DataFrame, bins: np.ndarray, *, density: bool = False) -> None:
    """Histograms of the scores of normal and of defective images (`Evaluation.images`), which is hatched."""
    for label, colour, hatch in ((0, NORMAL, ""), (1, ABNORMAL, "///")):
        scores, name = images["strict_score"][images["label"] == label], ("normal", "defective")[label]
        ax.hist(scores, bins=bins, density=density, color=colour, alpha=0.6, hatch=hatch, label=name)


def two_rows(data: Dataset, *, names: Mapping[str, int], columns: int = 6) -> Figure:
    """A row of images per name, of those with its label (0 or 1)."""
    fig, axes = image_grid(len(names), columns, side=1.4)
    for row, (name, label) in zip(axes, names.items(), strict=True):
        row_label(row[0], name)
        for ax, sample in zip(row, [s for s in data.samples if s.label == label], strict=False):
            show_image(ax, np.asarray(read_image(sample.image)) / 255)
    return fig
