"""An example of a folder of your own images: photographs of a brick wall, some with a painted defect."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from ..data.writing import write
from ..workshop import phototarget


def plan(seed: Sequence[int], defective: float) -> tuple[np.random.Generator, str | None]:
    """The generator that continues an image's drawing, and its defect, which it has with the given probability."""
    rng, families = np.random.default_rng(seed), phototarget.defects_of("brick")
    return rng, families[rng.integers(len(families))] if rng.random() < defective else None


def defects(count: int, seed: Sequence[int], defective: float) -> dict[str, str | None]:
    """What `draw` paints: each file's name, and its defect or None."""
    return {_name(i): plan([*seed, i], defective)[1] for i in range(count)}


def draw(path: Path, count: int, seed: Sequence[int], defective: float) -> Path:
    """Write a folder of images as a camera would: uninformative names, no labels. No file is replaced.

    Raises:
        FileExistsError: the folder contains something else.
    """
    drawn = {}
    for i in range(count):
        (rng, defect), file = plan([*seed, i], defective), io.BytesIO()
        Image.fromarray(phototarget.scene(rng, "brick", defect).image).save(file, "PNG")
        drawn[path / _name(i)] = file.getvalue()
    strange = [p for p in path.rglob("*") if p not in drawn or p.read_bytes() != drawn[p]]
    if strange:
        raise FileExistsError(f"{strange[0]} is not one of the example images; move it, or pass folder={str(path)!r}")
    for image in drawn.keys() - set(path.rglob("*")):
        write(image, drawn[image])
    return path


def _name(i: int) -> str:
    return f"IMG {i:04d}.png"
