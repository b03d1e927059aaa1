"""Metrics of any resample of a test set, from what is kept of each image: its score and three small histograms.

So a bootstrap over images is possible for pixel AUROC and PRO, too, without the maps: the histograms of a resample are
the sums of its images' histograms.
"""

from dataclasses import dataclass

import numpy as np
import torch
from scipy import stats

from .data import Dataset, loader
from .metrics import PRO_LIMIT, region_weights

METRICS = ("image_auroc", "pixel_auroc", "pixel_pro")
BINS = 512  # of a category's map values; metrics differ by less than 0.0005 from the exact ones (the test's maps)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a model made of each image of a test set: category (n,), label (n,), score (n,), histograms (n, 3, BINS).

    Histograms count, from high to low map values, the image's normal pixels, its anomalous pixels, and its anomalous
    pixels divided by the area of their region. Images without masks have none: shape (n, 3, 0). A category's bins
    depend on the model: metrics depend only on the order of values within a category.
    """

    category: np.ndarray
    label: np.ndarray
    score: np.ndarray
    histograms: np.ndarray


def outcome(model, data: Dataset, *, num_samples: int) -> Outcome:
    """Predict every image once, by the strict protocol with sampling seed 0."""
    labels, scores, histograms = [], [], []
    for category in data.categories:
        maps, masks = [], []
        for batch in loader(data.subset(categories=[category]), model.clip.image_size, 8):
            prediction = model.predict(batch.images, batch.class_names, num_samples=num_samples)
            labels.append(batch.labels.numpy())
            scores.append(prediction.score.numpy())
            maps.append(prediction.map)
            masks.append(batch.masks)
        shown = (torch.cat(maps).numpy(), torch.cat(masks).numpy() > 0.5)
        histograms.append(pixel_histograms(*shown) if "pixel" in data.level else np.zeros((len(shown[0]), 3, 0)))
    return Outcome(
        category=np.array([s.category for name in data.categories for s in data.subset(categories=[name]).samples]),
        label=np.concatenate(labels),
        score=np.concatenate(scores),
        histograms=np.concatenate(histograms).astype(np.float32),
    )


def pixel_histograms(maps: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Maps (n, H, W) and masks (n, H, W) of a category -> the histograms (n, 3, BINS) of an `Outcome`.

    Half of the bins' edges are quantiles of all pixels, half of the anomalous ones, since PRO bends where these are.
    """
    part = np.linspace(0, 1, BINS // 2 + 1)[1:]
    anomalous = maps[masks] if masks.any() else maps
    edges = np.unique(np.concatenate([np.quantile(values, part) for values in (maps, anomalous)]))[:-1]
    places = BINS - 1 - np.searchsorted(edges, maps, side="left")  # a high value has a low place
    histograms = np.zeros((len(maps), 3, BINS))
    for histogram, place, mask in zip(histograms, places, masks, strict=True):
        weights, _ = region_weights(mask[None])
        histogram[0] = np.bincount(place[~mask], minlength=BINS)
        histogram[1] = np.bincount(place[mask], minlength=BINS)
        histogram[2] = np.bincount(place[mask], weights, minlength=BINS)
    return histograms


def draw_images(outcome: Outcome, *, num_resamples: int = 1000, seed: int = 0) -> np.ndarray:
    """How often each image is in each resample (num_resamples + 1, n); the first one is the test set itself.

    Images are drawn with replacement within each category and label. Two models' outcomes of the same images give the
    same draws, so their differences are paired.
    """
    rng, n = np.random.default_rng(seed), len(outcome.label)
    counts = np.ones((num_resamples + 1, n), np.float32)
    for category in dict.fromkeys(outcome.category):
        for label in (0, 1):
            where = np.flatnonzero((outcome.category == category) & (outcome.label == label))
            if len(where):
                counts[1:, where] = rng.multinomial(len(where), [1 / len(where)] * len(where), num_resamples)
    return counts


def resampled_metrics(outcome: Outcome, counts: np.ndarray) -> dict[str, np.ndarray]:
    """Each metric, mean over categories, of each resample (m,) that `counts` (m, n) describes."""
    found: dict[str, list[np.ndarray]] = {name: [] for name in METRICS}
    for category in dict.fromkeys(outcome.category):
        normal, anomalous = (np.flatnonzero((outcome.category == category) & (outcome.label == k)) for k in (0, 1))
        difference = outcome.score[anomalous][:, None] - outcome.score[normal]
        right = (difference > 0) + 0.5 * (difference == 0)
        pairs = len(normal) * len(anomalous)  # the same in all resamples
        found["image_auroc"].append(((counts[:, anomalous] @ right) * counts[:, normal]).sum(1) / pairs)
        if outcome.histograms.shape[-1]:
            where = np.concatenate([normal, anomalous])
            sums = counts[:, where] @ outcome.histograms[where].reshape(len(where), -1)
            rates = sums.reshape(len(counts), 3, -1).cumsum(-1, dtype=float)
            false, true, overlap = (rates / rates[..., -1:]).transpose(1, 0, 2)  # each from about 0 to 1
            found["pixel_auroc"].append(_area(false, true, 1.0))
            found["pixel_pro"].append(_area(false, overlap, PRO_LIMIT))
    return {name: np.mean(values, axis=0) for name, values in found.items() if values}


def _area(x: np.ndarray, y: np.ndarray, limit: float) -> np.ndarray:
    """Area under each rising curve (m, points) from 0 to `limit`, divided by it; the last segment is cut there."""
    x, y = (np.pad(values, ((0, 0), (1, 0))) for values in (x, y))
    width, rise = np.diff(x), np.diff(y)
    kept = np.clip(limit - x[:, :-1], 0, width)
    share = np.divide(kept, width, out=np.zeros_like(width), where=width > 0)
    return (kept * (y[:, :-1] + 0.5 * share * rise)).sum(-1) / limit


def paired_interval(differences: np.ndarray, *, confidence: float = 0.95) -> tuple[float, float, float]:
    """Mean difference of two methods with its interval (value, low, high), over test images and training seeds.

    The two sources of variance add up: that of the mean over seeds in the bootstrap over images, and that of the
    seeds' differences, divided by their number. The width follows from Student's t with Satterthwaite's degrees of
    freedom, so that few seeds give a wide interval. A single seed says nothing about others: then it is of images only.

    Args:
        differences: (m, seeds), of each resample and seed; the first row is the test set itself.
    """
    seeds = differences.shape[1]
    images = differences[1:].mean(axis=1).var(ddof=1)
    training = differences[0].var(ddof=1) / seeds if seeds > 1 else 0.0
    freedom = (images + training) ** 2 / (training**2 / (seeds - 1)) if training else np.inf
    half = stats.t.ppf((1 + confidence) / 2, freedom) * (images + training) ** 0.5
    value = differences[0].mean()
    return float(value), float(value - half), float(value + half)
