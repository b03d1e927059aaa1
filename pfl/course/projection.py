"""Prompts as points in a plane: UMAP, its figures, and how many neighbours it keeps."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
import torch.nn.functional as F
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from sklearn.neighbors import NearestNeighbors
from torch import Tensor, cat

from ..clip import FrozenCLIP
from ..plotting import ABNORMAL, NORMAL
from ..prompts import handwritten

STATES = ("normal", "abnormal")
MARKERS = "osD^vPX<>*hp"  # with the colours, so that a label is known without seeing colour
GREY = "#c9ccd1"


def plane(points: Tensor | np.ndarray, *, seed: int, neighbours: int = 25, metric: str = "cosine") -> np.ndarray:
    """Place points (n, D) in two dimensions with UMAP: (n, 2).

    The initialisation is PCA: UMAP's default places clusters that share no neighbours arbitrarily.
    """
    import umap  # takes seconds to import

    options = {
        "n_neighbors": neighbours,
        "min_dist": 0.2,
        "metric": metric,
        "init": "pca",
        "n_jobs": 1,
        "n_epochs": 200,
    }
    return umap.UMAP(random_state=seed, **options).fit_transform(np.asarray(points))


def labels(images: Sequence[str], *, num_samples: int, bank: int) -> pd.DataFrame:
    """The labels of prompts (b, 2, R, B) in flat order: image, state, sample, prompt, and the category."""
    axes = [range(len(images)), STATES, range(1, num_samples + 1), range(1, bank + 1)]
    table = pd.MultiIndex.from_product(axes, names=["image", "state", "sample", "prompt"]).to_frame(index=False)
    return table.assign(category=[images[i] for i in table["image"]])


def written_prompts(clip: FrozenCLIP, names: Sequence[str], *, every: int = 8) -> tuple[Tensor, pd.DataFrame]:
    """Every n-th hand-written sentence of each name: its unit embeddings (n, D), and category, state and sentence."""
    rows = [
        (name, state, sentence)
        for name in dict.fromkeys(names)
        for state, sentences in zip(STATES, handwritten(name), strict=True)
        for sentence in sentences[::every]
    ]
    parts = [clip.encode_text([row[2] for row in rows[i : i + 128]]) for i in range(0, len(rows), 128)]
    return F.normalize(cat(parts), dim=-1).cpu(), pd.DataFrame(rows, columns=["category", "state", "sentence"])


def alike(points: Tensor | np.ndarray, table: pd.DataFrame, columns: Sequence[str], *, k: int = 10) -> pd.DataFrame:
    """For each column of labels: the share of the k nearest neighbours (cosine) with a point's own label, and chance.

    Args:
        points: (n, D).
        table: n rows.
    """
    near = neighbours_of(points, k=k, metric="cosine")
    rows = {}
    for column in columns:
        codes, counts = pd.factorize(table[column])[0], table[column].value_counts(normalize=True)
        rows[column] = (float((codes[near] == codes[:, None]).mean()), float((counts**2).sum()))
    return pd.DataFrame.from_dict(rows, orient="index", columns=["neighbours alike", "chance"])


def neighbours_of(points: Tensor | np.ndarray, *, k: int, metric: str = "euclidean") -> np.ndarray:
    """The indices (n, k) of the k nearest neighbours of each point (n, D), without the point itself."""
    return NearestNeighbors(n_neighbors=k, metric=metric).fit(np.asarray(points)).kneighbors(return_distance=False)


def kept(points: Tensor | np.ndarray, drawn: np.ndarray, *, k: int = 10) -> float:
    """The mean share of a point's k nearest neighbours (n, D; cosine) that are among those in the plane (n, 2)."""
    full, flat = neighbours_of(points, k=k, metric="cosine"), neighbours_of(drawn, k=k)
    return float(np.mean([len(np.intersect1d(a, b)) / k for a, b in zip(full, flat, strict=True)]))


def draw_prompts(learned: pd.DataFrame, written: pd.DataFrame) -> Figure:
    """Prompts in the plane, by state, by prompt of the bank and by category: three panels.

    Args:
        learned: `labels` with x and y.
        written: those of `written_prompts` with x and y; grey crosses by state, and grey points elsewhere.
    """
    fig, axes = plt.subplots(1, 3, figsize=(13, 4.4))
    for state, colour, cross in zip(STATES, (NORMAL, ABNORMAL), "x+", strict=True):
        part = written[written["state"] == state]
        axes[0].scatter(part["x"], part["y"], marker=cross, color=colour, s=18, lw=0.8, label=f"{state}, hand-written")
    scatter(axes[0], learned, "state", [NORMAL, ABNORMAL], suffix=", learned")
    for ax, column in zip(axes[1:], ("prompt", "category"), strict=True):
        ax.scatter(written["x"], written["y"], color=GREY, s=4, label="hand-written")
        scatter(ax, learned, column)
    titles = ("by state", "learned prompts by prompt of the bank", "learned prompts by category")
    for ax, title, columns in zip(axes, titles, (2, 2, 3), strict=True):
        ax.set(title=title, xticks=[], yticks=[], xlabel="UMAP 1", ylabel="UMAP 2")
        ax.legend(bbox_to_anchor=(0.5, -0.07), loc="upper center", ncols=columns, fontsize="x-small", markerscale=1.4)
    return fig


def scatter(ax, table: pd.DataFrame, column: str, colours: Sequence | None = None, *, suffix: str = "") -> None:
    """Draw x and y, a colour and a marker for each value of a column; the order is shuffled, so that none is on top."""
    values = list(dict.fromkeys(table[column]))
    colours = colours or sns.color_palette("colorblind", len(values))
    shuffled, style = table.sample(frac=1, random_state=0), dict(s=15, lw=0.25, edgecolor="white")
    for chunk in np.array_split(np.arange(len(shuffled)), 8):
        part = shuffled.iloc[chunk]
        for value, colour, marker in zip(values, colours, MARKERS, strict=False):
            rows = part[part[column] == value]
            ax.scatter(rows["x"], rows["y"], color=[colour], marker=marker, **style)
    for value, colour, marker in zip(values, colours, MARKERS, strict=False):
        name = f"{column} {value}" if column == "prompt" else f"{value}{suffix}"
        ax.add_line(Line2D([], [], color=colour, marker=marker, ls="", ms=5, label=name))


def draw_samples(context: Tensor, states: Tensor, names: Sequence[str], *, seed: int) -> tuple[Figure, pd.DataFrame]:
    """UMAP planes of samples before the text tower: context samples of images, and state samples; and their table.

    Args:
        context: (n, R, D) of n images.
        states: (2, R, D).
        names: n names of the images.
    """
    fig, axes = plt.subplots(1, 2, figsize=(10, 4.4))
    panels = (
        (context, names, "image-specific: context samples", None),
        (states, STATES, "image-agnostic: state samples", [NORMAL, ABNORMAL]),
    )
    tables = []
    for ax, (z, of, title, colours) in zip(axes, panels, strict=True):
        table = pd.DataFrame(plane(z.flatten(0, 1), seed=seed, neighbours=30, metric="euclidean"), columns=["x", "y"])
        tables.append(table.assign(of=np.repeat(of, z.shape[1]), distribution=title))
        scatter(ax, tables[-1], "of", colours)
        ax.set(title=title, xticks=[], yticks=[], xlabel="UMAP 1", ylabel="UMAP 2")
        ax.legend(bbox_to_anchor=(0.5, -0.07), loc="upper center", ncols=4, fontsize="x-small")
    return fig, pd.concat(tables)
