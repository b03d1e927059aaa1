"""Pre-training of the tiny CLIP: true captions, reproducible views, and resuming."""

import sys
from dataclasses import replace

import numpy as np
import open_clip
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from sklearn.metrics import roc_auc_score

from pfl.clip import load_clip
from pfl.workshop import CAPTIONED, captions, photographs, pretrain, scene, tiny
from pfl.workshop.captions import Caption, truth
from pfl.workshop.losses import region_loss, sigmoid_loss
from pfl.workshop.photoscenes import Library
from pfl.workshop.pretrain import Recipe
from pfl.workshop.views import crop


@pytest.fixture(scope="module")
def recipe():
    return Recipe(images=12, photographs=0.5, steps=4, batch=4, image_size=32)


@pytest.fixture
def library(packages, tmp_path):
    photographs.gather(packages, tmp_path / "photographs")
    return Library(tmp_path / "photographs")


def test_a_caption_is_true_only_if_all_its_claims_are():
    labels = [torch.tensor(v) for v in ([3, 3, 5], [0, 2, 2], [1, 1, 4], [-1, 0, 8])]  # kind, state, colour, cell
    texts = [
        Caption("a flawless object", "state", state=0),
        Caption("a damaged object", "state", state=-2),
        Caption("a cracked three", "noun and state", kind=3, state=2),
        Caption("a crack at the top left", "place", state=2, cell=0),
        Caption("a one-coloured thing", "colour", colour=1),
    ]
    expected = [[1, 0, 0, 0, 1], [0, 1, 1, 1, 1], [0, 1, 0, 0, 0]]
    true, known = truth(texts, *labels)
    assert true.int().tolist() == expected and known.all()


def test_what_a_photograph_shows_is_unknown_and_does_not_count():
    texts = [Caption("a cracked three", "noun and state", kind=3, state=2), Caption("a thing", "state", state=0)]
    true, known = truth(texts, *(torch.tensor([v, v]) for v in (-1, 0, 1, -1)))
    assert known.tolist() == [[False, True]] * 2
    losses = [sigmoid_loss(torch.tensor([[x, 2.0]] * 2), true, known, texts).item() for x in (-5.0, 5.0)]
    assert losses[0] == losses[1]


def test_captions_use_frequent_words_for_states():
    rank = open_clip.tokenizer.SimpleTokenizer().encoder
    sentences = captions.FLAWLESS + captions.DAMAGED + sum(captions.DEFECTS.values(), [])
    words = {word for sentence in sentences for word in sentence.format("").split()}
    assert {word for word in words if rank.get(f"{word}</w>", 1e9) >= 30_000} == set()
    assert not words & {"without", "defect", "flaw"}


def test_the_position_in_a_caption_is_that_of_the_defect_in_the_view():
    """Cropping, flipping and rotating treat image and mask alike: a bright square stays where its mask is."""
    images, masks = torch.zeros(16, 3, 192, 192), torch.zeros(16, 1, 48, 48)
    images[:, :, 40:72, 100:132], masks[:, :, 10:18, 25:33] = 1, 1
    seen, coarse = crop(images, masks, 128, 1.0, torch.Generator().manual_seed(0))
    bright = torch.nn.functional.adaptive_avg_pool2d(seen.mean(1, keepdim=True), 16)
    overlap = (bright * coarse).flatten(1).sum(1) / (bright.flatten(1).norm(dim=1) * coarse.flatten(1).norm(dim=1))
    assert (overlap > 0.9).all()


def test_no_patch_crossed_by_a_thin_line_is_trained_as_flawless():
    """In the loss on regions most patches crossed by a line of two pixels are defective, and some are left out."""
    found = []
    images, masks = torch.zeros(1, 3, 192, 192), torch.zeros(1, 1, 48, 48)
    images[..., 96:98], masks[..., 24] = 1, 0.5
    for seed in range(20):
        seen, coarse = crop(images, masks, 128, 1.0, torch.Generator().manual_seed(seed))
        bright = torch.nn.functional.avg_pool2d(seen.mean(1), 8).flatten() > 0.1
        share, n = coarse.flatten(), 256
        logits = torch.zeros(4, 1, n, 2, requires_grad=True)
        texts = [Caption("a flawless object", "state", state=0), Caption("a damaged object", "state", state=-2)]
        region_loss(logits, share[None], torch.tensor([2]), texts).backward()
        pushed = logits.grad[0, 0, :, 1]  # negative where the score of "damaged" is to rise
        assert (pushed[bright] <= 0).all() and (pushed[share == 0] > 0).all()
        found.append(float((pushed[bright] < 0).float().mean()))
    assert np.mean(found) > 0.7


def test_an_interrupted_run_gives_the_same_weights_as_an_uninterrupted_one(recipe, library, tmp_path, monkeypatch):
    whole = pretrain.train(recipe, tmp_path / "whole", library=library, workers=0)
    batch, count = pretrain.batch, iter(range(10))

    def interrupt(*args, **options):
        if next(count) == 3:
            raise KeyboardInterrupt
        return batch(*args, **options)

    monkeypatch.setattr(pretrain, "SAVE_EVERY", 0)
    monkeypatch.setattr(pretrain, "batch", interrupt)
    with pytest.raises(KeyboardInterrupt):
        pretrain.train(recipe, tmp_path / "cut", library=library, workers=0)
    monkeypatch.setattr(pretrain, "batch", batch)
    resumed = pretrain.train(recipe, tmp_path / "cut", library=library, workers=0)
    for name, value in tiny.learned(whole).items():
        assert torch.allclose(value.float(), resumed.state_dict()[name].float(), atol=1e-5), name
    with pytest.raises(ValueError, match="holds a run with another lr"):
        pretrain.train(replace(recipe, lr=1.0), tmp_path / "cut", library=library, workers=0)


def test_each_round_starts_from_the_previous_weights_with_other_scenes(recipe, packages, tmp_path, monkeypatch):
    """`python -m pfl.workshop.pretrain` end to end: each round leaves weights, the last with the curve of all."""
    rounds = (recipe, replace(recipe, seed=1, steps=3), replace(recipe, seed=2, steps=3, image_size=48))
    arguments = ["pretrain", "--photographs", str(packages), "--out", str(tmp_path), "--workers", "0"]
    monkeypatch.setattr(sys, "argv", [*arguments, "--assets", str(tmp_path / "assets")])
    for done in (rounds[:2], rounds):  # a round may be added to finished ones
        monkeypatch.setattr(pretrain, "ROUNDS", done)
        pretrain.main()
    curve = pd.read_csv(tmp_path / "assets" / "tiny_clip_history.csv")
    assert list(curve.step) == [0, 3, 4, 6, 7, 9] and curve.minutes.is_monotonic_increasing
    ended = [load_file(tmp_path / f"round{n}" / tiny.WEIGHTS.name) for n in range(3)]
    assert [len(state["visual.positional_embedding"]) - 1 for state in ended] == [4**2, 4**2, 6**2]
    moved = [(ended[n + 1]["text_projection"] - ended[n]["text_projection"]).abs().mean().item() for n in (0, 1)]
    assert max(moved) < 0.01 < ended[0]["text_projection"].std()  # in a few steps of warm-up
    pools = [np.load(next(tmp_path.glob(f"pool-*-seed{n}-*-images.npy"))) for n in range(3)]
    assert all((pools[n] != pools[n + 1]).mean() > 0.5 for n in (0, 1))


def test_only_words_of_captions_are_learned_and_shipped(recipe, library, tmp_path):
    clip = pretrain.train(recipe, tmp_path / "run", library=library, workers=0)
    changed = (clip.token_embedding.weight != tiny.untrained_tokens()).any(1).nonzero().flatten()
    assert set(changed.tolist()) <= set(captions.used_tokens())
    tiny.save(clip, captions.used_tokens(), {"note": "test"}, tmp_path)
    assert (tmp_path / tiny.WEIGHTS.name).stat().st_size < 10e6
    loaded = tiny.load(recipe.image_size, tmp_path / tiny.WEIGHTS.name)
    x = torch.rand(2, 3, recipe.image_size, recipe.image_size, generator=torch.Generator().manual_seed(0))
    ids = captions.tokenize(["a flawless object", "a button with a scratch"])
    with torch.no_grad():
        assert torch.allclose(loaded.encode_image(x), clip.encode_image(x), atol=0.02)
        assert torch.allclose(loaded.encode_text(ids), clip.encode_text(ids), atol=0.02)


def test_the_shipped_tiny_clip_separates_defective_from_flawless_drawings():
    """On new drawings of categories of its pre-training, hand-written prompts are far better than chance."""
    clip, rng, labels, images = load_clip("tiny"), np.random.default_rng(5), [], []
    for name in ("wood", "tile", "carpet", "leather"):
        for i in range(8):
            defect = ("hole", "crack", "stain", "scratch")[i // 2] if i % 2 else None
            images.append(scene(rng, CAPTIONED[name], defect).image)
            labels.append(i % 2)
    x = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2) / 255
    x = torch.nn.functional.interpolate(x, size=clip.image_size, mode="bicubic", antialias=True).clamp(0, 1)
    v = torch.nn.functional.normalize(clip.encode_image(clip.normalise(x))[0], dim=-1)
    plus, minus = torch.nn.functional.normalize(clip.encode_text(["a flawless object", "a damaged object"]), dim=-1)
    assert roc_auc_score(labels, v @ (minus - plus)) > 0.8
