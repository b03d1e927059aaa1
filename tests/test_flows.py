"""Planar flow: its log-determinant equals that of the Jacobian."""

import torch
from torch.autograd.functional import jacobian

from pfl.flows import GUARD, planar_flow, planar_step


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_the_log_det_of_a_step_is_that_of_its_jacobian():
    z, u, w, c = draw(1, 6, seed=1), draw(6, seed=2), draw(6, seed=3), draw(1, seed=4)[0]
    _, log_det = planar_step(z, u, w, c)
    true = jacobian(lambda z: planar_step(z[None], u, w, c)[0][0], z[0]).slogdet().logabsdet
    assert torch.allclose(log_det[0], torch.log(true.exp() + GUARD), atol=1e-12)


def test_the_log_det_of_a_flow_is_the_sum_over_its_steps():
    z, u, w, c = draw(1, 6, seed=1), draw(8, 6, seed=2), draw(8, 6, seed=3), draw(8, seed=4)
    _, log_det = planar_flow(z, u, w, c)
    true = jacobian(lambda z: planar_flow(z[None], u, w, c)[0][0], z[0]).slogdet().logabsdet
    assert torch.allclose(log_det[0], true, atol=8 * 10 * GUARD)  # 8 guards, on volumes above 0.1


def test_a_flow_is_its_steps_one_after_the_other():
    z, u, w, c = draw(3, 4, 6, seed=1), draw(3, 5, 6, seed=2), draw(3, 5, 6, seed=3), draw(3, 5, seed=4)
    z_k, total = planar_flow(z, u, w, c)
    log_dets = []
    for step in zip(u.unbind(1), w.unbind(1), c.unbind(1), strict=True):
        z, log_det = planar_step(z, *step)
        log_dets.append(log_det)
    assert torch.allclose(z_k, z) and torch.allclose(total, sum(log_dets))


def test_samples_and_distributions_are_transformed_independently():
    z, u, w, c = draw(3, 4, 6, seed=1), draw(3, 5, 6, seed=2), draw(3, 5, 6, seed=3), draw(3, 5, seed=4)
    z_k, log_det = planar_flow(z, u, w, c)
    assert z_k.shape == (3, 4, 6) and log_det.shape == (3, 4)
    for i in range(3):
        for r in range(4):
            alone, volume = planar_flow(z[i, r : r + 1], u[i], w[i], c[i])
            assert torch.allclose(z_k[i, r], alone[0]) and torch.allclose(log_det[i, r], volume[0])


def test_a_step_with_zero_u_is_the_identity():
    z, w, c = draw(2, 6, seed=1), draw(6, seed=3), draw(1, seed=4)[0]
    z_k, log_det = planar_step(z, torch.zeros_like(w), w, c)
    assert torch.equal(z_k, z) and log_det.abs().max() < 2 * GUARD
