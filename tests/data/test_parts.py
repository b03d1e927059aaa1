"""Parts of a data set: the paper's, the whole, and errors for what is missing."""

import numpy as np
import pytest
from miniatures import build, seen, write
from originals import ORIGINALS

import pfl.data
import pfl.data.files
from pfl.data import SPECS


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
    normals = {(f"train/{n}.png", "test", 0) for n in (10000, 10002, 10003)}  # the first as many
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

    (tmp_path / "test/20001_GT.png").unlink()  # without its mask the label is unknown, not normal
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


def test_the_papers_part_of_brainmri_is_what_the_reference_finds(tmp_path):
    for name in ("no/10 no.jpg", "no/no.jpg", "no/N2.JPG", "yes/Y100.JPG", "yes/Y1.jpg", "yes/Y3.jpeg", "yes/Y4.png"):
        write(tmp_path / name)
    assert {s[0] for s in seen(tmp_path, "brainmri")} == {"no/10 no.jpg", "no/no.jpg", "yes/Y100.JPG"}
    whole = pfl.data.load("brainmri", tmp_path, subset="whole")
    assert [sum(s.label == label for s in whole.samples) for label in (0, 1)] == [3, 4]
    assert (whole.part, whole.samples[0].class_name) == ("whole", "brain ct")

    (tmp_path / "yes/Y100.JPG").rename(tmp_path / "yes/Y100.jpg")  # case lost: the paper's part is unknown
    assert pfl.data.load("brainmri", tmp_path).part == "whole"
    with pytest.raises(ValueError, match="no part 'paper', only whole"):
        pfl.data.load("brainmri", tmp_path, subset="paper")


def test_the_error_for_a_missing_part_or_copy_gives_the_reason(tmp_path):
    build(tmp_path / "rsdd", ORIGINALS["rsdd"][1])
    with pytest.raises(ValueError, match=r"no part 'paper'.*private random crops"):
        pfl.data.load("rsdd", tmp_path / "rsdd", subset="paper")
    build(tmp_path / "colon", ORIGINALS["colondb, Barcelona"][1])
    assert pfl.data.load("colondb", tmp_path / "colon").part == "barcelona"
    build(tmp_path / "visa", "candle/Data/Images/Normal/0000.JPG | train candle 0")
    with pytest.raises(FileNotFoundError, match="needs split_csv/1cls.csv"):
        pfl.data.load("visa", tmp_path / "visa")
    with pytest.raises(FileNotFoundError, match="not a copy of KSDD2"):
        pfl.data.load("ksdd2", tmp_path / "rsdd")
    build(tmp_path / "new", "bottle/train/good/000.png | train bottle 0")
    assert len(pfl.data.load("mvtec", tmp_path / "new", split="train")) == 1
    build(tmp_path / "mvtec", ORIGINALS["mvtec"][1])
    with pytest.raises(FileNotFoundError, match="not a copy of HeadCT"):  # several categories: another set
        pfl.data.load("headct", tmp_path / "mvtec")
    for arguments, message in (
        ({"name": "imagenet"}, "unknown data set 'imagenet': choose mvtec, visa"),
        ({"name": "mvtec"}, "does not ship"),
        ({"name": "mvtec", "root": tmp_path / "mvtec", "split": "val"}, "no split 'val'"),
    ):
        with pytest.raises(ValueError, match=message):
            pfl.data.load(**arguments)


def test_the_counts_of_the_catalogue_equal_the_references_lists():
    # categories, test normal, test anomalous, train normal, as counted in the reference's meta files
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
