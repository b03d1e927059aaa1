"""Quality of the uncertainty: calibration and risk-coverage curves.

All functions take arrays: score, entropy, mutual_information or score_std of a `Prediction`, of images or of pixels.
"""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from .metrics import as_numbers, check_labels


def reliability(probability: ArrayLike, labels: ArrayLike, *, bins: int = 10) -> pd.DataFrame:
    """Predicted probability against observed frequency (reliability diagram), in equal bins over [0, 1].

    Args:
        probability: predicted probability of an anomaly; any shape, in [0, 1].
        labels: of the same shape, 1 for an anomaly, else 0.

    Returns:
        one row per non-empty bin: low and high edge (the last bin is closed), confidence (mean probability), frequency
        (share of anomalies) and count.
    """
    probability, labels = _pair(probability, labels)
    check_labels(labels)
    if not ((probability >= 0) & (probability <= 1)).all():
        raise ValueError("a probability lies outside of [0, 1]; normalise the scores first")
    where = np.minimum((probability * bins).astype(int), bins - 1)
    count = np.bincount(where, minlength=bins)
    sums = {
        "confidence": np.bincount(where, probability, minlength=bins),
        "frequency": np.bincount(where, labels, minlength=bins),
    }
    edges = np.arange(bins + 1) / bins
    kept = count > 0
    table = pd.DataFrame({"low": edges[:-1][kept], "high": edges[1:][kept]})
    return table.assign(**{name: value[kept] / count[kept] for name, value in sums.items()}, count=count[kept])


def expected_calibration_error(probability: ArrayLike, labels: ArrayLike, *, bins: int = 10) -> float:
    """Mean gap between confidence and frequency, weighted by count (ECE, Naeini et al. 2015); 0 is calibrated."""
    table = reliability(probability, labels, bins=bins)
    return float(np.average((table["confidence"] - table["frequency"]).abs(), weights=table["count"]))


def risk_coverage(uncertainty: ArrayLike, errors: ArrayLike) -> pd.DataFrame:
    """Risk-coverage curve: mean error of the most certain cases, for every number of them (El-Yaniv and Wiener 2010).

    Args:
        uncertainty: any shape, higher is less certain.
        errors: of the same shape: 1 where the model was wrong, else 0, or any loss.

    Returns:
        one row per number of cases kept, most certain first: coverage in (0, 1] and risk, the mean error of those kept.
        Cases of equal uncertainty each count with their mean error, so their order does not matter.
    """
    uncertainty, errors = _pair(uncertainty, errors)
    _, where, count = np.unique(uncertainty, return_inverse=True, return_counts=True)
    mean = np.bincount(where, errors) / count
    kept = np.arange(1, len(errors) + 1)
    return pd.DataFrame({"coverage": kept / len(errors), "risk": np.cumsum(np.repeat(mean, count)) / kept})


def aurc(uncertainty: ArrayLike, errors: ArrayLike) -> float:
    """Area under the risk-coverage curve, its mean risk (Geifman et al. 2019); lower is better.

    An uninformative uncertainty gives the mean error; the best possible value is `aurc(errors, errors)`.
    """
    return float(risk_coverage(uncertainty, errors)["risk"].mean())


def _pair(first: ArrayLike, second: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    first, second = as_numbers("values", first).astype(float), as_numbers("labels or errors", second).astype(float)
    if first.shape != second.shape or not first.size:
        raise ValueError(f"arrays of shapes {first.shape} and {second.shape}; pass two of the same shape, not empty")
    return first.ravel(), second.ravel()
