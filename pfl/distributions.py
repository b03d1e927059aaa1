"""Prompt distributions: one for the context, conditioned on the image, and one for each state."""

from dataclasses import dataclass, replace
from typing import Any, cast

import torch
from torch import Tensor, nn

from .flows import planar_flow


@dataclass(frozen=True, kw_only=True)
class Noise:
    """Standard normal noise of R Monte-Carlo samples, the only randomness in the model.

    context (b, R, D), or (1, R, D) to share it between images; states (2, R, D): normal, abnormal.
    """

    context: Tensor
    states: Tensor

    def to(self, like: Tensor) -> "Noise":
        return Noise(context=self.context.to(like), states=self.states.to(like))


def draw_noise(dim: int, num_samples: int, generator: torch.Generator, batch: int = 1) -> Noise:
    """Draw the noise of R samples of width D, on the CPU so that a seed gives the same noise on every device.

    With `batch` = 1 all images share the context noise, so an image's result cannot depend on its batch. Their samples
    still differ, since each image transforms the noise differently. Training draws noise for each image.
    """
    states = torch.randn(2, num_samples, dim, generator=generator)
    return Noise(context=torch.randn(batch, num_samples, dim, generator=generator), states=states)


@dataclass(frozen=True, kw_only=True)
class Samples:
    """R samples from n distributions (n = b images, or the 2 states).

    mu, var (n, 1, D) of the Gaussian q0; z0, zk (n, R, D) before and after the flow; log_det (n, R).
    """

    mu: Tensor
    var: Tensor
    z0: Tensor
    zk: Tensor
    log_det: Tensor
    is_point: bool = False  # the distribution is switched off: all samples are zero

    def detach(self) -> "Samples":
        """The same without gradients."""
        values: dict[str, Any] = {name: v.detach() for name, v in vars(self).items() if isinstance(v, Tensor)}
        return replace(self, **values)

    @classmethod
    def point(cls, noise: Tensor) -> "Samples":
        """Zeros in place of the samples of a distribution that is switched off, for any noise (n, R, D)."""
        zero = torch.zeros_like(noise)
        return cls(mu=zero[:, :1], var=zero[:, :1], z0=zero, zk=zero, log_det=zero[..., 0], is_point=True)


class InferenceNetwork(nn.Module):
    """Two MLPs D -> h -> h -> D: one outputs the mean, the other a, where the variance is exp(a / 2)."""

    def __init__(self, *, dim: int, hidden: int, base_variance: float):
        super().__init__()
        self.mean, self.log_variance = (
            nn.Sequential(
                nn.Linear(dim, hidden), nn.Softplus(), nn.Linear(hidden, hidden), nn.Softplus(), nn.Linear(hidden, dim)
            )
            for _ in range(2)
        )
        self.base_variance = base_variance

    def reset_parameters(self) -> None:
        """Initialise the variance at the base variance; called after the general initialisation."""
        bias = cast(nn.Linear, self.log_variance[-1]).bias
        nn.init.constant_(bias, 2 * torch.tensor(self.base_variance).log().item())

    def forward(self, x: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """x (n, D) and noise (n or 1, R, D) -> mu (n, 1, D), variance (n, 1, D), z0 (n, R, D)."""
        mu, var = self.mean(x)[:, None], torch.exp(self.log_variance(x) / 2)[:, None]
        return mu, var, torch.addcmul(mu, var.sqrt(), noise)


class ImageSpecific(nn.Module):
    """ISD: the distribution of the context vectors, given the image (paper section 3.2).

    Both the Gaussian and the flow are functions of the image embedding x.
    """

    def __init__(self, *, dim: int, hidden: int, num_flows: int, base_variance: float):
        super().__init__()
        self.inference = InferenceNetwork(dim=dim, hidden=hidden, base_variance=base_variance)
        self.num_flows = num_flows  # 0: no flow
        if num_flows:
            self.u, self.w = (nn.Linear(dim, num_flows * dim) for _ in range(2))
            self.c = nn.Linear(dim, num_flows)

    def forward(self, x: Tensor, noise: Tensor) -> Samples:
        """x (b, D) and noise (b or 1, R, D) -> samples for each image."""
        mu, var, z0 = self.inference(x, noise)
        if not self.num_flows:
            return Samples(mu=mu, var=var, z0=z0, zk=z0, log_det=torch.zeros_like(z0[..., 0]))
        steps = (x.shape[0], self.num_flows, -1)
        zk, log_det = planar_flow(z0, self.u(x).view(steps), self.w(x).view(steps), self.c(x))
        return Samples(mu=mu, var=var, z0=z0, zk=zk, log_det=log_det)


class ImageAgnostic(nn.Module):
    """IADs: the distributions of the normal and the abnormal state, the same for all images (paper section 3.2).

    Each has a learned input vector and its own flow; both share one inference network.
    """

    def __init__(self, *, dim: int, hidden: int, num_flows: int, base_variance: float, flow_init: float):
        super().__init__()
        self.inference = InferenceNetwork(dim=dim, hidden=hidden, base_variance=base_variance)
        self.num_flows = num_flows  # 0: no flow
        self.state = nn.Parameter(torch.randn(2, dim))
        if num_flows:
            self.u, self.w = (nn.Parameter(flow_init * torch.randn(2, num_flows, dim)) for _ in range(2))
            self.c = nn.Parameter(flow_init * torch.randn(2, num_flows))

    def forward(self, noise: Tensor) -> Samples:
        """Noise (2, R, D) -> samples of the two states."""
        mu, var, z0 = self.inference(self.state, noise)
        if not self.num_flows:
            return Samples(mu=mu, var=var, z0=z0, zk=z0, log_det=torch.zeros_like(z0[..., 0]))
        zk, log_det = planar_flow(z0, self.u, self.w, self.c)
        return Samples(mu=mu, var=var, z0=z0, zk=zk, log_det=log_det)
