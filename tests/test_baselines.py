"""The baselines: same CLIP and same prediction as the model, without its distributions."""

import pytest
import torch
import torch.nn.functional as F

from pfl.baselines import HandwrittenPrompts, learned_prompt, prompt_bank
from pfl.distributions import draw_noise
from pfl.losses import stage1
from pfl.prompts import handwritten


def test_the_image_score_is_the_softmax_of_clip_over_two_prompt_ensembles(clip, images):
    prediction = HandwrittenPrompts(clip).predict(images, ["bottle", "cable", "bottle"])
    x = F.normalize(clip.encode_image(clip.normalise(images))[0], dim=-1)
    for i, name in enumerate(("bottle", "cable")):
        ensembles = [F.normalize(clip.encode_text(texts), dim=-1).mean(0) for texts in handwritten(name)]
        logits = clip.model.logit_scale.exp() * x[i] @ F.normalize(torch.stack(ensembles), dim=-1).T
        assert prediction.text_score[i].item() == pytest.approx(logits.softmax(-1)[1].item(), abs=1e-5)
    assert not prediction.score_std.any() and not prediction.mutual_information.any()


def test_patches_are_projected_like_the_class_token(clip, images):
    """The class token before the final norm, taken through the same layers, gives the image embedding."""
    tokens = clip.visual.forward_intermediates(
        clip.normalise(images),
        indices=[clip.num_layers - 1],
        output_fmt="NLC",
        output_extra_tokens=True,
        normalize_intermediates=False,
    )
    class_token = tokens["image_intermediates_prefix"][0][:, 0]
    x, patches = clip.encode_image(clip.normalise(images))
    assert torch.allclose(clip.visual.ln_post(class_token) @ clip.visual.proj, x, atol=1e-5)
    # The map is computed from the patches of that layer: its corner is the grid's corner.
    baseline = HandwrittenPrompts(clip)
    corner = F.normalize(clip.visual.ln_post(patches[-1][:, -1]) @ clip.visual.proj, dim=-1)
    normal, abnormal = baseline.directions("cable")
    expected = torch.sigmoid(clip.model.logit_scale.exp() * (corner @ (abnormal - normal)))
    assert torch.allclose(baseline.predict(images, "cable", smoothing=0).map[:, -1, -1], expected, atol=1e-5)


@pytest.mark.parametrize("build", [HandwrittenPrompts, learned_prompt, prompt_bank])
def test_baselines_are_deterministic_and_score_each_image_independently(clip, images, build):
    baseline = build(clip)
    options = {"smoothing": 0.01, "top_fraction": 0.1}
    first = baseline.predict(images, "cable", num_samples=1, seed=0, **options)
    again = baseline.predict(images[1:2], ["cable"], num_samples=3, seed=9, **options)
    assert torch.allclose(first.map[1], again.map[0], atol=1e-5) and torch.allclose(first.score[1], again.score[0])
    assert first.map.shape == images[:, 0].shape and again.score_std.abs().max() < 1e-6


def test_half_precision_changes_the_map_little(clip, images):
    baseline = HandwrittenPrompts(clip)
    half, exact = (baseline.predict(images, "cable", precision=precision) for precision in ("bf16", "fp32"))
    assert half.map.dtype == half.score.dtype == torch.float32
    assert 0 < (half.map - exact.map).abs().max() < 0.05


def test_learned_baselines_train_prompts_but_have_no_distribution(clip, images):
    for baseline, prompts, attends in ((learned_prompt(clip), 1, False), (prompt_bank(clip), 3, True)):
        assert len(baseline.prompts.context) == prompts and (baseline.attention.query is not None) == attends
        noise = draw_noise(clip.dim, 1, torch.Generator().manual_seed(0), batch=len(images))
        output = baseline(*baseline.features(images), ["cable"] * 3, noise)
        parts = stage1(output, (images[:, 0] > 0.5).float(), torch.tensor([0, 1, 1]), index=0)
        assert parts["distribution"] == 0
        sum(parts.values()).backward()
        names = {name.split(".")[0] for name, p in baseline.named_parameters() if p.grad is not None and p.grad.any()}
        assert names == {"prompts", "attention", "class_mapping", "temperature_image", "temperature_pixel"}
