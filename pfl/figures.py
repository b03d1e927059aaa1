"""Run the numbered notebooks headless with papermill, as CI does; each saves its figures into `figures/`."""

import time
from pathlib import Path

from .plotting import root


def notebooks(folder: Path, only: str = "") -> list[Path]:
    """The numbered notebooks in order; `only` keeps those whose name starts with one of its comma-separated parts."""
    found = sorted(folder.glob("[0-9][0-9]_*.ipynb"))
    wanted = tuple(part for part in only.split(",") if part)
    chosen = [path for path in found if path.name.startswith(wanted)] if wanted else found
    if not chosen:
        raise FileNotFoundError(f"no notebook {only or '[0-9][0-9]_*.ipynb'} in {folder}; run this in a checkout")
    return chosen


def run(preset: str = "tiny", only: str = "") -> list[tuple[str, float, str]]:
    """Run all the notebooks, even if one fails; executed copies are in `runs/notebooks/`.

    Returns:
        for each notebook its name, the seconds it took, and its error ("" if none).
    """
    import papermill  # an optional dependency

    checkout = root()
    out = checkout / "runs" / "notebooks" / preset
    out.mkdir(parents=True, exist_ok=True)
    results = []
    for path in notebooks(checkout / "notebooks", only):
        began, error = time.time(), ""
        print(f"{path.name} ...", flush=True)
        try:
            papermill.execute_notebook(
                path,
                out / path.name,
                parameters={"preset": preset},
                kernel_name="python3",
                cwd=path.parent,
                progress_bar=False,
            )
        except Exception as failure:  # of any type: the other notebooks are still run
            error = f"{type(failure).__name__}: {failure}"
            print(error, flush=True)
        results.append((path.name, time.time() - began, error))
        print(f"{path.name} {'FAILED' if error else 'done'} after {results[-1][1]:.0f} s", flush=True)
    return results
