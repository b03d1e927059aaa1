"""Prompts: how they are put together, and that the text tower sees what it would see of 77 tokens."""

import pytest
import torch

from pfl.prompts import PromptBank, class_text, handwritten


def test_class_names_become_words():
    names = ["metal_nut", "macaroni2", "pcb3", "pipe_fryum", "chewinggum", "Bottle", "metal plate", "fryum"]
    words = ["metal nut", "macaroni", "printed circuit board", "pipe fryum", "chewing gum", "bottle"]
    assert [class_text(name) for name in names] == [*words, "metal plate", "fryum"]
    assert all(class_text(word) == word for word in words)


def test_an_empty_or_endless_class_name_is_refused(model):
    with pytest.raises(ValueError, match="empty"):
        model.predict(torch.rand(1, 3, 32, 32), "  ", num_samples=1)
    with pytest.raises(ValueError, match="shorten it"):
        model.predict(torch.rand(1, 3, 32, 32), "very " * 70 + "long", num_samples=1)


def test_handwritten_prompts_name_the_class_in_both_states():
    normal, abnormal = handwritten("metal_nut")
    assert all("metal nut" in text for text in normal + abnormal)
    assert "a photo of a flawless metal nut." in normal and "a photo of a damaged metal nut." in abnormal


def test_a_prompt_is_sos_context_state_name_eos(clip):
    bank = PromptBank(dim=clip.dim, num_prompts=2, context_len=3, state_len=4)
    z_context, z_states = torch.randn(2, 5, clip.dim), torch.randn(2, 5, clip.dim)
    tokens, eos = bank(clip, z_context, z_states, ["metal_nut", "cable"])
    assert tokens.shape == (2, 2, 5, 2, 1 + 3 + 4 + 2 + 1, clip.dim)
    assert eos.tolist() == [10, 9]
    words = clip.token_embedding(clip.tokenize(["metal nut"]))[0]
    prompt = tokens[0, 1, 4, 1]  # first image, abnormal, last sample, second prompt
    assert torch.equal(prompt[0], words[0])
    assert torch.equal(prompt[1:4], bank.context[1] + z_context[0, 4])
    assert torch.equal(prompt[4:8], bank.states[1, 1] + z_states[1, 4])
    assert torch.equal(prompt[8:], words[1:4])


def test_the_bank_starts_around_the_published_means():
    bank = PromptBank(dim=512, num_prompts=3, context_len=5, state_len=5)
    means = [bank.context.mean(), *bank.states.mean(dim=(1, 2, 3))]
    assert torch.allclose(torch.stack(means), torch.tensor([0.0, 0.5, -0.5]), atol=2e-3)
    assert torch.allclose(bank.states.std(dim=(1, 2, 3)), torch.tensor(0.02), atol=2e-3)


def test_running_only_up_to_eos_equals_running_all_77_tokens(model, clip):
    z = torch.randn(1, 1, clip.dim), torch.randn(2, 1, clip.dim)
    tokens, eos = model.prompts(clip, *z, ["metal_nut", "cable"])
    flat, eos = tokens.flatten(0, 3), eos.repeat_interleave(4)
    padding = clip.token_embedding(torch.zeros(len(flat), 77 - flat.shape[1], dtype=torch.long))
    full = clip.encode_tokens(torch.cat([flat, padding], dim=1), eos)
    assert torch.allclose(clip.encode_tokens(flat, eos), full, atol=1e-5)
