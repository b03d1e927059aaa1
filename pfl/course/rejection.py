"""Whether an uncertainty is useful: calibration of the score, and errors on the images that are kept."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ..plotting import ABNORMAL, NEUTRAL
from ..uncertainty import aurc, expected_calibration_error, reliability, risk_coverage


def errors(images: pd.DataFrame) -> tuple[float, np.ndarray]:
    """A threshold that calls as many images defective as are defective, and whether each image (n,) is then wrong.

    It uses the labels, so this is an analysis and no zero-shot number.
    """
    score, defective = images["strict_score"].to_numpy(), images["label"].to_numpy() == 1
    threshold = float(np.quantile(score, 1 - defective.mean()))
    return threshold, (score > threshold) != defective


def figure(images: pd.DataFrame, measures: Mapping[str, np.ndarray], wrong: np.ndarray) -> tuple[Figure, pd.DataFrame]:
    """Left the reliability diagram of the score, right the risk-coverage curve of each uncertainty (n,); its numbers.

    Args:
        images: `Evaluation.images`, n rows.
        wrong: (n,), whether the decision about an image is wrong.
    """
    score, label = images["strict_score"].to_numpy(), images["label"].to_numpy()
    bins, ece = reliability(score, label, bins=8), expected_calibration_error(score, label, bins=8)
    fig, axes = plt.subplots(1, 2, figsize=(11.5, 3.6))
    axes[0].plot([0, 1], [0, 1], color=NEUTRAL, ls="--", lw=1)
    axes[0].plot(bins["confidence"], bins["frequency"], marker="o", color=ABNORMAL)
    axes[0].set(xlabel="score", ylabel="share of defective images", xlim=(0, 1), ylim=(0, 1))
    axes[0].set_title(f"calibration: ECE {ece:.2f}")
    frames = []
    for (name, uncertainty), style in zip(measures.items(), ("-", "--", "-.", ":"), strict=False):
        curve = risk_coverage(uncertainty, wrong)
        area = aurc(uncertainty, wrong)
        axes[1].plot(curve["coverage"], curve["risk"], ls=style, label=f"{name} (AURC {area:.3f})")
        frames.append(curve.assign(by=name))
    axes[1].axhline(wrong.mean(), color=NEUTRAL, lw=1, label=f"at random ({wrong.mean():.3f})")
    axes[1].set(xlabel="coverage (share of images kept)", ylabel="error rate", title="rejection", ylim=(0, None))
    axes[1].legend(fontsize="x-small", loc="upper left", bbox_to_anchor=(1, 1))
    return fig, pd.concat(frames)


def by_data(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """For each data set, by one threshold for all of its categories: ECE, AURC by each uncertainty and at random."""
    rows = []
    for name, images in tables.items():
        _, wrong = errors(images)
        score, defective = images["strict_score"].to_numpy(), images["label"].to_numpy()
        row = {"data": name, "ECE": expected_calibration_error(score, defective, bins=8)}
        kinds = ("score_std", "mutual_information", "entropy")
        risks = {f"AURC by {kind}": aurc(images[kind].to_numpy(), wrong) for kind in kinds}
        helps = min(risks.values()) < wrong.mean()
        rows.append(row | risks | {"AURC at random": wrong.mean(), "rejection helps": helps})
    return pd.DataFrame(rows).set_index("data")
