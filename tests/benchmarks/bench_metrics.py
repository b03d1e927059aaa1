"""Speed of our pixel metrics, compared with scikit-learn's and the loop over regions used in most repositories.

    python tests/benchmarks/bench_metrics.py [--maps 200] [--size 518]

The loop takes 200 thresholds, and at each of them every region of every mask. Ours have no such grid: `pixel_metrics`
uses every distinct value as a threshold, `stream` 2^20 bins. All run on one core, on the same maps.
"""

import argparse
import os
import time
import tracemalloc

os.environ.setdefault("OMP_NUM_THREADS", "1")

import cv2
import numpy as np
from skimage.measure import label, regionprops
from sklearn.metrics import auc, average_precision_score, precision_recall_curve, roc_auc_score

from pfl.metrics import PixelMetrics, pixel_metrics


def make_map(rng, size, anomalous):
    """A smooth map in [0, 1] like a model's, and a mask with one to four regions, or none."""
    mask = np.zeros((size, size), np.uint8)
    if anomalous:
        for _ in range(rng.integers(1, 5)):
            centre, axes = rng.integers(0, size, 2), rng.integers(size // 100 + 1, size // 8, 2)
            cv2.ellipse(mask, centre.tolist(), axes.tolist(), int(rng.integers(180)), 0, 360, 1, -1)
    logits = cv2.GaussianBlur(rng.normal(0, 1, (size, size)).astype(np.float32), (0, 0), size / 65) * size / 30
    logits = logits - 3 + 3 * cv2.GaussianBlur(mask.astype(np.float32), (0, 0), size / 65)
    return 1 / (1 + np.exp(-logits)), mask.astype(bool)


def usual(maps, masks, limit=0.3, steps=200):
    scores, truth = maps.ravel(), masks.ravel()
    precision, recall, _ = precision_recall_curve(truth, scores)
    result = {
        "auroc": roc_auc_score(truth, scores),
        "ap": average_precision_score(truth, scores),
        "f1": (2 * precision * recall / np.maximum(precision + recall, 1e-12)).max(),
    }
    regions = [(i, region) for i, mask in enumerate(masks) for region in regionprops(label(mask))]
    normal, points = ~masks, []
    for threshold in np.linspace(maps.min(), maps.max(), steps):
        called = maps >= threshold
        overlaps = [called[i][tuple(region.coords.T)].mean() for i, region in regions]
        points.append(((called & normal).sum() / normal.sum(), np.mean(overlaps)))
    x, y = np.array(points + [(0.0, 0.0)])[np.argsort([p[0] for p in points] + [0.0], kind="stable")].T
    inside = x <= limit
    cut = np.interp(limit, x, y)
    result["pro"] = auc(np.r_[x[inside], limit], np.r_[y[inside], cut]) / limit
    return result


def stream(maps, masks, batch=8):
    metrics = PixelMetrics()
    for i in range(0, len(maps), batch):
        metrics.update(maps[i : i + batch], masks[i : i + batch])
    return metrics.result()


def timed(function, *args):
    start = time.perf_counter()
    result = function(*args)
    return result, time.perf_counter() - start


def peak(function, *args):
    """Peak memory in megabytes, without the maps themselves."""
    tracemalloc.start()
    function(*args)
    value = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return value


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--maps", type=int, default=200)
    parser.add_argument("--size", type=int, default=518)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    rng = np.random.default_rng(0)
    drawn = [make_map(rng, args.size, i % 2) for i in range(args.maps)]
    maps, masks = (np.stack(part) for part in zip(*drawn, strict=True))
    del drawn

    results = {f.__name__: timed(f, maps, masks) for f in (stream, pixel_metrics, usual)}
    reference = results["usual"][0]
    print(f"{args.maps} maps of {args.size} x {args.size}, {masks.mean():.1%} of the pixels anomalous")
    for name, (result, seconds) in results.items():
        off = {key: f"{abs(result[key] - reference[key]):.0e}" for key in reference}
        print(f"{name:14} {seconds:8.2f} s  {results['usual'][1] / seconds:6.1f} x faster than usual   off by {off}")
    off = {key: f"{abs(results['stream'][0][key] - results['pixel_metrics'][0][key]):.0e}" for key in reference}
    print(f"stream against exact: off by {off}   (the usual PRO is coarse: 200 thresholds)")
    for count in (args.maps // 4, args.maps):
        print(f"peak beyond {count} maps: stream {peak(stream, maps[:count], masks[:count]):.0f} MB", end="; ")
        print(f"exact {peak(pixel_metrics, maps[:count], masks[:count]):.0f} MB")


if __name__ == "__main__":
    main()
