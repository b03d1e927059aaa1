"""A stranger's model is data: its folder names nothing outside of itself, and its numbers are checked."""

import json

import open_clip
import pytest
import torch
from safetensors.torch import save as to_bytes

import pfl
from pfl import checkpoint


@pytest.fixture
def saved(model, tmp_path):
    return pfl.save(model, tmp_path / "model")


def change(folder, **changes):
    card = json.loads((folder / "model.json").read_text())
    for name, value in changes.items():
        card[name] = card[name] | value if isinstance(value, dict) else value
    (folder / "model.json").write_text(json.dumps(card))


@pytest.fixture
def closed(monkeypatch):
    """Fail on any CLIP that is built, read or downloaded."""

    def refuse(*args, **kwargs):
        raise AssertionError(f"opened {args} {kwargs}")

    monkeypatch.setattr(checkpoint, "load_clip", refuse)
    monkeypatch.setattr(open_clip, "create_model", refuse)


@pytest.mark.parametrize(
    "named",
    [
        {"name": "hf-hub:stranger/clip"},
        {"name": "hf-hub:stranger/clip", "pretrained": None},
        {"name": "local-dir:/etc"},
        {"name": "ViT-B-16", "pretrained": "openai"},
        {"name": "ViT-B-16", "pretrained": "hf-hub:stranger/weights"},
        {"name": "tiny", "pretrained": "openai"},
        {"name": "/etc/passwd"},
        {"name": "/etc/weights.pt"},
        {"name": "../elsewhere.pt"},
        {"name": "link.pt"},
        {"name": "folder/link.pt"},
        {"name": "ViT-B-16", "pretrained": "../elsewhere.pt"},
        {"name": "ViT-B-16", "pretrained": "link.pt"},
        {"name": "hf-hub:stranger/clip", "pretrained": "inside.pt"},
        {"name": ["tiny"]},
        {"name": {"a": 1}},
        {"name": None},
    ],
)
def test_a_folder_names_no_file_outside_of_it_and_nothing_on_the_network(named, saved, closed):
    (saved.parent / "elsewhere.pt").write_bytes(b"")
    (saved / "link.pt").symlink_to(saved.parent / "elsewhere.pt")
    (saved / "folder").symlink_to(saved.parent)
    (saved.parent / "link.pt").write_bytes(b"")
    (saved / "inside.pt").write_bytes(b"")
    change(saved, clip=named)
    with pytest.raises(
        ValueError, match="model.json names .*pass it as clip=, or, if the folder is your own"
    ) as caught:
        pfl.load(saved)
    assert "\n" not in str(caught.value)


def test_a_clip_in_the_folder_is_loaded_and_one_elsewhere_if_it_is_trusted(saved, clip, monkeypatch):
    loaded = []

    def instead(**arguments):
        loaded.append((arguments["name"], arguments["pretrained"]))
        return clip

    monkeypatch.setattr(checkpoint, "load_clip", instead)
    (saved / "clip.pt").write_bytes(b"")
    change(saved, clip={"name": "clip.pt"})
    pfl.load(saved)
    change(saved, clip={"name": "ViT-B-16", "pretrained": "clip.pt"})
    pfl.load(saved)
    change(saved, clip={"name": "ViT-B-16", "pretrained": "openai"})
    pfl.load(saved, trust=True)
    inside = str((saved / "clip.pt").resolve())
    assert loaded == [(inside, None), ("ViT-B-16", inside), ("ViT-B-16", "openai")]
    assert pfl.load(saved, clip).clip is clip  # what the caller loaded is not asked for again


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"model": {"num_prompts": 10**9}}, "num_prompts is 1000000000; it must be a whole number from 1"),
        ({"model": {"isd": "__import__('os').system('true')"}}, "it must be True or False"),
        ({"model": {"code": "print(1)"}}, "unexpected keyword argument 'code'"),
        ({"model": {"num_flows": 4}}, "holds no model of this version"),
        ({"model": 3}, "does not describe a model"),
        ({"stage": 3}, "stage is 3; it must be 1 or 2"),
        ({"stage": "2"}, "does not describe a model"),
        ({"stage": True}, "stage is True; it must be 1 or 2"),
        ({"stage": 2}, "model.json has changed since it was written; restore it, or save"),
        ({"model": {"heads": 2}}, "has changed since it was written"),
        ({"clip": {"image_size": -1}}, "image_size is -1; it must be"),
        ({"clip": {"image_size": 10**9}}, "image_size is 1000000000; it must be"),
        ({"clip": {"fingerprint": "0"}}, "was trained with another CLIP"),
        ({"weights_sha256": "0"}, "does not match its checksum"),
    ],
)
def test_a_description_out_of_range_is_refused_on_one_line(changes, message, saved):
    change(saved, **changes)
    with pytest.raises(ValueError, match=message) as caught:
        pfl.load(saved)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["[" * 100_000, "[]", "null", "{}", "{", '{"model": {}, "stage": 1}'])
def test_a_file_that_is_no_description_is_refused(text, saved):
    (saved / "model.json").write_text(text)
    with pytest.raises(ValueError, match="model.json"):
        pfl.load(saved)


def replace_weights(folder, content):
    (folder / "weights.safetensors").write_bytes(content)
    change(folder, weights_sha256=checkpoint.hashlib.sha256(content).hexdigest())


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(value, model, saved):
    state = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
    state["prompts.context"].view(-1)[0] = value
    replace_weights(saved, to_bytes(state))
    with pytest.raises(ValueError, match="weights that are NaN or infinite, in prompts.context"):
        pfl.load(saved)


def test_a_folder_without_the_checksum_of_its_description_loads(saved, clip):
    card = json.loads((saved / "model.json").read_text())
    del card["sha256"]
    (saved / "model.json").write_text(json.dumps(card))
    assert pfl.load(saved, clip).stage == 1


def test_weights_of_another_type_are_refused(model, saved):
    for kind in (torch.int64, torch.complex64):
        replace_weights(saved, to_bytes({name: value.detach().to(kind) for name, value in model.state_dict().items()}))
        with pytest.raises(ValueError, match=f"weights.safetensors has weights of type {kind}, in "):
            pfl.load(saved)


def test_weights_of_another_kind_are_refused(saved):
    for content in (b"\x80\x02cos\nsystem\n.", b"", to_bytes({"a": torch.zeros(1)})):
        replace_weights(saved, content)
        with pytest.raises(ValueError, match="holds no model of this version") as caught:
            pfl.load(saved)
        assert "\n" not in str(caught.value)
