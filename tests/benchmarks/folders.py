"""Time to index own folders of 1,000, 10,000 and 100,000 files: `python tests/benchmarks/folders.py [NUMBERS]`.

Three kinds: one flat folder; MVTec-AD's layout with a mask for each defective image; and a folder for every ten images.
Masks are decoded once, and then cached. Seconds are of this process, so that other processes matter less.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

import pfl.data


def flat(n: int) -> list[tuple[str, str]]:
    return [(f"IMG_{i:06d}.jpg", "image") for i in range(n)]


def defects(n: int) -> list[tuple[str, str]]:
    names = [(f"test/good/{i:06d}.jpg", "image") for i in range(n // 2)]
    for i in range(n // 4):
        names += [(f"test/hole/{i:06d}.jpg", "image"), (f"ground_truth/hole/{i:06d}_mask.png", "mask")]
    return names


def folders(n: int) -> list[tuple[str, str]]:
    return [(f"day {i // 10:05d}/{i % 10}.jpg", "image") for i in range(n)]


def build(root: Path, files: list[tuple[str, str]]) -> None:
    """Write tiny files, links to the same content where the disk allows it."""
    pixels = {"image": np.random.default_rng(0).integers(0, 255, (16, 16, 3), dtype=np.uint8)}
    pixels["mask"] = np.eye(16, dtype=np.uint8) * 255
    for kind, suffix in (("image", "jpg"), ("mask", "png")):
        Image.fromarray(pixels[kind]).save(root.parent / f"{kind}.{suffix}")
    content = {kind: (root.parent / f"{kind}.{s}").read_bytes() for kind, s in (("image", "jpg"), ("mask", "png"))}
    for name, kind in files:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content[kind])


def main(numbers: list[int]) -> None:
    print(f"{'kind':10} {'files':>8} {'seconds':>9} {'again':>9} {'us per file':>12}")
    for kind in (flat, defects, folders):
        for number in numbers:
            with tempfile.TemporaryDirectory() as place:
                os.environ["PFL_HOME"] = f"{place}/home"
                root = Path(place) / "plate"
                root.mkdir()
                build(root, kind(number))
                seconds = []
                for _ in range(2):
                    start = time.process_time()
                    data = pfl.data.folder(root)
                    seconds.append(time.process_time() - start)
                assert len(data.account.images) + len(data.account.masks) == number
                per_file = 1e6 * seconds[0] / number
                print(f"{kind.__name__:10} {number:8} {seconds[0]:9.2f} {seconds[1]:9.2f} {per_file:12.0f}", flush=True)


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or [1000, 10_000, 100_000])
