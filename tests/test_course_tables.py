"""The tables behind the figures of notebooks 03 and 05."""

import numpy as np
import pandas as pd
import pytest

from pfl.course import ablation, choices, cost, localisation, overlap, rejection
from pfl.metrics import pixel_metrics


@pytest.fixture
def images():
    """Two categories with three normal and three defective images each."""
    table = {"category": ["a"] * 6 + ["b"] * 6, "label": [0, 0, 0, 1, 1, 1] * 2}
    return pd.DataFrame(table).assign(strict_score=[1, 2, 6, 3, 5, 9, 1, 2, 3, 4, 5, 6]).astype({"strict_score": float})


def test_the_example_of_pro_has_a_region_that_recall_hardly_notices():
    mask, heat = overlap.example()
    assert mask.shape == heat.shape == (5, 10) and mask.sum() == 10
    found = pixel_metrics(heat, mask)
    assert found["pro"] < found["auroc"]


def test_extremes_are_the_best_median_and_worst_defect_and_the_highest_normal_image(images):
    chosen = localisation.extremes(images)
    assert list(chosen.kind) == [*localisation.KINDS] * 2
    assert list(chosen.strict_score) == [9, 5, 3, 6, 6, 5, 4, 3]


def test_choosing_the_top_pixels_on_the_test_set_never_lowers_the_auroc(images):
    columns = {"text": 0.0, "filtered-2000": images.strict_score, "filtered-20": images.strict_score[::-1].to_numpy()}
    parts = images.assign(**columns)
    best = choices.mean_auroc(choices.scored(parts, choices.FILTERED))
    assert all(best >= choices.mean_auroc(choices.scored(parts, [one])) for one in choices.FILTERED)


def test_the_threshold_calls_as_many_images_defective_as_are(images):
    threshold, wrong = rejection.errors(images)
    assert (images.strict_score > threshold).sum() == 6 and wrong.sum() == 2


def test_a_removal_counts_only_if_it_exceeds_the_range_of_the_seeds():
    rows = [("whole", 0.8), ("whole", 0.9), ("no RCA", 0.7), ("no ISD", 0.82)]
    table = pd.DataFrame(rows, columns=["variant", "image_auroc"]).assign(**{"tested on": "drawn"})
    effects = ablation.effects(table, "whole", "image_auroc").set_index("variant")
    assert effects.change["no RCA"] == pytest.approx(-0.15) and effects.spread["no RCA"] == pytest.approx(0.1)
    assert effects.exceeds["no RCA"] and not effects.exceeds["no ISD"]


def test_the_cost_table_has_every_operation_and_the_stages():
    one = {"seconds": {"encode b=1": 1.0, "predict R=10 b=1": 2.0}, "ratios": {"predict R=10 b=1": 2.0}}
    table = cost.table({64: one | {"profile": {"flow": 0.1}}, 128: one | {"profile": {"flow": 0.2}}}, 128)
    assert len(table) == 5 and table.iloc[-1].tolist()[:3] == [128, "profile: flow", 0.2]
    assert np.isnan(table.ratio.iloc[0]) and table.ratio.iloc[1] == 2
