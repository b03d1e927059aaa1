"""The tiny CLIP that ships with the package: open_clip's own `CLIP` class, small enough for two CPU cores.

Its image tower is a Vision Transformer with a convolutional stem in place of the patch projection ("early
convolutions help transformers see better", Xiao et al. 2021, arXiv 2106.14881). Most of the stem is frozen; it comes
from a package of its own (`stem.py`). The text width equals the embedding width, as in every OpenAI ViT.
`pfl.workshop.pretrain` trains the rest.
"""

from pathlib import Path

import open_clip
import torch
from open_clip.model import resize_pos_embed
from safetensors.torch import load_file
from safetensors.torch import save as to_bytes

from ..data.writing import write, write_json
from ..weights import check_size
from .stem import Stem

IMAGE_SIZE = 192  # pixels, as in the scenes; 24 x 24 patches
PATCH_SIZE = 8  # the stride of the stem
WIDTH = 192  # W = D: wide enough to learn the workshop
LAYERS = 4  # of attention, all of them feature layers
TEXT_SEED = 77  # token embeddings not used in pre-training are rebuilt from this seed

ASSETS = Path(__file__).parents[1] / "assets"
WEIGHTS = ASSETS / "tiny_clip.safetensors"
CARD = ASSETS / "tiny_clip.json"


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
        clip.visual.conv1 = Stem(WIDTH).to(memory_format=torch.channels_last)  # faster on a CPU
    clip.token_embedding.weight.data = untrained_tokens()
    return clip.eval()


def untrained_tokens() -> torch.Tensor:
    """Token embedding (vocabulary, D) before training, the same on every machine; sd 0.02 as in CLIP."""
    return torch.empty(49408, WIDTH).normal_(0, 0.02, generator=torch.Generator().manual_seed(TEXT_SEED))


def load(image_size: int | None = None, weights: Path = WEIGHTS) -> open_clip.CLIP:
    """Load a tiny CLIP, by default the shipped one; open_clip resizes its position embeddings to `image_size`."""
    if not weights.exists():
        raise FileNotFoundError(f"{weights} is missing; reinstall the package or run `python -m pfl.workshop.pretrain`")
    clip = build(image_size=image_size)
    state = {name: value.float() for name, value in load_file(weights).items()}
    ids, rows = state.pop("token_embedding.ids").long(), state.pop("token_embedding.rows")
    state["token_embedding.weight"] = untrained_tokens().index_copy(0, ids, rows)
    restore(clip, state)
    return clip.eval()


def save(clip: open_clip.CLIP, token_ids: list[int], card: dict, folder: Path = ASSETS) -> None:
    """Write the weights in half precision, of the token embedding only the rows `token_ids`, and the card as JSON."""
    state = {name: value.half().contiguous() for name, value in learned(clip).items()}
    del state["token_embedding.weight"]
    ids = torch.tensor(sorted(token_ids))
    state["token_embedding.ids"] = ids.int()
    state["token_embedding.rows"] = clip.token_embedding.weight.data[ids].half()
    write(folder / WEIGHTS.name, to_bytes(state))
    write_json(folder / CARD.name, card)


def learned(clip: open_clip.CLIP) -> dict[str, torch.Tensor]:
    """The tensors of a tiny CLIP without those that are not learned: the frozen trunk, masks and counters."""
    left_out = ("attn_mask", "num_batches_tracked")
    return {k: v for k, v in clip.state_dict().items() if ".trunk." not in k and not k.endswith(left_out)}


def restore(clip: open_clip.CLIP, state: dict[str, torch.Tensor]) -> None:
    """Load what `learned` returns for a tiny CLIP of any image size; resizes its position embeddings in `state`."""
    resize_pos_embed(state, clip)
    clip.load_state_dict(clip.state_dict() | state)
