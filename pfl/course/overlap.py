"""Per-region overlap (PRO) on a mask that can be counted by hand."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ..plotting import ABNORMAL, HEAT, NEUTRAL, NORMAL

# A region of eight pixels and one of two (Bergmann et al. 2021 measure both alike).
MASK = np.zeros((5, 10), int)
MASK[1:3, 1:5] = 1
MASK[3, 7:9] = 1


def example() -> tuple[np.ndarray, np.ndarray]:
    """A mask (5, 10) with two regions, and a map (5, 10) that finds the large one first and the small one late."""
    heat = np.tile(np.linspace(0.05, 0.3, 10), (5, 1))
    heat[1:3, 1:5] = 0.9
    heat[0, 1:5], heat[3, 2:4] = 0.6, 0.4  # false alarms around the large region
    heat[3, 7], heat[3, 8] = 0.5, 0.2
    return MASK, heat


def figure(mask: np.ndarray, heat: np.ndarray, curves: pd.DataFrame, limit: float) -> Figure:
    """The mask, the map, and recall and PRO against the false positive rate, with the area up to `limit` shaded.

    Args:
        mask, heat: (H, W).
        curves: a row per threshold: false positive rate, recall, pro, as fractions.
    """
    fig, axes = plt.subplots(1, 3, figsize=(11, 2.9), width_ratios=(1.3, 1.3, 1))
    axes[0].imshow(mask, cmap="Greys", vmax=1.6)
    axes[0].set_title(f"mask: {mask.sum()} anomalous pixels in two regions")
    axes[1].imshow(heat, cmap=HEAT, vmin=0, vmax=1)
    axes[1].set_title("map")
    for (row, column), value in np.ndenumerate(heat):
        colour = "white" if value < 0.7 else "black"
        axes[1].text(column, row, f"{value:.2f}"[1:], ha="center", va="center", fontsize=7, color=colour)
    for ax in axes[:2]:
        ax.set(xticks=(), yticks=())
    x = curves["false positive rate"]
    axes[2].plot(x, curves["recall"], color=NORMAL, ls="--", label="recall of pixels")
    axes[2].plot(x, curves["pro"], color=ABNORMAL, marker="o", ms=3, label="PRO: mean over regions")
    inside = np.linspace(1e-9, limit, 200)
    axes[2].fill_between(inside, np.interp(inside, x, curves["pro"]), color=ABNORMAL, alpha=0.2, lw=0)
    axes[2].axvline(limit, color=NEUTRAL, lw=1)
    axes[2].set(xlabel="false positive rate", ylabel="share covered", ylim=(0, 1.05))
    axes[2].legend(fontsize="x-small", loc="lower right")
    return fig
