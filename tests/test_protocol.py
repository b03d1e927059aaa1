"""Image scores by choice of protocol, on arrays that can be followed by hand."""

import numpy as np
import pandas as pd
import pytest

from pfl.evaluation import measure
from pfl.protocol import image_scores, score_parts

PARTS = pd.DataFrame(
    {
        "category": ["nut", "nut", "nut", "cup", "cup"],
        "text": [0.1, 0.2, 0.3, 0.5, 0.5],
        "filtered-2000": [0.4, 0.6, 0.8, 0.1, 0.3],
        "raw-20": [1.0, 0.0, 0.5, 0.7, 0.9],
    }
)


def test_the_plain_score_is_the_mean_of_its_halves_for_each_image_alone():
    scores = image_scores(PARTS, top="filtered-2000")
    assert np.allclose(scores, [0.25, 0.4, 0.55, 0.3, 0.4])
    assert np.allclose(image_scores(PARTS.iloc[:1], top="filtered-2000"), scores[:1])


def test_normalised_halves_span_0_to_1_in_each_category_and_a_constant_one_is_0():
    scores = image_scores(PARTS, top="filtered-2000", normalise=True)
    assert np.allclose(scores, [0, 0.5, 1, 0, 0.5])


def test_each_category_can_have_its_own_top_pixels():
    scores = image_scores(PARTS, top={"nut": "filtered-2000", "cup": "raw-20"})
    assert np.allclose(scores, [0.25, 0.4, 0.55, 0.6, 0.7])


def test_the_official_score_is_one_of_these_choices(model, tiles):
    parts, result = score_parts(model, tiles), measure(model, tiles)
    official = image_scores(parts, top="raw-2000", normalise=True)
    assert np.allclose(official, result.images["official_score"], atol=1e-4)
    strict = image_scores(parts, top="filtered-2000")
    assert strict.to_numpy() == pytest.approx(
        result.images["strict_score"].to_numpy(), abs=0.02
    )  # 0.75 % of the pixels
