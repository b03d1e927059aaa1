"""The pool of drawings for a round of pre-training, stored on disk."""

import os
from pathlib import Path

import cv2
import numpy as np
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from .captions import COLOURS, NAMES, STATES
from .kinds import CAPTIONED
from .scenes import SIZE, scene, variation
from .splits import VERSION

COARSE = 48  # side of the stored masks
SHARES = np.array([kind.share for kind in CAPTIONED.values()])


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


def draw(i: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Drawing i of a seed's pool: image (192, 192, 3) and mask (48, 48) uint8, labels (3,): kind, state, colour."""
    cv2.setNumThreads(1)
    rng = np.random.default_rng([seed, i])
    number = int(rng.choice(len(NAMES), p=SHARES / SHARES.sum()))
    kind = CAPTIONED[NAMES[number]]
    names = kind.defects("captioned")
    defect = None if rng.random() < 0.45 else names[rng.integers(len(names))]
    if rng.random() < 0.5:
        varied = variation(rng)
    else:  # clearly visible, some of them large
        varied = {"scale": float(rng.choice([1.0, rng.uniform(1, 2.2)], p=[0.6, 0.4]))}
    drawn = scene(rng, kind, defect, **varied)
    mask = cv2.resize(drawn.mask.astype(np.float32), (COARSE, COARSE), interpolation=cv2.INTER_AREA)
    label = (number, STATES.index(defect or "flawless"), colour_name(drawn.image, drawn.thing))
    return drawn.image, (mask * 255).astype(np.uint8), np.array(label)


class _Drawings(Dataset):
    def __init__(self, count: int, seed: int):
        self.count, self.seed = count, seed

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, i: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return draw(i, self.seed)


def pool(count: int, seed: int, folder: Path, workers: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Images, masks and labels of `count` drawings, as `draw` returns each; drawn once, then read from `folder`.

    40,000 take 4.5 GB. workers is the number of processes that draw; 0 draws in this one.
    """
    stem = f"pool-v{VERSION}-seed{seed}-{count}"
    paths = [folder / f"{stem}-{part}.npy" for part in ("images", "masks", "labels")]
    if not paths[-1].exists():
        shapes = ((SIZE, SIZE, 3), np.uint8), ((COARSE, COARSE), np.uint8), ((3,), np.int64)
        parts = [path.with_suffix(".part") for path in paths]
        stores = [
            np.lib.format.open_memmap(part, "w+", dtype, (count, *shape))
            for part, (shape, dtype) in zip(parts, shapes, strict=True)
        ]
        start = "spawn" if workers else None  # forking a process with running torch threads can hang
        loader = DataLoader(_Drawings(count, seed), batch_size=None, num_workers=workers, multiprocessing_context=start)
        for i, values in enumerate(tqdm(loader, "drawing")):
            for store, value in zip(stores, values, strict=True):
                store[i] = value
        for store, part, path in zip(stores, parts, paths, strict=True):
            store.flush()
            os.replace(part, path)  # labels last: their file marks a complete pool
    images, masks, labels = (np.load(path, mmap_mode="r") for path in paths)
    return images, masks, np.array(labels)
