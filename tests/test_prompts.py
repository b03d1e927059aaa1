"""Prompts: how they are assembled, and that sharing their prefix does not change the text embeddings."""

import pytest
import torch

from pfl.clip import encode_tokens
from pfl.distributions import Samples
from pfl.prompts import PromptBank, class_text, handwritten


def test_class_names_are_turned_into_words():
    names = ["metal_nut", "macaroni2", "pcb3", "pipe_fryum", "chewinggum", "Bottle", "metal plate", "fryum"]
    words = ["metal nut", "macaroni", "printed circuit board", "pipe fryum", "chewing gum", "bottle"]
    assert [class_text(name) for name in names] == [*words, "metal plate", "fryum"]
    assert all(class_text(word) == word for word in words)


def test_empty_or_too_long_class_names_are_rejected(model):
    with pytest.raises(ValueError, match="empty"):
        model.predict(torch.rand(1, 3, 32, 32), "  ", num_samples=1)
    with pytest.raises(ValueError, match="shorten it"):
        model.predict(torch.rand(1, 3, 32, 32), "very " * 70 + "long", num_samples=1)


def test_handwritten_prompts_contain_the_class_name_in_both_states():
    normal, abnormal = handwritten("metal_nut")
    assert all("metal nut" in text for text in normal + abnormal)
    assert "a photo of a flawless metal nut." in normal and "a photo of a damaged metal nut." in abnormal


def test_a_prompt_consists_of_sos_context_state_name_eos(clip):
    bank = PromptBank(dim=clip.dim, num_prompts=2, context_len=3, state_len=4)
    z_context, z_states = torch.randn(2, 5, clip.dim), torch.randn(2, 5, clip.dim)
    context, endings, eos = bank(clip, z_context, z_states, ["metal_nut", "cable"])
    assert context.shape == (2, 5, 2, 3, clip.dim) and endings.shape == (2, 5, 2, 2, 4 + 2 + 1, clip.dim)
    assert eos.tolist() == [6, 5]
    words = clip.token_embedding(clip.tokenize(["metal nut"]))[0]
    assert torch.equal(context[0, 4, 1], bank.context[1] + z_context[0, 4])  # first image, last sample, second prompt
    abnormal = endings[0, 4, 1, 1]
    assert torch.equal(abnormal[:4], bank.states[1, 1] + z_states[1, 4])
    assert torch.equal(abnormal[4:], words[1:4])


def test_the_bank_is_initialised_around_the_means_of_the_paper():
    bank = PromptBank(dim=512, num_prompts=3, context_len=5, state_len=5)
    means = [bank.context.mean(), *bank.states.mean(dim=(1, 2, 3))]
    assert torch.allclose(torch.stack(means), torch.tensor([0.0, 0.5, -0.5]), atol=2e-3)
    assert torch.allclose(bank.states.std(dim=(1, 2, 3)), torch.tensor(0.02), atol=2e-3)


def test_shared_prefixes_give_the_embeddings_of_separate_prompts_of_77_tokens(model, clip):
    """Values and gradients, for names of different lengths."""
    z = torch.randn(2, 3, clip.dim, requires_grad=True), torch.randn(2, 3, clip.dim, requires_grad=True)
    context, endings, eos = model.prompts(clip, *z, ["metal_nut", "cable"])
    sos = clip.token_embedding(clip.tokenize([""])[:, 0])
    shape = endings.shape[:4]  # (b, R, B, 2)
    parts = sos.expand(*shape, 1, -1), context[:, :, :, None].expand(*shape, -1, -1), endings
    whole = torch.cat(parts, dim=-2).flatten(0, 3)
    eos = (1 + context.shape[-2] + eos).repeat_interleave(len(whole) // 2)
    padding = clip.token_embedding(torch.zeros(len(whole), 77 - whole.shape[1], dtype=torch.long))
    plain = encode_tokens(clip.text, torch.cat([whole, padding], dim=1), eos)
    plain = torch.nn.functional.normalize(plain, dim=-1).unflatten(0, shape).permute(0, 3, 1, 2, 4)
    context, states = (Samples(z0=x, zk=x, mu=x, var=x, log_det=x[..., 0]) for x in z)
    for budget in (None, 6):
        shared = model.text_embeddings(context, states, ["metal_nut", "cable"], max_prompts_per_pass=budget)
        assert torch.allclose(shared, plain, atol=1e-5)
    weights = torch.randn_like(plain)
    ours, theirs = (torch.autograd.grad((text * weights).sum(), z, retain_graph=True) for text in (shared, plain))
    assert all(torch.allclose(a, b, atol=1e-4) for a, b in zip(ours, theirs, strict=True))
