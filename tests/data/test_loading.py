"""Batches: a seed gives the same ones with any number of workers."""

import dataclasses
import pickle
import random

import numpy as np
import pytest
import torch
from miniatures import sample, write_array

import pfl.data
from pfl.data import Dataset, loader


@pytest.fixture
def metal(tmp_path):
    """Twelve images in MVTec's layout, every second one anomalous with a bright defect."""
    rng = np.random.default_rng(0)
    for n in range(12):
        kind = ("good", "hole")[n % 2]
        image = rng.integers(0, 100, (20, 24, 3), dtype=np.uint8)
        if kind == "hole":
            image[4:12, 3:11] = 255
            write_array(
                tmp_path / f"metal/ground_truth/hole/{n}_mask.png", (image[..., 0] == 255).astype(np.uint8) * 255
            )
        write_array(tmp_path / f"metal/test/{kind}/{n}.png", image)
    return pfl.data.mvtec.read(tmp_path, name="metal")


def same(left, right):
    return all(
        torch.equal(a.images, b.images)
        and torch.equal(a.masks, b.masks)
        and torch.equal(a.labels, b.labels)
        and a.samples == b.samples
        for a, b in zip(left, right, strict=True)
    )


def test_batches_depend_only_on_the_seed(metal):
    options = dict(shuffle=True, augment=True, mosaic=0.4)
    np.random.seed(3)  # noqa: NPY002 - the global generators must stay unchanged
    random.seed(3), torch.manual_seed(3)
    states = (np.random.get_state()[1].copy(), random.getstate(), torch.get_rng_state())  # noqa: NPY002
    first = list(loader(metal, 16, 5, seed=1, **options))
    assert same(first, loader(metal, 16, 5, seed=1, workers=2, **options))
    batches = loader(metal, 16, 5, seed=1, **options)
    assert len(batches) == 3 and same(batches, batches)
    for other in (2, (1, 1)):  # (seed, epoch)
        assert not same(first, loader(metal, 16, 5, seed=other, **options))
    assert (np.random.get_state()[1] == states[0]).all()  # noqa: NPY002
    assert random.getstate() == states[1] and torch.equal(torch.get_rng_state(), states[2])


def test_batches_by_category_hold_one_each_and_every_image_once(metal):
    two = [dataclasses.replace(one, category=("a", "b")[i % 2]) for i, one in enumerate(metal.samples)]
    batches = list(loader(dataclasses.replace(metal, samples=two), 16, 4, by_category=True))
    assert [{one.category for one in batch.samples} for batch in batches] == [{"a"}, {"a"}, {"b"}, {"b"}]
    assert [one.image for batch in batches for one in batch.samples] == [one.image for one in two[::2] + two[1::2]]


def test_what_a_worker_process_needs_can_be_pickled(metal):
    """As on Windows and macOS, where worker processes are spawned and not forked."""
    batches = loader(metal, 16, 5, augment=True, mosaic=0.4)
    parts = pickle.loads(pickle.dumps((batches.dataset, batches.collate_fn, batches.worker_init_fn)))
    dataset, collate, init = parts
    init(0)
    assert same([collate([dataset[i] for i in range(5)])], [next(iter(batches))])


def test_a_batch_has_the_documented_shapes_types_and_labels(metal):
    (batch,) = loader(metal, 16, 20)
    assert batch.images.shape == (12, 3, 16, 16) and batch.images.dtype == torch.float32
    assert batch.masks.shape == (12, 16, 16) and batch.masks.unique().tolist() == [0, 1]
    assert batch.labels.tolist() == [0] * 6 + [1] * 6 and batch.class_names == ["metal"] * 12
    assert batch.samples == list(metal.samples) and len(batch) == 12
    assert (batch.images.mean(1)[batch.masks.bool()] > 0.6).all()
    assert batch.masks[:6].sum() == 0


def test_a_mosaic_is_anomalous_in_all_four_tiles(metal):
    (plain,), (batch,) = loader(metal, 32, 20), loader(metal, 32, 20, mosaic=0.5, seed=4)
    changed = [not torch.equal(a, b) for a, b in zip(plain.images, batch.images, strict=True)]
    assert 3 <= sum(changed) <= 9
    for image, mask, label, new in zip(batch.images, batch.masks, batch.labels, changed, strict=True):
        if new:
            assert label == 1
            assert all(quarter.any() for half in mask.chunk(2) for quarter in half.chunk(2, dim=1))
            assert (image.mean(0)[mask.bool()] > 0.6).all()
    assert next(iter(loader(metal, 33, 2, mosaic=1.0))).images.shape == (2, 3, 33, 33)  # an odd size works, too


def test_tiles_of_a_mosaic_are_drawn_with_repeats(metal):
    anomaly = next(one for one in metal.samples if one.label == 1)
    one = metal.subset(keep=lambda sample: sample == anomaly or sample.label == 0)
    (batch,) = loader(one, 32, 20, mosaic=1.0)
    assert (batch.labels == 1).all()  # a category with a single anomalous image makes mosaics, too
    assert all(torch.equal(image, batch.images[0]) for image in batch.images)


def test_an_empty_data_set_raises_an_error(metal):
    with pytest.raises(ValueError, match="has no samples"):
        loader(metal.subset(keep=lambda one: one.defect == "scratch"), 16, 4)
    with pytest.raises(ValueError, match="no category"):
        metal.subset(categories=["wood"])


def test_the_level_follows_from_labels_and_masks(metal):
    assert metal.level == {"image", "pixel"}
    assert metal.subset(keep=lambda one: one.label == 1).level == {"pixel"}
    assert metal.subset(categories="metal", keep=lambda one: one.label == 0).level == set()
    bare = tuple(sample(one.image, label=one.label) for one in metal.samples)
    assert Dataset(name="bare", samples=bare).level == {"image"}
