"""Pre-training of the tiny CLIP: images of the workshop's generator against captions, by a sigmoid loss.

`python -m pfl.pretrain --out FOLDER` makes a tiny CLIP like the shipped one, from nothing but this file and the
generator: a first round on small windows and then on large ones, five more on large ones of new drawings, one of the
text tower alone, and one of both again. (The rounds of the shipped one were made apart, the earlier ones with other
captions; its card, pfl/assets/README.md, says how.) One image has many true captions ("a flawless object", "a red
button", "a crack at the top left"), so every image of a batch is scored against a pool of captions, each true or false,
as in SigLIP (Zhai et al. 2023, arXiv 2303.15343). The same captions are told of regions ("a scratched thing" is true of
the patches on the scratch), as in RegionCLIP (Zhong et al. 2022, arXiv 2112.09106), by heads that are thrown away
afterwards: what ships is a plain CLIP, whose own projection was never asked to align patches with text. No caption
names a target category, and no target category or target-only defect is drawn.
"""

import argparse
import json
import os
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import open_clip
import pandas as pd
import torch
import torch.nn.functional as F
from open_clip.model import resize_pos_embed
from tqdm import tqdm

from pfl import tiny
from pfl.clip import MEAN, SD, known_words
from pfl.data import workshop
from pfl.data.files import home, write

WORLDS = workshop.CAPTIONED
# Surfaces and shapes of no particular kind are drawn more often: breadth decides how it meets real photographs. So are
# objects whose marks and holes are as they should be.
OFTEN = dict(badge=6, toy=6, wallpaper=3, concrete=3, panel=9, zinc=3, granite=4, button=2, ticket=2, socket=2)
SHARES = np.array([OFTEN.get(name, 1) for name in WORLDS])
NOUNS = {  # the words a caption may use for a category, where its name alone is too narrow
    "plaster": ["plaster", "wall"],
    "sandpaper": ["sand", "sandpaper"],
    "crystal": ["crystal", "stone"],
    "zinc": ["zinc", "metal sheet"],
    "granite": ["granite", "slab"],
    "lattice": ["grating", "lattice"],
    "fabric": ["striped cloth", "fabric"],
    "pattern": ["dotted paper", "pattern"],
    "board": ["painted board", "plain surface"],
    "felt": ["fibre board", "felt"],
    "badge": ["badge", "sticker"],
    "toy": ["toy", "shape"],
    "concrete": ["concrete", "rough wall"],
    "wallpaper": ["wallpaper", "cloth"],
    "panel": ["panel", "plate"],
    "poster": ["poster", "printed picture"],
    "corrugated": ["corrugated sheet"],
}
GENERIC = "object thing part item surface product sample piece material workpiece".split()
# State words are words that people use: each, but for "misprint" in captions of places, is among the tokenizer's first
# 30,000, which holds frequent words first. "Defect", "flaw" and "unblemished" are not among them; and captions say what
# is there, not what is absent. So half of a specialist's list (WinCLIP's, in pfl/prompts.py) is foreign to this CLIP.
FLAWLESS = [
    "a flawless {}",
    "a perfect {}",
    "a good {}",
    "a clean {}",
    "a new {}",
    "a fine {}",
    "a normal {}",
    "an intact {}",
    "an excellent {}",
    "an ideal {}",
]
DAMAGED = [
    "a damaged {}",
    "a broken {}",
    "a bad {}",
    "a poor {}",
    "a ruined {}",
    "a spoiled {}",
    "a useless {}",
    "a {} with damage",
]
DEFECTS = {
    "scratch": ["a {} with a scratch", "a {} with scratch marks"],
    "crack": ["a {} with a crack", "a cracked {}"],
    "stain": ["a {} with a stain", "a stained {}", "a dirty {}", "a {} with dirt"],
    "hole": ["a {} with a hole", "a {} with holes"],
    "bare_patch": ["a {} with a worn patch", "a worn {}", "a {} with a bare patch"],
    "misprint": ["a {} with a wrong print", "a {} with a piece in the wrong place", "a {} printed wrong"],
    "missing_part": ["a {} with a missing part", "a {} with a piece missing", "a {} with a piece broken off"],
}
STATES = ["flawless", *DEFECTS]
PHOTO = [
    "{}",
    "a photo of {}",
    "a close-up photo of {}",
    "a picture of {}",
    "an image of {}",
    "a cropped photo of {}",
    "a bright photo of {}",
    "a dark photo of {}",
    "a blurry photo of {}",
    "a jpeg corrupted photo of {}",
    "a photo of {} for visual inspection",
    "a photo of {} for anomaly detection",
]
SIZES = ["", "", "", "", "small ", "large "]
COLOURS = "red orange yellow green cyan blue purple pink brown black white grey".split()
ROWS, COLUMNS = ("top", "middle", "bottom"), ("left", "middle", "right")
CELLS = [f"{r} {c}" if r != c else "middle" for r in ROWS for c in COLUMNS]

SMALL = 64  # side of small windows, in pixels
SAVE_EVERY = 200  # steps


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How the tiny CLIP is trained in one round."""

    images: int = 40_000  # drawn once, then cropped, turned and recoloured anew at every use
    steps_small: int = 3_600  # of windows of 64 px: four times as many as of 128 for the same work
    steps_large: int = 2_800  # up to whole pictures, as it is used: what is normal is a matter of context
    image_size: int = 128  # side of large windows, in pixels
    batch_small: int = 64
    batch_large: int = 32
    lr: float = 1e-3
    weight_decay: float = 0.05
    region_weight: float = 1.0  # of the loss on regions, beside the one on whole images
    state_weight: float = 3.0  # state words are the hard ones: without extra weight they arrive late or never
    text_alone: bool = False  # the text tower anew, the image tower as it is (LiT, Zhai et al. 2022, arXiv 2111.07991)
    seed: int = 0


# Later rounds see new drawings, the rate high again (SGDR, arXiv 1608.03983); from the third on they lean on regions,
# since maps are made of patches alone, and from the sixth on they have them as large as they were drawn. The seventh is
# for the shipped CLIP, whose earlier rounds had other captions: it makes the text tower forget them, before both towers
# learn together again.
ROUNDS = (
    Recipe(),
    Recipe(seed=1, steps_small=0, steps_large=3_200, lr=5e-4),
    Recipe(seed=2, steps_small=0, steps_large=3_200, lr=5e-4, region_weight=3.0),
    Recipe(seed=3, steps_small=0, steps_large=3_200, lr=5e-4, region_weight=3.0),
    Recipe(seed=4, steps_small=0, steps_large=2_800, lr=5e-4, region_weight=3.0),
    Recipe(seed=5, images=20_000, steps_small=0, steps_large=900, image_size=192, lr=5e-4, region_weight=3.0),
    Recipe(seed=6, images=20_000, steps_small=0, steps_large=1_200, image_size=192, region_weight=3.0, text_alone=True),
    Recipe(seed=7, images=20_000, steps_small=0, steps_large=1_100, image_size=192, lr=5e-4, region_weight=3.0),
)


# ---- pictures -------------------------------------------------------------------------------------------------------


def colour_name(image: np.ndarray, thing: np.ndarray) -> int:
    """Index into COLOURS of the thing's mean colour."""
    h, s, v = cv2.cvtColor(np.float32([[image[thing].mean(0) / 255]]), cv2.COLOR_RGB2HSV)[0, 0]
    if v < 0.2:
        return COLOURS.index("black")
    if s < 0.15:
        return COLOURS.index("white" if v > 0.75 else "grey")
    if 10 <= h < 45 and v < 0.55:
        return COLOURS.index("brown")
    edges = [15, 42, 68, 160, 195, 255, 290, 340]
    return COLOURS.index(
        ["red", "orange", "yellow", "green", "cyan", "blue", "purple", "pink", "red"][np.searchsorted(edges, h)]
    )


def draw(job: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw images start..stop of the pool.

    Returns:
        images (n, 192, 192, 3) uint8, masks (n, 48, 48) uint8, labels (n, 3): world, state, colour.
    """
    start, stop, seed = job
    cv2.setNumThreads(1)
    names = list(WORLDS)
    images, masks, labels = [], [], []
    for i in range(start, stop):
        rng = np.random.default_rng([seed, i])
        world = int(rng.choice(len(names), p=SHARES / SHARES.sum()))
        category = WORLDS[names[world]]
        families = workshop.defect_names(category, "auxiliary")
        defect = None if rng.random() < 0.45 else families[rng.integers(len(families))]
        if rng.random() < 0.5:
            varied = workshop.variation(rng)
        else:  # bold, some of them larger still
            varied = {"scale": float(rng.choice([1.0, rng.uniform(1, 2.2)], p=[0.6, 0.4]))}
        scene = workshop.scene(rng, category, defect, **varied)
        images.append(scene.image)
        masks.append(
            (cv2.resize(scene.mask.astype(np.float32), (48, 48), interpolation=cv2.INTER_AREA) * 255).astype(np.uint8)
        )
        labels.append((world, STATES.index(defect or "flawless"), colour_name(scene.image, scene.thing)))
    return np.stack(images), np.stack(masks), np.array(labels, np.int64)


def pool(recipe: Recipe, folder: Path, workers: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The drawn pictures, kept on disk (4.5 GB for 40,000) so that a resumed run does not draw them again."""
    version = f"v{workshop.VERSION}-seed{recipe.seed}"
    paths = [folder / f"pool-{version}-{recipe.images}-{part}.npy" for part in ("images", "masks", "labels")]
    if not paths[-1].exists():
        chunk = 250
        jobs = [(i, min(i + chunk, recipe.images), recipe.seed) for i in range(0, recipe.images, chunk)]
        shape_of = ((192, 192, 3), (48, 48))
        stores = [
            np.lib.format.open_memmap(p, "w+", np.uint8, (recipe.images, *s))
            for p, s in zip(paths, shape_of, strict=False)
        ]
        labels = np.zeros((recipe.images, 3), np.int64)
        # Fresh processes: a fork of one whose torch threads are running can hang.
        with ProcessPoolExecutor(workers, get_context("spawn")) as executor:
            for job, (image, mask, label) in zip(
                jobs, tqdm(executor.map(draw, jobs), "drawing", len(jobs)), strict=True
            ):
                stores[0][job[0] : job[1]], stores[1][job[0] : job[1]], labels[job[0] : job[1]] = (
                    image,
                    mask,
                    label,
                )
        for store in stores:
            store.flush()
        write(paths[-1], lambda file: np.save(file, labels))  # the last: it says that the pool is complete
    return tuple(np.load(p, mmap_mode="r") for p in paths[:2]) + (np.load(paths[2]),)


def crop(
    images: torch.Tensor, masks: torch.Tensor, size: int, share: float, rng: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """A random window of each picture, flipped and turned by quarters; the window keeps a defect in view.

    Args:
        images: (b, 3, 192, 192) in [0, 1].
        masks: (b, 1, 48, 48) in [0, 1], zero for flawless pictures.
        share: of the picture's side; the windows are 0.55 to 1.2 times as wide, but no wider than the picture.

    Returns:
        images (b, 3, size, size), masks (b, 1, size/8, size/8).
    """
    b = len(images)
    rand = lambda *shape: torch.rand(*shape, generator=rng)  # noqa: E731
    window = (share * (0.55 + 0.65 * rand(b))).clamp(max=1.0)  # things look mostly larger than in a whole picture
    axis = torch.linspace(-1, 1, 48)
    weight = masks[:, 0] / masks[:, 0].sum((1, 2), keepdim=True).clamp(min=1e-6)
    centre = torch.stack([(weight.sum(1) * axis).sum(1), (weight.sum(2) * axis).sum(1)], 1)
    # Flawless pictures look at random points too, or the framing would give the defect away.
    centre = torch.where(masks.sum((2, 3)) > 0, centre, rand(b, 2) * 1.4 - 0.7)
    centre = centre + (rand(b, 2) - 0.5) * window[:, None]
    limit = (1 - window)[:, None]
    centre = torch.maximum(torch.minimum(centre, limit), -limit)
    turn = torch.randint(0, 4, (b,), generator=rng) * (np.pi / 2)
    flip = torch.where(rand(b) < 0.5, -1.0, 1.0)
    theta = torch.zeros(b, 2, 3)
    theta[:, 0, 0], theta[:, 0, 1] = window * turn.cos() * flip, -window * turn.sin()
    theta[:, 1, 0], theta[:, 1, 1] = window * turn.sin() * flip, window * turn.cos()
    theta[:, :, 2] = centre
    picture = F.grid_sample(images, F.affine_grid(theta, (b, 3, size, size), False), "bilinear", "border", False)
    # Finer than the patches, then averaged: sampled once a patch, a thin line would be missed.
    fine = F.grid_sample(masks, F.affine_grid(theta, (b, 1, size // 2, size // 2), False), "bilinear", "zeros", False)
    return picture, F.avg_pool2d(fine, 4)


def relight(images: torch.Tensor, rng: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Exposure, contrast, grey, blur and grain; returns the images and which of them lost their colour (b,)."""
    b = len(images)
    rand = lambda: torch.rand(b, 1, 1, 1, generator=rng)  # noqa: E731
    mean = images.mean((1, 2, 3), keepdim=True)
    images = (images - mean) * (0.6 + 0.8 * rand()) + mean * (0.7 + 0.6 * rand())
    grey = rand() < 0.3
    images = torch.where(grey, images.mean(1, keepdim=True).expand_as(images), images)
    images = torch.where(rand() < 0.25, F.avg_pool2d(images, 3, 1, 1, count_include_pad=False), images)
    images = images + torch.randn(images.shape, generator=rng) * (0.06 * rand() * (rand() < 0.5))
    return images.clamp(0, 1), grey.flatten()


# ---- captions -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Caption:
    """A sentence and what it claims; -1 claims nothing. `state`: 0 flawless, 1.. a defect, -2 any defect."""

    text: str
    group: str
    world: int = -1
    state: int = -1
    colour: int = -1
    cell: int = -1


def captions(worlds: np.ndarray, rng: np.random.Generator) -> Iterator[Caption]:
    """A pool of captions for a batch; `worlds` (b,) are the worlds in it, so that named ones are often true."""
    names = list(WORLDS)
    pick = lambda options: options[rng.integers(len(options))]  # noqa: E731

    def noun(world: int) -> str:
        return pick(NOUNS.get(names[world], [names[world]]))

    def anything() -> str:
        # Now and then a word of the whole vocabulary: the state must be read off the state word, whatever the noun.
        return pick(GENERIC) if rng.random() < 0.6 else f"{pick(VOCABULARY)}"

    def stated(state: int, what: str) -> str:
        sentence = pick(FLAWLESS if state == 0 else DAMAGED if state == -2 else DEFECTS[STATES[state]])
        article, rest = sentence.format(pick(SIZES) + what).split(" ", 1)
        return pick(PHOTO).format(f"{article if rng.random() < 0.7 else 'the'} {rest}")

    for _ in range(14):
        yield Caption(stated(0, anything()), "state", state=0)
        yield Caption(stated(-2, anything()), "state", state=-2)
    for state in range(1, len(STATES)):
        for _ in range(2):
            yield Caption(stated(state, anything()), "defect", state=state)
    for _ in range(40):
        world, state = int(pick(worlds)), int(pick([0, -2, rng.integers(1, len(STATES))]))
        yield Caption(stated(state, noun(world)), "noun and state", world=world, state=state)
    for world in rng.permutation(len(names))[:20]:
        yield Caption(pick(PHOTO).format(f"a {noun(world)}"), "noun", world=int(world))
    for c, word in enumerate(COLOURS):
        yield Caption(pick(PHOTO).format(f"a {word} {pick(GENERIC)}"), "colour", colour=c)
    for c, place in enumerate(CELLS):
        yield Caption(f"{pick(['damage', 'a fault', 'a mark'])} at the {place}", "place", cell=c)
        state = int(rng.integers(1, len(STATES)))
        yield Caption(f"a {STATES[state].replace('_', ' ')} at the {place}", "place", state=state, cell=c)


def truth(pool: list[Caption], world, state, colour, cell) -> torch.Tensor:
    """Which caption is true of which picture (b, captions); labels are (b,), -1 where there is nothing to say."""
    device, names = state.device, ("world", "state", "colour", "cell")
    claim = {f: torch.tensor([getattr(c, f) for c in pool], device=device) for f in names}
    true = torch.ones(len(world), len(pool), dtype=torch.bool, device=device)
    for name, value in (("world", world), ("colour", colour), ("cell", cell)):
        true &= (claim[name] == -1) | (claim[name] == value[:, None])
    any_defect = (claim["state"] == -2) & (state[:, None] > 0)
    return true & ((claim["state"] == -1) | (claim["state"] == state[:, None]) | any_defect)


def vocabulary() -> list[str]:
    """Frequent words of the tokenizer's vocabulary, the target's own left out."""
    own = set(workshop.TARGET) | {w.replace("_", " ") for w in workshop.NEW}
    own |= {"foreign", "body", "corrosion", "rust", "mould"}
    return [word for word in known_words() if word not in own][:4000]


VOCABULARY = vocabulary()
_tokenize = open_clip.get_tokenizer("ViT-B-32")


class Words(torch.nn.Module):
    """Token embeddings of which only the rows of `used_tokens` are learned (and shipped); the others stay as built."""

    def __init__(self, clip: open_clip.CLIP):
        super().__init__()
        ids = torch.tensor(used_tokens())
        self.frozen = clip.token_embedding.weight.detach()
        self.rows = torch.nn.Parameter(self.frozen[ids].clone())
        self.register_buffer("ids", ids)
        self.register_buffer("row_of", torch.full((len(self.frozen),), -1).index_copy(0, ids, torch.arange(len(ids))))

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        row = self.row_of[ids]
        return torch.where(row[..., None] >= 0, self.rows[row.clamp(min=0)], self.frozen[ids])


def encode(clip: open_clip.CLIP, words: Words, texts: list[str]) -> torch.Tensor:
    """Unit text embeddings (n, D); only as many tokens are run as the longest caption has."""
    ids = _tokenize(texts).to(words.rows.device)
    length = int(ids.argmax(1).max()) + 1
    x = words(ids[:, :length]) + clip.positional_embedding[:length]
    x = clip.ln_final(clip.transformer(x, attn_mask=clip.attn_mask[:length, :length]))
    return F.normalize(x[torch.arange(len(ids)), ids[:, :length].argmax(1)] @ clip.text_projection, dim=-1)


def sigmoid_loss(logits: torch.Tensor, true: torch.Tensor, pool: list[Caption], recipe: Recipe) -> torch.Tensor:
    """Binary cross-entropy, true and false pairs weighing the same within each group of captions."""
    losses = F.binary_cross_entropy_with_logits(logits, true.float(), reduction="none")
    total, weights = 0.0, 0.0
    for group in dict.fromkeys(c.group for c in pool):
        columns = torch.tensor([c.group == group for c in pool])
        loss, t = losses[:, columns], true[:, columns]
        weight = recipe.state_weight if group in ("state", "defect", "noun and state", "place") else 1.0
        halves = [loss[part].mean() for part in (t, ~t) if part.any()]
        total, weights = total + weight * sum(halves) / len(halves), weights + weight
    return total / weights


class Regions(torch.nn.Module):
    """Patch tokens of the feature layers against captions; only pre-training has it."""

    def __init__(self, seed: int):
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.heads = torch.nn.ModuleList(
                torch.nn.Sequential(torch.nn.LayerNorm(tiny.WIDTH), torch.nn.Linear(tiny.WIDTH, tiny.WIDTH))
                for _ in range(tiny.LAYERS)
            )
        self.logit_scale = torch.nn.Parameter(torch.tensor(10.0).log())
        self.logit_bias = torch.nn.Parameter(torch.tensor(-2.0))

    def forward(self, patches: list[torch.Tensor], text: torch.Tensor) -> torch.Tensor:
        """Patches L times (b, N, W) and unit captions (n, D) -> logits (L, b, N, n)."""
        tokens = torch.stack([F.normalize(head(p), dim=-1) for head, p in zip(self.heads, patches, strict=True)])
        return self.logit_scale.exp() * tokens @ text.T + self.logit_bias


def region_loss(logits: torch.Tensor, mask: torch.Tensor, state: torch.Tensor, pool: list[Caption]) -> torch.Tensor:
    """Binary cross-entropy over patches, defective and flawless ones, true and false captions weighing the same.

    Args:
        logits: (L, b, N, n).
        mask: (b, N) share of each patch that is defective; patches that are so in part are left out.
        state: (b,) of the images.
    """
    b, n = mask.shape
    hurt, sound = mask > 0.12, mask < 0.02
    told = torch.where(hurt, state[:, None], 0).flatten()
    nothing = torch.full_like(told, -1)
    true = truth(pool, nothing, told, nothing, nothing).view(b, n, -1)
    losses = F.binary_cross_entropy_with_logits(logits, true.float().expand_as(logits), reduction="none").mean(0)
    parts = [losses[where[..., None] & claim] for where in (hurt, sound) for claim in (true, ~true)]
    return torch.stack([part.mean() for part in parts if part.numel()]).mean()


# ---- training -------------------------------------------------------------------------------------------------------


def batch(pictures, recipe: Recipe, step: int):
    """A step's images (b, 3, size, size), captions, their truth (b, captions), masks (b, N), states (b,)."""
    images, masks, labels = pictures
    rng, torch_rng = (
        np.random.default_rng([recipe.seed, 1, step]),
        torch.Generator().manual_seed(recipe.seed * 2**32 + step),
    )
    if step < recipe.steps_small:
        size, number, share = SMALL, recipe.batch_small, 0.5
    else:
        size, number, share = recipe.image_size, recipe.batch_large, 1.0
    index = np.sort(rng.choice(len(labels), number, replace=False))
    x = torch.from_numpy(images[index]).permute(0, 3, 1, 2).float() / 255
    m = torch.from_numpy(masks[index])[:, None].float() / 255
    world, state, colour = torch.from_numpy(labels[index]).T
    x, m = crop(x, m, size, share, torch_rng)
    x, grey = relight(x, torch_rng)
    colour = torch.where(grey, COLOURS.index("grey"), colour)
    g = m.shape[-1]
    axis = torch.arange(g) * 3 // g
    weight = m[:, 0]
    y = (weight.sum(2) * torch.arange(g)).sum(1) / weight.sum((1, 2)).clamp(min=1e-6)
    z = (weight.sum(1) * torch.arange(g)).sum(1) / weight.sum((1, 2)).clamp(min=1e-6)
    cell = torch.where(
        state > 0, axis[y.round().long().clamp(max=g - 1)] * 3 + axis[z.round().long().clamp(max=g - 1)], -1
    )
    texts = list(captions(labels[index, 0], rng))
    normal = (x - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(SD).view(3, 1, 1)
    return normal, texts, truth(texts, world, state, colour, cell), m.flatten(1), state


def train(
    recipe: Recipe, folder: Path, workers: int = 2, device: str = "cpu", start: open_clip.CLIP | None = None
) -> open_clip.CLIP:
    """Pre-train, going on where an interrupted run in `folder` stopped; the curve is written to its history.csv.

    Args:
        start: a CLIP of any side to begin from, for a recipe without small windows.
    """
    folder.mkdir(parents=True, exist_ok=True)
    identity = asdict(recipe) | {"workshop": workshop.VERSION}
    pictures = pool(recipe, folder, workers)
    total = recipe.steps_small + recipe.steps_large
    clip = (start or tiny.build(recipe.seed, image_size=SMALL)).to(device).train()
    if recipe.text_alone:
        if start is None or recipe.steps_small:
            raise ValueError("text_alone needs an image tower to learn from: give start, and steps_small=0")
        clip = without_words(clip, recipe.seed)
    clip.token_embedding.weight.requires_grad_(False)
    words, regions = Words(clip).to(device), Regions(recipe.seed).to(device)
    optimizer = make_optimizer(clip, words, regions, recipe)
    first, seconds, saved = 0, 0.0, folder / "state.pt"
    if saved.exists():
        state = torch.load(saved, weights_only=True)
        if state.get("recipe") != identity:
            raise ValueError(f"{saved} is of another recipe or workshop; give another folder with --out, or delete it")
        first, seconds = state["step"], state["seconds"]
        if first > recipe.steps_small:
            clip, optimizer = grow(clip, words, regions, recipe)
        clip.load_state_dict(state["clip"])
        words.load_state_dict(state["words"])
        regions.load_state_dict(state["regions"])
        optimizer.load_state_dict(state["optimizer"])
    # On processors without instructions for it, bfloat16 is slower than float32.
    half = device != "cpu" or torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    began, history = time.time() - seconds, folder / "history.csv"
    for step in tqdm(range(first, total), "pre-training", total, initial=first):
        if step == recipe.steps_small:
            clip, optimizer = grow(clip, words, regions, recipe)
        x, texts, true, mask, kind = batch(pictures, recipe, step)
        rate = recipe.lr * min((step + 1) / 100, 1 - step / total)
        for group in optimizer.param_groups:
            group["lr"] = rate
        with torch.autocast(device, torch.bfloat16, enabled=half):
            seen = clip.forward_intermediates(x.to(device), image_indices=tiny.LAYERS, image_output_fmt="NLC")
            t = encode(clip, words, [c.text for c in texts])
            told = [i for i, c in enumerate(texts) if c.group in ("state", "defect")]
            local = regions(seen["image_intermediates"], t[told])
        logits = (
            clip.logit_scale.exp().clamp(max=100) * (seen["image_features"].float() @ t.float().T) + clip.logit_bias
        )
        loss_image = sigmoid_loss(logits, true.to(device), texts, recipe)
        loss_region = region_loss(local.float(), mask.to(device), kind.to(device), [texts[i] for i in told])
        loss = loss_image + recipe.region_weight * loss_region
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(clip.parameters(), 1.0)
        optimizer.step()
        if step % 25 == 0 or step == total - 1:
            row = {"step": step, "minutes": (time.time() - began) / 60}
            row |= {"loss_image": loss_image.item(), "loss_region": loss_region.item()} | accuracy(
                logits.cpu(), true, texts
            )
            with open(history, "a") as file:
                if file.tell() == 0:
                    file.write(",".join(row) + "\n")
                file.write(",".join(f"{v:.4g}" for v in row.values()) + "\n")
        if (step + 1) % SAVE_EVERY == 0 or step == total - 1:
            state = {
                "clip": clip.state_dict(),
                "words": words.state_dict(),
                "regions": regions.state_dict(),
                "recipe": identity,
                "optimizer": optimizer.state_dict(),
            }
            state |= {"step": step + 1, "seconds": time.time() - began}
            write(saved, lambda file, state=state: torch.save(state, file))
    clip.token_embedding.weight.data[words.ids] = words.rows.data
    return clip.eval()


def make_optimizer(clip: open_clip.CLIP, words: Words, regions: Regions, recipe: Recipe) -> torch.optim.AdamW:
    """AdamW; gains, biases, embeddings and temperatures do not decay."""
    named = [(n, p) for part in (clip, regions) for n, p in part.named_parameters() if p.requires_grad]
    plain = [p for n, p in named if p.ndim < 2 or "embedding" in n] + [words.rows]
    decay = [p for n, p in named if not (p.ndim < 2 or "embedding" in n)]
    groups = [{"params": decay, "weight_decay": recipe.weight_decay}, {"params": plain, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=recipe.lr, betas=(0.9, 0.98))


def grow(
    clip: open_clip.CLIP, words: Words, regions: Regions, recipe: Recipe
) -> tuple[open_clip.CLIP, torch.optim.AdamW]:
    """The same CLIP for large windows, position embeddings resized, with an optimizer of its own."""
    large = tiny.build(recipe.seed, image_size=recipe.image_size)
    state = clip.state_dict()
    resize_pos_embed(state, large)
    large.load_state_dict(state)
    large.token_embedding.weight.requires_grad_(False)
    large = large.to(clip.logit_scale.device).train()
    if recipe.text_alone:
        large.visual.requires_grad_(False).eval()
    return large, make_optimizer(large, words, regions, recipe)


def without_words(clip: open_clip.CLIP, seed: int) -> open_clip.CLIP:
    """The same image tower beside a text tower that has learned nothing."""
    fresh = tiny.build(seed, image_size=clip.visual.image_size[0]).to(clip.logit_scale.device)
    fresh.visual.load_state_dict(clip.visual.state_dict())
    return fresh


def accuracy(logits: torch.Tensor, true: torch.Tensor, texts: list[Caption]) -> dict[str, float]:
    """Per group of captions, the mean of the shares of true and of false pairs judged rightly."""
    right, result = (logits > 0) == true, {}
    for group in dict.fromkeys(c.group for c in texts):
        columns = torch.tensor([c.group == group for c in texts])
        r, t = right[:, columns], true[:, columns]
        result[group.replace(" ", "_")] = float(torch.stack([r[t].float().mean(), r[~t].float().mean()]).mean())
    return result


def used_tokens() -> list[int]:
    """The token ids of all that captions say, but for the nouns they draw now and then from VOCABULARY.

    Those are there so that no noun decides about a state: an embedding that stays as built serves for that.
    """
    texts = [s.format(n) for s in FLAWLESS + DAMAGED + sum(DEFECTS.values(), []) for n in ["", *GENERIC, *SIZES]]
    texts += (
        [p.format("the") for p in PHOTO] + COLOURS + CELLS + [n for ns in NOUNS.values() for n in ns] + list(WORLDS)
    )
    texts += ["damage at the", "a fault", "a mark", *(s.replace("_", " ") for s in STATES)]
    return sorted(set(_tokenize(texts).flatten().tolist()))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m pfl.pretrain", description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=home() / "pretrain", help="working folder; a rerun resumes here")
    parser.add_argument("--assets", type=Path, default=tiny.ASSETS, help="where the weights and their card are written")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    args = parser.parse_args()
    clip, curves = None, []
    for n, recipe in enumerate(ROUNDS):
        folder = args.out / f"round{n}"
        clip = train(recipe, folder, args.workers, args.device, start=clip)
        curves.append(read_history(folder))
        if n:
            curves[n]["step"] += curves[n - 1]["step"].iloc[-1] + 1
            curves[n]["minutes"] += curves[n - 1]["minutes"].iloc[-1]
    history = pd.concat(curves)
    card = {
        "rounds": [asdict(recipe) for recipe in ROUNDS],
        "parameters": sum(p.numel() for n, p in clip.named_parameters() if n != "token_embedding.weight"),
        "minutes": float(history["minutes"].iloc[-1].round(1)),
        "workshop": workshop.VERSION,
        "torch": torch.__version__,
    }
    tiny.save(clip.cpu(), used_tokens(), card, args.assets)
    history.to_csv(args.assets / "tiny_clip_history.csv", index=False)
    print(json.dumps(card, indent=2))


def read_history(folder: Path) -> pd.DataFrame:
    """The curve of a run; a resumed one repeats steps, of which the last counts."""
    return pd.read_csv(folder / "history.csv").drop_duplicates("step", keep="last")


if __name__ == "__main__":
    main()
