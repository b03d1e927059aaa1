"""Images with their masks and maps: one of each category, and the best, median and worst of each."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ..data import Batch, Dataset, loader
from ..data.samples import Sample
from ..model import BayesPFL
from ..plotting import image_grid, row_label, show_image, stretch
from ..prediction import Prediction

KINDS = ("best", "median", "worst", "false alarm")


def one_per_category(data: Dataset) -> tuple[Sample, ...]:
    """A defective image of each category, chosen by its position: samples are ordered by defect, so defects vary."""
    chosen = []
    for k, category in enumerate(data.categories):
        defective = [s for s in data.samples if s.category == category and s.label == 1]
        chosen.append(defective[2 * k % len(defective)])
    return tuple(chosen)


def predicted(model: BayesPFL, data: Dataset, samples: Sequence[Sample], *, seed: int = 0) -> tuple[Batch, Prediction]:
    """Some samples of a data set as one batch, in their order, and what the model predicts for them with R = 10."""
    batch = next(iter(loader(replace(data, samples=tuple(samples)), model.clip.image_size, len(samples))))
    return batch, model.predict(batch.images, batch.class_names, num_samples=10, seed=seed)


def maximum_inside(prediction: Prediction, batch: Batch) -> np.ndarray:
    """Whether the maximum of each map lies in the image's mask (b,)."""
    top = prediction.map.flatten(1).argmax(dim=1)
    return (batch.masks.flatten(1).gather(1, top[:, None])[:, 0] > 0.5).numpy()


def photographs(model: BayesPFL, data: Dataset, samples: Sequence[Sample]) -> tuple[Figure, pd.DataFrame]:
    """A column per sample: image, mask and map, all maps on one colour scale; and a table of their scores.

    The table has category, defect, score, and inside: whether the map's maximum lies in the mask.
    """
    batch, prediction = predicted(model, data, samples)
    fig, axes = image_grid(3, len(samples), side=1.25)
    for k, (sample, heat) in enumerate(zip(samples, stretch(prediction.map.numpy()), strict=True)):
        show_image(axes[0, k], batch.images[k].numpy(), f"{sample.category}:\n{sample.defect}")
        axes[1, k].imshow(batch.masks[k], cmap="gray", vmin=0, vmax=1)
        show_image(axes[2, k], batch.images[k].numpy(), f"score {prediction.score[k]:.2f}", None, heat)
    for ax, label in zip(axes[:, 0], ("image", "mask", "map"), strict=True):
        row_label(ax, label)
    names = {"category": [s.category for s in samples], "defect": [s.defect for s in samples]}
    return fig, pd.DataFrame(names).assign(score=prediction.score.numpy(), inside=maximum_inside(prediction, batch))


def extremes(images: pd.DataFrame) -> pd.DataFrame:
    """Of each category the defective image with the highest, the median and the lowest score, and the highest normal.

    Args:
        images: `Evaluation.images`.

    Returns:
        its rows with a column kind, one of `KINDS`.
    """
    chosen = []
    for _, group in images.groupby("category", sort=False):
        ranked = group[group["label"] == 1].sort_values("strict_score", ascending=False)
        alarm = group[group["label"] == 0].sort_values("strict_score", ascending=False).head(1)
        chosen.append(pd.concat([ranked.iloc[[0, len(ranked) // 2, -1]], alarm]).assign(kind=KINDS))
    return pd.concat(chosen)


def extreme_maps(model: BayesPFL, data: Dataset, shown: pd.DataFrame) -> Figure:
    """A row per category: each of its `extremes` as the image with its mask's outline, and the map beside it."""
    by_path = {str(sample.image): sample for sample in data.samples}
    fig, axes = image_grid(shown["category"].nunique(), 2 * len(KINDS), side=1.1)
    for row, (category, group) in zip(axes, shown.groupby("category", sort=False), strict=True):
        batch, prediction = predicted(model, data, [by_path[path] for path in group["path"]])
        heats = stretch(prediction.map.numpy())  # the four maps of a category share one colour scale
        for i, item in enumerate(group.itertuples()):
            show_image(row[2 * i], batch.images[i].numpy(), item.kind, batch.masks[i].numpy())
            title = f"{item.strict_score:.2f} ± {item.score_std:.2f}"
            show_image(row[2 * i + 1], batch.images[i].numpy(), title, None, heats[i])
        row_label(row[0], category)
    return fig
