"""The workshop: what is drawn, that its labels are true, and that nothing of the target leaks."""

import zlib

import cv2
import numpy as np
import pytest

from pfl import pretrain
from pfl.data import workshop
from pfl.data.workshop import AUXILIARY, CAPTIONED, NEW, SPLITS, TARGET, defect_names, scene

SETS = {"captioned": CAPTIONED} | SPLITS


def every_kind():
    return [(part, name, d) for part, names in SETS.items() for name in names for d in defect_names(names[name], part)]


def test_no_category_is_in_two_sets_and_two_defects_are_new_in_the_target():
    assert len({*CAPTIONED, *AUXILIARY, *TARGET}) == len(CAPTIONED) + len(AUXILIARY) + len(TARGET)
    assert len(AUXILIARY) >= 8 and len(TARGET) >= 6
    families = {part: {d for c in names.values() for d in defect_names(c, part)} for part, names in SETS.items()}
    assert len(families["auxiliary"]) >= 6
    assert families["target"] - families["auxiliary"] == set(NEW) and len(NEW) == 2
    assert families["target"] - families["captioned"] == set(NEW)


def test_what_the_clip_was_shown_is_what_pre_training_draws():
    assert pretrain.WORLDS is CAPTIONED


@pytest.mark.parametrize(("part", "name", "defect"), every_kind(), ids=lambda v: v)
def test_a_defect_lies_on_the_thing_is_of_a_visible_size_and_the_same_for_a_seed(part, name, defect):
    seed = [7, zlib.crc32(f"{name}{defect}".encode())]
    drawn = scene(np.random.default_rng(seed), SETS[part][name], defect)
    assert drawn.image.shape == (192, 192, 3) and drawn.image.dtype == np.uint8
    assert 0.001 < drawn.mask.mean() < 0.3
    again = scene(np.random.default_rng(seed), SETS[part][name], defect)
    assert np.array_equal(drawn.image, again.image) and np.array_equal(drawn.mask, again.mask)
    if defect not in ("missing_part", "foreign_body"):  # the one is gone, the other may hang over the edge
        assert (drawn.mask & drawn.thing).sum() > 0.5 * drawn.mask.sum()


def test_a_flawless_picture_has_an_empty_mask():
    assert not scene(np.random.default_rng(0), TARGET["gear"]).mask.any()


def test_a_split_on_disk_is_complete_and_the_same_for_a_seed(tmp_path, monkeypatch):
    monkeypatch.setattr(workshop, "IMAGES", dict.fromkeys(workshop.SPLITS, (1, 8)))
    first, second = (workshop.load(tmp_path / str(i), split="target") for i in range(2))
    assert first.categories == tuple(sorted(TARGET))
    assert {s.label for s in first.samples} == {0, 1} and first.level == {"image", "pixel"}
    assert first.fingerprint() == second.fingerprint()
    assert first.fingerprint() != workshop.load(tmp_path / "0", split="target", seed=1).fingerprint()


def test_a_split_is_for_all_to_read_and_an_interrupted_one_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(workshop, "SPLITS", {"target": {"gear": TARGET["gear"]}})
    monkeypatch.setattr(workshop, "IMAGES", {"target": (1, 1)})
    mode = [path.stat().st_mode for path in (workshop.folder(tmp_path / "whole"), tmp_path / "whole")]
    assert mode[0] == mode[1]  # as any folder made here

    def dies(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(workshop, "_write", dies)
    with pytest.raises(KeyboardInterrupt):
        workshop.make(tmp_path / "cut" / "target", "target")
    assert not list((tmp_path / "cut").iterdir())


def test_an_unknown_split_is_named(tmp_path):
    with pytest.raises(ValueError, match="no split 'train'; choose one of auxiliary, target"):
        workshop.load(tmp_path, split="train")


def test_pretraining_never_names_or_draws_the_target():
    assert not set(pretrain.WORLDS) & set(TARGET) and not set(pretrain.DEFECTS) & set(NEW)
    rng = np.random.default_rng(0)
    said = " ".join(c.text for _ in range(30) for c in pretrain.captions(np.arange(len(pretrain.WORLDS)), rng))
    for word in [*TARGET, *NEW, "foreign body", "corrosion"]:
        assert f" {word} " not in f" {said} "


def test_a_faint_or_soft_defect_is_the_same_one_less_visible():
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


@pytest.mark.parametrize("defect", workshop.LINES)
def test_a_thin_line_runs_where_the_wide_one_does(defect):
    wide, thin = (scene(np.random.default_rng(3), CAPTIONED["steel"], defect, width=w).mask for w in (1.0, 0.3))
    assert thin.sum() < 0.6 * wide.sum()
    assert (thin & wide).sum() > 0.95 * thin.sum()


@pytest.mark.parametrize("defect", workshop.LINES)
def test_the_thinnest_and_softest_defect_still_has_a_mask(defect):
    for i in range(12):
        least = {"scale": 0.5, "width": 0.2, "strength": 0.3, "softness": 4.0}
        assert scene(np.random.default_rng([5, i]), CAPTIONED["bolt"], defect, **least).mask.any()


@pytest.mark.parametrize("defect", workshop.PATCHES)
def test_a_straight_patch_fills_the_box_around_it_and_an_irregular_one_does_not(defect):
    def filled(straight: bool, i: int) -> float:
        mask = scene(np.random.default_rng([9, i]), CAPTIONED["steel"], defect, straight=straight).mask
        points = np.argwhere(mask).astype(np.float32)
        return mask.sum() / np.prod([side + 1 for side in cv2.minAreaRect(points)[1]])

    straight, irregular = (np.median([filled(how, i) for i in range(9)]) for how in (True, False))
    assert straight > 0.9 and irregular < 0.8
