"""The pool of scenes for a round of pre-training, drawings and photographs, stored on disk."""

import os
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from . import photoscenes
from .captions import COLOURS, NAMES, STATES
from .kinds import CAPTIONED
from .scenes import SIZE, Scene, scene, variation

VERSION = 3  # of the scenes: part of the files' names, so that pools of two versions are never mixed
COARSE = 48  # side of the stored masks
SHARES = np.array([kind.share for kind in CAPTIONED.values()])
Labelled = tuple[np.ndarray, np.ndarray, np.ndarray]


def colour_name(image: np.ndarray, thing: np.ndarray) -> int:
    """Index into COLOURS of the thing's mean colour."""
    hue, saturation, value = cv2.cvtColor(np.array([[image[thing].mean(0) / 255]], np.float32), cv2.COLOR_RGB2HSV)[0, 0]
    if value < 0.2:
        name = "black"
    elif saturation < 0.15:
        name = "white" if value > 0.75 else "grey"
    elif 10 <= hue < 45 and value < 0.55:
        name = "brown"
    else:
        names = "red orange yellow green cyan blue purple pink red".split()
        name = names[np.searchsorted([15, 42, 68, 160, 195, 255, 290, 340], hue)]
    return COLOURS.index(name)


def drawing(rng: np.random.Generator, defective: bool) -> tuple[Scene, int, str]:
    """A drawing of a random kind, the index of its kind, and its state."""
    number = int(rng.choice(len(NAMES), p=SHARES / SHARES.sum()))
    kind = CAPTIONED[NAMES[number]]
    names = kind.defects("captioned")
    if rng.random() < 0.5:
        varied = variation(rng)
    else:  # clearly visible, some of them large
        varied = {"scale": float(rng.choice([1.0, rng.uniform(1, 2.2)], p=[0.6, 0.4]))}
    defect = names[rng.integers(len(names))] if defective else None
    return scene(rng, kind, defect, **varied), number, defect or "flawless"


@dataclass
class Scenes(Dataset):
    """Scenes, half of them with a defect: image (192, 192, 3) and mask (48, 48) uint8, labels: kind, state, colour.

    library: photographs for a share of the scenes, whose kind is -1. Raises ValueError for a share without it.
    """

    count: int
    seed: int
    library: photoscenes.Library | None = None
    share: float = 0.0

    def __post_init__(self):
        if self.share and not self.library:
            raise ValueError(f"a share of {self.share:g} of photographs needs a library of them")

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, i: int) -> Labelled:
        cv2.setNumThreads(1)
        rng = np.random.default_rng([self.seed, i])
        defective = bool(rng.random() < 0.5)
        if self.share and rng.random() < self.share:
            assert self.library is not None, "checked above"
            (seen, state), number = photoscenes.scene(rng, self.library, defective), -1
        else:
            seen, number, state = drawing(rng, defective)
        mask = cv2.resize(seen.mask.astype(np.float32), (COARSE, COARSE), interpolation=cv2.INTER_AREA)
        label = np.array([number, STATES.index(state), colour_name(seen.image, seen.thing)])
        return seen.image, (mask * 255).astype(np.uint8), label


def pool(scenes: Scenes, folder: Path, workers: int) -> Labelled:
    """Images, masks and labels of all scenes; drawn once, then read from `folder`.

    40,000 take 4.5 GB. workers is the number of processes that draw; 0 draws in this one.
    """
    stem = f"pool-v{VERSION}-seed{scenes.seed}-{len(scenes)}-{scenes.share:g}"
    paths = [folder / f"{stem}-{part}.npy" for part in ("images", "masks", "labels")]
    if not paths[-1].exists():
        shapes = ((SIZE, SIZE, 3), np.uint8), ((COARSE, COARSE), np.uint8), ((3,), np.int64)
        parts = [path.with_suffix(".part") for path in paths]
        stores = [
            np.lib.format.open_memmap(part, "w+", dtype, (len(scenes), *shape))
            for part, (shape, dtype) in zip(parts, shapes, strict=True)
        ]
        start = "spawn" if workers else None  # forking a process with running torch threads can hang
        loader = DataLoader(scenes, batch_size=None, num_workers=workers, multiprocessing_context=start)
        for i, values in enumerate(tqdm(loader, "drawing")):
            for store, value in zip(stores, values, strict=True):
                store[i] = value
        for store, part, path in zip(stores, parts, paths, strict=True):
            store.flush()
            os.replace(part, path)  # labels last: their file marks a complete pool
    images, masks, labels = (np.load(path, mmap_mode="r") for path in paths)
    return images, masks, np.array(labels)
