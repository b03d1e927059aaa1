"""What more samples R bring: the spread of scores and metrics over draws from one trained model."""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from ..config import EvalConfig
from ..data import Dataset
from ..evaluation import measure
from ..model import BayesPFL
from ..plotting import NORMAL

R = (1, 2, 5, 10)


def draws(model: BayesPFL, data: Dataset, config: EvalConfig, *, seeds: int = 8) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Measure with every R and several seeds; all images of a draw share its noise, so several draws are needed.

    Returns:
        a row per draw (R, seed, pixel_auroc, score_deviation: the mean over images of the next), and a row per R and
        image (R, path, deviation: the standard deviation of its score over draws).
    """
    rows, scores = [], []
    for count in R:
        for seed in range(seeds):
            result = measure(model, data, replace(config, num_samples=count, seed=seed))
            rows.append((count, seed, result.table().loc["mean", "pixel_auroc"]))
            scores.append(result.images.assign(R=count))
    deviation = pd.concat(scores).groupby(["R", "path"])["strict_score"].std().rename("deviation").reset_index()
    samples = pd.DataFrame(rows, columns=["R", "seed", "pixel_auroc"])
    return samples.assign(score_deviation=samples["R"].map(deviation.groupby("R")["deviation"].mean())), deviation


def figure(samples: pd.DataFrame, deviation: pd.DataFrame) -> Figure:
    """Left the deviation of scores (mean and middle half of the images), right the pixel AUROC (mean and range)."""
    fig, axes = plt.subplots(1, 2, figsize=(8.5, 3))
    sns.lineplot(deviation, x="R", y="deviation", ax=axes[0], marker="o", errorbar=("pi", 50), color=NORMAL)
    expected = np.linspace(1, max(R))
    axes[0].plot(expected, samples["score_deviation"].iloc[0] / np.sqrt(expected), "--", color="0.6", label="1 / √R")
    axes[0].set(ylabel="sd of an image's score", ylim=(0, None))
    axes[0].legend()
    sns.lineplot(samples, x="R", y="pixel_auroc", ax=axes[1], marker="o", errorbar=("pi", 100), color=NORMAL)
    axes[1].set(ylabel="pixel AUROC")
    for ax in axes:
        ax.set(xscale="log", xticks=R, xticklabels=R, xlabel="samples R")
    return fig
