"""Saved figures: the same bytes for the same numbers, and never heavy."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from pfl import plotting


@pytest.mark.parametrize(("images", "suffix"), [(False, "png"), (True, "webp")])
def test_a_figure_is_the_same_each_time_and_at_most_300_kb(images, suffix, tmp_path):
    fig, ax = plt.subplots(figsize=(6, 6))
    ax.imshow(np.random.default_rng(0).random((500, 500, 3)))  # noise, which no format can shrink
    numbers = pd.DataFrame({"x": [1 / 3]})
    for folder in ("one", "two"):
        plotting.save_figure(fig, "noise", numbers, tmp_path / folder, images=images)
    one, two = (tmp_path / folder / f"noise.{suffix}" for folder in ("one", "two"))
    assert one.read_bytes() == two.read_bytes() and one.stat().st_size <= 300_000
    assert Image.open(one).width >= 500  # still readable
    assert one.with_suffix(".csv").read_text() == "x\n0.3333\n"
    plt.close(fig)


@pytest.mark.parametrize("images", [False, True])
def test_the_alt_text_is_in_the_picture_and_changes_nothing_else(images, tmp_path):
    fig, ax = plt.subplots(figsize=(2, 2))
    ax.plot([0, 1])
    alt = "Rising line, from 0 to 1 – σ = 0.5"
    for name, text in (("plain", ""), ("described", alt)):
        plotting.save_figure(fig, name, pd.DataFrame({"y": [0, 1]}), tmp_path, images=images, alt=text)
    plain, described = (tmp_path / f"{name}.{'webp' if images else 'png'}" for name in ("plain", "described"))
    assert (plotting.alt_text(plain), plotting.alt_text(described)) == ("", alt)
    assert np.array_equal(np.asarray(Image.open(plain)), np.asarray(Image.open(described)))
    plt.close(fig)
