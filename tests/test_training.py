"""The training loop: what it changes, that it is reproducible, and that it resumes after an interruption."""

import dataclasses
import json

import numpy as np
import pytest
import torch

from pfl import training
from pfl.checkpoint import load
from pfl.config import EvalConfig, ModelConfig, TrainConfig, preset
from pfl.data.samples import Dataset
from pfl.evaluation import measure, record
from pfl.metrics import image_metrics
from pfl.model import BayesPFL
from pfl.optimisation import optimizer_of, schedule
from pfl.selection import validation_score
from pfl.training import train

CONFIG = TrainConfig(epochs=2, stage2_epochs=2, batch_size=4, lr_projection=1e-3)


@pytest.fixture
def data(tiles):
    return tiles


@pytest.fixture
def fresh(clip):
    return lambda: BayesPFL(clip, ModelConfig(num_prompts=2, num_flows=2, flow_init=0.02, base_variance=1e-3))


def same(first, second):
    return all(torch.equal(value, second.state_dict()[name]) for name, value in first.state_dict().items())


def test_training_lowers_the_loss_and_does_not_change_clip(fresh, data):
    model = fresh()
    before = {name: value.clone() for name, value in model.clip.state_dict().items()}
    config = dataclasses.replace(CONFIG, epochs=24, stage2_epochs=4, augment=False, lr_projection=3e-4)
    history = train(model, data, config, progress=False).history
    first = history[history.stage == 1]
    assert first.loss_focal.iloc[-3:].mean() < 0.7 * first.loss_focal.iloc[0]
    assert model.stage == 2 and list(history.columns[:2]) == ["stage", "epoch"] and len(history) == 28
    assert all(torch.equal(value, before[name]) for name, value in model.clip.state_dict().items())


def test_each_stage_trains_its_own_parameters(fresh, data):
    start, one, two = fresh(), fresh(), fresh()
    train(one, data, dataclasses.replace(CONFIG, epochs=1, stage2_epochs=0), progress=False)
    train(two, data, dataclasses.replace(CONFIG, epochs=1, stage2_epochs=1), progress=False)

    def moved(first, second):
        second = second.state_dict()
        return {k.split(".")[0] for k, v in first.state_dict().items() if not torch.equal(v, second[k])}

    everything = {name.split(".")[0] for name in start.state_dict()}
    assert moved(start, one) == everything - {"image_mapping", "fusion"}
    assert moved(one, two) == {"image_mapping", "fusion", "class_mapping"}


def test_parameter_groups_have_the_published_learning_rates(fresh):
    model, config = fresh(), TrainConfig(lr_prompts=1.0, lr_flow=2.0, lr_temperature=3.0, lr_projection=4.0)
    rates = {id(p): group["lr"] for group in optimizer_of(model, config).param_groups for p in group["params"]}
    rate = {name: rates.get(id(p)) for name, p in model.named_parameters()}
    assert rate["prompts.states"] == 1 and rate["temperature_pixel"] == 3
    assert rate["isd.u.weight"] == rate["iad.c"] == rate["iad.state"] == 2
    assert rate["isd.inference.mean.0.weight"] == rate["attention.query.bias"] == rate["class_mapping.weight"] == 4
    assert {name.split(".")[0] for name, r in rate.items() if r is None} == {"image_mapping", "fusion"}


def test_the_schedule_is_a_linear_warm_up_and_a_cosine_decay():
    shares = [schedule(step, 100, 0.1) for step in range(100)]
    assert shares[0] == pytest.approx(0.1) and shares[9] == shares[10] == 1
    assert shares[55] == pytest.approx(0.5) and shares[99] < 1e-3


def test_a_run_is_determined_by_its_seed(fresh, data):
    first, again, other = fresh(), fresh(), fresh()
    runs = [
        train(m, data, dataclasses.replace(CONFIG, seed=s), progress=False)
        for m, s in ((first, 0), (again, 0), (other, 1))
    ]
    assert same(first, again) and not same(first, other)
    losses = [run.history.drop(columns="seconds") for run in runs]
    assert losses[0].equals(losses[1]) and not losses[0].equals(losses[2])


@pytest.mark.parametrize("interrupted_after", [1, 2, 3])
def test_an_interrupted_run_resumes_to_the_same_result(fresh, data, tmp_path, monkeypatch, interrupted_after):
    """Interrupted within stage 1, between the stages, and within stage 2."""
    whole, broken, resumed = fresh(), fresh(), fresh()
    expected = train(whole, data, CONFIG, out=tmp_path / "whole", progress=False).history
    epoch, count = training._train_epoch, iter(range(10))

    def dies(*args):
        if next(count) == interrupted_after:
            raise KeyboardInterrupt
        return epoch(*args)

    monkeypatch.setattr(training, "_train_epoch", dies)
    with pytest.raises(KeyboardInterrupt):
        train(broken, data, CONFIG, out=tmp_path / "run", progress=False)
    monkeypatch.setattr(training, "_train_epoch", epoch)
    run = train(resumed, data, CONFIG, out=tmp_path / "run", progress=False)
    assert same(whole, resumed) and resumed.stage == 2
    assert run.history.drop(columns="seconds").equals(expected.drop(columns="seconds"))
    assert same(load(tmp_path / "run", resumed.clip), whole)


def test_a_finished_run_is_not_repeated_and_a_different_one_is_rejected(fresh, data, tmp_path):
    model, again = fresh(), fresh()
    train(model, data, CONFIG, out=tmp_path, progress=False)
    assert len(train(again, data, CONFIG, out=tmp_path, progress=False).history) == 4 and same(model, again)
    assert (tmp_path / "history.csv").read_text().count("\n") == 5
    with pytest.raises(ValueError, match="another train configuration .seed 0, not 1.; choose another folder"):
        train(fresh(), data, dataclasses.replace(CONFIG, seed=1), out=tmp_path, progress=False)
    with pytest.raises(ValueError, match="another data set"):
        train(fresh(), data.subset(keep=lambda one: one != data[0]), CONFIG, out=tmp_path, progress=False)
    for other in (BayesPFL(model.clip, model.config, seed=7), load(tmp_path, model.clip)):
        with pytest.raises(ValueError, match="another set of initial weights"):
            train(other, data, CONFIG, out=tmp_path, progress=False)
    (tmp_path / training.PROGRESS).unlink()
    with pytest.raises(
        FileExistsError,
        match="holds history.csv, model.json, weights.safetensors, but no run to resume; choose another folder",
    ):
        train(fresh(), data, CONFIG, out=tmp_path, progress=False)


@pytest.mark.parametrize(
    ("scores", "kept"),
    [
        ([0.1, 0.5, 0.4, 0.3, 0.2, 0.9], 1),  # three epochs below the best: patience 2 and one more
        ([0.1, 0.5, 0.4, 0.5, 0.3, 0.2, 0.1], 3),  # a tie counts as better, and starts the count again
    ],
)
def test_a_stage_stops_when_validation_no_longer_improves_and_keeps_its_best_epoch(
    scores, kept, fresh, data, monkeypatch
):
    model, seen = fresh(), []
    values = iter(scores)

    def score(model, data, config, engine=None):
        seen.append({name: value.clone() for name, value in model.state_dict().items()})
        return next(values)

    monkeypatch.setattr(training, "validation_score", score)
    config = dataclasses.replace(CONFIG, epochs=9, stage2_epochs=0, patience=2, selection="auxiliary")
    run = train(model, data, config, validation=data, progress=False)
    assert run.history.validation.tolist() == scores[: kept + 4]
    assert all(torch.equal(value, seen[kept][name]) for name, value in model.state_dict().items())


def test_both_stages_together_run_no_more_epochs_than_allowed(fresh, data, monkeypatch):
    monkeypatch.setattr(training, "validation_score", lambda *args: 0.5)
    config = dataclasses.replace(CONFIG, epochs=3, stage2_epochs=3, max_epochs=4, selection="auxiliary")
    run = train(fresh(), data, config, validation=data, progress=False)
    assert run.history.stage.tolist() == [1, 1, 1, 2]


def test_selection_must_say_where_its_data_come_from_and_is_recorded(fresh, data, tmp_path):
    by_target = dataclasses.replace(CONFIG, epochs=1, stage2_epochs=1, selection="target", criterion="stage")
    with pytest.raises(ValueError, match="the target's test set, which zero-shot forbids"):
        train(fresh(), data, by_target, progress=False)
    with pytest.raises(ValueError, match='selection="auxiliary" or "target"'):
        train(fresh(), data, CONFIG, validation=data, progress=False)
    train(fresh(), data, by_target, validation=data, out=tmp_path, progress=False)
    card = json.loads((tmp_path / "model.json").read_text())["card"]
    assert card["training"]["selection"] == "target"
    assert card["selected_on"]["data_fingerprint"] == data.fingerprint()
    model = load(tmp_path, fresh().clip)
    assert record(measure(model, data), model, data, EvalConfig())["card"] == card


def test_the_reference_selects_by_pixels_of_the_raw_map_and_then_by_the_text_score(fresh, data):
    model, config = fresh(), dataclasses.replace(CONFIG, selection="target", criterion="stage")
    result = measure(model, data, EvalConfig(num_samples=5, smoothing=0.0))
    assert validation_score(model, data, config) == pytest.approx(result.pixels["pixel_ap"].mean())
    model.stage = 2
    result = measure(model, data, EvalConfig(num_samples=5))
    by_text = [image_metrics(g.text_score, g.label)["ap"] for _, g in result.images.groupby("category")]
    assert validation_score(model, data, config) == pytest.approx(np.mean(by_text))


def test_the_schedule_warms_up_step_by_step_and_ends_at_its_horizon_however_many_epochs_run(fresh, data):
    assert [schedule(k, 40, 0.1) for k in range(4)] == [0.25, 0.5, 0.75, 1.0]
    assert schedule(4, 40, 0.1) == 1.0 and schedule(22, 40, 0.1) == pytest.approx(0.5)
    assert schedule(40, 40, 0.1) == pytest.approx(0)
    rates = {
        horizon: train(
            fresh(), data, dataclasses.replace(CONFIG, epochs=2, stage2_epochs=0, horizon=horizon), progress=False
        ).history.lr.tolist()[-1]
        for horizon in (None, 30)
    }
    assert rates[None] < 0.2 * CONFIG.lr_prompts and rates[30] != rates[None]


def test_epochs_beyond_the_horizon_are_refused():
    with pytest.raises(ValueError, match="epochs is 60, but the rates are 0 after a horizon of 30"):
        dataclasses.replace(CONFIG, epochs=60, horizon=30)


def test_a_stage_without_an_epoch_left_does_not_begin(fresh, data):
    config = dataclasses.replace(CONFIG, epochs=1, stage2_epochs=1, max_epochs=1)
    model = train(fresh(), data, config, progress=False).model
    assert model.stage == 1


def test_stage_2_has_a_constant_rate_of_its_own(fresh, data):
    config = dataclasses.replace(CONFIG, epochs=1, stage2_epochs=3, lr_projection=1e-2, lr_stage2=3e-4)
    history = train(fresh(), data, config, progress=False).history
    assert history[history.stage == 2].lr.tolist() == [3e-4] * 3


def test_training_in_bfloat16_gives_a_similar_loss(fresh, data):
    run = train(fresh(), data, dataclasses.replace(CONFIG, precision="bf16", epochs=1), progress=False)
    exact = train(fresh(), data, dataclasses.replace(CONFIG, epochs=1), progress=False)
    assert np.isclose(run.history.loss[0], exact.history.loss[0], rtol=0.05)
    assert run.history.loss[0] != exact.history.loss[0]


def test_data_without_labels_masks_or_anomalies_is_rejected(fresh, data):
    unknown = dataclasses.replace(data[0], label=None)
    bare = dataclasses.replace(data[1], mask=None)
    for sample, message in ((unknown, "has no label"), (bare, "has no mask")):
        with pytest.raises(ValueError, match=message) as caught:
            train(fresh(), Dataset(name="bad", samples=(sample,)), CONFIG, progress=False)
        assert str(sample.image) in str(caught.value)
    with pytest.raises(ValueError, match="'tiles' has no anomalous image"):
        train(fresh(), data.subset(keep=lambda one: one.label == 0), CONFIG, progress=False)


def test_a_loss_that_is_not_finite_is_reported_with_its_step(fresh, data):
    model = fresh()
    model.prompts.context.data[:] = float("nan")
    with pytest.raises(FloatingPointError, match="stage 1, epoch 1, step 1"):
        train(model, data, CONFIG, progress=False)


@pytest.mark.parametrize(("kind", "name", "value"), [
    (TrainConfig, "precision", "fp16"), (TrainConfig, "kl", "Exact"), (EvalConfig, "protocol", "Official"),
])  # fmt: skip
def test_invalid_choices_in_a_config_are_rejected(kind, name, value):
    with pytest.raises(ValueError, match=f"{name} '{value}' is unknown; choose one of"):
        kind(**{name: value})


def test_presets_differ_in_initialisation_and_learning_rate():
    tiny, paper = preset("tiny"), preset("paper")
    assert tiny.model.flow_init < paper.model.flow_init == 1.0
    assert tiny.train.lr_projection > paper.train.lr_projection == 1e-4
    with pytest.raises(ValueError, match="choose one of tiny, small, paper"):
        preset("huge")


def test_cached_features_do_not_change_training(fresh, data, clip, monkeypatch):
    config = dataclasses.replace(CONFIG, augment=False)
    plain = train(fresh(), data, config, progress=False)
    monkeypatch.setattr(clip, "memory", {})
    first = train(fresh(), data, config, progress=False)
    assert len(clip.memory) == len(data)
    monkeypatch.setattr(clip, "_encode", None)  # from here on encoding fails
    second = train(fresh(), data, config, progress=False)
    losses = [run.history.drop(columns="seconds").to_numpy(float) for run in (plain, first, second)]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-4, equal_nan=True)
    np.testing.assert_array_equal(losses[1], losses[2])
    with pytest.raises(ValueError, match="augment=False"):
        train(fresh(), data, CONFIG, progress=False)
