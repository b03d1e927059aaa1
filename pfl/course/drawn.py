"""Drawings of the workshop in grids: normal ones, all defects, and augmentations of one."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from .. import plotting, workshop
from ..data import augmentation
from ..workshop import Scene


def rows(scenes: Mapping[str, Sequence[Scene]], side: float = 1.2) -> Figure:
    """A row of scenes for each name, with the outlines of their masks."""
    fig, axes = plotting.image_grid(len(scenes), max(map(len, scenes.values())), side=side)
    for line, (name, row) in zip(axes, scenes.items(), strict=True):
        plotting.row_label(line[0], name)
        for ax, scene in zip(line, row, strict=False):
            plotting.show_image(ax, scene.image / 255, "", scene.mask)
    return fig


def defects(seed: int) -> tuple[Figure, pd.DataFrame]:
    """Each category of the drawn target with each of its defects, and a table: category, defect, area (a share)."""
    families, areas = [*workshop.SURFACE, "missing_part", *workshop.NEW], []
    titles = [family.replace("_", " ") for family in families]
    fig, axes = plotting.image_grid(len(workshop.TARGET), len(families), side=1.2, titles=titles)
    for row, (line, (name, category)) in enumerate(zip(axes, workshop.TARGET.items(), strict=True)):
        plotting.row_label(line[0], name)
        for ax, family in zip(line, families, strict=True):
            if family in category.defects("target"):
                scene = workshop.scene(np.random.default_rng([seed, row]), category, family)
                plotting.show_image(ax, scene.image / 255, ax.get_title(), scene.mask)
                areas.append((name, family, scene.mask.mean()))
            else:
                ax.set_box_aspect(1)  # else the title above an empty cell sits higher than its neighbours
                ax.text(0.5, 0.5, "—", ha="center", va="center", color=plotting.NEUTRAL)
    return fig, pd.DataFrame(areas, columns=["category", "defect", "area"])


def augmentations(image: np.ndarray, mask: np.ndarray, count: int, seed: int) -> Figure:
    """An image (H, W, 3) uint8 with its mask (H, W), and augmentations of both, the k-th with the seed (seed, k)."""
    fig, axes = plotting.image_grid(2, (count + 2) // 2, side=1.5)
    plotting.show_image(axes[0, 0], image / 255, "original", mask)
    for k, ax in enumerate(axes.flat[1 : count + 1]):
        one, moved = augmentation.augment(image, mask, np.random.default_rng([seed, k]))
        plotting.show_image(ax, one / 255, f"augmented {k + 1}", moved)
    return fig
