"""What prediction costs: time against the number of samples, the image size, and by stage (`pfl.bench`)."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from ..plotting import ABNORMAL, NEUTRAL, NORMAL

R = (1, 2, 5, 10, 20)
LINES = {
    "encode b=1": ("encoder alone", NEUTRAL, "o"),
    "predict R=10 b=1": ("predict, R = 10", ABNORMAL, "s"),
    "train b=4": ("training step, 4 images", NORMAL, "^"),
}


def table(sized: Mapping[int, dict], profiled: int) -> pd.DataFrame:
    """A row per image size and operation: size, what, seconds, ratio (to the image encoder alone, where it has one).

    Args:
        sized: results of `bench` by the side of the image in pixels.
        profiled: the side whose stages are added, as "profile: STAGE".
    """
    rows = [(s, k, v, result["ratios"].get(k)) for s, result in sized.items() for k, v in result["seconds"].items()]
    stages = [(profiled, f"profile: {k}", v, None) for k, v in sized[profiled]["profile"].items()]
    return pd.DataFrame(rows + stages, columns=["size", "what", "seconds", "ratio"])


def figure(costs: pd.DataFrame, profiled: int) -> Figure:
    """Left the ratio against R, in the middle the time against the image size, right the time of each stage."""
    fig, axes = plt.subplots(1, 3, figsize=(12, 3.2))
    ratio = costs[costs["size"] == profiled].set_index("what")["ratio"]
    axes[0].plot(R, [ratio[f"predict R={r} b=1"] for r in R], marker="o", color=ABNORMAL)
    axes[0].axhline(1, color=NEUTRAL, ls="--", lw=1)
    title = f"predict one image, {profiled} px"
    axes[0].set(xlabel="samples R", ylabel="time / image encoder", title=title, ylim=(0, None))
    for what, (label, colour, marker) in LINES.items():
        part = costs[costs["what"] == what]
        axes[1].plot(part["size"], 1e3 * part["seconds"], marker=marker, label=label, color=colour)
    axes[1].set(xlabel="image size in pixels", ylabel="milliseconds", ylim=(0, None))
    axes[1].legend(fontsize="small")
    stages = costs[costs["what"].str.startswith("profile: ")]
    axes[2].barh(stages["what"].str.removeprefix("profile: "), 1e3 * stages["seconds"], color=NORMAL)
    axes[2].invert_yaxis()
    axes[2].set(xlabel="milliseconds", title="where the time goes")
    return fig
