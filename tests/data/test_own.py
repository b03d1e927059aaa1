"""Folders of your own images: the layouts that people have, and what is refused because it is unclear."""

import time

import numpy as np
import pytest
from trees import HEIGHT, WIDTH, build, files_of, half, photograph, seen, write

import pfl.data
from pfl.data import loader
from pfl.data.transforms import mask_pixels

LAYOUTS = {
    "only images": """
        b.jpg | plate ?
        a.png | plate ?
    """,
    "some with masks beside them": """
        a.png   | plate 1 | a_mask.png
        b.png   | plate ?
        c.jpg   | plate 1 | c_gt.png ids
        d.tif   | plate 0 | d-mask.png blank
        e.png   | plate 1 | mask_e.png
    """,
    "a folder of normal images": """
        good/a.png     | plate 0
        scratch/a.png  | plate 1 scratch | masks/scratch/a.png
        Dent/b.tif     | plate 1 Dent
        loose.png      | plate ?
    """,
    "a folder per category": """
        left/a.png   | left ?
        right/a.png  | right ?
        note.png     | plate ?
    """,
    "images and masks": """
        images/a.jpg | plate 1 | masks/a.png ids
        images/b.jpg | plate 0 | masks/b.png blank
        images/c.jpg | plate 0
        images/d.jpg | plate 0 | masks/d.jpg blank
        a.png        | plate ?
    """,
    "images beside a folder of images": """
        images/a.png | plate ?
        b.png        | plate ?
    """,
    "MVTec's layout": """
        test/good/a.png       | plate 0
        test/crack/b.png      | plate 1 crack | ground_truth/crack/b_mask.png
        test/defect/c.png     | plate 1       | ground_truth/c.png
        train/good/z.png      ! training images
    """,
    "MVTec's layout without normal images": """
        bottle/test/crack/b.png | bottle 1 crack | bottle/ground_truth/crack/b_mask.png
        bottle/test/hole/b.png  | bottle 1 hole
    """,
    "magnetic tiles: masks called like images": """
        MT_Crack/Imgs/a.jpg | MT_Crack 1 | MT_Crack/Imgs/a.png
        MT_Crack/Imgs/b.jpg | MT_Crack 1 | MT_Crack/Imgs/b.png soft
        MT_Free/Imgs/a.jpg  | MT_Free 0  | MT_Free/Imgs/a.png blank
    """,
    "images and masks in parts": """
        images/training/a.png | plate 1 | masks/training/a.png
        images/training/b.png | plate 0
        images/test/a.png     | plate 1 | masks/test/a.png
        images/test/c.png     | plate 0 | masks/test/c.png blank
    """,
    "parts with images and masks": """
        train/images/a.png | plate 1 | train/masks/a.png
        test/images/a.png  | plate 1 | test/masks/a.png
        test/images/b.png  | plate 0
    """,
    "parts that differ in name": """
        images/train/a.png      | plate 1 | masks/training/a.png
        images/validation/b.png | plate 1 | masks/val/b.png
    """,
    "masks in folders called like those of images": """
        crack/a.png   | crack 1 | crack_mask/a.png
        train/b.png   | plate 1 | train_masks/b_mask.gif
    """,
    "nested defects": """
        good/0.png               | plate 0
        defect/scratch/0.png     | plate 1 scratch | masks/defect/scratch/0.png
        defect/dent/deep/0.png   | plate 1 dent
        defect/1.png             | plate 1
    """,
    "categories with defects": """
        cup/good/0.png       | cup 0
        cup/crack/0.png      | cup 1 crack | cup/ground_truth/crack/0.png
        lid/ok/0.png         | lid 0
        lid/ng/0.png         | lid 1
        a/b/normal/0.png     | a/b 0
        a/b/hole/0.png       | a/b 1 hole
    """,
    "images at several depths": """
        top.png             | plate ?
        x/one.jfif          | x ?
        x/y/two.JPEG        | x ?
        x/y/z/three.tiff    | x ?
        x/y/z/four.WebP     | x ?
        x/y/z/five.pgm      | x ?
        x/y/z/six.gif       | x ?
        x/y/z/seven.jp2     | x ?
        notes.txt           ! not images
        x/y/scan.eps text   ! not images
        x/broken.png text   ! unreadable
    """,
    "VisA-like": """
        candle/Data/Images/Normal/0.JPG   | candle/Data 0
        candle/Data/Images/Anomaly/0.JPG  | candle/Data 1 | candle/Data/Masks/Anomaly/0.png ids
    """,
    "a mask of its own name in the image's folder": """
        part1/image.png | part1 1 | part1/mask.png
        part2/image.png | part2 0 | part2/mask.png blank
    """,
    "masks with the image's whole name": """
        images/a.jpg | plate 1 | masks/a.jpg.png
        images/b.jpg | plate 1 | masks/b.jpg_mask.png
    """,
    "unlabelled images beside normal ones": """
        good/0.png      | plate 0
        unknown/0.png   | unknown ?
        scratch/0.png   | plate 1 scratch
    """,
}
LAYOUTS |= {
    f"masks in {name}": f"""
        pictures/a.jpg | pictures 1 | {name}/pictures/a.png
        images/b.jpg   | plate 1    | {name}/b.png
        images/c.jpg   | plate 0
    """
    for name in ("gt", "GroundTruth", "Ground-truth", "annotations", "label", "labels", "mask_dir", "Segmentation")
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_file_of_a_layout_has_its_label_its_mask_or_the_reason_why_it_is_left_out(name, tmp_path):
    root = tmp_path / "plate"
    expected = build(root, LAYOUTS[name])
    for _ in ("first", "second"):  # the second time from the cache
        data = pfl.data.folder(root, class_name="metal plate")
        assert seen(data) == expected
    assert files_of(data.account) == sorted(path for path in root.rglob("*") if path.is_file())
    assert {one.class_name for one in data.samples} == {"metal plate"}
    (batch,) = loader(data, 8, 99)
    assert batch.labels.tolist() == [-1 if one.label is None else one.label for one in data.samples]
    for sample in data.samples:
        assert sample.mask is None or (mask_pixels(sample) == half()).all()


def test_folders_with_spaces_are_masks_and_categories(tmp_path):
    write(tmp_path / "plate/right side/a.png")
    write(tmp_path / "plate/Ground truth/right side/a.png", "mask")
    data = pfl.data.folder(tmp_path / "plate")
    assert seen(data)[0] == {"right side/a.png": ("right side", 1, "", "Ground truth/right side/a.png")}
    assert data[0].class_name == "right side"


def test_the_masks_of_a_folder_called_like_the_image_are_one_mask(tmp_path):
    first, second = half(), half()
    first[:, 8:], second[:, :8] = 0, 0
    for i, mask in enumerate((first * 255, second * 7)):
        write(tmp_path / f"breakfast/ground_truth/logical_anomalies/000/{i:03d}.png", mask)
    write(tmp_path / "breakfast/ground_truth/logical_anomalies/001/000.png", "mask")
    for name in ("test/good/000", "test/logical_anomalies/000", "test/logical_anomalies/001", "validation/good/000"):
        write(tmp_path / f"breakfast/{name}.png")
    data = pfl.data.folder(tmp_path)
    by_name = {str(one.image.relative_to(tmp_path)): one for one in data.samples}
    assert set(data.categories) == {"breakfast"} and len(data) == 3
    for name in ("000", "001"):
        sample = by_name[f"breakfast/test/logical_anomalies/{name}.png"]
        assert sample.label == 1 and (mask_pixels(sample) == half()).all()
    assert {one.why for one in data.account.left_out} == {"validation images"}
    assert len(data.account.masks) == 3 and data.fingerprint()


# --- what is meant can be said ---


@pytest.mark.parametrize(
    "options, expected",
    [
        ({"masks": "answers"}, {"pics/a.png": 1, "pics/b.png": None}),
        ({"masks": "answers", "images": "pics"}, {"pics/a.png": 1, "pics/b.png": 0}),
        ({"masks": "answers/*.png"}, {"pics/a.png": 1, "pics/b.png": None}),
        ({"images": ["pics"]}, {"pics/a.png": None, "pics/b.png": None}),
        ({"images": "pics/b.png"}, {"pics/b.png": None}),
    ],
)
def test_options_name_folders_or_patterns_of_images_and_masks(options, expected, tmp_path):
    for name in "ab":
        write(tmp_path / f"pics/{name}.png")
    write(tmp_path / "answers/a.png", "mask")
    data = pfl.data.folder(tmp_path, **options)
    assert {one.image.relative_to(tmp_path).as_posix(): one.label for one in data.samples} == expected
    absolute = {key: tmp_path / value for key, value in options.items() if isinstance(value, str)}
    assert len(pfl.data.folder(tmp_path, **options | absolute)) == len(expected)


def test_options_name_the_normal_images(tmp_path):
    for name in ("MT_Free/a.png", "MT_Crack/a.png", "mixed/ok_1.png", "mixed/2.png"):
        write(tmp_path / name)
    labels = {one.image.name: one.label for one in pfl.data.folder(tmp_path / "mixed", normal="ok_*").samples}
    assert labels == {"ok_1.png": 0, "2.png": 1}
    data = pfl.data.folder(tmp_path, normal="mt_free")
    assert [(one.defect, one.label) for one in data.samples if "MT" in str(one.image)] == [("MT_Crack", 1), ("", 0)]


def test_options_say_that_twins_are_images_or_which_are_masks(tmp_path):
    for name, kind in (("a.jpg", "image"), ("a.png", "mask"), ("b.jpg", "image"), ("b.png", "image")):
        write(tmp_path / name, kind)
    with pytest.raises(ValueError, match=r"images, or masks of each other\? a.jpg, a.png, b.jpg .*--masks"):
        pfl.data.folder(tmp_path)
    assert len(pfl.data.folder(tmp_path, masks="")) == 4
    (tmp_path / "b.png").unlink()
    assert [one.label for one in pfl.data.folder(tmp_path, masks="*.png", images="*.jpg").samples] == [1, None]


@pytest.mark.parametrize(
    "options, message",
    [
        ({"masks": "answer"}, "masks=answer names no file of .*; its folders are answers, pics"),
        ({"masks": "../elsewhere"}, "masks=../elsewhere is not in .*; link it there"),
        ({"images": "/etc"}, "images=/etc is not in"),
        ({"images": "."}, "images=. is the whole folder"),
        ({"normal": 3}, "normal is 3; pass the name of a folder"),
        ({"bit_depth": 11}, "bit_depth is 11; choose one of 8, 10, 12, 14, 16"),
        ({"bit_depth": 12}, "bit_depth=12 is for images of 16 bits; .* has none"),
        ({"class_name": " "}, "class_name is empty; pass a word"),
    ],
)
def test_an_option_that_names_nothing_is_an_error(options, message, tmp_path):
    write(tmp_path / "pics/a.png")
    write(tmp_path / "answers/a.png", "mask")
    with pytest.raises(ValueError, match=message) as caught:
        pfl.data.folder(tmp_path, **options)
    assert "\n" not in str(caught.value)


# --- truth is never invented ---

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
        "like masks of the images beside them: target/a.png, target/b.png; say what is meant",
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
    from PIL import Image

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


# --- errors, the account, speed ---


def test_a_folder_gives_the_class_name_and_errors_say_what_is_wrong(tmp_path):
    write(tmp_path / "steel_plate/a.png")
    assert pfl.data.folder(tmp_path / "steel_plate")[0].class_name == "steel plate"
    write(tmp_path / "empty/note.txt")
    for name, message in (
        ("empty", "no images in .*left out: 1 not images"),
        ("absent", "no folder .*does not exist"),
        ("steel_plate/a.png", "no folder .*it is a file; pass the folder"),
    ):
        with pytest.raises(FileNotFoundError, match=message):
            pfl.data.folder(tmp_path / name)


def test_the_account_counts_on_one_line_and_lists_in_many(tmp_path):
    build(tmp_path / "plate", LAYOUTS["images at several depths"])
    for i in range(12):
        write(tmp_path / f"plate/{i}.txt")
    account = pfl.data.folder(tmp_path / "plate").account
    assert str(account).startswith("8 images, 0 masks; left out: 14 not images, 1 unreadable: see `pfl data check")
    text = account.text()
    assert "left out, 14 not images:\n  0.txt" in text and "... and 4 more (--all lists them)" in text
    assert "  x/broken.png (no picture in a format that is read, whatever its name says)" in text
    assert "note: 8 of unknown label: top.png" in text and account.text(None).count(".txt") == 13


def test_rules_that_were_applied_are_noted(tmp_path):
    for name, kind in (("a", "soft"), ("b", "white")):
        write(tmp_path / f"images/{name}.png")
        write(tmp_path / f"masks/{name}.png", kind)
    write(tmp_path / "images/c.png")
    write(tmp_path / "images/d.png", photograph()).rename(tmp_path / "images/d.jpg")
    assert [note.partition(":")[0] for note in pfl.data.folder(tmp_path).account.notes] == [
        "read by content, not by suffix",
        "2 without a mask, beside a folder of masks",
        "1 masks with soft edges",
        "1 masks that mark the whole image (if white means normal, invert them)",
    ]


def test_a_subset_and_a_category_keep_the_account(tmp_path):
    build(tmp_path, LAYOUTS["a folder per category"])
    data = pfl.data.folder(tmp_path)
    assert data.subset(categories=["left"]).account is data.account and hash(data.account)


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


def test_pictures_have_the_size_that_tests_assume():
    assert half().shape == (HEIGHT, WIDTH) == photograph().shape[:2]
