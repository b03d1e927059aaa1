"""Folders of your own images, in common layouts."""

import time

import numpy as np
import pytest
from miniatures import write_array

import pfl.data
from pfl.data import loader


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


MASK = np.ones((3, 3), dtype=np.uint8)  # as labelling programs write it: it looks black


FORMS = {
    "only images": (["b.jpg", "a.png"], [], {("a.png", "plate", None, "", None), ("b.jpg", "plate", None, "", None)}),
    "some with masks": (
        ["a.png", "b.png"],
        ["a_mask.png"],
        {("a.png", "plate", 1, "", "a_mask.png"), ("b.png", "plate", None, "", None)},
    ),
    "a folder of normal images": (
        ["good/a.png", "scratch/a.png", "Dent/b.tif", "loose.png"],
        ["masks/scratch/a.png", "ground_truth/unused.png"],
        {
            ("loose.png", "plate", None, "", None),
            ("good/a.png", "plate", 0, "", None),
            ("scratch/a.png", "plate", 1, "scratch", "masks/scratch/a.png"),
            ("Dent/b.tif", "plate", 1, "Dent", None),
        },
    ),
    "a folder per category": (
        ["left/a.png", "right side/a.png", "note.png"],
        [],
        {
            ("left/a.png", "left", None, "", None),
            ("right side/a.png", "right side", None, "", None),
            ("note.png", "plate", None, "", None),
        },
    ),
    "images and masks": (
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
    "images next to a folder of images": (
        ["images/a.png", "b.png"],
        [],
        {("images/a.png", "plate", None, "", None), ("b.png", "plate", None, "", None)},
    ),
    "MVTec's layout": (
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
def test_the_layout_of_a_folder_is_detected(form, tmp_path, monkeypatch):
    monkeypatch.setenv("PFL_HOME", str(tmp_path / "home"))
    images, masks, expected = FORMS[form]
    root = tmp_path / "plate"
    for name in images:
        write_array(root / name, np.full((3, 3, 3), 90, dtype=np.uint8))
    for name in masks:
        black = np.full((3, 3), 5 if name.endswith("jpg") else 0, dtype=np.uint8)  # JPEG's black is not quite 0
        write_array(root / name.replace("_blank", ""), black if "_blank" in name else MASK)
    for _ in ("first", "second"):  # the second time from the cache
        data = pfl.data.folder(root, class_name="metal plate")
        assert facts(data, root.resolve()) == expected
    assert {one.class_name for one in data.samples} == {"metal plate"}
    (batch,) = loader(data, 4, 8)
    assert batch.labels.tolist() == [-1 if one.label is None else one.label for one in data.samples]


def test_a_folder_gives_the_class_name_and_errors_say_what_is_wrong(tmp_path):
    write_array(tmp_path / "steel_plate/a.png", MASK)
    assert pfl.data.folder(tmp_path / "steel_plate")[0].class_name == "steel plate"
    (tmp_path / "empty").mkdir()
    for name, message in (("empty", "no images in"), ("absent", "no folder")):
        with pytest.raises(FileNotFoundError, match=message):
            pfl.data.folder(tmp_path / name)
    write_array(tmp_path / "pairs/images/001.png", MASK)
    write_array(tmp_path / "pairs/masks/segmented-1.png", MASK)
    with pytest.raises(ValueError, match="pairs/masks matches an image, for example segmented-1.png"):
        pfl.data.folder(tmp_path / "pairs")


def test_ten_thousand_images_are_indexed_within_a_second(tmp_path):
    for kind in ("train/good", "test/good", "test/hole"):
        for category in range(4):
            (tmp_path / f"c{category}" / kind).mkdir(parents=True)
            for n in range(850):
                (tmp_path / f"c{category}" / kind / f"{n:03d}.png").touch()
    seconds = []
    for _ in range(2):
        start = time.process_time()  # of this process: other processes must not fail the test
        assert len(pfl.data.mvtec.read(tmp_path, name="many", split="all")) == 10_200
        seconds.append(time.process_time() - start)
    assert min(seconds) < 1
