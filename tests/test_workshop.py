"""The workshop: its images, their labels, and that nothing of the target leaks into training."""

import zlib

import cv2
import numpy as np
import pytest

from pfl import workshop
from pfl.workshop import AUXILIARY, CAPTIONED, NEW, PHOTOGRAPHED, TARGET, captions, defects, scene, splits

SETS = {"captioned": CAPTIONED, "auxiliary": AUXILIARY, "target": TARGET}


def test_the_three_sets_share_no_category_and_two_defects_are_new_in_the_target():
    assert len({*CAPTIONED, *AUXILIARY, *TARGET}) == len(CAPTIONED) + len(AUXILIARY) + len(TARGET)
    assert len(AUXILIARY) >= 8 and len(TARGET) >= 6
    drawn = {part: {d for kind in kinds.values() for d in kind.defects(part)} for part, kinds in SETS.items()}
    assert len(drawn["auxiliary"]) >= 6
    assert drawn["target"] - drawn["auxiliary"] == set(NEW) and len(NEW) == 2
    assert drawn["target"] - drawn["captioned"] == set(NEW)


@pytest.mark.parametrize(("part", "name"), [(part, name) for part, kinds in SETS.items() for name in kinds])
def test_defects_are_on_the_object_visible_and_the_same_for_a_seed(part, name):
    kind = SETS[part][name]
    for defect in kind.defects(part):
        seed = [7, zlib.crc32(f"{name}{defect}".encode())]
        drawn, again = (scene(np.random.default_rng(seed), kind, defect) for _ in range(2))
        assert drawn.image.shape == (192, 192, 3) and drawn.image.dtype == np.uint8
        assert 0.001 < drawn.mask.mean() < 0.3, defect
        assert np.array_equal(drawn.image, again.image) and np.array_equal(drawn.mask, again.mask)
        if defect not in ("missing_part", "foreign_body"):  # the former is removed, the latter may extend over the edge
            assert (drawn.mask & drawn.thing).sum() > 0.5 * drawn.mask.sum(), defect


def test_a_normal_image_has_an_empty_mask():
    assert not scene(np.random.default_rng(0), TARGET["gear"]).mask.any()


def test_a_split_on_disk_is_complete_and_the_same_for_a_seed(tmp_path, monkeypatch):
    monkeypatch.setattr(splits, "IMAGES", dict.fromkeys(splits.SPLITS, (1, 8)))
    first, second = (workshop.load(tmp_path / str(i), split="target") for i in range(2))
    assert first.categories == tuple(sorted(TARGET))
    assert {s.label for s in first.samples} == {0, 1} and first.level == {"image", "pixel"}
    assert first.fingerprint() == second.fingerprint()
    assert first.fingerprint() != workshop.load(tmp_path / "0", split="target", seed=1).fingerprint()


def test_the_splits_have_the_images_of_the_published_results(tmp_path, monkeypatch):
    """Position-weighted means of a normal and a defective image per category; processors may round differently."""
    monkeypatch.setattr(splits, "IMAGES", dict.fromkeys(splits.SPLITS, (1, 1)))
    ramp = np.linspace(0, 1, 192)[:, None] * np.linspace(1, 2, 192)
    for split, expected in {"auxiliary": 71.423, "target": 80.168, "photographs": 82.848}.items():
        samples = workshop.load(tmp_path, split=split).samples
        grey = np.stack([cv2.imread(str(sample.image), cv2.IMREAD_GRAYSCALE) for sample in samples])
        assert (grey * ramp).mean() == pytest.approx(expected, abs=0.01)


def test_a_split_is_readable_by_all_and_an_interrupted_one_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(splits, "SPLITS", {"target": {"gear": TARGET["gear"]}})
    monkeypatch.setattr(splits, "IMAGES", {"target": (1, 1)})
    mode = [path.stat().st_mode for path in (workshop.folder(tmp_path / "whole"), tmp_path / "whole")]
    assert mode[0] == mode[1]  # as of any other folder

    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(splits, "write", interrupt)
    with pytest.raises(KeyboardInterrupt):
        splits.make(tmp_path / "cut" / "target", "target")
    assert not list((tmp_path / "cut").iterdir())


def test_the_error_for_an_unknown_split_names_it(tmp_path):
    with pytest.raises(ValueError, match="no split 'train'; choose one of auxiliary, target"):
        workshop.load(tmp_path, split="train")


def test_no_caption_names_a_target_category_or_defect():
    assert not set(captions.DEFECTS) & set(NEW)
    rng = np.random.default_rng(0)
    text = " ".join(c.text for _ in range(30) for c in captions.captions(np.arange(len(CAPTIONED)), rng))
    for word in [*TARGET, *PHOTOGRAPHED, *NEW, "foreign body", "corrosion", "coins", "bricks"]:
        assert f" {word} " not in f" {text} "


def test_a_faint_or_soft_defect_has_the_same_place_but_less_contrast():
    drawn, faint, soft = (
        scene(np.random.default_rng(3), CAPTIONED["steel"], "hole", **how)
        for how in ({}, {"strength": 0.4}, {"softness": 3.0})
    )
    assert np.array_equal(faint.mask, drawn.mask)
    assert (drawn.mask & soft.mask).sum() > 0.8 * drawn.mask.sum()
    contrast = [abs(s.image[s.mask].mean() - s.image[~s.mask].mean()) for s in (drawn, faint)]
    assert contrast[1] < 0.6 * contrast[0]
    steepest = [np.abs(np.diff(s.image.mean(-1), axis=0)).max() for s in (drawn, soft)]
    assert steepest[1] < steepest[0]


@pytest.mark.parametrize("defect", defects.LINES)
def test_a_thin_line_is_inside_the_wide_one(defect):
    wide, thin = (scene(np.random.default_rng(3), CAPTIONED["steel"], defect, width=w).mask for w in (1.0, 0.3))
    assert thin.sum() < 0.6 * wide.sum()
    assert (thin & wide).sum() > 0.95 * thin.sum()


@pytest.mark.parametrize("defect", defects.LINES)
def test_the_thinnest_and_softest_defect_still_has_a_mask(defect):
    for i in range(12):
        least = {"scale": 0.5, "width": 0.2, "strength": 0.3, "softness": 4.0}
        assert scene(np.random.default_rng([5, i]), CAPTIONED["bolt"], defect, **least).mask.any()


@pytest.mark.parametrize("defect", defects.PATCHES)
def test_a_straight_patch_fills_its_bounding_box_and_an_irregular_one_does_not(defect):
    def filled(straight: bool, i: int) -> float:
        mask = scene(np.random.default_rng([9, i]), CAPTIONED["steel"], defect, straight=straight).mask
        points = np.argwhere(mask).astype(np.float32)
        return mask.sum() / np.prod([side + 1 for side in cv2.minAreaRect(points)[1]])

    straight, irregular = (np.median([filled(how, i) for i in range(9)]) for how in (True, False))
    assert straight > 0.9 and irregular < 0.8
