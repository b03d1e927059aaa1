"""Checking a copy: counts, problems, and the fingerprint."""

import re
import shutil
from dataclasses import replace

import pytest
from miniatures import build, write
from originals import ORIGINALS, add_tables
from PIL import Image

import pfl.data
import pfl.data.files
from pfl import cli
from pfl.data import SPECS
from pfl.data.spec import Category


@pytest.fixture
def small_mvtec(tmp_path, monkeypatch):
    """A complete copy of an MVTec-AD that has only the miniature's images."""
    build(tmp_path / "copy", ORIGINALS["mvtec"][1])
    (tmp_path / "copy/bottle/ground_truth/broken_large/0000_mask.png").unlink()
    few = (Category("bottle", (1, 1, 3)), Category("metal_nut", (0, 1, 1)))
    monkeypatch.setitem(SPECS, "mvtec", replace(SPECS["mvtec"], categories=few))
    return tmp_path / "copy"


def test_a_complete_copy_passes_the_check(small_mvtec):
    report = pfl.data.check("MVTec-AD", small_mvtec)
    assert report.ok and "no problems" in str(report)
    assert report.table.loc["bottle"].to_list() == [1, 1, 1, 1, 3, 3]
    assert report.fingerprint == pfl.data.load("mvtec", small_mvtec, split="all").fingerprint()
    assert pfl.data.check("mvtec", small_mvtec, subset="whole").table.equals(report.table)  # the paper used all of it


def test_a_check_reports_all_problems_at_once(small_mvtec):
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
        r"wrong count: bottle: expected 1 train normal \+ 1 test normal \+ 3 test anomalous, found 0 \+ 1 \+ 3",
        r"missing mask: no mask for the anomalous image .*contamination.000.png",
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


def test_a_check_prints_the_first_ten_lines_of_a_kind(small_mvtec, capsys):
    for n in range(12):
        write(small_mvtec / f"bottle/test/broken_large/1{n:02d}.png")
        write(small_mvtec / f"metal_nut/stray/{n}/0.png")
    assert cli.main(["data", "check", "mvtec", str(small_mvtec)]) == 1
    short = capsys.readouterr().out
    assert short == f"{pfl.data.check('mvtec', small_mvtec)}\n"
    assert short.count("missing mask: no mask") == 10 and "missing mask: ... and 2 more (--all lists them)" in short
    assert short.count("remark: stray: 1 files") == 10 and "remark: stray: ... and 2 more" in short
    assert "wrong count: bottle: expected" in short and "test_anomalous_expected" in short
    assert cli.main(["data", "check", "mvtec", str(small_mvtec), "--all"]) == 1
    complete = capsys.readouterr().out
    assert complete.count("missing mask: no mask") == complete.count("remark: stray: 1 files") == 12


def test_visa_with_only_some_categories_is_loaded_and_the_missing_ones_are_named(tmp_path, monkeypatch):
    build(tmp_path, ORIGINALS["visa"][1])
    add_tables(tmp_path)
    few = (Category("candle", (1, 1, 1)), Category("pcb1", (0, 1, 1)), Category("fryum", (1, 1, 1)))
    monkeypatch.setitem(SPECS, "visa", replace(SPECS["visa"], categories=few))
    shutil.rmtree(tmp_path / "pcb1")  # its files are listed in split_csv
    data = pfl.data.load("visa", tmp_path)
    assert data.categories == ("candle",) and data.notes == ("missing categories: pcb1, fryum",)
    assert pfl.data.check("visa", tmp_path).problems == ("missing categories: pcb1, fryum",)
    with pytest.raises(ValueError, match="VisA, paper part: missing categories: pcb1, fryum .--accept-incomplete"):
        pfl.data.require_complete(data)
    (tmp_path / "candle/Data/Images/Anomaly/097.JPG").unlink()  # some files of a category: a damaged copy
    damaged = pfl.data.load("visa", tmp_path)
    assert "097.JPG, listed in split_csv/1cls.csv" in damaged.notes[-1]
    with pytest.raises(ValueError, match="--accept-incomplete"):
        pfl.data.require_complete(damaged)


def test_notes_are_about_the_split_that_is_loaded(small_mvtec):
    assert pfl.data.load("mvtec", small_mvtec).notes == pfl.data.load("mvtec", small_mvtec, split="all").notes == ()
    (small_mvtec / "bottle/train/good/000.png").unlink()
    (small_mvtec / "metal_nut/test/good/000.png").unlink()
    nut = "wrong count: metal_nut: expected 1 normal + 1 anomalous, found 0 + 1"
    assert pfl.data.load("mvtec", small_mvtec).notes == (nut,)
    write(small_mvtec / "metal_nut/train/good/0.png")
    nut = "wrong count: metal_nut: expected 0 normal, found 1"
    assert pfl.data.load("mvtec", small_mvtec, split="train").notes == (
        "wrong count: bottle: expected 1 normal, found 0",
        nut,
    )


def test_the_training_split_needs_no_masks(small_mvtec):
    shutil.rmtree(small_mvtec / "bottle/ground_truth")
    assert len(pfl.data.load("mvtec", small_mvtec, split="train")) == 1
    for split in ("test", "all"):
        with pytest.raises(FileNotFoundError, match="missing mask"):
            pfl.data.load("mvtec", small_mvtec, split=split)
    for category in ("bottle", "metal_nut"):
        shutil.rmtree(small_mvtec / category / "test")
    data = pfl.data.load("mvtec", small_mvtec, split="train")
    assert len(data) == 1 and data.notes == ()


def test_the_error_for_a_truncated_table_names_file_and_row(tmp_path):
    build(tmp_path, next(table for name, table, _ in ORIGINALS.values() if name == "visa"))
    add_tables(tmp_path)
    table = tmp_path / "split_csv" / "1cls.csv"
    table.write_text(table.read_text() + "candle,test,ano")
    with pytest.raises(ValueError, match="1cls.csv: the row candle,test,ano does not have 5 values; download it again"):
        pfl.data.load("visa", tmp_path)


def test_a_listed_file_that_is_missing_is_a_problem(tmp_path):
    build(tmp_path, ORIGINALS["visa"][1])
    add_tables(tmp_path)
    (tmp_path / "candle/Data/Images/Anomaly/097.JPG").rename(tmp_path / "candle/Data/Images/Anomaly/097.jpg")
    assert any("097.jpg is published as 097.JPG" in line for line in pfl.data.check("visa", tmp_path).remarks)
    (tmp_path / "candle/Data/Images/Normal/0739.JPG").unlink()
    assert any(re.match(r"missing image: .*0739.JPG", p) for p in pfl.data.check("visa", tmp_path).problems)


def test_the_fingerprint_depends_on_content_not_on_location(small_mvtec, tmp_path):
    here = pfl.data.load("mvtec", small_mvtec).fingerprint()
    shutil.copytree(small_mvtec, tmp_path / "elsewhere/mvtec_anomaly_detection")
    assert pfl.data.load("mvtec", tmp_path / "elsewhere").fingerprint() == here
    write(small_mvtec / "bottle/ground_truth/contamination/000_mask.png", "ids")
    assert pfl.data.load("mvtec", small_mvtec).fingerprint() != here
