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
    """K planar steps in sequence: z (..., R, D), u and w (..., K, D), c (..., K) -> z_K and the summed log-dets.

    A step needs w_k.z alone, and each step j before it has added h_j u_j to z. So the sequence runs over the K numbers
    w_k.z + c_k of a sample, from all products u_j.w_k, and not over vectors. The result is that of K `planar_step`s.
    """
    products = torch.cat([z, u], dim=-2) @ w.mT
    angles, overlap = products.split([z.shape[-2], u.shape[-2]], dim=-2)  # overlap (..., K, K): u_j.w_k in row j
    angles = angles + c.unsqueeze(-2)  # (..., R, K): w_k.z + c_k before the first step
    steps = []
    for k, row in enumerate(overlap.unsqueeze(-3).unbind(-2)):
        steps.append(torch.tanh(angles[..., k : k + 1]))
        angles = torch.addcmul(angles, steps[-1], row)
    h = torch.cat(steps, dim=-1)  # (..., R, K)
    determinants = 1 + (1 - h**2) * overlap.diagonal(dim1=-2, dim2=-1).unsqueeze(-2)
    return z + h @ u, torch.log(torch.abs(determinants) + GUARD).sum(dim=-1)
