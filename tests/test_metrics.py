"""Metrics agree with scikit-learn, with a brute-force PRO, and with values counted by hand."""

import numpy as np
import pytest
import torch
from skimage.measure import label
from sklearn.metrics import average_precision_score, f1_score, precision_recall_curve, roc_auc_score

from pfl import metrics
from pfl.metrics import BINS, PixelMetrics, image_metrics, pixel_metrics


def brute_force_pro(maps, masks, limit):
    """PRO by its definition (Bergmann et al. 2021): mean overlap of all regions at each threshold, then the area."""
    regions = [labels == i for labels in map(label, masks) for i in range(1, labels.max() + 1)]
    where = [n for n, labels in enumerate(map(label, masks)) for _ in range(labels.max())]
    rates, overlaps = [0.0], [0.0]
    for threshold in np.unique(maps)[::-1]:
        called = maps >= threshold
        rates.append((called & ~masks).sum() / (~masks).sum())
        overlaps.append(np.mean([called[n][region].mean() for n, region in zip(where, regions, strict=True)]))
    area = 0.0
    for x0, x1, y0, y1 in zip(rates, rates[1:], overlaps, overlaps[1:], strict=False):
        if x0 < limit and x1 > x0:
            end = min(x1, limit)
            area += (end - x0) * (y0 + y0 + (y1 - y0) * (end - x0) / (x1 - x0)) / 2
    return area / limit


def reference(scores, labels):
    precision, recall, _ = precision_recall_curve(labels, scores)
    f1 = (2 * precision * recall / np.maximum(precision + recall, 1e-300)).max()
    return {"auroc": roc_auc_score(labels, scores), "ap": average_precision_score(labels, scores), "f1": f1}


def make(kind, seed=0, n=6, size=48, largest=10):
    """Maps and masks with many regions: smooth, tied, squeezed into a twentieth, or saturated at both ends."""
    rng = np.random.default_rng(seed)
    masks = np.zeros((n, size, size), bool)
    for mask in masks[: n // 2]:  # the other half is normal
        for _ in range(rng.integers(1, 5)):
            y, x = rng.integers(0, size - largest, 2)
            mask[y : y + rng.integers(1, largest), x : x + rng.integers(1, largest)] = True
        mask[tuple(rng.integers(0, size, 2))] = True  # a region of one pixel
    logits = rng.normal(0, 1, masks.shape) + 1.5 * masks
    maps = {
        "smooth": 1 / (1 + np.exp(-logits)),
        "tied": np.round(1 / (1 + np.exp(-logits)), 1),
        "squeezed": 0.5 + 0.05 / (1 + np.exp(-logits)),
        "tiny": 1e-3 / (1 + np.exp(-logits)),
        "saturated": 1 / (1 + np.exp(-8 * logits)),
    }[kind]
    return maps.astype(np.float32), masks


KINDS = ("smooth", "tied", "squeezed", "tiny", "saturated")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("limit", [0.05, 0.3, 1.0])
def test_pixel_metrics_agree_with_scikit_learn_and_a_brute_force_pro(kind, limit):
    maps, masks = make(kind, n=4, size=24)
    ours = pixel_metrics(maps, masks, pro_limit=limit)
    expected = reference(maps.ravel(), masks.ravel()) | {"pro": brute_force_pro(maps, masks, limit)}
    for name, value in expected.items():
        assert ours[name] == pytest.approx(value, abs=1e-9), name
    called = maps >= ours["threshold"]
    assert f1_score(masks.ravel(), called.ravel()) == pytest.approx(ours["f1"], abs=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_binned_metrics_are_within_1e_4_of_the_exact_ones(kind, monkeypatch):
    monkeypatch.setattr(metrics, "MAX_EXACT", 0)
    maps, masks = make(kind, seed=1, size=160, largest=80)
    stream = PixelMetrics()
    for i in range(0, len(maps), 4):  # in unequal batches
        stream.update(maps[i : i + 4], masks[i : i + 4])
    exact, ours = pixel_metrics(maps, masks), stream.result()
    called = maps >= ours.pop("threshold")
    for name, value in ours.items():
        assert value == pytest.approx(exact[name], abs=1e-4), name
    assert f1_score(masks.ravel(), called.ravel()) == pytest.approx(ours["f1"], abs=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_small_data_sets_are_measured_exactly_for_any_score_range(kind):
    maps, masks = make(kind)
    maps = 0.5 + 1e-4 * maps
    stream = PixelMetrics()
    for part in zip(maps, masks, strict=True):  # also one by one
        stream.update(*part)
    assert stream.result() == pytest.approx(pixel_metrics(maps, masks), abs=1e-12)


def test_streaming_metrics_use_constant_memory(monkeypatch):
    maps, masks = make("smooth")
    monkeypatch.setattr(metrics, "MAX_EXACT", 2 * maps.size)  # the third update moves all pixels into bins
    stream = PixelMetrics()
    for _ in range(5):
        stream.update(maps, masks)
        assert {a.shape for a in (stream.negatives, stream.positives, stream.overlap)} == {(BINS,)}
        assert sum(len(part[0]) + len(part[1]) for part in stream.stored) <= 2 * maps.size
    assert not stream.stored
    assert stream.negatives.sum() == 5 * (~masks).sum() and stream.positives.sum() == 5 * masks.sum()
    assert stream.overlap.sum() == pytest.approx(stream.regions)  # the weights of a region add up to one


@pytest.mark.parametrize("decimals", [1, 6])
def test_image_metrics_agree_with_scikit_learn_also_for_ties(decimals):
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 2, 80)
    scores = np.round(rng.normal(labels, 1.0), decimals)
    ours = image_metrics(scores, labels)
    for name, value in reference(scores, labels).items():
        assert ours[name] == pytest.approx(value, abs=1e-9), name


def test_metrics_of_a_small_map_equal_those_counted_by_hand():
    # Two regions, of 4 pixels and of 1; fifteen normal pixels.
    mask = np.zeros((4, 5), bool)
    mask[0:2, 0:2] = mask[3, 4] = True
    anomaly_map = np.zeros((4, 5))
    anomaly_map[0:2, 0:1] = 0.9  # half of the large region
    anomaly_map[0, 4] = 0.5  # one false alarm, 1/15
    ours = pixel_metrics(anomaly_map, mask)
    # PRO rises to (1/2 + 0) / 2 at once, stays until 1/15, then goes straight to 1 at a rate of 1.
    at_limit = 0.25 + 0.75 * (0.3 - 1 / 15) / (1 - 1 / 15)
    assert ours["pro"] == pytest.approx((0.25 / 15 + (0.3 - 1 / 15) * (0.25 + at_limit) / 2) / 0.3)
    assert ours["f1"] == pytest.approx(2 * 2 / (5 + 2)) and ours["threshold"] == 0.9


def test_pixels_that_touch_at_a_corner_are_one_region():
    mask = np.eye(6, dtype=bool)
    stream = PixelMetrics()
    stream.update(np.zeros((6, 6)), mask)
    assert stream.regions == label(mask).max() == 1


def test_metrics_are_nan_without_both_classes():
    maps, masks = make("smooth")
    for some_masks in (np.zeros_like(masks), np.ones_like(masks)):
        stream = PixelMetrics()
        stream.update(maps, some_masks)
        assert np.isnan(list(pixel_metrics(maps, some_masks).values())).all()
        assert np.isnan(list(stream.result().values())).all()
    for label_ in (0, 1):
        assert np.isnan(list(image_metrics([0.1, 0.9], [label_] * 2).values())).all()
    assert np.isnan(list(PixelMetrics().result().values())).all()


def test_a_perfect_map_scores_1_and_a_reversed_one_has_zero_auroc_and_pro():
    masks = make("smooth")[1]
    perfect = pixel_metrics(masks.astype(float), masks)
    assert [perfect[name] for name in ("auroc", "ap", "f1", "pro")] == pytest.approx([1] * 4)
    reversed_ = pixel_metrics(1 - masks.astype(float), masks)
    assert reversed_["auroc"] == 0 and reversed_["pro"] == 0


def test_invalid_scores_and_shapes_are_rejected():
    stream = PixelMetrics()
    with pytest.raises(ValueError, match="from 0.0 to 1.5"):
        stream.update(np.array([[0.0, 1.5]]), np.array([[0, 1]]))
    with pytest.raises(ValueError, match="maps have a value that is NaN"):
        stream.update(np.array([[0.0, np.nan]]), np.array([[0, 1]]))
    with pytest.raises(ValueError, match="scores have a value that is NaN"):
        image_metrics([0.1, np.nan], [0, 1])
    with pytest.raises(ValueError, match=r"\(1, 2\) and masks of shape \(2, 1\)"):
        pixel_metrics(np.zeros((1, 2)), np.zeros((2, 1)))
    with pytest.raises(ValueError, match="pro_limit is 0"):
        pixel_metrics(*make("smooth"), pro_limit=0)


@pytest.mark.parametrize(
    "scores, labels, message",
    [
        ([0.1, 0.2], [0, 2], "labels have the values 0, 2; pass 0 for normal"),
        ([0.1, 0.2], [-1, 1], "labels have the values -1, 1"),
        ([0.1, 0.2], [0, 0.5], "labels have the values 0, 0.5"),
        ([0.1, 0.2], ["good", "bad"], "labels are of type"),
        ([0.1, 0.2], [0, None], "labels are of type object"),
        ([0.1, 0.2], [0, np.nan], "labels have a value that is NaN"),
        (["0.1", "0.2"], [0, 1], "scores are of type"),
        ([0.1, np.inf], [0, 1], "scores have a value that is NaN or infinite"),
        ([0.1 + 1j, 0.2], [0, 1], "scores are of type complex"),
        ([0.1], [0, 1], "1 scores for 2 labels"),
    ],
)
def test_scores_and_labels_that_mean_nothing_are_refused(scores, labels, message):
    with pytest.raises(ValueError, match=message):
        image_metrics(scores, labels)


@pytest.mark.parametrize(
    "mask, message",
    [
        ([[0, -1]], "masks have values below 0"),
        ([[0, 0.3]], "masks have fractions, such as resized ones do"),
        ([[0, np.nan]], "masks have a value that is NaN"),
        ([["a", "b"]], "masks are of type"),
    ],
)
def test_masks_that_mean_nothing_are_refused(mask, message):
    for call in (pixel_metrics, PixelMetrics().update):
        with pytest.raises(ValueError, match=message):
            call([[0.1, 0.2]], mask)
    with pytest.raises(ValueError, match=r"maps have shape \(1, 1, 1, 2\)"):
        pixel_metrics([[[[0.1, 0.2]]]], [[[[0, 1]]]])
    assert pixel_metrics([[0.1, 0.2]], [[False, True]])["auroc"] == pixel_metrics([[0.1, 0.2]], [[0, 255]])["auroc"]


@pytest.mark.parametrize("max_exact", [0, 10**9])
def test_merged_streams_equal_one_stream(max_exact, monkeypatch):
    monkeypatch.setattr(metrics, "MAX_EXACT", max_exact)
    rng = np.random.default_rng(0)
    maps, masks = rng.random((4, 20, 20), np.float32), rng.random((4, 20, 20)) > 0.8
    whole, *parts = (metrics.PixelMetrics() for _ in range(3))
    whole.update(maps, masks)
    for part, half in zip(parts, (slice(1), slice(1, None)), strict=True):
        part.update(maps[half], masks[half])
    parts[0].add(parts[1])
    assert parts[0].result() == pytest.approx(whole.result(), abs=1e-12)


def test_tensors_of_any_type_are_taken_and_a_limit_that_is_no_number_is_named():
    scores, labels = torch.tensor([0.25, 0.5, 0.75], requires_grad=True), torch.tensor([0, 1, 1])
    expected = image_metrics(scores.tolist(), labels.tolist())
    assert image_metrics(scores, labels) == image_metrics(scores.bfloat16(), labels.bfloat16()) == expected
    with pytest.raises(ValueError, match="pro_limit is 'x'; it must be a number above 0"):
        pixel_metrics(np.zeros((1, 4, 4)), np.eye(4, dtype=int)[None], pro_limit="x")
