"""The splits of the workshop on disk, drawn from a seed on first use.

`auxiliary` is for training; `target` (drawings) and `photographs` are for tests.
"""

import os
import tempfile
import zlib
from collections.abc import Collection
from pathlib import Path

import numpy as np

from ..data import mvtec
from ..data.files import home
from ..data.samples import Dataset
from . import phototarget
from .kinds import AUXILIARY, PHOTOGRAPHED, TARGET
from .scenes import scene, variation, write

VERSION = 12  # part of the folder's name: drawings of two versions are never mixed
DRAWN = 4  # part of the seed: the target's images are those of version 4
IMAGES = {"auxiliary": (40, 48), "target": (30, 36), "photographs": (30, 30)}  # normal and defective, per category
SPLITS: dict[str, Collection[str]] = {"auxiliary": AUXILIARY, "target": TARGET, "photographs": PHOTOGRAPHED}


def load(root: Path | str | None = None, *, split: str = "target", seed: int = 0) -> Dataset:
    """Load a split as a data set; it is drawn on first use.

    Args:
        root: folder of the splits; default `home()`.
        split: "auxiliary", "target" or "photographs"; they share no category, and the tiny CLIP has seen none of them.
    """
    name = split if split == "photographs" else f"workshop-{split}"
    return mvtec.read(folder(root, split, seed), name=name)


def folder(root: Path | str | None = None, split: str = "target", seed: int = 0) -> Path:
    """The folder of a split, which is drawn on first use. Raises ValueError for an unknown split."""
    if split not in SPLITS:
        raise ValueError(f"the workshop has no split {split!r}; choose one of {', '.join(SPLITS)}")
    path = Path(root or home()) / f"workshop-v{VERSION}-seed{seed}" / split
    if not path.exists():
        make(path, split, seed)
    return path


def make(folder: Path, split: str, seed: int = 0) -> None:
    """Write a split atomically in MVTec's layout."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as temporary:
        part = Path(temporary) / folder.name  # a sub-folder: only its owner can read the temporary folder
        _draw(part, split, seed)
        try:
            os.replace(part, folder)
        except OSError:  # another process finished first, with the same images
            if not folder.exists():
                raise


def _draw(folder: Path, split: str, seed: int) -> None:
    normal, defective = IMAGES[split]
    for category in SPLITS[split]:
        kind = (AUXILIARY | TARGET).get(category)
        names = kind.defects(split) if kind else phototarget.defects_of(category)
        plan = ["good"] * normal + [names[i % len(names)] for i in range(defective)]
        for i, defect in enumerate(plan):
            rng = np.random.default_rng([DRAWN, seed, zlib.crc32(f"{split}/{category}".encode()), i])
            name = None if defect == "good" else defect
            if kind is None:
                drawn = phototarget.scene(rng, category, name)
            else:  # defects vary more in training than in tests
                varied = split == "auxiliary" and name is not None and rng.random() < 0.6
                drawn = scene(rng, kind, name, **(variation(rng) if varied else {}))
            write(folder, category, i, drawn, name)
