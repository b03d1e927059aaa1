"""The threshold widget: its counts, its ROC, the images that it shows, and what a reader sees of an error."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from pfl.course import confusion
from pfl.course.explorer import explorer
from pfl.metrics import image_metrics


@pytest.fixture
def images(tmp_path):
    """Ten images of two categories, half of them defective."""
    rng = np.random.default_rng(0)
    paths = [str(tmp_path / f"{i}.png") for i in range(10)]
    for path in paths:
        Image.fromarray(rng.integers(0, 255, (8, 8, 3), dtype=np.uint8)).save(path)
    scores = [0.1, 0.2, 0.3, 0.4, 0.6, 0.3, 0.5, 0.7, 0.8, 0.9]
    table = {"path": paths, "category": ["a", "b"] * 5, "label": [0] * 5 + [1] * 5, "strict_score": scores}
    return pd.DataFrame(table)


def test_rates_count_both_kinds_of_error(images):
    found = confusion.rates(images, 0.5)
    assert (found["tp"], found["fn"], found["fp"], found["tn"]) == (4, 1, 1, 4)
    assert found["recall"] == found["precision"] == found["f1"] == 0.8 and found["false_positive_rate"] == 0.2
    best = image_metrics(images.strict_score, images.label)
    assert confusion.rates(images, best["threshold"])["f1"] == pytest.approx(best["f1"])
    assert np.isnan(confusion.rates(images[images.label == 0], 0.5)["recall"])


def test_the_area_under_the_roc_is_the_auroc(images):
    curve = confusion.roc(images)
    x, y = curve.false_positive_rate.to_numpy(), curve.recall.to_numpy()
    area = (np.diff(x) * (y[1:] + y[:-1]) / 2).sum()
    assert area == pytest.approx(image_metrics(images.strict_score, images.label)["auroc"])


def test_the_images_on_either_side_are_the_nearest(images):
    below, above = confusion.nearest(images, 0.45, count=2)
    assert list(below.strict_score) == [0.3, 0.4] and list(above.strict_score) == [0.5, 0.6]
    assert len(confusion.nearest(images, 0.0)[0]) == 0


def test_the_figure_of_a_category_counts_its_images_only(images):
    figure, text = confusion.draw(images, threshold=0.5, category="a")
    plt.close(figure)
    assert "a, threshold 0.50:</b> 2 of 2 defective images found, 1 of 3 normal images called defective" in text


def test_moving_the_threshold_changes_the_numbers(images):
    box = confusion.explore(images)
    controls, numbers = box.children
    before = numbers.value
    controls.children[0].value = 0.2
    assert "5 of 5 defective images found" in numbers.value != before
    controls.children[1].value = "a"
    assert numbers.value.startswith("<b>a, ")


def test_an_error_is_shown_to_the_reader(images):
    def draw(**values):
        raise ValueError("no <image>")

    box = explorer(draw, {}, name="test")
    assert box.children[1].value == "<b>ValueError:</b> no &lt;image&gt;"
