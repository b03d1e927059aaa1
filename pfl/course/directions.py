"""How different the prompts of a variant are: cosine distances between their text embeddings."""

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

LABELS = {
    "prompts": "prompts of the bank",
    "samples": "samples of a prompt",
    "states": "normal and abnormal",
    "directions": "directions of the score",
}
PALETTE = [sns.color_palette("colorblind")[k] for k in (0, 1, 2, 7)]  # blue, orange, green, grey: dark and light differ


def spread(runs: pd.DataFrame) -> pd.DataFrame:
    """Mean distances by setting and variant from `claims.load`'s runs, columns as in `LABELS`; 0 where only one is."""
    means = runs.groupby(["setting", "variant"], sort=False)[list(LABELS)].mean()
    return means.fillna(0).rename(columns=LABELS)


def figure(means: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """A panel per setting with four bars per variant, and the numbers, one row per bar."""
    long = means.melt(ignore_index=False, var_name="between", value_name="distance").reset_index()
    settings = list(long["setting"].unique())
    size = (2.5 * len(settings) + 2, 3)
    fig, axes = plt.subplots(1, len(settings), figsize=size, sharex=True, sharey=True, squeeze=False)
    for ax, name in zip(axes[0], settings, strict=True):
        part, last = long[long["setting"] == name], name == settings[-1]
        sns.barplot(part, y="variant", x="distance", hue="between", ax=ax, legend=last, palette=PALETTE)
        ax.set_title(f"trained on\n{name}", fontsize="small")
        ax.set(xlabel="cosine distance", ylabel="")
    sns.move_legend(
        axes[0, -1], "center left", bbox_to_anchor=(1, 0.5), fontsize="small", title="between", frameon=False
    )
    return fig, long
