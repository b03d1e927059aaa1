"""Notebook 00: AUROC of wordings by category, and two sentences in place of the ensemble."""

import numpy as np
import pytest
import torch

from pfl.course import wordings
from pfl.course.sentences import Sentences, encode, sentence_figure, try_sentences

LABELS, NAMES = np.array([0, 1, 0, 1]), np.array(["tile", "tile", "plate", "plate"])


def test_auroc_is_computed_within_each_category():
    found = wordings.table(
        {"good": np.array([0.1, 0.2, 0.8, 0.9]), "bad": np.array([0.2, 0.1, 0.8, 0.9])}, LABELS, NAMES
    )
    assert found.pivot(index="wording", columns="category", values="image_auroc").to_dict() == {
        "plate": {"good": 1, "bad": 1},
        "tile": {"good": 1, "bad": 0},
    }


def test_the_best_mean_is_the_first_row_of_the_figure():
    found = wordings.table({"bad": -LABELS, "good": LABELS}, LABELS, NAMES)
    axes = wordings.figure(found).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["good", "bad"]


def test_sentences_give_the_probability_of_the_formula(clip):
    prompts, x = Sentences(clip, "a good {}", "a bad {}"), torch.randn(3, clip.dim)
    t = torch.nn.functional.normalize(clip.encode_text(["a good tile", "a bad tile"]), dim=-1)
    v = torch.nn.functional.normalize(x, dim=-1)
    expected = (clip.model.logit_scale.exp() * v @ t.T).softmax(-1)[:, 1]
    np.testing.assert_allclose(prompts.probabilities(x, "tile"), expected.detach(), atol=1e-5)


def test_a_missing_sentence_is_named(clip):
    with pytest.raises(ValueError, match="write two sentences"):
        Sentences(clip, "a good {}", " ")


def test_the_figure_shows_the_score_of_the_image_and_the_numbers_say_it(clip, tiles):
    data = tiles.subset(categories="tile")
    x = encode(clip, data)
    figure, text = sentence_figure(clip, data, x, 1, "a good {}", "a bad {}")
    p = Sentences(clip, "a good {}", "a bad {}").probabilities(x, "tile")
    assert f"<b>{p[1]:.3f}</b>" in text and "AUROC on the 5 photographs of tile" in text
    assert figure.axes[2].lines[-1].get_xdata()[0] == p[1]


def test_an_error_is_shown_in_the_widget(clip, tiles):
    widget = try_sentences(clip, tiles)
    (controls, numbers) = widget.children
    controls.children[2].value = ""
    assert "write two sentences" in numbers.value
    controls.children[2].value = "a bad {}"
    assert "p(abnormal)" in numbers.value
