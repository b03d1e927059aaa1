"""The whole model: gradients, switches, and predictions that depend on an image and not on its batch."""

import dataclasses

import pytest
import torch

from pfl import losses
from pfl.baselines import HandwrittenPrompts
from pfl.config import ModelConfig
from pfl.distributions import Noise, draw_noise
from pfl.model import MAP_VALUES, BayesPFL

NAMES = ["metal_nut", "cable", "circuit board"]
SWITCHES = ["isd", "iad", "flow", "rca"]


def seed(value):
    return torch.Generator().manual_seed(value)


def run(model, images, num_samples=1):
    x, patches = model.features(images)
    noise = draw_noise(model.clip.dim, num_samples, seed(0), batch=len(images))
    return model(x, patches, NAMES, noise)


def total_loss(model, images):
    masks = torch.zeros(len(images), *images.shape[-2:])
    masks[0, :8, :8] = 1
    return sum(losses.stage1(run(model, images), masks, torch.tensor([1, 0, 0]), 0).values())


def test_outputs_have_the_documented_shapes(model, images):
    output = run(model, images, num_samples=4)
    assert output.text.shape == (3, 2, 4, 2, model.clip.dim)
    assert output.image_logits.shape == (3, 2, 4, 2)
    assert output.map_logits.shape == (3, 4, 2, 4, 2, 4, 4)  # b, L, 2, R, B, g, g
    assert torch.allclose(output.text.norm(dim=-1), torch.ones(3, 2, 4, 2))


def test_every_parameter_gets_a_gradient_and_clip_none(model, images):
    total_loss(model, images).backward()
    first = {name for name, p in model.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
    model.stage = 2
    logits = run(model, images).image_logits[:, :, 0, 0]
    losses.classification(logits, torch.tensor([1, 0, 0])).backward()
    second = {name for name, p in model.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
    assert second == {name for name, _ in model.named_parameters()}
    assert {name.split(".")[0] for name in second - first} == {"image_mapping", "fusion"}
    assert all(p.grad is None for p in model.clip.parameters())


def test_clip_is_not_in_the_state_dict_but_follows_the_model(model):
    assert not any("clip" in name for name in model.state_dict())
    assert not set(model.parameters()) & set(model.clip.parameters())
    model.double()
    moved = model.clip.mean.dtype
    model.float()  # all tests share the CLIP
    assert moved == torch.float64


def test_the_seed_determines_the_initial_weights(clip):
    first, again, other = (BayesPFL(clip, seed=s).state_dict() for s in (0, 0, 1))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["prompts.context"], other["prompts.context"])


def test_the_initial_scales_are_those_of_the_config(clip):
    model = BayesPFL(clip, ModelConfig(flow_init=0.02, base_variance=1e-3))
    assert model.iad.u.std().item() == pytest.approx(0.02, rel=0.05)
    samples = model.iad(draw_noise(clip.dim, 8, seed(0)).states)
    assert samples.var.mean().item() == pytest.approx(1e-3, rel=0.05)
    assert (samples.zk - samples.mu).std().item() == pytest.approx(1e-3**0.5, rel=0.1)  # near the identity
    linear = model.class_mapping
    assert linear.weight.std().item() == pytest.approx(0.02, rel=0.05) and not linear.bias.any()
    assert model.temperature_image.exp().item() == pytest.approx(1 / 0.07)


@pytest.mark.parametrize("switch", SWITCHES)
def test_a_part_switched_off_has_no_parameters_and_the_rest_still_trains(clip, images, switch):
    config = ModelConfig(num_prompts=2, num_flows=3)
    whole = {name for name, _ in BayesPFL(clip, config).named_parameters()}
    model = BayesPFL(clip, dataclasses.replace(config, **{switch: False}))
    gone = whole - {name for name, _ in model.named_parameters()}
    assert (
        gone
        and {name.split(".")[0] for name in gone}
        == {"isd": {"isd"}, "iad": {"iad"}, "flow": {"isd", "iad"}, "rca": {"attention"}}[switch]
    )
    total_loss(model, images).backward()
    left = {name for name, p in model.named_parameters() if p.grad is None}
    assert {name.split(".")[0] for name in left} == {"image_mapping", "fusion"}


def test_without_distributions_predictions_are_deterministic(clip, images):
    model = BayesPFL(clip, ModelConfig(num_prompts=2, isd=False, iad=False))
    first, other = (model.predict(images, NAMES, num_samples=3, seed=s) for s in (0, 1))
    assert torch.equal(first.map, other.map) and not first.score_std.any()


def test_orthogonality_can_be_switched_off(model, images):
    masks, labels = torch.zeros(3, 32, 32), torch.tensor([1, 0, 0])
    output = run(model, images)
    with_it, without = (losses.stage1(output, masks, labels, 0, orthogonal=on) for on in (True, False))
    assert set(with_it) - set(without) == {"orthogonal"}


def test_prompts_are_determined_by_the_seed(model, images):
    first, again, other = (model.sample_prompts(images, NAMES, num_samples=4, seed=s) for s in (0, 0, 1))
    assert torch.equal(first.text, again.text) and not torch.allclose(first.text, other.text)


def test_sampled_prompts_are_ordered_by_state_then_sample_then_bank(model, images):
    prompts = model.sample_prompts(images, NAMES, num_samples=4, seed=0)
    assert prompts.text.shape == (3, 2 * 2 * 4, model.clip.dim)
    assert prompts.context_vectors.shape == (3, 4, 2, 5, model.clip.dim)
    assert prompts.state_vectors.shape == (2, 4, 2, 5, model.clip.dim)
    noise = draw_noise(model.clip.dim, 4, seed(0))
    third = Noise(context=noise.context[:, 2:3], states=noise.states[:, 2:3])  # the third sample alone
    alone = model.sample_prompts(images, NAMES, noise=third)
    assert torch.allclose(prompts.text.unflatten(1, (2, 4, 2))[:, :, 2], alone.text.unflatten(1, (2, 2)), atol=1e-5)
    x, _ = model.features(images)
    assert torch.allclose(model.sample_prompts(x, NAMES, num_samples=4, seed=0).text, prompts.text, atol=1e-6)


def test_the_prediction_of_an_image_does_not_depend_on_its_batch(model, images):
    batch = model.predict(images, NAMES, num_samples=4, seed=3)
    for i, name in enumerate(NAMES):
        alone = model.predict(images[i : i + 1], [name], num_samples=4, seed=3)
        for field in dataclasses.fields(alone):
            ours, theirs = getattr(alone, field.name)[0], getattr(batch, field.name)[i]
            assert torch.allclose(ours, theirs, atol=1e-5), field.name


@pytest.mark.parametrize("most", [1, 7, 16, 1000])
def test_predictions_do_not_depend_on_max_prompts_per_pass(model, images, most):
    whole = model.predict(images, NAMES, num_samples=4)
    parts = model.predict(images, NAMES, num_samples=4, max_prompts_per_pass=most)
    assert torch.allclose(whole.map, parts.map, atol=1e-5) and torch.allclose(whole.score, parts.score, atol=1e-5)


def test_a_gpu_with_more_free_memory_takes_more_prompts_at_once(model):
    assert model._prompts_per_pass(10) == 512
    few, many = (model._prompts_per_pass(10, free=free) for free in (2**20, 2**34))
    assert few == 2 * 10 * 2 and many > 1000 * few and many % few == 0  # whole images


def test_stage_2_has_its_own_image_head(model, images):
    first = model.predict(images, NAMES, num_samples=2)
    model.stage = 2
    second = model.predict(images, NAMES, num_samples=2)
    assert torch.equal(first.map, second.map) and not torch.allclose(first.text_score, second.text_score)


def test_predict_accepts_one_class_name_and_rejects_invalid_input(model, images):
    assert torch.equal(
        model.predict(images, "cable", num_samples=1).score, model.predict(images, ["cable"] * 3, num_samples=1).score
    )
    with pytest.raises(ValueError, match="2 class names for 3 images"):
        model.predict(images, ["cable", "nut"])
    bytes_ = (255 * images).to(torch.uint8)
    for call in (model.predict, model.sample_prompts, HandwrittenPrompts(model.clip).predict):
        with pytest.raises(ValueError, match="torch.uint8; pass floats"):
            call(bytes_, "cable")
    assert torch.equal(model.predict(images.numpy(), "cable").map, model.predict(images, "cable").map)
    with pytest.raises(ValueError, match="'bfloat16' is unknown; choose one of fp32, bf16, fp16"):
        model.predict(images, "cable", precision="bfloat16")


def test_heads_must_divide_the_width(clip):
    with pytest.raises(ValueError, match="heads 5"):
        BayesPFL(clip, ModelConfig(heads=5))
    with pytest.raises(ValueError, match="num_prompts is 0"):
        ModelConfig(num_prompts=0)


def test_a_model_in_another_precision_has_the_same_learned_parameters(model):
    half = model.in_precision("bf16")
    assert half.clip.precision == "bf16" and model.clip.precision == "fp32"
    assert all(ours is theirs for ours, theirs in zip(model.parameters(), half.parameters(), strict=True))


@pytest.mark.parametrize("size", [1, 5])
def test_maps_in_parts_of_any_size_are_the_same(model, images, monkeypatch, size):
    whole = model.predict(images, NAMES, num_samples=5)
    monkeypatch.setitem(MAP_VALUES, "cpu", size * 3 * 4 * 2 * 32**2)  # so many samples at once
    parts = model.predict(images, NAMES, num_samples=5)
    for name in ("map", "map_std", "map_mutual_information", "sample_scores"):
        assert torch.allclose(getattr(whole, name), getattr(parts, name), atol=1e-6), name


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precision_changes_little_and_predictions_are_float32(model, images, precision):
    exact = model.predict(images, NAMES, num_samples=2)
    half = model.predict(images, NAMES, num_samples=2, precision=precision)
    assert half.map.dtype == half.score.dtype == torch.float32
    assert 0 < (half.map - exact.map).abs().max() < 0.05
