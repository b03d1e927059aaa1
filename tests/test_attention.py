"""Residual cross-modal attention and patch fusion, against the formula written out."""

import pytest
import torch
import torch.nn.functional as F

from pfl.attention import CrossModalAttention, PatchFusion, UnitLength
from pfl.config import ModelConfig
from pfl.model import BayesPFL


def seeded(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_attention_equals_the_formula_of_the_paper():
    attention = CrossModalAttention(width=6, dim=8, num_layers=1, heads=4, residual_attention=True)
    patches, text = seeded(2, 9, 6), F.normalize(seeded(2, 3, 8, seed=1), dim=-1)
    keys, attended = attention([patches], text)
    key = F.normalize(patches @ attention.project[0].weight.T, dim=-1)
    query = attention.query(text)
    heads = []
    for h in range(4):
        part = slice(2 * h, 2 * h + 2)
        weights = (query[..., part] @ key[..., part].mT / 8**0.5).softmax(dim=-1)  # 8 is the full width
        heads.append(weights @ key[..., part])
    expected = F.normalize(torch.cat(heads, dim=-1) + text, dim=-1)
    assert torch.allclose(keys[0], key, atol=1e-6) and torch.allclose(attended[0], expected, atol=1e-6)


def test_without_attention_the_text_is_unchanged():
    attention = CrossModalAttention(width=6, dim=8, num_layers=2, heads=4, residual_attention=False)
    patches, text = [seeded(2, 9, 6), seeded(2, 9, 6, seed=2)], seeded(2, 3, 8, seed=1)
    _, attended = attention(patches, text)
    assert torch.equal(attended, torch.stack([text, text]))
    assert {name for name, _ in attention.named_parameters()} == {"project.0.weight", "project.1.weight"}


def test_unit_length_is_normalize_with_its_gradient():
    x = seeded(2, 3, 5).double().requires_grad_()
    assert torch.allclose(UnitLength.apply(x), F.normalize(x, dim=-1))
    assert torch.autograd.gradcheck(UnitLength.apply, x)


def test_text_embeddings_do_not_attend_to_each_other():
    attention = CrossModalAttention(width=6, dim=8, num_layers=1, heads=4, residual_attention=True)
    patches, text = [seeded(2, 9, 6)], seeded(2, 3, 8, seed=1)
    alone = attention(patches, text[:, 1:2])[1]
    assert torch.allclose(attention(patches, text)[1][:, :, 1:2], alone, atol=1e-6)


def test_fusion_is_a_weighted_mean_of_patches():
    fusion = PatchFusion(width=6, dim=8, num_layers=2)
    same = seeded(1, 1, 6).expand(2, 9, 6)
    one = fusion([same, same])
    assert torch.allclose(one, fusion.project(fusion.fuse(torch.cat([same, same], dim=-1))[:, 0]), atol=1e-6)
    order = torch.randperm(9, generator=torch.Generator().manual_seed(0))
    patches = [seeded(2, 9, 6, seed=3), seeded(2, 9, 6, seed=4)]
    assert torch.allclose(fusion(patches), fusion([p[:, order] for p in patches]), atol=1e-6)


def test_the_query_starts_as_a_convolution_does_and_the_other_layers_from_a_narrow_gaussian(clip):
    model = BayesPFL(clip, ModelConfig())
    query, bound = model.attention.query, clip.dim**-0.5
    for values in (query.weight, query.bias):
        assert values.abs().max() <= bound and values.std().item() == pytest.approx(bound / 3**0.5, rel=0.1)
    assert model.class_mapping.weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert not model.class_mapping.bias.any()
