"""The losses, against values computed by hand."""

import math

import pytest
import torch

from pfl import losses


def test_focal_is_the_sum_of_the_means_over_anomalous_and_normal_pixels():
    evidence = torch.tensor([[[0.0, 2.0], [-1.0, 0.0]]])
    masks = torch.tensor([[[1.0, 1.0], [0.0, 0.0]]])

    def one(p):
        return (1 - p) ** 2 * -math.log(p)

    def sigmoid(x):
        return 1 / (1 + math.exp(-x))

    expected = (one(0.5) + one(sigmoid(2))) / 2 + (one(sigmoid(1)) + one(0.5)) / 2
    assert losses.focal(evidence, masks).item() == pytest.approx(expected, rel=1e-5)


def test_focal_of_a_batch_without_anomalies_is_finite():
    evidence = torch.zeros(2, 4, 4, requires_grad=True)
    loss = losses.focal(evidence, torch.zeros(2, 4, 4))
    loss.backward()
    assert loss.item() == pytest.approx(0.25 * math.log(2), rel=1e-5) and evidence.grad.isfinite().all()


def test_dice_is_zero_for_a_perfect_map_and_is_computed_over_the_batch():
    masks = torch.zeros(2, 4, 4)
    masks[0, :2] = 1  # 8 pixels in one image, none in the other
    assert losses.dice(masks, masks).item() == pytest.approx(0, abs=1e-6)
    assert losses.dice(torch.full_like(masks, 0.5), masks).item() == pytest.approx(1 - 8 / 24, rel=1e-5)


@pytest.mark.parametrize("part", [1, 3])
def test_pixel_losses_are_focal_and_dice_with_their_gradient(part):
    generator = torch.Generator().manual_seed(0)
    evidence = (9 * torch.randn(3, 2, 4, 4, generator=generator, dtype=torch.float64)).requires_grad_()
    masks = (torch.rand(3, 8, 8, generator=generator) < 0.2).double()
    masks[1] = 0
    layers = losses.upsample(evidence, 8).unbind(dim=1)
    apart = [torch.stack([losses.focal(layer, masks), losses.dice(torch.sigmoid(layer), masks)]) for layer in layers]
    together = torch.stack(losses.PixelLosses.apply(evidence, masks, part), dim=1)
    assert torch.allclose(together, torch.stack(apart))
    weights = torch.randn(2, 2, generator=generator, dtype=torch.float64)
    gradients = (torch.autograd.grad((weights * x).sum(), evidence)[0] for x in (together, torch.stack(apart)))
    assert torch.allclose(*gradients)


def test_orthogonality_is_zero_for_orthogonal_prompts_and_largest_for_equal_ones():
    apart = torch.eye(3).expand(1, 2, 3, 3)
    equal = torch.tensor([1.0, 0.0, 0.0]).expand(1, 2, 3, 3)
    assert losses.orthogonality(apart).item() == 0
    assert losses.orthogonality(equal).item() == pytest.approx(2 * 6 / 9)
    assert losses.orthogonality(equal[:, :, :1]).item() == 0


def test_upsampling_in_inference_mode_does_not_break_training():
    losses._interpolation_matrix.cache_clear()
    with torch.inference_mode():
        losses.upsample(torch.zeros(1, 4, 4), 8)
    evidence = torch.zeros(1, 4, 4, requires_grad=True)
    losses.upsample(evidence, 8).sum().backward()
    assert evidence.grad.sum().item() == pytest.approx(64)


def test_softmax_of_upsampled_logits_equals_sigmoid_of_their_upsampled_difference():
    pair = 5 * torch.randn(2, 2, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    both = losses.upsample(pair, 32).softmax(dim=1)[:, 1]
    once = torch.sigmoid(losses.upsample((pair[:, 1] - pair[:, 0])[:, None], 32))[:, 0]
    assert torch.allclose(both, once, atol=1e-12)
