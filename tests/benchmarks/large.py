"""What an image of 8,000 x 8,000 pixels costs `pfl predict`, next to one of 1,000 x 1,000: CPU time and peak memory.

OMP_NUM_THREADS=1 python tests/benchmarks/large.py
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

RUN = """
import resource, sys
from pfl import cli
assert cli.main(["predict", *sys.argv[1:], "--class-name", "tile"]) == 0
usage = resource.getrusage(resource.RUSAGE_SELF)
print(f"{usage.ru_utime + usage.ru_stime:.1f} s of CPU time, imports included; peak {usage.ru_maxrss / 1024:.0f} MiB")
"""


def main() -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (500, 500, 3), np.uint8))
    with tempfile.TemporaryDirectory() as work:
        for name, side in (("small.png", 1000), ("large.png", 8000), ("large.jpg", 8000)):
            folder = Path(work) / name.replace(".", "-")
            folder.mkdir()
            noise.resize((side, side), Image.Resampling.BICUBIC).save(folder / name)
            command = [sys.executable, "-c", RUN, str(folder), "--out", f"{folder}-out"]
            done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ)
            print(f"{name}, {side} x {side}: {done.stdout.splitlines()[-1]}", flush=True)


if __name__ == "__main__":
    main()
