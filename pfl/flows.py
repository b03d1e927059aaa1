"""Planar flow: simple steps that transform a Gaussian into another distribution and track the log-determinant."""

import torch
from torch import Tensor

GUARD = 1e-5  # keeps the logarithm finite where the determinant is 0; the reference's value


def planar_step(z: Tensor, u: Tensor, w: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """One planar step z' = z + u tanh(w.z + c) (paper section 3.2; Rezende and Mohamed 2015, equation 10).

    Args:
        z: R samples (..., R, D).
        u, w: (..., D), shared by the R samples.
        c: (...).

    Returns:
        z' (..., R, D) and log |det dz'/dz| (..., R).
    """
    u, w = u.unsqueeze(-1), w.unsqueeze(-1)  # columns (..., D, 1)
    h = torch.tanh(z @ w + c[..., None, None])  # (..., R, 1)
    slope = (1 - h**2) * w.mT  # gradient of tanh(w.z + c) with respect to z (..., R, D)
    log_det = torch.log(torch.abs(1 + slope @ u) + GUARD)
    return z + h * u.mT, log_det.squeeze(-1)


def planar_flow(z: Tensor, u: Tensor, w: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """K planar steps in sequence: z (..., R, D), u and w (..., K, D), c (..., K) -> z_K and the summed log-dets."""
    total = torch.zeros_like(z[..., 0])
    for step in zip(u.unbind(-2), w.unbind(-2), c.unbind(-1), strict=True):
        z, log_det = planar_step(z, *step)
        total = total + log_det
    return z, total
