"""Notebook 01: what is painted is the mask, and how it falls on CLIP's patches."""

import numpy as np

from pfl.course import painting
from pfl.data.augmentation import augment
from pfl.workshop import PHOTOGRAPHED, SIZE, phototarget


def test_a_dab_is_painted_where_it_is_and_is_the_mask():
    image = np.full((SIZE, SIZE, 3), 0.5, np.float32)
    painted, mask = painting.paint(image, [[50, 20, 3]], 0.0)
    assert mask[20, 50] and mask[23, 50] and not mask[25, 50] and not mask[50, 20]
    changed = np.abs(painted - image).max(-1) > 0.2
    assert (changed == mask).mean() > 0.999 and np.isclose(painted[20, 50], 0.1, atol=1e-6).all()


def test_nothing_painted_is_an_empty_mask():
    image = painting.picture_of("brick", 0)
    painted, mask = painting.paint(image, [], 0.0)
    assert not mask.any() and np.array_equal(painted, image)


def test_shares_of_patches_add_up_and_a_thin_line_fills_none():
    mask = np.zeros((SIZE, SIZE), bool)
    mask[16:24, 8:20] = True
    shares = painting.patch_shares(mask, SIZE // 8)
    assert shares[2, 1] == 1 and shares[2, 2] == 0.5 and np.isclose(shares.sum() * 64, mask.sum())
    line = [[x, 100, 1] for x in range(20, 170)]
    thin = painting.patch_shares(painting.paint(painting.picture_of("brick", 0), line, 0)[1], SIZE // 8)
    assert (thin > 0).sum() >= 18 and (thin >= 0.5).sum() == 0


def test_every_defect_can_be_painted_on_every_picture():
    for category in PHOTOGRAPHED:
        image = painting.picture_of(category, 0)
        for family in phototarget.DEFECTS:
            painted, mask = painting.defect(image, category, family, 0)
            assert painted.shape == image.shape and mask.shape == (SIZE, SIZE)


def test_the_numbers_are_those_of_the_mask_and_its_augmentation():
    image, mask = painting.paint(painting.picture_of("coin", 0), painting.START, 0.1)
    _, moved = augment((image * 255 + 0.5).astype(np.uint8), mask, np.random.default_rng(4))
    _, text = painting.painted_figure(image, mask, SIZE // 8, 4)
    assert f"mask: <b>{mask.sum()}</b> pixels" in text and f"after augmentation: <b>{moved.sum()}</b>" in text


def test_painting_and_clearing_change_the_numbers():
    widget = painting.paint_defect(SIZE // 8)
    controls, numbers = widget.children
    before, (canvas, others) = numbers.value, controls.children
    canvas.value = [[100.0, 100.0, 10.0]]
    assert numbers.value != before and canvas.picture.startswith("data:image/png")
    others.children[-1].click()
    assert "mask: <b>0</b> pixels" in numbers.value
