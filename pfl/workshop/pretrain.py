"""Pre-training of the tiny CLIP on drawings and captions: `python -m pfl.workshop.pretrain --out FOLDER`.

Trains a tiny CLIP like the shipped one from random weights. (The shipped one was trained in several sessions, with more
categories and at first with other captions; see its card, pfl/assets/README.md.)
"""

import argparse
import json
import os
import time
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import open_clip
import pandas as pd
import torch
import torch.nn.functional as F
from open_clip.model import resize_pos_embed
from torch import Tensor, nn
from tqdm import tqdm

from ..clip import encode_tokens
from ..data.files import home, require_same
from ..data.writing import write, write_table
from . import tiny
from .captions import NAMES, tokenize, used_tokens
from .losses import Regions, accuracy, region_loss, sigmoid_loss
from .pool import pool
from .splits import VERSION
from .views import Views, batch

SAVE_EVERY = 200  # steps


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One round of pre-training."""

    images: int = 40_000  # drawings; each use has a new crop, rotation and lighting
    steps: int = 3_200
    image_size: int = 128  # side of a view, in pixels
    share: float = 1.0  # typical side of a view as a share of the drawing's
    batch: int = 32
    lr: float = 5e-4
    weight_decay: float = 0.05
    region_weight: float = 3.0  # of the loss on regions, relative to that on images: maps use only patches
    state_weight: float = 3.0  # words for states are hard: without extra weight they are learned late or never
    seed: int = 0


# Small views first: four of 64 px cost as much as one of 128 px. Then views up to the whole drawing, as in later use,
# since what is normal depends on context. Each later round has new drawings and restarts at a high learning rate (warm
# restarts, arXiv 1608.03983); the views of the last two have the size of the drawings.
ROUNDS = (
    Recipe(image_size=64, share=0.5, steps=3_600, batch=64, lr=1e-3, region_weight=1.0),
    Recipe(steps=2_800, lr=1e-3, region_weight=1.0),
    Recipe(seed=1, region_weight=1.0),
    Recipe(seed=2),
    Recipe(seed=3),
    Recipe(seed=4, steps=2_800),
    Recipe(seed=5, images=20_000, steps=900, image_size=192),
    Recipe(seed=6, images=20_000, steps=1_100, image_size=192),
)


class Words(nn.Module):
    """Token embeddings of which only the rows of `used_tokens` are learned and shipped; the others stay as built."""

    ids: Tensor
    row_of: Tensor

    def __init__(self, clip: open_clip.CLIP):
        super().__init__()
        ids = torch.tensor(used_tokens())
        self.frozen = clip.token_embedding.weight.detach()
        self.rows = nn.Parameter(self.frozen[ids].clone())
        self.register_buffer("ids", ids)
        self.register_buffer("row_of", torch.full((len(self.frozen),), -1).index_copy(0, ids, torch.arange(len(ids))))

    def forward(self, ids: Tensor) -> Tensor:
        row = self.row_of[ids]
        return torch.where(row[..., None] >= 0, self.rows[row.clamp(min=0)], self.frozen[ids])


def forward(
    clip: open_clip.CLIP, words: Words, regions: Regions, views: Views, recipe: Recipe, autocast: torch.autocast
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
    on_images = sigmoid_loss(logits, views.true.to(device), views.captions, recipe.state_weight)
    sentences = [views.captions[i] for i in stated]
    on_regions = region_loss(local.float(), views.defective.to(device), views.state.to(device), sentences)
    return on_images, on_regions, logits.detach().cpu()


def train(
    recipe: Recipe, folder: Path, *, start: open_clip.CLIP | None = None, workers: int = 2, device: str = "cpu"
) -> open_clip.CLIP:
    """Pre-train one round, resuming an interrupted run in `folder`; the curve is written to its history.csv.

    Args:
        start: a CLIP of any image size to start from; default: random weights.
        workers: processes that draw the pool.
    """
    folder.mkdir(parents=True, exist_ok=True)
    identity = asdict(recipe) | {"workshop": VERSION}
    drawings = pool(recipe.images, recipe.seed, folder.parent, workers)
    clip = tiny.build(recipe.seed, image_size=recipe.image_size)
    if start:
        weights = start.state_dict()
        resize_pos_embed(weights, clip)
        clip.load_state_dict(weights)
    clip = clip.to(device).train()
    clip.token_embedding.weight.requires_grad_(False)
    words, regions = Words(clip).to(device), Regions(recipe.seed).to(device)
    optimizer = make_optimizer(clip, words, regions, recipe)
    parts = {"clip": clip, "words": words, "regions": regions, "optimizer": optimizer}
    first, seconds, rows, saved = 0, 0.0, [], folder / "state.pt"
    history = folder / "history.csv"
    if saved.exists():
        state = torch.load(saved, weights_only=True)
        require_same(folder, state["recipe"], identity)
        first, seconds, rows = state["step"], state["seconds"], state["history"]
        write_table(history, pd.DataFrame(rows), float_format="%.4g")  # a kill may have come between the two files
        for name, part in parts.items():
            part.load_state_dict(state[name])
    # On processors without instructions for it, bfloat16 is slower than float32.
    fast = device != "cpu" or torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    autocast, began = torch.autocast(device, torch.bfloat16, enabled=fast), time.time() - seconds
    for step in tqdm(range(first, recipe.steps), "pre-training", recipe.steps, initial=first):
        views = batch(
            drawings, number=recipe.batch, size=recipe.image_size, share=recipe.share, seed=recipe.seed, step=step
        )
        for group in optimizer.param_groups:
            group["lr"] = recipe.lr * min((step + 1) / 100, 1 - step / recipe.steps)
        on_images, on_regions, logits = forward(clip, words, regions, views, recipe, autocast)
        optimizer.zero_grad(set_to_none=True)
        (on_images + recipe.region_weight * on_regions).backward()
        nn.utils.clip_grad_norm_(clip.parameters(), 1.0)
        optimizer.step()
        last = step == recipe.steps - 1
        if step % 25 == 0 or last:
            row = {"step": step, "minutes": (time.time() - began) / 60}
            row |= {"loss_image": on_images.item(), "loss_region": on_regions.item()}
            rows.append(row | accuracy(logits, views.true, views.captions))
        if (step + 1) % SAVE_EVERY == 0 or last:
            state = {name: part.state_dict() for name, part in parts.items()}
            state |= {"recipe": identity, "step": step + 1, "seconds": time.time() - began, "history": rows}
            write(saved, partial(torch.save, state))
            write_table(history, pd.DataFrame(rows), float_format="%.4g")
    clip.token_embedding.weight.data[words.ids] = words.rows.data
    return clip.eval()


def make_optimizer(clip: open_clip.CLIP, words: Words, regions: Regions, recipe: Recipe) -> torch.optim.AdamW:
    """AdamW; gains, biases, embeddings and temperatures do not decay."""
    named = [(n, p) for part in (clip, regions) for n, p in part.named_parameters() if p.requires_grad]
    plain = [p for n, p in named if p.ndim < 2 or "embedding" in n] + [words.rows]
    decay = [p for n, p in named if not (p.ndim < 2 or "embedding" in n)]
    groups = [{"params": decay, "weight_decay": recipe.weight_decay}, {"params": plain, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=recipe.lr, betas=(0.9, 0.98))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m pfl.workshop.pretrain", description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=home() / "pretrain", help="working folder; a rerun resumes it")
    parser.add_argument("--assets", type=Path, default=tiny.ASSETS, help="folder for the weights and their card")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    args = parser.parse_args()
    clip: open_clip.CLIP | None = None
    curves: list[pd.DataFrame] = []
    for n, recipe in enumerate(ROUNDS):
        folder = args.out / f"round{n}"
        clip = train(recipe, folder, start=clip, workers=args.workers, device=args.device)
        curve = pd.read_csv(folder / "history.csv")
        if curves:
            curve["step"] += curves[-1]["step"].iloc[-1] + 1
            curve["minutes"] += curves[-1]["minutes"].iloc[-1]
        curves.append(curve)
    assert clip is not None, "there is at least one round"
    history = pd.concat(curves)
    card = {
        "rounds": [asdict(recipe) for recipe in ROUNDS],
        "kinds": NAMES,
        "parameters": sum(p.numel() for n, p in clip.named_parameters() if n != "token_embedding.weight"),
        "minutes": float(history["minutes"].iloc[-1].round(1)),
        "workshop": VERSION,
        "torch": torch.__version__,
    }
    tiny.save(clip.cpu(), used_tokens(), card, args.assets)
    history.to_csv(args.assets / "tiny_clip_history.csv", index=False)
    print(json.dumps(card, indent=2))


if __name__ == "__main__":
    main()
