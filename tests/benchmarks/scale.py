"""What many images cost beside the GPU: `python tests/benchmarks/scale.py`, in CPU time of one core.

Reading, augmenting and drawing an image of 1500 x 1000 pixels, and the log and the table of a million images.
"""

import argparse
import json
import resource
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from pfl.data import Dataset, Sample, loader
from pfl.data.writing import write_table
from pfl.heatmaps import SIDE
from pfl.inspection import _save_heatmap, _table
from pfl.shards import Log

SIZE = 518


def seconds(run, rounds: int = 3) -> float:
    """Median CPU time of a call."""
    times = []
    for _ in range(rounds):
        started = time.process_time()
        run()
        times.append(time.process_time() - started)
    return float(np.median(times))


def images(work: Path, width: int, height: int) -> None:
    rng = np.random.default_rng(0)
    rough = cv2.resize(rng.integers(0, 255, (height // 20, width // 20, 3), np.uint8), (width, height))
    image = (rough + rng.normal(0, 6, rough.shape)).clip(0, 255).astype(np.uint8)
    for suffix in ("jpg", "png"):
        path = work / f"image.{suffix}"
        cv2.imwrite(str(path), image)
        data = Dataset(name="one", samples=(Sample(image=path, category="plate", class_name="plate", label=0),) * 16)
        for what, options in {"read": {}, "read and augmented": {"augment": True}}.items():
            each = seconds(lambda: [None for _ in loader(data, SIZE, 4, **options)]) / len(data)  # noqa: B023
            megabytes = path.stat().st_size / 1e6
            print(f"{suffix}, {megabytes:.2f} MB, {what:18} {1e3 * each:6.1f} ms, {1 / each:5.1f} images a second")
    sample = Sample(image=work / "image.jpg", category="plate", class_name="plate", label=0)
    heat, heatmap = cv2.resize(rng.random((20, 20), np.float32), (SIZE, SIZE)), work / "heatmap.png"
    each = seconds(lambda: _save_heatmap(heatmap, sample, heat, None, SIDE))
    print(f"a heat map of that size: {1e3 * each:.0f} ms, {heatmap.stat().st_size / 1e6:.2f} MB")


def rows(work: Path, count: int) -> None:
    settings = {"seed": 0}
    with open(work / "progress.jsonl", "w") as file:
        file.write(json.dumps(settings))
        for i in range(count):
            row = {"name": f"{i // 1000:03d}/{i:06d}.png", "score": i / count, "score_std": 0.012345}
            file.write("\n" + json.dumps(row | {"heatmap": "", "file": "0123456789ab"}))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    reading = seconds(lambda: Log(work, settings, resume=True), rounds=1)
    found = Log(work, settings, resume=True).finished
    merging = seconds(lambda: write_table(work / "results.csv", _table(list(found.values()), None)), rounds=1)
    peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 2**10
    sizes = [(work / name).stat().st_size / 1e6 for name in ("progress.jsonl", "results.csv")]
    print(
        f"{count} rows: log {sizes[0]:.0f} MB, read in {reading:.1f} s; table {sizes[1]:.0f} MB, in {merging:.1f} s",
        end="",
    )
    print(f"; {peak:.0f} MB of memory")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--width", type=int, default=1500)
    parser.add_argument("--height", type=int, default=1000)
    parser.add_argument("--rows", type=int, default=1_000_000)
    args = parser.parse_args()
    cv2.setNumThreads(0)
    with tempfile.TemporaryDirectory() as work:
        images(Path(work), args.width, args.height)
        rows(Path(work), args.rows)


if __name__ == "__main__":
    main()
