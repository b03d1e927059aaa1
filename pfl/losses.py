"""Training losses: cross-entropy, focal and Dice; KL of the distributions; orthogonality of the prompts."""

from functools import lru_cache
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from .distributions import Samples


def classification(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of image logits (b, 2), normal and abnormal, with labels (b,), 0 or 1."""
    return F.cross_entropy(logits, labels)


def focal(evidence: Tensor, masks: Tensor) -> Tensor:
    """Focal loss, gamma 2 (Lin et al. 2017): the mean over anomalous pixels plus the mean over normal ones.

    Args:
        evidence: abnormal minus normal logit of each pixel (b, H, H).
        masks: 1 where anomalous, else 0 (b, H, H). A class without pixels adds nothing.
    """
    p = torch.sigmoid(torch.where(masks > 0.5, evidence, -evidence))  # probability of the true class
    loss = (1 - p) ** 2 * -torch.log(p + 1e-8)
    anomalous, normal = ((loss * pixels).sum() / pixels.sum().clamp(min=1) for pixels in (masks, 1 - masks))
    return anomalous + normal


def dice(probability: Tensor, masks: Tensor) -> Tensor:
    """Dice loss of abnormal probabilities and masks (b, H, H), over the whole batch at once."""
    overlap = (probability * masks).sum()
    return 1 - (2 * overlap + 1e-5) / (probability.sum() + masks.sum() + 1e-5)


def kl(samples: Samples, *, log_det_weight: float = 1.0) -> Tensor:
    """KL divergence of each distribution from N(0, I), estimated from its samples (paper section 3.2).

    The mean over the R samples of log q0(z0) - log p(zK) - log|det|; the Gaussians' constants cancel.

    Args:
        samples: from n distributions.
        log_det_weight: 1 is exact. The reference weights the log-determinants of the states by 1/b, since it draws
            them once per batch but averages over the batch.

    Returns:
        (n,), zeros for a distribution that is switched off.
    """
    if samples.is_point:
        return torch.zeros_like(samples.log_det[:, 0])
    log_q0 = -0.5 * (samples.var.log() + (samples.z0 - samples.mu) ** 2 / samples.var).sum(-1)
    log_p = -0.5 * (samples.zk**2).sum(-1)
    return (log_q0 - log_p - log_det_weight * samples.log_det).mean(-1)


def orthogonality(text: Tensor) -> Tensor:
    """Mean squared cosine between different prompts of the bank, summed over the two states.

    As in the reference, the mean is over the whole B x B matrix with a zero diagonal, so a single prompt gives 0.

    Args:
        text: embeddings of unit length (..., 2, B, D).
    """
    cosines = text @ text.transpose(-1, -2)
    others = 1 - torch.eye(text.shape[-2], device=text.device)
    return ((cosines * others) ** 2).mean(dim=(-1, -2)).sum(dim=-1).mean()


def stage1(
    output,
    masks: Tensor,
    labels: Tensor,
    index: int,
    *,
    kl_kind: Literal["exact", "reference"] = "exact",
    kl_weight: float = 0.01,
    orthogonal: bool = True,
) -> dict[str, Tensor]:
    """Return all losses of a training step in stage 1 by name; their sum is minimised.

    Args:
        output: `Output` of a forward pass with one sample (R = 1).
        masks: (b, H, H), 1 where anomalous.
        labels: (b,), 0 or 1.
        index: the prompt of the bank that is trained in this step. KL and orthogonality apply to all prompts.
        kl_kind: "exact", or "reference" (see `kl`).
    """
    evidence = upsample(output.map_evidence[:, :, 0, index], masks.shape[-1])  # (b, L, H, H)
    layers = evidence.unbind(dim=1)
    weight = 1.0 if kl_kind == "exact" else 1 / len(labels)
    zero = torch.zeros((), device=masks.device)
    divergence = kl(output.context).mean() + kl(output.states, log_det_weight=weight).sum()
    losses = {
        "class": classification(output.image_logits[:, :, 0, index], labels),
        "focal": sum((focal(layer, masks) for layer in layers), start=zero),
        "dice": sum((dice(torch.sigmoid(layer), masks) for layer in layers), start=zero),
        "distribution": kl_weight * divergence,
    }
    if orthogonal:
        losses["orthogonal"] = orthogonality(output.text[:, :, 0])
    return losses


def upsample(evidence: Tensor, size: int) -> Tensor:
    """Bilinear upsampling with aligned corners: evidence (..., g, g) on the patch grid -> (..., size, size).

    Two matrix products are several times as fast as interpolating pixel by pixel.
    """
    rows = _interpolation_matrix(evidence.shape[-1], size, evidence.device, evidence.dtype)
    return rows @ evidence @ rows.T


@lru_cache(maxsize=8)
@torch.inference_mode(False)  # a matrix cached during prediction must work in training, too
def _interpolation_matrix(grid: int, size: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Matrix (size, g) of linear interpolation in one dimension."""
    matrix = F.interpolate(torch.eye(grid)[None], size=size, mode="linear", align_corners=True)[0].T
    return matrix.contiguous().to(device, dtype)
