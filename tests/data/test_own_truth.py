"""Folders of your own images: truth is never invented. What contradicts itself, or is unclear, is refused."""

import os

import numpy as np
import pytest
from PIL import Image
from trees import half, photograph, write

import pfl.data
from pfl.data.transforms import mask_pixels

HOLE = 255 - np.pad(half()[:8, :20], ((8, 8), (6, 6))) * 255
REFUSED = {
    "a mask that belongs to no image": (
        {"images/a.png": "image", "masks/a.png": "mask", "masks/b.png": "mask"},
        "belong to no image: masks/b.png; call each like its image",
    ),
    "a mask beside no image": ({"a.png": "image", "b_mask.png": "mask"}, "belong to no image: b_mask.png"),
    "masks that match no image at all": (
        {"images/001.png": "image", "masks/segmented-1.png": "mask"},
        "belong to no image: masks/segmented-1.png",
    ),
    "an image that two masks claim": (
        {"images/a.png": "image", "masks/a.png": "mask", "masks/a_mask.png": "mask"},
        "several masks claim the image images/a.png: masks/a.png, masks/a_mask.png; keep one",
    ),
    "a mask that two images claim": (
        {"images/a.png": "image", "images/a.jpg": "image", "masks/a.png": "mask"},
        "the mask masks/a.png fits several images: images/a.jpg, images/a.png",
    ),
    "a number of the image or of the mask": (
        {"images/part.png": "image", "images/part_2.png": "image", "masks/part_mask_2.png": "mask"},
        "masks/part_mask_2.png fits several images: images/part.png, images/part_2.png",
    ),
    "a mask of an image with or without a word": (
        {"images/1.png": "image", "images/img_1.png": "image", "masks/mask_1.png": "mask"},
        "masks/mask_1.png fits several images: images/1.png, images/img_1.png",
    ),
    "a mask of a folder that does not say which": (
        {"left/a.png": "image", "right/a.png": "image", "masks/a.png": "mask"},
        "masks/a.png fits several images: left/a.png, right/a.png; give masks the folders of their images",
    ),
    "a mask of another defect": (
        {"good/a.png": "image", "dent/a.png": "image", "masks/scratch/a.png": "mask"},
        "belong to no image: masks/scratch/a.png",
    ),
    "a mask of another size": (
        {"images/a.png": "image", "masks/a.png": half()[:12]},
        "masks/a.png of images/a.png is 32 x 12 pixels, the image 32 x 24; save it at the image's size",
    ),
    "an anomalous image with an empty mask": (
        {"good/a.png": "image", "dent/b.png": "image", "masks/dent/b.png": "blank"},
        "anomalous by their folder, but their masks are empty: dent/b.png",
    ),
    "a normal image with a mask": (
        {"good/a.png": "image", "masks/good/a.png": "mask"},
        "normal by their folder, but their masks mark defects: good/a.png",
    ),
    "a folder both normal and anomalous": (
        {"good/defect/a.png": "image"},
        "good and defect contradict each other: good/defect/a.png",
    ),
    "a mask that cannot be read": ({"images/a.png": "image", "masks/a.png": "text"}, "mask masks/a.png cannot be read"),
    "inverted masks": (
        {"images/a.png": "image", "masks/a.png": HOLE, "images/b.png": "image", "masks/b.png": "white"},
        "most masks mark most of the image and all its border: masks/a.png; white marks defects, so invert",
    ),
    "a photograph called like a mask": (
        {"a.png": "image", "a_mask.png": "image"},
        "called like the mask of another image, but photographs: a_mask.png",
    ),
    "photographs in a folder of masks": (
        {"images/a.png": "image", "label/a.png": "image"},
        "mask label/a.png has the many values of a photograph",
    ),
    "masks in a folder of unknown name": (
        {"input/a.png": "image", "input/b.png": "image", "target/a.png": "mask", "target/b.png": "mask"},
        "like masks, though no name says so: target/a.png, target/b.png; say what is meant",
    ),
    "JPEG masks in a folder of unknown name": (
        {"input/a.jpg": "image", "input/b.jpg": "image", "target/a.jpg": "mask", "target/b.jpg": "mask"},
        "like masks, though no name says so: target/a.jpg, target/b.jpg",
    ),
    "a JPEG mask called like its image": (
        {"a.png": "image", "a.jpg": "mask"},
        "images, or masks of each other? a.jpg; say what",
    ),
    "masks among the images, of unknown name": (
        {"1.bmp": "image", "p1.bmp": "mask"},
        "like masks, though no name says so: p1.bmp",
    ),
    "masks among labelled images": (
        {
            "good/1.png": "image",
            "bad/1.png": "image",
            "bad/1_bin.png": "mask",
            "bad/2.png": "image",
            "bad/3.jpg": "image",
        },
        r"like masks, though no name says so: bad/1_bin.png; .*; if all are images, masks='' \(--masks ''\)",
    ),
    "masks in a folder called defects": (
        {"images/a.png": "image", "defects/a.png": "mask"},
        "like masks, though no name says so: defects/a.png",
    ),
    "classes and objects of CVAT": (
        {"JPEGImages/a.jpg": "image", "SegmentationClass/a.png": "mask", "SegmentationObject/a.png": "ids"},
        "several masks claim the image JPEGImages/a.jpg: SegmentationClass/a.png, SegmentationObject/a.png",
    ),
    "a mask for each object": (
        {"images/a.png": "image", "masks/a_1.png": "mask", "masks/a_2.png": "mask"},
        "belong to no image: masks/a_1.png, masks/a_2.png",
    ),
    "a mask for each defect": (
        {"images/a.png": "image", "masks/scratch/a.png": "mask", "masks/dent/a.png": "mask"},
        "several masks claim the image images/a.png",
    ),
    "nothing but masks": ({"masks/a.png": "mask"}, "belong to no image"),
    "two spellings": (
        {"images/a.png": "image", "images/A.png": "image", "masks/a.PNG": "mask", "masks/A.png": "mask"},
        None,
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_truth_is_never_invented(name, tmp_path):
    files, message = REFUSED[name]
    for file, kind in files.items():
        write(tmp_path / file, kind)
    if message is None:  # the spelling decides
        data = pfl.data.folder(tmp_path)
        assert [one.image.stem for one in data.samples] == [one.mask.stem for one in data.samples]
        return
    with pytest.raises(ValueError, match=message.replace("?", r"\?")) as caught:
        pfl.data.folder(tmp_path)
    assert "\n" not in str(caught.value) and str(tmp_path) in str(caught.value)


def test_a_missing_image_of_a_loco_mask_does_not_pass_it_on_to_another(tmp_path):
    for name in ("ground_truth/bent/000/000.png", "ground_truth/bent/001/002.png"):
        write(tmp_path / name, "mask")
    for name in ("test/good/009.png", "test/bent/000.png", "test/bent/002.png"):
        write(tmp_path / name)
    with pytest.raises(ValueError, match="belong to no image: ground_truth/bent/001/002.png"):
        pfl.data.folder(tmp_path)


@pytest.mark.parametrize("orientation, shape, message", [
    (6, half().T.shape, None),  # the mask is drawn on the image as it is shown
    (6, half().shape, "is not turned: EXIF orientation 6 turns the image"),
    (3, half().shape, "may be turned against it: EXIF orientation 3"),
])  # fmt: skip
def test_a_mask_is_turned_like_its_image(orientation, shape, message, tmp_path):
    exif = photograph_with(orientation)
    write(tmp_path / "images/a.jpg", photograph(), exif=exif)
    write(tmp_path / "masks/a.png", np.resize(half(), shape))
    if message:
        with pytest.raises(ValueError, match=message):
            pfl.data.folder(tmp_path)
        write(tmp_path / "masks/a.png", half(), exif=exif)  # turned, too
    (sample,) = pfl.data.folder(tmp_path).samples
    assert pfl.data.transforms.read_image(sample.image).size[::-1] == mask_pixels(sample).shape


def photograph_with(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


BOXES = {
    "YOLO": ("labels/a.txt", "0 0.5 0.5 0.1 0.2\n"),
    "COCO": ("annotations/instances.json", '{"images": [], "annotations": []}'),
    "LabelMe": ("a.json", '{"version": "5", "flags": {}, "shapes": []}'),
    "VOC": ("Annotations/a.xml", "<annotation><object/></annotation>"),
}


@pytest.mark.parametrize("kind", BOXES)
def test_boxes_and_polygons_are_not_masks_and_labels_stay_unknown(kind, tmp_path):
    write(tmp_path / "images/a.png")
    name, text = BOXES[kind]
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(text)
    data = pfl.data.folder(tmp_path)
    assert [one.label for one in data.samples] == [None]
    (left_out,) = data.account.left_out
    assert left_out.why == "annotations, not masks" and "only masks" in left_out.detail
    assert "1 annotations, not masks" in str(data.account)


def test_an_image_with_a_polygon_instead_of_a_mask_is_not_normal(tmp_path):
    for name in "abc":
        write(tmp_path / f"images/{name}.png")
    write(tmp_path / "masks/a.png", "mask")
    (tmp_path / "masks/b.json").write_text('{"shapes": [1]}')
    assert [one.label for one in pfl.data.folder(tmp_path).samples] == [1, None, 0]


def test_a_part_without_masks_is_unknown_not_normal(tmp_path):
    for name in ("images/train/a.png", "images/test/a.png", "images/test/b.png"):
        write(tmp_path / name)
    write(tmp_path / "masks/test/a.png", "mask")
    labels = {one.image.relative_to(tmp_path).as_posix(): one.label for one in pfl.data.folder(tmp_path).samples}
    assert labels == {"images/train/a.png": None, "images/test/a.png": 1, "images/test/b.png": 0}


def test_an_image_that_cannot_be_read_takes_its_mask_with_it(tmp_path):
    write(tmp_path / "images/a.png", "text")
    write(tmp_path / "images/b.png")
    write(tmp_path / "masks/a.png", "mask")
    data = pfl.data.folder(tmp_path)
    assert {one.path.parent.name: one.why for one in data.account.left_out} == {
        "images": "unreadable",
        "masks": "masks of images left out",
    }


def test_black_and_white_images_are_images_if_all_are(tmp_path):
    for i in range(9):
        write(tmp_path / f"{i}.png", "mask")
    assert len(pfl.data.folder(tmp_path)) == 9


UNUSABLE = {
    "broken links": lambda mask: mask.symlink_to("nowhere"),
    "pipes, sockets or devices": os.mkfifo,
    "hidden": lambda mask: write(mask.with_name(f".{mask.name}"), "mask"),
    "links to what is counted elsewhere": lambda mask: mask.symlink_to("a.png"),
    "names that are not UTF-8": lambda mask: os.close(os.open(os.fsencode(mask)[:-4] + b"\xe9.png", os.O_CREAT)),
    "empty folders": lambda mask: mask.mkdir(),
}


@pytest.mark.parametrize("why", UNUSABLE)
def test_a_mask_that_cannot_be_used_does_not_make_its_image_normal(why, tmp_path):
    for name, kind in (("images/a.png", "image"), ("images/b.png", "image"), ("masks/a.png", "mask")):
        write(tmp_path / name, kind)
    UNUSABLE[why](tmp_path / "masks/b.png")
    data, account = pfl.data.survey(tmp_path)
    assert why in account.problems[0] and "among the masks: masks/" in account.problems[0] and not account.unreadable
    assert [one.label for one in data.samples] == [1, 0 if "UTF" in why else None]  # whose mask it is, is unknown


def test_entries_of_mask_folders_that_no_image_lacks_are_no_problem(tmp_path):
    for name, kind in (("images/a.png", "image"), ("masks/a.png", "mask"), ("masks/._a.png", "mask")):
        write(tmp_path / name, kind)
    for name in ("masks/.DS_Store", "masks/@eaDir/b.png", "masks/b"):
        write(tmp_path / name, "text")
    for folder in ("images", "masks"):
        (tmp_path / folder / "c.png").symlink_to("nowhere")
    write(tmp_path / "images/b.png")
    data = pfl.data.folder(tmp_path)
    assert [one.label for one in data.samples] == [1, None] and len(data.account.unreadable) == 1


def test_a_union_of_masks_needs_all_of_its_files(tmp_path):
    for name in ("test/good/000.png", "test/bent/000.png"):
        write(tmp_path / name)
    write(tmp_path / "ground_truth/bent/000/000.png", "mask")
    (tmp_path / "ground_truth/bent/000/001.png").symlink_to("nowhere")
    with pytest.raises(ValueError, match="broken links among the masks: ground_truth/bent/000/001.png"):
        pfl.data.folder(tmp_path)


def test_one_inverted_mask_and_one_missing_are_noted(tmp_path):
    for name in "abcd":
        write(tmp_path / f"bad/{name}.png")
    for name, kind in (("a", HOLE), ("b", "mask"), ("c", "mask")):
        write(tmp_path / f"masks/bad/{name}.png", kind)
    data = pfl.data.folder(tmp_path)
    assert [note.partition(":")[0] for note in data.account.notes] == [
        "1 masks that mark most of the image and all its border (if black means defective, invert them)",
        "1 anomalous without a mask, so no pixel metrics",
    ]
    assert str(data.account) == f"4 images, 3 masks; 2 notes: see `pfl data check {tmp_path}`"


def test_defects_that_only_the_folder_beside_them_says_are_noted(tmp_path):
    for name in ("good/0.png", "crack/1.png", "holiday/2.png", "bent/3.png", "ground_truth/bent/3.png"):
        write(tmp_path / name, "mask" if "truth" in name else "image")
    assert pfl.data.folder(tmp_path).account.notes[-1] == (
        "anomalous, because beside a folder of normal images: crack, holiday"
    )


def test_where_no_labels_are_needed_an_image_that_looks_like_a_mask_is_noted(tmp_path):
    for name, kind in (("a.png", "image"), ("b.png", "image"), ("logo.png", "mask")):
        write(tmp_path / name, kind)
    data = pfl.data.folder(tmp_path, need_labels=False)
    assert len(data) == 3 and data.account.notes[0].startswith("like masks, though no name says so: logo.png")
