"""Image AUROC of hand-written wordings, by category."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from sklearn.metrics import roc_auc_score

from ..plotting import NEUTRAL

MARKERS = "os^vDPX<>*hp"  # categories differ by shape, too


def by_category(scores: np.ndarray, labels: np.ndarray, names: np.ndarray) -> pd.Series:
    """Image AUROC in [0, 1] of each category; scores, labels (0 or 1) and names are (n,), one for each image."""
    scores = np.asarray(scores)
    return pd.Series({name: roc_auc_score(labels[names == name], scores[names == name]) for name in np.unique(names)})


def table(scores: Mapping[str, np.ndarray], labels: np.ndarray, names: np.ndarray) -> pd.DataFrame:
    """Columns wording, category, image_auroc: a row for each wording's scores (n,) and each category."""
    return pd.DataFrame(
        [(title, *row) for title, some in scores.items() for row in by_category(some, labels, names).items()],
        columns=["wording", "category", "image_auroc"],
    )


def figure(auroc: pd.DataFrame) -> Figure:
    """A row for each wording of `table`, best mean first; a marker for each category, and | for the mean."""
    means = auroc.groupby("wording").image_auroc.mean().sort_values(ascending=False)
    fig, ax = plt.subplots(figsize=(8, 4.2))
    categories = list(auroc.category.unique())
    colours = sns.color_palette("colorblind", 3)
    for k, name in enumerate(categories):
        values = auroc[auroc.category == name].set_index("wording").image_auroc[means.index]
        height = np.arange(len(means)) + 0.5 * (k / max(1, len(categories) - 1) - 0.5)
        ax.plot(values, height, MARKERS[k % len(MARKERS)], color=colours[k % 3], ms=6, label=name, mec="white", mew=0.5)
    ax.plot(means, np.arange(len(means)), "|", color="black", ms=22, mew=2)
    ax.axvline(0.5, color=NEUTRAL, ls="--", lw=1)
    ax.set(xlabel="image AUROC on unseen categories (| = mean)", yticks=range(len(means)), yticklabels=means.index)
    ax.invert_yaxis()
    ax.legend(title="", bbox_to_anchor=(1.01, 1), loc="upper left", fontsize="small")
    return fig
