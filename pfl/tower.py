"""CLIP's text tower for prompts with a common prefix, which is computed once.

The tower is causal: a token depends only on those before it. So SOS sees only itself, and its keys and values never
change; the learned context is the same for the normal and the abnormal prompt of a sample; tokens after EOS do not
matter; and the last block needs only EOS. Each saving is exact, and the weights are those of open_clip's own blocks.
"""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .caching import cached


def sos_keys_values(text: Any, sos: Tensor) -> Tensor:
    """Keys and values (blocks, 2, D) of SOS in every block, from its token embedding (D,)."""
    token, found = (sos + text.positional_embedding[0])[None], []
    for block in text.transformer.resblocks:
        found.append(project(block, token)[0].unflatten(0, (3, -1))[1:])
        token = after_attention(block, token, found[-1][1:])  # attention to a single token gives its value
    return torch.stack(found)


def encode(
    text: Any, sos: Tensor, context: Tensor, endings: Tensor, eos: Tensor, run: Callable[..., Tensor] | None = None
) -> Tensor:
    """Return the text embeddings of prompts `[SOS] [context] [ending]`, with several endings per context.

    Args:
        text: a CLIP's causal text tower.
        sos: from `sos_keys_values`.
        context: (n, P, D).
        endings: S per context (n, S, T, D), each from the state to EOS, padded.
        eos: position of EOS in the endings of each row (n,).
        run: `run_blocks`, or the same compiled.

    Returns:
        (n, S, D), not of unit length, in the tower's precision, equal to encoding each prompt separately;
        differentiable.
    """
    (n, p, _), (s, t) = context.shape, endings.shape[1:3]
    # A row is the context followed by all its endings; each ending has the positions right after the context.
    rows = torch.cat([context, endings.flatten(1, 2)], dim=1)
    begins, starts, places, mask = layout(n, p, s, t, sos.device, sos.dtype)
    rows = (rows + text.positional_embedding[places]).to(sos.dtype)
    return (run or run_blocks)(text, sos, rows, mask, begins, starts + eos[:, None])


def run_blocks(text: Any, sos: Tensor, rows: Tensor, mask: Tensor, begins: Tensor, ends: Tensor) -> Tensor:
    """Rows of tokens (n, m, D) -> the embeddings (n, S, D) of the tokens at `ends` (n, S) of each row."""
    n, _, dim = rows.shape
    *blocks, final = text.transformer.resblocks
    heads = final.attn.num_heads
    first = sos.view(-1, 1, heads, 1, dim // heads).expand(-1, n, -1, -1, -1).unbind()  # a key, a value, a key, ...

    def split(x: Tensor, parts: int) -> tuple[Tensor, ...]:  # (n * q, parts * D) -> parts of (n, heads, q, D / heads)
        return x.view(n, -1, parts, heads, dim // heads).permute(2, 0, 3, 1, 4).unbind()

    def attend(block: int, query: Tensor, key: Tensor, value: Tensor, mask: Tensor) -> Tensor:
        """Attention of queries (n, heads, q, D / heads) to SOS and the tokens of their row -> (n * q, D)."""
        key, value = torch.cat([first[2 * block], key], dim=2), torch.cat([first[2 * block + 1], value], dim=2)
        return F.scaled_dot_product_attention(query, key, value, attn_mask=mask).transpose(1, 2).reshape(-1, dim)

    tokens = rows.flatten(0, 1)  # one matrix product for all tokens
    for i, block in enumerate(blocks):
        query, key, value = split(project(block, tokens), 3)
        tokens = after_attention(block, tokens, attend(i, query, key, value, mask))
    key, value = split(project(final, tokens, slice(dim, None)), 2)
    tokens, mask = tokens[(begins + ends).flatten()], mask[ends].unsqueeze(1)
    (query,) = split(project(final, tokens, slice(dim)), 1)
    tokens = text.ln_final(after_attention(final, tokens, attend(len(blocks), query, key, value, mask)))
    projection = text.text_projection
    tokens = projection(tokens) if isinstance(projection, nn.Module) else tokens @ projection
    return tokens.view(n, -1, tokens.shape[-1])


@cached(maxsize=32)
def layout(n: int, p: int, s: int, t: int, device: torch.device, dtype: torch.dtype) -> tuple[Tensor, ...]:
    """What n rows of m = P + S * T tokens have in common, kept between passes.

    Returns:
        index of the first token of each row (n, 1), counted over all rows; that of each ending in its row (S,); the
        tokens' positions in their prompts (m,); and the mask (m, 1 + m) that is added in attention: a token sees SOS,
        which comes first, and its own prompt up to itself.
    """
    order = torch.arange(m := p + s * t)
    branch = torch.clamp((order - p) // t + 1, min=0)  # 0 is the context
    seen = (order[:, None] >= order) & ((branch == 0) | (branch[:, None] == branch))
    mask = F.pad(torch.zeros(m, m).masked_fill(~seen, -torch.inf), (1, 0))
    if device.type != "cpu":  # rows start at multiples of 16 values: else attention would copy the mask in every block
        mask = F.pad(mask, (0, -(1 + m) % 16))
    places = 1 + order - t * torch.clamp(branch - 1, min=0)
    begins, starts = m * torch.arange(n)[:, None], p + t * torch.arange(s)
    return begins.to(device), starts.to(device), places.to(device), mask.to(device, dtype)[:, : 1 + m]


def project(block: Any, tokens: Tensor, part: slice | None = None) -> Tensor:
    """Queries, keys and values of tokens, or the slice `part` of them."""
    weight, bias = block.attn.in_proj_weight, block.attn.in_proj_bias
    return F.linear(block.ln_1(tokens), *((weight, bias) if part is None else (weight[part], bias[part])))


def after_attention(block: Any, tokens: Tensor, seen: Tensor) -> Tensor:
    """The rest of a block after attention: output projection, MLP, and both residuals."""
    tokens = tokens + block.ls_1(block.attn.out_proj(seen))
    return tokens + block.ls_2(block.mlp(block.ln_2(tokens)))
