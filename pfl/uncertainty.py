"""Is the model as sure as it should be, and does it know when it errs: calibration, and risk against coverage.

Pure functions of numbers: any of score, entropy, mutual_information or score_std of a `Prediction`, of images or of
pixels.
"""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike


def reliability(probability: ArrayLike, labels: ArrayLike, *, bins: int = 10) -> pd.DataFrame:
    """What was said against what came true, in bins of equal width over [0, 1].

    Args:
        probability: said, of an anomaly; any shape, in [0, 1].
        labels: of the same shape, 1 where there was one, else 0.

    Returns:
        a row a bin that is not empty: low and high edge (the last one closed), confidence (mean probability), frequency
        (share of anomalies) and count.
    """
    probability, labels = _pair(probability, labels)
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
    columns = {"low": edges[:-1][kept], "high": edges[1:][kept]}
    columns |= {name: value[kept] / count[kept] for name, value in sums.items()} | {"count": count[kept]}
    return pd.DataFrame(columns)


def expected_calibration_error(probability: ArrayLike, labels: ArrayLike, *, bins: int = 10) -> float:
    """Mean distance between confidence and frequency, weighted by count (ECE, Naeini et al. 2015); 0 is calibrated."""
    table = reliability(probability, labels, bins=bins)
    return float(np.average((table["confidence"] - table["frequency"]).abs(), weights=table["count"]))


def risk_coverage(uncertainty: ArrayLike, errors: ArrayLike) -> pd.DataFrame:
    """How often the model errs among those it is surest of, for every share of them (El-Yaniv and Wiener 2010).

    Args:
        uncertainty: any shape, higher is less sure.
        errors: of the same shape: 1 where the model was wrong, else 0, or any loss.

    Returns:
        a row for each number of cases that are kept, the surest first: coverage in (0, 1] and risk, the mean error of
        those kept. Cases that are equally sure count each with their mean error, so that their order is of no matter.
    """
    uncertainty, errors = _pair(uncertainty, errors)
    _, where, count = np.unique(uncertainty, return_inverse=True, return_counts=True)
    mean = np.bincount(where, errors) / count
    kept = np.arange(1, len(errors) + 1)
    return pd.DataFrame({"coverage": kept / len(errors), "risk": np.cumsum(np.repeat(mean, count)) / kept})


def aurc(uncertainty: ArrayLike, errors: ArrayLike) -> float:
    """Area under the risk-coverage curve, its mean risk (Geifman et al. 2019); lower is better.

    An uncertainty that tells nothing gives the mean error; the best one can do is `aurc(errors, errors)`.
    """
    return float(risk_coverage(uncertainty, errors)["risk"].mean())


def _pair(first: ArrayLike, second: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    first, second = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if first.shape != second.shape or not first.size:
        raise ValueError(f"arrays of shapes {first.shape} and {second.shape}; give two of the same, not empty")
    return first.ravel(), second.ravel()
