"""The variance of prompts' embeddings when one source of it varies and the others are fixed."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from torch import Tensor

from ..plotting import ABNORMAL, NORMAL
from .projection import STATES


def along(text: Tensor, axis: int | tuple[int, ...]) -> np.ndarray:
    """Variance of embeddings (b, 2, R, B, D) along an axis, summed over D, mean over the rest: (2,), by state."""
    return (text - text.mean(axis, keepdim=True)).square().sum(-1).mean((0, 2, 3)).numpy()


def figure(shares: pd.DataFrame) -> Figure:
    """A bar for each source (rows) and state (columns) of shares of the variance; those of abnormal are hatched."""
    fig, ax = plt.subplots(figsize=(6.8, 3.4))
    place = np.arange(len(shares))
    for k, (state, colour, hatch) in enumerate(zip(STATES, (NORMAL, ABNORMAL), ("", "///"), strict=True)):
        bars = ax.barh(place + 0.4 * (k - 0.5), shares[state], 0.38, color=colour, hatch=hatch, label=state)
        ax.bar_label(bars, fmt="%.3f", padding=3, fontsize="x-small")
    ax.set(yticks=place, yticklabels=list(shares.index), xlabel="share of the variance", xlim=(0, 1.05))
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    ax.legend(loc="lower right", fontsize="small")
    return fig
