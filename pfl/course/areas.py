"""How large defects are, as shares of their images."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from ..data import Dataset
from ..data.transforms import read_mask
from ..plotting import NEUTRAL
from ..workshop import SIZE


def table(sets: Mapping[str, Dataset]) -> pd.DataFrame:
    """Columns data, defect, area (per cent of the image): a row for each defective image of the named data sets."""
    return pd.DataFrame(
        [
            (name, sample.defect.replace("_", " "), 100 * read_mask(sample, SIZE).float().mean().item())
            for name, data in sets.items()
            for sample in data.samples
            if sample.label == 1
        ],
        columns=["data", "defect", "area"],
    )


def figure(areas: pd.DataFrame, patch: float) -> Figure:
    """Boxes of the areas by defect and data set, on a logarithmic scale; a line at the area of a patch, in per cent."""
    fig, ax = plt.subplots(figsize=(7.5, 4.6))
    order = areas.groupby("defect").area.median().sort_values().index
    sns.boxplot(areas, y="defect", x="area", hue="data", order=order, ax=ax, fliersize=2, linewidth=1)
    ax.set_xscale("log")
    ax.axvline(patch, color=NEUTRAL, ls="--", lw=1)
    ax.text(patch, -0.7, " one patch of the tiny CLIP", color=NEUTRAL, fontsize="small")
    ax.set(xlabel="area in % of the image", ylabel="")
    ax.legend(title="")
    return fig
