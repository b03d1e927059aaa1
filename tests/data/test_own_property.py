"""Random folders of images, masks and strays: each file is accounted for once, and labels are those of the truth."""

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trees import files_of, write

import pfl.data

NAMES = st.text("ab1ü -", min_size=1, max_size=4).map(str.strip).filter(lambda name: name and not name.startswith("-"))
SUFFIXES = st.sampled_from((".png", ".PNG", ".bmp", ".tif"))
LABELS = {"mask": 1, "ids": 1, "soft": 1, "blank": 0, "": None}  # by the kind of the mask
STRAYS = ("notes.txt", ".DS_Store", "Thumbs.db", "broken.png", ".hidden.jpg", "boxes.json", "photo.heic", "no suffix")


def unique(*values):
    return st.lists(st.tuples(*values), min_size=1, max_size=5, unique_by=lambda one: one[0].lower())


@st.composite
def beside(draw, place):
    """NAME.png, and NAME_mask.png for some; without one, the label is unknown."""
    ending = draw(st.sampled_from(("_mask", "-GT", " label", "_ground_truth")))
    for name, kind in draw(unique(NAMES, st.sampled_from(list(LABELS)))):
        put(place, f"{name}{draw(SUFFIXES)}", LABELS[kind], f"{name}{ending}{draw(SUFFIXES)}" if kind else "", kind)


@st.composite
def twins(draw, place):
    """NAME.jpg, and NAME.png for some."""
    for name, kind in draw(unique(NAMES, st.sampled_from(list(LABELS)))):
        put(place, f"{name}.jpg", LABELS[kind], f"{name}.png" if kind else "", kind)


@st.composite
def folders(draw, place):
    """images/NAME and masks/NAME for some, at least one; without one, the image is normal."""
    images = draw(st.sampled_from(("images", "Imgs")))
    masks = draw(st.sampled_from(("masks", "gt", "Ground truth", "annotations", "mask_dir")))
    for i, (name, kind) in enumerate(draw(unique(NAMES, st.sampled_from(list(LABELS))))):
        kind = kind or "mask" * (i == 0)
        mask = f"{masks}/{name}{draw(st.sampled_from(('', '_mask')))}{draw(SUFFIXES)}" if kind else ""
        put(place, f"{images}/{name}{draw(SUFFIXES)}", LABELS[kind] or 0, mask, kind)


@st.composite
def defects(draw, place):
    """good/NAME and DEFECT/NAME, with or without masks in ground_truth/, in test/ or not."""
    within = draw(st.sampled_from(("", "test/")))
    good = draw(st.sampled_from(("good", "OK", "defect-free")))
    for name, defect, masked in draw(unique(NAMES, NAMES | st.just("good"), st.booleans())) + [("0", "good", False)]:
        defect = good if defect == "good" else defect
        mask = f"ground_truth/{defect}/{name}_mask.png" if masked else ""
        kind = "blank" if defect == good else "mask"
        put(place, f"{within}{defect}/{name}{draw(SUFFIXES)}", int(defect != good), mask, kind)


def put(place, image, label, mask, kind):
    root, where, truth = place
    write(root / where / image)
    if mask:
        write(root / where / mask, kind)
    truth[os.path.join(where, image)] = (label, os.path.join(where, mask) if mask and label else None)


@pytest.mark.parametrize("layout", [beside, twins, folders, defects])
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_each_file_is_accounted_for_once_and_labels_are_those_of_the_truth(layout, data):
    with tempfile.TemporaryDirectory() as place:
        root, truth = Path(place) / "plate", {}
        categories = (
            [""]
            if data.draw(st.booleans())
            else data.draw(st.lists(NAMES, min_size=1, max_size=3, unique_by=str.lower))
        )
        for category in categories:
            data.draw(layout((root, category, truth)))
        for image in list(truth)[:3]:
            for stray in data.draw(st.sets(st.sampled_from(STRAYS), max_size=3)):
                write(root / os.path.dirname(image) / stray, "text")
        found = pfl.data.folder(root)
        assert files_of(found.account) == sorted(path for path in root.rglob("*") if path.is_file())
        assert {
            one.image.relative_to(root).as_posix(): (one.label, one.mask and one.mask.relative_to(root).as_posix())
            for one in found.samples
        } == truth
        assert not {one.image for one in found.samples} & {one.path for one in found.account.left_out}
