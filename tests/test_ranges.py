"""Ranges: every number that can be set has one, and images that would give meaningless numbers are refused."""

import argparse
from dataclasses import fields
from typing import Literal, get_args, get_origin

import numpy as np
import pytest
import torch

import pfl
from pfl import cli, inspection
from pfl.config import EvalConfig, ModelConfig, TrainConfig
from pfl.ranges import RANGES

CONFIGS = (ModelConfig, TrainConfig, EvalConfig)


def numbers(config):
    return [one for one in fields(config) if {int, float} & {one.type, *get_args(one.type)}]


@pytest.mark.parametrize("config, name", [(config, one.name) for config in CONFIGS for one in numbers(config)])
def test_every_number_of_a_configuration_is_refused_outside_of_its_range(config, name):
    limits = RANGES[name]
    bad = [float("nan"), float("inf"), True, "3", limits.low - 1, limits.high + 1]
    bad += [1.5] if limits.whole else []
    for value in bad:
        given = (value, 0.5) if name == "betas" else value
        with pytest.raises(ValueError) as caught:
            config(**{name: given})
        assert f"{name} is {value!r}; it must be {limits}" == str(caught.value)
    with pytest.raises(ValueError):
        config(**{name: [1, 2, 3]})


def test_switches_and_choices_take_nothing_else():
    for config in CONFIGS:
        for one in fields(config):
            if one.type is bool:
                for value in (1, 0, "False", None):
                    with pytest.raises(ValueError, match=f"{one.name} is {value!r}; it must be True or False"):
                        config(**{one.name: value})
            if get_origin(one.type) is Literal:
                for value in ("other", None, True, 1):
                    with pytest.raises(ValueError, match=f"{one.name} {value!r} is unknown; choose one of"):
                        config(**{one.name: value})
            assert one.type is bool or get_origin(one.type) is Literal or one in numbers(config)


def test_numbers_of_numpy_become_plain_ones():
    config = TrainConfig(epochs=np.int64(3), lr_flow=np.float32(0.5), warmup=0, betas=[0, np.float64(0.5)])
    assert type(config.epochs) is int and type(config.lr_flow) is type(config.warmup) is float
    assert config.betas == (0.0, 0.5) and config.total_epochs == 8


def options(parser):
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from options(command)
        else:
            yield action


def test_every_numeric_option_of_the_command_line_has_a_range():
    checked = 0
    for action in options(cli.parser()):
        if action.option_strings and action.option_strings[0][2:].replace("-", "_") in RANGES:
            for text in ("nan", "inf", "-1", "x", ""):
                with pytest.raises(argparse.ArgumentTypeError, match="it must be a"):
                    action.type(text)
            checked += 1
        assert action.type not in (int, float) or action.choices
        assert not isinstance(action.default, int | float) or action.nargs == 0 or action.type is not None
    assert checked >= 15


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--seed", "-1"], "argument --seed: '-1'; it must be a whole number from 0"),
        (["--threshold", "nan"], "argument --threshold: 'nan'; it must be a number from 0 to 1"),
        (["--num-samples", "2.5"], "argument --num-samples: '2.5'; it must be a whole number from 1"),
        (["--false-alarms", "0"], "argument --false-alarms: '0'; it must be a number above 0"),
    ],
)
def test_the_command_line_names_value_and_range(arguments, message, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["predict", "folder", *arguments])
    assert ended.value.code == 2 and message in capsys.readouterr().err


# --- images ---


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda x: x * 255, "images have values from .* to 2.*; pass pixels / 255"),
        (lambda x: (x - 0.5) / 0.2, "not normalised"),
        (lambda x: x - 0.5, "images have values from -0"),
        (lambda x: torch.where(x > 0.5, torch.nan, x), "images have values from nan"),
        (lambda x: (x * 255).byte(), "images are torch.uint8; pass floats"),
        (lambda x: x.numpy().astype(int), "images are torch.int64"),
        (lambda x: x > 0.5, "images are torch.bool"),
        (lambda x: x[:, :1], "images have shape .*RGB first"),
        (lambda x: torch.cat([x, x[:, :1]], 1), "images have shape .*RGB first"),
        (lambda x: x.permute(0, 2, 3, 1), "images have shape .*RGB first"),
        (lambda x: x[0], "images have shape .*RGB first"),
        (lambda x: x[:0], "at least one image"),
        (lambda x: np.array(["a"]), "images are ndarray; pass an array of floats"),
        (lambda x: None, "images are NoneType"),
        (lambda x: x[..., :-1], "pixels, but the CLIP was loaded for"),
    ],
)
def test_predict_refuses_images_that_give_meaningless_numbers(change, message, model, images):
    bad = change(images)
    for call in (model.predict, model.sample_prompts) if bad is not None else (model.predict,):
        with pytest.raises(ValueError, match=message):
            call(bad, "cable", num_samples=1)
    with pytest.raises(ValueError, match=message):
        model.features(bad)


def test_arrays_of_any_layout_give_the_same_scores(model, images):
    scores, array = model.predict(images, "cable", num_samples=1).score, images.numpy()
    for same in (
        list(images),
        array[:, ::-1].copy()[:, ::-1],
        array.astype(">f4"),
        array.astype(">f8"),
        array.tolist(),
    ):
        assert torch.equal(model.predict(same, "cable", num_samples=1).score, scores)
    for empty in (images.to_sparse(), images.to("meta")):
        with pytest.raises(ValueError, match="images are Tensor; pass an array of floats"):
            model.predict(empty, "cable", num_samples=1)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"num_samples": 0}, "num_samples is 0"),
        ({"num_samples": True}, "num_samples is True"),
        ({"seed": -1}, "seed is -1; it must be a whole number from 0"),
        ({"seed": "0"}, "seed is '0'"),
        ({"smoothing": float("nan")}, "smoothing is nan"),
        ({"top_fraction": 0}, "top_fraction is 0; it must be a number above 0"),
        ({"top_fraction": 2}, "top_fraction is 2"),
        ({"max_prompts_per_pass": 0.5}, "max_prompts_per_pass is 0.5"),
        ({"class_names": [3]}, r"class names are \[3\]"),
        ({"class_names": None}, "class names is None; pass a list"),
        ({"class_names": 3}, "class names is 3; pass a list"),
        ({"class_names": "a <End_of_text> b"}, "class name 'a <End_of_text> b' has a special token"),
        ({"class_names": "&lt;start_of_text&gt;"}, "has a special token"),
        ({"class_names": "cable " * 100}, "class name '(cable ){6}cabl' makes a prompt"),
        ({"noise": 3}, "noise is 3; pass a Noise"),
        ({"seed": "9" * 1000}, r"seed is '9{75} \.\.\.; it must be"),
    ]
    + [
        ({name: None}, f"{name} is None; it must be a") for name in ("seed", "num_samples", "smoothing", "top_fraction")
    ],
)
def test_predict_refuses_arguments_out_of_range(options, message, model, images):
    with pytest.raises(ValueError, match=message):
        model.predict(images[:1], **{"class_names": "cable"} | options)


def test_entries_take_nothing_of_another_type(model, tiles):
    for call, message in {
        lambda: pfl.load(None): "path is None; pass a str or Path",
        lambda: pfl.load("default", device="gpu"): "gpu is not a device",
        lambda: pfl.BayesPFL(model.clip, {}): "config is {}; pass a ModelConfig",
        lambda: pfl.evaluate(model, None): "data is None; pass a Dataset",
        lambda: pfl.evaluate(model, tiles, config={}): "config is {}; pass a EvalConfig",
        lambda: pfl.train(model, tiles, {}): "config is {}; pass a TrainConfig",
        lambda: pfl.train(model, None): "data is None; pass a Dataset",
    }.items():
        with pytest.raises(ValueError, match=message):
            call()


def test_image_size_threshold_and_false_alarm_rate_have_ranges(model, tmp_path):
    with pytest.raises(ValueError, match="image_size is -14"):
        pfl.load_clip("tiny", image_size=-14)
    with pytest.raises(ValueError, match="threshold is nan; it must be a number from 0 to 1"):
        inspection.inspect(model, None, tmp_path, threshold=float("nan"))
    with pytest.raises(ValueError, match="false_alarms is nan"):
        inspection.calibrate([0.1], float("nan"))
    with pytest.raises(ValueError, match="scores have a value that is NaN"):
        inspection.calibrate([0.1, float("nan")], 0.5)
    with pytest.raises(ValueError, match="1 normal images are too few"):
        inspection.calibrate(0.3, 0.4)
