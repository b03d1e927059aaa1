"""Two methods compared by category, with bootstrap intervals over the images."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ..evaluation import Evaluation
from ..plotting import ABNORMAL, NEUTRAL
from ..statistics import bootstrap_images

COLUMNS = ["image_auroc", "pixel_auroc", "pixel_pro"]


def table(results: Mapping[tuple[str, str], Evaluation], *, num_resamples: int = 500) -> pd.DataFrame:
    """`COLUMNS` of every category and the mean, with low and high, the 95 % interval of image_auroc.

    Args:
        results: of (data set, method); those of data sets without masks are left out.
    """
    frames = []
    for (name, method), measured in results.items():
        if "pixel" in measured.level:
            band = bootstrap_images(measured.images, num_resamples=num_resamples).query("metric == 'image_auroc'")
            part = measured.table("strict")[COLUMNS].join(band.set_index("category")[["low", "high"]])
            frames.append(part.rename_axis("category").reset_index().assign(data=name, method=method))
    return pd.concat(frames)


def figure(by_category: pd.DataFrame, methods: Sequence[str]) -> Figure:
    """A row of panels per data set, a panel per metric, two bars per category; the first method's bars are hatched."""
    masked = list(by_category["data"].unique())
    fig, axes = plt.subplots(len(masked), 3, figsize=(11, 3.8 * len(masked)), sharey="row", squeeze=False)
    for row, name in zip(axes, masked, strict=True):
        for ax, metric in zip(row, COLUMNS, strict=True):
            for k, method in enumerate(methods):
                part = by_category[(by_category["data"] == name) & (by_category["method"] == method)]
                _bars(ax, part, metric, method, k)
            ax.set(xlabel=metric.replace("_", " "), xlim=(0, 1))
            ax.grid(axis="y", visible=False)
        row[0].set_title(name)
        row[0].invert_yaxis()
    fig.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=2, fontsize="small")
    return fig


def _bars(ax, part: pd.DataFrame, metric: str, method: str, k: int) -> None:
    look: dict[str, Any] = ({"color": NEUTRAL, "hatch": "///"}, {"color": ABNORMAL})[k]
    if metric == "image_auroc":
        error = [(part["image_auroc"] - part["low"]).clip(lower=0), (part["high"] - part["image_auroc"]).clip(lower=0)]
        look |= {"xerr": error, "error_kw": {"lw": 1, "ecolor": "0.25"}}
    ax.barh(np.arange(len(part)) + 0.4 * (k - 0.5), part[metric], height=0.38, label=method, **look)
    ax.set(yticks=range(len(part)), yticklabels=part["category"])


def gains(results: Mapping[tuple[str, str], Evaluation], ours: str, baseline: str) -> pd.DataFrame:
    """Each data set's gain of one method over another, with low and high of image_auroc by a paired bootstrap."""
    rows = {}
    for name in dict.fromkeys(name for name, _ in results):
        pair = results[name, ours], results[name, baseline]
        paired = bootstrap_images(*(one.images for one in pair), num_resamples=500).set_index(["category", "metric"])
        means = [one.table("strict").loc["mean", COLUMNS].astype(float) for one in pair]
        rows[name] = (means[0] - means[1]).to_dict() | paired.loc[("mean", "image_auroc"), ["low", "high"]].to_dict()
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("data")
