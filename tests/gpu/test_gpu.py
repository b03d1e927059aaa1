"""What only a GPU can show: the CPU's numbers on it, no cast of a frozen weight, memory, training, compiled CLIP."""

import dataclasses

import numpy as np
import pytest
import torch

import pfl
from pfl.bench import Operations
from pfl.distributions import draw_noise

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch finds no GPU here")
NAMES = ["metal nut", "printed circuit board", "bottle"]


def build(device: str, **options) -> pfl.BayesPFL:
    clip = pfl.load_clip("ViT-B-16", pretrained="random", image_size=224, device=device, **options)
    return pfl.BayesPFL(clip)


@pytest.fixture(scope="module")
def images():
    return torch.rand(3, 3, 224, 224, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def exact(images):
    return build("cpu").predict(images, NAMES, num_samples=4)


@pytest.fixture(scope="module")
def model():
    return build("cuda")


def test_a_gpu_predicts_what_a_cpu_does(model, images, exact):
    """Measured at commit cc4db0c on an H200: scores to 2.8e-5, maps to 8.1e-5 (gpu_h200_cc4db0c.json)."""
    prediction = model.predict(images, NAMES, num_samples=4)
    assert prediction.map.device.type == "cpu"
    assert torch.allclose(prediction.score, exact.score, atol=2e-4)
    assert torch.allclose(prediction.map, exact.map, atol=1e-3)
    assert torch.allclose(prediction.map_std, exact.map_std, atol=1e-3)


@pytest.mark.parametrize(("precision", "tolerance"), [("bf16", 0.05), ("fp16", 0.01)])
def test_half_precision_is_close_and_casts_no_frozen_weight(model, images, exact, precision, tolerance):
    half = model.in_precision(precision)
    with Operations(half.clip) as counted:
        prediction = model.predict(images, NAMES, num_samples=4, precision=precision)
    assert counted.casts == 0 and half.clip.device.type == "cuda"
    assert torch.allclose(prediction.score, exact.score, atol=tolerance)


def test_a_pass_stays_within_half_of_the_free_memory(model, images):
    samples = 10
    torch.cuda.empty_cache()
    before = torch.cuda.memory_allocated()
    free = torch.cuda.mem_get_info()[0]
    torch.cuda.reset_peak_memory_stats()
    batch = images[:1].expand(64, -1, -1, -1)
    model.predict(batch, "bottle", num_samples=samples)
    used = torch.cuda.max_memory_allocated() - before
    per_image = 2 * samples * model.config.num_prompts
    allowed = model._prompts_per_pass(samples, free=free) // per_image
    assert used < free / 2 * min(1, 64 / allowed), "an image takes more memory than the estimate"


def test_pinned_images_give_the_same_features(model, images):
    noise = draw_noise(model.clip.dim, 2, torch.Generator().manual_seed(0))
    plain, pinned = (model.predict(x, NAMES, noise=noise) for x in (images, images.pin_memory()))
    assert torch.equal(plain.map, pinned.map)


def test_a_compiled_clip_gives_the_same_predictions(images, exact):
    prediction = build("cuda", compile=True).predict(images, NAMES, num_samples=4)
    assert torch.allclose(prediction.score, exact.score, atol=1e-3)
    assert torch.allclose(prediction.map, exact.map, atol=5e-3)


def test_two_trainings_of_the_tiny_preset_agree_with_those_of_a_cpu():
    preset = pfl.preset("tiny")
    data = pfl.data.load("workshop", split="auxiliary")
    few = dataclasses.replace(data, samples=data.samples[:: len(data) // 96])
    losses = {}
    for device in ("cpu", "cuda", "cuda"):
        model = pfl.BayesPFL(pfl.load_clip(**preset.clip, device=device), preset.model)
        config = dataclasses.replace(preset.train, epochs=2)
        history = pfl.train(model, few, config, progress=False).history
        losses.setdefault(device, []).append(history["loss"].to_numpy())
    first, second = losses["cuda"]
    assert np.allclose(first, losses["cpu"][0], rtol=0.02)
    assert np.allclose(first, second, rtol=0.02)
    assert first[-1] < first[0]
