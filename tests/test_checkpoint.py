"""Saving, loading, and importing checkpoints of the reference."""

import json

import pytest
import torch

from pfl.checkpoint import load, load_reference, save
from pfl.clip import load_clip
from pfl.config import ModelConfig
from pfl.model import BayesPFL


def test_a_loaded_model_gives_bit_for_bit_the_same_predictions(model, images, tmp_path):
    model.stage = 2
    save(model, tmp_path / "model", card={"data": "none"})
    loaded = load(tmp_path / "model")
    assert loaded.clip is not model.clip and loaded.config == model.config and loaded.stage == 2
    ours, theirs = (m.predict(images, "cable", num_samples=2) for m in (model, loaded))
    assert torch.equal(ours.map, theirs.map) and torch.equal(ours.score, theirs.score)


def test_the_folder_has_readable_metadata_and_no_clip_weights(model, clip, tmp_path):
    save(model, tmp_path, card={"data": "none"})
    card = json.loads((tmp_path / "model.json").read_text())
    assert card["model"]["num_prompts"] == 2 and card["card"] == {"data": "none"}
    assert card["clip"]["activation"] == "gelu" and card["clip"]["fingerprint"] == clip.fingerprint
    assert sorted(file.name for file in tmp_path.iterdir()) == ["model.json", "weights.safetensors"]
    learned = sum(p.numel() for p in model.parameters())
    assert (tmp_path / "weights.safetensors").stat().st_size < 4 * learned + 20_000


def test_a_model_loads_at_another_image_size_but_not_with_another_clip(model, clip, tmp_path):
    save(model, tmp_path)
    assert load(tmp_path, clip).clip is clip
    with pytest.raises(ValueError, match="feature_layers"):
        load(tmp_path, load_clip("tiny-random", image_size=32, feature_layers=(1, 2, 4)))
    stranger = load_clip("tiny-random", image_size=32)
    stranger.text.ln_final.bias.data += 1
    with pytest.raises(ValueError, match="another CLIP: fingerprint .* settings in .*model.json") as caught:
        load(tmp_path, stranger)
    assert "\n" not in str(caught.value)


def test_missing_or_mismatched_files_are_reported(model, tmp_path):
    with pytest.raises(FileNotFoundError, match="pfl.save"):
        load(tmp_path / "nothing")
    save(model, tmp_path)
    with (tmp_path / "weights.safetensors").open("ab") as file:
        file.write(b"x")
    with pytest.raises(ValueError, match="does not match its checksum"):
        load(tmp_path)


def test_a_missing_default_model_asks_to_reinstall(monkeypatch, tmp_path):
    monkeypatch.setattr("pfl.checkpoint.DEFAULT", tmp_path)
    with pytest.raises(FileNotFoundError, match="reinstall"):
        load("default")


# --- checkpoints of the reference; test_reference.py compares their results ---


@pytest.fixture
def theirs(clip):
    """A small state dict with the reference's names."""
    dim, hidden, width, steps = clip.dim, clip.width // 2, clip.width, 2
    shapes = {
        "prompt_context": (2, 5, dim),
        "prompt_state_normal": (2, 4, dim),
        "prompt_state_abnormal": (2, 4, dim),
        "temperature_pixel": (),
        "temperature_image": (),
        "RCA.q_proj_pre.weight": (dim, dim, 1),
        "RCA.q_proj_pre.bias": (dim,),
    } | {f"RCA.linear_proj.{i}.weight": (dim, width) for i in range(4)}
    layers = {
        "PFL_context.amor_u": (steps * dim, dim),
        "PFL_context.amor_w": (steps * dim, dim),
        "PFL_context.amor_b": (steps, dim),
        "PFL_context.p_mu.0": (dim, dim),
        "fuse.fuse_modules": (hidden, 4 * width),
        "fuse.compress": (1, hidden),
        "fuse.post_process": (dim, hidden),
        "class_mapping": (dim, dim),
        "image_mapping": (dim, dim),
    }
    for network in ("context_encoder", "state_encoder", "PFL_context.encoder", "PFL_normal.decoder"):
        for part in ("weight_mean", "weight_log_variance"):
            sizes = zip((0, 2, 4), ((hidden, dim), (hidden, hidden), (dim, hidden)), strict=True)
            layers |= {f"{network}.{part}.module.{i}": size for i, size in sizes}
    for state in ("normal", "abnormal"):
        shapes |= {
            f"PFL_{state}.state": (1, dim),
            f"PFL_{state}.amor_u": (1, steps, dim, 1),
            f"PFL_{state}.amor_w": (1, steps, 1, dim),
            f"PFL_{state}.amor_b": (1, steps, 1, 1),
        }
    for name, (out, into) in layers.items():
        shapes |= {f"{name}.weight": (out, into), f"{name}.bias": (out,)}
    generator = torch.Generator().manual_seed(0)
    return {name: 0.02 * torch.randn(shape, generator=generator) for name, shape in shapes.items()}


def write(folder, theirs, name="epoch_2.pth"):
    torch.save({"MyModel": theirs}, folder / name)
    return folder / name


def test_a_reference_checkpoint_determines_the_sizes_and_the_stage(clip, theirs, tmp_path):
    model = load_reference(write(tmp_path, theirs), clip)
    assert model.config == ModelConfig(num_prompts=2, context_len=5, state_len=4, num_flows=2)
    assert model.stage == 2 and load_reference(write(tmp_path, theirs, "best_1.pth"), clip).stage == 1
    assert torch.equal(model.prompts.states[1], theirs["prompt_state_abnormal"])
    assert torch.equal(model.iad.w[0], theirs["PFL_normal.amor_w"][0, :, 0])
    assert torch.equal(
        model.isd.inference.log_variance[2].bias, theirs["context_encoder.weight_log_variance.module.2.bias"]
    )
    with pytest.raises(ValueError, match="stage=1 or stage=2"):
        load_reference(write(tmp_path, theirs, "best.pth"), clip)
    assert load_reference(tmp_path / "best.pth", clip, stage=1).stage == 1


def test_the_published_checkpoints_are_of_stage_2_whatever_their_names_say(clip, theirs, tmp_path):
    for name in ("train_visa.pth", "train_mvtec_1.pth"):
        assert load_reference(write(tmp_path, theirs, name), clip).stage == 2


def test_a_checkpoint_saved_from_a_parallel_wrapper_loads(clip, theirs, tmp_path):
    plain = load_reference(write(tmp_path, theirs), clip)
    wrapped = load_reference(write(tmp_path, {f"module.{name}": value for name, value in theirs.items()}), clip)
    assert all(torch.equal(value, wrapped.state_dict()[name]) for name, value in plain.state_dict().items())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.pop("RCA.q_proj_pre.bias"), "RCA.q_proj_pre.bias"),
        (lambda t: t.pop("RCA.linear_proj.3.weight"), "attention.project.3.weight"),
        (lambda t: t.update(surprise=torch.zeros(1)), "surprise"),
        (lambda t: t.update(prompt_context=torch.zeros(2, 5, 7)), "another CLIP: D = 7"),
        (lambda t: t.update(prompt_context=torch.zeros(2)), "epoch_2.pth has parameters of other shapes"),
        (lambda t: t.update(prompt_context=5), "epoch_2.pth has no entry .MyModel. of named tensors"),
        (lambda t: t.update({1: torch.zeros(2)}), "epoch_2.pth has no entry .MyModel. of named tensors"),
    ],
)
def test_a_reference_checkpoint_must_be_complete_and_fit_the_clip(clip, theirs, tmp_path, change, message):
    change(theirs)
    with pytest.raises(ValueError, match=message) as caught:
        load_reference(write(tmp_path, theirs), clip)
    assert "\n" not in str(caught.value)


def test_other_files_are_rejected_as_reference_checkpoints(clip, tmp_path):
    with pytest.raises(FileNotFoundError, match="gone_1.pth"):
        load_reference(tmp_path / "gone_1.pth", clip)
    torch.save({"state": 1}, tmp_path / "other_1.pth")
    (tmp_path / "text_1.pth").write_text("hello")
    with pytest.raises(ValueError, match="text_1.pth cannot be read .it contains more than tensors, or is no file of"):
        load_reference(tmp_path / "text_1.pth", clip)
    torch.save({"MyModel": 3}, tmp_path / "three_1.pth")
    with pytest.raises(ValueError, match="three_1.pth has no entry"):
        load_reference(tmp_path / "three_1.pth", clip)
    with pytest.raises(ValueError, match="MyModel"):
        load_reference(tmp_path / "other_1.pth", clip)


def test_importing_a_reference_checkpoint_with_quickgelu_warns(clip, theirs, tmp_path, monkeypatch):
    monkeypatch.setattr(clip, "activation", "quickgelu")
    with pytest.warns(UserWarning, match='activation="gelu"'):
        assert isinstance(load_reference(write(tmp_path, theirs), clip), BayesPFL)
