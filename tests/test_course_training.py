"""The tables and figures of notebook 02 about pre-training and training."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from PIL import Image

import pfl
from pfl.course import learning, pretraining
from pfl.data import Dataset, Sample


def test_the_settings_that_differ_are_listed_once():
    table = learning.differences(pfl.preset("paper"), pfl.preset("tiny"))
    assert table.loc["batch_size"].tolist() == [32, 16] and "orthogonal" not in table.index
    assert table.index.is_unique
    assert learning.differences(pfl.preset("paper"), pfl.preset("paper")).empty


def test_each_loss_has_its_panel_and_each_stage_its_line():
    history = pd.DataFrame({"stage": [1, 1, 2], "epoch": [1, 2, 1], "loss": [3.0, 2, 1]})
    history = history.assign(loss_class=[1.0, 0.9, 0.8], loss_dice=[2.0, 1.1, None])
    figure = learning.figure(history)
    assert [ax.get_title() for ax in figure.axes] == ["class", "dice"]
    assert [list(line.get_xdata()) for line in figure.axes[0].lines] == [[1, 2], [3]]
    plt.close(figure)


def test_the_curve_of_pre_training_has_every_group_of_captions():
    curve = pretraining.curve()
    smooth = pretraining.smoothed(curve)
    assert set(pretraining.GROUPS) <= set(curve) and (smooth.step == curve.step).all()
    assert smooth.state.iloc[-1] == pytest.approx(curve.state.tail(pretraining.SMOOTHED).mean())
    figure = pretraining.figure(curve, [100])
    assert len(figure.axes[0].lines) == 1 + len(pretraining.GROUPS)
    plt.close(figure)


def test_the_categories_with_captions_are_recorded_with_the_weights():
    figure, names = pretraining.drawings(seed=0, count=4)
    plt.close(figure)
    assert len(names) == 4 and list(names) == ["category", "defect"] and {"kinds", "rounds"} <= set(pretraining.card())


def test_the_sizes_are_those_of_all_learned_parameters(model):
    sizes = learning.sizes(model)
    assert sizes.sum() == sum(p.numel() for p in model.parameters())
    assert sizes["attention"] == sum(p.numel() for p in model.attention.parameters())


def test_maps_are_drawn_of_defective_images_with_whether_the_maximum_is_in_the_mask(model, tmp_path):
    samples = []
    for k in range(4):
        pixels = np.random.default_rng(k).integers(0, 255, (32, 32, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{k}.png")
        Image.fromarray(np.full((32, 32), 255, np.uint8)).save(tmp_path / f"{k}_mask.png")
        mask = tmp_path / f"{k}_mask.png" if k % 2 else None
        samples.append(Sample(image=tmp_path / f"{k}.png", category="a", class_name="a", label=k % 2, mask=mask))
    figure, table = learning.maps(model, Dataset(name="test", samples=tuple(samples)), count=2)
    plt.close(figure)
    assert len(table) == 2 and table.inside.all(), "the masks cover the whole image"
