"""Masks of own folders: the rule that decides which pixels are marked, and what it refuses to decide."""

import numpy as np
import pytest
from PIL import Image
from trees import half, soft

from pfl.data.masking import examine, marked

MASK = half().astype(bool)
NOT = ~MASK


def classes(*values):
    """Areas of several values side by side, each six pixels wide."""
    mask = np.zeros((24, 32), np.uint16)
    for i, value in enumerate(values):
        mask[:, 6 * i : 6 * i + 6] = value
    return mask.astype(np.uint8 if max(values) < 256 else np.uint16)


def coloured(red, green, blue):
    return (half()[..., None] * np.array([red, green, blue])).astype(np.uint8)


def palette(*colours, transparency=None):
    """Index 0 in the right half, 1 in the left one."""
    image = Image.fromarray(half()).convert("P")
    image.putdata(half().ravel().tolist())
    image.putpalette([value for colour in colours for value in colour])
    if transparency is not None:
        image.info["transparency"] = transparency
    return image


def layer(colour, background=(0, 0, 0)):
    """A colour drawn on a transparent page."""
    alpha = half()[..., None] * 255
    return np.concatenate([np.where(MASK[..., None], colour, background).astype(np.uint8), alpha], axis=-1)


READ = {
    "0 and 1": half(),
    "0 and 255": half() * 255,
    "16 bits": half().astype(np.uint16) * 300,
    "one bit": MASK,
    "ids of classes": np.where(MASK, 1 + np.arange(32) // 4 % 4, 0).astype(np.uint8),
    "ids with white": np.where(MASK, classes(1, 255, 3), 0).astype(np.uint8),
    "grey levels": np.where(MASK, classes(60, 120, 250), 0).astype(np.uint8),
    "a dark colour": coloured(0, 0, 1),
    "red": coloured(255, 0, 0),
    "colours": np.where(MASK[..., None], classes(60, 120, 250)[..., None] * [1, 0, 0], 0).astype(np.uint8),
    "palette of black and red": palette((0, 0, 0), (200, 0, 0)),
    "palette, white first": palette((255, 255, 255), (0, 0, 0)),
    "palette without colours": palette((0, 0, 0), (0, 0, 0)),
    "palette without black": palette((70, 0, 80), (250, 230, 40)),
    "palette, transparent background": palette((255, 255, 255), (250, 0, 0), transparency=0),
    "white on a transparent page": layer((255, 255, 255), (255, 255, 255)),
    "black on a transparent page": layer((0, 0, 0)),
    "red on a transparent page": layer((255, 0, 0), (255, 255, 255)),
    "opaque": np.concatenate([coloured(255, 255, 255), np.full((24, 32, 1), 255, np.uint8)], axis=-1),
    "soft edges": soft(),
    "soft edges of grey": soft() // 2,
    "soft edges of a colour": soft()[..., None] * np.array([1, 0, 0], np.uint8),
}


@pytest.mark.parametrize("name", READ)
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_black_is_background_and_everything_else_is_marked(name, suffix, tmp_path):
    mask = READ[name]
    if suffix == "tif" and "transparen" in name:
        pytest.skip("a TIFF has no transparency")
    (Image.fromarray(mask) if isinstance(mask, np.ndarray) else mask).save(tmp_path / f"m.{suffix}")
    wanted = NOT if name == "palette, white first" else MASK
    assert (marked([tmp_path / f"m.{suffix}"]) == wanted).all()
    found = examine(tmp_path / f"m.{suffix}")
    assert found.any and not found.all and not found.problem and found.size == (32, 24)
    assert found.soft == ("soft" in name)


def test_sixteen_bits_per_colour_are_not_cut_to_eight(tmp_path):
    import cv2

    for name in ("m.png", "m.tif"):
        cv2.imwrite(str(tmp_path / name), np.dstack([half()] * 3).astype(np.uint16) * 7)
        assert (marked([tmp_path / name]) == MASK).all()


@pytest.mark.parametrize("options", [{"quality": 95}, {"quality": 20}])
@pytest.mark.parametrize("suffix", ["jpg", "webp"])
def test_lossy_masks_are_cut_at_128(suffix, options, tmp_path):
    Image.fromarray(half() * 248 + 4 * (1 - half())).save(tmp_path / f"m.{suffix}", **options)
    assert (marked([tmp_path / f"m.{suffix}"]) == MASK).mean() > 0.95


def test_empty_and_full_masks_are_known(tmp_path):
    for value, facts in ((0, (False, False)), (255, (True, True)), (1, (True, True))):
        Image.fromarray(np.full((9, 9), value, np.uint8)).save(tmp_path / "m.png")
        found = examine(tmp_path / "m.png")
        assert (found.any, found.all) == facts and not found.problem
    Image.fromarray(np.full((9, 9, 4), (200, 10, 10, 0), np.uint8)).save(tmp_path / "m.png")  # nothing is drawn
    assert not examine(tmp_path / "m.png").any
    Image.fromarray(np.full((9, 9), 5, np.uint8)).save(tmp_path / "m.jpg")  # black is not quite 0
    assert not examine(tmp_path / "m.jpg").any


faint = soft()
faint[4:8, 24:28] = 60
REFUSED = {
    "no background": (half() + 1, "png", "has values from 1 to 2: none is 0, the background"),
    "grey all over": (half() * 0 + 90, "png", "is 90 all over, neither black nor white"),
    "several values with soft edges": (
        np.where(np.arange(24)[:, None] < 12, soft(), soft() // 3),
        "png",
        "has soft edges around areas of several values",
    ),
    "faint regions": (np.where(faint == 60, np.arange(32) + 30, faint), "png", "has regions fainter than half of 255"),
    "red on white": (np.where(MASK[..., None], [255, 0, 0], 255), "png", "has several colours but no black background"),
    "white on blue": (np.where(MASK[..., None], 255, [0, 0, 255]), "png", "has several colours but no black"),
    "blue on yellow": (np.where(MASK[..., None], [0, 0, 255], [255, 255, 0]), "jpg", "has several colours but no bla"),
    "ids in a JPEG": (half(), "jpg", "is a JPEG file with values from 0 to 1 only; save it as PNG"),
    "grey values in a JPEG": (half() * 100, "jpg", "the many values of a photograph"),
    "a photograph": (np.random.default_rng(0).integers(0, 256, (24, 32), np.uint8), "png", "many values of a photo"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_rule_does_not_decide_is_refused(name, tmp_path):
    pixels, suffix, message = REFUSED[name]
    Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / f"m.{suffix}")
    assert message in examine(tmp_path / f"m.{suffix}").problem
    if "photo" not in message:
        with pytest.raises(OSError, match=f"m.{suffix} {message[:20]}"):
            marked([tmp_path / f"m.{suffix}"])


def test_a_file_without_a_picture_is_a_problem(tmp_path):
    (tmp_path / "m.png").write_bytes(b"")
    assert examine(tmp_path / "m.png").problem == "cannot be read (unreadable: an empty file)"
    Image.fromarray(half()).save(tmp_path / "m.png")
    (tmp_path / "m.png").write_bytes((tmp_path / "m.png").read_bytes()[:-30])
    assert "truncated" in examine(tmp_path / "m.png").problem or "broken" in examine(tmp_path / "m.png").problem


def test_a_union_needs_masks_of_one_size(tmp_path):
    for i, side in enumerate((8, 9)):
        Image.fromarray(np.eye(side, dtype=np.uint8)).save(tmp_path / f"{i}.png")
    with pytest.raises(OSError, match="differ in size"):
        marked([tmp_path / "0.png", tmp_path / "1.png"])
