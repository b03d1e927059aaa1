"""A threshold on the score: the confusion matrix, the histogram, the ROC and the images on either side of it."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from ipywidgets import Dropdown, FloatSlider, Layout, VBox, Widget
from matplotlib.figure import Figure

from ..data.transforms import read_image
from ..plotting import ABNORMAL, NEUTRAL, show_image
from .explorer import explorer
from .scores import histogram

EVERY = "all categories"
SIDES = 4  # images that are shown on each side of the threshold
THUMBNAIL = 128  # pixels


def rates(images: pd.DataFrame, threshold: float) -> dict[str, float]:
    """The confusion matrix and its rates, if images from a score of `threshold` on are called defective.

    Args:
        images: one row per image with label (0, 1) and strict_score, such as `Evaluation.images`.

    Returns:
        the counts tp, fn, fp and tn, and recall, false_positive_rate, precision and f1, as fractions (or NaN).
    """
    called, defective = images["strict_score"] >= threshold, images["label"] == 1
    tp, fn = int((called & defective).sum()), int((~called & defective).sum())
    fp, tn = int((called & ~defective).sum()), int((~called & ~defective).sum())
    return {
        "tp": tp,
        "fn": fn,
        "fp": fp,
        "tn": tn,
        "recall": _share(tp, tp + fn),
        "false_positive_rate": _share(fp, fp + tn),
        "precision": _share(tp, tp + fp),
        "f1": _share(2 * tp, 2 * tp + fp + fn),
    }


def roc(images: pd.DataFrame) -> pd.DataFrame:
    """The ROC: false_positive_rate and recall at every threshold that changes one of them, from the highest down."""
    thresholds = np.r_[np.inf, np.sort(images["strict_score"].unique())[::-1]]
    rows = [rates(images, threshold) for threshold in thresholds]
    return pd.DataFrame(rows)[["false_positive_rate", "recall"]].assign(threshold=thresholds)


def nearest(images: pd.DataFrame, threshold: float, *, count: int = SIDES) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The images with the nearest scores below and from the threshold on, at most `count` each, by score."""
    ranked = images.sort_values("strict_score", kind="stable")
    below = ranked["strict_score"] < threshold
    return ranked[below].tail(count), ranked[~below].head(count)


def draw(images: pd.DataFrame, *, threshold: float, category: str = EVERY) -> tuple[Figure, str]:
    """The figure of a threshold, and its numbers as HTML.

    Args:
        images: one row per image: path, category, label, strict_score.
        category: the one whose images are counted, or `EVERY`.
    """
    part = images if category == EVERY else images[images["category"] == category]
    found = rates(part, threshold)
    fig = plt.figure(figsize=(10, 4.6))
    upper, lower = np.asarray(fig.subfigures(2, 1, height_ratios=(1.9, 1)))
    histogram, curve, matrix = upper.subplots(1, 3, width_ratios=(1.3, 1, 1))
    _histogram(histogram, part, threshold, (images["strict_score"].min(), images["strict_score"].max()))
    points = roc(part)
    curve.plot(points["false_positive_rate"], points["recall"], color=NEUTRAL)
    curve.plot(found["false_positive_rate"], found["recall"], "o", color=ABNORMAL, clip_on=False)
    curve.set(xlabel="false positive rate", ylabel="recall", xlim=(0, 1), ylim=(0, 1.02), title="ROC")
    _matrix(matrix, found)
    names = (f"below {threshold:.2f}: called normal", f"from {threshold:.2f} on: called defective")
    sides = zip(lower.subfigures(1, 2), names, nearest(part, threshold), (False, True), strict=True)
    for side, name, rows, called in sides:
        side.suptitle(name, fontsize="small")
        axes = side.subplots(1, SIDES)
        for ax in axes:
            ax.set_axis_off()
        for ax, row in zip(axes if called else axes[-len(rows) :], rows.itertuples(), strict=False):
            _thumbnail(ax, row, called=called)
    return fig, _numbers(found, threshold, category)


def explore(images: pd.DataFrame) -> VBox:
    """A slider for the threshold and a menu of categories, over `draw`.

    Args:
        images: one row per image: path, category, label, strict_score.
    """
    low, high = float(images["strict_score"].min()), float(images["strict_score"].max())
    controls: dict[str, Widget] = {
        "threshold": FloatSlider(
            description="threshold",
            min=np.floor(100 * low) / 100,
            max=np.ceil(100 * high) / 100,
            step=0.01,
            value=round((low + high) / 2, 2),
            continuous_update=False,
            layout=Layout(width="420px"),
        ),
        "category": Dropdown(description="category", options=[EVERY, *images["category"].unique()]),
    }
    return explorer(lambda **values: draw(images, **values), controls, name="confusion")


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


def _histogram(ax, images: pd.DataFrame, threshold: float, span: tuple[float, float]) -> None:
    histogram(ax, images, np.linspace(*span, 25))
    ax.axvline(threshold, color="black", lw=1.5)
    ax.set(xlabel="anomaly score", ylabel="images", title=f"threshold {threshold:.2f}")
    ax.legend(fontsize="small")


def _matrix(ax, found: dict[str, float]) -> None:
    counts = np.array([[found["tn"], found["fp"]], [found["fn"], found["tp"]]])
    ax.imshow(counts, cmap="Greys", vmin=0, vmax=2 * max(1, counts.max()))
    words = (("right", "false alarm"), ("missed", "found"))
    for row in range(2):
        for column in range(2):
            ax.text(column, row, f"{counts[row, column]}\n{words[row][column]}", ha="center", va="center")
    ax.set(xticks=(0, 1), yticks=(0, 1), title="confusion matrix")
    ax.set_xticklabels(["called normal", "called defective"], fontsize="small")
    ax.set_yticklabels(["normal", "defective"], fontsize="small")
    ax.grid(False)


def _thumbnail(ax, row, *, called: bool) -> None:
    image = read_image(row.path)
    image.thumbnail((THUMBNAIL, THUMBNAIL))
    right = called == (row.label == 1)
    truth = ("normal", "defective")[row.label]
    show_image(ax, np.asarray(image) / 255, f"{row.category} {row.strict_score:.2f}\n{truth}")
    ax.title.set_fontsize("x-small")
    ax.title.set_fontweight("normal" if right else "bold")
    ax.title.set_color("black" if right else ABNORMAL)


def _numbers(found: dict[str, float], threshold: float, category: str) -> str:
    return (
        f"<b>{category}, threshold {threshold:.2f}:</b> {found['tp']} of {found['tp'] + found['fn']} defective images "
        f"found, {found['fp']} of {found['fp'] + found['tn']} normal images called defective. "
        f"Recall {found['recall']:.3f}, false positive rate {found['false_positive_rate']:.3f}, "
        f"precision {found['precision']:.3f}, F1 {found['f1']:.3f}. Wrong images have a bold title."
    )
