"""Our numbers compared with the published ones: a table, and a figure of the differences."""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from .evaluation import IMAGE_METRICS, PIXEL_METRICS
from .statistics import spread

PROTOCOLS = ("strict", "official")
PUBLISHED = Path(__file__).parent / "assets" / "published.csv"
# All are second-hand: the paper's own tables were not available. Grade A: two or more sources agree; B: one source;
# C: sources conflict, and all their values are listed.
SOURCES = {
    "S1": "CoEvoAD's README",
    "S2": "Dual-Anchor, arXiv 2608.11933",
    "S3": "Bayes-VCF",
    "S4": "a spreadsheet of CVPR 2025, Table 1",
    "S5": "MoECLIP, arXiv 2603.03101",
    "S6": "PSMP-CLIP",
    "S7": "AnomalyVFM, arXiv 2601.20524",
    "S8": "DLVP-CLIP",
    "S11": "a benchmark aggregator",
}


def compare(tables: dict[tuple[str, str], dict[int, pd.DataFrame]]) -> pd.DataFrame:
    """Means over categories for each set and protocol, over seeds, and the published number if there is one.

    Args:
        tables: (set, protocol) -> seed -> `Evaluation.table`.

    Returns:
        set, protocol, metric, mean, std, num_seeds, published (the first source's), low and high (of all sources),
        grade, source, difference (mean minus published); fractions.
    """
    published, rows = pd.read_csv(PUBLISHED), []
    for (name, protocol), seeds in tables.items():
        ours = spread(seeds)
        ours = ours[ours["category"] == "mean"].set_index("metric")
        for metric in (*IMAGE_METRICS, *PIXEL_METRICS):
            theirs = published[(published["set"] == name) & (published["metric"] == metric)]
            row: dict[str, Any] = {"set": name, "protocol": protocol, "metric": metric}
            row |= ours.loc[metric, ["mean", "std", "num_seeds"]].to_dict()
            values = theirs["value"] / 100
            row |= {
                "published": values.iloc[0] if len(values) else np.nan,
                "low": values.min() if len(values) else np.nan,
                "high": values.max() if len(values) else np.nan,
                "grade": theirs["grade"].iloc[0] if len(theirs) else "",
                "source": "; ".join(theirs["source"]),
            }
            rows.append(row | {"difference": row["mean"] - row["published"]})
    table = pd.DataFrame(rows)
    return table.dropna(subset=["mean", "published"], how="all").reset_index(drop=True)


def draw_differences(table: pd.DataFrame, title: str) -> plt.Figure | None:
    """Ours minus published, in points, a panel per metric; a bar spans the values of conflicting sources."""
    shown = table.dropna(subset=["difference"])
    metrics = [m for m in ("image_auroc", "image_ap", "pixel_auroc", "pixel_pro") if (shown["metric"] == m).any()]
    if not metrics:
        return None
    names = list(dict.fromkeys(shown["set"]))
    figure, axes = plt.subplots(
        1, len(metrics), figsize=(3.2 * len(metrics) + 1, 0.38 * len(names) + 2), sharey=True, squeeze=False
    )
    for ax, metric in zip(axes[0], metrics, strict=True):
        ax.axvline(0, color="0.6", lw=1)
        for k, protocol in enumerate(PROTOCOLS):
            part = shown[(shown["metric"] == metric) & (shown["protocol"] == protocol)]
            y = [names.index(name) + 0.24 * (k - 0.5) for name in part["set"]]
            ax.errorbar(
                100 * part["difference"], y, xerr=100 * part["std"].fillna(0), fmt="os"[k], ms=5, capsize=2,
                label=protocol,
            )  # fmt: skip
            if k == 0:
                low, high = (100 * (part[end] - part["published"]) for end in ("low", "high"))
                ax.hlines([names.index(name) for name in part["set"]], low, high, color="0.75", lw=6, zorder=0)
        ax.set(title=metric.replace("_", " "), xlabel="ours − published (points)")
        ax.grid(axis="y", alpha=0.3)
    grades = shown.groupby("set")["grade"].agg(lambda g: "/".join(sorted(set(g))))
    axes[0, 0].set_yticks(range(len(names)), [f"{name} ({grades[name]})" for name in names])
    axes[0, 0].invert_yaxis()
    axes[0, -1].legend(frameon=False, fontsize="small")
    figure.suptitle(title, fontsize="medium")
    figure.tight_layout()
    return figure
