"""Metrics of resamples and paired intervals: equal to the exact metrics, and right on hand-made arrays."""

import numpy as np
import pytest
from scipy import stats

from pfl.metrics import image_metrics, pixel_metrics
from pfl.resampling import Outcome, draw_images, paired_interval, pixel_histograms, resampled_metrics


@pytest.fixture
def maps():
    """Twelve noisy maps (12, 40, 40), brighter where anomalous, and their masks; the first four are normal."""
    rng, masks = np.random.default_rng(0), np.zeros((12, 40, 40), bool)
    for i in range(4, 12):
        masks[i, i : i + 8, 5 : 5 + i] = masks[i, 30:33, 30:33] = True
    return (rng.random((12, 40, 40)) + 0.6 * masks).astype(np.float32), masks


def as_outcome(maps, masks) -> Outcome:
    label = masks.any((1, 2)).astype(int)
    score = maps.mean((1, 2)) + 0.1 * np.random.default_rng(1).random(len(maps))
    return Outcome(category=np.full(len(maps), "a"), label=label, score=score, histograms=pixel_histograms(maps, masks))


def test_metrics_of_the_test_set_itself_are_the_exact_ones(maps):
    found = as_outcome(*maps)
    values = resampled_metrics(found, np.ones((1, 12)))
    exact = pixel_metrics(*maps)
    assert values["image_auroc"][0] == pytest.approx(image_metrics(found.score, found.label)["auroc"])
    assert values["pixel_auroc"][0] == pytest.approx(exact["auroc"], abs=5e-4)
    assert values["pixel_pro"][0] == pytest.approx(exact["pro"], abs=5e-4)


def test_metrics_of_a_resample_are_those_of_its_images(maps):
    found, counts = as_outcome(*maps), np.array([0, 2, 1, 1, 3, 0, 1, 1, 0, 1, 2, 0])
    values = resampled_metrics(found, counts[None])
    chosen = np.repeat(np.arange(12), counts)
    exact = pixel_metrics(*(one[chosen] for one in maps))
    assert values["image_auroc"][0] == pytest.approx(image_metrics(found.score[chosen], found.label[chosen])["auroc"])
    assert values["pixel_auroc"][0] == pytest.approx(exact["auroc"], abs=5e-4)
    assert values["pixel_pro"][0] == pytest.approx(exact["pro"], abs=1e-3)


def test_images_are_drawn_within_category_and_label_and_alike_for_two_models(maps):
    one = as_outcome(*maps)
    counts = draw_images(one, num_resamples=50)
    assert counts.shape == (51, 12) and (counts[0] == 1).all()
    assert (counts[:, :4].sum(1) == 4).all() and (counts[:, 4:].sum(1) == 8).all()
    assert (counts == draw_images(as_outcome(maps[0] ** 2, maps[1]), num_resamples=50)).all()


def test_a_difference_that_never_varies_has_an_interval_of_no_width():
    assert paired_interval(np.full((101, 3), 0.1)) == pytest.approx((0.1, 0.1, 0.1))


def test_with_one_seed_the_interval_is_that_of_the_images():
    resamples = np.random.default_rng(0).normal(0.05, 0.01, (2001, 1))
    value, low, high = paired_interval(resamples)
    assert value == resamples[0, 0] and (high - low) / 2 == pytest.approx(1.96 * 0.01, rel=0.05)


def test_seeds_that_differ_widen_the_interval_as_in_a_t_test():
    differences = np.tile([0.1, 0.2, 0.3], (101, 1))  # the images do not vary at all
    value, low, high = paired_interval(differences)
    expected = stats.t.interval(0.95, 2, 0.2, stats.sem([0.1, 0.2, 0.3]))
    assert value == pytest.approx(0.2) and (low, high) == pytest.approx(expected)
    assert low < 0 < high, "three seeds that differ so much decide nothing"
