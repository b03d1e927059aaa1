"""Agreement with the public reference implementation, quantity by quantity, on values it produced.

PFL_REFERENCE=/path/to/file.npz checks another file of the same format, with any sizes.
`pytest -s` prints the largest relative error of each quantity.
"""

import json
import os
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from torch.func import functional_call

from pfl import losses
from pfl.checkpoint import UNUSED, _our_state_dict, load_reference
from pfl.clip import load_clip
from pfl.distributions import Noise
from pfl.prompts import class_text

TOLERANCE = 1e-4  # relative to the largest absolute value
FILES = [Path(__file__).parent / "reference" / "reference_small.npz"]
if os.environ.get("PFL_REFERENCE"):
    FILES.append(Path(os.environ["PFL_REFERENCE"]))


class Reference:
    """The tensors of a reference file by name, its configuration, and its CLIP."""

    def __init__(self, path: Path, folder: Path):
        with np.load(path) as file:
            self.values = {name: torch.from_numpy(np.array(file[name])) for name in file.files if name != "config"}
            self.config = json.loads(str(file["config"]))
        self.names = self.config["class_names"]
        self.clip = load_reference_clip(self, folder)

    def __getitem__(self, name):
        return self.values[name]

    def part(self, prefix):
        return {k.removeprefix(prefix): v for k, v in self.values.items() if k.startswith(prefix)}

    def noise(self, run):
        context, states = self[f"{run}/context/eps"], [self[f"{run}/{s}/eps"] for s in ("normal", "abnormal")]
        return Noise(context=context if context.ndim == 3 else context[:, None], states=torch.stack(states))


def load_reference_clip(reference, folder):
    """Write the CLIP as a file in OpenAI's format and load it as a user would."""
    state, config = reference.part("clip/"), reference.config
    ids, rows = state.pop("token_embedding.ids"), state.pop("token_embedding.rows")
    state["token_embedding.weight"] = torch.zeros(config["vocab_size"], rows.shape[1]).index_copy(0, ids, rows)
    file = folder / "clip.pt"
    torch.save(state, file)
    options = dict(
        activation=config["activation"], image_size=config["image_size"], feature_layers=tuple(config["feature_layers"])
    )
    widths = [(config["vision_width"], config["vision_heads"]), (config["text_width"], config["text_heads"])]
    if all(heads == width // 64 for width, heads in widths):
        return load_clip(str(file), **options)
    tag = folder / "reference-clip.json"  # the head width differs from OpenAI's, so a configuration is needed
    vision = {f"{k}": config[f"vision_{k}"] for k in ("layers", "width")} | {
        "patch_size": config["patch_size"],
        "image_size": config["image_size"],
        "head_width": config["vision_width"] // config["vision_heads"],
    }
    text = {k: config[f"text_{k}"] for k in ("layers", "width", "heads")}
    text |= {k: config[k] for k in ("context_length", "vocab_size")}
    tag.write_text(json.dumps({"embed_dim": config["embed_dim"], "vision_cfg": vision, "text_cfg": text}))
    open_clip.add_model_config(tag)
    return load_clip(tag.stem, pretrained=str(file), **options)


@pytest.fixture(scope="module", params=FILES, ids=lambda path: path.stem)
def reference(request, tmp_path_factory):
    return Reference(request.param, tmp_path_factory.mktemp("reference"))


@pytest.fixture(scope="module")
def model(reference, tmp_path_factory):
    file = tmp_path_factory.mktemp("checkpoint") / "epoch_1.pth"
    torch.save({"MyModel": reference.part("reference/")}, file)
    return load_reference(file, reference.clip)


def agree(reference, ours):
    """Assert that `ours` agrees with the file within the tolerance, and return the names compared."""
    errors = {}
    for name, value in ours.items():
        theirs = reference[name].double()
        value = value.detach().double()
        assert value.numel() == theirs.numel(), f"{name}: {tuple(value.shape)} for {tuple(theirs.shape)}"
        errors[name] = float((value.reshape(theirs.shape) - theirs).abs().max() / (theirs.abs().max() or 1.0))
        print(f"{name:60s} {errors[name]:.1e}")
    assert errors and max(errors.values()) < TOLERANCE, {k: e for k, e in errors.items() if e >= TOLERANCE}
    return set(ours)


def clip_values(reference):
    x, patches = reference.clip.encode_image(reference["in/images"])
    plain = reference.clip.encode_text([f"x {class_text(name)}" for name in reference.names])
    return {"out/image_features": x, "out/plain_text": plain} | {
        f"out/patch_tokens/{i}": tokens for i, tokens in enumerate(patches)
    }


def sample_values(samples, names):
    return {
        f"train/{name}/{key}": getattr(samples, key)[i : i + 1] if len(names) > 1 else getattr(samples, key)
        for i, name in enumerate(names)
        for key in ("mu", "var", "z0", "zk", "log_det")
    }


def train_values(reference, model):
    """A step of stage 1, with gradients of the reference's own parameters, and the head of stage 2."""
    theirs = {k: v.clone().requires_grad_() for k, v in reference.part("reference/").items() if not UNUSED.match(k)}
    inputs = (*reference.clip.encode_image(reference["in/images"]), reference.names, reference.noise("train"))
    output = functional_call(model, _our_state_dict(dict(theirs)), inputs)
    labels, masks = reference["in/labels"].long(), reference["in/masks"].float()
    parts = losses.stage1(output, masks, labels, int(reference["train/prompt_index"]), kl_kind="reference")
    total = sum(parts.values())
    total.backward()

    divergences = [losses.kl(output.context).mean(), *losses.kl(output.states, log_det_weight=1 / len(labels))]
    ours = sample_values(output.context, ["context"]) | sample_values(output.states, ["normal", "abnormal"])
    ours |= {f"train/loss_{name}": value for name, value in parts.items()}
    ours |= {
        "train/loss_total": total,
        "train/kl_weighted": 0.01 * torch.stack(divergences),
        "train/text_embeddings": output.text,
        "train/image_logits": output.image_logits,
    }
    for i, logits in enumerate(output.map_logits.unbind(dim=1)):
        ours[f"train/maps/{i}"] = losses.upsample(logits.flatten(1, 3), masks.shape[-1])
    for name, parameter in theirs.items():
        if parameter.grad is not None:
            ours[f"train/grad_norm/{name}"] = parameter.grad.norm()
            if f"train/grad/{name}" in reference.values:
                ours[f"train/grad/{name}"] = parameter.grad
    model.stage = 2
    ours["train/image_logits_stage2"] = model.image_logits(*inputs[:2], output.text)
    model.stage = 1
    return ours


def prediction_values(reference, model):
    """Prediction through the public interface, with images in [0, 1]."""
    clip = reference.clip
    images = reference["in/images"] * clip.sd + clip.mean
    first = model.predict(images, reference.names, noise=reference.noise("test"), smoothing=0)
    prompts = model.sample_prompts(images, reference.names, noise=reference.noise("test"))
    model.stage = 2
    second = model.predict(images, reference.names, noise=reference.noise("test"), smoothing=0)
    model.stage = 1
    return {
        "test/text_embeddings": prompts.text,
        "test/anomaly_map": first.map,
        "test/image_score": first.text_score,
        "test/image_score_stage2": second.text_score,
    }


def test_every_quantity_agrees_with_the_reference(reference, model, monkeypatch):
    monkeypatch.setattr("pfl.model.checked_images", lambda images: images)  # its images were noise, not in [0, 1]
    checked = agree(reference, clip_values(reference))
    checked |= agree(reference, train_values(reference, model))
    checked |= agree(reference, prediction_values(reference, model))
    given = {k for k in reference.values if k.endswith("/eps")} | {"train/prompt_index"}
    results = {k for k in reference.values if k.startswith(("out/", "train/", "test/"))}
    assert results - given == checked


def test_class_names_give_the_tokens_of_the_reference(reference):
    ours = reference.clip.tokenize([f"x {class_text(name)}" for name in reference.names])
    assert torch.equal(ours, reference["tokens"].long())


def test_the_wrong_activation_does_not_agree_with_the_reference(reference, tmp_path):
    other = {"gelu": "quickgelu", "quickgelu": "gelu"}[reference.config["activation"]]
    config, reference.config = reference.config, reference.config | {"activation": other}
    try:
        x, _ = load_reference_clip(reference, tmp_path).encode_image(reference["in/images"])
    finally:
        reference.config = config
    theirs = reference["out/image_features"]
    assert (x - theirs).abs().max() / theirs.abs().max() > 10 * TOLERANCE
