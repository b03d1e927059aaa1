"""The claims about prompts: variants and settings are what they say, and verdicts follow from intervals."""

import numpy as np
import pandas as pd
import pytest
import torch

import pfl
from pfl import claims
from pfl.data import Dataset
from pfl.data.samples import Sample


@pytest.fixture
def data(tmp_path):
    """Four categories of six normal and six anomalous images, which are never read."""
    names = [(category, label, i) for category in "abcd" for label in (0, 1) for i in range(6)]
    samples = [Sample(image=tmp_path / f"{c}{k}{i}.png", category=c, class_name=c, label=k) for c, k, i in names]
    return Dataset(name="four", samples=tuple(samples))


@pytest.fixture
def table():
    """One comparison with an interval above 0, one below, and one on both sides."""
    rows = [("bank - one prompt", 0.03, 0.01), ("Gaussian - bank", -0.05, 0.02), ("flow - Gaussian", 0.01, 0.04)]
    columns = {"setting": "two categories", "test_set": "drawn", "metric": "image_auroc", "first": 0.9, "second": 0.9}
    rows = [{"comparison": c, "difference": d, "low": d - h, "high": d + h, "seen_from": h} for c, d, h in rows]
    return pd.DataFrame(rows).assign(**columns)


def test_verdicts_follow_from_the_interval():
    assert claims.verdict(0.001, 0.02) == "shown"
    assert claims.verdict(-0.02, -0.001) == "contradicted"
    assert claims.verdict(-0.001, 0.02) == claims.verdict(0.0, 0.02) == "undecided"


def test_the_words_name_what_is_shown_contradicted_and_undecided(table):
    text = claims.sentences(table)
    assert "shown, trained on two categories, tested on drawn: image AUROC +0.030 (+0.020 to +0.040)" in text
    assert "contradicted, trained on two categories, tested on drawn: image AUROC -0.050 (-0.070 to -0.030)" in text
    assert "undecided: 1 of 1 rows; in most of them a difference of 0.040 to 0.040 would have been seen" in text
    assert "both variants are above" not in text
    assert "in 1 both variants are above 0.99" in claims.sentences(table.assign(first=0.995, second=0.999))
    tally = claims.tally(table)
    assert tally.loc["bank - one prompt", "shown"] == tally.loc["Gaussian - bank", "contradicted"] == 1
    assert tally[list(claims.VERDICTS)].to_numpy().sum() == 3


def test_the_figure_has_a_panel_for_each_setting_and_metric(table):
    assert len(claims.draw(table, ("image_auroc",)).axes) == 1


def test_variants_differ_only_in_their_prompts():
    full = pfl.ModelConfig(heads=2)
    found = claims.variants(full)
    assert found["flow"] == full and {config.heads for config in found.values()} == {2}
    assert all(config.rca for config in found.values())
    assert [name for name, config in found.items() if claims.samples(config, 10) == 10] == ["Gaussian", "flow"]


@pytest.mark.parametrize(("setting", "images", "categories"), [
    ("all categories", 24, 4), ("two categories", 12, 2), ("few images", 8, 4), ("photographs", 24, 4),
])  # fmt: skip
def test_settings_keep_training_and_seen_images_apart(setting, images, categories, data):
    training, seen = claims.split(data, setting, 0, most=1000)
    assert len(training) == images and len(training.categories) == categories
    assert seen.categories == training.categories and not set(seen.samples) & set(training.samples)
    assert claims.split(data, setting, 0, most=1000)[0] == training
    assert len(claims.split(data, setting, 0, most=categories * 2)[0]) == categories * 2


def test_every_setting_is_trained_for_about_the_same_number_of_images(data):
    scale = pfl.preset("tiny")
    for setting in claims.SETTINGS:
        training, _ = claims.split(data, setting, 0, most=100)
        assert claims.recipe(scale, training, passes=100, seed=0).epochs * len(training) == pytest.approx(100, rel=0.05)


def test_the_spread_of_prompts_is_zero_without_distributions_and_undefined_for_one(clip):
    x = torch.randn(2, clip.dim)
    spread = {
        name: claims.text_spread(pfl.BayesPFL(clip, config), x, ["bolt", "nut"], num_samples=2)
        for name, config in claims.variants(pfl.ModelConfig(num_flows=2, base_variance=4.0)).items()
    }
    assert np.isnan(spread["one prompt"]["prompts"]) and np.isnan(spread["one prompt"]["directions"])
    assert spread["bank"]["samples"] < 1e-6 < spread["flow"]["samples"]


def test_a_missing_table_is_named_with_the_command_that_writes_it(tmp_path):
    with pytest.raises(FileNotFoundError, match="lacks claims.csv; write it: python tests/benchmarks/claims.py"):
        claims.load(tmp_path)
