"""Residual cross-modal attention (RCA): text embeddings attend to the patches before they are compared with them."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class UnitLength(torch.autograd.Function):
    """F.normalize over the last axis, with the gradient in three passes over its values; PyTorch's own makes eight."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        norm = torch.linalg.vector_norm(x, dim=-1, keepdim=True).clamp(min=1e-12)
        unit = x / norm
        ctx.save_for_backward(unit, norm)
        return unit

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        unit, norm = ctx.saved_tensors
        along = torch.linalg.vecdot(gradient, unit).unsqueeze(-1)
        return torch.addcmul(gradient, unit, along, value=-1).div_(norm)


class CrossModalAttention(nn.Module):
    """Project each layer's patches to the text width; the text attends to them with a residual (section 3.3).

    Without `residual_attention` only the projections remain, and the text embeddings are returned unchanged.
    """

    def __init__(self, *, width: int, dim: int, num_layers: int, heads: int, residual_attention: bool):
        super().__init__()
        if residual_attention and dim % heads:
            raise ValueError(f"heads {heads} do not divide the embedding width {dim}; choose a divisor")
        self.heads = heads
        self.project = nn.ModuleList(nn.Linear(width, dim, bias=False) for _ in range(num_layers))
        self.query = nn.Linear(dim, dim) if residual_attention else None

    def forward(self, patches: list[Tensor], text: Tensor) -> tuple[Tensor, Tensor]:
        """L patch tensors (b, N, W) and text (b, M, D) -> unit-length keys (L, b, N, D) and text (L, b, M, D)."""
        keys = UnitLength.apply(torch.stack([f(tokens) for f, tokens in zip(self.project, patches, strict=True)]))
        return keys, self.attend(keys, text) if self.query is not None else text.expand(len(patches), -1, -1, -1)

    def attend(self, keys: Tensor, text: Tensor) -> Tensor:
        """Attention of text (b, M, D) in all layers at once, to keys (L, b, N, D) that are also the values."""

        def split(x: Tensor) -> Tensor:  # (L, b, n, D) -> (L * b, heads, n, D / heads)
            return x.unflatten(-1, (self.heads, -1)).transpose(2, 3).flatten(0, 1)

        assert self.query is not None, "residual attention is switched off"
        shape = (*keys.shape[:2], *text.shape[1:])
        query, values = self.query(text).expand(shape), split(keys)
        # Scaled by the full width, not by the width of a head, to match the reference.
        attended = F.scaled_dot_product_attention(split(query), values, values, scale=shape[-1] ** -0.5)
        return F.normalize(attended.transpose(1, 2).reshape(shape) + text, dim=-1)


class PatchFusion(nn.Module):
    """Attention pooling of the patches of all layers into one image vector (image head of stage 2)."""

    def __init__(self, *, width: int, dim: int, num_layers: int):
        super().__init__()
        self.fuse = nn.Linear(num_layers * width, width // 2)
        self.weigh = nn.Linear(width // 2, 1)
        self.project = nn.Linear(width // 2, dim)

    def forward(self, patches: list[Tensor]) -> Tensor:
        """L patch tensors (b, N, W) -> (b, D)."""
        fused = self.fuse(torch.cat(patches, dim=-1))  # (b, N, W / 2)
        weights = self.weigh(fused).softmax(dim=1)  # over patches
        return self.project((weights * fused).sum(dim=1))
