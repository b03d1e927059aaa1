"""From files to tensors: image formats, masks, resizing, augmentation, mosaics."""

import numpy as np
import pytest
import torch
from miniatures import sample
from PIL import Image

from pfl.data import transforms

RED, GREY = (200, 10, 20), 77


def picture(mode):
    """A 4 x 2 image, left half red or grey, stored in a given mode."""
    colour = np.full((2, 4, 3), 255, dtype=np.uint8)
    colour[:, :2] = RED
    red = Image.fromarray(colour)
    grey = Image.fromarray(np.where(np.arange(4) < 2, GREY, 255).astype(np.uint8)[None].repeat(2, axis=0))
    if mode == "RGBA":  # the right half is transparent, so white, whatever its colour
        colour = np.dstack([np.full_like(colour, RED), np.where(np.arange(4) < 2, 255, 0)[None].repeat(2, axis=0)])
        return Image.fromarray(colour.astype(np.uint8))
    if mode == "LA":
        alpha = grey.point(lambda value: 255 if value == GREY else 0)
        return Image.merge("LA", (Image.new("L", (4, 2), GREY), alpha))
    if mode == "P":
        return red.quantize(4)
    if mode == "I;16":
        return Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    if mode == "1":
        return grey.point(lambda value: 255 * (value == 255)).convert("1")
    return {"RGB": red, "L": grey, "CMYK": red.convert("CMYK")}[mode]


@pytest.mark.parametrize(
    "mode, suffix, left",
    [
        ("RGB", "png", RED),
        ("RGBA", "png", RED),
        ("P", "png", RED),
        ("CMYK", "tif", RED),
        ("L", "bmp", (GREY,) * 3),
        ("LA", "png", (GREY,) * 3),
        ("I;16", "png", (GREY,) * 3),
        ("I;16", "tif", (GREY,) * 3),
        ("1", "png", (0,) * 3),
    ],
)
def test_any_image_mode_is_read_as_the_rgb_it_shows(mode, suffix, left, tmp_path):
    path = tmp_path / f"a.{suffix}"
    picture(mode).save(path)
    image = transforms.read_image(path)
    assert (image.mode, image.size) == ("RGB", (4, 2))
    assert np.abs(np.asarray(image, dtype=int)[:, :2] - left).max() <= 1
    assert (np.asarray(image)[:, 2:] == 255).all()


def test_the_exif_orientation_is_applied(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # shown after a quarter turn clockwise
    picture("RGB").save(tmp_path / "a.png", exif=exif)
    turned = np.asarray(transforms.read_image(tmp_path / "a.png"))
    assert turned.shape == (4, 2, 3)
    assert (turned[:2] == RED).all() and (turned[2:] == 255).all()


def test_the_error_for_an_unreadable_image_names_it_and_a_remedy(tmp_path, monkeypatch):
    (tmp_path / "broken.png").write_bytes(b"no picture")
    Image.fromarray(np.zeros((2, 2), dtype=np.float32)).save(tmp_path / "float.tif")
    Image.new("1", (20, 20)).save(tmp_path / "huge.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    for name, remedy in (
        ("broken.png", "replace the file"),
        ("float.tif", "save it with 8 or 16 bit"),
        ("huge.png", "400 pixels.*replace the file"),
    ):
        with pytest.raises(OSError, match=remedy) as error:
            transforms.read_image(tmp_path / name)
        assert name in str(error.value)


def test_masks_of_class_ids_and_of_jpeg_are_read(tmp_path):
    ids = np.array([[0, 1], [9, 0]], dtype=np.uint8)
    wanted = ids > 0
    coloured = np.zeros((2, 2, 3), dtype=np.uint8)
    coloured[wanted] = (0, 0, 1)  # its luminance rounds to 0
    palette = Image.fromarray(ids)
    palette.putpalette([0] * 768)
    forms = [
        (Image.fromarray(ids), 0),
        (palette, 0),
        (Image.fromarray(coloured), 0),
        (Image.fromarray(ids.astype(np.uint16)), 0),
        (Image.fromarray(ids * 255).convert("1"), 0),
        (Image.fromarray(np.where(wanted, 248, 7).astype(np.uint8)), 128),  # the edges in Kvasir's JPEG masks
        (Image.fromarray(np.where(wanted, 65535, 0).astype(np.uint16)), 128),
        (Image.fromarray(wanted), 128),
    ]
    for image, threshold in forms:
        image.save(tmp_path / "m.png")
        assert (transforms.foreground(tmp_path / "m.png", threshold) == wanted).all(), (image.mode, threshold)


def test_masks_are_resized_like_the_references_and_never_become_empty(tmp_path):
    image = np.zeros((50, 70), dtype=np.uint8)
    image[10:31, 5:44] = 255
    Image.fromarray(image).save(tmp_path / "m.png")
    ours = transforms.read_mask(sample("x", tmp_path / "m.png"), 28)
    # the reference: torchvision's Resize on the 0/255 mask, ToTensor, > 0.5
    theirs = torch.nn.functional.interpolate(
        torch.from_numpy(image)[None, None] / 255, (28, 28), mode="bilinear", antialias=True
    )
    assert (ours == (theirs[0, 0] > 0.5)).float().mean() > 0.995
    assert transforms.read_mask(sample("x"), 28).sum() == 0

    image[:] = 0
    image[20, 30] = 255  # a single pixel: never half of a pixel of the small mask
    Image.fromarray(image).save(tmp_path / "m.png")
    small = transforms.read_mask(sample("x", tmp_path / "m.png"), 14)
    assert 1 <= small.sum() <= 4 and small[5, 6]

    large = np.zeros((1400, 1400), dtype=np.uint8)
    large[500, 700] = 255  # one of 10,000 pixels: too little for 8 bits
    Image.fromarray(large).save(tmp_path / "m.png")
    small = transforms.read_mask(sample("x", tmp_path / "m.png"), 14)
    assert 1 <= small.sum() <= 2 and small[5, 6:8].any()
    Image.fromarray(0 * large).save(tmp_path / "m.png")
    assert not transforms.read_mask(sample("x", tmp_path / "m.png"), 14).any()


def test_images_are_resized_to_a_square_with_values_from_0_to_1():
    tensor = transforms.image_tensor(picture("RGB"), 8)
    assert tensor.shape == (3, 8, 8) and tensor.dtype == torch.float32
    assert tensor.min() >= 0 and tensor.max() == 1
    assert torch.allclose(tensor[:, :, 0], torch.tensor(RED)[:, None] / 255, atol=0.02)
