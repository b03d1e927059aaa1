"""Images of data sets in rows and grids, with the outlines of their masks."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from .. import plotting
from ..data import Dataset, Sample
from ..data.transforms import read_image, read_mask
from ..workshop import SIZE


def state(sample: Sample) -> str:
    """The name of a sample's defect, or normal, or defective."""
    return sample.defect.replace("_", " ") or ("defective" if sample.label else "normal")


def described(sample: Sample) -> str:
    """The category and the `state` of a sample."""
    return f"{sample.category}: {state(sample)}"


def show(ax, sample: Sample, title: str = "", heat: np.ndarray | None = None) -> None:
    """Draw a sample's image, the outline of its mask, if it has one, and over it a heat map (H, W) in [0, 1]."""
    mask = read_mask(sample, SIZE).numpy() if sample.mask else None
    plotting.show_image(ax, np.asarray(read_image(sample.image)) / 255, title, mask, heat)


def one_per_category(data: Dataset, label: int, most: int) -> list[Sample]:
    """The first sample with a label of each category; of more categories than `most`, evenly spaced ones."""
    categories = data.categories[:: max(1, len(data.categories) // most)][:most]
    return [next(s for s in data.samples if s.category == name and s.label == label) for name in categories]


def some(data: Dataset, category: str, normal: slice, defective: slice) -> list[Sample]:
    """Some normal and some defective samples of a category, chosen by slices."""
    of = [[s for s in data.samples if s.category == category and s.label == label] for label in (0, 1)]
    return of[0][normal] + of[1][defective]


def rows(samples: Mapping[str, Sequence[Sample]], title: Callable[[Sample], str] = state, side: float = 1.1) -> Figure:
    """A row of images for each name, `side` inches each, with titles above the images."""
    fig, axes = plotting.image_grid(len(samples), max(map(len, samples.values())), side=side)
    for line, (name, row) in zip(axes, samples.items(), strict=True):
        plotting.row_label(line[0], name)
        for ax, sample in zip(line, row, strict=False):
            show(ax, sample, title(sample))
    return fig


def grid(
    samples: Sequence[Sample], titles: Sequence[str], heats: np.ndarray | None = None, *, columns: int = 4
) -> Figure:
    """Images with titles, and heat maps (n, H, W) in [0, 1] over them, if given."""
    fig, axes = plotting.image_grid(-(-len(samples) // columns), columns, side=1.7)
    for k, (sample, title) in enumerate(zip(samples, titles, strict=True)):
        show(axes.flat[k], sample, title, None if heats is None else heats[k])
    return fig
