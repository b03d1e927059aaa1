"""Evaluation, checked with a model whose scores are read directly from the pixels."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from scipy.ndimage import gaussian_filter
from sklearn.metrics import average_precision_score, roc_auc_score

from pfl.config import EvalConfig
from pfl.data import Dataset, Sample
from pfl.evaluation import IMAGE_METRICS, PIXEL_METRICS, evaluate, measure
from pfl.prediction import summarise
from pfl.statistics import bootstrap_images, spread

SIZE = 32


class Oracle:
    """The red channel is the map and the green one the text score; the seed adds noise to the map."""

    clip = SimpleNamespace(image_size=SIZE, device=torch.device("cpu"))
    noise = 0.0

    def predict(self, images, class_names, *, num_samples, seed, smoothing, top_fraction):
        assert len(class_names) == len(images)
        draw = torch.Generator().manual_seed(seed)
        shift = 1 - self.noise * torch.rand(SIZE, SIZE, generator=draw)
        text = images[:, 1].mean(dim=(1, 2))[:, None, None].expand(-1, num_samples, 1)
        maps = [images[:, None, :1] * shift] * num_samples  # (b, 1, 1, H, H) each
        return summarise(text, maps, smoothing=smoothing * images.shape[-1], top_fraction=top_fraction)


@pytest.fixture
def data(tmp_path):
    """Two categories, one in the reference's list of small defects; the last image of each has no label."""
    rng, samples = np.random.default_rng(0), []
    for category in ("screw", "tile"):
        for i in range(9):
            label = i % 2 if i < 8 else None
            mask = np.zeros((SIZE, SIZE), bool)
            if label:
                y, x = rng.integers(0, SIZE - 8, 2)
                mask[y : y + 8, x : x + 6] = True
            pixels = rng.integers(0, 180, (SIZE, SIZE, 3))
            pixels[..., 0] = pixels[..., 0] * 0.7 + rng.integers(0, 60) + 15 * mask
            pixels[..., 1] = rng.integers(60, 160) + 20 * bool(label)
            path = tmp_path / f"{category}_{i}.png"
            Image.fromarray(pixels.astype(np.uint8)).save(path)
            mask_path = path.with_suffix(".mask.png") if label else None
            if label:
                Image.fromarray(mask.astype(np.uint8) * 255).save(mask_path)
            samples.append(
                Sample(
                    image=path, category=category, class_name=category, label=label, mask=mask_path, defect="scratch"
                )
            )
    return Dataset(name="tests", samples=samples)


def read(samples):
    pixels = np.stack([np.array(Image.open(s.image)) for s in samples]) / 255
    masks = np.stack([np.array(Image.open(s.mask)) > 128 if s.mask else np.zeros((SIZE, SIZE), bool) for s in samples])
    return pixels[..., 0], pixels[..., 1].mean(axis=(1, 2)), masks


CONFIG = EvalConfig(num_samples=1, batch_size=4, smoothing=1.5 / 32, top_fraction=0.02)


def test_strict_metrics_equal_those_of_scikit_learn(data):
    table = evaluate(Oracle(), data, CONFIG)
    assert list(table.index) == ["screw", "tile", "mean"]
    assert list(table.columns) == [*IMAGE_METRICS, *PIXEL_METRICS, "num_images"]
    for category in data.categories:
        samples = [s for s in data.samples if s.category == category and s.label is not None]
        red, green, masks = read(samples)
        maps = np.stack([gaussian_filter(m, 1.5) for m in red])
        top = np.sort(maps.reshape(len(maps), -1))[:, -20:].mean(axis=1)  # 2 % of 1024 pixels
        labels, scores = [s.label for s in samples], (green + top) / 2
        row = table.loc[category]
        assert row["image_auroc"] == pytest.approx(roc_auc_score(labels, scores))
        assert row["image_ap"] == pytest.approx(average_precision_score(labels, scores))
        assert row["pixel_auroc"] == pytest.approx(roc_auc_score(masks.ravel(), maps.ravel()), abs=1e-4)
        assert row["pixel_ap"] == pytest.approx(average_precision_score(masks.ravel(), maps.ravel()), abs=1e-4)
    columns = [*IMAGE_METRICS, *PIXEL_METRICS]
    assert np.allclose(table.loc["mean", columns].astype(float), table[columns].iloc[:2].mean())
    assert table["num_images"].tolist() == [9, 9, 18]


def test_official_scores_are_normalised_over_each_category(data):
    result = measure(Oracle(), data, CONFIG)
    for category, count in (("screw", 1), ("tile", round(2000 * (SIZE / 518) ** 2))):  # 20 of 518 x 518 become 1
        red, green, _ = read([s for s in data.samples if s.category == category])
        maps = np.stack(list(red)).reshape(9, -1)  # not filtered, although CONFIG asks for it
        top = np.sort(maps)[:, -count:].mean(axis=1)
        expected = sum((part - part.min()) / np.ptp(part) for part in (green, top)) / 2
        images = result.images[result.images["category"] == category]
        assert np.allclose(images["official_score"], expected, atol=1e-4)
    # A single image has the same strict score as before, and no official score.
    alone = measure(Oracle(), replace(data, samples=data.samples[:1]), CONFIG)
    assert alone.images["strict_score"][0] == pytest.approx(result.images["strict_score"][0])
    assert np.isnan(alone.images["official_score"][0])


def test_the_official_score_of_sets_without_masks_is_the_text_score_alone(data):
    result = measure(Oracle(), replace(data, name="headct"), CONFIG)
    for _, images in result.images.groupby("category"):
        text = images["text_score"]
        assert np.allclose(images["official_score"], (text - text.min()) / np.ptp(text))
    both = measure(Oracle(), data, CONFIG)
    assert not np.allclose(both.images["official_score"], result.images["official_score"])
    assert np.array_equal(both.images["strict_score"], result.images["strict_score"])


def test_one_pass_gives_the_tables_of_both_protocols(data):
    result = measure(Oracle(), data, CONFIG)
    for protocol in ("strict", "official"):
        table = evaluate(Oracle(), data, replace(CONFIG, protocol=protocol))
        pd.testing.assert_frame_equal(table, result.table(protocol))
    strict, official = result.table("strict"), result.table("official")
    pd.testing.assert_frame_equal(strict[list(PIXEL_METRICS)], official[list(PIXEL_METRICS)])
    assert not strict[list(IMAGE_METRICS)].equals(official[list(IMAGE_METRICS)])


def test_metrics_do_not_depend_on_batch_size_or_order(data):
    table = evaluate(Oracle(), data, CONFIG)
    shuffled = replace(data, samples=tuple(data.samples[i] for i in np.random.default_rng(1).permutation(len(data))))
    other = evaluate(Oracle(), shuffled, replace(CONFIG, batch_size=7))
    pd.testing.assert_frame_equal(table, other.loc[table.index], atol=1e-6)


def test_worker_processes_change_nothing(data):
    results = [measure(Oracle(), data, replace(CONFIG, workers=workers)) for workers in (0, 2)]
    pd.testing.assert_frame_equal(results[0].images, results[1].images)
    pd.testing.assert_frame_equal(results[0].pixels, results[1].pixels)


def test_undefined_metrics_are_nan_and_left_out_of_the_mean(data):
    no_masks = replace(data, samples=tuple(replace(s, mask=None) for s in data.samples))
    assert evaluate(Oracle(), no_masks, CONFIG)[list(PIXEL_METRICS)].isna().all(axis=None)
    no_normals = replace(data, samples=tuple(s for s in data.samples if s.label == 1))
    table = evaluate(Oracle(), no_normals, CONFIG)
    assert table[list(IMAGE_METRICS)].isna().all(axis=None) and table[list(PIXEL_METRICS)].notna().all(axis=None)
    half = replace(data, samples=tuple(s for s in data.samples if s.label == 1 or s.category == "tile"))
    table = evaluate(Oracle(), half, CONFIG)
    assert np.isnan(table.loc["screw", "image_auroc"])
    assert table.loc["mean", "image_auroc"] == table.loc["tile", "image_auroc"]


def test_nan_scores_and_empty_data_sets_are_rejected(data):
    class Overflows(Oracle):
        def predict(self, images, class_names, **options):
            return super().predict(
                images * torch.tensor([1, 1, torch.nan, 1])[: len(images), None, None, None], class_names, **options
            )

    with pytest.raises(FloatingPointError, match="screw_2.png. is NaN in fp32; use another precision"):
        measure(Overflows(), data, CONFIG)
    with pytest.raises(ValueError, match="'tests' is empty"):
        measure(Oracle(), replace(data, samples=()), CONFIG)


def test_metrics_vary_over_seeds_only_if_the_samples_do(data):
    def over_seeds(model):
        return {s: evaluate(model, data, replace(CONFIG, seed=s)) for s in (0, 1, 2)}

    steady = spread(over_seeds(Oracle()))
    assert np.allclose(steady["std"], 0) and np.allclose(steady["low"], steady["high"])
    noisy = Oracle()
    noisy.noise = 0.8
    tables = over_seeds(noisy)
    table = spread(tables)
    rows = table[table["metric"] == "pixel_auroc"]
    assert rows["category"].tolist() == ["screw", "tile", "mean"] and (rows["std"] > 0).all()
    assert ((rows["low"] <= rows["mean"]) & (rows["mean"] <= rows["high"])).all()
    values = [one.loc["tile", "pixel_auroc"] for one in tables.values()]
    row = rows[rows["category"] == "tile"].iloc[0]
    assert row["mean"] == pytest.approx(np.mean(values)) and row["std"] == pytest.approx(np.std(values, ddof=1))
    assert spread({0: tables[0]})["std"].isna().all()


def test_bootstrap_intervals_narrow_with_the_number_of_images():
    rng = np.random.default_rng(0)

    def interval(n):
        label = np.arange(n) % 2
        images = pd.DataFrame({"category": "tile", "label": label, "strict_score": rng.normal(label, 1.0)})
        table = bootstrap_images(images, num_resamples=200).set_index(["category", "metric"])
        assert ((table["low"] <= table["value"]) & (table["value"] <= table["high"])).loc[("tile", "image_auroc")]
        assert np.allclose(table.loc["tile"], table.loc["mean"])
        return table.loc[("tile", "image_auroc")]

    few, many = interval(40), interval(1000)
    assert many["high"] - many["low"] < 0.5 * (few["high"] - few["low"])
    assert many["low"] < 0.7602 < many["high"]  # Phi(1 / sqrt 2), the AUROC of two normals one sd apart


def test_a_gain_is_bootstrapped_on_the_same_images_for_both_methods():
    rng, label = np.random.default_rng(0), np.arange(200) % 2
    worse = pd.DataFrame({"path": [f"{i}.png" for i in range(200)], "category": "tile", "label": label})
    worse["strict_score"] = rng.normal(label, 1.0)
    better = worse.assign(strict_score=worse.strict_score + 0.3 * label)

    def auroc(*tables):
        table = bootstrap_images(*tables, num_resamples=200).set_index(["category", "metric"])
        return table.loc[("mean", "image_auroc")]

    ours, theirs, gain = auroc(better), auroc(worse), auroc(better, worse.sample(frac=1, random_state=0))
    assert gain["value"] == pytest.approx(ours["value"] - theirs["value"])
    assert ours["low"] < theirs["high"] and gain["low"] > 0, "two intervals overlap, yet the gain is sure"


def test_evaluating_a_model_is_reproducible(data, model):
    config = replace(CONFIG, num_samples=2)
    pd.testing.assert_frame_equal(evaluate(model, data, config), evaluate(model, data, config))
    result = measure(model, data, config)
    assert result.table().drop(columns="num_images").stack().between(0, 1).all()
    assert (result.images["score_std"] > 0).all() and result.images["label"].tolist().count(-1) == 2
