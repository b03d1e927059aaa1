"""The abstract's claims about prompts: four variants of the model, the settings they are trained in, and the results.

`tests/benchmarks/claims.py` trains and tests all of them, and writes the tables that `load` reads.
"""

from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
import torch.nn.functional as F
from matplotlib.figure import Figure
from torch import Tensor

from .config import ModelConfig, Preset, TrainConfig
from .data import Dataset
from .model import BayesPFL

ASSETS = Path(__file__).parent / "assets"
SETTINGS = ("all categories", "two categories", "few images", "photographs")  # what a variant is trained on
TEST_SETS = ("drawn", "photographs", "elpv")
# first - second -> the claim that it bears on; a positive difference supports it.
COMPARISONS = {
    ("bank", "one prompt"): "2: one learned prompt is too simple",
    ("flow", "one prompt"): "2: one learned prompt is too simple",
    ("Gaussian", "bank"): "3: an unconstrained prompt space generalises badly",
    ("flow", "bank"): "3: an unconstrained prompt space generalises badly",
    ("flow", "Gaussian"): "the flow, not only a distribution, is needed",
}
METRICS = {
    "image_auroc": "image AUROC",
    "pixel_auroc": "pixel AUROC",
    "pixel_pro": "PRO",
    "image_auroc_kept": "image AUROC, unseen − seen",
    "pixel_auroc_kept": "pixel AUROC, unseen − seen",
    "pixel_pro_kept": "PRO, unseen − seen",
}
VERDICTS = ("shown", "contradicted", "undecided")
CEILING = 0.99  # of a metric: two variants above it have no room to differ


def variants(full: ModelConfig) -> dict[str, ModelConfig]:
    """The four variants, which differ only in their prompts; all have the cross-modal attention of `full`."""
    bank = replace(full, isd=False, iad=False)
    return {
        "one prompt": replace(bank, num_prompts=1),
        "bank": bank,
        "Gaussian": replace(full, flow=False),
        "flow": full,
    }


def samples(config: ModelConfig, num_samples: int) -> int:
    """The number of samples to predict with: one if nothing is random, since all would be equal."""
    return num_samples if config.isd or config.iad else 1


# --- the settings ---


def by_class(data: Dataset) -> dict[tuple, list]:
    """The samples of each category and label."""
    groups: dict[tuple, list] = {}
    for sample in data.samples:
        groups.setdefault((sample.category, sample.label), []).append(sample)
    return groups


def evenly(data: Dataset, each: int) -> Dataset:
    """At most `each` normal and `each` anomalous images of every category, evenly spaced."""
    kept = set()
    for group in by_class(data).values():
        n = min(each, len(group))
        kept |= {group[i * len(group) // n] for i in range(n)}
    return data.subset(keep=kept.__contains__)


def split(data: Dataset, setting: str, seed: int, *, most: int) -> tuple[Dataset, Dataset]:
    """The training images of a setting, about `most` at most, and others of the same categories ("seen").

    Half of the images are trained on. "two categories": a pair drawn at random for each seed. "few images": one normal
    and one anomalous image of each category, drawn at random for each seed.
    """
    rng = np.random.default_rng(seed)
    if setting == "two categories":
        data = data.subset(categories=set(rng.choice(data.categories, 2, replace=False).tolist()))
    halves = [{sample for group in by_class(data).values() for sample in group[start::2]} for start in (0, 1)]
    training, seen = (data.subset(keep=half.__contains__) for half in halves)
    if setting == "few images":
        drawn = {group[rng.integers(len(group))] for group in by_class(training).values()}
        training = training.subset(keep=drawn.__contains__)
    return evenly(training, max(1, most // len(by_class(training)))), seen


def recipe(scale: Preset, training: Dataset, *, passes: int, seed: int) -> TrainConfig:
    """Stage 1 for about `passes` training images, so that a smaller set is seen more often, not trained less."""
    epochs = max(1, round(passes / len(training)))
    config = replace(scale.train, epochs=epochs, stage2_epochs=0, horizon=None, augment=False, seed=seed)
    if scale.clip["name"] == "tiny":  # at the preset's rate, so few steps would not separate the prompts of the bank
        config = replace(config, batch_size=8, lr_prompts=3e-2)
    return config


def text_spread(model: BayesPFL, x: Tensor, class_names: list[str], *, num_samples: int = 10) -> dict[str, float]:
    """Mean cosine distance between text embeddings, for images with embeddings x (b, D).

    prompts: of the bank, for the same state and sample. samples: of the same prompt and state. states: the normal and
    the abnormal embedding of one prompt. directions: their difference, abnormal minus normal, between all prompts and
    samples; scores follow from it by learned mappings. NaN where there is only one; 0 where all are equal.
    """
    bank = model.config.num_prompts
    text = model.sample_prompts(x, class_names, num_samples=num_samples).text.unflatten(1, (2, num_samples, bank))
    normal, abnormal = text.unbind(1)
    directions = F.normalize(abnormal - normal, dim=-1)
    if samples(model.config, num_samples) == 1:
        directions = directions[:, :1]  # all samples are equal
    return {
        "prompts": _mean_distance(text, 3),
        "samples": _mean_distance(text, 2),
        "states": float(1 - (normal * abnormal).sum(-1).mean()),
        "directions": _mean_distance(directions.flatten(1, 2), 1),
    }


def _mean_distance(text: Tensor, axis: int) -> float:
    """Mean cosine distance between different entries of an axis."""
    n = text.shape[axis]
    if n == 1:
        return float("nan")
    cosine = (text.sum(axis).square().sum(-1) - n) / (n * (n - 1))
    return float((1 - cosine.mean()).clamp(min=0))


# --- the results ---


def load(folder: Path | str = ASSETS) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The comparisons (claims.csv), and the metrics of each run with the spread of its prompts (claims_runs.csv)."""
    for name in ("claims.csv", "claims_runs.csv"):
        if not (Path(folder) / name).exists():
            raise FileNotFoundError(
                f"{folder} lacks {name}; write it: python tests/benchmarks/claims.py --out {folder}"
            )
    runs = pd.read_csv(Path(folder) / "claims_runs.csv", dtype={"clip": str})  # a fingerprint may look like a number
    return pd.read_csv(Path(folder) / "claims.csv"), runs


def verdict(low: float, high: float) -> str:
    """ "shown" if the interval of the difference lies above 0, "contradicted" if below, else "undecided"."""
    return "shown" if low > 0 else "contradicted" if high < 0 else "undecided"


def tally(table: pd.DataFrame) -> pd.DataFrame:
    """For each comparison: how many rows have each verdict, and medians of the difference and of what could be seen."""
    rows = table.assign(verdict=list(map(verdict, table["low"], table["high"])))
    groups = rows.groupby("comparison", sort=False)
    counts = groups["verdict"].value_counts().unstack(fill_value=0).reindex(columns=VERDICTS, fill_value=0)
    counts = counts.reindex(list(groups.groups)).rename_axis(columns=None)
    counts["median difference"], counts["could be seen (median)"] = (
        groups[column].median() for column in ("difference", "seen_from")
    )
    return counts


def sentences(table: pd.DataFrame) -> str:
    """In words: for each comparison where it is shown or contradicted, and what an undecided one could have missed."""
    lines = []
    table = table.assign(verdict=list(map(verdict, table["low"], table["high"])))
    for (first, second), claim in COMPARISONS.items():
        part = table[table["comparison"] == f"{first} - {second}"]
        if part.empty:
            continue
        lines.append(f"{first} − {second} ({'claim ' if claim[0].isdigit() else ''}{claim})")
        for word in VERDICTS[:2]:
            for (setting, test), group in part[part["verdict"] == word].groupby(["setting", "test_set"], sort=False):
                values = (
                    f"{METRICS[row.metric]} {row.difference:+.3f} ({row.low:+.3f} to {row.high:+.3f})"
                    for row in group.itertuples()
                )
                lines.append(f"  {word}, trained on {setting}, tested on {test}: {'; '.join(values)}")
        undecided = part[part["verdict"] == "undecided"]
        top = int(((undecided[["first", "second"]] > CEILING).all(axis=1)).sum())
        if len(undecided):
            low, high = undecided["seen_from"].quantile([0.1, 0.9])
            size = f"in most of them a difference of {low:.3f} to {high:.3f} would have been seen"
            ceiling = f"; in {top} both variants are above {CEILING}, so little could show" if top else ""
            lines.append(f"  undecided: {len(undecided)} of {len(part)} rows; {size}{ceiling}")
    chance = 0.05 * len(table)
    lines.append(f"Of {len(table)} intervals of 95 %, about {chance:.0f} exclude 0 by chance where nothing differs.")
    return "\n".join(lines)


def draw(table: pd.DataFrame, metrics: tuple[str, ...] = ("image_auroc", "pixel_pro")) -> Figure:
    """The differences with their intervals: a panel for each setting and metric, a colour for each test set."""
    names, settings = list(dict.fromkeys(table["comparison"])), list(dict.fromkeys(table["setting"]))
    colours = dict(zip(TEST_SETS, sns.color_palette("colorblind"), strict=False))
    size = (2.7 * len(settings) + 1.4, 2.3 * len(metrics) + 0.7)
    fig, axes = plt.subplots(len(metrics), len(settings), figsize=size, sharex="row", sharey=True, squeeze=False)
    for metric, row in zip(metrics, axes, strict=True):
        for setting, ax in zip(settings, row, strict=True):
            ax.axvline(0, color="0.5", lw=1)
            for k, (test, colour) in enumerate(colours.items()):
                part = table[(table["metric"] == metric) & (table["setting"] == setting) & (table["test_set"] == test)]
                y = [names.index(name) + 0.22 * (k - 1) for name in part["comparison"]]
                error = [part["difference"] - part["low"], part["high"] - part["difference"]]
                ax.errorbar(
                    part["difference"],
                    y,
                    xerr=error,
                    fmt="os^"[k],
                    ms=4.5,
                    lw=1.6,
                    color=colour,
                    label=f"tested: {test}",
                )
            ax.set_xlabel(f"difference in {METRICS[metric]}")
            ax.locator_params(axis="x", nbins=5)
    for setting, ax in zip(settings, axes[0], strict=True):
        ax.set_title(f"trained on {setting}")
    axes[0, 0].set_yticks(range(len(names)), [name.replace(" - ", " − ") for name in names])
    axes[0, 0].set_ylim(len(names) - 0.5, -0.5)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside upper center", ncols=len(colours), fontsize="small")
    return fig
