"""The frozen CLIP: loading, errors, and the equivalences that the model relies on."""

import json
from functools import partial

import open_clip
import pytest
import torch

from pfl.clip import encode_tokens, load_clip
from pfl.features import FeatureFolder
from pfl.model import BayesPFL
from pfl.workshop.tiny import build

WIDTH, LAYERS = 64, 4
pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit:FutureWarning")  # OpenAI's files are jit archives


@pytest.fixture(scope="module")
def small():
    """A small open_clip CLIP and the configuration of its architecture."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        vision = dict(layers=LAYERS, width=WIDTH, patch_size=8, image_size=32)
        text = dict(context_length=77, vocab_size=49408, width=WIDTH, heads=1, layers=2)
        config = dict(embed_dim=WIDTH, vision_cfg=vision, text_cfg=text)
        return open_clip.CLIP(**config).eval(), config


@pytest.fixture(scope="module")
def folder(small, tmp_path_factory):
    folder = tmp_path_factory.mktemp("clip")
    model, config = small
    torch.save(model.state_dict(), folder / "plain.pt")
    torch.jit.save(torch.jit.trace(Holder(model), torch.zeros(1)), folder / "archive.pt")
    (folder / "ViT-pfl-test.json").write_text(json.dumps(config))
    open_clip.add_model_config(folder / "ViT-pfl-test.json")
    return folder


class Holder(torch.nn.Module):
    """A module with the parameter names of a CLIP and the three extra numbers of OpenAI's jit archives."""

    def __init__(self, model):
        super().__init__()
        for name, child in model.named_children():
            self.add_module(name, child)
        for name, parameter in model.named_parameters(recurse=False):
            self.register_parameter(name, parameter)
        for name in ("input_resolution", "context_length", "vocab_size"):
            self.register_buffer(name, torch.tensor(1))

    def forward(self, x):
        return x + self.logit_scale


def images(size, seed=0):
    return torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("file", ["plain.pt", "archive.pt"])
@pytest.mark.parametrize("tag", [None, "ViT-pfl-test"])
def test_a_local_file_gives_the_features_of_open_clip(small, folder, file, tag):
    path = str(folder / file)
    options = dict(name=tag, pretrained=path) if tag else dict(name=path)
    clip = load_clip(**options, activation="gelu")
    x, patches = clip.encode_image(images(32))
    with torch.no_grad():
        assert torch.allclose(x, small[0].encode_image(images(32)), atol=1e-6)
        texts = ["a photo of a metal nut", "x"]
        plain = small[0].encode_text(open_clip.tokenize(texts))
    # Values reach 3, and we sum fewer tokens than open_clip: with AVX-512 the last digits differ by up to 2e-6.
    assert torch.allclose(clip.encode_text(texts), plain, atol=5e-6)
    assert [tuple(p.shape) for p in patches] == [(2, 16, WIDTH)] * 4
    assert clip.feature_layers == (1, 2, 3, 4) and (clip.width, clip.dim, clip.grid) == (WIDTH, WIDTH, 4)


def test_patch_tokens_are_the_residual_stream_before_the_final_norm(small, folder):
    clip = load_clip(str(folder / "plain.pt"), activation="gelu", feature_layers=(2, 4))
    x, patches = clip.encode_image(images(32))
    visual = small[0].visual
    with torch.no_grad():
        tokens = visual._embeds(images(32))
        for layer, block in enumerate(visual.transformer.resblocks, start=1):
            tokens = block(tokens)
            if layer in (2, 4):
                assert torch.allclose(patches[(2, 4).index(layer)], tokens[:, 1:], atol=1e-6)
        assert torch.allclose(x, visual.ln_post(tokens[:, 0]) @ visual.proj, atol=1e-6)


def test_another_image_size_changes_only_the_position_embeddings(small, folder):
    clip = load_clip(str(folder / "plain.pt"), activation="gelu", image_size=56)
    native = load_clip(str(folder / "plain.pt"), activation="gelu")
    assert clip.encode_image(images(56))[1][0].shape == (2, 49, WIDTH)
    assert torch.equal(clip.visual.positional_embedding[0], native.visual.positional_embedding[0])
    assert clip.fingerprint == native.fingerprint


def test_the_activation_is_the_one_requested(folder):
    path = str(folder / "plain.pt")
    for tag in (None, "ViT-pfl-test"):
        options = dict(name=tag, pretrained=path) if tag else dict(name=path)
        quick, exact = (load_clip(**options, activation=a) for a in ("quickgelu", "gelu"))
        assert (quick.activation, exact.activation) == ("quickgelu", "gelu")
        assert not torch.allclose(quick.encode_image(images(32))[0], exact.encode_image(images(32))[0])


def test_tokens_after_the_last_eos_change_nothing(clip):
    ids = clip.tokenize(["a metal nut", "a printed circuit board with a scratch"])
    eos = ids.argmax(dim=1)
    full = encode_tokens(clip.text, clip.token_embedding(ids), eos)
    short = encode_tokens(clip.text, clip.token_embedding(ids[:, : eos.max() + 1]), eos)
    assert ids.shape[1] == 77 and torch.allclose(full, short, atol=1e-5)
    plain = build(image_size=32).encode_text(ids)
    assert torch.allclose(plain, full, atol=1e-5)


def test_clip_is_frozen_and_has_no_hooks(clip):
    clip.train()
    assert not any(module.training for module in clip.modules())
    assert not any(parameter.requires_grad for parameter in clip.parameters())
    clip.encode_image(images(32))
    assert not any(module._forward_hooks for module in clip.modules())


def test_cached_features_equal_encoded_ones_and_are_separate_per_precision(clip, monkeypatch):
    x = images(clip.image_size)
    plain = clip.encode_image(x)
    monkeypatch.setattr(clip, "memory", {})
    for _ in range(2):
        kept = clip.encode_image(x)
        for a, b in zip([kept[0], *kept[1]], [plain[0], *plain[1]], strict=True):
            assert torch.allclose(a, b, atol=1e-5)
    assert clip.to_precision("bf16").encode_image(x)[0].dtype == torch.bfloat16
    assert len(clip.memory) == 2 * len(x)


def test_cached_features_do_not_depend_on_the_batch_that_an_image_was_first_in(clip, monkeypatch):
    x, found = images(clip.image_size), []
    for batches in ([x], x.split(1)):
        monkeypatch.setattr(clip, "memory", {})
        found.append([clip.encode_image(batch) for batch in batches])
    (whole,), single = found
    assert torch.equal(whole[0], torch.cat([x for x, _ in single]))


def test_a_folder_of_features_rounds_them_once_is_shared_and_stays_small(clip, tmp_path, monkeypatch):
    x = images(clip.image_size)
    plain = clip.encode_image(x)
    monkeypatch.setattr(clip, "memory", FeatureFolder(tmp_path))
    first = clip.encode_image(x)
    size = next(tmp_path.iterdir()).stat().st_size
    clip.memory = FeatureFolder(tmp_path)  # as another notebook would do
    monkeypatch.setattr(clip, "_encode", None)  # from here on encoding fails
    again = clip.encode_image(x)
    for a, b, exact in zip([first[0], *first[1]], [again[0], *again[1]], [plain[0], *plain[1]], strict=True):
        assert torch.equal(a, b) and torch.allclose(a, exact, rtol=1e-3, atol=1e-6)
    with pytest.raises(TypeError):
        clip.encode_image(x + 1)
    monkeypatch.setattr(clip, "encoder", ("other weights",))
    with pytest.raises(TypeError):
        clip.encode_image(x)
    few = FeatureFolder(tmp_path, max_gb=1.5 * size / 1e9)
    assert len(few) == 1 and f"features of 1 images, 0.0 GB of at most 0.0, in {tmp_path}" == repr(few)
    next(tmp_path.iterdir()).write_bytes(b"cut off")
    monkeypatch.undo()
    monkeypatch.setattr(clip, "memory", few)
    assert torch.equal(clip.encode_image(x)[0], first[0])


def test_features_too_large_for_half_precision_are_kept_exactly(tmp_path):
    memory, key = FeatureFolder(tmp_path), ("weights", torch.float32, torch.device("cpu"))
    features = torch.tensor([1e6]), [torch.tensor([[1 / 3]]), torch.tensor([[1e5]])]
    for x, patches in (memory.setdefault(key, features), memory.get(key)):
        assert torch.equal(x, features[0]) and all(map(torch.equal, patches, features[1]))


def test_the_weights_are_stored_in_the_precision_asked_for(clip, monkeypatch):
    half = clip.to_precision("bf16")
    assert {weight.dtype for weight in half.parameters()} == {torch.bfloat16} and half is clip.to_precision("bf16")
    assert half.fingerprint == clip.fingerprint and {weight.dtype for weight in clip.parameters()} == {torch.float32}
    loaded = load_clip("tiny-random", image_size=clip.image_size, precision="bf16")
    assert loaded.identity == clip.identity
    (x, patches), (exact, _) = loaded.encode_image(images(clip.image_size)), clip.encode_image(images(clip.image_size))
    assert x.dtype == patches[0].dtype == torch.bfloat16 and torch.allclose(x.float(), exact, atol=0.1)
    with pytest.raises(ValueError, match='loaded in bf16, not in fp32; pass precision="bf16"'):
        loaded.to_precision("fp32")
    monkeypatch.setattr(clip, "memory", {})
    assert half.memory is clip.memory  # and is freed with it
    clip.memory = None
    assert half.memory is None


def test_a_compiled_clip_gives_the_same_predictions(clip, monkeypatch):
    """Traced, without the minute that generating code takes; with it: tests/gpu."""
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="eager"))
    compiled = load_clip("tiny-random", image_size=clip.image_size, compile=True)
    image = torch.rand(2, 3, clip.image_size, clip.image_size)
    for precision in ("fp32", "bf16"):
        plain, other = (
            model.predict(image, ["nut", "printed circuit board"], num_samples=2, precision=precision)
            for model in (BayesPFL(clip), BayesPFL(compiled))
        )
        assert torch.allclose(plain.map, other.map, atol=1e-3) and torch.allclose(plain.score, other.score, atol=1e-3)


def test_images_are_normalised_by_the_mean_and_sd_of_clip(clip):
    grey = torch.full((1, 3, 32, 32), 0.5)
    expected = (0.5 - torch.tensor(open_clip.OPENAI_DATASET_MEAN)) / torch.tensor(open_clip.OPENAI_DATASET_STD)
    assert torch.allclose(clip.normalise(grey)[0, :, 0, 0], expected)


def test_the_fingerprint_depends_only_on_the_weights(folder):
    clip, again = (load_clip(str(folder / "plain.pt"), activation="gelu") for _ in range(2))
    again.text.ln_final.bias.data += 1e-3
    assert clip.fingerprint == load_clip(str(folder / "archive.pt"), activation="gelu").fingerprint
    assert clip.fingerprint != again.fingerprint


@pytest.mark.parametrize(
    ("options", "value", "remedy"),
    [
        (dict(name="ViT-B-61"), "ViT-B-61", "did you mean"),
        (dict(name="no/such/file.pt", activation="gelu"), "no/such/file.pt", "check the path"),
        (dict(name="ViT-B-16", pretrained="gone.pt", activation="gelu"), "gone.pt", "check the path"),
        (dict(name="ViT-B-16", pretrained="opnai"), "opnai", "openai"),
        (dict(name="ViT-B-16"), "ViT-B-16", "choose pretrained="),
        (dict(name="RN50", pretrained="openai"), "RN50", "choose a ViT"),
        (dict(name="tiny-random", image_size=33), "33", "try 32"),
        (dict(name="ViT-B-16", pretrained="openai", image_size=250), "250", "try 256"),
        (dict(name="tiny-random", feature_layers=(3, 5)), "(3, 5)", "1 to 4"),
        (dict(name="tiny-random", feature_layers=(0, 3)), "(0, 3)", "1 to 4"),
        (dict(name="tiny-random", activation="relu"), "relu", "quickgelu"),
        (dict(name="tiny-random", activation="quickgelu"), "tiny-random", "leave activation out"),
    ],
)
def test_errors_name_the_value_and_the_remedy_on_one_line(options, value, remedy):
    with pytest.raises((ValueError, FileNotFoundError)) as caught:
        load_clip(**options)
    message = str(caught.value)
    assert value in message and remedy in message and "\n" not in message


def test_a_local_file_requires_an_activation(folder):
    with pytest.raises(ValueError, match='activation="quickgelu"'):
        load_clip(str(folder / "plain.pt"))


def test_a_file_without_clip_weights_is_rejected(folder):
    (folder / "text.pt").write_text("not weights")
    (folder / "cut.safetensors").write_bytes(b"\x10" + bytes(7) + b"{")
    for name in ("text.pt", "cut.safetensors"):
        with pytest.raises(ValueError, match=f"{name} contains no CLIP weights"):
            load_clip(str(folder / name), activation="gelu")
    with pytest.raises(ValueError, match="32 pixels|image_size"):
        load_clip(str(folder / "plain.pt"), activation="gelu").encode_image(images(40))
