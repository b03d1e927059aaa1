"""Build CLIP models from open_clip tags or weight files; only architectures that the method is defined for."""

import difflib
import logging
import re
import warnings
from pathlib import Path
from typing import Any

import open_clip
import torch
from open_clip.model import resize_pos_embed
from open_clip.transformer import ResidualAttentionBlock, VisionTransformer
from torch import Tensor, nn

from .archives import read_tensors
from .messages import first_line, first_words

VOCABULARY = 49408  # size of CLIP's own tokenizer


def read(file: str | Path) -> dict[str, Tensor]:
    """Return the state dict of a weights file: safetensors, a TorchScript archive (OpenAI's), or a torch.save file.

    Nothing in the file is run (`archives`).
    """
    try:
        state = read_tensors(file)
    except Exception as error:  # each format raises its own types
        raise ValueError(f"{file} contains no CLIP weights ({first_line(error)}); download it again") from error
    if broken := [name for name, value in state.items() if value.is_floating_point() and not value.isfinite().all()]:
        raise ValueError(f"{file} has values that are NaN or infinite in {broken[0]}; download it again")
    return {k: v for k, v in state.items() if k not in ("input_resolution", "context_length", "vocab_size")}


def from_shapes(state: dict[str, Tensor], image_size: int | None, quick_gelu: bool) -> nn.Module:
    """Build a CLIP whose architecture is inferred from its weights' shapes, as in open_clip (heads are 64 wide)."""
    if "visual.proj" not in state or "token_embedding.weight" not in state:
        raise ValueError(
            "the weights are not those of a CLIP with a Vision Transformer; pass its tag, and the file as pretrained="
        )

    def depth(pattern: str) -> int:
        return len({match[1] for match in map(re.compile(pattern).match, state) if match})

    width, _, patch, _ = state["visual.conv1.weight"].shape
    native = patch * round((len(state["visual.positional_embedding"]) - 1) ** 0.5)
    vocabulary, text_width = state["token_embedding.weight"].shape
    check_size(image_size, patch)
    model = open_clip.CLIP(
        embed_dim=state["text_projection"].shape[1],
        vision_cfg={
            "layers": depth(r"visual\.transformer\.resblocks\.(\d+)\."),
            "width": width,
            "patch_size": patch,
            "image_size": image_size or native,
        },
        text_cfg={
            "context_length": len(state["positional_embedding"]),
            "vocab_size": vocabulary,
            "width": text_width,
            "heads": text_width // 64,
            "layers": depth(r"transformer\.resblocks\.(\d+)\."),
        },
        quick_gelu=quick_gelu,
    )
    return fill(model, state)


def from_tag(
    name: str, pretrained: str | None, image_size: int | None, activation: str | None, state: dict | None
) -> nn.Module:
    """Build a CLIP from its open_clip name, with pre-trained weights or those of a file (`state`)."""
    hub = name.startswith(("hf-hub:", "local-dir:"))
    config = None if hub else open_clip.get_model_config(name)
    if not hub and config is None:
        near = difflib.get_close_matches(name, open_clip.list_models(), n=3, cutoff=0.3)
        raise ValueError(
            f"unknown CLIP {name!r}; did you mean {', '.join(near) or 'tiny'}? See open_clip.list_models()"
        )
    if config:
        vision = config["vision_cfg"]
        if "timm_model_name" in vision or not isinstance(vision.get("layers", 12), int):  # before any download
            raise ValueError(f"{name} has no plain Vision Transformer; choose a ViT of open_clip, such as ViT-B-16")
        check_size(image_size, vision.get("patch_size", 16))
    tags = open_clip.list_pretrained_tags_by_model(name)
    random_weights = pretrained == "random"
    if not hub and state is None and not random_weights and pretrained not in tags:
        raise ValueError(
            f"{name} has no weights {pretrained!r}; choose pretrained= {', '.join(tags) or 'a local file'}, or random"
        )

    options = {"pretrained": None if random_weights or state else pretrained, "force_image_size": image_size}
    if activation is None and not hub and not random_weights:
        activation = "quickgelu" if open_clip.get_pretrained_cfg(name, pretrained).get("quick_gelu") else "gelu"
    if activation:
        options["quick_gelu"] = activation == "quickgelu"
    disabled = logging.root.manager.disable
    try:
        logging.disable(logging.WARNING)  # open_clip warns of missing weights, which `fill` loads
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # and of mismatched activations, which are chosen here
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(0)
                model = open_clip.create_model(name, **options)
    except Exception as error:
        raise ValueError(
            f"open_clip cannot load {name} {pretrained or ''} ({first_line(error)}); "
            "download the weights by hand and pass the file as pretrained="
        ) from error
    finally:
        logging.disable(disabled)
    return model if state is None else fill(model, state)


def fill(model: nn.Module, state: dict[str, Tensor]) -> nn.Module:
    """Load `state` into the model; open_clip resizes its position embeddings to the grid (bicubic, antialiased)."""
    state = {name: weight.float() for name, weight in state.items()}
    resize_pos_embed(state, model)
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        raise ValueError(f"the weights do not fit the model ({first_words(error)}); check name and file") from error
    return model


def check_architecture(model: Any, name: str) -> None:
    """Raise ValueError unless `model` has a plain ViT and CLIP's causal text tower, as wide as the embedding."""
    text = getattr(model, "text", model)
    if not isinstance(model.visual, VisionTransformer):
        raise ValueError(f"{name} has no plain Vision Transformer; choose a ViT of open_clip, such as ViT-B-16")
    if getattr(text, "attn_mask", None) is None or text.vocab_size != VOCABULARY:
        raise ValueError(f"{name} has no causal text tower with CLIP's tokenizer; choose another, such as ViT-B-16")
    if not all(type(block) is ResidualAttentionBlock for block in text.transformer.resblocks):
        raise ValueError(f"{name} has a text tower without CLIP's blocks; choose another, such as ViT-B-16")
    if text.positional_embedding.shape[1] != model.visual.output_dim:
        raise ValueError(f"{name}: text width and embedding width differ; choose another CLIP, such as ViT-B-16")


def is_file_name(text: str) -> bool:
    return not text.startswith(("hf-hub:", "local-dir:")) and (
        Path(text).is_file() or Path(text).suffix in (".pt", ".pth", ".bin", ".ckpt", ".safetensors")
    )


def check_size(image_size: int | None, patch: int | None) -> None:
    """Raise ValueError for an image side in pixels that is not a multiple of the patch size."""
    if image_size and patch and image_size % patch:
        near = max(round(image_size / patch), 1) * patch
        raise ValueError(f"image_size {image_size} is not a multiple of the patch size {patch}; try {near}")
