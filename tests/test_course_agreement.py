"""The samples of a prediction one by one: their scores and maps are those of `predict`."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from pfl.course import agreement, projection
from pfl.data import Dataset, loader


@pytest.fixture
def batch(tiles, model):
    return next(iter(loader(Dataset(name="tiles", samples=tuple(tiles[:4])), model.clip.image_size, 4)))


@pytest.mark.parametrize("seed", [0, 3])
def test_steps_are_the_samples_of_a_prediction(model, batch, seed):
    prediction = model.predict(batch.images, batch.class_names, num_samples=5, seed=seed)
    found = agreement.steps(model, batch.images[1], batch.class_names[1], num_samples=5, seed=seed)
    assert np.allclose(found.scores, prediction.sample_scores[1], atol=1e-5)
    assert np.allclose(found.maps.mean((0, 1)), prediction.map[1], atol=1e-5)
    assert np.allclose(found.probabilities, prediction.prompt_probabilities[1], atol=1e-5)
    assert found.together[0] == pytest.approx(found.scores[0], abs=1e-6)
    assert found.together[-1] == pytest.approx(float(prediction.score[1]), abs=1e-5)
    assert agreement.running(found.scores).spread.iloc[-1] == pytest.approx(float(prediction.score_std[1]), abs=1e-5)


def test_running_mean_and_spread():
    table = agreement.running([0.2, 0.4, 0.6])
    assert np.allclose(table["mean"], [0.2, 0.3, 0.4])
    assert np.allclose(table["spread"], [0, 0.1, np.sqrt(0.08 / 3)])


def test_the_numbers_name_the_prompt_and_the_agreement_so_far(model, batch):
    found = agreement.steps(model, batch.images[1], batch.class_names[1], num_samples=3, seed=0)
    points = projection.labels([s.category for s in batch.samples], num_samples=3, bank=2)
    points = points.assign(x=np.arange(len(points)), y=0, nearest="a photo of a tile.")
    figure, text = agreement.draw(batch, found, points, image=1, sample=2, prompt=2, which="abnormal")
    plt.close(figure)
    assert "Prompt 2 of the bank, sample 2 of 3, abnormal" in text and "a photo of a tile." in text
    assert f"mean {found.scores[:2].mean():.3f}, spread {found.scores[:2].std():.3f}" in text


def test_the_widget_shows_its_first_defective_image_and_an_error(model, batch):
    points = projection.labels([s.category for s in batch.samples], num_samples=2, bank=2)
    box = agreement.explore(model, batch, points.assign(x=0, y=0, nearest="-"), num_samples=2, seed=0)
    controls, numbers = box.children
    image, sample = controls.children[:2]
    assert batch.samples[image.value].label == 1 and "sample 1 of 2" in numbers.value
    sample.value = 2
    assert "Samples 1 to 2" in numbers.value
    box = agreement.explore(model, batch, points, num_samples=2, seed=0)  # without x and y
    assert "KeyError" in box.children[1].value
    plt.close("all")


def test_votes_are_drawn_by_state(batch):
    figure, table = agreement.votes(batch.samples, np.arange(4) / 4, np.ones(4))
    assert list(table.state) == ["normal", "defective"] * 2
    assert [t.get_text() for t in figure.axes[0].get_legend().get_texts()] == ["normal", "defective"]
    plt.close(figure)
