"""The benchmark: ratios of measured times, and an unchanged model."""

import json

import torch

from pfl import cli, load_clip
from pfl.bench import bench


def test_ratios_are_of_measured_times_and_the_model_is_unchanged(model):
    before = {name: value.clone() for name, value in model.state_dict().items()}
    result = bench(model, samples=(1, 10), rounds=2)
    assert {"predict_ratio", "train_ratio", "seconds", "profile", "peak_memory_mb"} <= set(result)
    assert result["predict_ratio"] == result["ratios"]["predict R=10 b=1"]
    assert result["train_ratio"] == result["ratios"]["train b=4"]
    assert result["ratios"].keys() < result["seconds"].keys() and min(result["seconds"].values()) > 0
    assert list(result["profile"])[0] == "image encoder" and min(result["profile"].values()) > 0
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_the_command_writes_all_numbers(tmp_path, capsys):
    file = tmp_path / "deep" / "bench.json"
    assert cli.main(["bench", "--image-size", "32", "--rounds", "1", "--json", str(file)]) == 0
    result = json.loads(file.read_text())
    assert result["image_size"] == 32 and result["predict_ratio"] > 1
    assert "x the encoder" in capsys.readouterr().out


def test_random_weights_are_the_same_each_time():
    one, two = (load_clip("ViT-B-32", pretrained="random", image_size=64) for _ in range(2))
    assert one.fingerprint == two.fingerprint
