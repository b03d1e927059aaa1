"""Results of an inspected folder: the most and the least suspicious images, and scores against a threshold."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from PIL import Image

from .. import plotting
from ..data import Dataset
from ..data.transforms import bounded, read_image

MANY = 500  # points: a swarm of thousands takes minutes


def relative(path: Path) -> str:
    """A path relative to the checkout; of one outside of it, the name alone."""
    root = plotting.root()
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name


def extremes(table: pd.DataFrame, data: Dataset, folder: Path, work: Path) -> tuple[Figure, pd.DataFrame]:
    """The four images with the highest scores and the four with the lowest, over their heat maps; and their rows.

    Args:
        table: of `inspection.inspect`, which wrote the heat maps into `work`.
        folder: that the images' names are relative to.
    """
    scored = table[table.error == ""]
    shown = pd.concat([scored.head(4), scored[4:].tail(4)])
    samples = {sample.image: sample for sample in data.samples}
    fig, axes = plotting.image_grid(2, 8, side=1.3)
    for k, row in enumerate(shown.itertuples()):
        image = read_image(folder / row.name, samples[folder / row.name].white)
        plotting.show_image(axes[0, k], np.asarray(bounded(image, 512)) / 255, row.name)
        heatmap = bounded(Image.open(work / row.heatmap), 512)
        plotting.show_image(axes[1, k], np.asarray(heatmap) / 255, f"{row.score:.2f}{' !' if row.defective else ''}")
    return fig, shown.drop(columns=["heatmap", "error"])


def scores_figure(normal: np.ndarray, scores: np.ndarray, threshold: float, rule: str) -> tuple[Figure, pd.DataFrame]:
    """Scores of known normal images and of a folder, with the threshold; and the table of both."""
    fig, ax = plt.subplots(figsize=(6.5, 2.8))
    names = ["known normal"] * len(normal) + ["your folder"] * len(scores)
    table = pd.DataFrame({"score": [*normal, *scores], "pictures": names})
    points = sns.swarmplot if len(table) < MANY else sns.stripplot
    palette = {"known normal": plotting.NORMAL, "your folder": plotting.NEUTRAL}
    points(table, x="score", y="pictures", hue="pictures", ax=ax, palette=palette, legend=False)
    ax.axvline(threshold, color=plotting.ABNORMAL, lw=1.5)
    ax.text(threshold, -0.55, f" threshold: {rule}", color=plotting.ABNORMAL, fontsize="small")
    ax.set(ylabel="")
    return fig, table
