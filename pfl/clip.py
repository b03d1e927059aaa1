"""The frozen CLIP, built on open_clip: encodes images into features and token embeddings into text embeddings."""

import copy
import hashlib
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import torch
from open_clip.transformer import QuickGELU
from torch import Tensor, nn

from . import tower, weights
from .config import Precision, quarters
from .ranges import check

ACTIVATIONS = ("quickgelu", "gelu")
MEAN, SD = open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD  # of pixel values, the same for every CLIP
PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


class FrozenCLIP(nn.Module):
    """A CLIP with frozen weights: they get no gradient, and `train()` leaves it in evaluation mode.

    Args:
        model: an open_clip model with a plain Vision Transformer and a causal text tower as wide as the embedding.
        name, pretrained: the arguments of `load_clip`.
        feature_layers: blocks of the image tower to take patch tokens from, counted from 1, ascending.
        compile: whether the encoder and the text tower run through torch.compile.

    Attributes:
        precision: "fp32", "bf16" or "fp16": the weights are stored in it, and nothing is cast but images and prompts.
        memory: set it to a `FeatureFolder` or to `{}` to cache the features of every image from then on (L * N * W
            floats each), on disk or on the image's device; `None`, the default: none. Not for augmented images.
    """

    precision: Precision = "fp32"
    mean: Tensor
    sd: Tensor
    sos: Tensor
    _options: dict[str, Any]
    _others: dict[str, "FrozenCLIP"]
    _shared: dict[str, Any]

    def __init__(
        self, *, model: Any, name: str, pretrained: str | None, feature_layers: tuple[int, ...], compile: bool = False
    ):
        super().__init__()
        self.model = model.eval().requires_grad_(False)
        self.name, self.pretrained = name, pretrained
        self.visual, self.text = model.visual, getattr(model, "text", model)  # CustomTextCLIP has a separate text tower
        self.image_size, self.patch_size = self.visual.image_size[0], self.visual.patch_size[0]
        self.grid = self.image_size // self.patch_size  # patches on a side; N = grid ** 2
        self.width = self.visual.transformer.width  # W
        self.dim = self.text.positional_embedding.shape[1]  # D
        self.num_layers = self.visual.transformer.layers
        self.context_length = self.text.positional_embedding.shape[0]
        gelu = self.visual.transformer.resblocks[0].mlp.gelu
        self.activation = "quickgelu" if isinstance(gelu, QuickGELU) else "gelu"
        self.feature_layers = tuple(feature_layers)
        if list(self.feature_layers) != sorted(set(self.feature_layers) & set(range(1, self.num_layers + 1))):
            raise ValueError(
                f"feature_layers {self.feature_layers} do not fit {name}; give them in ascending order, "
                f"each from 1 to {self.num_layers}"
            )
        self.register_buffer("mean", torch.tensor(MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("sd", torch.tensor(SD).view(3, 1, 1), persistent=False)
        sos = self.text.token_embedding.weight[weights.VOCABULARY - 2]
        self.register_buffer("sos", tower.sos_keys_values(self.text, sos), persistent=False)
        self.run_blocks = tower.run_blocks
        if compile:
            self.__dict__["_encode"], self.run_blocks = torch.compile(self._encode), torch.compile(tower.run_blocks)
        options = {"name": name, "pretrained": pretrained, "feature_layers": feature_layers, "compile": compile}
        # Not submodules: this CLIP in other precisions, and what all of them share.
        self.__dict__ |= {"_options": options, "_others": {}, "_shared": {"memory": None}}

    @property
    def memory(self) -> Any:
        return self._shared["memory"]

    @memory.setter
    def memory(self, value: Any) -> None:
        self._shared["memory"] = value

    @property
    def device(self) -> torch.device:
        return self.mean.device

    def train(self, mode: bool = True) -> "FrozenCLIP":
        return super().train(False)

    @cached_property
    def encoder(self) -> tuple:
        """What decides the features of an image, besides the precision."""
        return fingerprint(self.visual.state_dict()), self.activation, self.feature_layers

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the weights, independent of where they were loaded from and of the image size.

        It leaves out the position embeddings, which are resized, and the token embedding, whose untrained rows the tiny
        CLIP draws again when it is loaded.
        """
        left_out = ("visual.positional_embedding", "token_embedding.weight")
        return fingerprint({k: v for k, v in self.model.state_dict().items() if not k.endswith(left_out)})

    @property
    def identity(self) -> dict:
        """What a checkpoint stores to load this CLIP again: the arguments of `load_clip` and the fingerprint."""
        return {
            "name": self.name,
            "pretrained": self.pretrained,
            "activation": self.activation,
            "image_size": self.image_size,
            "feature_layers": list(self.feature_layers),
            "fingerprint": self.fingerprint,
        }

    def normalise(self, images: Tensor | np.ndarray) -> Tensor:
        """Images (b, 3, H, H) in [0, 1] -> normalised by CLIP's mean and sd per channel, in float32 on its device."""
        images = torch.as_tensor(images)
        if not images.is_floating_point():
            raise ValueError(f"images are {images.dtype}; pass floats in [0, 1], such as images / 255")
        return (images.to(self.mean, non_blocking=True) - self.mean) / self.sd

    def to_precision(self, precision: Precision) -> "FrozenCLIP":
        """This CLIP with its weights stored in a precision: itself, or a copy, made on the first call and kept.

        Raises:
            ValueError: the precision is unknown, or the weights are stored in half precision, and another is wanted.
        """
        if precision not in PRECISIONS:
            raise ValueError(f"precision {precision!r} is unknown; choose one of {', '.join(PRECISIONS)}")
        if self.precision not in ("fp32", precision):
            raise ValueError(
                f"the CLIP was loaded in {self.precision}, not in {precision}; "
                f'pass precision="{self.precision}", or load it with precision="{precision}"'
            )
        if precision != self.precision and precision not in self._others:
            model = copy.deepcopy(self.model).to(PRECISIONS[precision])
            other = FrozenCLIP(model=model, **self._options).to(self.device)
            other.precision, other.sos = precision, self.sos.to(PRECISIONS[precision])
            other.__dict__ |= {"fingerprint": self.fingerprint, "_shared": self._shared}
            self._others[precision] = other
        return self._others.get(precision, self)

    def autocast(self) -> torch.autocast:
        """Autocast context for what is learned on top of this CLIP: its precision, or none for "fp32"."""
        return torch.autocast(self.device.type, PRECISIONS[self.precision], enabled=self.precision != "fp32")

    def _apply(self, fn, recurse: bool = True) -> "FrozenCLIP":
        self._others.clear()  # they would have to move, too
        return super()._apply(fn, recurse)

    @torch.no_grad()
    def encode_image(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Normalised images (b, 3, H, H) -> x (b, D), not of unit length, and L tensors F_l of patch tokens (b, N, W).

        x is the class token after the final norm and projection; F_l is the residual stream after block l, before both.
        """
        size = (self.image_size, self.image_size)
        if images.shape[-2:] != size:
            raise ValueError(
                f"images have {tuple(images.shape[-2:])} pixels, but the CLIP was loaded for {size}; resize them, "
                "or pass another image_size to load_clip"
            )
        return self._encode(images) if self.memory is None else self._encode_cached(images)

    def _encode(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        out = self.visual.forward_intermediates(
            images.to(self.sos.dtype), indices=[layer - 1 for layer in self.feature_layers], output_fmt="NLC"
        )
        return out["image_features"], out["image_intermediates"]

    def _encode_cached(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Encode only the images that are not in the memory."""
        memory = self.memory if self.memory is not None else {}
        pixels = (image.cpu().contiguous().view(torch.uint8).numpy() for image in images)
        keys = [(hashlib.sha256(part).digest(), *self.encoder, self.sos.dtype, images.device) for part in pixels]
        found = {key: memory.get(key) for key in keys}
        new = [i for i, key in enumerate(keys) if found[key] is None]
        if new:
            # On a CPU one by one, which costs no more: then features do not depend on the batch an image was first in.
            step = 1 if images.device.type == "cpu" else len(new)
            encoded, each = zip(*map(self._encode, images[new].split(step)), strict=True)
            x, patches = torch.cat(encoded), [torch.cat(parts) for parts in zip(*each, strict=True)]
            found |= {keys[i]: memory.setdefault(keys[i], (x[j], [f[j] for f in patches])) for j, i in enumerate(new)}
        known: list[Any] = [found[key] for key in keys]
        layers = zip(*(patches for _, patches in known), strict=True)
        return torch.stack([x for x, _ in known]), [torch.stack(layer) for layer in layers]

    def tokenize(self, texts: list[str]) -> Tensor:
        """Texts -> token ids (n, 77): SOS, words, EOS, then zeros."""
        return open_clip.tokenize(texts, self.context_length).to(self.device)

    def token_embedding(self, ids: Tensor) -> Tensor:
        """Token ids (n, T) -> embeddings (n, T, D)."""
        return self.text.token_embedding(ids)

    @torch.no_grad()
    def encode_text(self, texts: list[str]) -> Tensor:
        """Texts -> embeddings (n, D), not of unit length, from the unmodified text tower."""
        ids = self.tokenize(texts)
        eos = ids.argmax(dim=1)
        return encode_tokens(self.text, self.token_embedding(ids[:, : eos.max() + 1]), eos)


def encode_tokens(text: Any, embeddings: Tensor, eos: Tensor) -> Tensor:
    """Token embeddings (n, T, D) -> text embeddings (n, D), not of unit length; differentiable.

    The tower is causal: tokens after EOS cannot change the result, so T need only reach the last EOS.

    Args:
        text: a CLIP's text tower.
        eos: position of EOS in each row (n,).
    """
    length = embeddings.shape[1]
    tokens = embeddings + text.positional_embedding[:length]
    tokens = text.transformer(tokens, attn_mask=text.attn_mask[:length, :length])
    tokens = text.ln_final(tokens[torch.arange(len(tokens), device=eos.device), eos])
    projection = text.text_projection
    return projection(tokens) if isinstance(projection, nn.Module) else tokens @ projection


def fingerprint(state: dict[str, Tensor]) -> str:
    """SHA-256 of the names and values of a state dict, independent of order, precision and device."""
    digest = hashlib.sha256()
    for name, value in sorted(state.items()):
        digest.update(name.encode() + value.detach().float().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def load_clip(
    name: str = "tiny",
    *,
    pretrained: str | None = None,
    image_size: int | None = None,
    activation: str | None = None,
    feature_layers: tuple[int, ...] | None = None,
    device: str | torch.device = "cpu",
    precision: Precision = "fp32",
    compile: bool = False,
) -> FrozenCLIP:
    """Load a CLIP and freeze it.

    Args:
        name: "tiny" (shipped); "tiny-random" (the same, untrained, for control experiments); a Vision Transformer of
            open_clip (its tag, or an `hf-hub:` or `local-dir:` name); or a local file in OpenAI's format (jit archive
            or plain weights), whose architecture is inferred from its shapes.
        pretrained: weights for a tag: a pretrained tag of open_clip, a local file, or "random" (seeded, for timing).
        image_size: side in pixels, a multiple of the patch size; position embeddings are resized. Default: native size.
        activation: "quickgelu" or "gelu". Weights do not record which one they were trained with, and the wrong one
            fails silently, so a local file requires it. A tag defaults to the one it was trained with. OpenAI's weights
            need "quickgelu"; with them, a checkpoint trained by the reference still needs "gelu".
        feature_layers: blocks to take patch tokens from, counted from 1. Default: at each quarter of the depth.
        device: device to load it on.
        precision: "fp32", "bf16" or "fp16", to store the weights in. With half precision, pass the same `precision` to
            whatever computes with the CLIP.
        compile: run encoder and text tower through torch.compile, which needs a C++ compiler and, for each new size of
            a batch, up to a minute. The same numbers to 1e-3.

    Raises:
        FileNotFoundError: a local file is missing.
        ValueError: a name is unknown, an option does not fit the model, or the file contains no CLIP.
    """
    check(image_size=image_size)
    if activation not in (None, *ACTIVATIONS):
        raise ValueError(f"activation {activation!r} is unknown; choose one of {', '.join(ACTIVATIONS)}")
    file = next((text for text in (pretrained, name) if text and weights.is_file_name(text)), None)
    if file and not Path(file).is_file():
        raise FileNotFoundError(f"weights file {file} not found; check the path, or pass a tag of open_clip instead")
    if file and activation is None:
        raise ValueError(
            f'{file} does not record its activation; pass activation="quickgelu" (OpenAI\'s weights) or "gelu"'
        )

    if name in ("tiny", "tiny-random"):
        if activation == "quickgelu":
            raise ValueError(f'{name} was trained with "gelu"; leave activation out')
        from .workshop import tiny  # imported here, so that the package works without it

        model = tiny.load(image_size) if name == "tiny" else tiny.build(image_size=image_size)
    elif file == name:
        model = weights.from_shapes(weights.read(file), image_size, activation == "quickgelu")
    else:
        state = weights.read(file) if file else None
        model = weights.from_tag(name, pretrained, image_size, activation, state)
    weights.check_architecture(model, name)
    feature_layers = feature_layers or quarters(model.visual.transformer.layers)
    clip = FrozenCLIP(
        model=model.float(), name=name, pretrained=pretrained, feature_layers=feature_layers, compile=compile
    )
    return clip.to_precision(precision).to(device)
