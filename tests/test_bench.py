"""The benchmark: ratios of measured times, and an unchanged model."""

import json
import runpy
from pathlib import Path

import pytest
import torch

from pfl import BayesPFL, bench, cli, load_clip
from pfl.bench import Operations


def test_ratios_are_of_measured_times_and_the_model_is_unchanged(model):
    before = {name: value.clone() for name, value in model.state_dict().items()}
    result = bench.bench(model, samples=(1, 10), rounds=2)
    assert {"predict_ratio", "train_ratio", "seconds", "profile", "peak_memory_mb"} <= set(result)
    assert result["predict_ratio"] == result["ratios"]["predict R=10 b=1"]
    assert result["train_ratio"] == result["ratios"]["train b=4"]
    assert result["ratios"].keys() < result["seconds"].keys() == result["operations"].keys()
    assert result["operations"]["encode b=1"] < result["operations"]["predict R=10 b=1"] and result["frozen_casts"] == 0
    assert min(result["seconds"].values()) > 0
    assert list(result["profile"])[0] == "image encoder" and min(result["profile"].values()) > 0
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_the_command_writes_all_numbers(tmp_path, capsys):
    file = tmp_path / "deep" / "bench.json"
    assert cli.main(["bench", "--image-size", "32", "--rounds", "1", "--json", str(file)]) == 0
    result = json.loads(file.read_text())
    assert result["image_size"] == 32 and result["predict_ratio"] > 1
    printed = capsys.readouterr().out
    assert "x the encoder" in printed and f"{result['operations']['train b=4']} operations" in printed


def test_random_weights_are_the_same_each_time():
    one, two = (load_clip("ViT-B-32", pretrained="random", image_size=64) for _ in range(2))
    assert one.fingerprint == two.fingerprint


@pytest.fixture(scope="module")
def large():
    return BayesPFL(load_clip("ViT-B-16", pretrained="random", image_size=224))


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_prediction_dispatches_few_operations_and_casts_no_frozen_weight(large, precision):
    """The cost of small batches on a GPU, where each operation takes longer than its numbers; of them 190 encode."""
    image, model = torch.rand(1, 3, 224, 224), large.in_precision(precision)
    large.predict(image, "bottle", precision=precision)  # fills what is kept between passes
    with Operations(model.clip) as counted:
        large.predict(image, "bottle", precision=precision)
    assert counted.count <= 900 and counted.casts == 0


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_training_step_casts_no_frozen_weight(model, images, precision):
    step = bench._training_step(model, images, precision)
    with Operations(model.in_precision(precision).clip) as counted:
        step()
    assert counted.count > 0 and counted.casts == 0


def test_a_cast_of_a_frozen_weight_is_counted(clip):
    with Operations(clip) as counted, torch.autocast("cpu", torch.bfloat16):
        clip.encode_text(["bottle"])
    assert counted.casts > 0


def test_the_benchmark_for_a_gpu_runs_on_a_cpu(tmp_path):
    script = Path(__file__).parent / "benchmarks" / "gpu.py"
    runpy.run_path(str(script))["main"](["--device", "cpu", "--json", str(tmp_path / "gpu.json")])
    result = json.loads((tmp_path / "gpu.json").read_text())
    assert "smoke test" in result["machine"]["device"]
    assert result["evaluate from files, images a second"] > 0 and result["bench"]["frozen_casts"] == 0
