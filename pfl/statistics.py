"""Statistical uncertainty of metrics: over seeds, and over the images of a test set."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from .evaluation import IMAGE_METRICS, PIXEL_METRICS
from .metrics import image_metrics


def spread(tables: Mapping[int, pd.DataFrame], *, confidence: float = 0.95, num_resamples: int = 2000) -> pd.DataFrame:
    """Variation of the tables of several seeds, of sampling or of training.

    A sampling seed determines the samples: `draw_noise` gives the same noise for it on every device.

    Returns:
        one row per category (and "mean") and metric: mean, std over the seeds (sample standard deviation, NaN for one
        seed), low and high (percentile bootstrap interval of the mean), and num_seeds. This is the variation over
        seeds, not over test sets: for that, see `bootstrap_images`.
    """
    names = [*IMAGE_METRICS, *PIXEL_METRICS]
    values = np.stack([table[names].to_numpy(float) for table in tables.values()])  # (seeds, categories, metrics)
    draws = np.random.default_rng(0).integers(0, len(values), (num_resamples, len(values)))
    means = np.stack([values[draw].mean(axis=0) for draw in draws])
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
    std = values.std(axis=0, ddof=1) if len(values) > 1 else np.full_like(low, np.nan)
    categories = next(iter(tables.values())).index
    index = pd.MultiIndex.from_product([categories, names], names=["category", "metric"])
    columns = {"mean": values.mean(axis=0), "std": std, "low": low, "high": high}
    table = pd.DataFrame({name: value.ravel() for name, value in columns.items()}, index=index)
    return table.assign(num_seeds=len(values)).reset_index()


def bootstrap_images(
    images: pd.DataFrame,
    baseline: pd.DataFrame | None = None,
    *,
    score: str = "strict_score",
    confidence: float = 0.95,
    num_resamples: int = 1000,
) -> pd.DataFrame:
    """Bootstrap intervals of the image metrics: what another test set of this size might give.

    Images are drawn with replacement within each category and label, so their numbers stay the same. Scores are not
    recomputed: official ones are not renormalised.

    Args:
        baseline: another method on the same images, in any order; then all values are gains over it. Both use the same
            draws, so the interval of a gain can exclude 0 even where the intervals of the two methods overlap.

    Returns:
        one row per category (and "mean") and image metric: value, low and high (percentile bootstrap interval).
    """
    known, rng = images[images["label"] >= 0].reset_index(drop=True), np.random.default_rng(0)
    scores = known[[score]]
    if baseline is not None:
        scores = scores.assign(baseline=baseline.set_index("path").loc[known["path"], score].to_numpy())
    groups = {
        category: [scores.loc[group.index[group["label"] == label]].to_numpy() for label in (0, 1)]
        for category, group in known.groupby("category", sort=False)
    }

    names = [name.removeprefix("image_") for name in IMAGE_METRICS]

    def metrics(draw) -> np.ndarray:  # (categories + 1, metrics)
        rows = []
        for parts in groups.values():
            parts = [draw(part) for part in parts]
            labels = np.repeat([0, 1], [len(part) for part in parts])
            ours, *theirs = (image_metrics(one, labels) for one in np.concatenate(parts).T)
            rows.append([ours[name] - sum(one[name] for one in theirs) for name in names])
        return pd.DataFrame(rows).pipe(lambda table: np.vstack([table, table.mean()]))

    value = metrics(lambda part: part)
    drawn = np.stack([metrics(lambda p: rng.choice(p, len(p)) if len(p) else p) for _ in range(num_resamples)])
    low, high = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
    index = pd.MultiIndex.from_product([[*groups, "mean"], IMAGE_METRICS], names=["category", "metric"])
    return pd.DataFrame({"value": value.ravel(), "low": low.ravel(), "high": high.ravel()}, index=index).reset_index()
