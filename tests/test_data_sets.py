"""The fifteen data sets in miniature: each layout as its publishers ship it, with the traps people met in it.

In every miniature an image is 16 x 12 and its defect the left half, so that a mask read wrongly is seen at once.
"""
# ruff: noqa: E501 - published paths are long

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import pfl.data
import pfl.data.files
from pfl.data import SPECS
from pfl.data.catalogue import Category
from pfl.data.transforms import foreground, read_image

HALF = np.zeros((12, 16), dtype=np.uint8)
HALF[:, :8] = 1


@pytest.fixture(autouse=True)
def home(tmp_path_factory, monkeypatch):
    """What is remembered of masks stays out of the tester's home."""
    monkeypatch.setenv("PFL_HOME", str(tmp_path_factory.mktemp("home")))


def write(path, kind="image"):
    """A file as the traps have it: kind is image, grey, mask, ids, palette, bits, empty, or text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == "text" or path.suffix.lower() not in pfl.data.files.IMAGE_SUFFIXES:
        path.write_text("not an image")
        return
    noise = np.random.default_rng(len(str(path.name))).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    picture = {
        "image": Image.fromarray(noise),
        "grey": Image.fromarray(noise[..., 0]),
        "mask": Image.fromarray(HALF * 255 if path.suffix != ".jpg" else 7 + HALF * 241),  # JPEG is never quite black
        "ids": Image.fromarray(HALF * (1 + noise[..., 0] % 9)),
        "bits": Image.fromarray(HALF * 255).convert("1"),
        "empty": Image.fromarray(HALF * 0),
        "palette": Image.fromarray(HALF * 3),
    }[kind]
    if kind == "palette":  # the colour of id 3 is black, too: only the index tells
        picture.putpalette([0] * 768)
    picture.save(path, format={".tif": "TIFF", ".bmp": "BMP", ".png": "PNG"}.get(path.suffix.lower(), "JPEG"))


def build(root, table):
    """Write what a table draws; return its samples as a set of (image, split, category, label, defect, mask).

    A line is `image [kind] | split category label [defect] | mask [kind]`, or a stray `file [kind]` alone. Spaces
    in paths and categories are written `~`.
    """
    samples = set()
    for line in filter(str.strip, table.splitlines()):
        fields = [[word.replace("~", " ") for word in field.split()] for field in line.split("|")]
        for (name, *kind), usual in zip(fields[::2], ("image", "mask"), strict=False):
            write(root / name, *(kind or [usual]))
        if len(fields) > 1:
            split, category, label, *defect = fields[1]
            mask = fields[2][0] if len(fields) > 2 else None
            samples.add((fields[0][0], split, category, int(label), "".join(defect), mask))
    return samples


def relative(path, root):
    return path and path.relative_to(root).as_posix()


def seen(root, name, base=None, **options):
    """What load() makes of a folder, in the form of build(); base is where the table's paths start."""
    base, samples = base or root, set()
    for split in ("train", "test"):
        try:
            data = pfl.data.load(name, root, split=split, **options)
        except ValueError as error:
            assert f"no {split} images" in str(error)
            continue
        for s in data.samples:
            place = (relative(s.image, base), relative(s.mask, base))
            samples.add((place[0], split, s.category, s.label, s.defect, place[1]))
    return samples


# name, the table, and what a prompt calls each category. Traps are lines without a sample, or odd kinds.
ORIGINALS = {
    "mvtec": (
        "mvtec",
        """
        bottle/train/good/000.png                 | train bottle 0
        bottle/test/good/000.png                  | test bottle 0
        bottle/test/broken_large/000.png          | test bottle 1 broken_large | bottle/ground_truth/broken_large/000_mask.png
        bottle/test/broken_large/001.png          | test bottle 1 broken_large | bottle/ground_truth/broken_large/001_mask.png
        bottle/test/contamination/000.png         | test bottle 1 contamination | bottle/ground_truth/contamination/000_mask.png
        bottle/ground_truth/broken_large/0000_mask.png mask
        bottle/test/good/._000.png text
        metal_nut/test/good/000.png grey          | test metal_nut 0
        metal_nut/test/scratch/000.png grey       | test metal_nut 1 scratch | metal_nut/ground_truth/scratch/000_mask.png
        license.txt
        """,
        {"bottle": "bottle", "metal_nut": "metal nut"},
    ),
    "visa": (
        "visa",
        """
        candle/Data/Images/Normal/0000.JPG        | train candle 0
        candle/Data/Images/Normal/0739.JPG        | test candle 0
        candle/Data/Images/Anomaly/097.JPG        | test candle 1 | candle/Data/Masks/Anomaly/097.png ids
        candle/image_anno.csv
        pcb1/Data/Images/Normal/0739.JPG          | test pcb1 0
        pcb1/Data/Images/Anomaly/000.JPG          | test pcb1 1 | pcb1/Data/Masks/Anomaly/000.png palette
        """,
        {"candle": "candle", "pcb1": "printed circuit board"},
    ),
    "visa as prepared": (
        "visa",
        """
        macaroni2/train/good/0000.JPG             | train macaroni2 0
        macaroni2/test/good/0739.JPG              | test macaroni2 0
        macaroni2/test/bad/097.JPG                | test macaroni2 1 | macaroni2/ground_truth/bad/097.png
        """,
        {"macaroni2": "macaroni"},
    ),
    "btad": (
        "btad",
        """
        BTech_Dataset_transformed/01/train/ok/0000.bmp  | train metal1 0
        BTech_Dataset_transformed/01/test/ok/0000.bmp   | test metal1 0
        BTech_Dataset_transformed/01/test/ko/0000.bmp   | test metal1 1 | BTech_Dataset_transformed/01/ground_truth/ko/0000.png
        BTech_Dataset_transformed/02/test/ok/0000.png   | test wood 0
        BTech_Dataset_transformed/02/test/ko/0001.png   | test wood 1 | BTech_Dataset_transformed/02/ground_truth/ko/0001.png
        BTech_Dataset_transformed/03/test/ok/0000.bmp   | test metal2 0
        BTech_Dataset_transformed/03/test/ko/0001.bmp   | test metal2 1 | BTech_Dataset_transformed/03/ground_truth/ko/0001.bmp
        """,
        {"metal1": "metal1", "wood": "wood", "metal2": "metal2"},
    ),
    "dtd": (
        "dtd",
        """
        readme~of~mine.png
        Woven_127/train/good/000.png              | train woven1 0
        Woven_127/test/good/000.png               | test woven1 0
        Woven_127/test/bad/000.png                | test woven1 1 | Woven_127/ground_truth/bad/000_mask.png
        Woven_068/test/good/mesh_000.png          | test woven4 0
        Woven_068/test/bad/000.png                | test woven4 1 | Woven_068/ground_truth/bad/000_mask.png
        Marbled_078/test/good/000.png             | test marbled2 0
        Marbled_078/test/bad/000.png              | test marbled2 1 | Marbled_078/ground_truth/bad/000_mask.png
        """,
        {"woven1": "woven1", "woven4": "woven4", "marbled2": "marbled2"},
    ),
    "rsdd": (
        "rsdd",
        """
        Type-I~RSDDs~dataset/Rail~surface~images/rail_1.jpg grey  | test Metal15 1 Type-I | Type-I~RSDDs~dataset/GroundTruth/rail_1.jpg
        Type-I~RSDDs~dataset/Rail~surface~images/rail_10.jpg grey | test Metal15 1 Type-I | Type-I~RSDDs~dataset/GroundTruth/rail_10.jpg
        Type-II~RSDDs~dataset/Rail~surface~images/rail_1.jpg grey | test Metal15 1 Type-II | Type-II~RSDDs~dataset/GroundTruth/rail_1.jpg
        """,
        {"Metal15": "metal15"},
    ),
    "headct": (
        "headct",
        """
        head_ct/head_ct/000.png                   | test head~ct 1
        head_ct/head_ct/001.png grey              | test head~ct 1
        head_ct/head_ct/100.png                   | test head~ct 0
        """,
        {"head ct": "head ct"},
    ),
    "headct as AdaCLIP has it": (
        "headct",
        """
        headct/test/good/100.png                  | test head~ct 0
        headct/test/defect/000.png                | test head~ct 1
        """,
        {"head ct": "head ct"},
    ),
    "br35h": (
        "br35h",
        """
        yes/y0.jpg                                | test brain 1
        no/no1.jpg                                | test brain 0
        no/No12.jpg                               | test brain 0
        Br35H-Mask-RCNN/TEST/y700.jpg
        pred/pred0.jpg
        """,
        {"brain": "brain"},
    ),
    "isic": (
        "isic",
        """
        ISBI2016_ISIC_Part1_Test_Data/ISIC_0000003.jpg | test skin 1 | ISBI2016_ISIC_Part1_Test_GroundTruth/ISIC_0000003_Segmentation.png bits
        ISBI2016_ISIC_Part1_Test_Data/ISIC_0011392.jpg | test skin 1 | ISBI2016_ISIC_Part1_Test_GroundTruth/ISIC_0011392_Segmentation.png
        """,
        {"skin": "skin"},
    ),
    "isic as AnomalyCLIP has it": (
        "isic",
        """
        skin/test/ISBI2016_ISIC_Part1_Test_Data/ISIC_0000003.jpg | test skin 1 | skin/ISBI2016_ISIC_Part1_Test_GroundTruth/ISIC_0000003_Segmentation.png
        """,
        {"skin": "skin"},
    ),
    "isic for the converter": (
        "isic",
        """
        object/test/defect/ISIC_0000003.jpg       | test skin 1 | object/ground_truth/defect/ISIC_0000003_Segmentation.png
        """,
        {"skin": "skin"},
    ),
    "colondb, 380 images": (
        "colondb",
        """
        images/1.png | test colon 1 | masks/1.png
        images/10.png | test colon 1 | masks/10.png
        images/2.png | test colon 1 | masks/2.png
        masks/0.png mask
        """,
        {"colon": "colon"},
    ),
    "colondb, Barcelona": (
        "colondb",
        """
        1.bmp | test colon 1 | p1.bmp
        10.bmp | test colon 1 | p10.bmp
        s1.bmp empty
        c1.bmp
        """,
        {"colon": "colon"},
    ),
    "clinicdb": (
        "clinicdb",
        """
        CVC-ClinicDB/Original/1.tif | test colon 1 | CVC-ClinicDB/Ground~Truth/1.tif
        CVC-ClinicDB/Original/10.tif | test colon 1 | CVC-ClinicDB/Ground~Truth/10.tif
        """,
        {"colon": "colon"},
    ),
    "clinicdb for the converter": (
        "clinicdb",
        "object/test/defect/1.tif | test colon 1 | object/ground_truth/defect/1.tif",
        {"colon": "colon"},
    ),
    "endo": (
        "endo",
        """
        EndoTect_2020_Segmentation_Test_Dataset/images/003ab8b5-cf6d-442a-849d-80ddf0d1edaf.jpg | test colon 1 | EndoTect_2020_Segmentation_Test_Dataset/masks/003ab8b5-cf6d-442a-849d-80ddf0d1edaf.png
        """,
        {"colon": "colon"},
    ),
    "kvasir": (
        "kvasir",
        """
        Kvasir-SEG/images/cju0.jpg | test colon 1 | Kvasir-SEG/masks/cju0.jpg
        Kvasir-SEG/images/cju1.jpg | test colon 1 | Kvasir-SEG/masks/cju1.jpg
        Kvasir-SEG/kavsir_bboxes.json
        """,
        {"colon": "colon"},
    ),
}  # fmt: skip


def add_tables(root):
    """The two tables that originals carry."""
    if (root / "head_ct").exists():
        (root / "labels.csv").write_text("id, hemorrhage\n0,1\n1,1\n100,0\n")
    if (root / "candle").exists():
        rows = ["object,split,label,image,mask"]
        for image in sorted(root.glob("*/Data/Images/*/*.JPG")):
            name, label = image.parts[-5], image.parent.name.lower()
            mask = f"{name}/Data/Masks/Anomaly/{image.stem}.png" if label == "anomaly" else ""
            split = "train" if image.stem == "0000" else "test"
            rows.append(f"{name},{split},{label},{relative(image, root)},{mask}")
        (root / "split_csv").mkdir()
        (root / "split_csv" / "1cls.csv").write_text("\n".join(rows) + "\n")


@pytest.mark.parametrize("case", ORIGINALS)
def test_every_sample_of_an_original_is_read_as_published(case, tmp_path):
    name, table, words = ORIGINALS[case]
    root = tmp_path / "test images"  # words that loaders elsewhere replace anywhere in a path
    expected = build(root, table)
    add_tables(root)
    assert seen(root, name) == expected
    data = pfl.data.load(name, root, split="all")
    assert {sample.category: sample.class_name for sample in data.samples} == words
    assert data.categories == tuple(words)
    assert data.layout == "original"
    assert data.level == (SPECS[name].level if case != "rsdd" else {"pixel"})  # RSDDs has no normal rail
    report = pfl.data.check(name, root)  # of a miniature only the counts are wrong
    assert {problem.split(":")[0] for problem in report.problems} == {"wrong count"}
    assert not any(line.startswith("wrong case") for line in report.remarks)
    for sample in data.samples:
        assert read_image(sample.image).size == (16, 12)
        if sample.mask:
            assert (foreground(sample.mask, sample.mask_threshold) == HALF).all()


# The example paths that datasets.md gives for the standardised folders, and the prompt of their category.
STANDARD = """
mvtec    mvtec/bottle/test/good/mvtec_good_000286.bmp mvtec/bottle/test/anomaly/mvtec_contamination_000266.bmp bottle
visa     visa/candle/test/good/visa_0739_000987.bmp visa/candle/test/anomaly/visa_097_001097.bmp candle
btad     BTAD/metal2/test/good/BTAD_good_0000_002140.bmp BTAD/metal2/test/anomaly/BTAD_ko_0000_002099.bmp metal2
ksdd2    KSDD2/Metal/test/good/KSDD2-metal-null-000001_0000000356.bmp KSDD2/Metal/test/anomaly/KSDD2-metal-defect-000004_0000000000.bmp metal
rsdd     RSDD/Metal15/test/good/RSDD_I-metal-null-000157_0000000387.bmp RSDD/Metal15/test/anomaly/RSDD_I-metal-defect-000001_0000000000.bmp metal15
dagm     DAGM/Fabric5/test/good/DAGM2007-fabric-null-classes5_0001_0000001350.bmp DAGM/Fabric5/test/anomaly/DAGM2007-fabric-defect-classes5_0001_0000001200.bmp fabric5
dtd      DTD/matted1/test/good/DTD_good_000_002284.bmp DTD/matted1/test/anomaly/DTD_bad_000_002205.bmp matted1
headct   HeadCT/head~ct/test/good/HeadCT_good_100_000100.bmp HeadCT/head~ct/test/anomaly/HeadCT_defect_000_000000.bmp head~ct
brainmri BrainMRI/brain~ct/test/good/BrainMRI_good_10~no_000068.bmp BrainMRI/brain~ct/test/anomaly/BrainMRI_defect_Y100_000000.bmp brain~ct
br35h    Br35H/brain/test/good/Br35H_good_No12_001500.bmp Br35H/brain/test/anomaly/Br35H_defect_y0_000000.bmp brain
isic     - ISIC/skin/test/anomaly/ISIC_defect_ISIC_0000003_000000.bmp skin
colondb  - ColonDB/colon/test/anomaly/ColonDB_defect_100_000002.bmp colon
clinicdb - ClinicDB/colon/test/anomaly/ClinicDB_defect_100_000002.bmp colon
endo     - Endo/colon/test/anomaly/Endo_defect_003ab8b5-cf6d-442a-849d-80ddf0d1edaf_000000.bmp colon
kvasir   - Kvasir/colon/test/anomaly/Kvasir_defect_cju0_000000.bmp colon
""".strip().splitlines()


@pytest.mark.parametrize("line", STANDARD, ids=lambda line: line.split()[0])
def test_the_standardised_copy_is_found_with_and_without_its_list(line, tmp_path):
    name, good, bad, prompt = (word.replace("~", " ") for word in line.split())
    standard, category = bad.split("/")[:2]
    truth = bad.replace("/test/", "/ground_truth/").replace(".bmp", ".png")
    masked = "pixel" in SPECS[name].level

    def entry(image, mask, anomaly):
        return dict(
            img_path=image,
            mask_path=mask,  # phantom where the set has no masks
            cls_name=category,
            specie_name="anomaly" if anomaly else "good",
            dataset_name=Path(image).stem.split("_")[0],
            anomaly=anomaly,
        )

    normals = [] if good == "-" else [entry(good, "", 0)]
    nothing = entry("", "", 0) | {"dataset_name": ""}  # the placeholder of an empty train folder
    meta = {"train": {category: [nothing]}, "test": {category: [*normals, entry(bad, truth, 1)]}}
    for image in [bad] + [good] * bool(normals):
        write(tmp_path / image)
    if masked:
        write(tmp_path / truth, "mask")
    (tmp_path / f"meta_{standard}.json").write_text(json.dumps(meta))

    defect = "contamination" if name == "mvtec" else ""  # survives in MVTec's file names alone
    expected = {(bad, "test", category, 1, defect, truth if masked else None)}
    expected |= {(good, "test", category, 0, "", None)} if normals else set()
    write(unlisted := (tmp_path / bad).with_name("unlisted.bmp"))
    for _ in ("with its list", "without"):
        for root in (tmp_path, tmp_path / standard):
            assert seen(root, name, base=tmp_path) == expected
            data = pfl.data.load(name, root)
            assert (data.layout, data.part, data.level) == ("standardised", "paper", SPECS[name].level)
            assert {sample.class_name for sample in data.samples} == {prompt}
        (tmp_path / f"meta_{standard}.json").unlink(missing_ok=True)
        unlisted.unlink(missing_ok=True)


def peers_entry(image, mask, species, anomaly, category):
    return dict(img_path=image, mask_path=mask, cls_name=category, specie_name=species, anomaly=anomaly)


def test_the_peers_lists_are_read_with_their_habits(tmp_path):
    # AnomalyCLIP's ClinicDB: the root of another machine, no train list. Masks are named, not paired by position.
    clinic = tmp_path / "clinic"
    for n in (1, 2):
        write(clinic / f"images/{n}.png")
        write(clinic / f"masks/{n}.png", "mask")
    away = "/remote/home/data/CVC-ClinicDB"
    rows = [peers_entry(f"{away}/images/{n}.png", f"{away}/masks/{n}.png", "", 1, "colon") for n in (1, 2)]
    (clinic / "meta.json").write_text(json.dumps({"train": {}, "test": {"colon": rows}}))
    expected = {(f"images/{n}.png", "test", "colon", 1, "", f"masks/{n}.png") for n in (1, 2)}
    assert seen(clinic, "clinicdb") == expected
    assert pfl.data.load("clinicdb", clinic).layout == "meta.json"

    # AnomalyCLIP's DAGM: capital keys, all ten classes; a selection of its own, so it is not called the paper's.
    fabric = tmp_path / "dagm"
    write(fabric / "Class6/Test/0001.PNG")
    write(fabric / "Class6/Test/0002.PNG")
    write(fabric / "Class6/Test/Label/0002_label.PNG", "mask")
    rows = [
        peers_entry("Class6/Test/0001.PNG", "", "", 0, "Class6"),
        peers_entry("Class6/Test/0002.PNG", "Class6/Test/Label/0002_label.PNG", "", 1, "Class6"),
    ]
    (fabric / "meta.json").write_text(json.dumps({"Train": {}, "Test": {"Class6": rows}}))
    assert {(s[2], s[3]) for s in seen(fabric, "dagm", subset="peers")} == {("Fabric6", 0), ("Fabric6", 1)}

    write(fabric / "Class1/Test/0001.PNG")
    write(fabric / "Class1/Test/Label/0001_label.PNG", "mask")
    data = pfl.data.load("dagm", fabric)  # the original lies beside the list, and can give the paper's part
    assert (data.layout, data.part, data.categories) == ("original", "paper", ("Fabric1",))

    # AdaCLIP's MVTec: the defect's folder is the species.
    write(tmp_path / "mvtec/bottle/test/good/000.png")
    write(tmp_path / "mvtec/bottle/test/crack/000.png")
    write(tmp_path / "mvtec/bottle/ground_truth/crack/000_mask.png", "mask")
    rows = [
        peers_entry("bottle/test/good/000.png", "", "good", 0, "bottle"),
        peers_entry("bottle/test/crack/000.png", "bottle/ground_truth/crack/000_mask.png", "crack", 1, "bottle"),
    ]
    (tmp_path / "mvtec/meta.json").write_text(json.dumps({"train": {}, "test": {"bottle": rows}}))
    with_list = seen(tmp_path / "mvtec", "mvtec")
    (tmp_path / "mvtec/meta.json").unlink()
    assert with_list == seen(tmp_path / "mvtec", "mvtec")
    assert {s[4] for s in with_list} == {"", "crack"}


def test_ksdd2_offers_the_papers_part_and_the_whole(tmp_path):
    for split, first, defects in (("train", 10000, {10001, 10004}), ("test", 20000, {20000})):
        for n in range(first, first + 5):
            write(tmp_path / f"{split}/{n}.png")
            write(tmp_path / f"{split}/{n}_GT.png", "mask" if n in defects else "empty")
    write(tmp_path / "train/10001 (copy).png")  # in the published archive
    write(tmp_path / "train/10001_GT (copy).png", "mask")
    write(tmp_path / "split_weakly_246.pyb")
    paper = {(s[0], s[1], s[3]) for s in seen(tmp_path, "ksdd2")}
    anomalies = {("train/10001.png", "test", 1), ("train/10004.png", "test", 1), ("test/20000.png", "test", 1)}
    normals = {(f"train/{n}.png", "test", 0) for n in (10000, 10002, 10003)}  # as many, first in order
    assert paper == anomalies | normals
    whole = seen(tmp_path, "ksdd2", subset="whole")
    assert len(whole) == 10
    assert {s[5] for s in whole if s[3]} == {"train/10001_GT.png", "train/10004_GT.png", "test/20000_GT.png"}
    assert {s[0] for s in whole if s[1] == "test" and s[3]} == {"test/20000.png"}

    (tmp_path / "train/10001_GT.png").write_bytes(b"cut off")
    report = pfl.data.check("ksdd2", tmp_path, subset="whole")
    assert any(line.startswith("unreadable") and "10001_GT.png" in line for line in report.problems)
    (stray,) = report.remarks
    assert stray.startswith("stray: 2 files") and "10001 (copy).png" in stray

    (tmp_path / "test/20001_GT.png").unlink()  # no mask, no label: not to be taken for normal
    with pytest.raises(FileNotFoundError, match=r"20001.png, so its label is unknown"):
        pfl.data.load("ksdd2", tmp_path)


def test_dagm_offers_the_papers_seven_classes_and_all_ten(tmp_path):
    for k in (1, 6):
        for split, numbers, defects in (("Train", (1, 4, 5), {4}), ("Test", (2, 3, 6), {2})):
            for n in numbers:
                write(tmp_path / f"Class{k}/{split}/{n:04d}.PNG", "grey")
            for n in defects:
                write(tmp_path / f"Class{k}/{split}/Label/{n:04d}_label.PNG", "mask")
            write(tmp_path / f"Class{k}/{split}/Label/Labels.txt")
    paper = seen(tmp_path, "dagm")
    assert {(s[0], s[3]) for s in paper} == {
        ("Class1/Train/0001.PNG", 0),
        ("Class1/Test/0002.PNG", 1),
        ("Class1/Test/0003.PNG", 0),
        ("Class1/Train/0004.PNG", 1),
    }
    assert {s[1:3] for s in paper} == {("test", "Fabric1")}
    whole = seen(tmp_path, "dagm", subset="whole")
    assert len(whole) == 12
    assert ("Class6/Train/0004.PNG", "train", "Fabric6", 1, "", "Class6/Train/Label/0004_label.PNG") in whole
    assert "ellipses" in pfl.data.where("dagm")


def test_brainmri_keeps_what_the_references_search_kept(tmp_path):
    for name in ("no/10 no.jpg", "no/no.jpg", "no/N2.JPG", "yes/Y100.JPG", "yes/Y1.jpg", "yes/Y3.jpeg", "yes/Y4.png"):
        write(tmp_path / name)
    assert {s[0] for s in seen(tmp_path, "brainmri")} == {"no/10 no.jpg", "no/no.jpg", "yes/Y100.JPG"}
    whole = pfl.data.load("brainmri", tmp_path, subset="whole")
    assert [sum(s.label == label for s in whole.samples) for label in (0, 1)] == [3, 4]
    assert (whole.part, whole.samples[0].class_name) == ("whole", "brain ct")

    (tmp_path / "yes/Y100.JPG").rename(tmp_path / "yes/Y100.jpg")  # case lost: the paper's part cannot be told
    assert pfl.data.load("brainmri", tmp_path).part == "whole"
    with pytest.raises(ValueError, match="holds whole, not 'paper'"):
        pfl.data.load("brainmri", tmp_path, subset="paper")


def test_a_part_or_copy_that_is_not_there_is_refused_with_the_reason(tmp_path):
    build(tmp_path / "rsdd", ORIGINALS["rsdd"][1])
    with pytest.raises(ValueError, match=r"not 'paper'.*private random crops"):
        pfl.data.load("rsdd", tmp_path / "rsdd", subset="paper")
    build(tmp_path / "colon", ORIGINALS["colondb, Barcelona"][1])
    assert pfl.data.load("colondb", tmp_path / "colon").part == "barcelona"
    build(tmp_path / "visa", "candle/Data/Images/Normal/0000.JPG | train candle 0")
    with pytest.raises(FileNotFoundError, match="needs split_csv/1cls.csv"):
        pfl.data.load("visa", tmp_path / "visa")
    with pytest.raises(FileNotFoundError, match="no copy of KSDD2"):
        pfl.data.load("ksdd2", tmp_path / "rsdd")
    build(tmp_path / "new", "bottle/train/good/000.png | train bottle 0")
    assert len(pfl.data.load("mvtec", tmp_path / "new", split="train")) == 1
    build(tmp_path / "mvtec", ORIGINALS["mvtec"][1])
    with pytest.raises(FileNotFoundError, match="no copy of HeadCT"):  # many categories are another set's
        pfl.data.load("headct", tmp_path / "mvtec")
    for arguments, message in (
        ({"name": "imagenet"}, "'imagenet' is none of mvtec, visa"),
        ({"name": "mvtec"}, "not shipped"),
        ({"name": "mvtec", "root": tmp_path / "mvtec", "split": "val"}, "no split 'val'"),
    ):
        with pytest.raises(ValueError, match=message):
            pfl.data.load(**arguments)


@pytest.fixture
def small_mvtec(tmp_path, monkeypatch):
    """A whole copy of an MVTec-AD that has but the miniature's images."""
    build(tmp_path / "copy", ORIGINALS["mvtec"][1])
    (tmp_path / "copy/bottle/ground_truth/broken_large/0000_mask.png").unlink()
    few = (Category("bottle", (1, 1, 3)), Category("metal_nut", (0, 1, 1)))
    monkeypatch.setitem(SPECS, "mvtec", replace(SPECS["mvtec"], categories=few))
    return tmp_path / "copy"


def test_a_sound_copy_passes_its_check(small_mvtec):
    report = pfl.data.check("MVTec-AD", small_mvtec)
    assert report.ok and "no problems" in str(report)
    assert report.table.loc["bottle"].to_list() == [1, 1, 1, 1, 3, 3]
    assert report.fingerprint == pfl.data.load("mvtec", small_mvtec, split="all").fingerprint()
    assert pfl.data.check("mvtec", small_mvtec, subset="whole").table.equals(report.table)  # the paper used all of it


def test_a_check_tells_all_problems_at_once(small_mvtec):
    bottle = small_mvtec / "bottle"
    shutil.copytree(small_mvtec / "metal_nut", small_mvtec / "Metal_Nut")
    shutil.rmtree(small_mvtec / "metal_nut")
    (bottle / "test").rename(bottle / "Test")
    write(bottle / "ground_truth/broken_large/000_mask.png", "empty")
    Image.new("L", (16, 11), 255).save(bottle / "ground_truth/broken_large/001_mask.png")
    (bottle / "ground_truth/contamination/000_mask.png").unlink()
    (bottle / "Test/good/000.png").write_bytes((bottle / "train/good/000.png").read_bytes()[:100])
    (bottle / "train/good/000.png").unlink()
    write(bottle / "ground_truth/broken_large/007_mask.png", "mask")
    write(bottle / "Test/good/Thumbs.db")
    report = pfl.data.check("mvtec", small_mvtec)
    problems = [
        r"wrong count: bottle has 0 train_normal images, expected 1",
        r"missing mask: none for the anomaly .*contamination.000.png",
        r"empty mask: .*broken_large.000_mask.png",
        r"sizes differ: .*broken_large.001.png is 16 x 12, its mask 16 x 11",
        r"unreadable: cannot read .*good.000.png",
    ]
    remarks = [
        r"wrong case: .*Test is published as test",
        r"wrong case: category folder Metal_Nut is published as metal_nut",
        r"stray: 1 files in .*broken_large belong to no sample: 007_mask.png",
        r"stray: 1 files in .*good belong to no sample: Thumbs.db",
    ]
    for patterns, lines in ((problems, report.problems), (remarks, report.remarks)):
        for pattern in patterns:
            assert sum(bool(re.search(pattern, line)) for line in lines) == 1, pattern
        assert len(lines) == len(patterns)
        assert all(line in str(report) for line in lines)
    assert report.fingerprint == "incomplete"
    with pytest.raises(FileNotFoundError, match=r"missing mask.*pfl data check mvtec"):
        pfl.data.load("mvtec", small_mvtec)


def test_a_table_that_was_cut_off_is_named_with_its_row(tmp_path):
    build(tmp_path, next(table for name, table, _ in ORIGINALS.values() if name == "visa"))
    add_tables(tmp_path)
    table = tmp_path / "split_csv" / "1cls.csv"
    table.write_text(table.read_text() + "candle,test,ano")
    with pytest.raises(ValueError, match="1cls.csv: the row candle,test,ano has not 5 values; fetch the file anew"):
        pfl.data.load("visa", tmp_path)


def test_a_listed_file_that_is_absent_is_a_problem(tmp_path):
    build(tmp_path, ORIGINALS["visa"][1])
    add_tables(tmp_path)
    (tmp_path / "candle/Data/Images/Anomaly/097.JPG").rename(tmp_path / "candle/Data/Images/Anomaly/097.jpg")
    assert any("097.jpg is published as 097.JPG" in line for line in pfl.data.check("visa", tmp_path).remarks)
    (tmp_path / "candle/Data/Images/Normal/0739.JPG").unlink()
    assert any(re.match(r"missing image: .*0739.JPG", p) for p in pfl.data.check("visa", tmp_path).problems)


def test_the_fingerprint_is_the_content_not_the_place(small_mvtec, tmp_path):
    here = pfl.data.load("mvtec", small_mvtec).fingerprint()
    shutil.copytree(small_mvtec, tmp_path / "elsewhere/mvtec_anomaly_detection")
    assert pfl.data.load("mvtec", tmp_path / "elsewhere").fingerprint() == here
    write(small_mvtec / "bottle/ground_truth/contamination/000_mask.png", "ids")
    assert pfl.data.load("mvtec", small_mvtec).fingerprint() != here


def test_the_catalogue_adds_up_to_the_references_lists():
    # categories, test normal, test anomalous, train normal: counted in the reference's meta files
    totals = dict(
        mvtec=(15, 467, 1258, 3629), visa=(12, 962, 1200, 8659), btad=(3, 451, 290, 1799), ksdd2=(1, 356, 356, 0),
        rsdd=(1, 387, 387, 0), dagm=(7, 1350, 1350, 0), dtd=(12, 357, 947, 1200), headct=(1, 100, 100, 0),
        brainmri=(1, 85, 68, 0), br35h=(1, 1500, 1500, 0), isic=(1, 0, 379, 0), colondb=(1, 0, 380, 0),
        clinicdb=(1, 0, 612, 0), endo=(1, 0, 200, 0), kvasir=(1, 0, 1000, 0),
    )  # fmt: skip
    assert set(SPECS) == set(totals)
    for name, spec in SPECS.items():
        paper = np.array([category.paper for category in spec.categories if category.paper])
        assert (len(paper), *paper.sum(axis=0)[[1, 2, 0]]) == totals[name]
        assert ("image" in spec.level) == (totals[name][1] > 0)
        text = pfl.data.where(name)
        assert spec.source in text and spec.licence in text and spec.title in text
    assert sum(sum(c.pooled["whole"]) for c in SPECS["dagm"].categories) == 16100
