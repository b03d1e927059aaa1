"""CLIP models from tags of open_clip and from files of weights; only architectures that the method is defined for."""

import difflib
import logging
import re
import warnings
from pathlib import Path

import open_clip
import torch
from open_clip.factory import load_state_dict
from open_clip.model import resize_pos_embed
from open_clip.transformer import ResidualAttentionBlock, VisionTransformer
from torch import Tensor, nn

VOCABULARY = 49408  # size of CLIP's own tokenizer


def read(file: str | Path) -> dict[str, Tensor]:
    """The state dict of a weights file: safetensors, a jit archive (as OpenAI publishes), or what torch.save wrote."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch.jit is deprecated, OpenAI's files are not
            state = torch.jit.load(str(file), map_location="cpu").state_dict()
    except RuntimeError:  # not an archive
        try:
            state = load_state_dict(str(file))
        except Exception as error:  # of many kinds: each format and each way to be broken has its own
            raise ValueError(f"{file} holds no CLIP weights ({first_line(error)}); download it again") from error
    return {k: v for k, v in state.items() if k not in ("input_resolution", "context_length", "vocab_size")}


def from_shapes(state: dict[str, Tensor], image_size: int | None, quick_gelu: bool) -> nn.Module:
    """A CLIP whose architecture is read off its weights' shapes, as open_clip reads OpenAI's (heads are 64 wide)."""
    if "visual.proj" not in state or "token_embedding.weight" not in state:
        raise ValueError(
            "the weights are not those of a CLIP with a Vision Transformer; name its tag and give the file"
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
    """A CLIP that open_clip knows by name, with its own weights or those of a file."""
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
    drawn = pretrained == "random"
    if not hub and state is None and not drawn and pretrained not in tags:
        raise ValueError(
            f"{name} has no weights {pretrained!r}; choose pretrained= {', '.join(tags) or 'a local file'}, or random"
        )

    options = {"pretrained": None if drawn or state else pretrained, "force_image_size": image_size}
    if activation is None and not hub and not drawn:
        activation = "quickgelu" if open_clip.get_pretrained_cfg(name, pretrained).get("quick_gelu") else "gelu"
    if activation:
        options["quick_gelu"] = activation == "quickgelu"
    disabled = logging.root.manager.disable
    try:
        logging.disable(logging.WARNING)  # open_clip would warn of missing weights, which _fill brings
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # and of a mismatch of activations, which is chosen here
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(0)
                model = open_clip.create_model(name, **options)
    except Exception as error:
        raise ValueError(
            f"open_clip cannot load {name} {pretrained or ''} ({first_line(error)}); "
            "download the weights by hand and give the file as pretrained="
        ) from error
    finally:
        logging.disable(disabled)
    return model if state is None else fill(model, state)


def fill(model: nn.Module, state: dict[str, Tensor]) -> nn.Module:
    """Load `state`, its position embeddings resized by open_clip to the model's grid (bicubic, antialiased)."""
    state = {name: weight.float() for name, weight in state.items()}
    resize_pos_embed(state, model)
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        detail = " ".join(str(error).split()[:24])
        raise ValueError(f"the weights do not fit the architecture ({detail} ...); check name and file") from error
    return model


def check_architecture(model: nn.Module, name: str) -> None:
    """Only what the method is defined for: a plain ViT and a causal text tower of CLIP's, as wide as the embedding."""
    text = getattr(model, "text", model)
    if not isinstance(model.visual, VisionTransformer):
        raise ValueError(f"{name} has no plain Vision Transformer; choose a ViT of open_clip, such as ViT-B-16")
    if getattr(text, "attn_mask", None) is None or text.vocab_size != VOCABULARY:
        raise ValueError(f"{name} has no causal text tower with CLIP's tokenizer; choose another, such as ViT-B-16")
    if not all(type(block) is ResidualAttentionBlock for block in text.transformer.resblocks):
        raise ValueError(f"{name} has a text tower of blocks unlike CLIP's; choose another, such as ViT-B-16")
    if text.positional_embedding.shape[1] != model.visual.output_dim:
        raise ValueError(f"{name}: text width and embedding width differ; choose another CLIP, such as ViT-B-16")


def is_file_name(text: str) -> bool:
    return not text.startswith(("hf-hub:", "local-dir:")) and (
        Path(text).is_file() or Path(text).suffix in (".pt", ".pth", ".bin", ".ckpt", ".safetensors")
    )


def first_line(error: Exception) -> str:
    """What an error says, short enough to be told within a message."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def check_size(image_size: int | None, patch: int | None) -> None:
    """Refuse a side in pixels that is not made of whole patches."""
    if image_size and patch and image_size % patch:
        near = max(round(image_size / patch), 1) * patch
        raise ValueError(f"image_size {image_size} is not a multiple of the patch size {patch}; try {near}")
