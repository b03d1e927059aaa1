"""Training losses: cross-entropy, focal and Dice; KL of the distributions; orthogonality of the prompts."""

from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from .caching import cached
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
    evidence = output.map_evidence[:, :, 0, index]  # (b, L, g, g)
    focal_losses, dice_losses = PixelLosses.apply(evidence, masks, 1 if evidence.device.type == "cpu" else len(masks))
    weight = 1.0 if kl_kind == "exact" else 1 / len(labels)
    divergence = kl(output.context).mean() + kl(output.states, log_det_weight=weight).sum()
    losses = {
        "class": classification(output.image_logits[:, :, 0, index], labels),
        "focal": focal_losses.sum(),
        "dice": dice_losses.sum(),
        "distribution": kl_weight * divergence,
    }
    if orthogonal:
        losses["orthogonal"] = orthogonality(output.text[:, :, 0])
    return losses


class PixelLosses(torch.autograd.Function):
    """`focal` and `dice` of all layers' upsampled maps, with their gradient, in parts that stay in a processor's cache.

    Both are sums over pixels, so the maps of the patch grid's own size are all that is kept for the gradient. PyTorch
    alone would write and read some thirty maps of the images' size for it.
    """

    @staticmethod
    def forward(ctx: Any, evidence: Tensor, masks: Tensor, part: int) -> tuple[Tensor, Tensor]:
        """Evidence (b, L, g, g), masks (b, H, H), images at once -> focal (L,) and Dice (L,) losses of the layers."""
        rows = _interpolation_matrix(evidence.shape[-1], masks.shape[-1], evidence.device, evidence.dtype)
        masks = (masks > 0.5).to(evidence.dtype)
        weights = torch.where(masks > 0.5, 1 / masks.sum().clamp(min=1), 1 / (1 - masks).sum().clamp(min=1))
        sums = evidence.new_zeros(3, evidence.shape[1])  # focal loss; true positives and all positives of the soft map
        gradients = []
        for grid, mask, weight in zip(evidence.split(part), masks.split(part), weights.split(part), strict=True):
            mask, weight = mask[:, None], weight[:, None]
            sign = 2 * mask - 1
            signed = (rows @ grid @ rows.T) * sign
            p, rest = torch.sigmoid(signed), torch.sigmoid(-signed)  # probabilities of the true and of the other class
            log = (p + 1e-8).log_()
            square, slope = rest.square(), p * rest
            sums[0] -= (square * log).mul_(weight).sum(dim=(0, 2, 3))
            sums[1] += (p * mask).sum(dim=(0, 2, 3))
            sums[2] += (rest * (1 - mask)).sum(dim=(0, 2, 3))
            focal_slope = log.mul_(2).sub_(rest / (p + 1e-8)).mul_(square).mul_(p).mul_(weight * sign)
            gradients.append(rows.T @ torch.stack([focal_slope, slope * mask, slope]) @ rows)
        overlap, total = 2 * sums[1] + 1e-5, sums[1] + sums[2] + masks.sum() + 1e-5
        ctx.save_for_backward(torch.cat(gradients, dim=1), overlap, total)
        return sums[0], 1 - overlap / total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (slopes, overlap, total), (focal, dice) = ctx.saved_tensors, (g[:, None, None] for g in gradients)
        overlap, total = overlap[:, None, None], total[:, None, None]
        return focal * slopes[0] + dice * (overlap / total * slopes[2] - 2 * slopes[1]) / total, None, None


def upsample(evidence: Tensor, size: int) -> Tensor:
    """Bilinear upsampling with aligned corners, as two matrix products: evidence (..., g, g) -> (..., size, size)."""
    rows = _interpolation_matrix(evidence.shape[-1], size, evidence.device, evidence.dtype)
    return rows @ evidence @ rows.T


@cached(maxsize=8)
def _interpolation_matrix(grid: int, size: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Matrix (size, g) of linear interpolation in one dimension."""
    matrix = F.interpolate(torch.eye(grid)[None], size=size, mode="linear", align_corners=True)[0].T
    return matrix.contiguous().to(device, dtype)
