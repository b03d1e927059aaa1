"""How the tiny CLIP was pre-trained: drawings like those it saw, and the curve that is stored with its weights."""

import json

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from .. import workshop
from ..plotting import ABNORMAL, NORMAL, image_grid, show_image
from ..workshop import tiny

GROUPS = {  # column of the curve -> what its captions say
    "state": "flawless or damaged",
    "defect": "which defect",
    "noun": "what it is",
    "colour": "colour",
    "place": "where",
}
LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
SMOOTHED = 8  # measurements in a mean


def card() -> dict:
    """What is recorded with the weights: the categories (kinds), the rounds and their settings."""
    return json.loads(tiny.CARD.read_text(encoding="utf-8"))


def curve() -> pd.DataFrame:
    """Losses, and accuracies of each group of captions, by step."""
    return pd.read_csv(tiny.ASSETS / "tiny_clip_history.csv")


def smoothed(values: pd.DataFrame) -> pd.DataFrame:
    """The running mean of `curve` over `SMOOTHED` measurements."""
    return values.rolling(SMOOTHED, min_periods=1).mean().assign(step=values["step"])


def drawings(*, seed: int, count: int = 20) -> tuple[Figure, pd.DataFrame]:
    """Drawings of `count` categories with captions, some with a defect; and a table: category, defect."""
    fig, axes = image_grid(2, count // 2, side=1.1)
    names = list(workshop.CAPTIONED)[:: len(workshop.CAPTIONED) // count][:count]
    rng, defects = np.random.default_rng(seed), []
    for ax, name in zip(axes.flat, names, strict=True):
        category = workshop.CAPTIONED[name]
        families = category.defects("auxiliary")
        defect = families[rng.integers(len(families))] if rng.random() < 0.5 else None
        show_image(ax, workshop.scene(rng, category, defect).image / 255, name)
        defects.append(defect or "")
    return fig, pd.DataFrame({"category": names, "defect": defects})


def figure(values: pd.DataFrame, ends: list[int]) -> Figure:
    """Left the accuracy of each group of captions, right the losses; a grey line at the end of each round.

    Args:
        values: `curve`.
        ends: the steps at which rounds end.
    """
    smooth = smoothed(values)
    fig, axes = plt.subplots(1, 2, figsize=(9.5, 3))
    for ax in axes:
        for end in ends:
            ax.axvline(end, color="0.8", zorder=0)
    for (name, label), line in zip(GROUPS.items(), LINES, strict=True):
        axes[0].plot(values["step"], smooth[name], ls=line, label=label)
    axes[0].set(xlabel="step", ylabel="accuracy of captions", ylim=(0.45, 1))
    axes[0].legend(fontsize="x-small")
    axes[1].plot(values["step"], smooth["loss_image"], label="captions of images", color=NORMAL)
    axes[1].plot(values["step"], smooth["loss_region"], ls="--", label="captions of regions", color=ABNORMAL)
    axes[1].set(xlabel="step", ylabel="loss", ylim=(0, None))
    axes[1].legend(fontsize="small")
    return fig
