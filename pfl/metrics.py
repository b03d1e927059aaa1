"""AUROC, average precision, F1-max and PRO of images and pixels; streaming, so any number of maps fits in memory.

All metrics follow from histograms of the scores: the number of normal pixels, the number of anomalous pixels, and, for
PRO, anomalous pixels divided by the area of their region. `measure` computes every metric from these histograms. They
are counted either at the exact scores, or in 2^20 bins, which suffice for any number of maps.

Why no library: torchmetrics has no PRO; ADEval streams in the same way, but has no F1-max and requires the OpenCV
package that conflicts with the headless one. What would be left to import is a cumulative sum.
"""

import cv2
import numpy as np
from numpy.typing import ArrayLike
from torch import Tensor, bfloat16

from .ranges import check

PRO_LIMIT = 0.3  # false positive rate up to which PRO is integrated: usual since MVTec-AD (Bergmann et al. 2021)
MAX_EXACT = 2**22  # pixels that `PixelMetrics` stores, in about the memory of its bins; 15 maps at 518, 113 at 192
BINS = 2**20  # 24 MB of histograms


def image_metrics(scores: ArrayLike, labels: ArrayLike) -> dict[str, float]:
    """Exact image-level metrics.

    Args:
        scores: (n,), higher is more anomalous, of any range.
        labels: (n,), 1 anomalous, 0 normal.

    Returns:
        auroc, ap, f1, as fractions, and threshold: calling images from this score on anomalous gives the best F1.
        All are NaN unless both labels occur.
    """
    scores, labels = as_numbers("scores", scores).ravel(), as_numbers("labels", labels).ravel()
    if scores.shape != labels.shape:
        raise ValueError(f"{len(scores)} scores for {len(labels)} labels; pass one of each per image")
    check_labels(labels)
    metrics = measure(*_exact_histograms(scores[labels != 1], scores[labels == 1], np.zeros((labels == 1).sum())))
    del metrics["pro"]
    return metrics


def pixel_metrics(maps: ArrayLike, masks: ArrayLike, *, pro_limit: float = PRO_LIMIT) -> dict[str, float]:
    """Exact pixel-level metrics, for maps that fit in memory together; `PixelMetrics` is for more.

    Args:
        maps: (n, H, W), higher is more anomalous, of any range.
        masks: (n, H, W), whole numbers, nonzero where anomalous.
        pro_limit: false positive rate up to which PRO is integrated, and by which it is divided; in (0, 1].

    Returns:
        auroc, ap, f1, pro, as fractions, and threshold, the score of the best F1. All are NaN unless there are both
        normal and anomalous pixels.
    """
    maps, masks = _maps_and_masks(maps, masks)
    weights, regions = region_weights(masks)
    return measure(*_exact_histograms(maps[~masks], maps[masks], weights), regions=regions, pro_limit=pro_limit)


class PixelMetrics:
    """Streaming pixel-level metrics; memory stops growing after the first few million pixels.

    Up to MAX_EXACT pixels are stored and measured exactly. Beyond that, all are binned, and scores within a bin count
    as tied. Bins are uniform in the square root of the distance to 0 or 1, whichever is nearer, so they are finest
    where a good model has most of the pixels. At 0.5, where they are widest, there are 524 in a thousandth. For many
    maps that all span less than a twentieth of [0, 1], use `pixel_metrics`, or AP can be off by more than 1e-4.

        metrics = PixelMetrics()
        metrics.update(maps, masks)  # once per batch
        metrics.result()
    """

    def __init__(self):
        self.stored, self.regions = [(np.zeros(0, np.float32),) * 2 + (np.zeros(0),)], 0
        self.negatives, self.positives, self.overlap = (np.zeros(BINS, dtype) for dtype in (np.int64, np.int64, float))

    def update(self, maps: ArrayLike, masks: ArrayLike) -> None:
        """Add maps (n, H, W), or one (H, W), in [0, 1], and their masks, nonzero where anomalous.

        Raises:
            ValueError: shapes differ, or a score is NaN or outside [0, 1].
        """
        maps, masks = _maps_and_masks(maps, masks)
        low, high = maps.min(initial=1.0), maps.max(initial=0.0)
        if not (low >= 0 and high <= 1):  # written so that NaN is rejected, too
            raise ValueError(f"map scores range from {low} to {high}; rescale them to [0, 1], or use pixel_metrics")
        weights, regions = region_weights(masks)
        self.regions += regions
        self.stored.append((maps[~masks], maps[masks], weights))
        self._bin_if_full()

    def add(self, other: "PixelMetrics") -> None:
        """Add the maps of another instance, such as that of another process."""
        self.regions += other.regions
        self.stored += other.stored
        for ours, theirs in zip(self._histograms(), other._histograms(), strict=True):
            ours += theirs
        self._bin_if_full()

    def _histograms(self) -> tuple[np.ndarray, ...]:
        return self.negatives, self.positives, self.overlap

    def _bin_if_full(self) -> None:
        """Move the stored pixels into bins once there are more than MAX_EXACT."""
        if self.negatives.any() or self.positives.any() or sum(len(n) + len(p) for n, p, _ in self.stored) > MAX_EXACT:
            for negative, positive, weights in self.stored:
                np.add.at(self.negatives, _bin_indices(negative), 1)
                np.add.at(self.positives, _bin_indices(positive), 1)
                np.add.at(self.overlap, _bin_indices(positive), weights)
            self.stored.clear()

    def result(self, *, pro_limit: float = PRO_LIMIT) -> dict[str, float]:
        """What `pixel_metrics` returns, for all maps so far; if binned, the threshold is the lower edge of its bin."""
        if self.stored:
            histograms = _exact_histograms(*map(np.concatenate, zip(*self.stored, strict=True)))
        else:
            place = np.arange(BINS) * (2**0.5 / BINS)
            edges = np.where(place < 0.5**0.5, place**2, 1 - (2**0.5 - place) ** 2)
            histograms = edges, self.negatives, self.positives, self.overlap
        return measure(*histograms, regions=self.regions, pro_limit=pro_limit)


def _bin_indices(scores: np.ndarray) -> np.ndarray:
    root = np.sqrt(np.minimum(scores, 1 - scores), dtype=np.float32)  # rounds, but keeps the order of the scores
    place = np.where(scores < 0.5, root, np.float32(2**0.5) - root)  # from 0 to the square root of 2
    return np.minimum((place * np.float32(BINS / 2**0.5)).astype(np.int32), BINS - 1)


def region_weights(masks: np.ndarray) -> tuple[np.ndarray, int]:
    """One over the area of its region for each anomalous pixel of masks (n, H, W), in order; and the number of regions.

    Pixels that touch at an edge or a corner belong to one region (8-connectivity, as in `skimage.measure.label`).
    """
    weights, regions = [np.zeros(0)], 0
    for mask in masks:
        if mask.any():
            count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8, ltype=cv2.CV_32S)
            labels = labels[mask]
            weights.append(1 / np.bincount(labels)[labels])
            regions += count - 1  # without the background
    return np.concatenate(weights), regions


def measure(
    scores: np.ndarray,
    negatives: np.ndarray,
    positives: np.ndarray,
    overlap: np.ndarray,
    *,
    regions: int = 0,
    pro_limit: float = PRO_LIMIT,
) -> dict[str, float]:
    """All metrics from histograms over ascending scores, each (m,): counts, and for PRO region-weighted counts."""
    check(pro_limit=pro_limit)
    kept = np.flatnonzero(negatives + positives)[::-1]
    if not (negatives.sum() and positives.sum()):
        return dict.fromkeys(("auroc", "ap", "f1", "pro", "threshold"), np.nan)
    fp, tp = np.cumsum(negatives[kept]), np.cumsum(positives[kept])
    false_rate, recall = np.r_[0, fp / fp[-1]], np.r_[0, tp / tp[-1]]
    f1 = 2 * tp / (tp[-1] + tp + fp)
    best = f1.argmax()
    return {
        "auroc": _area(false_rate, recall),
        "ap": float(np.diff(recall) @ (tp / (tp + fp))),  # steps, not trapezoids, as in scikit-learn
        "f1": float(f1[best]),
        "pro": _area_up_to(pro_limit, false_rate, np.r_[0, np.cumsum(overlap[kept])] / regions) if regions else np.nan,
        "threshold": float(scores[kept[best]]),
    }


def _area_up_to(limit: float, x: np.ndarray, y: np.ndarray) -> float:
    """Area under a rising curve from 0 to `limit`, divided by `limit`; the segment that crosses it is cut there."""
    inside = np.searchsorted(x, limit)  # the first point at or beyond the limit
    share = (limit - x[inside - 1]) / (x[inside] - x[inside - 1])
    last = y[inside - 1] + share * (y[inside] - y[inside - 1])
    return _area(np.r_[x[:inside], limit], np.r_[y[:inside], last]) / limit


def _area(x: np.ndarray, y: np.ndarray) -> float:
    return float(np.diff(x) @ (y[1:] + y[:-1]) / 2)


def _exact_histograms(negative: np.ndarray, positive: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, ...]:
    """Histograms at the distinct positive scores, and of the negatives between them: curves bend nowhere else.

    So the negatives, which are many, need only be sorted.
    """
    negative = np.sort(negative)
    distinct, where = np.unique(positive, return_inverse=True)
    below, upto = (np.searchsorted(negative, distinct, side=side) for side in ("left", "right"))
    negatives = np.empty(2 * len(distinct) + 1, np.int64)
    negatives[1::2] = upto - below
    negatives[::2] = np.r_[below, len(negative)] - np.r_[0, upto]
    positives, overlap = np.zeros(len(negatives), np.int64), np.zeros(len(negatives))
    positives[1::2] = np.bincount(where, minlength=len(distinct))
    overlap[1::2] = np.bincount(where, weights, minlength=len(distinct))
    return np.repeat(np.r_[distinct, np.nan], 2)[: len(negatives)], negatives, positives, overlap


def as_numbers(what: str, values: ArrayLike) -> np.ndarray:
    """An array of numbers. Raises ValueError for text, objects, NaN and infinity."""
    if isinstance(values, Tensor):
        values = values.detach().cpu()
        values = values.float() if values.dtype == bfloat16 else values  # numpy has none
    array = np.asarray(values)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{what} are of type {array.dtype}; pass real numbers")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError(f"{what} have a value that is NaN or infinite; leave its image out")
    return array


def check_labels(labels: np.ndarray) -> None:
    """Raise ValueError for a label that is neither 0 nor 1."""
    if not np.isin(labels, (0, 1)).all():
        found = ", ".join(f"{value:g}" for value in np.unique(labels)[:5].astype(float))
        raise ValueError(f"labels have the values {found}; pass 0 for normal and 1 for anomalous, without unknown ones")


def _maps_and_masks(maps: ArrayLike, masks: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    scores, truth = as_numbers("maps", maps), as_numbers("masks", masks)
    if truth.dtype.kind in "if" and not (truth >= 0).all():
        raise ValueError("masks have values below 0; pass 0 for normal pixels, and leave unknown images out")
    if truth.dtype.kind == "f" and not (truth == np.floor(truth)).all():
        raise ValueError("masks have fractions, such as resized ones do; say which pixels are anomalous: masks >= 0.5")
    anomalous = truth != 0
    if scores.ndim not in (2, 3):
        raise ValueError(f"maps have shape {scores.shape}; pass (n, H, W), or one (H, W)")
    if scores.shape != anomalous.shape:
        shapes = f"maps of shape {scores.shape} and masks of shape {anomalous.shape}"
        raise ValueError(f"{shapes} differ; resize one to the other")
    return (scores[None], anomalous[None]) if scores.ndim == 2 else (scores, anomalous)
