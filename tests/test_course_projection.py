"""Prompts in a plane: labels in the order of the embeddings, neighbours, legends without blanks; and variances."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch

from pfl.course import projection, variance


def test_labels_are_in_the_order_of_the_flat_embeddings():
    b, samples, bank = 3, 4, 2
    table = projection.labels(["coin", "fur", "coin"], num_samples=samples, bank=bank)
    place = torch.arange(b * 2 * samples * bank).unflatten(0, (b, 2, samples, bank))
    row = table.iloc[int(place[1, 1, 2, 0])]
    assert (row.image, row.state, row["sample"], row.prompt, row.category) == (1, "abnormal", 3, 1, "fur")


def test_neighbours_alike_tell_clusters_from_noise():
    rng = np.random.default_rng(0)
    cluster = np.repeat([0, 1], 30)
    points = rng.normal(0, 0.05, (60, 8)) + np.eye(8)[cluster]
    table = pd.DataFrame({"cluster": cluster, "noise": rng.integers(0, 2, 60)})
    alike = projection.alike(points, table, ["cluster", "noise"], k=5)
    assert alike.loc["cluster", "neighbours alike"] == 1 and alike.loc["cluster", "chance"] == 0.5
    assert abs(alike.loc["noise", "neighbours alike"] - 0.5) < 0.15


def test_a_plane_that_has_the_points_keeps_all_neighbours_and_a_random_one_few():
    angle = np.linspace(0, 3, 40)
    points = np.c_[np.cos(angle), np.sin(angle)]
    random = np.random.default_rng(0).normal(size=(40, 2))
    assert projection.kept(points, points, k=4) > 0.95
    assert projection.kept(points, random, k=4) < 0.4


def test_hand_written_prompts_have_unit_length_and_both_states(clip):
    embedded, table = projection.written_prompts(clip, ["coin", "coin", "fur"], every=40)
    assert len(embedded) == len(table) and set(table.state) == set(projection.STATES)
    assert torch.allclose(embedded.norm(dim=-1), torch.ones(len(table)), atol=1e-5)
    assert list(dict.fromkeys(table.category)) == ["coin", "fur"] and not table.duplicated().any()


def test_legends_have_no_blank_entry_and_a_marker_for_each_label():
    learned = projection.labels(["coin", "fur", "sky"], num_samples=3, bank=2)
    learned = learned.assign(x=np.arange(len(learned)), y=0.0)
    written = pd.DataFrame({"x": [0, 1], "y": [1, 1], "category": "coin", "state": projection.STATES, "sentence": "-"})
    figure = projection.draw_prompts(learned, written)
    names = [[text.get_text() for text in ax.get_legend().get_texts()] for ax in figure.axes]
    assert sorted(names[0]) == sorted(f"{s}, {k}" for s in projection.STATES for k in ("learned", "hand-written"))
    assert names[1] == ["hand-written", "prompt 1", "prompt 2"] and names[2] == ["hand-written", "coin", "fur", "sky"]
    assert len({line.get_marker() for line in figure.axes[2].lines}) == 3, "colour alone is not enough"
    plt.close(figure)


def test_the_variance_along_an_axis_is_by_state():
    text = torch.zeros(2, 2, 3, 4, 5)
    text[0, 1, ..., 0] = 2.0  # only the abnormal state varies, between images: mean 1, so variance 1
    assert variance.along(text, 0) == pytest.approx([0, 1])
    assert variance.along(text, 2) == pytest.approx([0, 0]) and variance.along(text, (0, 2, 3)) == pytest.approx([0, 1])
    figure = variance.figure(pd.DataFrame({"normal": [0.1, 0.2], "abnormal": [0.3, 0.4]}, ["a", "b"]))
    assert [bar.get_width() for bar in figure.axes[0].patches] == pytest.approx([0.1, 0.2, 0.3, 0.4])
    plt.close(figure)
