"""The losses of pre-training: images against captions, and patches against captions of their state."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from . import tiny
from .captions import WEIGHTS, Caption, truth


def sigmoid_loss(logits: Tensor, true: Tensor, known: Tensor, pool: list[Caption]) -> Tensor:
    """Binary cross-entropy of logits (b, captions), as in SigLIP (Zhai et al. 2023, arXiv 2303.15343).

    Only known pairs count. True and false ones have equal weight within each group of captions; groups have WEIGHTS.
    """
    losses = F.binary_cross_entropy_with_logits(logits, true.float(), reduction="none")
    total, weights = torch.zeros((), device=logits.device), 0.0
    for group, columns in groups(pool).items():
        loss, t, k = losses[:, columns], true[:, columns], known[:, columns]
        halves = [loss[part].mean() for part in (k & t, k & ~t) if part.any()]
        if halves:
            total, weights = total + WEIGHTS[group] * torch.stack(halves).mean(), weights + WEIGHTS[group]
    return total / weights


def groups(pool: list[Caption]) -> dict[str, list[int]]:
    """The indices of each group's captions."""
    columns: dict[str, list[int]] = {}
    for i, caption in enumerate(pool):
        columns.setdefault(caption.group, []).append(i)
    return columns


class Regions(nn.Module):
    """Compares the patch tokens of each layer with captions; its heads are discarded after pre-training.

    So the shipped model is a plain CLIP, whose own projection was never trained to align patches with text.
    """

    def __init__(self, seed: int):
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.heads = nn.ModuleList(
                nn.Sequential(nn.LayerNorm(tiny.WIDTH), nn.Linear(tiny.WIDTH, tiny.WIDTH)) for _ in range(tiny.LAYERS)
            )
        self.logit_scale = nn.Parameter(torch.tensor(10.0).log())
        self.logit_bias = nn.Parameter(torch.tensor(-2.0))

    def forward(self, patches: list[Tensor], text: Tensor) -> Tensor:
        """Patches, L times (b, N, W), and unit captions (n, D) -> logits (L, b, N, n)."""
        tokens = torch.stack([F.normalize(head(p), dim=-1) for head, p in zip(self.heads, patches, strict=True)])
        return self.logit_scale.exp() * tokens @ text.T + self.logit_bias


def region_loss(logits: Tensor, defective: Tensor, state: Tensor, pool: list[Caption]) -> Tensor:
    """Binary cross-entropy of patches against captions, as in RegionCLIP (Zhong et al. 2022, arXiv 2112.09106).

    Defective and normal patches have equal weight, and so have true and false captions.

    Args:
        logits: (L, b, N, n).
        defective: share of each patch (b, N); patches with a small defective share are left out.
        state: of the images (b,).
        pool: n captions of states.
    """
    is_defective, is_normal = defective > 0.12, defective < 0.02
    claimed = torch.where(is_defective, state[:, None], 0).flatten()
    unknown = torch.full_like(claimed, -1)
    true = truth(pool, unknown, claimed, unknown, unknown)[0].view(*defective.shape, -1)
    losses = F.binary_cross_entropy_with_logits(logits, true.float().expand_as(logits), reduction="none").mean(0)
    parts = [losses[where[..., None] & claim] for where in (is_defective, is_normal) for claim in (true, ~true)]
    return torch.stack([part.mean() for part in parts if part.numel()]).mean()


def accuracy(logits: Tensor, true: Tensor, known: Tensor, pool: list[Caption]) -> dict[str, float]:
    """The balanced accuracy of each group of captions: the mean of the accuracies on true and on false known pairs."""
    correct, result = (logits > 0) == true, {}
    for group, columns in groups(pool).items():
        c, t, k = correct[:, columns], true[:, columns], known[:, columns]
        halves = [c[k & t].float().mean(), c[k & ~t].float().mean()]
        result[group.replace(" ", "_")] = float(torch.stack(halves).mean())
    return result
