"""Training, evaluation and inspection in two processes give the model and the tables of one process."""

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

import pfl
from pfl import evaluation, inspection, workshop
from pfl.data import mvtec
from pfl.parallel import Share, reading

SCRIPT = """
import sys, torch, pfl
from pfl import evaluation, inspection
from pfl.data import mvtec
from pfl.parallel import accelerator
root, out = sys.argv[1:]
torch.set_num_threads(1)
engine = accelerator("cpu")
assert engine.num_processes == 2
data = mvtec.read(root, name="set")
model = pfl.BayesPFL(pfl.load_clip("tiny-random", image_size=32), pfl.ModelConfig(num_prompts=2, num_flows=3)).double()
settings = pfl.TrainConfig(epochs=2, stage2_epochs=1, batch_size=3, name_dropout=0.5, lr_projection=1e-3)
run = pfl.train(model, data, settings, out=out, engine=engine, progress=False)
whole = evaluation.measure(model, data, pfl.EvalConfig(num_samples=2, batch_size=2), engine=engine)
inspection.inspect(model, data, out + "/inspected", num_samples=2, engine=engine, progress=False)
if engine.is_main_process:
    whole.images.to_csv(out + "/images.csv", index=False)
    whole.table().to_csv(out + "/table.csv")
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Seven images of two categories: odd batches, and a last batch with fewer images than processes."""
    root, rng = tmp_path_factory.mktemp("set"), np.random.default_rng(0)
    kinds = {"key": ("good", "good", "hole", "hole"), "mesh": ("good", "crack", "crack")}
    for category, defects in kinds.items():
        for i, defect in enumerate(defects):
            drawn = workshop.scene(rng, workshop.TARGET[category], None if defect == "good" else defect)
            files = {f"{category}/test/{defect}/{i:03d}.png": drawn.image}
            if defect != "good":
                files[f"{category}/ground_truth/{defect}/{i:03d}_mask.png"] = np.uint8(255) * drawn.mask
            for name, pixels in files.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels).save(root / name)
    return root


def test_two_processes_give_the_model_and_the_tables_of_one(root, tmp_path):
    """In float64: Adam divides each gradient by its magnitude, which amplifies rounding errors of gradients near 0."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*launch, str(script), str(root), str(tmp_path / "two")],
        capture_output=True,
        text=True,
        timeout=300,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-3000:]

    data = mvtec.read(root, name="set")
    model = pfl.BayesPFL(
        pfl.load_clip("tiny-random", image_size=32), pfl.ModelConfig(num_prompts=2, num_flows=3)
    ).double()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    settings = pfl.TrainConfig(epochs=2, stage2_epochs=1, batch_size=3, name_dropout=0.5, lr_projection=1e-3)
    run = pfl.train(model, data, settings, out=tmp_path / "one", progress=False)
    history = pd.read_csv(tmp_path / "two" / "history.csv").filter(like="loss").to_numpy()
    ours = run.history.filter(like="loss").to_numpy()
    assert np.allclose(ours, history, atol=1e-5, equal_nan=True)
    other = pfl.load(tmp_path / "two").state_dict()
    assert any((value - before[name]).abs().max() > 1e-3 for name, value in other.items())
    assert all((other[name] - value).abs().max() < 1e-5 for name, value in model.state_dict().items())

    whole = evaluation.measure(model, data, pfl.EvalConfig(num_samples=2, batch_size=2))
    images = pd.read_csv(tmp_path / "two" / "images.csv")
    assert images["path"].tolist() == whole.images["path"].tolist()  # none is missing or repeated
    assert (images["strict_score"] - whole.images["strict_score"]).abs().max() < 1e-5
    table = pd.read_csv(tmp_path / "two" / "table.csv", index_col=0)
    assert (table - whole.table()).abs().max().max() < 1e-5

    two = tmp_path / "two" / "inspected"
    read = partial(pd.read_csv, keep_default_na=False)  # no error is an empty text
    shards = [read(two / f"results-{rank}.csv") for rank in range(2)]
    assert [len(shard) for shard in shards] == [4, 3]
    inspected = pd.concat(shards).sort_values("score", ascending=False, kind="stable", ignore_index=True)
    assert sorted(inspected["name"]) == sorted(Path(path).relative_to(root).as_posix() for path in images["path"])
    pd.testing.assert_frame_equal(inspected, read(two / "results.csv"))
    one = inspection.inspect(pfl.load(tmp_path / "two").double(), data, tmp_path / "i", num_samples=2, progress=False)
    pd.testing.assert_frame_equal(one, inspected, atol=1e-5)

    # One process resumes what two had begun: one image of the second was not finished.
    log = two / "progress-1.jsonl"
    log.write_text(log.read_text().rsplit("\n", 1)[0])
    model = pfl.load(tmp_path / "two").double()
    resumed = inspection.inspect(model, data, two, num_samples=2, resume=True, progress=False)
    pd.testing.assert_frame_equal(resumed, inspected, atol=1e-5)


def test_images_for_a_gpu_are_read_by_all_cores_that_a_process_has(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: range(16), raising=False)
    cpu, gpu = torch.device("cpu"), torch.device("cuda")
    few, given = pfl.EvalConfig(), pfl.TrainConfig(workers=3, batch_size=5)
    assert reading(cpu, few) == {"batch_size": 8, "workers": 0, "pin": False}
    assert reading(gpu, few) == {"batch_size": 32, "workers": 16, "pin": True}
    assert reading(gpu, given) == {"batch_size": 5, "workers": 3, "pin": True}
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "4")
    assert reading(gpu, few)["workers"] == 4


@pytest.mark.parametrize("total", [1, 2, 5, 6])
def test_every_item_of_a_batch_belongs_to_one_process(total):
    items = list(range(total))
    parts = [Share(rank, 3).of_list(items) for rank in range(3)]
    assert sorted(sum(parts, [])) == items
    assert all(len(Share(rank, 3).of_batch(items)) >= 1 for rank in range(3))
