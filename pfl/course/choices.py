"""What the choices of a protocol add to a number: official against strict, and one choice after another."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from ..evaluation import Evaluation
from ..metrics import image_metrics
from ..plotting import NORMAL
from ..protocol import image_scores
from ..statistics import bootstrap_images

FILTERED, RAW = ["filtered-2000", "filtered-20"], ["raw-2000", "raw-20"]  # columns of `protocol.score_parts`


def gap(result: Evaluation) -> pd.DataFrame:
    """The image AUROC under the official protocol minus that under the strict one: columns category, gap."""
    official, strict = (result.table(protocol)["image_auroc"] for protocol in ("official", "strict"))
    return (official - strict).drop("mean").rename("gap").reset_index()


def gap_figure(gaps: pd.DataFrame) -> Figure:
    """A bar per category: the gap between the two protocols."""
    fig, ax = plt.subplots(figsize=(6, 3.2))
    sns.barplot(gaps, y="category", x="gap", ax=ax, color=NORMAL)
    ax.axvline(0, color="black", lw=0.8)
    ax.set(xlabel="image AUROC: official minus strict", ylabel="")
    ax.locator_params(axis="x", nbins=5)
    return fig


def mean_auroc(images: pd.DataFrame) -> float:
    """Mean over categories of the image AUROC of the column score."""
    return float(np.mean([image_metrics(g["score"], g["label"])["auroc"] for _, g in images.groupby("category")]))


def scored(parts: pd.DataFrame, tops: list[str], *, normalise: bool = True) -> pd.DataFrame:
    """`score_parts` with a column score: of each category, by the top pixels of `tops` that look best on the test set.

    Args:
        normalise: min-max normalise both halves of the score over the images of a category.
    """
    best = {}
    for category, group in parts.groupby("category"):
        options = {top: group.assign(score=image_scores(group, top=top, normalise=normalise)) for top in tops}
        aurocs = {top: mean_auroc(option) for top, option in options.items()}
        best[category] = max(aurocs, key=aurocs.__getitem__)
    return parts.assign(score=image_scores(parts, top=best, normalise=normalise))


def intervals(ladder: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """A row per choice: value, low and high of the mean image AUROC, with a 95 % bootstrap interval over images."""
    rows = []
    for choice, images in ladder.items():
        band = bootstrap_images(images, score="score", num_resamples=300).set_index(["category", "metric"])
        rows.append({"choice": choice} | band.loc[("mean", "image_auroc")].to_dict())
    return pd.DataFrame(rows)


def ladder_figure(rungs: pd.DataFrame, title: str) -> Figure:
    """A bar per choice with its interval, from chance (0.5) on."""
    fig, ax = plt.subplots(figsize=(7, 3))
    error = [(rungs["value"] - rungs["low"]).clip(lower=0), (rungs["high"] - rungs["value"]).clip(lower=0)]
    bars = ax.barh(rungs["choice"], rungs["value"] - 0.5, left=0.5, xerr=error, color=NORMAL, error_kw={"lw": 1})
    labels = [f"{value:.3f}" for value in rungs["value"]]
    ax.bar_label(bars, labels=labels, padding=4, fontsize="small")
    ax.set(xlabel="image AUROC and 95 % interval", xlim=(0.5, 1.05), title=title)
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    return fig
