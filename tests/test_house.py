"""Structure of the package: imports go one way, files are short, and it works without `pfl.workshop`."""

import ast
import shutil
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "pfl"
MODULES = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in PACKAGE.rglob("*.py")}
METHOD = "flows distributions prompts attention clip weights tower model losses prediction".split()
# Imported inside a function, so that the package works without the workshop, or to shorten start-up.
DEFERRED = {
    ("pfl.clip", "pfl.workshop.tiny"),
    ("pfl.shapes", "pfl.workshop.tiny"),
    ("pfl.data", "pfl.workshop"),
    ("pfl.selection", "pfl.evaluation"),
}


def name_of(module: str) -> str:
    return module.removesuffix(".__init__")


def imports(module: str) -> set[tuple[str, bool]]:
    """The modules of the package that `module` imports, and whether each import is at its top level."""
    tree = ast.parse(MODULES[module].read_text())
    package = module.rpartition(".")[0]
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            base = ".".join(package.split(".")[: len(package.split(".")) - node.level + 1]) if node.level else ""
            source = ".".join(filter(None, [base, node.module or ""]))
            for alias in node.names:
                target = f"{source}.{alias.name}"
                known = target if target in MODULES or f"{target}.__init__" in MODULES else source
                if known.startswith("pfl"):
                    found.add((known, node in tree.body))
    return found - {(name_of(module), True)}


GRAPH = {name_of(module): imports(module) for module in MODULES}


def part(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in ("course", "data", "workshop") else "method"


def test_imports_have_no_cycle():
    # An __init__ imports the files of its package, so its own imports are left out.
    top = {m: {t for t, top in targets if top} for m, targets in GRAPH.items() if m not in ("pfl", "pfl.workshop")}
    list(TopologicalSorter(top).static_order())  # raises CycleError


def test_imports_between_data_workshop_and_method_go_one_way():
    for module, targets in GRAPH.items():
        for target, at_top in targets:
            if part(module) == "data":
                assert part(target) == "data" or (module, target) in DEFERRED, f"{module} imports {target}"
            if part(module) == "workshop" and part(target) == "method":
                assert target in ("pfl.clip", "pfl.weights", "pfl.words"), f"{module} imports {target}"
            if part(module) == "method" and part(target) == "workshop":
                assert (module, target) in DEFERRED and not at_top, f"{module} imports {target}"


def test_the_method_does_not_import_its_users_and_is_short():
    lower = {f"pfl.{name}" for name in METHOD}
    for module in lower:
        above = (
            {t for t, _ in GRAPH[module] if part(t) == "method"}
            - lower
            - {"pfl.config", "pfl.ranges", "pfl.archives", "pfl.messages", "pfl.caching", "pfl"}
        )
        assert not above, f"{module} imports {above}"
    lines = {module: len(MODULES[module].read_text().splitlines()) for module in lower}
    assert sum(lines.values()) < 1500, lines


def test_only_notebooks_import_the_course():
    for module, targets in GRAPH.items():
        assert module.startswith("pfl.course") or not any(t.startswith("pfl.course") for t, _ in targets), module


def test_no_file_is_longer_than_300_lines():
    tracked = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    long = {file: n for file in tracked.split() if (n := len((ROOT / file).read_text().splitlines())) > 300}
    assert not long
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150


WITHOUT = """
import sys
sys.meta_path[:] = [finder for finder in sys.meta_path if "Editable" not in repr(finder)]  # else it finds the checkout
import numpy as np, torch, pfl
from PIL import Image
from pathlib import Path
assert Path(pfl.__file__).parents[1] == Path.cwd() and not Path("pfl/workshop").exists()
model = pfl.BayesPFL(pfl.load_clip("clip.pt", activation="gelu"), pfl.ModelConfig(num_flows=2, heads=2))
data = pfl.data.load("mvtec", "mvtec")
run = pfl.train(model, data, pfl.TrainConfig(epochs=1, stage2_epochs=1, batch_size=2, lr_prompts=1e-5), progress=False)
table = pfl.evaluate(pfl.load(pfl.save(run.model, "model"), model.clip), data)
assert np.isfinite(table.loc["mean", "pixel_pro"])
folder = pfl.data.folder("mvtec/bottle/test")
assert len(folder) == len(data)
for missing in (lambda: pfl.load_clip("tiny"), lambda: pfl.load("default"), lambda: pfl.data.load("workshop")):
    try:
        missing()
    except ImportError as error:
        assert "workshop" in str(error), error
    except FileNotFoundError as error:
        assert "reinstall" in str(error), error
    else:
        raise AssertionError("a missing part was loaded")
"""


@pytest.fixture
def bare(tmp_path):
    """A copy of the package without workshop and assets, a small CLIP file in OpenAI's format, and a small MVTec-AD."""
    import cv2
    import numpy as np
    import open_clip
    import torch

    shutil.copytree(PACKAGE, tmp_path / "pfl", ignore=shutil.ignore_patterns("workshop", "assets", "__pycache__"))
    vision = dict(layers=4, width=64, patch_size=16, image_size=32)
    clip = open_clip.CLIP(64, vision, dict(context_length=77, vocab_size=49408, width=64, heads=1, layers=1))
    torch.save(clip.state_dict(), tmp_path / "clip.pt")
    rng = np.random.default_rng(0)
    for i in range(6):
        kind, spot = ("good", "broken")[i % 2], np.zeros((40, 40), np.uint8)
        spot[10:20, 10:20] = 255
        for path, picture in {
            f"test/{kind}/{i:03d}.png": rng.integers(0, 255, (40, 40, 3), dtype=np.uint8),
            f"ground_truth/{kind}/{i:03d}_mask.png": spot if kind == "broken" else None,
        }.items():
            file = tmp_path / "mvtec/bottle" / path
            if picture is not None:
                file.parent.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(file), picture)
    return tmp_path


def test_the_package_works_on_weights_and_data_from_disk_without_workshop_and_assets(bare):
    environment = {"PYTHONPATH": str(bare), "OMP_NUM_THREADS": "1", "HOME": str(bare), "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT], cwd=bare, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
