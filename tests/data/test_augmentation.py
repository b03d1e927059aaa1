"""The reference's augmentation: at the file's own size, with its strengths, the mask moving with the image."""

import cv2
import numpy as np
import pytest

from pfl.data import augmentation
from pfl.data.augmentation import augment, mosaic


class Only:
    """A generator for which only the n-th of the coins with probability one half comes up, so one change is applied."""

    def __init__(self, n, seed):
        self.coins = iter([0.0 if i == n else 1.0 for i in range(5)])
        self.rng = np.random.default_rng(seed)

    def random(self):
        return next(self.coins)

    def __getattr__(self, name):
        return getattr(self.rng, name)


ROTATE, QUARTERS, LIGHT, NOISE, BLUR = range(5)
MASK = np.zeros((48, 64), bool)
MASK[6:20, 10:40] = True
IMAGE = np.where(MASK, 205, 51).astype(np.uint8)[..., None].repeat(3, axis=2)
GREY = np.full((100, 100, 3), 128, np.uint8)


def test_the_mask_moves_with_the_image():
    before = IMAGE.copy()
    for seed in range(60):
        image, mask = augment(IMAGE, MASK, np.random.default_rng(seed))
        assert image.dtype == np.uint8 and mask.dtype == bool and image.shape[:2] == mask.shape
        bright, dark = np.median(image.mean(-1)[mask]), np.median(image.mean(-1)[~mask])
        assert ((image.mean(-1) > (bright + dark) / 2) == mask).mean() > 0.93
    again = [augment(IMAGE, MASK, np.random.default_rng(59)) for _ in range(2)]
    assert all(np.array_equal(a, b) for a, b in zip(*again, strict=True)) and np.array_equal(IMAGE, before)


def test_one_quarter_turn_in_four_changes_nothing():
    turned = [augment(IMAGE, MASK, Only(QUARTERS, seed)) for seed in range(200)]
    quarters = [next(k for k in range(4) if np.array_equal(np.rot90(IMAGE, k), image)) for image, _ in turned]
    assert np.bincount(quarters, minlength=4).min() > 30
    assert all(np.array_equal(np.rot90(MASK, k), mask) for k, (_, mask) in zip(quarters, turned, strict=True))


def test_rotations_reach_30_degrees():
    line = np.zeros((101, 101), bool)
    line[50, 10:91] = True
    angles = []
    for seed in range(80):
        _, mask = augment(line[..., None].repeat(3, axis=2).astype(np.uint8), line, Only(ROTATE, seed))
        (y0, x0), (y1, x1) = np.argwhere(mask)[[0, -1]]
        angles.append(abs(np.degrees(np.arctan2(y1 - y0, x1 - x0))) % 180)
    angles = np.minimum(angles, 180 - np.array(angles))
    assert 25 < max(angles) < 32 and min(angles) < 5


def test_brightness_and_contrast_change_by_at_most_a_fifth():
    dark, light = np.zeros_like(GREY), np.full_like(GREY, 100)
    shifts, gains = [], []
    for seed in range(200):
        low, high = (int(augment(image, MASK[:0], Only(LIGHT, seed))[0][0, 0, 0]) for image in (dark, light))
        if low:  # else brightness went down, and black is clipped
            shifts.append(low), gains.append((high - low) / 100)
    assert 40 < max(shifts) <= 51 and 0.79 <= min(gains) < 0.85 and 1.15 < max(gains) <= 1.21


def test_noise_has_a_variance_of_10_to_50():
    variances = [augment(GREY, MASK[:0], Only(NOISE, seed))[0].astype(float).var() for seed in range(60)]
    assert 9.5 < min(variances) < 15 and 45 < max(variances) < 51.5


def test_a_blur_is_a_box_of_3_a_gaussian_of_3_to_7_or_colour_jitter():
    point = np.zeros((21, 21, 3), np.uint8)
    point[10, 10] = 255
    rng = np.random.default_rng(0)
    assert (augmentation.box_blur(point, rng)[9:12, 9:12] == 28).all()
    widths = {int((augmentation.gaussian_blur(point, rng)[..., 0].max(axis=0) > 0).sum()) for _ in range(40)}
    assert widths <= {3, 5, 7} and len(widths) == 3
    kinds = {augment(point, MASK[:0], Only(BLUR, seed))[0].tobytes() for seed in range(40)}
    assert len(kinds) > 4  # the box, three Gaussians, and jitter


def test_the_hue_turns_by_up_to_72_degrees():
    red = np.zeros((4, 4, 3), np.float32) + np.float32([0.8, 0.2, 0.2])
    hues = []
    for seed in range(300):
        changed = augmentation.colour_jitter((red * 255).astype(np.uint8), np.random.default_rng(seed))
        hue = cv2.cvtColor(changed.astype(np.float32) / 255, cv2.COLOR_RGB2HSV)[0, 0, 0]
        hues.append(min(hue, 360 - hue))
    assert 66 < max(hues) <= 74


def test_a_mosaic_has_four_tiles_of_the_first_ones_size():
    tiles = [np.full((2, 4 + k, 3), k, np.uint8) for k in range(4)]
    image, mask = mosaic(tiles, [tile[..., 0] > 1 for tile in tiles])
    assert image[..., 0].tolist() == [[0] * 4 + [1] * 4] * 2 + [[2] * 4 + [3] * 4] * 2
    assert mask.tolist() == [[False] * 8] * 2 + [[True] * 8] * 2
    with pytest.raises(ValueError, match="4 images and 4 masks, not 3"):
        mosaic(tiles[:3], [tile[..., 0] > 1 for tile in tiles[:3]])
