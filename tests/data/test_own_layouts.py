"""Folders of your own images: the layouts that people have."""

import pytest
from trees import build, files_of, half, seen, write

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
    "a folder beside good and bad": """
        good/a.png   | plate 0
        bad/b.png    | plate 1
        notes/c.png  | notes ?
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
        x/y/scan.eps text   ! of kinds that are not read
        x/photo.heic        ! of kinds that are not read
        x/broken.png text   ! unreadable
    """,
    "VisA-like": """
        candle/Data/Images/Normal/0.JPG   | candle 0
        candle/Data/Images/Anomaly/0.JPG  | candle 1 | candle/Data/Masks/Anomaly/0.png ids
        candle/image_anno.csv             ! not images
    """,
    "a mask of its own name in the image's folder": """
        part1/image.png | part1 1 | part1/mask.png
        part2/image.png | part2 0 | part2/mask.png blank
    """,
    "masks with the image's whole name": """
        images/a.jpg | plate 1 | masks/a.jpg.png
        images/b.jpg | plate 1 | masks/b.jpg_mask.png
    """,
    "DAGM: masks in a folder among the images": """
        Class1/Train/0576.PNG | Class1 1 | Class1/Train/Label/0576_label.PNG
        Class1/Train/0577.PNG | Class1 ?
        Class1/Test/0001.PNG  | Class1 1 | Class1/Test/Label/0001_label.PNG
        Class1/Train/Label/Labels.txt ! not images
    """,
    "KolektorSDD": """
        kos01/Part0.jpg | kos01 0 | kos01/Part0_label.bmp blank
        kos01/Part1.jpg | kos01 1 | kos01/Part1_label.bmp
    """,
    "KolektorSDD2": """
        train/10000.png | plate 0 | train/10000_GT.png blank
        test/20001.png  | plate 1 | test/20001_GT.png
    """,
    "BTAD": """
        01/test/ok/0.bmp  | 01 0
        01/test/ko/0.bmp  | 01 1 | 01/ground_truth/ko/0.png
        03/test/ko/0.bmp  | 03 1 | 03/ground_truth/ko/0.bmp
        01/train/ok/0.bmp ! training images
    """,
    "CVAT: SegmentationClass": """
        JPEGImages/a.jpg | plate 1 | SegmentationClass/a.png
        JPEGImages/b.jpg | plate 0
        ImageSets/Segmentation/default.txt ! not images
    """,
    "MVTec 3D: images and masks in folders of each defect": """
        bagel/test/crack/rgb/0.png | bagel 1 crack | bagel/test/crack/gt/0.png
        bagel/test/good/rgb/0.png  | bagel 0       | bagel/test/good/gt/0.png blank
        bagel/train/good/rgb/0.png ! training images
    """,
    "Real-IAD: masks beside images, a folder for each part": """
        jack/OK/S1/a.jpg    | jack 0
        jack/NG/HS/S2/b.jpg | jack 1 HS | jack/NG/HS/S2/b.png
    """,
    "images and masks with a word each": """
        images/img_1.png | plate 1 | masks/mask_1.png
        images/img_2.png | plate 0 | masks/mask_2.png blank
        0_image.png      | plate 1 | 0_mask.png
    """,
    "normal training images beside a test part without labels": """
        train/good/a.png | plate 0
        test/b.png       | plate ?
    """,
    "numbers behind the word for a mask": """
        images/part_2.png | plate 1 | masks/part_mask_2.png
        images/b.png      | plate 1 | masks/b_mask1.png
    """,
    "folders beside good that are no defects": """
        good/0.png         | plate 0
        crack/1.png        | plate 1 crack
        docs/logo.png      | docs ?
        results/x.png      | results ?
        backup/crack/2.png | backup ?
        new_images/3.png   | new_images ?
    """,
    "accents in one letter and in two": """
        images/caf\u00e9.png | plate 1 | masks/cafe\u0301.png
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
