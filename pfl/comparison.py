"""Our numbers compared with the published ones: a table, and a figure of the differences."""

from collections.abc import Mapping
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


def compare(
    tables: dict[tuple[str, str], dict[int, pd.DataFrame]], notes: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """Means over categories for each set and protocol, over seeds, and the published number if there is one.

    Args:
        tables: (set, protocol) -> seed -> `Evaluation.table`.
        notes: set -> what is particular about its copy.

    Returns:
        set, protocol, metric, mean, std, num_seeds, published (the first source's), low and high (of all sources),
        grade, source, difference (mean minus published), notes; fractions.
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
            rows.append(row | {"difference": row["mean"] - row["published"], "notes": (notes or {}).get(name, "")})
    table = pd.DataFrame(rows)
    return table.dropna(subset=["mean", "published"], how="all").reset_index(drop=True)


def summary(table: pd.DataFrame) -> str:
    """The final table of `compare`'s rows as text: a line per set and metric, in fractions, and the sets' notes below.

    Published numbers follow the reference's protocol, so the difference is that of the official score.
    """
    lines = []
    for (name, metric), rows in table.groupby(["set", "metric"], sort=False):
        one = rows.set_index("protocol")
        official, marked = one.loc["official"], f"{name} *" if one["notes"].iloc[0] else name
        line = {"set": marked, "metric": metric} | {protocol: _mean_and_sd(one.loc[protocol]) for protocol in PROTOCOLS}
        line |= {"published": _number(official["published"]), "difference": _number(official["difference"], "+.3f")}
        lines.append(line | {"seeds": int(official["num_seeds"])})
    notes = table.drop_duplicates("set").query("notes != ''")
    title = "ours: strict and official, mean ± sd over seeds; difference: official - published"
    footnotes = (f"* {name}: {note}" for name, note in zip(notes["set"], notes["notes"], strict=True))
    return "\n".join([title, pd.DataFrame(lines).to_string(index=False), *footnotes])


def _mean_and_sd(row: pd.Series) -> str:
    sd = "" if np.isnan(row["std"]) else f" ± {row['std']:.3f}"
    return _number(row["mean"]) + sd


def _number(value: float, form: str = ".3f") -> str:
    return "-" if np.isnan(value) else f"{value:{form}}"


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
