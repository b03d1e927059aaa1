"""Parts of a trained model switched off at prediction time, without training it again."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from ipywidgets import Checkbox, Dropdown, IntSlider, Layout, VBox, Widget
from matplotlib.figure import Figure

from ..data import Batch
from ..model import BayesPFL
from ..plotting import show_image
from ..prediction import Prediction
from .explorer import explorer
from .pictures import described

PARTS = {  # field of `ModelConfig` -> the part's name
    "isd": "context distribution (ISD)",
    "iad": "state distributions (IAD)",
    "flow": "planar flow",
    "rca": "cross-modal attention (RCA)",
}
FIRST = "isd"  # off when the widget is opened


def without(model: BayesPFL, off: Sequence[str] = (), *, prompts: Sequence[int] | None = None) -> BayesPFL:
    """A copy of a trained model in which parts are switched off; all other weights are those of the whole model.

    It is not what training without the part would give: the weights that remain were trained together with it.

    Args:
        off: keys of `PARTS`.
        prompts: the prompts of the bank to keep; default: all.

    Raises:
        ValueError: a part is unknown.
    """
    if unknown := set(off) - set(PARTS):
        raise ValueError(f"unknown part {sorted(unknown)[0]!r}; choose from {', '.join(PARTS)}")
    kept = list(range(model.config.num_prompts) if prompts is None else prompts)
    switches: dict[str, Any] = {"num_prompts": len(kept)} | dict.fromkeys(off, False)
    part = BayesPFL(model.clip, replace(model.config, **switches))
    weights = dict(model.state_dict())
    weights["prompts.context"] = weights["prompts.context"][kept]
    weights["prompts.states"] = weights["prompts.states"][:, kept]
    part.load_state_dict({name: weights[name] for name in part.state_dict()})  # a part that is off has no weights
    part.stage = model.stage
    return part.eval()


def map_change(whole: Prediction, part: Prediction) -> float:
    """Mean absolute difference between the maps of two predictions of the same images, a probability."""
    return float((part.map - whole.map).abs().mean())


def draw(
    model: BayesPFL, batch: Batch, whole: Prediction, *, image: int, num_samples: int, bank: int, **on: bool
) -> tuple[Figure, str]:
    """The maps of the whole model and of the one with parts switched off, their difference, and numbers as HTML.

    Args:
        whole: what the whole model predicts for the image.
        image: its place in the batch.
        num_samples: R, of the second model.
        bank: prompts kept of the bank, the first ones.
        on: for each of `PARTS` whether it is on.
    """
    off = [name for name, value in on.items() if not value]
    part, names = without(model, off, prompts=range(bank)), [batch.class_names[image]]
    pixels = batch.images[image : image + 1]
    changed = part.predict(pixels, names, num_samples=num_samples, seed=0)
    fig, axes = plt.subplots(1, 4, figsize=(10, 2.9))
    show_image(axes[0], pixels[0].numpy(), f"{names[0]}, mask outlined", batch.masks[image].numpy())
    show_image(axes[1], pixels[0].numpy(), f"whole model: score {whole.score[0]:.3f}", None, whole.map[0].numpy())
    title = f"parts off: score {changed.score[0]:.3f}"
    show_image(axes[2], pixels[0].numpy(), title, None, changed.map[0].numpy())
    difference = (changed.map - whole.map)[0].numpy()
    largest = float(np.abs(difference).max())
    limit = max(largest, 1e-3)
    drawn = axes[3].imshow(difference, cmap="PuOr_r", vmin=-limit, vmax=limit)
    axes[3].set_title("change of the map", fontsize="small")
    axes[3].set_axis_off()
    fig.colorbar(drawn, ax=axes[3], shrink=0.8)
    switched = ", ".join(PARTS[name] for name in off) or "nothing"
    return fig, (
        f"<b>Switched off: {switched}</b>; R = {num_samples}, {bank} of {model.config.num_prompts} prompts. "
        f"Score {whole.score[0]:.3f} → {changed.score[0]:.3f} "
        f"(spread over samples {whole.score_std[0]:.3f} → {changed.score_std[0]:.3f}); "
        f"largest change of the map {largest:.3f}, mean {map_change(whole, changed):.4f}. "
        "This is not a retrained ablation: the rest was trained together with what is off."
    )


def explore(model: BayesPFL, batch: Batch) -> VBox:
    """A menu of the images, a switch per part, and sliders for R and the prompts of the bank, over `draw`."""
    names = list(map(described, batch.samples))
    bank = model.config.num_prompts

    @cache
    def whole(image: int) -> Prediction:
        return model.predict(batch.images[image : image + 1], [batch.class_names[image]], num_samples=10, seed=0)

    options = list(zip(names, range(len(names)), strict=True))
    controls: dict[str, Widget] = {"image": Dropdown(description="image", options=options)}
    for name, label in PARTS.items():  # one is off at first, so that a still picture shows a change
        controls[name] = Checkbox(description=label, value=name != FIRST, indent=False, layout=Layout(width="auto"))
    controls |= {
        "num_samples": IntSlider(description="samples R", value=10, min=1, max=20, continuous_update=False),
        "bank": IntSlider(description="prompts", value=bank, min=1, max=bank, continuous_update=False),
    }
    return explorer(lambda **on: draw(model, batch, whole(on["image"]), **on), controls, name="parts")
