"""The target of photographs: complete, without overlap, with exact masks, and in no training."""

from itertools import product
from pathlib import Path

import cv2
import numpy as np
import pytest

import pfl
from pfl import workshop
from pfl.workshop import PHOTOGRAPHED, phototarget, splits
from pfl.workshop.phototarget import SOURCES, blocks, crop, defects_of, picture, scene


def test_the_split_has_nine_categories_of_thirty_normal_and_thirty_defective_images(tmp_path, monkeypatch):
    assert splits.IMAGES["photographs"] == (30, 30) and len(PHOTOGRAPHED) == 9 and set(SOURCES) == set(PHOTOGRAPHED)
    monkeypatch.setitem(splits.IMAGES, "photographs", (1, 2))
    first, second = (pfl.data.load("photographs", tmp_path / str(i)) for i in range(2))
    assert first.name == "photographs" and first.categories == PHOTOGRAPHED and len(first) == 27
    assert first.level == {"image", "pixel"} and first.fingerprint() == second.fingerprint()
    with pytest.raises(ValueError, match="photographs has no split 'train'"):
        pfl.data.load("photographs", tmp_path, split="train")


@pytest.mark.parametrize("category", PHOTOGRAPHED)
def test_normal_and_defective_crops_never_overlap_and_lie_in_the_picture(category):
    height, width = picture(SOURCES[category][0]).shape[:2]
    normal, defective = (blocks(category, which) for which in (False, True))
    assert min(len(normal), len(defective)) >= 5
    for (x, y, side), (u, v, other) in product(normal, defective):
        assert x + side <= u or u + other <= x or y + side <= v or v + other <= y
    assert all(x + side <= width and y + side <= height for x, y, side in normal + defective)


@pytest.mark.parametrize("category", PHOTOGRAPHED)
def test_a_defect_changes_the_image_where_its_mask_is_and_not_elsewhere(category):
    for defect in defects_of(category):
        drawn = scene(np.random.default_rng(1), category, defect)
        before = crop(np.random.default_rng(1), category, True)
        change = np.abs(drawn.image / 255 - before).max(-1)
        near = cv2.dilate(drawn.mask.astype(np.uint8), np.ones((31, 31))) > 0
        assert 0.003 < drawn.mask.mean() < 0.25 and change[~near].max() < 0.01, defect
        assert change[drawn.mask].mean() > 0.02 and (drawn.mask & drawn.thing).sum() > 0.9 * drawn.mask.sum(), defect
    assert not scene(np.random.default_rng(1), category, None).mask.any()


def test_pictures_of_scikit_image_are_in_no_training():
    readers = {path.name for path in Path(workshop.__file__).parent.glob("*.py") if "skimage" in path.read_text()}
    assert readers == {"phototarget.py"}
    assert not set(PHOTOGRAPHED) & {*workshop.CAPTIONED, *workshop.AUXILIARY, *workshop.TARGET}


def test_its_defects_are_painted_by_code_of_their_own():
    source = Path(phototarget.__file__).read_text()
    assert "import damage" not in source and "import defects" not in source
