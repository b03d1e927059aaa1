"""Interactive figures for notebooks, with ipywidgets (`pip install bayes-pfl[notebooks]`)."""

from collections.abc import Callable

import matplotlib.pyplot as plt
from IPython.display import display
from ipywidgets import HBox, IntSlider
from matplotlib.figure import Figure

from .data import Dataset, loader
from .model import BayesPFL
from .plotting import show_image


def sample_figure(model: BayesPFL, data: Dataset, index: int, num_samples: int, seed: int) -> Figure:
    """One image, its map and the map's spread over R samples, side by side."""
    sample = data[index]
    batch = next(iter(loader(data.subset(keep=sample.__eq__), model.clip.image_size, 1)))
    prediction = model.predict(batch.images, batch.class_names, num_samples=num_samples, seed=seed)
    image, spread = batch.images[0].numpy(), prediction.map_std[0]
    fig, axes = plt.subplots(1, 3, figsize=(8, 3))
    state = "unknown" if sample.label is None else ("normal", "defective")[sample.label]
    show_image(axes[0], image, f"{sample.category}, {state}", batch.masks[0].numpy())
    score, deviation = prediction.score[0], prediction.score_std[0]
    show_image(axes[1], image, f"score {score:.3f} ± {deviation:.3f}", None, prediction.map[0].numpy())
    brightest = max(float(spread.max()), 1e-6)
    show_image(axes[2], image, f"spread over samples (brightest {brightest:.3f})", None, (spread / brightest).numpy())
    return fig


def explore_samples(model: BayesPFL, data: Dataset):
    """Sliders for the image, the seed and the number of samples R, and their `sample_figure`."""
    sliders = {
        "index": IntSlider(description="image", min=0, max=len(data) - 1, continuous_update=False),
        "num_samples": IntSlider(description="R", value=10, min=1, max=40, continuous_update=False),
        "seed": IntSlider(description="seed", min=0, max=20, continuous_update=False),
    }
    return _explorer(lambda **values: sample_figure(model, data, **values), sliders)


def _explorer(draw: Callable[..., Figure], sliders: dict[str, IntSlider]) -> HBox:
    """The sliders; the figure is an ordinary output, so it is shown where widgets are not (papermill, PDF)."""

    def figure_of_values() -> Figure:
        figure = draw(**{name: slider.value for name, slider in sliders.items()})
        plt.close(figure)  # or the cell would show it a second time
        return figure

    shown = display(figure_of_values(), display_id=True)
    for slider in sliders.values():
        slider.observe(lambda _: shown.update(figure_of_values()), "value")
    return HBox(list(sliders.values()))
