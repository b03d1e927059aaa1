"""Scenes made of photographs: a surface, or an object on a ground with its shadow, normal or with a painted defect.

Much that is normal looks like damage at first: strong grain, dirt all over, joints, prints.
`python -m pfl.workshop.photoscenes COPIES OUT --packages PACKAGES` writes a data set of them, to train the default on.
"""

import argparse
import sys
from functools import lru_cache
from itertools import chain
from pathlib import Path

import cv2
import numpy as np

from ..data.writing import check_free
from . import damage, defects, photographs
from .captions import GENERIC, NOUNS
from .fields import Rng, axes, colour, cover, lines, noise, spots
from .scenes import SIZE, Scene, camera, finished, harmless_faults, variation, write
from .shapes import raw_face

STATES = (*defects.SURFACE, "missing_part", "crack")  # cracks twice: they vary most
OBJECTS = 0.3  # share of scenes with an object on a ground
# Ten general words and the 32 nouns that the CLIP learned from drawings: "steel" pulls a text to the look of drawn
# steel. Scenes have these names at random, so that the model learns to rank images alike whatever they are called.
WORDS = (*GENERIC, *chain(*NOUNS))


class Library:
    """The small copies of photographs in a folder, as `photographs.gather` writes them.

    part is "trained", or "held-out" for those that only choose between versions. Raises FileNotFoundError without any.
    """

    def __init__(self, folder: Path | str, part: str = "trained"):
        self.surfaces, self.objects = (sorted(Path(folder, k, part).glob("*.webp")) for k in ("surface", "object"))
        if not self.surfaces or not self.objects:
            raise FileNotFoundError(f"{folder} contains no photographs; see pfl/workshop/photographs.py")

    def surface(self, rng: Rng, size: int) -> np.ndarray:
        """A crop of a surface (size, size, 3) in [0, 1], of random scale, orientation, brightness and contrast."""
        image = _read(self.surfaces[rng.integers(len(self.surfaces))])
        side = int(damage.log_uniform(rng, 0.6 * size, min(image.shape[:2])))
        y, x = (int(rng.integers(0, n - side + 1)) for n in image.shape[:2])
        how = cv2.INTER_AREA if side > size else cv2.INTER_CUBIC
        square = cv2.resize(image[y : y + side, x : x + side], (size, size), interpolation=how)
        image = np.rot90(square, int(rng.integers(4)))[:, :: rng.choice([-1, 1])].astype(np.float32) / 255
        if rng.random() < 0.3:
            image = np.repeat(image.mean(-1, keepdims=True), 3, -1)
        if rng.random() < 0.5:  # many were made for dark rooms
            image = image ** (np.log(rng.uniform(0.3, 0.7)) / np.log(np.clip(image.mean(), 0.05, 0.95)))
        if rng.random() < 0.4:  # down to plain materials: metal, plastic, paper, paint
            image = image.mean() + (image - image.mean()) * damage.log_uniform(rng, 0.08, 2.0)
        if rng.random() < 0.15:  # rolled, brushed or drawn along one direction
            grain = noise(rng, size, rng.uniform(40, 120), 2, rng.uniform(4, 30)) * rng.uniform(0.01, 0.08)
            image = image + (grain if rng.random() < 0.5 else grain.T)[..., None]
        return np.ascontiguousarray(np.clip(image, 0, 1), np.float32)

    def thing(self, rng: Rng, size: int) -> tuple[np.ndarray, np.ndarray]:
        """The colours (size, size, 3) and the silhouette (size, size) of an object in a random pose."""
        image = _read(self.objects[rng.integers(len(self.objects))]).astype(np.float32) / 255
        height, width = image.shape[:2]
        scale = size * rng.uniform(0.6, 1.0) / max(height, width)
        turn = rng.choice([rng.uniform(-20, 20), rng.uniform(0, 360)])
        matrix = np.asarray(cv2.getRotationMatrix2D((width / 2, height / 2), turn, scale), float)
        matrix[:, 2] += size / 2 - np.array([width / 2, height / 2]) + rng.uniform(-0.06, 0.06, 2) * size
        image[..., :3] *= image[..., 3:]
        placed = cv2.warpAffine(image, matrix, (size, size), flags=cv2.INTER_AREA)
        return np.clip(placed[..., :3] / np.maximum(placed[..., 3:], 1e-3), 0, 1), placed[..., 3]


@lru_cache(maxsize=1024)
def _read(path: Path) -> np.ndarray:
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if image is None:
        raise OSError(f"cannot read {path}")
    return cv2.cvtColor(image, cv2.COLOR_BGRA2RGBA if image.shape[-1] == 4 else cv2.COLOR_BGR2RGB)


def scene(rng: Rng, library: Library, defective: bool) -> tuple[Scene, str]:
    """One image of 192 px and its state: "flawless", also where no defect would be visible, or one of STATES.

    Some are drawn smaller and enlarged, like crops of a larger photograph, so a defect is as blurred as the image.
    """
    size = SIZE if rng.random() < 0.6 else int(rng.uniform(0.5, 1) * SIZE)
    state = STATES[rng.integers(len(STATES))] if defective else "flawless"
    scale = damage.log_uniform(rng, 0.6, 2.0)
    mask: np.ndarray = np.zeros((size, size), np.float32)
    if state == "missing_part" or rng.random() < OBJECTS - 0.5 * defective / len(STATES):
        image, thing, mask = _object_on_ground(rng, library, size, scale if state == "missing_part" else None)
    else:
        image, thing = _normal_pattern(rng, library.surface(rng, size), library), np.ones((size, size), np.float32)
    image = harmless_faults(rng, np.clip(image, 0, 1))
    if state not in ("flawless", "missing_part"):
        image, mask, state = _damaged(rng, image, thing, state, scale, library.surface(rng, size))
    image, mask, thing = (cv2.resize(f, (SIZE, SIZE), interpolation=cv2.INTER_LINEAR) for f in (image, mask, thing))
    drawn = finished(camera(rng, np.clip(image, 0, 1)), mask, thing)
    return drawn, state if drawn.mask.any() else "flawless"


def _damaged(
    rng: Rng, image: np.ndarray, thing: np.ndarray, state: str, scale: float, other: np.ndarray
) -> tuple[np.ndarray, np.ndarray, str]:
    """The image with one or more visible defects, their mask, and the state; another one, if this is never visible."""
    mask: np.ndarray = np.zeros(image.shape[:2], np.float32)
    for attempt in range(60):
        if attempt % 12 == 11 and not mask.any():
            state = defects.SURFACE[rng.integers(len(defects.SURFACE))]
        if rng.random() < 0.3:
            varied = variation(rng)
            strength, _ = varied.pop("strength"), varied.pop("softness")
            after, where = defects.paint(state, rng, image, thing, **varied)
            thin = state in defects.LINES
        else:
            form = damage.FORMS[state][rng.integers(len(damage.FORMS[state]))]
            after, where = form(rng, image, thing, scale, other)
            strength, thin = 1.0, form in damage.THIN
        after = np.clip(image + strength * (after - image), 0, 1)
        if damage.visible(image, after, where, thin):
            image, mask = after, np.maximum(mask, where)
            if rng.random() < 0.8:
                break
    return image, mask, state if mask.any() else "flawless"


def _object_on_ground(rng: Rng, library: Library, size: int, bite: float | None) -> tuple[np.ndarray, ...]:
    """An object on a ground with its shadow: image, silhouette, and what is missing if a piece of size `bite` is."""
    ground, (paint, alpha) = library.surface(rng, size), library.thing(rng, size)
    if rng.random() < 0.5:
        ground = cv2.GaussianBlur(ground, (0, 0), rng.uniform(1, 6))
    if rng.random() < 0.4:
        ground = ground + (colour(rng, (0, 360), (0, 0.5), (0, 1)) - ground) * rng.uniform(0.5, 1)
    missing = np.zeros((size, size), np.float32)
    if bite is not None:
        piece, face = defects.bite(rng, alpha, np.clip(bite, 0.6, 1.5))
        paint = cover(paint, raw_face(rng, paint[alpha > 0.5].mean(0), size), face)
        alpha, missing = alpha * (1 - piece), np.maximum(piece, face)
    shadow = cv2.GaussianBlur(np.roll(alpha, (size // 60, size // 60), (0, 1)), (0, 0), size / 60)
    ground = ground * (1 - rng.uniform(0, 0.5) * shadow[..., None])
    return cover(ground, paint, alpha), alpha, missing


def _normal_pattern(rng: Rng, image: np.ndarray, library: Library) -> np.ndarray:
    """Add to nearly half of the images something normal but conspicuous: joints, dirt, an edge, print or a border."""
    size, pattern = len(image), rng.random()
    u, v = axes(rng, size, 0.03 if rng.random() < 0.7 else np.pi)
    if pattern < 0.12:  # joints at equal distances, in one direction or two: regular, or one line looks like a scratch
        ink = lines(u * rng.uniform(2.5, 8) + rng.uniform(), rng.uniform(0.01, 0.08))
        if rng.random() < 0.4:
            ink = np.maximum(ink, lines(v * rng.uniform(1.5, 20) + rng.uniform(), rng.uniform(0.01, 0.08)))
        return cover(image, image * rng.uniform(0, 0.7) + rng.uniform(0, 0.3), ink * rng.uniform(0.4, 1))
    if pattern < 0.24:  # dirt
        where = np.clip(2 * noise(rng, size, rng.uniform(4, 40), 3) - rng.uniform(0, 1), 0, 1)
        if rng.random() < 0.4:
            where = spots(rng, size, int(rng.integers(30, 200)), (0.003, 0.02))
        return cover(image, image * rng.uniform(0.4, 0.9), where)
    if pattern < 0.28:  # a second material beyond a straight edge
        beyond = np.clip((u - rng.uniform(-0.3, 0.3)) * size / rng.uniform(1, 4), 0, 1)
        return cover(image, library.surface(rng, size), beyond)
    if pattern < 0.38:  # print: rows of marks
        marks = noise(rng, size, rng.uniform(10, 40), 1, rng.uniform(1, 3)) > rng.uniform(0, 0.4)
        rows = lines(v * rng.uniform(2, 9) + rng.uniform(), rng.uniform(0.3, 0.8))
        rows = rows * cv2.GaussianBlur(marks.astype(np.float32), (0, 0), 0.7)
        return cover(image, colour(rng, value=(0, 1)), rows * rng.uniform(0.3, 0.9))
    if pattern < 0.42:  # a border
        border = np.clip((np.maximum(np.abs(u), np.abs(v)) - rng.uniform(0.36, 0.49)) * size / 2, 0, 1)
        return cover(image, np.full(3, rng.uniform(0, 1), np.float32), border)
    return image


def make(library: Library, folder: Path, count: int, seed: int) -> None:
    """Write `count` scenes in MVTec's layout, every second one defective, in categories of WORDS at random.

    Raises:
        ValueError: count is below 1 or seed below 0.
    """
    if count < 1 or seed < 0:
        raise ValueError(f"count is {count} and seed {seed}; count must be at least 1 and seed at least 0")
    for i in range(count):
        rng = np.random.default_rng([seed, i])
        drawn, state = scene(rng, library, defective=i % 2 == 1)
        category = str(rng.choice(WORDS))
        write(folder, category, i, drawn, None if state == "flawless" else state)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m pfl.workshop.photoscenes", description=__doc__.splitlines()[0])
    parser.add_argument("copies", type=Path, help="folder of small copies of the photographs, as pretrain writes it")
    parser.add_argument("out", type=Path)
    parser.add_argument("--packages", type=Path, help="unpacked Debian packages, from which missing copies are made")
    parser.add_argument("--part", choices=("trained", "held-out"), default="trained")
    parser.add_argument("--count", type=int, default=2400)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    try:
        check_free(args.out, "*")  # scenes of another seed or version must not mix with these
        if args.packages:
            photographs.gather(args.packages, args.copies)
        library = Library(args.copies, args.part)
        make(library, args.out, args.count, args.seed)
    except (OSError, ValueError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
