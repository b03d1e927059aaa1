"""Sample by sample: each prompt's map, its point among all prompts, and how far the samples agree so far."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from ipywidgets import Dropdown, IntSlider, VBox, Widget
from matplotlib.figure import Figure

from ..config import EvalConfig
from ..data import Batch, Sample
from ..distributions import draw_noise
from ..model import BayesPFL
from ..plotting import ABNORMAL, NEUTRAL, NORMAL, show_image
from ..prediction import image_score, smooth
from .explorer import explorer
from .pictures import described, state
from .projection import GREY, STATES


@dataclass(frozen=True, kw_only=True)
class Steps:
    """What R samples say of one image. The score of a sample is that of `predict` with this sample alone."""

    maps: np.ndarray  # (R, B, H, H) abnormal probability by each prompt, smoothed
    probabilities: np.ndarray  # (R, B) abnormal probability of the whole image
    scores: np.ndarray  # (R,) of each sample alone
    together: np.ndarray  # (R,) of the samples up to each one, their maps and probabilities averaged


@torch.no_grad()
def steps(model: BayesPFL, image: torch.Tensor, name: str, *, num_samples: int, seed: int) -> Steps:
    """The samples that `predict` draws for an image (3, H, H) in [0, 1], one by one."""
    noise = draw_noise(model.clip.dim, num_samples, torch.Generator().manual_seed(seed))
    x, patches = model.features(image[None])
    output = model(x, patches, [name], noise)
    logits = output.image_logits.float()[0]
    text = (logits[1] - logits[0]).sigmoid().cpu()  # (R, B)
    maps = torch.cat(list(model.sample_maps(output.map_evidence.float())), dim=1)[0]
    maps = smooth(maps, EvalConfig.smoothing * model.clip.image_size).cpu()
    count = torch.arange(1, num_samples + 1)
    map_so_far = maps.mean(1).cumsum(0) / count[:, None, None]
    text_so_far = text.mean(1).cumsum(0) / count
    return Steps(
        maps=maps.numpy(),
        probabilities=text.numpy(),
        scores=image_score(text.mean(1), maps.mean(1), EvalConfig.top_fraction).numpy(),
        together=image_score(text_so_far, map_so_far, EvalConfig.top_fraction).numpy(),
    )


def running(scores: Sequence[float] | np.ndarray) -> pd.DataFrame:
    """Mean and spread (standard deviation, 0 of one sample) of the first 1, 2, ... scores."""
    parts = [np.asarray(scores)[: r + 1] for r in range(len(scores))]
    return pd.DataFrame({"mean": [part.mean() for part in parts], "spread": [part.std() for part in parts]})


def draw(
    batch: Batch, found: Steps, points: pd.DataFrame, *, image: int, sample: int, prompt: int, which: str
) -> tuple[Figure, str]:
    """An image, the map of one prompt of it, the samples' scores so far, and the prompt's point; and numbers as HTML.

    Args:
        found: of this image.
        points: `projection.labels` of the batch's prompts, with x, y and nearest, a hand-written sentence.
        image: its place in the batch.
        sample, prompt: of the R samples and of the B prompts, from 1.
        which: the state, normal or abnormal.
    """
    so_far = running(found.scores)
    fig, axes = plt.subplots(1, 4, figsize=(12, 3.1), width_ratios=(1, 1, 1.25, 1.25))
    pixels, name = batch.images[image].numpy(), batch.class_names[image]
    show_image(axes[0], pixels, f"{name}, {state(batch.samples[image])}", batch.masks[image].numpy())
    title = f"map of prompt {prompt}, sample {sample}"
    show_image(axes[1], pixels, title, None, found.maps[sample - 1, prompt - 1])
    _scores(axes[2], found.scores, so_far, sample)
    here = points[points["image"] == image]
    own = here[(here["sample"] == sample) & (here["prompt"] == prompt) & (here["state"] == which)].iloc[0]
    _points(axes[3], points, here[here["sample"] <= sample], own)
    last = so_far.iloc[sample - 1]
    return fig, (
        f"<b>Prompt {prompt} of the bank, sample {sample} of {len(found.scores)}, {which}:</b> "
        f"[context {prompt} + z_ctx {sample}] [{which} state {prompt} + z_state {sample}] [{name}]. "
        f"Nearest hand-written prompt: “{own['nearest']}”. With its opposite, this prompt gives the whole image a "
        f"probability of {found.probabilities[sample - 1, prompt - 1]:.3f}.<br>"
        f"<b>Sample {sample}: score {found.scores[sample - 1]:.3f}.</b> Samples 1 to {sample}: "
        f"mean {last['mean']:.3f}, spread {last['spread']:.3f}; "
        f"score of their mean map and text score {found.together[sample - 1]:.3f}."
    )


def explore(model: BayesPFL, batch: Batch, points: pd.DataFrame, *, num_samples: int, seed: int) -> VBox:
    """Menus of images and states, and sliders for the sample and the prompt of the bank, over `draw`."""

    @cache
    def found(image: int) -> Steps:
        return steps(model, batch.images[image], batch.class_names[image], num_samples=num_samples, seed=seed)

    names = list(map(described, batch.samples))
    first = next((i for i, sample in enumerate(batch.samples) if sample.label), 0)
    slider = {"min": 1, "value": 1, "continuous_update": False}
    controls: dict[str, Widget] = {
        "image": Dropdown(description="image", options=list(zip(names, range(len(names)), strict=True)), value=first),
        "sample": IntSlider(description="sample", max=num_samples, **slider),
        "prompt": IntSlider(description="prompt", max=model.config.num_prompts, **slider),
        "which": Dropdown(description="state", options=list(STATES), value=STATES[1]),
    }
    return explorer(lambda **values: draw(batch, found(values["image"]), points, **values), controls, name="agreement")


def votes(samples: Sequence[Sample], score: np.ndarray, spread: np.ndarray) -> tuple[Figure, pd.DataFrame]:
    """The score of images against its standard deviation over samples, by state; and their table."""
    names = {"image": [s.category for s in samples], "state": [("normal", "defective")[s.label or 0] for s in samples]}
    table = pd.DataFrame(names).assign(score=score, spread=spread)
    fig, ax = plt.subplots(figsize=(5.5, 3.6))
    for word, colour, marker in (("normal", NORMAL, "o"), ("defective", ABNORMAL, "^")):
        part = table[table["state"] == word]
        ax.scatter(part["score"], part["spread"], color=colour, marker=marker, label=word)
    ax.set(xlabel="anomaly score", ylabel="standard deviation over samples", ylim=(0, None))
    ax.legend(fontsize="small", loc="lower right")  # spreads near 0 are rare
    return fig, table


def _scores(ax, scores: np.ndarray, so_far: pd.DataFrame, sample: int) -> None:
    x, part = np.arange(1, sample + 1), so_far.iloc[:sample]
    low, high = part["mean"] - part["spread"], part["mean"] + part["spread"]
    ax.fill_between(x, low, high, color=NORMAL, alpha=0.2, label="mean ± spread so far")
    ax.plot(x, part["mean"], color=NORMAL)
    ax.plot(x, scores[:sample], "o", color=NEUTRAL, ms=5, label="a sample's score")
    ax.plot(sample, scores[sample - 1], "o", color=ABNORMAL, ms=8)
    margin = max(0.02, 0.15 * float(np.ptp(scores)))
    ax.set(xlim=(0.5, len(scores) + 0.5), ylim=(scores.min() - margin, scores.max() + margin), xlabel="sample")
    ax.set_title("scores of the samples so far", fontsize="small")
    ax.legend(fontsize="x-small")


def _points(ax, points: pd.DataFrame, here: pd.DataFrame, own: pd.Series) -> None:
    ax.scatter(points["x"], points["y"], s=3, color=GREY, label="all learned prompts")
    for word, colour, marker in zip(STATES, (NORMAL, ABNORMAL), "o^", strict=True):
        part = here[here["state"] == word]
        ax.scatter(part["x"], part["y"], s=14, color=colour, marker=marker, label=f"so far, {word}")
    ax.plot(own["x"], own["y"], "*", ms=15, color="#f0c808", mec="black", label="this prompt")
    ax.set(xticks=[], yticks=[])
    ax.set_title("prompts (UMAP)", fontsize="small")
    ax.legend(bbox_to_anchor=(0.5, -0.02), loc="upper center", ncols=2, fontsize="xx-small")
