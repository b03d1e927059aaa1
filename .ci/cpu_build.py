"""Print the requirement of the newest CPU build of torch that this pip can find, or say that there is none."""

import re
import subprocess
import sys

command = [sys.executable, "-m", "pip", "index", "versions", "torch"]
found = re.search(r"[\d.]+\+cpu", subprocess.run(command, capture_output=True, text=True).stdout)
if not found:
    sys.exit(
        "pip finds no CPU build of torch (a version that ends in +cpu) in its index and find-links. On Linux the usual "
        "build needs CUDA's libraries even on a CPU: install without CPU=1. On macOS and Windows it does not."
    )
print(f"torch=={found[0]}")
