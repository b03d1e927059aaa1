"""Samples, pictures of any kind, augmentation, batches, and one's own folders."""

import importlib.util
import random
import time

import numpy as np
import pytest
import torch
from PIL import Image

import pfl.data
from pfl.data import Dataset, Sample, loader, transforms

RED, GREY = (200, 10, 20), 77


def picture(mode):
    """A 4 x 2 picture, left half red or grey, in every way that a camera or a program may store it."""
    colour = np.full((2, 4, 3), 255, dtype=np.uint8)
    colour[:, :2] = RED
    red = Image.fromarray(colour)
    grey = Image.fromarray(np.where(np.arange(4) < 2, GREY, 255).astype(np.uint8)[None].repeat(2, axis=0))
    if mode == "RGBA":  # the right half transparent: it shows white, whatever colour lies under it
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
def test_any_picture_becomes_the_rgb_that_one_sees(mode, suffix, left, tmp_path):
    path = tmp_path / f"a.{suffix}"
    picture(mode).save(path)
    image = transforms.read_image(path)
    assert (image.mode, image.size) == ("RGB", (4, 2))
    assert np.abs(np.asarray(image, dtype=int)[:, :2] - left).max() <= 1
    assert (np.asarray(image)[:, 2:] == 255).all()


def test_a_picture_is_turned_the_way_its_camera_was_held(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # shown after a quarter turn clockwise
    picture("RGB").save(tmp_path / "a.png", exif=exif)
    turned = np.asarray(transforms.read_image(tmp_path / "a.png"))
    assert turned.shape == (4, 2, 3)
    assert (turned[:2] == RED).all() and (turned[2:] == 255).all()


def test_a_picture_that_cannot_be_read_is_named_with_a_remedy(tmp_path, monkeypatch):
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


def sample(path, mask=None, label=None):
    label = int(mask is not None) if label is None else label
    return Sample(image=path, category="a", class_name="a", label=label, mask=mask)


def test_a_mask_keeps_class_ids_and_drops_the_speckle_of_jpeg(tmp_path):
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
        (Image.fromarray(np.where(wanted, 248, 7).astype(np.uint8)), 128),  # Kvasir's edges
        (Image.fromarray(np.where(wanted, 65535, 0).astype(np.uint16)), 128),
        (Image.fromarray(wanted), 128),
    ]
    for image, threshold in forms:
        image.save(tmp_path / "m.png")
        assert (transforms.foreground(tmp_path / "m.png", threshold) == wanted).all(), (image.mode, threshold)


def test_masks_are_resized_as_the_reference_does_and_none_is_lost(tmp_path):
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
    large[500, 700] = 255  # one of 10,000 pixels: less than 8 bits can tell
    Image.fromarray(large).save(tmp_path / "m.png")
    small = transforms.read_mask(sample("x", tmp_path / "m.png"), 14)
    assert 1 <= small.sum() <= 2 and small[5, 6:8].any()
    Image.fromarray(0 * large).save(tmp_path / "m.png")
    assert not transforms.read_mask(sample("x", tmp_path / "m.png"), 14).any()


def test_images_are_squeezed_to_a_square_between_0_and_1():
    tensor = transforms.image_tensor(picture("RGB"), 8)
    assert tensor.shape == (3, 8, 8) and tensor.dtype == torch.float32
    assert tensor.min() >= 0 and tensor.max() == 1
    assert torch.allclose(tensor[:, :, 0], torch.tensor(RED)[:, None] / 255, atol=0.02)


def test_augmentation_moves_the_mask_with_the_image():
    image, mask = torch.full((3, 48, 48), 0.2), torch.zeros(48, 48, dtype=torch.bool)
    mask[6:20, 10:40] = True
    image[:, mask] = 0.8
    before, results = image.clone(), []
    for seed in range(60):
        new, truth = transforms.augment(image, mask, np.random.default_rng(seed))
        assert new.shape == image.shape and truth.dtype == torch.bool and 0 <= new.min() and new.max() <= 1
        bright, dark = new.mean(0)[truth].median(), new.mean(0)[~truth].median()
        seen = new.mean(0) > (bright + dark) / 2  # brightness may have changed, the border may be blurred
        assert (seen == truth).float().mean() > 0.93
        results.append(new)
    assert torch.equal(image, before)
    moved = torch.stack([(new - image).abs().mean() for new in results])
    assert (moved > 0.01).float().mean() > 0.8
    again, _ = transforms.augment(image, mask, np.random.default_rng(59))
    assert torch.equal(again, results[-1])


def test_a_mosaic_is_four_pictures():
    tiles = [torch.full((3, 2, 2), float(value)) for value in range(4)]
    image, mask = transforms.mosaic(tiles, [tile[0] > 1 for tile in tiles])
    assert image[0].tolist() == [[0, 0, 1, 1], [0, 0, 1, 1], [2, 2, 3, 3], [2, 2, 3, 3]]
    assert mask.tolist() == [[False] * 4] * 2 + [[True] * 4] * 2


@pytest.fixture
def metal(tmp_path):
    """Twelve images in MVTec's layout, every second one anomalous with a bright defect."""
    rng = np.random.default_rng(0)
    for n in range(12):
        kind = ("good", "hole")[n % 2]
        image = rng.integers(0, 100, (20, 24, 3), dtype=np.uint8)
        if kind == "hole":
            image[4:12, 3:11] = 255
            write(tmp_path / f"metal/ground_truth/hole/{n}_mask.png", (image[..., 0] == 255).astype(np.uint8) * 255)
        write(tmp_path / f"metal/test/{kind}/{n}.png", image)
    return pfl.data.mvtec.read(tmp_path, name="metal")


def write(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)


def same(left, right):
    return all(
        torch.equal(a.images, b.images)
        and torch.equal(a.masks, b.masks)
        and torch.equal(a.labels, b.labels)
        and a.samples == b.samples
        for a, b in zip(left, right, strict=True)
    )


def test_batches_depend_on_the_seed_alone(metal):
    options = dict(shuffle=True, augment=True, mosaic=0.4)
    np.random.seed(3)  # noqa: NPY002 - the global generators must be left alone
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


def test_a_batch_says_what_it_holds(metal):
    (batch,) = loader(metal, 16, 20)
    assert batch.images.shape == (12, 3, 16, 16) and batch.images.dtype == torch.float32
    assert batch.masks.shape == (12, 16, 16) and batch.masks.unique().tolist() == [0, 1]
    assert batch.labels.tolist() == [0] * 6 + [1] * 6 and batch.class_names == ["metal"] * 12
    assert batch.samples == list(metal.samples) and len(batch) == 12
    assert (batch.images.mean(1)[batch.masks.bool()] > 0.6).all()
    assert batch.masks[:6].sum() == 0


def test_mosaics_are_anomalies_of_four_masks(metal):
    (plain,), (batch,) = loader(metal, 32, 20), loader(metal, 32, 20, mosaic=0.5, seed=4)
    changed = [not torch.equal(a, b) for a, b in zip(plain.images, batch.images, strict=True)]
    assert 3 <= sum(changed) <= 9
    for image, mask, label, new in zip(batch.images, batch.masks, batch.labels, changed, strict=True):
        if new:
            assert label == 1
            assert all(quarter.any() for half in mask.chunk(2) for quarter in half.chunk(2, dim=1))
            assert (image.mean(0)[mask.bool()] > 0.6).all()
    assert next(iter(loader(metal, 33, 2, mosaic=1.0))).images.shape == (2, 3, 33, 33)  # an odd side, too


def test_an_empty_data_set_is_refused(metal):
    with pytest.raises(ValueError, match="holds no samples"):
        loader(metal.subset(keep=lambda one: one.defect == "scratch"), 16, 4)
    with pytest.raises(ValueError, match="no category"):
        metal.subset(categories=["wood"])


def test_level_is_what_the_samples_allow(metal):
    assert metal.level == {"image", "pixel"}
    assert metal.subset(keep=lambda one: one.label == 1).level == {"pixel"}
    assert metal.subset(categories="metal", keep=lambda one: one.label == 0).level == set()
    bare = tuple(sample(one.image, label=one.label) for one in metal.samples)
    assert Dataset(name="bare", samples=bare).level == {"image"}


def facts(data, root):
    """Image, category, label, defect and mask of every sample, paths below root."""
    return {
        (
            one.image.relative_to(root).as_posix(),
            one.category,
            one.label,
            one.defect,
            one.mask and one.mask.relative_to(root).as_posix(),
        )
        for one in data.samples
    }


MASK = np.ones((3, 3), dtype=np.uint8)  # as labelling programs write it: black to the eye
FORMS = {
    "images and no more": (
        ["b.jpg", "a.png"],
        [],
        {("a.png", "plate", None, "", None), ("b.jpg", "plate", None, "", None)},
    ),
    "masks beside some": (
        ["a.png", "b.png"],
        ["a_mask.png"],
        {("a.png", "plate", 1, "", "a_mask.png"), ("b.png", "plate", None, "", None)},
    ),
    "folders that say what is good": (
        ["good/a.png", "scratch/a.png", "Dent/b.tif", "loose.png"],
        ["masks/scratch/a.png", "ground_truth/unused.png"],
        {
            ("loose.png", "plate", None, "", None),
            ("good/a.png", "plate", 0, "", None),
            ("scratch/a.png", "plate", 1, "scratch", "masks/scratch/a.png"),
            ("Dent/b.tif", "plate", 1, "Dent", None),
        },
    ),
    "folders of different things": (
        ["left/a.png", "right side/a.png", "note.png"],
        [],
        {
            ("left/a.png", "left", None, "", None),
            ("right side/a.png", "right side", None, "", None),
            ("note.png", "plate", None, "", None),
        },
    ),
    "pairs": (
        ["images/a.jpg", "images/b.jpg", "images/c.jpg", "images/d.jpg", "a.png"],
        ["masks/a.png", "masks/b_blank.png", "masks/d_blank.jpg"],
        {
            ("a.png", "plate", None, "", None),
            ("images/a.jpg", "plate", 1, "", "masks/a.png"),
            ("images/b.jpg", "plate", 0, "", None),
            ("images/c.jpg", "plate", 0, "", None),
            ("images/d.jpg", "plate", 0, "", None),
        },
    ),
    "images and one beside them": (
        ["images/a.png", "b.png"],
        [],
        {("images/a.png", "plate", None, "", None), ("b.png", "plate", None, "", None)},
    ),
    "MVTec's": (
        ["train/good/z.png", "test/good/a.png", "test/crack/b.png", "test/defect/c.png"],
        ["ground_truth/crack/b_mask.png", "ground_truth/c.png"],
        {
            ("test/good/a.png", "plate", 0, "", None),
            ("test/crack/b.png", "plate", 1, "crack", "ground_truth/crack/b_mask.png"),
            ("test/defect/c.png", "plate", 1, "", "ground_truth/c.png"),
        },
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_ones_own_folder_is_understood_as_it_is(form, tmp_path, monkeypatch):
    monkeypatch.setenv("PFL_HOME", str(tmp_path / "home"))
    images, masks, expected = FORMS[form]
    root = tmp_path / "plate"
    for name in images:
        write(root / name, np.full((3, 3, 3), 90, dtype=np.uint8))
    for name in masks:
        black = np.full((3, 3), 5 if name.endswith("jpg") else 0, dtype=np.uint8)  # JPEG's black is not quite 0
        write(root / name.replace("_blank", ""), black if "_blank" in name else MASK)
    for _ in ("first", "second"):  # what was remembered must not differ from what was seen
        data = pfl.data.folder(root, class_name="metal plate")
        assert facts(data, root.resolve()) == expected
    assert {one.class_name for one in data.samples} == {"metal plate"}
    (batch,) = loader(data, 4, 8)
    assert batch.labels.tolist() == [-1 if one.label is None else one.label for one in data.samples]


def test_ones_own_folder_names_itself_and_its_faults(tmp_path):
    write(tmp_path / "steel_plate/a.png", MASK)
    assert pfl.data.folder(tmp_path / "steel_plate")[0].class_name == "steel plate"
    (tmp_path / "empty").mkdir()
    for name, message in (("empty", "no images in"), ("absent", "no folder")):
        with pytest.raises(FileNotFoundError, match=message):
            pfl.data.folder(tmp_path / name)
    write(tmp_path / "pairs/images/001.png", MASK)
    write(tmp_path / "pairs/masks/segmented-1.png", MASK)
    with pytest.raises(ValueError, match="pairs/masks is named as an image, such as segmented-1.png"):
        pfl.data.folder(tmp_path / "pairs")


@pytest.mark.parametrize("name, normal, anomalous, package", [
    ("elpv", 1508, 715, "elpv_dataset"),
    ("textile", 1000, 1000, "conformal_clip_data"),
])  # fmt: skip
def test_packaged_sets_are_whole(name, normal, anomalous, package):
    pytest.importorskip(package)
    data = pfl.data.load(name)
    assert [sum(one.label == label for one in data.samples) for label in (0, 1)] == [normal, anomalous]
    assert data.level == {"image"} and all(one.image.exists() for one in data.samples)
    assert {one.class_name for one in data.samples} == {{"elpv": "solar cell"}.get(name, "textile")}
    assert {one.defect for one in data.samples if one.label} == ({"local", "global"} if name == "textile" else {""})
    assert next(iter(loader(data, 16, 2))).images.shape == (2, 3, 16, 16)
    assert f"{normal} normal and {anomalous} anomalous" in pfl.data.where(name)


@pytest.mark.parametrize("name, package", [("elpv", "elpv-dataset"), ("textile", "conformal-clip-data")])
def test_a_packaged_set_that_is_not_installed_names_its_package(name, package, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ModuleNotFoundError, match=f"pip install {package}"):
        pfl.data.load(name)


def test_ten_thousand_images_are_indexed_within_a_second(tmp_path):
    for kind in ("train/good", "test/good", "test/hole"):
        for category in range(4):
            (tmp_path / f"c{category}" / kind).mkdir(parents=True)
            for n in range(850):
                (tmp_path / f"c{category}" / kind / f"{n:03d}.png").touch()
    seconds = []
    for _ in range(2):
        start = time.process_time()  # of this process: neighbours must not fail the test
        assert len(pfl.data.mvtec.read(tmp_path, name="many", split="all")) == 10_200
        seconds.append(time.process_time() - start)
    assert min(seconds) < 1
