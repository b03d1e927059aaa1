"""Pre-training of the tiny CLIP on scenes and captions: `python -m pfl.workshop.pretrain --photographs FOLDER`.

Trains a tiny CLIP like the shipped one on its frozen stem, from random weights. FOLDER contains unpacked Debian
packages, each in a folder of its name; without them the command says which are missing and how to get them.
"""

import argparse
import json
import os
import sys
import time
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import open_clip
import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from ..clip import encode_tokens
from ..data.files import home, require_same
from ..data.writing import write, write_table
from . import photographs, tiny
from .captions import NAMES, tokenize, used_tokens
from .losses import Regions, accuracy, region_loss, sigmoid_loss
from .photoscenes import Library
from .pool import VERSION, Scenes, pool
from .views import Views, batch

SAVE_EVERY = 240  # seconds


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One round of pre-training."""

    images: int = 20_000  # scenes; each use has a new crop, rotation and lighting
    photographs: float = 0.7  # share of scenes made of photographs
    steps: int = 1_100
    image_size: int = 192  # side of a view, in pixels
    share: float = 1.0  # typical side of a view as a share of the scene's
    batch: int = 32
    lr: float = 5e-4
    weight_decay: float = 0.05
    region_weight: float = 2.0  # of the loss on regions, relative to that on images: maps use only patches
    seed: int = 0


# Small views first: a view of 192 px costs seven times as much as one of 96 px and three times as much as one of
# 128 px. Then views up to the whole scene, as in later use, since what is normal depends on context. Each round has new
# scenes, restarts at a high learning rate (warm restarts, arXiv 1608.03983) and ends with weights that can be used.
ROUNDS = (
    Recipe(images=36_000, steps=2_400, image_size=96, share=0.6, batch=64, lr=1e-3),
    Recipe(images=24_000, steps=1_500, image_size=128, share=0.8, batch=64, lr=8e-4, seed=1),
    Recipe(lr=6e-4, seed=2),
    Recipe(seed=3),
    Recipe(seed=4),
    Recipe(images=30_000, steps=1_800, lr=6e-4, seed=5),
)


class Words(nn.Module):
    """Token embeddings of which only the rows of `used_tokens` are learned and shipped; the others stay as built."""

    frozen: Tensor
    ids: Tensor
    row_of: Tensor

    def __init__(self, clip: open_clip.CLIP):
        super().__init__()
        ids = torch.tensor(used_tokens())
        self.register_buffer("frozen", clip.token_embedding.weight.detach(), persistent=False)
        self.rows = nn.Parameter(self.frozen[ids].clone())
        self.register_buffer("ids", ids)
        self.register_buffer("row_of", torch.full((len(self.frozen),), -1).index_copy(0, ids, torch.arange(len(ids))))

    def forward(self, ids: Tensor) -> Tensor:
        row = self.row_of[ids]
        return torch.where(row[..., None] >= 0, self.rows[row.clamp(min=0)], self.frozen[ids])


def forward(
    clip: open_clip.CLIP, words: Words, regions: Regions, views: Views, autocast: torch.autocast
) -> tuple[Tensor, Tensor, Tensor]:
    """The loss on images, the loss on regions, and the logits of the images (b, captions)."""
    device = clip.logit_scale.device
    stated = [i for i, caption in enumerate(views.captions) if caption.group in ("state", "defect")]
    with autocast:
        seen = clip.forward_intermediates(views.images.to(device), image_indices=tiny.LAYERS, image_output_fmt="NLC")
        ids = tokenize([caption.text for caption in views.captions]).to(device)
        eos = ids.argmax(dim=1)
        text = F.normalize(encode_tokens(clip, words(ids[:, : eos.max() + 1]), eos), dim=-1)
        local = regions(seen["image_intermediates"], text[stated])
    similarity = seen["image_features"].float() @ text.float().T
    logits = clip.logit_scale.exp().clamp(max=100) * similarity + clip.logit_bias
    on_images = sigmoid_loss(logits, views.true.to(device), views.known.to(device), views.captions)
    sentences = [views.captions[i] for i in stated]
    on_regions = region_loss(local.float(), views.defective.to(device), views.state.to(device), sentences)
    return on_images, on_regions, logits.detach().cpu()


def train(
    recipe: Recipe,
    folder: Path,
    *,
    start: Path | None = None,
    library: Library | None = None,
    workers: int = 2,
    device: str = "cpu",
) -> open_clip.CLIP:
    """Pre-train one round, resuming an interrupted run in `folder`; the curve is written to its history.csv.

    Args:
        start: folder of the round before, of any image size; default: random weights.
        library: photographs, for a recipe with a share of them.
        workers: processes that draw the pool.
    """
    folder.mkdir(parents=True, exist_ok=True)
    identity = asdict(recipe) | {"scenes": VERSION}
    clip = tiny.build(recipe.seed, image_size=recipe.image_size).to(device).train()
    clip.token_embedding.weight.requires_grad_(False)
    attend_by_products(clip)
    words, regions = Words(clip).to(device), Regions(recipe.seed).to(device)
    optimizer = make_optimizer(clip, words, regions, recipe)
    first, seconds, rows, saved = 0, 0.0, [], folder / "state.pt"
    history = folder / "history.csv"
    if saved.exists() or start:
        state = torch.load(saved if saved.exists() or not start else start / saved.name, weights_only=True)
        tiny.restore(clip, state["clip"])
        words.load_state_dict(state["words"])
        regions.load_state_dict(state["regions"])
    if saved.exists():
        require_same(folder, state["recipe"], identity)
        first, seconds, rows = state["step"], state["seconds"], state["history"]
        optimizer.load_state_dict(state["optimizer"])
        write_table(history, pd.DataFrame(rows), float_format="%.4g")  # a kill may have come between the two files
    if first < recipe.steps:  # a finished round needs no pool
        scenes = pool(Scenes(recipe.images, recipe.seed, library, recipe.photographs), folder.parent, workers)
    # On processors without instructions for it, bfloat16 is slower than float32.
    fast = device != "cpu" or torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    autocast, began = torch.autocast(device, torch.bfloat16, enabled=fast), time.time() - seconds
    written = time.time()
    for step in tqdm(range(first, recipe.steps), "pre-training", recipe.steps, initial=first):
        views = batch(
            scenes, number=recipe.batch, size=recipe.image_size, share=recipe.share, seed=recipe.seed, step=step
        )
        for group in optimizer.param_groups:
            group["lr"] = recipe.lr * min((step + 1) / 100, 1 - step / recipe.steps)
        on_images, on_regions, logits = forward(clip, words, regions, views, autocast)
        optimizer.zero_grad(set_to_none=True)
        (on_images + recipe.region_weight * on_regions).backward()
        nn.utils.clip_grad_norm_(clip.parameters(), 1.0)
        optimizer.step()
        last = step == recipe.steps - 1
        if step % 25 == 0 or last:
            row = {"step": step, "minutes": (time.time() - began) / 60}
            row |= {"loss_image": on_images.item(), "loss_region": on_regions.item()}
            rows.append(row | accuracy(logits, views.true, views.known, views.captions))
        if time.time() - written >= SAVE_EVERY or last:
            state = {"clip": tiny.learned(clip), "words": words.state_dict(), "regions": regions.state_dict()}
            state |= {"optimizer": optimizer.state_dict(), "recipe": identity, "history": rows}
            state |= {"step": step + 1, "seconds": time.time() - began}
            write(saved, partial(torch.save, state))
            write_table(history, pd.DataFrame(rows), float_format="%.4g")
            written = time.time()
    clip.token_embedding.weight.data[words.ids] = words.rows.data
    return clip.eval()


def attend_by_products(clip: open_clip.CLIP) -> None:
    """Compute attention by plain products: the gradient of the fused one is slow on a CPU in bfloat16."""

    def by_products(attention: nn.Module, q_x: Tensor, attn_mask: Tensor | None = None, **_) -> Tensor:
        return attention(q_x, q_x, q_x, attn_mask=attn_mask, average_attn_weights=False)[0]

    for block in (*clip.visual.transformer.resblocks, *clip.transformer.resblocks):
        block.attention = partial(by_products, block.attn)


def make_optimizer(clip: open_clip.CLIP, words: Words, regions: Regions, recipe: Recipe) -> torch.optim.AdamW:
    """AdamW; gains, biases, embeddings and temperatures do not decay."""
    named = [(n, p) for part in (clip, regions) for n, p in part.named_parameters() if p.requires_grad]
    plain = [p for n, p in named if p.ndim < 2 or "embedding" in n] + [words.rows]
    decay = [p for n, p in named if not (p.ndim < 2 or "embedding" in n)]
    groups = [{"params": decay, "weight_decay": recipe.weight_decay}, {"params": plain, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=recipe.lr, betas=(0.9, 0.98))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m pfl.workshop.pretrain", description=__doc__.splitlines()[0])
    parser.add_argument("--photographs", type=Path, default=home() / "packages", help="folder of unpacked packages")
    parser.add_argument("--out", type=Path, default=home() / "pretrain", help="working folder; a rerun resumes it")
    parser.add_argument("--assets", type=Path, default=tiny.ASSETS, help="folder for the weights and their card")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    args = parser.parse_args()
    try:
        photographs.gather(args.photographs, args.out / "photographs")
    except FileNotFoundError as error:
        sys.exit(str(error))
    library, curves = Library(args.out / "photographs"), list[pd.DataFrame]()
    for n, recipe in enumerate(ROUNDS):
        folder = args.out / f"round{n}"
        start = args.out / f"round{n - 1}" if n else None
        clip = train(recipe, folder, start=start, library=library, workers=args.workers, device=args.device)
        curve = pd.read_csv(folder / "history.csv")
        if curves:
            curve["step"] += curves[-1]["step"].iloc[-1] + 1
            curve["minutes"] += curves[-1]["minutes"].iloc[-1]
        curves.append(curve)
        card = {
            "rounds": [asdict(recipe) for recipe in ROUNDS[: n + 1]],
            "kinds": NAMES,
            "parameters": sum(v.numel() for k, v in tiny.learned(clip).items() if k != "token_embedding.weight"),
            "minutes": float(curve["minutes"].iloc[-1].round(1)),
            "scenes": VERSION,
            "torch": torch.__version__,
        }
        # Weights that can be used already, then those of the last round.
        for place in (folder, args.assets) if recipe is ROUNDS[-1] else (folder,):
            tiny.save(clip.cpu(), used_tokens(), card, place)
            write_table(place / "tiny_clip_history.csv", pd.concat(curves))
    print(json.dumps(card, indent=2))


if __name__ == "__main__":
    main()
