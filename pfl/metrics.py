"""AUROC, average precision, F1-max and PRO, of images and of pixels; streaming, so any number of maps fits in memory.

All of them need no more than how much falls on each score: normal pixels, anomalous pixels, and, for PRO, anomalous
pixels divided by the area of their region. `measure` reads every metric off those masses. They are counted either at
the exact scores, or in 2^20 bins, which hold any number of maps.

Why no library: torchmetrics has no PRO; ADEval streams in the same manner, but gives no F1-max and asks for
the OpenCV package that clashes with the headless one. What would be left to import is a cumulative sum.
"""

import cv2
import numpy as np
from numpy.typing import ArrayLike

PRO_LIMIT = 0.3  # false positive rate up to which PRO is integrated: the custom since MVTec-AD (Bergmann et al. 2021)
HELD = 2**22  # pixels that `PixelMetrics` keeps, about as much memory as its bins take; 15 maps at 518, 113 at 192
BINS = 2**20  # 24 MB of masses


def image_metrics(scores: ArrayLike, labels: ArrayLike) -> dict[str, float]:
    """Exact metrics of images.

    Args:
        scores: (n,), higher is more anomalous, of any range.
        labels: (n,), 1 anomalous, 0 normal.

    Returns:
        auroc, ap, f1, as fractions, and threshold: the score from which on to call an image anomalous for the best F1.
        All are NaN unless both labels occur.
    """
    scores, labels = np.asarray(scores).ravel(), np.asarray(labels).ravel()
    if scores.shape != labels.shape:
        raise ValueError(f"{len(scores)} scores for {len(labels)} labels; give one of each an image")
    metrics = measure(*_exact_masses(scores[labels != 1], scores[labels == 1], np.zeros((labels == 1).sum())))
    del metrics["pro"]
    return metrics


def pixel_metrics(maps: ArrayLike, masks: ArrayLike, *, pro_limit: float = PRO_LIMIT) -> dict[str, float]:
    """Exact metrics of pixels, for maps that are held at once; `PixelMetrics` serves where they are too many.

    Args:
        maps: (n, H, W), higher is more anomalous, of any range.
        masks: (n, H, W), not 0 where anomalous.
        pro_limit: false positive rate up to which PRO is integrated, and by which it is divided; in (0, 1].

    Returns:
        auroc, ap, f1, pro, as fractions, and threshold, the score of the best F1. All are NaN unless both kinds
        of pixels occur.
    """
    maps, masks = _maps_and_masks(maps, masks)
    weights, regions = region_weights(masks)
    return measure(*_exact_masses(maps[~masks], maps[masks], weights), regions=regions, pro_limit=pro_limit)


class PixelMetrics:
    """Metrics of pixels, map by map: memory does not grow with their number, past the first few millions.

    Up to HELD pixels are kept as they are and measured exactly. When more come, all go into bins, and scores within a
    bin count as tied. Bins are even in the square root of the distance to 0 or 1, whichever is nearer: so they are
    finest where a good model has most of the pixels. Where they are widest, at 0.5, there are 524 to a thousandth; many
    maps that all span less than a twentieth of [0, 1] want `pixel_metrics`, or AP can be off by more than 1e-4.

        metrics = PixelMetrics()
        metrics.update(maps, masks)  # as often as there are batches
        metrics.result()
    """

    def __init__(self):
        self.held, self.regions = [(np.zeros(0, np.float32),) * 2 + (np.zeros(0),)], 0
        self.negatives, self.positives, self.overlap = (np.zeros(BINS, kind) for kind in (np.int64, np.int64, float))

    def update(self, maps: ArrayLike, masks: ArrayLike) -> None:
        """Add maps (n, H, W), or one (H, W), in [0, 1], and their masks, not 0 where anomalous.

        Raises:
            ValueError: shapes that differ, or a score outside of [0, 1] or not a number.
        """
        maps, masks = _maps_and_masks(maps, masks)
        low, high = maps.min(initial=1.0), maps.max(initial=0.0)
        if not (low >= 0 and high <= 1):  # so written, NaN is refused too
            raise ValueError(f"a map reaches from {low} to {high}; bring it into [0, 1], or use pixel_metrics")
        weights, regions = region_weights(masks)
        self.regions += regions
        self.held.append((maps[~masks], maps[masks], weights))
        self._settle()

    def add(self, other: "PixelMetrics") -> None:
        """Add the maps that another one was given, as when several processes share a data set."""
        self.regions += other.regions
        self.held += other.held
        for ours, theirs in zip(self._masses(), other._masses(), strict=True):
            ours += theirs
        self._settle()

    def _masses(self) -> tuple[np.ndarray, ...]:
        return self.negatives, self.positives, self.overlap

    def _settle(self) -> None:
        """Put what is held into bins, once there is too much of it."""
        if self.negatives.any() or self.positives.any() or sum(len(n) + len(p) for n, p, _ in self.held) > HELD:
            for negative, positive, weights in self.held:
                np.add.at(self.negatives, _bins(negative), 1)
                np.add.at(self.positives, _bins(positive), 1)
                np.add.at(self.overlap, _bins(positive), weights)
            self.held.clear()

    def result(self, *, pro_limit: float = PRO_LIMIT) -> dict[str, float]:
        """What `pixel_metrics` gives, of all maps so far; the threshold is the lower edge of its bin."""
        if self.held:
            masses = _exact_masses(*map(np.concatenate, zip(*self.held, strict=True)))
        else:
            place = np.arange(BINS) * (2**0.5 / BINS)
            edges = np.where(place < 0.5**0.5, place**2, 1 - (2**0.5 - place) ** 2)
            masses = edges, self.negatives, self.positives, self.overlap
        return measure(*masses, regions=self.regions, pro_limit=pro_limit)


def _bins(scores: np.ndarray) -> np.ndarray:
    root = np.sqrt(np.minimum(scores, 1 - scores), dtype=np.float32)  # rounds, but never swaps two scores
    place = np.where(scores < 0.5, root, np.float32(2**0.5) - root)  # from 0 to the square root of 2
    return np.minimum((place * np.float32(BINS / 2**0.5)).astype(np.int32), BINS - 1)


def region_weights(masks: np.ndarray) -> tuple[np.ndarray, int]:
    """For each anomalous pixel of masks (n, H, W), in order, one over the area of its region; and how many regions.

    Pixels that touch at an edge or a corner are of one region: connectivity 8, as `skimage.measure.label` has it.
    """
    weights, regions = [np.zeros(0)], 0
    for mask in masks:
        if mask.any():
            count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8, ltype=cv2.CV_32S)
            labels = labels[mask]
            weights.append(1 / np.bincount(labels)[labels])
            regions += count - 1  # the background is one of them
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
    """All metrics from the masses at ascending scores, each (m,): counts, and region-weighted counts, for PRO."""
    if not 0 < pro_limit <= 1:
        raise ValueError(f"pro_limit is {pro_limit}; it is a false positive rate above 0 and at most 1")
    kept = np.flatnonzero(negatives + positives)[::-1]
    if not (negatives.sum() and positives.sum()):
        return dict.fromkeys(("auroc", "ap", "f1", "pro", "threshold"), np.nan)
    fp, tp = np.cumsum(negatives[kept]), np.cumsum(positives[kept])
    false_rate, recall = np.r_[0, fp / fp[-1]], np.r_[0, tp / tp[-1]]
    f1 = 2 * tp / (tp[-1] + tp + fp)
    best = f1.argmax()
    return {
        "auroc": _area(false_rate, recall),
        "ap": float(np.diff(recall) @ (tp / (tp + fp))),  # steps, not trapezoids, as scikit-learn has it
        "f1": float(f1[best]),
        "pro": _area_up_to(pro_limit, false_rate, np.r_[0, np.cumsum(overlap[kept])] / regions) if regions else np.nan,
        "threshold": float(scores[kept[best]]),
    }


def _area_up_to(limit: float, x: np.ndarray, y: np.ndarray) -> float:
    """Area under a rising curve from 0 to `limit`, divided by it; the piece that crosses the limit is cut there."""
    inside = np.searchsorted(x, limit)  # the first point at or beyond the limit
    share = (limit - x[inside - 1]) / (x[inside] - x[inside - 1])
    last = y[inside - 1] + share * (y[inside] - y[inside - 1])
    return _area(np.r_[x[:inside], limit], np.r_[y[:inside], last]) / limit


def _area(x: np.ndarray, y: np.ndarray) -> float:
    return float(np.diff(x) @ (y[1:] + y[:-1]) / 2)


def _exact_masses(negative: np.ndarray, positive: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, ...]:
    """Masses at the distinct positive scores, and of the negatives between them: no curve bends anywhere else.

    So the negatives, which are many, need only be sorted; nothing has to be carried along with them.
    """
    if np.isnan(negative).any() or np.isnan(positive).any():
        raise ValueError("a score is not a number; leave its image out")
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


def _maps_and_masks(maps: ArrayLike, masks: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    maps, masks = np.asarray(maps), np.asarray(masks) != 0
    if maps.shape != masks.shape:
        raise ValueError(f"maps of shape {maps.shape} and masks of shape {masks.shape}; resize one to the other")
    return (maps[None], masks[None]) if maps.ndim == 2 else (maps, masks)
