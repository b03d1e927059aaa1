"""Predictions from samples: given in parts, they equal those computed from all samples at once."""

import math

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from pfl.prediction import binary_entropy, image_score, smooth, summarise, top_mean


@pytest.fixture
def probabilities():
    """text (b, R, B) and maps (b, R, B, H, H)"""
    draw = torch.Generator().manual_seed(0)
    return torch.rand(2, 5, 3, generator=draw), torch.rand(2, 5, 3, 8, 8, generator=draw)


def test_samples_in_parts_equal_all_at_once(probabilities):
    text, maps = probabilities
    prediction = summarise(text, maps.split((2, 1, 2), dim=1), top_fraction=0.1)
    samples = maps.mean(dim=2)
    assert torch.allclose(prediction.map, samples.mean(dim=1), atol=1e-6)
    assert torch.allclose(prediction.map_std, samples.std(dim=1, correction=0), atol=1e-6)
    scores = torch.stack([image_score(text[:, r].mean(1), samples[:, r], 0.1) for r in range(5)], dim=1)
    assert torch.allclose(prediction.sample_scores, scores)
    assert torch.allclose(prediction.score_std, scores.std(dim=1, correction=0))
    assert torch.allclose(prediction.text_score, text.mean(dim=(1, 2)))
    shared = binary_entropy(maps).mean(dim=(1, 2))
    assert torch.allclose(prediction.map_entropy, binary_entropy(maps.mean(dim=(1, 2))), atol=1e-6)
    assert torch.allclose(prediction.map_mutual_information, prediction.map_entropy - shared, atol=1e-5)


def test_the_score_is_half_the_text_score_and_half_the_top_of_the_map(probabilities):
    text, maps = probabilities
    prediction = summarise(text, [maps], top_fraction=0.05)  # 3 of 64 pixels
    top = prediction.map.flatten(1).sort(dim=1, descending=True).values[:, :3].mean(dim=1)
    assert torch.allclose(prediction.score, 0.5 * prediction.text_score + 0.5 * top)
    assert torch.allclose(prediction.score, image_score(prediction.text_score, prediction.map, 0.05))


def test_mutual_information_measures_disagreement_between_prompts_only():
    even, split = torch.full((1, 2, 1), 0.5), torch.tensor([[[0.0], [1.0]]])
    maps = [torch.zeros(1, 1, 1, 4, 4), torch.ones(1, 1, 1, 4, 4)]
    agreed, disputed = summarise(even, maps), summarise(split, maps)
    assert agreed.entropy.item() == pytest.approx(math.log(2)) and agreed.mutual_information.item() == 0
    assert disputed.mutual_information.item() == pytest.approx(math.log(2))
    assert torch.allclose(agreed.map_mutual_information, torch.full((1, 4, 4), math.log(2)))
    assert torch.allclose(agreed.map_std, torch.full((1, 4, 4), 0.5))


def test_one_sample_has_zero_standard_deviation(probabilities):
    text, maps = probabilities
    prediction = summarise(text[:, :1], [maps[:, :1]])
    assert not prediction.score_std.any() and not prediction.map_std.any()


def test_smoothing_equals_the_gaussian_filter_of_scipy(probabilities):
    maps = probabilities[1][:, 0, 0]
    for sd in (0.7, 2.0, 8.0):
        expected = np.stack([gaussian_filter(m, sd) for m in maps.numpy()])
        assert np.allclose(smooth(maps, sd), expected, atol=1e-5)
    assert smooth(maps, 0.0) is maps


def test_smoothing_affects_map_and_score_but_not_the_entropies(probabilities):
    text, maps = probabilities
    raw, smoothed = (summarise(text, [maps], smoothing=sd) for sd in (0.0, 2.0))
    assert torch.allclose(smoothed.map, smooth(raw.map, 2.0), atol=1e-6)
    assert (smoothed.score < raw.score).all() and torch.equal(smoothed.map_entropy, raw.map_entropy)


def test_the_top_of_a_map_has_at_least_one_pixel():
    anomaly_map = torch.zeros(1, 4, 4)
    anomaly_map[0, 1, 2] = 1
    assert top_mean(anomaly_map, 1e-6).item() == 1 and top_mean(anomaly_map, 1.0).item() == pytest.approx(1 / 16)
