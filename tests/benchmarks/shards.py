"""Two processes score many small images, are killed twice, and are resumed: is any image lost, or scored twice?

    python tests/benchmarks/shards.py [--images 10000] [--json FILE]

The second time one process resumes what two had begun. A sample of the scores is compared with direct predictions.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import torch
from PIL import Image

import pfl

SIDE = 32
SAMPLES = 2


def draw(folder: Path, count: int) -> None:
    """Noise images in sub-folders of a thousand."""
    rng = np.random.default_rng(0)
    for i in range(count):
        path = folder / f"{i // 1000:03d}" / f"{i:06d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (SIDE, SIDE, 3), np.uint8)).save(path)


def logged(out: Path) -> int:
    """Lines of finished images in all logs."""
    return sum(file.read_text().count('"name"') for file in out.glob("progress*.jsonl"))


def run(folder: Path, model: Path, out: Path, processes: int, until: int | None, resume: bool) -> dict:
    """Run `pfl predict`, killed with all its processes once `until` images are logged; None: to the end."""
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", processes] if processes > 1 else []
    options = ["--model", model, "--class-name", "tile", "--num-samples", SAMPLES, "--out", out]
    command = [sys.executable, *launch, "-m", "pfl", "predict", folder, *options, *(["--resume"] if resume else [])]
    before, started = logged(out), time.perf_counter()
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(list(map(str, command)), env=os.environ | {"OMP_NUM_THREADS": "1"}, **quiet)
    while process.poll() is None:
        time.sleep(0.2)
        if until and logged(out) >= until:
            family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
            for member in family:
                member.kill()
            psutil.wait_procs(family)
            process.wait()
    if until is None and process.returncode:
        raise SystemExit(f"pfl predict ended with status {process.returncode}")
    seconds = time.perf_counter() - started
    return {"processes": processes, "killed": until is not None, "images": logged(out) - before, "seconds": seconds}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as work:
        folder, saved, out = Path(work) / "images", Path(work) / "model", Path(work) / "out"
        draw(folder, args.images)
        model = pfl.BayesPFL(pfl.load_clip("tiny-random", image_size=SIDE), pfl.preset("tiny").model)
        pfl.save(model, saved)
        runs = [
            run(folder, saved, out, 2, until=args.images // 3, resume=False),
            run(folder, saved, out, 2, until=2 * args.images // 3, resume=True),
            run(folder, saved, out, 1, until=None, resume=True),
        ]
        table = pd.read_csv(out / "results.csv")
        shards = [pd.read_csv(file) for file in sorted(out.glob("results-*.csv"))]
        expected = {path.relative_to(folder).as_posix() for path in folder.rglob("*.png")}
        assert len(table) == args.images and set(table["name"]) == expected, "an image is lost, or there twice"
        assert sum(map(len, shards)) == args.images and len(shards) == 2, "the shards do not add up"
        assert all((out / heatmap).exists() for heatmap in table["heatmap"]), "a heat map is lost"
        some = table.sample(64, random_state=0)
        pixels = np.stack([np.asarray(Image.open(folder / name)) for name in some["name"]]).transpose(0, 3, 1, 2) / 255
        direct = model.predict(torch.from_numpy(pixels).float(), "tile", num_samples=SAMPLES)
        difference = float(np.abs(direct.score.numpy() - some["score"]).max())
        assert difference < 1e-5, "a score differs"
        result = {
            "images": args.images,
            "runs": runs,
            "lost": 0,
            "twice": logged(out) - args.images,
            "shards": [len(shard) for shard in shards],
            "largest_score_difference": difference,
            "results_mb": (out / "results.csv").stat().st_size / 1e6,
        }
        print(json.dumps(result, indent=2))
        if args.json:
            args.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
