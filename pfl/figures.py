"""Run the numbered notebooks headless with papermill, as CI does; each saves its figures into `figures/`."""

import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from .plotting import root

PAPERMILL = [sys.executable, "-m", "papermill"]
MEMORY = 3e9  # bytes that a notebook may need with preset tiny
# glibc returns every large block to the system, and pages that are mapped again cost a tenth of the time.
KEEP_BLOCKS = {"MALLOC_MMAP_THRESHOLD_": str(2**30), "MALLOC_TRIM_THRESHOLD_": str(2**31)}


@dataclass
class Result:
    """How a notebook went: its error ("" if none), seconds, CPU seconds, and bytes of memory at its peak.

    CPU and memory are those of its kernel and the kernel's children.
    """

    path: Path
    error: str = ""
    seconds: float = 0.0
    cpu: float = 0.0
    memory: int = 0
    began: float = field(default_factory=time.time)


def notebooks(folder: Path, only: str = "") -> list[Path]:
    """The numbered notebooks in order; `only` keeps those whose name starts with one of its comma-separated parts."""
    found = sorted(folder.glob("[0-9][0-9]_*.ipynb"))
    wanted = tuple(part for part in only.split(",") if part)
    chosen = [path for path in found if path.name.startswith(wanted)] if wanted else found
    if not chosen:
        raise FileNotFoundError(f"no notebook {only or '[0-9][0-9]_*.ipynb'} in {folder}; run this in a checkout")
    return chosen


def run(preset: str = "tiny", only: str = "", jobs: int | None = None, *, solutions: bool = False) -> list[Result]:
    """Run all the notebooks, even if one fails; executed copies are in `runs/notebooks/`.

    Args:
        solutions: run those in `notebooks/solutions/`; a missing or wrong answer is an error.
        jobs: notebooks to run at once, each with its share of the cores. Default: with preset tiny, where no notebook
            needs another's files, as many as there are cores and memory for; else one.
    """
    checkout = root()
    part = "solutions" if solutions else ""
    chosen = notebooks(checkout / "notebooks" / part, only)
    out = checkout / "runs" / "notebooks" / preset / part
    out.mkdir(parents=True, exist_ok=True)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    jobs = jobs or (_jobs(cores) if preset == "tiny" else 1)
    jobs = min(jobs, len(chosen))
    threads = str(max(1, cores // jobs))
    environment = KEEP_BLOCKS | {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads} | os.environ
    waiting = sorted(chosen, key=_minutes, reverse=True) if jobs > 1 else list(chosen)  # no long one at the end
    running: list[tuple[subprocess.Popen, Result]] = []
    results: list[Result] = []
    while waiting or running:
        while waiting and len(running) < jobs:
            path = waiting.pop(0)
            print(f"{path.name} ...", flush=True)
            command = [*PAPERMILL, str(path), str(out / path.name), "--parameters", "preset", preset]
            command += ["--kernel", "python3", "--cwd", str(path.parent), "--no-progress-bar"]
            with open(out / f"{path.stem}.log", "wb") as log:
                process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
            running.append((process, Result(path)))
        time.sleep(1)  # reading what a process uses takes time, too
        for process, result in [*running]:
            _observe(process.pid, result)
            if process.poll() is None:
                continue
            result.seconds = time.time() - result.began
            if process.returncode:
                result.error = _error(out / f"{result.path.stem}.log")
            elif solutions:
                result.error = wrong_answers(out / result.path.name)
            if result.error:
                print(result.error)
            print(f"{result.path.name} {'FAILED' if result.error else 'done'} after {result.seconds:.0f} s", flush=True)
            running.remove((process, result))
            results.append(result)
    return sorted(results, key=lambda result: result.path)


def _jobs(cores: int) -> int:
    import psutil  # accelerate depends on it

    return max(1, min(cores, int(psutil.virtual_memory().available // MEMORY)))


def _minutes(notebook: Path) -> float:
    """The minutes that a notebook's head says it takes."""
    found = re.search(r"\*\*Time\*\* \| about ([\d.]+) min", notebook.read_text(encoding="utf-8"))
    return float(found[1]) if found else 0.0


def _error(log: Path) -> str:
    """The last exception in papermill's output, with the traceback of the cell that raised it."""
    lines = log.read_text(encoding="utf-8", errors="replace").strip() or "papermill ended without a message"
    return lines[lines.find("papermill.exceptions.") :] if "papermill.exceptions." in lines else lines.splitlines()[-1]


def wrong_answers(executed: Path) -> str:
    """What the cells tagged `check` of an executed notebook say, if it is anything but "right"."""
    cells = json.loads(executed.read_text(encoding="utf-8"))["cells"]
    checks = [cell for cell in cells if "check" in cell["metadata"].get("tags", [])]
    said = ["".join("".join(output.get("text", "")) for output in cell["outputs"]).strip() for cell in checks]
    return "\n".join(f"check {n}: {text}" for n, text in enumerate(said, 1) if text != "right")


def _observe(pid: int, result: Result) -> None:
    """Update CPU seconds and peak memory from the processes below `pid`."""
    import psutil

    cpu, memory = 0.0, 0
    try:
        for process in psutil.Process(pid).children(recursive=True):
            times = process.cpu_times()
            used = process.memory_full_info()  # pss counts a page that processes share only once; not on macOS
            cpu, memory = cpu + times.user + times.system, memory + getattr(used, "pss", used.rss)
    except psutil.Error:  # one has just ended
        pass
    result.cpu, result.memory = max(result.cpu, cpu), max(result.memory, memory)
