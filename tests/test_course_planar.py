"""The planar step's widget: its numbers are those of pfl.flows, and a fold is reported."""

import re

import matplotlib.pyplot as plt
import pytest
import torch

from pfl.course import planar
from pfl.flows import planar_flow, planar_step


@pytest.fixture
def points():
    return planar.gaussian(400)


def test_the_numbers_are_those_of_pfl(points):
    u, w = torch.tensor([1.5, 0.5]), torch.tensor([0.8, -0.4])
    moved, numbers = planar.bend(points, u=u, w=w, c=0.3)
    expected, log_det = planar_step(points, u, w, torch.tensor(0.3))
    assert torch.equal(moved, expected) and numbers["product"] == pytest.approx(1.0)
    assert numbers["mean"] == pytest.approx(log_det.mean().item())
    assert numbers["lowest"] <= numbers["mean"] <= numbers["highest"]


def test_a_step_folds_exactly_where_its_jacobian_has_a_negative_determinant(points):
    u, w, c = torch.tensor([-2.0, 0.3]), torch.tensor([1.0, 0.2]), torch.tensor(0.1)
    folded = planar.bend(points, u=u, w=w, c=0.1)[1]["folded"]
    jacobians = torch.vmap(torch.func.jacrev(lambda z: z + u * torch.tanh(w @ z + c)))(points)
    assert folded == pytest.approx((torch.linalg.det(jacobians) < 0).float().mean().item())
    assert 0 < folded < 1
    assert planar.bend(points, u=-w / w.square().sum(), w=w, c=0.0)[1]["folded"] == 0, "w.u = -1 does not fold"


def test_moving_a_slider_changes_the_numbers_and_a_fold_is_reported():
    box = planar.explore()
    controls, numbers = box.children
    sliders = {slider.description: slider for slider in controls.children}
    assert list(sliders) == ["u₁", "u₂", "w₁", "w₂", "bias c"]
    assert "u·w = 1.50" in numbers.value and "The constraint u·w ≥ −1 holds" in numbers.value
    mean = re.search(r"mean over 2000 points (\S+),", numbers.value)[1]
    sliders["bias c"].value = 1.0
    assert re.search(r"mean over 2000 points (\S+),", numbers.value)[1] != mean
    sliders["u₁"].value = -2.0
    assert "The constraint u·w ≥ −1 is violated" in numbers.value
    plt.close("all")


def test_the_share_of_draws_that_fold_is_that_of_the_laplace_distribution():
    one = torch.tensor(-1.0).exp().item() / 2
    assert planar.folding(2, draws=20_000) == pytest.approx(1 - (1 - one) ** 10, abs=0.015)
    assert planar.folding(2, steps=1, draws=20_000) == pytest.approx(one, abs=0.015)


def test_the_sequence_ends_with_the_flow_of_pfl(points):
    u, w, c = 0.5 * torch.ones(3, 2), torch.eye(3)[:, :2], torch.zeros(3)
    figure, table = planar.sequence(points, u, w, c, counts=(0, 3))
    plt.close(figure)
    moved, log_det = planar_flow(points, u, w, c)
    assert list(table.K) == [0, 3] and table.mean_log_det[0] == 0
    assert table.mean_log_det[1] == pytest.approx(log_det.mean().item())
    assert table.sd_x[1] == pytest.approx(moved[:, 0].std().item())
