"""The workshop: synthetic data in MVTec layout, drawn from a seed, small enough to learn on and hard enough to fail on.

Three sets of categories, disjoint. Of those in `CAPTIONED` the tiny CLIP was shown drawings with captions. The split
`auxiliary` is annotated and trained on: kinds of things that the CLIP has not met, so that what is learned on them is
how it errs on such. The split `target` is only ever tested on, and two of its defect families (foreign body, corrosion)
occur nowhere else. Some target surfaces are photographs that ship inside scikit-image.
"""

import json
import os
import tempfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from pfl.data import defects, mvtec, objects, surfaces
from pfl.data.files import home
from pfl.data.samples import Dataset
from pfl.data.surfaces import noise

Rng = np.random.Generator

VERSION = 11  # part of the folder's name: drawings of another version are never mixed in
DRAWN = 4  # part of the seed: the target's pictures are those of version 4
SIZE = 192  # pixels
IMAGES = {"auxiliary": (40, 48), "target": (30, 36)}  # flawless and defective ones in a category

SURFACE = ("scratch", "crack", "stain", "hole", "bare_patch", "misprint")  # defects of any surface
LINES = ("scratch", "crack")  # may be drawn thinner
PATCHES = ("stain", "bare_patch")  # may have straight edges
NEW = ("foreign_body", "corrosion")  # only in the target


@dataclass(frozen=True, kw_only=True)
class Category:
    """One kind of thing: a surface that fills the picture, or an object on a ground."""

    surface: Callable | None = None
    part: Callable | None = None
    grounds: tuple[Callable, ...] = (surfaces.paint, surfaces.cloud, surfaces.sand, surfaces.steel)


def _catalogue(split_surfaces: str, split_objects: str) -> dict[str, Category]:
    kinds = {name: Category(surface=getattr(surfaces, name)) for name in split_surfaces.split()}
    return kinds | {name: Category(part=getattr(objects, name)) for name in split_objects.split()}


# The more kinds of things the CLIP meets, the less it can hold on to any of them.
BREADTH = {
    "plaster": surfaces.cloud,
    "sandpaper": surfaces.sand,
    "crystal": surfaces.mosaic,
    "zinc": surfaces.zinc,
    "granite": surfaces.granite,
    "lattice": surfaces.grid,
    "fabric": surfaces.stripes,
    "pattern": surfaces.dots,
    "board": surfaces.paint,
    "felt": surfaces.shavings,
    "concrete": surfaces.spectral,
    "wallpaper": surfaces.double,
    "panel": surfaces.panel,
    "poster": surfaces.picture,
}
GROUNDS = (
    *BREADTH.values(),
    surfaces.wood,
    surfaces.steel,
    surfaces.leather,
    surfaces.rubber,
    surfaces.tile,
    surfaces.marble,
)
CAPTIONED = (
    _catalogue(
        "wood leather carpet tile steel marble rubber corrugated",
        "washer nut button cookie bottle bolt ticket socket ruler remote fork wrench plug watch comb hinge bracket "
        "battery pencil brush peg rack spoon mug switch spring coin calculator gauge screwdriver hammer flange wheel "
        "camera pan racket stick leaf",
    )
    | {name: Category(surface=surface) for name, surface in BREADTH.items()}
    | {name: Category(part=objects.shape, grounds=GROUNDS) for name in ("badge", "toy")}
)
AUXILIARY = _catalogue(
    "cork parquet shingles knit honeycomb terrazzo treadplate bark",
    "teapot guitar umbrella envelope bell boat saw mushroom shirt abacus",
)
TARGET = _catalogue("brick gravel grass mesh", "gear capsule key chip domino")
SPLITS = {"auxiliary": AUXILIARY, "target": TARGET}


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A drawn picture: image (size, size, 3) uint8, mask of the defect and of the thing itself (size, size) bool."""

    image: np.ndarray
    mask: np.ndarray
    thing: np.ndarray


def defect_names(category: Category, split: str) -> tuple[str, ...]:
    """The defect families of a category: those of surfaces, a missing part for objects, and the target's own two."""
    families = SURFACE if category.part is None else tuple(d for d in SURFACE if d != "bare_patch") + ("missing_part",)
    return families + (NEW if split == "target" else ())


def variation(rng: Rng) -> dict[str, float | bool]:
    """Arguments of `scene` that draw a defect smaller, larger, thinner, straighter, fainter or softer."""
    return {
        "scale": float(rng.choice([1.0, np.exp(rng.uniform(np.log(0.5), np.log(2.2)))], p=[0.4, 0.6])),
        "straight": bool(rng.random() < 0.3),
        "width": float(rng.choice([1.0, np.exp(rng.uniform(np.log(0.2), 0))], p=[0.3, 0.7])),
        "strength": float(rng.choice([1.0, rng.uniform(0.3, 1)])),
        "softness": float(rng.choice([0.0, rng.uniform(0.5, 4)], p=[0.7, 0.3])),
    }


def scene(
    rng: Rng,
    category: Category,
    defect: str | None = None,
    *,
    size: int = SIZE,
    scale: float = 1.0,
    width: float = 1.0,
    straight: bool = False,
    strength: float = 1.0,
    softness: float = 0.0,
) -> Scene:
    """Draw one picture.

    Args:
        rng: all randomness.
        category: what to draw.
        defect: a name of `defect_names`, or None for a flawless one.
        size: side in pixels.
        scale: enlarges the defect.
        width: of the lines of a scratch or a crack; 1 draws them as they are.
        straight: whether a stain or a bare patch has straight edges.
        strength: 1 draws the defect as it is, less lets the flawless surface show through.
        softness: sd in pixels by which the defect's edges are blurred. Neither changes a missing part.
    """
    mask = np.zeros((size, size), np.float32)
    if category.part is None:
        image, thing = category.surface(rng, size), np.ones((size, size), np.float32)
    else:
        ground = category.grounds[rng.integers(len(category.grounds))](rng, size)
        bite = (lambda s: defects.bite(rng, s, scale)) if defect == "missing_part" else None
        image, thing, missing = objects.draw(rng, category.part(rng), ground, bite)
        mask = mask if missing is None else missing
    image = np.clip(image, 0, 1).astype(np.float32)
    image = _allowed(rng, image)
    if defect not in (None, "missing_part"):
        # A defect that happens to change nearly nothing is drawn again: the label must be true.
        form = {"width": width} if defect in LINES else {"straight": straight} if defect in PATCHES else {}
        for _ in range(8):
            hurt, mask = getattr(defects, defect)(rng, image, thing, scale, **form)
            core = mask > min(0.5, mask.max() / 2)
            if core.sum() > 120 * scale * width and np.abs(hurt - image)[core].mean() > 0.14:
                break
        change = strength * (hurt - image)
        if softness:
            change, mask = (cv2.GaussianBlur(field, (0, 0), softness) for field in (change, mask))
        image = image + change
    image = _photograph(rng, image)
    # A thin line blurred until it nowhere reaches the cut keeps its core: no defect loses its mask.
    cut = 0.4 if mask.max() > 0.4 else mask.max() / 2
    return Scene(image=(image * 255 + 0.5).astype(np.uint8), mask=mask > cut, thing=thing > 0.5)


def _allowed(rng: Rng, image: np.ndarray) -> np.ndarray:
    """Faults that are normal: faint flecks and soft uneven colour."""
    size = image.shape[0]
    if rng.random() < 0.5:
        flecks = surfaces.spots(rng, size, int(rng.integers(3, 25)), (0.003, 0.008))[..., None]
        image = image * (1 - flecks * rng.uniform(0.1, 0.35))
    if rng.random() < 0.5:
        image = image * (1 + rng.uniform(0.03, 0.12) * noise(rng, size, 3, 1))[..., None]
    return np.clip(image, 0, 1).astype(np.float32)


def _photograph(rng: Rng, image: np.ndarray) -> np.ndarray:
    """Light from one side, a lens that darkens the corners, exposure, a little blur and grain."""
    size = image.shape[0]
    u, v = surfaces.axes(rng, size)
    light = 1 + rng.uniform(0, 0.35) * u - rng.uniform(0, 0.5) * (u**2 + v**2)
    image = image * (light * rng.uniform(0.85, 1.2))[..., None]
    if rng.random() < 0.4:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.3, 1.0))
    image = image + rng.standard_normal((size, size, 1), np.float32) * rng.uniform(0, 0.03)
    return np.clip(image, 0, 1).astype(np.float32)


def make(folder: Path, split: str, seed: int = 0) -> None:
    """Write a split in MVTec layout, whole or not at all.

    `<category>/test/<good|defect>/NNN.png`, `<category>/ground_truth/<defect>/NNN_mask.png`.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as temporary:
        part = Path(temporary) / folder.name  # a folder within, since the temporary one is for our eyes only
        _draw(part, split, seed)
        try:
            os.replace(part, folder)
        except OSError:  # another process was first; its drawings are the same
            if not folder.exists():
                raise


def _draw(folder: Path, split: str, seed: int) -> None:
    for name, category in SPLITS[split].items():
        families = defect_names(category, split)
        flawless, defective = IMAGES[split]
        plan = ["good"] * flawless + [families[i % len(families)] for i in range(defective)]
        for i, kind in enumerate(plan):
            rng = np.random.default_rng([DRAWN, seed, zlib.crc32(f"{split}/{name}".encode()), i])
            # What training meets is more varied than what it is tested on.
            varied = split == "auxiliary" and kind != "good" and rng.random() < 0.6
            drawn = scene(rng, category, None if kind == "good" else kind, **(variation(rng) if varied else {}))
            _write(folder / name / "test" / kind / f"{i:03d}.png", cv2.cvtColor(drawn.image, cv2.COLOR_RGB2BGR))
            if kind != "good":
                _write(
                    folder / name / "ground_truth" / kind / f"{i:03d}_mask.png",
                    drawn.mask.astype(np.uint8) * 255,
                )
    facts = {"version": VERSION, "seed": seed, "split": split, "size": SIZE}
    (folder / "workshop.json").write_text(json.dumps(facts))


def _write(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(path), image):
        raise OSError(f"could not write {path}; is the disk full?")


def folder(root: Path | str | None = None, split: str = "target", seed: int = 0) -> Path:
    """The folder of a split, drawn on first use.

    Raises:
        ValueError: for a split that does not exist.
    """
    if split not in SPLITS:
        raise ValueError(f"the workshop has no split {split!r}; choose one of {', '.join(SPLITS)}")
    path = Path(root or home()) / f"workshop-v{VERSION}-seed{seed}" / split
    if not path.exists():
        make(path, split, seed)
    return path


def load(root: Path | str | None = None, *, split: str = "target", seed: int = 0) -> Dataset:
    """A split of the workshop as a data set, drawn on first use.

    Args:
        root: where it is kept; default `home()`.
        split: "auxiliary" to train on, "target" to test on; their categories are disjoint, and new to the tiny CLIP.
    """
    return mvtec.read(folder(root, split, seed), name=f"workshop-{split}")
