"""Variants of a model, trained with one part removed at a time."""

from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from ..plotting import ABNORMAL, NEUTRAL, NORMAL


def figure(table: pd.DataFrame, metrics: tuple[str, ...] = ("image_auroc", "pixel_auroc")) -> Figure:
    """A panel per metric: a point per variant and test set, with the range over seeds where there are several.

    Args:
        table: a row per training and test set, with variant, tested on, and the metrics.
    """
    fig, axes = plt.subplots(1, len(metrics), figsize=(5 * len(metrics), 3.6), sharey=True)
    palette, shapes = [NEUTRAL, NORMAL, ABNORMAL], ["o", "s", "^"]
    for ax, metric in zip(axes, metrics, strict=True):
        options: dict[str, Any] = {"dodge": 0.4, "linestyle": "none", "errorbar": ("pi", 100), "markersize": 6}
        kind: dict[str, Any] = {"y": "variant", "x": metric, "hue": "tested on", "palette": palette, "markers": shapes}
        sns.pointplot(table, ax=ax, **kind, **options)
        ax.set(xlabel=metric.replace("_", " ") + " (mean and range over seeds)", ylabel="")
        ax.locator_params(axis="x", nbins=5)
        ax.get_legend().remove()
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=3, fontsize="small")
    return fig


def effects(table: pd.DataFrame, whole: str, metric: str) -> pd.DataFrame:
    """For each variant and test set the metric minus that of the whole model, and whether it exceeds its seeds' range.

    A single training per variant is compared with the mean of the whole model's, so "exceeds" is a weak statement: only
    what does not exceed the range is certainly not shown.
    """
    seeds = table[table["variant"] == whole].groupby("tested on", sort=False)[metric].agg(["mean", "min", "max"])
    means = table[table["variant"] != whole].groupby(["variant", "tested on"], sort=False)[metric].mean()
    rows = means.rename("value").reset_index().join(seeds, on="tested on")
    spread = rows["max"] - rows["min"]
    change = rows["value"] - rows["mean"]
    return rows[["variant", "tested on"]].assign(change=change, spread=spread, exceeds=change.abs() > spread)
