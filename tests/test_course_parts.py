"""Parts of a model switched off at prediction time: what is off is absent, and the rest is as it was."""

import pytest
import torch

import pfl
from pfl.course import parts
from pfl.data.samples import Sample


@pytest.fixture
def model(clip):
    return pfl.BayesPFL(clip, pfl.ModelConfig(num_flows=2, heads=2, base_variance=4.0, flow_init=0.5), seed=1)


@pytest.fixture
def images(clip):
    size = clip.image_size
    return torch.rand(2, 3, size, size, generator=torch.Generator().manual_seed(0))


def test_with_nothing_off_it_is_the_whole_model(model, images):
    whole, same = (one.predict(images, "bolt", num_samples=2) for one in (model, parts.without(model)))
    assert whole.map.equal(same.map) and whole.score.equal(same.score)
    assert parts.map_change(whole, same) == 0


@pytest.mark.parametrize("part", parts.PARTS)
def test_a_part_that_is_off_has_no_weights_and_changes_the_prediction(part, model, images):
    reduced = parts.without(model, [part])
    assert len(reduced.state_dict()) < len(model.state_dict())
    assert all(value.equal(model.state_dict()[name]) for name, value in reduced.state_dict().items())
    whole, changed = (one.predict(images, "bolt", num_samples=2) for one in (model, reduced))
    assert parts.map_change(whole, changed) > 0


def test_without_distributions_all_samples_are_equal(model, images):
    assert parts.without(model, ["isd", "iad"]).predict(images, "bolt", num_samples=3).score_std.max() < 1e-6


def test_a_bank_of_one_is_that_prompt_of_the_whole_bank(model, images):
    whole = model.predict(images, "bolt", num_samples=2).prompt_probabilities
    for prompt in range(model.config.num_prompts):
        alone = parts.without(model, prompts=[prompt]).predict(images, "bolt", num_samples=2).prompt_probabilities
        torch.testing.assert_close(alone[..., 0], whole[..., prompt])


def test_an_unknown_part_is_named(model):
    with pytest.raises(ValueError, match="unknown part 'clip'; choose from isd"):
        parts.without(model, ["clip"])


def test_switches_change_the_numbers_and_say_that_nothing_was_retrained(model, images, tmp_path):
    samples = [Sample(image=tmp_path / "0.png", category=c, class_name=c, label=0) for c in ("bolt", "nut")]
    batch = pfl.data.Batch(
        images=images,
        masks=torch.zeros(images[:, 0].shape),
        labels=torch.zeros(2),
        class_names=["bolt", "nut"],
        samples=samples,
    )
    controls, numbers = parts.explore(model, batch).children
    assert "Switched off: context distribution (ISD)" in numbers.value and "not a retrained ablation" in numbers.value
    before = numbers.value
    next(one for one in controls.children if one.description.startswith("cross-modal")).value = False
    assert "distribution (ISD), cross-modal attention (RCA)" in numbers.value != before
    next(one for one in controls.children if one.description == "prompts").value = 1
    assert f"1 of {model.config.num_prompts} prompts" in numbers.value
