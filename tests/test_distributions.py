"""The prompt distributions: seeded noise, shared noise, and their KL divergence."""

import torch

from pfl import losses
from pfl.distributions import ImageAgnostic, ImageSpecific, Samples, draw_noise

SIZES = dict(dim=12, hidden=8, base_variance=0.3)


def seed(value):
    return torch.Generator().manual_seed(value)


def test_noise_is_determined_by_the_seed():
    first, again, other = (draw_noise(12, 4, seed(s)) for s in (0, 0, 1))
    assert torch.equal(first.context, again.context) and torch.equal(first.states, again.states)
    assert not torch.equal(first.states, other.states)


def test_state_noise_does_not_depend_on_the_batch_size():
    assert torch.equal(draw_noise(12, 4, seed(0)).states, draw_noise(12, 4, seed(0), batch=5).states)


def test_images_with_shared_noise_have_different_samples():
    isd = ImageSpecific(num_flows=3, **SIZES)
    samples = isd(torch.randn(2, 12, generator=seed(1)), draw_noise(12, 4, seed(0)).context)
    assert samples.zk.shape == (2, 4, 12) and samples.log_det.shape == (2, 4)
    assert not torch.allclose(samples.zk[0], samples.zk[1])


def test_without_flow_steps_the_distribution_is_gaussian():
    iad = ImageAgnostic(num_flows=0, flow_init=1.0, **SIZES)
    samples = iad(draw_noise(12, 4, seed(0)).states)
    assert torch.equal(samples.z0, samples.zk) and not samples.log_det.any()
    assert {name.split(".")[0] for name, _ in iad.named_parameters()} == {"inference", "state"}


def test_kl_without_flow_estimates_the_closed_form():
    mu, var = torch.randn(2, 1, 12, generator=seed(1)), torch.rand(2, 1, 12, generator=seed(2)) + 0.2
    z = mu + var.sqrt() * torch.randn(2, 40_000, 12, generator=seed(3))
    samples = Samples(mu=mu, var=var, z0=z, zk=z, log_det=torch.zeros(2, 40_000))
    closed = 0.5 * (mu**2 + var - 1 - var.log()).sum(dim=(1, 2))
    assert torch.allclose(losses.kl(samples), closed, rtol=0.01)


def test_kl_with_flow_is_that_of_the_transformed_density():
    """log q(zK) = log q0(z0) - log|det|: shifting and scaling a Gaussian gives another Gaussian's divergence."""
    scale, shift = 1.7, 0.4
    z0 = torch.randn(1, 200_000, 3, generator=seed(3))
    samples = Samples(
        mu=torch.zeros(1, 1, 3),
        var=torch.ones(1, 1, 3),
        z0=z0,
        zk=scale * z0 + shift,
        log_det=torch.full((1, 200_000), 3 * torch.tensor(scale).log()),
    )
    closed = 0.5 * 3 * (shift**2 + scale**2 - 1 - 2 * torch.tensor(scale).log())
    assert torch.allclose(losses.kl(samples)[0], closed, rtol=0.02)


def test_a_distribution_switched_off_gives_zeros_and_no_divergence():
    point = Samples.point(torch.randn(2, 4, 12))
    assert not point.zk.any() and torch.equal(losses.kl(point), torch.zeros(2))
