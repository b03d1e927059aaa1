"""CLIP's text tower for prompts with a common prefix, which is computed once.

The tower is causal: a token depends only on those before it. So SOS is the same in all prompts; the learned context is
the same for the normal and the abnormal prompt of a sample; tokens after EOS do not matter; and the last block needs
only EOS. Each saving is exact, and the weights are those of open_clip's own blocks.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def encode(text: Any, sos: Tensor, context: Tensor, endings: Tensor, eos: Tensor) -> Tensor:
    """Return the text embeddings of prompts `[SOS] [context] [ending]`, with several endings per context.

    Args:
        text: a CLIP's causal text tower.
        sos: token embedding of SOS (D,).
        context: (n, P, D).
        endings: S per context (n, S, T, D), each from the state to EOS, padded.
        eos: position of EOS in the endings of each row (n,).

    Returns:
        (n, S, D), not of unit length, equal to encoding each prompt separately; differentiable.
    """
    n, p, dim = context.shape
    s, t = endings.shape[1:3]
    # A row is the context followed by all its endings; each ending has the positions right after the context.
    positions = text.positional_embedding
    order = torch.arange(1, p + 1 + t, device=positions.device)
    place = torch.cat([order[:p], order[p:].repeat(s)])
    rows = torch.cat([context, endings.flatten(1, 2)], dim=1) + positions[place]
    first = (sos + positions[0])[None]  # (1, D)
    mask = attention_mask(p, s, t).to(rows.device)
    last = p + t * torch.arange(s, device=eos.device) + eos[:, None]  # (n, S) position of each EOS in its row

    *blocks, final = text.transformer.resblocks
    for block in blocks:
        both = torch.cat([first, rows.flatten(0, 1)])  # one matrix product for all tokens
        query, key, value = project(block, both).chunk(3, dim=-1)
        seen = attend(block, query[1:].view_as(rows), key, value, mask)
        both = after_attention(block, both, torch.cat([value[:1], seen.flatten(0, 1)]))  # SOS sees only itself
        first, rows = both[:1], both[1:].view_as(rows)
    both = torch.cat([first, rows.flatten(0, 1)])
    key, value = project(final, both, slice(dim, None)).chunk(2, dim=-1)
    index = torch.arange(n, device=last.device)[:, None]
    ends = rows[index, last]  # (n, S, D)
    query = project(final, ends, slice(dim))
    ends = after_attention(final, ends, attend(final, query, key, value, mask[last]))
    ends = text.ln_final(ends)
    projection = text.text_projection
    return projection(ends) if isinstance(projection, nn.Module) else ends @ projection


def attention_mask(p: int, s: int, t: int) -> Tensor:
    """Attention mask (P + S * T, 1 + P + S * T) of a row over SOS and itself: a token sees its prompt up to itself."""
    branch = torch.cat([torch.zeros(p), torch.arange(1, s + 1).repeat_interleave(t)])  # 0 is the context
    order = torch.arange(len(branch))
    before = order[:, None] >= order
    mask = before & ((branch == 0) | (branch[:, None] == branch))
    return F.pad(mask, (1, 0), value=True)


def project(block: Any, tokens: Tensor, part: slice = slice(None)) -> Tensor:
    """Queries, keys and values of tokens, or the slice `part` of them."""
    attention = block.attn
    return F.linear(block.ln_1(tokens), attention.in_proj_weight[part], attention.in_proj_bias[part])


def attend(block: Any, query: Tensor, key: Tensor, value: Tensor, mask: Tensor) -> Tensor:
    """Attention of rows (n, m, D) over SOS and their own tokens; key and value (1 + n * (P + S * T), D), SOS first."""
    n, heads = len(query), block.attn.num_heads

    def split(x: Tensor) -> Tensor:  # (n, m, D) -> (n, heads, m, D / heads)
        return x.unflatten(-1, (heads, -1)).transpose(1, 2)

    def keyed(x: Tensor) -> Tensor:
        return split(torch.cat([x[:1].expand(n, 1, -1), x[1:].unflatten(0, (n, -1))], dim=1))

    mask = mask if mask.ndim == 2 else mask[:, None]
    seen = F.scaled_dot_product_attention(split(query), keyed(key), keyed(value), attn_mask=mask)
    return seen.transpose(1, 2).flatten(2)


def after_attention(block: Any, tokens: Tensor, seen: Tensor) -> Tensor:
    """The rest of a block after attention: output projection, MLP, and both residuals."""
    tokens = tokens + block.ls_1(block.attn.out_proj(seen))
    return tokens + block.ls_2(block.mlp(block.ln_2(tokens)))
