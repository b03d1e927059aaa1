"""What training changes: the number of parameters, the losses by epoch, and the maps of training images."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ..config import Preset
from ..data import Dataset
from ..model import BayesPFL
from ..plotting import ABNORMAL, NORMAL, image_grid, show_image, stretch
from .localisation import maximum_inside, predicted

STAGES = {1: {"color": NORMAL, "marker": "o"}, 2: {"color": ABNORMAL, "marker": "s"}}


def sizes(model: BayesPFL) -> pd.Series:
    """The number of learned parameters of each part of the model."""
    names = [(name.split(".")[0], parameter.numel()) for name, parameter in model.named_parameters()]
    return pd.DataFrame(names, columns=["part", "parameters"]).groupby("part", sort=False)["parameters"].sum()


def differences(other: Preset, this: Preset) -> pd.DataFrame:
    """Each setting of the model and of training in which two presets differ: a row per setting, `other` first."""
    pairs = ((other.model, this.model), (other.train, this.train))
    rows = [(name, getattr(a, name), value) for a, b in pairs for name, value in vars(b).items()]
    changed = [row for row in rows if row[1] != row[2]]
    return pd.DataFrame(changed, columns=["setting", "paper", "this preset"]).set_index("setting")


def figure(history: pd.DataFrame) -> Figure:
    """Each loss over the epochs; the epochs of stage 2 continue those of stage 1.

    Args:
        history: `training.Run.history`.
    """
    shown = [name for name in history if name.startswith("loss_")]
    at = pd.Series(range(1, len(history) + 1), index=history.index)
    fig, axes = plt.subplots(1, len(shown), figsize=(2.3 * len(shown), 2.5))
    for ax, name in zip(axes, shown, strict=True):
        for stage, style in STAGES.items():
            rows = history["stage"] == stage
            if rows.any():
                ax.plot(at[rows], history[name][rows], label=f"stage {stage}", **style)
        ax.set(title=name.removeprefix("loss_"), xlabel="epoch")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    if history["stage"].nunique() > 1:
        axes[0].legend(fontsize="small")
    return fig


def maps(model: BayesPFL, data: Dataset, *, count: int = 8, seed: int = 0) -> tuple[Figure, pd.DataFrame]:
    """`count` defective images, evenly spaced in the data set, with masks and maps on one colour scale.

    Returns:
        the figure, and a table: category, score, and inside, whether the map's maximum lies in the mask.
    """
    defective = [sample for sample in data.samples if sample.label == 1]
    samples = defective[:: max(1, len(defective) // count)][:count]
    batch, prediction = predicted(model, data, samples, seed=seed)
    fig, axes = image_grid(2, len(samples), side=1.3)
    for k, heat in enumerate(stretch(prediction.map.numpy())):
        show_image(axes[0, k], batch.images[k].numpy(), samples[k].category, batch.masks[k].numpy())
        show_image(axes[1, k], batch.images[k].numpy(), f"{prediction.score[k]:.2f}", None, heat)
    table = {"category": [sample.category for sample in samples], "score": prediction.score.numpy()}
    return fig, pd.DataFrame(table).assign(inside=maximum_inside(prediction, batch))
