"""The tiny CLIP that ships with the package: open_clip's own `CLIP` class, small enough for two CPU cores.

Its image tower is a Vision Transformer with a convolutional stem in place of the patch projection ("early
convolutions help transformers see better", Xiao et al. 2021, arXiv 2106.14881): a third of its weights, local by
construction, where attention has to learn locality. The text width equals the embedding width, as in every OpenAI ViT.
`pfl.workshop.pretrain` trains it.
"""

from pathlib import Path

import open_clip
import torch
from open_clip.model import resize_pos_embed
from safetensors.torch import load_file
from safetensors.torch import save as to_bytes
from torch import nn

from ..data.writing import write, write_json
from ..weights import check_size

IMAGE_SIZE = 192  # pixels, as in the drawings; 24 x 24 patches
PATCH_SIZE = 8  # the stem below divides by 8
WIDTH = 192  # W = D: wide enough to learn the workshop, 4.2 M parameters with both towers
LAYERS = 4  # of attention, all of them feature layers
TEXT_SEED = 77  # token embeddings not used in pre-training are rebuilt from this seed

ASSETS = Path(__file__).parents[1] / "assets"
WEIGHTS = ASSETS / "tiny_clip.safetensors"
CARD = ASSETS / "tiny_clip.json"


class ConvNeXtBlock(nn.Module):
    """A depthwise convolution, then an MLP over the channels of each place (Liu et al. 2022, arXiv 2201.03545)."""

    def __init__(self, width: int):
        super().__init__()
        self.around = nn.Conv2d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.mlp(self.norm(self.around(x).permute(0, 2, 3, 1))).permute(0, 3, 1, 2)


class ConvStem(nn.Sequential):
    """Three strided convolutions with blocks at strides 4 and 8; images (b, 3, H, H) -> (b, W, H/8, H/8)."""

    def __init__(self, width: int):
        super().__init__(
            nn.Conv2d(3, 48, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(48),
            nn.GELU(),
            nn.Conv2d(48, 96, 3, stride=2, padding=1),
            *(ConvNeXtBlock(96) for _ in range(2)),
            nn.Conv2d(96, width, 2, stride=2),
            *(ConvNeXtBlock(width) for _ in range(2)),
        )


def build(seed: int = 0, image_size: int | None = None) -> open_clip.CLIP:
    """A tiny CLIP with random weights.

    Args:
        seed: fixes the weights.
        image_size: image side in pixels, a multiple of 8; default 192.
    """
    size = image_size or IMAGE_SIZE
    check_size(size, PATCH_SIZE)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        clip = open_clip.CLIP(
            embed_dim=WIDTH,
            vision_cfg=dict(layers=LAYERS, width=WIDTH, head_width=64, patch_size=PATCH_SIZE, image_size=size),
            text_cfg=dict(context_length=77, vocab_size=49408, width=WIDTH, heads=6, layers=3),
            init_logit_bias=-2.0,
        )
        clip.visual.conv1 = ConvStem(WIDTH).to(memory_format=torch.channels_last)  # a fifth faster on a CPU
    clip.token_embedding.weight.data = untrained_tokens()
    return clip.eval()


def untrained_tokens() -> torch.Tensor:
    """Token embedding (vocabulary, D) before training, the same on every machine; sd 0.02 as in CLIP."""
    return torch.empty(49408, WIDTH).normal_(0, 0.02, generator=torch.Generator().manual_seed(TEXT_SEED))


def load(image_size: int | None = None) -> open_clip.CLIP:
    """Load the shipped tiny CLIP; open_clip resizes its position embeddings to `image_size`."""
    if not WEIGHTS.exists():
        raise FileNotFoundError(f"{WEIGHTS} is missing; reinstall the package or run `python -m pfl.workshop.pretrain`")
    clip = build(image_size=image_size)
    state = {name: value.float() for name, value in load_file(WEIGHTS).items()}
    ids, rows = state.pop("token_embedding.ids").long(), state.pop("token_embedding.rows")
    state["token_embedding.weight"] = untrained_tokens().index_copy(0, ids, rows)
    state |= {k: v for k, v in clip.state_dict().items() if k.endswith(("attn_mask", "num_batches_tracked"))}
    resize_pos_embed(state, clip)
    clip.load_state_dict(state)
    return clip.eval()


def save(clip: open_clip.CLIP, token_ids: list[int], card: dict, folder: Path = ASSETS) -> None:
    """Write the weights in half precision, of the token embedding only the rows `token_ids`, and the card as JSON."""
    skip = ("attn_mask", "num_batches_tracked", "token_embedding.weight")
    state = {k: v.half().contiguous() for k, v in clip.state_dict().items() if not k.endswith(skip)}
    ids = torch.tensor(sorted(token_ids))
    state["token_embedding.ids"] = ids.int()
    state["token_embedding.rows"] = clip.token_embedding.weight.data[ids].half()
    write(folder / WEIGHTS.name, to_bytes(state))
    write_json(folder / CARD.name, card)
