"""The shapes of what a forward pass computes, known from a configuration before anything is loaded."""

from dataclasses import dataclass

import open_clip
import pandas as pd

from .config import EvalConfig, ModelConfig, Preset, quarters
from .model import BayesPFL

# For one image, in the axis letters of pfl/__init__.py.
SHAPES = {
    "image": "3 H H",
    "x": "D",
    "patch tokens": "L N W",
    "context samples": "R D",
    "state samples": "2 R D",
    "prompts": "2 R B",
    "text embeddings": "2 R B D",
    "map": "H H",
}


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """What decides the shapes: the size of each axis letter, CLIP's feature layers and the model's switches."""

    axes: dict[str, int]
    blocks: tuple[int, ...]
    config: ModelConfig

    @classmethod
    def of(cls, source: BayesPFL | Preset) -> "Sizes":
        """Sizes of a model, or of a preset, for which nothing is loaded or downloaded.

        Raises:
            ValueError: the preset's CLIP is not known by name.
        """
        if isinstance(source, BayesPFL):
            clip, config, samples, blocks = (
                source.clip,
                source.config,
                EvalConfig.num_samples,
                source.clip.feature_layers,
            )
            side, patch, width, dim = clip.image_size, clip.patch_size, clip.width, clip.dim
        else:
            vision, dim = _architecture(source.clip["name"])
            config, samples, side = source.model, source.eval.num_samples, source.clip.get("image_size")
            side, patch, width = side or vision["image_size"], vision["patch_size"], vision["width"]
            blocks = tuple(source.clip.get("feature_layers") or quarters(vision["layers"]))
        axes = {"H": side, "g": side // patch, "N": (side // patch) ** 2, "W": width, "D": dim, "L": len(blocks)}
        axes |= {"B": config.num_prompts, "P": config.context_len, "Q": config.state_len, "K": config.num_flows}
        return cls(axes=axes | {"R": samples}, blocks=blocks, config=config)

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of a tensor in `SHAPES`."""
        return tuple(self.axes.get(axis) or int(axis) for axis in SHAPES[name].split())

    def table(self) -> pd.DataFrame:
        """All shapes, one row per tensor."""
        rows = [(name, axes, " ".join(map(str, self.shape(name)))) for name, axes in SHAPES.items()]
        return pd.DataFrame(rows, columns=["tensor", "axes", "shape"])


def _architecture(name: str) -> tuple[dict, int]:
    """Image size, patch size, width and layers of a CLIP's image tower, and the embedding width D."""
    if name in ("tiny", "tiny-random"):
        from .workshop import tiny  # imported here, so that the package works without it

        sizes = {"image_size": tiny.IMAGE_SIZE, "patch_size": tiny.PATCH_SIZE, "layers": tiny.LAYERS}
        return sizes | {"width": tiny.WIDTH}, tiny.WIDTH
    known = open_clip.get_model_config(name)
    if known is None:
        raise ValueError(f"the sizes of CLIP {name!r} are unknown until it is loaded; pass the model instead")
    return known["vision_cfg"], known["embed_dim"]
