"""Calibration and risk-coverage on cases small enough to count by hand."""

import numpy as np
import pytest

from pfl.uncertainty import aurc, expected_calibration_error, reliability, risk_coverage


def test_reliability_equals_a_count_by_hand():
    table = reliability([0.0, 0.1, 0.6, 0.9, 1.0], [0, 1, 1, 1, 1], bins=2)
    assert table.to_dict("list") == {
        "low": [0.0, 0.5],
        "high": [0.5, 1.0],
        "confidence": pytest.approx([0.05, 2.5 / 3]),
        "frequency": [0.5, 1.0],
        "count": [2, 3],  # 1.0 is in the last bin
    }
    assert expected_calibration_error([0.0, 0.1, 0.6, 0.9, 1.0], [0, 1, 1, 1, 1], bins=2) == pytest.approx(
        (2 * 0.45 + 3 * (1 - 2.5 / 3)) / 5
    )
    assert len(reliability([0.05, 0.95], [0, 1])) == 2  # empty bins are left out


def test_true_probabilities_are_calibrated_and_overconfident_ones_are_not():
    rng = np.random.default_rng(0)
    truth = rng.uniform(size=(100, 200))  # any shape works
    labels = rng.uniform(size=truth.shape) < truth
    assert expected_calibration_error(truth, labels) < 0.01
    assert expected_calibration_error(truth > 0.5, labels) == pytest.approx(0.25, abs=0.01)  # E min(p, 1 - p)


def test_risk_coverage_equals_a_count_by_hand():
    table = risk_coverage([0.4, 0.1, 0.2, 0.3], [1, 0, 0, 1])
    assert table["coverage"].tolist() == [0.25, 0.5, 0.75, 1.0]
    assert table["risk"].tolist() == pytest.approx([0, 0, 1 / 3, 1 / 2])
    assert aurc([0.4, 0.1, 0.2, 0.3], [1, 0, 0, 1]) == pytest.approx((1 / 3 + 1 / 2) / 4)


def test_the_order_of_equally_uncertain_cases_does_not_matter():
    assert risk_coverage([0.1, 0.5, 0.5, 0.9], [0, 1, 0, 1])["risk"].tolist() == pytest.approx([0, 1 / 4, 1 / 3, 1 / 2])
    rng = np.random.default_rng(0)
    uncertainty, errors = rng.integers(0, 3, 30), rng.integers(0, 2, 30)
    order = rng.permutation(30)
    assert aurc(uncertainty, errors) == pytest.approx(aurc(uncertainty[order], errors[order]))


def test_aurc_is_lowest_for_the_true_errors_and_highest_for_their_opposite():
    errors = np.arange(50) % 5 == 0
    assert aurc(errors, errors) < aurc(np.zeros(50), errors) < aurc(~errors, errors)
    assert aurc(np.zeros(50), errors) == pytest.approx(errors.mean())


def test_invalid_probabilities_and_shapes_are_rejected():
    with pytest.raises(ValueError, match="outside of"):
        reliability([1.2], [1])
    with pytest.raises(ValueError, match=r"\(2,\) and \(1,\)"):
        aurc([0.1, 0.2], [1])
    with pytest.raises(ValueError, match="not empty"):
        aurc([], [])
